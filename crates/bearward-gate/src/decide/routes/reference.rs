//! The index gives what a plain walk over all routes gives, whatever the routes and the request.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::cell::Cell;

use bearward_core::{ClaimPointer, ClaimRule, ClaimTest};
use proptest::prelude::*;

use super::tests::routes_of;
use super::*;
use crate::memory::ProverSetId;

/// The routes in their order, and the rules of the look-up as they are said: no index, and nothing worked out before.
struct Linear(Vec<Route>);

/// What came of a look-up, as it can be compared.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Route(String),
    NoPlace,
    Method(AllowedMethods),
    OtherSpelling(String),
}

impl Linear {
    fn new(settings: &[RouteSettings]) -> Self {
        let mut routes: Vec<Route> = settings
            .iter()
            .map(|route| Route::new(route.clone(), Arc::new(ProverSet::new(ProverSetId(1), Vec::new(), None))))
            .collect();
        routes.sort_by(|a, b| a.before(b));
        Self(routes)
    }

    fn matching<'a>(&'a self, host: Option<&str>, path: &str) -> Vec<&'a Route> {
        let path = RequestPath::parse(path.as_bytes()).unwrap();
        let host = host.map(|host| host.to_ascii_lowercase());
        let fits = |route: &&Route| {
            let is_host = |own: &Host| Some(own.as_str()) == host.as_deref();
            let lower = path.as_str().to_ascii_lowercase();
            let is_path = if route.ignore_case {
                PathPattern::parse(&route.path.to_string().to_ascii_lowercase())
                    .unwrap()
                    .matches(&RequestPath::parse(lower.as_bytes()).unwrap())
            } else {
                route.path.matches(&path)
            };
            (route.hosts.is_empty() || route.hosts.iter().any(is_host)) && is_path
        };
        self.0.iter().filter(fits).collect()
    }

    /// The routes of the most specific place.
    fn place<'a>(&'a self, host: Option<&str>, path: &str) -> Vec<&'a Route> {
        let mut matching = self.matching(host, path);
        if let Some(first) = matching.first().copied() {
            matching.retain(|route| route.same_place(first));
        }
        matching
    }

    fn find(&self, method: &Method, host: Option<&str>, path: &str) -> Found {
        let best = self.place(host, path);
        let Some(first) = best.first() else { return Found::NoPlace };
        let serving = |place: &[&Route], method: &Method| {
            place.iter().find(|route| route.allows_method(method)).map(|route| route.name().to_owned())
        };
        let by_name = |name: &str| self.0.iter().find(|route| route.name() == name).unwrap();
        let other = match path.strip_suffix('/') {
            Some("") => None,
            Some(without) => Some(without.to_owned()),
            None => Some(format!("{path}/")),
        };
        let narrower = other.map(|other| (self.place(host, &other), other)).filter(|(own, other)| {
            let Some(own) = own.first() else { return false };
            let is_before = own
                .hosts
                .is_empty()
                .cmp(&first.hosts.is_empty())
                .then_with(|| own.path.precedence().cmp(&first.path.precedence()));
            let shared = path.split('/').filter(|segment| !segment.is_empty()).count();
            let best_has_both = self.matching(host, other).iter().any(|route| route.name() == first.name());
            is_before == Ordering::Less
                && (best_has_both || own.path.compare_within(&first.path, shared) == Ordering::Less)
        });
        let served = |method: &Method| {
            let route = serving(&best, method)?;
            let Some((narrower, _)) = &narrower else { return Some(route) };
            let own = serving(narrower, method)?;
            by_name(&own).asks_the_same(by_name(&route)).then_some(route)
        };
        if let Some(route) = served(method) {
            return Found::Route(route);
        }
        let all: Vec<Method> =
            best.iter().flat_map(|route| route.methods.clone()).filter(|it| served(it).is_some()).collect();
        match narrower {
            Some((narrower, _)) if all.is_empty() || serving(&best, method).is_some() => {
                Found::OtherSpelling(narrower.first().unwrap().name().to_owned())
            }
            _ => Found::Method(AllowedMethods::new(&all)),
        }
    }
}

fn indexed(routes: &Routes, method: &Method, host: Option<&str>, path: &str) -> Found {
    match routes.find(method, host, &RequestPath::parse(path.as_bytes()).unwrap()) {
        Ok(route) => Found::Route(route.name().to_owned()),
        Err(Miss::NoPlace) => Found::NoPlace,
        Err(Miss::Method { allowed }) => Found::Method(allowed),
        Err(Miss::OtherSpelling { of }) => Found::OtherSpelling(of.name().to_owned()),
    }
}

/// Few words, so that patterns and paths meet.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "A", "b", "aB", "Ab"])
}

