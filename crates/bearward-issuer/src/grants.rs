//! What people allowed: each grant is an authorization code first, and then a family of tokens.

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    CryptoError,
    store::{Full, Store},
    tokens::{Sealed, Tokens, random_id},
};

/// How long a code is good, in seconds (RFC 6749 4.1.2 recommends at most ten minutes).
const CODE_LIFETIME: u64 = 60;
/// How long refresh tokens are good after the sign-in, in seconds.
const REFRESH_LIFETIME: u64 = 30 * 24 * 3600;
/// How many grants there are at most.
const MAX_GRANTS: usize = 10_000;
/// How many access tokens of one grant can be in force at once.
const MAX_ISSUED: usize = 1000;

/// What a person allowed an application.
#[derive(Clone)]
pub(crate) struct Grant {
    /// The issuer URL at which the person signed in. Its code and refresh tokens are good for nothing at another.
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) subject: String,
    pub(crate) scope: Vec<String>,
    /// The resource servers that its tokens may be for.
    pub(crate) resources: Vec<String>,
    /// Whether refresh tokens come of it.
    pub(crate) refreshes: bool,
    pub(crate) auth_time: u64,
    /// Repeated in the ID token (OpenID Connect Core 3.1.2.1).
    pub(crate) nonce: Option<String>,
    pub(crate) custom_claims: Option<Map<String, Value>>,
    pub(crate) redirect_uri: String,
    /// By `S256`.
    pub(crate) code_challenge: Option<String>,
}

impl Grant {
    /// When its refresh tokens end, whatever becomes of its access tokens.
    fn refresh_ends(&self) -> u64 {
        self.auth_time.saturating_add(REFRESH_LIFETIME)
    }

    /// Whether this verifier belongs to the request's challenge (RFC 7636 4.6). Where there was no challenge there must
    /// be no verifier: else an attacker who takes the challenge out of a request would take the proof away (RFC 9700 4.8.2).
    pub(crate) fn proves(&self, verifier: Option<&str>) -> bool {
        match (&self.code_challenge, verifier) {
            (None, None) => true,
            (Some(challenge), Some(verifier)) if is_verifier(verifier) => {
                let hash = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
                constant_time::verify_slices_are_equal(hash.as_bytes(), challenge.as_bytes()).is_ok()
            }
            _ => false,
        }
    }
}

/// RFC 7636 4.1.
fn is_verifier(verifier: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved)
}

/// Why a code or a refresh token gets nothing.
#[derive(Debug)]
pub(crate) enum Refused<E> {
    /// It is none of ours, has expired, was revoked, or belongs to another client.
    Unknown,
    /// It was used before: all that it led to is revoked (RFC 6749 4.1.2, RFC 9700 4.14.2).
    Reused,
    /// The request does not go with the grant.
    Request(E),
    /// There is no room to remember.
    Full,
}

impl<E> From<Full> for Refused<E> {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

/// A grant that a request has proved to hold.
pub(crate) struct Held {
    pub(crate) id: String,
    pub(crate) grant: Grant,
    generation: u64,
}

#[derive(Serialize, Deserialize)]
struct Code {
    grant: String,
}

#[derive(Serialize, Deserialize)]
struct RefreshToken {
    grant: String,
    /// Which in the family. Only the newest is good.
    generation: u64,
}

struct Family {
    grant: Grant,
    /// 0 while the code has not been used.
    generation: u64,
    /// The access tokens given so far that may still be in force, by `jti` and `exp`.
    issued: Vec<(String, u64)>,
}

/// All grants that a code or a token can still refer to.
pub(crate) struct Grants {
    families: Store<Family>,
}

impl Grants {
    pub(crate) fn new() -> Self {
        Self { families: Store::new(MAX_GRANTS) }
    }

    /// Remembers what was allowed, and gives the code for it.
    pub(crate) fn code(&self, tokens: &Tokens, grant: Grant, now: u64) -> Result<String, GrantError> {
        let id = random_id()?;
        let code = tokens.seal(Sealed::Code, &Code { grant: id.clone() })?;
        let family = Family { grant, generation: 0, issued: Vec::new() };
        self.families.insert(&id, family, now.saturating_add(CODE_LIFETIME), now)?;
        Ok(code)
    }

