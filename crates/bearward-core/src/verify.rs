//! The proof of a self-contained token: RFC 7515 for the signature, RFC 9068, 4 for the claims.

use std::sync::Arc;

use crate::claims::Claims;
use crate::json::parse_object;
use crate::jws::CompactJws;
use crate::{Algorithm, KeySet, Reason, UnixTime, Verified};

/// What one issuer's tokens are held against.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// The exact `iss`.
    pub issuer: Arc<str>,
    /// The identifiers of this resource server; one of them must stand in `aud`, letter for letter.
    pub audiences: Vec<String>,
    /// The algorithms that this issuer may sign with.
    pub algorithms: Vec<Algorithm>,
    /// How many seconds the issuer's clock may differ from ours.
    pub leeway: u64,
}

impl TokenRules {
    /// What holds of every token, however it was proved: who issued it, for whom, and when.
    pub(crate) fn check(&self, claims: Claims, now: UnixTime) -> Result<Verified, Reason> {
        if claims.issuer.as_deref().is_some_and(|issuer| issuer != &*self.issuer) {
            return Err(Reason::IssuerMismatch);
        }
        // A token bound to a key (RFC 7800) says that the bearer alone proves nothing; passing it as a bearer token is
        // what the binding is there to stop (RFC 9449, 7.2; RFC 8705, 3).
        if claims.all.contains_key("cnf") {
            return Err(Reason::ConfirmationMissing);
        }
        claims.check_time(now, self.leeway)?;
        if !claims.audiences.iter().any(|audience| self.audiences.contains(audience)) {
            return Err(Reason::AudienceMismatch);
        }
        Ok(Verified::new(self, claims))
    }
}

/// Proves a self-contained token with the keys of the issuer whose `rules` these are.
///
/// # Errors
///
/// The one [`Reason`] that the first failed check gives, in the order form, algorithm, key, signature, claims. Only
/// [`Reason::KeyUnknown`] may be worth fetching the key set again.
pub fn verify_jws(token: &str, keys: &KeySet, rules: &TokenRules, now: UnixTime) -> Result<Verified, Reason> {
    let jws = CompactJws::parse(token)?;
    if !rules.algorithms.contains(&jws.algorithm) {
        return Err(Reason::AlgorithmRefused);
    }
    keys.verify(jws.algorithm, jws.key_id.as_deref(), jws.signing_input, &jws.signature)?;

    let payload = parse_object(&jws.payload()?).map_err(|_| Reason::ClaimsMalformed)?;
    let claims = Claims::read(payload)?;
    // RFC 9068, 2.2: all of them are REQUIRED.
    let complete = claims.issuer.is_some()
        && claims.subject.is_some()
        && claims.client_id.is_some()
        && claims.token_id.is_some()
        && claims.expires_at.is_some()
        && claims.issued_at.is_some()
        && claims.all.contains_key("aud");
    if !complete {
        return Err(Reason::ClaimMissing);
    }
    rules.check(claims, now)
}
