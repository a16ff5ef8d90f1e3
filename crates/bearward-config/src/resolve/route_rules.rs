//! Which routes get in each other's way.

use bearward_gate::RouteSettings;

use crate::place::{At, Complaint};
use crate::reader::Reading;

/// Notes each route that matches what an earlier one matches as well. Only one of the two can ever be reached, and its
/// author may have meant the other, whose access is another.
pub(super) fn told_apart(reading: &Reading<'_>, routes: &[At<RouteSettings>]) {
    for (index, route) in routes.iter().enumerate() {
        let earlier = routes.iter().take(index).find_map(|earlier| {
            let shared = shared(&earlier.value, &route.value)?;
            Some((earlier, shared))
        });
        if let Some((earlier, shared)) = earlier {
            let complaint =
                Complaint::new(format!("matches {shared}, as the route `{}` above does already", earlier.value.name));
            reading.error(&route.place, complaint.hint("join the two, or give them other hosts, methods or paths"));
        }
    }
}

/// What two routes match with the same precedence, if anything.
///
/// The gate lets a route that names its hosts go before one that does not, and likewise with methods. So only routes
/// that both name them, or both do not, can collide there.
fn shared(a: &RouteSettings, b: &RouteSettings) -> Option<String> {
    if a.path != b.path {
        return None;
    }
    let host = common(&a.hosts, &b.hosts)?;
    let method = common(&a.methods, &b.methods)?;
    let method = method.map_or_else(String::new, |method| format!("{method} "));
    Some(format!("{method}{}{}", host.map_or("", String::as_str), b.path))
}

/// `None` where nothing is in both; `Some(None)` where both are empty and stand for everything.
fn common<'a, T: PartialEq>(a: &'a [T], b: &[T]) -> Option<Option<&'a T>> {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Some(None),
        _ => a.iter().find(|element| b.contains(element)).map(Some),
    }
}
