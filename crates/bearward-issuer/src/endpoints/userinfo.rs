//! UserInfo (OpenID Connect Core 5.3): who signed in, to a holder of an access token with the scope `openid`.

use axum::{
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use super::{
    bearer::{self, BearerError},
    private::private_json,
};
use crate::authority::Authority;

pub(super) async fn userinfo(authority: Authority, headers: HeaderMap) -> Response {
    match claims(&authority, &headers) {
        Ok(claims) => private_json(&claims),
        Err(refused) => refused.into_response(),
    }
}

fn claims(authority: &Authority, headers: &HeaderMap) -> Result<Map<String, Value>, BearerError> {
    let issuer = authority.issuer();
    let token = issuer.shared.tokens.read(bearer::token(headers)?, authority.url(), issuer.now());
    let token = token.ok_or(BearerError::InvalidToken)?;
    if !token.has_scope("openid") {
        return Err(BearerError::InsufficientScope("openid"));
    }
    let person = issuer.settings().person(&token.sub);
    let known = |scope: &str, value: Option<&String>| value.filter(|_| token.has_scope(scope)).cloned();
    let name = known("profile", person.and_then(|person| person.name.as_ref()));
    let email = known("email", person.and_then(|person| person.email.as_ref()));
    let mut claims = Map::from_iter([("sub".to_owned(), Value::from(token.sub.as_str()))]);
    claims.extend(name.map(|name| ("name".to_owned(), name.into())));
    if let Some(email) = email {
        // True of a person that the issuer was told of.
        claims.extend([("email".to_owned(), email.into()), ("email_verified".to_owned(), true.into())]);
    }
    Ok(claims)
}
