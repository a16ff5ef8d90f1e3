//! Upstreams: their addresses, which are resolved in the background, and the choice of the next address.

pub(crate) mod connect;
pub(crate) mod idle;
pub(crate) mod stream;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bearward_core::Server;

use self::idle::Idle;
use crate::error::ProxyError;
use crate::exchange::watch::Coarse;
use crate::settings::{AuthorizationMode, UpstreamSettings};

/// How often names are resolved. The resolver does not return the lifetime of its answers.
const RESOLVE_EVERY: Duration = Duration::from_secs(10);
/// How long one resolution may take.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an address is skipped after a failed connection, if there are others.
const SKIP_FAILED: Duration = Duration::from_secs(5);

/// All upstreams, by name.
#[derive(Debug)]
pub(crate) struct Upstreams(HashMap<String, Arc<Upstream>>);

impl Upstreams {
    /// All of these, for so many threads.
    pub(crate) fn new(settings: Vec<UpstreamSettings>, threads: usize) -> Result<Self, ProxyError> {
        let mut all = HashMap::with_capacity(settings.len());
        for settings in settings {
            let upstream = Upstream::new(settings, threads)?;
            let name = upstream.name.clone();
            if all.insert(name.clone(), Arc::new(upstream)).is_some() {
                return Err(ProxyError::UpstreamRepeated { name });
            }
        }
        Ok(Self(all))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.0.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.0.values()
    }
}

/// One upstream.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) name: String,
    pub(crate) authorization: AuthorizationMode,
    pub(crate) settings: UpstreamSettings,
    threads: usize,
    /// Every address of every server that could be resolved.
    addresses: ArcSwap<Vec<Arc<Address>>>,
    turn: AtomicUsize,
    started: Instant,
}

/// An address to connect to.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) socket: SocketAddr,
    /// The connections to it that no request uses.
    pub(crate) idle: Idle,
    /// The server as configured.
    pub(crate) server: Server,
    /// The time until which it is skipped, in milliseconds since the upstream was made.
    skipped_until: AtomicU64,
}

impl Upstream {
    fn new(settings: UpstreamSettings, threads: usize) -> Result<Self, ProxyError> {
        if settings.servers.is_empty() {
            return Err(ProxyError::UpstreamEmpty { name: settings.name });
        }
        let upstream = Self {
            name: settings.name.clone(),
            authorization: settings.authorization.clone(),
            settings,
            threads,
            addresses: ArcSwap::default(),
            turn: AtomicUsize::new(0),
            started: Instant::now(),
        };
        // Addresses that need no resolver are available from the start.
        upstream.replace(&vec![None; upstream.settings.servers.len()]);
        Ok(upstream)
    }

    /// The next address in turn: not `tried`, and if possible one without a recent failure.
    pub(crate) fn pick(&self, tried: Option<SocketAddr>) -> Option<Arc<Address>> {
        let addresses = self.addresses.load();
        // The counter may wrap around, which skips a turn once in a very long while.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(addresses.len())?;
        let (before, from) = addresses.split_at_checked(turn)?;
        let mut fit = from.iter().chain(before).filter(|address| Some(address.socket) != tried);
        let now = self.now();
        let mut fallback = None;
        fit.find(|address| {
            let is_skipped = address.skipped_until.load(Ordering::Relaxed) > now;
            if is_skipped && fallback.is_none() {
                fallback = Some(Arc::clone(address));
            }
            !is_skipped
        })
        .cloned()
        .or(fallback)
    }

    /// Whether a second attempt can use another address.
    pub(crate) fn has_other(&self) -> bool {
        self.addresses.load().len() > 1
    }

    /// Closes connections of this thread that were idle for too long.
    pub(crate) fn sweep(&self, thread: usize, now: Coarse) {
        for address in self.addresses.load().iter() {
            address.idle.sweep(thread, now, self.settings.idle_timeout);
        }
    }

    /// Notes that a connection to this address failed.
    pub(crate) fn mark_failed(&self, address: &Address) {
        let until = self.now() + u64::try_from(SKIP_FAILED.as_millis()).unwrap_or(u64::MAX);
        address.skipped_until.store(until, Ordering::Relaxed);
    }

    /// Whether any server is a name, so that [`Self::resolve`] has something to do.
    pub(crate) fn has_names(&self) -> bool {
        self.settings.servers.iter().any(|server| server.address().is_none())
    }

    /// Resolves all names once. If that fails, the known addresses stay.
    pub(crate) async fn resolve(&self) {
        let mut found = Vec::with_capacity(self.settings.servers.len());
        for server in &self.settings.servers {
            if server.address().is_some() {
                found.push(None);
                continue;
            }
            let lookup = tokio::net::lookup_host((server.name(), server.port()));
            found.push(match tokio::time::timeout(RESOLVE_TIMEOUT, lookup).await {
                Ok(Ok(addresses)) => Some(addresses.collect::<Vec<_>>()).filter(|addresses| !addresses.is_empty()),
                Ok(Err(error)) => {
                    self.warn_unresolved(server, &error.to_string());
                    None
                }
                Err(_) => {
                    self.warn_unresolved(server, "the resolver took longer than 5 s");
                    None
                }
            });
        }
        self.replace(&found);
    }

    /// Resolves all names again and again.
    pub(crate) async fn keep_resolved(self: Arc<Self>) {
        loop {
            tokio::time::sleep(RESOLVE_EVERY).await;
            self.resolve().await;
        }
    }

    fn warn_unresolved(&self, server: &Server, error: &str) {
        tracing::warn!(
            target: "bearward::proxy", upstream = self.name, server = server.as_str(), error,
            "cannot resolve a server's name; the known addresses stay in use"
        );
    }

