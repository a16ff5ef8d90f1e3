//! The gate: one decision for each request.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bearward_core::{
    Access, DecryptionKeys, IdentityHeaders, Reason, Refusal, RequestPath, Shape, credential, query_holds_credential,
    unverified_issuer,
};
use prometheus::Registry;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::cache::Memory;
use crate::clock::Clock;
use crate::decision::{Admission, Decision, Identity, RequestFacts, Source, Verdict};
use crate::error::GateError;
use crate::http_client::HttpClient;
use crate::issuer::{Issuer, Shared};
use crate::metrics::Metrics;
use crate::routes::{Route, Routes};
use crate::settings::GateSettings;
use crate::status::IssuerStatus;

/// What a caller is told to wait, in seconds, where an issuer cannot be asked.
const RETRY_AFTER: u32 = 5;

/// The engine: issuers, keys, introspection, cache and routes behind one question, [`Gate::decide`].
///
/// It starts without its issuers, and serves the moment their keys arrive.
pub struct Gate {
    realm: Arc<str>,
    max_token_bytes: usize,
    routes: Routes,
    issuers: Vec<Issuer>,
    shared: Shared,
    refreshes: Vec<AbortHandle>,
}

impl Gate {
    /// Builds a gate and starts to fetch keys on `runtime`; it never waits for an issuer.
    ///
    /// # Errors
    ///
    /// [`GateError`] where the settings contradict themselves.
    pub fn new(settings: GateSettings, registry: &Registry, runtime: Handle) -> Result<Self, GateError> {
        Self::with_clock(settings, registry, runtime, Clock::system())
    }

    /// [`Gate::new`], with the time from `clock`.
    ///
    /// # Errors
    ///
    /// [`GateError`] where the settings contradict themselves.
    pub fn with_clock(
        settings: GateSettings,
        registry: &Registry,
        runtime: Handle,
        clock: Clock,
    ) -> Result<Self, GateError> {
        let routes = Routes::resolve(settings.routes, &settings.issuers)?;
        let metrics = Metrics::new(registry)?;
        let shared = Shared {
            memory: Memory::new(&settings.cache, Arc::new(settings.identity), clock.clone(), metrics.clone()),
            max_age: settings.cache.max_age,
            clock,
            client: HttpClient::new(),
            metrics,
            runtime: runtime.clone(),
        };
        let mut issuers = Vec::with_capacity(settings.issuers.len());
        for issuer in settings.issuers {
            if issuers.iter().any(|known: &Issuer| **known.name() == *issuer.issuer) {
                return Err(GateError::DuplicateIssuer { issuer: issuer.issuer });
            }
            issuers.push(Issuer::new(issuer, shared.clone())?);
        }
        let refreshes = issuers
            .iter()
            .map(|issuer| runtime.spawn(Arc::clone(issuer.key_store()).refresh_forever()).abort_handle())
            .collect();
        Ok(Self {
            realm: settings.realm.into(),
            max_token_bytes: settings.max_token_bytes,
            routes,
            issuers,
            shared,
            refreshes,
        })
    }

    /// Decides one request. It may be called from any tokio runtime.
    pub async fn decide(&self, request: &RequestFacts<'_>) -> Decision {
        let started = Instant::now();
        let mut trail = Trail::default();
        let outcome = self.judge(request, &mut trail).await;
        let verdict = match outcome {
            Ok(admission) => Verdict::Admit(admission),
            Err(reason) => Verdict::Refuse(self.refusal(reason, trail.route.as_deref())),
        };
        let decision = Decision { verdict, route: trail.route, issuer: trail.issuer, source: trail.source };
        self.shared.metrics.record(&decision, started.elapsed());
        decision
    }

    /// The headers by which upstreams learn who calls; a mount removes every copy of them from each request.
    pub fn identity_headers(&self) -> &IdentityHeaders {
        self.shared.memory.identity_headers()
    }

    /// The state of each issuer.
    pub fn status(&self) -> Vec<IssuerStatus> {
        self.issuers.iter().map(Issuer::status).collect()
    }

    /// Brings those metrics up to date that are read rather than counted; to be called before they are gathered.
    pub fn refresh_gauges(&self) {
        self.shared.memory.report_sizes();
    }

    /// The way of a request, in one direction.
    async fn judge(&self, request: &RequestFacts<'_>, trail: &mut Trail) -> Result<Admission, Reason> {
        let path = RequestPath::parse(request.path)?;
        let route = self.routes.find(request.method, request.host, &path).ok_or(Reason::RouteNotFound)?;
        trail.route = Some(Arc::clone(route));
        let Access::Token(requirement) = route.access() else { return Ok(Admission::default()) };

        let credential = credential(request.headers, self.max_token_bytes)?;
        if request.query.is_some_and(query_holds_credential) {
            return Err(Reason::CredentialRepeated);
        }
        let identity = self.prove(credential.token(), route, trail).await?;
        requirement.check(&identity.token)?;
        Ok(Admission { identity: Some(identity) })
    }

