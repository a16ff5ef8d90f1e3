//! Answers that the issuer signs, asked for, proved, and told from plain ones (RFC 9701).

use bearward_testkit::Signer;
use serde_json::{Value, json as value};

use super::*;

const JWT: &str = "application/token-introspection+jwt";

/// An answer that this key signs.
fn sign(key: &Signer, claims: &Value) -> String {
    key.sign_json(&value!({"alg": "ES256", "typ": "token-introspection+jwt", "kid": key.kid}), claims)
}

/// What the issuer says of the token, and for whom it says so.
fn claims() -> Value {
    let answer: Value = serde_json::from_str(ACTIVE).unwrap();
    value!({"iss": "https://auth.example.com", "aud": "gateway", "iat": 1_000, "token_introspection": answer})
}

/// An issuer that publishes some keys and answers with some text.
struct SigningIssuer {
    issuer: Issuer,
    published: Arc<Mutex<Vec<Value>>>,
    answer: Arc<Mutex<(String, String)>>,
}

impl SigningIssuer {
    async fn start(keys: &[&Signer], content_type: &str, answer: &str) -> Self {
        let published = Arc::new(Mutex::new(keys.iter().map(|key| key.jwk()).collect()));
        let answer = Arc::new(Mutex::new((content_type.to_owned(), answer.to_owned())));
        let (keys, says) = (Arc::clone(&published), Arc::clone(&answer));
        let issuer = Issuer::start(move |(target, ..): Question| {
            let (content_type, body) = match target.as_str() {
                "GET /jwks" => ("application/json".to_owned(), value!({"keys": *keys.lock().unwrap()}).to_string()),
                _ => says.lock().unwrap().clone(),
            };
            async move { Response::builder().header(CONTENT_TYPE, content_type).body(Body::from(body)).unwrap() }
        })
        .await;
        Self { issuer, published, answer }
    }

    fn introspector(&self, signed_response: SignedResponse) -> Watched {
        let jwks_url = format!("http://{}/jwks", self.issuer.url.uri().authority().unwrap());
        new_introspector_with_keys(
            HttpClient::new(),
            IntrospectionSettings { signed_response, ..settings() },
            &jwks_url,
        )
    }

    fn key_fetches(&self) -> usize {
        self.issuer.questions.lock().unwrap().iter().filter(|(target, ..)| target == "GET /jwks").count()
    }
}

#[tokio::test]
async fn what_is_asked_for_is_what_is_taken() {
    let key = Signer::es256("k1");
    let jwt = sign(&key, &claims());
    let cases = [
        (SignedResponse::Never, "application/json", true, false),
        (SignedResponse::Accept, "application/token-introspection+jwt, application/json;q=0.5", true, true),
        (SignedResponse::Require, "application/token-introspection+jwt", false, true),
    ];
    for (setting, accept, takes_plain, takes_signed) in cases {
        for (content_type, body, taken) in [
            ("application/json", ACTIVE, takes_plain),
            (JWT, &jwt, takes_signed),
            ("Application/Token-Introspection+JWT; charset=utf-8", &jwt, takes_signed),
            ("application/jwt", &jwt, false),
            ("application/json", &jwt, false),
            (JWT, ACTIVE, false),
        ] {
            let issuer = SigningIssuer::start(&[&key], content_type, body).await;
            let introspector = issuer.introspector(setting);
            let answer = introspector.ask(&issuer.issuer).await.map(|token| token.subject().map(str::to_owned));
            let expected = if taken { Ok(Some("alice".to_owned())) } else { Err(Reason::IntrospectionUnavailable) };
            assert_eq!(answer, expected, "{setting:?} {content_type} {}", &body[..10]);
            let asked = issuer.issuer.questions.lock().unwrap();
            let (_, headers, _) = asked.iter().find(|(target, ..)| target.starts_with("POST")).unwrap();
            assert_eq!(headers[ACCEPT], accept);
            assert_eq!(introspector.outcomes(), [if taken { "active" } else { "failed" }]);
        }
    }
}

