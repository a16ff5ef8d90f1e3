//! Every test that the pages on attacks and conformance name is there, and no line of them goes without.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;

/// How many tests the page names; each of them must be there.
fn named_tests(page: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let named: Vec<(&str, &str)> = page.split('`').filter_map(|code| code.split_once(".rs: ")).collect();
    for (file, test) in &named {
        let text = fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
        // A test, and not a function that helps one.
        let is_test = text.split("#[").filter(|part| part.starts_with("test]") || part.starts_with("tokio::test"));
        let name = format!("fn {test}(");
        assert!(is_test.into_iter().any(|part| part.contains(&name)), "{file}.rs has no test {test}");
    }
    named.len()
}

#[test]
fn every_entry_names_tests_that_exist() {
    let page = include_str!("../src/attacks.md");
    let named = named_tests(page);
    assert!(named > 30, "{named} tests are named");
    for entry in page.split("\n\n").filter(|paragraph| paragraph.starts_with("**")) {
        assert!(entry.contains(".rs: "), "an entry without a test: {entry}");
    }
}

#[test]
fn every_line_of_the_conformance_page_names_tests_that_exist() {
    let page = include_str!("../../../docs/conformance.md");
    let named = named_tests(page);
    assert!(named > 100, "{named} tests are named");
    let mut lines = 0;
    for line in page.split("\n- ").skip(1).map(|line| line.split("\n\n").next().unwrap_or_default()) {
        lines += 1;
        let says_why_not = line.starts_with("*Not here*") || line.starts_with("*No test*");
        assert_ne!(line.contains(".rs: "), says_why_not, "one of the two: {line}");
    }
    assert!(lines > 80, "{lines} lines");
}
