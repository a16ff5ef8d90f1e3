//! Which parts of the file must not be shown: what may be a secret, and the queries of URLs.

use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

use crate::redact::{References, refers_elsewhere};
use crate::suggest;

/// Whether a key sounds as if its value were a secret, misspelled ones too. Keys that only say where the
/// secret is do not.
fn sounds_secret(key: &str) -> bool {
    const WORDS: [&str; 8] =
        ["secret", "password", "passwd", "passphrase", "private", "credential", "api_key", "apikey"];
    let key = key.to_ascii_lowercase();
    let says_where = key.ends_with("_file") || key.ends_with("_env");
    let sounds = |part: &str| WORDS.iter().any(|word| part.contains(word)) || suggest::nearest(part, WORDS).is_some();
    !says_where
        && (["token", "assertion", "_key"].iter().any(|end| key.ends_with(end))
            || sounds(&key)
            || key.split(['_', '-']).any(sounds))
}

/// Whether a value is one that never belongs into the file: a URL with a password, or the header itself in place of
/// what is to become of it.
fn looks_secret(key: &str, value: &Value) -> bool {
    let header = key.contains("authorization") && !key.ends_with("_file");
    value.as_str().is_some_and(|text| credentials(text).is_some() || header && text.contains(' '))
}

/// The user name and password of a URL, or of what should be `host:port` (RFC 3986, 3.2.1).
pub(super) fn credentials(text: &str) -> Option<&str> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let (credentials, _) = authority.rsplit_once('@')?;
    let credentials = credentials.trim_start_matches(['"', '\'']);
    (rest.len() < text.len() || credentials.contains(':')).then_some(credentials).filter(|text| !text.is_empty())
}

/// Whether a value stands where the name of a file or of a variable belongs, and is none that is there: it may be the secret.
fn is_missing_reference(key: &str, item: &Item, references: References<'_>) -> bool {
    refers_elsewhere(&intended_key(key))
        && !item.as_str().is_some_and(|text| references.may_show(&intended_key(key), text))
}

/// The key that names where a secret is, if this is one or a misspelled one; else the key itself.
fn intended_key(key: &str) -> String {
    const KEYS: [&str; 8] = [
        "client_secret_file",
        "client_secret_env",
        "private_key_file",
        "certificate_key_file",
        "client_assertion_file",
        "bearer_token_file",
        "authorization_file",
        "decryption_keys_file",
    ];
    let key = key.to_ascii_lowercase();
    if refers_elsewhere(&key) { key } else { suggest::nearest(&key, KEYS).map_or(key.clone(), str::to_owned) }
}

/// The queries and fragments of URLs in the values of a table, and in all tables in it.
pub(super) fn find_queries(table: &dyn TableLike, text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (key, item) in table.iter() {
        // A URL that lacks its scheme is a mistake that is told, too.
        let is_url = ["issuer", "url", "resources", "assertion_audience"].contains(&key) || key.ends_with("_url");
        if let Some(value) = item.as_value() {
            found.extend(queries_of(value, is_url, text));
        }
        if let Some(table) = item.as_table() {
            found.extend(find_queries(table, text));
        }
        for table in item.as_array_of_tables().into_iter().flatten() {
            found.extend(find_queries(table, text));
        }
    }
    found
}

fn queries_of(value: &Value, is_url: bool, text: &str) -> Vec<Range<usize>> {
    match value {
        Value::String(string) if string.value().contains(['?', '#']) => {
            let shows_url = is_url || string.value().contains("://");
            let Some(span) = value.span().filter(|_| shows_url) else { return Vec::new() };
            let raw = text.get(span.clone()).unwrap_or_default();
            // Where it is written with an escape, nothing of the value is shown.
            let from = raw.find(['?', '#']).map_or(span.start, |at| span.start + at + 1);
            // The last character is a quotation mark.
            std::iter::once(from..span.end.saturating_sub(1)).collect()
        }
        Value::Array(values) => values.iter().flat_map(|value| queries_of(value, is_url, text)).collect(),
        Value::InlineTable(table) => find_queries(table, text),
        _ => Vec::new(),
    }
}

pub(super) fn find_secrets(table: &dyn TableLike, references: References<'_>, secrets: &mut Vec<Range<usize>>) {
    for (key, item) in table.iter() {
        // The table says how to obtain a token, and holds none.
        let grant = key == "client_credentials" && item.is_table_like();
        let looks = item.as_value().is_some_and(|value| looks_secret(key, value));
        if !grant && sounds_secret(key) || looks || is_missing_reference(key, item, references) {
            secrets.extend(item.span());
        }
        if let Some(table) = item.as_table_like() {
            find_secrets(table, references, secrets);
        }
        for table in item.as_array_of_tables().into_iter().flatten() {
            find_secrets(table, references, secrets);
        }
        find_secrets_in_list(item.as_value(), references, secrets);
    }
}

fn find_secrets_in_list(list: Option<&Value>, references: References<'_>, secrets: &mut Vec<Range<usize>>) {
    for value in list.and_then(Value::as_array).into_iter().flatten() {
        if let Some(table) = value.as_inline_table() {
            find_secrets(table, references, secrets);
        }
        if looks_secret("", value) {
            secrets.extend(value.span());
        }
        find_secrets_in_list(Some(value), references, secrets);
    }
}

/// The same for a text that cannot be read as TOML: from a key that sounds secret to the next line with a key of its
/// own, because it is not known where the broken value ends.
pub(super) fn lines_with_secrets(text: &str) -> Vec<Range<usize>> {
    let mut hidden: Vec<Range<usize>> = Vec::new();
    let mut inside = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let assignment = line.split_once('=').filter(|(_, value)| value.trim_start().starts_with(begins_value));
        if line.trim_start().starts_with('[') || assignment.is_some() {
            inside = false;
        }
        // Looked for once in a line, which may hold a hundred thousand keys.
        let user = line.rfind('@');
        let query = line.rfind(['?', '#']);
        let url = query.and_then(|at| line.get(..at)).and_then(|before| before.rfind("://"));
        // Several keys may share a line: `introspection = { client_id = "a", client_secret = "b`.
        let secret = line.match_indices('=').find(|(equals, _)| {
            let key = line.get(..*equals).unwrap_or_default().trim_end().trim_end_matches(['"', '\'']);
            let begin = key.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').map_or(0, |i| i + 1);
            let key = key.get(begin..).unwrap_or_default();
            // Where the value of a key that names a file ends is not known either.
            let names = refers_elsewhere(&intended_key(key));
            sounds_secret(key) || names || key == "authorization" || user.max(url) > Some(*equals)
        });
        match secret {
            Some((equals, _)) => hidden.push(start + equals + 1..end),
            None if inside => hidden.push(start..end),
            None => {}
        }
        inside |= secret.is_some();
        start = end;
    }
    hidden
}

fn begins_value(c: char) -> bool {
    matches!(c, '"' | '\'' | '[' | '{' | 't' | 'f' | '+' | '-' | '0'..='9')
}
