//! What a configuration means: the output of `bearward check`.

mod issuers;

use std::fmt::Write as _;

use bearward_core::{Access, ClaimRule, Host, Scope, Server};
use bearward_gate::{GateSettings, RouteSettings};
use bearward_proxy::AuthorizationMode;
use http::Method;

use crate::Config;
use crate::redact::without_queries;
use crate::table::table;

/// Describes what the configuration opens, and to whom. It holds no secrets.
pub fn report(config: &Config) -> String {
    let mut report = String::new();
    let mut section = |title: &str, body: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(report, "{title}");
        for line in body.lines() {
            let _ = writeln!(report, "{}", format!("  {line}").trim_end());
        }
        let _ = writeln!(report);
    };
    section("Listeners", &listeners(config));
    section("Issuers", &issuers::issuers(config));
    section("Upstreams", &upstreams(config));
    section("Routes (the most specific one decides)", &routes(&config.gate));
    if !config.scope_implications.is_empty() {
        section("Scopes that stand for others", &implications(config));
    }
    if !config.warnings.is_empty() {
        let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
        section("Warnings", &warnings.join("\n\n"));
    }
    let optional = without_token(&config.gate, |access| matches!(access, Access::Optional(_)));
    if !optional.is_empty() {
        section("Optional routes: these answer WITHOUT a token too; one that is sent must hold", &optional);
    }
    let open = without_token(&config.gate, |access| matches!(access, Access::Open));
    match (open.is_empty(), optional.is_empty()) {
        (true, true) => section("Open routes: none. Every request that is let through has a valid token.", ""),
        (true, false) => {
            section("Open routes: none. Every request that is let through has a valid token, or none.", "")
        }
        (false, _) => section("Open routes: these let every caller in, WITHOUT a token", &open),
    }
    report.truncate(report.trim_end().len());
    report.push('\n');
    // A query may hold keys, wherever its URL is.
    without_queries(&report)
}

fn listeners(config: &Config) -> String {
    let requests = config.proxy.listen.iter().map(|address| ["requests".to_owned(), address.to_string()]);
    let admin = ["health, metrics".to_owned(), config.admin.listen.to_string()];
    table(&requests.chain([admin]).collect::<Vec<_>>())
}

fn upstreams(config: &Config) -> String {
    let heading = ["NAME", "SERVERS", "AUTHORIZATION"].map(str::to_owned);
    let is_open = |upstream: &str| {
        let mut leading = config.gate.routes.iter().filter(|route| route.upstream == upstream);
        leading.any(|route| matches!(route.access, Access::Open))
    };
    let rows = config.proxy.upstreams.iter().map(|upstream| {
        let authorization = match upstream.authorization {
            AuthorizationMode::Remove => "removed",
            AuthorizationMode::Forward if is_open(&upstream.name) => {
                "forwarded: the upstream sees the token, of open routes one that was NOT verified"
            }
            AuthorizationMode::Forward => "forwarded: the upstream sees the token",
            _ => "replaced by the gateway's own",
        };
        [
            upstream.name.clone(),
            upstream.servers.iter().map(Server::as_str).collect::<Vec<_>>().join(" "),
            authorization.to_owned(),
        ]
    });
    table(&[heading].into_iter().chain(rows).collect::<Vec<_>>())
}

fn routes(gate: &GateSettings) -> String {
    let heading = ["METHODS", "HOST", "PATH", "UPSTREAM", "ACCESS"].map(str::to_owned);
    let rows = gate.routes.iter().map(|route| {
        let path = format!("{}{}", route.path, if route.ignore_case { " (any case)" } else { "" });
        [methods(route), hosts(route), path, route.upstream.clone(), access(route, gate)]
    });
    table(&[heading].into_iter().chain(rows).collect::<Vec<_>>())
}

fn access(route: &RouteSettings, gate: &GateSettings) -> String {
    let (requirement, before) = match &route.access {
        Access::Open => return "OPEN: no token needed".to_owned(),
        Access::Optional(requirement) => (requirement, "OPTIONAL: no token, or "),
        Access::Token(requirement) => (requirement, ""),
    };
    let mut needs = Vec::new();
    if !requirement.all.is_empty() {
        needs.push(format!("scopes: {}", scopes(&requirement.all)));
    }
    needs.extend(requirement.any.iter().map(|set| format!("one scope of: {}", scopes(set))));
    if !requirement.claims.is_empty() {
        needs.push(format!("claims: {}", claim_rules(&requirement.claims)));
    }
    if needs.is_empty() {
        needs.push("any valid token".to_owned());
    }
    if !requirement.audiences.is_empty() {
        needs.push(format!("audience: {}", requirement.audiences.join(" or ")));
    }
    if !route.issuers.is_empty() && gate.issuers.len() > 1 {
        needs.push(format!("issuer: {}", route.issuers.join(" or ")));
    }
    format!("{before}{}", needs.join("; "))
}

