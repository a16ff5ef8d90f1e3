//! A client of a few lines: one request for each connection, and the answer whole.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bearward_issuer::{IssuerBuilder, RunningIssuer, SigningAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation, decode, decode_header, errors, jwk::JwkSet};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

pub(crate) const ORDERS: (&str, &str) = ("orders-app", "orders-secret");
pub(crate) const REFERENTIAL: (&str, &str) = ("orders-app-referential", "orders-referential-secret");
pub(crate) const GATEWAY: (&str, &str) = ("gateway", "gateway-secret");
pub(crate) const API: &str = "https://api.example.com";

/// An issuer with the built-in applications. Its key is Ed25519, which is made at once where RSA takes a while.
pub(crate) async fn spawn() -> RunningIssuer {
    spawn_with(|builder| builder).await
}

pub(crate) async fn spawn_with(change: impl FnOnce(IssuerBuilder) -> IssuerBuilder) -> RunningIssuer {
    let builder = bearward_issuer::Issuer::builder().algorithms([SigningAlgorithm::EdDsa]);
    change(builder).spawn().await.expect("an issuer on a free port")
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// That this is a refusal of RFC 6749 5.2, which nothing may keep.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, error: &str) {
        assert_eq!((self.status, &self.json()["error"]), (status, &Value::from(error)), "{}", self.body);
        assert!(self.json()["error_description"].is_string());
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("www-authenticate").starts_with("Basic "), status == 401);
    }
}

pub(crate) async fn send(address: SocketAddr, method: &str, path: &str, headers: &[String], body: &str) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = timeout(Duration::from_secs(30), exchange).await.expect("an answer in time");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Answer { status, headers, body: body.to_owned() }
}

pub(crate) async fn get(issuer: &RunningIssuer, path: &str) -> Answer {
    send(issuer.address(), "GET", path, &[], "").await
}

/// A form with client secret basic.
pub(crate) async fn post_form(issuer: &RunningIssuer, path: &str, client: (&str, &str), form: &str) -> Answer {
    post_form_with(issuer, path, &[basic(client)], form).await
}

pub(crate) async fn post_form_with(issuer: &RunningIssuer, path: &str, headers: &[String], form: &str) -> Answer {
    let content_type = "content-type: application/x-www-form-urlencoded".to_owned();
    let headers: Vec<String> = headers.iter().cloned().chain([content_type]).collect();
    send(issuer.address(), "POST", path, &headers, form).await
}

pub(crate) async fn post_json(issuer: &RunningIssuer, path: &str, body: &str) -> Answer {
    send(issuer.address(), "POST", path, &["content-type: application/json".to_owned()], body).await
}

pub(crate) fn basic((id, secret): (&str, &str)) -> String {
    format!("authorization: Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

/// A token from the token endpoint, with all scopes.
pub(crate) async fn obtain(issuer: &RunningIssuer, client: (&str, &str)) -> String {
    let answer = post_form(issuer, "/token", client, "grant_type=client_credentials").await;
    answer.json()["access_token"].as_str().expect("a token").to_owned()
}

pub(crate) async fn introspect(issuer: &RunningIssuer, token: &str) -> Value {
    let answer = post_form(issuer, "/introspect", GATEWAY, &format!("token={token}")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()
}

#[track_caller]
pub(crate) fn assert_inactive(introspection: &Value) {
    assert_eq!(*introspection, serde_json::json!({ "active": false }));
}

pub(crate) async fn jwks(issuer: &RunningIssuer) -> JwkSet {
    serde_json::from_str(&get(issuer, "/jwks").await.body).unwrap()
}

/// What a resource server does, with nothing in hand but the token, the key set and what it expects.
pub(crate) fn verify(token: &str, keys: &JwkSet, issuer: &str, audience: &str) -> errors::Result<TokenData<Value>> {
    let header = decode_header(token)?;
    let Some(key) = keys.find(header.kid.as_deref().unwrap_or_default()) else {
        return Err(errors::ErrorKind::InvalidKeyFormat.into());
    };
    let algorithm: Algorithm = key.common.key_algorithm.unwrap().try_into()?;
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = 0;
    decode(token, &DecodingKey::from_jwk(key)?, &validation)
}
