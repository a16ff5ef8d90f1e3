//! See [`bearward_fuzz::claims`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::claims, include_bytes!("../corpus/claims/valid")),
    |data: &[u8]| {
        bearward_fuzz::claims(data);
    }
);
