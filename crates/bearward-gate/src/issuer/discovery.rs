//! Where an issuer's endpoints are, as its own metadata says (OpenID Connect Discovery 1.0, 4; RFC 8414, 3).

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Deserialize;

use crate::net::get::{GetError, Getter};
use crate::net::http_client::Limit;
use crate::net::{check_url, shown};

/// Metadata is some kilobytes; what is larger is none.
const MAX_METADATA: usize = 256 * 1024;

/// What of an issuer's metadata matters here.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Metadata {
    issuer: String,
    pub(crate) jwks_uri: Option<String>,
    pub(crate) introspection_endpoint: Option<String>,
    pub(crate) token_endpoint: Option<String>,
    mtls_endpoint_aliases: Option<Aliases>,
}

/// Where clients that show a certificate are asked to connect instead (RFC 8705, 5).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
struct Aliases {
    introspection_endpoint: Option<String>,
    token_endpoint: Option<String>,
}

impl Metadata {
    /// The endpoints for clients that show a certificate.
    pub(crate) fn prefer_mtls_aliases(&mut self) {
        let aliases = self.mtls_endpoint_aliases.take().unwrap_or_default();
        self.introspection_endpoint = aliases.introspection_endpoint.or(self.introspection_endpoint.take());
        self.token_endpoint = aliases.token_endpoint.or(self.token_endpoint.take());
    }

    /// Forgets addresses that only some need, where one may not connect there: who needs them misses them then, and nobody
    /// else is bothered.
    fn drop_unacceptable(&mut self, address: &str) {
        let aliases = self.mtls_endpoint_aliases.iter_mut();
        let aliases = aliases.flat_map(|aliases| [&mut aliases.introspection_endpoint, &mut aliases.token_endpoint]);
        for url in [&mut self.token_endpoint].into_iter().chain(aliases) {
            url.take_if(|url| !is_as_safe(url, address));
        }
    }
}

/// Where an issuer's metadata is asked for.
pub(crate) struct Whereabouts<'a> {
    /// Whose metadata it is.
    pub(crate) issuer: &'a str,
    /// Where it is; `None`: where the standards put it.
    pub(crate) url: Option<&'a str>,
}

/// Asks for an issuer's metadata at the configured address, or at OpenID Connect's and RFC 8414's at the same time; then the
/// first is preferred, and once it is there nobody waits for the second.
///
/// The error is a sentence for the person who runs the gateway.
pub(crate) async fn discover(get: &Getter, at: Whereabouts<'_>, timeout: Duration) -> Result<Metadata, String> {
    let issuer = at.issuer;
    if let Some(url) = at.url {
        return fetch(get, url, issuer, timeout).await.map_err(|why| format!("{}: {why}", shown(url)));
    }
    let [openid_address, oauth_address] = addresses(issuer);
    let openid = pin!(fetch(get, &openid_address, issuer, timeout));
    let oauth = pin!(fetch(get, &oauth_address, issuer, timeout));
    let (openid, oauth) = match select(openid, oauth).await {
        Either::Left((Ok(metadata), _)) => return Ok(metadata),
        Either::Left((failed, oauth)) => (failed, oauth.await),
        Either::Right((oauth, openid)) => (openid.await, oauth),
    };
    match (openid, oauth) {
        (Ok(metadata), _) => Ok(metadata),
        // Only where there is no other document is this one the whole truth: a fault must not hide that there are keys.
        (Err(first), Ok(metadata)) if metadata.jwks_uri.is_some() || first.is_not_found() => Ok(metadata),
        (Err(first), Ok(_)) => Err(format!("{}: {first}", shown(&openid_address))),
        (Err(first), Err(second)) => {
            Err(format!("{}: {first}; {}: {second}", shown(&openid_address), shown(&oauth_address)))
        }
    }
}

