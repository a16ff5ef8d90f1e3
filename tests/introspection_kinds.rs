//! Issuers that answer in a form of their own, Google's tokeninfo and Kubernetes' TokenReview: a token is let through
//! by their word alone, their no is 401, and whatever is no word about the token is 503, never 401, and not remembered.

use crate::support::{Echo, Gateway, Received, Reply, SOON, ScriptedIssuer, Server, eventually, now, write_secret};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tempfile::TempDir;

const AUDIENCE: &str = "https://api.example.com";

#[test]
fn a_token_of_google_is_admitted_by_its_tokeninfo() {
    let (world, google) = (World::new(), Kind::Google);
    world.issuer.script(google.path(), move |_| google.answer(json!({})));
    let gateway = world.gateway(google, "");
    for source in ["introspection", "cache"] {
        let answer = gateway.get("/orders/1").bearer("ya29.good").send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.echoed("x-auth-subject").as_deref(), Some("1034"));
        assert_eq!(answer.echoed("x-auth-client-id").as_deref(), Some("web"), "`azp` is the client");
        assert_eq!(answer.echoed("x-auth-scope").as_deref(), Some("openid orders:read"));
        assert_eq!(answer.echoed("authorization"), None);
        assert_eq!(admitted(&gateway, source), 1.0);
    }
    // What it says is held against the route, as what anybody says.
    let answer = gateway.get("/write/1").bearer("ya29.good").send();
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.header("www-authenticate").unwrap().contains("scope=\"orders:write\""));

    let questions = world.issuer.requests(google.path());
    assert_eq!(questions.len(), 1);
    let question = &questions[0];
    assert_eq!((&*question.method, &*question.target), ("POST", google.path()));
    assert_eq!(question.form()["access_token"], "ya29.good");
    assert_eq!(question.header("authorization"), None, "the gateway is nobody there");
}

#[test]
fn a_service_account_is_admitted_by_the_review_of_its_token() {
    let (world, cluster) = (World::new(), Kind::Kubernetes);
    world.issuer.script(cluster.path(), move |_| cluster.answer(json!({})));
    let gateway = world.gateway(cluster, "");
    for source in ["introspection", "cache"] {
        let answer = gateway.get("/any/1").bearer("good").send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.echoed("x-auth-subject").as_deref(), Some("system:serviceaccount:shop:default"));
        assert_eq!(answer.echoed("authorization"), None);
        assert_eq!(admitted(&gateway, source), 1.0);
    }
    assert_eq!(gateway.get("/group/shop").bearer("good").send().status, 200);
    assert_eq!(gateway.get("/group/other").bearer("good").send().status, 403);
    assert_eq!(gateway.get("/orders/1").bearer("good").send().status, 403, "a review names no scope");

    let questions = world.issuer.requests(cluster.path());
    assert_eq!(questions.len(), 1);
    let question = &questions[0];
    assert_eq!((&*question.method, &*question.target), ("POST", cluster.path()));
    assert_eq!(question.header("authorization"), Some("Bearer reviewer-1"));
    assert_eq!(question.header("content-type"), Some("application/json"));
    let asked: Value = serde_json::from_slice(&question.body).unwrap();
    let expected = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": { "token": "good", "audiences": [AUDIENCE] },
    });
    assert_eq!(asked, expected);
}

#[test]
fn googles_no_is_401() {
    let google = Kind::Google;
    holds_against_the_token(
        google,
        vec![
            ("token_inactive", Box::new(|_| Reply::json(400, &json!({ "error": "invalid_token" })))),
            ("audience_mismatch", Box::new(move |_| google.answer(json!({ "aud": "another app" })))),
            ("audience_mismatch", Box::new(move |_| google.answer(json!({ "aud": null })))),
            ("token_expired", Box::new(move |_| google.answer(json!({ "exp": (now() - 600).to_string() })))),
            ("claims_malformed", Box::new(move |_| google.answer(json!({ "exp": "soon" })))),
            ("type_mismatch", Box::new(move |_| google.answer(json!({ "kid": "1", "alg": "RS256" })))),
            ("issuer_mismatch", Box::new(move |_| google.answer(json!({ "iss": "https://other.example.com" })))),
        ],
    );
}

