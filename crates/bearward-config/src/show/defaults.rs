//! The effective values of settings that are not set. They come from the resolved configuration, which has them from the
//! constructors of the settings. Where a name is written here, a test reads the output again.

use bearward_core::{Access, ClaimPointer};
use bearward_gate::{IntrospectionKind, IntrospectionSettings, IssuerSettings, RouteSettings};
use bearward_proxy::UpstreamSettings;
use figment::value::{Dict, Tag, Value};

use crate::Config;
use crate::units::{format_duration, format_size};

/// Adds the defaults of all settings that have one and are not set.
pub(super) fn add(values: &mut Dict, config: &Config) {
    for section in ["server", "admin", "log", "cache"] {
        values.insert(section.to_owned(), Value::Dict(Tag::Default, Dict::new()));
    }
    simple_sections(values, config);
    each(values, "issuers", &config.gate.issuers, issuer);
    each(values, "upstreams", &config.proxy.upstreams, upstream);
    each(values, "routes", &config.gate.routes, route);
}

/// The sections that the environment can set. Its values are strings, so the resolved values are shown instead.
fn simple_sections(values: &mut Dict, config: &Config) {
    let (proxy, gate) = (&config.proxy, &config.gate);
    let listen: Vec<String> = proxy.listen.iter().map(ToString::to_string).collect();
    let server = [
        ("listen", listen.into()),
        ("threads", number(proxy.threads)),
        ("max_connections", number(proxy.max_connections)),
        ("max_header_bytes", size(proxy.max_header_bytes)),
        ("max_token_bytes", size(gate.max_token_bytes)),
        ("realm", gate.realm.as_str().into()),
        ("drain", format_duration(proxy.drain).into()),
        ("keepalive_pool", number(proxy.keepalive_pool)),
        ("idle_timeout", format_duration(proxy.idle_timeout).into()),
        ("header_timeout", format_duration(proxy.header_timeout).into()),
        ("body_timeout", format_duration(proxy.body_timeout).into()),
        ("write_timeout", format_duration(proxy.write_timeout).into()),
    ];
    let cache = [
        ("max_entries", number(gate.cache.max_entries)),
        ("max_age", format_duration(gate.cache.max_age).into()),
        ("negative_entries", number(gate.cache.negative_entries)),
    ];
    let unless_unbounded = [
        ("max_connections_per_address", proxy.max_connections_per_address.map(number)),
        ("request_timeout", proxy.request_timeout.map(|wait| format_duration(wait).into())),
    ];
    let unless_unbounded = unless_unbounded.into_iter().filter_map(|(key, value)| Some((key, value?)));
    below_table(values, "server", server.into_iter().chain(unless_unbounded));
    let admin = [("listen", config.admin.listen.to_string().into()), ("ready", config.admin.ready.name().into())];
    below_table(values, "admin", admin);
    let log = [
        ("format", config.log.format.name().into()),
        ("level", config.log.level.as_str().into()),
        ("max_queued_bytes", size(config.log.max_queued_bytes)),
    ];
    below_table(values, "log", log);
    below_table(values, "cache", cache);
}

fn issuer(values: &mut Dict, issuer: &IssuerSettings) {
    let algorithms: Vec<&str> = issuer.algorithms.iter().map(|algorithm| algorithm.name()).collect();
    let own = [
        ("tokens", issuer.tokens.name().into()),
        ("profile", issuer.profile.name().into()),
        ("algorithms", algorithms.into()),
        ("leeway", format_duration(issuer.leeway).into()),
        ("timeout", format_duration(issuer.timeout).into()),
    ];
    below(values, own);
    // A template that cannot be used has been an error before.
    if let Ok(rules) = issuer.rules() {
        let names = |claims: &[ClaimPointer]| claims.iter().map(claim).collect::<Vec<_>>().into();
        let claims =
            [("scope_claims", names(&rules.scope_claims)), ("client_id_claims", names(&rules.client_id_claims))];
        below(values, claims);
    }
    let refresh = [
        ("min", issuer.refresh.min),
        ("max", issuer.refresh.max),
        ("stale", issuer.refresh.stale),
        ("cooldown", issuer.refresh.cooldown),
    ];
    below_table(values, "refresh", refresh.map(|(key, duration)| (key, format_duration(duration).into())));
    if let (Some(asked), Some(Value::Dict(_, values))) = (&issuer.introspection, values.get_mut("introspection")) {
        introspection(values, asked);
    }
}

