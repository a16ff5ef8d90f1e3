//! The sign-in page: what it shows, what the person decides, and who cannot decide in the person's place.

use bearward_issuer::{Application, Person};

use crate::{
    browser::{Flow, Page, answer_to},
    client::{spawn, spawn_with},
};

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const ALLOW: [(&str, &str); 2] = [("person", "alice"), ("decision", "allow")];

#[tokio::test]
async fn it_is_plain_labelled_html_that_loads_nothing() {
    let issuer = spawn().await;
    let answer = Flow::web().with("login_hint", "bob").request(&issuer).await;
    let policy = answer.header("content-security-policy").to_owned();
    for part in ["default-src 'none'", "style-src 'sha256-", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("form-action"), "it would hold for where the application sends people on to: {policy}");
    assert_eq!((answer.header("x-frame-options"), answer.header("cache-control")), ("DENY", "no-store"));
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    let html = &answer.body;
    assert!(html.starts_with("<!doctype html><html lang=\"en\">") && html.contains("<title>Sign in</title>"));
    for absent in ["<script", "http-equiv", "<img", "<link", "style=\"", " onclick", " onload", "src="] {
        assert!(!html.contains(absent), "{absent}");
    }
    assert!(html.contains("web-app") && html.contains("http://127.0.0.1:8081/callback"));
    // Every control that a person uses has a label.
    for input in html.split("<input ").skip(1).filter(|input| !input.starts_with("type=\"hidden\"")) {
        let id = input.split_once("id=\"").unwrap().1.split('"').next().unwrap();
        assert!(html.contains(&format!("<label for=\"{id}\">")), "{id}");
    }
    let bob = html.split("<input ").find(|input| input.contains("value=\"bob\"")).unwrap();
    assert!(bob.contains(" checked>"), "the hint is followed");
    assert_eq!(html.matches("type=\"radio\"").count(), 2);
    assert_eq!(html.matches("type=\"checkbox\"").count(), 3);
}

#[tokio::test]
async fn what_is_left_out_is_not_granted_and_a_denial_is_told() {
    let issuer = spawn().await;
    let flow = Flow::web();
    let page = Page::of(flow.request(&issuer).await);
    let mut some = fields(&ALLOW);
    some.push(("scope orders:read".to_owned(), "on".to_owned()));
    // A scope that was not asked for cannot be put in.
    some.push(("scope email".to_owned(), "on".to_owned()));
    let answer = answer_to(&page.send(&issuer, "", some).await);
    let tokens = flow.redeem(&issuer, &answer["code"], &[]).await.json();
    assert_eq!(tokens["scope"], "openid orders:read");

    for (answers, why) in [
        (&[("person", "alice"), ("decision", "deny")][..], "denied"),
        (&[("person", "alice")], "no decision"),
        (&[("decision", "allow")], "nobody"),
        (&[("person", "mallory"), ("decision", "allow")], "nobody of that name"),
    ] {
        let page = Page::of(flow.request(&issuer).await);
        let told = answer_to(&page.send(&issuer, "", fields(answers)).await);
        assert_eq!((&*told["error"], &*told["state"]), ("access_denied", "the state"), "{why}");
        assert_eq!(told["iss"], issuer.url());
    }
}

#[tokio::test]
async fn who_may_not_go_on_while_the_person_is_away_gets_no_refresh_token() {
    let issuer = spawn().await;
    let flow = Flow::web().with("scope", "openid offline_access orders:read");
    for (left_out, refreshes) in [("scope orders:read", true), ("scope offline_access", false)] {
        let page = Page::of(flow.request(&issuer).await);
        let mut some: Vec<_> = page.scopes.iter().filter(|(name, _)| name != left_out).cloned().collect();
        assert_eq!(some.len() + 1, page.scopes.len());
        some.extend(fields(&ALLOW));
        let answer = answer_to(&page.send(&issuer, "", some).await);
        let tokens = flow.redeem(&issuer, &answer["code"], &[]).await.json();
        assert_eq!(tokens.get("refresh_token").is_some(), refreshes, "{left_out}: {tokens}");
    }
}

