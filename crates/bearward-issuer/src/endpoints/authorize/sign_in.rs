//! The sign-in: a person is chosen and allows scopes, and the application gets a code.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{page, request::AuthorizationRequest};
use crate::{
    Issuer, Person,
    authority::Authority,
    endpoints::{error::OAuthError, parameters::Parameters},
    grants::{Grant, GrantError},
    tokens::{Sealed, random_id},
};

/// How long a page can stay open, in seconds.
const PAGE_LIFETIME: u64 = 600;
/// The cookie that ties a page to the browser it was shown in. It says nothing of a person: no person stays signed in.
const COOKIE: &str = "bearward_issuer_browser";

/// A page that was shown and not yet answered. It stands in its own form, sealed with a key of this process: any site can
/// have a browser ask for pages, so one that is not answered must cost no memory here.
#[derive(Serialize, Deserialize)]
struct SignIn {
    /// It is answered once.
    id: String,
    request: AuthorizationRequest,
    /// The cookie of the browser that it was shown in. A page that another browser was given is of no use in this one, so
    /// a site cannot have a person send the form of a page that the site asked for itself (RFC 9700 4.7).
    browser: String,
    expires: u64,
}

/// Shows the page, or tells the application that it cannot be shown (RFC 6749 4.1.2.1).
pub(super) fn ask(authority: &Authority, headers: &HeaderMap, request: AuthorizationRequest) -> Response {
    let back = request.back.clone();
    show(authority, headers, request).unwrap_or_else(|error| back.refuse(&error))
}

fn show(authority: &Authority, headers: &HeaderMap, request: AuthorizationRequest) -> Result<Response, OAuthError> {
    let issuer = authority.issuer();
    // The same cookie for all pages of a browser: a second one must not make the first unusable.
    let known = cookie(headers);
    let browser = known.clone().map_or_else(random_id, Ok)?;
    let sign_in = SignIn { id: random_id()?, request, browser, expires: issuer.now().saturating_add(PAGE_LIFETIME) };
    let sealed = issuer.shared.tokens.seal(Sealed::SignIn, &sign_in)?;
    let SignIn { request, browser, .. } = sign_in;
    let mut response = page::sign_in(authority, &request, &sealed);
    if known.is_none() {
        // Lax, and not Strict: it has to be there when an application sends its people here, and not when another
        // site sends a form.
        let secure = if authority.url().starts_with("https:") { "; Secure" } else { "" };
        let set = format!("{COOKIE}={browser}; Path=/; HttpOnly; SameSite=Lax{secure}");
        let set = HeaderValue::try_from(set).map_err(|_| OAuthError::ServerError)?;
        response.headers_mut().insert(header::SET_COOKIE, set);
    }
    Ok(response)
}

/// Takes the answer of a page, once, at the issuer URL and from the browser that it was shown in.
pub(crate) async fn sign_in(
    authority: Authority,
    headers: HeaderMap,
    parameters: Result<Parameters, OAuthError>,
) -> Response {
    let Ok(parameters) = parameters else { return page::unreadable() };
    let issuer = authority.issuer();
    let (now, browser) = (issuer.now(), cookie(&headers));
    let shown_here = |page: &SignIn| {
        page.request.back.issuer() == authority.url()
            && Some(&page.browser) == browser.as_ref()
            && now < page.expires
            && is_same_origin(&headers)
    };
    let shown = parameters.get("sign_in").and_then(|sealed| issuer.shared.tokens.open(Sealed::SignIn, sealed));
    let Some(SignIn { id, request, expires, .. }) = shown.filter(shown_here) else { return page::problem(NOT_HERE) };
    let code = match issuer.shared.answered.insert_new(&id, (), expires, now) {
        Ok(true) => decide(issuer, &request, &parameters, now),
        Ok(false) => return page::problem(NOT_HERE),
        Err(full) => Err(full.into()),
    };
    match code {
        Ok(code) => request.back.answer(&code),
        Err(error) => request.back.refuse(&error),
    }
}

const NOT_HERE: &str = "This page was answered before, is too old, or was not shown in this browser.";

