//! What the layer costs: `cargo bench -p bearward-tower --features testing`.
//!
//! Nanoseconds are the best of several rounds; allocations are those of one request, the fewest of many. The three of an
//! admitted request are its extensions, which are empty here: their map, its table, and the identity in it; where a framework
//! has put something there before, as axum does, the last one remains. `tests/allocations.rs` holds that.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people, which fails by panicking")]

use std::alloc::System;
use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bearward_tower::testing::TestIssuer;
use bearward_tower::{Bearward, BearwardLayer, require};
use http::{HeaderValue, Request, Response};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::{Layer as _, Service, service_fn};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: usize = 20;
const REQUESTS: usize = 20_000;

fn request(token: Option<&HeaderValue>) -> Request<()> {
    let mut request = Request::get("/orders/7").header("host", "api.example.com").header("accept", "*/*");
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    request.body(()).unwrap()
}

/// Prints the nanoseconds and allocations of one call.
fn measure<S, R>(what: &str, service: &mut S, token: Option<&HeaderValue>)
where
    S: Service<Request<()>, Response = Response<R>, Error = Infallible>,
{
    let mut call = |request| {
        let Poll::Ready(answer) = pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("{what}: it waits");
        };
        black_box(answer.unwrap());
    };
    let mut best = f64::INFINITY;
    let mut fewest = usize::MAX;
    for _ in 0..ROUNDS {
        let requests: Vec<_> = (0..REQUESTS).map(|_| request(token)).collect();
        let begun = Instant::now();
        requests.into_iter().for_each(&mut call);
        best = best.min(begun.elapsed().as_secs_f64() * 1e9 / REQUESTS as f64);
        let request = request(token);
        let region = Region::new(ALLOCATOR);
        call(request);
        fewest = fewest.min(region.change().allocations);
    }
    println!("{what:<40} {best:>8.0} ns {fewest:>4} allocations");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let inner = || {
        service_fn(async |request: Request<()>| {
            black_box(request);
            Ok::<_, Infallible>(Response::new(()))
        })
    };
    let issuer = TestIssuer::new();
    let token = issuer.token().scope("orders:read").header();
    let layer = BearwardLayer::new(issuer.gate());
    let mut protected: Bearward<_> = layer.layer(inner());
    // Proves the token, which is remembered from then on.
    protected.call(request(Some(&token))).await.unwrap();

    measure("no layer", &mut inner(), Some(&token));
    measure("admitted, token remembered", &mut protected, Some(&token));
    measure("the same with identity headers", &mut layer.clone().with_identity_headers().layer(inner()), Some(&token));
    measure(
        "the same with a requirement",
        &mut layer.layer(require().scope("orders:read").layer(inner())),
        Some(&token),
    );
    measure("refused, no token", &mut protected, None);
    measure("refused, malformed", &mut protected, Some(&HeaderValue::from_static("Bearer a b")));
}
