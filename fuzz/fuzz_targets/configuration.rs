//! See [`bearward_fuzz::configuration`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::configuration, include_bytes!("../corpus/configuration/whole")),
    |data: &[u8]| {
        bearward_fuzz::configuration(data);
    }
);
