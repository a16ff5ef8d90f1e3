//! A refusal, and the answer that it becomes.
//!
//! An answer is constant per cause and route: its status, its challenge and its body are made of the [`Cause`] and of
//! what the route's configuration says, never of the token or of what exactly was wrong with it.

mod challenge;
mod response;

use std::sync::Arc;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::{AllowedMethods, Cause, HeaderFields, Reason, Scheme};
use challenge::Challenge;

/// The realm of challenges where none is configured.
pub const DEFAULT_REALM: &str = "bearward";

/// How long a client is asked to wait, in seconds, where nothing better is known.
const DEFAULT_RETRY_AFTER: u32 = 5;

/// A refused request: the exact reason for our side, and what the answer needs besides.
#[derive(Clone, Debug)]
pub struct Refusal {
    reason: Reason,
    /// One for each scheme that could help; none where no credential can make a difference.
    challenges: Vec<Challenge>,
    retry_after: Option<u32>,
    allowed: Option<AllowedMethods>,
}

impl Refusal {
    /// A refusal for this reason, with the realm `bearward`, no scope, and 5 seconds to wait where waiting helps.
    pub fn new(reason: Reason) -> Self {
        let challenges = challenge(reason.cause()).into_iter().collect();
        Self { reason, challenges, retry_after: None, allowed: None }
    }

    /// Sets the realm of the challenges (RFC 9110 section 11.5).
    #[must_use]
    pub fn with_realm(mut self, realm: Arc<str>) -> Self {
        for challenge in &mut self.challenges {
            challenge.realm = Some(Arc::clone(&realm));
        }
        self
    }

    /// Sets the scopes that the challenges ask for, separated by spaces: all that the route needs, not what is missing.
    /// They are named where another token could help; a request that is malformed needs no other token.
    #[must_use]
    pub fn with_scope(mut self, scope: Option<Arc<str>>) -> Self {
        let helps = matches!(self.reason.cause(), Cause::NoCredential | Cause::InvalidToken | Cause::InsufficientScope);
        for challenge in &mut self.challenges {
            challenge.scope = scope.clone().filter(|_| helps);
        }
        self
    }

    /// Sets how many seconds the client should wait, at least one. Told only where waiting helps
    /// ([`Cause::Unavailable`]).
    #[must_use]
    pub fn with_retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Sets the methods that the place serves, for the `Allow` that a 405 must carry (RFC 9110 section 15.5.6).
    #[must_use]
    pub fn with_allowed(self, allowed: Option<AllowedMethods>) -> Self {
        Self { allowed, ..self }
    }

    /// The exact reason, for the log and the metrics.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The answer on the wire. `request_id` stands in the body, so that a client can name the request that it asks
    /// about.
    pub fn answer(&self, request_id: &str, wire: Wire) -> Answer {
        match wire {
            Wire::Http => self.problem(request_id),
            Wire::Grpc => self.grpc(),
        }
    }

    /// Problem details (RFC 9457), with the challenges where a credential can make a difference.
    fn problem(&self, request_id: &str) -> Answer {
        let cause = self.reason.cause();
        let problem = Problem {
            kind: "about:blank",
            title: cause.title(),
            status: cause.status().as_u16(),
            detail: cause.description(),
            reason: cause.public_name(),
            request_id,
        };
        // Strings and a number in a struct: there is nothing in it that could fail to be written.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
            (CONTENT_LENGTH, body.len().into()),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        headers.extend(self.challenges.iter().map(|challenge| (WWW_AUTHENTICATE, challenge.value())));
        match cause {
            Cause::MethodNotAllowed => {
                headers.push((ALLOW, self.allowed.as_ref().unwrap_or(&AllowedMethods::FORWARDED).value().clone()));
            }
            Cause::Unavailable => {
                headers.push((RETRY_AFTER, self.retry_after.unwrap_or(DEFAULT_RETRY_AFTER).max(1).into()));
            }
            _ => {}
        }
        Answer { status: cause.status(), headers, body }
    }

    /// A response of headers alone, which is how gRPC says that a call was never begun ("Trailers-Only").
    fn grpc(&self) -> Answer {
        let cause = self.reason.cause();
        let headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static("application/grpc")),
            (CONTENT_LENGTH, HeaderValue::from_static("0")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (GRPC_STATUS, u32::from(cause.grpc_status()).into()),
            (GRPC_MESSAGE, grpc_message(cause.description())),
        ];
        Answer { status: StatusCode::OK, headers, body: Vec::new() }
    }
}

