//! The demo's requests: what is sent, and what must come back. One table for the printed curl lines and for `--try`.

use hyper::Method;

/// The subject of the demo's tokens.
pub(super) const SUBJECT: &str = "alice";

/// One request and the answer that is expected of the gateway.
#[derive(Debug)]
pub(super) struct Case {
    /// What is shown.
    pub(super) name: &'static str,
    /// One sentence for the printed curl line.
    pub(super) remark: &'static str,
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) token: Option<Token>,
    pub(super) expected: Expected,
}

/// Which of the demo's tokens is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    SelfContained,
    Referential,
    SignedIn,
    Refreshed,
    Revoked,
    Expired,
    OtherAudience,
    AlgNone,
}

/// What must come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// The upstream's answer. `source` is what the gateway's metrics must say of the token; `open` where none is asked for.
    Admitted { source: &'static str, subject: Option<&'static str> },
    /// The gateway's own answer: its status, the public reason in its body, and the exact one in the metrics.
    Refused { status: u16, reason: &'static str, exact: &'static str },
}

/// The cases in the order in which they are shown. The order matters: a token is in the cache once it was admitted.
pub(super) fn all() -> Vec<Case> {
    let get = |name, remark, token, expected| Case {
        name,
        remark,
        method: Method::GET,
        path: "/orders/1",
        token: Some(token),
        expected,
    };
    vec![
        get(
            "self-contained token",
            "A self-contained token: verified here, with the issuer's keys.",
            Token::SelfContained,
            admitted("signature"),
        ),
        get(
            "referential token",
            "A referential token: only the issuer can say what it means, so it is asked.",
            Token::Referential,
            admitted("introspection"),
        ),
        get(
            "referential token again",
            "The same once more: answered from the cache.",
            Token::Referential,
            admitted("cache"),
        ),
        get(
            "a person signed in",
            "Authorization code with PKCE: the sign-in page was answered for alice.",
            Token::SignedIn,
            admitted("signature"),
        ),
        get("refreshed token", "The same person later, by refresh token.", Token::Refreshed, admitted("signature")),
        Case {
            name: "open route, no token",
            remark: "A route that its own entry opens to everybody: no token, and no identity for the API.",
            method: Method::GET,
            path: "/public/hello",
            token: None,
            expected: Expected::Admitted { source: "open", subject: None },
        },
        Case {
            name: "no token",
            remark: "No token: the challenge says what is needed.",
            method: Method::GET,
            path: "/orders/1",
            token: None,
            expected: Expected::Refused { status: 401, reason: "no_credential", exact: "credential_missing" },
        },
        get(
            "revoked token",
            "A referential token that was revoked: the issuer says that it is not active any more.",
            Token::Revoked,
            invalid("token_inactive"),
        ),
        get("expired token", "A token that has expired.", Token::Expired, invalid("token_expired")),
        get(
            "another audience",
            "A good token, but for another API.",
            Token::OtherAudience,
            invalid("audience_mismatch"),
        ),
        Case {
            name: "scope missing",
            remark: "A good token that may read and not write: the challenge names the scope that it lacks.",
            method: Method::POST,
            path: "/orders/1",
            token: Some(Token::SelfContained),
            expected: Expected::Refused { status: 403, reason: "insufficient_scope", exact: "scope_missing" },
        },
        get(
            "alg none",
            "A forged token: good claims, an \"alg\" of \"none\" and no signature.",
            Token::AlgNone,
            invalid("algorithm_refused"),
        ),
    ]
}

fn admitted(source: &'static str) -> Expected {
    Expected::Admitted { source, subject: Some(SUBJECT) }
}

fn invalid(exact: &'static str) -> Expected {
    Expected::Refused { status: 401, reason: "invalid_token", exact }
}

impl Case {
    /// The status that must come back.
    pub(super) fn status(&self) -> u16 {
        match self.expected {
            Expected::Admitted { .. } => 200,
            Expected::Refused { status, .. } => status,
        }
    }

    /// The line that sends this request from a shell.
    pub(super) fn curl(&self, gateway: &str, token: Option<&str>) -> String {
        let method = if self.method == Method::GET { String::new() } else { format!(" -X {}", self.method) };
        let header = token.map(|token| format!(" -H 'Authorization: Bearer {token}'")).unwrap_or_default();
        format!("curl -i{method} {gateway}{}{header}", self.path)
    }
}
