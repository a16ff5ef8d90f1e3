#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, reason = "tests fail by panicking")]

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bearward_core::{IdentityHeaders, UnixTime};
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::HeaderMap;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};

use super::*;
use crate::clock::Clock;
use crate::issuer::Published;
use crate::memory::ProverSetId;
use crate::metrics::EngineMetrics;
use crate::net::http_client::HttpClient;
use crate::secrets::{
    AssertionAudience, ClientAssertion, ClientAuth, ClientAuthError, ClientCertificate, ClientCredentials, Credentials,
    IntrospectionAuth, PrivateKeyJwt, Secret, SecretJwt,
};
use crate::settings::{IssuerSettings, KeySource};

mod assertions;
pub(crate) mod certificates;
mod keys;
mod kinds;
mod own_tokens;
mod signed_answers;

/// Any characters that RFC 6750 allows, with those that a form must encode.
const TOKEN: &str = "aB3-._~tok+en/x==";
const ACTIVE: &str =
    r#"{"active":true,"aud":"https://api.example.com","scope":"read","client_id":"web","exp":2000,"sub":"alice"}"#;

/// Waits until `done`, for no longer than some seconds.
async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} does not happen");
}

#[tokio::test]
async fn an_active_token_is_verified() {
    let issuer = Issuer::says(200, "application/json;charset=UTF-8", ACTIVE).await;
    let introspector = new_introspector(settings());
    let token = introspector.ask(&issuer).await.unwrap();
    assert_eq!((token.issuer(), token.subject()), ("https://auth.example.com", Some("alice")));
    assert_eq!(introspector.outcomes(), ["active"]);
}

