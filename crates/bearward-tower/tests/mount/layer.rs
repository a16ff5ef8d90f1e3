//! The layer by itself, around a plain service.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bearward_tower::testing::TestIssuer;
use bearward_tower::{
    Bearward, BearwardLayer, ClientAuth, Gate, Identity, IntrospectionSettings, RouteRule, Secret, require,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tokio::net::TcpListener;
use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _};

/// Answers with what it learnt of the caller.
async fn tell(request: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = request.headers().get_all("x-auth-subject").iter().map(|value| value.to_str().unwrap());
    let identity = request.extensions().get::<Identity>().and_then(Identity::subject).unwrap_or("nobody");
    let told = format!("{identity}; {}", header.collect::<Vec<_>>().join(","));
    Ok(Response::new(Full::new(told.into())))
}

async fn ask<S, R>(service: S, request: Request<()>) -> (StatusCode, String)
where
    S: Service<Request<()>, Response = Response<R>, Error = Infallible>,
    R: http_body::Body<Data = Bytes, Error = Infallible>,
{
    let response = service.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn get(path: &str) -> http::request::Builder {
    Request::get(path)
}

#[tokio::test]
async fn without_rules_everything_needs_a_token() {
    let issuer = TestIssuer::new();
    let service = BearwardLayer::new(issuer.gate()).layer(tower::service_fn(tell));
    for path in ["/", "/orders", "/health", "/deep/er"] {
        assert_eq!(ask(service.clone(), get(path).body(()).unwrap()).await.0, 401, "{path}");
        let request = get(path).header("authorization", issuer.token().subject("alice").header()).body(()).unwrap();
        assert_eq!(ask(service.clone(), request).await, (StatusCode::OK, "alice; ".to_owned()), "{path}");
    }
    let stranger = TestIssuer::new();
    let request = get("/").header("authorization", stranger.token().header()).body(()).unwrap();
    assert_eq!(ask(service, request).await.0, 401);
}

#[tokio::test]
async fn headers_tell_the_identity_where_that_is_asked_for_and_never_the_clients() {
    let issuer = TestIssuer::new();
    let gate = Arc::new(
        Gate::builder()
            .issuer(issuer.issuer())
            .route(RouteRule::new("/*"))
            .route(RouteRule::new("/open").open())
            .build()
            .unwrap(),
    );
    let token = issuer.token().subject("alice").header();
    let forged = |path: &str| get(path).header("x-auth-subject", "root").header("x-auth-subject", "admin");
    let silent = BearwardLayer::new(Arc::clone(&gate));
    let telling = silent.clone().with_identity_headers();
    for (layer, path, expected) in [
        (&silent, "/", "alice; "),
        (&silent, "/open", "nobody; "),
        (&telling, "/", "alice; alice"),
        (&telling, "/open", "nobody; "),
    ] {
        let request = forged(path).header("authorization", token.clone()).body(()).unwrap();
        assert_eq!(ask(layer.layer(tower::service_fn(tell)), request).await.1, expected, "{path}");
    }
}

#[tokio::test]
async fn a_requirement_narrows_what_the_layer_admits() {
    let issuer = TestIssuer::new();
    let gate = Gate::builder()
        .issuer(issuer.issuer())
        .route(RouteRule::new("/*").scope("orders:read"))
        .route(RouteRule::new("/optional").optional())
        .scope_implies("orders:admin", ["orders:read", "orders:write"])
        .build()
        .unwrap();
    let layer = BearwardLayer::new(gate);
    let service = layer.layer(require().scope("orders:write").layer(tower::service_fn(tell)));
    for (path, scope, status) in [
        ("/", Some("orders:read orders:write"), 200),
        ("/", Some("orders:admin"), 200),
        ("/", Some("orders:read"), 403),
        ("/", Some("orders:write"), 403),
        ("/optional", Some("orders:write"), 200),
        ("/optional", Some("orders:read"), 403),
        ("/optional", None, 401),
    ] {
        let mut request = get(path);
        if let Some(scope) = scope {
            request = request.header("authorization", issuer.token().scope(scope).header());
        }
        assert_eq!(ask(service.clone(), request.body(()).unwrap()).await.0, status, "{path} {scope:?}");
    }
    let request = get("/").header("authorization", issuer.token().scope("orders:read").header()).body(()).unwrap();
    let answer = service.oneshot(request).await.unwrap();
    let challenge = answer.headers().get("www-authenticate").unwrap().to_str().unwrap();
    assert!(challenge.ends_with("scope=\"orders:read orders:write\""), "{challenge}");
}

#[tokio::test]
async fn a_requirement_without_the_layer_or_without_sense_lets_nothing_through() {
    let issuer = TestIssuer::new();
    let token = issuer.token().scope("a b").header();
    let request = || get("/").header("authorization", token.clone()).body(()).unwrap();
    assert_eq!(ask(require().layer(tower::service_fn(tell)), request()).await.0, 500);
    for wrong in [require().scope("a b"), require().any_scope([]), require().any_scope(["a"]).any_scope([])] {
        let service = BearwardLayer::new(issuer.gate()).layer(wrong.layer(tower::service_fn(tell)));
        assert_eq!(ask(service, request()).await.0, 500, "{wrong:?}");
    }
}

#[tokio::test]
async fn each_choice_of_scopes_asks_more() {
    let issuer = TestIssuer::new();
    let twice = require().any_scope(["a", "b"]).any_scope(["c", "d"]);
    let rule = RouteRule::new("/*").any_scope(["a", "b"]).any_scope(["c", "d"]);
    let by_route = Gate::builder().issuer(issuer.issuer()).route(rule).build().unwrap();
    let by_handler = BearwardLayer::new(issuer.gate()).layer(twice.layer(tower::service_fn(tell)));
    let by_route = BearwardLayer::new(by_route).layer(tower::service_fn(tell));
    for (scope, status) in [("a c", 200), ("d b", 200), ("a b", 403), ("c d", 403), ("a", 403)] {
        let request = || get("/").header("authorization", issuer.token().scope(scope).header()).body(()).unwrap();
        assert_eq!(ask(by_handler.clone(), request()).await.0, status, "{scope}");
        assert_eq!(ask(by_route.clone(), request()).await.0, status, "{scope}");
    }
}

#[tokio::test]
async fn an_optional_token_must_hold() {
    let issuer = TestIssuer::new();
    let gate = Gate::builder().issuer(issuer.issuer()).route(RouteRule::new("/*").optional().scope("read"));
    let service = BearwardLayer::new(gate.build().unwrap()).layer(tower::service_fn(tell));
    let read = || issuer.token().subject("alice").scope("read");
    for (authorization, path, expected) in [
        (None, "/", Ok("nobody; ")),
        // What is sent is never taken for nothing: not another scheme, nor what is none.
        (Some("Basic YTpi".parse().unwrap()), "/", Err(401)),
        (Some("DPoP abc".parse().unwrap()), "/", Err(401)),
        (Some(", Bearer abc".parse().unwrap()), "/", Err(401)),
        (Some(read().header()), "/", Ok("alice; ")),
        (Some(read().expired().header()), "/", Err(401)),
        (Some(issuer.token().header()), "/", Err(403)),
        (Some("Bearer".parse().unwrap()), "/", Err(400)),
        // A token in the wrong place is not none.
        (None, "/?access_token=x", Err(400)),
    ] {
        let mut request = get(path);
        if let Some(value) = &authorization {
            request = request.header("authorization", value);
        }
        let (status, body) = ask(service.clone(), request.body(()).unwrap()).await;
        match expected {
            Ok(told) => assert_eq!(body, told, "{path}"),
            Err(refused) => assert_eq!(status, refused, "{path}"),
        }
    }
}

#[tokio::test]
async fn who_says_in_two_ways_where_to_go_is_refused() {
    let issuer = TestIssuer::new();
    let service = BearwardLayer::new(issuer.gate()).layer(tower::service_fn(tell));
    let asked = |uri: &str, hosts: &[&str]| {
        let request = get(uri).header("authorization", issuer.token().header());
        hosts.iter().fold(request, |request, host| request.header("host", *host)).body(()).unwrap()
    };
    for (uri, hosts, status) in [
        ("/", &["a"][..], 200),
        ("http://a/", &["A"], 200),
        ("http://a/", &[], 200),
        ("/", &["a", "a"], 400),
        ("http://a/", &["b"], 400),
        ("http://user@a/", &[], 400),
    ] {
        assert_eq!(ask(service.clone(), asked(uri, hosts)).await.0, status, "{uri} {hosts:?}");
    }
}

/// Is ready once, and must be made ready again for each call.
#[derive(Default)]
struct Strict {
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false, calls: Arc::clone(&self.calls) }
    }
}

