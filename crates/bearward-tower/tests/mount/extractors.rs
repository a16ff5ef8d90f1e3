//! axum's extractors behind the layer, and without it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use bearward_tower::testing::TestIssuer;
use bearward_tower::{BearwardLayer, Gate, Identity, RouteRule, Token, require};
use http::{Request, StatusCode};
use serde::Deserialize;
use tower::ServiceExt as _;

#[derive(Deserialize)]
struct Claims {
    email: String,
}

fn routes() -> Router {
    Router::new()
        .route("/me", get(async |identity: Identity| format!("{} {}", identity.issuer(), identity.subject().unwrap())))
        .route("/may", get(async |identity: Identity| identity.has_scope("orders:read").to_string()))
        .route("/email", get(async |Token(claims): Token<Claims>| claims.email))
        .route("/open/anybody", get(async |caller: Option<Identity>| caller.is_some().to_string()))
        .route("/open/somebody", get(async |_: Identity| "somebody"))
        .route(
            "/optional/email",
            get(async |claims: Option<Token<Claims>>| claims.map_or("none".into(), |c| c.0.email)),
        )
        .route("/write", get(async || "written").route_layer(require().scope("orders:write")))
}

fn app(issuer: &TestIssuer) -> Router {
    let gate = Gate::builder()
        .issuer(issuer.issuer())
        .route(RouteRule::new("/*"))
        .route(RouteRule::new("/open/*").open())
        .route(RouteRule::new("/optional/*").optional())
        .scope_implies("orders:admin", ["orders:read"]);
    routes().layer(BearwardLayer::new(gate.build().unwrap()))
}

async fn ask(app: &Router, path: &str, authorization: Option<http::HeaderValue>) -> (StatusCode, String) {
    let mut request = Request::get(path);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn handlers_get_what_was_proved() {
    let issuer = TestIssuer::new();
    let app = app(&issuer);
    let alice = || issuer.token().subject("alice");
    let admin = alice().scope("orders:admin").claim("email", "alice@example.com");
    for (path, token, status, body) in [
        ("/me", alice(), 200, Some("https://issuer.example.com alice")),
        ("/may", alice().scope("orders:read"), 200, Some("true")),
        ("/may", admin.clone(), 200, Some("true")),
        ("/may", alice().scope("orders:write"), 200, Some("false")),
        ("/email", admin.clone(), 200, Some("alice@example.com")),
        ("/email", alice(), 403, None),
        ("/email", alice().claim("email", 7), 403, None),
        // An open route looks at no token.
        ("/open/anybody", alice(), 200, Some("false")),
        ("/open/somebody", alice(), 401, None),
        ("/optional/email", admin, 200, Some("alice@example.com")),
        ("/optional/email", alice().expired(), 401, None),
        ("/write", alice().scope("orders:write"), 200, Some("written")),
        ("/write", alice(), 403, None),
    ] {
        let (found, told) = ask(&app, path, Some(token.header())).await;
        assert_eq!(found, status, "{path}");
        assert!(body.is_none_or(|body| body == told), "{path}: {told}");
    }
    assert_eq!(ask(&app, "/open/anybody", None).await, (StatusCode::OK, "false".to_owned()));
    assert_eq!(ask(&app, "/optional/email", None).await, (StatusCode::OK, "none".to_owned()));
}

#[tokio::test]
async fn what_handlers_refuse_is_counted_by_its_reason() {
    let issuer = TestIssuer::new();
    let registry = bearward_gate::MetricsRegistry::default();
    let gate =
        Gate::builder().issuer(issuer.issuer()).route(RouteRule::new("/*").name("all")).registry(registry.clone());
    let app = routes().layer(BearwardLayer::new(gate.build().unwrap()));
    for (path, status) in [("/email", 403), ("/write", 403), ("/write", 403), ("/me", 200)] {
        assert_eq!(ask(&app, path, Some(issuer.token().header())).await.0, status, "{path}");
    }
    let counted = registry.text().unwrap();
    let refusals = |reason| format!("bearward_requirement_refusals_total{{reason=\"{reason}\",route=\"all\"}}");
    for (reason, count) in [("claim_condition_unmet", 1), ("scope_missing", 2)] {
        assert!(counted.contains(&format!("{} {count}\n", refusals(reason))), "{reason}: {counted}");
    }
}

/// Where a router is nested, the layer within it sees the rest of the path, and a fallback is behind it as any handler is.
#[tokio::test]
async fn nested_routers_and_fallbacks_are_behind_the_layer() {
    let issuer = TestIssuer::new();
    let gate = || {
        let gate = Gate::builder().issuer(issuer.issuer()).route(RouteRule::new("/orders").scope("orders:read"));
        BearwardLayer::new(gate.route(RouteRule::new("/*")).build().unwrap())
    };
    let orders = || Router::new().route("/orders", get(async || "orders")).fallback(async || "none");
    let (reader, other) = (issuer.token().scope("orders:read").header(), issuer.token().header());
    for (app, prefix) in [
        (orders().layer(gate()), ""),
        (Router::new().nest("/v1", orders().layer(gate())), "/v1"),
        (Router::new().merge(orders()).layer(gate()), ""),
    ] {
        let (path, missing) = (format!("{prefix}/orders"), format!("{prefix}/nothing"));
        assert_eq!(ask(&app, &path, None).await.0, 401);
        assert_eq!(ask(&app, &path, Some(other.clone())).await.0, 403);
        assert_eq!(ask(&app, &path, Some(reader.clone())).await, (StatusCode::OK, "orders".to_owned()));
        assert_eq!(ask(&app, &missing, None).await.0, 401);
        assert_eq!(ask(&app, &missing, Some(other.clone())).await, (StatusCode::OK, "none".to_owned()));
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn without_the_layer_nothing_is_let_through_and_the_log_says_what_to_do() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let issuer = TestIssuer::new();
    let token = issuer.token().scope("orders:write").claim("email", "alice@example.com").header();
    for path in ["/me", "/email", "/open/anybody", "/optional/email", "/write"] {
        assert_eq!(ask(&routes(), path, Some(token.clone())).await.0, 500, "{path}");
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("add `.layer(BearwardLayer::new(gate))`").count(), 5, "{log}");
    assert!(!log.contains("alice"), "{log}");
}