fn decide(
    issuer: &Issuer,
    request: &AuthorizationRequest,
    parameters: &Parameters,
    now: u64,
) -> Result<String, OAuthError> {
    if parameters.get("decision") != Some("allow") {
        return Err(OAuthError::AccessDenied("the person did not allow it"));
    }
    let person = parameters.get("person").and_then(|subject| issuer.settings().person(subject));
    let person = person.ok_or(OAuthError::AccessDenied("no person signed in"))?;
    let scope = granted_scope(request, person, |name| parameters.get(&page::scope_field(name)).is_some());
    if scope.is_empty() && !request.scope.is_empty() {
        return Err(OAuthError::AccessDenied("no scope is left of what was asked for"));
    }
    // Who may not go on while the person is away is given nothing to go on with (OpenID Connect Core 11).
    let declined = |name: &String| name == "offline_access" && !scope.contains(name);
    let grant = Grant {
        refreshes: request.refreshes && !request.scope.iter().any(declined),
        issuer: request.back.issuer().to_owned(),
        client_id: request.client_id.clone(),
        subject: person.subject.clone(),
        scope,
        resources: request.resources.clone(),
        auth_time: now,
        nonce: request.nonce.clone(),
        custom_claims: request.custom_claims.clone(),
        redirect_uri: request.back.uri().to_owned(),
        code_challenge: request.code_challenge.clone(),
    };
    issuer.shared.grants.code(&issuer.shared.tokens, grant, now).map_err(|error| match error {
        GrantError::Crypto(_) => OAuthError::ServerError,
        GrantError::Full => OAuthError::TemporarilyUnavailable,
    })
}

/// What was asked for, the person allowed, and the person's role holds.
fn granted_scope(request: &AuthorizationRequest, person: &Person, allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let held = |name: &String| {
        page::about_identity(name).is_some() || person.scopes.as_ref().is_none_or(|scopes| scopes.contains(name))
    };
    // To sign in is to say who one is: `openid` is not the person's to leave out.
    let allowed = |name: &&String| *name == "openid" || (allowed(name) && held(name));
    request.scope.iter().filter(allowed).cloned().collect()
}

/// Our cookie, if it is one that we could have set.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.find(|(name, _)| *name == COOKIE)?.1;
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    (value.len() == 22 && plain).then(|| value.to_owned())
}

/// Whether the form was sent by a page of ours, as far as the browser tells: cookies know no port, and another program
/// on this machine may be a site as well.
fn is_same_origin(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use axum::http::StatusCode;

    use super::*;
    use crate::{MAX_ANSWERED, SigningAlgorithm, endpoints::authorize::request::AuthorizationRequest};

    fn authority() -> Authority {
        let issuer = Issuer::builder().algorithms([SigningAlgorithm::EdDsa]).url("http://127.0.0.1:9000");
        Authority::of_tenant(&issuer.build().unwrap())
    }

    fn request(authority: &Authority, state: &str) -> AuthorizationRequest {
        let pairs = [
            ("response_type", "code"),
            ("client_id", "web-app"),
            ("redirect_uri", "http://127.0.0.1:8081/callback"),
            ("scope", "openid"),
            ("state", state),
            ("nonce", state),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        AuthorizationRequest::read(authority, &Parameters::from_pairs(pairs).unwrap()).ok().unwrap()
    }

    fn sealed(authority: &Authority, browser: &str, id: &str) -> String {
        let expires = authority.issuer().now() + PAGE_LIFETIME;
        let page = SignIn {
            id: id.to_owned(),
            request: request(authority, "the-state"),
            browser: browser.to_owned(),
            expires,
        };
        authority.issuer().shared.tokens.seal(Sealed::SignIn, &page).unwrap()
    }

    #[test]
    fn pages_that_are_shown_and_not_answered_take_no_room() {
        let authority = authority();
        // As another site has a browser do: without our cookie.
        for _ in 0..=MAX_ANSWERED {
            let answer = ask(&authority, &HeaderMap::new(), request(&authority, "the-state"));
            assert_eq!(answer.status(), StatusCode::OK);
        }
    }

    #[test]
    fn the_longest_request_fits_into_the_form() {
        let authority = authority();
        // Characters that JSON writes with six.
        let request = request(&authority, &"\u{1}".repeat(2048));
        let page = SignIn { id: random_id().unwrap(), request, browser: random_id().unwrap(), expires: 0 };
        let sealed = authority.issuer().shared.tokens.seal(Sealed::SignIn, &page).unwrap();
        assert!(sealed.len() < crate::endpoints::MAX_BODY / 4 * 3, "{}", sealed.len());
    }

    #[tokio::test]
    async fn where_no_more_answers_can_be_remembered_the_application_is_told() {
        let authority = authority();
        let now = authority.issuer().now();
        for number in 0..MAX_ANSWERED {
            authority.issuer().shared.answered.insert(&number.to_string(), (), now + PAGE_LIFETIME, now).unwrap();
        }
        let browser = "a".repeat(22);
        let form = [("sign_in", sealed(&authority, &browser, "one more")), ("decision", "allow".to_owned())];
        let form = form.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("{COOKIE}={browser}").parse().unwrap());
        let answer = sign_in(authority, headers, Parameters::from_pairs(form)).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let location = answer.headers()[header::LOCATION].to_str().unwrap();
        assert!(location.starts_with("http://127.0.0.1:8081/callback?error=temporarily_unavailable&"), "{location}");
        assert!(location.contains("&state=the-state&"), "{location}");
    }
}
