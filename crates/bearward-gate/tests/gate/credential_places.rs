//! A credential has one place: a second one in the query is refused whatever the first one is.
use crate::support::{FakeIssuer, Key, TestClock, decide_with_query, gate, name_of, route};
use bearward_core::{Access, Requirement};
use bearward_gate::RequestFacts;
use http::{HeaderMap, Method};

#[tokio::test]
async fn a_second_credential_in_the_query_is_refused() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    let good = key.sign(&issuer.claims(clock.now()));
    let queries: [(&[u8], bool); 8] = [
        (b"page=2", true),
        (b"my_access_token=1", true),
        (b"access_token=x", false),
        (b"page=2&access_token=", false),
        (b"Access%5fToken", false),
        (b"page=2;access.token=x", false),
        (b"+access_token[]=x", false),
        (b"\xff&access_token=x", false),
    ];
    for (query, is_good) in queries {
        let shown = query.escape_ascii();
        for (token, otherwise) in [(good.as_str(), "admit"), ("opaque", "token_inactive")] {
            let found = name_of(&decide_with_query(&gate, None, "/", Some(query), token).await);
            let expected = if is_good { otherwise } else { "credential_repeated" };
            assert!(found.starts_with(expected), "?{shown}: {found}");
        }
    }
}

/// Where a token is optional, a client that shows one in the wrong place is not taken for one that shows none.
#[tokio::test]
async fn nobody_is_anonymous_who_shows_something() {
    let issuer = FakeIssuer::start(&[]).await;
    let mut optional = route("/optional/*", &[]);
    optional.access = Access::Optional(Requirement::default());
    let gate = gate(&TestClock::new(), vec![issuer.settings()], vec![optional, route("/token/*", &[])]);
    let query: &[u8] = b"access_token=x";
    for (authorization, query, on_optional, on_token) in [
        (None, None, "admit none", "credential_missing"),
        (None, Some(query), "credential_malformed", "credential_missing"),
        (Some("Basic eDp4"), None, "credential_missing", "credential_missing"),
        (Some("Basic eDp4"), Some(query), "credential_missing", "credential_missing"),
        (Some("Bearer"), None, "credential_malformed", "credential_malformed"),
        (Some("Bearer opaque"), None, "token_inactive", "token_inactive"),
        (Some("Bearer opaque"), Some(query), "credential_repeated", "credential_repeated"),
    ] {
        for (path, expected) in [("/optional/1", on_optional), ("/token/1", on_token)] {
            let fields = authorization.map(|value| (http::header::AUTHORIZATION, value.parse().unwrap()));
            let headers = HeaderMap::from_iter(fields);
            let mut request = RequestFacts::new(&Method::GET, path.as_bytes(), &headers);
            request.query = query;
            let found = name_of(&gate.decide(&request).await);
            assert_eq!(found, expected, "{path} {authorization:?} {query:?}");
        }
    }
}

/// A method that an upstream may take for another one is refused before anything else is looked at.
#[tokio::test]
async fn the_method_is_judged_first() {
    let gate = gate(&TestClock::new(), Vec::new(), Vec::new());
    for (method, expected) in
        [("GET", "path_ambiguous"), ("get", "request_malformed"), ("TRACE", "method_not_forwarded")]
    {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let headers = HeaderMap::new();
        let request = RequestFacts::new(&method, b"/a/../b", &headers);
        assert_eq!(name_of(&gate.decide(&request).await), expected, "{method}");
    }
}
