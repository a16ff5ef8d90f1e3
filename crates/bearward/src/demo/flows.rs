//! The flows that a person is part of, over HTTP as any application runs them; the person is played here.

use anyhow::{Context, bail, ensure};
use aws_lc_rs::{digest, rand};
use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use form_urlencoded::Serializer;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Bytes, header};
use serde_json::Value;

use crate::http;

/// The development issuer's built-in OpenID Connect application.
const APPLICATION: (&str, &str) = ("web-app", "web-secret");
/// Where it is sent after the sign-in. Nothing listens there: the demo reads the answer before it is followed.
const REDIRECT_URI: &str = "http://127.0.0.1:8081/callback";

/// Access tokens of one sign-in.
pub(super) struct Person {
    /// For the authorization code.
    pub(super) signed_in: String,
    /// For the refresh token that came with it.
    pub(super) refreshed: String,
}

/// Signs somebody in: authorization code with PKCE (RFC 7636), and then a refresh.
///
/// # Errors
///
/// When the issuer does not answer as the flow has it.
pub(super) async fn sign_in(issuer: &str, subject: &str, scope: &str) -> anyhow::Result<Person> {
    let verifier = random()?;
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    let state = random()?;
    let request = form(&[
        ("response_type", "code"),
        ("client_id", APPLICATION.0),
        ("redirect_uri", REDIRECT_URI),
        ("scope", &format!("openid {scope}")),
        ("state", &state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let page = http::send(Request::get(format!("{issuer}/authorize?{request}")).body(Full::default())?).await?.response;
    let code = code(&allow(issuer, &page, subject, scope).await?, issuer, &state)?;

    let grant = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT_URI)];
    let answer = ask(issuer, "/token", APPLICATION, &[&grant[..], &[("code_verifier", &verifier)]].concat()).await?;
    let refresh_token = member(&answer, "refresh_token")?;
    let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
    let refreshed = ask(issuer, "/token", APPLICATION, &grant).await?;
    Ok(Person { signed_in: member(&answer, "access_token")?, refreshed: member(&refreshed, "access_token")? })
}

/// Ends a token (RFC 7009).
///
/// # Errors
///
/// When the issuer does not.
pub(super) async fn revoke(issuer: &str, client_id: &str, secret: &str, token: &str) -> anyhow::Result<()> {
    ask(issuer, "/revoke", (client_id, secret), &[("token", token)]).await.map(|_| ())
}

/// Answers the sign-in page as a person does who allows everything.
async fn allow(issuer: &str, page: &Response<Bytes>, subject: &str, scope: &str) -> anyhow::Result<Response<Bytes>> {
    ensure!(page.status().is_success(), "the sign-in page answered {}", page.status());
    let html = String::from_utf8_lossy(page.body());
    let hidden = html.split_once("name=\"sign_in\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    let (sign_in, _) = hidden.context("the sign-in page has no form")?;
    let cookie = page.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok()?.split(';').next());
    let mut fields =
        vec![("sign_in", sign_in.to_owned()), ("person", subject.to_owned()), ("decision", "allow".into())];
    let scopes: Vec<String> = scope.split(' ').map(|name| format!("scope {name}")).collect();
    fields.extend(scopes.iter().map(|name| (name.as_str(), "on".to_owned())));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let request = Request::post(format!("{issuer}/sign-in"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::COOKIE, cookie.context("the sign-in page set no cookie")?)
        .body(Full::from(form(&fields)))?;
    Ok(http::send(request).await?.response)
}

/// The code in the redirect, which is for this request (RFC 6749 10.12) and from this issuer (RFC 9207).
fn code(answer: &Response<Bytes>, issuer: &str, state: &str) -> anyhow::Result<String> {
    ensure!(answer.status() == StatusCode::SEE_OTHER, "the sign-in answered {}", answer.status());
    let location = answer.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    let query = location.and_then(|location| location.strip_prefix(REDIRECT_URI)?.strip_prefix('?'));
    let query = query.context("the sign-in leads elsewhere")?;
    let parameter = |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
    let is = |name: &str, value: &str| parameter(name).is_some_and(|(_, found)| found == value);
    ensure!(is("state", state) && is("iss", issuer), "the sign-in's answer is not for this request");
    parameter("code").map(|(_, code)| code.into_owned()).context("the sign-in gave no code")
}

/// Sends a form as an application that authenticates by client secret basic.
async fn ask(issuer: &str, path: &str, application: (&str, &str), fields: &[(&str, &str)]) -> anyhow::Result<Value> {
    let credentials = BASE64_STANDARD.encode(format!("{}:{}", application.0, application.1));
    let request = Request::post(format!("{issuer}{path}"))
        .header(header::AUTHORIZATION, format!("Basic {credentials}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::from(form(fields)))?;
    let answer = http::send(request).await?.response;
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if !answer.status().is_success() {
        bail!(
            "{path} answered {}: {}",
            answer.status(),
            body.get("error").and_then(Value::as_str).unwrap_or("no error")
        );
    }
    Ok(body)
}

fn member(answer: &Value, name: &str) -> anyhow::Result<String> {
    let value = answer.get(name).and_then(Value::as_str);
    value.map(str::to_owned).with_context(|| format!("the issuer gave no {name}"))
}

fn form(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// 256 random bits.
fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).ok().context("no random bytes can be had")?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
