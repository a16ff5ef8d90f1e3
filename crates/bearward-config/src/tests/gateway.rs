//! `[server]`, `[admin]`, `[log]`, `[cache]`, `[identity]` and `[[upstreams]]`.

use std::time::Duration;

use bearward_gate::{ClientAuth, GateSettings, IntrospectionSettings, IssuerSettings, Secret};

use super::*;
use crate::LogFormat;
use bearward_proxy::AuthorizationMode;

#[test]
fn a_small_configuration_has_safe_defaults() {
    let config = accepts(&with(""));
    assert_eq!(config.proxy.listen, ["127.0.0.1:8080".parse().unwrap()]);
    assert_eq!(config.admin.listen, "127.0.0.1:9700".parse().unwrap());
    assert!(config.proxy.threads >= 1);
    assert_eq!(config.proxy.max_connections, 10_000);
    assert_eq!((config.proxy.max_header_bytes, config.gate.max_token_bytes), (32 * 1024, 16 * 1024));
    assert_eq!((config.proxy.drain, config.proxy.keepalive_pool), (Duration::from_secs(20), 512));
    assert_eq!((config.log.format, config.log.level.as_str()), (LogFormat::Human, "info"));
    assert_eq!((config.gate.cache.max_entries, config.gate.cache.negative_entries), (100_000, 10_000));
    assert_eq!((config.gate.cache.max_age, config.gate.realm.as_str()), (Duration::from_secs(300), "bearward"));
    assert!(matches!(config.proxy.upstreams[0].authorization, AuthorizationMode::Remove));
}

#[test]
fn what_is_not_said_is_as_in_a_gate_that_is_built_in_code() {
    let asked = "[issuers.introspection]\nclient_id = \"gateway\"\nclient_secret_env = \"SECRET\"\n";
    let text = format!("{ISSUER}{asked}{UPSTREAM}{ROUTE}");
    let environment = [("SECRET".to_owned(), "hunter2".to_owned())];
    let mut gate = parse(&text, Path::new("config.toml"), &Overrides::default(), environment).unwrap().gate;
    gate.routes.clear();

    let secret = ClientAuth::Basic(Secret::from_text("hunter2".to_owned()));
    let mut issuer = IssuerSettings::new("https://auth.example.com", vec!["https://api.example.com".to_owned()]);
    issuer.introspection = Some(IntrospectionSettings::new("gateway", secret));
    assert_eq!(format!("{gate:#?}"), format!("{:#?}", GateSettings::new(vec![issuer], Vec::new())));
}

#[test]
fn every_setting_is_read() {
    let config = accepts(&with(
        r#"
        [server]
        listen = ["0.0.0.0:80", "[::1]:81"]
        threads = 3
        max_connections = 4
        max_header_bytes = "8KiB"
        max_token_bytes = "4KiB"
        realm = "orders"
        drain = "1m"
        keepalive_pool = 0
        max_connections_per_address = 2
        idle_timeout = "1s"
        header_timeout = "2s"
        body_timeout = "3s"
        write_timeout = "4s"
        request_timeout = "5s"
        [admin]
        listen = "127.0.0.1:1"
        [log]
        format = "json"
        level = "warn,bearward_gate=debug"
        max_queued_bytes = "64KiB"
        [cache]
        max_entries = 0
        max_age = "0s"
        negative_entries = 7
        [identity.claims]
        X-Auth-Email = "/email"
        X-Auth-Roles = "/realm_access/roles"
        "#,
    ));
    assert_eq!(config.proxy.listen, ["0.0.0.0:80".parse().unwrap(), "[::1]:81".parse().unwrap()]);
    assert_eq!((config.proxy.threads, config.proxy.max_connections, config.proxy.keepalive_pool), (3, 4, 0));
    assert_eq!((config.proxy.max_header_bytes, config.gate.max_token_bytes), (8_192, 4_096));
    let proxy = &config.proxy;
    let waits = [proxy.idle_timeout, proxy.header_timeout, proxy.body_timeout, proxy.write_timeout];
    assert_eq!(waits, [1, 2, 3, 4].map(Duration::from_secs));
    assert_eq!((proxy.request_timeout, proxy.max_connections_per_address), (Some(Duration::from_secs(5)), Some(2)));
    assert_eq!((config.gate.realm.as_str(), config.proxy.drain), ("orders", Duration::from_secs(60)));
    assert_eq!(config.admin.listen.port(), 1);
    assert_eq!((config.log.format, config.log.level.as_str()), (LogFormat::Json, "warn,bearward_gate=debug"));
    assert_eq!(config.log.max_queued_bytes, 65_536);
    assert_eq!((config.gate.cache.max_entries, config.gate.cache.negative_entries), (0, 7));
    assert!(config.gate.identity.is_reserved("x_auth_email") && config.gate.identity.is_reserved("X-Auth-Roles"));
}

