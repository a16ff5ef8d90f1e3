//! Why no gate can be built.

use std::time::Duration;

use bearward_core::{HostError, IssuerNameError, PathPatternError, ScopeError};
use http::Method;

use super::Contradiction;
use crate::metrics::MetricsError;

/// Why no gate can be built from the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The builder was used outside of a tokio runtime, and was given none.
    #[error("no tokio runtime: build the gate inside of one, or give the builder its handle")]
    NoRuntime,
    /// A gate without an issuer would refuse every token.
    #[error("no issuer: name the authorization server whose tokens are to be accepted")]
    NoIssuer,
    /// An issuer without an audience would accept tokens that were meant for others.
    #[error("issuer `{issuer}` has no audience; tokens meant for others would be accepted")]
    NoAudience {
        /// The issuer.
        issuer: String,
    },
    /// Tokens and keys travel by https, or stay on this machine; and no secret stands in a URL, which is shown in many places.
    #[error(
        "issuer `{issuer}`: `{url}` is not an https URL without user name (plain http is for loopback addresses alone)"
    )]
    UnacceptableUrl {
        /// The issuer.
        issuer: String,
        /// The URL, without user information and query.
        url: String,
    },
    /// Keys that never change, and none of them proves anything: its tokens could never be judged.
    #[error("issuer `{issuer}`: none of the keys that it is given can verify a token, and no others are fetched")]
    NoKey {
        /// The issuer.
        issuer: String,
    },
    /// Settings that cannot work together.
    #[error("issuer `{issuer}`: {why}")]
    Contradiction {
        /// The issuer.
        issuer: String,
        /// What contradicts what.
        why: Contradiction,
    },
    /// An issuer template that cannot be used.
    #[error("issuer `{issuer}`: {why}")]
    Template {
        /// The template.
        issuer: String,
        /// What is wrong with it.
        why: IssuerNameError,
    },
    /// Many issuers have no one metadata address that follows from their names.
    #[error("issuer `{issuer}` is a template, from which no address follows: give it its keys or a metadata address")]
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
    #[error("issuer `{issuer}`: a leeway of more than five minutes")]
    LeewayTooLarge {
        /// The issuer.
        issuer: String,
    },
    /// A duration beyond [its bounds](crate::bounds).
    #[error("{setting} is {value:?}, and must be between {least:?} and {most:?}")]
    OutOfBounds {
        /// The setting, and whose.
        setting: String,
        /// What it is.
        value: Duration,
        /// The least that it may be.
        least: Duration,
        /// The most that it may be.
        most: Duration,
    },
    /// A text that is no scope.
    #[error("`{scope}` is no scope: {why}")]
    Scope {
        /// The text.
        scope: String,
        /// What is wrong with it.
        why: ScopeError,
    },
    /// A choice of no scopes, which an empty list that was read from somewhere becomes.
    #[error("one of several scopes is asked for, and none is named: name them, or ask for none")]
    NoScope,
    /// A list of methods without one, which would stand for every method.
    #[error("route `{route}` is for certain methods, and none is named: name them, or say nothing of methods for all")]
    NoMethods {
        /// The route.
        route: String,
    },
    /// A text that is no pattern of paths.
    #[error("`{path}` is no path of a route: {why}")]
    Path {
        /// The text.
        path: String,
        /// What is wrong with it.
        why: PathPatternError,
    },
    /// A route that looks at no token asks something of one.
    #[error("route `{route}` is open, and asks something of a token: make it optional, or ask nothing")]
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
    /// Two routes of one name would be one in logs and metrics.
    #[error("two routes are named `{route}`")]
    DuplicateRoute {
        /// The name.
        route: String,
    },
    /// A route for a host that no request can be for.
    #[error(
        "route `{route}`: `{host}` is no host of a route ({why}): a whole name or address, such as `api.example.com` or \
         `[::1]`, without port and `*`"
    )]
    Host {
        /// The route.
        route: String,
        /// The text.
        host: String,
        /// Why it is none.
        why: HostError,
    },
    /// Two routes for one place: only one of them could ever be reached.
    #[error(
        "route `{route}` matches {place}, as the route `{earlier}` does already: join the two, or give them other hosts, \
         methods or paths"
    )]
    SamePlace {
        /// The route.
        route: String,
        /// The route that was there before.
        earlier: String,
        /// What both match.
        place: String,
    },
    /// Two routes for one place, and only one of them whatever the case of its letters.
    #[error(
        "routes `{earlier}` and `{route}` are for one place, and only one of them ignores case: another spelling would lead \
         past the other; let both ignore it, or neither"
    )]
    CaseDiffers {
        /// The route.
        route: String,
        /// The route that was there before.
        earlier: String,
    },
    /// A method that no request can have which is let through.
    #[error(
        "route `{route}` names the method `{method}`, which is never passed on, or differs from a known method in case alone"
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
        /// The issuer that it names.
        issuer: String,
    },
    /// A route sends referential tokens to an issuer that has no introspection, or whose tokens it does not take.
    #[error(
        "route `{route}` sends referential tokens to issuer `{issuer}`, which has no introspection or is not the route's"
    )]
    NoIntrospection {
        /// The route.
        route: String,
        /// The issuer that it names.
        issuer: String,
    },
    /// A referential token names nobody, so one issuer has to be named for it.
    #[error("route `{route}` has several issuers with introspection; name one as `referential_issuer`")]
    AmbiguousReferentialIssuer {
        /// The route.
        route: String,
    },
    /// The metrics could not be registered, as when two gates share one registry.
    #[error("metrics: {0}")]
    Metrics(#[from] MetricsError),
}
