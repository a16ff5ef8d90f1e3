//! See [`bearward_fuzz::jwk_set`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::jwk_set, include_bytes!("../corpus/jwk_set/all-kinds")),
    |data: &[u8]| {
        bearward_fuzz::jwk_set(data);
    }
);
