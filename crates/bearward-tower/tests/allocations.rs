//! What the layer allocates for an admitted request whose token is remembered.
//!
//! A binary of its own, with one test: whatever runs beside it would be counted too.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::alloc::System;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bearward_tower::testing::TestIssuer;
use bearward_tower::{BearwardLayer, Gate, RouteRule};
use http::{HeaderValue, Request, Response};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::{Layer as _, Service, ServiceExt as _};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Clone)]
struct Nothing;

impl Service<Request<()>> for Nothing {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(())))
    }
}

fn request(token: &HeaderValue) -> Request<()> {
    Request::get("/orders/7").header("authorization", token.clone()).body(()).unwrap()
}

/// The fewest allocations of several calls: the cache now and then does a little housekeeping in one.
fn allocations<S, R>(service: &mut S, requests: impl Iterator<Item = Request<()>>) -> usize
where
    S: Service<Request<()>, Response = Response<R>, Error = Infallible>,
{
    let waker = Waker::noop();
    let count = |request| {
        let region = Region::new(ALLOCATOR);
        let response = pin!(service.call(request)).poll(&mut Context::from_waker(waker));
        assert!(matches!(response, Poll::Ready(Ok(response)) if response.status() == 200));
        region.change().allocations
    };
    requests.map(count).min().unwrap()
}

#[tokio::test]
async fn a_remembered_token_costs_the_extensions_and_nothing_else() {
    let issuer = TestIssuer::new();
    let token = issuer.token().header();
    let mut service = BearwardLayer::new(issuer.gate()).layer(Nothing);
    assert_eq!(service.ready().await.unwrap().call(request(&token)).await.unwrap().status(), 200);

    let plain = allocations(&mut Nothing, (0..1).map(|_| request(&token)));
    assert_eq!(plain, 0);
    // Where there are no extensions yet: their map, its table, and the identity in it.
    assert_eq!(allocations(&mut service, (0..50).map(|_| request(&token))), 3);
    // Where there are some, as in axum.
    let extended = |_| {
        let mut request = request(&token);
        request.extensions_mut().insert(7_u8);
        request
    };
    assert_eq!(allocations(&mut service, (0..50).map(extended)), 1);
    // Also where there are more specific rules than the one that decides, and the path's other spelling is looked up.
    let gate =
        Gate::builder().issuer(issuer.issuer()).route(RouteRule::new("/health").open()).route(RouteRule::new("/*"));
    let mut service = BearwardLayer::new(gate.build().unwrap()).layer(Nothing);
    assert_eq!(service.ready().await.unwrap().call(request(&token)).await.unwrap().status(), 200);
    assert_eq!(allocations(&mut service, (0..50).map(extended)), 1);
}
