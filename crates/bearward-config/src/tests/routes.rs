//! `[[routes]]`: each alone, with what it leads to, and with each other.

use bearward_core::{Access, Host};

use super::*;

/// A route to which this is added.
fn route(added: &str) -> String {
    format!("{ISSUER}{UPSTREAM}{ROUTE}{added}\n")
}

/// Routes instead of the usual one.
fn instead(routes: &str) -> String {
    format!("{ISSUER}{UPSTREAM}{routes}\n")
}

/// An issuer that can be asked about referential tokens.
fn introspecting(name: &str) -> String {
    let introspection = "[issuers.introspection]\nclient_id = \"gateway\"\nclient_secret_env = \"SECRET\"";
    format!("[[issuers]]\nissuer = \"{name}\"\naudiences = [\"a\"]\n{introspection}\n")
}

#[test]
fn every_setting_is_read() {
    let config = accepts(&instead(
        r#"
        [[routes]]
        path = "/orders/{id}"
        methods = ["GET", "PROPFIND"]
        host = "API.example.com"
        upstream = "orders"
        name = "one order"
        ignore_case = true
        scopes = ["orders:read", "b"]
        any_scope = ["c", "d"]
        audiences = ["https://api.example.com"]
        issuers = ["https://auth.example.com"]
        [[routes]]
        path = "/*"
        hosts = ["a.example.com", "[::1]"]
        upstream = "orders"
        open = true
        [[routes]]
        path = "/*"
        methods = ["GET", "POST"]
        upstream = "orders"
        open = false
        optional = false
        [[routes]]
        path = "/catalog"
        upstream = "orders"
        open = false
        optional = true
        scopes = ["a"]
        audiences = ["https://api.example.com"]
        issuers = ["https://auth.example.com"]
        "#,
    ));
    let [one, open, any, optional] = config.gate.routes.as_slice() else { panic!("{:?}", config.gate.routes) };
    assert_eq!((one.name.as_str(), one.upstream.as_str()), ("one order", "orders"));
    assert_eq!(
        (one.path.to_string().as_str(), one.hosts.as_slice()),
        ("/orders/{id}", &[Host::parse("api.example.com").unwrap()][..])
    );
    assert_eq!(one.methods.iter().map(http::Method::as_str).collect::<Vec<_>>(), ["GET", "PROPFIND"]);
    let Access::Token(requirement) = &one.access else { panic!("{:?}", one.access) };
    assert_eq!((requirement.all.len(), requirement.any.concat().len(), requirement.audiences.len()), (2, 2, 1));
    assert_eq!(one.issuers, ["https://auth.example.com"]);
    assert!(one.ignore_case && !open.ignore_case);

    assert!(matches!(open.access, Access::Open));
    assert_eq!((open.name.as_str(), any.name.as_str()), ("a.example.com,[::1]/*", "GET,POST /*"));
    assert!(matches!(&any.access, Access::Token(requirement) if requirement.all.is_empty()));
    let Access::Optional(requirement) = &optional.access else { panic!("{:?}", optional.access) };
    assert_eq!((requirement.all.len(), requirement.audiences.len(), optional.issuers.len()), (1, 1, 1));
}

