//! One direction of an exchange: a head, and a body that is taken out of one framing and put into another.
//!
//! A body is read, passed on, and only then read further, so that whoever does not read holds back the other side and one buffer.

use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::buffer::Buffer;
use super::stream::poll_read;
use crate::http::body::Decoder;
use crate::http::framing::Framing;

/// Content up to this size is copied behind its head, and both written at once. Larger content is written from where it stands.
const SMALL: usize = 4 * 1024;

/// One direction.
#[derive(Debug)]
pub(crate) struct Half {
    decoder: Decoder,
    /// Whether the body goes out in chunks.
    chunked: bool,
    /// How much of the outgoing vector is written.
    out_at: usize,
    /// Content at the front of the input that is to be written next, behind the vector.
    content: usize,
    /// What of the input is done with once that is written.
    consumed: usize,
    /// What closes that content.
    tail: &'static [u8],
    /// How many bytes were written.
    written: u64,
    /// Whether all that was written is still in the outgoing vector.
    can_rewind: bool,
    waits_for: WaitsFor,
}

/// What a direction stands still for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitsFor {
    Reading,
    Writing,
}

/// Why a direction ended early.
#[derive(Debug)]
pub(crate) enum HalfError {
    /// The sender broke off.
    Read(io::Error),
    /// The body breaks its framing.
    Broken,
    /// The receiver is gone.
    Write(io::Error),
}

impl Half {
    /// A direction whose body comes in this framing, and goes out in chunks or as it is. Its head stands in the outgoing vector.
    pub(crate) fn new(framing: Framing, chunked: bool) -> Self {
        Self {
            decoder: Decoder::new(framing),
            chunked,
            out_at: 0,
            content: 0,
            consumed: 0,
            tail: b"",
            written: 0,
            can_rewind: true,
            waits_for: WaitsFor::Writing,
        }
    }

    pub(crate) fn waits_for(&self) -> WaitsFor {
        self.waits_for
    }

    /// How many bytes were written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Whether all of it was written, though some of it may not be flushed.
    pub(crate) fn is_written(&self, out: &[u8]) -> bool {
        self.decoder.is_done() && self.content == 0 && self.tail.is_empty() && self.out_at == out.len()
    }

    /// Begins again, for another receiver; `false` where something that was written is gone.
    pub(crate) fn rewind(&mut self) -> bool {
        if self.written > 0 && !(self.can_rewind && self.decoder.is_done()) {
            return false;
        }
        (self.out_at, self.written) = (0, 0);
        true
    }

    /// Moves the body on, until it is all written.
    pub(crate) fn poll<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        from: &mut R,
        input: &mut Buffer,
        out: &mut Vec<u8>,
        to: &mut W,
    ) -> Poll<Result<(), HalfError>> {
        loop {
            if self.content == 0 && !self.decoder.is_done() && !input.is_empty() {
                self.take(input, out).map_err(|_| HalfError::Broken)?;
            }
            self.waits_for = WaitsFor::Writing;
            ready!(self.poll_write(context, input, out, to)).map_err(HalfError::Write)?;
            if self.decoder.is_done() {
                return Poll::Ready(Ok(()));
            }
            if !input.is_empty() {
                continue;
            }
            self.waits_for = WaitsFor::Reading;
            if ready!(poll_read(from, context, input)).map_err(HalfError::Read)? == 0 {
                self.decoder.end().map_err(|_| HalfError::Read(io::ErrorKind::UnexpectedEof.into()))?;
                self.close(out);
            }
        }
    }

    /// Takes content out of its framing, and frames it anew.
    fn take(&mut self, input: &mut Buffer, out: &mut Vec<u8>) -> Result<(), crate::http::body::Broken> {
        let decoded = self.decoder.decode(input.filled_mut())?;
        if self.chunked && decoded.content > 0 {
            // A vector takes whatever is written.
            let _ = write!(out, "{:x}\r\n", decoded.content);
        }
        if decoded.content > SMALL {
            (self.content, self.consumed) = (decoded.content, decoded.consumed);
            self.can_rewind = false;
            self.tail = match (self.chunked, self.decoder.is_done()) {
                (true, true) => b"\r\n0\r\n\r\n",
                (true, false) => b"\r\n",
                (false, _) => b"",
            };
            return Ok(());
        }
        out.extend_from_slice(input.filled().get(..decoded.content).unwrap_or_default());
        input.consume(decoded.consumed);
        if self.chunked && decoded.content > 0 {
            out.extend_from_slice(b"\r\n");
        }
        if self.decoder.is_done() {
            self.close(out);
        }
        Ok(())
    }

    fn close(&self, out: &mut Vec<u8>) {
        if self.chunked {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }

    /// Writes all that is to be written.
    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        input: &mut Buffer,
        out: &mut Vec<u8>,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        loop {
            let head = out.get(self.out_at..).unwrap_or_default();
            let content = input.filled().get(..self.content).unwrap_or_default();
            if head.is_empty() && content.is_empty() && self.tail.is_empty() {
                // What is written is forgotten, unless it may have to be written again.
                if !self.decoder.is_done() {
                    self.can_rewind = false;
                    out.clear();
                    self.out_at = 0;
                }
                return Pin::new(&mut *to).poll_flush(context);
            }
            let written = if content.is_empty() && self.tail.is_empty() {
                ready!(Pin::new(&mut *to).poll_write(context, head))?
            } else {
                let slices = [IoSlice::new(head), IoSlice::new(content), IoSlice::new(self.tail)];
                ready!(Pin::new(&mut *to).poll_write_vectored(context, &slices))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written, head.len(), input);
        }
    }

    /// Notes that so many bytes were written, of which `head` were of the vector at most.
    fn advance(&mut self, written: usize, head: usize, input: &mut Buffer) {
        self.written += written as u64;
        let of_head = written.min(head);
        self.out_at += of_head;
        let of_content = (written - of_head).min(self.content);
        if of_content > 0 {
            self.content -= of_content;
            self.consumed -= of_content;
            input.consume(of_content);
            if self.content == 0 {
                // The framing behind it.
                input.consume(self.consumed);
                self.consumed = 0;
            }
        }
        self.tail = self.tail.get(written - of_head - of_content..).unwrap_or_default();
    }
}
