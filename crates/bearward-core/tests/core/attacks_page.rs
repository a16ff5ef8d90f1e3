//! Every test that the pages on attacks and conformance name is there, and no line of them goes without.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The crate and the function of each test that a page names, as `` `crate: function` ``.
fn named(text: &str) -> Vec<(&str, &str)> {
    let is_crate = |name: &str| name == "bearward" || name.starts_with("bearward-");
    let is_function = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte));
    let pairs = text.split('`').filter_map(|code| code.split_once(": "));
    pairs.filter(|(package, function)| is_crate(package) && is_function(function)).collect()
}

/// How many tests the page names; each of them must be there.
fn named_tests(page: &str) -> usize {
    let mut tests: HashMap<&str, HashSet<String>> = HashMap::new();
    let named = named(page);
    for (package, test) in &named {
        let known = tests.entry(package).or_insert_with(|| tests_of(package));
        assert!(known.contains(*test), "{package} has no test {test}");
    }
    named.len()
}

/// The names of all tests of a crate: those beside its code, and those of its test binaries. The binary's stand in the
/// folder `tests` of the repository.
fn tests_of(package: &str) -> HashSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let own = root.join("crates").join(package);
    let mut folders = vec![own.join("src"), own.join("tests")];
    if package == "bearward" {
        folders.push(root.join("tests"));
    }
    let mut tests = HashSet::new();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() && path.file_name().is_some_and(|name| name != "node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                tests.extend(tests_in(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    tests
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map_or_else(|_| Vec::new(), |entries| entries.map(|entry| entry.unwrap().path()).collect())
}

/// The functions with the attribute of a test, and not those that help one.
fn tests_in(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split("#[").filter(|part| part.starts_with("test]") || part.starts_with("tokio::test"));
    parts.filter_map(|part| Some(part.split_once("fn ")?.1.split_once('(')?.0.to_owned()))
}

#[test]
fn every_entry_names_tests_that_exist() {
    let page = include_str!("../../src/attacks.md");
    assert!(named_tests(page) > 30);
    for entry in page.split("\n\n").filter(|paragraph| paragraph.starts_with("**")) {
        assert!(!named(entry).is_empty(), "an entry without a test: {entry}");
    }
}

#[test]
fn every_line_of_the_conformance_page_names_tests_that_exist() {
    let page = include_str!("../../../../docs/conformance.md");
    assert!(named_tests(page) > 100);
    let mut lines = 0;
    for line in page.split("\n- ").skip(1).map(|line| line.split("\n\n").next().unwrap_or_default()) {
        lines += 1;
        let says_why_not = line.starts_with("*Not here*") || line.starts_with("*No test*");
        assert_eq!(named(line).is_empty(), says_why_not, "one of the two: {line}");
    }
    assert!(lines > 80, "{lines} lines");
}
