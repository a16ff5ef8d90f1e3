//! The credential of a request.

use bearward_core::{Reason, Scheme, query_holds_credential};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::path::decode;

/// Short, so that the bound is met often.
const MAX_TOKEN_BYTES: usize = 64;

/// The input is a request's header fields, one on each line; a line that begins with `?` is its query.
///
/// The verdict is the one that the grammar gives. A credential that is taken can be written again and is taken again,
/// and `Debug` does not show it. One in the query is seen in whatever spelling a form can have it.
pub fn credential(data: &[u8]) -> bool {
    let queries = data.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"?"));
    for query in queries.take(64) {
        let is_credential = |name: Vec<u8>| {
            let name = name.to_ascii_lowercase();
            let end = name.iter().position(|byte| b"\0[".contains(byte)).unwrap_or(name.len());
            let start = name[..end].iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(end);
            name[start..end].iter().map(|byte| if b". ".contains(byte) { b'_' } else { *byte }).eq(*b"access_token")
        };
        assert_eq!(query_holds_credential(query), form_names(query).any(is_credential));
    }

    let headers = fields(data);
    let found = bearward_core::credential(&headers, MAX_TOKEN_BYTES);
    assert_eq!(found.map(|credential| credential.token()), expected(&headers));

    let Ok(credential) = found else { return false };
    assert_eq!(credential.scheme(), Scheme::Bearer);
    assert_eq!(format!("{credential:?}"), r#"Credential { scheme: Bearer, token: "[redacted]" }"#);
    let written = format!("{} {}", credential.scheme().name(), credential.token());
    let written = HeaderValue::from_str(&written).expect("a token fits into a header");
    let again = HeaderMap::from_iter([(AUTHORIZATION, written)]);
    assert_eq!(bearward_core::credential(&again, credential.token().len()), found);
    assert_eq!(bearward_core::credential(&again, credential.token().len() - 1), Err(Reason::CredentialTooLong));
    true
}

/// Lines that are no header field reach no gateway: the HTTP server refuses them.
fn fields(data: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}

/// The names of a form's fields, decoded (WHATWG URL, 5.1); `;` separates them too, as in older readers.
fn form_names(query: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    query.split(|byte| b"&;".contains(byte)).map(|field| {
        let name = &field[..field.iter().position(|byte| *byte == b'=').unwrap_or(field.len())];
        decode(&name.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect::<Vec<u8>>())
    })
}

/// RFC 6750, 2.1, read backwards: from the end of the field to its beginning.
fn expected(headers: &HeaderMap) -> Result<&str, Reason> {
    let fields: Vec<&[u8]> = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect();
    let field = match fields[..] {
        [] => return Err(Reason::CredentialMissing),
        [field] => field,
        _ => return Err(Reason::CredentialRepeated),
    };
    let lower = field.to_ascii_lowercase();
    let continues = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if !lower.starts_with(b"bearer") || lower.get(6).is_some_and(continues) {
        return Err(Reason::CredentialMissing);
    }
    let rest = &field[6..];
    let token = &rest[rest.iter().position(|byte| *byte != b' ').unwrap_or(rest.len())..];
    if token.is_empty() || token.len() == rest.len() {
        return Err(Reason::CredentialMalformed);
    }
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Reason::CredentialTooLong);
    }
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let characters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
    let body = &token[..token.len() - padding];
    if body.is_empty() || body.iter().any(|byte| !characters.contains(byte)) {
        return Err(Reason::CredentialMalformed);
    }
    Ok(std::str::from_utf8(token).expect("ASCII"))
}
