//! One issuer's endpoints: those that the configuration leaves to its metadata.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::time::Instant;
use tracing::warn;

use crate::introspect::auth::SignedResponse;
use crate::issuer::discovery::{Metadata, Whereabouts, discover};
use crate::net::get::Getter;
use crate::settings::{IntrospectionSettings, IssuerSettings};

/// How long metadata is used before it is asked for again. Endpoints move rarely; after a failure they are asked for at once.
pub(crate) const METADATA_LIFETIME: Duration = Duration::from_secs(1_800);

/// What an issuer's metadata is asked for, and what it last said.
pub(crate) struct Endpoints {
    get: Getter,
    issuer: String,
    url: Option<String>,
    timeout: Duration,
    are_needed: bool,
    needs_keys: bool,
    introspection: Option<IntrospectionSettings>,
    known: ArcSwapOption<(Metadata, Instant)>,
}

impl Endpoints {
    pub(crate) fn new(get: Getter, settings: &IssuerSettings) -> Self {
        Self {
            get,
            issuer: settings.issuer.clone(),
            url: settings.discovery_url.clone(),
            are_needed: settings.needs_metadata(),
            // Half of what one fetch may take: metadata that hangs must leave time for the keys.
            timeout: settings.timeout / 2,
            needs_keys: settings.discovers_keys(),
            introspection: settings.introspection.clone(),
            known: ArcSwapOption::empty(),
        }
    }

    /// Whether the configuration leaves anything to the metadata.
    pub(crate) fn are_needed(&self) -> bool {
        self.are_needed
    }

    /// What was last said.
    pub(crate) fn known(&self) -> Option<Metadata> {
        self.known.load().as_deref().map(|(metadata, _)| metadata.clone())
    }

    /// Whether all that is needed is said.
    ///
    /// # Errors
    ///
    /// What is missing, and what to do.
    pub(crate) fn complete(&self, metadata: &Metadata) -> Result<(), String> {
        // Without keys, all tokens of an issuer that answers for them are referential.
        if self.needs_keys && metadata.jwks_uri.is_none() && self.introspection.is_none() {
            return Err("the issuer's metadata names no `jwks_uri`; set `jwks_url`".to_owned());
        }
        let Some(introspection) = &self.introspection else { return Ok(()) };
        if introspection.signed_response == SignedResponse::Require && self.needs_keys && metadata.jwks_uri.is_none() {
            return Err(
                "the issuer's metadata names no `jwks_uri`, by which signed answers are proved; set `jwks_url`"
                    .to_owned(),
            );
        }
        if introspection.url.is_none() && metadata.introspection_endpoint.is_none() {
            return Err("the issuer's metadata names no `introspection_endpoint`; set `introspection.url`".to_owned());
        }
        if introspection.auth.discovers_token_endpoint() && metadata.token_endpoint.is_none() {
            return Err(
                "the issuer's metadata names no `token_endpoint`; set `introspection.client_credentials.token_url`"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// The metadata: as known, while that is complete and young enough and `afresh` is not asked for, or as the issuer says
    /// now.
    ///
    /// # Errors
    ///
    /// Why nothing is known, for the person who runs the gateway.
    pub(crate) async fn locate(&self, afresh: bool) -> Result<Metadata, String> {
        let known = self.known.load_full();
        if let Some(known) = &known
            && !afresh
            && known.1.elapsed() < METADATA_LIFETIME
            && self.complete(&known.0).is_ok()
        {
            return Ok(known.0.clone());
        }
        let at = Whereabouts { issuer: &self.issuer, url: self.url.as_deref() };
        match (discover(&self.get, at, self.timeout).await, known) {
            (Ok(mut metadata), _) => {
                if self.introspection.as_ref().is_some_and(|asked| asked.auth.certificate().is_some()) {
                    metadata.prefer_mtls_aliases();
                }
                self.known.store(Some(Arc::new((metadata.clone(), Instant::now()))));
                Ok(metadata)
            }
            (Err(why), Some(known)) => {
                // What was true an hour ago is a better guess than nothing.
                warn!(issuer = self.issuer, error = %why, "the issuer's metadata cannot be read; its endpoints are used as known");
                Ok(known.0.clone())
            }
            (Err(why), None) => Err(why),
        }
    }
}
