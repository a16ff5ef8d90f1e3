//! Other spellings of a guarded path that a less strict route lets through.
//!
//! Paths are matched letter for letter, and some frameworks are not so strict: they serve `/Admin/x` as `/admin/x`, and
//! `/admin.json` as `/admin`. The gateway cannot know; the author of the routes does.

use std::cmp::Ordering;

use bearward_core::{Access, PathPattern, PatternPart, RequestPath, Requirement};
use bearward_gate::RouteSettings;
use bearward_proxy::UpstreamSettings;

use crate::location::{Diagnostic, Layer, Located, Step, quote};
use crate::reader::Reader;

/// Warns of each route that asks for a token and of which another spelling goes to a route that asks for less and leads to
/// the same servers.
pub(in crate::resolve) fn warn_of_other_spellings(
    reader: &Reader<'_>,
    routes: &[Located<RouteSettings>],
    upstreams: &[Located<UpstreamSettings>],
) {
    for guarded in routes.iter().filter(|route| matches!(route.value.access, Access::Token(_))) {
        let route = &guarded.value;
        let lenient = |path: &String| {
            let lenient = routes.iter().find(|other| {
                can_match(route, &other.value, path, routes)
                    && !asks_as_much(&other.value, route)
                    && share_a_server(&other.value.upstream, &route.upstream, upstreams)
            });
            lenient.map(|lenient| (path.clone(), &lenient.value))
        };
        let case = other_cases(route).iter().find_map(lenient);
        let suffix = with_suffix(&route.path).as_ref().and_then(lenient);
        let Some((_, wider)) = case.as_ref().or(suffix.as_ref()) else { continue };
        let spellings: Vec<String> = [&case, &suffix].into_iter().flatten().map(|(path, _)| quote(path)).collect();
        let less = match wider.access {
            Access::Open | Access::Optional(_) => "asks for no token",
            Access::Token(_) => "does not ask for all that this one asks for",
        };
        let message = format!(
            "{} goes to the route {}, which {less}: some frameworks serve it as the path of this route",
            spellings.join(" or "),
            quote(&wider.name)
        );
        let mut hints = Vec::new();
        if case.is_some() {
            hints.push("set `ignore_case = true` here if the upstream does not tell the case of letters apart");
        }
        if suffix.is_some() {
            hints.push("add a route that guards the suffix if the upstream takes one for a format");
        }
        hints.push("or let the other route ask for as much, or lead to other servers");
        let location = guarded.location.step(Step::Key("path".to_owned()), Layer::File);
        reader.warning(&location, Diagnostic::new(message).hint(hints.join("; ")));
    }
}

/// The path of a route with one literal segment in another case, for each such segment. Empty if the route ignores case.
fn other_cases(route: &RouteSettings) -> Vec<String> {
    let literals = route.path.parts().enumerate().filter_map(|(at, part)| match part {
        PatternPart::Literal(text) if !route.ignore_case => Some((at, in_other_case(text)?)),
        _ => None,
    });
    literals
        .map(|(changed, text)| sample(&route.path, |at, own| if at == changed { text.clone() } else { own.to_owned() }))
        .collect()
}

/// `admin` -> `Admin`, `Admin` -> `admin`; `None` for what has no letters.
fn in_other_case(text: &str) -> Option<String> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (before, rest) = text.split_at(at);
    let (letter, rest) = rest.split_at(1);
    let other =
        if letter == letter.to_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
    Some([before, &other, rest].concat())
}

/// `/admin/*` and `/admin` -> `/admin.json`; `None` if the last segment is not literal or has a suffix already.
fn with_suffix(pattern: &PathPattern) -> Option<String> {
    let mut segments = Vec::new();
    let mut is_literal = false;
    for part in pattern.parts() {
        match part {
            PatternPart::Literal("") | PatternPart::End | PatternPart::Rest => {}
            PatternPart::Literal(text) => (is_literal, _) = (!text.contains('.'), segments.push(text)),
            PatternPart::Any => (is_literal, _) = (false, segments.push("x")),
        }
    }
    is_literal.then(|| format!("/{}.json", segments.join("/")))
}

