//! A plain GET of JSON: metadata and key sets.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::Full;

use crate::net::http_client::{HttpClient, Limit};
use crate::secrets::Credentials;
use crate::settings::IssuerSettings;

/// Fetches what one issuer publishes.
#[derive(Clone)]
pub(crate) struct Getter {
    client: HttpClient,
    token: Option<Credentials>,
    /// Where the token may be shown: at the addresses that the configuration itself names.
    shown_to: Vec<Origin>,
}

/// Scheme and authority of an address.
type Origin = (String, String);

/// Why something could not be got from an issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GetError {
    /// It answered, and not with 200.
    #[error("answered with status {}", .0.as_u16())]
    Status(StatusCode),
    /// Anything else, as a sentence.
    #[error("{0}")]
    Other(String),
}

impl Getter {
    pub(crate) fn new(client: HttpClient, settings: &IssuerSettings) -> Self {
        let named = [Some(settings.metadata_at()), settings.jwks_url()];
        let shown_to = named.into_iter().flatten().filter_map(|url| origin(&url.parse().ok()?)).collect();
        Self { client, token: settings.bearer_token.clone(), shown_to }
    }

    /// Gets `url`, bounded in size and time. Redirects are not followed, and only 200 is an answer; 304 is one to a question
    /// that named what is `known` already (RFC 9110, 13.1.2).
    pub(crate) async fn get(
        &self,
        url: &str,
        known: Option<&HeaderValue>,
        limit: Limit,
    ) -> Result<Response<Bytes>, GetError> {
        let uri: Uri = url.parse().map_err(|_| "not a valid URL")?;
        let mut request = Request::get(&uri)
            .header(header::ACCEPT, "application/json, application/jwk-set+json")
            .body(Full::default())
            .map_err(|_| "not a valid URL")?;
        if let Some(known) = known {
            request.headers_mut().insert(header::IF_NONE_MATCH, known.clone());
        }
        if let Some(token) = self.token_for(&uri) {
            request.headers_mut().insert(header::AUTHORIZATION, token);
        }
        let response = self.client.send(request, limit).await.map_err(|error| GetError::Other(error.to_string()))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_MODIFIED if known.is_some() => Ok(response),
            status => Err(GetError::Status(status)),
        }
    }

    /// The token for this address. What an issuer's metadata names elsewhere is not shown it.
    fn token_for(&self, uri: &Uri) -> Option<HeaderValue> {
        let is_shown = origin(uri).is_some_and(|it| self.shown_to.contains(&it));
        self.token.as_ref().filter(|_| is_shown).map(Credentials::value)
    }
}

impl GetError {
    pub(crate) fn is_not_found(&self) -> bool {
        *self == Self::Status(StatusCode::NOT_FOUND)
    }
}

impl From<&str> for GetError {
    fn from(why: &str) -> Self {
        Self::Other(why.to_owned())
    }
}

fn origin(uri: &Uri) -> Option<Origin> {
    Some((uri.scheme_str()?.to_ascii_lowercase(), uri.authority()?.as_str().to_ascii_lowercase()))
}
