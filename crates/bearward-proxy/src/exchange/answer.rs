//! The exchange itself: the request goes up while the answer comes down, both polled together, so that an early answer is read
//! while a body is still being written, and neither side can lock the other up.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::buffer::Buffers;
use super::half::{Half, HalfError, WaitsFor};
use super::stream::{Stream, poll_read};
use super::watch::{Coarse, Watch};
use crate::http::answer::{self, Answering, Delivery};
use crate::http::connection::{self, Options};
use crate::http::framing::{self, Framing};
use crate::http::head::{HeadEnd, ResponseHead, Version};

/// The largest head of an answer, in bytes.
const MAX_ANSWER_HEAD: usize = 64 * 1024;

/// How many answers before the final one are passed on.
const MAX_INTERIMS: u8 = 32;
/// How often a client that is held back is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What an exchange knows of its request.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) is_head: bool,
    pub(crate) version: Version,
    pub(crate) is_websocket: bool,
    /// Whether the client waits for `100 Continue` before it sends its body.
    pub(crate) expects: bool,
    /// Whether the client's connection may go on behind the answer.
    pub(crate) persists: bool,
    pub(crate) request_id: &'a str,
    pub(crate) date: &'a str,
}

/// How long each side may stand still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A client that sends a body.
    pub(crate) client_read: Duration,
    /// A client that takes an answer.
    pub(crate) client_write: Duration,
    /// An upstream that is to answer.
    pub(crate) upstream_read: Duration,
    /// An upstream that takes a body.
    pub(crate) upstream_write: Duration,
    /// The whole exchange, where it is bounded.
    pub(crate) whole: Option<Duration>,
}

/// How an exchange ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With a whole answer.
    Answered {
        /// Whether the upstream's connection can be used again.
        upstream_persists: bool,
        /// Whether the client's connection goes on: it was told so, and its request was received whole.
        client_persists: bool,
    },
    /// Both connections belong to a WebSocket now; its `101` is in the outgoing vector.
    Switched,
}

/// Why an exchange ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client is gone, or takes nothing any more.
    ClientGone,
    /// The client does not send its body.
    ClientSlow,
    /// The body of the request breaks its framing.
    RequestBroken,
    /// A connection that had been idle was closed, before a byte of an answer came.
    Stale,
    /// The upstream broke off, or did not answer in HTTP.
    UpstreamFailed(Option<io::Error>),
    UpstreamSlow,
    /// The whole exchange took too long.
    TooLong,
}

/// An exchange under way.
#[derive(Debug)]
pub(crate) struct Exchange<'a, C, U> {
    pub(crate) client: &'a mut C,
    pub(crate) upstream: &'a mut U,
    pub(crate) buffers: &'a mut Buffers,
    pub(crate) watch: &'a Watch,
    pub(crate) asked: &'a Asked<'a>,
    pub(crate) limits: Limits,
    /// Whether the upstream's connection had been used before.
    pub(crate) reused: bool,
    pub(crate) up: &'a mut Half,
    pub(crate) progress: Progress,
}

/// How far an exchange has come.
#[derive(Debug)]
pub(crate) struct Progress {
    up: Up,
    down: Down,
    /// When something last moved in each direction.
    up_moved: Coarse,
    down_moved: Coarse,
    began: Coarse,
    /// Whether any byte of an answer came.
    heard: bool,
    /// How many answers before the final one came, and whether `100` was one of them.
    interims: u8,
    may_send: bool,
    /// The status of the final answer, from the moment that its head is written.
    pub(crate) status: Option<u16>,
    keep: bool,
    upstream_persists: bool,
    /// Whether the end of the connection is that of the answer, as the client reads it.
    ends_with_connection: bool,
    /// Whether the client's connection is to be dropped as it is, because a close would be taken for the end of the answer.
    pub(crate) is_cut_off: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Up {
    Running,
    Done,
    /// The upstream takes no more; its answer may still come.
    Refused,
}

#[derive(Debug)]
enum Down {
    /// At the head of an answer.
    Head(HeadEnd),
    /// Writing an answer before the final one.
    Interim(Half),
    Body(Half),
    /// All is written, and the rest of the request is on its way.
    Written,
}

impl Progress {
    /// At the start of an attempt, for a request that began at that time.
    pub(crate) fn new(now: Coarse, began: Coarse) -> Self {
        Self {
            up: Up::Running,
            down: Down::Head(HeadEnd::default()),
            up_moved: now,
            down_moved: now,
            began,
            heard: false,
            interims: 0,
            may_send: false,
            status: None,
            keep: false,
            upstream_persists: false,
            ends_with_connection: false,
            is_cut_off: false,
        }
    }

