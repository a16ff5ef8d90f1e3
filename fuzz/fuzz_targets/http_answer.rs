//! See [`bearward_fuzz::http_answer`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::http_answer, include_bytes!("../corpus/http_answer/length")),
    |data: &[u8]| {
        bearward_fuzz::http_answer(data);
    }
);
