//! The access log: one event for each request, under the target `bearward::access`.
//!
//! It never holds a token, a query, or a header field of the client except `Host`.

use std::net::IpAddr;
use std::time::Duration;

use bearward_core::{RequestHost, request_host};

use super::record::Record;
use crate::http::head::RequestHead;
use crate::http::target::Target;

/// Writes the event. Of a head that could not be read it tells nothing: it may be anything.
pub(super) fn write(head: &[u8], record: &Record, client: IpAddr, status: u16, took: Duration) {
    if !tracing::enabled!(target: "bearward::access", tracing::Level::INFO) {
        return;
    }
    let head = RequestHead::parse(head).ok();
    let target = head.as_ref().and_then(|head| Target::of(head).ok());
    let method = head.as_ref().map_or("-", |head| str::from_utf8(head.method).unwrap_or("-"));
    let path = String::from_utf8_lossy(target.as_ref().map_or(b"-", |target| target.path));
    // Where it is one: what else stands there may be a password.
    let authority = target.and_then(|target| target.authority).and_then(|authority| str::from_utf8(authority).ok());
    let host = head.as_ref().and_then(|head| request_host(authority, head.fields.as_header_fields()).ok()?);
    tracing::info!(
        target: "bearward::access",
        method,
        path = &*path,
        host = host.as_ref().map(RequestHost::as_str),
        route = record.route.as_ref().map(|route| route.name()),
        upstream = record.upstream.as_ref().map(|upstream| upstream.name.as_str()),
        server = record.address.as_ref().map(|address| tracing::field::display(address.socket)),
        status,
        verdict = record.outcome.name(),
        reason = record.outcome.reason().map(|reason| reason.name()),
        issuer = record.issuer.as_deref(),
        source = record.source.map(|source| source.name()),
        auth_us = micros(record.decided_in),
        duration_us = micros(took),
        request_id = record.request_id(),
        client = tracing::field::display(client),
    );
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
