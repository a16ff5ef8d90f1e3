//! A rule of the gate on a handler, where `require()` belongs.

use axum::Router;
use axum::routing::get;
use bearward_tower::RouteRule;

fn main() {
    let _: Router = Router::new()
        .route("/", get(async || "hello"))
        .route_layer(RouteRule::new("/").scope("orders:read"));
}