    /// Tells by its shape who can say what the token means, and asks.
    async fn prove(&self, token: &str, route: &Route, trail: &mut Trail) -> Result<Arc<Identity>, Reason> {
        let (source, outcome) = match Shape::of(token) {
            Shape::SelfContained => {
                let issuer = self.select(token, route)?;
                trail.issuer = Some(Arc::clone(issuer.name()));
                issuer.prove_by_signature(token).await
            }
            Shape::Referential if let Some(issuer) = self.opener(token, route)? => {
                trail.issuer = Some(Arc::clone(issuer.name()));
                issuer.prove_by_decryption(token).await
            }
            Shape::Referential => {
                let at = route.referential_issuer().ok_or(Reason::TokenUnsupported)?;
                let issuer = self.issuers.get(at).ok_or(Reason::Internal)?;
                trail.issuer = Some(Arc::clone(issuer.name()));
                issuer.prove_by_introspection(token).await
            }
        };
        trail.source = Some(source);
        outcome
    }

    /// The issuer of the route whose tokens are encrypted to a key that opens this one, told by its header.
    ///
    /// Where the route has such an issuer, what asks for weak or costly ways of encryption is refused: it may be aimed at
    /// the gateway's own keys (RFC 8725, 3.2).
    fn opener(&self, token: &str, route: &Route) -> Result<Option<&Issuer>, Reason> {
        let decrypting: Vec<_> = route
            .issuers()
            .iter()
            .filter_map(|at| self.issuers.get(*at))
            .filter_map(|issuer| Some((issuer, issuer.decryption_keys()?)))
            .collect();
        if let Some(reason) = DecryptionKeys::refuses(token).filter(|_| !decrypting.is_empty()) {
            return Err(reason);
        }
        let opening: Vec<_> = decrypting.into_iter().filter(|(_, keys)| keys.opens(token)).collect();
        match opening.as_slice() {
            [] => Ok(None),
            [(only, _)] => Ok(Some(only)),
            // Several issuers encrypt to one key: the token inside tells which it is for, and that only selects.
            several => {
                let inner = several.iter().find_map(|(_, keys)| keys.decrypt(token).ok());
                let inner = inner.ok_or(Reason::DecryptionFailed)?;
                let named = unverified_issuer(inner.as_str()).ok_or(Reason::TokenMalformed)?;
                let issuers = several.iter().map(|(issuer, _)| *issuer);
                named_among(issuers, &named).map(Some).ok_or(Reason::IssuerUnknown)
            }
        }
    }

    /// The issuer that a self-contained token is for. What the token says of it only selects among the route's own.
    fn select(&self, token: &str, route: &Route) -> Result<&Issuer, Reason> {
        if let [only] = route.issuers() {
            // Verification compares `iss`, so there is no need to read the token twice.
            return self.issuers.get(*only).ok_or(Reason::Internal);
        }
        let named = unverified_issuer(token).ok_or(Reason::TokenMalformed)?;
        let issuers = route.issuers().iter().filter_map(|at| self.issuers.get(*at));
        named_among(issuers, &named).ok_or(Reason::IssuerUnknown)
    }

    fn refusal(&self, reason: Reason, route: Option<&Route>) -> Refusal {
        Refusal::new(reason)
            .with_realm(Arc::clone(&self.realm))
            .with_scope(route.and_then(Route::challenge_scope))
            .with_retry_after(RETRY_AFTER)
    }
}

/// The issuer that `iss` names. A tenant with an entry of its own is judged by that one, not by a template that it fits as well.
fn named_among<'a>(issuers: impl Iterator<Item = &'a Issuer> + Clone, iss: &str) -> Option<&'a Issuer> {
    let own = issuers.clone().find(|issuer| **issuer.name() == *iss);
    own.or_else(|| issuers.clone().find(|issuer| issuer.answers_for(iss)))
}

impl Drop for Gate {
    fn drop(&mut self) {
        for refresh in &self.refreshes {
            refresh.abort();
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("routes", &self.routes).field("status", &self.status()).finish_non_exhaustive()
    }
}

/// What is learnt on the way, for logs and metrics.
#[derive(Default)]
struct Trail {
    route: Option<Arc<Route>>,
    issuer: Option<Arc<str>>,
    source: Option<Source>,
}
