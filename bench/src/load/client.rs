//! The connections of a load generator, on one poll.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::{Counters, Plan};
use crate::http::Answer;
use crate::requests::Expect;

/// How often the poll comes back in vain, after [`WAIT`] each, while answers are due and nothing more is sent. The clock does
/// not decide: a machine that stands still for a while is no fault of the proxy.
const DRAIN: usize = 250;

const WAIT: Duration = Duration::from_millis(20);

const CLOCK: Token = Token(usize::MAX - 1);

pub(super) struct Client {
    plan: Plan,
    counters: Arc<Counters>,
    poll: Poll,
    slots: Vec<Slot>,
    /// The connections that wait for a request, and the requests that wait for a connection: at a fixed rate alone.
    free: Vec<usize>,
    waiting: VecDeque<Instant>,
    latencies: Vec<u32>,
    scratch: Vec<u8>,
    is_draining: bool,
}

struct Slot {
    stream: Option<TcpStream>,
    state: State,
    /// What a write has left over.
    rest: Vec<u8>,
    answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Idle,
    Busy { expect: Expect, due: Option<Instant> },
}

/// What happened on a connection.
enum Outcome {
    Nothing,
    /// The answer is there; the connection goes on, or not.
    Answered {
        status: u16,
        closes: bool,
    },
    Closed,
}

impl Client {
    pub(super) fn new(plan: Plan, counters: Arc<Counters>) -> Result<Self> {
        let slot = |_| Slot { stream: None, state: State::Connecting, rest: Vec::new(), answer: Answer::default() };
        Ok(Self {
            slots: (0..plan.connections).map(slot).collect(),
            plan,
            counters,
            poll: Poll::new()?,
            free: Vec::new(),
            waiting: VecDeque::new(),
            latencies: Vec::new(),
            scratch: vec![0; 256 * 1024],
            is_draining: false,
        })
    }

    /// Sends until it is told to stop, then waits for the answers that are due.
    pub(super) fn drive(&mut self, working: &AtomicBool) -> Result<Vec<u32>> {
        self.is_draining = false;
        self.free.clear();
        let clock = self.plan.rate.map(|rate| Clock::new(rate, &self.poll)).transpose()?;
        for at in 0..self.slots.len() {
            match self.slots[at].state {
                _ if self.slots[at].stream.is_none() => self.connect(at)?,
                State::Idle => self.next(at)?,
                _ => {}
            }
        }
        let mut sent = 0;
        let mut in_vain = 0;
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, Some(WAIT)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => result?,
            }
            for event in &events {
                let Token(at) = event.token();
                if event.token() == CLOCK {
                    if let Some(clock) = &clock {
                        clock.read();
                    }
                } else {
                    self.ready(at, event.is_readable(), event.is_read_closed())?;
                }
            }
            if let Some(clock) = &clock
                && !self.is_draining
            {
                self.send_due(clock, &mut sent)?;
            }
            if !working.load(Ordering::Relaxed) {
                self.is_draining = true;
                in_vain += usize::from(events.is_empty());
                let is_busy = |slot: &Slot| matches!(slot.state, State::Busy { .. });
                if !self.slots.iter().any(is_busy) {
                    break;
                }
                if in_vain > DRAIN {
                    for slot in self.slots.iter_mut().filter(|slot| is_busy(slot)) {
                        slot.stream = None;
                        self.counters.broken.fetch_add(1, Ordering::Relaxed);
                    }
                    break;
                }
            }
        }
        self.waiting.clear();
        Ok(std::mem::take(&mut self.latencies))
    }

    /// Sends what is due by now.
    fn send_due(&mut self, clock: &Clock, sent: &mut u32) -> Result<()> {
        let now = Instant::now();
        loop {
            let due = clock.started + clock.interval * *sent;
            if due > now {
                return Ok(());
            }
            *sent += 1;
            self.waiting.push_back(due);
            if let Some(at) = self.free.pop() {
                self.next(at)?;
            }
        }
    }

    /// Sends the next request on a connection that is ready for one, or lets it wait.
    fn next(&mut self, at: usize) -> Result<()> {
        self.slots[at].state = State::Idle;
        if self.is_draining {
            return Ok(());
        }
        let due = if self.plan.rate.is_some() {
            let Some(due) = self.waiting.pop_front() else {
                self.free.push(at);
                return Ok(());
            };
            Some(due)
        } else {
            None
        };
        let slot = &mut self.slots[at];
        let (request, expect) = self.plan.source.next();
        slot.state = State::Busy { expect, due };
        slot.rest.clear();
        let stream = slot.stream.as_mut().context("a connection is ready")?;
        match stream.write(request) {
            Ok(written) => slot.rest.extend_from_slice(&request[written..]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => slot.rest.extend_from_slice(request),
            Err(_) => self.broken(at)?,
        }
        Ok(())
    }

    fn ready(&mut self, at: usize, readable: bool, closed: bool) -> Result<()> {
        let slot = &mut self.slots[at];
        let Some(stream) = slot.stream.as_mut() else { return Ok(()) };
        if slot.state == State::Connecting {
            if stream.peer_addr().is_err() {
                if stream.take_error()?.is_some() {
                    self.broken(at)?;
                }
                return Ok(());
            }
            return self.next(at);
        }
        if !slot.rest.is_empty() && slot.flush().is_err() {
            return self.broken(at);
        }
        if !readable {
            return Ok(());
        }
        match slot.read(&mut self.scratch, closed) {
            Ok(Outcome::Nothing) => Ok(()),
            Ok(Outcome::Closed) if slot.state == State::Idle => self.replace(at),
            Ok(Outcome::Answered { status, closes }) => {
                let State::Busy { expect, due } = slot.state else { return self.broken(at) };
                if expect.is(status) {
                    self.counters.right.fetch_add(1, Ordering::Relaxed);
                } else {
                    self.counters.last_wrong.store(status.into(), Ordering::Relaxed);
                    self.counters.wrong.fetch_add(1, Ordering::Relaxed);
                }
                if let Some(due) = due {
                    self.latencies.push(due.elapsed().as_micros().try_into().unwrap_or(u32::MAX));
                }
                if closes || !self.plan.reuse { self.replace(at) } else { self.next(at) }
            }
            Ok(Outcome::Closed) | Err(_) => self.broken(at),
        }
    }

    fn broken(&mut self, at: usize) -> Result<()> {
        self.counters.broken.fetch_add(1, Ordering::Relaxed);
        self.replace(at)
    }

    /// Puts a new connection in the place of one that is over.
    fn replace(&mut self, at: usize) -> Result<()> {
        self.free.retain(|free| *free != at);
        let slot = &mut self.slots[at];
        slot.stream = None;
        slot.state = State::Connecting;
        if self.is_draining { Ok(()) } else { self.connect(at) }
    }

    fn connect(&mut self, at: usize) -> Result<()> {
        let slot = &mut self.slots[at];
        let mut stream = TcpStream::connect(self.plan.address)?;
        stream.set_nodelay(true)?;
        self.poll.registry().register(&mut stream, Token(at), Interest::READABLE | Interest::WRITABLE)?;
        slot.stream = Some(stream);
        slot.state = State::Connecting;
        slot.rest.clear();
        slot.answer = Answer::default();
        Ok(())
    }
}

