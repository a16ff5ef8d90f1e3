//! The types of values.

use std::ops::RangeInclusive;
use std::time::Duration;

use figment::value::Value;

use super::Section;
use crate::location::{Diagnostic, Layer, Located, LocatedList, Location, Step, quote};
use crate::suggest;
use crate::units::{format_duration, format_size, parse_duration, parse_size};

impl Section<'_> {
    /// A string that is not empty and has no control characters.
    pub(crate) fn string(&mut self, key: &'static str) -> Option<Located<String>> {
        self.parsed(key, "a string", |text| Ok(text.to_owned()))
    }

    /// A required string.
    pub(crate) fn required(&mut self, key: &'static str, example: &str) -> Option<Located<String>> {
        self.require(key, example);
        self.string(key)
    }

    /// A string that is parsed into something else.
    pub(crate) fn parsed<T>(
        &mut self,
        key: &'static str,
        kind: &str,
        parse: impl FnOnce(&str) -> Result<T, Diagnostic>,
    ) -> Option<Located<T>> {
        #[cfg(test)]
        self.kind(key, kind);
        let at = self.take(key)?;
        self.parse_value(at.value, at.location, kind, parse)
    }

    /// A string that is one of these.
    pub(crate) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<Located<T>> {
        let names = || choices.iter().map(|(name, _)| *name);
        let list = || names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        #[cfg(test)]
        self.kind(key, format!("one of {}", list()));
        self.parsed(key, "a string", |text| match choices.iter().find(|(name, _)| *name == text) {
            Some((_, choice)) => Ok(*choice),
            None => {
                let list = list();
                Err(Diagnostic::new(format!("must be one of {list}")).did_you_mean(suggest::nearest(text, names())))
            }
        })
    }

    /// A duration within bounds.
    pub(crate) fn duration(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<Duration>,
    ) -> Option<Located<Duration>> {
        #[cfg(test)]
        self.kind(key, between("a duration", &bounds, |duration| format_duration(*duration)));
        self.parsed(key, "a duration such as \"30s\"", |text| {
            let duration = parse_duration(text).ok_or_else(|| {
                let diagnostic = Diagnostic::new(format!("{} is not a duration", quote(text)));
                diagnostic.hint("write whole numbers with ms, s, m, h or d: \"250ms\", \"30s\", \"1h30m\"")
            })?;
            within(duration, &bounds, |duration| format_duration(*duration))
        })
    }

    /// A number of bytes within bounds.
    pub(crate) fn size(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> Option<Located<u64>> {
        #[cfg(test)]
        self.kind(key, between("a size", &bounds, |size| format_size(*size)));
        self.parsed(key, "a size such as \"32KiB\"", |text| {
            let size = parse_size(text).ok_or_else(|| {
                let diagnostic = Diagnostic::new(format!("{} is not a size", quote(text)));
                diagnostic.hint("write a whole number with B, KiB or MiB: \"512B\", \"32KiB\", \"1MiB\"")
            })?;
            within(size, &bounds, |size| format_size(*size))
        })
    }

    /// A whole number within bounds.
    pub(crate) fn integer(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> Option<Located<u64>> {
        #[cfg(test)]
        self.kind(key, between("a whole number", &bounds, u64::to_string));
        let Located { value, location } = self.take(key)?;
        let number = match value {
            Value::Num(_, number) => number.to_i128(),
            Value::String(_, text) if location.layer != Layer::File => text.trim().parse().ok(),
            _ => None,
        };
        let Some(number) = number else {
            match value.as_str().filter(|_| location.layer != Layer::File) {
                Some(text) => self.reader.error(&location, format!("{} is not a whole number", quote(text))),
                None => self.wrong_type(&location, "a whole number", value),
            }
            return None;
        };
        // A negative number is below every bound, and one beyond u64 above.
        let number = u64::try_from(number).unwrap_or(if number < 0 { 0 } else { u64::MAX });
        match within(number, &bounds, u64::to_string) {
            Ok(value) => Some(Located { value, location }),
            Err(diagnostic) => {
                self.reader.error(&location, diagnostic);
                None
            }
        }
    }

    /// A boolean.
    pub(crate) fn boolean(&mut self, key: &'static str) -> Option<Located<bool>> {
        #[cfg(test)]
        self.kind(key, "true or false");
        let Located { value, location } = self.take(key)?;
        if let Some(value) = value.to_bool() {
            return Some(Located { value, location });
        }
        self.wrong_type(&location, "true or false", value);
        None
    }

    /// A list of strings, each of which is parsed. Those that cannot be parsed are reported and left out.
    pub(crate) fn list<T>(
        &mut self,
        key: &'static str,
        parse: impl FnMut(&str) -> Result<T, Diagnostic>,
    ) -> Option<LocatedList<T>> {
        #[cfg(test)]
        self.kind(key, "a list of strings");
        let Located { value, location } = self.take(key)?;
        self.parse_list(value, location, parse)
    }

    pub(super) fn parse_list<T>(
        &self,
        value: &Value,
        location: Location,
        mut parse: impl FnMut(&str) -> Result<T, Diagnostic>,
    ) -> Option<LocatedList<T>> {
        let values = match value {
            Value::Array(_, values) => values.as_slice(),
            value => {
                self.wrong_type(&location, "a list of strings such as [\"a\", \"b\"]", value);
                return None;
            }
        };
        let mut list = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let repeated = value
                .as_str()
                .is_some_and(|text| values.iter().take(index).any(|earlier| earlier.as_str() == Some(text)));
            let location = location.step(Step::Index(index), self.reader.layers.layer(value));
            if repeated {
                self.reader.error(&location, "is in this list twice");
            } else {
                list.extend(self.parse_value(value, location, "a string", &mut parse));
            }
        }
        Some(Located { value: list, location })
    }

    /// A list like [`list`](Self::list) that may also be a single string. In the environment and in flags, commas separate the
    /// elements.
    pub(crate) fn one_or_more<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Diagnostic>,
    ) -> Option<LocatedList<T>> {
        #[cfg(test)]
        self.kind(key, "a string, or a list of strings");
        let Some(Value::String(_, text)) = self.values.and_then(|values| values.get(key)) else {
            return self.list(key, parse);
        };
        let location = self.location_of(key);
        self.mark_known(key);
        let texts: Vec<&str> = match location.layer {
            Layer::Preset | Layer::File => vec![text],
            Layer::Environment | Layer::Flags => text.split(',').map(str::trim).collect(),
        };
        let parsed = texts.into_iter().filter_map(|text| self.parse_text(text, location.clone(), &parse)).collect();
        Some(Located { value: parsed, location })
    }

    pub(super) fn parse_value<T>(
        &self,
        value: &Value,
        location: Location,
        kind: &str,
        parse: impl FnOnce(&str) -> Result<T, Diagnostic>,
    ) -> Option<Located<T>> {
        match value.as_str() {
            Some(text) => self.parse_text(text, location, parse),
            None => {
                self.wrong_type(&location, kind, value);
                None
            }
        }
    }

    fn parse_text<T>(
        &self,
        text: &str,
        location: Location,
        parse: impl FnOnce(&str) -> Result<T, Diagnostic>,
    ) -> Option<Located<T>> {
        let parsed = match text {
            "" => Err(Diagnostic::new("must not be empty")),
            text if text.chars().any(char::is_control) => Err(Diagnostic::new("must not hold control characters")),
            text => parse(text),
        };
        match parsed {
            Ok(value) => Some(Located { value, location }),
            Err(diagnostic) => {
                self.reader.error(&location, diagnostic);
                None
            }
        }
    }
}

fn within<T: PartialOrd>(value: T, bounds: &RangeInclusive<T>, show: impl Fn(&T) -> String) -> Result<T, Diagnostic> {
    if bounds.contains(&value) {
        return Ok(value);
    }
    Err(Diagnostic::new(format!("must be between {} and {}", show(bounds.start()), show(bounds.end()))))
}

#[cfg(test)]
fn between<T>(kind: &str, bounds: &RangeInclusive<T>, show: impl Fn(&T) -> String) -> String {
    format!("{kind} from {} to {}", show(bounds.start()), show(bounds.end()))
}
