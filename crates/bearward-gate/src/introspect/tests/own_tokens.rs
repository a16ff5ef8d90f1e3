//! Questions asked with an access token of the gateway's own, from a file or by the client credentials grant.

use super::keys::{TestKey, fields, verified};
use super::*;

/// An issuer whose endpoint for tokens gives out `own-1`, `own-2` and so on, and whose introspection endpoint takes all
/// but those that were revoked.
struct TokenIssuer {
    issuer: Issuer,
    revoked: Arc<Mutex<Vec<String>>>,
}

impl TokenIssuer {
    async fn start(grant: &'static str) -> Self {
        Self::start_slowly(grant, Duration::ZERO).await
    }

    /// One that takes some time for its first token.
    async fn start_slowly(grant: &'static str, first_takes: Duration) -> Self {
        let (issued, revoked) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::<String>::new())));
        let refuses = Arc::clone(&revoked);
        let issuer = Issuer::start(move |(target, headers, _): Question| {
            let (issued, refuses) = (Arc::clone(&issued), Arc::clone(&refuses));
            async move {
                if target == "POST /token" {
                    // All who wait for a token shall wait for this one.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
                    if number == 1 && !first_takes.is_zero() {
                        skip(first_takes).await;
                    }
                    return json(200, &grant.replace("own", &format!("own-{number}")));
                }
                let token = headers[AUTHORIZATION].to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
                let refused = refuses.lock().unwrap().iter().any(|name| *name == token || name == "all");
                if refused { json(401, r#"{"error":"invalid_token"}"#) } else { json(200, ACTIVE) }
            }
        })
        .await;
        Self { issuer, revoked }
    }

    fn revoke(&self, token: &str) {
        self.revoked.lock().unwrap().push(token.to_owned());
    }

    /// How many tokens and how many answers were asked for.
    fn asked(&self) -> (usize, usize) {
        let questions = self.issuer.questions.lock().unwrap();
        let tokens = questions.iter().filter(|(target, ..)| target == "POST /token").count();
        (tokens, questions.len() - tokens)
    }

    /// What the last question about a token was asked with.
    fn last_token(&self) -> String {
        let questions = self.issuer.questions.lock().unwrap();
        let (_, headers, _) = questions.iter().rfind(|(target, ..)| target != "POST /token").unwrap();
        headers[AUTHORIZATION].to_str().unwrap().to_owned()
    }
}

const GRANT: &str = r#"{"access_token":"own","token_type":"bearer","expires_in":3600}"#;

fn grant(issuer: &Issuer) -> ClientCredentials {
    let token_url = format!("http://{}/token", issuer.url.uri().authority().unwrap());
    ClientCredentials {
        auth: ClientAuth::Basic(Secret::from_text("s3cr3t".into())),
        token_url: Some(token_url),
        scopes: Vec::new(),
        resources: Vec::new(),
    }
}

fn introspector(grant: ClientCredentials) -> Watched {
    new_introspector(IntrospectionSettings { auth: IntrospectionAuth::ClientCredentials(grant), ..settings() })
}

#[tokio::test]
async fn a_token_in_a_file_is_sent_as_the_file_has_it_now() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "first\n").unwrap();
    let issuer = Issuer::says(200, "application/json", ACTIVE).await;
    let auth = IntrospectionAuth::Bearer(Credentials::bearer(Secret::from_file(&path).unwrap()).unwrap());
    let introspector = new_introspector(IntrospectionSettings { auth, ..settings() });
    introspector.ask(&issuer).await.unwrap();
    let (_, headers, body) = issuer.last_question();
    assert_eq!(headers[AUTHORIZATION], "Bearer first");
    assert_eq!(fields(&body).len(), 2, "token and hint alone: {body}");
    std::fs::write(&path, "second\n").unwrap();
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    introspector.ask(&issuer).await.unwrap();
    assert_eq!(issuer.last_question().1[AUTHORIZATION], "Bearer second");
    // What cannot be sent leaves the last good one.
    std::fs::write(&path, "two words\n").unwrap();
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    introspector.ask(&issuer).await.unwrap();
    assert_eq!(issuer.last_question().1[AUTHORIZATION], "Bearer second");
}

