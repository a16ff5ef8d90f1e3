//! Reads values one by one and records every mistake, instead of stopping at the first.
//!
//! The code for a section reads each of its keys and then calls [`Section::finish`], which reports every other key as
//! unknown. A key that cannot be read is reported and reads as absent. The caller may continue with any placeholder,
//! because a configuration with an error is never used.

mod scalars;
mod values;

use std::cell::RefCell;
#[cfg(test)]
use std::collections::BTreeMap;

use figment::value::{Dict, Value};

use super::layers::Layers;
use super::location::{Diagnostic, Layer, Located, LocatedDiagnostic, LocatedList, Location, Step, quote};
use super::redact::References;
use super::suggest;

/// What the reading of all sections shares.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    layers: &'a Layers,
    pub(super) references: References<'a>,
    diagnostics: RefCell<Vec<LocatedDiagnostic>>,
    /// Every key that was read, with its kind of value; tests compare the example file and the reference with it.
    #[cfg(test)]
    pub(super) asked: RefCell<BTreeMap<String, String>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: &'a Layers, references: References<'a>, diagnostics: Vec<LocatedDiagnostic>) -> Self {
        Self {
            layers,
            references,
            diagnostics: RefCell::new(diagnostics),
            #[cfg(test)]
            asked: RefCell::default(),
        }
    }

    /// The merged values of all layers.
    pub(super) fn values(&self) -> Dict {
        self.layers.values()
    }

    /// The top level of these values.
    pub(super) fn root<'r>(&'r self, values: &'r Dict) -> Section<'r> {
        Section::new(self, Some(values), Location::root())
    }

    /// Reports an error.
    pub(super) fn error(&self, location: &Location, diagnostic: impl Into<Diagnostic>) {
        self.diagnostics.borrow_mut().push(LocatedDiagnostic::error(location, diagnostic));
    }

    /// Reports a warning.
    pub(super) fn warning(&self, location: &Location, diagnostic: impl Into<Diagnostic>) {
        self.diagnostics.borrow_mut().push(LocatedDiagnostic::warning(location, diagnostic));
    }

    /// Everything that was reported.
    pub(super) fn into_diagnostics(self) -> Vec<LocatedDiagnostic> {
        self.diagnostics.into_inner()
    }
}

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Section<'r> {
    pub(super) reader: &'r Reader<'r>,
    /// `None` if the table is absent; each of its keys then has its default.
    values: Option<&'r Dict>,
    pub(super) location: Location,
    known: Vec<&'static str>,
    refused: Vec<&'static str>,
}

impl<'r> Section<'r> {
    fn new(reader: &'r Reader<'r>, values: Option<&'r Dict>, location: Location) -> Self {
        Self { reader, values, location, known: Vec::new(), refused: Vec::new() }
    }

