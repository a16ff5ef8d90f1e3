//! What is remembered anew lives anew, and what may soon be otherwise is not remembered.
use std::time::Duration;

use crate::support::{AUDIENCE, FakeIssuer, TestClock, gate, outcome, route};
use serde_json::json;

#[tokio::test]
async fn an_entry_that_is_renewed_lives_as_long_as_the_new_answer_says() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE, "exp": clock.now() + 2}));
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");
    // Within the leeway, so the token is still good and the issuer is asked again; it says more now.
    clock.step(2);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE, "exp": clock.now() + 600}));
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");
    // Beyond the time of the first answer by the clock that drops entries.
    tokio::time::sleep(Duration::from_millis(2_300)).await;
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit cache");
    assert_eq!(issuer.questions(), 2);
}

#[tokio::test]
async fn a_token_that_is_not_valid_yet_is_not_remembered_as_refused() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let mut settings = issuer.settings();
    settings.introspection.as_mut().unwrap().negative_ttl = Duration::from_secs(600);
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    for (member, token) in [("nbf", "not-before"), ("iat", "issued-at")] {
        issuer.answer(token, json!({"active": true, "aud": AUDIENCE, member: clock.now() + 60}));
        assert_eq!(outcome(&gate, "/", token).await, "token_not_yet_valid", "{member}");
        clock.step(60);
        assert_eq!(outcome(&gate, "/", token).await, "admit introspection", "{member}");
    }
}
