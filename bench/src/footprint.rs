//! Memory, and how long it takes to start.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::comparison::{cached, forwarding};
use crate::http::Answer;
use crate::keys::Algorithm::Rs256;
use crate::load::{Load, Plan};
use crate::machine::LOAD_CORE;
use crate::peers::Proxy::{self, Bearward, Envoy, Haproxy, Nginx, Pingora};
use crate::peers::{Remembers, Setup, Site};
use crate::process::ask;
use crate::procfs;
use crate::requests::{Body, Source, Tokens, head, request};
use crate::result::{Row, Unit};
use crate::statistics::summary;
use crate::tokens::{DISTINCT, Mint};

/// How many connections are kept open.
const CONNECTIONS: usize = 1000;

/// Something that is measured of one proxy at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint {
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    /// What Bearward may take at most, and what is aimed at.
    pub(crate) limits: (f64, f64),
    pub(crate) kind: Kind,
    /// The others that are measured too, without demands.
    pub(crate) peers: &'static [Proxy],
    pub(crate) quick: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Idle,
    /// Connections that have had one request each, one after another.
    Connection,
    /// The same, with all requests under way at once, each over an upstream connection of its own.
    BusyConnection,
    Tokens,
    Start,
}

pub(crate) const ALL: [Footprint; 5] = [
    Footprint {
        id: "12-idle",
        what: "memory when idle",
        limits: (12.0, 8.0),
        kind: Kind::Idle,
        peers: &[Pingora, Nginx, Haproxy, Envoy],
        quick: true,
    },
    Footprint {
        id: "12-connection",
        what: "memory of an idle connection after one request",
        limits: (20.0, 8.0),
        kind: Kind::Connection,
        peers: &[Pingora, Nginx, Haproxy, Envoy],
        quick: true,
    },
    Footprint {
        id: "12-busy-connection",
        what: "memory of an idle connection after requests on all at once, with upstream connections kept",
        limits: (20.0, 8.0),
        kind: Kind::BusyConnection,
        peers: &[Pingora, Nginx, Haproxy, Envoy],
        quick: false,
    },
    Footprint {
        id: "12-tokens",
        what: "memory with 100,000 tokens remembered",
        limits: (90.0, 60.0),
        kind: Kind::Tokens,
        peers: &[Nginx, Envoy],
        quick: false,
    },
    Footprint {
        id: "14",
        what: "start to the first admitted request, keys from a file",
        limits: (35.0, 20.0),
        kind: Kind::Start,
        peers: &[Nginx, Haproxy, Envoy],
        quick: true,
    },
];

impl Footprint {
    pub(crate) fn proxies(&self) -> impl Iterator<Item = Proxy> + use<> {
        [Bearward].into_iter().chain(self.peers.iter().copied())
    }

    /// Measures one proxy some times.
    pub(crate) fn measure(&self, site: &Site, mint: &Mint, proxy: Proxy, times: usize) -> Row {
        let (unit, times) = match self.kind {
            Kind::Idle => (Unit::Megabytes, times.min(3)),
            Kind::Connection | Kind::BusyConnection => (Unit::Kilobytes, times.min(3)),
            Kind::Tokens => (Unit::Megabytes, 1),
            Kind::Start => (Unit::Milliseconds, times * 2),
        };
        let limits = (proxy == Bearward).then_some(self.limits);
        let what = format!("{}: {}", proxy.name(), self.what);
        let once = |_| match self.kind {
            Kind::Idle => idle(site, proxy),
            Kind::Connection => connection(site, mint, proxy, Body::Small),
            Kind::BusyConnection => connection(site, mint, proxy, Body::Slow),
            Kind::Tokens => tokens(site, mint, proxy),
            Kind::Start => start(site, mint, proxy),
        };
        let values: Result<Vec<f64>> = (0..times).map(once).collect();
        match values {
            Ok(values) => Row {
                value: summary(values),
                count: times,
                notes: Vec::new(),
                ..Row::missing(self.id, &what, unit, limits, String::new())
            },
            Err(error) => Row::missing(self.id, &what, unit, limits, format!("{error:#}")),
        }
    }
}

