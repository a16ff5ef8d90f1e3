//! Routes: which one a request matches, and what it then needs.

mod counts;
mod index;
#[cfg(test)]
mod reference;

use std::cmp::Ordering;
use std::sync::Arc;

use bearward_core::{
    Access, AllowedMethods, Host, PathPattern, Reason, RequestPath, Requirement, Segments, check_method,
};
use http::Method;

use self::counts::Counts;
pub(crate) use self::counts::Kind;
use self::index::Index;
use super::prover_set::ProverSet;
use crate::metrics::Counter;
use crate::settings::RouteSettings;

/// A route, with the issuers whose tokens it takes.
#[derive(Debug)]
pub struct Route {
    name: Arc<str>,
    upstream: Arc<str>,
    hosts: Vec<Host>,
    methods: Vec<Method>,
    path: PathPattern,
    ignore_case: bool,
    access: Access,
    /// That of `access`, so that a token under way can hold it.
    requirement: Option<Arc<Requirement>>,
    provers: Arc<ProverSet>,
    challenge_scope: Option<Arc<str>>,
    counts: Counts,
}

impl Route {
    /// The name in logs and metrics.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the upstream that the route leads to.
    pub fn upstream(&self) -> &str {
        &self.upstream
    }

    /// What a caller must show.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// What a token must meet; `None` where the route is open.
    pub(super) fn requirement(&self) -> Option<&Arc<Requirement>> {
        self.requirement.as_ref()
    }

    /// The issuers whose tokens the route takes.
    pub(super) fn provers(&self) -> &ProverSet {
        &self.provers
    }

    /// Counts a decision of this kind; `make` gives the count the first time.
    pub(super) fn count(&self, kind: &Kind, make: impl FnOnce() -> Counter) {
        self.counts.inc(kind, make);
    }

    /// All scopes that the route needs, as a challenge names them.
    pub(crate) fn challenge_scope(&self) -> Option<Arc<str>> {
        self.challenge_scope.clone()
    }

    fn new(settings: RouteSettings, provers: Arc<ProverSet>) -> Self {
        let requirement = settings.access.requirement().cloned().map(Arc::new);
        let challenge_scope = requirement.as_deref().and_then(Requirement::scope_for_challenge).map(Arc::from);
        Self {
            name: settings.name.into(),
            upstream: settings.upstream.into(),
            hosts: settings.hosts,
            methods: settings.methods,
            path: settings.path,
            ignore_case: settings.ignore_case,
            access: settings.access,
            requirement,
            provers,
            challenge_scope,
            counts: Counts::default(),
        }
    }

    fn matches_segments(&self, segments: Segments<'_>) -> bool {
        self.path.matches_segments(segments, if self.ignore_case { str::eq_ignore_ascii_case } else { str::eq })
    }

    /// Whether the two ask a caller for the same, so that it does not matter which of them answers.
    fn asks_the_same(&self, other: &Self) -> bool {
        self.access == other.access && self.provers.id() == other.provers.id()
    }

    fn allows_method(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }

    /// Whether no path puts one of the two before the other: where one has both, only the method tells them apart.
    fn same_place(&self, other: &Self) -> bool {
        self.hosts.is_empty() == other.hosts.is_empty() && self.path.precedence() == other.path.precedence()
    }

    /// The more specific one is the lesser one.
    fn before(&self, other: &Self) -> Ordering {
        let by_host = self.hosts.is_empty().cmp(&other.hosts.is_empty());
        let by_path = || self.path.precedence().cmp(&other.path.precedence());
        let by_method = || self.methods.is_empty().cmp(&other.methods.is_empty());
        by_host.then_with(by_path).then_with(by_method)
    }
}

/// All routes.
#[derive(Debug)]
pub(crate) struct Routes {
    index: Index,
    /// The methods that routes name, each once.
    named_methods: Vec<Method>,
}

/// Why a request has no route.
#[derive(Debug)]
pub(crate) enum Miss {
    /// No route has its host and path.
    NoPlace,
    /// Routes have its host and path, and none its method.
    Method {
        /// The methods that they have.
        allowed: AllowedMethods,
    },
    /// With a slash at the end more or less, a route has its host and path that asks for something else.
    OtherSpelling {
        /// That route.
        of: Arc<Route>,
    },
}

impl Miss {
    /// The reason of the refusal.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::NoPlace | Self::OtherSpelling { .. } => Reason::RouteNotFound,
            Self::Method { .. } => Reason::MethodNotAllowed,
        }
    }
}

impl Routes {
    /// Routes that are told apart, each with the issuers whose tokens it takes; and the methods that they name.
    pub(super) fn new(
        routes: impl IntoIterator<Item = (RouteSettings, Arc<ProverSet>)>,
        named_methods: Vec<Method>,
    ) -> Self {
        let mut routes: Vec<_> =
            routes.into_iter().map(|(settings, provers)| Arc::new(Route::new(settings, provers))).collect();
        routes.sort_by(|a, b| a.before(b));
        Self { index: Index::new(&routes), named_methods }
    }