#[test]
fn values_of_the_wrong_kind_and_out_of_bounds_are_told() {
    let table = [
        ("server = <<5>>", "expected a table, [server], found a whole number", ""),
        ("<<[[server]]>>", "[server] is one table, not a list of tables", "single brackets"),
        ("<<servers>> = 5", "unknown key `servers` at the top level", "did you mean `server`?"),
        ("<<issuer>> = 5", "unknown key `issuer` at the top level", "did you mean `issuers`?"),
        ("[server]\n<<thread>> = 1", "unknown key `thread` in [server]", "did you mean `threads`?"),
        ("[server]\n<<bind>> = 1", "unknown key `bind` in [server]", "did you mean `listen`?"),
        ("[server]\n<<colour>> = 1", "unknown key `colour` in [server]", "listen, threads, max_connections"),
        ("[server]\nthreads = <<0>>", "must be between 1 and 1024", ""),
        ("[server]\nthreads = <<-1>>", "must be between 1 and 1024", ""),
        ("[server]\nthreads = <<9223372036854775807>>", "must be between 1 and 1024", ""),
        ("[server]\nmax_connections = <<0>>", "must be between 1 and 1000000", ""),
        ("[server]\nthreads = <<\"4\">>", "expected a whole number, found a string", ""),
        ("[server]\nthreads = <<1.5>>", "expected a whole number, found a fraction", ""),
        ("[server]\nthreads = <<nan>>", "expected a whole number, found a fraction", ""),
        ("[server]\ndrain = <<20>>", "expected a duration such as \"30s\", found a whole number", ""),
        ("[server]\ndrain = <<\"20\">>", "`20` is not a duration", "\"30s\""),
        ("[server]\ndrain = <<\"2h\">>", "must be between 0s and 1h", ""),
        ("[server]\ndrain = <<2026-01-01>>", "found a date", ""),
        ("[server]\nmax_header_bytes = <<\"32KB\">>", "`32KB` is not a size", "KiB"),
        ("[server]\nmax_header_bytes = <<\"1B\">>", "must be between 1KiB and 1MiB", ""),
        ("[server]\nmax_header_bytes = <<\"8KiB\">>", "leaves no room for max_token_bytes", "set max_token_bytes"),
        ("[server]\nmax_token_bytes = <<\"64KiB\">>", "must not be larger than max_header_bytes", ""),
        ("[server]\nrealm = <<\"\">>", "must not be empty", ""),
        ("[server]\nrealm = <<\"a\\nb\">>", "must not hold control characters", ""),
        ("[server]\nrealm = <<\"a\\\"b\">>", "must be plain ASCII", ""),
        ("[server]\nheader_timeout = <<\"0s\">>", "must be between 100ms and 24h", ""),
        ("[server]\nmax_connections_per_address = <<0>>", "must be between 1 and 1000000", ""),
        ("[server]\nkeepalive_pool = <<true>>", "expected a whole number, found true or false", ""),
        ("[cache]\nmax_age = <<\"25h\">>", "must be between 0s and 24h", ""),
        ("[log]\nformat = <<\"jsn\">>", "must be one of `human`, `json`", "did you mean `json`?"),
        ("[log]\nformat = <<\"xml\">>", "must be one of `human`, `json`", ""),
        ("[log]\nlevel = <<\"inof\">>", "`inof` is not a level", "did you mean `info`?"),
        ("[log]\nlevel = <<\"loud\">>", "`loud` is not a level", "the levels are"),
        ("[log]\nlevel = <<\"a=loud\">>", "cannot be read as log directives", "bearward_gate=debug"),
    ];
    for (added, message, hint) in table {
        refuses(&with(added), message, hint);
    }
}

#[test]
fn listeners_must_be_addresses_that_do_not_overlap() {
    let table = [
        ("listen = <<\"8080\">>", "`8080` is not an address", "did you mean `0.0.0.0:8080`?"),
        ("listen = <<\":8080\">>", "is not an address", "did you mean `0.0.0.0:8080`?"),
        ("listen = <<\"localhost:8080\">>", "is not an address", "did you mean `127.0.0.1:8080`?"),
        ("listen = <<\"127.0.0.1\">>", "is not an address", "IP address and a port"),
        ("listen = <<\":0\">>", "is not an address", "IP address and a port"),
        ("listen = <<\"127.0.0.1:0\">>", "`127.0.0.1:0` has port 0", "name the port that clients are to use"),
        ("listen = [\"127.0.0.1:1\", <<\"[::]:0\">>]", "`[::]:0` has port 0", "name the port"),
        ("[admin]\nlisten = <<\"127.0.0.1:0\">>", "`127.0.0.1:0` has port 0", "name the port that clients are to use"),
        ("listen = <<8080>>", "expected a list of strings", ""),
        ("listen = <<[]>>", "must not be empty", "127.0.0.1:8080"),
        ("listen = [\"127.0.0.1:1\", <<\"\">>]", "must not be empty", ""),
        ("listen = [\"127.0.0.1:1\", <<\"127.0.0.1:1\">>]", "is in this list twice", ""),
        ("listen = [\"127.0.0.1:1\", <<\"0.0.0.0:1\">>]", "overlap", ""),
        ("listen = [\"127.0.0.1:1\", <<\"[::]:1\">>]", "overlap", ""),
        ("listen = <<\"127.0.0.1:9700\">>", "server.listen 127.0.0.1:9700 and admin.listen", "a port of its own"),
        ("[admin]\nlisten = <<\"127.0.0.1:8080\">>", "server.listen 127.0.0.1:8080 and admin.listen", "of its own"),
    ];
    for (added, message, hint) in table {
        refuses(&with(&format!("[server]\n{added}")), message, hint);
    }
    accepts(&with("[server]\nlisten = [\"127.0.0.1:1\", \"[::1]:1\", \"127.0.0.2:1\"]"));
}

