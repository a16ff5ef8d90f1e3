//! Identity headers as they stand on the wire.

use std::fmt;

use http::{HeaderName, HeaderValue};

/// The longest value of one identity header, in bytes.
pub(super) const MAX_VALUE_BYTES: usize = 4 * 1024;

/// The most that the values of all identity headers may take together, in bytes.
const MAX_TOTAL_BYTES: usize = 8 * 1024;

/// The identity headers of one caller, `name: value` and a line break for each, as HTTP/1 sends them. The default has none.
///
/// Kept in this form because one piece of memory holds them, and a mount on HTTP/1 copies them as they are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IdentityLines(Box<[u8]>);

impl IdentityLines {
    /// The bytes: zero or more complete lines, each with its line break.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same as fields, in their order. Each name comes at most once.
    pub fn fields(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let lines = self.0.split(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\r"));
        lines.filter_map(|line| {
            let end = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at_checked(end)?;
            // A name and a value were written there, so that both can be read again.
            Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value.strip_prefix(b": ")?).ok()?))
        })
    }
}

/// The names alone: the values say who calls.
impl fmt::Debug for IdentityLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fields().map(|(name, _)| name)).finish()
    }
}

/// Lines as they are made, within their bounds.
#[derive(Default)]
pub(super) struct Writer {
    lines: Vec<u8>,
    /// Of the values alone.
    bytes: usize,
}

/// A value is too long, or no header holds it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unwritable;

impl Writer {
    pub(super) fn push(&mut self, name: &HeaderName, value: &str) -> Result<(), Unwritable> {
        self.bytes += value.len();
        // Nothing that ends a line gets into one, whatever the encoding of claims may let through one day.
        let is_visible = |byte: u8| matches!(byte, b' '..=b'~');
        if value.len() > MAX_VALUE_BYTES || self.bytes > MAX_TOTAL_BYTES || !value.bytes().all(is_visible) {
            return Err(Unwritable);
        }
        // Exactly, since most of what doubling takes would stay unused while the token is remembered.
        self.lines.reserve_exact(name.as_str().len() + value.len() + 4);
        let line = [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"];
        line.iter().for_each(|part| self.lines.extend_from_slice(part));
        Ok(())
    }

    pub(super) fn finish(self) -> IdentityLines {
        IdentityLines(self.lines.into())
    }
}

#[cfg(test)]
mod tests {
    use http::header::{HOST, VIA};

    use super::*;

    #[test]
    fn what_ends_a_line_or_bends_a_value_is_not_written() {
        for value in ["a\r\nb", "a\nb", "a\rb", "\r", "\n", "a\0", "a\tb", "caf\u{e9}", "\u{10a}", "\u{85}", "\x7f"] {
            assert_eq!(Writer::default().push(&HOST, value), Err(Unwritable), "{value:?}");
        }
    }

    #[test]
    fn lines_read_as_the_fields_that_they_were_made_of() {
        let mut lines = Writer::default();
        for (name, value) in [(HOST, "a: b"), (VIA, "")] {
            assert_eq!(lines.push(&name, value), Ok(()));
        }
        let lines = lines.finish();
        assert_eq!(lines.as_bytes(), b"host: a: b\r\nvia: \r\n");
        let fields: Vec<_> = lines.fields().collect();
        assert_eq!(fields, [(HOST, HeaderValue::from_static("a: b")), (VIA, HeaderValue::from_static(""))]);
        assert_eq!(format!("{lines:?}"), r#"["host", "via"]"#);
        assert_eq!(IdentityLines::default().fields().count(), 0);
    }
}
