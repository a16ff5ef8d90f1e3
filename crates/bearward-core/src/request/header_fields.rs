//! The header fields of a request, as they are judged: read where they stand, and never copied.

use std::fmt;

use http::header::ValueIter;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The header fields of a request: those of a [`HeaderMap`], or those of a head that was parsed in place.
#[derive(Clone, Copy)]
pub enum HeaderFields<'a> {
    /// Fields in a map.
    Map(&'a HeaderMap),
    /// Fields in the order in which they came.
    List(&'a [HeaderField<'a>]),
}

/// One field of a head that was parsed in place.
#[derive(Clone, Copy)]
pub struct HeaderField<'a> {
    /// The name as it was sent: compared without case (RFC 9110 section 5.1).
    pub name: &'a str,
    /// The value, without white space around it.
    pub value: &'a [u8],
}

impl<'a> HeaderFields<'a> {
    /// The values of all fields of this name, in their order.
    pub fn values<'n>(self, name: &'n HeaderName) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        match self {
            Self::Map(map) => Values::Map(map.get_all(name).iter()),
            Self::List(list) => Values::List { rest: list.iter(), name: name.as_str() },
        }
    }

    /// The value of the first field of this name.
    pub fn first(self, name: &HeaderName) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// Whether there is a field of this name.
    pub fn contains(self, name: &HeaderName) -> bool {
        self.first(name).is_some()
    }

    /// The value of the one field of this name; `None` where there is none, or more than one.
    pub fn only(self, name: &HeaderName) -> Option<&'a [u8]> {
        let mut values = self.values(name);
        values.next().filter(|_| values.next().is_none())
    }
}

impl<'a> From<&'a HeaderMap> for HeaderFields<'a> {
    fn from(map: &'a HeaderMap) -> Self {
        Self::Map(map)
    }
}

impl<'a> From<&'a [HeaderField<'a>]> for HeaderFields<'a> {
    fn from(list: &'a [HeaderField<'a>]) -> Self {
        Self::List(list)
    }
}

/// Names alone: values hold tokens.
impl fmt::Debug for HeaderFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(map) => f.debug_list().entries(map.keys()).finish(),
            Self::List(list) => f.debug_list().entries(list.iter().map(|field| field.name)).finish(),
        }
    }
}

impl fmt::Debug for HeaderField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

enum Values<'a, 'n> {
    Map(ValueIter<'a, HeaderValue>),
    List { rest: std::slice::Iter<'a, HeaderField<'a>>, name: &'n str },
}

impl<'a> Iterator for Values<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match self {
            Self::Map(values) => values.next().map(HeaderValue::as_bytes),
            // The lengths are compared first, which is all that most fields need.
            Self::List { rest, name } => {
                rest.find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use http::header::{AUTHORIZATION, HOST};

    use super::*;

    #[test]
    fn a_map_and_a_list_read_alike() {
        let sent = [("Host", "a"), ("AUTHORIZATION", "Bearer a"), ("x-b", "c"), ("authorization", "Bearer b")];
        let list = sent.map(|(name, value)| HeaderField { name, value: value.as_bytes() });
        let mut map = HeaderMap::new();
        for (name, value) in sent {
            map.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_static(value));
        }
        for fields in [HeaderFields::from(&map), HeaderFields::from(&list[..])] {
            assert_eq!(fields.values(&AUTHORIZATION).collect::<Vec<_>>(), [b"Bearer a", b"Bearer b"]);
            assert_eq!((fields.first(&HOST), fields.first(&AUTHORIZATION)), (Some(&b"a"[..]), Some(&b"Bearer a"[..])));
            assert_eq!((fields.only(&HOST), fields.only(&AUTHORIZATION)), (Some(&b"a"[..]), None));
            assert!(fields.contains(&AUTHORIZATION) && !fields.contains(&HeaderName::from_static("x-c")));
            assert!(!format!("{fields:?}").contains("Bearer"), "{fields:?}");
        }
    }
}
