//! For tests alone: [`Signer`]s that sign whatever they are told to, the [`claims`] of a good access token, a [`Server`] that
//! answers by a closure, a [`ScriptedIssuer`] on top of it, and a client, [`Request`] and [`Connection`], that sends exactly the
//! bytes it is given.
//!
//! It uses nothing of the other crates, so that what judges tokens does not help to make them, and so that the tests of every
//! crate can use it. Servers run in threads of their own, so that tests with and without a runtime can use them. Everything here
//! panics on failure, with what was seen: a test that cannot go on has failed.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

pub mod claims;
mod client;
mod issuer;
mod server;
mod signer;

pub use client::{Connection, Request, Response};
pub use issuer::ScriptedIssuer;
pub use server::{Echo, Received, Reply, Server};
pub use signer::{ALGORITHMS, Signer, base64url};

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How long to wait for what should happen at once. Generous, since a loaded machine is no failure of what is tested.
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
