//! The authorization endpoint (RFC 6749 3.1, 4.1) and the sign-in page it shows.

mod page;
mod redirect;
mod request;
mod sign_in;

use axum::{
    extract::{Query, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};

pub(super) use sign_in::sign_in;

use self::request::{AuthorizationRequest, Refused};
use super::{error::OAuthError, parameters::Parameters};
use crate::authority::Authority;

type Pairs = Vec<(String, String)>;

pub(super) async fn by_query(
    authority: Authority,
    headers: HeaderMap,
    query: Result<Query<Pairs>, QueryRejection>,
) -> Response {
    let Ok(Query(pairs)) = query else { return page::unreadable() };
    authorize(&authority, &headers, Parameters::from_pairs(pairs))
}

/// OpenID Connect Core 3.1.2.1 asks for both methods.
pub(super) async fn by_form(
    authority: Authority,
    headers: HeaderMap,
    parameters: Result<Parameters, OAuthError>,
) -> Response {
    authorize(&authority, &headers, parameters)
}

fn authorize(authority: &Authority, headers: &HeaderMap, parameters: Result<Parameters, OAuthError>) -> Response {
    // Which of two redirect URIs is meant is not known, so the browser is sent to neither.
    let Ok(parameters) = parameters else { return page::unreadable() };
    match AuthorizationRequest::read(authority, &parameters) {
        Ok(request) => sign_in::ask(authority, headers, request),
        Err(Refused::Page(problem)) => page::problem(problem),
        Err(Refused::Redirect(back, error)) => back.refuse(&error),
    }
}
