//! Proxies as processes: started bound to a core, watched, and ended by their own id.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use crate::machine::pinned;
use crate::procfs;

/// The processes that have to end with this one.
static STARTED: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Has a request to end (SIGINT, SIGTERM) end what was started too.
pub(crate) fn end_together() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            let (Ok(mut interrupt), Ok(mut end)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            tokio::select! { _ = interrupt.recv() => {}, _ = end.recv() => {} }
            for pid in STARTED.lock().map(|started| started.clone()).unwrap_or_default() {
                let _ = kill_process(pid, Signal::TERM);
            }
            std::process::exit(130);
        });
    })?;
    Ok(())
}

/// A running proxy. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// The process and those that it started.
    pub(crate) pids: Vec<u32>,
    pub(crate) address: SocketAddr,
    /// When its process began.
    pub(crate) spawned: Instant,
    log: PathBuf,
}

impl Running {
    /// Starts a command with what it prints in a log file.
    pub(crate) fn start(mut command: Command, address: SocketAddr, log: PathBuf, cores: &[usize]) -> Result<Self> {
        let output = File::create(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let (child, spawned) = pinned(cores, || {
            let spawned = Instant::now();
            let child = command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
            Ok((child, spawned))
        })?;
        STARTED.lock().map_err(|_| anyhow!("a thread has ended early"))?.push(Pid::from_child(&child));
        Ok(Self { pids: vec![child.id()], child, address, spawned, log })
    }

    /// Waits until it answers requests, whatever the answers are.
    pub(crate) fn wait(&mut self) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(20);
        while ask(self.address, b"GET /items HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n").is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at once ({status}): {}", tail(&self.log));
            }
            if Instant::now() > until {
                bail!("it does not answer: {}", tail(&self.log));
            }
            thread::sleep(Duration::from_millis(20));
        }
        // Processes that only the first moments need are gone by now.
        thread::sleep(Duration::from_millis(200));
        self.pids = procfs::tree(self.child.id());
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.child);
        // It may have ended by itself.
        let _ = kill_process(pid, Signal::TERM);
        if let Ok(mut started) = STARTED.lock() {
            started.retain(|started| *started != pid);
        }
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        for pid in self.pids.iter().filter_map(|pid| Pid::from_raw(*pid as i32)) {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Sends one request over a connection of its own, and has the answer's status and what follows its head.
pub(crate) fn ask(address: SocketAddr, request: &[u8]) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.get(9..12).context("no answer")?.parse()?;
    Ok((status, answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())))
}

/// An address on loopback that nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" / ")
}
