//! The field lines of a head (RFC 9112, 5), indexed where they stand.

use bearward_core::{HeaderField, HeaderFields};
use smallvec::SmallVec;

use super::octets;

/// The most fields of one head.
pub(crate) const MAX_FIELDS: usize = 128;

/// The fields of a head, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a> {
    list: SmallVec<[HeaderField<'a>; 32]>,
    marks: SmallVec<[Mark; 32]>,
}

/// Which field a line is, and where the line stands in its head, with its end.
#[derive(Clone, Copy, Debug)]
struct Mark {
    name: Name,
    start: u32,
    end: u32,
}

/// The fields that the rules of HTTP/1.1 speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Authorization,
    Connection,
    ContentLength,
    Date,
    Expect,
    Host,
    Http2Settings,
    KeepAlive,
    ProxyConnection,
    RequestId,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    Via,
    Other,
}

/// A field of a head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) name: Name,
    pub(crate) text: &'a str,
    /// The place of its line in the head, the line's end included.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Why a field section cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldsError {
    Malformed,
    TooMany,
}

impl<'a> Fields<'a> {
    /// Adds the field of a line, which stands in the head from `start` on, without its line end.
    pub(super) fn add(&mut self, line: &'a [u8], start: usize) -> Result<(), FieldsError> {
        if self.list.len() == MAX_FIELDS {
            return Err(FieldsError::TooMany);
        }
        // No name, white space before it (obs-fold, RFC 9112, 5.2) and between it and its colon (5.1) all end up here.
        let length = octets::token_length(line);
        let (name, rest) = line.split_at_checked(length).ok_or(FieldsError::Malformed)?;
        let [b':', value @ ..] = rest else { return Err(FieldsError::Malformed) };
        if name.is_empty() || !octets::is_value(value) {
            return Err(FieldsError::Malformed);
        }
        // A token is ASCII.
        let name = str::from_utf8(name).map_err(|_| FieldsError::Malformed)?;
        let place = |at: usize| u32::try_from(at).map_err(|_| FieldsError::Malformed);
        self.marks.push(Mark { name: Name::of(name), start: place(start)?, end: place(start + line.len() + 2)? });
        self.list.push(HeaderField { name, value: octets::trim(value) });
        Ok(())
    }

    /// As the gate reads them.
    pub(crate) fn as_header_fields(&self) -> HeaderFields<'_> {
        HeaderFields::List(&self.list)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Field<'a>> + '_ {
        self.list.iter().zip(&self.marks).map(|(field, mark)| Field {
            name: mark.name,
            text: field.name,
            start: mark.start as usize,
            end: mark.end as usize,
        })
    }

    /// The values of all fields of this name, in their order.
    pub(crate) fn values(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.list.iter().zip(&self.marks).filter(move |(_, mark)| mark.name == name).map(|(field, _)| field.value)
    }

    pub(crate) fn has(&self, name: Name) -> bool {
        self.values(name).next().is_some()
    }
}

impl Name {
    fn of(text: &str) -> Self {
        // The length decides between nearly all of them.
        let (known, name) = match text.len() {
            2 => ("te", Self::Te),
            3 => ("via", Self::Via),
            4 if text.starts_with(['h', 'H']) => ("host", Self::Host),
            4 => ("date", Self::Date),
            6 => ("expect", Self::Expect),
            7 if text.starts_with(['t', 'T']) => ("trailer", Self::Trailer),
            7 => ("upgrade", Self::Upgrade),
            10 if text.starts_with(['k', 'K']) => ("keep-alive", Self::KeepAlive),
            10 => ("connection", Self::Connection),
            12 => ("x-request-id", Self::RequestId),
            13 => ("authorization", Self::Authorization),
            14 if text.starts_with(['h', 'H']) => ("http2-settings", Self::Http2Settings),
            14 => ("content-length", Self::ContentLength),
            16 => ("proxy-connection", Self::ProxyConnection),
            17 => ("transfer-encoding", Self::TransferEncoding),
            _ => return Self::Other,
        };
        if text.eq_ignore_ascii_case(known) { name } else { Self::Other }
    }
}

/// The elements of a list (RFC 9110, 5.6.1) in these values; empty ones are skipped.
pub(crate) fn elements<'a>(values: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    values.flat_map(|value| value.split(|byte| *byte == b',')).map(octets::trim).filter(|element| !element.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn one(line: &str) -> Result<(Name, String, String), FieldsError> {
        let mut fields = Fields::default();
        fields.add(line.as_bytes(), 0)?;
        let field = fields.iter().next().unwrap();
        let value = fields.values(field.name).next().unwrap();
        Ok((field.name, field.text.to_owned(), String::from_utf8_lossy(value).into_owned()))
    }

    #[test]
    fn a_line_is_a_name_a_colon_and_a_value() {
        let read = |line, name, text: &str, value: &str| {
            assert_eq!(one(line), Ok((name, text.to_owned(), value.to_owned())), "{line:?}");
        };
        read("Host: a", Name::Host, "Host", "a");
        read("DATE:b", Name::Date, "DATE", "b");
        read("x:\t a: b \t", Name::Other, "x", "a: b");
        read("X-Empty:", Name::Other, "X-Empty", "");
        read("x-caf: caf\u{e9}", Name::Other, "x-caf", "caf\u{e9}");
        for line in [
            "",
            "a",
            ": a",
            " a: b",
            "\ta: b",
            "a : b",
            "a\t: b",
            "a b: c",
            "a: \0",
            "a: b\rc",
            "a: \u{7f}",
            "\u{e9}: a",
        ] {
            assert_eq!(one(line), Err(FieldsError::Malformed), "{line:?}");
        }
    }

    #[test]
    fn every_name_is_known_in_every_case_and_no_other_is() {
        for (text, name) in [
            ("Authorization", Name::Authorization),
            ("connection", Name::Connection),
            ("CONTENT-LENGTH", Name::ContentLength),
            ("Date", Name::Date),
            ("Expect", Name::Expect),
            ("Host", Name::Host),
            ("HTTP2-Settings", Name::Http2Settings),
            ("Keep-Alive", Name::KeepAlive),
            ("Proxy-Connection", Name::ProxyConnection),
            ("X-Request-ID", Name::RequestId),
            ("TE", Name::Te),
            ("Trailer", Name::Trailer),
            ("Transfer-Encoding", Name::TransferEncoding),
            ("Upgrade", Name::Upgrade),
            ("Via", Name::Via),
        ] {
            for text in [text.to_owned(), text.to_ascii_lowercase(), text.to_ascii_uppercase()] {
                assert_eq!(Name::of(&text), name, "{text}");
                assert_eq!(Name::of(&text.replace('-', "_")) == name, !text.contains('-'), "{text}");
            }
        }
        for text in ["tf", "vib", "hose", "dame", "expecz", "trailes", "upgrate", "connectiom", "content_length"] {
            assert_eq!(Name::of(text), Name::Other, "{text}");
        }
    }

    #[test]
    fn there_are_only_so_many() {
        let mut fields = Fields::default();
        for _ in 0..MAX_FIELDS {
            fields.add(b"a: b", 0).unwrap();
        }
        assert_eq!(fields.add(b"a: b", 0), Err(FieldsError::TooMany));
    }

    #[test]
    fn lists_go_over_lines() {
        let values: [&[u8]; 3] = [b"a, b ,,c", b"", b" d"];
        let elements: Vec<_> = elements(values.into_iter()).collect();
        assert_eq!(elements, [b"a", b"b", b"c", b"d"]);
    }
}
