//! See [`bearward_fuzz::introspection`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::introspection, include_bytes!("../corpus/introspection/active")),
    |data: &[u8]| {
        bearward_fuzz::introspection(data);
    }
);
