//! A token that is bound to a key (RFC 7800) is of no use to a sender that proves nothing, in whatever way it was proved.

use bearward_core::{Access, Requirement};
use bearward_gate::TokenFormats;
use serde_json::{Value, json};

use crate::support::{AUDIENCE, FakeIssuer, Key, TestClock, gate, outcome, route};

/// A token, what the issuer answers about it, and who can say what it means.
struct Bound {
    token: String,
    answer: Option<Value>,
    tokens: TokenFormats,
}

fn bound(issuer: &FakeIssuer, key: &Key, now: u64) -> Vec<Bound> {
    let plain = issuer.claims(now);
    let with = |mut claims: Value, id: &str, confirmation: Value| {
        (claims["jti"], claims["cnf"]) = (json!(id), confirmation);
        claims
    };
    let answer = |confirmation: Value| json!({"active": true, "aud": AUDIENCE, "cnf": confirmation});
    let thumbprint = json!({"jkt": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"});
    let mut all = Vec::new();
    // What the member holds does not matter: a reader that knows nothing of it must not take the token for a bearer token.
    for (at, confirmation) in
        [thumbprint.clone(), json!({"x5t#S256": "a"}), json!({}), json!("a")].into_iter().enumerate()
    {
        let signed = |kind: &str| key.sign(&with(plain.clone(), &format!("{kind}-{at}"), confirmation.clone()));
        all.push(Bound { token: signed("auto"), answer: None, tokens: TokenFormats::Auto });
        let silent = Some(json!({"active": true}));
        all.push(Bound { token: signed("both"), answer: silent, tokens: TokenFormats::Both });
        let told = Some(answer(confirmation.clone()));
        all.push(Bound { token: format!("opaque-{at}"), answer: told.clone(), tokens: TokenFormats::Auto });
        all.push(Bound { token: format!("opaque-{at}"), answer: told, tokens: TokenFormats::Referential });
    }
    // The token itself says nothing of it.
    let told = Some(answer(thumbprint));
    all.push(Bound { token: key.sign(&plain), answer: told.clone(), tokens: TokenFormats::Both });
    all.push(Bound { token: key.sign(&plain), answer: told, tokens: TokenFormats::Referential });
    all
}

#[tokio::test]
async fn a_bound_token_is_refused_on_every_route_remembered_or_not() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut optional = route("/optional/*", &[]);
    optional.access = Access::Optional(Requirement::default());
    for Bound { token, answer, tokens } in bound(&issuer, &key, clock.now()) {
        let mut settings = issuer.settings();
        settings.tokens = tokens;
        let gate = gate(&clock, vec![settings], vec![route("/*", &[]), optional.clone()]);
        if let Some(answer) = answer {
            issuer.answer(&token, answer);
        }
        for path in ["/a", "/optional/a", "/a", "/optional/a"] {
            assert_eq!(outcome(&gate, path, &token).await, "confirmation_missing", "{tokens:?} {path}");
        }
    }
}
