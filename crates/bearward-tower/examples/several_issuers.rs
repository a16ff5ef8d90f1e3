//! Customers and staff have different issuers, and one route accepts staff only.

use std::error::Error;

use axum::Router;
use axum::routing::get;
use bearward_tower::{BearwardLayer, Gate, Identity, Issuer, RouteRule};
use tokio::net::TcpListener;

/// Serves the application until it fails.
pub async fn serve(listener: TcpListener, customers: &str, staff: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let audience = "https://api.example.com";
    let gate = Gate::builder()
        .issuer(Issuer::new(customers).audience(audience))
        .issuer(Issuer::new(staff).audience(audience))
        .route(RouteRule::new("/*"))
        .route(RouteRule::new("/reports/*").issuer(staff))
        .build()?;
    let app = Router::new()
        .route("/me", get(me))
        .route("/reports/daily", get(async || "sold: 7"))
        .layer(BearwardLayer::new(gate));
    Ok(axum::serve(listener, app).await?)
}

/// A subject is unique within its issuer only, so the caller is identified by both.
async fn me(identity: Identity) -> String {
    format!("{} of {}", identity.subject().unwrap_or("nobody"), identity.issuer())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    serve(listener, "http://127.0.0.1:9000", "http://127.0.0.1:9001").await
}
