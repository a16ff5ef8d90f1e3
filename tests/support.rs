//! What the end-to-end tests share: they drive the real binary over real sockets, and nothing in-process stands in for
//! it. `Gateway` is the binary with a configuration, `Echo` and `Server` are the upstreams and issuers around it,
//! `Request` and `Connection` are the callers, `SigningKey` signs tokens without any of the gateway's own code.
//!
//! Everything here panics on failure, with what was seen: a test that cannot go on has failed.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test binary uses a part of it")]

mod command;
mod curl;
mod gateway;
mod http;
mod issuer;
mod keys;
mod node;
mod process;
mod server;

pub use command::{Finished, bearward, finish};
pub use gateway::{Gateway, Metrics, minimal_config};
pub use http::{Connection, Request, Response};
pub use issuer::FakeIssuer;
pub use keys::{SigningKey, now};
pub use node::{address, node};
pub use process::Process;
pub use server::{Echo, Received, Reply, Server};

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

/// How long to wait for what should happen at once. Generous, since a loaded machine is no failure of the gateway.
pub const SOON: Duration = Duration::from_secs(30);

/// A port on loopback that nothing listens on. It lies below the range that the kernel hands to outgoing connections,
/// so that no connection of another test can take it before its server does.
pub fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}

/// Waits until `what` holds, looking often; panics with `message` when it does not in time.
pub fn eventually(message: &str, timeout: Duration, mut what: impl FnMut() -> bool) {
    let deadline = Instant::now() + timeout;
    while !what() {
        assert!(Instant::now() < deadline, "not within {timeout:?}: {message}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Writes a file that only its owner may read, as secrets must be.
pub fn write_secret(directory: &Path, name: &str, content: &str) -> PathBuf {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let path = directory.join(name);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.write_all(content.as_bytes()).unwrap();
    path
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
