//! Rules of `http` as plain functions: for the targets in `fuzz/`, which hold them to what other parsers read. Nothing here is kept
//! stable.

use bearward_core::{HeaderFields, IdentityHeaders, Server};

use crate::AuthorizationMode;
use crate::http::answer::{self, Answering, Delivery};
use crate::http::body::Decoder;
use crate::http::connection::{self, Options};
use crate::http::fields::Fields;
use crate::http::forwarding::{self, Forwarding};
use crate::http::framing::{self, Framing};
use crate::http::head::{self, HeadEnd, RequestHead, ResponseHead, Version};
use crate::http::request::Request;

/// What the gateway says of a connection in these functions.
pub const CLIENT: &str = "192.0.2.7";
/// The identifier of every request.
pub const REQUEST_ID: &str = "the-id";
/// What a request without `Host` is for.
pub const SERVER: &str = "upstream.example:3000";
/// How the gateway calls itself in `Via`.
pub const PSEUDONYM: &str = "bearward-7";
/// The time.
pub const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// It is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// By its length.
    Length(u64),
    /// By its last chunk.
    Chunked,
    /// By the end of the connection.
    UntilClose,
}

/// A head as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<T> {
    /// What its first line says.
    pub line: T,
    /// Whether it is HTTP/1.0 and not 1.1.
    pub is_old: bool,
    /// Names and values, in their order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// How its body ends.
    pub body: Body,
    /// Whether the connection may go on behind it.
    pub persists: bool,
}

/// A request line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// The method.
    pub method: Vec<u8>,
    /// The target's path, which is judged.
    pub path: Vec<u8>,
    /// Its query, without `?`.
    pub query: Option<Vec<u8>>,
    /// What an absolute target says in place of `Host`.
    pub authority: Option<Vec<u8>>,
    /// Whether it asks for a WebSocket.
    pub is_websocket: bool,
}

/// A status line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusLine {
    /// The status.
    pub status: u16,
    /// The phrase, which may be empty.
    pub phrase: Vec<u8>,
}

/// The length of the head that comes in these pieces, once it is all there.
///
/// # Errors
///
/// For what is no head of at most `max` bytes.
pub fn head_length<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, max: usize) -> Result<Option<usize>, Refused> {
    let (mut end, mut bytes) = (HeadEnd::default(), Vec::new());
    for piece in pieces {
        bytes.extend_from_slice(piece);
        if let Some(length) = end.find(&bytes, max).map_err(|_| Refused)? {
            return Ok(Some(length));
        }
    }
    Ok(None)
}

/// Whether what begins like this can become a request line.
#[must_use]
pub fn may_begin_request(bytes: &[u8]) -> bool {
    head::may_begin_request(bytes)
}

/// Reads the head of a request.
///
/// # Errors
///
/// For what two readers could read in two ways.
pub fn request(head: &[u8]) -> Result<Head<RequestLine>, Refused> {
    let request = read(head)?;
    let line = RequestLine {
        method: request.head.method.to_vec(),
        path: request.target.path.to_vec(),
        query: request.target.query.map(<[u8]>::to_vec),
        authority: request.target.authority.map(<[u8]>::to_vec),
        is_websocket: request.is_websocket,
    };
    Ok(Head {
        line,
        is_old: request.head.version == Version::Http10,
        fields: fields(&request.head.fields),
        body: request.framing.into(),
        persists: request.persists,
    })
}

/// Reads the head of a response, to a request that was `HEAD` or not.
///
/// # Errors
///
/// For what two readers could read in two ways.
pub fn response(head: &[u8], to_head: bool) -> Result<Head<StatusLine>, Refused> {
    let (head, options, framing) = read_response(head, to_head)?;
    Ok(Head {
        line: StatusLine { status: head.status, phrase: head.phrase.to_vec() },
        is_old: head.version == Version::Http10,
        fields: fields(&head.fields),
        body: framing.into(),
        persists: connection::upstream_persists(&head, &options),
    })
}

