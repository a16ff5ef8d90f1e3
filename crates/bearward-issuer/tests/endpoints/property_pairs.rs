//! Every combination of an application's properties: it works over HTTP as its properties say, or is refused when the
//! issuer is built, with the reason.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bearward_issuer::{
    Application, BuildError, ClientAuthentication, ClientKeys, ClientType, GrantType, Issuer, Pkce, Protocol,
    RunningIssuer, Settings, SigningAlgorithm, TokenFormat,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::{
    browser::{CALLBACK, Client, Flow, answer_to, payload},
    client::{API, assert_inactive, introspect, jwks, verify},
};

const PROTOCOLS: [Protocol; 2] = [Protocol::OAuth2, Protocol::Oidc];
const CLIENT_TYPES: [ClientType; 2] = [ClientType::Confidential, ClientType::Public];
const PKCE: [Pkce; 2] = [Pkce::S256, Pkce::Disabled];
const METHODS: [Method; 4] = [Method::Basic, Method::Post, Method::PrivateKeyJwt, Method::None];
const GRANTS: [&[GrantType]; 6] = [
    &[],
    &[GrantType::ClientCredentials],
    &[GrantType::AuthorizationCode],
    &[GrantType::RefreshToken],
    &[GrantType::AuthorizationCode, GrantType::RefreshToken],
    &[GrantType::ClientCredentials, GrantType::AuthorizationCode, GrantType::RefreshToken],
];
const FORMATS: [TokenFormat; 2] = [TokenFormat::SelfContained, TokenFormat::Referential];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    Basic,
    Post,
    PrivateKeyJwt,
    None,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    protocol: Protocol,
    client_type: ClientType,
    pkce: Pkce,
    method: Method,
    grants: &'static [GrantType],
    format: TokenFormat,
}

fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in PROTOCOLS {
        for client_type in CLIENT_TYPES {
            for pkce in PKCE {
                for method in METHODS {
                    for grants in GRANTS {
                        for format in FORMATS {
                            cases.push(Case { protocol, client_type, pkce, method, grants, format });
                        }
                    }
                }
            }
        }
    }
    cases
}

impl Case {
    /// What the issuer must say of the application; `None` if the properties go together.
    fn refusal(&self) -> Option<&'static str> {
        let (public, oidc) = (self.client_type == ClientType::Public, self.protocol == Protocol::Oidc);
        let has = |grant| self.grants.contains(&grant);
        match self.method {
            Method::None if !public => return Some("a confidential client must authenticate"),
            Method::Basic | Method::Post | Method::PrivateKeyJwt if public => {
                return Some("a public client cannot keep");
            }
            _ => {}
        }
        if has(GrantType::ClientCredentials) && public {
            return Some("a public client cannot have client_credentials");
        }
        if has(GrantType::ClientCredentials) && oidc {
            return Some("an OpenID Connect application cannot have client_credentials");
        }
        if oidc && !has(GrantType::AuthorizationCode) {
            return Some("an OpenID Connect application needs authorization_code");
        }
        if has(GrantType::RefreshToken) && !has(GrantType::AuthorizationCode) {
            return Some("refresh_token needs authorization_code");
        }
        (public && self.pkce == Pkce::Disabled).then_some("a public client cannot do without PKCE")
    }

    fn application(&self, keys: &ClientKeys) -> Application {
        let mut application = Application::new("app", "secret")
            .resource_server(API, ["orders:read", "orders:write"])
            .token_format(self.format)
            .authentication(match self.method {
                Method::Basic => ClientAuthentication::SecretBasic("secret".into()),
                Method::Post => ClientAuthentication::SecretPost("secret".into()),
                Method::PrivateKeyJwt => ClientAuthentication::PrivateKeyJwt(keys.clone()),
                Method::None => ClientAuthentication::None,
            });
        application.protocol = self.protocol;
        application.client_type = self.client_type;
        application.pkce = self.pkce;
        application.grant_types = self.grants.to_vec();
        if self.grants.contains(&GrantType::AuthorizationCode) {
            application.redirect_uris = vec![CALLBACK.to_owned()];
        }
        application
    }

    /// The client at an issuer: a new assertion for each request.
    fn client(&self, signer: &[u8], issuer: &RunningIssuer) -> Client {
        let id = ("client_id", "app".to_owned());
        match self.method {
            Method::Basic => Client::Basic("app", "secret"),
            Method::Post => Client::Form(vec![id, ("client_secret", "secret".to_owned())]),
            Method::None => Client::Form(vec![id]),
            Method::PrivateKeyJwt => {
                let mut jti = [0; 16];
                aws_lc_rs::rand::fill(&mut jti).unwrap();
                let exp = jsonwebtoken::get_current_timestamp() + 60;
                let jti = BASE64_URL_SAFE_NO_PAD.encode(jti);
                let claims = json!({ "iss": "app", "sub": "app", "aud": issuer.url(), "exp": exp, "jti": jti });
                let key = EncodingKey::from_ed_der(signer);
                let assertion = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &key).unwrap();
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned();
                Client::Form(vec![("client_assertion_type", kind), ("client_assertion", assertion)])
            }
        }
    }
}

fn signer() -> (Vec<u8>, ClientKeys) {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap().as_ref().to_vec();
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).unwrap();
    let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x }] });
    (pkcs8, ClientKeys::from_json(&keys.to_string()).unwrap())
}

