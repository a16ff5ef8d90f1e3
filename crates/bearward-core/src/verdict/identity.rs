//! The headers that tell the upstream who calls, and the client's own headers that are removed.
//!
//! An upstream that reads identity from headers believes whatever stands there. So it sees each identity header exactly
//! as verified, or not at all: a client's copies are removed on every route, public ones included, under every name
//! that some server folds into the same one ([`IdentityHeaders::is_reserved`]); and a value that a header cannot hold
//! is encoded, never bent ([`IdentityHeaders::render`]).

mod encoding;
mod lines;

use http::HeaderName;

pub use self::lines::IdentityLines;
use self::lines::{Unwritable, Writer};
use crate::request::field_names::{self, Glance};
use crate::{ClaimPointer, Fields, Reason, Verified, remove_fields, same_field_name};

const SUBJECT: HeaderName = HeaderName::from_static("x-auth-subject");
const ISSUER: HeaderName = HeaderName::from_static("x-auth-issuer");
const CLIENT_ID: HeaderName = HeaderName::from_static("x-auth-client-id");
const SCOPE: HeaderName = HeaderName::from_static("x-auth-scope");

/// The headers that there always are.
static NATIVE: [HeaderName; 4] = [SUBJECT, ISSUER, CLIENT_ID, SCOPE];

/// The identity headers of a gateway: `X-Auth-Subject`, `X-Auth-Issuer`, `X-Auth-Client-Id` and `X-Auth-Scope` always,
/// and one for each claim that is configured. The default is the four alone.
///
/// # Encoding
///
/// | claim | header |
/// | --- | --- |
/// | absent, `null`, `[]` | none |
/// | string of printable ASCII without a space at either end | as it is |
/// | any other string, and one of the form `=?...?=` | `=?base64?`, base64 of its UTF-8, `?=` |
/// | number, boolean | as in JSON |
/// | array of strings, each as in the second line, not empty and without `,` | joined by `,` |
/// | any other array, object | `=?base64?`, base64 of the JSON, `?=` |
///
/// So a group named `a,admin` never reads as two groups, and no claim can look like the encoding of another. A number
/// that a double does not hold exactly is refused: two identities must not become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeaders {
    claims: Vec<(HeaderName, ClaimPointer)>,
    /// Of all names: every field of every request is asked about.
    glance: Glance,
}

impl Default for IdentityHeaders {
    fn default() -> Self {
        let mut glance = Glance::default();
        NATIVE.iter().for_each(|name| glance.add(name.as_str()));
        Self { claims: Vec::new(), glance }
    }
}

impl IdentityHeaders {
    /// The four native headers, and `claims` in this order.
    ///
    /// # Errors
    ///
    /// When two headers have the same name, in whatever spelling, or a name is one that says something else already.
    pub fn new(claims: Vec<(HeaderName, ClaimPointer)>) -> Result<Self, IdentityHeadersError> {
        let mut headers = Self::default();
        for (name, pointer) in claims {
            if field_names::is_taken(name.as_str()) {
                return Err(IdentityHeadersError::Forbidden(name));
            }
            if let Some(first) = headers.names().find(|first| same_field_name(first.as_str(), name.as_str())) {
                return Err(IdentityHeadersError::Repeated { first: first.clone(), second: name });
            }
            headers.glance.add(name.as_str());
            headers.claims.push((name, pointer));
        }
        Ok(headers)
    }

    /// The names, as the upstream sees them.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        NATIVE.iter().chain(self.claims.iter().map(|(name, _)| name))
    }

    /// Whether a request or trailer field of this name must be removed before the request is forwarded: it is one of
    /// the identity headers, or an upstream could read it as one.
    ///
    /// Names are compared without case, and with `-` for everything that is no letter or digit: CGI, WSGI and their
    /// like make `HTTP_X_AUTH_SUBJECT` of `X-Auth-Subject`, `x_auth_subject` and `X.Auth.Subject` (CVE-2025-64484).
    pub fn is_reserved(&self, name: &str) -> bool {
        self.glance.may_hold(name) && self.names().any(|reserved| same_field_name(reserved.as_str(), name))
    }

    /// Removes each field that could be taken for one of these headers.
    pub fn remove_from(&self, fields: &mut impl Fields) {
        remove_fields(fields, |name| self.is_reserved(name));
    }

    /// The headers that tell the upstream who calls. Each name comes at most once.
    ///
    /// # Errors
    ///
    /// [`Reason::IdentityUnrepresentable`] when a value is longer than 4 KiB, all are longer than 8 KiB, or a number is
    /// not exact. An identity is never cut short.
    pub fn render(&self, token: &Verified) -> Result<IdentityLines, Reason> {
        let scopes = Some(token.scopes().as_str()).filter(|scopes| !scopes.is_empty());
        let native = [token.subject(), Some(token.issuer()), token.client_id(), scopes];
        let mut lines = Writer::default();
        let mut push =
            |name, value: &str| lines.push(name, value).map_err(|Unwritable| Reason::IdentityUnrepresentable);
        for (name, text) in NATIVE.iter().zip(native) {
            if let Some(text) = text {
                push(name, &encoding::text(text))?;
            }
        }
        let claims = if self.claims.is_empty() { None } else { token.document() };
        for (name, pointer) in &self.claims {
            let Some(value) = claims.as_ref().and_then(|claims| pointer.find_in(claims)) else { continue };
            let value = value.to_value();
            let text = encoding::claim(&value).map_err(|encoding::Inexact| Reason::IdentityUnrepresentable)?;
            if let Some(text) = text {
                push(name, &text)?;
            }
        }
        Ok(lines.finish())
    }
}

