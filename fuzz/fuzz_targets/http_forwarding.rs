//! See [`bearward_fuzz::http_forwarding`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::http_forwarding, include_bytes!("../corpus/http_forwarding/post")),
    |data: &[u8]| {
        bearward_fuzz::http_forwarding(data);
    }
);