    /// Uses a code. `lifetime` is how long the first access token can live: as long, a second use is noticed.
    ///
    /// A client that holds the code and fails the check has used it up: there is no second guess.
    pub(crate) fn redeem<E>(
        &self,
        tokens: &Tokens,
        code: &str,
        owner: Owner<'_>,
        check: impl FnOnce(&Grant) -> Result<(), E>,
        now: u64,
    ) -> Result<Held, Refused<E>> {
        let Code { grant: id } = tokens.open(Sealed::Code, code).ok_or(Refused::Unknown)?;
        let used = self.families.update(&id, now, |family, expires| {
            if !owner.has(&family.grant) {
                return Err(Refused::Unknown);
            }
            if family.generation > 0 {
                return Err(Refused::Reused);
            }
            check(&family.grant).map_err(Refused::Request)?;
            family.generation = 1;
            let refresh_ends = if family.grant.refreshes { family.grant.refresh_ends() } else { now };
            *expires = now.saturating_add(owner.lifetime).max(refresh_ends);
            Ok(family.grant.clone())
        });
        match used.unwrap_or(Err(Refused::Unknown)) {
            Ok(grant) => Ok(Held { id, grant, generation: 1 }),
            Err(refused) => {
                if !matches!(refused, Refused::Unknown) {
                    self.revoke(tokens, &id, now)?;
                }
                Err(refused)
            }
        }
    }

    /// Uses a refresh token, which is replaced. One that was replaced before ends its family; one whose request does
    /// not go with the grant stays good.
    pub(crate) fn refresh<E>(
        &self,
        tokens: &Tokens,
        token: &str,
        owner: Owner<'_>,
        check: impl FnOnce(&Grant) -> Result<(), E>,
        now: u64,
    ) -> Result<Held, Refused<E>> {
        let RefreshToken { grant: id, generation } =
            tokens.open(Sealed::RefreshToken, token).ok_or(Refused::Unknown)?;
        let used = self.families.update(&id, now, |family, _| {
            if !owner.has(&family.grant) || family.grant.refresh_ends() <= now {
                return Err(Refused::Unknown);
            }
            if family.generation != generation {
                return Err(Refused::Reused);
            }
            check(&family.grant).map_err(Refused::Request)?;
            // Before the token is used up: the client has no other, and with this one it can come again.
            family.issued.retain(|(_, exp)| now < *exp);
            if family.issued.len() >= MAX_ISSUED {
                return Err(Refused::Full);
            }
            family.generation = family.generation.saturating_add(1);
            Ok((family.grant.clone(), family.generation))
        });
        match used.unwrap_or(Err(Refused::Unknown)) {
            Ok((grant, generation)) => Ok(Held { id, grant, generation }),
            Err(refused) => {
                if matches!(refused, Refused::Reused) {
                    self.revoke(tokens, &id, now)?;
                }
                Err(refused)
            }
        }
    }

    /// The refresh token for a grant that was just used.
    pub(crate) fn refresh_token(&self, tokens: &Tokens, held: &Held) -> Result<String, CryptoError> {
        tokens.seal(Sealed::RefreshToken, &RefreshToken { grant: held.id.clone(), generation: held.generation })
    }

    /// Remembers an access token, so that it ends with its grant. `false` when the grant has ended meanwhile: the token
    /// must then not be given out.
    pub(crate) fn record(&self, held: &Held, jti: &str, exp: u64, now: u64) -> bool {
        self.families.update(&held.id, now, |family, _| family.issued.push((jti.to_owned(), exp))).is_some()
    }

    /// The grant of a refresh token that is still good, and when it ends.
    pub(crate) fn find(&self, tokens: &Tokens, token: &str, now: u64) -> Option<(String, Grant, u64)> {
        let RefreshToken { grant: id, generation } = tokens.open(Sealed::RefreshToken, token)?;
        let found = self.families.update(&id, now, |family, _| {
            let ends = family.grant.refresh_ends();
            (family.generation == generation && now < ends).then(|| (family.grant.clone(), ends))
        });
        found.flatten().map(|(grant, ends)| (id, grant, ends))
    }

