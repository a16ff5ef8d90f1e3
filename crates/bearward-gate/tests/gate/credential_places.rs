//! A credential has one place: a second one in the query is refused whatever the first one is.
use crate::support::{FakeIssuer, Key, TestClock, decide_with_query, gate, name_of, route};

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
