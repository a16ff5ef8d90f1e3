//! Chunked bodies, as the proxy reads them.

use bearward_proxy::fuzzing::{Body, decode};

/// The input is a chunked body, and whatever is behind it.
///
/// Whole, in halves and byte by byte, it is the same content with the same end, or broken; and it is what the grammar gives, where
/// every line ends in CRLF and nothing is read over but extensions and trailers.
pub fn http_chunks(data: &[u8]) -> bool {
    let whole = decode(Body::Chunked, [data]);
    for cut in [data.len() / 2, data.len() / 3, data.len().saturating_sub(1)] {
        let (first, second) = data.split_at(cut);
        assert_eq!(decode(Body::Chunked, [first, second]), whole, "cut at {cut}");
    }
    assert_eq!(decode(Body::Chunked, data.chunks(1)), whole, "byte by byte");
    assert_eq!(decode(Body::Chunked, data.chunks(7)), whole, "in sevens");

    let expected = expected(data);
    let is_whole = matches!(whole, Ok((_, Some(_))));
    match whole {
        Ok((content, end)) => assert_eq!(expected, Expected::Read { content, end }),
        Err(_) => assert_eq!(expected, Expected::Broken),
    }
    is_whole
}

#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Read { content: Vec<u8>, end: Option<usize> },
    Broken,
}

/// RFC 9112, 7.1, one line after the other.
fn expected(data: &[u8]) -> Expected {
    let (mut content, mut at, mut extensions) = (Vec::new(), 0, 0);
    loop {
        let line = match line(&data[at..]) {
            Line::Whole(line) => line,
            Line::Part(part) if can_be_size(part, &mut extensions) => return Expected::Read { content, end: None },
            _ => return Expected::Broken,
        };
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let Some(size) = size(&line[..digits]) else { return Expected::Broken };
        if !is_extension(&line[digits..]) || !can_be_size(line, &mut extensions) {
            return Expected::Broken;
        }
        at += line.len() + 2;
        if size == 0 {
            break;
        }
        let rest = &data[at..];
        let here = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
        content.extend_from_slice(&rest[..here]);
        at += here;
        let behind = &data[at..data.len().min(at + 2)];
        if !b"\r\n".starts_with(behind) {
            return Expected::Broken;
        }
        if behind.len() < 2 {
            return Expected::Read { content, end: None };
        }
        at += 2;
    }
    let mut trailers = 0;
    loop {
        match line(&data[at..]) {
            Line::Whole([]) => return Expected::Read { content, end: Some(at + 2) },
            Line::Whole(line) if is_field(line, true, &mut trailers) => at += line.len() + 2,
            Line::Part(part) if is_field(part, false, &mut trailers) => return Expected::Read { content, end: None },
            _ => return Expected::Broken,
        }
    }
}

enum Line<'a> {
    Whole(&'a [u8]),
    /// What there is of it, without a CR that ends it.
    Part(&'a [u8]),
    Broken,
}

fn line(data: &[u8]) -> Line<'_> {
    match data.iter().position(|byte| *byte == b'\r') {
        None if data.contains(&b'\n') => Line::Broken,
        None => Line::Part(data),
        Some(end) if data[..end].contains(&b'\n') => Line::Broken,
        Some(end) => match data.get(end + 1) {
            Some(b'\n') => Line::Whole(&data[..end]),
            Some(_) => Line::Broken,
            // The CR must have its place: an empty size, and white space without an extension, have none.
            None => Line::Part(&data[..=end]),
        },
    }
}

fn size(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() <= 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// Nothing, or white space, `;` and what a field's value may hold.
fn is_extension(bytes: &[u8]) -> bool {
    let text = &bytes[bytes.iter().take_while(|byte| b" \t".contains(byte)).count()..];
    bytes.is_empty() || (text.first() == Some(&b';') && is_value(text))
}

/// Whether a line, or the start of one, begins a chunk; `extensions` counts what is read over.
fn can_be_size(line: &[u8], extensions: &mut usize) -> bool {
    let (line, ended) = line.strip_suffix(b"\r").map_or((line, false), |line| (line, true));
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let extension = &line[digits..];
    let space = extension.iter().take_while(|byte| b" \t".contains(byte)).count();
    // The first `;` is none of it.
    *extensions += extension.len() - usize::from(extension.len() > space);
    let is_begun = digits <= 16 && (digits > 0 || (extension.is_empty() && !ended));
    let is_space = space == extension.len() && !(ended && space > 0);
    is_begun && (is_space || is_extension(extension)) && *extensions <= 4 * 1024
}

fn is_field(line: &[u8], is_whole: bool, trailers: &mut usize) -> bool {
    let (line, is_whole) = line.strip_suffix(b"\r").map_or((line, is_whole), |line| (line, true));
    // The empty line may be half there.
    if line.is_empty() {
        return true;
    }
    let colon = line.iter().position(|byte| *byte == b':');
    let (name, value) = line.split_at(colon.unwrap_or(line.len()));
    *trailers += line.len() - usize::from(colon.is_some());
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty()
        && name.iter().all(is_token)
        && (colon.is_some() || !is_whole)
        && is_value(value)
        && *trailers <= 8 * 1024
}

fn is_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f))
}
