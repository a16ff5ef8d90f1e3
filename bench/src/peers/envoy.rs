//! Envoy: its filter `jwt_authn`, with or without its cache of verified tokens, and RBAC for the scope.

use std::fs;
use std::process::Command;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{Checks, Place, Remembers, program};
use crate::tokens::{AUDIENCE, ISSUER};

pub(super) fn command(place: &Place<'_>) -> Result<Command> {
    let path = place.site.installed.envoy.clone()?;
    let filters = match place.setup.checks {
        Checks::Nothing => Vec::new(),
        Checks::SelfContained(_) => vec![jwt(place)?, scope()],
        Checks::Referential => bail!("Envoy has no introspection"),
    };
    let config = place.run.join("envoy.json");
    fs::write(&config, configuration(place, filters).to_string())?;
    let threads = place.setup.threads.to_string();
    let base = (place.listen.port()).to_string();
    Ok(program(
        &path,
        &["-c", &config.display().to_string(), "--concurrency", &threads, "--base-id", &base, "-l", "error"],
    ))
}

fn jwt(place: &Place<'_>) -> Result<Value> {
    let keys = fs::read_to_string(place.site.keys.join("keys.json"))?;
    let mut provider = json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": { "inline_string": keys },
        "forward": false,
        "payload_in_metadata": "p",
        "claim_to_headers": [
            { "header_name": "x-auth-subject", "claim_name": "sub" },
            { "header_name": "x-auth-client-id", "claim_name": "client_id" },
            { "header_name": "x-auth-scope", "claim_name": "scope" },
        ],
    });
    if place.setup.remembers != Remembers::Never {
        provider["jwt_cache_config"] = json!({ "jwt_cache_size": 150_000 });
    }
    Ok(filter(
        "envoy.filters.http.jwt_authn",
        "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        json!({
            "providers": { "p": provider },
            "rules": [{ "match": { "prefix": "/" }, "requires": { "provider_name": "p" } }],
        }),
    ))
}

fn scope() -> Value {
    let scope = json!({
        "filter": "envoy.filters.http.jwt_authn",
        "path": [{ "key": "p" }, { "key": "scope" }],
        "value": { "string_match": { "safe_regex": { "regex": "(.* )?read:items( .*)?" } } },
    });
    let policy = json!({ "permissions": [{ "any": true }], "principals": [{ "metadata": scope }] });
    filter(
        "envoy.filters.http.rbac",
        "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        json!({ "rules": { "action": "ALLOW", "policies": { "scope": policy } } }),
    )
}

fn configuration(place: &Place<'_>, mut filters: Vec<Value>) -> Value {
    filters.push(filter(
        "envoy.filters.http.router",
        "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
        json!({ "suppress_envoy_headers": true }),
    ));
    let host = json!({
        "name": "all", "domains": ["*"],
        "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "up", "timeout": "30s" } }],
    });
    let manager = filter(
        "envoy.filters.network.http_connection_manager",
        "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        json!({
            "stat_prefix": "in", "codec_type": "HTTP1", "generate_request_id": false,
            "route_config": { "virtual_hosts": [host] }, "http_filters": filters,
        }),
    );
    let endpoint = json!({ "endpoint": { "address": address(place.site.upstream) } });
    let many = json!({ "max_connections": 20_000, "max_pending_requests": 20_000, "max_requests": 20_000 });
    json!({ "static_resources": {
        "listeners": [{
            "name": "in", "address": address(place.listen), "filter_chains": [{ "filters": [manager] }],
        }],
        "clusters": [{
            "name": "up", "type": "STATIC", "connect_timeout": "2s",
            "circuit_breakers": { "thresholds": [many] },
            "load_assignment": { "cluster_name": "up", "endpoints": [{ "lb_endpoints": [endpoint] }] },
        }],
    } })
}

fn address(of: std::net::SocketAddr) -> Value {
    json!({ "socket_address": { "address": of.ip().to_string(), "port_value": of.port() } })
}

fn filter(name: &str, kind: &str, mut config: Value) -> Value {
    config["@type"] = json!(kind);
    json!({ "name": name, "typed_config": config })
}
