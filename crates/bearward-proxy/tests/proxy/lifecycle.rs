//! Starting and stopping.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bearward_gate::{EngineSettings, Gate, MetricsRegistry};
use bearward_proxy::{ProxyError, ProxySettings, UpstreamSettings};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::gateway::{Gateway, gate_settings, server};
use crate::upstream::Upstream;

#[test]
fn an_address_in_use_is_told_at_once() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let registry = MetricsRegistry::default();
    let runtime = Runtime::new().unwrap();
    let gate = Arc::new(
        Gate::new(gate_settings(), EngineSettings::new(runtime.handle().clone()).with_registry(registry.clone()))
            .unwrap(),
    );
    let settings = ProxySettings::new([address], [UpstreamSettings::new("open", [server(([127, 0, 0, 1], 1).into())])]);
    let (_stop, shutdown) = watch::channel(false);
    let begun = Instant::now();
    let error = bearward_proxy::run(settings, gate, &registry, shutdown, || panic!("it serves")).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(matches!(error, ProxyError::Bind { .. }));
    assert!(error.to_string().starts_with(&format!("cannot listen on {address}: the address is in use; ")), "{error}");
}

#[test]
fn a_shutdown_lets_a_running_request_finish_and_takes_no_new_one() {
    let upstream = Upstream::start();
    let mut gateway = Gateway::start(&upstream);
    let mut idle = gateway.client();
    assert_eq!(idle.ask("GET /open/a HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    let mut running = gateway.client();
    running.send("GET /open/slow HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.wait_for(b"/open/slow");

    gateway.begin_shutdown();
    assert!(idle.is_closed());
    let deadline = Instant::now() + Duration::from_secs(2);
    while TcpStream::connect(gateway.address).is_ok() {
        assert!(Instant::now() < deadline, "new connections are still accepted");
        thread::sleep(Duration::from_millis(5));
    }
    let answer = running.answer();
    assert_eq!((answer.status, answer.text().as_str()), (200, "slow"));
    assert_eq!(answer.header("connection"), "close");
    assert!(gateway.ended() < Duration::from_secs(2));
}

#[test]
fn a_refusal_during_a_shutdown_closes_the_connection() {
    let mut gateway = Gateway::start(&Upstream::start());
    let mut client = gateway.client();
    client.send("POST /private/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
    gateway.wait_until_in_flight(1);
    gateway.begin_shutdown();
    while TcpStream::connect(gateway.address).is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
    // Connections learn of it a moment after the listener.
    thread::sleep(Duration::from_millis(100));
    // Soon enough, on a machine that is not busy, that otherwise the connection would be kept.
    let answer = client.ask("ab");
    assert_eq!((answer.status, answer.header("connection")), (401, "close"));
    assert!(gateway.ended() < Duration::from_secs(2));
}

#[test]
fn an_idle_proxy_stops_at_once() {
    let mut gateway = Gateway::start(&Upstream::start());
    gateway.begin_shutdown();
    assert!(gateway.ended() < Duration::from_secs(1));
}

#[test]
fn a_request_that_does_not_end_is_cut_off_after_the_drain_time() {
    let upstream = Upstream::start();
    let mut gateway = Gateway::start_with(&upstream, |settings| {
        settings.drain = Duration::from_millis(300);
        settings.upstreams[0].read_timeout = Duration::from_secs(60);
    });
    let mut client = gateway.client();
    client.send("GET /open/hang HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.wait_for(b"/open/hang");
    gateway.begin_shutdown();
    let took = gateway.ended();
    assert!((250..2_000).contains(&took.as_millis()), "{took:?}");
    assert!(client.try_answer(false).is_none());
}

#[test]
fn a_shutdown_asked_for_before_the_start_is_heard() {
    let upstream = Upstream::start();
    let registry = MetricsRegistry::default();
    let runtime = Runtime::new().unwrap();
    let gate = Arc::new(
        Gate::new(gate_settings(), EngineSettings::new(runtime.handle().clone()).with_registry(registry.clone()))
            .unwrap(),
    );
    let settings = ProxySettings::new(
        ["127.0.0.1:0".parse().unwrap()],
        [UpstreamSettings::new("open", [server(upstream.address)])],
    );
    let (_stop, shutdown) = watch::channel(true);
    bearward_proxy::run(settings, gate, &registry, shutdown, || ()).unwrap();
}

#[test]
fn a_client_that_leaves_takes_its_request_along() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    client.send("GET /open/slow HTTP/1.1\r\nHost: a\r\n\r\n");
    upstream.wait_for(b"/open/slow");
    client.close();
    let deadline = Instant::now() + Duration::from_secs(5);
    let counted = "bearward_http_requests_total{code=\"499\",method=\"GET\",route=\"open\"} 1";
    while !gateway.metrics().contains(counted) {
        assert!(Instant::now() < deadline, "{}", gateway.metrics());
        thread::sleep(Duration::from_millis(10));
    }
    assert!(gateway.metrics().contains("bearward_upstream_requests_total{result=\"client_gone\",upstream=\"open\"} 1"));
}