#[test]
fn a_clusters_no_is_401() {
    let cluster = Kind::Kubernetes;
    holds_against_the_token(
        cluster,
        vec![
            ("token_inactive", Box::new(move |_| cluster.answer(json!({ "authenticated": false })))),
            ("token_inactive", Box::new(|_| review(&json!({ "user": {}, "error": "invalid bearer token" })))),
            ("audience_mismatch", Box::new(move |_| cluster.answer(json!({ "audiences": ["https://other"] })))),
            ("audience_mismatch", Box::new(move |_| cluster.answer(json!({ "audiences": [] })))),
            ("audience_mismatch", Box::new(move |_| cluster.answer(json!({ "audiences": null })))),
            ("claim_missing", Box::new(move |_| cluster.answer(json!({ "user": {} })))),
        ],
    );
}

/// Each of these answers is 401 for `reason`, the second time from memory.
fn holds_against_the_token(kind: Kind, answers: Vec<(&'static str, Script)>) {
    let world = World::new();
    let reasons: Vec<&str> = answers.iter().map(|(reason, _)| *reason).collect();
    world.issuer.script(kind.path(), move |request| answers[kind.number(request)].1(request));
    let gateway = world.gateway(kind, "");
    for (at, reason) in reasons.iter().enumerate() {
        let refused = || gateway.metrics().sum("bearward_decisions_total", &[("reason", reason)]);
        let before = refused();
        for _ in 0..2 {
            let answer = gateway.get("/any/1").bearer(&format!("t-{at}")).send();
            assert_eq!(answer.status, 401, "{at}, {reason}: {}", answer.text());
            assert_eq!(answer.json()["reason"], "invalid_token", "{at}, {reason}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.contains("error=\"invalid_token\""), "{at}, {reason}: {challenge}");
        }
        assert_eq!(refused() - before, 2.0, "{at}, {reason}: {}", gateway.metrics().0);
        let asked = world.issuer.requests(kind.path()).iter().filter(|request| kind.number(request) == at).count();
        assert_eq!(asked, 1, "{at}, {reason}");
    }
    assert_eq!(world.upstream.requests().len(), 0);
}

#[test]
fn what_is_no_word_of_google_about_the_token_is_503() {
    let rfc7662 = json!({ "active": true, "aud": AUDIENCE, "exp": now() + 300 });
    is_no_word_about_the_token(
        Kind::Google,
        vec![
            ("another error", Box::new(|_| Reply::json(400, &json!({ "error": "invalid_request" })))),
            ("a no as text", Box::new(|_| Reply::status(400).body("{\"error\":\"invalid_token\"}"))),
            ("a no with another status", Box::new(|_| Reply::json(500, &json!({ "error": "invalid_token" })))),
            ("a no that says 200", Box::new(|_| Reply::json(200, &json!({ "error": "invalid_token" })))),
            ("no expiry", Box::new(|_| Kind::Google.answer(json!({ "exp": null })))),
            ("an answer of RFC 7662", Box::new(move |_| Reply::json(200, &rfc7662))),
        ],
    );
}

#[test]
fn what_is_no_word_of_a_cluster_about_the_token_is_503() {
    let failure = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403 });
    let yes_but = json!({ "authenticated": true, "error": "webhook timed out" });
    is_no_word_about_the_token(
        Kind::Kubernetes,
        vec![
            ("the gateway may not review", Box::new(move |_| Reply::json(403, &failure))),
            ("a status that nobody filled in", Box::new(|_| review(&json!({})))),
            ("no status", Box::new(|_| review(&json!(null)))),
            ("a yes with an error", Box::new(move |_| Kind::Kubernetes.answer(yes_but.clone()))),
            ("an odd yes", Box::new(|_| Kind::Kubernetes.answer(json!({ "authenticated": "true" })))),
            ("another kind", Box::new(|_| Reply::json(201, &json!({ "kind": "SubjectAccessReview", "status": {} })))),
            ("an answer of RFC 7662", Box::new(|_| Reply::json(200, &json!({ "active": true, "aud": AUDIENCE })))),
        ],
    );
}

