//! The settings of one route.

use bearward_core::{Access, Host, PathPattern};
use http::Method;

/// One route: the requests that it matches, its upstream, and the access that it requires.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteSettings {
    /// The name in logs and metrics; unique.
    pub name: String,
    /// The hosts that it matches, on any port. Empty means every host.
    pub hosts: Vec<Host>,
    /// The methods that it matches. Empty means every method.
    pub methods: Vec<Method>,
    /// The paths that it matches.
    pub path: PathPattern,
    /// Whether the path matches in any case (ASCII letters), for upstreams that ignore case too.
    pub ignore_case: bool,
    /// The name of the upstream that gets its requests.
    pub upstream: String,
    /// The access that a request needs.
    pub access: Access,
    /// The identifiers of the issuers whose tokens it accepts. Empty means all issuers.
    pub issuers: Vec<String>,
    /// The one issuer that introspects referential tokens. Needed where several issuers of the route could.
    pub referential_issuer: Option<String>,
}

impl RouteSettings {
    /// A route for every host and method that accepts the tokens of all issuers. It has no upstream.
    pub fn new(name: impl Into<String>, path: PathPattern, access: Access) -> Self {
        Self {
            name: name.into(),
            hosts: Vec::new(),
            methods: Vec::new(),
            path,
            ignore_case: false,
            upstream: String::new(),
            access,
            issuers: Vec::new(),
            referential_issuer: None,
        }
    }

    /// What `other` matches with the same precedence as this route, if anything. A request there could only reach one of the
    /// two, and the other may have stricter requirements.
    ///
    /// A route that names hosts takes precedence over one that does not, and the same holds for methods. So two routes collide
    /// only where both name them or neither does.
    pub fn collision(&self, other: &Self) -> Option<String> {
        let ignore_case = self.ignore_case && other.ignore_case;
        if self.path != other.path && !(ignore_case && self.path.eq_ignore_ascii_case(&other.path)) {
            return None;
        }
        let host = common(&self.hosts, &other.hosts, Host::eq)?;
        let method = common(&self.methods, &other.methods, Method::eq)?;
        let method = method.map_or_else(String::new, |method| format!("{method} "));
        Some(format!("{method}{}{}", host.map_or("", Host::as_str), other.path))
    }

    /// Whether the two match the same hosts and paths, and only one of them ignores case. A request in another spelling would
    /// then bypass the other route.
    pub fn differs_in_case(&self, other: &Self) -> bool {
        self.ignore_case != other.ignore_case
            && self.path.eq_ignore_ascii_case(&other.path)
            && common(&self.hosts, &other.hosts, Host::eq).is_some()
    }
}

/// `None` if the lists share no element; `Some(None)` if both are empty, which means everything.
fn common<'a, T>(a: &'a [T], b: &[T], same: impl Fn(&T, &T) -> bool) -> Option<Option<&'a T>> {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Some(None),
        _ => a.iter().find(|element| b.iter().any(|other| same(element, other))).map(Some),
    }
}
