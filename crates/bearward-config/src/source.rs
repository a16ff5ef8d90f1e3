//! The text of the configuration file: where each key and value stands in it, and which parts may be shown.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, Key, TableLike, Value};

use super::location::{Diagnostic, Layer, LocatedDiagnostic, Location, Part, Step, visible};
use super::problem::{Excerpt, Position, Problem, Problems, Severity};
use super::redact::{REDACTED, References, refers_elsewhere, without_queries};
use super::suggest;

/// The configuration file, read as TOML.
#[derive(Debug)]
pub(super) struct SourceFile {
    name: String,
    document: Document<String>,
    /// The values that may be secrets, and the queries of URLs. Secrets have no business in the file, but the person who
    /// put one there by mistake must not find it in a build log as well.
    secrets: Vec<Range<usize>>,
    /// User names and passwords in URLs, with their `@`. Other complaints quote these values too.
    credentials: Vec<String>,
}

impl SourceFile {
    /// Reads a text as TOML.
    ///
    /// # Errors
    ///
    /// The first syntax error: after it, nothing that follows can be trusted to mean what it seems to.
    pub(super) fn parse(name: &Path, text: &str, references: References<'_>) -> Result<Self, Problems> {
        let name = name.display().to_string();
        match Document::parse(text.to_owned()) {
            Ok(document) => {
                let mut secrets = Vec::new();
                find_secrets(document.as_table(), references, &mut secrets);
                let queries = find_queries(document.as_table(), text);
                let values = secrets.iter().filter_map(|span| text.get(span.clone()));
                let credentials = values.filter_map(credentials).map(|text| format!("{text}@")).collect();
                secrets.extend(queries);
                Ok(Self { name, document, secrets, credentials })
            }
            Err(error) => {
                let span = error.span().unwrap_or(text.len()..text.len());
                let excerpt = excerpt(text, span, &lines_with_secrets(text));
                let message = format!("not valid TOML: {}", error.message());
                let position = Position::Line { name, excerpt };
                Err(Problem { severity: Severity::Error, position, message, hint: None }.into())
            }
        }
    }

    /// The file as TOML.
    pub(super) fn document(&self) -> &Document<String> {
        &self.document
    }

    /// A finding with its place looked up.
    pub(super) fn locate(&self, located: LocatedDiagnostic) -> Problem {
        let LocatedDiagnostic { severity, location, diagnostic: Diagnostic { message, hint, private } } = located;
        let message = match location.layer {
            Layer::Preset => {
                format!("`{}` of this preset: {message}", location.keys().skip(1).collect::<Vec<_>>().join("."))
            }
            Layer::File | Layer::Environment | Layer::Flags => message,
        };
        let position = match location.layer {
            Layer::Preset => self.position(&provider_of(&location), private),
            Layer::File => self.position(&location, private),
            Layer::Environment => Position::Variable(location.variable()),
            Layer::Flags => Position::Flag(location.flag()),
        };
        Problem { severity, position, message: self.showable(message), hint: hint.map(|hint| self.showable(hint)) }
    }

    fn showable(&self, text: String) -> String {
        let text = without_queries(&text);
        self.credentials.iter().fold(text, |text, credentials| text.replace(credentials, &format!("{REDACTED}@")))
    }

    fn position(&self, location: &Location, private: bool) -> Position {
        let name = self.name.clone();
        let Some(span) = self.span(location) else { return Position::File { name } };
        let value = Location { part: Part::Value, ..location.clone() };
        let mut hidden = self.secrets.clone();
        hidden.extend(self.span(&value).filter(|_| private));
        Position::Line { name, excerpt: excerpt(self.document.raw(), span, &hidden) }
    }

    /// Where a place stands in the text, or the nearest place on the way to it that does.
    fn span(&self, location: &Location) -> Option<Range<usize>> {
        let mut item = Some(self.document.as_item());
        let mut span = None;
        for (position, step) in location.path.iter().enumerate() {
            let Some(here) = item else { break };
            let (key, next) = match step {
                Step::Key(key) => (here.as_table_like().and_then(|table| table.key(key)), here.get(key)),
                Step::Index(index) => (None, here.get(index)),
            };
            let key = key.and_then(Key::span);
            let value = next.and_then(Item::span).filter(|span| !span.is_empty());
            let is_last = position + 1 == location.path.len();
            let found = if is_last && location.part == Part::Key { key } else { value.or(key) };
            span = found.or(span);
            item = next;
        }
        span
    }
}

