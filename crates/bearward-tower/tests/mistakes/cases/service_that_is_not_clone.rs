//! An inner service of which there is only one.

use std::convert::Infallible;

use bearward_tower::BearwardLayer;
use bearward_tower::testing::TestIssuer;
use http::{Request, Response};
use tower::{Layer as _, Service, service_fn};

struct Unique;

fn main() {
    let unique = Unique;
    let inner = service_fn(move |_: Request<()>| {
        let _ = &unique;
        async { Ok::<_, Infallible>(Response::new(())) }
    });
    let mut service = BearwardLayer::new(TestIssuer::new().gate()).layer(inner);
    let _ = service.call(Request::new(()));
}
