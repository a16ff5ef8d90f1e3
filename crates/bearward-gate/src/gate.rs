//! The gate: one decision for each request.

use std::fmt;
use std::sync::Arc;

use bearward_core::{
    Access, DecryptionKeys, IdentityHeaders, Presented, Reason, Refusal, RequestPath, Requirement, Scheme, Shape,
    credential, query_holds_credential, request_host, unverified_issuer,
};
use http::header::AUTHORIZATION;
use prometheus::Registry;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::clock::Clock;
use crate::decide::decision::{Admission, Decision, Identity, RequestFacts, Verdict};
use crate::decide::memory::Memory;
use crate::decide::progress::{Pending, Progress, Trail, Unproved};
use crate::decide::routes::{Route, Routes};
use crate::issuer::IssuerStatus;
use crate::issuer::{Issuer, Recalled, Shared, Way};
use crate::metrics::Metrics;
use crate::net::http_client::HttpClient;
use crate::settings::GateSettings;
use crate::settings::bounds;
use crate::settings::error::GateError;

/// The engine: issuers, keys, introspection, cache and routes behind one question, [`Gate::decide`].
///
/// It starts without its issuers, and serves the moment their keys arrive.
pub struct Gate {
    pub(crate) realm: Arc<str>,
    max_token_bytes: usize,
    routes: Routes,
    issuers: Vec<Issuer>,
    pub(crate) shared: Shared,
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
        bounds::within(settings.cache.max_age, &bounds::MAX_AGE, || "cache.max_age".to_owned())?;
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
        match self.begin(request) {
            Progress::Decided(decision) => decision,
            Progress::Pending(pending) => self.finish(pending).await,
        }
    }

    /// The part of [`Gate::decide`] that waits for nobody: what is still to be done, if anything, has left the request
    /// behind, so that a mount need not hold on to it.
    ///
    /// Requests whose token is remembered end here, and so do those that need no token or have no proper one.
    pub fn begin(&self, request: &RequestFacts<'_>) -> Progress {
        let mut trail = Trail::begin();
        match self.recognise(request, &mut trail) {
            Ok(Step::Settled(admission)) => Progress::Decided(self.conclude(Ok(admission), trail)),
            Ok(Step::Unproved(unproved)) => Progress::Pending(Pending { unproved, trail }),
            Err(reason) => Progress::Decided(self.conclude(Err(reason), trail)),
        }
    }

    /// The rest of [`Gate::decide`]. It may be called from any tokio runtime.
    pub async fn finish(&self, pending: Pending) -> Decision {
        let Pending { unproved, mut trail } = pending;
        let outcome = self.prove(unproved, &mut trail).await;
        self.conclude(outcome, trail)
    }

    /// Waits until the tokens of every issuer can be judged. Nobody needs to: a request that comes earlier is answered
    /// 503 where its issuer is needed. It waits for as long as an issuer is away.
    pub async fn ready(&self) {
        for issuer in &self.issuers {
            issuer.ready().await;
        }
    }

    /// The headers by which upstreams learn who calls; a mount removes every copy of them from each request.
    pub fn identity_headers(&self) -> &IdentityHeaders {
        self.shared.memory.identity_headers()
    }

    /// The state of each issuer.
    pub fn status(&self) -> Vec<IssuerStatus> {
        let status =
            |(place, issuer): (usize, &Issuer)| IssuerStatus { used: self.routes.use_issuer(place), ..issuer.status() };
        self.issuers.iter().enumerate().map(status).collect()
    }

    /// Brings those metrics up to date that are read rather than counted; to be called before they are gathered.
    pub fn refresh_gauges(&self) {
        self.shared.memory.report_sizes();
        for status in self.status() {
            self.shared.metrics.issuer_ready.with_label_values(&[&status.issuer]).set(status.ready.into());
        }
    }

    /// The way of a request, in one direction, as far as it goes without waiting.
    fn recognise(&self, request: &RequestFacts<'_>, trail: &mut Trail) -> Result<Step, Reason> {
        self.routes.check_method(request.method)?;
        let host = request_host(request.authority, request.headers)?;
        let path = RequestPath::parse(request.path)?;
        let route = self.routes.find(request.method, host, &path).map_err(|miss| trail.note(miss))?;
        trail.route = Some(Arc::clone(route));
        let Some(requirement) = route.access().requirement() else { return Ok(Step::Settled(Admission::default())) };

        let in_query = request.query.is_some_and(query_holds_credential);
        let credential = match credential(request.headers, self.max_token_bytes) {
            // Whoever shows something, in another place or by another scheme, must not be taken for somebody who shows nothing.
            Err(Reason::CredentialMissing)
                if matches!(route.access(), Access::Optional(_)) && !request.headers.contains_key(AUTHORIZATION) =>
            {
                let anonymous = Step::Settled(Admission::default());
                return if in_query { Err(Reason::CredentialMalformed) } else { Ok(anonymous) };
            }
            credential => credential?,
        };
        if in_query {
            return Err(Reason::CredentialRepeated);
        }
        let (place, issuer, way) = self.prover(credential.token(), route)?;
        trail.issuer = Some(Arc::clone(issuer.name()));
        match issuer.recall(way, credential.token()) {
            Recalled::Known(source, outcome) => {
                trail.source = Some(source);
                admit(requirement, credential.scheme(), outcome?).map(Step::Settled)
            }
            Recalled::Unknown(fingerprint) => {
                let (scheme, token) = (credential.scheme(), credential.token().to_owned());
                Ok(Step::Unproved(Unproved { scheme, token, issuer: place, way, fingerprint }))
            }
        }
    }

    /// The rest of the way, for a token that was not remembered.
    async fn prove(&self, unproved: Unproved, trail: &mut Trail) -> Result<Admission, Reason> {
        let issuer = self.issuers.get(unproved.issuer).ok_or(Reason::Internal)?;
        trail.source = Some(issuer.source(unproved.way));
        let identity = issuer.prove(unproved.way, &unproved.token, unproved.fingerprint).await?;
        let requirement = trail.route.as_ref().and_then(|route| route.access().requirement());
        admit(requirement.ok_or(Reason::Internal)?, unproved.scheme, identity)
    }

    fn conclude(&self, outcome: Result<Admission, Reason>, trail: Trail) -> Decision {
        let verdict = match outcome {
            Ok(admission) => Verdict::Admit(admission),
            Err(reason) => Verdict::Refuse(self.refuse_for_now(reason, &trail)),
        };
        let Trail { route, issuer, source, started, .. } = trail;
        let decision = Decision { verdict, route, issuer, source };
        self.shared.metrics.record(&decision, started.elapsed());
        decision
    }

    /// The refusal, with the time after which an issuer will be asked again that is not asked now.
    fn refuse_for_now(&self, reason: Reason, trail: &Trail) -> Refusal {
        let refusal = self.refuse(reason, trail.route.as_deref()).with_allowed(trail.allowed.clone());
        if reason != Reason::IntrospectionUnavailable {
            return refusal;
        }
        let issuer = self.issuers.iter().find(|issuer| trail.issuer.as_ref() == Some(issuer.name()));
        let Some(pause) = issuer.and_then(Issuer::introspection_pause) else { return refusal };
        let whole_seconds = pause.as_secs().saturating_add(u64::from(pause.subsec_nanos() > 0));
        refusal.with_retry_after(u32::try_from(whole_seconds).unwrap_or(u32::MAX))
    }

    /// Tells by its shape who can say what the token means, and how: the issuer, its place, and the way.
    fn prover(&self, token: &str, route: &Route) -> Result<(usize, &Issuer, Way), Reason> {
        let (place, way) = match Shape::of(token) {
            Shape::SelfContained => {
                let place = self.select(token, route)?;
                (place, self.issuers.get(place).ok_or(Reason::Internal)?.way_of_jws())
            }
            Shape::Referential => match self.opener(token, route)? {
                Some(place) => (place, Way::Decryption),
                None => (route.referential_issuer().ok_or(Reason::TokenUnsupported)?, Way::Introspection),
            },
        };
        Ok((place, self.issuers.get(place).ok_or(Reason::Internal)?, way))
    }

    /// The issuer of the route whose tokens are encrypted to a key that opens this one, told by its header.
    ///
    /// Where the route has such an issuer, what asks for weak or costly ways of encryption is refused: it may be aimed at
    /// the gateway's own keys (RFC 8725, 3.2).
    fn opener(&self, token: &str, route: &Route) -> Result<Option<usize>, Reason> {
        let decrypting: Vec<_> =
            route.issuers().iter().filter_map(|at| Some((*at, self.issuers.get(*at)?.decryption_keys()?))).collect();
        if let Some(reason) = DecryptionKeys::refuses(token).filter(|_| !decrypting.is_empty()) {
            return Err(reason);
        }
        let opening: Vec<_> = decrypting.into_iter().filter(|(_, keys)| keys.opens(token)).collect();
        match opening.as_slice() {
            [] => Ok(None),
            [(only, _)] => Ok(Some(*only)),
            // Several issuers encrypt to one key: the token inside tells which it is for, and that only selects. Whose it is
            // was learnt already where it is remembered, and to open it again would be the costliest part of the request.
            several => {
                let remembers = |at: &usize| self.issuers.get(*at).is_some_and(|it| it.remembers_encrypted(token));
                if let Some((place, _)) = several.iter().find(|(at, _)| remembers(at)) {
                    return Ok(Some(*place));
                }
                let inner = several.iter().find_map(|(_, keys)| keys.decrypt(token).ok());
                let inner = inner.ok_or(Reason::DecryptionFailed)?;
                let named = unverified_issuer(inner.as_str()).ok_or(Reason::TokenMalformed)?;
                let place = self.named_among(several.iter().map(|(at, _)| *at), &named);
                place.map(Some).ok_or(Reason::IssuerUnknown)
            }
        }
    }

    /// The issuer that a self-contained token is for. What the token says of it only selects among the route's own.
    fn select(&self, token: &str, route: &Route) -> Result<usize, Reason> {
        if let [only] = route.issuers() {
            // Verification compares `iss`, so there is no need to read the token twice.
            return Ok(*only);
        }
        let Some(named) = unverified_issuer(token) else {
            // An opaque token may look like a JWS. It goes where opaque tokens go, if nothing there is ever verified here.
            let asked = route.referential_issuer();
            let is_opaque = |at: &usize| self.issuers.get(*at).is_some_and(Issuer::asks_about_every_token);
            return asked.filter(is_opaque).ok_or(Reason::TokenMalformed);
        };
        self.named_among(route.issuers().iter().copied(), &named).ok_or(Reason::IssuerUnknown)
    }

    /// The issuer that `iss` names. A tenant with an entry of its own is judged by that one, not by a template that it fits
    /// as well.
    fn named_among(&self, places: impl Iterator<Item = usize> + Clone, iss: &str) -> Option<usize> {
        let named = |fits: fn(&Issuer, &str) -> bool| {
            places.clone().find(|at| self.issuers.get(*at).is_some_and(|issuer| fits(issuer, iss)))
        };
        named(|issuer, iss| **issuer.name() == *iss).or_else(|| named(Issuer::answers_for))
    }
}

/// Holds a proved token against the route, on every request, remembered or not.
fn admit(requirement: &Requirement, scheme: Scheme, identity: Arc<Identity>) -> Result<Admission, Reason> {
    let rendered = identity.headers.as_ref().map(drop).map_err(|reason| *reason);
    requirement.admit(&Presented::new(&identity.token, scheme, rendered), None)?;
    Ok(Admission { identity: Some(identity) })
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

/// How far a request has come without waiting.
enum Step {
    Settled(Admission),
    Unproved(Unproved),
}
