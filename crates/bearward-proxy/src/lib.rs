//! Bearward's reverse proxy: it asks the gate about each request and carries out the verdict.
//!
//! HTTP/1.1 on both sides, bodies streamed both ways, connections kept alive both ways, on pingora. The proxy holds no
//! policy: what a request may do is decided by [`bearward_gate::Gate::decide`]. It does see to it that there is one
//! reading of the request (`request`), that the upstream believes no header but ours (`headers`), and that each refusal
//! is a proper answer (`answer`).
//!
//! ```no_run
//! use std::sync::Arc;
//! use bearward_proxy::{ProxySettings, UpstreamSettings};
//!
//! # fn gate() -> Arc<bearward_gate::Gate> { unimplemented!() }
//! let upstream = UpstreamSettings::new("orders", ["127.0.0.1:3000"]);
//! let settings = ProxySettings::new(["127.0.0.1:8080".parse().unwrap()], [upstream]);
//! let (_stop, shutdown) = tokio::sync::watch::channel(false);
//! bearward_proxy::run(settings, gate(), &bearward_gate::MetricsRegistry::default(), shutdown, || println!("serving"))?;
//! # Ok::<(), bearward_proxy::ProxyError>(())
//! ```

mod access_log;
mod answer;
mod bounded;
mod connections;
mod exchange;
mod headers;
mod metrics;
mod request;
mod server;
mod service;
mod settings;
mod upgrade;
mod upstreams;

pub use server::{bind_check, run};
pub use settings::{AuthorizationMode, ProxyError, ProxySettings, UpstreamSettings};
