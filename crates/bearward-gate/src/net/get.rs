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
    /// Where the token may be shown: at the addresses that the configuration itself names.
    shown_to: Vec<Origin>,
}

/// Why something could not be got from an issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GetError {
    /// It answered, and not with 200.
    #[error("answered with status {}", .0.as_u16())]
    Status(StatusCode),
    /// No answer.
    #[error("{0}")]
    Fetch(#[from] FetchError),
}

impl Getter {
    /// Where there is a `token`, it is shown to the origins of these addresses alone.
    pub(crate) fn new<'a>(
        client: HttpClient,
        token: Option<Credentials>,
        shown_to: impl Iterator<Item = &'a Endpoint>,
    ) -> Self {
        Self { client, token, shown_to: shown_to.map(|url| url.origin().clone()).collect() }
    }

    /// Gets `url`, bounded in size and time. Redirects are not followed, and only 200 is an answer; 304 is one to a question
    /// that named what is `known` already (RFC 9110, 13.1.2).
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

    /// The token for this address. What an issuer's metadata names elsewhere is not shown it.
    fn token_for(&self, url: &Endpoint) -> Option<HeaderValue> {
        self.token.as_ref().filter(|_| self.shown_to.contains(url.origin())).map(Credentials::value)
    }
}