/// Where the file asks for the preset that a value comes from: beside it, in the issuer's table.
fn provider_of(location: &Location) -> Location {
    let issuer = location.path.iter().take(2).cloned();
    let path = issuer.chain([Step::Key("provider".to_owned())]).collect();
    Location { path, part: Part::Value, layer: Layer::File }
}

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
fn credentials(text: &str) -> Option<&str> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let (credentials, _) = authority.rsplit_once('@')?;
    let credentials = credentials.trim_start_matches(['"', '\'']);
    (rest.len() < text.len() || credentials.contains(':')).then_some(credentials).filter(|text| !text.is_empty())
}

/// Whether a value stands where the name of a file or of a variable belongs, and is none that is there: it may be the secret.
fn is_no_name(key: &str, item: &Item, references: References<'_>) -> bool {
    refers_elsewhere(&meant_key(key)) && !item.as_str().is_some_and(|text| references.may_show(&meant_key(key), text))
}

/// The key that names where a secret is, if this is one or a misspelled one; else the key itself.
fn meant_key(key: &str) -> String {
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
fn find_queries(table: &dyn TableLike, text: &str) -> Vec<Range<usize>> {
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

fn find_secrets(table: &dyn TableLike, references: References<'_>, secrets: &mut Vec<Range<usize>>) {
    for (key, item) in table.iter() {
        // The table says how to obtain a token, and holds none.
        let grant = key == "client_credentials" && item.is_table_like();
        let looks = item.as_value().is_some_and(|value| looks_secret(key, value));
        if !grant && sounds_secret(key) || looks || is_no_name(key, item, references) {
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
fn lines_with_secrets(text: &str) -> Vec<Range<usize>> {
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
            let names = refers_elsewhere(&meant_key(key));
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

/// The line in which a span begins, as it may be shown.
fn excerpt(text: &str, span: Range<usize>, hidden: &[Range<usize>]) -> Excerpt {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let (above, below) = text.split_at(start);
    let line_start = above.rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = start + below.find('\n').unwrap_or(below.len());
    let content = text.get(line_start..line_end).unwrap_or_default().trim_end_matches('\r');

    let mut shown = String::new();
    let mut marked = Vec::new(); // per character of `shown`: whether it is meant
    let mut redacting = false;
    for (offset, c) in content.char_indices() {
        let offset = line_start + offset;
        let piece: String = match hidden.iter().any(|range| range.contains(&offset)) {
            false => visible(if c == '\t' { ' ' } else { c }).collect(),
            true if redacting => String::new(),
            true => REDACTED.to_owned(),
        };
        redacting = hidden.iter().any(|range| range.contains(&offset));
        marked.extend(piece.chars().map(|_| span.contains(&offset)));
        shown.push_str(&piece);
    }

    let column = text.get(line_start..start).unwrap_or_default().chars().count() + 1;
    // A span that is empty, or at the end of the line, is the place where something is missing.
    let before = marked.iter().position(|marked| *marked).unwrap_or(if redacting { 0 } else { marked.len() });
    let width = marked.iter().filter(|marked| **marked).count();
    cut(Excerpt { line: above.matches('\n').count() + 1, column, text: shown, before, width })
}

/// A long line, cut to what surrounds the part that is meant.
fn cut(excerpt: Excerpt) -> Excerpt {
    const MOST: usize = 120;
    const AROUND: usize = 40;
    let length = excerpt.text.chars().count();
    if length <= MOST {
        return excerpt;
    }
    let from = if excerpt.before > MOST - AROUND { excerpt.before - AROUND } else { 0 };
    let lead = if from > 0 { "..." } else { "" };
    let trail = if from + MOST < length { "..." } else { "" };
    let window: String = excerpt.text.chars().skip(from).take(MOST).collect();
    let before = lead.len() + excerpt.before - from;
    let width = excerpt.width.min(MOST + from - excerpt.before);
    Excerpt { text: format!("{lead}{window}{trail}"), before, width, ..excerpt }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

    use super::*;

    use std::collections::BTreeMap;

    const FILE: &str = r#"
[server]
listen = "a"

[[issuers]]
issuer = "one"

[[issuers]]
  issuer = "two"
  refresh = { min = "1s" }
  introspection.client_id = "x"
"#;

    fn location(path: &str) -> Location {
        let step = |part: &str| match part.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key(part.to_owned()),
        };
        Location { path: path.split('/').map(step).collect(), ..Location::root() }
    }

    fn shown(text: &str, location: Location) -> String {
        source(text).unwrap().locate(LocatedDiagnostic::error(&location, "wrong")).to_string()
    }

    /// A file in a folder without files, and with one variable.
    fn source(text: &str) -> Result<SourceFile, Problems> {
        let environment = BTreeMap::from([("A_SECRET".to_owned(), String::new())]);
        let references = References { folder: Path::new("/nowhere"), environment: &environment };
        SourceFile::parse(Path::new("c.toml"), text, references)
    }

    #[test]
    fn keys_values_and_headers_are_found() {
        let table = [
            (location("server/listen"), "3:10", "\"a\""),
            (location("server/listen").key(), "3:1", "listen"),
            (location("server"), "2:1", "[server]"),
            (location("issuers/1"), "8:1", "[[issuers]]"),
            (location("issuers/1/issuer").key(), "9:3", "issuer"),
            (location("issuers/1/refresh/min"), "10:21", "\"1s\""),
            (location("issuers/1/introspection"), "11:3", "introspection"),
            (location("issuers/0/nothing/such"), "5:1", "[[issuers]]"),
        ];
        for (location, position, marked) in table {
            let problem = shown(FILE, location);
            let lines: Vec<&str> = problem.lines().collect();
            assert_eq!(lines[0], format!("c.toml:{position}: error: wrong"));
            let (from, to) = (lines[2].find('^').unwrap(), lines[2].rfind('^').unwrap());
            assert_eq!(&lines[1][from..=to], marked, "{problem}");
        }
        assert_eq!(shown(FILE, Location::root()), "c.toml: error: wrong");
        assert_eq!(shown(FILE, location("nothing")), "c.toml: error: wrong");
    }

    #[test]
    fn columns_count_characters_and_strange_ones_do_no_harm() {
        let text = "a = '\u{e9}\u{e9}', b = 1";
        let at = text.find('b').unwrap();
        assert_eq!(excerpt(text, at..at + 1, &[]).column, 11);
        let escape = excerpt("a = \u{1b}[2J", 4..5, &[]);
        assert_eq!((escape.text.as_str(), escape.before, escape.width), (r"a = \u{1b}[2J", 4, 6));
        // Inside a character, beyond the end, upside down.
        for span in [1..2, 900..901, Range { start: 3, end: 1 }] {
            let _ = excerpt("\u{1f43b}", span, &[]);
        }
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let excerpt = excerpt(&text, 500..504, &[]);
        assert_eq!((excerpt.column, excerpt.width), (501, 4));
        assert!(excerpt.text.len() < 130 && excerpt.text[excerpt.before..].starts_with("HERE"), "{}", excerpt.text);
    }

    #[test]
    fn secrets_are_never_shown() {
        let files = [
            "client_secret = 'hunter2'",
            "client_secret = '''\nhunter2\n'''",
            "x = { client_id = 'a', client_secret = 'hunter2' }",
            "x = [{ password = 'hunter2' }]",
            "[x]\n\"api_key\" = 'hunter2'",
            "[x]\napi_key = 'a'\nclient_secert = 'hunter2'",
            "[x]\npasswrod = 'hunter2'",
            "[x]\nauthorization = 'Basic hunter2'",
            "x = { client_assertion = 'hunter2', certificate_key = 'hunter2' }",
            "[x]\nclient_credentials = 'hunter2'\napi_key = 'hunter2'",
            "x = 'https://alice:hunter2@auth.example.com'",
            "x = ['a', 'alice:hunter2@127.0.0.1:80']",
            "x = 1\nauthorization = 'Basic hunter2'",
            // In the place of a name.
            "[x]\nclient_secret_file = 'hunter2'",
            "[x]\nclient_secret_file = 'hunter2/hunter2'",
            "[x]\njwks_file = '{ \"d\": \"hunter2\" }'",
            "[x]\nclient_secret_file = ['hunter2']",
            "x = { client_id = 'a', client_secret_env = 'hunter2' }",
            "x = { client_id = 'a', client_secret_evn = 'hunter2' }",
            "x = [{ bearer_token_fil = 'hunter2' }]",
            "[x]\nclient_id = 'a'\nauthorization_flie = 'hunter2'",
            // In a query.
            "[x]\nurl = 'https://a.example/b?key=hunter2'",
            "[x]\nurl = 'a.example/b?key=hunter2'",
            "[x]\nurl = \"https://a.example/b\\u003fkey=hunter2\"",
            "x = { client_id = 'a', url = 'https://a b#hunter2' }",
            "x = ['a', 'https://a.example?hunter2']",
            "x = [['https://a.example?hunter2'], { token_url = 'a#hunter2' }]",
            // Broken ones.
            "client_secret_file = 'hunter2",
            "x = { client_id = 'a', client_secret_env = 'hunter2'",
            "x = 'https://a.example?key=hunter2",
            "client_secret = 'hunter2",
            "client_secret = hunter2",
            "client_secret = '''\nhunter2 ''' hunter2\nhunter2",
            "x = { client_id = 'a', client_secret = 'hunter2'",
            "'client_secret' = \"\\hunter2\"",
            "client_secret = 'a'\nclient_secret = 'hunter2'",
            "client_secret = 'a' hunter2",
            "x = 'https://alice:hunter2@auth.example.com",
            "authorization = 'Basic hunter2",
        ];
        for text in files {
            let problems = match source(text) {
                Err(problems) => problems.into_vec(),
                Ok(source) => {
                    let paths =
                        ["client_secret", "x", "x/client_secret", "x/0/password", "x/0", "x/api_key", "authorization"];
                    let more = ["x/client_secret_file", "x/jwks_file", "x/url", "x/client_id"];
                    let paths = paths.into_iter().chain(more);
                    paths.map(|path| source.locate(LocatedDiagnostic::error(&location(path), "wrong"))).collect()
                }
            };
            for problem in problems {
                assert!(!problem.to_string().contains("hunter2"), "{text}: {problem}");
            }
        }
        assert!(shown("client_secret_env = 'A_SECRET'", location("client_secret_env")).contains("'A_SECRET'"));
        assert!(shown("client_secret_file = '/'", location("client_secret_file")).contains("'/'"));
        let url = shown("url = 'https://a.example/b?key=hunter2'", location("url"));
        assert!(url.contains("  1 | url = 'https://a.example/b?[redacted]'\n"), "{url}");
    }

    #[test]
    fn a_password_leaves_its_place_with_no_message() {
        let source = source("url = 'https://a:hunter2@b'").unwrap();
        let diagnostic =
            Diagnostic::new("there is no `https://a:hunter2@b/`").hint("did you mean `https://a:hunter2@b`?");
        let told = source.locate(LocatedDiagnostic::error(&Location::root(), diagnostic)).to_string();
        let expected = "there is no `https://[redacted]@b/`\n  hint: did you mean `https://[redacted]@b`?";
        assert_eq!(told, format!("c.toml: error: {expected}"));
    }

    #[test]
    fn a_stray_secret_is_hidden_where_the_complaint_says_so() {
        let source = source("url = 'https://a:hunter2@b'").unwrap();
        let located = LocatedDiagnostic::error(&location("url").key(), Diagnostic::new("wrong").private());
        assert_eq!(source.locate(located).to_string(), "c.toml:1:1: error: wrong\n  1 | url = [redacted]\n    | ^^^");
    }
}
