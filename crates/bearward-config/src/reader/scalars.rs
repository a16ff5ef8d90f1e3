//! Values of claims in rules: strings, whole numbers and booleans.

use figment::value::Value;
use serde_json::Value as Json;

use super::Section;
use crate::location::{Located, Location, Step};

const SCALAR: &str = "a string, a whole number, or true or false";

impl Section<'_> {
    /// A value that a claim can be compared with.
    pub(crate) fn scalar(&mut self, key: &'static str) -> Option<Located<Json>> {
        #[cfg(test)]
        self.kind(key, SCALAR);
        let Located { value, location } = self.take(key)?;
        self.parse_scalar(value, location)
    }

    /// A list of such values. Those that cannot be read are reported and left out.
    pub(crate) fn scalars(&mut self, key: &'static str) -> Option<Located<Vec<Json>>> {
        #[cfg(test)]
        self.kind(key, "a list of strings, whole numbers, true or false");
        let Located { value, location } = self.take(key)?;
        let Value::Array(_, values) = value else {
            self.wrong_type(&location, "a list such as [\"a\", \"b\"]", value);
            return None;
        };
        let mut scalars = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let location = location.step(Step::Index(index), self.reader.layers.layer(value));
            let Some(scalar) = self.parse_scalar(value, location) else { continue };
            if scalars.contains(&scalar.value) {
                self.reader.error(&scalar.location, "is in this list twice");
            }
            scalars.push(scalar.value);
        }
        Some(Located { value: scalars, location })
    }

    fn parse_scalar(&self, value: &Value, location: Location) -> Option<Located<Json>> {
        let json = match value {
            Value::Bool(_, truth) => Some(Json::from(*truth)),
            Value::Num(_, number) => number.to_i128().and_then(|number| i64::try_from(number).ok()).map(Json::from),
            value => return self.parse_value(value, location, SCALAR, |text| Ok(Json::from(text))),
        };
        if json.is_none() {
            self.wrong_type(&location, SCALAR, value);
        }
        json.map(|value| Located { value, location })
    }
}
