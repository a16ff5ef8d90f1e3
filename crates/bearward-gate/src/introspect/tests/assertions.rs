//! Assertions: what an issuer gets, whatever the key, and what becomes of keys that change or are none.

use bearward_core::Algorithm as Alg;
use jsonwebtoken::{Algorithm, DecodingKey};

use super::keys::{TestKey, fields, pem, verified};
use super::*;

/// The moment of every question here, by the test's clock.
const NOW: u64 = 1_000;

fn private_key(key: &str) -> PrivateKeyJwt {
    let key = Secret::from_text(key.to_owned());
    PrivateKeyJwt::new(key, None, None, AssertionAudience::Issuer).unwrap()
}

/// Asks with this method, and gives the form that the issuer got.
async fn asked_with(auth: ClientAuth) -> (std::collections::HashMap<String, String>, String) {
    let issuer = Issuer::says(200, "application/json", ACTIVE).await;
    new_introspector(IntrospectionSettings { auth: auth.into(), ..settings() }).ask(&issuer).await.unwrap();
    let (_, headers, body) = issuer.last_question();
    assert!(!headers.contains_key(AUTHORIZATION), "the assertion is all");
    (fields(&body), issuer.url.as_str().to_owned())
}

#[tokio::test]
async fn the_issuer_can_verify_an_assertion_by_any_key_in_any_form() {
    let cases = [
        (TestKey::p256(), None, Algorithm::ES256),
        (TestKey::p384(), None, Algorithm::ES384),
        (TestKey::ed25519(), None, Algorithm::EdDSA),
        (TestKey::rsa(), None, Algorithm::RS256),
        (TestKey::rsa(), Some(Alg::Ps256), Algorithm::PS256),
        (TestKey::p256(), Some(Alg::Es256), Algorithm::ES256),
        (TestKey::rsa(), Some(Alg::Rs256), Algorithm::RS256),
    ];
    for (key, wanted, algorithm) in cases {
        let jwk = key.jwk.to_string();
        for (text, configured, kid) in [
            (&key.pem, None, None),
            (&key.pem, Some("k1"), Some("k1")),
            (&jwk, None, Some("jwk-1")),
            (&jwk, Some("k2"), Some("k2")),
        ] {
            let secret = Secret::from_text(text.clone());
            let auth =
                PrivateKeyJwt::new(secret, wanted, configured.map(str::to_owned), AssertionAudience::Issuer).unwrap();
            let (form, _) = asked_with(ClientAuth::PrivateKeyJwt(auth)).await;
            assert_eq!((form["token"].as_str(), form["client_id"].as_str()), (TOKEN, "gateway"));
            assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            let (header, mut claims) = verified(&form["client_assertion"], algorithm, &key.public);
            let expected = match kid {
                Some(kid) => serde_json::json!({"alg": format!("{algorithm:?}"), "kid": kid}),
                None => serde_json::json!({"alg": format!("{algorithm:?}")}),
            };
            assert_eq!(header, expected);
            let identifier = claims["jti"].take();
            assert!(identifier.as_str().unwrap().len() >= 22, "128 bits: {identifier}");
            let expected = serde_json::json!({
                "iss": "gateway", "sub": "gateway", "aud": "https://auth.example.com", "jti": null, "iat": NOW, "exp": NOW + 60,
            });
            assert_eq!(claims, expected);
        }
    }
}

/// Issuers remember `jti`, and refuse what they have seen.
#[tokio::test]
async fn no_assertion_is_sent_twice() {
    let issuer = Issuer::says(200, "application/json", ACTIVE).await;
    let auth = ClientAuth::PrivateKeyJwt(private_key(&TestKey::p256().pem));
    let introspector = new_introspector(IntrospectionSettings { auth: auth.into(), ..settings() });
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        introspector.ask(&issuer).await.unwrap();
        let assertion = fields(&issuer.last_question().2).remove("client_assertion").unwrap();
        assert!(seen.insert(assertion.split('.').nth(1).unwrap().to_owned()));
    }
}

