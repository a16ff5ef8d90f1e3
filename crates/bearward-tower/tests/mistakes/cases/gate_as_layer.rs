//! The gate in the layer's place.

use axum::Router;
use bearward_tower::testing::TestIssuer;

fn main() {
    let _: Router = Router::new().layer(TestIssuer::new().gate());
}
