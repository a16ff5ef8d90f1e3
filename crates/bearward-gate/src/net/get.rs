//! A plain GET of JSON: metadata and key sets.

use bearward_core::{Endpoint, Origin};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;

use crate::net::http_client::{FetchError, HttpClient, Limit};
use crate::secrets::Credentials;

/// Fetches what one issuer publishes.
pub(crate) struct Getter {
    client: HttpClient,
    token: Option<Credentials>,
    /// The origins that may get the token: those of the configured addresses.
    token_origins: Vec<Origin>,
}

/// Why a request to an issuer failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GetError {
    /// It answered with another status than 200.
    #[error("answered with status {}", .0.as_u16())]
    Status(StatusCode),
    /// It did not answer.
    #[error("{0}")]
    Fetch(#[from] FetchError),
}

impl Getter {
    /// A `token` is sent to the origins of the `configured` addresses only.
    pub(crate) fn new<'a>(
        client: HttpClient,
        token: Option<Credentials>,
        configured: impl Iterator<Item = &'a Endpoint>,
    ) -> Self {
        Self { client, token, token_origins: configured.map(|url| url.origin().clone()).collect() }
    }

    /// Gets `url`, bounded in size and time. Redirects are not followed. Only 200 is a success, and 304 if the entity tag of the
    /// `known` content was sent (RFC 9110, 13.1.2).
    pub(crate) async fn get(
        &self,
        url: &Endpoint,
        known: Option<&HeaderValue>,
        limit: Limit,
    ) -> Result<Response<Bytes>, GetError> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = url.uri().clone();
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, application/jwk-set+json"));
        headers.extend(known.map(|known| (header::IF_NONE_MATCH, known.clone())));
        headers.extend(self.token_for(url).map(|token| (header::AUTHORIZATION, token)));
        let response = self.client.send(request, limit).await?;
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_MODIFIED if known.is_some() => Ok(response),
            status => Err(GetError::Status(status)),
        }
    }

    /// The token for this address. An address elsewhere that the issuer's metadata names does not get it.
    fn token_for(&self, url: &Endpoint) -> Option<HeaderValue> {
        self.token.as_ref().filter(|_| self.token_origins.contains(url.origin())).map(Credentials::value)
    }
}
