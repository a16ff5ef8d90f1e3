//! The buffers of an exchange: taken when a request comes, given back when its connection is at rest.

use std::sync::{Mutex, PoisonError};

/// How much is read at once.
const SIZE: usize = 16 * 1024;
/// The least room for a body behind a head that stays.
const BODY_ROOM: usize = 8 * 1024;
/// How many sets of buffers a thread keeps for the next requests.
const KEPT: usize = 64;

/// Bytes that were received and not yet passed on. A head may stay in front of them.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// All of it is initialised, so that it can be read into.
    bytes: Vec<u8>,
    /// The length of the head in front, which stays.
    head: usize,
    start: usize,
    end: usize,
}

impl Buffer {
    /// The bytes received, behind the head.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn filled_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Drops bytes from the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (self.head, self.head);
        }
    }

    /// Where more can be read into.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes.resize(SIZE, 0);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.end < self.bytes.len() || self.bytes.is_empty()
    }

    /// Notes that so many bytes were read into the room.
    pub(crate) fn add(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// Makes room for a head that is not all there, up to `most` bytes of it.
    pub(crate) fn grow(&mut self, most: usize) {
        if self.end < self.bytes.len() {
            return;
        }
        // What was in front of it makes room first. A head is moved once: then it stands in front itself.
        if self.start > self.head {
            self.bytes.copy_within(self.start..self.end, self.head);
            (self.start, self.end) = (self.head, self.head + self.end - self.start);
        } else if self.bytes.len() < most {
            self.bytes.resize((self.bytes.len() * 2).min(most), 0);
        }
    }

    /// Keeps the next `length` bytes as the head. There is room for a body behind it.
    pub(crate) fn keep_head(&mut self, length: usize) {
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        self.head = length.min(self.end);
        self.start = self.head;
        if self.bytes.len() < self.head + BODY_ROOM {
            self.bytes.resize(self.head + BODY_ROOM, 0);
        }
    }

    /// The head that was kept.
    pub(crate) fn head(&self) -> &[u8] {
        self.bytes.get(..self.head).unwrap_or_default()
    }

    /// Forgets the head; what came behind it is the start of the next message.
    pub(crate) fn drop_head(&mut self) {
        self.bytes.copy_within(self.start..self.end, 0);
        (self.head, self.start, self.end) = (0, 0, self.end - self.start);
    }

    /// How much memory it takes.
    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn clear(&mut self) {
        (self.head, self.start, self.end) = (0, 0, 0);
    }
}

/// The buffers of one exchange.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// What the client has sent.
    pub(crate) request: Buffer,
    /// What the upstream has sent.
    pub(crate) answer: Buffer,
    /// Heads and small bodies on their way to the upstream.
    pub(crate) to_upstream: Vec<u8>,
    /// Heads and small bodies on their way to the client.
    pub(crate) to_client: Vec<u8>,
}

/// The buffers that no exchange of a thread uses.
#[derive(Debug, Default)]
pub(crate) struct BufferPool(Mutex<Vec<Buffers>>);

impl BufferPool {
    pub(crate) fn take(&self) -> Buffers {
        // Nothing under the lock leaves a half-made state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Takes buffers back. Those that grew are not kept.
    pub(crate) fn give_back(&self, mut buffers: Buffers) {
        let usual = |bytes: &Vec<u8>| bytes.capacity() <= SIZE;
        let Buffers { request, answer, to_upstream, to_client } = &mut buffers;
        if !usual(&request.bytes) || !usual(&answer.bytes) || !usual(to_upstream) || !usual(to_client) {
            return;
        }
        request.clear();
        answer.clear();
        to_upstream.clear();
        to_client.clear();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(buffers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(bytes: &[u8]) -> Buffer {
        let mut buffer = Buffer::default();
        buffer.room().iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        buffer.add(bytes.len());
        buffer
    }

    #[test]
    fn a_head_stays_while_a_body_goes_through() {
        let mut buffer = buffer(b"HEADbody");
        buffer.keep_head(4);
        assert_eq!((buffer.head(), buffer.filled()), (&b"HEAD"[..], &b"body"[..]));
        buffer.consume(4);
        assert!(buffer.is_empty());
        assert_eq!(buffer.room().len(), SIZE - 4);
        buffer.room().iter_mut().zip(b"GET").for_each(|(place, byte)| *place = *byte);
        buffer.add(3);
        assert_eq!(buffer.head(), b"HEAD");
        buffer.drop_head();
        assert_eq!((buffer.head(), buffer.filled()), (&b""[..], &b"GET"[..]));
    }

    #[test]
    fn it_grows_for_a_head_alone_and_no_further_than_allowed() {
        let mut buffer = buffer(&[b'x'; SIZE]);
        assert!(!buffer.has_room());
        buffer.grow(SIZE);
        assert!(!buffer.has_room());
        buffer.grow(40_000);
        assert_eq!(buffer.room().len(), SIZE);
        buffer.add(SIZE);
        buffer.grow(40_000);
        assert_eq!(buffer.room().len(), 40_000 - 2 * SIZE);
        buffer.keep_head(2 * SIZE);
        buffer.consume(usize::MAX);
        assert!(buffer.room().len() >= 40_000 - 2 * SIZE);
    }

    #[test]
    fn what_is_done_with_makes_room_before_it_grows() {
        let mut buffer = buffer(&[b'x'; SIZE]);
        buffer.consume(SIZE - 4);
        buffer.grow(40_000);
        assert_eq!(buffer.filled(), b"xxxx");
        assert_eq!(buffer.room().len(), SIZE - 4);
    }

    #[test]
    fn only_so_many_are_kept_and_none_that_grew() {
        let pool = BufferPool::default();
        for _ in 0..KEPT + 10 {
            pool.give_back(Buffers::default());
        }
        assert_eq!(pool.0.lock().map_or(0, |kept| kept.len()), KEPT);
        let mut large = pool.take();
        large.request = buffer(&[0; SIZE]);
        large.request.grow(SIZE + 1);
        pool.give_back(large);
        assert_eq!(pool.0.lock().map_or(0, |kept| kept.len()), KEPT - 1);
    }
}