/// Why [`IdentityHeaders`] cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityHeadersError {
    /// A name that says something else already.
    #[error("'{0}' cannot carry a claim: it has a meaning of its own in HTTP or to the gateway")]
    Forbidden(HeaderName),
    /// One name twice, or two that upstreams take for one.
    #[error("'{second}' cannot be told from '{first}', which is an identity header already")]
    Repeated {
        /// The header that was there first; it may be a native one.
        first: HeaderName,
        /// The header that cannot be told from it.
        second: HeaderName,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use http::HeaderValue;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::lines::MAX_VALUE_BYTES;
    use super::*;

    #[test]
    fn the_native_headers_tell_the_verified_identity() {
        let claims =
            json!({"sub": "alice", "client_id": "web", "scope": "orders:read  orders:write", "email": "a@example.com"});
        assert_eq!(
            render(&IdentityHeaders::default(), claims),
            Ok(vec![
                ("x-auth-subject".into(), "alice".into()),
                ("x-auth-issuer".into(), "https://auth.example.com".into()),
                ("x-auth-client-id".into(), "web".into()),
                ("x-auth-scope".into(), "orders:read orders:write".into()),
            ])
        );
    }

    #[test]
    fn what_is_absent_has_no_header() {
        let headers = with_claims(&[("x-email", "/email"), ("x-groups", "/groups"), ("x-tenant", "/ext/tenant")]);
        for claims in [
            json!({}),
            json!({"email": null, "groups": [], "ext": {"tenant": null}}),
            json!({"ext": "tenant"}),
            json!({"scope": ""}),
        ] {
            let rendered = render(&headers, claims.clone());
            assert_eq!(rendered, Ok(vec![("x-auth-issuer".into(), "https://auth.example.com".into())]), "{claims}");
        }
    }

    #[test]
    fn claims_cannot_add_headers_or_members() {
        let headers = with_claims(&[("x-email", "/email"), ("x-groups", "/groups"), ("x-ext", "/ext")]);
        let claims = json!({
            "sub": "alice\r\nX-Auth-Scope: admin",
            "client_id": "=?base64?cm9vdA==?=",
            "scope": "=?base64?cm9vdA==?=",
            "email": "caf\u{e9}\0@example.com",
            "groups": ["a,admin"],
            "ext": {"tenant": "t1", "on": true},
        });
        let rendered = render(&headers, claims).unwrap();
        let shown: Vec<_> = rendered.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        x-auth-subject: =?base64?YWxpY2UNClgtQXV0aC1TY29wZTogYWRtaW4=?=
        x-auth-issuer: https://auth.example.com
        x-auth-client-id: =?base64?PT9iYXNlNjQ/Y205dmRBPT0/PQ==?=
        x-auth-scope: =?base64?PT9iYXNlNjQ/Y205dmRBPT0/PQ==?=
        x-email: =?base64?Y2Fmw6kAQGV4YW1wbGUuY29t?=
        x-groups: =?base64?WyJhLGFkbWluIl0=?=
        x-ext: =?base64?eyJvbiI6dHJ1ZSwidGVuYW50IjoidDEifQ==?=
        ");
    }

    #[test]
    fn what_is_too_long_is_refused_and_never_cut() {
        let headers = with_claims(&[("x-a", "/a"), ("x-b", "/b")]);
        let of = |a: usize, b: usize| render(&headers, json!({"a": "a".repeat(a), "b": "b".repeat(b)}));
        let issuer = "https://auth.example.com".len();
        assert!(of(MAX_VALUE_BYTES, 0).is_ok());
        assert_eq!(of(MAX_VALUE_BYTES + 1, 0), Err(Reason::IdentityUnrepresentable));
        assert!(of(MAX_VALUE_BYTES, MAX_VALUE_BYTES - issuer).is_ok());
        assert_eq!(of(MAX_VALUE_BYTES, MAX_VALUE_BYTES - issuer + 1), Err(Reason::IdentityUnrepresentable));
        // Encoding makes text longer, and it is the header that is bounded.
        assert_eq!(
            render(&headers, json!({"a": "\u{e9}".repeat(MAX_VALUE_BYTES / 2)})),
            Err(Reason::IdentityUnrepresentable)
        );
        assert_eq!(render(&headers, json!({"sub": "a".repeat(5_000)})), Err(Reason::IdentityUnrepresentable));
    }

    #[test]
    fn every_alias_of_an_identity_header_is_reserved() {
        let headers = with_claims(&[("x-email", "/email")]);
        for name in [
            "X-Auth-Subject",
            "x-auth-subject",
            "X_AUTH_SUBJECT",
            "X-Auth_Subject",
            "x.auth.subject",
            "x_auth.subject",
            "x-auth~subject",
            "X-Auth-Issuer",
            "x_auth_issuer",
            "X-Auth-Client-Id",
            "x-auth-client_id",
            "X-Auth-Scope",
            "X-Email",
            "x_email",
        ] {
            assert!(headers.is_reserved(name), "{name}");
        }
        for name in
            ["x-auth", "x-auth-subject-", "xauthsubject", "x-auth-subjects", "x-auth-token", "email", "", "x--email"]
        {
            assert!(!headers.is_reserved(name), "{name}");
        }
        assert!(!IdentityHeaders::default().is_reserved("x-email"));
    }

    #[test]
    fn names_that_mean_something_else_or_cannot_be_told_apart_are_refused() {
        let new = |names: &[&'static str]| {
            let claim = |name: &&'static str| (HeaderName::from_static(name), ClaimPointer::parse("/email").unwrap());
            IdentityHeaders::new(names.iter().map(claim).collect())
        };
        for name in [
            "host",
            "x-real-ip",
            "x-http-method",
            "x-envoy-original-path",
            "content_length",
            "transfer_encoding",
            "x_forwarded_for",
            "proxy_authorization",
        ] {
            assert!(matches!(new(&[name]), Err(IdentityHeadersError::Forbidden(_))), "{name}");
        }
        for names in [&["x-auth-subject"][..], &["x_auth_scope"], &["x-email", "x-email"], &["x-email", "x_email"]] {
            assert!(matches!(new(names), Err(IdentityHeadersError::Repeated { .. })), "{names:?}");
        }
        let errors = [new(&["host"]), new(&["x-auth_scope"])].map(|error| error.unwrap_err().to_string()).join("\n");
        insta::assert_snapshot!(errors, @r"
        'host' cannot carry a claim: it has a meaning of its own in HTTP or to the gateway
        'x-auth_scope' cannot be told from 'x-auth-scope', which is an identity header already
        ");
        assert!(new(&["x-email", "remote-user", "x-forwarded-user", "x-auth-request-email"]).is_ok());
    }

    proptest! {
        #[test]
        fn every_short_claim_can_be_told(
            sub in ".{1,40}", email in ".{0,40}", groups in prop::collection::vec(".{0,9}", 0..9),
        ) {
            let headers = with_claims(&[("x-email", "/email"), ("x-groups", "/groups")]);
            let expected = if groups.is_empty() { 3 } else { 4 };
            let rendered = render(&headers, json!({"sub": sub, "email": email, "groups": groups}));
            prop_assert_eq!(rendered.unwrap().len(), expected);
        }
    }

    proptest! {
        #[test]
        fn no_claim_ends_a_line(
            sub in "[\r\n\\PC]{0,20}", email in any::<String>(), groups in prop::collection::vec("[\r\n:a]{0,5}", 0..5),
        ) {
            let headers = with_claims(&[("x-email", "/email"), ("x-groups", "/groups")]);
            let claims = json!({"sub": format!("a{sub}"), "email": email, "groups": groups});
            let lines = headers.render(&Verified::for_tests("https://auth.example.com", claims)).unwrap();
            let text = std::str::from_utf8(lines.as_bytes()).unwrap();
            prop_assert_eq!(text.matches('\r').count(), text.matches("\r\n").count());
            prop_assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
            let names: Vec<_> = text.split_terminator("\r\n").map(|line| line.split(':').next().unwrap()).collect();
            let told: Vec<_> = lines.fields().map(|(name, _)| name.to_string()).collect();
            prop_assert_eq!(&names, &told);
            prop_assert!(names.iter().all(|name| headers.is_reserved(name)), "{:?}", names);
        }
    }

    fn with_claims(claims: &[(&'static str, &str)]) -> IdentityHeaders {
        let claim = |(name, pointer): &(&'static str, &str)| {
            (HeaderName::from_static(name), ClaimPointer::parse(pointer).unwrap())
        };
        IdentityHeaders::new(claims.iter().map(claim).collect()).unwrap()
    }

    fn render(headers: &IdentityHeaders, claims: Value) -> Result<Vec<(String, String)>, Reason> {
        let text = |(name, value): (HeaderName, HeaderValue)| (name.to_string(), value.to_str().unwrap().to_owned());
        let rendered = headers.render(&Verified::for_tests("https://auth.example.com", claims))?;
        Ok(rendered.fields().map(text).collect())
    }
}
