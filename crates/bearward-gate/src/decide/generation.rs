//! One configuration at work. A request keeps the one that it began with.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use bearward_core::IdentityHeaders;

use super::engine::Engine;
use super::prover::Prover;
use super::prover_set::{Composition, ProverSet};
use super::routes::Routes;
use crate::issuer::IssuerStatus;
use crate::memory::{ProverId, ProverSetId};
use crate::settings::{CacheSettings, ResolvedIssuer, ResolvedRoute, ResolvedSettings, RouteSettings};

/// What a gate decides by: realm, limits, issuers, routes and identity headers, all of one configuration.
pub struct Generation {
    pub(super) engine: Engine,
    pub(super) realm: Arc<str>,
    pub(super) max_token_bytes: usize,
    pub(super) routes: Routes,
    route_settings: Vec<RouteSettings>,
    provers: Vec<Arc<Prover>>,
    sets: HashMap<Composition, Arc<ProverSet>>,
    /// Those whose tokens a route asks for.
    used: HashSet<ProverId>,
    identity: Identity,
    cache: CacheSettings,
}

/// The identity headers, and a number by which proofs that were rendered in others, or remembered for another time, are told
/// apart.
#[derive(Clone)]
struct Identity {
    headers: Arc<IdentityHeaders>,
    number: u64,
}

impl Generation {
    /// Makes a generation, and starts the issuers that `before` does not have. An issuer whose settings are the same moves over
    /// with its keys, its breaker and what is remembered of its tokens, where a route of `before` took the same issuers.
    pub(crate) fn new(settings: ResolvedSettings, engine: &Engine, before: Option<&Self>) -> Self {
        // What was remembered for another time must not outlive the one that is configured now.
        let identity = before.filter(|before| before.cache.max_age == settings.cache.max_age);
        let identity = identity.map(|before| before.identity.clone());
        let identity = identity
            .filter(|identity| *identity.headers == settings.identity)
            .unwrap_or_else(|| Identity { headers: Arc::new(settings.identity), number: engine.next_number() });
        let mut starter = Starter::new(engine, before);
        let provers: Vec<_> = settings.issuers.iter().map(|issuer| starter.prover(issuer)).collect();
        let mut sets: HashMap<Composition, Arc<ProverSet>> = HashMap::new();
        let mut set_of = |route: &ResolvedRoute| {
            let provers: Vec<_> = route.issuers.iter().map(|issuer| starter.prover(issuer)).collect();
            let referential = route.referential.as_ref().map(|issuer| starter.prover(issuer));
            let composition = Composition::new(&provers, referential.as_ref(), identity.number);
            let known = before.and_then(|before| before.sets.get(&composition)).map(Arc::clone);
            let make = || Arc::new(ProverSet::new(engine.next_prover_set(), provers, referential));
            Arc::clone(sets.entry(composition).or_insert_with(|| known.unwrap_or_else(make)))
        };
        let routes: Vec<_> = settings
            .routes
            .into_iter()
            .map(|route| (set_of(&route), route))
            .map(|(set, route)| (route.settings, set))
            .collect();
        let asking = routes.iter().filter(|(route, _)| route.access.requirement().is_some());
        let used = asking.flat_map(|(_, set)| set.provers()).map(|prover| prover.id()).collect();
        let route_settings = routes.iter().map(|(settings, _)| settings.clone()).collect();
        let mut sets_of: HashMap<ProverId, Vec<ProverSetId>> = HashMap::new();
        for set in sets.values() {
            set.provers().iter().for_each(|prover| sets_of.entry(prover.id()).or_default().push(set.id()));
        }
        for prover in &provers {
            prover.belongs_to(sets_of.remove(&prover.id()).unwrap_or_default());
        }
        Self {
            engine: engine.clone(),
            realm: settings.realm,
            max_token_bytes: settings.max_token_bytes,
            routes: Routes::new(routes, settings.named_methods),
            route_settings,
            provers,
            sets,
            used,
            identity,
            cache: settings.cache,
        }
    }

    /// The headers by which upstreams learn who calls; a mount removes every copy of them from each request.
    pub fn identity_headers(&self) -> &IdentityHeaders {
        &self.identity.headers
    }

    pub(super) fn shared_identity_headers(&self) -> &Arc<IdentityHeaders> {
        &self.identity.headers
    }

    /// The state of each issuer.
    pub(crate) fn status(&self) -> Vec<IssuerStatus> {
        let used = |prover: &Prover| self.used.contains(&prover.id());
        self.provers.iter().map(|prover| IssuerStatus { used: used(prover), ..prover.status() }).collect()
    }

    pub(crate) fn provers(&self) -> &[Arc<Prover>] {
        &self.provers
    }

    pub(crate) fn route_settings(&self) -> &[RouteSettings] {
        &self.route_settings
    }

    pub(crate) fn cache(&self) -> &CacheSettings {
        &self.cache
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// Finds the prover of an issuer: the one that was started for it already, the one of the generation before, or a new one.
struct Starter<'a> {
    engine: &'a Engine,
    before: HashMap<Arc<str>, Arc<Prover>>,
    started: HashMap<Arc<str>, Arc<Prover>>,
}

impl<'a> Starter<'a> {
    fn new(engine: &'a Engine, before: Option<&Generation>) -> Self {
        let known = before.into_iter().flat_map(|before| &before.provers);
        let before = known.map(|prover| (Arc::clone(prover.name()), Arc::clone(prover))).collect();
        Self { engine, before, started: HashMap::new() }
    }

    fn prover(&mut self, issuer: &Arc<ResolvedIssuer>) -> Arc<Prover> {
        let name = Arc::clone(issuer.rules.issuer.text());
        let start = |name: &Arc<str>| {
            let unchanged = self.before.get(name).filter(|prover| prover.issuer() == issuer);
            unchanged.map_or_else(|| Prover::start(Arc::clone(issuer), self.engine), Arc::clone)
        };
        Arc::clone(self.started.entry(name).or_insert_with_key(start))
    }
}