#[tokio::test]
async fn a_token_is_obtained_once_and_kept() {
    let issuer = TokenIssuer::start(GRANT).await;
    let introspector = introspector(grant(&issuer.issuer));
    let ask = |n| introspector.ask_about(n, &issuer.issuer.url);
    for answer in futures_util::future::join_all((0..30).map(ask)).await {
        answer.unwrap();
    }
    assert_eq!((issuer.asked(), issuer.last_token()), ((1, 30), "Bearer own-1".to_owned()));
    let first = issuer.issuer.questions.lock().unwrap()[0].clone();
    assert_eq!(first.2, "grant_type=client_credentials");
    let basic = format!("Basic {}", BASE64_STANDARD.encode("gateway:s3cr3t"));
    assert_eq!(
        (&first.1[AUTHORIZATION], &first.1[ACCEPT]),
        (&basic.parse().unwrap(), &"application/json".parse().unwrap())
    );
}

#[tokio::test]
async fn the_grant_says_what_it_is_for_and_is_authenticated_as_configured() {
    let issuer = TokenIssuer::start(GRANT).await;
    let key = TestKey::p256();
    let private_key =
        PrivateKeyJwt::new(Secret::from_text(key.pem.clone()), None, None, AssertionAudience::Endpoint).unwrap();
    let grant = ClientCredentials {
        auth: ClientAuth::PrivateKeyJwt(private_key),
        scopes: ["introspect", "read"].map(|scope| bearward_core::Scope::parse(scope).unwrap()).to_vec(),
        resources: vec!["urn:a b".to_owned()],
        ..grant(&issuer.issuer)
    };
    let token_url = grant.token_url.clone().unwrap();
    introspector(grant).ask(&issuer.issuer).await.unwrap();
    let form = fields(&issuer.issuer.questions.lock().unwrap()[0].2);
    assert_eq!((form["scope"].as_str(), form["resource"].as_str()), ("introspect read", "urn:a b"));
    let (_, claims) = verified(&form["client_assertion"], jsonwebtoken::Algorithm::ES256, &key.public);
    assert_eq!(claims["aud"], token_url);
    assert_eq!(fields(&issuer.issuer.last_question().2).len(), 2, "the question itself needs no assertion");
}

/// A fifth of its time before its end, and half a minute where that is less.
#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    for (grant_of, old, due) in [
        (r#"{"access_token":"own","token_type":"Bearer","expires_in":"100"}"#, 78, 82),
        (r#"{"access_token":"own","token_type":"Bearer","expires_in":3600}"#, 3_568, 3_572),
    ] {
        let issuer = TokenIssuer::start(grant_of).await;
        let introspector = introspector(grant(&issuer.issuer));
        introspector.ask(&issuer.issuer).await.unwrap();
        skip(Duration::from_secs(old)).await;
        introspector.ask(&issuer.issuer).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(issuer.asked(), (1, 2), "{old}");
        skip(Duration::from_secs(due - old)).await;
        // The old one is still good, so nobody waits for the new one.
        introspector.ask(&issuer.issuer).await.unwrap();
        assert_eq!(issuer.last_token(), "Bearer own-1", "{due}");
        eventually("the renewal", || issuer.asked().0 == 2).await;
        for _ in 0..3_000 {
            if issuer.last_token() == "Bearer own-2" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            introspector.ask(&issuer.issuer).await.unwrap();
        }
        assert_eq!((issuer.asked().0, issuer.last_token()), (2, "Bearer own-2".to_owned()), "{due}");
    }
}

/// The issuer's clock for a token may have begun when it was asked, and not when the answer came.
#[tokio::test]
async fn the_time_of_a_token_begins_with_the_question() {
    const SHORT: &str = r#"{"access_token":"own","token_type":"Bearer","expires_in":55}"#;
    let issuer = TokenIssuer::start_slowly(SHORT, Duration::from_secs(40)).await;
    let auth = IntrospectionAuth::ClientCredentials(grant(&issuer.issuer));
    let introspector = new_introspector(IntrospectionSettings { auth, timeout: Duration::from_secs(60), ..settings() });
    introspector.ask(&issuer.issuer).await.unwrap();
    assert_eq!(issuer.last_token(), "Bearer own-1");
    skip(Duration::from_secs(16)).await;
    introspector.ask(&issuer.issuer).await.unwrap();
    assert_eq!((issuer.asked().0, issuer.last_token()), (2, "Bearer own-2".to_owned()));
}