    /// Whether a request with this method can be judged at all, with the methods that routes name ([`check_method`]).
    pub(crate) fn check_method(&self, method: &Method) -> Result<(), Reason> {
        check_method(method, &self.named_methods)
    }

    /// The one route that matches.
    ///
    /// The place (host and path) is found first, then the method within it. A method that the most specific place does
    /// not serve finds no route: it must not fall through to a wider one, which may ask for less. For the same reason
    /// `/admin`, which has no route, does not fall through from `/admin/*` to `/*` or `/{page}`, nor `/report/` from
    /// `/report`, where that would ask for something else: many upstreams serve both spellings.
    ///
    /// `host` is in the canonical form of [`Host`].
    pub(crate) fn find(
        &self,
        method: &Method,
        host: Option<&str>,
        path: &RequestPath<'_>,
    ) -> Result<&Arc<Route>, Miss> {
        let best = self.index.place(host, path.segments()).ok_or(Miss::NoPlace)?;
        // Where no place is more specific, the other spelling does not matter.
        let other = path.segments_with_other_end().filter(|_| best.rank > 0);
        let narrower = other.and_then(|other| {
            let own = self.index.place(host, other.clone()).filter(|own| own.rank < best.rank)?;
            let shared = path.segments().filter(|segment| !segment.is_empty()).count();
            let is_wider = best.first().matches_segments(other)
                || own.pattern().compare_within(best.pattern(), shared) == Ordering::Less;
            is_wider.then_some(own)
        });
        let Some(narrower) = narrower else {
            return best.route(method).ok_or_else(|| Miss::Method { allowed: best.allowed.clone() });
        };
        let route_of = |method: &Method| {
            let route = best.route(method)?;
            narrower.route(method).is_some_and(|own| own.asks_the_same(route)).then_some(route)
        };
        if let Some(route) = route_of(method) {
            return Ok(route);
        }
        let served: Vec<&Method> = best.methods().filter(|method| route_of(method).is_some()).collect();
        if best.route(method).is_some() || served.is_empty() {
            return Err(Miss::OtherSpelling { of: Arc::clone(narrower.first()) });
        }
        Err(Miss::Method { allowed: AllowedMethods::new(served) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use bearward_core::{RequestHost, Scope, request_host};
    use http::HeaderMap;

    use super::*;
    use crate::memory::ProverSetId;
    use crate::settings::{GateError, GateSettings};

    pub(super) fn routes_of(settings: Vec<RouteSettings>) -> Result<Routes, GateError> {
        let resolved = GateSettings::new(Vec::new(), settings).resolve()?;
        let none = Arc::new(ProverSet::new(ProverSetId(1), Vec::new(), None));
        let routes = resolved.routes.into_iter().map(|route| (route.settings, Arc::clone(&none)));
        Ok(Routes::new(routes, resolved.named_methods))
    }

    fn route(name: &str, methods: &[Method], hosts: &[&str], path: &str) -> RouteSettings {
        RouteSettings {
            name: name.to_owned(),
            hosts: hosts.iter().map(|host| Host::parse(host).unwrap()).collect(),
            methods: methods.to_vec(),
            path: PathPattern::parse(path).unwrap(),
            upstream: "u".to_owned(),
            // No two ask for the same.
            access: Access::Token(Requirement { all: vec![Scope::parse(name).unwrap()], ..Requirement::default() }),
            issuers: Vec::new(),
            referential_issuer: None,
            ignore_case: false,
        }
    }

    /// A route's name, or why there is none.
    fn found<'a>(routes: &'a Routes, method: &str, host: Option<&str>, path: &str) -> Result<&'a str, String> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let headers = HeaderMap::new();
        let host = request_host(host, &headers).unwrap();
        let host = host.as_ref().map(RequestHost::as_str);
        let found = routes.find(&method, host, &RequestPath::parse(path.as_bytes()).unwrap());
        found.map(|route| route.name()).map_err(|miss| match miss {
            Miss::NoPlace => "no place".to_owned(),
            Miss::Method { allowed } => allowed.value().to_str().unwrap().to_owned(),
            Miss::OtherSpelling { of } => format!("other spelling of {}", of.name()),
        })
    }

    #[test]
    fn the_most_specific_place_decides() {
        let routes = routes_of(vec![
            route("all", &[], &[], "/*"),
            route("orders-read", &[Method::GET], &[], "/orders/*"),
            route("orders-write", &[Method::POST], &[], "/orders/*"),
            route("order-lines", &[Method::GET], &[], "/orders/{id}/lines"),
            route("stock", &[], &[], "/orders/stock"),
            route("report", &[], &[], "/report"),
            route("both", &[], &[], "/both"),
            route("both-below", &[], &[], "/both/*"),
            route("shop", &[], &["shop.example.com", "[::1]"], "/*"),
        ])
        .unwrap();
        let cases = [
            ("GET", None, "/", Ok("all")),
            ("GET", None, "/orders/7", Ok("orders-read")),
            ("POST", None, "/orders/7", Ok("orders-write")),
            // It must not fall through to "all".
            ("DELETE", None, "/orders/7", Err("GET, POST")),
            ("GET", None, "/orders/7/lines", Ok("order-lines")),
            ("POST", None, "/orders/7/lines", Err("GET")),
            ("DELETE", None, "/orders/stock", Ok("stock")),
            ("GET", None, "/orders", Err("other spelling of orders-read")),
            ("GET", None, "/orders/stock/", Err("other spelling of stock")),
            ("GET", None, "/stock", Ok("all")),
            ("GET", None, "/report", Ok("report")),
            ("GET", None, "/report/", Err("other spelling of report")),
            ("GET", None, "/both", Ok("both")),
            ("GET", None, "/both/", Ok("both-below")),
            ("GET", Some("shop.example.com"), "/orders/7", Ok("shop")),
            ("GET", Some("SHOP.example.com.:8080"), "/orders/7", Ok("shop")),
            ("GET", Some("shop.example.com.evil.example"), "/orders/7", Ok("orders-read")),
            ("GET", Some("[0:0::1]:8080"), "/orders/7", Ok("shop")),
            ("GET", Some("[::2]:8080"), "/orders/7", Ok("orders-read")),
        ];
        for (method, host, path, expected) in cases {
            assert_eq!(found(&routes, method, host, path), expected.map_err(str::to_owned), "{method} {host:?} {path}");
        }
    }

    #[test]
    fn what_two_routes_match_in_the_same_way_is_told() {
        let get = &[Method::GET][..];
        let both = &[Method::POST, Method::GET][..];
        let (one, two) = (&["a.example"][..], &["b.example", "A.example"][..]);
        for (a, b, expected) in [
            ((&[][..], &[][..], "/orders/{id}"), (&[][..], &[][..], "/orders/{order}"), Some("/orders/{order}")),
            ((get, &[], "/orders"), (both, &[], "/orders"), Some("GET /orders")),
            ((get, one, "/orders"), (get, two, "/orders"), Some("GET a.example/orders")),
            ((&[], one, "/*"), (&[], two, "/*"), Some("a.example/*")),
            // What names its methods, its hosts or its path more closely goes first.
            ((get, &[], "/orders"), (&[], &[], "/orders"), None),
            ((&[], one, "/orders"), (&[], &[], "/orders"), None),
            ((&[], &[], "/orders/{id}"), (&[], &[], "/orders/*"), None),
            ((get, &[], "/orders"), (&[Method::PUT], &[], "/orders"), None),
            ((get, one, "/orders"), (get, &["b.example"], "/orders"), None),
            ((get, one, "/orders"), (&[], two, "/orders"), None),
        ] {
            let (a, b) = (route("a", a.0, a.1, a.2), route("b", b.0, b.1, b.2));
            assert_eq!(a.collision(&b).as_deref(), expected, "{a:?} {b:?}");
            assert_eq!(b.collision(&a).is_some(), expected.is_some());
            assert_eq!(routes_of(vec![a, b]).is_err(), expected.is_some());
        }
    }

    #[test]
    fn a_slash_at_the_end_opens_no_other_door() {
        let guarded = |scope: &str| {
            Access::Token(Requirement { all: vec![Scope::parse(scope).unwrap()], ..Requirement::default() })
        };
        let with = |name: &str, path: &str, access: Access| RouteSettings { access, ..route(name, &[], &[], path) };
        let routes = routes_of(vec![
            with("admin", "/admin/*", guarded("admin")),
            with("page", "/{page}", Access::Open),
            with("report", "/report", guarded("report")),
            with("tenant", "/{tenant}/*", guarded("tenant")),
            with("orders", "/orders/*", guarded("orders")),
            with("order", "/orders/{id}/*", guarded("orders")),
        ])
        .unwrap();
        for (path, expected) in [
            ("/admin", Err("other spelling of admin")),
            ("/admin/", Ok("admin")),
            ("/report", Ok("report")),
            ("/report/", Err("other spelling of report")),
            ("/page", Ok("page")),
            ("/x/y", Ok("tenant")),
            // The two ask for the same, so nothing is gained by the other spelling.
            ("/orders/7", Ok("orders")),
            ("/orders/7/", Ok("order")),
        ] {
            assert_eq!(found(&routes, "GET", None, path), expected.map_err(str::to_owned), "{path}");
        }
    }
}
