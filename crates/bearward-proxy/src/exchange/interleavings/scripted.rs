//! A connection that follows a script.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::exchange::stream::Stream;

/// What the other side of a connection does.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) sends: Vec<u8>,
    pub(super) then: Then,
    /// From this place of `sends` on, nothing comes before so many bytes were taken.
    pub(super) gate: Option<(usize, usize)>,
    pub(super) takes: Takes,
    /// The most bytes that are read or written at once.
    pub(super) cut: usize,
    pub(super) seed: u64,
}

/// What comes when all was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Silence,
    Close,
    Reset,
}

/// How much is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    All,
    /// No more than this: then writes fail.
    Refuse(usize),
    /// No more than this: then nothing moves.
    Stall(usize),
}

/// The end of a scripted connection that is ours. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct Scripted(Arc<Mutex<Side>>);

#[derive(Debug)]
struct Side {
    script: Script,
    /// How much of what is sent was read.
    read: usize,
    written: Vec<u8>,
    is_shut: bool,
    is_reset: bool,
    reading: Turn,
    writing: Turn,
    flushing: Turn,
    random: Random,
}

/// Whether an operation is put off: every one may be, once, until the driver lets it go on.
#[derive(Debug, Default)]
struct Turn {
    is_paused: bool,
    may_go: bool,
    waker: Option<Waker>,
}

/// Numbers that the seed decides (xorshift64*).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below this one.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % end.max(1)
    }
}

impl Scripted {
    pub(super) fn new(script: Script) -> Self {
        let random = Random::new(script.seed);
        let [reading, writing, flushing] = std::array::from_fn(|_| Turn::default());
        Self(Arc::new(Mutex::new(Side {
            script,
            read: 0,
            written: Vec::new(),
            is_shut: false,
            is_reset: false,
            reading,
            writing,
            flushing,
            random,
        })))
    }

    pub(super) fn written(&self) -> Vec<u8> {
        self.side().written.clone()
    }

    /// What was sent and not read.
    pub(super) fn unread(&self) -> Vec<u8> {
        let side = self.side();
        side.script.sends[side.read..].to_vec()
    }

    pub(super) fn is_shut(&self) -> bool {
        self.side().is_shut
    }

    /// Whether the other side sees that it was cut off.
    pub(super) fn is_reset(&self) -> bool {
        self.side().is_reset
    }

    /// Lets one operation that was put off go on; `false` where there is none.
    pub(super) fn nudge(&self) -> bool {
        let side = &mut *self.side();
        let Side { reading, writing, flushing, random, .. } = side;
        let mut paused: Vec<_> = [reading, writing, flushing].into_iter().filter(|turn| turn.is_paused).collect();
        let index = random.below(paused.len());
        let Some(turn) = paused.get_mut(index) else { return false };
        (turn.is_paused, turn.may_go) = (false, true);
        turn.wake();
        true
    }

    fn side(&self) -> MutexGuard<'_, Side> {
        self.0.lock().unwrap()
    }
}

impl Turn {
    fn go(&mut self, random: &mut Random, context: &Context<'_>) -> bool {
        if !self.is_paused && !std::mem::take(&mut self.may_go) {
            self.is_paused = random.below(3) == 0;
        }
        if self.is_paused {
            self.wait(context);
        }
        !self.is_paused
    }

    fn wait(&mut self, context: &Context<'_>) {
        self.waker = Some(context.waker().clone());
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Side {
    /// What may be read now.
    fn available(&self) -> &[u8] {
        let sends = &self.script.sends;
        let end = match self.script.gate {
            Some((from, needs)) if self.written.len() < needs => from.min(sends.len()).max(self.read),
            _ => sends.len(),
        };
        &sends[self.read..end]
    }

    fn has_ended(&self) -> bool {
        self.available().is_empty() && self.read == self.script.sends.len() && self.script.then != Then::Silence
    }

    fn write(&mut self, context: &Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if !self.writing.go(&mut self.random, context) {
            return Poll::Pending;
        }
        let room = match self.script.takes {
            Takes::All => usize::MAX,
            Takes::Refuse(most) | Takes::Stall(most) => most - self.written.len(),
        };
        if room == 0 {
            if matches!(self.script.takes, Takes::Refuse(_)) {
                return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
            }
            self.writing.wait(context);
            return Poll::Pending;
        }
        let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
        let count = bytes.min(room).min(1 + self.random.below(self.script.cut));
        self.written.extend(slices.iter().flat_map(|slice| slice.iter()).take(count));
        // A gate may be open now.
        self.reading.wake();
        Poll::Ready(Ok(count))
    }
}

impl AsyncRead for Scripted {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let side = &mut *self.side();
        if !side.reading.go(&mut side.random, context) {
            return Poll::Pending;
        }
        if side.has_ended() {
            let is_reset = side.script.then == Then::Reset;
            return Poll::Ready(if is_reset { Err(ErrorKind::ConnectionReset.into()) } else { Ok(()) });
        }
        if side.available().is_empty() {
            side.reading.wait(context);
            return Poll::Pending;
        }
        let count = (1 + side.random.below(side.script.cut)).min(into.remaining()).min(side.available().len());
        into.put_slice(&side.available()[..count]);
        side.read += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.side().write(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.side().write(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let side = &mut *self.side();
        if side.flushing.go(&mut side.random, context) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// As with TLS, a side that takes nothing holds up this as well.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let side = &mut *self.side();
        match side.script.takes {
            Takes::Stall(most) if side.written.len() >= most => {
                side.flushing.wait(context);
                Poll::Pending
            }
            Takes::Refuse(most) if side.written.len() >= most => Poll::Ready(Err(ErrorKind::BrokenPipe.into())),
            _ if side.flushing.go(&mut side.random, context) => {
                side.is_shut = true;
                Poll::Ready(Ok(()))
            }
            _ => Poll::Pending,
        }
    }
}

impl Stream for Scripted {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let side = &mut *self.side();
        if !side.available().is_empty() || side.has_ended() {
            return Poll::Ready(Ok(()));
        }
        side.reading.wait(context);
        Poll::Pending
    }

    fn is_closed(&self) -> bool {
        let side = self.side();
        side.script.then != Then::Silence && side.read + side.available().len() == side.script.sends.len()
    }

    fn reset_when_dropped(&self) {
        self.side().is_reset = true;
    }
}