/// As it is set up where it checks tokens, if it does.
fn setup(proxy: Proxy) -> Setup {
    if proxy == Pingora { forwarding(proxy).setup } else { cached(proxy, Rs256).setup }
}

fn megabytes(pids: &[u32]) -> f64 {
    procfs::resident(pids) as f64 / 1024.0
}

fn idle(site: &Site, proxy: Proxy) -> Result<f64> {
    let running = proxy.start(site, setup(proxy))?;
    thread::sleep(Duration::from_millis(300));
    Ok(megabytes(&running.pids))
}

fn connection(site: &Site, mint: &Mint, proxy: Proxy, body: Body) -> Result<f64> {
    let running = proxy.start(site, setup(proxy))?;
    let token = mint.with(Rs256, json!({}))?;
    let request = request(Some(&token), body, true);
    // The first requests make what all connections share.
    for _ in 0..10 {
        exchange(&mut TcpStream::connect(running.address)?, &request)?;
    }
    let before = procfs::resident(&running.pids);
    let connect = |address: SocketAddr| -> Result<TcpStream> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(stream)
    };
    let mut streams = (0..CONNECTIONS).map(|_| connect(running.address)).collect::<Result<Vec<_>>>()?;
    if body == Body::Slow {
        for stream in &mut streams {
            stream.write_all(&request)?;
        }
        for stream in &mut streams {
            receive(stream)?;
        }
    } else {
        for stream in &mut streams {
            exchange(stream, &request)?;
        }
    }
    thread::sleep(Duration::from_millis(500));
    Ok(procfs::resident(&running.pids).saturating_sub(before) as f64 / CONNECTIONS as f64)
}

fn tokens(site: &Site, mint: &Mint, proxy: Proxy) -> Result<f64> {
    let setup = Setup { remembers: Remembers::Long, ..setup(proxy) };
    let running = proxy.start(site, setup)?;
    let load = Load::new(Plan {
        address: running.address,
        source: Source::new(mint, Tokens::All(Rs256), Body::Small, true)?,
        connections: 8,
        reuse: true,
        rate: None,
        cores: &[LOAD_CORE],
    })?;
    load.begin()?;
    let began = Instant::now();
    while load.count().right < DISTINCT as u64 && began.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(10));
    }
    load.end()?;
    let count = load.count();
    ensure!(count.right >= DISTINCT as u64 && count.wrong == 0, "not every token is admitted: {count:?}");
    thread::sleep(Duration::from_millis(500));
    Ok(megabytes(&running.pids))
}

/// From the process's beginning to the first admitted request, in milliseconds.
fn start(site: &Site, mint: &Mint, proxy: Proxy) -> Result<f64> {
    let token = mint.with(Rs256, json!({}))?;
    let request = head("GET", "/items", Some(&token), false) + "\r\n";
    let running = proxy.spawn(site, setup(proxy))?;
    loop {
        let status = ask(running.address, request.as_bytes()).map(|(status, _)| status);
        let took = running.spawned.elapsed();
        if status.is_ok_and(|status| status == 200) {
            return Ok(took.as_secs_f64() * 1e3);
        }
        ensure!(took < Duration::from_secs(20), "it does not admit a good request");
        thread::sleep(Duration::from_micros(300));
    }
}

fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<()> {
    stream.write_all(request)?;
    receive(stream)
}

fn receive(stream: &mut TcpStream) -> Result<()> {
    let mut answer = Answer::default();
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        ensure!(length > 0, "the connection is closed");
        if let Some(answered) = answer.read(&buffer[..length])? {
            ensure!(answered.status == 200, "a good request is answered {}", answered.status);
            return Ok(());
        }
    }
}
