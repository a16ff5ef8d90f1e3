//! The gateway as one thing to start and stop: the gate, the proxy on its own thread, and the admin server.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use bearward_gate::{EngineSettings, Gate, MetricsRegistry};
use bearward_proxy::{ProxyError, ProxySettings};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::admin::{self, Readiness};
use crate::exit::{Exit, OrStop, Stop};
use crate::{descriptors, process_metrics};
use bearward_config::Config;

/// A running gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    admin: SocketAddr,
    readiness: Arc<Readiness>,
    proxy: RunningProxy,
}

impl Gateway {
    /// Binds, and starts everything, with its metrics in `registry`. Issuers need not be there: readiness tells of them. Call
    /// it within a runtime.
    ///
    /// # Errors
    ///
    /// [`Exit::Unavailable`] where an address is taken, before anything else has happened.
    pub(crate) fn start(mut config: Config, runtime: &Handle, registry: MetricsRegistry) -> Result<Self, Stop> {
        bearward_proxy::bind_check(&config.proxy.listen).map_err(proxy_error).or_stop(Exit::Unavailable)?;
        bearward_proxy::bind_check(&[config.admin.listen])
            .map_err(|error| anyhow!("admin server: {error}"))
            .or_stop(Exit::Unavailable)?;
        let admin = TcpListener::bind(config.admin.listen)?;
        let admin_address = admin.local_addr()?;

        let admin_places = descriptors::share_out(&mut config.proxy);
        process_metrics::register(&registry)?;
        let gate =
            Arc::new(Gate::new(config.gate, EngineSettings::new(runtime.clone()).with_registry(registry.clone()))?);
        let readiness = Arc::new(Readiness::new(Arc::clone(&gate), config.admin.ready));
        let router = admin::router(Arc::clone(&readiness), registry.clone());
        admin::spawn(admin, router, admin_places, &registry)?;
        let proxy = spawn_proxy(config.proxy, gate, registry)?;
        Ok(Self { admin: admin_address, readiness, proxy })
    }

    /// The address of health, readiness and metrics.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Whether requests can be answered now.
    pub(crate) fn is_ready(&self) -> bool {
        self.readiness.is_ready()
    }

    /// Waits until the proxy accepts connections on every address.
    ///
    /// # Errors
    ///
    /// When it ends before.
    pub(crate) async fn listening(&mut self) -> Result<(), Stop> {
        // The proxy says so itself: not every address that can be listened on can be connected to from here.
        if (&mut self.proxy.serving).await.is_err() {
            let ended = self.ended().await.and_then(|()| Err(anyhow!("it was asked to")));
            return ended.context("the proxy ended before it listened").or_stop(Exit::Unavailable);
        }
        self.readiness.listening();
        Ok(())
    }

    /// Begins to drain: not ready from now on, no new connections, requests under way are finished.
    pub(crate) fn drain(&self) {
        self.readiness.draining();
        // The proxy holds the other end as long as it runs; if it has ended there is nothing to drain.
        let _ = self.proxy.shutdown.send(true);
    }

    /// Waits for the end of the proxy.
    ///
    /// # Errors
    ///
    /// What ended it, if nobody asked it to end.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        match (&mut self.proxy.ended).await {
            Ok(ended) => ended,
            Err(_) => Err(anyhow!("the proxy's thread panicked")),
        }
    }
}

/// A proxy on its thread.
#[derive(Debug)]
struct RunningProxy {
    shutdown: watch::Sender<bool>,
    /// Comes when it accepts connections; its sender is gone when it never will.
    serving: oneshot::Receiver<()>,
    ended: oneshot::Receiver<anyhow::Result<()>>,
}

