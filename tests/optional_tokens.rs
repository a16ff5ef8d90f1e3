//! Where a token is optional, whoever sends none may come as nobody, and whoever sends one is held to it: it is never taken
//! for none.

use crate::support::{Echo, Gateway, Received, Reply, Request, ScriptedIssuer, bearward, finish};
use serde_json::json;

/// What clients put where they want to be believed.
const FORGED: &str = "mallory";

#[test]
fn no_token_is_nobody_and_one_that_is_sent_must_hold() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let config = format!(
        "{}{}\
         [[upstreams]]\nname = \"catalog\"\nservers = [\"{}\"]\n\
         [[routes]]\npath = \"/catalog/*\"\nupstream = \"catalog\"\noptional = true\nscopes = [\"orders:read\"]\n",
        issuer.table(""),
        ScriptedIssuer::introspection("timeout = \"500ms\""),
        upstream.address(),
    );
    let gateway = Gateway::start_with(&config, |command| {
        command.env(ScriptedIssuer::SECRET_VARIABLE, ScriptedIssuer::SECRET);
    })
    .ready();
    let ask = || gateway.get("/catalog/1").header("X-Auth-Subject", FORGED).header("x_auth_scope", FORGED);

    let nobody = ask().send();
    assert_eq!(nobody.status, 200, "{}", nobody.text());
    assert_eq!(identity(&upstream.last()), Vec::<(String, String)>::new());

    let somebody: [(&str, String); 2] = [("signed", issuer.token()), ("opaque", "good-opaque-token".to_owned())];
    for (kind, token) in &somebody {
        let answer = ask().bearer(token).send();
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
        let expected = [
            ("x-auth-client-id", "web"),
            ("x-auth-issuer", &issuer.url()),
            ("x-auth-scope", "orders:read"),
            ("x-auth-subject", "alice"),
        ];
        assert_eq!(
            identity(&upstream.last()),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())),
            "{kind}"
        );
    }

    issuer.script(ScriptedIssuer::INTROSPECTION, |request| match request.form().get("token").map(String::as_str) {
        Some("unknown-token") => Reply::json(200, &json!({ "active": false })),
        _ => Reply::status(500),
    });
    let before = upstream.requests().len();
    let (expired, narrow) = (json!({ "iat": 1, "exp": 2 }), json!({ "scope": "orders:write" }));
    let refused: [(&str, Request, u16, Option<&str>); 6] = [
        ("expired", ask().bearer(&issuer.token_with(&expired)), 401, Some("invalid_token")),
        ("inactive", ask().bearer("unknown-token"), 401, Some("invalid_token")),
        ("another scope", ask().bearer(&issuer.token_with(&narrow)), 403, Some("insufficient_scope")),
        ("nobody can say", ask().bearer("good-token-that-is-new"), 503, None),
        ("malformed", ask().header("Authorization", "Bearer a b"), 400, Some("invalid_request")),
        ("two", ask().bearer(&issuer.token()).bearer(&issuer.token()), 400, Some("invalid_request")),
    ];
    for (why, request, status, error) in refused {
        let answer = request.send();
        assert_eq!(answer.status, status, "{why}: {}", answer.text());
        let challenge = answer.header("www-authenticate").unwrap_or_default().to_owned();
        let told = error.map_or(challenge.is_empty(), |error| challenge.contains(&format!("error=\"{error}\"")));
        assert!(told, "{why}: {challenge}");
        assert_eq!(answer.header("retry-after").is_some(), status == 503, "{why}");
    }
    assert_eq!(upstream.requests().len(), before, "none of them was passed on");

    let check = finish(
        bearward()
            .args(["check", "--config"])
            .arg(gateway.directory().join("bearward.toml"))
            .env(ScriptedIssuer::SECRET_VARIABLE, ScriptedIssuer::SECRET),
    );
    assert_eq!(check.code, Some(0), "{}", check.output());
    let (_, listed) = check.stdout.split_once("Optional routes").unwrap();
    assert!(listed.lines().nth(1).unwrap().contains("/catalog/*"), "{}", check.stdout);
    assert!(listed.contains("Open routes: none"), "{}", check.stdout);
}

/// What the upstream can read as who calls, by name.
fn identity(request: &Received) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> =
        request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    found.retain(|(name, _)| name.replace(['_', '.'], "-").starts_with("x-auth-"));
    found.sort();
    found
}
