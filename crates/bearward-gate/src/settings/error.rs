//! The errors of building a gate.

use std::time::Duration;

use bearward_core::{HostError, IssuerNameError, PathPatternError, ScopeError};
use http::Method;

use super::Contradiction;
use crate::metrics::MetricsError;

/// Why a gate cannot be built from its settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The builder runs outside of a tokio runtime and has no handle of one.
    #[error("no tokio runtime: call `build` inside of one, or set `runtime`")]
    NoRuntime,
    /// A gate without an issuer would refuse every token.
    #[error("no issuer: add the authorization server whose tokens the gate accepts")]
    NoIssuer,
    /// An issuer without an audience would accept tokens for other APIs.
    #[error("issuer `{issuer}` has no audience: without one, tokens for other APIs would be accepted")]
    NoAudience {
        /// The issuer.
        issuer: String,
    },
    /// Tokens and keys are sent over https, except to loopback addresses. URLs are logged, so none may hold a secret.
    #[error(
        "issuer `{issuer}`: `{url}` is not an https URL without user name (plain http is for loopback addresses alone)"
    )]
    UnacceptableUrl {
        /// The issuer.
        issuer: String,
        /// The URL, without user information and query.
        url: String,
    },
    /// A fixed key set without a usable key, so no token could ever be verified.
    #[error("issuer `{issuer}`: none of its fixed keys can verify a token")]
    NoKey {
        /// The issuer.
        issuer: String,
    },
    /// Settings that cannot work together.
    #[error("issuer `{issuer}`: {why}")]
    Contradiction {
        /// The issuer.
        issuer: String,
        /// The contradiction.
        why: Contradiction,
    },
    /// An unusable issuer template.
    #[error("issuer `{issuer}`: {why}")]
    Template {
        /// The template.
        issuer: String,
        /// What is wrong with it.
        why: IssuerNameError,
    },
    /// A template stands for many issuers, so it has no metadata address of its own.
    #[error("issuer `{issuer}` is a template, which has no metadata address: set its keys or `discovery_url`")]
    TemplateWithoutMetadata {
        /// The template.
        issuer: String,
    },
    /// Two sets of rules for one issuer.
    #[error("issuer `{issuer}` is configured twice")]
    DuplicateIssuer {
        /// The issuer.
        issuer: String,
    },
    /// More leeway than a few minutes makes expiry meaningless (RFC 9068, 4).
    #[error("issuer `{issuer}`: the leeway is more than five minutes")]
    LeewayTooLarge {
        /// The issuer.
        issuer: String,
    },
    /// A duration beyond [its bounds](crate::bounds).
    #[error("{setting} is {value:?}, and must be between {least:?} and {most:?}")]
    OutOfBounds {
        /// The setting, with its issuer.
        setting: String,
        /// Its value.
        value: Duration,
        /// The least allowed value.
        least: Duration,
        /// The greatest allowed value.
        most: Duration,
    },
    /// An invalid scope.
    #[error("`{scope}` is not a scope: {why}")]
    Scope {
        /// The text.
        scope: String,
        /// What is wrong with it.
        why: ScopeError,
    },
    /// `any_scope` with an empty list.
    #[error("`any_scope` has no scopes: name at least one, or leave it out")]
    NoScope,
    /// An empty list of methods. It must not be read as every method.
    #[error("route `{route}` has an empty list of methods: name at least one, or leave the list out for all methods")]
    NoMethods {
        /// The route.
        route: String,
    },
    /// An invalid path pattern.
    #[error("`{path}` is not a path pattern: {why}")]
    Path {
        /// The text.
        path: String,
        /// What is wrong with it.
        why: PathPatternError,
    },
    /// An open route has requirements, which it would never check.
    #[error("route `{route}` is open and has requirements: make it optional, or remove them")]
    OpenWithRequirement {
        /// The route.
        route: String,
    },
    /// A header that cannot carry a claim.
    #[error("identity header `{header}`: {why}")]
    IdentityHeader {
        /// The header.
        header: String,
        /// What is wrong with it.
        why: String,
    },
    /// Two routes have one name, so logs and metrics could not tell them apart.
    #[error("two routes are named `{route}`")]
    DuplicateRoute {
        /// The name.
        route: String,
    },
    /// A route for a host that no request can name.
    #[error(
        "route `{route}`: `{host}` is not a host ({why}): expected a whole name or address, such as `api.example.com` or \
         `[::1]`, without port and without `*`"
    )]
    Host {
        /// The route.
        route: String,
        /// The text.
        host: String,
        /// What is wrong with it.
        why: HostError,
    },
    /// Two routes match the same requests, so one of them would never be reached.
    #[error(
        "routes `{earlier}` and `{route}` both match {place}: merge the two, or give them different hosts, methods or paths"
    )]
    RouteCollision {
        /// The route.
        route: String,
        /// The earlier route.
        earlier: String,
        /// What both match.
        place: String,
    },
    /// Two routes match the same hosts and paths, and only one of them ignores case.
    #[error(
        "routes `{earlier}` and `{route}` match the same paths, and only one of them ignores case, so another spelling would \
         bypass the other: let both ignore case, or neither"
    )]
    CaseDiffers {
        /// The route.
        route: String,
        /// The earlier route.
        earlier: String,
    },
    /// A method that the gate never admits.
    #[error(
        "route `{route}` names the method `{method}`, which is never forwarded, or differs from a known method in case only"
    )]
    Method {
        /// The route.
        route: String,
        /// The method.
        method: Method,
    },
    /// A route names an issuer that is not configured.
    #[error("route `{route}` names issuer `{issuer}`, which is not configured")]
    UnknownIssuer {
        /// The route.
        route: String,
        /// The unknown issuer.
        issuer: String,
    },
    /// The `referential_issuer` of a route has no introspection, or is not one of the route's issuers.
    #[error(
        "route `{route}` sends referential tokens to issuer `{issuer}`, which has no introspection or is not an issuer of the \
         route"
    )]
    NoIntrospection {
        /// The route.
        route: String,
        /// The issuer that it names.
        issuer: String,
    },
    /// A referential token does not name its issuer, so the route has to name one.
    #[error("route `{route}` has several issuers with introspection: name one of them as `referential_issuer`")]
    AmbiguousReferentialIssuer {
        /// The route.
        route: String,
    },
    /// The metrics cannot be registered, for example because another gate uses the same registry.
    #[error("metrics: {0}")]
    Metrics(#[from] MetricsError),
}
