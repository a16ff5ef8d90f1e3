//! Chunks (RFC 9112, 7.1), read strictly: what is sent on is always framed anew, so no extension, trailer or spelling of a size
//! reaches a reader behind us.

use super::body::{Broken, Decoded};
use super::octets;

/// The most digits of a size: 64 bits.
const MAX_DIGITS: u8 = 16;
/// How many bytes of extensions, in all chunks of one body, are read over (CVE-2023-39326).
const MAX_EXTENSIONS: u16 = 4 * 1024;
/// How many bytes of trailers are read over.
const MAX_TRAILERS: u16 = 8 * 1024;

/// How far a chunked body has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunks {
    state: State,
    /// Bytes left of the current chunk.
    left: u64,
    extensions: u16,
    trailers: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a size, with so many digits read.
    Size(u8),
    /// In white space before an extension.
    SizeSpace,
    /// In an extension.
    Extension,
    /// Behind the CR that ends a size.
    SizeEnd,
    Content,
    /// Behind a chunk's content.
    ContentCr,
    ContentLf,
    /// At the start of a line behind the last chunk.
    Trailer,
    /// In the name of a trailer.
    TrailerName,
    /// In its value.
    TrailerValue,
    TrailerLf,
    /// Behind the CR of the empty line.
    LastLf,
    Done,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { state: State::Size(0), left: 0, extensions: 0, trailers: 0 }
    }
}

impl Chunks {
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes chunks from the start of `bytes`, and moves their content together there.
    pub(super) fn decode(&mut self, bytes: &mut [u8]) -> Result<Decoded, Broken> {
        let (mut content, mut at) = (0, 0);
        while self.state != State::Done {
            if self.state == State::Content {
                let here = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len() - at);
                if here == 0 {
                    break;
                }
                // A large chunk begins near the start and is alone: nothing is moved far, and most of it not at all.
                if content != at {
                    bytes.copy_within(at..at + here, content);
                }
                content += here;
                at += here;
                self.left -= here as u64;
                if self.left == 0 {
                    self.state = State::ContentCr;
                }
                continue;
            }
            let Some(byte) = bytes.get(at) else { break };
            self.state = self.step(*byte)?;
            at += 1;
        }
        Ok(Decoded { content, consumed: at })
    }

    /// One byte of the framing.
    fn step(&mut self, byte: u8) -> Result<State, Broken> {
        match (self.state, byte) {
            (State::Size(digits), _) if byte.is_ascii_hexdigit() && digits < MAX_DIGITS => {
                let digit = char::from(byte).to_digit(16).ok_or(Broken)?;
                self.left = self.left * 16 + u64::from(digit);
                Ok(State::Size(digits + 1))
            }
            (State::Size(1..) | State::Extension, b'\r') => Ok(State::SizeEnd),
            (State::Size(1..) | State::SizeSpace, b';') => Ok(State::Extension),
            // White space before an extension is bad, and read over (RFC 9112, 7.1.1).
            (State::Size(1..) | State::SizeSpace, b' ' | b'\t') => {
                self.extensions = bounded(self.extensions, MAX_EXTENSIONS)?;
                Ok(State::SizeSpace)
            }
            (State::Extension, _) if octets::is_value(&[byte]) => {
                self.extensions = bounded(self.extensions, MAX_EXTENSIONS)?;
                Ok(State::Extension)
            }
            (State::SizeEnd, b'\n') => Ok(if self.left == 0 { State::Trailer } else { State::Content }),
            (State::ContentCr, b'\r') => Ok(State::ContentLf),
            (State::ContentLf, b'\n') => Ok(State::Size(0)),
            (State::Trailer, b'\r') => Ok(State::LastLf),
            (State::LastLf, b'\n') => Ok(State::Done),
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::Trailer | State::TrailerName, _) if octets::is_token(&[byte]) => {
                self.trailers = bounded(self.trailers, MAX_TRAILERS)?;
                Ok(State::TrailerName)
            }
            (State::TrailerValue, b'\r') => Ok(State::TrailerLf),
            (State::TrailerValue, _) if octets::is_value(&[byte]) => {
                self.trailers = bounded(self.trailers, MAX_TRAILERS)?;
                Ok(State::TrailerValue)
            }
            (State::TrailerLf, b'\n') => Ok(State::Trailer),
            _ => Err(Broken),
        }
    }
}

