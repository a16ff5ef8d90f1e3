//! See [`bearward_fuzz::jws`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::jws, include_bytes!("../corpus/jws/valid")),
    |data: &[u8]| {
        bearward_fuzz::jws(data);
    }
);
