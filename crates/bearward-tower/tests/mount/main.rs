//! The layer from outside, a module for each promise. What counts allocations and what must not compile are binaries of their own
//! beside this one.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

#[cfg(all(feature = "axum", feature = "tonic"))]
mod examples;
#[cfg(all(feature = "axum", feature = "testing"))]
mod extractors;
#[cfg(feature = "testing")]
mod layer;
mod public_api;
#[cfg(feature = "testing")]
mod same_verdict;
