//! See [`bearward_fuzz::tokeninfo`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::tokeninfo, include_bytes!("../corpus/tokeninfo/active")),
    |data: &[u8]| {
        bearward_fuzz::tokeninfo(data);
    }
);