/// The proxy blocks its thread and runs on a runtime of its own, which cannot be started within another one.
fn spawn_proxy(settings: ProxySettings, gate: Arc<Gate>, registry: MetricsRegistry) -> anyhow::Result<RunningProxy> {
    let (shutdown, stop) = watch::channel(false);
    let (report_serving, serving) = oneshot::channel();
    let (report, ended) = oneshot::channel();
    let body = move || {
        let asked = stop.clone();
        // Nobody waits for either report when the process ends anyway.
        let serves = || {
            let _ = report_serving.send(());
        };
        let result = bearward_proxy::run(settings, gate, &registry, stop, serves).map_err(proxy_error);
        let result = match result {
            Ok(()) if !*asked.borrow() => Err(anyhow!("the proxy ended without being asked to")),
            result => result,
        };
        let _ = report.send(result);
    };
    thread::Builder::new().name("proxy".to_owned()).spawn(body).context("cannot start the proxy's thread")?;
    Ok(RunningProxy { shutdown, serving, ended })
}

/// The proxy's messages say already what the system said, so their causes are not told once more.
fn proxy_error(error: ProxyError) -> anyhow::Error {
    anyhow!("{error}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::future::IntoFuture as _;
    use std::path::Path;
    use std::time::Duration;

    use bearward_config::Overrides;
    use bearward_issuer::{Issuer, SigningAlgorithm};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    fn started(config: Config) -> Result<Gateway, Stop> {
        Gateway::start(config, &Handle::current(), MetricsRegistry::default())
    }

    fn free() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    /// The issuer is nowhere, which keeps no gateway from starting.
    fn config(listen: SocketAddr, admin: SocketAddr) -> Config {
        let text = format!(
            "[server]\nlisten = \"{listen}\"\n[admin]\nlisten = \"{admin}\"\n\
             [[issuers]]\nissuer = \"http://127.0.0.1:1\"\naudiences = [\"https://api.example.com\"]\n\
             [[upstreams]]\nname = \"orders\"\nservers = [\"127.0.0.1:1\"]\n\
             [[routes]]\npath = \"/orders/*\"\nupstream = \"orders\"\nscopes = [\"orders:read\"]\n"
        );
        bearward_config::parse(&text, Path::new("test.toml"), &Overrides::default(), []).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_listens_without_its_issuers_and_drains_when_asked() {
        let (listen, admin) = (free(), free());
        let mut gateway = started(config(listen, admin)).unwrap();
        gateway.listening().await.unwrap();
        TcpStream::connect(listen).await.unwrap();
        TcpStream::connect(admin).await.unwrap();
        assert!(!gateway.is_ready(), "without keys nothing can be judged");
        gateway.drain();
        gateway.ended().await.unwrap();
        assert!(TcpStream::connect(listen).await.is_err());
    }

    /// What `/readyz?verbose` and `/metrics` answer once the keys of every issuer were asked for.
    async fn told(issuers: &str, routes: &str, ready: &str) -> (bool, String, String) {
        let text = format!(
            "[server]\nlisten = \"{}\"\n[admin]\nlisten = \"{}\"\n{ready}\n{issuers}\n\
             [[upstreams]]\nname = \"orders\"\nservers = [\"127.0.0.1:1\"]\n{routes}",
            free(),
            free()
        );
        let config = bearward_config::parse(&text, Path::new("test.toml"), &Overrides::default(), []).unwrap();
        let mut gateway = started(config).unwrap();
        gateway.listening().await.unwrap();
        let get = async |path: &str| {
            let mut stream = TcpStream::connect(gateway.admin()).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        // Each line of an issuer tells of keys, or of what is wrong with them.
        let mut readyz = get("/readyz?verbose").await;
        while readyz.lines().any(|line| line.ends_with(" no keys") || line.ends_with(" no keys, used by no route")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            readyz = get("/readyz?verbose").await;
        }
        let ready = gateway.is_ready();
        let metrics = get("/metrics").await;
        assert_eq!(readyz.starts_with("HTTP/1.1 200 "), ready, "{readyz}");
        gateway.drain();
        gateway.ended().await.unwrap();
        (ready, readyz, metrics)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_issuer_without_keys_does_not_take_the_gateway_from_the_callers_of_another() {
        let good = Issuer::builder().algorithms([SigningAlgorithm::EdDsa]).spawn().await.unwrap();
        // Publishes `{"keys":[]}`.
        let empty = TcpListener::bind("127.0.0.1:0").unwrap();
        empty.set_nonblocking(true).unwrap();
        let jwks = format!("http://{}/jwks", empty.local_addr().unwrap());
        let router = axum::Router::new().route("/jwks", axum::routing::get(|| async { r#"{"keys":[]}"# }));
        tokio::spawn(axum::serve(tokio::net::TcpListener::from_std(empty).unwrap(), router).into_future());
        let issuer = |issuer: &str, keys: &str| {
            format!("[[issuers]]\nissuer = \"{issuer}\"\naudiences = [\"https://api.example.com\"]\n{keys}\n")
        };
        let issuers = [
            issuer(good.url(), &format!("jwks_url = \"{}/jwks\"", good.url())),
            issuer("https://empty.example.com", &format!("jwks_url = \"{jwks}\"")),
        ]
        .concat();
        let route = |path: &str, more: &str| format!("[[routes]]\npath = \"{path}\"\nupstream = \"orders\"\n{more}\n");
        let only_empty = route("/*", "issuers = [\"https://empty.example.com\"]");
        let only_good = route("/*", &format!("issuers = [\"{}\"]", good.url()));
        for (routes, setting, expected) in [
            (&route("/*", ""), "", true),
            (&route("/*", ""), "ready = \"any\"", true),
            (&route("/*", ""), "ready = \"all\"", false),
            (&only_empty, "", false),
            (&only_good, "ready = \"all\"", true),
            (&route("/*", "open = true"), "ready = \"all\"", true),
            (&[only_empty.clone(), route("/a", "open = true")].concat(), "", false),
        ] {
            let (ready, readyz, metrics) = told(&issuers, routes, setting).await;
            assert_eq!(ready, expected, "{routes}{setting}\n{readyz}");
            assert!(readyz.contains(&format!("\n[+] issuer {} keys=1 ", good.url())), "{readyz}");
            assert!(readyz.contains("\n[-] issuer https://empty.example.com no keys"), "{readyz}");
            assert_eq!(readyz.contains(", used by no route"), *routes != route("/*", ""), "{readyz}");
            for (issuer, ready) in [(good.url(), 1), ("https://empty.example.com", 0)] {
                let line = format!("\nbearward_issuer_ready{{issuer=\"{issuer}\"}} {ready}\n");
                assert!(metrics.contains(&line), "{metrics}");
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    #[cfg(target_os = "linux")]
    async fn an_address_that_cannot_be_connected_to_can_be_listened_on() {
        // A group's address stands for `[::]` where there is no IPv6 loopback, as in many containers.
        let group = TcpListener::bind("224.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(TcpStream::connect(group).await.is_err());
        let mut gateway = started(config(group, free())).unwrap();
        gateway.listening().await.unwrap();
        gateway.drain();
        gateway.ended().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_address_in_use_is_told_before_anything_runs() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        for (listen, admin, start) in [(address, free(), "cannot"), (free(), address, "admin server: cannot")] {
            let stop = started(config(listen, admin)).unwrap_err();
            assert_eq!(stop.exit(), Exit::Unavailable);
            let message = format!("{start} listen on {address}: the address is in use");
            assert!(stop.to_string().starts_with(&message), "{stop}");
            assert_eq!(stop.to_string().matches(" in use").count(), 1, "{stop}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_proxy_that_dies_ends_the_gateway() {
        let mut dead = config(free(), free());
        // Nothing that passes the configuration; it stands for whatever may go wrong in that thread.
        dead.proxy.upstreams.iter_mut().for_each(|upstream| upstream.servers.clear());
        let mut gateway = started(dead).unwrap();
        let stop = gateway.listening().await.unwrap_err();
        assert_eq!(stop.exit(), Exit::Unavailable);
        assert!(stop.to_string().starts_with("the proxy ended before it listened: "), "{stop}");
    }
}