fn implications(config: &Config) -> String {
    let rows = config.scope_implications.iter().map(|(scope, implied)| [scope.to_string(), scopes(implied)]);
    table(&rows.collect::<Vec<_>>())
}

fn scopes(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
}

/// Conditions on claims in words. Texts are in quotes: `"1"` is not `1`.
fn claim_rules(rules: &[ClaimRule]) -> String {
    rules.iter().map(ClaimRule::to_string).collect::<Vec<_>>().join(" and ")
}

/// The routes with such access, one per line.
fn without_token(gate: &GateSettings, is_such: impl Fn(&Access) -> bool) -> String {
    let line = |route: &RouteSettings| {
        let host = if route.hosts.is_empty() { String::new() } else { hosts(route) };
        format!("{} {host}{} -> {}", methods(route), route.path, route.upstream)
    };
    gate.routes.iter().filter(|route| is_such(&route.access)).map(line).collect::<Vec<_>>().join("\n")
}

fn methods(route: &RouteSettings) -> String {
    let methods = route.methods.iter().map(Method::as_str).collect::<Vec<_>>().join(",");
    if methods.is_empty() { "any".to_owned() } else { methods }
}

fn hosts(route: &RouteSettings) -> String {
    if route.hosts.is_empty() {
        "any".to_owned()
    } else {
        route.hosts.iter().map(Host::as_str).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::path::Path;

    use crate::{Overrides, parse};

    use super::*;

    fn reported(text: &str) -> String {
        report(&parse(text, Path::new("config.toml"), &Overrides::default(), []).unwrap())
    }

    #[test]
    fn what_is_open_and_what_is_odd_is_told() {
        let text = r#"
            admin = { listen = "0.0.0.0:9700" }
            upstreams = [{ name = "site", servers = ["127.0.0.1:3000", "127.0.0.1:3001"], authorization = "forward" }]
            routes = [
                { path = "/*", upstream = "site", open = true },
                { path = "/*", upstream = "site", open = true, host = "a.example.com", methods = ["GET", "HEAD"] },
            ]
        "#;
        insta::assert_snapshot!(reported(text), @r#"
        Listeners
          requests         127.0.0.1:8080
          health, metrics  0.0.0.0:9700

        Issuers
          none: no token is accepted

        Upstreams
          NAME  SERVERS                        AUTHORIZATION
          site  127.0.0.1:3000 127.0.0.1:3001  forwarded: the upstream sees the token, of open routes one that was NOT verified

        Routes (the most specific one decides)
          METHODS   HOST           PATH  UPSTREAM  ACCESS
          any       any            /*    site      OPEN: no token needed
          GET,HEAD  a.example.com  /*    site      OPEN: no token needed

        Warnings
          config.toml:2:32: warning: the admin server at 0.0.0.0:9700 can be reached from other machines
            2 |             admin = { listen = "0.0.0.0:9700" }
              |                                ^^^^^^^^^^^^^^
            hint: it asks for no token; restrict it to your monitoring with a firewall or a NetworkPolicy

          config.toml:5:51: warning: the open route `/*` passes on a token that was not verified: its upstream `site` has `authorization = "forward"`
            5 |                 { path = "/*", upstream = "site", open = true },
              |                                                   ^^^^
            hint: set `optional = true` in place of `open = true`, so that a token that is sent must hold, or give the route an upstream that does not get the token

          config.toml:6:51: warning: the open route `GET,HEAD a.example.com/*` passes on a token that was not verified: its upstream `site` has `authorization = "forward"`
            6 |                 { path = "/*", upstream = "site", open = true, host = "a.example.com", methods = ["GET", "HEAD"] },
              |                                                   ^^^^
            hint: set `optional = true` in place of `open = true`, so that a token that is sent must hold, or give the route an upstream that does not get the token

        Open routes: these let every caller in, WITHOUT a token
          any /* -> site
          GET,HEAD a.example.com/* -> site
        "#);
    }

    #[test]
    fn optional_routes_are_told_apart_from_open_ones() {
        let routes = r#"
            issuers = [{ issuer = "https://auth.example.com", audiences = ["a"] }]
            upstreams = [{ name = "site", servers = ["127.0.0.1:3000"] }]
            routes = [
                { path = "/catalog/*", upstream = "site", optional = true },
                { path = "/orders/*", upstream = "site", optional = true, scopes = ["a"], methods = ["GET"] },
                OPEN
            ]
        "#;
        let end =
            |report: String| report.split_once("\nRoutes (the most specific one decides)\n").unwrap().1.to_owned();
        insta::assert_snapshot!(end(reported(&routes.replace("OPEN", ""))), @"
          METHODS  HOST  PATH        UPSTREAM  ACCESS
          any      any   /catalog/*  site      OPTIONAL: no token, or any valid token
          GET      any   /orders/*   site      OPTIONAL: no token, or scopes: a

        Optional routes: these answer WITHOUT a token too; one that is sent must hold
          any /catalog/* -> site
          GET /orders/* -> site

        Open routes: none. Every request that is let through has a valid token, or none.
        ");
        let open = end(reported(&routes.replace("OPEN", "{ path = \"/\", upstream = \"site\", open = true }")));
        insta::assert_snapshot!(open.split_once("\nOptional routes").unwrap().1, @"
        : these answer WITHOUT a token too; one that is sent must hold
          any /catalog/* -> site
          GET /orders/* -> site

        Open routes: these let every caller in, WITHOUT a token
          any / -> site
        ");
    }

    #[test]
    fn nothing_open_is_told_too() {
        let text = r#"
            issuers = [{ issuer = "https://auth.example.com", audiences = ["a", "b"], algorithms = ["ES256"] }]
            upstreams = [{ name = "site", servers = ["127.0.0.1:3000"] }]
            routes = [{ path = "/*", upstream = "site", scopes = ["a"], any_scope = ["b", "c"], audiences = ["a"] }]
        "#;
        insta::assert_snapshot!(reported(text), @"
        Listeners
          requests         127.0.0.1:8080
          health, metrics  127.0.0.1:9700

        Issuers
          https://auth.example.com
            profile        rfc9068
            audiences      a b
            algorithms     ES256
            keys           from the issuer's metadata
            introspection  no: referential tokens are refused

        Upstreams
          NAME  SERVERS         AUTHORIZATION
          site  127.0.0.1:3000  removed

        Routes (the most specific one decides)
          METHODS  HOST  PATH  UPSTREAM  ACCESS
          any      any   /*    site      scopes: a; one scope of: b c; audience: a

        Open routes: none. Every request that is let through has a valid token.
        ");
    }
    #[test]
    fn what_is_asked_of_tokens_is_told() {
        let text = r#"
            scope_implications = { "orders:admin" = ["orders:read", "orders:write"], all = ["orders:admin"] }
            upstreams = [{ name = "site", servers = ["127.0.0.1:3000"] }]
            routes = [
                { path = "/a", upstream = "site", claims = [{ claim = "level", one_of = [1, "1"] }] },
                { path = "/b", upstream = "site", scopes = ["a"], claims = [{ claim = "a", exists = true }] },
            ]
            [[issuers]]
            issuer = "https://auth.example.com"
            audiences = ["a"]
            profile = "jwt"
            absent_audience_clients = ["app"]
            max_lifetime = "90m"
            scope_claims = ["scope", "/realm_access/roles"]
            client_id_claims = ["azp"]
            required_claims = [{ claim = "tid", equals = "a" }, { claim = "groups", contains = "b" }]
            [issuers.introspection]
            client_id = "gateway"
            client_secret_env = "SECRET"
            signed_response = "require"
            client_credentials = {}
        "#;
        let environment = [("SECRET".to_owned(), "hunter2".to_owned())];
        let config = parse(text, Path::new("config.toml"), &Overrides::default(), environment).unwrap();
        insta::assert_snapshot!(report(&config), @r#"
        Listeners
          requests         127.0.0.1:8080
          health, metrics  127.0.0.1:9700

        Issuers
          https://auth.example.com
            profile        jwt: the issuer does not type its tokens; others are told apart by their claims
            audiences      a
            no audience    accepted in tokens of the clients app
            lifetime       at most 1h30m
            claims         /tid is "a" and /groups holds "b"
            scopes in      /scope /realm_access/roles
            client id in   /azp
            algorithms     RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA
            keys           from the issuer's metadata
            introspection  yes, with an access token that it gets as client gateway (client_secret_basic); answers must be signed

        Upstreams
          NAME  SERVERS         AUTHORIZATION
          site  127.0.0.1:3000  removed

        Routes (the most specific one decides)
          METHODS  HOST  PATH  UPSTREAM  ACCESS
          any      any   /a    site      claims: /level is 1 or "1"
          any      any   /b    site      scopes: a; claims: /a is there

        Scopes that stand for others
          all           orders:admin
          orders:admin  orders:read orders:write

        Open routes: none. Every request that is let through has a valid token.
        "#);
    }
}
