//! Which part of a value may be shown in a message, in an excerpt of the file, and in the output of `check`.
//!
//! No setting holds a secret, but people put one where the name of its file or variable belongs, and some URLs have keys in
//! their queries. Messages end up in build logs.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};

use bearward_gate::answers_in_time;

/// Replaces text that must not be shown.
pub(super) const REDACTED: &str = "[redacted]";

/// The files and environment variables that a configuration can refer to. They tell a name from a secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct References<'a> {
    /// The folder of the configuration file; relative paths start here.
    pub(super) folder: &'a Path,
    /// The environment variables, which may hold secrets.
    pub(super) environment: &'a BTreeMap<String, String>,
}

impl References<'_> {
    /// Whether the value of a key may be shown. The name of a file or of an environment variable may, if that exists; anything
    /// else may be the secret itself. The values of all other keys may be shown.
    pub(super) fn may_show(&self, key: &str, value: &str) -> bool {
        match key {
            _ if names_variable(key) => self.has_variable(value),
            _ if names_file(key) => self.has_path(value),
            _ => true,
        }
    }

    pub(super) fn has_variable(&self, name: &str) -> bool {
        self.environment.contains_key(name)
    }

    /// Whether the file exists, or at least the folder that the value names for it. One that does not answer does.
    pub(super) fn has_path(&self, value: &str) -> bool {
        let (folder, value) = (self.folder.to_owned(), value.to_owned());
        answers_in_time(move || has_path(&folder, &value)).unwrap_or(true)
    }
}

fn has_path(folder: &Path, value: &str) -> bool {
    let path = folder.join(value);
    match path.symlink_metadata() {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => true,
        Err(_) => {
            let named = Path::new(value).parent().unwrap_or(Path::new(""));
            let names_folder = named.components().any(|part| matches!(part, Component::Normal(_)));
            names_folder && folder.join(named).is_dir()
        }
    }
}

/// Whether the value of the key is the name of a file or of a variable.
pub(super) fn refers_elsewhere(key: &str) -> bool {
    names_file(key) || names_variable(key)
}

fn names_file(key: &str) -> bool {
    key.ends_with("_file")
}

fn names_variable(key: &str) -> bool {
    key.ends_with("_env")
}

/// The text with the queries and fragments of all URLs removed: both may hold keys.
pub(super) fn without_queries(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + 3);
        let end = url.find(ends_url).unwrap_or(url.len());
        let (url, after) = url.split_at(end);
        shown.push_str(before);
        shown.push_str(&without_query(url));
        rest = after;
    }
    shown + rest
}

/// A URL, or what should be one, without its query and its fragment.
pub(super) fn without_query(url: &str) -> String {
    match url.find(['?', '#']) {
        Some(at) if at + 1 < url.len() => url.get(..=at).unwrap_or_default().to_owned() + REDACTED,
        _ => url.to_owned(),
    }
}

/// Characters that end a URL in our messages; no URL contains them.
fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '`' | '"' | '<' | '>')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::fs;

    use super::*;

    #[test]
    fn names_are_shown_where_what_they_name_is_there() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("secrets")).unwrap();
        fs::write(folder.path().join("client"), "").unwrap();
        let environment = BTreeMap::from([("THE_SECRET".to_owned(), String::new())]);
        let references = References { folder: folder.path(), environment: &environment };
        let absolute = folder.path().join("secrets/x").display().to_string();
        for shown in ["client", "secrets", "secrets/missing", "./secrets/missing", &absolute] {
            assert!(references.may_show("client_secret_file", shown), "{shown}");
        }
        let long = "a".repeat(5000);
        for hidden in
            ["hunter2", "./hunter2", "../hunter2", "/hunter2", "hun/ter2", "client/hunter2", "eyJ.e30.", &long]
        {
            assert!(!references.may_show("client_secret_file", hidden), "{hidden}");
        }
        assert!(references.may_show("client_secret_env", "THE_SECRET"));
        assert!(
            !references.may_show("client_secret_env", "HUNTER2") && !references.may_show("client_secret_env", "client")
        );
        assert!(references.may_show("client_id", "hunter2"));
    }

    #[test]
    fn no_url_keeps_its_query() {
        for (text, shown) in [
            ("https://a.example/b?key=c#d", "https://a.example/b?[redacted]"),
            (
                "at https://a.example?b, from https://c.example/#d e",
                "at https://a.example?[redacted] from https://c.example/#[redacted] e",
            ),
            ("`https://a.example?b=?c` is `what?`", "`https://a.example?[redacted]` is `what?`"),
            ("https://a.example/?", "https://a.example/?"),
            ("what? no URL: /a?b=c", "what? no URL: /a?b=c"),
            ("https://", "https://"),
        ] {
            assert_eq!(without_queries(text), shown);
        }
        assert_eq!(without_query("a.example/b?key=c d"), "a.example/b?[redacted]");
    }
}
