//! Routes: which one a request matches, and what it then needs.

use std::sync::Arc;

use bearward_core::{Access, PathPattern, RequestPath, Requirement, request_host};
use http::{HeaderMap, Method};

use crate::settings::error::GateError;
use crate::settings::{IssuerSettings, RouteSettings};

/// A route, resolved: its issuers are known by their place in the gate's list.
#[derive(Debug)]
pub struct Route {
    name: Arc<str>,
    upstream: Arc<str>,
    hosts: Vec<String>,
    methods: Vec<Method>,
    path: PathPattern,
    access: Access,
    issuers: Vec<usize>,
    referential_issuer: Option<usize>,
    challenge_scope: Option<Arc<str>>,
    /// Its rank among the routes: routes of one rank stand for the same place, which only the method tells apart.
    rank: usize,
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

    /// The issuers whose self-contained tokens the route takes.
    pub(crate) fn issuers(&self) -> &[usize] {
        &self.issuers
    }

    /// The one issuer that answers for referential tokens here.
    pub(crate) fn referential_issuer(&self) -> Option<usize> {
        self.referential_issuer
    }

    /// All scopes that the route needs, as a challenge names them.
    pub(crate) fn challenge_scope(&self) -> Option<Arc<str>> {
        self.challenge_scope.clone()
    }

    fn resolve(settings: RouteSettings, issuers: &[IssuerSettings]) -> Result<Self, GateError> {
        if let Some(host) = settings.hosts.iter().find(|host| !can_be_asked_for(host)) {
            return Err(GateError::Host { route: settings.name, host: host.clone() });
        }
        let place = |name: &str| {
            let place = issuers.iter().position(|issuer| issuer.issuer == name);
            place.ok_or_else(|| GateError::UnknownIssuer { route: settings.name.clone(), issuer: name.to_owned() })
        };
        let candidates = if settings.issuers.is_empty() {
            (0..issuers.len()).collect()
        } else {
            settings.issuers.iter().map(|name| place(name)).collect::<Result<Vec<_>, _>>()?
        };
        let introspects = |at: &usize| issuers.get(*at).is_some_and(IssuerSettings::answers_for_referential_tokens);
        let referential_issuer = match &settings.referential_issuer {
            // No token is looked at here, so nobody is asked about one.
            _ if settings.access == Access::Open => None,
            Some(name) => {
                let named = place(name)?;
                if !introspects(&named) || !candidates.contains(&named) {
                    return Err(GateError::NoIntrospection { route: settings.name, issuer: name.clone() });
                }
                Some(named)
            }
            None => {
                let mut introspecting = candidates.iter().copied().filter(introspects);
                let only = introspecting.next();
                // An opaque token names nobody: to try one issuer after the other would hand it to strangers.
                if introspecting.next().is_some() {
                    return Err(GateError::AmbiguousReferentialIssuer { route: settings.name });
                }
                only
            }
        };
        let requirement = settings.access.requirement();
        let challenge_scope = requirement.and_then(Requirement::scope_for_challenge).map(Arc::from);
        Ok(Self {
            name: settings.name.into(),
            upstream: settings.upstream.into(),
            hosts: settings.hosts,
            methods: settings.methods,
            path: settings.path,
            access: settings.access,
            issuers: candidates,
            referential_issuer,
            challenge_scope,
            rank: 0,
        })
    }

    fn matches_place(&self, host: Option<&str>, path: &RequestPath<'_>) -> bool {
        let host_fits = self.hosts.is_empty()
            || host.is_some_and(|host| self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host)));
        host_fits && self.path.matches(path)
    }

    /// Whether the two ask a caller for the same, so that it does not matter which of them answers.
    fn asks_the_same(&self, other: &Self) -> bool {
        (&self.access, &self.issuers, self.referential_issuer)
            == (&other.access, &other.issuers, other.referential_issuer)
    }

    fn allows_method(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }

    /// Whether `other` stands for the same place: then only the method tells the two apart.
    fn same_place(&self, other: &Self) -> bool {
        self.hosts.is_empty() == other.hosts.is_empty() && self.path.precedence() == other.path.precedence()
    }
}

/// All routes, the most specific first.
#[derive(Debug)]
pub(crate) struct Routes(Vec<Arc<Route>>);

