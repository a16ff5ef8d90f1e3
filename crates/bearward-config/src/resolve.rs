//! From values to settings: one module per section, and here what concerns several.

mod claims;
mod contradictions;
mod identity;
mod introspection;
mod issuer_keys;
mod issuer_name;
mod issuer_tokens;
mod issuers;
mod provider_checks;
mod route_match;
mod route_rules;
mod routes;
mod scopes;
mod secret;
mod server;

mod upstreams;
mod urls;

use std::net::SocketAddr;
use std::sync::Arc;

use bearward_core::ScopeImplications;
use bearward_gate::GateSettings;

use self::server::{Admin, Server};
use super::Config;
use super::location::{Diagnostic, Located};
use super::reader::{Reader, Section};

/// Reads everything and reports every mistake. If one was reported, the result holds placeholders and must not be used.
pub(super) fn resolve(reader: &Reader<'_>) -> Config {
    let values = reader.values();
    let mut root = reader.root(&values);
    let server = server::server(root.section_or_empty("server"));
    let admin = server::admin(root.section_or_empty("admin"));
    let log = server::log(root.section_or_empty("log"));
    let cache = server::cache(root.section_or_empty("cache"));
    let identity = identity::headers(root.section_or_empty("identity"));
    let (issuers, providers) = root.sections("issuers").map(issuers::issuers).unzip();
    let upstreams = root.sections("upstreams").map(upstreams::upstreams);
    let scope_implications = scopes::implications(&mut root);
    let implications = Arc::new(ScopeImplications::new(scope_implications.clone()));
    let routes = match (root.sections("routes"), &issuers, &upstreams) {
        (Some(routes), Some(issuers), Some(upstreams)) => {
            routes::routes(reader, routes, routes::Definitions { issuers, upstreams, implications: &implications })
        }
        // Routes that refer to what could not be read are not at fault.
        _ => Vec::new(),
    };
    root.finish();

    listeners(reader, &server, &admin);
    let mut proxy = server.proxy;
    proxy.upstreams = upstreams.into_iter().flatten().map(|upstream| upstream.value).collect();
    let mut gate = GateSettings::new(issuers.into_iter().flatten().map(|issuer| issuer.value).collect(), routes);
    gate.realm = server.realm;
    gate.max_token_bytes = server.max_token_bytes;
    gate.cache = cache;
    gate.identity = identity;
    let providers = providers.unwrap_or_default();
    Config { gate, proxy, admin: admin.settings, log, scope_implications, providers, warnings: Vec::new() }
}

/// Two listeners cannot share an address, and the operating system's own message would name only one of them.
fn listeners(reader: &Reader<'_>, server: &Server, admin: &Admin) {
    let listen = admin.settings.listen;
    if let Some(address) = server.listen.iter().find(|address| overlap(address.value, listen)) {
        let diagnostic = Diagnostic::new(format!("server.listen {} and admin.listen {listen} overlap", address.value));
        let location = admin.location.as_ref().unwrap_or(&address.location);
        reader.error(location, diagnostic.hint("give the admin server a port of its own"));
    }
    if let Some(location) = admin.location.as_ref().filter(|_| !listen.ip().to_canonical().is_loopback()) {
        let diagnostic = Diagnostic::new(format!("the admin server at {listen} can be reached from other machines"));
        let hint = "it asks for no token; restrict it to your monitoring with a firewall or a NetworkPolicy";
        reader.warning(location, diagnostic.hint(hint));
    }
    for (index, address) in server.listen.iter().enumerate() {
        let earlier = server.listen.iter().take(index).find(|earlier| overlap(earlier.value, address.value));
        if let Some(earlier) = earlier {
            reader.error(&address.location, format!("{} and {} overlap", earlier.value, address.value));
        }
    }
}

/// Whether two listeners would conflict.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    // `[::]` takes IPv4 connections too, unless the system is told otherwise.
    let covers = |a: SocketAddr, b: SocketAddr| a.ip().is_unspecified() && (a.is_ipv6() || b.is_ipv4());
    a.port() == b.port() && (a.ip() == b.ip() || covers(a, b) || covers(b, a))
}

/// Sets what the configuration has; otherwise the default stays.
fn set<T>(setting: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *setting = said;
    }
}

/// Reports a name that an earlier entry has.
fn unique<'a>(section: &Section<'_>, name: Option<&Located<String>>, earlier: impl IntoIterator<Item = &'a str>) {
    let Some(name) = name else { return };
    if earlier.into_iter().any(|earlier| earlier == name.value) {
        let diagnostic = Diagnostic::new(format!("another entry of {} has this name", section.location));
        section.reader.error(&name.location, diagnostic.hint("give each its own name"));
    }
}
