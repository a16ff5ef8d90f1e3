//! The metadata of an issuer, which names its endpoints (OpenID Connect Discovery 1.0, 4; RFC 8414, 3).

use std::pin::pin;
use std::time::Duration;

use bearward_core::{Endpoint, shown_url};
use futures_util::future::{Either, select};
use http::StatusCode;
use serde::Deserialize;

use super::error::IssuerError;
use crate::net::get::{GetError, Getter};
use crate::net::http_client::Limit;
use crate::settings::MetadataAddress;

/// The largest metadata that is read, in bytes. Usual metadata has a few kilobytes.
const MAX_METADATA: usize = 256 * 1024;

/// The endpoints in an issuer's metadata. The gateway may connect to each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) jwks_uri: Option<Endpoint>,
    pub(crate) introspection_endpoint: Option<Endpoint>,
    pub(crate) token_endpoint: Option<Endpoint>,
}

/// Fetches an issuer's metadata from the configured address, or from those of OpenID Connect and RFC 8414 at the same time. OpenID
/// Connect's is preferred: once it is there, the other is not awaited. With `mtls`, endpoints for clients that authenticate
/// with a certificate are preferred.
pub(super) async fn fetch_metadata(
    get: &Getter,
    issuer: &str,
    at: &MetadataAddress,
    mtls: bool,
    timeout: Duration,
) -> Result<Metadata, IssuerError> {
    let fetch = |address| fetch(get, address, issuer, mtls, timeout);
    let (openid, oauth) = match at {
        MetadataAddress::At(url) => return fetch(url).await.map_err(|failure| failure.error),
        MetadataAddress::ByName { openid, oauth } => (pin!(fetch(openid)), pin!(fetch(oauth))),
    };
    let (openid, oauth) = match select(openid, oauth).await {
        Either::Left((Ok(metadata), _)) => return Ok(metadata),
        Either::Left((failed, oauth)) => (failed, oauth.await),
        Either::Right((oauth, openid)) => (openid.await, oauth),
    };
    match (openid, oauth) {
        (Ok(metadata), _) => Ok(metadata),
        // A document without keys counts only if the other one does not exist: a failure must not hide that there are keys.
        (Err(first), Ok(metadata)) if metadata.jwks_uri.is_some() || first.is_not_found => Ok(metadata),
        (Err(first), Ok(_)) => Err(first.error),
        (Err(first), Err(second)) => Err(IssuerError::Both(Box::new(first.error), Box::new(second.error))),
    }
}

/// Why an address gave no metadata, and whether it answered 404.
struct FetchFailure {
    error: IssuerError,
    is_not_found: bool,
}

impl From<IssuerError> for FetchFailure {
    fn from(error: IssuerError) -> Self {
        Self { error, is_not_found: false }
    }
}

async fn fetch(
    get: &Getter,
    address: &Endpoint,
    issuer: &str,
    mtls: bool,
    timeout: Duration,
) -> Result<Metadata, FetchFailure> {
    let response = get.get(address, None, Limit { total: timeout, max_body: MAX_METADATA }).await;
    let response = response.map_err(|why| FetchFailure {
        is_not_found: why == GetError::Status(StatusCode::NOT_FOUND),
        error: IssuerError::NoAnswer { address: address.shown(), why: why.to_string() },
    })?;
    let document: Document =
        serde_json::from_slice(response.body()).map_err(|_| IssuerError::NotMetadata { address: address.shown() })?;
    Ok(document.read(address, issuer, mtls)?)
}

/// The metadata as it is received.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: Option<String>,
    introspection_endpoint: Option<String>,
    token_endpoint: Option<String>,
    mtls_endpoint_aliases: Option<Aliases>,
}

/// The endpoints for clients that authenticate with a certificate (RFC 8705, 5).
#[derive(Default, Deserialize)]
struct Aliases {
    introspection_endpoint: Option<String>,
    token_endpoint: Option<String>,
}

impl Document {
    fn read(self, address: &Endpoint, issuer: &str, mtls: bool) -> Result<Metadata, IssuerError> {
        // RFC 8414, 3.3 and OpenID Connect Discovery, 4.3: identical, or the metadata is of another issuer.
        if self.issuer != issuer {
            return Err(IssuerError::OtherIssuer {
                address: address.shown(),
                named: shown_url(&self.issuer),
                configured: issuer.to_owned(),
            });
        }
        let required = |url: Option<String>| {
            let endpoint = |url: String| {
                let error = || IssuerError::UnacceptableEndpoint { address: address.shown(), url: shown_url(&url) };
                as_safe(&url, address).ok_or_else(error)
            };
            url.map(endpoint).transpose()
        };
        // An unusable endpoint that only some settings need is left out. Only those settings then miss it.
        let optional = |url: Option<String>| url.and_then(|url| as_safe(&url, address));
        let aliases = self.mtls_endpoint_aliases.filter(|_| mtls).unwrap_or_default();
        Ok(Metadata {
            jwks_uri: required(self.jwks_uri)?,
            introspection_endpoint: {
                let own = required(self.introspection_endpoint)?;
                optional(aliases.introspection_endpoint).or(own)
            },
            token_endpoint: optional(aliases.token_endpoint).or_else(|| optional(self.token_endpoint)),
        })
    }
}

/// The endpoint, if the metadata at `address` may make the gateway connect there: a remote issuer must not direct the gateway's
/// secrets to a service on this machine.
fn as_safe(url: &str, address: &Endpoint) -> Option<Endpoint> {
    Endpoint::parse(url).ok().filter(|url| url.is_https() || !address.is_https())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn addresses_for_clients_with_a_certificate() {
        let endpoints = r#""introspection_endpoint":"https://a/i","token_endpoint":"https://a/t""#;
        for (aliases, introspection, token) in [
            ("", "https://a/i", "https://a/t"),
            (r#","mtls_endpoint_aliases":{}"#, "https://a/i", "https://a/t"),
            (r#","mtls_endpoint_aliases":{"token_endpoint":"https://m/t","other":1}"#, "https://a/i", "https://m/t"),
            (r#","mtls_endpoint_aliases":{"introspection_endpoint":"https://m/i"}"#, "https://m/i", "https://a/t"),
            // Where the gateway may not connect, it does not.
            (
                r#","mtls_endpoint_aliases":{"introspection_endpoint":"http://127.0.0.1/i"}"#,
                "https://a/i",
                "https://a/t",
            ),
        ] {
            let read = |mtls| {
                let document: Document =
                    serde_json::from_str(&format!(r#"{{"issuer":"https://a",{endpoints}{aliases}}}"#)).unwrap();
                document.read(&Endpoint::parse("https://a").unwrap(), "https://a", mtls).unwrap()
            };
            let found = |metadata: &Metadata| {
                [&metadata.introspection_endpoint, &metadata.token_endpoint]
                    .map(|url| url.as_ref().unwrap().as_str().to_owned())
            };
            assert_eq!(found(&read(true)), [introspection, token], "{aliases}");
            assert_eq!(found(&read(false)), ["https://a/i", "https://a/t"], "{aliases}");
        }
    }
}
