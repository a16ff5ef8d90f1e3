//! Revocation: a token ends when its client says so.

use crate::client::{
    API, GATEWAY, ORDERS, REFERENTIAL, assert_inactive, introspect, jwks, obtain, post_form, post_form_with, spawn,
    verify,
};

#[tokio::test]
async fn a_revoked_token_is_inactive_and_others_stay() {
    let issuer = spawn().await;
    for client in [ORDERS, REFERENTIAL] {
        let (ended, kept) = (obtain(&issuer, client).await, obtain(&issuer, client).await);
        let answer = post_form(&issuer, "/revoke", client, &format!("token={ended}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_inactive(&introspect(&issuer, &ended).await);
        assert_eq!(introspect(&issuer, &kept).await["active"], true);
        // Again is as good as once.
        let again = post_form(&issuer, "/revoke", client, &format!("token={ended}")).await;
        assert_eq!(again.status, 200);
    }
}

#[tokio::test]
async fn a_token_that_is_not_yet_good_can_be_ended() {
    let issuer = spawn().await;
    for client in [ORDERS, REFERENTIAL] {
        issuer.issuer().set_faults(["clock=+600s".parse().unwrap()]);
        let (ended, kept) = (obtain(&issuer, client).await, obtain(&issuer, client).await);
        issuer.issuer().set_faults([]);
        assert_inactive(&introspect(&issuer, &ended).await);
        assert_eq!(post_form(&issuer, "/revoke", client, &format!("token={ended}")).await.status, 200);
        issuer.issuer().set_faults(["clock=+600s".parse().unwrap()]);
        assert_inactive(&introspect(&issuer, &ended).await);
        assert_eq!(introspect(&issuer, &kept).await["active"], true);
    }
}

#[tokio::test]
async fn a_revoked_self_contained_token_still_verifies() {
    // Nobody can take a signature back: this is why introspection of self-contained tokens exists.
    let issuer = spawn().await;
    let token = obtain(&issuer, ORDERS).await;
    assert_eq!(post_form(&issuer, "/revoke", ORDERS, &format!("token={token}")).await.status, 200);
    assert_inactive(&introspect(&issuer, &token).await);
    assert!(verify(&token, &jwks(&issuer).await, issuer.url(), API).is_ok());
}

#[tokio::test]
async fn a_token_that_means_nothing_is_as_good_as_revoked() {
    let issuer = spawn().await;
    let expired = issuer.issuer().token().lifetime(-60).mint().unwrap();
    for token in ["unknown", "a.b.c", "a..b.c.d", &expired] {
        let answer = post_form(&issuer, "/revoke", ORDERS, &format!("token={token}&token_type_hint=any")).await;
        assert_eq!(answer.status, 200, "{token}");
    }
}

#[tokio::test]
async fn a_client_ends_its_own_tokens_only() {
    let issuer = spawn().await;
    let token = obtain(&issuer, ORDERS).await;
    let form = format!("token={token}");
    for client in [REFERENTIAL, GATEWAY] {
        post_form(&issuer, "/revoke", client, &form).await.expect_error(400, "invalid_grant");
    }
    post_form(&issuer, "/revoke", ("orders-app", "wrong"), &form).await.expect_error(401, "invalid_client");
    post_form_with(&issuer, "/revoke", &[], &form).await.expect_error(401, "invalid_client");
    assert_eq!(introspect(&issuer, &token).await["active"], true);
}

#[tokio::test]
async fn the_token_must_be_there_once() {
    let issuer = spawn().await;
    for form in ["", "token=", "token=a&token=a"] {
        post_form(&issuer, "/revoke", ORDERS, form).await.expect_error(400, "invalid_request");
    }
}