/// Each of these answers, and each that is wrong for both kinds, is 503; the same tokens are good when the issuer is
/// well.
fn is_no_word_about_the_token(kind: Kind, own: Vec<(&'static str, Script)>) {
    let (world, elsewhere) = (World::new(), Server::start(|_| Reply::status(200)));
    let location = elsewhere.url();
    let mut faults: Vec<(&str, Script)> = vec![
        ("500", Box::new(|_| Reply::json(500, &json!({})))),
        ("a good body that says 500", Box::new(move |_| kind.answer_with_status(500))),
        ("401", Box::new(|_| Reply::json(401, &json!({ "error": "invalid_token" })))),
        ("404", Box::new(|_| Reply::status(404))),
        ("429", Box::new(|_| Reply::status(429))),
        ("a redirect", Box::new(move |_| Reply::status(302).header("Location", &location))),
        ("HTML", Box::new(|_| Reply::status(200).header("Content-Type", "text/html").body("<p>Welcome"))),
        ("half of JSON", Box::new(|_| Reply::json(200, &json!({})).body("{\"exp\":"))),
        ("one byte too many", Box::new(move |_| kind.answer_of_size(MAX_ANSWER + 1))),
        ("10 MB", Box::new(move |_| kind.answer_of_size(10 << 20))),
        (
            "a member that comes twice",
            Box::new(move |_| kind.answer_with("{\"kind\":1,\"kind\":1,\"exp\":1,\"exp\":1,")),
        ),
        ("hanging up", Box::new(|_| Reply::hang_up())),
        ("silence", Box::new(|_| Reply::silence())),
    ];
    faults.extend(own);
    let names: Vec<&str> = faults.iter().map(|(name, _)| *name).collect();
    let well = Arc::new(AtomicBool::new(false));
    world.issuer.script(kind.path(), {
        let well = Arc::clone(&well);
        move |request| match well.load(Ordering::SeqCst) {
            true => kind.answer_of_size(MAX_ANSWER),
            false => faults[kind.number(request)].1(request),
        }
    });
    let gateway = world.gateway(kind, "timeout = \"2s\"\nbreaker_failures = 1000");
    for (at, name) in names.iter().enumerate() {
        let answer = gateway.get("/any/1").bearer(&format!("t-{at}")).send();
        answer.assert_unavailable(name);
    }
    assert_eq!((world.upstream.requests().len(), elsewhere.requests().len()), (0, 0));

    // None of it was held against the tokens; and the largest answer is read.
    well.store(true, Ordering::SeqCst);
    for (at, name) in names.iter().enumerate() {
        let answer = gateway.get("/any/1").bearer(&format!("t-{at}")).send();
        assert_eq!(answer.status, 200, "after {name}: {}", answer.text());
    }
}

#[test]
fn a_review_that_names_no_expiry_is_asked_for_again() {
    let (world, cluster) = (World::new(), Kind::Kubernetes);
    world.issuer.script(cluster.path(), move |_| cluster.answer(json!({})));
    let gateway = world.gateway(cluster, "cache_ttl = \"1s\"");
    assert_eq!(gateway.get("/any/1").bearer("good").send().status, 200);
    world.issuer.script(cluster.path(), |_| review(&json!({ "user": {}, "error": "the account is gone" })));
    eventually("the token of an account that is gone is refused", SOON, || {
        let status = gateway.get("/any/1").bearer("good").send().status;
        assert!(matches!(status, 200 | 401), "{status}");
        status == 401
    });
}

#[test]
fn the_token_that_is_shown_to_a_cluster_is_read_again_when_it_changes() {
    let (world, cluster) = (World::new(), Kind::Kubernetes);
    let valid = Arc::new(AtomicUsize::new(1));
    world.issuer.script(cluster.path(), {
        let valid = Arc::clone(&valid);
        move |request| {
            let expected = format!("Bearer reviewer-{}", valid.load(Ordering::SeqCst));
            let is_known = request.header("authorization") == Some(&*expected);
            if is_known { cluster.answer(json!({})) } else { Reply::json(401, &json!({ "kind": "Status" })) }
        }
    });
    let gateway = world.gateway(cluster, "cache_ttl = \"0s\"");
    let status = || gateway.get("/any/1").bearer("good").send().status;
    assert_eq!(status(), 200);
    valid.store(2, Ordering::SeqCst);
    assert_eq!(status(), 503, "the gateway's own token is not the caller's fault");
    // Replaced whole, as those do who renew such files.
    let newer = write_secret(world.secrets.path(), "newer", "reviewer-2\n");
    std::fs::rename(newer, world.secrets.path().join("reviewer")).unwrap();
    eventually("the new token is shown", SOON, || {
        let status = status();
        assert!(matches!(status, 200 | 503), "{status}");
        status == 200
    });
    // One that cannot be read for a moment takes nothing away.
    std::fs::remove_file(world.secrets.path().join("reviewer")).unwrap();
    eventually("the file is missed", SOON, || {
        assert_eq!(status(), 200);
        gateway.logs().contains("cannot read the secret again")
    });
    assert!(!gateway.logs().contains("reviewer-"), "{}", gateway.logs());
}

type Script = Box<dyn Fn(&Received) -> Reply + Send + Sync>;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Who is asked.
#[derive(Clone, Copy)]
enum Kind {
    Google,
    Kubernetes,
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::Google => "/tokeninfo",
            Self::Kubernetes => "/apis/authentication.k8s.io/v1/tokenreviews",
        }
    }

    /// N of the token `t-N` that a question is about.
    fn number(self, question: &Received) -> usize {
        let token = match self {
            Self::Google => question.form().remove("access_token").unwrap(),
            Self::Kubernetes => {
                let review: Value = serde_json::from_slice(&question.body).unwrap();
                review["spec"]["token"].as_str().unwrap().to_owned()
            }
        };
        token.strip_prefix("t-").unwrap().parse().unwrap()
    }

    /// A good answer with these members put over it, those of the review's status for Kubernetes.
    fn answer(self, changes: Value) -> Reply {
        match self {
            Self::Google => Reply::json(200, &self.body(changes)),
            Self::Kubernetes => Reply::json(201, &self.body(changes)),
        }
    }

    /// A good answer, but for its status.
    fn answer_with_status(self, status: u16) -> Reply {
        Reply::json(status, &self.body(json!({})))
    }

    /// A good answer, but that it begins with these members.
    fn answer_with(self, members: &str) -> Reply {
        self.answer(json!({})).body(self.body(json!({})).to_string().replacen('{', members, 1))
    }

    /// A good answer of that many bytes.
    fn answer_of_size(self, bytes: usize) -> Reply {
        let body = self.body(json!({})).to_string();
        let spaces = " ".repeat(bytes - body.len());
        self.answer(json!({})).body(body + &spaces)
    }

    fn body(self, changes: Value) -> Value {
        let put_over = |mut good: Value| {
            good.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            good
        };
        match self {
            Self::Google => put_over(json!({
                "azp": "web", "aud": AUDIENCE, "sub": "1034", "scope": "openid orders:read",
                "exp": (now() + 300).to_string(), "expires_in": "300", "access_type": "online",
            })),
            Self::Kubernetes => review_of(&put_over(json!({
                "authenticated": true, "audiences": [AUDIENCE],
                "user": { "username": "system:serviceaccount:shop:default", "uid": "7", "groups": ["shop"] },
            }))),
        }
    }

    /// The section of the configuration that says so.
    fn introspection(self, world: &World, settings: &str) -> String {
        let url = format!("{}{}", world.issuer.url(), self.path());
        let own = match self {
            Self::Google => "kind = \"google-tokeninfo\"\n".to_owned(),
            Self::Kubernetes => {
                let file = write_secret(world.secrets.path(), "reviewer", "reviewer-1\n");
                format!("kind = \"kubernetes-tokenreview\"\nauth = \"bearer\"\nbearer_token_file = {file:?}\n")
            }
        };
        format!("[issuers.introspection]\nurl = \"{url}\"\n{own}{settings}\n")
    }
}

