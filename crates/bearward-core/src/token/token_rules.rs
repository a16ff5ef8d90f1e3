//! What one issuer's tokens are held against.

use crate::{Algorithm, ClaimPointer, ClaimRule, IssuerName, Profile};

/// What one issuer's tokens are held against. [`TokenRules::new`] gives the strictest; its fields may then be set.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
    /// How a self-contained access token is recognised.
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
#[non_exhaustive]
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
}
