//! Bearward's reverse proxy: it asks the gate about each request and carries out the verdict.
//!
//! HTTP/1.1 on both sides, bodies streamed both ways, connections kept alive both ways, on pingora. The proxy holds no
//! policy: what a request may do is decided by [`bearward_gate::Gate::decide`]. It does see to it that there is one
//! reading of the request (`http::request`), that the upstream believes no header but ours (`http::forwarding`), and that
//! each refusal is a complete answer (`exchange::answer`).
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
//! bearward_proxy::run(settings, gate(), &bearward_gate::MetricsRegistry::default(), shutdown, || println!("serving"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "server")]
mod error;
#[cfg(feature = "server")]
mod exchange;
#[cfg(feature = "server")]
mod http;
#[cfg(feature = "server")]
mod listen;
#[cfg(feature = "server")]
mod metrics;
#[cfg(feature = "server")]
mod server;
mod settings;
#[cfg(feature = "server")]
mod upstream;

#[cfg(feature = "server")]
pub use error::ProxyError;
#[cfg(feature = "server")]
pub use listen::bind_check;
#[cfg(feature = "server")]
pub use server::run;
pub use settings::{AuthorizationMode, ProxySettings, UpstreamSettings};
