//! The admin server: liveness, readiness and metrics for whoever runs the gateway. Nothing else, and nothing secret.

mod connections;

use std::fmt::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bearward_gate::{Gate, IssuerStatus, MetricsRegistry, ReadyWhen, Secret};

/// Whether the gateway can take requests, as load balancers want to know it.
#[derive(Debug)]
pub(crate) struct Readiness {
    gate: Arc<Gate>,
    /// What the issuers must be for it.
    when: ReadyWhen,
    listening: AtomicBool,
    draining: AtomicBool,
}

impl Readiness {
    /// Not ready: nothing listens yet.
    pub(crate) fn new(gate: Arc<Gate>, when: ReadyWhen) -> Self {
        Self { gate, when, listening: AtomicBool::new(false), draining: AtomicBool::new(false) }
    }

    /// The proxy accepts connections.
    pub(crate) fn listening(&self) {
        self.listening.store(true, Ordering::Relaxed);
    }

    /// The process was asked to end. There is no way back.
    pub(crate) fn draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether requests can be answered now.
    pub(crate) fn is_ready(&self) -> bool {
        self.proxy().0 && self.when.is_met(&self.gate.status())
    }

    fn proxy(&self) -> (bool, &'static str) {
        match (self.draining.load(Ordering::Relaxed), self.listening.load(Ordering::Relaxed)) {
            (true, _) => (false, "draining"),
            (false, false) => (false, "not listening yet"),
            (false, true) => (true, "listening"),
        }
    }
}

#[derive(Clone, Debug)]
struct Admin {
    readiness: Arc<Readiness>,
    registry: MetricsRegistry,
}

/// The routes of the admin server.
pub(crate) fn router(readiness: Arc<Readiness>, registry: MetricsRegistry) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Admin { readiness, registry })
}

/// Serves until the runtime ends, at most so many connections at a time.
///
/// # Errors
///
/// When the runtime cannot take the listener, or the registry has a metric of the same name.
pub(crate) fn spawn(
    listener: TcpListener,
    router: Router,
    places: usize,
    registry: &MetricsRegistry,
) -> anyhow::Result<()> {
    let help = "Connections to the admin server that were closed to make room for others.";
    let displaced = registry.counter("bearward_admin_connections_displaced_total", help)?;
    Ok(connections::spawn(listener, router, places, displaced)?)
}

async fn readyz(State(Admin { readiness, .. }): State<Admin>, RawQuery(query): RawQuery) -> Response {
    let ready = readiness.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let verbose = query.is_some_and(|query| query.split('&').any(|part| part == "verbose" || part == "verbose=true"));
    let mut text = String::new();
    if verbose {
        let (listening, proxy) = readiness.proxy();
        text.push_str(&line(listening, format_args!("proxy {proxy}")));
        for issuer in readiness.gate.status() {
            text.push_str(&issuer_line(&issuer));
        }
        // No reason not to be ready: the last good content is in use.
        for file in Secret::failing_files() {
            text.push_str(&line(false, format_args!("file {}: {}", file.path.display(), file.problem)));
        }
    }
    text.push_str(if ready { "ok\n" } else { "not ready\n" });
    (status, text).into_response()
}

fn issuer_line(status: &IssuerStatus) -> String {
    let mut text = format!("issuer {}", status.issuer);
    let _ = match (status.keys, status.age) {
        (0, _) if status.ready => write!(text, " by introspection alone"),
        (0, _) => write!(text, " no keys"),
        (keys, Some(age)) => write!(text, " keys={keys} age={}s", age.as_secs()),
        (keys, None) => write!(text, " keys={keys}"),
    };
    if status.skipped > 0 {
        let _ = write!(text, " skipped={}", status.skipped);
    }
    if status.introspection == Some(false) {
        text.push_str(", introspection endpoint unknown");
    }
    if status.introspection_paused {
        text.push_str(", introspection paused after failures");
    }
    if !status.used {
        text.push_str(", used by no route");
    }
    if let Some(error) = &status.last_error {
        let _ = write!(text, ": {error}");
    }
    line(status.ready, format_args!("{text}"))
}

fn line(good: bool, text: std::fmt::Arguments<'_>) -> String {
    format!("[{}] {text}\n", if good { '+' } else { '-' })
}

async fn metrics(State(Admin { registry, .. }): State<Admin>) -> Response {
    match registry.text() {
        Ok(text) => ([(header::CONTENT_TYPE, MetricsRegistry::MEDIA_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bearward_gate::IssuerError;

    use super::*;

    #[test]
    fn an_issuer_is_told_in_one_line() {
        let altered = |status: &IssuerStatus, alter: fn(&mut IssuerStatus)| {
            let mut status = status.clone();
            alter(&mut status);
            status
        };
        let good = altered(&IssuerStatus::default(), |status| {
            status.issuer = "https://auth.example.com".to_owned();
            (status.used, status.ready) = (true, true);
            (status.keys, status.age) = (3, Some(Duration::from_secs(12)));
            status.introspection = Some(true);
        });
        assert_eq!(issuer_line(&good), "[+] issuer https://auth.example.com keys=3 age=12s\n");

        let stale = altered(&good, |status| {
            status.skipped = 1;
            status.last_error = Some(Arc::new(IssuerError::Timeout(Duration::from_secs(5))));
        });
        let told = "[+] issuer https://auth.example.com keys=3 age=12s skipped=1: no answer within 5s\n";
        assert_eq!(issuer_line(&stale), told);

        let paused = altered(&good, |status| status.introspection_paused = true);
        let told = "[+] issuer https://auth.example.com keys=3 age=12s, introspection paused after failures\n";
        assert_eq!(issuer_line(&paused), told);

        let unused = altered(&good, |status| status.used = false);
        let told = "[+] issuer https://auth.example.com keys=3 age=12s, used by no route\n";
        assert_eq!(issuer_line(&unused), told);

        let referential = altered(&good, |status| (status.keys, status.age) = (0, None));
        assert_eq!(issuer_line(&referential), "[+] issuer https://auth.example.com by introspection alone\n");

        let down = altered(&referential, |status| {
            (status.ready, status.introspection) = (false, Some(false));
            status.last_error = Some(Arc::new(IssuerError::Lost));
        });
        assert_eq!(
            issuer_line(&down),
            "[-] issuer https://auth.example.com no keys, introspection endpoint unknown: \
             the fetch ended without a result\n"
        );
    }
}
