//! Scopes, and `[scope_implications]`.

use bearward_core::Scope;

use crate::location::Diagnostic;
use crate::reader::Section;

pub(super) fn scope(text: &str) -> Result<Scope, Diagnostic> {
    Scope::parse(text).map_err(|error| {
        let diagnostic = Diagnostic::new(error.to_string());
        if text.contains(' ') { diagnostic.hint("write each scope as a string of its own") } else { diagnostic }
    })
}

/// Scopes that imply others, each with those that it implies.
pub(super) fn implications(root: &mut Section<'_>) -> Vec<(Scope, Vec<Scope>)> {
    let reader = root.reader;
    let mut implications = Vec::new();
    for (name, implied) in root.lists("scope_implications", scope) {
        let itself = implied.value.iter().find(|implied| implied.value.as_str() == name.value);
        if let Some(itself) = itself {
            reader.error(&itself.location, "a scope always stands for itself");
        }
        match scope(&name.value) {
            Ok(scope) => implications.push((scope, implied.value.into_iter().map(|at| at.value).collect())),
            Err(diagnostic) => reader.error(&name.location, diagnostic),
        }
    }
    implications
}
