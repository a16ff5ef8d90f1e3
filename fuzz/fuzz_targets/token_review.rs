//! See [`bearward_fuzz::token_review`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::token_review, include_bytes!("../corpus/token_review/authenticated")),
    |data: &[u8]| {
        bearward_fuzz::token_review(data);
    }
);