/// What a cluster answers with this status.
fn review(status: &Value) -> Reply {
    Reply::json(201, &review_of(status))
}

fn review_of(status: &Value) -> Value {
    json!({ "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "status": status })
}

/// What stands around a gateway.
struct World {
    issuer: ScriptedIssuer,
    upstream: Echo,
    secrets: TempDir,
}

impl World {
    fn new() -> Self {
        Self { issuer: ScriptedIssuer::start(), upstream: Echo::start(), secrets: TempDir::new().unwrap() }
    }

    /// A gateway that asks about every token in this way. `/any` asks for a valid one, the other routes for more.
    fn gateway(&self, kind: Kind, settings: &str) -> Gateway {
        let mut config = self.issuer.table("tokens = \"referential\"") + &kind.introspection(self, settings);
        config += &format!("[[upstreams]]\nname = \"orders\"\nservers = [\"{}\"]\n", self.upstream.address());
        for (path, access) in [
            ("/any/*", ""),
            ("/orders/*", "scopes = [\"orders:read\"]"),
            ("/write/*", "scopes = [\"orders:write\"]"),
            ("/group/shop", "claims = [{ claim = \"groups\", contains = \"shop\" }]"),
            ("/group/other", "claims = [{ claim = \"groups\", contains = \"other\" }]"),
        ] {
            config += &format!("[[routes]]\npath = \"{path}\"\nupstream = \"orders\"\n{access}\n");
        }
        Gateway::start(&config).ready()
    }
}

/// How many requests were let through by what was learnt there.
fn admitted(gateway: &Gateway, source: &str) -> f64 {
    gateway.metrics().sum("bearward_decisions_total", &[("verdict", "admit"), ("source", source)])
}
