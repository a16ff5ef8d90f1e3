//! Scopes, and `[scope_implications]`.

use bearward_core::Scope;

use crate::location::Complaint;
use crate::reader::Section;

pub(super) fn scope(text: &str) -> Result<Scope, Complaint> {
    Scope::parse(text).map_err(|error| {
        let complaint = Complaint::new(error.to_string());
        if text.contains(' ') { complaint.hint("write each scope as a string of its own") } else { complaint }
    })
}

/// Scopes that stand for others, each with those that it stands for.
pub(super) fn implications(root: &mut Section<'_>) -> Vec<(Scope, Vec<Scope>)> {
    let reading = root.reading;
    let mut implications = Vec::new();
    for (name, implied) in root.lists("scope_implications", scope) {
        let itself = implied.value.iter().find(|implied| implied.value.as_str() == name.value);
        if let Some(itself) = itself {
            reading.error(&itself.location, "a scope stands for itself anyway");
        }
        match scope(&name.value) {
            Ok(scope) => implications.push((scope, implied.value.into_iter().map(|at| at.value).collect())),
            Err(complaint) => reading.error(&name.location, complaint),
        }
    }
    implications
}
