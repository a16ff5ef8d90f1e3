//! The endpoints of one issuer that its metadata has to name, because the settings leave them out.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::time::Instant;
use tracing::warn;

use super::error::IssuerError;
use super::metadata::{Metadata, fetch_metadata};
use crate::net::get::Getter;
use crate::settings::{IntrospectionSettings, MetadataAddress, ResolvedIssuer, SignedResponse};

/// How long metadata is used before it is fetched again. Endpoints rarely move, and after a failure they are fetched at once.
pub(super) const METADATA_LIFETIME: Duration = Duration::from_secs(1_800);

/// The endpoints in the issuer's latest metadata.
pub(super) struct Endpoints {
    issuer: Arc<ResolvedIssuer>,
    known: ArcSwapOption<Known>,
}

struct Known {
    metadata: Arc<Metadata>,
    since: Instant,
}

impl Endpoints {
    pub(super) fn new(issuer: Arc<ResolvedIssuer>) -> Self {
        Self { issuer, known: ArcSwapOption::empty() }
    }

    /// Whether the settings need the metadata.
    pub(super) fn are_needed(&self) -> bool {
        self.issuer.metadata.is_some()
    }

    /// The latest metadata.
    pub(super) fn known(&self) -> Option<Arc<Metadata>> {
        self.known.load().as_deref().map(|known| Arc::clone(&known.metadata))
    }

    /// The metadata, if the settings need it: the known one while it is complete and recent and `afresh` is false, or one that
    /// is fetched now.
    pub(super) async fn locate(&self, get: &Getter, afresh: bool) -> Option<Result<Arc<Metadata>, IssuerError>> {
        let address = self.issuer.metadata.as_ref()?;
        let known = self.known.load_full();
        if let Some(known) = known.as_deref()
            && !afresh
            && known.since.elapsed() < METADATA_LIFETIME
            && self.complete(&known.metadata).is_ok()
        {
            return Some(Ok(Arc::clone(&known.metadata)));
        }
        Some(match (self.fetch(get, address).await, known) {
            (Ok(metadata), _) => {
                let metadata = Arc::new(metadata);
                let known = Known { metadata: Arc::clone(&metadata), since: Instant::now() };
                self.known.store(Some(Arc::new(known)));
                Ok(metadata)
            }
            (Err(error), Some(known)) => {
                // Metadata from an hour ago is better than none.
                let issuer = &self.issuer.settings.issuer;
                warn!(issuer, %error, "cannot fetch the issuer's metadata; the known endpoints stay in use");
                Ok(Arc::clone(&known.metadata))
            }
            (Err(error), None) => Err(error),
        })
    }

    async fn fetch(&self, get: &Getter, address: &MetadataAddress) -> Result<Metadata, IssuerError> {
        let settings = &self.issuer.settings;
        let mtls = settings.introspection.as_ref().is_some_and(|asked| asked.auth.certificate().is_some());
        // Half of the time limit: slow metadata must leave time for the keys.
        fetch_metadata(get, &settings.issuer, address, mtls, settings.timeout / 2).await
    }

    /// Checks that the metadata names every endpoint that is needed.
    ///
    /// # Errors
    ///
    /// [`IssuerError::NoEndpoint`] for the first missing one.
    pub(super) fn complete(&self, metadata: &Metadata) -> Result<(), IssuerError> {
        let missing = |endpoint, purpose, setting| Err(IssuerError::NoEndpoint { endpoint, purpose, setting });
        let lacks_keys = self.issuer.discovers_keys() && metadata.jwks_uri.is_none();
        let Some(asked) = &self.issuer.settings.introspection else {
            return if lacks_keys { missing("jwks_uri", "", "jwks_url") } else { Ok(()) };
        };
        // Without keys, all tokens of an issuer with introspection are referential. But its answers may have to be signed.
        if lacks_keys && asked.signed_response == SignedResponse::Require {
            return missing("jwks_uri", ", which verifies signed answers", "jwks_url");
        }
        self.complete_for(asked, metadata)
    }