#[tokio::test]
async fn what_the_issuer_signed_is_read_as_if_it_were_plain() {
    let key = Signer::es256("k1");
    for (member, says, outcome, reason) in [
        ("active", value!(false), "inactive", Reason::TokenInactive),
        ("exp", value!(900), "active", Reason::TokenExpired),
        ("aud", value!("gateway"), "active", Reason::AudienceMismatch),
        ("active", value!("true"), "failed", Reason::IntrospectionUnavailable),
    ] {
        let mut claims = claims();
        claims["token_introspection"][member] = says;
        let issuer = SigningIssuer::start(&[&key], JWT, &sign(&key, &claims)).await;
        let introspector = issuer.introspector(SignedResponse::Require);
        assert_eq!(
            (introspector.ask(&issuer.issuer).await.unwrap_err(), introspector.outcomes()),
            (reason, vec![outcome]),
            "{member}"
        );
    }
}

/// A JWT that is not for us, not of now, or not of this issuer says nothing about the token: unavailable, not invalid.
#[tokio::test]
async fn a_jwt_that_is_not_for_us_is_no_answer() {
    let log = Log::default();
    let _guard = log.listen();
    let key = Signer::es256("k1");
    for (claim, says) in [
        ("aud", value!("billing-gateway")),
        ("iss", value!("https://other.example.com")),
        ("iat", value!(600)),
        ("token_introspection", value!(null)),
    ] {
        let mut claims = claims();
        claims[claim] = says;
        let jwt = sign(&key, &claims);
        let issuer = SigningIssuer::start(&[&key], JWT, &jwt).await;
        let introspector = issuer.introspector(SignedResponse::Accept);
        log.clear();
        assert_eq!(introspector.ask(&issuer.issuer).await.unwrap_err(), Reason::IntrospectionUnavailable, "{claim}");
        assert_eq!(introspector.outcomes(), ["failed"]);
        let said = log.text();
        assert!(said.contains("WARN") && said.contains("RFC 9701"), "{claim}: {said}");
        assert!(!said.contains(jwt.split('.').nth(1).unwrap()), "{claim}: {said}");
    }
    // Signed by somebody else under a name that the issuer uses.
    let jwt = sign(&Signer::es256("k1"), &claims());
    let issuer = SigningIssuer::start(&[&key], JWT, &jwt).await;
    let answer = issuer.introspector(SignedResponse::Accept).ask(&issuer.issuer).await;
    assert_eq!(answer.unwrap_err(), Reason::IntrospectionUnavailable);
}

#[tokio::test]
async fn a_key_that_is_not_known_yet_is_fetched() {
    let (old, new) = (Signer::es256("k1"), Signer::es256("k2"));
    let issuer = SigningIssuer::start(&[&old], JWT, &sign(&old, &claims())).await;
    let introspector = issuer.introspector(SignedResponse::Require);
    introspector.ask(&issuer.issuer).await.unwrap();
    introspector.ask(&issuer.issuer).await.unwrap();
    assert_eq!(issuer.key_fetches(), 1);
    issuer.published.lock().unwrap().push(new.jwk());
    issuer.answer.lock().unwrap().1 = sign(&new, &claims());
    introspector.ask(&issuer.issuer).await.unwrap();
    assert_eq!(issuer.key_fetches(), 2);
    // One that the issuer does not publish is unavailable: who knows what it says of the token.
    issuer.answer.lock().unwrap().1 = sign(&Signer::es256("k3"), &claims());
    assert_eq!(introspector.ask(&issuer.issuer).await.unwrap_err(), Reason::IntrospectionUnavailable);
}

#[tokio::test]
async fn without_keys_a_signed_answer_is_none() {
    let key = Signer::es256("k1");
    let issuer = Issuer::says(200, JWT, &sign(&key, &claims())).await;
    let introspector =
        new_introspector(IntrospectionSettings { signed_response: SignedResponse::Accept, ..settings() });
    assert_eq!(introspector.ask(&issuer).await.unwrap_err(), Reason::IntrospectionUnavailable);
}
