//! A running proxy with open routes, and its end.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bearward_core::{Access, PathPattern, Requirement, Server};
use bearward_gate::{EngineSettings, Gate, GateSettings, MetricsRegistry, RouteSettings};
use bearward_proxy::{AuthorizationMode, ProxyError, ProxySettings, UpstreamSettings};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::client::{Answer, Client};
use crate::upstream::Upstream;

/// A proxy on a free port, with one upstream behind `/open/*`, `/private/*` and `/forward/*`, an upstream that is not
/// there behind `/dead/*`, and one of which only one server is there behind `/pair/*`.
pub struct Gateway {
    pub address: SocketAddr,
    pub registry: MetricsRegistry,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<Result<(), ProxyError>>>,
    _runtime: Runtime,
}

impl Gateway {
    pub fn start(upstream: &Upstream) -> Self {
        Self::start_with(upstream, |_| ())
    }

    pub fn start_with(upstream: &Upstream, adjust: impl FnOnce(&mut ProxySettings)) -> Self {
        Self::start_all(upstream, adjust, |engine| engine)
    }

    /// With another engine as well.
    pub fn start_all(
        upstream: &Upstream,
        adjust: impl FnOnce(&mut ProxySettings),
        engine: impl FnOnce(EngineSettings) -> EngineSettings,
    ) -> Self {
        let address = free_address();
        let live = server(upstream.address);
        let mut forward = UpstreamSettings::new("forward", [live.clone()]);
        forward.authorization = AuthorizationMode::Forward;
        let dead = server(free_address());
        let mut open = UpstreamSettings::new("open", [live.clone()]);
        open.read_timeout = Duration::from_secs(1);
        let upstreams =
            [open, forward, UpstreamSettings::new("dead", [dead.clone()]), UpstreamSettings::new("pair", [dead, live])];
        let mut settings = ProxySettings::new([address], upstreams);
        settings.threads = 2;
        settings.drain = Duration::from_secs(5);
        adjust(&mut settings);

        let registry = MetricsRegistry::default();
        let runtime = Runtime::new().unwrap();
        let engine = engine(EngineSettings::new(runtime.handle().clone()).with_registry(registry.clone()));
        let gate = Arc::new(Gate::new(gate_settings(), engine).unwrap());
        let (stop, shutdown) = watch::channel(false);
        let (report, serving) = mpsc::channel();
        let thread = thread::spawn({
            let registry = registry.clone();
            move || bearward_proxy::run(settings, gate, &registry, shutdown, move || report.send(()).unwrap())
        });
        serving.recv_timeout(Duration::from_secs(10)).expect("the proxy serves");
        Self { address, registry, stop, thread: Some(thread), _runtime: runtime }
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// Sends one request on a connection of its own.
    pub fn ask(&self, bytes: impl AsRef<[u8]>) -> Answer {
        self.client().ask(bytes)
    }

    pub fn metrics(&self) -> String {
        self.registry.text().unwrap()
    }

    /// Until so many requests have reached the proxy and are not answered.
    pub fn wait_until_in_flight(&self, requests: usize) {
        let line = format!("\nbearward_http_requests_in_flight {requests}\n");
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.metrics().contains(&line) {
            assert!(Instant::now() < deadline, "not {requests} in flight");
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn begin_shutdown(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for the end, and says how long it took.
    pub fn ended(&mut self) -> Duration {
        let begun = Instant::now();
        self.thread.take().unwrap().join().unwrap().unwrap();
        begun.elapsed()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.begin_shutdown();
    }
}

pub fn server(address: SocketAddr) -> Server {
    Server::parse(&address.to_string()).unwrap()
}

pub fn gate_settings() -> GateSettings {
    let route = |name: &str, upstream: &str, access: Access| {
        let mut route = RouteSettings::new(name, PathPattern::parse(&format!("/{name}/*")).unwrap(), access);
        upstream.clone_into(&mut route.upstream);
        route
    };
    let mut routes: Vec<_> = ["open", "forward", "dead", "pair"].map(|name| route(name, name, Access::Open)).into();
    routes.push(route("private", "open", Access::Token(Requirement::default())));
    let mut settings = GateSettings::new(Vec::new(), routes);
    "tests".clone_into(&mut settings.realm);
    settings
}

/// An address that nothing listens on, each time another one.
///
/// From below the range that the system draws from, so that no upstream of another test gets it in between.
fn free_address() -> SocketAddr {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU16::new(10_000 + (std::process::id() % 200) as u16 * 100));
    loop {
        let address = SocketAddr::from(([127, 0, 0, 1], next.fetch_add(1, Ordering::Relaxed)));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