    /// Ends a grant: its code, its refresh tokens and its access tokens.
    pub(crate) fn revoke(&self, tokens: &Tokens, id: &str, now: u64) -> Result<(), Full> {
        // The access tokens first: if there is no room to remember one, the grant is still there to be revoked again.
        let issued = self.families.update(id, now, |family, _| family.issued.clone());
        for (jti, exp) in issued.unwrap_or_default() {
            tokens.revoke(&jti, exp, now)?;
        }
        // And those that were recorded in between.
        for (jti, exp) in self.families.take(id, now).map(|family| family.issued).unwrap_or_default() {
            tokens.revoke(&jti, exp, now)?;
        }
        Ok(())
    }
}

/// Who presents a code or a refresh token, and where.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    /// The longest that an access token of this client lives, in seconds.
    pub(crate) lifetime: u64,
}

impl Owner<'_> {
    fn has(&self, grant: &Grant) -> bool {
        grant.issuer == self.issuer && grant.client_id == self.client_id
    }
}

/// Why there is no code.
#[derive(Debug)]
pub(crate) enum GrantError {
    Crypto(CryptoError),
    Full,
}

impl From<CryptoError> for GrantError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}

impl From<Full> for GrantError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::SigningAlgorithm;

    const ISSUER: &str = "http://127.0.0.1:9000";
    const OWNER: Owner<'_> = Owner { issuer: ISSUER, client_id: "app", lifetime: 3600 };

    fn grant() -> Grant {
        Grant {
            issuer: ISSUER.to_owned(),
            client_id: "app".to_owned(),
            subject: "alice".to_owned(),
            scope: vec!["orders:read".to_owned()],
            resources: vec!["https://api.example.com".to_owned()],
            refreshes: true,
            auth_time: 1000,
            nonce: None,
            custom_claims: None,
            redirect_uri: "https://app.example.com/callback".to_owned(),
            // RFC 7636 appendix B.
            code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
        }
    }

    fn all() -> (Tokens, Grants) {
        (Tokens::generate(&[SigningAlgorithm::EdDsa]).unwrap(), Grants::new())
    }

    fn fine(_: &Grant) -> Result<(), ()> {
        Ok(())
    }

    #[test]
    fn a_verifier_belongs_to_its_challenge() {
        let (grant, verifier) = (grant(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert!(grant.proves(Some(verifier)));
        for wrong in [None, Some(""), Some("short"), Some(&verifier[1..]), Some(&format!("{verifier}A"))] {
            assert!(!grant.proves(wrong), "{wrong:?}");
        }
        let without = Grant { code_challenge: None, ..grant };
        assert!(without.proves(None) && !without.proves(Some(verifier)));
    }

    #[test]
    fn a_code_is_good_once_and_for_a_minute() {
        let (tokens, grants) = all();
        let code = grants.code(&tokens, grant(), 1000).unwrap();
        assert!(matches!(grants.redeem(&tokens, &code, OWNER, fine, 1060), Err(Refused::Unknown)));
        assert!(grants.redeem(&tokens, &code, OWNER, fine, 1059).is_ok());
        assert!(matches!(grants.redeem(&tokens, &code, OWNER, fine, 1059), Err(Refused::Reused)));
    }

    #[test]
    fn a_code_belongs_to_its_client_and_issuer() {
        let (tokens, grants) = all();
        let code = grants.code(&tokens, grant(), 1000).unwrap();
        let other_client = Owner { client_id: "other", ..OWNER };
        let other_issuer = Owner { issuer: "http://127.0.0.1:9000/apps/app", ..OWNER };
        for other in [other_client, other_issuer] {
            assert!(matches!(grants.redeem(&tokens, &code, other, fine, 1000), Err(Refused::Unknown)));
        }
        assert!(grants.redeem(&tokens, &code, OWNER, fine, 1000).is_ok(), "it was not used up by others");
    }

    #[test]
    fn a_failed_check_uses_the_code_up() {
        let (tokens, grants) = all();
        let code = grants.code(&tokens, grant(), 1000).unwrap();
        assert!(matches!(grants.redeem(&tokens, &code, OWNER, |_| Err("no"), 1000), Err(Refused::Request("no"))));
        assert!(matches!(grants.redeem(&tokens, &code, OWNER, fine, 1000), Err(Refused::Unknown)));
    }

    #[test]
    fn a_second_use_of_a_code_revokes_what_the_first_one_gave() {
        let (tokens, grants) = all();
        let code = grants.code(&tokens, grant(), 1000).unwrap();
        let held = grants.redeem(&tokens, &code, OWNER, fine, 1000).ok().unwrap();
        let refresh = grants.refresh_token(&tokens, &held).unwrap();
        assert!(grants.record(&held, "first", 4600, 1000));
        assert!(matches!(grants.redeem(&tokens, &code, OWNER, fine, 1001), Err(Refused::Reused)));
        assert!(tokens.is_revoked("first", 1001));
        assert!(matches!(grants.refresh(&tokens, &refresh, OWNER, fine, 1001), Err(Refused::Unknown)));
        assert!(!grants.record(&held, "late", 4600, 1001), "nothing more is given");
    }

    #[test]
    fn a_refresh_token_is_replaced_and_its_second_use_ends_the_family() {
        let (tokens, grants) = all();
        let code = grants.code(&tokens, grant(), 1000).unwrap();
        let held = grants.redeem(&tokens, &code, OWNER, fine, 1000).ok().unwrap();
        let first = grants.refresh_token(&tokens, &held).unwrap();
        let refused = grants.refresh(&tokens, &first, OWNER, |_| Err("no"), 1001);
        assert!(matches!(refused, Err(Refused::Request("no"))));
        let held = grants.refresh(&tokens, &first, OWNER, fine, 1001).ok().unwrap();
        let second = grants.refresh_token(&tokens, &held).unwrap();
        assert!(grants.record(&held, "second", 4600, 1001));
        assert!(grants.find(&tokens, &second, 1001).is_some() && grants.find(&tokens, &first, 1001).is_none());
        assert!(matches!(grants.refresh(&tokens, &first, OWNER, fine, 1002), Err(Refused::Reused)));
        assert!(tokens.is_revoked("second", 1002));
        assert!(matches!(grants.refresh(&tokens, &second, OWNER, fine, 1002), Err(Refused::Unknown)));
    }

    #[test]
    fn refresh_tokens_end_thirty_days_after_the_sign_in_however_long_access_tokens_live() {
        let ends = 1000 + REFRESH_LIFETIME;
        for lifetime in [3600, 365 * 24 * 3600] {
            let ((tokens, grants), owner) = (all(), Owner { lifetime, ..OWNER });
            let code = grants.code(&tokens, grant(), 1000).unwrap();
            let held = grants.redeem(&tokens, &code, owner, fine, 1030).ok().unwrap();
            let token = grants.refresh_token(&tokens, &held).unwrap();
            assert_eq!(grants.find(&tokens, &token, ends - 1).unwrap().2, ends);
            assert!(grants.find(&tokens, &token, ends).is_none());
            assert!(matches!(grants.refresh(&tokens, &token, owner, fine, ends), Err(Refused::Unknown)));
            assert!(grants.refresh(&tokens, &token, owner, fine, ends - 1).is_ok());
        }
    }

    #[test]
    fn a_code_is_no_refresh_token() {
        let (tokens, grants) = all();
        let code = grants.code(&tokens, grant(), 1000).unwrap();
        assert!(matches!(grants.refresh(&tokens, &code, OWNER, fine, 1000), Err(Refused::Unknown)));
        assert!(grants.find(&tokens, &code, 1000).is_none());
    }

    #[test]
    fn the_access_tokens_of_a_grant_have_a_bound_and_a_refresh_token_outlasts_it() {
        let (tokens, grants) = all();
        let code = grants.code(&tokens, grant(), 1000).unwrap();
        let held = grants.redeem(&tokens, &code, OWNER, fine, 1000).ok().unwrap();
        for number in 0..MAX_ISSUED {
            assert!(grants.record(&held, &number.to_string(), 2000, 1000));
        }
        let token = grants.refresh_token(&tokens, &held).unwrap();
        assert!(matches!(grants.refresh(&tokens, &token, OWNER, fine, 1000), Err(Refused::Full)));
        assert!(grants.refresh(&tokens, &token, OWNER, fine, 2000).is_ok(), "the others have expired");
    }
}
