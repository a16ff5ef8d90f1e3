//! The token endpoint (RFC 6749 3.2): one file for each grant type.

mod answer;
mod authorization_code;
mod client_credentials;
mod refresh_token;

use axum::{http::HeaderMap, response::Response};

use super::{error::OAuthError, parameters::Parameters};
use crate::{
    Application, GrantType,
    authority::Authority,
    client_auth,
    grants::{Grant, Owner},
};

/// A request of an application that has proved who it is.
struct TokenRequest<'a> {
    authority: &'a Authority,
    application: &'a Application,
    parameters: &'a Parameters,
    now: u64,
}

pub(super) async fn token(
    authority: Authority,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, OAuthError> {
    let application = client_auth::authenticate(&authority, &headers, &parameters)?;
    let grant_type = match parameters.require("grant_type")? {
        "client_credentials" => GrantType::ClientCredentials,
        "authorization_code" => GrantType::AuthorizationCode,
        "refresh_token" => GrantType::RefreshToken,
        _ => return Err(OAuthError::UnsupportedGrantType),
    };
    if !application.has_grant(grant_type) {
        return Err(OAuthError::UnauthorizedClient);
    }
    // Before a code or a refresh token is looked at: what is none of the application's uses up neither.
    parameters.resources(&application.resource_servers)?;
    let now = authority.issuer().now();
    let request = TokenRequest { authority: &authority, application, parameters: &parameters, now };
    match grant_type {
        GrantType::ClientCredentials => client_credentials::answer(&request),
        GrantType::AuthorizationCode => authorization_code::answer(&request),
        GrantType::RefreshToken => refresh_token::answer(&request),
    }
}

impl<'a> TokenRequest<'a> {
    /// Who presents a code or a refresh token.
    fn owner(&'a self) -> Owner<'a> {
        Owner {
            issuer: self.authority.url(),
            client_id: &self.application.client_id,
            lifetime: self.application.lifetime,
        }
    }

    /// The application's lifetime, or the shorter one that is asked for with `expiration_time`, in seconds.
    fn lifetime(&self) -> Result<u64, OAuthError> {
        granted_lifetime(self.application, self.parameters.get("expiration_time"))
    }

    /// Which of a grant's resource servers this access token is for, and what of its scope: of all, or of what is asked for
    /// here. The parameter chooses among those of the authorization request and adds none (RFC 8707 2.2).
    fn resources_and_scope(
        &self,
        grant: &Grant,
        asked: Option<&[String]>,
    ) -> Result<(Vec<String>, Vec<String>), OAuthError> {
        let resources = self.parameters.resources(&grant.resources)?;
        let scope = self.scope_for(&resources, asked.unwrap_or(&grant.scope).to_vec())?;
        Ok((resources, scope))
    }

    /// What of a scope is for these of its resource servers.
    fn scope_for(&self, resources: &[String], scope: Vec<String>) -> Result<Vec<String>, OAuthError> {
        self.authority.issuer().settings().scope_for(self.application, resources, scope)
    }

    /// Claims of its own are a part of what a person allowed: afterwards it is too late to ask.
    fn has_no_custom_claims(&self) -> Result<(), OAuthError> {
        if self.parameters.get("custom_claims").is_some() {
            let problem = "custom_claims belongs to the authorization request";
            return Err(OAuthError::InvalidRequest(problem.into()));
        }
        Ok(())
    }
}

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

    #[test]
    fn a_lifetime_gets_shorter_only() {
        let application = Application::new("app", "secret").lifetime(600);
        let granted = |asked| granted_lifetime(&application, asked);
        for (asked, seconds) in [(None, 600), (Some("1"), 1), (Some("60"), 60), (Some("600"), 600)] {
            assert_eq!(granted(asked).unwrap(), seconds);
        }
        for asked in ["0", "601", "-1", "+60", "60.0", "6e1", " 60", "99999999999999999999", "soon"] {
            assert!(matches!(granted(Some(asked)), Err(OAuthError::InvalidRequest(_))), "{asked:?}");
        }
    }
}
