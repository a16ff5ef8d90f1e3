//! What a decision is made of.

/// One of the checks that a decision is made of. `Ord` is the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The request is one that HTTP allows and the gateway forwards.
    Request,
    /// The path reads in one way only.
    Path,
    /// One route matches.
    Route,
    /// There is exactly one credential, and it is well formed.
    Credential,
    /// The token is of a format that somebody here answers for.
    Shape,
    /// One of the route's issuers is responsible for the token.
    Issuer,
    /// The token is well formed and of an allowed algorithm and type.
    Token,
    /// Self-contained: the issuer has the key.
    Keys,
    /// Self-contained: the signature holds.
    Signature,
    /// Referential: the issuer says that the token is active.
    Introspection,
    /// The claims are complete, of the right types, and the responsible issuer's.
    Claims,
    /// Whoever sent the token is the one that it is bound to, if it is bound.
    Confirmation,
    /// The token is valid now.
    Lifetime,
    /// The token is meant for this resource server.
    Audience,
    /// The token has the scope that the route needs.
    Scope,
    /// The token's claims are what the route asks for.
    Conditions,
    /// The identity can be told to the upstream.
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
        Self::Token,
        Self::Keys,
        Self::Signature,
        Self::Introspection,
        Self::Claims,
        Self::Confirmation,
        Self::Lifetime,
        Self::Audience,
        Self::Scope,
        Self::Conditions,
        Self::Identity,
        Self::Upstream,
        Self::Internal,
    ];

    /// The name: the variant in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Path => "path",
            Self::Route => "route",
            Self::Credential => "credential",
            Self::Shape => "shape",
            Self::Issuer => "issuer",
            Self::Token => "token",
            Self::Keys => "keys",
            Self::Signature => "signature",
            Self::Introspection => "introspection",
            Self::Claims => "claims",
            Self::Confirmation => "confirmation",
            Self::Lifetime => "lifetime",
            Self::Audience => "audience",
            Self::Scope => "scope",
            Self::Conditions => "conditions",
            Self::Identity => "identity",
            Self::Upstream => "upstream",
            Self::Internal => "internal",
        }
    }
}
