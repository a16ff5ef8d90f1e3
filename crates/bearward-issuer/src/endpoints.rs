//! The HTTP endpoints: one file for each.

mod authorize;
mod bearer;
mod dev;
mod discovery;
pub(crate) mod error;
mod introspect;
mod issued;
pub(crate) mod parameters;
pub(crate) mod path;
mod private;
mod revoke;
mod token;
mod userinfo;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::IntoResponse,
    routing::{MethodRouter, delete, get, post, put},
};

use crate::{Endpoint, Issuer};

/// The paths of metadata: before the issuer's path (RFC 8414 3) or after it (OpenID Connect Discovery 4).
const WELL_KNOWN: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

/// What stands before the paths of an application's issuer URL.
const APPLICATION: &str = "/apps/{application}";

/// The longest body, in bytes: several times the longest token a server would accept in a header.
const MAX_BODY: usize = 64 * 1024;

pub(crate) fn router(issuer: Issuer) -> Router {
    let metadata = || faulty(&issuer, Endpoint::Discovery, get(discovery::metadata));
    let mut router = Router::new();
    for well_known in WELL_KNOWN {
        router = router
            .route(well_known, metadata())
            .route(&format!("{APPLICATION}{well_known}"), metadata())
            .route(&format!("{well_known}{APPLICATION}"), metadata());
    }
    for issuer_path in ["", APPLICATION] {
        router = router.merge(endpoints(&issuer, issuer_path)).merge(controls(issuer_path));
    }
    router.layer(DefaultBodyLimit::max(MAX_BODY)).with_state(issuer)
}

/// The endpoints of an issuer URL.
fn endpoints(issuer: &Issuer, issuer_path: &str) -> Router<Issuer> {
    let at = |path: &str| format!("{issuer_path}{path}");
    let authorize = get(authorize::by_query).post(authorize::by_form);
    let userinfo = get(userinfo::userinfo).post(userinfo::userinfo);
    Router::new()
        .route(&at(path::JWKS), faulty(issuer, Endpoint::Jwks, get(discovery::jwks)))
        .route(&at(path::AUTHORIZE), faulty(issuer, Endpoint::Authorization, authorize))
        .route(&at(path::SIGN_IN), faulty(issuer, Endpoint::Authorization, post(authorize::sign_in)))
        .route(&at(path::TOKEN), faulty(issuer, Endpoint::Token, post(token::token)))
        .route(&at(path::USERINFO), faulty(issuer, Endpoint::Userinfo, userinfo))
        .route(&at(path::INTROSPECT), faulty(issuer, Endpoint::Introspection, post(introspect::introspect)))
        .route(&at(path::REVOKE), faulty(issuer, Endpoint::Revocation, post(revoke::revoke)))
        .route(&at(path::TOKENS), get(issued::list))
        .route(&at(&format!("{}/{{id}}", path::TOKENS)), delete(issued::end))
}

/// The development controls. Only minting differs between issuer URLs; the rest is the tenant's.
fn controls(issuer_path: &str) -> Router<Issuer> {
    let mut controls = Router::new().route(&format!("{issuer_path}/dev/token"), post(dev::token));
    if issuer_path.is_empty() {
        controls = controls
            .route("/dev/rotate-keys", post(dev::rotate_keys))
            .route("/dev/retire-keys", post(dev::retire_keys))
            .route("/dev/faults", put(dev::set_faults));
    }
    controls.route_layer(middleware::from_fn(dev::only_local))
}

/// Has the endpoint be slow or refuse while a fault says so.
fn faulty(issuer: &Issuer, endpoint: Endpoint, route: MethodRouter<Issuer>) -> MethodRouter<Issuer> {
    route.route_layer(middleware::from_fn_with_state(
        issuer.clone(),
        move |State(issuer): State<Issuer>, request: Request, next: Next| async move {
            let (wait, refusal) = issuer.shared.faults.of(endpoint);
            tokio::time::sleep(wait).await;
            match refusal.and_then(|status| StatusCode::from_u16(status).ok()) {
                Some(status) => status.into_response(),
                None => next.run(request).await,
            }
        },
    ))
}
