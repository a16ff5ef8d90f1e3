//! An access token for the gateway itself, by the client credentials grant (RFC 6749, 4.4).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bearward_core::Endpoint;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::answer::{Failure, error_code, is_json};
use super::context::Context;
use super::issuer_client::IssuerClient;
use super::request::Form;
use crate::issuer::Published;
use crate::net::single_flight::SingleFlight;
use crate::secrets::{ClientCredentials, bearer};

/// A token is renewed this long before it expires, or when a fifth of its lifetime is left, whichever is later.
const RENEW_BEFORE: Duration = Duration::from_secs(30);

/// The lifetime of a token without `expires_in`. It is renewed earlier if it is refused.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);

/// The longest time that a token is kept.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

/// How long a failure is returned without another request, so that an issuer that is down gets one request a second and not
/// one for each introspection.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The shortest time between two renewals because a token was refused. An issuer that refuses every token does not refuse it
/// for its age.
const RENEW_REFUSED_AFTER: Duration = Duration::from_secs(10);

/// Obtains the token, keeps it, and renews it.
pub(super) struct TokenSource {
    inner: Arc<Inner>,
    flights: SingleFlight<(), Result<Arc<str>, Failure>>,
    runtime: Handle,
}

/// The state that renewals share.
struct Inner {
    grant: ClientCredentials,
    /// The configured token endpoint; `None` takes it from the issuer's metadata.
    token_url: Option<Endpoint>,
    client: Arc<IssuerClient>,
    published: Arc<Published>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    failed: Option<(Failure, Instant)>,
    refused: Option<Instant>,
}

#[derive(Clone)]
struct Kept {
    token: Arc<str>,
    renew: Instant,
    expires: Instant,
}

impl TokenSource {
    pub(super) fn new(
        grant: ClientCredentials,
        token_url: Option<Endpoint>,
        client: Arc<IssuerClient>,
        context: &Context,
    ) -> Self {
        let published = Arc::clone(&context.published);
        let inner = Inner { grant, token_url, client, published, state: Mutex::default() };
        Self { inner: Arc::new(inner), flights: SingleFlight::new(1), runtime: context.runtime.clone() }
    }

    /// The token to use now. All callers that need a new one share one request. No caller waits while the old one is valid.
    pub(super) async fn token(&self) -> Result<Arc<str>, Failure> {
        let (known, usable) = {
            let state = self.inner.state();
            (state.readable(), state.usable())
        };
        if let Some(known) = known {
            return known;
        }
        let (inner, flights, runtime) = (Arc::clone(&self.inner), self.flights.clone(), self.runtime.clone());
        let renewal = async move {
            let renewed = flights.run((), &runtime, move || async move {
                // A caller just after the end of a renewal finds its token here.
                let known = inner.state().readable();
                match known {
                    Some(known) => known,
                    None => inner.renew().await,
                }
            });
            renewed.await.unwrap_or(Err(Failure::Lost))
        };
        match usable {
            Some(token) => {
                drop(self.runtime.spawn(renewal));
                Ok(token)
            }
            None => renewal.await,
        }
    }

    /// A token other than `refused`, unless another one was refused a moment ago.
    pub(super) async fn token_instead_of(&self, refused: &Arc<str>) -> Result<Option<Arc<str>>, Failure> {
        if !self.inner.state().drop_refused(refused) {
            return Ok(None);
        }
        self.token().await.map(Some)
    }
}

impl State {
    /// The token or failure that is known without a request.
    fn readable(&self) -> Option<Result<Arc<str>, Failure>> {
        let now = Instant::now();
        let fresh = self.kept.as_ref().filter(|kept| now < kept.renew);
        let failed = self.failed.as_ref().filter(|(_, at)| now.duration_since(*at) < RETRY_AFTER);
        match (fresh, failed) {
            (Some(kept), _) => Some(Ok(Arc::clone(&kept.token))),
            // A token that could not be renewed is used until it expires.
            (None, Some((failure, _))) => Some(self.usable().ok_or_else(|| failure.clone())),
            (None, None) => None,
        }
    }

    /// The kept token, until it expires.
    fn usable(&self) -> Option<Arc<str>> {
        let now = Instant::now();
        self.kept.as_ref().filter(|kept| now < kept.expires).map(|kept| Arc::clone(&kept.token))
    }