#[tokio::test]
async fn the_audience_is_the_issuer_unless_it_wants_another() {
    let key = TestKey::p256();
    let custom = "https://auth.example.com/token";
    for audience in
        [AssertionAudience::Issuer, AssertionAudience::Endpoint, AssertionAudience::Exactly(custom.to_owned())]
    {
        let secret = Secret::from_text(key.pem.clone());
        let auth = PrivateKeyJwt::new(secret, None, None, audience.clone()).unwrap();
        let (form, endpoint) = asked_with(ClientAuth::PrivateKeyJwt(auth)).await;
        let expected = match audience {
            AssertionAudience::Issuer => "https://auth.example.com",
            AssertionAudience::Endpoint => &endpoint,
            AssertionAudience::Exactly(_) => custom,
        };
        let (_, claims) = verified(&form["client_assertion"], Algorithm::ES256, &key.public);
        assert_eq!(claims["aud"], expected);
    }
}

#[tokio::test]
async fn a_changed_key_signs_at_once_and_a_broken_one_does_not() {
    let log = Log::default();
    let _guard = log.listen();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let (first, second) = (TestKey::p256(), TestKey::rsa());
    std::fs::write(&path, &first.pem).unwrap();
    let key = Secret::from_file(&path).unwrap();
    let auth = PrivateKeyJwt::new(key, None, None, AssertionAudience::Issuer).unwrap();
    let issuer = Issuer::says(200, "application/json", ACTIVE).await;
    let introspector =
        new_introspector(IntrospectionSettings { auth: ClientAuth::PrivateKeyJwt(auth).into(), ..settings() });
    let ask = async |content: &str| {
        std::fs::write(&path, content).unwrap();
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        introspector.ask(&issuer).await.unwrap();
        fields(&issuer.last_question().2).remove("client_assertion").unwrap()
    };
    verified(&ask(&first.pem).await, Algorithm::ES256, &first.public);
    // Half of the new key is written.
    let broken = second.pem.get(..200).unwrap();
    verified(&ask(broken).await, Algorithm::ES256, &first.public);
    assert!(log.text().contains("WARN") && log.text().contains("the last good one stays in use"), "{}", log.text());
    verified(&ask(&second.pem).await, Algorithm::RS256, &second.public);
    assert!(log.text().contains("the private key changed, and the new one is in use"), "{}", log.text());
    for line in first.pem.lines().chain(second.pem.lines()).filter(|line| !line.starts_with('-')) {
        assert!(!log.text().contains(line));
    }
}

