//! See [`bearward_fuzz::http_request`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::http_request, include_bytes!("../corpus/http_request/get")),
    |data: &[u8]| {
        bearward_fuzz::http_request(data);
    }
);