/// Whether the gateway may connect where the metadata at `address` says: a remote issuer must not send the gateway's secrets
/// to a service of this machine.
fn is_as_safe(url: &str, address: &str) -> bool {
    check_url(url).is_ok() && (url.starts_with("https://") || !address.starts_with("https://"))
}

fn addresses(issuer: &str) -> [String; 2] {
    let issuer = issuer.trim_end_matches('/');
    // OpenID Connect appends; RFC 8414 puts its part between host and path.
    let host_end = issuer.find("://").map_or(0, |at| at + 3);
    let path_at = issuer.get(host_end..).and_then(|rest| rest.find('/')).map_or(issuer.len(), |at| host_end + at);
    let (origin, path) = issuer.split_at(path_at);
    [
        format!("{issuer}/.well-known/openid-configuration"),
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
    ]
}

async fn fetch(get: &Getter, address: &str, issuer: &str, timeout: Duration) -> Result<Metadata, GetError> {
    let response = get.get(address, None, Limit { total: timeout, max_body: MAX_METADATA }).await?;
    let mut metadata: Metadata =
        serde_json::from_slice(response.body()).map_err(|_| "not an issuer's metadata: expected JSON with `issuer`")?;
    // RFC 8414, 3.3 and OpenID Connect Discovery, 4.3: identical, or the metadata is somebody else's.
    if metadata.issuer != issuer {
        return Err(GetError::Other(format!(
            "the metadata is of another issuer: `{}`, configured is `{issuer}` (they must be identical, a slash at the end \
             included; where the issuer is reached by another address than its name, set `discovery_url`)",
            shown(&metadata.issuer)
        )));
    }
    metadata.drop_unacceptable(address);
    for url in [&metadata.jwks_uri, &metadata.introspection_endpoint].into_iter().flatten() {
        if !is_as_safe(url, address) {
            let why = "which is not https, or has a user name";
            return Err(GetError::Other(format!("the metadata names `{}`, {why}", shown(url))));
        }
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_addresses() {
        let openid = "https://auth.example.com/tenant/1/.well-known/openid-configuration";
        let oauth = "https://auth.example.com/.well-known/oauth-authorization-server/tenant/1";
        assert_eq!(addresses("https://auth.example.com/tenant/1"), [openid, oauth]);
        assert_eq!(addresses("https://auth.example.com/tenant/1/"), [openid, oauth]);
        assert_eq!(
            addresses("https://auth.example.com"),
            [
                "https://auth.example.com/.well-known/openid-configuration",
                "https://auth.example.com/.well-known/oauth-authorization-server"
            ]
        );
    }

    #[test]
    fn addresses_for_clients_with_a_certificate() {
        let metadata = |aliases: &str| -> Metadata {
            let endpoints = r#""introspection_endpoint":"https://a/i","token_endpoint":"https://a/t""#;
            serde_json::from_str(&format!(r#"{{"issuer":"https://a",{endpoints}{aliases}}}"#))
                .unwrap_or_else(|e| panic!("{e}"))
        };
        for (aliases, introspection, token) in [
            ("", "https://a/i", "https://a/t"),
            (r#","mtls_endpoint_aliases":{}"#, "https://a/i", "https://a/t"),
            (r#","mtls_endpoint_aliases":{"token_endpoint":"https://m/t","other":1}"#, "https://a/i", "https://m/t"),
            (r#","mtls_endpoint_aliases":{"introspection_endpoint":"https://m/i"}"#, "https://m/i", "https://a/t"),
            // Where one may not connect, one does not.
            (
                r#","mtls_endpoint_aliases":{"introspection_endpoint":"http://127.0.0.1/i"}"#,
                "https://a/i",
                "https://a/t",
            ),
        ] {
            let mut metadata = metadata(aliases);
            metadata.drop_unacceptable("https://a");
            metadata.prefer_mtls_aliases();
            let found = (metadata.introspection_endpoint.as_deref(), metadata.token_endpoint.as_deref());
            assert_eq!(found, (Some(introspection), Some(token)), "{aliases}");
        }
    }
}
