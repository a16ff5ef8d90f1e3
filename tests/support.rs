//! What the end-to-end tests share: they drive the real binary over real sockets, and nothing in-process stands in for
//! it. `Gateway` is the binary with a configuration; the upstreams and issuers around it, the callers and their tokens are
//! those of `bearward_testkit`.
//!
//! Everything here panics on failure, with what was seen: a test that cannot go on has failed.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test binary uses a part of it")]

mod command;
mod curl;
mod gateway;
mod node;
mod process;

pub use bearward_testkit::claims::{self, now};
pub use bearward_testkit::{
    Connection, Echo, Received, Reply, Request, Response, SOON, ScriptedIssuer, Server, Signer, eventually, free_port,
};
pub use command::{Finished, bearward, finish};
pub use curl::request_of;
pub use gateway::{Gateway, Metrics, minimal_config};
pub use node::{address, node};
pub use process::Process;

use std::path::{Path, PathBuf};

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
