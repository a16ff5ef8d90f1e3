//! See [`bearward_fuzz::jwe`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::jwe, include_bytes!("../corpus/jwe/valid")),
    |data: &[u8]| {
        bearward_fuzz::jwe(data);
    }
);
