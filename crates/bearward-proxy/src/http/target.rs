//! The target of a request (RFC 9112, 3.2), in the two forms that may go on.

use bearward_core::Reason;
use http::header::HOST;

use super::head::Head;

/// The form of a request target that may go on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TargetForm {
    /// `/path?query`: checked and forwarded unchanged.
    Origin,
    /// `http://host/path?query`: forwarded as `origin`, with `authority` as `Host`.
    Absolute {
        /// The target in origin form.
        origin: Vec<u8>,
        /// The host, with its port where there is one.
        authority: Vec<u8>,
    },
}

/// The path of a target in origin form, without its query.
pub(crate) fn path(target: &[u8]) -> &[u8] {
    target.split(|byte| *byte == b'?').next().unwrap_or_default()
}

/// The query of a target in origin form, without its `?`.
pub(crate) fn query(target: &[u8]) -> Option<&[u8]> {
    target.splitn(2, |byte| *byte == b'?').nth(1)
}

/// The form of a request's target.
pub(super) fn form(head: &Head<'_>) -> Result<TargetForm, Reason> {
    let target = sent(head.raw).ok_or(Reason::RequestMalformed)?;
    // The forwarded target must be the sent one: a parser may cut off a fragment, which RFC 9112, 3.2 does not allow.
    if target != head.target {
        return Err(Reason::PathAmbiguous);
    }
    // The gate refuses what is not a path, such as `*`.
    if target.starts_with(b"/") || !target.contains(&b':') {
        return Ok(TargetForm::Origin);
    }
    let (authority, rest) = absolute(target).ok_or(Reason::RequestMalformed)?;
    if head.headers.get(HOST).is_some_and(|host| host.as_bytes() != authority) {
        return Err(Reason::RequestMalformed);
    }
    let slash: &[u8] = if rest.starts_with(b"/") { b"" } else { b"/" };
    Ok(TargetForm::Absolute { origin: [slash, rest].concat(), authority: authority.to_vec() })
}

/// The sent request target in a header block.
fn sent(raw: &[u8]) -> Option<&[u8]> {
    let mut raw = raw;
    // RFC 9112, 2.2: ignore empty lines before the request line.
    while let Some(rest) = raw.strip_prefix(b"\r\n") {
        raw = rest;
    }
    let line = raw.split(|byte| *byte == b'\r').next()?;
    let start = line.iter().position(|byte| *byte == b' ')?;
    let end = line.iter().rposition(|byte| *byte == b' ')?;
    line.get(start + 1..end)
}

/// The authority, and path with query, of a target in absolute form. Only http and https, because other schemes have rules of
/// their own.
fn absolute(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let after = |scheme: &[u8]| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let rest = after(b"http://").or_else(|| after(b"https://"))?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    // Some parsers take a backslash for a slash (WHATWG URL, 4.4).
    (!authority.is_empty() && !authority.contains(&b'\\')).then_some((authority, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_ends_at_the_first_question_mark() {
        assert_eq!(path(b"/a/b?c?d"), b"/a/b");
        assert_eq!(path(b"/a"), b"/a");
        assert_eq!(path(b""), b"");
        assert_eq!(query(b"/a/b?c?d"), Some(&b"c?d"[..]));
        assert_eq!(query(b"/a"), None);
    }

    #[test]
    fn an_authority_ends_where_every_reader_ends_it() {
        for (target, expected) in [
            ("http://a:80/b?c", Some(("a:80", "/b?c"))),
            ("HTTPS://a", Some(("a", ""))),
            ("http://a?b/c", Some(("a", "?b/c"))),
            ("http:///a", None),
            ("http://", None),
            ("http:/a", None),
            ("http:a", None),
            ("http://a\\b/", None),
            ("ws://a/", None),
            ("a:80", None),
        ] {
            let expected = expected.map(|(authority, rest)| (authority.as_bytes(), rest.as_bytes()));
            assert_eq!(absolute(target.as_bytes()), expected, "{target}");
        }
    }
}
