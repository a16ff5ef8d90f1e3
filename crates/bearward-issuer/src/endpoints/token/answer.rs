//! What every grant type ends with: an access token, and what goes with it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::TokenRequest;
use crate::{
    endpoints::error::OAuthError,
    grants::{Held, Refused},
    scope,
    tokens::{Claims, Signed, random_id},
};

/// How long an ID token is good, in seconds: it is read once, when it arrives.
const ID_TOKEN_LIFETIME: u64 = 300;

/// RFC 6749 5.1, OpenID Connect Core 3.1.3.3.
#[derive(Serialize)]
pub(super) struct TokenAnswer {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

/// For whom an access token speaks, and what it may.
pub(super) struct Content {
    pub(super) subject: String,
    pub(super) scope: Vec<String>,
    /// The resource servers that it is for.
    pub(super) resources: Vec<String>,
    pub(super) auth_time: Option<u64>,
    pub(super) custom_claims: Option<Map<String, Value>>,
}

#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    auth_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

impl TokenRequest<'_> {
    /// An access token and nothing else.
    pub(super) fn access_token(&self, content: Content) -> Result<TokenAnswer, OAuthError> {
        self.issue(content, None)
    }

    /// The tokens of a grant that the request has proved to hold: an access token for these resource servers and of this
    /// scope, with the refresh token that comes next, and an ID token where OpenID Connect asks for one.
    pub(super) fn tokens(
        &self,
        held: &Held,
        resources: Vec<String>,
        scope: Vec<String>,
        nonce: Option<&str>,
    ) -> Result<TokenAnswer, OAuthError> {
        let grant = &held.grant;
        let id_token = scope.iter().any(|name| name == "openid").then(|| self.id_token(held, nonce)).transpose()?;
        let content = Content {
            subject: grant.subject.clone(),
            scope,
            resources,
            auth_time: Some(grant.auth_time),
            custom_claims: grant.custom_claims.clone(),
        };
        let answer = self.issue(content, Some(held))?;
        let shared = &self.authority.issuer().shared;
        let refresh_token = grant.refreshes.then(|| shared.grants.refresh_token(&shared.tokens, held)).transpose()?;
        Ok(TokenAnswer { refresh_token, id_token, ..answer })
    }

    fn issue(&self, content: Content, held: Option<&Held>) -> Result<TokenAnswer, OAuthError> {
        let (issuer, application) = (self.authority.issuer(), self.application);
        let expires_in = self.lifetime()?;
        let claims = Claims {
            iss: self.authority.url().to_owned(),
            sub: content.subject,
            aud: application.audience(&content.resources),
            client_id: application.client_id.clone(),
            scope: scope::join(&content.scope),
            iat: self.now,
            nbf: self.now,
            exp: self.now.saturating_add(expires_in),
            jti: random_id()?,
            auth_time: content.auth_time,
            custom_claims: content.custom_claims,
        };
        // Before it is made: a token that is not remembered could not be ended with its grant.
        if held.is_some_and(|held| !issuer.shared.grants.record(held, &claims.jti, claims.exp, self.now)) {
            return Err(OAuthError::InvalidGrant(NOT_GOOD));
        }
        let access_token = issuer.issue(&claims, application.token_format, None)?;
        Ok(TokenAnswer {
            access_token,
            token_type: "Bearer",
            expires_in,
            scope: claims.scope,
            refresh_token: None,
            id_token: None,
        })
    }

    /// OpenID Connect Core 2.
    fn id_token(&self, held: &Held, nonce: Option<&str>) -> Result<String, OAuthError> {
        let claims = IdToken {
            iss: self.authority.url(),
            sub: &held.grant.subject,
            aud: &self.application.client_id,
            iat: self.now,
            exp: self.now.saturating_add(ID_TOKEN_LIFETIME),
            auth_time: held.grant.auth_time,
            nonce,
        };
        Ok(self.authority.issuer().shared.tokens.sign(Signed::IdToken, &claims)?)
    }
}

/// One answer for all that is wrong with a code or a refresh token: it tells a thief nothing.
const NOT_GOOD: &str = "the code or refresh token is unknown, used, expired, revoked or another client's";

pub(super) fn not_good(refused: Refused<OAuthError>) -> OAuthError {
    match refused {
        Refused::Unknown | Refused::Reused => OAuthError::InvalidGrant(NOT_GOOD),
        Refused::Request(error) => error,
        Refused::Full => OAuthError::TemporarilyUnavailable,
    }
}
