//! See [`bearward_fuzz::decryption_keys`].
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bearward_fuzz::must_accept(bearward_fuzz::decryption_keys, include_bytes!("../corpus/decryption_keys/set")),
    |data: &[u8]| {
        bearward_fuzz::decryption_keys(data);
    }
);
