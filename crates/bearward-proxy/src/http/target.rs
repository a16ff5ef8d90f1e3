//! The target of a request (RFC 9112, 3.2), in the two forms that go on.

use super::fields::Name;
use super::head::RequestHead;

/// A target, as it is judged and forwarded: in origin form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    pub(crate) path: &'a [u8],
    /// Without its `?`.
    pub(crate) query: Option<&'a [u8]>,
    /// What an absolute target says in place of `Host`.
    pub(crate) authority: Option<&'a [u8]>,
}

/// A target that names no one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl<'a> Target<'a> {
    /// The target of a request, in origin form (`/path?query`) or absolute (`http://host/path?query`), which becomes that.
    pub(crate) fn of(head: &RequestHead<'a>) -> Result<Self, Malformed> {
        let target = head.target;
        // What begins with neither a slash nor a scheme, such as `*`, is no path, and the gate says so.
        if target.starts_with(b"/") || !target.contains(&b':') {
            return Ok(Self::origin(target, None));
        }
        let (authority, rest) = absolute(target).ok_or(Malformed)?;
        if head.fields.values(Name::Host).any(|host| host != authority) {
            return Err(Malformed);
        }
        Ok(Self::origin(rest, Some(authority)))
    }

    fn origin(target: &'a [u8], authority: Option<&'a [u8]>) -> Self {
        let mut parts = target.splitn(2, |byte| *byte == b'?');
        let path = parts.next().unwrap_or_default();
        let query = parts.next();
        // RFC 9112, 3.2.1: an empty path is `/`.
        let path = if path.is_empty() && authority.is_some() { b"/" } else { path };
        Self { path, query, authority }
    }

    /// Appends it in origin form.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.path);
        if let Some(query) = self.query {
            out.push(b'?');
            out.extend_from_slice(query);
        }
    }
}

/// The authority, and path with query, of a target in absolute form. Only http and https, because other schemes have rules of
/// their own.
fn absolute(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let after = |scheme: &[u8]| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let rest = after(b"http://").or_else(|| after(b"https://"))?;
    let end = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    // Some parsers take a backslash for a slash (WHATWG URL, 4.4).
    (!authority.is_empty() && !authority.contains(&b'\\')).then_some((authority, rest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    /// The origin form, and the authority of an absolute one.
    fn read(target: &str, host: &str) -> Option<(String, Option<String>)> {
        let bytes = format!("GET {target} HTTP/1.1\r\n{host}\r\n");
        let head = RequestHead::parse(bytes.as_bytes()).unwrap();
        let target = Target::of(&head).ok()?;
        let mut out = Vec::new();
        target.write(&mut out);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Some((text(&out), target.authority.map(text)))
    }

    #[test]
    fn an_origin_form_stays_as_it_is() {
        for target in ["/", "/a?b=c:d", "/a?", "/a?b?c", "//a", "*", "a", "/http://b", "?"] {
            assert_eq!(read(target, "Host: a\r\n"), Some((target.to_owned(), None)), "{target}");
        }
    }

    #[test]
    fn an_absolute_form_becomes_the_origin_form() {
        for (target, origin) in [
            ("http://api.example.com:80/a?b=//c", "/a?b=//c"),
            ("HTTPS://api.example.com:80", "/"),
            ("http://api.example.com:80?b", "/?b"),
            ("http://api.example.com:80/", "/"),
        ] {
            let expected = Some((origin.to_owned(), Some("api.example.com:80".to_owned())));
            for host in ["Host: api.example.com:80\r\n", ""] {
                assert_eq!(read(target, host), expected, "{target}");
            }
            assert_eq!(read(target, "Host: api.example.com\r\n"), None, "{target}");
        }
        for target in ["http:///a", "http://", "http:/a", "http:a", "http://a\\b/", "ws://a/", "a:80", "*:"] {
            assert_eq!(read(target, ""), None, "{target}");
        }
    }
}
