//! Builds a gate in code, with the defaults of the configuration file.

mod issuer;
mod rule;

pub use issuer::Issuer;
pub use rule::{RequirementBuilder, RouteRule};

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
/// [`GateBuilder::build`] checks all settings at once.
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
    /// A builder of a gate, with the defaults of the configuration file.
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }
}

impl GateBuilder {
    /// Accepts tokens of this issuer: an [`Issuer`], or an [`IssuerSettings`] for the settings that [`Issuer`] lacks. At least
    /// one issuer is needed.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<IssuerSettings>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// Adds the rule of one route. The most specific rule that matches a request applies. A request that no rule matches is
    /// answered 404, or 405 if only its method does not match. Two rules that match the same requests are an error. Without any
    /// rule, every request needs a valid token and nothing more.
    #[must_use]
    pub fn route(mut self, rule: RouteRule) -> Self {
        self.routes.push(rule);
        self
    }

    /// Lets `scope` grant the `implied` scopes as well, on every route. For example, `orders:admin` implies `orders:read`.
    #[must_use]
    pub fn scope_implies<'a>(mut self, scope: &str, implied: impl IntoIterator<Item = &'a str>) -> Self {
        self.implications.entry(scope.to_owned()).or_default().extend(implied.into_iter().map(str::to_owned));
        self
    }

    /// Adds an identity header: its name, and a JSON pointer (RFC 6901) to the claim that it carries.
    #[must_use]
    pub fn identity_claim(mut self, header: &str, pointer: &str) -> Self {
        self.identity_claims.push((header.to_owned(), pointer.to_owned()));
        self
    }

    /// Sets the `realm` of every challenge (RFC 9110, 11.5). Default: `bearward`.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Sets the largest access token that is accepted, in bytes. Default: 16 KiB.
    #[must_use]
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_token_bytes = Some(bytes);
        self
    }

    /// Sets the bounds of the token caches.
    #[must_use]
    pub fn cache(mut self, cache: CacheSettings) -> Self {
        self.cache = cache;
        self
    }

    /// Sets the registry of the metrics. Default: a new one.
    #[must_use]
    pub fn registry(mut self, registry: MetricsRegistry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Sets the runtime of the tasks that fetch keys and introspect tokens. Default: the runtime in which `build` is called.
    #[must_use]
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Sets the source of the current time. Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets the receiver of every decision, besides the metrics.
    #[must_use]
    pub fn sink(mut self, sink: Arc<dyn DecisionSink>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// Builds the gate and starts to fetch keys. It does not wait for any issuer; [`Gate::ready`] does.
    ///
    /// # Errors
    ///
    /// A [`GateError`] for the first wrong setting. A gate needs an issuer, an audience for each issuer, and a tokio runtime.
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
