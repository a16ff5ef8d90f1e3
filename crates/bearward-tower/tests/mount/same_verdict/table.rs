//! The requests, and what becomes of them.

use bearward_core::Reason;
use bearward_tower::testing::{TestIssuer, TestToken};
use bearward_tower::{ClaimTest, Gate, Issuer, RouteRule};
use http::Method;

pub struct Case {
    pub name: &'static str,
    pub method: Method,
    pub target: &'static str,
    pub host: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub expected: Expected,
}

#[derive(Clone, Copy)]
pub enum Expected {
    /// Let through, as this caller.
    Admit(Option<&'static str>),
    Refuse(Reason),
}

use Expected::{Admit, Refuse};

/// An issuer of which nothing can be had: nothing listens on the port that "discard" has.
const AWAY: &str = "http://127.0.0.1:9";

fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap()
}

/// The host of requests that are not about it.
const HOST: &str = "api.example.com";

pub fn gate(issuer: &TestIssuer) -> Gate {
    Gate::builder()
        .realm("orders")
        .issuer(issuer.issuer())
        .issuer(Issuer::new(AWAY).audience(bearward_tower::testing::AUDIENCE))
        .route(RouteRule::new("/orders/*").methods([Method::GET, Method::HEAD]).scope("orders:read"))
        .route(RouteRule::new("/orders/*").methods([Method::POST]).any_scope(["orders:write", "orders:admin"]))
        .route(RouteRule::new("/sales").claim("department", ClaimTest::Equals("sales".into())))
        .route(RouteRule::new("/billing").audience("https://billing.example.com"))
        .route(RouteRule::new("/any"))
        .route(RouteRule::new("/open").open())
        .route(RouteRule::new("/tenant").host("tenant.example.com"))
        .route(RouteRule::new("/optional").optional())
        .route(RouteRule::new("/upcased").methods([Method::POST]).scope("orders:write"))
        .route(RouteRule::new("/upcased").open())
        .route(RouteRule::new("/rotate").methods([method("Rotate")]))
        .route(RouteRule::new("/rotate").open())
        .route(RouteRule::new("/Admin/*").ignore_case().scope("orders:read"))
        .route(RouteRule::new("/orders.v1.Orders/*").scope("orders:read"))
        .route(RouteRule::new("/stock.v1.Stock/*").methods([Method::GET]))
        .build()
        .unwrap()
}

