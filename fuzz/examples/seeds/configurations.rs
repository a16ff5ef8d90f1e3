//! Configurations, whole and broken.

use crate::{Seed, seeds};

const WHOLE: &str = r#"
[server]
listen = ["127.0.0.1:8080", "[::1]:8080"]
max_header_bytes = "32KiB"
[log]
level = "info,bearward_gate=debug"
[cache]
max_age = "1h30m"
[identity.claims]
X-Auth-Email = "/email"
[[issuers]]
issuer = "https://auth.example.com"
audiences = ["https://api.example.com"]
profile = "jwt"
algorithms = ["ES256"]
refresh = { min = "1m", max = "1h" }
required_claims = [{ claim = "/realm_access/roles", contains = "user" }, { claim = "level", one_of = [1, "a", true] }]
[[issuers]]
issuer = "https://login.example.com/{tenant}/v2.0"
audiences = ["https://api.example.com"]
jwks_url = "https://login.example.com/keys"
variable = { claim = "tid", one_of = ["a", "b"] }
[[upstreams]]
name = "orders"
servers = ["127.0.0.1:3000", "orders.internal:80"]
authorization = "forward"
[scope_implications]
"orders:admin" = ["orders:read"]
[[routes]]
path = "/orders/{id}"
methods = ["GET", "POST"]
hosts = ["shop.example.com"]
upstream = "orders"
any_scope = ["orders:read", "orders:write"]
claims = [{ claim = "email", exists = true }]
[[routes]]
path = "/*"
upstream = "orders"
open = true
"#;

const SMALL: &str = "issuers = [{ issuer = \"https://a\", audiences = [\"b\"] }]\n\
    upstreams = [{ name = \"c\", servers = [\"d:1\"] }]\nroutes = [{ path = \"/*\", upstream = \"c\" }]\n";

pub(crate) fn configuration() -> Vec<Seed> {
    seeds([
        ("whole", WHOLE.to_owned()),
        ("small", SMALL.to_owned()),
        ("nothing", String::new()),
        (
            "introspection without secret",
            WHOLE.replace("[[upstreams]]", "introspection = { auth = \"bearer\" }\n[[upstreams]]"),
        ),
        ("secret in the file", WHOLE.replace("[server]", "[server]\nclient_secret = \"hunter2\"")),
        ("unknown keys", WHOLE.replace("algorithms", "algorithm").replace("servers", "backends")),
        ("wrong types", WHOLE.replace("\"127.0.0.1:8080\"", "1979-05-27T07:32:00Z").replace("= true", "= 1.5")),
        ("single brackets", WHOLE.replace("[[", "[").replace("]]", "]")),
        ("unfinished string", WHOLE.replace("\"info", "\"\"\"info")),
        ("far characters", SMALL.replace("\"b\"", "\"\u{1f43b}\u{202e}\"").replace("c\"", "\u{e9}\"")),
        ("dotted keys", "issuers.refresh.min = \"1s\"\nserver.listen = \"0.0.0.0:1\"\n".to_owned()),
        ("carriage returns", WHOLE.replace('\n', "\r\n").replace("\"ES256\"", "\"none\"")),
    ])
}
