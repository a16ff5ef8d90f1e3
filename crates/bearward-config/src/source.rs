//! The text of the configuration file: where each key and value is, and which parts may be shown.

mod excerpt;
mod secrets;

use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, Key};

use self::excerpt::excerpt;
use self::secrets::{credentials, find_queries, find_secrets, lines_with_secrets};
use super::location::{Diagnostic, Layer, LocatedDiagnostic, Location, Part, Step};
use super::problem::{Position, Problem, Problems, Severity};
use super::redact::{REDACTED, References, without_queries};

/// The configuration file, read as TOML.
#[derive(Debug)]
pub(super) struct SourceFile {
    name: String,
    document: Document<String>,
    /// The values that may be secrets, and the queries of URLs. A secret does not belong in the file, but if it is there by
    /// mistake, it must not get into a build log as well.
    secrets: Vec<Range<usize>>,
    /// User names and passwords in URLs, with their `@`. Diagnostics for other values may quote them too.
    credentials: Vec<String>,
}

impl SourceFile {
    /// Reads a text as TOML.
    ///
    /// # Errors
    ///
    /// The first syntax error; what follows it cannot be interpreted reliably.
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

    /// Looks up the location of a diagnostic.
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

    /// The span of a location in the text, or of the nearest enclosing location that is in the text.
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

/// The location of the `provider` key that selects the preset which a value comes from.
fn provider_of(location: &Location) -> Location {
    let issuer = location.path.iter().take(2).cloned();
    let path = issuer.chain([Step::Key("provider".to_owned())]).collect();
    Location { path, part: Part::Value, layer: Layer::File }
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
