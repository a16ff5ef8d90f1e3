//! See [`bearward_fuzz::http_chunks`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::http_chunks, include_bytes!("../corpus/http_chunks/two")),
    |data: &[u8]| {
        bearward_fuzz::http_chunks(data);
    }
);
