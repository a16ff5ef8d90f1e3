//! The proof of a self-contained token: RFC 7515 for the signature, RFC 9068, 4 for the claims.

use crate::token::claims::Claims;
use crate::token::json::parse_object;
use crate::token::jws::CompactJws;
use crate::{Algorithm, ClaimPointer, ClaimRule, IssuerName, KeySet, Profile, Reason, UnixTime, Verified};

/// What one issuer's tokens are held against.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// What `iss` must say.
    pub issuer: IssuerName,
    /// The identifiers of this resource server; one of them must stand in `aud`, letter for letter.
    pub audiences: Vec<String>,
    /// What a token without `aud` is taken for.
    pub absent_audience: AbsentAudience,
    /// Whether an introspection answer that gives neither `token_type` nor `aud` may describe an access token: for issuers
    /// that answer so, and about access tokens alone. What it is taken for then is for `absent_audience` to say.
    pub bare_answers: bool,
    /// The algorithms that this issuer may sign with.
    pub algorithms: Vec<Algorithm>,
    /// How a self-contained access token is known for one.
    pub profile: Profile,
    /// How many seconds the issuer's clock may differ from ours.
    pub leeway: u64,
    /// The most seconds that may lie between a token's issue and its expiry; with it, both are required.
    pub max_lifetime: Option<u64>,
    /// Claims that every token of this issuer must have, as the tenant that it is for.
    pub required_claims: Vec<ClaimRule>,
    /// The claims that hold scopes, as a string or an array; those that are there count together.
    pub scope_claims: Vec<ClaimPointer>,
    /// The claims that may hold the client identifier; the first that is there counts.
    pub client_id_claims: Vec<ClaimPointer>,
}

/// What a token without `aud` is taken for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AbsentAudience {
    /// Not for us (RFC 9068, 4).
    #[default]
    Refuse,
    /// For us, if one of these clients asked for it: for issuers whose access tokens never name an audience (Cognito). They
    /// are never compared with `aud`, or the ID tokens of those clients would pass.
    Clients(Vec<String>),
}

impl TokenRules {
    /// The strictest rules for an issuer and the audiences that stand for this resource server.
    pub fn new(issuer: impl Into<IssuerName>, audiences: Vec<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences,
            absent_audience: AbsentAudience::Refuse,
            bare_answers: false,
            algorithms: Algorithm::ALL.to_vec(),
            profile: Profile::Rfc9068,
            leeway: 0,
            max_lifetime: None,
            required_claims: Vec::new(),
            scope_claims: vec![ClaimPointer::member("scope"), ClaimPointer::member("scp")],
            client_id_claims: vec![ClaimPointer::member("client_id")],
        }
    }

    /// What holds of every token, however it was proved: who issued it, when, and for whom.
    pub(crate) fn check(&self, claims: Claims, now: UnixTime) -> Result<Verified, Reason> {
        let issuer = self.issuer.check(&claims)?;
        if !self.required_claims.iter().all(|rule| rule.holds(&claims.all)) {
            return Err(Reason::ClaimMismatch);
        }
        claims.check_unbound()?;
        claims.check_time(now, self.leeway)?;
        self.check_lifetime(&claims)?;
        self.check_audience(&claims)?;
        Ok(Verified::new(issuer, self.leeway, claims))
    }

    fn check_lifetime(&self, claims: &Claims) -> Result<(), Reason> {
        let Some(most) = self.max_lifetime else { return Ok(()) };
        let exp = claims.expires_at.ok_or(Reason::ClaimMissing)?;
        let issued_at = claims.issued_at.ok_or(Reason::ClaimMissing)?;
        if exp.seconds_since(issued_at) > most { Err(Reason::LifetimeTooLong) } else { Ok(()) }
    }

    pub(crate) fn check_audience(&self, claims: &Claims) -> Result<(), Reason> {
        let fits = match &self.absent_audience {
            AbsentAudience::Clients(clients) if !claims.all.contains_key("aud") => {
                claims.client_id.as_ref().is_some_and(|client| clients.contains(client))
            }
            _ => claims.audiences.iter().any(|audience| self.audiences.contains(audience)),
        };
        if fits { Ok(()) } else { Err(Reason::AudienceMismatch) }
    }
}

/// Proves a self-contained token with the keys of the issuer whose `rules` these are.
///
/// # Errors
///
/// The one [`Reason`] that the first failed check gives, in the order form, algorithm, type, key, signature, claims. Only
/// [`Reason::KeyUnknown`] may be worth fetching the key set again.
pub fn verify_jws(token: &str, keys: &KeySet, rules: &TokenRules, now: UnixTime) -> Result<Verified, Reason> {
    let jws = CompactJws::parse(token)?;
    if !rules.algorithms.contains(&jws.algorithm) {
        return Err(Reason::AlgorithmRefused);
    }
    rules.profile.check_type(jws.typ.as_deref())?;
    keys.verify(jws.algorithm, jws.key_id.as_deref(), jws.signing_input, &jws.signature)?;

    let payload = parse_object(&jws.payload()?).map_err(|_| Reason::ClaimsMalformed)?;
    let claims = Claims::read(payload, rules)?;
    rules.profile.check_claims(&claims)?;
    if !claims.all.contains_key("aud") && rules.absent_audience == AbsentAudience::Refuse {
        return Err(Reason::ClaimMissing);
    }
    rules.check(claims, now)
}
