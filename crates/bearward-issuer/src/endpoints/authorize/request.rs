//! The authorization request (RFC 6749 4.1.1): what the application wants to be allowed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::redirect::Redirect;
use crate::{
    Application, GrantType, Pkce, Protocol, Settings,
    authority::Authority,
    endpoints::{error::OAuthError, parameters::Parameters},
    settings,
};

/// The longest `state`, `nonce` and `login_hint`, in bytes: with the rest of the request they come back in the form of the
/// sign-in page, sealed and encoded, and must fit into one.
const MAX_OPAQUE: usize = 2048;

/// A request that may be put to a person.
#[derive(Serialize, Deserialize)]
pub(super) struct AuthorizationRequest {
    pub(super) back: Redirect,
    pub(super) client_id: String,
    pub(super) scope: Vec<String>,
    /// The resource servers that tokens may be for (RFC 8707 2.1).
    pub(super) resources: Vec<String>,
    /// Whether the application is given refresh tokens.
    pub(super) refreshes: bool,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: Option<String>,
    /// Who is likely to sign in, by subject (OpenID Connect Core 3.1.2.1). Of no use once the page is made.
    #[serde(skip)]
    pub(super) login_hint: Option<String>,
    pub(super) custom_claims: Option<Map<String, Value>>,
}

/// Where a refusal goes.
pub(super) enum Refused {
    /// To the person at the browser: it is not proved that the redirect URI is the application's (RFC 6749 4.1.2.1).
    Page(&'static str),
    /// To the application.
    Redirect(Redirect, OAuthError),
}

impl AuthorizationRequest {
    pub(super) fn read(authority: &Authority, parameters: &Parameters) -> Result<Self, Refused> {
        let client_id = parameters.get("client_id").ok_or(Refused::Page("client_id is missing."))?;
        let application = authority
            .application(client_id)
            .ok_or(Refused::Page("There is no application of this client_id at this issuer."))?;
        let redirect_uri = parameters.get("redirect_uri").ok_or(Refused::Page("redirect_uri is missing."))?;
        // Only applications with the authorization code flow have any.
        if !settings::is_registered(application, redirect_uri) {
            return Err(Refused::Page("The redirect_uri is not one that the application has registered."));
        }
        let state = parameters.get("state");
        if state.is_some_and(|state| state.len() > MAX_OPAQUE) {
            return Err(Refused::Page("The state is longer than 2048 bytes."));
        }
        let back = Redirect::new(redirect_uri, state, authority.url());
        Self::wishes(authority.issuer().settings(), application, parameters, back.clone())
            .map_err(|error| Refused::Redirect(back, error))
    }

    fn wishes(
        settings: &Settings,
        application: &Application,
        parameters: &Parameters,
        back: Redirect,
    ) -> Result<Self, OAuthError> {
        if parameters.get("request").is_some() {
            return Err(OAuthError::RequestNotSupported);
        }
        if parameters.get("request_uri").is_some() {
            return Err(OAuthError::RequestUriNotSupported);
        }
        if parameters.require("response_type")? != "code" {
            return Err(OAuthError::UnsupportedResponseType);
        }
        if parameters.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(OAuthError::InvalidRequest("response_mode must be query".into()));
        }
        let mut prompts = parameters.get("prompt").into_iter().flat_map(|prompt| prompt.split(' '));
        if prompts.any(|prompt| prompt == "none") {
            return Err(OAuthError::LoginRequired);
        }
        let resources = parameters.resources(&application.resource_servers)?;
        let scope = settings.scope_for(application, &resources, parameters.scope(application)?)?;
        // OpenID Connect always asks, and for this at least.
        if application.protocol == Protocol::Oidc && !scope.iter().any(|name| name == "openid") {
            return Err(OAuthError::InvalidScope);
        }
        Ok(Self {
            back,
            client_id: application.client_id.clone(),
            scope,
            resources,
            refreshes: application.has_grant(GrantType::RefreshToken),
            nonce: opaque(parameters, "nonce")?,
            code_challenge: code_challenge(application, parameters)?,
            login_hint: opaque(parameters, "login_hint")?,
            custom_claims: parameters.custom_claims(application)?,
        })
    }
}

/// RFC 7636 4.3. Without `code_challenge_method` the method is `plain`, which protects nothing that can be seen.
fn code_challenge(application: &Application, parameters: &Parameters) -> Result<Option<String>, OAuthError> {
    let refused = |problem: &'static str| Err(OAuthError::InvalidRequest(problem.into()));
    match (parameters.get("code_challenge"), parameters.get("code_challenge_method")) {
        (None, None) if application.pkce == Pkce::Disabled => Ok(None),
        (None, None) => refused("code_challenge is missing: the application must use PKCE"),
        (None, Some(_)) => refused("code_challenge_method without code_challenge"),
        // The base64url form of a SHA-256 digest.
        (Some(challenge), Some("S256")) => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if challenge.len() != 43 || !challenge.bytes().all(plain) {
                return refused("code_challenge is no SHA-256 digest in base64url");
            }
            Ok(Some(challenge.to_owned()))
        }
        (Some(_), _) => refused("code_challenge_method must be S256"),
    }
}

fn opaque(parameters: &Parameters, name: &'static str) -> Result<Option<String>, OAuthError> {
    match parameters.get(name) {
        Some(value) if value.len() > MAX_OPAQUE => {
            Err(OAuthError::InvalidRequest(format!("{name} is longer than {MAX_OPAQUE} bytes").into()))
        }
        value => Ok(value.map(str::to_owned)),
    }
}