    fn complete_for(&self, asked: &IntrospectionSettings, metadata: &Metadata) -> Result<(), IssuerError> {
        let missing = |endpoint, setting| Err(IssuerError::NoEndpoint { endpoint, purpose: "", setting });
        if asked.url.is_none() && metadata.introspection_endpoint.is_none() {
            return missing("introspection_endpoint", "introspection.url");
        }
        if asked.auth.discovers_token_endpoint() && metadata.token_endpoint.is_none() {
            return missing("token_endpoint", "introspection.client_credentials.token_url");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use axum::routing::get;
    use axum::{Json, Router};
    use bearward_core::Endpoint;
    use serde_json::json;

    use super::*;
    use crate::introspect::tests::certificates;
    use crate::net::http_client::HttpClient;
    use crate::secrets::{ClientAuth, ClientCredentials, IntrospectionAuth, Secret};
    use crate::settings::{GateSettings, IssuerSettings, KeySource};

    fn endpoints(issuer: &str, asked: Option<IntrospectionSettings>, keys: KeySource) -> Endpoints {
        let introspection = asked;
        let settings = IssuerSettings { introspection, keys, ..IssuerSettings::new(issuer, vec!["api".to_owned()]) };
        let resolved = GateSettings::new(vec![settings], Vec::new()).resolve().unwrap();
        Endpoints::new(Arc::clone(resolved.issuers.first().unwrap()))
    }

    fn basic() -> ClientAuth {
        ClientAuth::Basic(Secret::from_text("s3cr3t".to_owned()))
    }

    fn asked(auth: impl Into<IntrospectionAuth>) -> IntrospectionSettings {
        IntrospectionSettings::new("gateway", auth)
    }

    #[test]
    fn what_the_configuration_leaves_to_the_metadata_must_be_in_it() {
        let url = || Some("https://auth.example.com/x".to_owned());
        let keys_url = || KeySource::Url("https://auth.example.com/jwks".to_owned());
        let own_token = |token_url| {
            let grant = ClientCredentials { auth: basic(), token_url, scopes: Vec::new(), resources: Vec::new() };
            asked(IntrospectionAuth::ClientCredentials(grant))
        };
        let signed = || IntrospectionSettings { signed_response: SignedResponse::Require, ..asked(basic()) };
        // What is there: `jwks_uri`, `introspection_endpoint`, `token_endpoint`.
        for (introspection, keys, there, missing) in [
            (None, KeySource::Metadata, [true, false, false], None),
            (None, KeySource::Metadata, [false, true, true], Some("jwks_uri")),
            (Some(asked(basic())), KeySource::Metadata, [true, true, false], None),
            (Some(asked(basic())), KeySource::Metadata, [false, true, false], None),
            (Some(asked(basic())), KeySource::Metadata, [true, false, true], Some("introspection_endpoint")),
            (Some(IntrospectionSettings { url: url(), ..asked(basic()) }), KeySource::Metadata, [false; 3], None),
            (Some(signed()), KeySource::Metadata, [false, true, false], Some("jwks_uri")),
            (Some(signed()), keys_url(), [false, true, false], None),
            (Some(own_token(None)), KeySource::Metadata, [true, true, false], Some("token_endpoint")),
            (Some(own_token(None)), keys_url(), [false, true, true], None),
            (Some(own_token(url())), KeySource::Metadata, [true, true, false], None),
        ] {
            let case = format!("{introspection:?} {keys:?} {there:?}");
            let [jwks_uri, introspection_endpoint, token_endpoint] =
                there.map(|is_there| is_there.then(|| Endpoint::parse("https://auth.example.com/y").unwrap()));
            let metadata = Metadata { jwks_uri, introspection_endpoint, token_endpoint };
            let found = endpoints("https://auth.example.com", introspection, keys).complete(&metadata);
            let found = found.err().map(|error| match error {
                IssuerError::NoEndpoint { endpoint, .. } => endpoint,
                _ => "another error",
            });
            assert_eq!(found, missing, "{case}");
        }
    }

    // RFC 8705, 5.
    #[tokio::test]
    async fn clients_with_a_certificate_and_no_others_have_endpoints_of_their_own() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let metadata = json!({
            "issuer": url, "jwks_uri": format!("{url}/jwks"), "introspection_endpoint": format!("{url}/all"),
            "mtls_endpoint_aliases": {"introspection_endpoint": format!("{url}/shown")},
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(move || async move { Json(metadata) }))
            .route("/.well-known/oauth-authorization-server", get(std::future::pending::<()>));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let getter = Getter::new(HttpClient::new(), None, std::iter::empty());
        for (auth, expected) in [(basic(), "/all"), (ClientAuth::Certificate(certificates::any()), "/shown")] {
            let endpoints = endpoints(&url, Some(asked(auth)), KeySource::Metadata);
            let found = endpoints.locate(&getter, false).await.unwrap().unwrap();
            assert_eq!(found.introspection_endpoint.as_ref().unwrap().uri().path(), expected);
        }
        server.abort();
    }
}
