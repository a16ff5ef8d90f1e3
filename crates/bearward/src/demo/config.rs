//! The demo's configuration: the same text for the gateway that runs here and for the file of `--write-config`.

use std::net::SocketAddr;

/// The environment variable that the text names for the gateway's own secret.
pub(super) const SECRET_VARIABLE: &str = "BEARWARD_DEMO_SECRET";
/// The secret of the development issuer's built-in application `gateway`. It protects nothing.
pub(super) const SECRET: &str = "gateway-secret";
/// The resource server that the development issuer knows.
pub(super) const AUDIENCE: &str = "https://api.example.com";

/// Who listens where.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    pub(super) gateway: SocketAddr,
    pub(super) admin: SocketAddr,
    /// The issuer identifier, which is its URL.
    pub(super) issuer: String,
    pub(super) upstream: SocketAddr,
}

impl Addresses {
    /// The fixed ones of the file that `--write-config` writes.
    pub(super) fn fixed() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            gateway: loopback(8080),
            admin: loopback(9700),
            issuer: "http://127.0.0.1:9000".to_owned(),
            upstream: loopback(3000),
        }
    }
}

/// The configuration as a text for people.
pub(super) fn text(addresses: &Addresses) -> String {
    let Addresses { gateway, admin, issuer, upstream } = addresses;
    format!(
        r#"# A first configuration for Bearward. To try it on this machine, have something answer HTTP at {upstream} in
# the place of an API, and then, in three shells:
#
#   bearward issuer
#   {SECRET_VARIABLE}={SECRET} bearward run --config THIS_FILE
#   curl -i http://{gateway}/orders/1 -H "Authorization: Bearer $(bearward token)"
#
# `bearward check --config THIS_FILE` says what it means. Limits and durations that are not set have safe defaults.

[server]
listen = "{gateway}"                      # where requests come in

[admin]
listen = "{admin}"                      # /livez, /readyz and /metrics; nothing secret, but not for the world

# Who signs, or answers for, the tokens that are accepted. With a real issuer, put its URL here exactly as it stands in
# the `iss` of its tokens: its keys and endpoints are found from there (https only, except on this machine).
[[issuers]]
issuer = "{issuer}"
audiences = ["{AUDIENCE}"]        # this API's name; a token for another one is refused

# Referential tokens (opaque ones, for instance) mean nothing without the issuer. Leave this out if there are none.
[issuers.introspection]
client_id = "gateway"
client_secret_env = "{SECRET_VARIABLE}"     # or client_secret_file = "/run/secrets/introspection"

# The API. It gets the caller's identity in X-Auth-Subject, X-Auth-Issuer, X-Auth-Client-Id and X-Auth-Scope, and not
# the token.
[[upstreams]]
name = "orders"
servers = ["{upstream}"]

# What is let through. Nothing is, unless a route says so; the most specific one decides.
[[routes]]
path = "/orders/*"
methods = ["GET"]
upstream = "orders"
scopes = ["orders:read"]                       # all of them are needed; any_scope = [...] for one of them

[[routes]]
path = "/orders/*"
methods = ["POST"]
upstream = "orders"
scopes = ["orders:write"]

[[routes]]
path = "/public/*"
upstream = "orders"
open = true                                    # no token needed; `bearward check` lists such routes
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_file_reads_well() {
        insta::assert_snapshot!("write-config", text(&Addresses::fixed()));
    }
}
