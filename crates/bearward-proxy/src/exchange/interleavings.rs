//! Exchanges, tunnels and last words over connections whose every read and write is cut and put off at random: what comes out is
//! what went in, or is plainly broken; nothing hangs, nothing of one direction is in the other, and no buffer grows beyond its bound.
//!
//! Each future is polled when it was woken and at no other time, so a wake-up that is lost shows as time that runs out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod driver;
mod exchanges;
mod lingering;
mod scripted;
mod tunnels;
mod wire;

/// `PROPTEST_CASES` asks for more.
fn config() -> proptest::test_runner::Config {
    let config = proptest::test_runner::Config { failure_persistence: None, ..Default::default() };
    proptest::test_runner::Config { cases: config.cases.max(1_000), ..config }
}
