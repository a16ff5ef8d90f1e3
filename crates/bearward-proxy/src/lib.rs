//! Bearward's reverse proxy: it asks the gate about each request, and forwards it or answers with the refusal.
//!
//! It speaks HTTP/1.1 on both sides, with streamed bodies and persistent connections. The proxy contains no access policy:
//! [`bearward_gate::Gate`] makes every decision. The proxy refuses requests that can be read in two ways (`http::request`),
//! removes headers that the upstream would trust and sets verified ones (`http::forwarding`), passes bodies on in both directions
//! at once (`exchange`), and answers each refusal completely (`serve::refuse`).
//!
//! With `default-features = false` the crate contains only the settings, for programs that read or write configurations.
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
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "server")]
mod http;
#[cfg(any(all(test, feature = "server"), feature = "in-memory"))]
#[doc(hidden)]
pub mod in_memory;
#[cfg(feature = "server")]
mod listen;
#[cfg(feature = "server")]
mod metrics;
#[cfg(feature = "server")]
mod serve;
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