impl Routes {
    pub(crate) fn resolve(settings: Vec<RouteSettings>, issuers: &[IssuerSettings]) -> Result<Self, GateError> {
        told_apart(&settings)?;
        let mut routes = Vec::with_capacity(settings.len());
        for route in settings {
            routes.push(Route::resolve(route, issuers)?);
        }
        routes.sort_by(|a, b| {
            let by_host = a.hosts.is_empty().cmp(&b.hosts.is_empty());
            let by_path = || a.path.precedence().cmp(&b.path.precedence());
            let by_method = || a.methods.is_empty().cmp(&b.methods.is_empty());
            by_host.then_with(by_path).then_with(by_method)
        });
        let mut rank = 0;
        for at in 1..routes.len() {
            if let Some([before, route]) = routes.get_mut(at - 1..=at) {
                rank += usize::from(!route.same_place(before));
                route.rank = rank;
            }
        }
        Ok(Self(routes.into_iter().map(Arc::new).collect()))
    }

    /// The one route that matches.
    ///
    /// The place (host and path) is found first, then the method within it. A method that the most specific place does
    /// not name finds no route: it must not fall through to a wider one, which may ask for less. For the same reason
    /// `/admin`, which has no route, does not fall through from `/admin/*` to `/*` or `/{page}`, nor `/report/` from
    /// `/report`, where that would ask for something else: many upstreams serve both spellings.
    pub(crate) fn find(&self, method: &Method, host: Option<&str>, path: &RequestPath<'_>) -> Option<&Arc<Route>> {
        let host = host.map(without_port);
        let best = self.place(host, path)?;
        let route = self.at(best, method, host, path)?;
        if best.rank == 0 {
            // No place is more specific, whatever the other spelling.
            return Some(route);
        }
        let other = with_other_end(path.as_str());
        let Ok(other) = RequestPath::parse(other.as_bytes()) else { return Some(route) };
        let Some(own) = self.place(host, &other).filter(|own| own.rank < best.rank) else { return Some(route) };
        let shared = path.segments().filter(|segment| !segment.is_empty()).count();
        let is_wider =
            best.path.matches(&other) || own.path.precedence_within(shared) < best.path.precedence_within(shared);
        let asks_the_same = self.at(own, method, host, &other).is_some_and(|own| own.asks_the_same(route));
        (!is_wider || asks_the_same).then_some(route)
    }

    /// A route of the most specific place that the path is in.
    fn place(&self, host: Option<&str>, path: &RequestPath<'_>) -> Option<&Arc<Route>> {
        self.0.iter().find(|route| route.matches_place(host, path))
    }

    /// The route for the method among those of one place.
    fn at(&self, place: &Route, method: &Method, host: Option<&str>, path: &RequestPath<'_>) -> Option<&Arc<Route>> {
        let mut here = self.0.iter().filter(|route| route.rank == place.rank && route.matches_place(host, path));
        here.find(|route| route.allows_method(method))
    }
}

/// Each route must have a name of its own, and match something that no other matches in the same way.
fn told_apart(routes: &[RouteSettings]) -> Result<(), GateError> {
    for (at, route) in routes.iter().enumerate() {
        for earlier in routes.iter().take(at) {
            if earlier.name == route.name {
                return Err(GateError::DuplicateRoute { route: route.name.clone() });
            }
            if let Some(place) = earlier.collision(route) {
                let (route, earlier) = (route.name.clone(), earlier.name.clone());
                return Err(GateError::SamePlace { route, earlier, place });
            }
        }
    }
    Ok(())
}

/// The path with a slash at its end where it has none, and without where it has one.
fn with_other_end(path: &str) -> String {
    path.strip_suffix('/').map_or_else(|| [path, "/"].concat(), str::to_owned)
}

/// Whether a request can be for this host, as it is compared. A route for another one would be reached by nobody, and what
/// was meant for it by a wider route.
fn can_be_asked_for(host: &str) -> bool {
    request_host(Some(host), &HeaderMap::new()).is_ok() && without_port(host) == host
}

