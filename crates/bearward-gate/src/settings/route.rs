//! What is configured of one route.

use bearward_core::{Access, Host, PathPattern};
use http::Method;

/// One route: what it matches, where it leads, and the access it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteSettings {
    /// The name in logs and metrics; unique.
    pub name: String,
    /// The hosts it answers for, whatever the port; empty: any.
    pub hosts: Vec<Host>,
    /// The methods it answers for; empty: any.
    pub methods: Vec<Method>,
    /// The paths it answers for.
    pub path: PathPattern,
    /// Whether the path is matched without regard to case (ASCII letters), for upstreams that do the same.
    pub ignore_case: bool,
    /// The name of the upstream it leads to.
    pub upstream: String,
    /// What a caller must show.
    pub access: Access,
    /// The issuers whose tokens it takes, by issuer identifier; empty: all.
    pub issuers: Vec<String>,
    /// The one issuer that answers for referential tokens; needed where several candidates can.
    pub referential_issuer: Option<String>,
}

impl RouteSettings {
    /// A route for every host and method, which takes the tokens of all issuers and names no upstream.
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

    /// What `other` matches with the same precedence as this route, if anything: only one of the two could ever be reached
    /// there, and its author may have meant the other, which may ask for more.
    ///
    /// A route that names its hosts goes before one that does not, and likewise with methods. So only routes that both name
    /// them, or both do not, can collide there.
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

    /// Whether the two stand for the same place, and only one of them whatever the case of its letters: then another
    /// spelling of the place would lead past the other one.
    pub fn differs_in_case(&self, other: &Self) -> bool {
        self.ignore_case != other.ignore_case
            && self.path.eq_ignore_ascii_case(&other.path)
            && common(&self.hosts, &other.hosts, Host::eq).is_some()
    }
}

/// `None` where nothing is in both; `Some(None)` where both are empty and stand for everything.
fn common<'a, T>(a: &'a [T], b: &[T], same: impl Fn(&T, &T) -> bool) -> Option<Option<&'a T>> {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Some(None),
        _ => a.iter().find(|element| b.iter().any(|other| same(element, other))).map(Some),
    }
}
