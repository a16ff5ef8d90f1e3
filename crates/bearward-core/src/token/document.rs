//! A strict JSON object kept as its text, with an index of what stands where in it.
//!
//! A token's claims are read once and then kept for as long as the token is remembered: as text they take a tenth of what a tree
//! of values takes, and to make the index costs a fraction of making the tree.

mod read;

use std::num::NonZeroU32;

use serde_json::{Map, Number, Value};

use crate::token::json::{Json, JsonError, View};

/// A text, and what stands where in it.
#[derive(Clone)]
pub(crate) struct Document {
    /// The JSON, and after it what the strings mean that are written with escapes.
    text: String,
    /// The length of the JSON.
    json: u32,
    /// Every value and every member's name, in the order in which they stand there; the first is the object itself.
    nodes: Vec<Node>,
}

/// Where a string stands: it is never the first byte, which opens the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: NonZeroU32,
    length: u32,
}

impl Span {
    /// What stands there, in a text that this is a span of.
    pub(crate) fn of(self, text: &str) -> &str {
        let start = self.start.get() as usize;
        text.get(start..start + self.length as usize).unwrap_or_default()
    }
}

/// A value, or a member's name. Of 16 bytes, so that an index is a small piece of memory.
#[derive(Clone, Copy)]
enum Node {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Span),
    /// A member's name, which is followed by its value.
    Name(Name),
    /// The number of the node after its last element.
    Array(u32),
    /// The number of the node after its last member.
    Object(u32),
}

/// Where a name stands, and how it begins: with its length, that is all by which most names are told apart.
#[derive(Clone, Copy)]
struct Name {
    span: Span,
    begin: [u8; 4],
}

impl Name {
    fn new(span: Span, text: &str) -> Self {
        Self { span, begin: begin(text) }
    }

    /// Whether it may be a name of this length that begins so.
    fn may_be(self, length: usize, begin: [u8; 4]) -> bool {
        self.span.length as usize == length && self.begin == begin
    }
}

/// The first bytes of a text, and zeros where it is shorter.
fn begin(text: &str) -> [u8; 4] {
    match *text.as_bytes() {
        [a, b, c, d, ..] => [a, b, c, d],
        [a, b, c] => [a, b, c, 0],
        [a, b] => [a, b, 0, 0],
        [a] => [a, 0, 0, 0],
        [] => [0; 4],
    }
}

impl Document {
    /// Reads one JSON object.
    pub(crate) fn parse(json: Vec<u8>) -> Result<Self, JsonError> {
        let mut text = String::from_utf8(json).map_err(|_| JsonError)?;
        // What strings mean is never longer than how they are written, so that all fits into one text of 4 GiB.
        let length = u32::try_from(text.len()).ok().filter(|length| *length < u32::MAX / 2).ok_or(JsonError)?;
        let (nodes, unescaped) = read::index(&text)?;
        text.push_str(&unescaped);
        Ok(Self { text, json: length, nodes })
    }

    /// The document of an object that was read elsewhere, as strictly.
    pub(crate) fn of(object: &Map<String, Value>) -> Result<Self, JsonError> {
        Self::parse(serde_json::to_vec(object).map_err(|_| JsonError)?)
    }

    /// The value of a member.
    pub(crate) fn get(&self, name: &str) -> Option<Ref<'_>> {
        self.root().member(name)
    }

    /// Whether there is a member of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All of it, as a tree.
    pub(crate) fn to_map(&self) -> Map<String, Value> {
        self.root().members().map(|(name, value)| (name.to_owned(), value.to_value())).collect()
    }

    /// The object itself.
    pub(crate) fn root(&self) -> Ref<'_> {
        Ref { document: self, at: 0 }
    }

    /// Adds a text that is no value of the JSON.
    pub(crate) fn append(&mut self, text: &str) -> Option<Span> {
        let start = u32::try_from(self.text.len()).ok().and_then(NonZeroU32::new)?;
        let length = u32::try_from(text.len()).ok()?;
        self.text.push_str(text);
        Some(Span { start, length })
    }

    /// The text without the index, and how much of it is the JSON.
    pub(crate) fn into_text(self) -> (Box<str>, u32) {
        (self.text.into_boxed_str(), self.json)
    }

    /// The text that spans are of.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// A value of a document.
#[derive(Clone, Copy)]
pub(crate) struct Ref<'d> {
    document: &'d Document,
    at: usize,
}

impl<'d> Ref<'d> {
    fn node(self) -> &'d Node {
        // Only nodes that are there are pointed to.
        self.document.nodes.get(self.at).unwrap_or(&Node::Null)
    }

    /// The number of the node after this value.
    fn end(self) -> usize {
        match self.node() {
            Node::Array(end) | Node::Object(end) => *end as usize,
            _ => self.at + 1,
        }
    }

    /// Where it stands, if it is a string.
    pub(crate) fn span(self) -> Option<Span> {
        match self.node() {
            Node::Text(span) => Some(*span),
            _ => None,
        }
    }

    fn name(self) -> &'d str {
        if let Node::Name(name) = self.node() { name.span.of(&self.document.text) } else { "" }
    }

    /// The members of an object, in their order.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'d str, Self)> {
        let Self { document, at } = self;
        let end = if let Node::Object(_) = self.node() { self.end() } else { at };
        let mut next = at + 1;
        std::iter::from_fn(move || {
            if next >= end {
                return None;
            }
            let (name, value) = (Self { document, at: next }, Self { document, at: next + 1 });
            next = value.end();
            Some((name.name(), value))
        })
    }

    /// The value as a tree.
    pub(crate) fn to_value(self) -> Value {
        match self.view() {
            View::Null => Value::Null,
            View::Bool(value) => Value::Bool(value),
            View::Number(number) => Value::Number(number),
            View::Text(text) => Value::String(text.to_owned()),
            View::Array => self.elements().map(Self::to_value).collect(),
            View::Object => {
                Value::Object(self.members().map(|(name, value)| (name.to_owned(), value.to_value())).collect())
            }
        }
    }
}