/// The challenge, for the causes that have one.
fn challenge(cause: Cause) -> Option<Challenge> {
    let error = cause.error_code().map(|code| (code, cause.description()));
    let can_help = cause == Cause::NoCredential || error.is_some();
    can_help.then_some(Challenge { scheme: Scheme::Bearer, realm: None, error, scope: None })
}

/// What the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// HTTP: the status holds the verdict.
    Http,
    /// gRPC: the status is 200, and `grpc-status` holds the verdict.
    Grpc,
}

impl Wire {
    /// Determines it from the `Content-Type` among a request's header fields: gRPC for `application/grpc` and its relatives,
    /// such as `application/grpc+proto` and `application/grpc-web`.
    pub fn of<'a>(headers: impl Into<HeaderFields<'a>>) -> Self {
        const GRPC: &[u8] = b"application/grpc";
        match headers.into().first(&CONTENT_TYPE).and_then(|value| value.split_at_checked(GRPC.len())) {
            Some((grpc, rest)) if grpc.eq_ignore_ascii_case(GRPC) => match rest.first() {
                None | Some(b'+' | b'-' | b';' | b' ' | b'\t') => Self::Grpc,
                Some(_) => Self::Http,
            },
            _ => Self::Http,
        }
    }
}

/// A complete response. A mount sends it as it is, without the body where the request was `HEAD`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// All fields that belong to the answer, `Content-Length` among them, to be appended: each name once, except
    /// `WWW-Authenticate`, which comes once for each challenge.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body; empty for gRPC.
    pub body: Vec<u8>,
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// RFC 9457. `reason` and `request_id` are extension members (section 3.2).
#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    reason: &'a str,
    request_id: &'a str,
}

