//! As much of HTTP/1.1 as load generator and upstream need: heads that end in an empty line, and bodies with a length.

use anyhow::{Result, bail};
use memchr::memmem;

/// Where the head ends, its empty line included.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

/// A field's value in a head.
pub(crate) fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = head;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let line = &rest[..end];
        if line.len() > name.len()
            && line[name.len()] == b':'
            && line[..name.len()].eq_ignore_ascii_case(name.as_bytes())
        {
            return Some(line[name.len() + 1..].trim_ascii());
        }
        rest = &rest[end + 1..];
    }
    None
}

/// How many bytes of body follow a head.
pub(crate) fn content_length(head: &[u8]) -> Result<usize> {
    if let Some(length) = field(head, "content-length") {
        return Ok(std::str::from_utf8(length)?.parse()?);
    }
    if field(head, "transfer-encoding").is_some() {
        bail!("a body in chunks, which is not read here");
    }
    Ok(0)
}

/// One answer, read piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The head, as far as it came in pieces.
    head: Vec<u8>,
    status: u16,
    closes: bool,
    /// How much of the body is still to come, once the head is there.
    left: Option<usize>,
}

/// An answer that has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// Whether the connection ends with it.
    pub(crate) closes: bool,
}

impl Answer {
    /// Reads on; says so when the answer is complete, and begins anew.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Result<Option<Answered>> {
        if self.left.is_none() {
            if self.head.is_empty() {
                match head_end(bytes) {
                    Some(end) => {
                        self.begin(&bytes[..end])?;
                        bytes = &bytes[end..];
                    }
                    None => {
                        self.head.extend_from_slice(bytes);
                        return Ok(None);
                    }
                }
            } else {
                let before = self.head.len();
                self.head.extend_from_slice(bytes);
                let Some(end) = head_end(&self.head) else { return Ok(None) };
                let head = std::mem::take(&mut self.head);
                self.begin(&head[..end])?;
                bytes = &bytes[end - before..];
            }
        }
        let left = self.left.unwrap_or(0);
        if bytes.len() > left {
            bail!("more than an answer");
        }
        self.left = Some(left - bytes.len());
        if bytes.len() < left {
            return Ok(None);
        }
        self.left = None;
        Ok(Some(Answered { status: self.status, closes: self.closes }))
    }

    fn begin(&mut self, head: &[u8]) -> Result<()> {
        let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        self.status = match status.map(str::parse) {
            Some(Ok(status)) if head.starts_with(b"HTTP/1.") => status,
            _ => bail!("not an answer"),
        };
        self.closes = field(head, "connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
        self.left = Some(content_length(head)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\nX: y\r\n\r\nhello";

    #[test]
    fn answers_in_any_pieces() {
        for cut in 1..ANSWER.len() {
            let mut answer = Answer::default();
            assert!(answer.read(&ANSWER[..cut]).unwrap().is_none(), "{cut}");
            let answered = answer.read(&ANSWER[cut..]).unwrap().unwrap();
            assert_eq!((answered.status, answered.closes), (200, false));
        }
    }

    #[test]
    fn more_than_an_answer_is_told() {
        assert!(Answer::default().read(&[ANSWER, b"!"].concat()).is_err());
    }

    #[test]
    fn fields_are_found_by_whole_names() {
        assert_eq!(field(b"GET / HTTP/1.1\r\nAX: 1\r\nX: 2\r\n\r\n", "x"), Some(b"2".as_slice()));
        assert_eq!(field(b"GET / HTTP/1.1\r\nAX: 1\r\n\r\n", "x"), None);
    }
}
