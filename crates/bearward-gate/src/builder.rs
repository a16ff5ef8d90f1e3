//! A gate built in code: short for what is usual, with the binary's defaults for the rest.

mod issuer;
mod rule;

pub use issuer::Issuer;
pub use rule::{Needs, RouteRule};

use std::collections::BTreeMap;
use std::sync::Arc;

use bearward_core::{ClaimPointer, IdentityHeaders, IdentityHeadersError, Scope, ScopeImplications};
use http::HeaderName;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::gate::Gate;
use crate::metrics::MetricsRegistry;
use crate::settings::{CacheSettings, EngineSettings, GateError, GateSettings, IssuerSettings, RouteSettings};
use crate::sink::DecisionSink;

/// Builds a [`Gate`]; [`Gate::builder`] makes one.
///
/// Nothing is wrong with a setting until [`GateBuilder::build`], which says what is.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), bearward_gate::GateError> {
/// use bearward_gate::{Gate, Issuer, RouteRule};
/// use http::Method;
///
/// let gate = Gate::builder()
///     .issuer(Issuer::new("https://auth.example.com").audience("https://api.example.com"))
///     .route(RouteRule::new("/orders/*").methods([Method::GET]).scope("orders:read"))
///     .route(RouteRule::new("/health").open())
///     .build()?;
/// # drop(gate);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct GateBuilder {
    realm: Option<String>,
    max_token_bytes: Option<usize>,
    issuers: Vec<IssuerSettings>,
    routes: Vec<RouteRule>,
    implications: BTreeMap<String, Vec<String>>,
    identity_claims: Vec<(String, String)>,
    cache: CacheSettings,
    registry: Option<MetricsRegistry>,
    runtime: Option<Handle>,
    clock: Option<Clock>,
    sink: Option<Arc<dyn DecisionSink>>,
}

impl Gate {
    /// A gate built in code, with every default that the binary has.
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }
}

impl GateBuilder {
    /// Accepts tokens of this issuer: an [`Issuer`], or an [`IssuerSettings`] for what that does not offer. At least one
    /// is needed.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<IssuerSettings>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// States what one place needs. The most specific rule that fits a request decides, and a request that none fits is
    /// 404, or 405 where only its method does not fit. Two rules for one place are an error, whatever they ask for. Without any rule, everything needs a valid token and nothing more.
    #[must_use]
    pub fn route(mut self, rule: RouteRule) -> Self {
        self.routes.push(rule);
        self
    }

    /// Lets `scope` stand for others, on every route: who may administer may also read.
    #[must_use]
    pub fn scope_implies<'a>(mut self, scope: &str, implied: impl IntoIterator<Item = &'a str>) -> Self {
        self.implications.entry(scope.to_owned()).or_default().extend(implied.into_iter().map(str::to_owned));
        self
    }

    /// Tells a claim in an identity header beside the native ones: the header's name, and a JSON pointer (RFC 6901) to the
    /// claim.
    #[must_use]
    pub fn identity_claim(mut self, header: &str, pointer: &str) -> Self {
        self.identity_claims.push((header.to_owned(), pointer.to_owned()));
        self
    }

    /// The `realm` of every challenge (RFC 9110, 11.5); `bearward` where nothing is said.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// The longest access token that is looked at, in bytes; 16 KiB where nothing is said.
    #[must_use]
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_token_bytes = Some(bytes);
        self
    }

    /// The bounds of the token caches.
    #[must_use]
    pub fn cache(mut self, cache: CacheSettings) -> Self {
        self.cache = cache;
        self
    }

    /// Where the metrics are registered; by default, a registry of its own.
    #[must_use]
    pub fn registry(mut self, registry: MetricsRegistry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// The runtime on which keys are fetched and issuers asked; the one in which `build` is called where nothing is said.
    #[must_use]
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Where the time comes from; the machine's clock where nothing is said.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Where decisions are told, beside the metrics.
    #[must_use]
    pub fn sink(mut self, sink: Arc<dyn DecisionSink>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// Builds the gate and starts to fetch keys. It waits for no issuer; [`Gate::ready`] does.
    ///
    /// # Errors
    ///
    /// The [`GateError`] says what is wrong. There is no gate without an issuer, without an audience, or without a tokio
    /// runtime.
    pub fn build(self) -> Result<Gate, GateError> {
        let runtime = match self.runtime {
            Some(runtime) => runtime,
            None => Handle::try_current().map_err(|_| GateError::NoRuntime)?,
        };
        if self.issuers.is_empty() {
            return Err(GateError::NoIssuer);
        }
        let implications = Arc::new(implications(&self.implications)?);
        let rules = if self.routes.is_empty() { vec![RouteRule::new("/*")] } else { self.routes };
        let resolve = |rule: RouteRule| rule.resolve(&implications);
        let routes = rules.into_iter().map(resolve).collect::<Result<Vec<RouteSettings>, _>>()?;
        let defaults = GateSettings::new(self.issuers, routes);
        let settings = GateSettings {
            realm: self.realm.unwrap_or(defaults.realm),
            max_token_bytes: self.max_token_bytes.unwrap_or(defaults.max_token_bytes),
            cache: self.cache,
            identity: identity(&self.identity_claims)?,
            ..defaults
        };
        let mut engine = EngineSettings::new(runtime);
        engine.registry = self.registry.unwrap_or(engine.registry);
        engine.clock = self.clock.unwrap_or(engine.clock);
        engine.sink = self.sink;
        Gate::new(settings, engine)
    }
}

fn implications(pairs: &BTreeMap<String, Vec<String>>) -> Result<ScopeImplications, GateError> {
    let pair = |(scope, implied): (&String, &Vec<String>)| {
        Ok((rule::scope(scope)?, implied.iter().map(|scope| rule::scope(scope)).collect::<Result<Vec<Scope>, _>>()?))
    };
    Ok(ScopeImplications::new(pairs.iter().map(pair).collect::<Result<Vec<_>, GateError>>()?))
}

fn identity(claims: &[(String, String)]) -> Result<IdentityHeaders, GateError> {
    let claim = |(header, pointer): &(String, String)| {
        let wrong = |why: String| GateError::IdentityHeader { header: header.clone(), why };
        let name = HeaderName::try_from(header.as_str()).map_err(|why| wrong(why.to_string()))?;
        Ok((name, ClaimPointer::parse(pointer).map_err(|why| wrong(why.to_string()))?))
    };
    let claims = claims.iter().map(claim).collect::<Result<Vec<_>, GateError>>()?;
    IdentityHeaders::new(claims).map_err(|why| {
        let (IdentityHeadersError::Forbidden(header) | IdentityHeadersError::Repeated { second: header, .. }) = &why;
        GateError::IdentityHeader { header: header.to_string(), why: why.to_string() }
    })
}