#[tokio::test]
async fn what_does_not_go_together_is_refused_with_the_reason() {
    let (_, keys) = signer();
    let (mut refused, mut sound) = (0, 0);
    for case in all() {
        let mut settings = Settings::default();
        settings.algorithms = vec![SigningAlgorithm::EdDsa];
        settings.set_application(case.application(&keys));
        let built = Issuer::builder().settings(settings).url("http://127.0.0.1:9000").build();
        match (built, case.refusal()) {
            (Ok(_), None) => sound += 1,
            (Err(BuildError::Application { client_id, problem }), Some(expected)) => {
                assert_eq!(client_id, "app");
                assert!(problem.to_string().starts_with(expected), "{case:?}: {problem}");
                refused += 1;
            }
            (built, expected) => panic!("{case:?}: {built:?}, expected {expected:?}"),
        }
    }
    assert_eq!((refused + sound, sound), (384, 94));
}

#[tokio::test]
async fn what_goes_together_works_as_it_says() {
    let (signer, keys) = signer();
    for case in all().into_iter().filter(|case| case.refusal().is_none()) {
        let builder = Issuer::builder().algorithms([SigningAlgorithm::EdDsa]).application(case.application(&keys));
        let issuer = builder.spawn().await.unwrap();
        let flow = || {
            let flow = Flow::new("app", case.client(&signer, &issuer));
            let flow = if case.protocol == Protocol::Oidc { flow.with("scope", "openid orders:read") } else { flow };
            if case.pkce == Pkce::Disabled { flow.without_pkce() } else { flow }
        };
        for grant in [GrantType::ClientCredentials, GrantType::AuthorizationCode, GrantType::RefreshToken] {
            if !case.grants.contains(&grant) {
                let form = [("grant_type", grant.name().to_owned())];
                flow().ask(&issuer, "/token", &form).await.expect_error(400, "unauthorized_client");
            }
        }
        if case.grants.contains(&GrantType::ClientCredentials) {
            let form = [("grant_type", "client_credentials".to_owned())];
            let answer = flow().ask(&issuer, "/token", &form).await;
            assert_eq!(answer.status, 200, "{case:?}: {}", answer.body);
            check(&case, &issuer, &answer.json(), "app").await;
        }
        if case.grants.contains(&GrantType::AuthorizationCode) {
            let tokens = flow().tokens(&issuer).await;
            check(&case, &issuer, &tokens, "alice").await;
            if let Some(token) = tokens.get("refresh_token").and_then(Value::as_str) {
                let answer = flow().refresh(&issuer, token, &[]).await;
                assert_eq!(answer.status, 200, "{case:?}: {}", answer.body);
                check(&case, &issuer, &answer.json(), "alice").await;
            }
            check_pkce(&case, &issuer, &flow).await;
        }
        issuer.shutdown().await;
    }
}

/// Whether the answer is that of an application of these properties.
async fn check(case: &Case, issuer: &RunningIssuer, tokens: &Value, subject: &str) {
    let access = tokens["access_token"].as_str().unwrap();
    let meaning = introspect(issuer, access).await;
    assert_eq!((&meaning["active"], &meaning["sub"]), (&json!(true), &json!(subject)), "{case:?}");
    match case.format {
        TokenFormat::SelfContained => drop(verify(access, &jwks(issuer).await, issuer.url(), API).unwrap()),
        TokenFormat::Referential => assert_eq!(access.split('.').count(), 5, "{case:?}"),
    }
    // An application that speaks for itself asks again instead (RFC 6749 4.4.3).
    let refreshes = subject != "app" && case.grants.contains(&GrantType::RefreshToken);
    assert_eq!(tokens.get("refresh_token").is_some(), refreshes, "{case:?}");
    let id_token = tokens.get("id_token").map(|token| token.as_str().unwrap());
    assert_eq!(id_token.is_some(), case.protocol == Protocol::Oidc, "{case:?}");
    if let Some(id_token) = id_token {
        assert_eq!((&payload(id_token)["sub"], &payload(id_token)["aud"]), (&json!(subject), &json!("app")));
        assert_inactive(&introspect(issuer, id_token).await);
    }
}

/// Whether a challenge is asked for where it must be, and held to wherever it is.
async fn check_pkce(case: &Case, issuer: &RunningIssuer, flow: &impl Fn() -> Flow) {
    match case.pkce {
        Pkce::S256 => {
            let told = answer_to(&flow().without_pkce().request(issuer).await);
            assert_eq!(told["error"], "invalid_request", "{case:?}");
        }
        Pkce::Disabled => {
            let code = flow().code(issuer).await;
            let verifier = [("code_verifier", crate::browser::VERIFIER)];
            flow().redeem(issuer, &code, &verifier).await.expect_error(400, "invalid_grant");
            let with = || match case.protocol {
                Protocol::OAuth2 => Flow::new("app", flow().client),
                Protocol::Oidc => Flow::new("app", flow().client).with("scope", "openid"),
            };
            let code = with().code(issuer).await;
            with().redeem(issuer, &code, &[("code_verifier", "")]).await.expect_error(400, "invalid_grant");
        }
    }
    let plain = flow().with("code_challenge", "a".repeat(43).as_str()).with("code_challenge_method", "plain");
    assert_eq!(answer_to(&plain.request(issuer).await)["error"], "invalid_request", "{case:?}");
}
