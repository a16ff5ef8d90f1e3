//! The way back to the application (RFC 6749 4.1.2, 4.1.2.1), with the issuer's name in it (RFC 9207).

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use crate::endpoints::{error::OAuthError, private::NO_STORE};

/// A redirect URI that the application has registered, and what every answer to this request repeats.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Redirect {
    uri: String,
    state: Option<String>,
    issuer: String,
}

impl Redirect {
    pub(super) fn new(uri: &str, state: Option<&str>, issuer: &str) -> Self {
        Self { uri: uri.to_owned(), state: state.map(str::to_owned), issuer: issuer.to_owned() }
    }

    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn answer(&self, code: &str) -> Response {
        self.to(&[("code", code)])
    }

    pub(super) fn refuse(&self, error: &OAuthError) -> Response {
        let (_, error, description) = error.parts();
        self.to(&[("error", error), ("error_description", description)])
    }

    /// 303: what comes next is a GET, whether this was one or not (RFC 9700 4.12).
    fn to(&self, parameters: &[(&str, &str)]) -> Response {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        let query = query.append_pair("iss", &self.issuer).finish();
        let separator = if self.uri.contains('?') { '&' } else { '?' };
        let location = [
            (header::LOCATION, format!("{}{separator}{query}", self.uri)),
            (header::REFERRER_POLICY, "no-referrer".to_owned()),
        ];
        (StatusCode::SEE_OTHER, NO_STORE, location).into_response()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn an_answer_is_added_to_the_query() {
        let location = |uri, state| {
            let answer = Redirect::new(uri, state, "http://127.0.0.1:9000").answer("a.b");
            assert_eq!(answer.status(), StatusCode::SEE_OTHER);
            answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
        };
        assert_eq!(
            location("https://app.example.com/callback", Some("x&y=\u{e9}")),
            "https://app.example.com/callback?code=a.b&state=x%26y%3D%C3%A9&iss=http%3A%2F%2F127.0.0.1%3A9000"
        );
        assert_eq!(
            location("com.example.app:/?a=1", None),
            "com.example.app:/?a=1&code=a.b&iss=http%3A%2F%2F127.0.0.1%3A9000"
        );
    }
}
