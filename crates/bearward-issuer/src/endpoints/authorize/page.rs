//! The pages that people see: plain HTML without script, image or any other request.

use aws_lc_rs::digest;
use axum::{
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::request::AuthorizationRequest;
use crate::{Person, authority::Authority, endpoints::path, endpoints::private::NO_STORE};

const STYLE: &str = include_str!("page.css");

/// The sign-in page.
pub(super) fn sign_in(authority: &Authority, request: &AuthorizationRequest, sealed: &str) -> Response {
    let people = &authority.issuer().settings().people;
    let hinted = people.iter().position(|person| Some(&person.subject) == request.login_hint.as_ref()).unwrap_or(0);
    let choices: String =
        people.iter().enumerate().map(|(number, person)| choice(number, person, number == hinted)).collect();
    let people = if people.is_empty() {
        "<p>No person is configured who could sign in. Add one to the issuer's configuration.</p>".to_owned()
    } else {
        format!("<fieldset><legend>Who signs in?</legend>{choices}</fieldset>")
    };
    let scopes: String = request.scope.iter().enumerate().map(|(number, name)| scope(number, name)).collect();
    let scopes = if scopes.is_empty() {
        String::new()
    } else {
        format!("<fieldset><legend>What may it do?</legend>{scopes}</fieldset>")
    };
    let body = format!(
        "<h1>Sign in to <span class=\"name\">{application}</span></h1>\
         <form method=\"post\" action=\"{action}\">\
         <input type=\"hidden\" name=\"sign_in\" value=\"{sealed}\">{people}{scopes}\
         <div class=\"buttons\"><button name=\"decision\" value=\"allow\">Allow</button>\
         <button class=\"quiet\" name=\"decision\" value=\"deny\">Deny</button></div></form>\
         <p class=\"small\">Either way you go back to <code>{redirect_uri}</code></p>",
        application = escape(&request.client_id),
        // Relative, so that it works by whichever name of this machine the page was opened.
        action = path::SIGN_IN.trim_start_matches('/'),
        sealed = escape(sealed),
        redirect_uri = escape(request.back.uri()),
    );
    document(StatusCode::OK, "Sign in", &body)
}

/// What is wrong, told to the person at the browser.
pub(super) fn problem(problem: &str) -> Response {
    let body = format!(
        "<h1>The sign-in cannot go on</h1><p role=\"alert\">{}</p>\
         <p class=\"small\">No person was signed in, and no application was told.</p>",
        escape(problem)
    );
    document(StatusCode::BAD_REQUEST, "Error", &body)
}

/// There is a person at the browser also where the request cannot be read.
pub(super) fn unreadable() -> Response {
    problem("The request is malformed or too long, or a parameter is there more than once.")
}

/// The form field of a scope.
pub(super) fn scope_field(name: &str) -> String {
    format!("scope {name}")
}

/// What a scope of OpenID Connect is about.
pub(super) fn about_identity(scope: &str) -> Option<&'static str> {
    match scope {
        "openid" => Some("know who you are"),
        "profile" => Some("know your name"),
        "email" => Some("know your email address"),
        "offline_access" => Some("go on while you are away"),
        _ => None,
    }
}

fn choice(number: usize, person: &Person, checked: bool) -> String {
    let name = person.name.as_ref().unwrap_or(&person.subject);
    let mut about = vec![person.subject.clone()];
    about.extend(person.scopes.as_ref().map(|scopes| match scopes.as_slice() {
        [] => "no scopes".to_owned(),
        scopes => format!("{} only", scopes.join(", ")),
    }));
    format!(
        "<div class=\"row\"><input type=\"radio\" id=\"person-{number}\" name=\"person\" value=\"{subject}\" \
         required{checked}><label for=\"person-{number}\">{name} <span class=\"small\">{about}</span></label></div>",
        subject = escape(&person.subject),
        checked = if checked { " checked" } else { "" },
        name = escape(name),
        about = escape(&about.join(", ")),
    )
}

fn scope(number: usize, name: &str) -> String {
    let about = about_identity(name).map(|about| format!("{about} ")).unwrap_or_default();
    // The one that cannot be left out: a disabled control is not sent, and is not needed.
    let (fixed, always) =
        if name == "openid" { (" disabled", " <span class=\"small\">always</span>") } else { ("", "") };
    format!(
        "<div class=\"row\"><input type=\"checkbox\" id=\"scope-{number}\" name=\"{field}\" value=\"on\" \
         checked{fixed}><label for=\"scope-{number}\">{about}<code>{name}</code>{always}</label></div>",
        field = escape(&scope_field(name)),
        about = escape(&about),
        name = escape(name),
    )
}

fn document(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><main><p class=\"note\">Development issuer: there are no passwords here.</p>{body}</main></body></html>"
    );
    let style = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    // No form-action: a browser holds it against the whole way that a form's answer leads, and where an application
    // sends its people on to is not known here.
    let policy = format!("default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'; base-uri 'none'");
    let headers: [(HeaderName, String); 4] = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_FRAME_OPTIONS, "DENY".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        // The query of this page is for no other site.
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (status, NO_STORE, headers, Html(html)).into_response()
}

/// Text as it may stand in an element and in a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_escaped_ends_an_attribute_or_begins_an_element() {
        assert_eq!(escape("<b a='1' c=\"2\">&amp;"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;");
        let evil = Person::new("\"><script>").name("<script>").scopes(["<script>"]);
        assert!(!choice(0, &evil, true).contains("<script>"));
        assert!(!scope(0, "<script>").contains("<script>"));
    }
}
