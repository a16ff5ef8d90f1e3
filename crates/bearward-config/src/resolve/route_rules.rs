//! Routes that conflict.

mod spellings;

use bearward_core::Access;
use bearward_gate::RouteSettings;
use bearward_proxy::{AuthorizationMode, UpstreamSettings};

use crate::location::{Diagnostic, Layer, Located, Step, quote};
use crate::reader::Reader;

pub(super) use spellings::warn_of_other_spellings;

/// Reports each route that matches the same requests as an earlier one. Only one of the two can ever decide, and the author may
/// have meant the other, with another access.
pub(super) fn report_collisions(reader: &Reader<'_>, routes: &[Located<RouteSettings>]) {
    for (index, route) in routes.iter().enumerate() {
        let before = || routes.iter().take(index);
        if let Some(earlier) = before().find(|earlier| earlier.value.differs_in_case(&route.value)) {
            let message = format!(
                "matches the same requests as the route {} above, and only one of the two ignores case",
                quote(&earlier.value.name)
            );
            let hint = "set `ignore_case = true` for both or for neither; another spelling would lead past one of them";
            reader.error(&route.location, Diagnostic::new(message).hint(hint));
            continue;
        }
        let earlier = before().find_map(|earlier| {
            let shared = earlier.value.collision(&route.value)?;
            Some((earlier, shared))
        });
        if let Some((earlier, shared)) = earlier {
            let diagnostic =
                Diagnostic::new(format!("matches {shared}, as the route `{}` above does already", earlier.value.name));
            reader.error(&route.location, diagnostic.hint("join the two, or give them other hosts, methods or paths"));
        }
    }
}

/// Warns of each open route that leads to an upstream that receives the client's token: there it looks like a
/// verified one.
pub(super) fn warn_of_unverified_tokens(
    reader: &Reader<'_>,
    routes: &[Located<RouteSettings>],
    upstreams: &[Located<UpstreamSettings>],
) {
    let forwards = |name: &str| {
        let mut named = upstreams.iter().filter(|upstream| upstream.value.name == name);
        named.any(|upstream| matches!(upstream.value.authorization, AuthorizationMode::Forward))
    };
    for route in routes {
        let RouteSettings { access, name, upstream, .. } = &route.value;
        if *access != Access::Open || !forwards(upstream) {
            continue;
        }
        let message = format!(
            "the open route {} passes on a token that was not verified: its upstream {} has `authorization = \"forward\"`",
            quote(name),
            quote(upstream)
        );
        let hint = "set `optional = true` in place of `open = true`, so that a token that is sent must hold, or give the route an \
                    upstream that does not get the token";
        let location = route.location.step(Step::Key("open".to_owned()), Layer::File);
        reader.warning(&location.key(), Diagnostic::new(message).hint(hint));
    }
}