/// A path that matches the pattern, with its literal segments passed through `literal`.
fn sample(pattern: &PathPattern, literal: impl Fn(usize, &str) -> String) -> String {
    let segments = pattern.parts().enumerate().filter_map(|(at, part)| match part {
        PatternPart::Literal(text) => Some(literal(at, text)),
        PatternPart::Any | PatternPart::Rest => Some("x".to_owned()),
        PatternPart::End => None,
    });
    format!("/{}", segments.collect::<Vec<_>>().join("/"))
}

/// Whether `other` can match a request for the path with a method and a host of `route`.
fn can_match(route: &RouteSettings, other: &RouteSettings, path: &str, routes: &[Located<RouteSettings>]) -> bool {
    let hosts: Vec<Option<&str>> = match route.hosts.is_empty() {
        true => vec![None],
        false => route.hosts.iter().map(|host| Some(host.as_str())).collect(),
    };
    let shares_a_method = route.methods.is_empty()
        || other.methods.is_empty()
        || other.methods.iter().any(|method| route.methods.contains(method));
    // If stricter routes with the same path have all its methods, this one matches nothing. That is rare, and the warning is
    // then superfluous.
    shares_a_method
        && hosts.into_iter().any(|host| {
            let before = |a: &RouteSettings, b: &RouteSettings| {
                let by_host = a.hosts.is_empty().cmp(&b.hosts.is_empty());
                by_host.then_with(|| a.path.precedence().cmp(&b.path.precedence()))
            };
            let mut rivals = routes.iter().map(|rival| &rival.value).filter(|rival| has(rival, host, path));
            has(other, host, path) && rivals.all(|rival| before(rival, other) != Ordering::Less)
        })
}

/// Whether a route has this host and this path.
fn has(route: &RouteSettings, host: Option<&str>, path: &str) -> bool {
    let Ok(path) = RequestPath::parse(path.as_bytes()) else { return false };
    let same = if route.ignore_case { str::eq_ignore_ascii_case } else { str::eq };
    (route.hosts.is_empty() || host.is_some_and(|host| route.hosts.iter().any(|own| own.as_str() == host)))
        && route.path.matches_segments(path.segments(), same)
}

/// Whether every token that suffices for `route` suffices for `guarded`, too.
fn asks_as_much(route: &RouteSettings, guarded: &RouteSettings) -> bool {
    let (Access::Token(asked), Access::Token(needed)) = (&route.access, &guarded.access) else { return false };
    let Requirement { all, any, audiences, claims, implications: _ } = needed;
    // A set of which one is needed is met by each of its scopes, and by each set within it.
    let has_one = |set: &Vec<_>| {
        asked.all.iter().any(|scope| set.contains(scope))
            || asked.any.iter().any(|asked| asked.iter().all(|scope| set.contains(scope)))
    };
    let within = |asked: &[String], needed: &[String]| {
        needed.is_empty() || !asked.is_empty() && asked.iter().all(|name| needed.contains(name))
    };
    all.iter().all(|scope| asked.all.contains(scope))
        && any.iter().all(has_one)
        && within(&asked.audiences, audiences)
        && claims.iter().all(|rule| asked.claims.contains(rule))
        && within(&route.issuers, &guarded.issuers)
}

/// Whether two upstreams are the same or have a server in common.
fn share_a_server(a: &str, b: &str, upstreams: &[Located<UpstreamSettings>]) -> bool {
    let servers = |name: &str| {
        let name = name.to_owned();
        upstreams
            .iter()
            .filter(move |upstream| upstream.value.name == name)
            .flat_map(|upstream| &upstream.value.servers)
    };
    a == b
        || servers(a)
            .any(|server| servers(b).any(|other| (other.host(), other.port()) == (server.host(), server.port())))
}
