//! What the answers must look like, whatever the setting.

use crate::{
    provider::{Provider, text},
    support::{Echo, Gateway, Response, SOON, eventually},
};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Refused with this status, and with this error in the challenge.
pub(crate) fn assert_refused(answer: &Response, status: u16, error: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("Bearer ") && challenge.contains(&format!("error=\"{error}\"")), "{challenge}");
}

/// 503 with `Retry-After`, and nothing that blames the token.
pub(crate) fn assert_unavailable(answer: &Response) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    let retry_after = answer.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(retry_after.is_some_and(|seconds| seconds > 0), "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), None);
}

/// The gateway's log says this, or is about to.
pub(crate) fn assert_logged(gateway: &Gateway, words: &str) {
    eventually(words, SOON, || gateway.logs().contains(words));
}

/// The refresh token and the ID token that came with an access token are refused, and the upstream sees neither.
pub(crate) fn assert_others_are_refused(provider: &Provider, gateway: &Gateway, echo: &Echo, issued: &Value) {
    let (id, refresh) = (text(issued, "id_token"), text(issued, "refresh_token"));
    // The trap: to the issuer a refresh token is active, has a subject, and even the scope of the route.
    let said = provider.introspect(refresh);
    assert_eq!(said["active"], true, "{said}");
    assert!(text(&said, "scope").contains("orders:read"), "{said}");

    let admitted = echo.requests().len();
    for token in [id, refresh] {
        assert_refused(&gateway.get("/orders/1").bearer(token).send(), 401, "invalid_token");
    }
    assert_eq!(echo.requests().len(), admitted, "the upstream saw a refused request");
}

/// An opaque token is let in, revoked, and refused as soon as `cache_ttl` is over, which must be one second here.
pub(crate) fn assert_revocation_is_seen(provider: &Provider, gateway: &Gateway) {
    let token = provider.token("urn:api:opaque");
    assert_eq!(gateway.get("/orders/1").bearer(&token).send().status, 200);
    let answered = Instant::now();
    provider.revoke(&token);
    let refused = loop {
        // Held against the time when a request began, so that a slow machine is no failure; one second more for the
        // gateway's clock, which counts whole ones.
        let begun = Instant::now();
        let answer = gateway.get("/orders/1").bearer(&token).send();
        if answer.status != 200 {
            break answer;
        }
        assert!(begun - answered < Duration::from_secs(2), "a revoked token is still let in");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_refused(&refused, 401, "invalid_token");
}