    /// Whether the key is present, readable or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.values.is_some_and(|values| values.contains_key(key))
    }

    /// The location of a key, present or not.
    pub(super) fn location_of(&self, key: &str) -> Location {
        let value = self.values.and_then(|values| values.get(key));
        let layer = value.map_or(self.location.layer, |value| self.reader.layers.layer(value));
        self.location.step(Step::Key(key.to_owned()), layer)
    }

    /// Reports a required key if it is missing.
    pub(super) fn require(&self, key: &str, example: &str) {
        if !self.has(key) {
            let diagnostic = Diagnostic::new(format!("missing key `{key}` in {}", self.location));
            self.reader.error(&self.location, diagnostic.hint(format!("for example: {key} = {example}")));
        }
    }

    /// A table, if it is present.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Section<'r>> {
        #[cfg(test)]
        self.kind(key, "a table");
        let Located { value, location } = self.take(key)?;
        match value {
            // A merged table has no layer of its own: each of its values has one.
            Value::Dict(_, values) => {
                let location = Location { layer: Layer::File, ..location };
                Some(Section::new(self.reader, Some(values), location))
            }
            Value::Array(..) => {
                let diagnostic = Diagnostic::new(format!("{location} is one table, not a list of tables"));
                self.reader.error(&location, diagnostic.hint(format!("write {location} in single brackets")));
                None
            }
            value => {
                self.wrong_type(&location, &format!("a table, {location}"), value);
                None
            }
        }
    }

    /// A table; an empty one if it is absent.
    pub(super) fn section_or_empty(&mut self, key: &'static str) -> Section<'r> {
        let location = Location { layer: Layer::File, ..self.location_of(key) };
        let reader = self.reader;
        self.section(key).unwrap_or(Section::new(reader, None, location))
    }

    /// The tables of a list; empty if it is absent. `None` if the value is not such a list, which is reported.
    pub(super) fn sections(&mut self, key: &'static str) -> Option<Vec<Section<'r>>> {
        #[cfg(test)]
        self.kind(key, "a list of tables");
        let Some(Located { value, location }) = self.take(key) else { return Some(Vec::new()) };
        let Value::Array(_, values) = value else {
            let diagnostic = Diagnostic::new(format!("`{key}` is a list of tables"));
            let table = location.step(Step::Index(0), Layer::File);
            self.reader.error(&location, diagnostic.hint(format!("write {table}, in double brackets")));
            return None;
        };
        let mut sections = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let location = location.step(Step::Index(index), Layer::File);
            match value {
                Value::Dict(_, values) => sections.push(Section::new(self.reader, Some(values), location)),
                value => self.wrong_type(&location, &format!("a table, {location}"), value),
            }
        }
        (sections.len() == values.len()).then_some(sections)
    }

    /// The entries of a table with arbitrary keys.
    pub(super) fn entries<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Diagnostic>,
    ) -> Vec<(Located<String>, Located<T>)> {
        #[cfg(test)]
        self.kind(key, "a table of strings");
        self.free_entries(key, |section, _, value, location| section.parse_value(value, location, "a string", &parse))
    }

    /// The entries of a table with arbitrary keys whose values are lists that must not be empty.
    pub(super) fn lists<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Diagnostic>,
    ) -> Vec<(Located<String>, LocatedList<T>)> {
        #[cfg(test)]
        self.kind(key, "a table of lists of strings");
        self.free_entries(key, |section, name, value, location| {
            section.refuse_empty(name, "leave the entry out");
            section.parse_list(value, location, &parse)
        })
    }

    fn free_entries<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Section<'r>, &str, &Value, Location) -> Option<T>,
    ) -> Vec<(Located<String>, T)> {
        let Some(section) = self.section(key) else { return Vec::new() };
        let entries = section.values.into_iter().flatten().filter_map(|(name, value)| {
            let location = section.location_of(name);
            let key = Located { value: name.clone(), location: location.key() };
            Some((key, parse(&section, name, value, location)?))
        });
        entries.collect()
    }

    /// Reports every key that was not read as unknown.
    pub(super) fn finish(self) {
        let answered = |name: &str| self.known.contains(&name) || self.refused.contains(&name);
        for name in self.values.into_iter().flat_map(Dict::keys).filter(|name| !answered(name)) {
            let location = self.location_of(name).key();
            let table = match self.location.path.is_empty() {
                true => "at the top level".to_owned(),
                false => format!("in {}", self.location),
            };
            let diagnostic = Diagnostic::new(format!("unknown key {} {table}", quote(name)));
            let meant = suggest::key(name, &self.known);
            let diagnostic = match (location.layer, meant) {
                (Layer::Environment, Some(meant)) => diagnostic.did_you_mean(Some(self.location_of(meant).variable())),
                (_, Some(meant)) => diagnostic.did_you_mean(Some(meant)),
                (_, None) => diagnostic.hint(format!("the keys here are {}", self.known.join(", "))),
            };
            self.reader.error(&location, diagnostic);
        }
    }

    /// Whether there are keys that were not read so far.
    pub(super) fn has_unknown_keys(&self) -> bool {
        self.values.into_iter().flat_map(Dict::keys).any(|name| !self.known.contains(&name.as_str()))
    }

    /// Reports an empty list, for keys where it would not mean what it seems to mean.
    pub(super) fn refuse_empty(&self, key: &str, hint: &str) {
        if matches!(self.values.and_then(|values| values.get(key)), Some(Value::Array(_, values)) if values.is_empty())
        {
            self.reader.error(&self.location_of(key), Diagnostic::new("must not be empty").hint(hint));
        }
    }

    /// Reports the second of these keys if two of them are present, and returns whether they are.
    pub(super) fn exclude(&self, keys: &[&str], hint: &str) -> bool {
        let mut present = keys.iter().filter(|key| self.has(key));
        let (Some(first), Some(second)) = (present.next(), present.next()) else { return false };
        let diagnostic = Diagnostic::new(format!("`{first}` and `{second}` exclude each other"));
        self.reader.error(&self.location_of(second).key(), diagnostic.hint(hint));
        true
    }

    /// Reports a key that is known to be a mistake, with a better message than [`finish`](Self::finish) has.
    pub(super) fn refuse(&mut self, key: &'static str, diagnostic: impl FnOnce() -> Diagnostic) {
        if self.has(key) {
            self.reader.error(&self.location_of(key).key(), diagnostic());
            self.refused.push(key);
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Located<&'r Value>> {
        self.mark_known(key);
        let value = self.values.and_then(|values| values.get(key))?;
        Some(Located { value, location: self.location_of(key) })
    }

    /// Keeps [`finish`](Self::finish) from reporting a key.
    pub(super) fn mark_known(&mut self, key: &'static str) {
        #[cfg(test)]
        self.kind(key, "");
        self.known.push(key);
    }

    /// Records the kind of value of a key. The first record counts, because specific methods call general ones.
    #[cfg(test)]
    fn kind(&self, key: &str, kind: impl Into<String>) {
        let path = self.location_of(key).keys().collect::<Vec<_>>().join(".");
        self.reader.asked.borrow_mut().entry(path).or_insert(kind.into());
    }

    fn wrong_type(&self, location: &Location, expected: &str, found: &Value) {
        let found = match found {
            Value::String(..) | Value::Char(..) => "a string",
            Value::Bool(..) => "true or false",
            Value::Num(_, number) if number.to_i128().is_some() => "a whole number",
            Value::Num(..) => "a fraction",
            Value::Empty(..) => "a date",
            Value::Dict(..) => "a table",
            Value::Array(..) => "a list",
        };
        self.reader.error(location, format!("expected {expected}, found {found}"));
    }
}
