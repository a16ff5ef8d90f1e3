//! The steps of a decision.

use std::fmt;

/// One step of a decision. `Ord` is the order in which the steps are taken.
///
/// Which steps there are depends on the token: one that is verified here has no [`Check::Introspection`], a referential
/// one has none of those from [`Check::Form`] to [`Check::Signature`]. A [`Finding`](crate::Finding) names the check that
/// made it; one [`Reason`](crate::Reason) can come from several checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Check {
    /// The request is one that HTTP allows and the gateway forwards.
    Request,
    /// The path reads in one way only.
    Path,
    /// One route matches host and path, and serves the method.
    Route,
    /// There is exactly one credential, and it is well formed.
    Credential,
    /// The token is of a format that one of the route's issuers answers for.
    Shape,
    /// One of the route's issuers is selected for the token.
    Issuer,
    /// Encrypted to the gateway: the token decrypts to a signed one.
    Decryption,
    /// Self-contained: three parts of strict base64url (RFC 7515, 7.1).
    Form,
    /// Self-contained: the JOSE header is strict JSON, its members are of the right types, and no extension is
    /// critical.
    Header,
    /// Self-contained: `alg` is one of those allowed for the issuer.
    Algorithm,
    /// Self-contained: the header's `typ` is that of an access token.
    Type,
    /// Self-contained: the issuer has a key for the token's `kid` and `alg`.
    Key,
    /// Self-contained: the signature verifies.
    Signature,
    /// Referential: the issuer answers, and says that the token is active.
    Introspection,
    /// The claims are strict JSON, and those that rules look at are of the right types.
    Claims,
    /// The claims, or the members of the introspection answer, do not say that this is another kind of token.
    Kind,
    /// Every claim is there that an access token must have.
    Completeness,
    /// `iss` is the issuer whose keys or answer vouched for the token.
    IssuerClaim,
    /// The claims are what every token of this issuer must say.
    RequiredClaims,
    /// The token has begun and has not expired.
    Time,
    /// The token does not live longer than is allowed for the issuer.
    Lifetime,
    /// The token is meant for this resource server, by the audiences of the issuer.
    Audience,
    /// Verified here and confirmed by the issuer: it answers that the token is active, and does not contradict the
    /// token.
    Agreement,
    /// The sender has proved possession of the key that the token is bound to, if it is bound.
    Confirmation,
    /// The token is meant for the route, by the route's own audiences.
    RouteAudience,
    /// The token has the scope that the route needs.
    Scope,
    /// The token's claims are what the route asks for.
    Conditions,
    /// The identity can be represented in the headers for the upstream.
    Identity,
    /// The upstream answers.
    Upstream,
    /// The gateway itself works: fails only for its own faults, wherever they happen.
    Internal,
}

impl Check {
    /// Every check, in the order in which a decision makes them.
    pub const ALL: &[Self] = &[
        Self::Request,
        Self::Path,
        Self::Route,
        Self::Credential,
        Self::Shape,
        Self::Issuer,
        Self::Decryption,
        Self::Form,
        Self::Header,
        Self::Algorithm,
        Self::Type,
        Self::Key,
        Self::Signature,
        Self::Introspection,
        Self::Claims,
        Self::Kind,
        Self::Completeness,
        Self::IssuerClaim,
        Self::RequiredClaims,
        Self::Time,
        Self::Lifetime,
        Self::Audience,
        Self::Agreement,
        Self::Confirmation,
        Self::RouteAudience,
        Self::Scope,
        Self::Conditions,
        Self::Identity,
        Self::Upstream,
        Self::Internal,
    ];

    /// The name for logs: the variant in `snake_case`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Path => "path",
            Self::Route => "route",
            Self::Credential => "credential",
            Self::Shape => "shape",
            Self::Issuer => "issuer",
            Self::Decryption => "decryption",
            Self::Form => "form",
            Self::Header => "header",
            Self::Algorithm => "algorithm",
            Self::Type => "type",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Introspection => "introspection",
            Self::Claims => "claims",
            Self::Kind => "kind",
            Self::Completeness => "completeness",
            Self::IssuerClaim => "issuer_claim",
            Self::RequiredClaims => "required_claims",
            Self::Time => "time",
            Self::Lifetime => "lifetime",
            Self::Audience => "audience",
            Self::Agreement => "agreement",
            Self::Confirmation => "confirmation",
            Self::RouteAudience => "route_audience",
            Self::Scope => "scope",
            Self::Conditions => "conditions",
            Self::Identity => "identity",
            Self::Upstream => "upstream",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
