//! See [`bearward_fuzz::path`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::path, include_bytes!("../corpus/path/names-and-rest")),
    |data: &[u8]| {
        bearward_fuzz::path(data);
    }
);
