//! The few outbound calls of the engine: metadata, key sets, introspection.
//!
//! Everything with which an issuer, or an attacker in its place, could stall the gateway is bounded: the time to connect, the
//! total time (which cuts off a slow body too), the size of headers and body. Redirects are returned to the caller and never
//! followed, because they would take a token and the gateway's own credentials to an address that is not configured.
//! Compressed answers are refused, because their true size is unknown before they are unpacked.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::client::WantsClientCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConfigBuilder, WantsVerifier};

use crate::net::TrustedRoots;
use crate::net::machine_roots::MachineRoots;

/// A client for HTTP/1.1, over TLS or without.
///
/// Server certificates are verified with the machine's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured). `Endpoint`
/// decides which URLs may use plain `http`, not this client.
///
/// Making one reads the machine's roots, so make one and clone it: clones share their connections. It must be used on
/// one Tokio runtime, whose tasks drive those connections.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Which servers are trusted, so that a client with a certificate trusts the same.
    trust: Trust,
}

type Trust = ConfigBuilder<ClientConfig, WantsClientCert>;

/// The limits of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// The time for everything: name, connection, handshake, request, answer, and the whole of its body.
    pub(crate) total: Duration,
    /// The largest body that is read, in bytes.
    pub(crate) max_body: usize,
}

/// Why a call failed. The messages never show what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    /// No connection: unknown name, nothing listens, or the server's certificate is not trusted.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The answer was not complete in time.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// The body is larger than allowed.
    #[error("the answer is larger than {0} bytes")]
    BodyTooLarge(usize),
    /// The body is compressed, though the request said that it must not be.
    #[error("the answer has a content encoding, though none was accepted")]
    ContentEncoding,
    /// The connection broke, or what came over it is not HTTP.
    #[error("the exchange failed: {0}")]
    Io(String),
}

impl HttpClient {
    /// A client that trusts the machine's roots.
    ///
    /// A machine without roots gets a client that trusts no server, and a warning: a gateway whose issuers are all on
    /// the loopback interface needs none.
    #[must_use]
    pub(crate) fn new() -> Self {
        static SAID: Once = Once::new();
        let MachineRoots { store, problems } = MachineRoots::load();
        SAID.call_once(|| problems.iter().for_each(|problem| tracing::warn!("{problem}")));
        Self::over(versions().with_root_certificates(store))
    }

    /// A client that trusts the same servers and presents this certificate. It shares neither connections nor TLS sessions with
    /// other clients, so each of its requests is authenticated by this certificate.
    pub(crate) fn with_certificate(&self, certificate: Arc<CertifiedKey>) -> Self {
        let resolver = Arc::new(SingleCertAndKey::from(certificate));
        Self::build(self.trust.clone(), self.trust.clone().with_client_cert_resolver(resolver))
    }

    /// A client that trusts these roots only.
    pub(crate) fn trusting(roots: &TrustedRoots) -> Self {
        // `dangerous`, because a verifier may skip checks. This one delegates all of them to that of rustls.
        Self::over(versions().dangerous().with_custom_certificate_verifier(Arc::new(roots.clone())))
    }

    /// A client that trusts no server.
    #[cfg(test)]
    pub(crate) fn trusting_none() -> Self {
        Self::over(versions().with_root_certificates(rustls::RootCertStore::empty()))
    }

    fn over(trust: Trust) -> Self {
        Self::build(trust.clone(), trust.with_no_client_auth())
    }

    fn build(trust: Trust, tls: ClientConfig) -> Self {
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp());
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .pool_timer(TokioTimer::new())
            .http1_max_buf_size(MAX_HEAD)
            .build(connector);
        Self { client, trust }
    }

    /// Sends `request`, whose URI must be absolute, and returns the answer, whatever its status.
    ///
    /// A request on a connection that the server has closed is sent a second time, so it must be safe to repeat.
    ///
    /// # Errors
    ///
    /// A [`FetchError`] when there is no complete answer within `limit`.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        limit: Limit,
    ) -> Result<Response<Bytes>, FetchError> {
        self.send_fresh(|| Ok(request.clone()), limit).await
    }

    /// [`HttpClient::send`] for a request that no server may see twice, such as one with an assertion of one use: each time that
    /// one is sent, it is made anew.
    ///
    /// # Errors
    ///
    /// A [`FetchError`] when there is no complete answer within `limit`, and what `make` fails with.
    pub(crate) async fn send_fresh<E: From<FetchError>>(
        &self,
        make: impl Fn() -> Result<Request<Full<Bytes>>, E>,
        limit: Limit,
    ) -> Result<Response<Bytes>, E> {
        tokio::time::timeout(limit.total, self.exchange(make, limit.max_body))
            .await
            .unwrap_or_else(|_| Err(FetchError::Timeout(limit.total).into()))
    }

    async fn exchange<E: From<FetchError>>(
        &self,
        make: impl Fn() -> Result<Request<Full<Bytes>>, E>,
        max_body: usize,
    ) -> Result<Response<Bytes>, E> {
        let mut answer = self.request(make()?).await;
        if answer.as_ref().is_err_and(went_away) {
            // Servers close idle connections without warning, and now and then one is chosen at that very moment.
            answer = self.request(make()?).await;
        }
        let (head, body) = answer.map_err(|error| refused(&error))?.into_parts();
        if is_encoded(&head.headers) {
            return Err(FetchError::ContentEncoding.into());
        }
        Ok(Response::from_parts(head, read(body, max_body).await?))
    }

    /// Sends it once. The library sends one again by itself only if no byte of it was written.
    async fn request(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, legacy::Error> {
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(NAME));
        self.client.request(request).await
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpClient")
    }
}

const NAME: &str = concat!("bearward/", env!("CARGO_PKG_VERSION"));
/// The time limit for connecting, shorter than the usual total, so that the error names the cause.
const CONNECT: Duration = Duration::from_secs(3);
const POOL_IDLE: Duration = Duration::from_secs(30);
const POOL_SIZE: usize = 16;
/// The largest status line and headers together.
const MAX_HEAD: usize = 64 * 1024;

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp
}

fn versions() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    // Given explicitly, never the process-wide default: a library must not depend on what `main` installed.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    #[expect(clippy::expect_used, reason = "aws-lc-rs has cipher suites for TLS 1.2 and 1.3, the default versions")]
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("suites");
    versions
}

/// Whether the connection ended before any of the answer came.
fn went_away(error: &legacy::Error) -> bool {
    let gone = |error: &(dyn std::error::Error + 'static)| {
        error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message)
            || error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe))
    };
    !error.is_connect() && std::iter::successors(error.source(), |&error| error.source()).any(gone)
}

fn refused(error: &legacy::Error) -> FetchError {
    // The outermost error only says "client error"; its sources say what happened.
    let causes = error.source().map_or_else(|| error.to_string(), chain);
    if error.is_connect() { FetchError::Connect(causes) } else { FetchError::Io(causes) }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    for cause in std::iter::successors(Some(error), |&error| error.source()) {
        let cause = cause.to_string();
        // Some errors repeat their cause in their own message.
        if text.ends_with(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

async fn read(mut body: Incoming, max: usize) -> Result<Bytes, FetchError> {
    // A body that is announced as too large is not read at all.
    if body.size_hint().lower() > max as u64 {
        return Err(FetchError::BodyTooLarge(max));
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| FetchError::Io(chain(&error)))?;
        // Trailers are ignored.
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > max - bytes.len() {
            return Err(FetchError::BodyTooLarge(max));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
pub(crate) mod tests;
