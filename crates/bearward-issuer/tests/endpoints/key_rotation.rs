//! Rotation: new tokens get the new key, old ones live on until their key is retired.

use bearward_issuer::SigningAlgorithm;
use jsonwebtoken::decode_header;

use crate::client::{
    API, ORDERS, REFERENTIAL, assert_inactive, introspect, jwks, obtain, post_json, spawn, spawn_with, verify,
};

#[tokio::test]
async fn old_tokens_live_until_their_key_is_retired() {
    let issuer = spawn().await;
    let (old, referential) = (obtain(&issuer, ORDERS).await, obtain(&issuer, REFERENTIAL).await);

    let rotated = post_json(&issuer, "/dev/rotate-keys", "").await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    let new = obtain(&issuer, ORDERS).await;
    let [old_kid, new_kid] = [&old, &new].map(|token| decode_header(token).unwrap().kid.unwrap());
    assert_ne!(old_kid, new_kid);
    assert_eq!(rotated.json()["current"], serde_json::json!([new_kid]));
    assert_eq!(rotated.json()["published"], serde_json::json!([new_kid, old_kid]));
    let keys = jwks(&issuer).await;
    for token in [&old, &new] {
        assert!(verify(token, &keys, issuer.url(), API).is_ok());
        assert_eq!(introspect(&issuer, token).await["active"], true);
    }

    let retired = post_json(&issuer, "/dev/retire-keys", "").await;
    assert_eq!(retired.json()["published"], serde_json::json!([new_kid]));
    let keys = jwks(&issuer).await;
    assert!(verify(&old, &keys, issuer.url(), API).is_err());
    assert!(verify(&new, &keys, issuer.url(), API).is_ok());
    assert_inactive(&introspect(&issuer, &old).await);
    assert_eq!(introspect(&issuer, &new).await["active"], true);
    // Rotation is of the signing keys: a referential token is not signed.
    assert_eq!(introspect(&issuer, &referential).await["active"], true);
}

#[tokio::test]
async fn every_algorithm_is_rotated() {
    let issuer = spawn_with(|builder| builder.algorithms([SigningAlgorithm::Es256, SigningAlgorithm::EdDsa])).await;
    let before = jwks(&issuer).await.keys;
    let rotated = issuer.issuer().rotate_keys().unwrap();
    assert_eq!((rotated.current.len(), rotated.published.len()), (2, 4));
    let after = jwks(&issuer).await.keys;
    assert!(before.iter().all(|key| after[2..].contains(key)), "the new keys come first");
    assert_eq!(issuer.issuer().retire_keys().published, rotated.current);
}