    /// Whether nothing of the final answer was written.
    fn is_unwritten(&self) -> bool {
        matches!(&self.down, Down::Body(half) if half.written() == 0)
    }

    /// Whether a part of an answer before the final one was written: nothing else can be said on this connection.
    fn is_in_interim(&self) -> bool {
        matches!(&self.down, Down::Interim(half) if half.written() > 0)
    }

    /// Whether what becomes of the rest of the request matters no more: the client has its answer, or gets it.
    fn is_answering(&self) -> bool {
        self.status.is_some()
    }
}

impl<C: Stream, U: AsyncRead + AsyncWrite + Unpin> Exchange<'_, C, U> {
    /// Runs it. Whatever it returns, `progress` tells whether an answer has begun.
    pub(crate) async fn run(&mut self) -> Result<Ended, Failure> {
        // What another upstream sent behind its answer answers nothing, whoever asks next.
        self.buffers.answer.clear();
        let ended = std::future::poll_fn(|context| self.poll(context)).await;
        if ended.is_err() && (self.progress.ends_with_connection || self.progress.is_in_interim()) {
            self.client.reset_when_dropped();
            self.progress.is_cut_off = true;
        }
        ended
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Ended, Failure>> {
        if self.progress.up == Up::Running
            && let Err(failure) = self.poll_up(context)
        {
            return Poll::Ready(Err(failure));
        }
        match self.poll_down(context) {
            Poll::Ready(ended) => return Poll::Ready(ended),
            Poll::Pending => {}
        }
        if self.progress.up == Up::Done
            && let Err(failure) = self.watch_client(context)
        {
            return Poll::Ready(Err(failure));
        }
        self.check_time()
    }

    /// The request, on its way up.
    fn poll_up(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        let Buffers { request, to_upstream, .. } = self.buffers;
        let before = self.up.written();
        let polled = self.up.poll(context, self.client, request, to_upstream, self.upstream);
        if self.up.written() > before {
            self.progress.up_moved = self.watch.now();
        }
        match polled {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) => {
                (self.progress.up, self.progress.up_moved) = (Up::Done, self.watch.now());
                Ok(())
            }
            Poll::Ready(Err(HalfError::Read(_))) => Err(Failure::ClientGone),
            Poll::Ready(Err(HalfError::Broken)) if !self.progress.is_answering() => Err(Failure::RequestBroken),
            // Nothing was sent on a connection that was closed while it was idle.
            Poll::Ready(Err(HalfError::Write(_))) if self.reused && self.up.written() == 0 => Err(Failure::Stale),
            // It may have answered before it closed, as with 413 (RFC 9112, 9.5).
            Poll::Ready(Err(HalfError::Write(_) | HalfError::Broken)) => {
                self.progress.up = Up::Refused;
                Ok(())
            }
        }
    }

