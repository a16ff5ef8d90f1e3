//! The builder in the gate's place.

use axum::Router;
use bearward_tower::{BearwardLayer, Gate, Issuer};

fn main() {
    let gate = Gate::builder().issuer(Issuer::new("https://auth.example.com").audience("https://api.example.com"));
    let _: Router = Router::new().layer(BearwardLayer::new(gate));
}
