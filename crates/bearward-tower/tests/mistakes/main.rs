//! Mistakes that people make, and what the compiler tells them. The ones that it cannot see are in `mount/extractors.rs` and
//! `mount/layer.rs`: there the log tells.
//!
//! What is expected is the compiler's own text, which changes with it: `TRYBUILD=overwrite` writes it anew, to be read before
//! it is kept.
#![cfg(all(feature = "axum", feature = "testing"))]

#[test]
fn mistakes_do_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/mistakes/*/*.rs");
}
