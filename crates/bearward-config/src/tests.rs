//! What a configuration may say, and what its author is told when it may not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod example;
mod form;
mod gateway;
mod introspection;
mod issuer_keys;
mod issuer_tokens;
mod issuers;
mod keys;
mod layering;
mod mutations;
mod providers;
mod reference;
mod routes;
mod secrets;
mod show;

use std::path::Path;

use super::problem::{Position, Problem, Problems, Severity};
use super::{Config, Overrides, parse};

/// A whole configuration, in parts.
const ISSUER: &str = "[[issuers]]\nissuer = \"https://auth.example.com\"\naudiences = [\"https://api.example.com\"]\n";
const UPSTREAM: &str = "[[upstreams]]\nname = \"orders\"\nservers = [\"127.0.0.1:3000\"]\n";
const ROUTE: &str = "[[routes]]\npath = \"/orders/*\"\nupstream = \"orders\"\n";

/// A configuration with nothing wrong but what is added.
fn with(added: &str) -> String {
    format!("{added}\n{ISSUER}{UPSTREAM}{ROUTE}")
}

fn read(text: &str) -> Result<Config, Problems> {
    parse(text, Path::new("config.toml"), &Overrides::default(), [])
}

fn accepts(text: &str) -> Config {
    match read(text) {
        Ok(config) if config.warnings.is_empty() => config,
        Ok(config) => panic!("{text}\n{}", Problems::new(config.warnings)),
        Err(problems) => panic!("{text}\n{problems}"),
    }
}

/// Holds that there is one error in the text, at the part between `<<` and `>>`, with a message and a hint like these.
fn refuses(marked: &str, message: &str, hint: &str) {
    let problems = read(&unmarked(marked)).map(|_| panic!("not refused: {marked}")).unwrap_or_else(Problems::into_vec);
    holds(marked, &problems, Severity::Error, message, hint);
}

/// Holds that the configuration can be used, and that its author is warned.
fn warns(marked: &str, message: &str, hint: &str) {
    let config = read(&unmarked(marked)).unwrap_or_else(|problems| panic!("{marked}\n{problems}"));
    holds(marked, &config.warnings, Severity::Warning, message, hint);
}

fn holds(marked: &str, problems: &[Problem], severity: Severity, message: &str, hint: &str) {
    let all = Problems::new(problems.to_vec());
    let [problem] = problems else { panic!("not one problem: {marked}\n{all}") };
    assert_eq!(problem.severity, severity, "{marked}\n{all}");
    assert!(problem.message.contains(message), "{marked}\n{all}\nshould say: {message}");
    let given = problem.hint.as_deref().unwrap_or_default();
    assert!(given.contains(hint) && given.is_empty() == hint.is_empty(), "{marked}\n{all}\nshould hint: {hint}");

    let Position::Line { excerpt, .. } = &problem.position else { panic!("no position: {marked}\n{all}") };
    let (before, rest) = marked.split_once("<<").unwrap_or_else(|| panic!("mark the place: {marked}\n{all}"));
    let (meant, _) = rest.split_once(">>").unwrap();
    let location = (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
    assert_eq!((excerpt.line, excerpt.column), location, "{marked}\n{all}");
    // What must not be shown is as long as the word that stands for it.
    let shown = !excerpt.text.contains("[redacted]");
    assert!(!shown || excerpt.width == meant.chars().count(), "{marked}\n{all}");
}

fn unmarked(marked: &str) -> String {
    marked.replace("<<", "").replace(">>", "")
}
