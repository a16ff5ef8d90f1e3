//! A browser of a few lines: it keeps cookies, fills in the sign-in page, and does not follow the redirect at its end.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bearward_issuer::RunningIssuer;
use serde_json::Value;

use crate::client::{Answer, basic, get, post_form_with, send};

pub(crate) const CALLBACK: &str = "http://127.0.0.1:8081/callback";
/// A verifier of the length that RFC 7636 4.1 asks for.
pub(crate) const VERIFIER: &str = "a-verifier-of-43-characters-or-more-for-tests";

/// An authorization request, and what the person answers.
#[derive(Clone)]
pub(crate) struct Flow {
    /// `/apps/{client_id}`, or empty for the tenant's issuer URL.
    pub(crate) at: String,
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) person: &'static str,
    pub(crate) client: Client,
}

/// How the application authenticates at the token endpoint.
#[derive(Clone)]
pub(crate) enum Client {
    Basic(&'static str, &'static str),
    Form(Vec<(&'static str, String)>),
}

impl Flow {
    /// With PKCE and a state, at the tenant's issuer URL.
    pub(crate) fn new(client_id: &str, client: Client) -> Self {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let parameters = [
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", CALLBACK),
            ("state", "the state"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let parameters = parameters.map(|(name, value)| (name, value.to_owned())).to_vec();
        Self { at: String::new(), parameters, person: "alice", client }
    }

    /// The built-in OpenID Connect application.
    pub(crate) fn web() -> Self {
        Self::new("web-app", Client::Basic("web-app", "web-secret")).with("scope", "openid orders:read orders:write")
    }

    /// The built-in public application, whose tokens are referential.
    pub(crate) fn native() -> Self {
        Self::new("native-app", Client::Form(vec![("client_id", "native-app".to_owned())]))
    }

    pub(crate) fn at(mut self, issuer_path: &str) -> Self {
        self.at = issuer_path.to_owned();
        self
    }

    /// Sets a parameter of the request; an empty value takes it away.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.parameters.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            self.parameters.push((name, value.to_owned()));
        }
        self
    }

    pub(crate) fn without_pkce(self) -> Self {
        self.with("code_challenge", "").with("code_challenge_method", "")
    }

    pub(crate) fn person(mut self, subject: &'static str) -> Self {
        self.person = subject;
        self
    }

    /// Sends the request.
    pub(crate) async fn request(&self, issuer: &RunningIssuer) -> Answer {
        get(issuer, &format!("{}/authorize?{}", self.at, encode(&self.parameters))).await
    }

    /// Sends the request and allows everything on the page.
    pub(crate) async fn redirect(&self, issuer: &RunningIssuer) -> HashMap<String, String> {
        let page = Page::of(self.request(issuer).await);
        let mut fields = page.scopes.clone();
        fields.extend([("person".to_owned(), self.person.to_owned()), ("decision".to_owned(), "allow".to_owned())]);
        answer_to(&page.send(issuer, &self.at, fields).await)
    }

    /// The code for this request.
    pub(crate) async fn code(&self, issuer: &RunningIssuer) -> String {
        let answer = self.redirect(issuer).await;
        answer.get("code").unwrap_or_else(|| panic!("no code: {answer:?}")).clone()
    }

    /// Presents a code with these changes to the form.
    pub(crate) async fn redeem(&self, issuer: &RunningIssuer, code: &str, changes: &[(&'static str, &str)]) -> Answer {
        let has_challenge = self.parameters.iter().any(|(name, _)| *name == "code_challenge");
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", CALLBACK.to_owned()),
        ];
        if has_challenge {
            form.push(("code_verifier", VERIFIER.to_owned()));
        }
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.push((name, (*value).to_owned()));
        }
        self.ask(issuer, "/token", &form).await
    }

    /// Presents a refresh token.
    pub(crate) async fn refresh(&self, issuer: &RunningIssuer, token: &str, more: &[(&'static str, &str)]) -> Answer {
        let mut form = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
        form.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.ask(issuer, "/token", &form).await
    }

    /// Sends a form as this application.
    pub(crate) async fn ask(&self, issuer: &RunningIssuer, path: &str, form: &[(&'static str, String)]) -> Answer {
        let path = format!("{}{path}", self.at);
        let mut form = form.to_vec();
        let headers = match &self.client {
            Client::Basic(id, secret) => vec![basic((id, secret))],
            Client::Form(fields) => {
                form.extend(fields.clone());
                Vec::new()
            }
        };
        post_form_with(issuer, &path, &headers, &encode(&form)).await
    }

    /// The whole flow: what the token endpoint answers.
    pub(crate) async fn tokens(&self, issuer: &RunningIssuer) -> Value {
        let code = self.code(issuer).await;
        let answer = self.redeem(issuer, &code, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }
}

/// A sign-in page, as its form describes itself.
pub(crate) struct Page {
    pub(crate) cookie: String,
    pub(crate) sign_in: String,
    /// The scopes that can be left out.
    pub(crate) scopes: Vec<(String, String)>,
}

impl Page {
    pub(crate) fn of(answer: Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let html = &answer.body;
        let inputs: Vec<&str> = html.split("<input ").skip(1).map(|rest| rest.split('>').next().unwrap()).collect();
        let sign_in = inputs.iter().find(|input| input.contains("name=\"sign_in\"")).expect("a hidden field");
        let scopes = inputs.iter().filter(|input| input.contains("checkbox") && !input.contains("disabled"));
        Self {
            cookie: answer.header("set-cookie").split(';').next().unwrap().to_owned(),
            sign_in: attribute(sign_in, "value"),
            scopes: scopes.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect(),
        }
    }

    /// Sends the form from the browser that the page was shown in.
    pub(crate) async fn send(&self, issuer: &RunningIssuer, at: &str, fields: Vec<(String, String)>) -> Answer {
        self.send_with(issuer, at, fields, &[format!("cookie: theme=dark; {}", self.cookie)]).await
    }

    pub(crate) async fn send_with(
        &self,
        issuer: &RunningIssuer,
        at: &str,
        mut fields: Vec<(String, String)>,
        headers: &[String],
    ) -> Answer {
        fields.push(("sign_in".to_owned(), self.sign_in.clone()));
        post_form_with(issuer, &format!("{at}/sign-in"), headers, &encode(&fields)).await
    }
}

/// The parameters that the application gets at its redirect URI.
pub(crate) fn answer_to(answer: &Answer) -> HashMap<String, String> {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let location = answer.header("location");
    let (uri, query) = location.split_once('?').expect("a query");
    assert_eq!(uri, CALLBACK);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

pub(crate) fn encode<N: AsRef<str>>(pairs: &[(N, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The payload of a JWT, as anybody can read it.
pub(crate) fn payload(token: &str) -> Value {
    part(token, 1)
}

/// A part of a JWT or JWE.
pub(crate) fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).expect("a part");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A request with a bearer token.
pub(crate) async fn with_bearer(issuer: &RunningIssuer, method: &str, path: &str, token: &str) -> Answer {
    send(issuer.address(), method, path, &[format!("authorization: Bearer {token}")], "").await
}

fn attribute(input: &str, name: &str) -> String {
    let rest = input.split_once(&format!("{name}=\"")).expect("the attribute").1;
    rest.split('"').next().unwrap().to_owned()
}