fn bounded(count: u16, most: u16) -> Result<u16, Broken> {
    if count < most { Ok(count + 1) } else { Err(Broken) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    /// The content, and how many bytes were left over; `None` where the end did not come.
    fn decoded(pieces: &[&[u8]]) -> Result<(String, Option<usize>), Broken> {
        let mut chunks = Chunks::default();
        let mut content = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let mut bytes = piece.to_vec();
            let decoded = chunks.decode(&mut bytes)?;
            content.extend_from_slice(&bytes[..decoded.content]);
            if chunks.is_done() {
                let rest: usize = pieces[index + 1..].iter().map(|piece| piece.len()).sum();
                return Ok((String::from_utf8(content).unwrap(), Some(piece.len() - decoded.consumed + rest)));
            }
            assert_eq!(decoded.consumed, piece.len());
        }
        Ok((String::from_utf8(content).unwrap(), None))
    }

    /// Whole, cut in two at every byte, and byte by byte.
    fn in_every_way(body: &str) -> Result<(String, Option<usize>), Broken> {
        let bytes = body.as_bytes();
        let whole = decoded(&[bytes]);
        for cut in 0..=bytes.len() {
            assert_eq!(decoded(&[&bytes[..cut], &bytes[cut..]]), whole, "{body:?} at {cut}");
        }
        assert_eq!(decoded(&bytes.chunks(1).collect::<Vec<_>>()), whole, "{body:?}");
        whole
    }

    #[test]
    fn content_comes_out_and_the_end_is_found() {
        for (body, content, left) in [
            ("0\r\n\r\n", "", 0),
            ("5\r\nhello\r\n0\r\n\r\n", "hello", 0),
            ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET", "hello world", 3),
            ("00005\r\nhello\r\n000\r\n\r\n", "hello", 0),
            ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
            ("9\r\n\r\n0\r\n\r\nGE\r\n0\r\n\r\n", "\r\n0\r\n\r\nGE", 0),
            ("1;a=b;c=\"d\"\r\nx\r\n0 ; e\r\n\r\n", "x", 0),
            ("1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", "x", 0),
        ] {
            assert_eq!(in_every_way(body), Ok((content.to_owned(), Some(left))), "{body:?}");
        }
    }

    #[test]
    fn what_is_cut_short_has_no_end() {
        let body = "5;a\r\nhello\r\n0\r\nA: b\r\n\r\n";
        for cut in 0..body.len() {
            assert_eq!(decoded(&[&body.as_bytes()[..cut]]).unwrap().1, None, "{cut}");
        }
    }

    #[test]
    fn every_other_spelling_is_broken() {
        for body in [
            "\r\n",
            "g\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x1\r\n",
            " 1\r\n",
            "1 \r\n",
            "1 x\r\n",
            "1_0\r\n",
            ";a\r\n",
            "1\n",
            "1\r\r\n",
            "1\rx",
            "1;a\nb\r\nx",
            "1;\u{1}\r\n",
            "1\r\nxy\r\n",
            "1\r\nx\n",
            "1\r\nx0\r\n\r\n",
            "1234567890abcdef0\r\n",
            "0\r\n\n",
            "0\r\nA\r\n\r\n",
            "0\r\n: b\r\n\r\n",
            "0\r\n b\r\n\r\n",
            "0\r\nA: b\n\r\n",
            "0\r\nA : b\r\n\r\n",
            "0\r\nA: \u{1}\r\n\r\n",
            "0\r\nA: b\r\n\rx",
        ] {
            assert_eq!(in_every_way(body), Err(Broken), "{body:?}");
        }
    }

    #[test]
    fn what_is_read_over_is_bounded() {
        for (most, body) in
            [(MAX_EXTENSIONS, ["1;", "x", "\r\ny\r\n0\r\n\r\n"]), (MAX_TRAILERS, ["0\r\na:", "x", "\r\n\r\n"])]
        {
            let [before, unit, after] = body;
            let of = |count: usize| format!("{before}{}{after}", unit.repeat(count));
            assert!(decoded(&[of(usize::from(most) - 1).as_bytes()]).is_ok());
            assert!(decoded(&[of(usize::from(most) + 1).as_bytes()]).is_err());
        }
    }
}
