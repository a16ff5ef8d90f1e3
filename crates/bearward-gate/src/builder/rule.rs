//! A route, stated in code.

use std::sync::Arc;

use bearward_core::{
    Access, ClaimPointer, ClaimRule, ClaimTest, Host, PathPattern, Requirement, Scope, ScopeImplications,
};
use http::Method;

use crate::settings::{GateError, RouteSettings};

/// What one place needs: by default a valid token, for every method.
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
    needs: Needs,
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
    /// The place: `/orders` alone, `/orders/*` for all below it, `/orders/{id}` for any one segment there
    /// ([`PathPattern`]).
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            methods: None,
            hosts: Vec::new(),
            ignore_case: false,
            name: None,
            kind: Kind::Token,
            needs: Needs::default(),
            issuers: Vec::new(),
            referential_issuer: None,
        }
    }

    /// The methods that it speaks of, at least one, beside those named already; every method where nothing is said.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods.get_or_insert_default().extend(methods);
        self
    }

    /// A host that it speaks of, a whole name or address without port, beside those named already; every host
    /// where nothing is said.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// The path is matched without regard to case (ASCII letters), for services that do the same: `/Admin` is then guarded as
    /// `/admin` is. The service gets it as it was sent.
    pub fn ignore_case(mut self) -> Self {
        self.ignore_case = true;
        self
    }

    /// The name in logs and metrics; made of methods, host and path where nothing is said.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A scope that the token must have, beside those named already.
    pub fn scope(mut self, scope: &str) -> Self {
        self.needs.scope(scope);
        self
    }

    /// Scopes of which the token must have one; at least one has to be named. Of each further call's scopes it must have one
    /// as well.
    pub fn any_scope<'a>(mut self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        self.needs.any_scope(scopes);
        self
    }

    /// An audience of which, with the others named here, one must stand in `aud`, beside one of the issuer's.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.needs.audience(audience);
        self
    }

    /// A condition on a claim, by the claim's name; all conditions must hold.
    pub fn claim(mut self, claim: &str, test: ClaimTest) -> Self {
        self.needs.claim(claim, test);
        self
    }

    /// An issuer whose tokens are taken here, with the others named here; all issuers where nothing is said.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// The issuer that is asked about referential tokens, where several could be.
    pub fn referential_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.referential_issuer = Some(issuer.into());
        self
    }

    /// Everybody may come, without a token; one that is sent is not looked at.
    pub fn open(mut self) -> Self {
        self.kind = Kind::Open;
        self
    }

    /// Everybody may come who sends no credential. Whoever sends a token is known by it, or refused where it does not hold; a
    /// credential of another scheme, such as `Basic` or `DPoP`, is refused as it is everywhere.
    pub fn optional(mut self) -> Self {
        self.kind = Kind::Optional;
        self
    }

    pub(super) fn resolve(self, implications: &Arc<ScopeImplications>) -> Result<RouteSettings, GateError> {
        let name = self.name.clone().unwrap_or_else(|| self.made_name());
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
        let requirement = self.needs.requirement()?;
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

    fn made_name(&self) -> String {
        let methods: Vec<_> = self.methods.iter().flatten().map(Method::as_str).collect();
        let place = format!("{}{}", self.hosts.join(","), self.path);
        if methods.is_empty() { place } else { format!("{} {place}", methods.join(",")) }
    }
}

/// What is asked of a token, as it is being stated: a text that is no scope is told when all is stated, and never ignored.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    all: Vec<String>,
    /// One set for each time that it was asked for.
    any: Vec<Vec<String>>,
    audiences: Vec<String>,
    claims: Vec<ClaimRule>,
}

impl Needs {
    /// A scope that the token must have, beside those named already.
    pub fn scope(&mut self, scope: &str) {
        self.all.push(scope.to_owned());
    }

    /// Scopes of which the token must have one; at least one has to be named. Of each further call's scopes it must have one
    /// as well.
    pub fn any_scope<'a>(&mut self, scopes: impl IntoIterator<Item = &'a str>) {
        self.any.push(scopes.into_iter().map(str::to_owned).collect());
    }

    /// An audience of which, with the others named, one must stand in `aud`.
    pub fn audience(&mut self, audience: impl Into<String>) {
        self.audiences.push(audience.into());
    }

    /// A condition on a claim, by the claim's name.
    pub fn claim(&mut self, claim: &str, test: ClaimTest) {
        self.claims.push(ClaimRule { claim: ClaimPointer::member(claim), test });
    }

    /// What was stated.
    ///
    /// # Errors
    ///
    /// [`GateError::Scope`] where a text is no scope, [`GateError::NoScope`] where one of no scopes is asked for.
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
