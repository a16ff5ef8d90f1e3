//! From the configuration's words for the proxy to the proxy's own: the reader of configurations knows no proxy.

use bearward_config as config;
use bearward_proxy::{AuthorizationMode, ProxySettings, UpstreamSettings};

/// The same settings, as the proxy takes them.
pub(crate) fn of(settings: config::ProxySettings) -> ProxySettings {
    let config::ProxySettings { listen, threads, max_connections, max_header_bytes, upstreams, drain, keepalive_pool } =
        settings;
    let upstreams = upstreams.into_iter().map(upstream).collect();
    ProxySettings { listen, threads, max_connections, max_header_bytes, upstreams, drain, keepalive_pool }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::path::Path;

    use bearward_config::{Overrides, parse};

    use super::*;

    #[test]
    fn what_a_configuration_does_not_say_is_as_in_a_proxy_that_is_built_in_code() {
        let text = r#"
            upstreams = [{ name = "orders", servers = ["127.0.0.1:3000"] }]
            routes = [{ path = "/*", upstream = "orders", open = true }]
        "#;
        let config = parse(text, Path::new("config.toml"), &Overrides::default(), []).unwrap();
        let upstream = UpstreamSettings::new("orders", ["127.0.0.1:3000"]);
        let expected = ProxySettings::new(["127.0.0.1:8080".parse().unwrap()], [upstream]);
        assert_eq!(format!("{:#?}", of(config.proxy)), format!("{expected:#?}"));
    }
}
