//! The heads of messages, as the proxy reads them.

use bearward_proxy::fuzzing::{Body, Head, Refused, head_length, may_begin_request, request, response};

/// The most fields that another parser needs room for: more than the proxy takes.
pub(crate) const MOST_FIELDS: usize = 256;
/// Short, so that the bound is met often.
const MOST: usize = 1_024;

/// The input is what a client sends.
///
/// The end of a head is found wherever the input is cut. A head that is accepted is read by another parser, with the same request
/// line and fields; its body ends in the one way that it says.
pub fn http_request(data: &[u8]) -> bool {
    let Some(head) = head(data) else { return false };
    let Ok(read) = request(head) else { return false };

    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut other = httparse::Request::new(&mut fields);
    assert_eq!(other.parse(head), Ok(httparse::Status::Complete(head.len())), "another parser");
    let line = &read.line;
    assert_eq!(other.method.map(str::as_bytes), Some(&line.method[..]));
    assert_eq!(other.version, Some(u8::from(!read.is_old)));
    let target = other.path.expect("a target").as_bytes();
    let query = line.query.as_ref().map(|query| [b"?", &query[..]].concat()).unwrap_or_default();
    let origin = [&line.path[..], &query].concat();
    match &line.authority {
        None => assert_eq!(target, origin),
        Some(authority) => {
            let rest = &target[target.iter().position(|byte| *byte == b':').expect("a scheme") + 3..];
            let rest = rest.strip_prefix(&authority[..]).expect("the authority");
            assert!(rest == origin || [b"/", rest].concat() == origin);
            assert!(values(&read, "host").all(|host| host == &authority[..]));
        }
    }
    assert_eq!(elsewhere(other.headers), read.fields);

    assert!(values(&read, "host").count() == 1 || (read.is_old && values(&read, "host").count() == 0));
    assert_eq!(read.body, body(&read).expect("one framing"));
    assert_ne!(read.body, Body::UntilClose);
    assert!(values(&read, "content-length").count() <= 1, "not everybody behind us takes the same one");
    assert!(!line.is_websocket || read.body == Body::None);
    if line.method.len() <= 64 {
        (0..=head.len().min(80)).for_each(|end| assert!(may_begin_request(&head[..end]), "{end}"));
    }
    true
}

/// The input is what an upstream sends; a first line `HEAD` tells that the request was one.
///
/// As for requests.
pub fn http_response(data: &[u8]) -> bool {
    let (to_head, data) = after(data, b"HEAD\n");
    let Some(head) = head(data) else { return false };
    let Ok(read) = response(head, to_head) else { return false };

    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut other = httparse::Response::new(&mut fields);
    assert_eq!(other.parse(head), Ok(httparse::Status::Complete(head.len())), "another parser");
    assert_eq!(other.code, Some(read.line.status));
    assert_eq!(other.version, Some(u8::from(!read.is_old)));
    // The other one shows no phrase that is not ASCII.
    let phrase = Some(&read.line.phrase[..]).filter(|phrase| phrase.is_ascii()).unwrap_or_default();
    assert_eq!(other.reason.map(str::as_bytes), Some(phrase));
    assert_eq!(elsewhere(other.headers), read.fields);

    let has_none = to_head || matches!(read.line.status, 100..=199 | 204 | 304);
    match body(&read) {
        _ if has_none => assert_eq!(read.body, Body::None),
        Some(Body::None) if values(&read, "content-length").next().is_none() => {
            assert_eq!(read.body, Body::UntilClose);
        }
        body => assert_eq!(Some(read.body), body),
    }
    true
}

/// The head at the start of the input, which is found whole, in halves and byte by byte.
pub(crate) fn head(data: &[u8]) -> Option<&[u8]> {
    let whole = head_length([data], MOST);
    let (first, second) = data.split_at(data.len() / 2);
    let halves = head_length([first, second], MOST);
    // What is there is judged before more comes, so a head that ends in the first half may stand before what is refused.
    let bytes = head_length(data.chunks(1), MOST);
    for other in [halves, bytes] {
        assert!(other == whole || (whole == Err(Refused) && other.is_err()), "{other:?} and {whole:?}");
    }
    let head = &data[..whole.ok()??];
    assert!(head.ends_with(b"\r\n\r\n") && head.len() <= MOST);
    Some(head)
}

/// The input behind this beginning, and whether it has it.
pub(crate) fn after<'a>(data: &'a [u8], beginning: &[u8]) -> (bool, &'a [u8]) {
    data.strip_prefix(beginning).map_or((false, data), |rest| (true, rest))
}

/// The fields as another parser has read them.
pub(crate) fn elsewhere(fields: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    fields.iter().map(|field| (field.name.to_owned(), field.value.to_vec())).collect()
}

pub(crate) fn values<'a, T>(head: &'a Head<T>, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    named(&head.fields, name)
}

pub(crate) fn named<'a>(fields: &'a [(String, Vec<u8>)], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(move |(had, _)| had.eq_ignore_ascii_case(name)).map(|(_, value)| &value[..])
}

/// RFC 9112, 6.3, without what only responses have: `None` where two readers may disagree.
fn body<T>(head: &Head<T>) -> Option<Body> {
    let codings: Vec<_> = values(head, "transfer-encoding").collect();
    let lengths: Vec<_> = values(head, "content-length").collect();
    let length = |text: &[u8]| {
        assert!(text.iter().all(u8::is_ascii_digit));
        std::str::from_utf8(text).ok()?.parse::<u64>().ok()
    };
    match (&codings[..], &lengths[..]) {
        ([], []) => Some(Body::None),
        ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") && !head.is_old => Some(Body::Chunked),
        ([], [first, others @ ..]) => {
            let first = length(first)?;
            assert!(others.iter().all(|other| length(other) == Some(first)));
            Some(if first == 0 { Body::None } else { Body::Length(first) })
        }
        _ => None,
    }
}
