//! How a self-contained access token is distinguished from the other tokens that an issuer signs with the same keys.

use crate::token::claims::Claims;
use crate::token::document::Document;
use crate::token::json::{Json, View};
use crate::{Reason, ScopeSet};

/// The rules by which an issuer's self-contained access tokens are recognised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// RFC 9068: typed `at+jwt`, with all the claims that it requires. The default, because nothing else can be taken for
    /// such a token (RFC 8725, 3.11).
    #[default]
    Rfc9068,
    /// For issuers that do not type their tokens: `typ` may be absent or `JWT`. Tokens that show by another `typ`, or by
    /// their claims, that they are ID, refresh, logout or other tokens are still refused. So is one with neither a scope nor
    /// a client other than its audience: nothing distinguishes it from an ID token.
    Jwt,
}

impl Profile {
    /// The name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc9068 => "rfc9068",
            Self::Jwt => "jwt",
        }
    }

    /// Whether the header's `typ` fits. Media types are compared without case, and `application/` may be left out (RFC 7515,
    /// 4.1.9).
    pub(crate) fn check_type(self, typ: Option<&str>) -> Result<(), Reason> {
        let is = |name: &str| {
            typ.is_some_and(|typ| {
                let short = typ.get(..12).filter(|prefix| prefix.eq_ignore_ascii_case("application/"));
                typ.get(short.map_or(0, str::len)..).is_some_and(|typ| typ.eq_ignore_ascii_case(name))
            })
        };
        let fits = match self {
            Self::Rfc9068 => is("at+jwt"),
            Self::Jwt => typ.is_none() || is("at+jwt") || is("JWT"),
        };
        if fits { Ok(()) } else { Err(Reason::TypeMismatch) }
    }

    /// The types that fit, in words.
    pub(crate) fn types(self) -> &'static str {
        match self {
            Self::Rfc9068 => "at+jwt",
            Self::Jwt => "at+jwt, JWT or none",
        }
    }

    /// Whether the claims do not show that this is another kind of token.
    pub(crate) fn check_kind(self, claims: &Claims) -> Result<(), Reason> {
        // RFC 9068: the header's type has said it all.
        if self == Self::Rfc9068 {
            return Ok(());
        }
        // An ID token's audience is its client, which `azp` may leave out (OpenID Connect Core, 2). It never has a scope of
        // its own, whatever else the issuer's scopes are read from.
        let scopes = ["scope", "scp"].iter().filter_map(|name| claims.all.get(name));
        let has_scope = scopes.map(ScopeSet::read).any(|scopes| scopes.is_ok_and(|scopes| !scopes.is_empty()));
        let is_for_its_client =
            claims.client_id().is_none_or(|client| claims.audiences().any(|audience| audience == client));
        if is_foreign(&claims.all) || is_for_its_client && !has_scope { Err(Reason::TypeMismatch) } else { Ok(()) }
    }

    /// The claims that must be there and are not, beside `aud`. RFC 9068, 2.2: all of them are REQUIRED.
    pub(crate) fn missing(self, claims: &Claims) -> [Option<&'static str>; 6] {
        let is_strict = self == Self::Rfc9068;
        [
            claims.issuer.is_none().then_some("iss"),
            claims.expires_at.is_none().then_some("exp"),
            (is_strict && claims.subject.is_none()).then_some("sub"),
            (is_strict && claims.client_id.is_none()).then_some("client_id"),
            (is_strict && claims.issued_at.is_none()).then_some("iat"),
            (is_strict && claims.token_id.is_none()).then_some("jti"),
        ]
    }
}

/// Members that only tokens of another kind have: ID tokens (OpenID Connect Core, 2, 3.3.2.11), security events and logout
/// tokens (RFC 8417), introspection answers (RFC 9701), DPoP proofs (RFC 9449).
const FOREIGN_MEMBERS: [&str; 8] =
    ["nonce", "at_hash", "c_hash", "s_hash", "events", "token_introspection", "htm", "htu"];

/// Whether the claims show that this is no access token. `typ` (Keycloak) and `token_use` (Cognito) say in the payload what
/// the header does not.
pub(crate) fn is_foreign(claims: &Document) -> bool {
    FOREIGN_MEMBERS.iter().any(|name| claims.has(name))
        || says_other(claims, "typ", &["Bearer", "at+jwt", "JWT"])
        || says_other(claims, "token_use", &["access"])
}

/// Whether the member is there and is none of these names, in any case.
fn says_other(claims: &Document, member: &str, own: &[&str]) -> bool {
    claims
        .get(member)
        .is_some_and(|value| !value.text().is_some_and(|kind| own.iter().any(|own| own.eq_ignore_ascii_case(kind))))
}

/// Refuses what the answer itself calls another kind of token. Beside the registered `token_type`, issuers say it in
/// `token_use` (Hydra, Cognito) and in `typ` (Keycloak).
pub(crate) fn check_answer_kind(members: &Document) -> Result<(), Reason> {
    match members.get("token_type").map(Json::view) {
        None => {}
        Some(View::Text(kind)) if kind.eq_ignore_ascii_case("Bearer") => {}
        // A DPoP-bound token (RFC 9449, 6.2); no proof of possession is taken here.
        Some(View::Text(kind)) if kind.eq_ignore_ascii_case("DPoP") => return Err(Reason::ConfirmationMissing),
        Some(_) => return Err(Reason::TypeMismatch),
    }
    let is_other = says_other(members, "token_use", &["access", "access_token"])
        || says_other(members, "typ", &["Bearer", "at+jwt", "JWT"]);
    if is_other { Err(Reason::TypeMismatch) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_types() {
        for (typ, rfc9068, jwt) in [
            (Some("at+jwt"), true, true),
            (Some("AT+JWT"), true, true),
            (Some("application/at+jwt"), true, true),
            (Some("Application/AT+jwt"), true, true),
            (Some("JWT"), false, true),
            (Some("jwt"), false, true),
            (Some("application/jwt"), false, true),
            (None, false, true),
            (Some(""), false, false),
            (Some("application/"), false, false),
            (Some("application/application/at+jwt"), false, false),
            (Some("at+jwt "), false, false),
            (Some("logout+jwt"), false, false),
            (Some("dpop+jwt"), false, false),
            (Some("secevent+jwt"), false, false),
            (Some("token-introspection+jwt"), false, false),
            (Some("id_token"), false, false),
            (Some("\u{212a}\u{212a}\u{212a}\u{212a}"), false, false),
        ] {
            assert_eq!(Profile::Rfc9068.check_type(typ).is_ok(), rfc9068, "{typ:?}");
            assert_eq!(Profile::Jwt.check_type(typ).is_ok(), jwt, "{typ:?}");
        }
    }
}