#[tokio::test]
async fn each_answer_has_its_outcome_and_its_reason() {
    let json = "application/json";
    let unsupported = r#"{"error":"unsupported_token_type","error_description":"no JWT"}"#;
    let other_audience = ACTIVE.replace("api.example.com", "other.example.com");
    let expired = ACTIVE.replace("2000", "900");
    let large = format!("{{\"active\":false,\"padding\":\"{}\"}}", "x".repeat(10_000_000));
    let unavailable = Reason::IntrospectionUnavailable;
    let cases: &[(&str, u16, &str, &str, &str, Reason)] = &[
        ("inactive", 200, json, r#"{"active":false}"#, "inactive", Reason::TokenInactive),
        ("refresh token", 200, json, r#"{"active":true,"token_type":"refresh_token"}"#, "active", Reason::TypeMismatch),
        ("other audience", 200, json, &other_audience, "active", Reason::AudienceMismatch),
        ("expired", 200, json, &expired, "active", Reason::TokenExpired),
        ("active as a string", 200, json, r#"{"active":"true"}"#, "failed", unavailable),
        ("active as a number", 200, json, r#"{"active":1}"#, "failed", unavailable),
        ("active null", 200, json, r#"{"active":null}"#, "failed", unavailable),
        ("active in an array", 200, json, r#"[{"active":true}]"#, "failed", unavailable),
        ("no active", 200, json, "{}", "failed", unavailable),
        ("active twice", 200, json, r#"{"active":false,"active":true}"#, "failed", unavailable),
        ("truncated", 200, json, r#"{"active":tr"#, "failed", unavailable),
        ("empty", 200, json, "", "failed", unavailable),
        ("10 MB", 200, json, &large, "failed", unavailable),
        ("HTML", 200, "text/html", "<html>log in</html>", "failed", unavailable),
        ("HTML as JSON", 200, json, "<html>log in</html>", "failed", unavailable),
        ("wrong content type", 200, "text/plain", r#"{"active":false}"#, "failed", unavailable),
        ("signed answer", 200, "application/token-introspection+jwt", "e30.e30.", "failed", unavailable),
        ("no content type", 200, "", r#"{"active":false}"#, "failed", unavailable),
        ("created", 201, json, r#"{"active":false}"#, "failed", unavailable),
        ("no content", 204, "", "", "failed", unavailable),
        ("redirect", 302, json, "", "failed", unavailable),
        ("bad request", 400, json, r#"{"error":"invalid_request"}"#, "failed", unavailable),
        ("bad request, no JSON", 400, "text/plain", "unsupported_token_type", "failed", unavailable),
        ("unsupported", 400, json, unsupported, "unsupported", Reason::TokenUnsupported),
        ("invalid client, 400", 400, json, r#"{"error":"invalid_client"}"#, "refused", unavailable),
        ("invalid client, 401", 401, json, r#"{"error":"invalid_client"}"#, "refused", unavailable),
        ("active, but 401", 401, json, ACTIVE, "refused", unavailable),
        ("forbidden", 403, "", "", "refused", unavailable),
        ("not found", 404, "text/html", "<html>", "failed", unavailable),
        ("too many", 429, json, r#"{"error":"slow_down"}"#, "failed", unavailable),
        ("server error", 500, json, r#"{"active":false}"#, "failed", unavailable),
        ("unavailable", 503, "", "", "failed", unavailable),
    ];
    for (name, status, content_type, body, outcome, reason) in cases {
        let issuer = Issuer::says(*status, content_type, body).await;
        let introspector = new_introspector(settings());
        assert_eq!(introspector.ask(&issuer).await.unwrap_err(), *reason, "{name}");
        assert_eq!(introspector.outcomes(), [*outcome], "{name}");
        assert_eq!(issuer.asked(), 1, "{name}: asked once");
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let introspector = new_introspector(settings());
    let url = Endpoint::parse(&format!("http://{free}/introspect")).unwrap();
    let answer = introspector.ask_about(1, &url).await;
    assert_eq!(answer.unwrap_err(), Reason::IntrospectionUnavailable);
    assert_eq!(introspector.outcomes(), ["failed"]);
}

#[tokio::test]
async fn a_redirect_takes_nothing_elsewhere() {
    let elsewhere = Issuer::says(200, "application/json", ACTIVE).await;
    for status in [301, 302, 303, 307, 308] {
        let to = elsewhere.url.as_str().to_owned();
        let issuer = Issuer::start(move |_| {
            let answer = Response::builder().status(status).header("location", &to).body(Body::empty());
            async { answer.unwrap() }
        })
        .await;
        assert_eq!(new_introspector(settings()).ask(&issuer).await.unwrap_err(), Reason::IntrospectionUnavailable);
        assert_eq!(issuer.asked(), 1);
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn an_answer_that_drips_is_cut_off() {
    let issuer = Issuer::start(|_| async {
        let drips = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, io::Error>(Bytes::from_static(b" ")), ()))
        });
        Response::builder().header(CONTENT_TYPE, "application/json").body(Body::from_stream(drips)).unwrap()
    })
    .await;
    let introspector = new_introspector(IntrospectionSettings { timeout: Duration::from_millis(300), ..settings() });
    let begun = Instant::now();
    assert_eq!(introspector.ask(&issuer).await.unwrap_err(), Reason::IntrospectionUnavailable);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(introspector.outcomes(), ["timed_out"]);
}

#[tokio::test]
async fn the_question_is_a_form_by_an_authenticated_client() {
    let secret = || Secret::from_text("p:a% b&c=d".into());
    let question = |auth| async move {
        let issuer = Issuer::says(200, "application/json", ACTIVE).await;
        let settings =
            IntrospectionSettings { client_id: "gate:1 %".into(), auth: IntrospectionAuth::Client(auth), ..settings() };
        new_introspector(settings).ask(&issuer).await.unwrap();
        issuer.last_question()
    };
    let form = "token=aB3-._%7Etok%2Ben%2Fx%3D%3D&token_type_hint=access_token";

    let (target, headers, body) = question(ClientAuth::Basic(secret())).await;
    assert_eq!((target.as_str(), body.as_str()), ("POST /introspect?tenant=a", form));
    let basic = format!("Basic {}", BASE64_STANDARD.encode("gate%3A1+%25:p%3Aa%25+b%26c%3Dd"));
    assert_eq!(headers[AUTHORIZATION], basic.as_str());
    assert_eq!(headers[CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert_eq!(headers[ACCEPT], "application/json");

    let (target, headers, body) = question(ClientAuth::Post(secret())).await;
    assert_eq!(target, "POST /introspect?tenant=a");
    assert_eq!(body, format!("{form}&client_id=gate%3A1+%25&client_secret=p%3Aa%25+b%26c%3Dd"));
    assert!(!headers.contains_key(AUTHORIZATION));
}

#[tokio::test]
async fn requests_with_one_token_at_a_time_are_one_question() {
    let open = Arc::new(Semaphore::new(0));
    let issuer = Issuer::start({
        let open = Arc::clone(&open);
        move |_| {
            let open = Arc::clone(&open);
            async move {
                drop(open.acquire().await.unwrap());
                json(200, ACTIVE)
            }
        }
    })
    .await;
    let introspector = Arc::new(new_introspector(settings()));
    let url = issuer.url.clone();
    let ask = |n| {
        let (introspector, url) = (Arc::clone(&introspector), url.clone());
        tokio::spawn(async move { introspector.ask_about(n, &url).await })
    };
    let first = ask(1);
    let others: Vec<_> = (0..50).map(|_| ask(1)).collect();
    let another_token = ask(2);
    eventually("the second question", || issuer.asked() == 2).await;
    // The client of the first request hangs up; the others get the answer all the same.
    first.abort();
    open.add_permits(1);
    for other in others {
        assert!(other.await.unwrap().is_ok());
    }
    assert!(another_token.await.unwrap().is_ok());
    assert_eq!((issuer.asked(), introspector.outcomes().len()), (2, 2));
}

#[tokio::test]
async fn only_so_many_questions_are_asked_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let issuer = Issuer::start({
        let most = Arc::clone(&most);
        move |_| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                json(200, r#"{"active":false}"#)
            }
        }
    })
    .await;
    let introspector = new_introspector(IntrospectionSettings { max_concurrent: 2, ..settings() });
    // Two slots and thirty-two in line; six are too many.
    let ask = |n| introspector.ask_about(n, &issuer.url);
    let answers = futures_util::future::join_all((0..40).map(ask)).await;
    let unavailable = answers.iter().filter(|answer| matches!(answer, Err(Reason::IntrospectionUnavailable))).count();
    assert_eq!(unavailable, 6);
    assert_eq!((issuer.asked(), most.load(Ordering::SeqCst)), (34, 2));
    assert_eq!(introspector.outcomes().iter().filter(|name| **name == "overloaded").count(), 6);
}

#[tokio::test]
async fn waiting_for_a_turn_counts_against_the_time() {
    let issuer = Issuer::start(|_| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        json(200, ACTIVE)
    })
    .await;
    let timeout = Duration::from_millis(200);
    let introspector = new_introspector(IntrospectionSettings { max_concurrent: 1, timeout, ..settings() });
    let begun = Instant::now();
    let ask = |n| introspector.ask_about(n, &issuer.url);
    let answers = tokio::join!(ask(1), ask(2));
    let unavailable = (Err(Reason::IntrospectionUnavailable), Err(Reason::IntrospectionUnavailable));
    assert_eq!((answers.0.map(drop), answers.1.map(drop)), unavailable);
    assert!(begun.elapsed() < timeout * 5, "{:?}", begun.elapsed());
    let outcomes = introspector.outcomes();
    assert!(matches!(outcomes[..], ["timed_out", "overloaded" | "timed_out"]), "{outcomes:?}");
}

#[tokio::test]
async fn an_answer_is_remembered_before_the_callers_hear_it_and_without_them() {
    let issuer = Issuer::says(200, "application/json", ACTIVE).await;
    let introspector = new_introspector(settings());
    let remembered = || introspector.remembered.lock().unwrap().clone();
    introspector.ask_about(7, &issuer.url).await.unwrap();
    assert_eq!(remembered(), [(7, Ok(()))]);
    // The client hangs up at once.
    assert!(introspector.ask_about(8, &issuer.url).now_or_never().is_none());
    eventually("the answer is remembered", || remembered().len() == 2).await;
    assert_eq!(remembered()[1], (8, Ok(())));
}

#[tokio::test]
async fn a_changed_secret_is_used_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "first\n").unwrap();
    let issuer = Issuer::says(200, "application/json", ACTIVE).await;
    let auth = ClientAuth::Basic(Secret::from_file(&path).unwrap());
    let introspector = new_introspector(IntrospectionSettings { auth: auth.into(), ..settings() });
    let sent = || BASE64_STANDARD.decode(&issuer.last_question().1[AUTHORIZATION].as_bytes()[6..]).unwrap();
    introspector.ask(&issuer).await.unwrap();
    assert_eq!(sent(), b"gateway:first");
    std::fs::write(&path, "second\n").unwrap();
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    introspector.ask(&issuer).await.unwrap();
    assert_eq!(sent(), b"gateway:second");
}

/// Every failure is logged with what to do, and never with token, secret, query or what the issuer sent.
#[tokio::test]
async fn the_log_says_what_to_do_and_shows_no_secret() {
    let log = Log::default();
    let _guard = log.listen();
    let echo = format!(r#"{{"error":"invalid_request","error_description":"{TOKEN}"}}"#);
    let page = format!("<html>{TOKEN}");
    for (status, content_type, body, advice) in [
        (401, "application/json", echo.as_str(), "check client_id"),
        (403, "application/json", "", "check client_id"),
        (400, "application/json", &echo, "status 400"),
        (404, "text/html", &page, "check the introspection url"),
        (302, TOKEN, "", "set the introspection url to the final address"),
        (429, "text/html", &page, "cache_ttl"),
        (500, "text/html", &page, "status 500"),
        (200, TOKEN, &page, "not application/json"),
        (200, "application/json", &echo, "RFC 7662"),
    ] {
        log.clear();
        let issuer = Issuer::says(status, content_type, body).await;
        let introspector = new_introspector(settings());
        assert!(introspector.ask(&issuer).await.is_err());
        let said = log.text();
        assert!(said.contains("WARN") && said.contains(advice), "{status} {content_type}: {said}");
        assert!(said.contains("issuer=\"https://auth.example.com\""), "{said}");
        for secret in [TOKEN, "tok%2Ben", "s3cr3t", "tenant=a", "Basic"] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
        assert!(!format!("{:?}", introspector.introspector).contains("s3cr3t"));

        // The same again at once is not worth a second warning.
        log.clear();
        assert!(introspector.ask(&issuer).await.is_err());
        assert!(!log.text().contains("WARN"), "{}", log.text());
    }
}

#[test]
fn names_are_distinct() {
    let names: std::collections::HashSet<_> = IntrospectionOutcome::ALL.iter().map(|outcome| outcome.name()).collect();
    assert_eq!(names.len(), IntrospectionOutcome::ALL.len());
}

/// An introspector with its counters and what it has told to remember.
struct Watched {
    introspector: Introspector,
    metrics: EngineMetrics,
    remembered: Arc<Mutex<Vec<Remembered>>>,
}

/// The number of the token, and what its answer was.
type Remembered = (u8, Result<(), Reason>);

impl Watched {
    async fn ask(&self, issuer: &Issuer) -> Result<Arc<Verified>, Reason> {
        self.ask_about(1, &issuer.url).await
    }

    /// Asks about the token number `n`.
    async fn ask_about(&self, n: u8, url: &Endpoint) -> Result<Arc<Verified>, Reason> {
        let key = Key::of(&n.to_string(), ProverSetId(1));
        let remembered = Arc::clone(&self.remembered);
        let finish = move |answer: Result<Arc<Verified>, Reason>| {
            remembered.lock().unwrap().push((n, answer.as_ref().map(drop).map_err(|reason| *reason)));
            answer.map(|token| Identity::render(Arc::unwrap_or_clone(token), &IdentityHeaders::default()))
        };
        let answer = self.introspector.ask_at(url.clone(), TOKEN, key, None, finish).await;
        answer.map(|identity| Arc::new(identity.token.clone()))
    }

    /// The outcomes that were counted, in the order of their declaration.
    fn outcomes(&self) -> Vec<&'static str> {
        let count = |name| self.metrics.introspections.with(&["https://auth.example.com", name]).get();
        let repeated = |outcome: &IntrospectionOutcome| {
            std::iter::repeat_n(outcome.name(), usize::try_from(count(outcome.name())).unwrap())
        };
        IntrospectionOutcome::ALL.iter().flat_map(repeated).collect()
    }
}

fn new_introspector(settings: IntrospectionSettings) -> Watched {
    new_introspector_over(HttpClient::new(), settings)
}

fn new_introspector_over(client: HttpClient, settings: IntrospectionSettings) -> Watched {
    new_introspector_with_keys(client, settings, "http://127.0.0.1:9/nobody")
}

/// An introspector for an issuer whose key set is at `jwks_url`.
fn new_introspector_with_keys(client: HttpClient, settings: IntrospectionSettings, jwks_url: &str) -> Watched {
    let (runtime, metrics) = (Handle::current(), EngineMetrics::new(&crate::MetricsRegistry::default()).unwrap());
    let clock = Clock::from_fn(|| UnixTime(1_000));
    // Each question says where it is asked.
    let nowhere = "http://127.0.0.1:9/introspect".to_owned();
    let issuer = IssuerSettings {
        keys: KeySource::Url(jwks_url.to_owned()),
        introspection: Some(IntrospectionSettings { url: Some(nowhere), ..settings.clone() }),
        ..IssuerSettings::new("https://auth.example.com", vec!["https://api.example.com".into()])
    };
    let resolved = crate::GateSettings::new(vec![issuer], Vec::new()).resolve().unwrap();
    let mut issuer = Arc::into_inner(resolved.issuers.into_iter().next().unwrap()).unwrap();
    // Less than a configuration may have, so that a test need not wait for it.
    issuer.settings.refresh.cooldown = Duration::ZERO;
    let issuer = Arc::new(issuer);
    let published =
        Published::new(Arc::clone(&issuer), client.clone(), clock.clone(), runtime.clone(), metrics.clone());
    let context = Context {
        client,
        published: Arc::new(published),
        rules: Arc::clone(&issuer.rules),
        runtime,
        clock,
        metrics: metrics.clone(),
    };
    let introspector = Introspector::new(&settings, issuer.introspection.as_ref().unwrap(), &context);
    Watched { introspector, metrics, remembered: Arc::default() }
}

fn settings() -> IntrospectionSettings {
    IntrospectionSettings {
        cache_ttl: Duration::ZERO,
        negative_ttl: Duration::ZERO,
        ..IntrospectionSettings::new("gateway", ClientAuth::Basic(Secret::from_text("s3cr3t".into())))
    }
}

type Question = (String, HeaderMap, String);

/// An introspection endpoint that answers as told; it stops when dropped.
struct Issuer {
    url: Endpoint,
    questions: Arc<Mutex<Vec<Question>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Issuer {
    async fn says(status: u16, content_type: &str, body: &str) -> Self {
        let (content_type, body) = (content_type.to_owned(), body.to_owned());
        Self::start(move |_| {
            let mut answer = Response::builder().status(status);
            if !content_type.is_empty() {
                answer = answer.header(CONTENT_TYPE, &content_type);
            }
            let answer = answer.body(Body::from(body.clone())).unwrap();
            async { answer }
        })
        .await
    }

    async fn start<F>(answer: impl Fn(Question) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Endpoint::parse(&format!("http://{}/introspect?tenant=a", listener.local_addr().unwrap())).unwrap();
        let questions = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&questions);
        let router = Router::new().fallback(move |request: Request| {
            let (answer, asked) = (answer.clone(), Arc::clone(&asked));
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1_000_000).await.unwrap();
                let body = String::from_utf8(body.to_vec()).unwrap();
                let question = (format!("{} {}", head.method, head.uri), head.headers, body);
                asked.lock().unwrap().push(question.clone());
                answer(question).await
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, questions, task }
    }

    fn asked(&self) -> usize {
        self.questions.lock().unwrap().len()
    }

    fn last_question(&self) -> Question {
        self.questions.lock().unwrap().last().unwrap().clone()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn json(status: u16, body: &str) -> Response {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

/// What the log says, kept in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Hears what this thread logs, until the guard is dropped.
    fn listen(&self) -> (tracing::dispatcher::DefaultGuard, tracing::Dispatch) {
        let subscriber = |writer: Self| {
            let builder = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
            tracing::Dispatch::new(builder.with_writer(move || writer.clone()).finish())
        };
        let guard = tracing::dispatcher::set_default(&subscriber(self.clone()));
        // As long as there is only one subscriber, a log line that another test's thread reaches first is asked for in that
        // thread alone, found unwanted, and switched off for all.
        (guard, subscriber(Self::default()))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
