//! From the configuration's words for the proxy to the proxy's own: the reader of configurations knows no proxy.

use bearward_config as config;
use bearward_proxy::{AuthorizationMode, ProxySettings, UpstreamSettings};

/// The same settings, as the proxy takes them.
pub(crate) fn of(settings: config::ProxySettings) -> ProxySettings {
    let config::ProxySettings { listen, threads, max_header_bytes, upstreams, drain, keepalive_pool } = settings;
    let upstreams = upstreams.into_iter().map(upstream).collect();
    ProxySettings { listen, threads, max_header_bytes, upstreams, drain, keepalive_pool }
}

fn upstream(settings: config::UpstreamSettings) -> UpstreamSettings {
    UpstreamSettings {
        name: settings.name,
        servers: settings.servers,
        authorization: match settings.authorization {
            config::AuthorizationMode::Remove => AuthorizationMode::Remove,
            config::AuthorizationMode::Forward => AuthorizationMode::Forward,
            config::AuthorizationMode::Replace(value) => AuthorizationMode::Replace(value),
        },
        connect_timeout: settings.connect_timeout,
        read_timeout: settings.read_timeout,
        write_timeout: settings.write_timeout,
        idle_timeout: settings.idle_timeout,
    }
}