impl Slot {
    fn flush(&mut self) -> std::io::Result<()> {
        let Some(stream) = self.stream.as_mut() else { return Ok(()) };
        while !self.rest.is_empty() {
            match stream.write(&self.rest) {
                Ok(written) => drop(self.rest.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self, scratch: &mut [u8], closed: bool) -> Result<Outcome> {
        let Some(stream) = self.stream.as_mut() else { return Ok(Outcome::Nothing) };
        let mut outcome = Outcome::Nothing;
        loop {
            match stream.read(scratch) {
                Ok(0) => {
                    return Ok(match outcome {
                        Outcome::Answered { status, .. } => Outcome::Answered { status, closes: true },
                        _ => Outcome::Closed,
                    });
                }
                Ok(length) => {
                    if let Some(answered) = self.answer.read(&scratch[..length])? {
                        outcome = Outcome::Answered { status: answered.status, closes: answered.closes };
                    }
                    // A short read has emptied the socket, and the next bytes are told of again.
                    if length < scratch.len() && !closed {
                        return Ok(outcome);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(outcome),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Wakes the poll as often as requests are due: a poll's own wait counts in milliseconds.
struct Clock {
    timer: OwnedFd,
    started: Instant,
    interval: Duration,
}

impl Clock {
    fn new(rate: u32, poll: &Poll) -> Result<Self> {
        let interval = Duration::from_secs(1) / rate;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let every = Timespec { tv_sec: 0, tv_nsec: interval.as_nanos().try_into()? };
        timerfd_settime(
            timer.as_fd(),
            TimerfdTimerFlags::empty(),
            &Itimerspec { it_interval: every, it_value: every },
        )?;
        poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), CLOCK, Interest::READABLE)?;
        Ok(Self { timer, started: Instant::now(), interval })
    }

    /// Makes the timer tell of the next time; how often it went off does not matter.
    fn read(&self) {
        let _ = rustix::io::read(&self.timer, &mut [0; 8]);
    }
}