/// A message as gRPC sends it: printable ASCII, everything else and `%` percent-encoded.
fn grpc_message(text: &str) -> HeaderValue {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'$' | b'&'..=b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    // Printable ASCII is always a header value.
    HeaderValue::from_str(&encoded).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::collections::HashSet;

    use http::HeaderMap;

    use super::*;
    use crate::HeaderField;

    #[test]
    fn every_answer_on_both_wires() {
        let mut shown = String::new();
        for cause in Cause::ALL {
            let reason = *Reason::ALL.iter().find(|reason| reason.cause() == *cause).unwrap();
            let refusal = Refusal::new(reason).with_scope(Some("orders:read orders:write".into()));
            shown.push_str(&format!("== {cause:?}\n{}", show(&refusal.answer("7f3a", Wire::Http))));
            shown.push_str(&format!("-- gRPC\n{}\n", show(&refusal.answer("7f3a", Wire::Grpc))));
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn the_answer_is_the_same_for_every_reason_of_a_cause() {
        for wire in [Wire::Http, Wire::Grpc] {
            for cause in Cause::ALL {
                let reasons = Reason::ALL.iter().filter(|reason| reason.cause() == *cause);
                let answers: HashSet<_> =
                    reasons.map(|reason| show(&Refusal::new(*reason).answer("7f3a", wire))).collect();
                assert_eq!(answers.len(), 1, "{cause:?}");
            }
        }
    }

    #[test]
    fn every_401_and_403_has_a_challenge_and_only_a_presented_credential_an_error() {
        for reason in Reason::ALL {
            let answer = Refusal::new(*reason).answer("7f3a", Wire::Http);
            let challenge = header(&answer, WWW_AUTHENTICATE);
            let credential_can_help =
                matches!(answer.status.as_u16(), 401 | 403) || reason.cause() == Cause::InvalidRequest;
            assert_eq!(challenge.is_some(), credential_can_help, "{reason}");
            let has_error = challenge.is_some_and(|challenge| challenge.contains("error"));
            assert_eq!(has_error, credential_can_help && *reason != Reason::CredentialMissing, "{reason}");
        }
    }

    #[test]
    fn headers_are_never_repeated_and_the_length_is_the_bodys() {
        for (reason, wire) in Reason::ALL.iter().flat_map(|reason| [(reason, Wire::Http), (reason, Wire::Grpc)]) {
            let answer = Refusal::new(*reason).answer("7f3a", wire);
            let names: HashSet<_> = answer.headers.iter().map(|(name, _)| name).collect();
            assert_eq!(names.len(), answer.headers.len(), "{reason}");
            assert_eq!(header(&answer, CONTENT_LENGTH), Some(answer.body.len().to_string()), "{reason}");
        }
    }

    #[test]
    fn each_challenge_is_a_field_of_its_own() {
        let mut two = Refusal::new(Reason::ScopeMissing);
        two.challenges.extend(two.challenges.clone());
        let two = two.with_realm("both".into()).with_scope(Some("a".into()));
        let answer = two.answer("7f3a", Wire::Http);
        let written: Vec<_> = answer.headers.iter().filter(|(name, _)| *name == WWW_AUTHENTICATE).collect();
        assert_eq!(written.len(), 2);
        for (_, value) in written {
            let value = value.to_str().unwrap();
            assert!(value.contains("realm=\"both\"") && value.contains("scope=\"a\""), "{value}");
        }
    }

    #[test]
    fn the_scope_is_named_where_another_token_helps() {
        for (reason, named) in [
            (Reason::CredentialMissing, true),
            (Reason::TokenExpired, true),
            (Reason::ScopeMissing, true),
            (Reason::CredentialRepeated, false),
        ] {
            let answer = Refusal::new(reason).with_scope(Some("a b".into())).answer("7f3a", Wire::Http);
            assert_eq!(header(&answer, WWW_AUTHENTICATE).unwrap().contains("scope=\"a b\""), named, "{reason}");
            let answer = Refusal::new(reason).answer("7f3a", Wire::Http);
            assert!(!header(&answer, WWW_AUTHENTICATE).unwrap().contains("scope="), "{reason}");
        }
    }

    #[test]
    fn waiting_is_asked_for_where_it_helps() {
        for (reason, seconds, expected) in [
            (Reason::KeysUnavailable, None, Some("5")),
            (Reason::KeysUnavailable, Some(30), Some("30")),
            (Reason::IntrospectionUnavailable, Some(0), Some("1")),
            (Reason::TokenExpired, Some(30), None),
            (Reason::UpstreamTimeout, Some(30), None),
        ] {
            let refusal = Refusal::new(reason);
            let refusal = seconds.map_or(refusal.clone(), |seconds| refusal.with_retry_after(seconds));
            let answer = refusal.answer("7f3a", Wire::Http);
            assert_eq!(header(&answer, RETRY_AFTER).as_deref(), expected, "{reason}");
        }
    }

    #[test]
    fn what_is_allowed_is_told_where_a_method_is_not() {
        let allowed = Some(AllowedMethods::new(&[http::Method::POST, http::Method::GET]));
        for (reason, expected) in [
            (Reason::MethodNotAllowed, Some("GET, POST")),
            (Reason::RouteNotFound, None),
            (Reason::CredentialMissing, None),
        ] {
            let answer = Refusal::new(reason).with_allowed(allowed.clone()).answer("7f3a", Wire::Http);
            assert_eq!(header(&answer, ALLOW).as_deref(), expected, "{reason}");
        }
    }

    #[test]
    fn the_realm_is_the_configured_one_and_the_request_id_is_escaped() {
        let refusal = Refusal::new(Reason::CredentialMissing).with_realm("orders \"eu\"".into());
        let answer = refusal.answer("a\"}\r\n\u{e9}", Wire::Http);
        assert_eq!(header(&answer, WWW_AUTHENTICATE).as_deref(), Some(r#"Bearer realm="orders \"eu\"""#));
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body.get("request_id").unwrap(), "a\"}\r\n\u{e9}");
    }

    #[test]
    fn grpc_is_told_by_the_content_type() {
        for (content_type, wire) in [
            ("application/grpc", Wire::Grpc),
            ("APPLICATION/gRPC", Wire::Grpc),
            ("application/grpc+proto", Wire::Grpc),
            ("application/grpc;x=y", Wire::Grpc),
            ("application/grpc ; x=y", Wire::Grpc),
            ("application/grpc-web-text+proto", Wire::Grpc),
            ("application/grpcx", Wire::Http),
            ("application/grp", Wire::Http),
            ("text/plain; application/grpc", Wire::Http),
            ("application/json", Wire::Http),
            ("", Wire::Http),
        ] {
            let field = HeaderField { name: "Content-Type", value: content_type.as_bytes() };
            assert_eq!(Wire::of(&[field][..]), wire, "{content_type}");
        }
        assert_eq!(Wire::of(&HeaderMap::new()), Wire::Http);
    }

    #[test]
    fn grpc_messages_are_printable_ascii() {
        assert_eq!(grpc_message("100% caf\u{e9}\r\n~"), "100%25 caf%C3%A9%0D%0A~");
    }

    fn show(answer: &Answer) -> String {
        let mut shown = format!("{}\n", answer.status);
        for (name, value) in &answer.headers {
            shown.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
        }
        shown + std::str::from_utf8(&answer.body).unwrap() + "\n"
    }

    fn header(answer: &Answer, name: HeaderName) -> Option<String> {
        let mut values = answer.headers.iter().filter(|(found, _)| *found == name);
        values.next().map(|(_, value)| value.to_str().unwrap().to_owned())
    }
}
