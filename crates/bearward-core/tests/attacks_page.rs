//! Every test that the page on attacks names is there.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;

#[test]
fn every_entry_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = include_str!("../src/attacks.md");
    let named: Vec<(&str, &str)> = page.split('`').filter_map(|code| code.split_once(".rs: ")).collect();
    assert!(named.len() > 30, "{} tests are named", named.len());
    for (file, test) in named {
        let text = fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
        assert!(text.contains(&format!("fn {test}(")), "{file}.rs has no test {test}");
    }
    for entry in page.split("\n\n").filter(|paragraph| paragraph.starts_with("**")) {
        assert!(entry.contains(".rs: "), "an entry without a test: {entry}");
    }
}