    /// Replaces the addresses by those `found` for each server; `None` keeps the known ones.
    fn replace(&self, found: &[Option<Vec<SocketAddr>>]) {
        let before = self.addresses.load();
        let mut addresses: Vec<Arc<Address>> = Vec::with_capacity(before.len());
        for (server, found) in self.settings.servers.iter().zip(found) {
            let sockets = match (server.address(), found) {
                (Some(socket), _) => vec![socket],
                (None, Some(found)) => {
                    // Resolvers rotate their answers, which does not count as a change.
                    let mut found = found.clone();
                    found.sort_unstable();
                    found
                }
                (None, None) => {
                    before.iter().filter(|address| address.server == *server).map(|address| address.socket).collect()
                }
            };
            for socket in sockets {
                if addresses.iter().any(|address| address.socket == socket) {
                    continue;
                }
                // An address that stays keeps its connections and its state.
                let known = before.iter().find(|address| address.socket == socket && address.server == *server);
                addresses.push(known.cloned().unwrap_or_else(|| Arc::new(self.address(server, socket))));
            }
        }
        let same = addresses.len() == before.len()
            && addresses.iter().zip(before.iter()).all(|(new, old)| Arc::ptr_eq(new, old));
        if !same {
            let all: Vec<_> = addresses.iter().map(|address| address.socket).collect();
            tracing::info!(target: "bearward::proxy", upstream = self.name, addresses = ?all, "upstream addresses");
            self.addresses.store(Arc::new(addresses));
        }
    }

    fn address(&self, server: &Server, socket: SocketAddr) -> Address {
        let idle = Idle::new(self.threads);
        Address { socket, idle, server: server.clone(), skipped_until: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn upstream(servers: &[&str]) -> Upstream {
        Upstream::new(UpstreamSettings::new("orders", servers.iter().map(|text| Server::parse(text).unwrap())), 1)
            .unwrap()
    }

    fn picked(upstream: &Upstream, tried: Option<SocketAddr>) -> String {
        upstream.pick(tried).map_or("nothing".to_owned(), |address| address.socket.to_string())
    }

    #[test]
    fn servers_take_turns() {
        let upstream = upstream(&["127.0.0.1:1", "127.0.0.1:2", "[::1]:3", "127.0.0.1:1"]);
        let picks: Vec<_> = (0..4).map(|_| picked(&upstream, None)).collect();
        assert_eq!(picks, ["127.0.0.1:1", "127.0.0.1:2", "[::1]:3", "127.0.0.1:1"]);
    }

    #[test]
    fn a_second_attempt_goes_elsewhere_or_nowhere() {
        let two = upstream(&["127.0.0.1:1", "127.0.0.1:2"]);
        let first = "127.0.0.1:1".parse().unwrap();
        assert!(two.has_other());
        for _ in 0..3 {
            assert_eq!(picked(&two, Some(first)), "127.0.0.1:2");
        }
        let one = upstream(&["127.0.0.1:1"]);
        assert!(!one.has_other());
        assert_eq!(picked(&one, Some(first)), "nothing");
    }

    #[test]
    fn a_dead_server_is_passed_over_unless_all_are_dead() {
        let upstream = upstream(&["127.0.0.1:1", "127.0.0.1:2"]);
        upstream.mark_failed(&upstream.pick(None).unwrap());
        for _ in 0..3 {
            assert_eq!(picked(&upstream, None), "127.0.0.1:2");
        }
        upstream.mark_failed(&upstream.pick(None).unwrap());
        assert_ne!(picked(&upstream, None), "nothing");
    }

    #[test]
    fn a_failed_resolution_keeps_what_was_known() {
        let upstream = upstream(&["api.example.com:80", "127.0.0.1:2"]);
        assert!(upstream.has_names());
        assert_eq!(picked(&upstream, None), "127.0.0.1:2");
        upstream.replace(&[Some(vec!["192.0.2.1:80".parse().unwrap(), "192.0.2.2:80".parse().unwrap()]), None]);
        let known = upstream.addresses.load_full();
        assert_eq!(known.len(), 3);
        upstream.replace(&[None, None]);
        assert!(Arc::ptr_eq(&known, &upstream.addresses.load_full()));
        upstream.replace(&[Some(vec!["192.0.2.2:80".parse().unwrap(), "192.0.2.1:80".parse().unwrap()]), None]);
        assert!(Arc::ptr_eq(&known, &upstream.addresses.load_full()), "another order is the same answer");
        upstream.replace(&[Some(vec!["192.0.2.2:80".parse().unwrap()]), None]);
        assert_eq!(upstream.addresses.load().len(), 2);
        assert!(upstream.addresses.load().iter().any(|now| known.iter().any(|before| Arc::ptr_eq(now, before))));
    }

    #[tokio::test]
    async fn names_are_resolved() {
        let upstream = upstream(&["localhost:80"]);
        assert_eq!(picked(&upstream, None), "nothing");
        upstream.resolve().await;
        assert!(upstream.pick(None).unwrap().socket.ip().is_loopback());
    }

    #[test]
    fn an_upstream_has_a_server_and_a_name_of_its_own() {
        let none = Upstream::new(UpstreamSettings::new("orders", []), 1).unwrap_err();
        assert!(matches!(none, ProxyError::UpstreamEmpty { .. }));
        let twice = || UpstreamSettings::new("orders", [Server::parse("127.0.0.1:1").unwrap()]);
        assert!(matches!(Upstreams::new(vec![twice(), twice()], 1), Err(ProxyError::UpstreamRepeated { .. })));
    }
}
