//! `private_key_jwt`: a client that signs its own assertions, each for this issuer, for a short time and for one use.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bearward_issuer::{Application, ClientAuthentication, ClientKeys, RunningIssuer};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::client::{Answer, post_form, post_form_with, spawn_with};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct Signer(Vec<u8>);

impl Signer {
    fn new() -> Self {
        Self(Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap().as_ref().to_vec())
    }

    async fn spawn(&self) -> RunningIssuer {
        self.spawn_with("EdDSA").await
    }

    /// The issuer that knows the key, as one for this algorithm.
    async fn spawn_with(&self, algorithm: &str) -> RunningIssuer {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&self.0).unwrap();
        let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "alg": algorithm, "x": x }] });
        let keys = ClientKeys::from_json(&keys.to_string()).unwrap();
        let app = Application::new("signer", "").authentication(ClientAuthentication::PrivateKeyJwt(keys));
        spawn_with(|builder| builder.application(app)).await
    }

    /// A good assertion for this issuer with these claims put over it; `null` takes one away.
    fn assertion(&self, issuer: &RunningIssuer, changes: &Value) -> String {
        self.with_header(issuer, changes, |_| ())
    }

    fn with_header(&self, issuer: &RunningIssuer, changes: &Value, change: impl FnOnce(&mut Header)) -> String {
        let now = now();
        let jti = format!("{now}-{}", rand());
        let mut claims = json!({ "iss": "signer", "sub": "signer", "aud": issuer.url(), "exp": now + 60, "jti": jti });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some("one".to_owned());
        change(&mut header);
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&self.0)).unwrap()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn rand() -> u64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    u64::from_ne_bytes(bytes)
}

async fn ask(issuer: &RunningIssuer, assertion: &str) -> Answer {
    let form = format!("grant_type=client_credentials&client_assertion_type={TYPE}&client_assertion={assertion}");
    post_form_with(issuer, "/token", &[], &form).await
}

#[tokio::test]
async fn an_assertion_for_the_issuer_or_its_token_endpoint_is_good() {
    let signer = Signer::new();
    let issuer = signer.spawn().await;
    let endpoint = format!("{}/token", issuer.url());
    for changes in [
        json!({}),
        json!({ "aud": endpoint }),
        json!({ "aud": ["https://other.example.com", issuer.url()] }),
        json!({ "nbf": now() - 5, "iat": now() }),
        json!({ "exp": now() + 3600 }),
        json!({ "jti": "a".repeat(255) }),
    ] {
        let answer = ask(&issuer, &signer.assertion(&issuer, &changes)).await;
        assert_eq!(answer.status, 200, "{changes}: {}", answer.body);
    }
    let untyped = signer.with_header(&issuer, &json!({}), |header| header.typ = None);
    assert_eq!(ask(&issuer, &untyped).await.status, 200);
}

#[tokio::test]
async fn the_algorithm_has_two_names() {
    let signer = Signer::new();
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&signer.0).unwrap();
    for (in_key, in_header, good) in [
        ("EdDSA", "Ed25519", true),
        ("Ed25519", "EdDSA", true),
        ("Ed25519", "Ed25519", true),
        ("EdDSA", "Ed448", false),
    ] {
        let issuer = signer.spawn_with(in_key).await;
        let assertion = signer.assertion(&issuer, &json!({}));
        let claims = assertion.split('.').nth(1).unwrap();
        let header = json!({ "alg": in_header, "kid": "one" }).to_string();
        let signed = format!("{}.{claims}", BASE64_URL_SAFE_NO_PAD.encode(header));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
        let answer = ask(&issuer, &format!("{signed}.{signature}")).await;
        assert_eq!(answer.status, if good { 200 } else { 401 }, "{in_key} {in_header}: {}", answer.body);
    }
}

#[tokio::test]
async fn an_assertion_is_used_once() {
    let signer = Signer::new();
    let issuer = signer.spawn().await;
    let assertion = signer.assertion(&issuer, &json!({}));
    assert_eq!(ask(&issuer, &assertion).await.status, 200);
    ask(&issuer, &assertion).await.expect_error(401, "invalid_client");
}

#[tokio::test]
async fn everything_else_proves_nothing() {
    let (signer, thief) = (Signer::new(), Signer::new());
    let issuer = signer.spawn().await;
    for changes in [
        json!({ "iss": "orders-app" }),
        json!({ "iss": "orders-app", "sub": "orders-app" }),
        json!({ "aud": "https://other.example.com" }),
        json!({ "aud": format!("{}/", issuer.url()) }),
        json!({ "aud": null }),
        json!({ "exp": now() - 1 }),
        json!({ "exp": now() + 7200 }),
        json!({ "exp": null }),
        json!({ "nbf": now() + 60 }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "jti": "a".repeat(256) }),
    ] {
        ask(&issuer, &signer.assertion(&issuer, &changes)).await.expect_error(401, "invalid_client");
    }
    ask(&issuer, &thief.assertion(&issuer, &json!({}))).await.expect_error(401, "invalid_client");
    for change in [
        (|header: &mut Header| header.kid = Some("two".to_owned())) as fn(&mut Header),
        |header| header.typ = Some("at+jwt".to_owned()),
        |header| header.crit = Some(vec!["exp".to_owned()]),
    ] {
        let assertion = signer.with_header(&issuer, &json!({}), change);
        ask(&issuer, &assertion).await.expect_error(401, "invalid_client");
    }
    let good = signer.assertion(&issuer, &json!({}));
    let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
    ask(&issuer, &unsigned).await.expect_error(401, "invalid_client");
    post_form(&issuer, "/token", ("signer", "guess"), "grant_type=client_credentials")
        .await
        .expect_error(401, "invalid_client");
}

#[tokio::test]
async fn the_type_must_be_there_and_no_other_proof_with_it() {
    let signer = Signer::new();
    let issuer = signer.spawn().await;
    let form = format!("grant_type=client_credentials&client_assertion={}", signer.assertion(&issuer, &json!({})));
    post_form_with(&issuer, "/token", &[], &form).await.expect_error(400, "invalid_request");
    let form = format!("{form}&client_assertion_type={TYPE}");
    post_form(&issuer, "/token", ("orders-app", "orders-secret"), &form).await.expect_error(400, "invalid_request");
    let other = format!("{form}&client_id=orders-app");
    post_form_with(&issuer, "/token", &[], &other).await.expect_error(400, "invalid_request");
}
