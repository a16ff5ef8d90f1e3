//! JSON read strictly: what two readers could read differently is refused.
//!
//! A duplicate member name is an error at every depth (RFC 7519, 4 leaves "reject or use the last"; only the first cannot
//! disagree with what an upstream reads). So are a byte order mark, bytes that are not UTF-8, a number that no double
//! can hold, and nesting beyond [`MAX_DEPTH`].

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The deepest nesting that is read. Real tokens stay below five.
pub(super) const MAX_DEPTH: u8 = 32;

/// The text is not one strict JSON object. Why is not kept: it would be an oracle on the wire and a token in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonError;

/// A value that rules look at, in whatever form it is held.
pub(crate) trait Json<'a>: Copy {
    /// What it is.
    fn view(self) -> View<'a>;

    /// The member of this name, if it is an object.
    fn member(self, name: &str) -> Option<Self>;

    /// The elements, if it is an array.
    fn elements(self) -> impl Iterator<Item = Self>;

    /// How many members or elements it has.
    fn count(self) -> usize;

    /// The text, if it is a string.
    fn text(self) -> Option<&'a str> {
        if let View::Text(text) = self.view() { Some(text) } else { None }
    }

    fn is_null(self) -> bool {
        matches!(self.view(), View::Null)
    }

    /// Whether it is this value, exactly.
    fn is(self, value: &Value) -> bool {
        match (self.view(), value) {
            (View::Null, Value::Null) => true,
            (View::Bool(own), Value::Bool(value)) => own == *value,
            (View::Number(own), Value::Number(value)) => own == *value,
            (View::Text(own), Value::String(value)) => own == value,
            (View::Array, Value::Array(values)) => {
                self.count() == values.len() && self.elements().zip(values).all(|(own, value)| own.is(value))
            }
            // No name comes twice, so that as many are the same ones.
            (View::Object, Value::Object(members)) => {
                let has = |(name, value): (&String, &Value)| self.member(name).is_some_and(|own| own.is(value));
                self.count() == members.len() && members.iter().all(has)
            }
            _ => false,
        }
    }
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum View<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(&'a str),
    Array,
    Object,
}

impl<'a> Json<'a> for &'a Value {
    fn view(self) -> View<'a> {
        match self {
            Value::Null => View::Null,
            Value::Bool(value) => View::Bool(*value),
            Value::Number(number) => View::Number(number.clone()),
            Value::String(text) => View::Text(text),
            Value::Array(_) => View::Array,
            Value::Object(_) => View::Object,
        }
    }

    fn member(self, name: &str) -> Option<Self> {
        self.as_object()?.get(name)
    }

    fn elements(self) -> impl Iterator<Item = Self> {
        self.as_array().into_iter().flatten()
    }

    fn count(self) -> usize {
        match self {
            Value::Array(elements) => elements.len(),
            Value::Object(members) => members.len(),
            _ => 0,
        }
    }
}

/// Reads one JSON object.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: MAX_DEPTH }.deserialize(&mut deserializer).map_err(|_| JsonError)?;
    deserializer.end().map_err(|_| JsonError)?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError),
    }
}

/// Reads one value, at most `depth` levels deep.
#[derive(Clone, Copy)]
struct Strict {
    depth: u8,
}

impl Strict {
    fn below<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(below)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(below)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_serde_json_reads() {
        let text = br#"{"a":[1,-2,3.5,true,null,"x"],"b":{"c":{}}}"#;
        let expected: Value = serde_json::from_slice(text).unwrap_or_default();
        assert_eq!(parse_object(text).map(Value::Object), Ok(expected));
    }

    #[test]
    fn refuses_what_can_be_read_in_two_ways() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        let just_too_deep = format!("{{\"a\":{}{}}}", "[".repeat(32), "]".repeat(32));
        let cases: [(&str, &[u8]); 15] = [
            ("duplicate member", br#"{"sub":"a","sub":"b"}"#),
            ("duplicate below", br#"{"x":{"sub":"a","sub":"b"}}"#),
            ("duplicate by escape", br#"{"sub":"a","\u0073ub":"b"}"#),
            ("byte order mark", b"\xEF\xBB\xBF{}"),
            ("not UTF-8", b"{\"a\":\"\xFF\"}"),
            ("UTF-16", b"{\0}\0"),
            ("lone surrogate", br#"{"a":"\ud800"}"#),
            ("number out of range", br#"{"a":1e400}"#),
            ("trailing bytes", b"{}x"),
            ("two values", b"{}{}"),
            ("array", b"[]"),
            ("string", b"\"{}\""),
            ("nothing", b""),
            ("deep", deep.as_bytes()),
            ("just too deep", just_too_deep.as_bytes()),
        ];
        for (name, bytes) in cases {
            assert_eq!(parse_object(bytes), Err(JsonError), "{name}");
        }
        let deepest = format!("{{\"a\":{}{}}}", "[".repeat(31), "]".repeat(31));
        assert!(parse_object(deepest.as_bytes()).is_ok());
    }
}
