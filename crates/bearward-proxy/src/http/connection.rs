//! What a message says of its connection (RFC 9110, 7.6.1; RFC 9112, 9.3).

use smallvec::SmallVec;

use super::fields::{Field, Fields, Name, elements};
use super::head::{RequestHead, ResponseHead, Version};
use super::octets;

/// How many fields `Connection` may name. Each is held against every field, and who needs one names two or three.
const MAX_NOMINATED: usize = 16;

/// The options of `Connection`.
#[derive(Debug, Default)]
pub(crate) struct Options<'a> {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// Fields that are meant for the next hop alone.
    nominated: SmallVec<[&'a [u8]; 4]>,
}

/// The list breaks the syntax, or names too many fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl<'a> Options<'a> {
    pub(crate) fn of(fields: &Fields<'a>) -> Result<Self, Malformed> {
        let mut options = Self::default();
        if !fields.has(Name::Connection) {
            return Ok(options);
        }
        for option in elements(fields.values(Name::Connection)) {
            if option.eq_ignore_ascii_case(b"close") {
                options.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                options.keep_alive = true;
            } else if option.eq_ignore_ascii_case(b"upgrade") {
                options.upgrade = true;
            } else if octets::is_token(option) && options.nominated.len() < MAX_NOMINATED {
                options.nominated.push(option);
            } else {
                return Err(Malformed);
            }
        }
        Ok(options)
    }

    /// Whether this field ends here: it speaks of this connection, by its name or because `Connection` names it.
    pub(crate) fn ends_here(&self, field: &Field<'_>) -> bool {
        match field.name {
            Name::Connection
            | Name::Http2Settings
            | Name::KeepAlive
            | Name::ProxyConnection
            | Name::Te
            | Name::Trailer
            | Name::TransferEncoding
            | Name::Upgrade => true,
            _ => self.nominates(field.text.as_bytes()),
        }
    }

    pub(crate) fn nominates(&self, name: &[u8]) -> bool {
        self.nominated.iter().any(|option| option.eq_ignore_ascii_case(name))
    }

    /// Whether a connection of this version goes on behind the message.
    fn persists(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }
}

/// Whether a client's connection may go on behind its request.
pub(crate) fn client_persists(head: &RequestHead<'_>, options: &Options<'_>) -> bool {
    options.persists(head.version)
}

/// Whether an upstream's connection may go on behind its response.
pub(crate) fn upstream_persists(head: &ResponseHead<'_>, options: &Options<'_>) -> bool {
    options.persists(head.version)
}

/// Whether a client asks for a WebSocket (RFC 6455, 4.1). No other upgrade goes through: inside it, requests would pass unseen
/// (h2c smuggling).
pub(crate) fn asks_for_websocket(head: &RequestHead<'_>, options: &Options<'_>) -> bool {
    options.upgrade && head.version == Version::Http11 && head.method == b"GET" && names_websocket(&head.fields)
}

/// Whether a `101` switches to a WebSocket, and to nothing else.
pub(crate) fn switches_to_websocket(head: &ResponseHead<'_>, options: &Options<'_>) -> bool {
    options.upgrade && elements(head.fields.values(Name::Upgrade)).count() == 1 && names_websocket(&head.fields)
}

fn names_websocket(fields: &Fields<'_>) -> bool {
    elements(fields.values(Name::Upgrade)).any(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn request<T>(lines: &str, read: impl FnOnce(&RequestHead<'_>, Result<Options<'_>, Malformed>) -> T) -> T {
        let bytes = format!("GET / {lines}\r\n\r\n");
        let head = RequestHead::parse(bytes.as_bytes()).unwrap();
        read(&head, Options::of(&head.fields))
    }

    #[test]
    fn a_connection_goes_on_as_its_version_says() {
        for (lines, persists) in [
            ("HTTP/1.1", true),
            ("HTTP/1.1\r\nConnection: close", false),
            ("HTTP/1.1\r\nConnection: Keep-Alive, CLOSE", false),
            ("HTTP/1.1\r\nConnection: x\r\nConnection: close", false),
            ("HTTP/1.0", false),
            ("HTTP/1.0\r\nConnection: keep-alive", true),
            ("HTTP/1.0\r\nConnection: keep-alive, close", false),
        ] {
            request(lines, |head, options| assert_eq!(client_persists(head, &options.unwrap()), persists, "{lines}"));
        }
    }

    #[test]
    fn what_is_meant_for_this_hop_ends_here() {
        let lines = "HTTP/1.1\r\nConnection: x-A ,, te\r\nX-a: 1\r\nX-B: 2\r\nKeep-Alive: 3\r\nUpgrade: h2c\r\nTE: 4\r\n\
                     Trailer: 5\r\nProxy-Connection: 6\r\nTransfer-Encoding: chunked";
        request(lines, |head, options| {
            let options = options.unwrap();
            let kept: Vec<_> =
                head.fields.iter().filter(|field| !options.ends_here(field)).map(|field| field.text).collect();
            assert_eq!(kept, ["X-B"]);
        });
        let too_many = ["a"; MAX_NOMINATED + 1].join(",");
        for list in ["a b", "\"close\"", "a;b", "(x)", &too_many] {
            request(&format!("HTTP/1.1\r\nConnection: {list}"), |_, options| {
                assert_eq!(options.err(), Some(Malformed), "{list}");
            });
        }
    }

    #[test]
    fn a_websocket_is_asked_for_in_one_way() {
        for (lines, asked) in [
            ("HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket", true),
            ("HTTP/1.1\r\nConnection: keep-alive, upgrade\r\nUpgrade: h2c, WebSocket", true),
            ("HTTP/1.1\r\nUpgrade: websocket", false),
            ("HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c", false),
            ("HTTP/1.1\r\nConnection: upgrade", false),
            ("HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket", false),
        ] {
            request(lines, |head, options| assert_eq!(asks_for_websocket(head, &options.unwrap()), asked, "{lines}"));
        }
        for (lines, switches) in [
            ("Connection: upgrade\r\nUpgrade: websocket", true),
            ("Upgrade: websocket", false),
            ("Connection: upgrade\r\nUpgrade: h2c", false),
            ("Connection: upgrade\r\nUpgrade: websocket, h2c", false),
        ] {
            let bytes = format!("HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n\r\n");
            let head = ResponseHead::parse(bytes.as_bytes()).unwrap();
            let options = Options::of(&head.fields).unwrap();
            assert_eq!(switches_to_websocket(&head, &options), switches, "{lines}");
        }
    }
}
