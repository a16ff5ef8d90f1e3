//! A page without required token, which greets callers that send one.

use std::error::Error;

use axum::Router;
use axum::routing::get;
use bearward_tower::{BearwardLayer, Gate, Identity, Issuer, RouteRule};
use tokio::net::TcpListener;

/// Serves the application until it fails.
pub async fn serve(listener: TcpListener, issuer: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let gate = Gate::builder()
        .issuer(Issuer::new(issuer).audience("https://api.example.com"))
        .route(RouteRule::new("/*").optional())
        .build()?;
    let app = Router::new().route("/", get(greet)).layer(BearwardLayer::new(gate));
    Ok(axum::serve(listener, app).await?)
}

/// An invalid token was refused before: it never counts as no token.
async fn greet(identity: Option<Identity>) -> String {
    let subject = identity.as_ref().and_then(Identity::subject);
    format!("Hello, {}", subject.unwrap_or("stranger"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    serve(TcpListener::bind("127.0.0.1:3000").await?, "http://127.0.0.1:9000").await
}
