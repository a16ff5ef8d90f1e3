//! Claims and conditions on them, for issuers and routes.

use bearward_core::{ClaimPointer, ClaimRule, ClaimTest};

use crate::location::{Diagnostic, quote};
use crate::reader::Section;

/// A claim: by its plain name, or by a JSON pointer (RFC 6901), which begins with `/`.
pub(super) fn claim(text: &str) -> Result<ClaimPointer, Diagnostic> {
    if text.starts_with('/') {
        return pointer(text);
    }
    // A claim name that is a URL has slashes; any other name with a slash is a pointer without its first.
    if text.contains('/') && !text.contains("://") {
        let diagnostic = Diagnostic::new(format!("{} is neither a plain name nor a JSON pointer", quote(text)));
        return Err(diagnostic.did_you_mean(Some(format!("/{text}"))));
    }
    Ok(ClaimPointer::member(text))
}

/// A claim by its JSON pointer.
pub(super) fn pointer(text: &str) -> Result<ClaimPointer, Diagnostic> {
    ClaimPointer::parse(text).map_err(|error| Diagnostic::new(format!("{} points to no claim: {error}", quote(text))))
}

/// The rules of a list, all of which must hold.
pub(super) fn rules(section: &mut Section<'_>, key: &'static str) -> Vec<ClaimRule> {
    section.sections(key).into_iter().flatten().filter_map(rule).collect()
}

/// The keys of which a rule has one.
const TESTS: [&str; 4] = ["equals", "one_of", "contains", "exists"];

fn rule(mut section: Section<'_>) -> Option<ClaimRule> {
    let reader = section.reader;
    section.require("claim", "\"/tenant\"");
    let claim = section.parsed("claim", "a string", claim);
    section.refuse_empty("one_of", "name the values of which it must be one");
    let equals = section.scalar("equals").map(|value| ClaimTest::Equals(value.value));
    let one_of = section.scalars("one_of").map(|values| ClaimTest::OneOf(values.value));
    let contains = section.scalar("contains").map(|value| ClaimTest::Contains(value.value));
    let exists = section.boolean("exists");
    if let Some(exists) = exists.as_ref().filter(|exists| !exists.value) {
        let diagnostic = Diagnostic::new("no rule asks for a claim to be absent");
        reader.error(&exists.location, diagnostic.hint("write `exists = true`, or leave the rule out"));
    }
    section.exclude(&TESTS, "keep one of the two, or write a rule for each: all of them must hold");
    // An unknown key is reported below, and was probably meant to be the test.
    if !TESTS.into_iter().any(|key| section.has(key)) && !section.has_unknown_keys() {
        let diagnostic = Diagnostic::new(format!("{} asks nothing of the claim", section.location));
        let hint = "add one of equals = \"a\", one_of = [\"a\", \"b\"], contains = \"a\", exists = true";
        reader.error(&section.location, diagnostic.hint(hint));
    }
    section.finish();
    let test = equals.or(one_of).or(contains).or(exists.map(|_| ClaimTest::Exists))?;
    Some(ClaimRule { claim: claim?.value, test })
}
