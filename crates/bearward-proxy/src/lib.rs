//! Bearward's reverse proxy: it asks the gate about each request and carries out the verdict.
//!
//! HTTP/1.1 on both sides, bodies streamed both ways, connections kept alive both ways, on pingora. The proxy holds no
//! policy: what a request may do is decided by [`bearward_gate::Gate::decide`]. It does see to it that there is one
//! reading of the request (`request`), that the upstream believes no header but ours (`headers`), and that each refusal
//! is a proper answer (`answer`).
//!
//! With `default-features = false` the crate is the settings alone, for those who read or write configurations.
//!
#![cfg_attr(feature = "server", doc = "```no_run")]
#![cfg_attr(not(feature = "server"), doc = "```ignore")]
//! use std::sync::Arc;
//! use bearward_core::Server;
//! use bearward_proxy::{ProxySettings, UpstreamSettings};
//!
//! # fn gate() -> Arc<bearward_gate::Gate> { unimplemented!() }
//! let upstream = UpstreamSettings::new("orders", [Server::parse("127.0.0.1:3000")?]);
//! let settings = ProxySettings::new(["127.0.0.1:8080".parse().unwrap()], [upstream]);
//! let (_stop, shutdown) = tokio::sync::watch::channel(false);
//! bearward_proxy::run(settings, gate(), &prometheus::Registry::new(), shutdown, || println!("serving"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "server")]
mod access_log;
#[cfg(feature = "server")]
mod answer;
#[cfg(feature = "server")]
mod bounded;
#[cfg(feature = "server")]
mod connections;
#[cfg(feature = "server")]
mod error;
#[cfg(feature = "server")]
mod exchange;
#[cfg(feature = "server")]
mod headers;
#[cfg(feature = "server")]
mod metrics;
#[cfg(feature = "server")]
mod request;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod service;
mod settings;
#[cfg(feature = "server")]
mod upgrade;
#[cfg(feature = "server")]
mod upstreams;

#[cfg(feature = "server")]
pub use error::ProxyError;
#[cfg(feature = "server")]
pub use server::{bind_check, run};
pub use settings::{AuthorizationMode, ProxySettings, UpstreamSettings};