#[tokio::test]
async fn a_page_is_answered_once_by_the_browser_that_it_was_shown_in() {
    let issuer = spawn().await;
    let flow = Flow::web();
    let page = Page::of(flow.request(&issuer).await);
    let other = Page::of(flow.request(&issuer).await);
    assert_ne!(page.cookie, other.cookie);
    let cookie = |page: &Page| format!("cookie: {}", page.cookie);
    for headers in [
        &[][..],
        &[cookie(&other)],
        &["cookie: bearward_issuer_browser=short".to_owned()],
        // Another site on this machine: a cookie knows no port.
        &[cookie(&page), "sec-fetch-site: same-site".to_owned()],
        &[cookie(&page), "sec-fetch-site: cross-site".to_owned()],
    ] {
        let answer = page.send_with(&issuer, "", fields(&ALLOW), headers).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{headers:?}");
    }
    let elsewhere = page.send(&issuer, "/apps/web-app", fields(&ALLOW)).await;
    assert_eq!(elsewhere.status, 400, "it was shown at the tenant's issuer URL");
    let same = [cookie(&page), "sec-fetch-site: same-origin".to_owned()];
    let answer = page.send_with(&issuer, "", fields(&ALLOW), &same).await;
    assert!(answer_to(&answer).contains_key("code"), "the attempts of others did not use it up");
    assert_eq!(page.send(&issuer, "", fields(&ALLOW)).await.status, 400, "but the answer did");
}

#[tokio::test]
async fn pages_of_one_browser_do_not_disturb_each_other_and_grow_old() {
    let issuer = spawn().await;
    let flow = Flow::web();
    let first = Page::of(flow.request(&issuer).await);
    let path = format!("/authorize?{}", crate::browser::encode(&flow.parameters));
    let cookie = [format!("cookie: {}", first.cookie)];
    let second = crate::client::send(issuer.address(), "GET", &path, &cookie, "").await;
    assert_eq!(second.header("set-cookie"), "", "the cookie is kept");
    assert!(answer_to(&first.send(&issuer, "", fields(&ALLOW)).await).contains_key("code"));

    let old = Page::of(flow.request(&issuer).await);
    issuer.issuer().set_faults(["clock=+601s".parse().unwrap()]);
    assert_eq!(old.send(&issuer, "", fields(&ALLOW)).await.status, 400);
}

#[tokio::test]
async fn a_page_is_of_use_at_the_issuer_that_made_it_and_as_it_was_made() {
    let (issuer, other) = (spawn().await, spawn().await);
    let flow = Flow::web();
    let foreign = Page::of(flow.request(&other).await);
    assert_eq!(foreign.send(&issuer, "", fields(&ALLOW)).await.status, 400, "another process made it");
    let page = Page::of(flow.request(&issuer).await);
    let parts: Vec<&str> = page.sign_in.split('.').collect();
    for sealed in ["", "a", "a.b.c.d.e", &parts[..4].join("."), &page.sign_in.replacen(parts[3], parts[4], 1)] {
        let changed = Page { sign_in: sealed.to_owned(), cookie: page.cookie.clone(), scopes: Vec::new() };
        assert_eq!(changed.send(&issuer, "", fields(&ALLOW)).await.status, 400, "{sealed:?}");
    }
    let answer = answer_to(&page.send(&issuer, "", fields(&ALLOW)).await);
    // What is sealed as one thing is not another, in either direction.
    let code = Page { sign_in: answer["code"].clone(), cookie: page.cookie.clone(), scopes: Vec::new() };
    assert_eq!(code.send(&issuer, "", fields(&ALLOW)).await.status, 400);
    flow.redeem(&issuer, &page.sign_in, &[]).await.expect_error(400, "invalid_grant");
}

#[tokio::test]
async fn what_people_and_applications_are_called_is_text() {
    let evil = "\"><script>alert(1)</script>";
    let app = Application::public("app", "com.example.app:/callback")
        .resource_server("https://api.example.com", ["orders:read"]);
    let person = Person::new("carol").name(evil);
    let issuer = spawn_with(|builder| builder.application(app).person(person)).await;
    let flow =
        Flow::native().with("client_id", "app").with("redirect_uri", "com.example.app:/callback").with("state", evil);
    let answer = flow.request(&issuer).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("<script") && answer.body.contains("&lt;script&gt;"));
}

#[tokio::test]
async fn a_request_can_come_as_a_form() {
    let issuer = spawn().await;
    let form = crate::browser::encode(&Flow::web().parameters);
    let page = Page::of(crate::client::post_form_with(&issuer, "/authorize", &[], &form).await);
    assert!(answer_to(&page.send(&issuer, "", fields(&ALLOW)).await).contains_key("code"));
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_told_to_who_sits_there() {
    let issuer = spawn().await;
    let page = Page::of(Flow::web().request(&issuer).await);
    let cookie = [format!("cookie: {}", page.cookie)];
    for path in ["/authorize", "/sign-in"] {
        let twice = crate::client::post_form_with(&issuer, path, &cookie, "state=a&state=b").await;
        let json = crate::client::post_json(&issuer, path, "{}").await;
        for answer in [twice, json] {
            assert_eq!(answer.status, 400);
            assert!(answer.header("content-type").starts_with("text/html"), "{path}: {}", answer.body);
            assert!(answer.body.contains("role=\"alert\""));
        }
    }
}