/// `example.com:8080` -> `example.com`; `[::1]:80` -> `[::1]`. One trailing dot is the same host (RFC 1034, 3.1).
fn without_port(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use bearward_core::Scope;

    use super::*;

    fn route(name: &str, methods: &[Method], hosts: &[&str], path: &str) -> RouteSettings {
        RouteSettings {
            name: name.to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            methods: methods.to_vec(),
            path: PathPattern::parse(path).unwrap(),
            upstream: "u".to_owned(),
            // No two ask for the same.
            access: Access::Token(Requirement { all: vec![Scope::parse(name).unwrap()], ..Requirement::default() }),
            issuers: Vec::new(),
            referential_issuer: None,
        }
    }

    #[test]
    fn the_most_specific_place_decides() {
        let routes = Routes::resolve(
            vec![
                route("all", &[], &[], "/*"),
                route("orders-read", &[Method::GET], &[], "/orders/*"),
                route("orders-write", &[Method::POST], &[], "/orders/*"),
                route("order-lines", &[Method::GET], &[], "/orders/{id}/lines"),
                route("stock", &[], &[], "/orders/stock"),
                route("report", &[], &[], "/report"),
                route("both", &[], &[], "/both"),
                route("both-below", &[], &[], "/both/*"),
                route("shop", &[], &["shop.example.com"], "/*"),
            ],
            &[],
        )
        .unwrap();
        let cases = [
            ("GET", None, "/", Some("all")),
            ("GET", None, "/orders/7", Some("orders-read")),
            ("POST", None, "/orders/7", Some("orders-write")),
            // It must not fall through to "all".
            ("DELETE", None, "/orders/7", None),
            ("GET", None, "/orders/7/lines", Some("order-lines")),
            ("POST", None, "/orders/7/lines", None),
            ("DELETE", None, "/orders/stock", Some("stock")),
            ("GET", None, "/orders", None),
            ("GET", None, "/orders/stock/", None),
            ("GET", None, "/stock", Some("all")),
            ("GET", None, "/report", Some("report")),
            ("GET", None, "/report/", None),
            ("GET", None, "/both", Some("both")),
            ("GET", None, "/both/", Some("both-below")),
            ("GET", Some("shop.example.com"), "/orders/7", Some("shop")),
            ("GET", Some("SHOP.example.com.:8080"), "/orders/7", Some("shop")),
            ("GET", Some("shop.example.com.evil.example"), "/orders/7", Some("orders-read")),
            ("GET", Some("[::1]:8080"), "/orders/7", Some("orders-read")),
        ];
        for (method, host, path, expected) in cases {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let found = routes.find(&method, host, &RequestPath::parse(path.as_bytes()).unwrap());
            assert_eq!(found.map(|route| route.name()), expected, "{method} {host:?} {path}");
        }
    }

    #[test]
    fn a_host_is_one_that_can_be_asked_for() {
        for host in ["a", "a.example", "A.example", "my_service", "127.0.0.1", "[::1]"] {
            assert!(Routes::resolve(vec![route("a", &[], &[host], "/*")], &[]).is_ok(), "{host}");
        }
        let wrong =
            ["", "a:8443", "a.", "*.a", "a b", "https://a", "u@a", "a/b", ".a", "a..b", "::1", "[::1]:80", "\u{e4}"];
        for host in wrong {
            let resolved = Routes::resolve(vec![route("a", &[], &["a", host], "/*")], &[]);
            assert!(matches!(resolved, Err(GateError::Host { .. })), "{host}");
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
            assert_eq!(Routes::resolve(vec![a, b], &[]).is_err(), expected.is_some());
        }
    }

    #[test]
    fn a_slash_at_the_end_opens_no_other_door() {
        let guarded = |scope: &str| {
            Access::Token(Requirement { all: vec![Scope::parse(scope).unwrap()], ..Requirement::default() })
        };
        let with = |name: &str, path: &str, access: Access| RouteSettings { access, ..route(name, &[], &[], path) };
        let routes = Routes::resolve(
            vec![
                with("admin", "/admin/*", guarded("admin")),
                with("page", "/{page}", Access::Open),
                with("report", "/report", guarded("report")),
                with("tenant", "/{tenant}/*", guarded("tenant")),
                with("orders", "/orders/*", guarded("orders")),
                with("order", "/orders/{id}/*", guarded("orders")),
            ],
            &[],
        )
        .unwrap();
        for (path, expected) in [
            ("/admin", None),
            ("/admin/", Some("admin")),
            ("/report", Some("report")),
            ("/report/", None),
            ("/page", Some("page")),
            ("/x/y", Some("tenant")),
            // The two ask for the same, so nothing is gained by the other spelling.
            ("/orders/7", Some("orders")),
            ("/orders/7/", Some("order")),
        ] {
            let found = routes.find(&Method::GET, None, &RequestPath::parse(path.as_bytes()).unwrap());
            assert_eq!(found.map(|route| route.name()), expected, "{path}");
        }
    }
}
