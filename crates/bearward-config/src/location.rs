//! Where a value of the configuration comes from.

use std::fmt;

use super::problem::Severity;
use super::redact::without_query;

/// What the names of our environment variables begin with.
pub(super) const PREFIX: &str = "BEARWARD_";

/// A value and the location that it comes from.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) location: Location,
}

/// A list, with the locations of the list and of each element.
pub(super) type LocatedList<T> = Located<Vec<Located<T>>>;

/// The elements of a list, without their locations.
pub(super) fn values<T>(list: Option<LocatedList<T>>) -> Vec<T> {
    list.into_iter().flat_map(|list| list.value).map(|at| at.value).collect()
}

/// A location in the configuration: the path to it, and the layer that sets the value there.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) path: Vec<Step>,
    pub(super) part: Part,
    pub(super) layer: Layer,
}

/// One step of the path to a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a table.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// Whether a location means the key or its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The key.
    Key,
    /// The value; for a table, its header.
    Value,
}

/// The layers of the configuration; a later one overrides the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// The preset of an issuer's provider.
    Preset,
    /// The configuration file.
    File,
    /// The environment, `BEARWARD_SECTION__KEY`.
    Environment,
    /// The flags of the command line.
    Flags,
}

impl Location {
    /// The environment variable that sets it.
    pub(super) fn variable(&self) -> String {
        PREFIX.to_owned() + &self.keys().collect::<Vec<_>>().join("__").to_ascii_uppercase()
    }

    /// The flag that sets it.
    pub(super) fn flag(&self) -> &'static str {
        match self.keys().collect::<Vec<_>>().as_slice() {
            ["server", "listen", ..] => "--listen",
            ["admin", "listen", ..] => "--admin-listen",
            ["log", "level", ..] => "--log-level",
            ["log", "format", ..] => "--log-format",
            _ => "the command line",
        }
    }

    /// The file as a whole.
    pub(super) fn root() -> Self {
        Self { path: Vec::new(), part: Part::Value, layer: Layer::File }
    }

    /// The location one step further.
    pub(super) fn step(&self, step: Step, layer: Layer) -> Self {
        let path = self.path.iter().cloned().chain([step]).collect();
        Self { path, part: Part::Value, layer }
    }

    /// The location of the key itself.
    pub(super) fn key(&self) -> Self {
        Self { part: Part::Key, ..self.clone() }
    }

    /// The keys of the path, without the indices of lists.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.path.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
    }
}

/// The table at a location, as its header is written: `[server]`, `[[issuers]]`, `[issuers.refresh]`.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys().collect::<Vec<_>>().join(".");
        match self.path.last() {
            None => f.write_str("the configuration"),
            Some(Step::Key(_)) => write!(f, "[{keys}]"),
            Some(Step::Index(_)) => write!(f, "[[{keys}]]"),
        }
    }
}

/// A diagnostic with a location that is not yet looked up in the file.
#[derive(Clone, Debug)]
pub(super) struct LocatedDiagnostic {
    pub(super) severity: Severity,
    pub(super) location: Location,
    pub(super) diagnostic: Diagnostic,
}

impl LocatedDiagnostic {
    pub(super) fn error(location: &Location, diagnostic: impl Into<Diagnostic>) -> Self {
        Self { severity: Severity::Error, location: location.clone(), diagnostic: diagnostic.into() }
    }

    pub(super) fn warning(location: &Location, diagnostic: impl Into<Diagnostic>) -> Self {
        Self { severity: Severity::Warning, location: location.clone(), diagnostic: diagnostic.into() }
    }
}

/// What is wrong with a value, apart from where the value is.
#[derive(Clone, Debug)]
pub(super) struct Diagnostic {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// Whether the value may be a secret that does not belong here, and so must not be shown.
    pub(super) private: bool,
}

impl Diagnostic {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, private: false }
    }

    /// Adds a hint.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Asks whether the suggestion was meant, if there is one.
    pub(super) fn did_you_mean(self, suggestion: Option<impl fmt::Display>) -> Self {
        match suggestion {
            Some(suggestion) => self.hint(format!("did you mean `{suggestion}`?")),
            None => self,
        }
    }

    /// Keeps the value out of the excerpt.
    pub(super) fn private(self) -> Self {
        Self { private: true, ..self }
    }
}

impl From<String> for Diagnostic {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for Diagnostic {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

/// A text of the configuration as a message may show it: in one line, shortened, and without the query of a URL.
pub(super) fn quote(text: &str) -> String {
    const MOST: usize = 80;
    // A text that holds `://` may not be a valid URL, so nothing behind its first `?` is shown.
    let text = if text.contains("://") { without_query(text) } else { text.to_owned() };
    let mut quoted: String = text.chars().take(MOST).flat_map(visible).collect();
    if text.chars().nth(MOST).is_some() {
        quoted.push_str("...");
    }
    format!("`{quoted}`")
}

/// A character as a terminal may show it: control characters and those that change the direction of text are escaped.
pub(super) fn visible(c: char) -> impl Iterator<Item = char> {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escaped = if c.is_control() || turns { c.escape_unicode().to_string() } else { c.to_string() };
    escaped.chars().collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_named_as_they_are_written() {
        let issuers = Location::root().step(Step::Key("issuers".to_owned()), Layer::File);
        let first = issuers.step(Step::Index(0), Layer::File);
        assert_eq!(issuers.to_string(), "[issuers]");
        assert_eq!(first.to_string(), "[[issuers]]");
        assert_eq!(first.step(Step::Key("refresh".to_owned()), Layer::File).to_string(), "[issuers.refresh]");
    }

    #[test]
    fn quoted_text_is_short_and_cannot_play_tricks_on_a_terminal() {
        assert_eq!(quote("a\u{1b}[2Jb\n"), r"`a\u{1b}[2Jb\u{a}`");
        assert_eq!(quote("\u{202e}abc"), r"`\u{202e}abc`");
        assert_eq!(quote(&"a".repeat(81)), format!("`{}...`", "a".repeat(80)));
    }
}
