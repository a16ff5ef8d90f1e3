//! The gateway proves to the issuer who it is, with what the issuer's own metadata says where to go; and what the issuer
//! signs for the gateway is good for nothing else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{AUDIENCE, TestClock, gate, outcome, route};
use axum::Router;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use bearward_gate::{
    ClientAuth, ClientCredentials, IntrospectionAuth, IntrospectionSettings, IssuerSettings, Secret, SignedResponse,
};
use bearward_testkit::Signer;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// An issuer with all its endpoints, whose introspection endpoint takes the token of its token endpoint alone, and signs
/// what it answers.
struct Issuer {
    url: String,
    clock: TestClock,
    asked: Arc<Mutex<Vec<String>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (clock, asked) = (TestClock::new(), Arc::new(Mutex::new(Vec::new())));
        let key = Arc::new(Signer::es256("k1"));
        let router = Router::new().fallback({
            let (url, clock, asked) = (url.clone(), clock.clone(), Arc::clone(&asked));
            move |request: Request| {
                let authorization =
                    request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
                let path = request.uri().path().to_owned();
                asked.lock().unwrap().push(path.clone());
                let (status, body) = match (path.as_str(), authorization.as_deref()) {
                    ("/.well-known/openid-configuration", None) => (200, metadata(&url).to_string()),
                    ("/jwks", None) => (200, json!({"keys": [key.jwk()]}).to_string()),
                    ("/token", Some("Basic Z2F0ZXdheTpzM2NyM3Q=")) => {
                        (200, json!({"access_token": "own", "token_type": "Bearer", "expires_in": 600}).to_string())
                    }
                    ("/introspect", Some("Bearer own")) => (200, sign(&key, &answer(&url, clock.now()))),
                    (_, Some(_)) => (401, "{}".to_owned()),
                    _ => (404, String::new()),
                };
                let kind =
                    if path == "/introspect" { "application/token-introspection+jwt" } else { "application/json" };
                async move { (axum::http::StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, kind)], body) }
            }
        });
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, clock, asked, server }
    }

    fn settings(&self, secret: &str) -> IssuerSettings {
        let grant = ClientCredentials::new(ClientAuth::Basic(Secret::from_text(secret.to_owned())));
        let mut introspection = IntrospectionSettings::new("gateway", IntrospectionAuth::ClientCredentials(grant));
        introspection.signed_response = SignedResponse::Require;
        let mut settings = IssuerSettings::new(self.url.clone(), vec![AUDIENCE.to_owned()]);
        settings.leeway = Duration::from_secs(5);
        settings.introspection = Some(introspection);
        settings
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn metadata(url: &str) -> Value {
    json!({
        "issuer": url, "jwks_uri": format!("{url}/jwks"), "introspection_endpoint": format!("{url}/introspect"),
        "token_endpoint": format!("{url}/token"),
    })
}

/// With all that an access token would need, in case somebody should look.
fn answer(url: &str, now: u64) -> Value {
    json!({
        "iss": url, "aud": ["gateway", AUDIENCE], "iat": now, "exp": now + 600, "sub": "alice", "client_id": "shop",
        "jti": "1", "scope": "orders:read",
        "token_introspection": {"active": true, "aud": AUDIENCE, "sub": "alice", "scope": "orders:read"},
    })
}

fn sign(key: &Signer, claims: &Value) -> String {
    key.sign_json(&json!({"alg": "ES256", "typ": "token-introspection+jwt", "kid": "k1"}), claims)
}

#[tokio::test]
async fn endpoints_and_keys_come_from_the_metadata() {
    let issuer = Issuer::start().await;
    let gate = gate(&issuer.clock, vec![issuer.settings("s3cr3t")], vec![route("/*", &["orders:read"])]);
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit cache");
    assert_eq!(outcome(&gate, "/", "another").await, "admit introspection");
    assert_eq!((issuer.asked("/token"), issuer.asked("/introspect")), (1, 2));
    assert!(gate.status()[0].ready);
}

#[tokio::test]
async fn who_cannot_prove_itself_learns_nothing_of_tokens() {
    let issuer = Issuer::start().await;
    let gate = gate(&issuer.clock, vec![issuer.settings("wrong")], vec![route("/*", &[])]);
    for token in ["one", "two", "three"] {
        assert_eq!(outcome(&gate, "/", token).await, "introspection_unavailable");
    }
    assert_eq!((issuer.asked("/token"), issuer.asked("/introspect")), (1, 0), "and is not asked for each token");
}

/// RFC 9701, 8.1.
#[tokio::test]
async fn a_signed_answer_presented_as_an_access_token_is_refused() {
    let issuer = Issuer::start().await;
    let gate = gate(&issuer.clock, vec![issuer.settings("s3cr3t")], vec![route("/*", &[])]);
    let own = leaked_answer(&issuer.url).await;
    assert_eq!(outcome(&gate, "/", &own).await, "type_mismatch");
    assert_eq!(issuer.asked("/introspect"), 1, "the one of this test");
}

/// The answer that the issuer signs, as somebody gets hold of it.
async fn leaked_answer(url: &str) -> String {
    let request = http::Request::post(format!("{url}/introspect")).header(AUTHORIZATION, "Bearer own");
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let answer = client.request(request.body(Empty::new()).unwrap()).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}