impl Service<Request<()>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without being ready");
        self.calls.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(Response::new(Full::default())))
    }
}

#[tokio::test]
async fn a_service_is_ready_when_it_is_called() {
    let issuer = TestIssuer::new();
    let inner = Strict::default();
    let calls = Arc::clone(&inner.calls);
    let mut service = BearwardLayer::new(issuer.gate()).layer(inner);
    // The first has to be proved, the second is remembered.
    let token = issuer.token().header();
    for _ in 0..2 {
        let request = get("/").header("authorization", token.clone()).body(()).unwrap();
        assert_eq!(service.ready().await.unwrap().call(request).await.unwrap().status(), 200);
    }
    assert_eq!(service.ready().await.unwrap().call(get("/").body(()).unwrap()).await.unwrap().status(), 401);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// While one token is being proved, and nobody answers, there is room for others.
#[tokio::test]
async fn who_is_not_admitted_yet_holds_no_place_of_the_inner_service() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut asked = IntrospectionSettings::new("gateway", ClientAuth::Basic(Secret::from_text("secret".to_owned())));
    asked.url = Some(format!("http://{}/introspect", silent.local_addr().unwrap()));
    let issuer = TestIssuer::new();
    let gate = Gate::builder().issuer(issuer.issuer().introspection(asked)).build().unwrap();
    let service = ServiceBuilder::new().layer(BearwardLayer::new(gate)).concurrency_limit(1).service(Strict::default());

    let opaque = get("/").header("authorization", "Bearer opaque").body(()).unwrap();
    let mut waiting = Box::pin(service.clone().oneshot(opaque));
    assert!(poll_once(waiting.as_mut()).is_pending());
    // The question is out.
    let _question = silent.accept().await.unwrap();
    let mut refused = service.clone();
    assert_eq!(refused.ready().await.unwrap().call(get("/").body(()).unwrap()).await.unwrap().status(), 401);
    for _ in 0..2 {
        let request = get("/").header("authorization", issuer.token().header()).body(()).unwrap();
        let mut service = service.clone();
        assert!(poll_once(pin!(service.ready())).is_ready());
        assert_eq!(service.call(request).await.unwrap().status(), 200);
    }
    assert!(poll_once(waiting.as_mut()).is_pending());
}

#[test]
fn the_service_goes_where_its_inner_service_goes() {
    fn everywhere<T: Clone + Send + Sync + 'static>() {}
    everywhere::<BearwardLayer>();
    everywhere::<Bearward<Strict>>();
    everywhere::<bearward_tower::Require>();
    everywhere::<bearward_tower::Required<Strict>>();
    everywhere::<Identity>();
    fn moves<T: Send>() {}
    moves::<bearward_tower::ResponseFuture<Strict, ()>>();
}
