//! The token endpoint (RFC 6749 3.2, 4.4).

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;

use super::{OAuthError, Parameters, private_json};
use crate::{Application, GrantType, Issuer, client_auth, scope};

#[derive(Serialize)]
struct TokenAnswer {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

pub(super) async fn token(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, OAuthError> {
    let application = client_auth::authenticate(issuer.settings(), &headers, &parameters)?;
    if parameters.require("grant_type")? != "client_credentials" {
        return Err(OAuthError::UnsupportedGrantType);
    }
    if !application.grant_types.contains(&GrantType::ClientCredentials) {
        return Err(OAuthError::UnauthorizedClient);
    }
    // An application has one audience. To ignore a wish for another would have a client believe that it was granted.
    if parameters.get("resource").is_some_and(|resource| Some(resource) != application.resource_server.as_deref()) {
        return Err(OAuthError::InvalidTarget);
    }
    let scope = granted_scope(application, parameters.get("scope"))?;
    let expires_in = granted_lifetime(application, parameters.get("expiration_time"))?;
    let access_token = issuer
        .token()
        .application(&application.client_id)
        .scope(scope.as_deref().unwrap_or_default())
        .lifetime(i64::try_from(expires_in).unwrap_or(i64::MAX))
        .mint()?;
    Ok(private_json(&TokenAnswer { access_token, token_type: "Bearer", expires_in, scope }))
}

/// All that is allowed when nothing is asked for; otherwise what is asked for, if all of it is allowed.
fn granted_scope(application: &Application, asked: Option<&str>) -> Result<Option<String>, OAuthError> {
    let Some(asked) = asked else {
        return Ok(scope::join(&application.allowed_scopes));
    };
    let asked = scope::parse(asked).ok_or(OAuthError::InvalidScope)?;
    if !asked.iter().all(|name| application.allowed_scopes.contains(name)) {
        return Err(OAuthError::InvalidScope);
    }
    Ok(scope::join(&asked))
}

/// The application's lifetime, or the shorter one that is asked for, in seconds.
fn granted_lifetime(application: &Application, asked: Option<&str>) -> Result<u64, OAuthError> {
    let Some(asked) = asked else {
        return Ok(application.lifetime);
    };
    // Digits alone: `parse` would also take a plus sign.
    let seconds = asked.bytes().all(|byte| byte.is_ascii_digit()).then(|| asked.parse().ok()).flatten();
    seconds.filter(|seconds| (1..=application.lifetime).contains(seconds)).ok_or_else(|| {
        OAuthError::InvalidRequest(
            "expiration_time must be whole seconds, from 1 to the lifetime of the application".into(),
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn application() -> Application {
        Application::new("app", "secret").resource_server("https://api.example.com", ["a", "b"]).lifetime(600)
    }

    #[test]
    fn scope_is_what_was_asked_for_or_all() {
        let granted = |asked| granted_scope(&application(), asked).ok();
        assert_eq!(granted(None), Some(Some("a b".to_owned())));
        assert_eq!(granted(Some("b")), Some(Some("b".to_owned())));
        assert_eq!(granted(Some("b a b")), Some(Some("b a".to_owned())));
        for asked in ["c", "a c", "A", "a  b", "a\"", " "] {
            assert!(matches!(granted_scope(&application(), Some(asked)), Err(OAuthError::InvalidScope)), "{asked:?}");
        }
    }

    #[test]
    fn an_application_without_scopes_has_none_to_give() {
        let none = Application::new("app", "secret");
        assert_eq!(granted_scope(&none, None).unwrap(), None);
        assert!(granted_scope(&none, Some("a")).is_err());
    }

    #[test]
    fn a_lifetime_gets_shorter_only() {
        let granted = |asked| granted_lifetime(&application(), asked);
        for (asked, seconds) in [(None, 600), (Some("1"), 1), (Some("60"), 60), (Some("600"), 600)] {
            assert_eq!(granted(asked).unwrap(), seconds);
        }
        for asked in ["0", "601", "-1", "+60", "60.0", "6e1", " 60", "99999999999999999999", "soon"] {
            assert!(matches!(granted(Some(asked)), Err(OAuthError::InvalidRequest(_))), "{asked:?}");
        }
    }
}
