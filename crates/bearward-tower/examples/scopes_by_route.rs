//! The requirements of all routes in one list, on the gate. The handlers contain none.

use std::error::Error;

use axum::Router;
use axum::routing::get;
use bearward_tower::{BearwardLayer, Gate, Issuer, RouteRule};
use http::Method;
use tokio::net::TcpListener;

/// Serves the application until it fails.
pub async fn serve(listener: TcpListener, issuer: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let gate = Gate::builder()
        .issuer(Issuer::new(issuer).audience("https://api.example.com"))
        .route(RouteRule::new("/orders/{id}").methods([Method::GET]).scope("orders:read"))
        .route(RouteRule::new("/orders/{id}").methods([Method::DELETE]).scope("orders:write"))
        .route(RouteRule::new("/health").open())
        .build()?;
    let app = Router::new()
        .route("/orders/{id}", get(async || "an order").delete(async || "gone"))
        .route("/health", get(async || "well"))
        // No rule matches it, so every request is answered 404.
        .route("/forgotten", get(async || "secret"))
        .layer(BearwardLayer::new(gate));
    Ok(axum::serve(listener, app).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    serve(TcpListener::bind("127.0.0.1:3000").await?, "http://127.0.0.1:9000").await
}
