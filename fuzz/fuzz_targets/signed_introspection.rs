//! See [`bearward_fuzz::signed_introspection`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::signed_introspection, include_bytes!("../corpus/signed_introspection/active")),
    |data: &[u8]| {
        bearward_fuzz::signed_introspection(data);
    }
);
