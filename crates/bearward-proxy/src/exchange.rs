//! One request for one answer over two streams: bytes and framing. It knows nothing of tokens and verdicts.

pub(crate) mod answer;
pub(crate) mod buffer;
pub(crate) mod half;
pub(crate) mod linger;
pub(crate) mod rest;
pub(crate) mod stream;
pub(crate) mod tunnel;
pub(crate) mod watch;

#[cfg(test)]
mod interleavings;