#[test]
fn a_route_alone() {
    let table = [
        ("methods = <<[]>>", "must not be empty", "leave it out"),
        ("methods = [<<\"get\">>]", "written in capitals", "did you mean `GET`?"),
        ("methods = [<<\"PSOT\">>]", "`PSOT` is not a known method", "did you mean `POST`?"),
        ("methods = [<<\"CONNECT\">>]", "CONNECT is never passed on", ""),
        ("methods = [<<\"*\">>]", "`*` is not a method", "leave `methods` out"),
        ("methods = [\"GET\", <<\"GET\">>]", "is in this list twice", ""),
        ("methods = [<<5>>]", "expected a string, found a whole number", ""),
        ("<<method>> = \"GET\"", "unknown key `method`", "did you mean `methods`?"),
        ("hosts = <<[]>>", "must not be empty", "leave it out"),
        ("host = <<\"*.example.com\">>", "`*` stands for nothing here", "list the hosts"),
        ("host = <<\"a.example.com:80\">>", "without its port", "did you mean `a.example.com`?"),
        ("host = <<\"a/b\">>", "`a/b` is not a host name", "api.example.com"),
        (
            "host = <<\"b\u{fc}cher.example\">>",
            "is not a host name: a name is ASCII: write the form that begins with `xn--`",
            "for example",
        ),
        ("host = <<\"127.1\">>", "what ends in a number is an IPv4 address", "for example"),
        ("<<host>> = \"a\"\nhosts = [\"b\"]", "exclude each other", "in `hosts`"),
        ("scopes = [<<\"a b\">>]", "a scope cannot hold ' '", "a string of its own"),
        ("scopes = [<<\"a\\\"\">>]", "a scope cannot hold '\"'", ""),
        ("scopes = [<<\"\">>]", "must not be empty", ""),
        ("scopes = <<\"a\">>", "expected a list of strings", ""),
        ("<<scope>> = \"a\"", "unknown key `scope`", "did you mean `scopes`?"),
        ("any_scope = [<<\"\u{e9}\">>]", "a scope cannot hold", ""),
        ("any_scope = <<[]>>", "must not be empty", "of which a token needs one"),
        ("open = <<\"true\">>", "expected true or false, found a string", ""),
        ("ignore_case = <<1>>", "expected true or false, found a whole number", ""),
        ("<<ignore-case>> = true", "unknown key `ignore-case`", "did you mean `ignore_case`?"),
        ("<<public>> = true", "unknown key `public`", "did you mean `open`?"),
    ];
    for (added, message, hint) in table {
        refuses(&route(added), message, hint);
    }
    let table = [
        ("<<[[routes]]>>\nupstream = \"orders\"", "missing key `path` in [[routes]]", "path = \"/orders/*\""),
        ("[[routes]]\npath = <<\"orders\">>\nupstream = \"orders\"", "a path begins with '/'", ""),
        ("[[routes]]\npath = <<\"/a*\">>\nupstream = \"orders\"", "'*' stands for all that follows", ""),
        ("[[routes]]\npath = <<\"/a/../b\">>\nupstream = \"orders\"", "'.' and '..' match nothing", ""),
        ("[[routes]]\npath = <<\"\">>\nupstream = \"orders\"", "must not be empty", ""),
    ];
    for (routes, message, hint) in table {
        refuses(&instead(routes), message, hint);
    }
}

#[test]
fn without_routes_there_is_nothing_to_do() {
    for text in [ISSUER.to_owned(), String::new(), "routes = []".to_owned()] {
        let problems = read(&text).unwrap_err().to_string();
        assert!(problems.contains("config.toml: error: no [[routes]]: every request would be"), "{problems}");
    }
}

#[test]
fn routes_lead_to_upstreams() {
    let two = format!(
        "{ISSUER}{UPSTREAM}[[upstreams]]\nname = \"stock\"\nservers = [\"a:1\"]\n{ROUTE}[[routes]]\npath = \"/s\"\n"
    );
    refuses("<<[[routes]]>>\npath = \"/*\"\nopen = true", "missing key `upstream` in [[routes]]", "upstream = ");
    let table = [("<<\"stok\">>", "did you mean `stock`?"), ("<<\"billing\">>", "the upstreams are `orders`, `stock`")];
    for (name, hint) in table {
        let text = format!("{two}upstream = {name}\n[[routes]]\npath = \"/t\"\nupstream = \"stock\"");
        refuses(&text, "there is no upstream", hint);
    }
    let none = format!("{ISSUER}[[routes]]\npath = \"/*\"\nupstream = <<\"orders\">>");
    refuses(&none, "there is no upstream `orders`", "add [[upstreams]]");
}

#[test]
fn routes_take_tokens_of_known_issuers() {
    refuses(
        &route("issuers = [<<\"https://auth.example.com/\">>]"),
        "no issuer",
        "did you mean `https://auth.example.com`?",
    );
    refuses(
        &route("issuers = [<<\"https://other\">>]"),
        "there is no issuer",
        "the issuers are `https://auth.example.com`",
    );
    refuses(&route("issuers = <<[]>>"), "must not be empty", "leave it out");
    refuses(&route("referential_issuer = <<\"https://other\">>"), "there is no issuer", "the issuers are");
    let no_issuer = format!("{UPSTREAM}<<[[routes]]>>\npath = \"/*\"\nupstream = \"orders\"");
    refuses(&no_issuer, "there is no issuer whose tokens", "set `open = true`");
    accepts(&format!("{UPSTREAM}{ROUTE}open = true"));
}

#[test]
fn an_audience_that_no_issuer_has_is_a_warning() {
    let text = route("audiences = [<<\"https://api.example.co\">>]");
    warns(&text, "no issuer of this route has this audience", "did you mean `https://api.example.com`?");
}

