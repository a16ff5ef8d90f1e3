//! The metrics of the proxy. Labels are configured names and fixed sets, never values that a client could invent.

use std::sync::Arc;
use std::time::Duration;

use bearward_gate::{Counter, Counters, Gauge, Histogram, Histograms, Memo, MetricsError, MetricsRegistry};
use http::{Method, StatusCode};

/// The methods that have a label of their own (RFC 9110, 9.3; RFC 5789); any other is `other`.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

/// The status in metrics if the client disconnected before an answer, as in nginx.
pub(crate) const CLIENT_GONE: u16 = 499;
/// The classes of unregistered status codes (RFC 9110, 15). An upstream may send any of nine hundred.
const CLASSES: [&str; 9] = ["1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "7xx", "8xx", "9xx"];

/// The upper bounds of the distribution of whole requests, in seconds.
const BUCKETS: [f64; 15] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The proxy's metrics, all under `bearward_`.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// Requests being served; a shutdown waits until it is zero.
    pub(crate) in_flight: Gauge,
    /// Connections of clients that are open.
    pub(crate) connections: Gauge,
    /// New connections for which there was no place at once.
    pub(crate) connection_waits: Counter,
    /// New connections of addresses that had their share.
    pub(crate) connections_refused: Counter,
    requests: Counters,
    duration: Histograms,
    upstream_requests: Counters,
    routes: Memo<String, Arc<RouteMetrics>>,
    answered: Memo<String, Counter>,
}

/// The children of one route, resolved once each.
#[derive(Debug)]
struct RouteMetrics {
    duration: Histogram,
    requests: Memo<(MethodLabel, Code), Counter>,
}

/// How an attempt to have a request served by an upstream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// With a whole answer.
    Answered,
    /// Without a connection.
    Unreachable,
    /// With a timeout.
    Timeout,
    /// The upstream broke off, or did not answer in HTTP.
    Failed,
    /// The client broke off.
    ClientGone,
}

impl Attempt {
    fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
            Self::ClientGone => "client_gone",
        }
    }
}

impl Metrics {
    pub(crate) fn new(registry: &MetricsRegistry) -> Result<Self, MetricsError> {
        Ok(Self {
            in_flight: registry.gauge("bearward_http_requests_in_flight", "Requests being served.")?,
            connections: registry.gauge("bearward_http_connections", "Connections of clients that are open.")?,
            connection_waits: registry.counter(
                "bearward_http_connection_waits_total",
                "Connections that came when there were `max_connections`: another that was at rest made room, or they waited.",
            )?,
            connections_refused: registry.counter(
                "bearward_http_connections_refused_total",
                "Connections refused because their address had `max_connections_per_address`.",
            )?,
            requests: registry.counters(
                "bearward_http_requests_total",
                "Requests answered; 499 where the client was gone, a class such as 5xx for a code that is not registered.",
                &["route", "method", "code"],
            )?,
            duration: registry.histograms(
                "bearward_http_request_duration_seconds",
                "Time from a request's header block to the end of its answer.",
                &["route"],
                &BUCKETS,
            )?,
            upstream_requests: registry.counters(
                "bearward_upstream_requests_total",
                "Attempts to have a request served by an upstream.",
                &["upstream", "result"],
            )?,
            routes: Memo::default(),
            answered: Memo::default(),
        })
    }

    /// Counts a request that is done; `route` is empty where none matched.
    pub(crate) fn request(&self, route: &str, method: MethodLabel, code: u16, took: Duration) {
        let route_metrics = self.routes.get(route, || {
            let duration = self.duration.with(&[route]);
            (route.to_owned(), Arc::new(RouteMetrics { duration, requests: Memo::default() }))
        });
        route_metrics.duration.observe(took);
        let code = Code::of(code);
        let counter = route_metrics.requests.get(&(method, code), || {
            let counter = self.requests.with(&[route, method.0, code.label().as_str()]);
            ((method, code), counter)
        });
        counter.inc();
    }

