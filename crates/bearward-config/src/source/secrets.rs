//! Which parts of the file must not be shown: what may be a secret, and the queries of URLs.

use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

use crate::redact::{References, refers_elsewhere};
use crate::suggest;

/// Whether the name of a key suggests that its value is a secret, even if it is misspelled. Names of keys that only say
/// where the secret is do not.
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

/// Whether a value never belongs in the file: a URL with a password, or the header field itself where the file only says how
/// it is handled.
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

/// Whether a value should be the name of a file or variable and none of that name exists: it may be the secret itself.
fn is_missing_reference(key: &str, item: &Item, references: References<'_>) -> bool {
    refers_elsewhere(&intended_key(key))
        && !item.as_str().is_some_and(|text| references.may_show(&intended_key(key), text))
}

/// The key that says where a secret is, if this is one, possibly misspelled; otherwise the key itself.
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

/// The spans of queries and fragments of URLs in a table and in all tables below it.
pub(super) fn find_queries(table: &dyn TableLike, text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (key, item) in table.iter() {
        // A URL without a scheme is a mistake, and its excerpt is shown too.
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
            // If the delimiter is written as an escape, nothing of the value is shown.
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

/// The same for a text that is not valid TOML: from a key that suggests a secret to the next line with a key of its own,
/// because the end of a broken value is unknown.
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
        // Searched once per line, because a line may hold a hundred thousand keys.
        let user = line.rfind('@');
        let query = line.rfind(['?', '#']);
        let url = query.and_then(|at| line.get(..at)).and_then(|before| before.rfind("://"));
        // Several keys may share a line: `introspection = { client_id = "a", client_secret = "b`.
        let secret = line.match_indices('=').find(|(equals, _)| {
            let key = line.get(..*equals).unwrap_or_default().trim_end().trim_end_matches(['"', '\'']);
            let begin = key.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').map_or(0, |i| i + 1);
            let key = key.get(begin..).unwrap_or_default();
            // The end of the value of a key that names a file is unknown as well.
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
