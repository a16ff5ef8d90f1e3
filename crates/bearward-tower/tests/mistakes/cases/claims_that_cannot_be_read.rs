//! Claims without `Deserialize`.

use axum::Router;
use axum::routing::get;
use bearward_tower::Token;

struct Claims {
    email: String,
}

async fn greet(Token(claims): Token<Claims>) -> String {
    claims.email
}

fn main() {
    let _: Router = Router::new().route("/", get(greet));
}