#[test]
fn an_admin_server_for_the_world_is_a_warning() {
    warns(&with("[admin]\nlisten = <<\"0.0.0.0:9700\">>"), "can be reached from other machines", "NetworkPolicy");
    accepts(&with("[admin]\nlisten = \"[::1]:9700\""));
}

#[test]
fn claim_headers_must_be_names_that_are_free() {
    let table = [
        ("<<\"X Auth\">> = \"/a\"", "`X Auth` is not the name of a header", "X-Auth-Email"),
        ("<<X-Auth-Subject>> = \"/a\"", "cannot be told from 'x-auth-subject'", ""),
        ("<<x_auth_subject>> = \"/a\"", "cannot be told from 'x-auth-subject'", ""),
        ("X-Auth-A = \"/a\"\n<<x_auth_a>> = \"/b\"", "cannot be told from 'x-auth-a'", ""),
        ("<<Authorization>> = \"/a\"", "'authorization' cannot carry a claim", ""),
        ("<<Transfer-Encoding>> = \"/a\"", "'transfer-encoding' cannot carry a claim", ""),
        ("X-Auth-A = <<\"email\">>", "`email` points to no claim", "did you mean `/email`?"),
        ("X-Auth-A = <<\"a.b\">>", "`a.b` points to no claim", "did you mean `/a/b`?"),
        ("X-Auth-A = <<\"/a~b\">>", "'~' is written '~0'", ""),
        ("X-Auth-A = <<\"\">>", "must not be empty", ""),
        ("X-Auth-A = <<5>>", "expected a string, found a whole number", ""),
    ];
    for (added, message, hint) in table {
        refuses(&with(&format!("[identity.claims]\n{added}")), message, hint);
    }
    refuses(&with("[identity]\n<<headers>> = {}"), "unknown key `headers` in [identity]", "claims");
}

#[test]
fn upstreams_have_names_and_servers() {
    const NAMED: &str = "[[upstreams]]\nname = \"orders\"\n";
    let table = [
        ("servers = <<[]>>", "must not be empty", "127.0.0.1:3000"),
        ("servers = <<\"a:1\">>", "expected a list of strings", ""),
        ("servers = [\"a:1\", <<\"a:1\">>]", "is in this list twice", ""),
        ("servers = [<<\"http://a:1/x\">>]", "is a URL", "did you mean `a:1`?"),
        ("servers = [<<\"https://a\">>]", "is a URL", "write host:port"),
        ("servers = [<<\"a\">>]", "`a` has no port", "write \"a:80\""),
        ("servers = [<<\"::1\">>]", "`::1` has no port", "write \"[::1]:80\""),
        ("servers = [<<\"a:x\">>]", "`a:x` is not host:port", "write host:port"),
        ("servers = [\"a:1\"]\nauthorization = <<\"drop\">>", "must be one of `remove`, `forward`, `replace`", ""),
        ("servers = [\"a:1\"]\nauthorization_file = <<\"a\">>", "means nothing without `authorization", ""),
        ("servers = [\"a:1\"]\nconnect_timeout = <<\"0s\">>", "must be between 10ms and 1m", ""),
        ("servers = [\"a:1\"]\n<<colour>> = 1", "unknown key `colour` in [[upstreams]]", "name, servers"),
    ];
    for (added, message, hint) in table {
        refuses(&format!("{ISSUER}{NAMED}{added}\n{ROUTE}"), message, hint);
    }
    let table = [
        ("<<[[upstreams]]>>\nservers = [\"a:1\"]", "missing key `name` in [[upstreams]]", "name = \"orders\""),
        ("<<[[upstreams]]>>\nname = \"b\"", "missing key `servers`", "servers = ["),
        (
            "<<[[upstreams]]>>\nname = \"b\"\nservers = [\"a:1\"]\nauthorization = \"replace\"",
            "missing key `authorization_file`",
            "authorization_file = ",
        ),
        (
            "[[upstreams]]\nname = <<\"orders\">>\nservers = [\"a:1\"]",
            "another entry of [[upstreams]] has this name",
            "own",
        ),
    ];
    let to_b = "[[routes]]\npath = \"/b\"\nupstream = \"b\"";
    for (upstream, message, hint) in table {
        let route = if upstream.contains("\"b\"") { to_b } else { "" };
        refuses(&format!("{ISSUER}{UPSTREAM}{upstream}\n{ROUTE}{route}"), message, hint);
    }
}

#[test]
fn an_upstream_that_no_route_leads_to_is_a_warning() {
    warns(&with("[[upstreams]]\nname = <<\"spare\">>\nservers = [\"a:1\"]"), "no route leads to this upstream", "");
}
