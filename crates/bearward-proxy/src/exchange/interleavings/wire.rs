//! Bodies on the wire: written in every way that a sender may, and read by a reader of our own.

use super::scripted::Random;
use crate::http::framing::Framing;

/// A body as its sender frames it.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) framing: Framing,
    pub(super) content: Vec<u8>,
    pub(super) wire: Vec<u8>,
    /// Where a chunk ends.
    boundaries: Vec<usize>,
}

impl Body {
    /// A body of this many of these bytes. `framing` may be that of another length.
    pub(super) fn new(
        framing: Framing,
        length: usize,
        bytes: std::ops::RangeInclusive<u8>,
        random: &mut Random,
    ) -> Self {
        let content: Vec<u8> = bytes.cycle().take(length).collect();
        let (wire, boundaries) = match framing {
            Framing::Chunked => chunks(&content, random),
            _ => (content.clone(), Vec::new()),
        };
        let framing = match framing {
            Framing::None | Framing::Length(_) if content.is_empty() => Framing::None,
            Framing::None | Framing::Length(_) => Framing::Length(content.len() as u64),
            framing => framing,
        };
        Self { framing, content, wire, boundaries }
    }

    /// The same with something else in place of a chunk; as it is where it has none.
    pub(super) fn broken(mut self, random: &mut Random) -> Self {
        if let Some(end) = self.boundaries.get(random.below(self.boundaries.len())) {
            self.wire.truncate(*end);
            self.wire.extend_from_slice(b"zz\r\n0\r\n\r\n");
        }
        self
    }

    /// The fields that say how it is framed.
    pub(super) fn fields(&self) -> String {
        match self.framing {
            Framing::None => "Content-Length: 0\r\n".to_owned(),
            Framing::Length(length) => format!("Content-Length: {length}\r\n"),
            Framing::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
            Framing::UntilClose => String::new(),
        }
    }
}

fn chunks(content: &[u8], random: &mut Random) -> (Vec<u8>, Vec<usize>) {
    let (mut wire, mut boundaries, mut rest) = (Vec::new(), vec![0], content);
    while !rest.is_empty() {
        let most = [3, 300, 20_000][random.below(3)];
        let (chunk, behind) = rest.split_at((1 + random.below(most)).min(rest.len()));
        let extension = ["", "", "", ";a=b", " ;x"][random.below(5)];
        let size = if random.below(2) == 0 { format!("{:x}", chunk.len()) } else { format!("0{:X}", chunk.len()) };
        wire.extend_from_slice(format!("{size}{extension}\r\n").as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
        boundaries.push(wire.len());
        rest = behind;
    }
    let trailers = ["", "", "X-T: 1\r\n", "A:\r\nB: c\r\n"][random.below(4)];
    wire.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
    (wire, boundaries)
}

/// A body as it was read: its content, and what is behind it where its end came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Read<'a> {
    pub(super) content: Vec<u8>,
    pub(super) rest: Option<&'a [u8]>,
}

/// Reads a body as we write it: chunks without extensions and trailers.
pub(super) fn read(framing: Framing, wire: &[u8]) -> Read<'_> {
    match framing {
        Framing::None => Read { content: Vec::new(), rest: Some(wire) },
        Framing::UntilClose => Read { content: wire.to_vec(), rest: None },
        Framing::Length(length) => {
            let length = usize::try_from(length).unwrap();
            match wire.split_at_checked(length) {
                Some((content, rest)) => Read { content: content.to_vec(), rest: Some(rest) },
                None => Read { content: wire.to_vec(), rest: None },
            }
        }
        Framing::Chunked => read_chunks(wire),
    }
}

fn read_chunks(mut wire: &[u8]) -> Read<'_> {
    let mut content = Vec::new();
    loop {
        let Some(line) = wire.windows(2).position(|window| window == b"\r\n") else {
            assert!(wire.len() <= 17, "not a chunk: {wire:?}");
            return Read { content, rest: None };
        };
        let size = std::str::from_utf8(&wire[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("not a size: {size:?}"));
        let chunk = &wire[line + 2..];
        content.extend_from_slice(&chunk[..size.min(chunk.len())]);
        let behind = chunk.get(size..).unwrap_or_default();
        let end = &behind[..behind.len().min(2)];
        assert!(b"\r\n".starts_with(end), "a chunk that goes on: {end:?}");
        if end.len() < 2 {
            return Read { content, rest: None };
        }
        wire = &behind[2..];
        if size == 0 {
            return Read { content, rest: Some(wire) };
        }
    }
}
