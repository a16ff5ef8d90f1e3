//! How a document's index is made: in one pass over the text, by serde_json's reader.

use std::fmt;
use std::num::NonZeroU32;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::{Name, Node, Span};
use crate::token::json::{JsonError, MAX_DEPTH};

/// How many nodes a usual token has at most.
const USUAL_NODES: usize = 48;

/// The nodes of a text that is one JSON object, and what its strings mean that are written with escapes.
pub(super) fn index(json: &str) -> Result<(Vec<Node>, String), JsonError> {
    let (nodes, names) = (Vec::with_capacity(USUAL_NODES), Vec::with_capacity(FEW));
    let mut index = Index { json, nodes, names, unescaped: String::new() };
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Read { index: &mut index, depth: MAX_DEPTH }.deserialize(&mut deserializer).map_err(|_| JsonError)?;
    deserializer.end().map_err(|_| JsonError)?;
    let Index { nodes, unescaped, .. } = index;
    if matches!(nodes.first(), Some(Node::Object(_))) { Ok((nodes, unescaped)) } else { Err(JsonError) }
}

/// An index as it is made.
struct Index<'t> {
    json: &'t str,
    nodes: Vec<Node>,
    /// The names of the members of all objects that are open.
    names: Vec<Name>,
    unescaped: String,
}

impl Index<'_> {
    fn text(&self, span: Span) -> &str {
        let start = span.start.get() as usize;
        let (text, start) = match start.checked_sub(self.json.len()) {
            None => (self.json, start),
            Some(start) => (self.unescaped.as_str(), start),
        };
        text.get(start..start + span.length as usize).unwrap_or_default()
    }

    /// A string that stands in the text as it is.
    fn borrowed<E: Error>(&mut self, text: &str) -> Result<Span, E> {
        let start = (text.as_ptr() as usize).wrapping_sub(self.json.as_ptr() as usize);
        match self.json.get(start..start.wrapping_add(text.len())) {
            Some(own) if own.len() == text.len() => span(start, text.len()),
            // It is of another text, which does not happen.
            _ => self.unescaped(text),
        }
    }

    /// A string that is written with escapes.
    fn unescaped<E: Error>(&mut self, text: &str) -> Result<Span, E> {
        let start = self.json.len() + self.unescaped.len();
        self.unescaped.push_str(text);
        span(start, text.len())
    }

    /// Notes a name, and whether the object whose names begin at `first` has it already. Of many names, only the end of the object
    /// tells.
    fn name<E: Error>(&mut self, span: Span, text: &str, first: usize) -> Result<(), E> {
        let name = Name::new(span, text);
        let known = self.names.get(first..).unwrap_or_default();
        let is_known = |known: &Name| known.may_be(text.len(), name.begin) && self.text(known.span) == text;
        if known.len() <= FEW && known.iter().any(is_known) {
            return Err(E::custom("duplicate member"));
        }
        self.names.push(name);
        self.nodes.push(Node::Name(name));
        Ok(())
    }

    /// Ends the object whose names begin at `first`.
    fn end_names<E: Error>(&mut self, first: usize) -> Result<(), E> {
        let names = self.names.get(first..).unwrap_or_default();
        if names.len() > FEW {
            // Each with each would take a time that grows with the square of what was sent.
            let mut names: Vec<&str> = names.iter().map(|name| self.text(name.span)).collect();
            names.sort_unstable();
            if names.windows(2).any(|pair| pair.first() == pair.last()) {
                return Err(E::custom("duplicate member"));
            }
        }
        self.names.truncate(first);
        Ok(())
    }
}

/// Up to so many names are compared each with each.
pub(super) const FEW: usize = 24;

fn span<E: Error>(start: usize, length: usize) -> Result<Span, E> {
    let start = u32::try_from(start).ok().and_then(NonZeroU32::new);
    let span = start.zip(u32::try_from(length).ok()).map(|(start, length)| Span { start, length });
    span.ok_or_else(|| E::custom("a text where none can be"))
}

/// Reads one value, at most `depth` levels deep.
struct Read<'i, 't> {
    index: &'i mut Index<'t>,
    depth: u8,
}

impl Read<'_, '_> {
    fn push<E>(self, node: Node) -> Result<(), E> {
        self.index.nodes.push(node);
        Ok(())
    }

    /// Pushes a value with others in it, which ends where it is closed with [`close`].
    fn open<E: Error>(&mut self, node: Node) -> Result<(usize, u8), E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))?;
        self.index.nodes.push(node);
        Ok((self.index.nodes.len() - 1, depth))
    }
}

fn close(index: &mut Index<'_>, at: usize) {
    // There are no more nodes than bytes, whose number is one of 32 bits.
    let end = u32::try_from(index.nodes.len()).unwrap_or(u32::MAX);
    if let Some(Node::Array(own) | Node::Object(own)) = index.nodes.get_mut(at) {
        *own = end;
    }
}

impl<'de> DeserializeSeed<'de> for Read<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Read<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.push(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.push(Node::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.push(Node::Unsigned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.push(Node::Signed(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        if !value.is_finite() {
            return Err(E::custom("number out of range"));
        }
        self.push(Node::Float(value))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        let span = self.index.borrowed(text)?;
        self.push(Node::Text(span))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let span = self.index.unescaped(text)?;
        self.push(Node::Text(span))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let (at, depth) = self.open(Node::Array(0))?;
        while elements.next_element_seed(Read { index: self.index, depth })?.is_some() {}
        close(self.index, at);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let (at, depth) = self.open(Node::Object(0))?;
        let first = self.index.names.len();
        while members.next_key_seed(ReadName { index: self.index, first })?.is_some() {
            members.next_value_seed(Read { index: self.index, depth })?;
        }
        self.index.end_names(first)?;
        close(self.index, at);
        Ok(())
    }
}

/// Reads a member's name.
struct ReadName<'i, 't> {
    index: &'i mut Index<'t>,
    first: usize,
}

impl<'de> DeserializeSeed<'de> for ReadName<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for ReadName<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        let span = self.index.borrowed(text)?;
        self.index.name(span, text, self.first)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let span = self.index.unescaped(text)?;
        self.index.name(span, text, self.first)
    }
}