#[test]
fn an_open_route_asks_for_nothing() {
    for key in
        ["scopes = [\"a\"]", "any_scope = [\"a\"]", "audiences = [\"a\"]", "issuers = [\"https://auth.example.com\"]"]
    {
        let (name, value) = key.split_once(" = ").unwrap();
        let text = route(&format!("open = true\n<<{name}>> = {value}"));
        refuses(&text, &format!("so `{name}` would mean nothing"), "remove `open = true`");
    }
}

#[test]
fn a_route_is_open_or_optional() {
    refuses(
        &route("open = true\n<<optional>> = true"),
        "`open` and `optional` exclude each other",
        "optional: one that",
    );
    for one in ["open = true\noptional = false", "open = false\noptional = true"] {
        accepts(&route(one));
    }
    refuses(&route("optional = <<\"yes\">>"), "expected true or false, found a string", "");
    // A token that is sent must be of an issuer.
    let no_issuer = format!("{UPSTREAM}<<[[routes]]>>\npath = \"/*\"\nupstream = \"orders\"\noptional = true");
    refuses(&no_issuer, "this route looks at tokens, and there is no issuer", "set `open = true`");
}

#[test]
fn nothing_to_ask_for_is_not_written_as_an_empty_list() {
    for key in ["scopes", "any_scope", "claims", "audiences"] {
        refuses(&route(&format!("{key} = <<[]>>")), "must not be empty", "leave it out");
        refuses(&route(&format!("optional = true\n{key} = <<[]>>")), "must not be empty", "leave it out");
    }
}

