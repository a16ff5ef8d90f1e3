//! See [`bearward_fuzz::credential`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::credential, include_bytes!("../corpus/credential/bearer")),
    |data: &[u8]| {
        bearward_fuzz::credential(data);
    }
);