pub fn cases(issuer: &TestIssuer) -> Vec<Case> {
    let alice = || issuer.token().subject("alice");
    let reader = || alice().scope("orders:read");
    let get = |name, target, authorization: &[String], expected| {
        let headers = authorization.iter().map(|value| ("authorization", value.clone())).collect();
        Case { name, method: Method::GET, target, host: HOST, headers, expected }
    };
    let bearer = |token: &TestToken<'_>| [format!("Bearer {}", token.sign())];
    let with = |mut case: Case, more: &[(&'static str, &str)]| {
        case.headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        case
    };
    let by = |method: Method, case: Case| Case { method, ..case };
    let at = |host, case: Case| Case { host, ..case };
    let forged = [
        ("x-auth-subject", "root"),
        ("X-AUTH-SUBJECT", "root"),
        ("x_auth_subject", "root"),
        ("x.auth.subject", "root"),
        ("x-auth_scope", "admin"),
        ("x-auth-issuer", "https://evil.example.com"),
        ("x-auth-client-id", "root"),
    ];
    let tampered = {
        let token = reader().sign();
        let (rest, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { "B" } else { "A" };
        [format!("Bearer {rest}.{first}{}", &signature[1..])]
    };
    let unsigned = {
        let token = reader().sign();
        let claims = token.split('.').nth(1).unwrap();
        // {"alg":"none","typ":"at+jwt"}
        [format!("Bearer eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{claims}.")]
    };
    let stranger = TestIssuer::new().token().subject("alice").scope("orders:read").sign();
    let twice = [bearer(&reader()), bearer(&reader())].concat();
    let grpc = [("content-type", "application/grpc"), ("te", "trailers"), ("content-length", "0")];
    vec![
        get("a valid token", "/orders/7", &bearer(&reader()), Admit(Some("alice"))),
        get("the same once more, with a query", "/orders/7?a=b%20c&d", &bearer(&reader()), Admit(Some("alice"))),
        by(Method::HEAD, get("HEAD", "/orders/7", &bearer(&reader()), Admit(Some("alice")))),
        get("the scheme in capitals", "/any", &[format!("BEARER {}", alice().sign())], Admit(Some("alice"))),
        with(get("forged identity headers", "/orders/7", &bearer(&reader()), Admit(Some("alice"))), &forged),
        with(get("forged identity headers, open", "/open", &[], Admit(None)), &forged),
        with(get("forged identity headers, refused", "/any", &[], Refuse(Reason::CredentialMissing)), &forged),
        get("a subject that no header holds", "/any", &bearer(&alice().subject("al\u{ef}ce")), {
            Admit(Some("=?base64?YWzDr2Nl?="))
        }),
        get("open, without a token", "/open", &[], Admit(None)),
        get("open, with a token that does not hold", "/open", &tampered, Admit(None)),
        get("optional, without a token", "/optional", &[], Admit(None)),
        get("optional, with a token", "/optional", &bearer(&alice()), Admit(Some("alice"))),
        get("optional, with one that does not hold", "/optional", &tampered, Refuse(Reason::KeyUnknown)),
        get("optional, with another scheme", "/optional", &["Basic YTpi".into()], Refuse(Reason::CredentialMissing)),
        get("no token", "/orders/7", &[], Refuse(Reason::CredentialMissing)),
        by(Method::HEAD, get("no token, HEAD", "/orders/7", &[], Refuse(Reason::CredentialMissing))),
        get("another scheme", "/orders/7", &["Basic YTpi".into()], Refuse(Reason::CredentialMissing)),
        get("two tokens", "/orders/7", &twice, Refuse(Reason::CredentialRepeated)),
        get("a token in the query too", "/any?access_token=x", &bearer(&alice()), Refuse(Reason::CredentialRepeated)),
        get("no proper credential", "/any", &["Bearer a b".into()], Refuse(Reason::CredentialMalformed)),
        get("too long", "/any", &[format!("Bearer {}", "a".repeat(17_000))], Refuse(Reason::CredentialTooLong)),
        get("an opaque token that nobody is asked about", "/any", &["Bearer opaque".into()], {
            Refuse(Reason::TokenUnsupported)
        }),
        get("expired", "/orders/7", &bearer(&reader().expired()), Refuse(Reason::TokenExpired)),
        get("for another audience", "/any", &bearer(&alice().audience("https://a.example")), {
            Refuse(Reason::AudienceMismatch)
        }),
        get("for another audience of the route", "/billing", &bearer(&alice()), Refuse(Reason::AudienceMismatch)),
        get("of another issuer", "/any", &bearer(&alice().claim("iss", "https://evil.example.com")), {
            Refuse(Reason::IssuerUnknown)
        }),
        get("of an issuer that is away", "/any", &bearer(&alice().claim("iss", AWAY)), Refuse(Reason::KeysUnavailable)),
        get("signed by another", "/any", &[format!("Bearer {stranger}")], Refuse(Reason::KeyUnknown)),
        get("tampered with", "/orders/7", &tampered, Refuse(Reason::KeyUnknown)),
        get("unsigned", "/orders/7", &unsigned, Refuse(Reason::AlgorithmRefused)),
        get("bound to a key", "/any", &bearer(&alice().claim("cnf", serde_json::json!({"jkt": "x"}))), {
            Refuse(Reason::ConfirmationMissing)
        }),
        get("without a claim that it must have", "/any", &bearer(&alice().claim("jti", serde_json::Value::Null)), {
            Refuse(Reason::ClaimMissing)
        }),
        get("without the scope", "/orders/7", &bearer(&alice().scope("orders:write")), Refuse(Reason::ScopeMissing)),
        by(
            Method::POST,
            with(
                get("without any of the scopes", "/orders/7", &bearer(&reader()), Refuse(Reason::ScopeMissing)),
                &[("content-length", "0")],
            ),
        ),
        get("without what the claim must say", "/sales", &bearer(&alice()), Refuse(Reason::ClaimConditionUnmet)),
        get("no route", "/nothing", &bearer(&alice()), Refuse(Reason::RouteNotFound)),
        by(
            Method::DELETE,
            get("another method than the place serves", "/orders/7", &bearer(&reader()), {
                Refuse(Reason::MethodNotAllowed)
            }),
        ),
        by(
            Method::DELETE,
            get("the same, and a token that does not hold", "/orders/7", &tampered, Refuse(Reason::MethodNotAllowed)),
        ),
        by(Method::DELETE, get("the same, and no token", "/orders/7", &[], Refuse(Reason::MethodNotAllowed))),
        by(Method::POST, get("the method that asks for a scope", "/upcased", &[], Refuse(Reason::CredentialMissing))),
        by(Method::DELETE, get("a method that does not", "/upcased", &[], Admit(None))),
        by(method("post"), get("post", "/upcased", &[], Refuse(Reason::RequestMalformed))),
        by(method("Post"), get("Post", "/upcased", &[], Refuse(Reason::RequestMalformed))),
        by(method("Get"), get("Get", "/orders/7", &bearer(&reader()), Refuse(Reason::RequestMalformed))),
        by(method("connect"), get("connect", "/open", &[], Refuse(Reason::RequestMalformed))),
        by(method("trace"), get("trace", "/open", &[], Refuse(Reason::RequestMalformed))),
        by(method("track"), get("track", "/open", &[], Refuse(Reason::RequestMalformed))),
        by(Method::TRACE, get("TRACE", "/open", &[], Refuse(Reason::MethodNotForwarded))),
        by(method("TRACK"), get("TRACK", "/open", &[], Refuse(Reason::MethodNotForwarded))),
        by(method("Rotate"), get("a method that a route names", "/rotate", &[], Refuse(Reason::CredentialMissing))),
        by(method("ROTATE"), get("the same in capitals", "/rotate", &[], Refuse(Reason::RequestMalformed))),
        by(method("BREW"), get("a method that is in no list", "/rotate", &[], Admit(None))),
        get("another case, no token", "/aDMIN/x", &[], Refuse(Reason::CredentialMissing)),
        get("another case", "/admin/x", &bearer(&reader()), Admit(Some("alice"))),
        get("the same case", "/Admin/x", &bearer(&reader()), Admit(Some("alice"))),
        get("another case where case matters", "/Open", &[], Refuse(Reason::RouteNotFound)),
        get("another case, encoded", "/%41dmin/x", &bearer(&reader()), Refuse(Reason::PathAmbiguous)),
        get("no route for the host", "/tenant", &bearer(&alice()), Refuse(Reason::RouteNotFound)),
        at("Tenant.example.com.:8080", get("the host", "/tenant", &bearer(&alice()), Admit(Some("alice")))),
        get("the host in the target", "http://api.example.com/any", &bearer(&alice()), Admit(Some("alice"))),
        // More of them are in the core; some the proxy's parser answers before anybody is asked.
        at("a,b", get("two hosts in one", "/open", &[], Refuse(Reason::RequestMalformed))),
        at("a..b", get("a host with an empty label", "/open", &[], Refuse(Reason::RequestMalformed))),
        at("a:b", get("a port that is no number", "/any", &bearer(&alice()), Refuse(Reason::RequestMalformed))),
        at("%61", get("a host with escapes", "/open", &[], Refuse(Reason::RequestMalformed))),
        at("[nonsense]", get("no address in brackets", "/open", &[], Refuse(Reason::RequestMalformed))),
        get("dot segments", "/open/../orders/7", &bearer(&reader()), Refuse(Reason::PathAmbiguous)),
        get("an encoded slash", "/orders%2f7", &bearer(&reader()), Refuse(Reason::PathAmbiguous)),
        get("two slashes", "/orders//7", &bearer(&reader()), Refuse(Reason::PathAmbiguous)),
        get("a parameter in the path", "/open;/../any", &[], Refuse(Reason::PathAmbiguous)),
        get("a needless encoding", "/%6fpen", &[], Refuse(Reason::PathAmbiguous)),
        by(Method::POST, with(get("gRPC", "/orders.v1.Orders/Get", &bearer(&reader()), Admit(Some("alice"))), &grpc)),
        by(
            Method::POST,
            with(get("gRPC, no token", "/orders.v1.Orders/Get", &[], Refuse(Reason::CredentialMissing)), &grpc),
        ),
        by(
            Method::POST,
            with(
                get("gRPC, no scope", "/orders.v1.Orders/Get", &bearer(&alice()), Refuse(Reason::ScopeMissing)),
                &grpc,
            ),
        ),
        by(
            Method::POST,
            with(
                get("gRPC, unavailable", "/orders.v1.Orders/Get", &bearer(&reader().claim("iss", AWAY)), {
                    Refuse(Reason::KeysUnavailable)
                }),
                &grpc,
            ),
        ),
        by(
            Method::POST,
            with(
                get("gRPC, another method", "/stock.v1.Stock/Get", &bearer(&reader()), {
                    Refuse(Reason::MethodNotAllowed)
                }),
                &grpc,
            ),
        ),
        by(
            Method::POST,
            with(get("gRPC, no route", "/other.Service/Get", &bearer(&reader()), Refuse(Reason::RouteNotFound)), &grpc),
        ),
    ]
}