    /// The answer, on its way down.
    fn poll_down(&mut self, context: &mut Context<'_>) -> Poll<Result<Ended, Failure>> {
        loop {
            match &mut self.progress.down {
                // The client was told that its connection goes on, so its request is read to the end.
                Down::Written if self.progress.up == Up::Running => return Poll::Pending,
                Down::Written => return Poll::Ready(Ok(self.answered())),
                Down::Head(end) => {
                    let found = end.find(self.buffers.answer.filled(), MAX_ANSWER_HEAD);
                    match found.map_err(|_| Failure::UpstreamFailed(None))? {
                        Some(length) => {
                            let is_switch = self.begin_answer(length)?;
                            self.buffers.answer.consume(length);
                            if is_switch {
                                return Poll::Ready(Ok(Ended::Switched));
                            }
                        }
                        None => {
                            self.buffers.answer.grow(MAX_ANSWER_HEAD);
                            match poll_read(self.upstream, context, &mut self.buffers.answer) {
                                Poll::Pending => return Poll::Pending,
                                Poll::Ready(Ok(0)) => return Poll::Ready(Err(self.broken_off(None))),
                                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.broken_off(Some(error)))),
                                Poll::Ready(Ok(_)) => {
                                    self.progress.heard = true;
                                    self.progress.down_moved = self.watch.now();
                                }
                            }
                        }
                    }
                }
                Down::Interim(half) | Down::Body(half) => {
                    let before = half.written();
                    let Buffers { answer, to_client, .. } = self.buffers;
                    let polled = half.poll(context, self.upstream, answer, to_client, self.client);
                    if half.written() > before {
                        self.progress.down_moved = self.watch.now();
                    }
                    match polled {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(HalfError::Write(_))) => return Poll::Ready(Err(Failure::ClientGone)),
                        Poll::Ready(Err(HalfError::Broken)) => {
                            if self.progress.is_unwritten() {
                                // The client has seen nothing of it, and can be told.
                                self.progress.status = None;
                            }
                            return Poll::Ready(Err(Failure::UpstreamFailed(None)));
                        }
                        Poll::Ready(Err(HalfError::Read(error))) => {
                            return Poll::Ready(Err(Failure::UpstreamFailed(Some(error))));
                        }
                    }
                    if matches!(self.progress.down, Down::Interim(_)) {
                        self.buffers.to_client.clear();
                        self.progress.down = Down::Head(HeadEnd::default());
                    } else if self.progress.keep {
                        self.progress.down = Down::Written;
                    } else {
                        return Poll::Ready(Ok(self.answered()));
                    }
                }
            }
        }
    }

    /// Reads the head of an answer, and writes the one that the client gets. Whether it makes the connection a WebSocket.
    fn begin_answer(&mut self, length: usize) -> Result<bool, Failure> {
        let failed = || Failure::UpstreamFailed(None);
        let Buffers { answer, to_client, to_upstream, .. } = self.buffers;
        let bytes = answer.filled().get(..length).unwrap_or_default();
        let head = ResponseHead::parse(bytes).map_err(|_| failed())?;
        let options = Options::of(&head.fields).map_err(|_| failed())?;
        let framing = framing::of_response(&head, self.asked.is_head).map_err(|_| failed())?;
        if head.status == 101 {
            // Only where it was asked for, as it was asked for, and when all of that was said.
            let is_asked = self.asked.is_websocket && self.up.is_written(to_upstream);
            if !is_asked || !connection::switches_to_websocket(&head, &options) {
                return Err(failed());
            }
            answer::write_switch(&head, &options, self.asked.request_id, to_client);
            self.progress.status = Some(101);
            return Ok(true);
        }
        if head.status < 200 {
            self.progress.may_send |= head.status == 100;
            self.progress.interims += 1;
            if self.progress.interims > MAX_INTERIMS {
                return Err(failed());
            }
            // HTTP/1.0 has none of them (RFC 9110, 15.2).
            if self.asked.version == Version::Http11 {
                answer::write_interim(&head, &options, to_client);
            }
            self.progress.down = Down::Interim(Half::new(Framing::None, false));
            return Ok(false);
        }
        let delivery = Delivery::of(framing, self.asked.version);
        let progress = &mut self.progress;
        progress.upstream_persists = connection::upstream_persists(&head, &options) && framing != Framing::UntilClose;
        // Where the rest of the request will not be read, the client is told to stop (RFC 9112, 9.5), and not only cut off: an upstream
        // that refuses or closes reads no more of it, and a client that was never told to go on may not send it (RFC 9110, 10.1.1).
        let is_unasked = self.asked.expects && !progress.may_send;
        let stops_early = progress.up != Up::Done && (head.status >= 400 || is_unasked || !progress.upstream_persists);
        progress.keep =
            self.asked.persists && delivery != Delivery::UntilClose && !stops_early && !self.watch.must_end();
        let with = Answering { request_id: self.asked.request_id, date: self.asked.date, keep: progress.keep };
        answer::write(&head, &options, framing, delivery, &with, to_client);
        progress.status = Some(head.status);
        progress.ends_with_connection = delivery == Delivery::UntilClose;
        progress.down = Down::Body(Half::new(framing, delivery == Delivery::Chunked));
        Ok(false)
    }

    fn answered(&self) -> Ended {
        let progress = &self.progress;
        let is_sent = progress.up == Up::Done;
        Ended::Answered {
            // What comes behind an answer answers nothing.
            upstream_persists: progress.upstream_persists && is_sent && self.buffers.answer.is_empty(),
            client_persists: progress.keep && is_sent,
        }
    }

    fn broken_off(&self, error: Option<io::Error>) -> Failure {
        if self.reused && !self.progress.heard { Failure::Stale } else { Failure::UpstreamFailed(error) }
    }

    /// A client that closes takes its request along. What it sends already is the next request, and waits.
    fn watch_client(&mut self, context: &mut Context<'_>) -> Result<(), Failure> {
        while self.buffers.request.has_room() {
            match poll_read(self.client, context, &mut self.buffers.request) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0) | Err(_)) => return Err(Failure::ClientGone),
                Poll::Ready(Ok(_)) => {}
            }
        }
        Ok(())
    }

    /// Sets the time by which something must move, and fails where that has passed.
    fn check_time(&mut self) -> Poll<Result<Ended, Failure>> {
        let now = self.watch.now();
        if self.progress.is_answering() && self.up_wait().is_some_and(|(at, _)| now >= at) {
            // The answer is the client's all the same.
            self.progress.up = Up::Refused;
            if matches!(self.progress.down, Down::Written) {
                return Poll::Ready(Ok(self.answered()));
            }
        }
        let waits = [self.up_wait(), self.down_wait(), self.whole_wait()];
        if let Some((_, failure)) = waits.iter().flatten().find(|(at, _)| now >= *at) {
            return Poll::Ready(Err(failure()));
        }
        let held_back = match self.progress.up {
            Up::Running => self.up.waits_for() == WaitsFor::Writing,
            Up::Done => !self.buffers.request.has_room(),
            Up::Refused => true,
        };
        if held_back && self.client.is_closed() {
            return Poll::Ready(Err(Failure::ClientGone));
        }
        // What a client that is held back does is not seen until it is looked for, so that is done now and then.
        let look = held_back.then(|| now.after(LOOK));
        match waits.iter().flatten().map(|(at, _)| *at).chain(look).min() {
            Some(deadline) => self.watch.set_deadline(deadline),
            None => self.watch.clear_deadline(),
        }
        Poll::Pending
    }

    fn up_wait(&self) -> Option<Wait> {
        match (self.progress.up, self.up.waits_for()) {
            (Up::Running, WaitsFor::Reading) => {
                Some((self.progress.up_moved.after(self.limits.client_read), || Failure::ClientSlow))
            }
            (Up::Running, WaitsFor::Writing) => {
                Some((self.progress.up_moved.after(self.limits.upstream_write), || Failure::UpstreamSlow))
            }
            (Up::Done | Up::Refused, _) => None,
        }
    }

    fn down_wait(&self) -> Option<Wait> {
        let progress = &self.progress;
        match &progress.down {
            Down::Interim(half) | Down::Body(half) if half.waits_for() == WaitsFor::Writing => {
                Some((progress.down_moved.after(self.limits.client_write), || Failure::ClientGone))
            }
            Down::Written => None,
            // The upstream may be waiting for the rest of the request.
            _ if progress.up == Up::Running => None,
            _ => {
                let moved = progress.up_moved.max(progress.down_moved);
                Some((moved.after(self.limits.upstream_read), || Failure::UpstreamSlow))
            }
        }
    }

    fn whole_wait(&self) -> Option<Wait> {
        self.limits.whole.map(|whole| -> Wait { (self.progress.began.after(whole), || Failure::TooLong) })
    }
}

/// A time by which something must have moved, and what it is that it has not.
type Wait = (Coarse, fn() -> Failure);