    /// Counts an attempt that is over.
    pub(crate) fn attempt(&self, upstream: &str, attempt: Attempt) {
        // The registry is asked for rare results; the usual one is cached.
        if attempt != Attempt::Answered {
            self.upstream_requests.with(&[upstream, attempt.name()]).inc();
            return;
        }
        let counter = self
            .answered
            .get(upstream, || (upstream.to_owned(), self.upstream_requests.with(&[upstream, attempt.name()])));
        counter.inc();
    }
}

/// The method label in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MethodLabel(&'static str);

impl MethodLabel {
    /// Of a method without a label of its own, or none that could be read.
    pub(crate) const OTHER: Self = Self("other");

    pub(crate) fn of(method: &Method) -> Self {
        METHODS.into_iter().find(|known| *known == method.as_str()).map_or(Self::OTHER, Self)
    }
}

/// The status label in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Code {
    /// One that is registered, or our own for a client that was gone.
    Known(u16),
    /// Any other, by its class.
    Class(&'static str),
}

impl Code {
    fn of(status: u16) -> Self {
        let is_registered =
            StatusCode::from_u16(status).is_ok_and(|registered| registered.canonical_reason().is_some());
        let class = usize::from(status / 100).checked_sub(1).and_then(|index| CLASSES.get(index));
        match class {
            Some(class) if !is_registered && status != CLIENT_GONE => Self::Class(class),
            _ => Self::Known(status),
        }
    }

    fn label(self) -> String {
        match self {
            Self::Known(status) => status.to_string(),
            Self::Class(class) => class.to_owned(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn requests_and_attempts_are_counted_under_configured_names() {
        let registry = MetricsRegistry::default();
        let metrics = Metrics::new(&registry).unwrap();
        for _ in 0..2 {
            metrics.request("GET /orders", MethodLabel::of(&Method::GET), 200, Duration::from_millis(3));
        }
        metrics.request("", MethodLabel::of(&Method::from_bytes(b"BREW").unwrap()), 404, Duration::ZERO);
        metrics.attempt("orders", Attempt::Answered);
        metrics.attempt("orders", Attempt::Answered);
        metrics.attempt("orders", Attempt::Unreachable);
        let text = registry.text().unwrap();
        for line in [
            "bearward_http_requests_total{code=\"200\",method=\"GET\",route=\"GET /orders\"} 2",
            "bearward_http_requests_total{code=\"404\",method=\"other\",route=\"\"} 1",
            "bearward_http_request_duration_seconds_count{route=\"GET /orders\"} 2",
            "bearward_upstream_requests_total{result=\"answered\",upstream=\"orders\"} 2",
            "bearward_upstream_requests_total{result=\"unreachable\",upstream=\"orders\"} 1",
            "bearward_http_requests_in_flight 0",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }

    #[test]
    fn an_upstream_cannot_make_up_labels() {
        let registry = MetricsRegistry::default();
        let metrics = Metrics::new(&registry).unwrap();
        for code in 100..1_000 {
            metrics.request("GET /orders", MethodLabel::of(&Method::GET), code, Duration::ZERO);
        }
        let text = registry.text().unwrap();
        let label =
            |line: &str| Some(line.strip_prefix("bearward_http_requests_total{code=\"")?.split_once('"')?.0.to_owned());
        let labels: Vec<_> = text.lines().filter_map(label).collect();
        assert!(labels.len() < 80, "{} of them: {labels:?}", labels.len());
        for code in ["200", "404", "429", "499", "503", "1xx", "2xx", "4xx", "5xx", "9xx"] {
            assert!(labels.iter().any(|label| label == code), "{code} in {labels:?}");
        }
        assert!(!labels.iter().any(|label| label == "299"), "{labels:?}");
    }

    #[test]
    fn a_registry_takes_one_proxy() {
        let registry = MetricsRegistry::default();
        Metrics::new(&registry).unwrap();
        assert!(Metrics::new(&registry).is_err());
    }
}
