//! The gateway as one thing to start and stop: the gate, the proxy on its own thread, and the admin server.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use bearward_gate::Gate;
use bearward_proxy::{ProxyError, ProxySettings};
use prometheus::Registry;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::admin::{self, Readiness};
use crate::exit::{Exit, OrStop, Stop};
use crate::{descriptors, process_metrics, proxy_settings};
use bearward_config::Config;

/// A running gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    admin: SocketAddr,
    readiness: Arc<Readiness>,
    proxy: RunningProxy,
}

impl Gateway {
    /// Binds, and starts everything. Issuers need not be there: readiness tells of them. Call it within a runtime.
    ///
    /// # Errors
    ///
    /// [`Exit::Unavailable`] where an address is taken, before anything else has happened.
    pub(crate) fn start(mut config: Config, runtime: &Handle) -> Result<Self, Stop> {
        bearward_proxy::bind_check(&config.proxy.listen).map_err(proxy_error).or_stop(Exit::Unavailable)?;
        bearward_proxy::bind_check(&[config.admin.listen])
            .map_err(|error| anyhow!("admin server: {error}"))
            .or_stop(Exit::Unavailable)?;
        let admin = TcpListener::bind(config.admin.listen)?;
        let admin_address = admin.local_addr()?;

        descriptors::share_out(&mut config.proxy);
        let registry = Registry::new();
        process_metrics::register(&registry)?;
        let gate = Arc::new(Gate::new(config.gate, &registry, runtime.clone())?);
        let readiness = Arc::new(Readiness::new(Arc::clone(&gate)));
        admin::spawn(admin, admin::router(Arc::clone(&readiness), registry.clone()))?;
        let proxy = spawn_proxy(proxy_settings::of(config.proxy), gate, registry)?;
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
fn spawn_proxy(settings: ProxySettings, gate: Arc<Gate>, registry: Registry) -> anyhow::Result<RunningProxy> {
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

    use std::path::Path;

    use bearward_config::Overrides;
    use tokio::net::TcpStream;

    use super::*;

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
        let mut gateway = Gateway::start(config(listen, admin), &Handle::current()).unwrap();
        gateway.listening().await.unwrap();
        TcpStream::connect(listen).await.unwrap();
        TcpStream::connect(admin).await.unwrap();
        assert!(!gateway.is_ready(), "without keys nothing can be judged");
        gateway.drain();
        gateway.ended().await.unwrap();
        assert!(TcpStream::connect(listen).await.is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    #[cfg(target_os = "linux")]
    async fn an_address_that_cannot_be_connected_to_can_be_listened_on() {
        // A group's address stands for `[::]` where there is no IPv6 loopback, as in many containers.
        let group = TcpListener::bind("224.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(TcpStream::connect(group).await.is_err());
        let mut gateway = Gateway::start(config(group, free()), &Handle::current()).unwrap();
        gateway.listening().await.unwrap();
        gateway.drain();
        gateway.ended().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_address_in_use_is_told_before_anything_runs() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        for (listen, admin, start) in [(address, free(), "cannot"), (free(), address, "admin server: cannot")] {
            let stop = Gateway::start(config(listen, admin), &Handle::current()).unwrap_err();
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
        let mut gateway = Gateway::start(dead, &Handle::current()).unwrap();
        let stop = gateway.listening().await.unwrap_err();
        assert_eq!(stop.exit(), Exit::Unavailable);
        assert!(stop.to_string().starts_with("the proxy ended before it listened: "), "{stop}");
    }
}