    /// Drops the `refused` token, unless another one was refused a moment ago. Returns whether a new one may be requested.
    fn drop_refused(&mut self, refused: &Arc<str>) -> bool {
        if self.kept.as_ref().is_none_or(|kept| kept.token != *refused) {
            // Another introspection dropped it before.
            return true;
        }
        let now = Instant::now();
        if self.refused.is_some_and(|at| now.duration_since(at) < RENEW_REFUSED_AFTER) {
            return false;
        }
        self.refused = Some(now);
        self.kept = None;
        true
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock leaves no half-made state behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn renew(&self) -> Result<Arc<str>, Failure> {
        let obtained = self.obtain().await;
        let mut state = self.state();
        match obtained {
            Ok(kept) => {
                let token = Arc::clone(&kept.token);
                (state.kept, state.failed) = (Some(kept), None);
                Ok(token)
            }
            Err(failure) => {
                state.failed = Some((failure.clone(), Instant::now()));
                state.readable().unwrap_or(Err(failure))
            }
        }
    }

    async fn obtain(&self) -> Result<Kept, Failure> {
        let url = self.url().await?;
        let mut form = Form::default();
        form.add("grant_type", "client_credentials");
        if !self.grant.scopes.is_empty() {
            let scopes: Vec<_> = self.grant.scopes.iter().map(ToString::to_string).collect();
            form.add("scope", &scopes.join(" "));
        }
        for resource in &self.grant.resources {
            form.add("resource", resource);
        }
        // Counted from before the request: the lifetime may have begun at any time since.
        let begun = Instant::now();
        let response = self.client.post_as_client(&url, form, "application/json", &self.grant.auth).await;
        let (token, lifetime) = read(&response.map_err(Failure::at_token_endpoint)?)?;
        let renew = lifetime - RENEW_BEFORE.min(lifetime / 5);
        Ok(Kept { token, renew: begun + renew, expires: begun + lifetime })
    }

    async fn url(&self) -> Result<Endpoint, Failure> {
        let url = match &self.token_url {
            Some(url) => Some(url.clone()),
            None => self.published.endpoint(|metadata| metadata.token_endpoint.as_ref()).await,
        };
        url.ok_or(Failure::NoTokenEndpoint)
    }
}

/// The token of an answer (RFC 6749, 5.1), and its lifetime.
fn read(response: &Response<Bytes>) -> Result<(Arc<str>, Duration), Failure> {
    #[derive(Deserialize)]
    struct Grant {
        access_token: String,
        token_type: String,
        expires_in: Option<Value>,
    }
    let status = response.status();
    let refused = matches!(error_code(response.body()).as_deref(), Some("invalid_client" | "unauthorized_client"));
    match status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Failure::TokenRefused(status)),
        _ if refused => return Err(Failure::TokenRefused(status)),
        _ => return Err(Failure::TokenStatus(status)),
    }
    if !is_json(response.headers()) {
        return Err(Failure::NotATokenAnswer);
    }
    let grant: Grant = serde_json::from_slice(response.body()).map_err(|_| Failure::NotATokenAnswer)?;
    if !grant.token_type.eq_ignore_ascii_case("Bearer") || bearer(&grant.access_token).is_none() {
        return Err(Failure::NotATokenAnswer);
    }
    let lifetime = match grant.expires_in {
        None | Some(Value::Null) => DEFAULT_LIFETIME,
        // Some issuers write the number as a string.
        Some(Value::String(seconds)) => Duration::from_secs(seconds.parse().map_err(|_| Failure::NotATokenAnswer)?),
        Some(seconds) => Duration::from_secs(seconds.as_u64().ok_or(Failure::NotATokenAnswer)?),
    };
    Ok((grant.access_token.into(), lifetime.min(MAX_LIFETIME)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, reason = "tests fail by panicking")]

    use super::*;

    fn answer(body: &'static str) -> Response<Bytes> {
        Response::builder()
            .header("content-type", "application/json")
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap()
    }

    #[test]
    fn the_time_of_a_token_is_what_the_issuer_says_within_bounds() {
        for (expires_in, seconds) in [
            ("", 300),
            (r#","expires_in":null"#, 300),
            (r#","expires_in":60"#, 60),
            (r#","expires_in":"60""#, 60),
            (r#","expires_in":0"#, 0),
            (r#","expires_in":18446744073709551615"#, 24 * 3_600),
        ] {
            let body = format!(r#"{{"access_token":"a","token_type":"BEARER"{expires_in}}}"#);
            let (token, lifetime) = read(&answer(body.leak())).unwrap();
            assert_eq!((&*token, lifetime), ("a", Duration::from_secs(seconds)), "{expires_in}");
        }
        for odd in ["-1", "1.5", "\"soon\"", "[60]", "true", "1e400"] {
            let body = format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{odd}}}"#);
            assert!(read(&answer(body.leak())).is_err(), "{odd}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_cannot_be_renewed_is_used_to_its_end() {
        let (second, now) = (Duration::from_secs(1), Instant::now());
        let known = |renew, expires, failed: Option<Instant>| {
            let kept = Some(Kept { token: "kept".into(), renew, expires });
            let state = State { kept, failed: failed.map(|at| (Failure::NoTokenEndpoint, at)), refused: None };
            state.readable().map(|known| known.map_err(|_| "failed").map(|token| token.to_string()))
        };
        let kept = Some(Ok("kept".to_owned()));
        assert_eq!(known(now + 10 * second, now + 20 * second, None), kept, "fresh");
        assert_eq!(known(now + 10 * second, now + 20 * second, Some(now)), kept, "fresh, whatever failed");
        assert_eq!(known(now, now + 20 * second, None), None, "to be renewed");
        assert_eq!(known(now, now + 20 * second, Some(now)), kept, "not renewed, but good");
        assert_eq!(known(now, now, Some(now)), Some(Err("failed")), "past its end");
        assert_eq!(known(now, now, now.checked_sub(2 * second)), None, "tried again after a while");
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_token_that_was_refused_is_dropped() {
        let now = Instant::now();
        let kept = Kept { token: "new".into(), renew: now + Duration::from_secs(10), expires: now + RETRY_AFTER };
        let mut state = State { kept: Some(kept), ..State::default() };
        let kept = |state: &State| state.kept.as_ref().map(|kept| kept.token.to_string());
        assert!(state.drop_refused(&"old".into()));
        assert_eq!(kept(&state).as_deref(), Some("new"), "another question has had the old one replaced");
        assert!(state.drop_refused(&"new".into()));
        assert_eq!(kept(&state), None);
    }
}
