//! The load generator: a number of connections over which requests go one after another, each as soon as the one before is
//! answered (closed loop), or at a fixed rate whatever the answers take (open loop).
//!
//! It lives on a thread of its own and does little for a request: one write, one read, and no copy.

mod client;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::machine::pin;
use crate::requests::Source;
use client::Client;

/// What is sent, where, and how.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) source: Source,
    pub(crate) connections: usize,
    /// Whether connections are used for more than one request.
    pub(crate) reuse: bool,
    /// Requests per second; as many as possible where there is none.
    pub(crate) rate: Option<u32>,
    /// Where it may run.
    pub(crate) cores: &'static [usize],
}

/// How requests have ended so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) right: u64,
    /// Answers with another status than expected, and the last such status.
    pub(crate) wrong: u64,
    pub(crate) last_wrong: u64,
    /// Connections that ended before the answer, or could not be made.
    pub(crate) broken: u64,
}

impl Count {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            right: self.right - before.right,
            wrong: self.wrong - before.wrong,
            last_wrong: self.last_wrong,
            broken: self.broken - before.broken,
        }
    }
}

#[derive(Debug, Default)]
struct Counters {
    right: AtomicU64,
    wrong: AtomicU64,
    last_wrong: AtomicU64,
    broken: AtomicU64,
}

/// A load generator that is told when to work. Its connections stay open in between.
#[derive(Debug)]
pub(crate) struct Load {
    counters: Arc<Counters>,
    working: Arc<AtomicBool>,
    begin: Sender<()>,
    latencies: Receiver<Result<Vec<u32>>>,
}

impl Load {
    pub(crate) fn new(plan: Plan) -> Result<Self> {
        let counters = Arc::new(Counters::default());
        let working = Arc::new(AtomicBool::new(false));
        let (begin, begun) = channel();
        let (report, latencies) = channel();
        let cores = plan.cores;
        let mut client = Client::new(plan, Arc::clone(&counters))?;
        let goes_on = Arc::clone(&working);
        thread::Builder::new().name("load".to_owned()).spawn(move || {
            let pinned = pin(cores);
            while let Ok(()) = begun.recv() {
                let result = pinned.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"));
                if report.send(result.and_then(|()| client.drive(&goes_on))).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { counters, working, begin, latencies })
    }

    /// Begins to send.
    pub(crate) fn begin(&self) -> Result<()> {
        self.working.store(true, Ordering::SeqCst);
        Ok(self.begin.send(())?)
    }

    /// Ends sending, and waits for the answers that are due. Has what requests took at a fixed rate, in microseconds.
    pub(crate) fn end(&self) -> Result<Vec<u32>> {
        self.working.store(false, Ordering::SeqCst);
        match self.latencies.recv_timeout(Duration::from_secs(20)) {
            Ok(result) => result,
            Err(_) => bail!("the load generator does not end"),
        }
    }

    /// How requests have ended so far.
    pub(crate) fn count(&self) -> Count {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Count {
            right: get(&self.counters.right),
            wrong: get(&self.counters.wrong),
            last_wrong: get(&self.counters.last_wrong),
            broken: get(&self.counters.broken),
        }
    }
}