impl<'d> Json<'d> for Ref<'d> {
    fn view(self) -> View<'d> {
        match self.node() {
            Node::Null => View::Null,
            Node::Bool(value) => View::Bool(*value),
            Node::Unsigned(number) => View::Number((*number).into()),
            Node::Signed(number) => View::Number((*number).into()),
            Node::Float(number) => Number::from_f64(*number).map_or(View::Null, View::Number),
            Node::Text(span) => View::Text(span.of(&self.document.text)),
            Node::Array(_) => View::Array,
            Node::Object(_) => View::Object,
            // No value is one.
            Node::Name(_) => View::Null,
        }
    }

    fn member(self, name: &str) -> Option<Self> {
        let Self { document, at } = self;
        let end = if let Node::Object(_) = self.node() { self.end() } else { at };
        let begin = begin(name);
        let mut next = at + 1;
        while next < end {
            let value = Self { document, at: next + 1 };
            if let Some(Node::Name(own)) = document.nodes.get(next)
                && own.may_be(name.len(), begin)
                && own.span.of(&document.text) == name
            {
                return Some(value);
            }
            next = value.end();
        }
        None
    }

    fn elements(self) -> impl Iterator<Item = Self> {
        let Self { document, at } = self;
        let end = if let Node::Array(_) = self.node() { self.end() } else { at };
        let mut next = at + 1;
        std::iter::from_fn(move || {
            let element = Self { document, at: next };
            (next < end).then(|| next = element.end()).map(|()| element)
        })
    }

    fn count(self) -> usize {
        match self.node() {
            Node::Object(_) => self.members().count(),
            _ => self.elements().count(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::read::FEW;
    use super::*;
    use crate::token::json::parse_object;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,9}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 60, 30, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..30).prop_map(Value::from),
                prop::collection::vec((".{0,3}", inner), 0..40).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    #[test]
    fn values_are_found() {
        let text = r#" {"a":"x","\u0062":[1,"\n",{"c":null}],"d":{},"e":[]} "#;
        let document = Document::parse(text.into()).unwrap();
        assert_eq!(document.get("a").and_then(Json::text), Some("x"));
        let b = document.get("b").unwrap();
        assert_eq!(b.elements().map(Ref::to_value).collect::<Vec<_>>(), [json!(1), json!("\n"), json!({"c": null})]);
        assert_eq!((b.count(), document.root().count()), (3, 4));
        assert!(document.has("d") && document.has("e") && !document.has("c") && !document.has("x"));
        assert!(document.get("e").unwrap().elements().next().is_none());
        assert_eq!(b.elements().nth(1).unwrap().span().unwrap().of(document.text()), "\n");
    }

    #[test]
    fn a_member_twice_is_found_among_few_and_among_many() {
        for count in [1, 2, FEW - 1, FEW, FEW + 1, FEW + 2, 5_000] {
            let members = |names: &[String]| {
                let members: Vec<_> = names.iter().map(|name| format!("\"{name}\":1")).collect();
                format!("{{\"x\":{{{}}},\"m0\":[]}}", members.join(","))
            };
            let mut names: Vec<_> = (0..count).map(|n| format!("m{n}")).collect();
            assert!(Document::parse(members(&names).into()).is_ok(), "{count}");
            for twice in [0, count / 2, count - 1] {
                names.push(format!("m{twice}").replacen('m', "\\u006d", 1));
                assert_eq!(Document::parse(members(&names).into()).err(), Some(JsonError), "{count} {twice}");
                names.pop();
            }
        }
    }

    proptest! {
        // Large ones.
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_document_says_what_a_tree_says(object in prop::collection::vec((".{0,3}", any_json()), 0..40)) {
            let object: Map<String, Value> = object.into_iter().collect();
            let document = Document::of(&object).unwrap();
            // A double may change with its text; the reader of trees reads the same text.
            let read = parse_object(&serde_json::to_vec(&object).unwrap()).unwrap();
            prop_assert_eq!(&document.to_map(), &read);
            for (name, value) in &read {
                let found = document.get(name).unwrap();
                prop_assert!(found.is(value) && found.to_value() == *value);
            }
            prop_assert_eq!(document.root().count(), read.len());
        }
    }

    proptest! {
        #[test]
        fn whatever_a_tree_refuses_a_document_refuses(
            text in r#"(\{|\}|\[|\]|:|,|"|\\u006[12]|\\ud800|a|b|"a"|"b"|1|-|1e999|null| |\x00|é){0,12}"#, wrapped in any::<bool>(),
        ) {
            let text = if wrapped { format!("{{\"a\":{text}}}") } else { text };
            let tree = parse_object(text.as_bytes());
            prop_assert_eq!(Document::parse(text.clone().into()).map(|document| document.to_map()), tree, "{}", text);
        }
    }
}
