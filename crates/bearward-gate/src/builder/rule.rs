//! A route of a gate that is built in code.

use std::sync::Arc;

use bearward_core::{
    Access, ClaimPointer, ClaimRule, ClaimTest, Host, PathPattern, Requirement, Scope, ScopeImplications,
};
use http::Method;

use crate::settings::{GateError, RouteSettings};

/// The rule of one route: by default, every method needs a valid token.
///
/// ```
/// use bearward_gate::RouteRule;
/// use http::Method;
///
/// let rule = RouteRule::new("/orders/{id}").methods([Method::PUT, Method::DELETE]).scope("orders:write");
/// # drop(rule);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RouteRule {
    path: String,
    methods: Option<Vec<Method>>,
    hosts: Vec<String>,
    ignore_case: bool,
    name: Option<String>,
    kind: Kind,
    requirement: RequirementBuilder,
    issuers: Vec<String>,
    referential_issuer: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Token,
    Optional,
    Open,
}

impl RouteRule {
    /// A rule for a path: `/orders` matches that path only, `/orders/*` everything below it, and `/orders/{id}` any one
    /// segment there ([`PathPattern`]).
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            methods: None,
            hosts: Vec::new(),
            ignore_case: false,
            name: None,
            kind: Kind::Token,
            requirement: RequirementBuilder::default(),
            issuers: Vec::new(),
            referential_issuer: None,
        }
    }

    /// Adds methods that it matches, at least one. Default: every method.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods.get_or_insert_default().extend(methods);
        self
    }

    /// Adds a host that it matches: a whole name or address, without port. Default: every host.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Matches the path in any case (ASCII letters), for services that ignore case too: `/Admin` then has the rule of
    /// `/admin`. The service gets the path as it was sent.
    pub fn ignore_case(mut self) -> Self {
        self.ignore_case = true;
        self
    }

    /// Sets the name in logs and metrics. Default: made of methods, hosts and path.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a scope that the token must have.
    pub fn scope(mut self, scope: &str) -> Self {
        self.requirement.scope(scope);
        self
    }

    /// Adds a set of scopes, not empty, of which the token must have at least one. It must have one of each call's set.
    pub fn any_scope<'a>(mut self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        self.requirement.any_scope(scopes);
        self
    }

    /// Adds an audience. `aud` must hold at least one of the route's audiences, besides one of the issuer's.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.requirement.audience(audience);
        self
    }

    /// Adds a condition on a claim, by the claim's name. All conditions must hold.
    pub fn claim(mut self, claim: &str, test: ClaimTest) -> Self {
        self.requirement.claim(claim, test);
        self
    }

    /// Adds an issuer whose tokens are accepted. Default: all issuers.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// Sets the issuer that introspects referential tokens. Needed where several issuers could.
    pub fn referential_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.referential_issuer = Some(issuer.into());
        self
    }

    /// Admits every request. A token is ignored.
    pub fn open(mut self) -> Self {
        self.kind = Kind::Open;
        self
    }

    /// Admits requests without a credential. A token that is sent must be valid and meet the requirements, and then identifies
    /// the caller. A credential of another scheme, such as `Basic` or `DPoP`, is refused as on every route.
    pub fn optional(mut self) -> Self {
        self.kind = Kind::Optional;
        self
    }

    pub(super) fn resolve(self, implications: &Arc<ScopeImplications>) -> Result<RouteSettings, GateError> {
        let name = self.name.clone().unwrap_or_else(|| self.default_name());
        let path = match PathPattern::parse(&self.path) {
            Ok(path) => path,
            Err(why) => return Err(GateError::Path { path: self.path, why }),
        };
        if self.methods.as_ref().is_some_and(Vec::is_empty) {
            return Err(GateError::NoMethods { route: name });
        }
        let host = |text: &String| {
            Host::parse(text).map_err(|why| GateError::Host { route: name.clone(), host: text.clone(), why })
        };
        let hosts = self.hosts.iter().map(host).collect::<Result<_, _>>()?;
        let requirement = self.requirement.requirement()?;
        let access = match self.kind {
            Kind::Open if requirement != Requirement::default() => {
                return Err(GateError::OpenWithRequirement { route: name });
            }
            Kind::Open => Access::Open,
            Kind::Optional => Access::Optional(Requirement { implications: Arc::clone(implications), ..requirement }),
            Kind::Token => Access::Token(Requirement { implications: Arc::clone(implications), ..requirement }),
        };
        let mut route = RouteSettings::new(name, path, access);
        route.hosts = hosts;
        route.methods = self.methods.unwrap_or_default();
        route.ignore_case = self.ignore_case;
        route.issuers = self.issuers;
        route.referential_issuer = self.referential_issuer;
        Ok(route)
    }

    fn default_name(&self) -> String {
        let methods: Vec<_> = self.methods.iter().flatten().map(Method::as_str).collect();
        let place = format!("{}{}", self.hosts.join(","), self.path);
        if methods.is_empty() { place } else { format!("{} {place}", methods.join(",")) }
    }
}

/// Collects a [`Requirement`]. [`RequirementBuilder::requirement`] checks the scopes; an invalid one is an error, and never
/// ignored.
#[derive(Clone, Debug, Default)]
pub struct RequirementBuilder {
    all: Vec<String>,
    /// One set for each call.
    any: Vec<Vec<String>>,
    audiences: Vec<String>,
    claims: Vec<ClaimRule>,
}

impl RequirementBuilder {
    /// Adds a scope that the token must have.
    pub fn scope(&mut self, scope: &str) {
        self.all.push(scope.to_owned());
    }

    /// Adds a set of scopes, not empty, of which the token must have at least one. It must have one of each call's set.
    pub fn any_scope<'a>(&mut self, scopes: impl IntoIterator<Item = &'a str>) {
        self.any.push(scopes.into_iter().map(str::to_owned).collect());
    }

    /// Adds an audience. `aud` must hold at least one of them.
    pub fn audience(&mut self, audience: impl Into<String>) {
        self.audiences.push(audience.into());
    }

    /// Adds a condition on a claim, by the claim's name. All conditions must hold.
    pub fn claim(&mut self, claim: &str, test: ClaimTest) {
        self.claims.push(ClaimRule { claim: ClaimPointer::member(claim), test });
    }

    /// The requirement.
    ///
    /// # Errors
    ///
    /// [`GateError::Scope`] for an invalid scope, [`GateError::NoScope`] for an empty `any_scope`.
    pub fn requirement(self) -> Result<Requirement, GateError> {
        let scopes = |texts: &Vec<String>| texts.iter().map(|text| scope(text)).collect::<Result<Vec<_>, _>>();
        if self.any.iter().any(Vec::is_empty) {
            return Err(GateError::NoScope);
        }
        Ok(Requirement {
            all: scopes(&self.all)?,
            any: self.any.iter().map(scopes).collect::<Result<_, _>>()?,
            audiences: self.audiences,
            claims: self.claims,
            ..Requirement::default()
        })
    }
}

pub(super) fn scope(text: &str) -> Result<Scope, GateError> {
    Scope::parse(text).map_err(|why| GateError::Scope { scope: text.to_owned(), why })
}
