//! A protected axum application.
//!
//! With a development issuer beside it (`bearward issuer`), try it with
//! `curl -H "Authorization: Bearer $(bearward token --scope orders:write)" -X POST http://127.0.0.1:3000/orders`.

use std::error::Error;

use axum::Router;
use axum::routing::{get, post};
use bearward_tower::{BearwardLayer, Gate, Identity, Issuer, require};
use tokio::net::TcpListener;

/// Serves the application until it fails.
pub async fn serve(listener: TcpListener, issuer: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let gate = Gate::builder().issuer(Issuer::new(issuer).audience("https://api.example.com")).build()?;
    let app = Router::new()
        .route("/orders", post(create))
        .route_layer(require().scope("orders:write"))
        .route("/orders", get(list))
        .layer(BearwardLayer::new(gate));
    Ok(axum::serve(listener, app).await?)
}

async fn list(identity: Identity) -> String {
    format!("the orders of {}", identity.subject().unwrap_or("nobody"))
}

async fn create() -> &'static str {
    "ordered"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    serve(TcpListener::bind("127.0.0.1:3000").await?, "http://127.0.0.1:9000").await
}