fn introspection(values: &mut Dict, asked: &IntrospectionSettings) {
    let own = [
        ("kind", asked.kind.name().into()),
        ("cache_ttl", format_duration(asked.cache_ttl).into()),
        ("negative_ttl", format_duration(asked.negative_ttl).into()),
        ("timeout", format_duration(asked.timeout).into()),
        ("max_concurrent", number(asked.max_concurrent)),
        ("breaker_failures", number(asked.breaker_failures)),
        ("breaker_pause", format_duration(asked.breaker_pause).into()),
    ];
    below(values, own);
    if let Some(url) = &asked.url {
        below(values, [("url", url.as_str().into())]);
    }
    // The rest is for endpoints that know clients, and is refused for others.
    if asked.kind != IntrospectionKind::Rfc7662 {
        return;
    }
    let of_clients = [
        ("signed_response", asked.signed_response.name().into()),
        ("bare_answers", asked.bare_answers.into()),
        // The method that the reader assumes if none is set.
        ("auth", "client_secret_basic".into()),
    ];
    below(values, of_clients);
    if matches!(values.get("auth").and_then(Value::as_str), Some("client_secret_jwt" | "private_key_jwt")) {
        below(values, [("assertion_audience", "issuer".into())]);
    }
}

fn upstream(values: &mut Dict, upstream: &UpstreamSettings) {
    let own = [
        ("authorization", upstream.authorization.name().into()),
        ("connect_timeout", format_duration(upstream.connect_timeout).into()),
        ("read_timeout", format_duration(upstream.read_timeout).into()),
        ("write_timeout", format_duration(upstream.write_timeout).into()),
        ("idle_timeout", format_duration(upstream.idle_timeout).into()),
    ];
    below(values, own);
}

fn route(values: &mut Dict, route: &RouteSettings) {
    let open = matches!(route.access, Access::Open);
    let optional = matches!(route.access, Access::Optional(_));
    let own = [
        ("name", route.name.as_str().into()),
        ("ignore_case", route.ignore_case.into()),
        ("open", open.into()),
        ("optional", optional.into()),
    ];
    below(values, own);
}

/// A claim by its plain name, where it has one.
fn claim(claim: &ClaimPointer) -> String {
    let pointer = claim.to_string();
    match pointer.strip_prefix('/') {
        Some(name) if !name.is_empty() && !name.contains(['/', '~']) => name.to_owned(),
        _ => pointer,
    }
}

/// Adds to each table of a list. A configuration without errors has one settings value per table, in the same order.
fn each<T>(values: &mut Dict, key: &str, settings: &[T], add: impl Fn(&mut Dict, &T)) {
    let Some(Value::Array(_, tables)) = values.get_mut(key) else { return };
    for (table, settings) in tables.iter_mut().zip(settings) {
        if let Value::Dict(_, values) = table {
            add(values, settings);
        }
    }
}

fn below_table<'a>(values: &mut Dict, table: &str, defaults: impl IntoIterator<Item = (&'a str, Value)>) {
    let table = values.entry(table.to_owned()).or_insert_with(|| Value::Dict(Tag::Default, Dict::new()));
    if let Value::Dict(_, values) = table {
        below(values, defaults);
    }
}

fn below<'a>(values: &mut Dict, defaults: impl IntoIterator<Item = (&'a str, Value)>) {
    for (key, default) in defaults {
        values.entry(key.to_owned()).or_insert(default);
    }
}

/// The bounds of every setting are far below what TOML can count.
fn number(number: impl TryInto<i64>) -> Value {
    number.try_into().unwrap_or(i64::MAX).into()
}

fn size(bytes: usize) -> Value {
    format_size(bytes as u64).into()
}