#[test]
fn what_is_no_key_is_told_without_showing_it() {
    use ClientAuthError as E;
    let (ec, rsa, ed) = (TestKey::p256(), TestKey::rsa(), TestKey::ed25519());
    let body = ec.pem.lines().nth(1).unwrap().to_owned();
    let without = |key: &TestKey, member: &str| {
        let mut jwk = key.jwk.clone();
        jwk.as_object_mut().unwrap().remove(member);
        jwk.to_string()
    };
    let with = |key: &TestKey, member: &str, value: &str| {
        let mut jwk = key.jwk.clone();
        jwk[member] = value.into();
        jwk.to_string()
    };
    let other_point = TestKey::p256().jwk["x"].as_str().unwrap().to_owned();
    let cases: Vec<(&str, String, Option<Alg>, E)> = vec![
        ("a word", "hunter2".into(), None, E::NoKey),
        ("half of it", ec.pem.get(..80).unwrap().into(), None, E::NoKey),
        ("a certificate", pem("CERTIFICATE", &body), None, E::NoKey),
        ("a public key", pem("PUBLIC KEY", &body), None, E::NoKey),
        ("PKCS #1", pem("RSA PRIVATE KEY", &body), None, E::NotPkcs8),
        ("SEC 1", pem("EC PRIVATE KEY", &body), None, E::NotPkcs8),
        ("encrypted", pem("ENCRYPTED PRIVATE KEY", &body), None, E::Encrypted),
        ("not DER", pem("PRIVATE KEY", "aHVudGVyMg=="), None, E::UnsupportedKey),
        ("ES384 with P-256", ec.pem.clone(), Some(Alg::Es384), E::WrongAlgorithm(Alg::Es384)),
        ("RS256 with EC", ec.pem.clone(), Some(Alg::Rs256), E::WrongAlgorithm(Alg::Rs256)),
        ("PS256 with Ed25519", ed.pem, Some(Alg::Ps256), E::WrongAlgorithm(Alg::Ps256)),
        ("ES256 with RSA", rsa.pem.clone(), Some(Alg::Es256), E::WrongAlgorithm(Alg::Es256)),
        ("RS512", rsa.pem.clone(), Some(Alg::Rs512), E::WrongAlgorithm(Alg::Rs512)),
        ("the JWK's own alg", with(&ec, "alg", "EdDSA"), None, E::WrongAlgorithm(Alg::EdDsa)),
        ("HS256", with(&ec, "alg", "HS256"), None, E::UnsupportedKey),
        ("for encryption", with(&ec, "use", "enc"), None, E::NotAJwk),
        ("a public JWK", without(&ec, "d"), None, E::NotAJwk),
        ("a public RSA JWK", without(&rsa, "d"), None, E::NotAJwk),
        ("an RSA JWK without its primes", without(&rsa, "p"), None, E::NotAJwk),
        ("another point", with(&ec, "x", &other_point), None, E::UnsupportedKey),
        ("a short coordinate", with(&ec, "x", "AAAA"), None, E::NotAJwk),
        ("another curve", with(&ec, "crv", "secp256k1"), None, E::UnsupportedKey),
        ("another type", with(&ec, "kty", "oct"), None, E::UnsupportedKey),
        ("a member twice", ec.jwk.to_string().replacen('{', "{\"d\":\"AAAA\",", 1), None, E::NotAJwk),
        ("a set", format!("{{\"keys\":[{}]}}", ec.jwk), None, E::NotAJwk),
    ];
    for (name, text, algorithm, expected) in cases {
        let found = PrivateKeyJwt::new(Secret::from_text(text), algorithm, None, AssertionAudience::Issuer);
        let found = found.map(drop).unwrap_err();
        assert_eq!(found, expected, "{name}");
        assert!(!found.to_string().contains(&body) && !found.to_string().contains("hunter2"), "{name}: {found}");
    }
    let shown = format!("{:?}", private_key(&rsa.jwk.to_string()));
    assert!(!shown.contains(rsa.jwk["d"].as_str().unwrap()), "{shown}");
}

/// What the configuration says of the algorithm goes before what the JWK says.
#[tokio::test]
async fn the_algorithm_is_the_configured_one_then_that_of_the_jwk() {
    let mut key = TestKey::rsa();
    key.jwk["alg"] = "PS256".into();
    for (wanted, algorithm) in [(None, Algorithm::PS256), (Some(Alg::Rs256), Algorithm::RS256)] {
        let secret = Secret::from_text(key.jwk.to_string());
        let auth = PrivateKeyJwt::new(secret, wanted, None, AssertionAudience::Issuer).unwrap();
        let (form, _) = asked_with(ClientAuth::PrivateKeyJwt(auth)).await;
        verified(&form["client_assertion"], algorithm, &key.public);
    }
}

#[tokio::test]
async fn a_shared_secret_signs_and_is_never_sent() {
    let secret = "0123456789abcdef0123456789abcdef";
    let auth = SecretJwt::new(Secret::from_text(secret.to_owned()), AssertionAudience::Issuer).unwrap();
    assert!(!format!("{auth:?}").contains(secret));
    let (form, _) = asked_with(ClientAuth::SecretJwt(auth)).await;
    let (header, claims) =
        verified(&form["client_assertion"], Algorithm::HS256, &DecodingKey::from_secret(secret.as_bytes()));
    assert_eq!(header, serde_json::json!({"alg": "HS256"}));
    assert_eq!((&claims["iss"], &claims["sub"], &claims["exp"]), (&"gateway".into(), &"gateway".into(), &1_060.into()));
    assert!(form.values().all(|value| !value.contains(secret)) && !form.contains_key("client_secret"));
    let short = SecretJwt::new(Secret::from_text(secret[1..].to_owned()), AssertionAudience::Issuer);
    assert_eq!(short.map(drop).unwrap_err(), ClientAuthError::SecretTooShort);
}

