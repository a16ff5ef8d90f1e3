//! See [`bearward_fuzz::http_response`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::http_response, include_bytes!("../corpus/http_response/length")),
    |data: &[u8]| {
        bearward_fuzz::http_response(data);
    }
);
