//! Secrets: from a file or from the environment, never from the configuration itself.

use std::fs;
use std::path::{Path, PathBuf};

use bearward_gate::{Secret, answers_in_time};

use crate::location::{Diagnostic, Located, quote};
use crate::reader::Reader;
use crate::reason;

/// The secret in a file. The path starts in the folder of the configuration file, unless it is absolute.
pub(super) fn from_file(reader: &Reader<'_>, path: &Located<String>) -> Option<Secret> {
    let secret = existing_path(reader, path).and_then(|file| read_file(&file, true));
    secret.map_err(|diagnostic| reader.error(&path.location, diagnostic)).ok()
}

/// The content of a file that every user may read and that is read again when it changes: a certificate.
pub(super) fn from_public_file(reader: &Reader<'_>, path: &Located<String>) -> Option<Secret> {
    let text = existing_path(reader, path).and_then(|file| read_file(&file, false));
    text.map_err(|diagnostic| reader.error(&path.location, diagnostic)).ok()
}

/// The path of a file. A value that names no existing file or folder may be the secret itself, and is not shown.
pub(super) fn existing_path(reader: &Reader<'_>, path: &Located<String>) -> Result<PathBuf, Diagnostic> {
    if reader.references.has_path(&path.value) {
        return Ok(reader.references.folder.join(&path.value));
    }
    let diagnostic = Diagnostic::new("there is no such file, and no such folder for it").private();
    Err(diagnostic.hint("name a file that is there; the value is not shown, because it may be the content itself"))
}

/// The secret in an environment variable.
pub(super) fn from_environment(reader: &Reader<'_>, name: &Located<String>) -> Option<Secret> {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let diagnostic = if !name.value.chars().all(letter) || name.value.starts_with(|c: char| c.is_ascii_digit()) {
        // It may be the secret itself.
        let diagnostic = Diagnostic::new("must be the name of an environment variable").private();
        diagnostic.hint("put the secret itself in the variable, never in this file")
    } else {
        match reader.references.environment.get(&name.value).map(String::as_str) {
            Some("") => Diagnostic::new(format!("the environment variable {} is empty", name.value)),
            Some(secret) => return Some(Secret::from_text(secret.to_owned())),
            None => Diagnostic::new("no environment variable of this name is set").private().hint(
                "name a variable that is set where the gateway runs; the value is not shown, because it may be the \
                 secret itself",
            ),
        }
    };
    reader.error(&name.location, diagnostic);
    None
}

fn read_file(path: &Path, is_private: bool) -> Result<Secret, Diagnostic> {
    let shown = quote(&path.display().to_string());
    let unreadable = |error| Diagnostic::new(format!("cannot read {shown}: {}", reason(&error)));
    let file = path.to_owned();
    let look = move || Ok((fs::metadata(&file)?, Secret::is_open_to_others(&file)?));
    let (metadata, is_open) = answers_in_time(look).flatten().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Diagnostic::new(format!("{shown} is a directory")));
    }
    if is_private && is_open {
        let diagnostic = Diagnostic::new(format!("every user of this machine has access to {shown}"));
        return Err(diagnostic.hint(format!("chmod o= {} (in Kubernetes: defaultMode: 0440)", path.display())));
    }
    if metadata.is_file() && metadata.len() == 0 {
        return Err(Diagnostic::new(format!("{shown} is empty")));
    }
    // Its errors name the path, and never show the content.
    let secret = if is_private { Secret::from_private_file(path) } else { Secret::from_file(path) };
    secret.map_err(|error| Diagnostic::new(format!("cannot use the secret: {error}")))
}
