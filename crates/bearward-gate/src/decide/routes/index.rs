//! An index of routes: by host, then segment by segment.
//!
//! It gives what a walk over all routes in their order would give, and takes no longer with a thousand of them than with ten.
//! The order of patterns is that of their parts from the left ([`PathPattern::precedence`](bearward_core::PathPattern)), so a
//! tree of parts whose branches are tried in that order finds the most specific pattern first.

use std::cmp::Ordering;
use std::iter;
use std::sync::Arc;

use bearward_core::{AllowedMethods, PathPattern, PatternPart, Segments};
use http::Method;

use super::Route;

/// All routes.
#[derive(Debug)]
pub(super) struct Index {
    /// Routes for certain hosts, which go before the others. The hosts are in lower case and in order.
    hosts: Vec<(Box<str>, Tree)>,
    any_host: Tree,
}

impl Index {
    /// Of all routes, the most specific first.
    pub(super) fn new(routes: &[Arc<Route>]) -> Self {
        let mut index = Self { hosts: Vec::new(), any_host: Tree::default() };
        let mut rank = 0;
        for (at, route) in routes.iter().enumerate() {
            if at.checked_sub(1).and_then(|at| routes.get(at)).is_some_and(|before| !route.same_place(before)) {
                rank += 1;
            }
            if route.hosts.is_empty() {
                index.any_host.insert(rank, route);
            }
            for host in &route.hosts {
                child(&mut index.hosts, host.as_str().to_owned()).insert(rank, route);
            }
        }
        index
    }

    /// The most specific place that has this host and these segments.
    pub(super) fn place(&self, host: Option<&str>, segments: Segments<'_>) -> Option<&Place> {
        let own = host.and_then(|host| look_up(&self.hosts, host, ignoring_case));
        own.and_then(|tree| tree.place(segments.clone())).or_else(|| self.any_host.place(segments))
    }
}

/// The routes of one host: those whose literal text is compared letter for letter, and those where case does not matter.
#[derive(Debug, Default)]
struct Tree {
    exact: Node,
    any_case: Node,
}

impl Tree {
    fn insert(&mut self, rank: usize, route: &Arc<Route>) {
        let (mut node, text): (_, fn(&str) -> String) = match route.ignore_case {
            false => (&mut self.exact, str::to_owned),
            true => (&mut self.any_case, str::to_ascii_lowercase),
        };
        for part in route.path.parts() {
            match part {
                PatternPart::Literal(literal) => node = child(&mut node.literals, text(literal)),
                PatternPart::Any => node = node.any.get_or_insert_default(),
                PatternPart::End => Place::add(&mut node.end, rank, route),
                PatternPart::Rest => Place::add(&mut node.rest, rank, route),
            }
        }
    }

    fn place(&self, segments: Segments<'_>) -> Option<&Place> {
        let exact = self.exact.place(segments.clone(), |own, segment| own.cmp(segment));
        let any_case = self.any_case.place(segments, ignoring_case);
        match (exact, any_case) {
            (Some(exact), Some(any_case)) => Some(if any_case.rank < exact.rank { any_case } else { exact }),
            (exact, any_case) => exact.or(any_case),
        }
    }
}

/// What patterns that begin alike go on with.
#[derive(Debug, Default)]
struct Node {
    /// In order.
    literals: Vec<(Box<str>, Node)>,
    any: Option<Box<Node>>,
    end: Option<Place>,
    rest: Option<Place>,
}

impl Node {
    /// The most specific place below. It calls itself once a segment, and no deeper than the longest pattern.
    fn place(&self, mut segments: Segments<'_>, order: fn(&str, &str) -> Ordering) -> Option<&Place> {
        let Some(segment) = segments.next() else { return self.end.as_ref() };
        let literal = look_up(&self.literals, segment, order).and_then(|node| node.place(segments.clone(), order));
        let any = || self.any.as_ref().filter(|_| !segment.is_empty())?.place(segments, order);
        literal.or_else(any).or(self.rest.as_ref())
    }
}

/// The routes for one host and one pattern, which only the method tells apart.
#[derive(Debug)]
pub(super) struct Place {
    /// Its position among all: the smallest is the most specific. Places that share no path may share it.
    pub(super) rank: usize,
    /// The methods that it serves, where not every one.
    pub(super) allowed: AllowedMethods,
    first: Arc<Route>,
    others: Vec<Arc<Route>>,
}

impl Place {
    fn add(place: &mut Option<Self>, rank: usize, route: &Arc<Route>) {
        match place {
            None => {
                let allowed = AllowedMethods::new(&route.methods);
                *place = Some(Self { rank, allowed, first: Arc::clone(route), others: Vec::new() });
            }
            // A host may be named twice.
            Some(known) if known.routes().any(|known| Arc::ptr_eq(known, route)) => {}
            Some(known) => {
                known.others.push(Arc::clone(route));
                known.allowed = AllowedMethods::new(known.methods());
            }
        }
    }

    /// The routes, those that name their methods first.
    fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        iter::once(&self.first).chain(&self.others)
    }

    /// One of the routes.
    pub(super) fn first(&self) -> &Arc<Route> {
        &self.first
    }

    /// The route for the method.
    pub(super) fn route(&self, method: &Method) -> Option<&Arc<Route>> {
        self.routes().find(|route| route.allows_method(method))
    }

    /// The methods that its routes name.
    pub(super) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.routes().flat_map(|route| &route.methods)
    }

    /// The pattern of its paths.
    pub(super) fn pattern(&self) -> &PathPattern {
        &self.first.path
    }
}

/// The order of a text in lower case and of any other, when letters are compared without case (ASCII).
fn ignoring_case(lower: &str, other: &str) -> Ordering {
    lower.bytes().cmp(other.bytes().map(|byte| byte.to_ascii_lowercase()))
}

fn look_up<'a, T>(sorted: &'a [(Box<str>, T)], text: &str, order: fn(&str, &str) -> Ordering) -> Option<&'a T> {
    let at = sorted.binary_search_by(|(own, _)| order(own, text)).ok()?;
    sorted.get(at).map(|(_, value)| value)
}

/// What stands at the text, made where nothing does.
fn child<T: Default>(sorted: &mut Vec<(Box<str>, T)>, text: String) -> &mut T {
    let at = sorted.partition_point(|(own, _)| **own < *text);
    if sorted.get(at).is_none_or(|(own, _)| **own != *text) {
        sorted.insert(at, (text.into(), T::default()));
    }
    #[allow(clippy::indexing_slicing, reason = "it was found there, or has just been put there")]
    &mut sorted[at].1
}
