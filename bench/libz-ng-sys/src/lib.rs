//! pingora asks `flate2` for zlib-ng, whose build needs cmake. Nothing is compressed here, so plain zlib, which the `cc`
//! crate builds with a C compiler alone, serves as well. The workspace's `[patch.crates-io]` puts this crate in its place.
#![no_std]
pub use libz_sys::*;