/// Takes the content of a body out of its framing, in these pieces; and how many bytes were the body's, where its end came.
///
/// # Errors
///
/// Where the framing is broken.
pub fn decode<'a>(body: Body, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(Vec<u8>, Option<usize>), Refused> {
    let framing = match body {
        Body::None => Framing::None,
        Body::Length(length) => Framing::Length(length),
        Body::Chunked => Framing::Chunked,
        Body::UntilClose => Framing::UntilClose,
    };
    let (mut decoder, mut content, mut consumed) = (Decoder::new(framing), Vec::new(), 0);
    for piece in pieces {
        let mut bytes = piece.to_vec();
        let decoded = decoder.decode(&mut bytes).map_err(|_| Refused)?;
        content.extend_from_slice(bytes.get(..decoded.content).ok_or(Refused)?);
        consumed += decoded.consumed;
    }
    Ok((content, decoder.is_done().then_some(consumed)))
}

/// The head that the upstream gets for this one.
///
/// # Errors
///
/// As [`request`].
pub fn forward(
    head: &[u8],
    identity: &IdentityHeaders,
    admission: &[u8],
    authorization: &AuthorizationMode,
) -> Result<Vec<u8>, Refused> {
    let server = Server::parse(SERVER).map_err(|_| Refused)?;
    let with = Forwarding {
        identity,
        admission,
        authorization,
        client: CLIENT,
        request_id: REQUEST_ID,
        server: &server,
        pseudonym: PSEUDONYM,
    };
    let mut out = Vec::new();
    forwarding::write(&read(head)?, &with, &mut out);
    Ok(out)
}

/// The head that a client gets for this one of an upstream, and how the body behind it ends: a final one, or one before that.
///
/// # Errors
///
/// As [`response`], and for `101`.
pub fn answer(head: &[u8], to_head: bool, client_is_old: bool, keep: bool) -> Result<(Vec<u8>, Body), Refused> {
    let (head, options, framing) = read_response(head, to_head)?;
    let mut out = Vec::new();
    if head.status < 200 {
        answer::write_interim(&head, &options, &mut out);
        return if head.status == 101 { Err(Refused) } else { Ok((out, Body::None)) };
    }
    let client = if client_is_old { Version::Http10 } else { Version::Http11 };
    let delivery = Delivery::of(framing, client);
    let with = Answering { request_id: REQUEST_ID, date: DATE, keep: keep && delivery != Delivery::UntilClose };
    answer::write(&head, &options, framing, delivery, &with, &mut out);
    let body = match delivery {
        Delivery::AsIs => framing.into(),
        Delivery::Chunked => Body::Chunked,
        Delivery::UntilClose => Body::UntilClose,
    };
    Ok((out, body))
}

fn read(head: &[u8]) -> Result<Request<'_>, Refused> {
    Request::read(RequestHead::parse(head).map_err(|_| Refused)?).map_err(|_| Refused)
}

fn read_response(head: &[u8], to_head: bool) -> Result<(ResponseHead<'_>, Options<'_>, Framing), Refused> {
    let head = ResponseHead::parse(head).map_err(|_| Refused)?;
    let options = Options::of(&head.fields).map_err(|_| Refused)?;
    let framing = framing::of_response(&head, to_head).map_err(|_| Refused)?;
    Ok((head, options, framing))
}

fn fields(fields: &Fields<'_>) -> Vec<(String, Vec<u8>)> {
    let HeaderFields::List(list) = fields.as_header_fields() else { return Vec::new() };
    list.iter().map(|field| (field.name.to_owned(), field.value.to_vec())).collect()
}

impl From<Framing> for Body {
    fn from(framing: Framing) -> Self {
        match framing {
            Framing::None => Self::None,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked,
            Framing::UntilClose => Self::UntilClose,
        }
    }
}