#[test]
fn referential_tokens_go_to_one_issuer() {
    let environment = || [("SECRET".to_owned(), "s".to_owned())];
    let read = |text: &str| parse(text, Path::new("config.toml"), &Overrides::default(), environment());
    let two = introspecting("https://one") + &introspecting("https://two") + ISSUER + UPSTREAM;
    let problems = |route: &str| read(&format!("{two}{ROUTE}{route}")).unwrap_err().to_string();

    insta::assert_snapshot!(problems(""), @"
    config.toml:19:1: error: referential tokens of this route could go to 2 issuers: https://one, https://two
      19 | [[routes]]
         | ^^^^^^^^^^
      hint: name the one to ask with `referential_issuer`; a token must not be shown to other issuers

    1 error
    ");
    insta::assert_snapshot!(problems("referential_issuer = 'https://auth.example.com'"), @"
    config.toml:22:22: error: this issuer has no introspection, so it cannot be asked
      22 | referential_issuer = 'https://auth.example.com'
         |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint: add [issuers.introspection] to it

    1 error
    ");
    insta::assert_snapshot!(problems("referential_issuer = 'https://one'\nissuers = ['https://two']"), @"
    config.toml:22:22: error: this issuer is not among the `issuers` of the route
      22 | referential_issuer = 'https://one'
         |                      ^^^^^^^^^^^^^

    1 error
    ");
    for fine in ["referential_issuer = 'https://one'", "issuers = ['https://two']", "open = true"] {
        assert!(read(&format!("{two}{ROUTE}{fine}")).is_ok(), "{fine}");
    }
}

#[test]
fn routes_are_told_apart() {
    let table = [
        ("path = \"/a\"", "path = \"/a\"", "matches /a, as the route"),
        ("path = \"/a/{x}\"", "path = \"/a/{y}\"", "matches /a/{y}, as"),
        (
            "path = \"/a\"\nmethods = [\"GET\", \"PUT\"]",
            "path = \"/a\"\nmethods = [\"PUT\"]",
            "matches PUT /a, as the route `GET,PUT /a`",
        ),
        ("path = \"/a\"\nhost = \"h\"", "path = \"/a\"\nhosts = [\"i\", \"H\"]", "matches h/a, as the"),
        ("path = \"/a\"\nhost = \"[::1]\"", "path = \"/a\"\nhost = \"[0:0::0:1]\"", "matches [::1]/a, as the"),
    ];
    for (one, other, message) in table {
        let text = format!("[[routes]]\n{one}\nupstream = \"orders\"\n<<[[routes]]>>\n{other}\nupstream = \"orders\"");
        refuses(&instead(&text), message, "join the two");
    }
    let table = [
        ("path = \"/a\"", "path = \"/a/\""),
        ("path = \"/a/{x}\"", "path = \"/a/*\""),
        ("path = \"/a\"", "path = \"/a\"\nmethods = [\"GET\"]"),
        ("path = \"/a\"\nmethods = [\"GET\"]", "path = \"/a\"\nmethods = [\"PUT\"]"),
        ("path = \"/a\"", "path = \"/a\"\nhost = \"h\""),
        ("path = \"/a\"\nhost = \"h\"", "path = \"/a\"\nhost = \"i\""),
    ];
    for (one, other) in table {
        let text = format!("[[routes]]\n{one}\nupstream = \"orders\"\n[[routes]]\n{other}\nupstream = \"orders\"");
        let config = accepts(&instead(&text));
        assert_ne!(config.gate.routes[0].name, config.gate.routes[1].name);
    }
    let named = "[[routes]]\nname = \"a\"\npath = \"/a\"\nupstream = \"orders\"\n";
    let text = format!("{named}{}", named.replace("\"a\"", "<<\"a\">>").replace("/a", "/b"));
    refuses(&instead(&text), "another entry of [[routes]] has this name", "its own");
}

#[test]
fn routes_that_ignore_case_are_told_apart_without_it() {
    let both = |one: &str, other: &str| {
        instead(&format!("[[routes]]\n{one}\nupstream = \"orders\"\n<<[[routes]]>>\n{other}\nupstream = \"orders\""))
    };
    let same = both("path = \"/Admin/*\"\nignore_case = true", "path = \"/admin/*\"\nignore_case = true");
    refuses(&same, "matches /admin/*, as the route `/Admin/*` above", "join the two");
    for (one, other) in [
        ("path = \"/admin\"\nignore_case = true", "path = \"/Admin\"\nopen = true"),
        ("path = \"/admin\"", "path = \"/admin\"\nignore_case = true\nmethods = [\"GET\"]"),
        ("path = \"/a/{x}\"\nhost = \"h\"", "path = \"/A/{y}\"\nignore_case = true\nhosts = [\"i\", \"h\"]"),
    ] {
        refuses(&both(one, other), "only one of the two ignores case", "for both or for neither");
    }
    for (one, other) in [
        ("path = \"/admin\"\nignore_case = true\nmethods = [\"GET\"]", "path = \"/Admin\"\nignore_case = true"),
        ("path = \"/admin\"\nignore_case = true", "path = \"/admin\"\nhost = \"h\""),
        ("path = \"/admin\"\nignore_case = true", "path = \"/admin/*\""),
        ("path = \"/admin\"", "path = \"/Admin\""),
    ] {
        accepts(&unmarked(&both(one, other)));
    }
}

/// A guarded route, with another one that may get in its way.
fn guarded(path: &str, more: &str, other: &str) -> String {
    let guarded = format!("[[routes]]\npath = {path}\nupstream = \"orders\"\nscopes = [\"admin\"]\n{more}");
    instead(&format!("{guarded}\n[[routes]]\nname = \"wide\"\n{other}"))
}

#[test]
fn another_spelling_that_asks_for_less_is_a_warning() {
    let open = "path = \"/*\"\nupstream = \"orders\"\nopen = true";
    let scopes = "path = \"/*\"\nupstream = \"orders\"\nscopes = [\"read\"]";
    let case = "set `ignore_case = true` here";
    let suffix = "add a route that guards the suffix";
    for (path, more, other, message, hint) in [
        ("<<\"/admin/*\">>", "", open, "`/Admin/x` or `/admin.json` goes to the route `wide`, which asks for no", case),
        ("<<\"/admin\">>", "", open, "`/Admin` or `/admin.json` goes to the route `wide`", suffix),
        ("<<\"/Admin/{id}\">>", "", open, "`/admin/x` goes to the route `wide`", case),
        ("<<\"/users/{id}/edit\">>", "", open, "`/Users/x/edit` or `/users/x/edit.json` goes to", case),
        ("<<\"/admin/*\">>", "ignore_case = true", open, "`/admin.json` goes to the route `wide`", suffix),
        (
            "<<\"/admin/*\">>",
            "",
            scopes,
            "`/Admin/x` or `/admin.json` goes to the route `wide`, which does not ask",
            "",
        ),
        ("<<\"/admin/*\">>", "", &scopes.replace("scopes = [\"read\"]", ""), "which does not ask for all", ""),
        ("<<\"/admin/*\">>", "", &open.replace("open", "optional"), "which asks for no token", case),
        (
            "<<\"/api/admin/*\">>",
            "",
            &open.replace("/*", "/api/*"),
            "`/api/Admin/x` or `/api/admin.json` goes to",
            case,
        ),
        ("<<\"/admin/*\">>", "host = \"h\"", open, "`/Admin/x` or `/admin.json` goes to", case),
        ("<<\"/admin/*\">>", "methods = [\"POST\"]", open, "`/Admin/x` or `/admin.json` goes to", case),
    ] {
        warns_of(&guarded(path, more, other), message, hint);
    }
}

/// Like [`warns`], with the hint that may go on.
fn warns_of(marked: &str, message: &str, hint: &str) {
    let given = read(&unmarked(marked)).unwrap_or_else(|problems| panic!("{marked}\n{problems}")).warnings;
    let whole = given.first().and_then(|problem| problem.hint.clone()).unwrap_or_default();
    assert!(whole.contains(hint), "{marked}\n{whole}");
    warns(marked, message, &whole);
}

#[test]
fn another_spelling_that_leads_nowhere_else_is_no_warning() {
    let open = "path = \"/*\"\nupstream = \"orders\"\nopen = true";
    let suffix = "[[routes]]\npath = \"/admin.json\"\nupstream = \"orders\"\nscopes = [\"admin\"]\nignore_case = true";
    for (path, more, other) in [
        // Nothing else is served.
        ("\"/admin/*\"", "", "path = \"/public/*\"\nupstream = \"orders\"\nopen = true".to_owned()),
        // What is wider asks for as much, or more.
        ("\"/admin/*\"", "", open.replace("open = true", "scopes = [\"admin\"]")),
        ("\"/admin/*\"", "", open.replace("open = true", "scopes = [\"admin\", \"more\"]")),
        // It has none of the methods, or is for other hosts.
        ("\"/admin/*\"", "methods = [\"POST\"]", format!("{open}\nmethods = [\"GET\"]")),
        ("\"/admin/*\"", "host = \"h\"", format!("{open}\nhost = \"i\"")),
        // Both spellings are guarded.
        ("\"/admin/*\"", "ignore_case = true", format!("{open}\n{suffix}")),
        // It has no letters, and no text at the end.
        ("\"/1/{id}\"", "", open.to_owned()),
    ] {
        accepts(&unmarked(&guarded(path, more, &other)));
    }
    // Other servers do not serve what is guarded; the same servers under another name do.
    let other = |server: &str| {
        let upstream = format!("[[upstreams]]\nname = \"site\"\nservers = [\"{server}\"]\n");
        guarded("<<\"/admin/*\">>", "", &format!("{}\n{upstream}", open.replace("\"orders\"", "\"site\"")))
    };
    accepts(&unmarked(&other("127.0.0.1:3001")));
    warns_of(&other("127.0.0.1:3000"), "goes to the route `wide`", "or lead to other servers");
}

#[test]
fn a_token_that_nobody_verified_and_that_is_passed_on_is_a_warning() {
    let forward = format!("{UPSTREAM}authorization = \"forward\"\n");
    let text = |access: &str| format!("{ISSUER}{forward}{ROUTE}{access}");
    let message = "the open route `/orders/*` passes on a token that was not verified: its upstream `orders`";
    let config = read(&unmarked(&text("<<open>> = true"))).unwrap();
    let hint = config.warnings[0].hint.clone().unwrap();
    assert!(hint.starts_with("set `optional = true`"), "{hint}");
    warns(&text("<<open>> = true"), message, &hint);
    for access in ["optional = true", "scopes = [\"a\"]", ""] {
        accepts(&text(access));
    }
    accepts(&format!("{ISSUER}{UPSTREAM}{ROUTE}open = true"));
}

#[test]
fn one_mistake_does_not_bring_others_with_it() {
    // Read as "every method", this route would match what the usual one does.
    refuses(
        &route("[[routes]]\npath = \"/orders/*\"\nupstream = \"orders\"\nmethods = [<<\"gte\">>]"),
        "`gte`",
        "`GET`",
    );
    refuses(
        &route("[[routes]]\npath = \"/orders/*\"\nupstream = \"orders\"\nhost = <<\"a b\">>"),
        "`a b`",
        "for example",
    );
    // Routes and issuers that refer to what cannot be read are not at fault.
    refuses(
        &format!("<<[issuers]>>\nissuer = \"a\"\n{UPSTREAM}{ROUTE}"),
        "`issuers` is a list of tables",
        "[[issuers]]",
    );
    refuses(&format!("upstreams = [<<1>>]\n{ISSUER}{ROUTE}"), "expected a table, [[upstreams]]", "");
    refuses(&format!("{ISSUER}{UPSTREAM}<<[routes]>>\npath = \"/*\""), "`routes` is a list of tables", "[[routes]]");
    let broken = ISSUER
        .replace("https://auth.example.com", "<<http://auth.example.com>>")
        .replace("\"<<", "<<\"")
        .replace(">>\"", "\">>");
    refuses(
        &format!("{broken}{UPSTREAM}{ROUTE}issuers = [\"http://auth.example.com\"]"),
        "must be https",
        "did you mean",
    );
}
