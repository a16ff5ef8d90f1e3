//! A body as it comes in: which of the bytes received are content, and where it ends (RFC 9112, 6 and 7).

use super::chunked::Chunks;
use super::framing::Framing;

/// A body breaks the rules of its framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// Takes a body out of its framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoder {
    /// It is all there.
    Done,
    /// So many bytes are to come.
    Length(u64),
    Chunked(Chunks),
    UntilClose,
}

/// What was found at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// So many bytes of content, which stand together at the start now.
    pub(crate) content: usize,
    /// So many bytes belonged to the body, with its framing.
    pub(crate) consumed: usize,
}

impl Decoder {
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::None => Self::Done,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Chunks::default()),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        *self == Self::Done
    }

    /// Takes what belongs to the body from the start of `bytes`.
    pub(crate) fn decode(&mut self, bytes: &mut [u8]) -> Result<Decoded, Broken> {
        match self {
            Self::Done => Ok(Decoded { content: 0, consumed: 0 }),
            Self::Length(left) => {
                let content = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= content as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok(Decoded { content, consumed: content })
            }
            Self::Chunked(chunks) => {
                let decoded = chunks.decode(bytes)?;
                if chunks.is_done() {
                    *self = Self::Done;
                }
                Ok(decoded)
            }
            Self::UntilClose => Ok(Decoded { content: bytes.len(), consumed: bytes.len() }),
        }
    }

    /// Notes that the connection has ended. Anything but the end of such a body cuts it short.
    pub(crate) fn end(&mut self) -> Result<(), Broken> {
        match self {
            Self::Done | Self::UntilClose => {
                *self = Self::Done;
                Ok(())
            }
            Self::Length(_) | Self::Chunked(_) => Err(Broken),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_length_ends_where_it_says() {
        let mut decoder = Decoder::new(Framing::Length(5));
        let mut bytes = *b"abcdefgh";
        assert_eq!(decoder.decode(bytes.get_mut(..3).unwrap()).unwrap(), Decoded { content: 3, consumed: 3 });
        assert!(decoder.end().is_err());
        assert_eq!(decoder.decode(&mut bytes).unwrap(), Decoded { content: 2, consumed: 2 });
        assert!(decoder.is_done());
        assert_eq!(decoder.decode(&mut bytes).unwrap(), Decoded { content: 0, consumed: 0 });
        assert!(decoder.end().is_ok());
    }

    #[test]
    fn a_close_ends_what_it_may_end() {
        let mut decoder = Decoder::new(Framing::UntilClose);
        assert_eq!(decoder.decode(&mut [0; 9]).unwrap(), Decoded { content: 9, consumed: 9 });
        assert!(decoder.end().is_ok() && decoder.is_done());
        assert!(Decoder::new(Framing::Chunked).end().is_err());
        assert!(Decoder::new(Framing::None).is_done());
    }
}
