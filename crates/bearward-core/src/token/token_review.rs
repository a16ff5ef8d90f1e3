//! What a Kubernetes API server answers about a token (`TokenReview` of `authentication.k8s.io/v1`).

use serde_json::{Map, Value};

use crate::token::json::parse_object;
use crate::{IntrospectionAnswer, Reason};

impl IntrospectionAnswer {
    /// Reads the body of a successful answer: the review that was sent, with its `status`.
    ///
    /// The user's name becomes `sub`, the audiences that the token was found good for become `aud`; `groups`, `uid` and
    /// `extra` keep their names. There is no expiry. An authenticator that does not know audiences answers without them, and
    /// such an answer is refused.
    ///
    /// # Errors
    ///
    /// [`Reason::TokenInactive`] where the server did not authenticate the token, with or without an error, and
    /// [`Reason::IntrospectionUnavailable`] where this is no review with a status.
    pub fn parse_token_review(body: &[u8]) -> Result<Self, Reason> {
        let mut review = parse_object(body).map_err(|_| Reason::IntrospectionUnavailable)?;
        let is = |member: &str, expected: &str| review.get(member).and_then(Value::as_str) == Some(expected);
        if !is("kind", "TokenReview") || !is("apiVersion", "authentication.k8s.io/v1") {
            return Err(Reason::IntrospectionUnavailable);
        }
        let Some(Value::Object(mut status)) = review.remove("status") else {
            return Err(Reason::IntrospectionUnavailable);
        };
        let says_error = status.get("error").is_some_and(|error| error.as_str() != Some(""));
        match status.remove("authenticated") {
            Some(Value::Bool(true)) if !says_error => {}
            // The server leaves out what is false. A status that says nothing at all was never filled in.
            Some(Value::Bool(false)) => return Err(Reason::TokenInactive),
            None if says_error || status.contains_key("user") => return Err(Reason::TokenInactive),
            _ => return Err(Reason::IntrospectionUnavailable),
        }
        let Some(Value::Object(mut user)) = status.remove("user") else { return Err(Reason::ClaimMissing) };
        let mut members = Map::new();
        members.insert("sub".to_owned(), user.remove("username").filter(Value::is_string).ok_or(Reason::ClaimMissing)?);
        members.insert("aud".to_owned(), status.remove("audiences").unwrap_or_else(|| Value::Array(Vec::new())));
        for name in ["groups", "uid", "extra"] {
            if let Some(value) = user.remove(name) {
                members.insert(name.to_owned(), value);
            }
        }
        // `null` is no list, and must not count as an absent audience.
        if members.get("aud").is_some_and(Value::is_null) {
            return Err(Reason::AudienceMismatch);
        }
        Ok(Self::active(members))
    }
}
