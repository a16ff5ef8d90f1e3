//! Which routes get in each other's way.

use bearward_gate::RouteSettings;

use crate::place::{At, Complaint};
use crate::reader::Reading;

/// Notes each route that matches what an earlier one matches as well. Only one of the two can ever be reached, and its
/// author may have meant the other, whose access is another.
pub(super) fn told_apart(reading: &Reading<'_>, routes: &[At<RouteSettings>]) {
    for (index, route) in routes.iter().enumerate() {
        let earlier = routes.iter().take(index).find_map(|earlier| {
            let shared = earlier.value.collision(&route.value)?;
            Some((earlier, shared))
        });
        if let Some((earlier, shared)) = earlier {
            let complaint =
                Complaint::new(format!("matches {shared}, as the route `{}` above does already", earlier.value.name));
            reading.error(&route.place, complaint.hint("join the two, or give them other hosts, methods or paths"));
        }
    }
}
