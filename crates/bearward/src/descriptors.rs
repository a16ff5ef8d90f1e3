//! The descriptors that the process may open, and who gets how many of them.
//!
//! Clients, upstreams, issuers and the admin server share one table. Where it is too small for what is configured, the
//! clients get less, so that it is never they who keep the gateway from its issuers and its liveness probe from an
//! answer.

use bearward_proxy::ProxySettings;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is kept for the admin server, connections to issuers, files and the runtimes: enough for all of them at once.
/// Of a small table it is half.
const KEPT: u64 = 256;

/// The most connections to the admin server: half of what is kept. One of them makes room for the next.
const ADMIN_PLACES: usize = 128;

/// Lets the process open as many files as it is allowed to, and the clients no more connections than that is good for. Gives
/// the number of connections to the admin server.
pub(crate) fn share_out(proxy: &mut ProxySettings) -> usize {
    let Some(limit) = raise() else { return ADMIN_PLACES };
    let share = Share::of(limit, proxy.max_connections, proxy.keepalive_pool);
    if share.max_connections < proxy.max_connections {
        tracing::warn!(
            limit,
            configured = proxy.max_connections,
            max_connections = share.max_connections,
            keepalive_pool = share.keepalive_pool,
            "too few files may be open (ulimit -n) for [server] max_connections; it is lowered"
        );
    }
    (proxy.max_connections, proxy.keepalive_pool) = (share.max_connections, share.keepalive_pool);
    share.admin_places
}

/// Raises the soft limit to the hard one; what it is then, unless there is none.
///
/// The soft limit is low for the sake of programs that use select(2), and everybody else may raise it.
fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::debug!(%error, "cannot raise the number of files that may be open");
            current
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    admin_places: usize,
    max_connections: usize,
    keepalive_pool: usize,
}

impl Share {
    /// Of `limit` descriptors. A connection takes one, and a second one for the upstream; idle connections to upstreams
    /// take one each, and get no more than a quarter.
    fn of(limit: u64, max_connections: usize, keepalive_pool: usize) -> Self {
        let kept = KEPT.min(limit / 2);
        let ours = usize::try_from(limit - kept).unwrap_or(usize::MAX);
        let admin_places = usize::try_from(kept / 2).unwrap_or(ADMIN_PLACES).clamp(1, ADMIN_PLACES);
        let keepalive_pool = keepalive_pool.min(ours / 4);
        let max_connections = max_connections.min((ours - keepalive_pool) / 2).max(1);
        Self { admin_places, max_connections, keepalive_pool }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_upstreams_get_what_is_left_of_a_table() {
        for (limit, max_connections, keepalive_pool, admin_places) in [
            (u64::MAX, 10_000, 512, 128),
            (1 << 20, 10_000, 512, 128),
            (20_768, 10_000, 512, 128),
            (20_766, 9_999, 512, 128),
            (4_096, 1_664, 512, 128),
            (1_024, 288, 192, 128),
            (80, 15, 10, 20),
            (1, 1, 0, 1),
            (0, 1, 0, 1),
        ] {
            let share = Share::of(limit, 10_000, 512);
            assert_eq!(share, Share { admin_places, max_connections, keepalive_pool }, "{limit}");
        }
        // What is configured is never exceeded.
        let share = Share { admin_places: 128, max_connections: 3, keepalive_pool: 0 };
        assert_eq!(Share::of(1 << 20, 3, 0), share);
    }
}