fn pattern() -> impl Strategy<Value = String> {
    let segment = prop_oneof![3 => word().prop_map(str::to_owned), 1 => Just("{}".to_owned())];
    let end = prop::sample::select(vec!["", "", "/", "/*"]);
    (prop::collection::vec(segment, 0..4), end).prop_map(|(segments, end)| {
        let named =
            segments.iter().enumerate().map(|(at, text)| format!("/{}", text.replace("{}", &format!("{{n{at}}}"))));
        let text = named.collect::<String>() + end;
        if text.is_empty() { "/".to_owned() } else { text }
    })
}

fn methods(names: &'static [&'static str]) -> impl Strategy<Value = Vec<Method>> {
    prop::sample::subsequence(names.to_vec(), 0..=2)
        .prop_map(|names| names.iter().map(|name| Method::from_bytes(name.as_bytes()).unwrap()).collect())
}

/// Routes that are accepted together, most of which ask for something of their own.
fn routes() -> impl Strategy<Value = Vec<RouteSettings>> {
    let hosts = prop::sample::subsequence(vec!["x.example", "Y.example", "z.example"], 0..=2);
    let route = (pattern(), methods(&["GET", "POST", "PURGE"]), hosts, any::<bool>(), 0..3_u8);
    prop::collection::vec(route, 0..24).prop_map(|routes| {
        let mut accepted: Vec<RouteSettings> = Vec::new();
        for (at, (path, methods, hosts, ignore_case, asks)) in routes.into_iter().enumerate() {
            let claim = ClaimRule { claim: ClaimPointer::member(&format!("c{asks}")), test: ClaimTest::Exists };
            let access = match asks {
                0 => Access::Open,
                _ => Access::Token(Requirement { claims: vec![claim], ..Requirement::default() }),
            };
            let route = RouteSettings {
                name: format!("r{at}"),
                hosts: hosts.into_iter().map(|host| Host::parse(host).unwrap()).collect(),
                methods,
                path: PathPattern::parse(&path).unwrap(),
                ignore_case,
                upstream: String::new(),
                access,
                issuers: Vec::new(),
                referential_issuer: None,
            };
            accepted.push(route);
            if routes_of(accepted.clone()).is_err() {
                accepted.pop();
            }
        }
        accepted
    })
}

fn request() -> impl Strategy<Value = (Method, Option<&'static str>, String)> {
    let method = prop::sample::select(vec![Method::GET, Method::POST, Method::DELETE]);
    let host = prop::sample::select(vec![
        None,
        Some("x.example"),
        Some("X.EXAMPLE"),
        Some("y.example"),
        Some("other.example"),
    ]);
    let path = (prop::collection::vec(word(), 0..5), any::<bool>()).prop_map(|(words, slash)| {
        let path: String = words.iter().map(|word| format!("/{word}")).collect();
        if slash || path.is_empty() { path + "/" } else { path }
    });
    (method, host, path)
}

#[test]
fn the_index_gives_what_a_walk_over_all_routes_gives() {
    // What came of the look-ups, so that the test sees every kind.
    let counts: [Cell<u32>; 4] = Default::default();
    proptest!(ProptestConfig::with_cases(1_000), |(
        settings in routes(), requests in prop::collection::vec(request(), 1..40),
    )| {
        let linear = Linear::new(&settings);
        let routes = routes_of(settings).unwrap();
        for (method, host, path) in requests {
            let expected = linear.find(&method, host, &path);
            let count = match expected {
                Found::Route(_) => &counts[0],
                Found::NoPlace => &counts[1],
                Found::Method(_) => &counts[2],
                Found::OtherSpelling(_) => &counts[3],
            };
            count.set(count.get() + 1);
            prop_assert_eq!(indexed(&routes, &method, host, &path), expected, "{} {:?} {}", method, host, path);
        }
    });
    assert!(counts.iter().all(|count| count.get() > 100), "{counts:?}");
}

#[test]
fn a_thousand_routes_are_told_apart() {
    let route = |at: usize| RouteSettings {
        name: format!("r{at}"),
        hosts: Vec::new(),
        methods: vec![Method::GET],
        path: PathPattern::parse(&format!("/tenants/t{at}/orders/*")).unwrap(),
        ignore_case: at.is_multiple_of(2),
        upstream: String::new(),
        access: Access::Open,
        issuers: Vec::new(),
        referential_issuer: None,
    };
    let routes = routes_of((0..1_000).map(route).collect()).unwrap();
    for at in 0..1_000_u32 {
        let found = indexed(&routes, &Method::GET, None, &format!("/tenants/t{at}/orders/7"));
        assert_eq!(found, Found::Route(format!("r{at}")));
        let found = indexed(&routes, &Method::GET, None, &format!("/TENANTS/T{at}/orders/7"));
        assert_eq!(found, if at.is_multiple_of(2) { Found::Route(format!("r{at}")) } else { Found::NoPlace });
    }
    assert_eq!(indexed(&routes, &Method::GET, None, "/tenants/t1000/orders/7"), Found::NoPlace);
}