/// Moves the clock of a test in which it runs on.
async fn skip(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let issuer = TokenIssuer::start(GRANT).await;
    let introspector = introspector(grant(&issuer.issuer));
    introspector.ask(&issuer.issuer).await.unwrap();
    issuer.revoke("own-1");
    // However many find out at the same time.
    let ask = |n| introspector.ask_about(n, &issuer.issuer.url);
    for answer in futures_util::future::join_all((0..10).map(ask)).await {
        answer.unwrap();
    }
    assert_eq!((issuer.asked(), issuer.last_token()), ((2, 21), "Bearer own-2".to_owned()));
    // An issuer that refuses every token does not mean its age, and is not asked for one after another.
    issuer.revoke("all");
    for _ in 0..3 {
        assert_eq!(introspector.ask(&issuer.issuer).await.unwrap_err(), Reason::IntrospectionUnavailable);
    }
    assert_eq!(issuer.asked(), (2, 24));
    assert_eq!(introspector.outcomes().iter().filter(|name| **name == "refused").count(), 3);
}

/// Whatever is wrong with the token endpoint, it says nothing about the token that came with the request; the log says
/// what to do; and the endpoint is not asked for each question.
#[tokio::test]
async fn a_token_endpoint_at_fault() {
    let log = Log::default();
    let _guard = log.listen();
    let large = format!(r#"{{"access_token":"{}","token_type":"Bearer"}}"#, "x".repeat(100_000));
    for (name, status, content_type, body, outcome, advice) in [
        ("wrong secret", 401, "application/json", r#"{"error":"invalid_client"}"#, "refused", "check client_id"),
        ("wrong secret, 400", 400, "application/json", r#"{"error":"invalid_client"}"#, "refused", "check client_id"),
        (
            "no such grant",
            400,
            "application/json",
            r#"{"error":"unauthorized_client"}"#,
            "refused",
            "client credentials",
        ),
        ("no such scope", 400, "application/json", r#"{"error":"invalid_scope"}"#, "failed", "status 400"),
        ("redirect", 302, "text/html", "", "failed", "status 302"),
        ("down", 503, "text/html", "s3cr3t", "failed", "status 503"),
        ("HTML", 200, "text/html", "<html>", "failed", "no bearer token"),
        ("HTML by its type", 200, "text/html", GRANT, "failed", "no bearer token"),
        ("no token", 200, "application/json", r#"{"token_type":"Bearer"}"#, "failed", "no bearer token"),
        ("no type", 200, "application/json", r#"{"access_token":"hush"}"#, "failed", "no bearer token"),
        (
            "DPoP",
            200,
            "application/json",
            r#"{"access_token":"hush","token_type":"DPoP"}"#,
            "failed",
            "no bearer token",
        ),
        (
            "an odd token",
            200,
            "application/json",
            r#"{"access_token":"hush\r\nhush","token_type":"Bearer"}"#,
            "failed",
            "no bearer token",
        ),
        (
            "an odd time",
            200,
            "application/json",
            r#"{"access_token":"hush","token_type":"Bearer","expires_in":-1}"#,
            "failed",
            "no bearer token",
        ),
        ("large", 200, "application/json", &large, "failed", "larger than"),
    ] {
        log.clear();
        let issuer = Issuer::says(status, content_type, body).await;
        let introspector = introspector(grant(&issuer));
        for _ in 0..3 {
            assert_eq!(introspector.ask(&issuer).await.unwrap_err(), Reason::IntrospectionUnavailable, "{name}");
        }
        assert_eq!(introspector.outcomes(), [outcome; 3], "{name}");
        assert_eq!(issuer.asked(), 1, "{name}: asked once a second");
        let said = log.text();
        assert!(said.contains("WARN") && said.contains(advice), "{name}: {said}");
        for secret in ["hush", "s3cr3t", "Basic", TOKEN] {
            assert!(!said.contains(secret), "{name}: {secret} in {said}");
        }
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_slow_takes_no_more_than_the_question_may() {
    let issuer = Issuer::start(|_| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        json(200, ACTIVE)
    })
    .await;
    let auth = IntrospectionAuth::ClientCredentials(grant(&issuer));
    let introspector =
        new_introspector(IntrospectionSettings { auth, timeout: Duration::from_millis(200), ..settings() });
    let begun = Instant::now();
    assert_eq!(introspector.ask(&issuer).await.unwrap_err(), Reason::IntrospectionUnavailable);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(introspector.outcomes(), ["timed_out"]);
}
