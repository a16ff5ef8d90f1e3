//! The client's own credentials (RFC 6749 4.4): there is no person, and no refresh token.

use axum::response::Response;

use super::{TokenRequest, answer::Content};
use crate::{
    Application,
    endpoints::{OAuthError, private_json},
    scope,
};

pub(super) fn answer(request: &TokenRequest<'_>) -> Result<Response, OAuthError> {
    let content = Content {
        // RFC 9068 2.2: where no person is there, the subject is the client.
        subject: request.application.client_id.clone(),
        scope: granted_scope(request.application, request.parameters.get("scope"))?,
        auth_time: None,
        custom_claims: request.parameters.custom_claims(request.application)?,
    };
    Ok(private_json(&request.access_token(content)?))
}

/// All that is allowed when nothing is asked for; otherwise what is asked for, if all of it is allowed.
fn granted_scope(application: &Application, asked: Option<&str>) -> Result<Vec<String>, OAuthError> {
    let Some(asked) = asked else {
        return Ok(application.allowed_scopes.clone());
    };
    let asked = scope::parse(asked).ok_or(OAuthError::InvalidScope)?;
    if !asked.iter().all(|name| application.may_ask_for(name)) {
        return Err(OAuthError::InvalidScope);
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn scope_is_what_was_asked_for_or_all() {
        let application = Application::new("app", "secret").resource_server("https://api.example.com", ["a", "b"]);
        let granted = |asked| scope::join(&granted_scope(&application, asked).unwrap());
        assert_eq!(granted(None).as_deref(), Some("a b"));
        assert_eq!(granted(Some("b")).as_deref(), Some("b"));
        assert_eq!(granted(Some("b a b")).as_deref(), Some("b a"));
        for asked in ["c", "a c", "A", "a  b", "a\"", " ", "openid"] {
            assert!(matches!(granted_scope(&application, Some(asked)), Err(OAuthError::InvalidScope)), "{asked:?}");
        }
    }

    #[test]
    fn an_application_without_scopes_has_none_to_give() {
        let none = Application::new("app", "secret");
        assert!(granted_scope(&none, None).unwrap().is_empty());
        assert!(granted_scope(&none, Some("a")).is_err());
    }
}