/// The kubelet renews a projected token long before it expires, and swaps a link to do so.
#[tokio::test]
async fn an_assertion_of_somebody_else_is_sent_as_the_file_has_it_now() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "e30.first.c2ln\n").unwrap();
    let issuer = Issuer::says(200, "application/json", ACTIVE).await;
    let auth = ClientAuth::Assertion(ClientAssertion::new(Secret::from_file(&path).unwrap()).unwrap());
    let introspector = new_introspector(IntrospectionSettings { auth: auth.into(), ..settings() });
    introspector.ask(&issuer).await.unwrap();
    let form = fields(&issuer.last_question().2);
    assert_eq!((form["client_assertion"].as_str(), form["client_id"].as_str()), ("e30.first.c2ln", "gateway"));
    assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    std::fs::write(folder.path().join("new"), "e30.second.c2ln\n").unwrap();
    std::fs::rename(folder.path().join("new"), &path).unwrap();
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    introspector.ask(&issuer).await.unwrap();
    assert_eq!(fields(&issuer.last_question().2)["client_assertion"], "e30.second.c2ln");
}

/// Issuers refuse an identifier that they have seen (RFC 7523, 3), and one that closed a connection may have seen it.
#[tokio::test]
async fn what_is_sent_a_second_time_has_an_assertion_of_its_own() {
    let key = TestKey::p256();
    let secret = SecretJwt::new(Secret::from_text("s".repeat(32)), AssertionAudience::Issuer).unwrap();
    let methods = [ClientAuth::PrivateKeyJwt(private_key(&key.pem)), ClientAuth::SecretJwt(secret)];
    for auth in methods {
        let issuer = Closing::start(ACTIVE);
        let introspector = new_introspector(IntrospectionSettings { auth: auth.clone().into(), ..settings() });
        for number in 1..=3 {
            introspector.ask_about(number, &issuer.url).await.unwrap();
        }
        issuer.assert_no_assertion_twice(5);

        // At the token endpoint too: each of these tokens is renewed at once.
        let issuer = Closing::start(r#"{"access_token":"own","token_type":"Bearer","expires_in":0,"active":false}"#);
        let mut grant = ClientCredentials::new(auth);
        grant.token_url = Some(issuer.url.as_str().to_owned());
        let auth = IntrospectionAuth::ClientCredentials(grant);
        let introspector = new_introspector(IntrospectionSettings { auth, ..settings() });
        for number in 1..=3 {
            let answer = introspector.ask_about(number, &issuer.url).await;
            assert_eq!(answer.unwrap_err(), Reason::TokenInactive);
        }
        issuer.assert_no_assertion_twice(3);
    }
}

/// Answers the first request of each connection; at the second it closes, having read it.
struct Closing {
    url: Endpoint,
    assertions: Arc<Mutex<Vec<String>>>,
}

impl Closing {
    fn start(body: &'static str) -> Self {
        use std::io::Write as _;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Endpoint::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let assertions = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&assertions);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, answer) = (Arc::clone(&seen), answer.clone());
                std::thread::spawn(move || {
                    let mut stream = std::io::BufReader::new(stream);
                    let note = |body: String| seen.lock().unwrap().extend(fields(&body).remove("client_assertion"));
                    let Some(first) = form_of(&mut stream) else { return };
                    note(first);
                    stream.get_mut().write_all(answer.as_bytes()).unwrap();
                    form_of(&mut stream).into_iter().for_each(note);
                });
            }
        });
        Self { url, assertions }
    }

    fn assert_no_assertion_twice(&self, at_least: usize) {
        let assertions = self.assertions.lock().unwrap();
        let different: std::collections::HashSet<_> = assertions.iter().collect();
        assert_eq!(different.len(), assertions.len(), "an assertion was sent twice");
        assert!(assertions.len() >= at_least, "{} of {at_least}", assertions.len());
    }
}

/// The body of the next request; `None` at the end of the connection.
fn form_of(stream: &mut impl std::io::BufRead) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            let mut body = vec![0; length];
            stream.read_exact(&mut body).ok()?;
            return String::from_utf8(body).ok();
        }
    }
}
