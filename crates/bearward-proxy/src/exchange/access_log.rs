//! The access log: one event for each request, under the target `bearward::access`.
//!
//! It never holds a token, a query, or a header field of the client except `Host`.

use std::net::IpAddr;
use std::time::Duration;

use pingora_http::RequestHeader;

use super::Exchange;
use crate::http::target;

/// Writes the event.
pub(crate) fn write(head: &RequestHeader, exchange: &Exchange, client: Option<IpAddr>, status: u16, took: Duration) {
    let path = String::from_utf8_lossy(target::path(head.raw_path()));
    let host = head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    tracing::info!(
        target: "bearward::access",
        method = head.method.as_str(),
        path = &*path,
        host,
        route = exchange.route.as_ref().map(|route| route.name()),
        upstream = exchange.upstream.as_ref().map(|upstream| upstream.name.as_str()),
        server = exchange.address.as_ref().map(|address| tracing::field::display(address.socket)),
        status,
        verdict = exchange.outcome.name(),
        reason = exchange.outcome.reason().map(|reason| reason.name()),
        issuer = exchange.issuer.as_deref(),
        source = exchange.source.map(|source| source.name()),
        auth_us = micros(exchange.decided_in),
        duration_us = micros(took),
        request_id = exchange.request_id.to_str().unwrap_or_default(),
        client = client.map(tracing::field::display),
    );
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
