//! Why a request is refused: the one vocabulary of logs, metrics and answers.
//!
//! Two enums, the exact one and the public one:
//!
//! * [`Reason`] is exact. Its name goes to the log and the metrics, never to the client.
//! * [`Cause`] is what the client learns. Many reasons share one cause, so that an answer is no oracle: it does not tell
//!   whether a signature, an issuer or a claim was at fault.
//!
//! A reason does not say which [`Check`](crate::Check) failed: the audience, for one, is checked for the issuer and again
//! for the route. A [`Finding`](crate::Finding) names both.

mod cause;

pub use cause::Cause;

use std::fmt;

/// The exact reason of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The request breaks HTTP's rules (RFC 9112), or its target or `Host` names no single place.
    RequestMalformed,
    /// The request line is longer than the limit.
    TargetTooLong,
    /// The request's header section is larger than the limit.
    HeadersTooLarge,
    /// The client did not send the rest of its request in time.
    RequestTimeout,
    /// The request has been through this gateway before (`Via`, RFC 9110 section 7.6.3).
    LoopDetected,
    /// A method that the gateway never forwards (`CONNECT`, `TRACE`).
    MethodNotForwarded,
    /// The path can be read in more than one way.
    PathAmbiguous,
    /// No route matches host and path.
    RouteNotFound,
    /// Routes match host and path, and none of them the method.
    MethodNotAllowed,
    /// No credential, or one of a scheme that is not asked for here.
    CredentialMissing,
    /// The credential breaks the syntax of RFC 6750 section 2.1.
    CredentialMalformed,
    /// More than one `Authorization` field.
    CredentialRepeated,
    /// The token is longer than the limit.
    CredentialTooLong,
    /// The token is no JWS in compact serialization, or its header is not strict JSON.
    TokenMalformed,
    /// A token of a format that the route's issuers are not set up to answer for.
    TokenUnsupported,
    /// The token is encrypted to the gateway, and does not decrypt with the key that it is for.
    DecryptionFailed,
    /// The header's `alg` is not one of those allowed for the issuer.
    AlgorithmRefused,
    /// The header's `crit` names an extension, and none is understood (RFC 7515 section 4.1.11).
    CriticalHeaderUnknown,
    /// The header's `typ` says that this is not an access token.
    TypeMismatch,
    /// None of the route's issuers is the one that the token names.
    IssuerUnknown,
    /// The verified `iss` is not the issuer whose keys or answer vouched for the token.
    IssuerMismatch,
    /// The issuer has no key that fits the token's `kid` and `alg`.
    KeyUnknown,
    /// The signature does not verify.
    SignatureInvalid,
    /// A claim has the wrong JSON type, or the claims are not strict JSON.
    ClaimsMalformed,
    /// A claim that every access token must have is absent.
    ClaimMissing,
    /// A claim is not what every token of this issuer must say.
    ClaimMismatch,
    /// The token is bound to a key (RFC 7800), and came without proof of possession of that key.
    ConfirmationMissing,
    /// `aud` names none of the audiences that are asked for.
    AudienceMismatch,
    /// `exp` has passed.
    TokenExpired,
    /// `nbf` or `iat` lies in the future.
    TokenNotYetValid,
    /// More time lies between the token's issue and its expiry than is allowed for the issuer.
    LifetimeTooLong,
    /// The issuer says that the token is not active (RFC 7662 section 2.2).
    TokenInactive,
    /// A verified claim cannot be represented within the bounds of an identity header.
    IdentityUnrepresentable,
    /// The token is valid, and lacks a scope that the route needs.
    ScopeMissing,
    /// The token is valid, and a claim is not what the route asks for.
    ClaimConditionUnmet,
    /// The issuer's keys cannot be had.
    KeysUnavailable,
    /// The issuer does not answer introspection requests, or not in a way that can be understood.
    IntrospectionUnavailable,
    /// No connection to the upstream could be made.
    UpstreamUnreachable,
    /// The upstream took too long.
    UpstreamTimeout,
    /// The upstream broke off, or answered with something that is not HTTP.
    UpstreamFailed,
    /// A fault of the gateway's own.
    Internal,
}

impl Reason {
    /// Every reason, in the order of declaration.
    pub const ALL: &[Self] = &[
        Self::RequestMalformed,
        Self::TargetTooLong,
        Self::HeadersTooLarge,
        Self::RequestTimeout,
        Self::LoopDetected,
        Self::MethodNotForwarded,
        Self::PathAmbiguous,
        Self::RouteNotFound,
        Self::MethodNotAllowed,
        Self::CredentialMissing,
        Self::CredentialMalformed,
        Self::CredentialRepeated,
        Self::CredentialTooLong,
        Self::TokenMalformed,
        Self::TokenUnsupported,
        Self::DecryptionFailed,
        Self::AlgorithmRefused,
        Self::CriticalHeaderUnknown,
        Self::TypeMismatch,
        Self::IssuerUnknown,
        Self::IssuerMismatch,
        Self::KeyUnknown,
        Self::SignatureInvalid,
        Self::ClaimsMalformed,
        Self::ClaimMissing,
        Self::ClaimMismatch,
        Self::ConfirmationMissing,
        Self::AudienceMismatch,
        Self::TokenExpired,
        Self::TokenNotYetValid,
        Self::LifetimeTooLong,
        Self::TokenInactive,
        Self::IdentityUnrepresentable,
        Self::ScopeMissing,
        Self::ClaimConditionUnmet,
        Self::KeysUnavailable,
        Self::IntrospectionUnavailable,
        Self::UpstreamUnreachable,
        Self::UpstreamTimeout,
        Self::UpstreamFailed,
        Self::Internal,
    ];

    /// The name for logs and metrics: the variant in `snake_case`.
    pub const fn name(self) -> &'static str {
        self.facts().0
    }

    /// What the client learns.
    pub const fn cause(self) -> Cause {
        self.facts().1
    }

    /// All that is known of a reason on one line, so that none can be added without saying everything.
    #[rustfmt::skip]
    const fn facts(self) -> (&'static str, Cause) {
        match self {
            Self::RequestMalformed => ("request_malformed", Cause::BadRequest),
            Self::TargetTooLong => ("target_too_long", Cause::TargetTooLong),
            Self::HeadersTooLarge => ("headers_too_large", Cause::HeadersTooLarge),
            Self::RequestTimeout => ("request_timeout", Cause::RequestTimeout),
            Self::LoopDetected => ("loop_detected", Cause::LoopDetected),
            Self::MethodNotForwarded => ("method_not_forwarded", Cause::MethodNotAllowed),
            Self::PathAmbiguous => ("path_ambiguous", Cause::BadRequest),
            Self::RouteNotFound => ("route_not_found", Cause::NoRoute),
            Self::MethodNotAllowed => ("method_not_allowed", Cause::MethodNotAllowed),
            Self::CredentialMissing => ("credential_missing", Cause::NoCredential),
            Self::CredentialMalformed => ("credential_malformed", Cause::InvalidRequest),
            Self::CredentialRepeated => ("credential_repeated", Cause::InvalidRequest),
            Self::CredentialTooLong => ("credential_too_long", Cause::InvalidRequest),
            Self::TokenMalformed => ("token_malformed", Cause::InvalidToken),
            Self::TokenUnsupported => ("token_unsupported", Cause::InvalidToken),
            Self::DecryptionFailed => ("decryption_failed", Cause::InvalidToken),
            Self::AlgorithmRefused => ("algorithm_refused", Cause::InvalidToken),
            Self::CriticalHeaderUnknown => ("critical_header_unknown", Cause::InvalidToken),
            Self::TypeMismatch => ("type_mismatch", Cause::InvalidToken),
            Self::IssuerUnknown => ("issuer_unknown", Cause::InvalidToken),
            Self::IssuerMismatch => ("issuer_mismatch", Cause::InvalidToken),
            Self::KeyUnknown => ("key_unknown", Cause::InvalidToken),
            Self::SignatureInvalid => ("signature_invalid", Cause::InvalidToken),
            Self::ClaimsMalformed => ("claims_malformed", Cause::InvalidToken),
            Self::ClaimMissing => ("claim_missing", Cause::InvalidToken),
            Self::ClaimMismatch => ("claim_mismatch", Cause::InvalidToken),
            Self::ConfirmationMissing => ("confirmation_missing", Cause::InvalidToken),
            Self::AudienceMismatch => ("audience_mismatch", Cause::InvalidToken),
            Self::TokenExpired => ("token_expired", Cause::InvalidToken),
            Self::TokenNotYetValid => ("token_not_yet_valid", Cause::InvalidToken),
            Self::LifetimeTooLong => ("lifetime_too_long", Cause::InvalidToken),
            Self::TokenInactive => ("token_inactive", Cause::InvalidToken),
            Self::IdentityUnrepresentable => ("identity_unrepresentable", Cause::InvalidToken),
            Self::ScopeMissing => ("scope_missing", Cause::InsufficientScope),
            Self::ClaimConditionUnmet => ("claim_condition_unmet", Cause::InsufficientScope),
            Self::KeysUnavailable => ("keys_unavailable", Cause::Unavailable),
            Self::IntrospectionUnavailable => ("introspection_unavailable", Cause::Unavailable),
            Self::UpstreamUnreachable => ("upstream_unreachable", Cause::UpstreamUnreachable),
            Self::UpstreamTimeout => ("upstream_timeout", Cause::UpstreamTimeout),
            Self::UpstreamFailed => ("upstream_failed", Cause::UpstreamUnreachable),
            Self::Internal => ("internal", Cause::Internal),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for Reason {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use http::StatusCode;

    use super::*;
    use crate::Check;

    #[test]
    fn the_lists_are_complete_and_in_order() {
        assert_eq!(Reason::ALL.len(), Reason::Internal as usize + 1);
        assert_eq!(Cause::ALL.len(), Cause::Internal as usize + 1);
        assert_eq!(Check::ALL.len(), Check::Internal as usize + 1);
        assert!(Reason::ALL.iter().enumerate().all(|(at, reason)| *reason as usize == at));
        assert!(Cause::ALL.iter().enumerate().all(|(at, cause)| *cause as usize == at));
        assert!(Check::ALL.iter().enumerate().all(|(at, check)| *check as usize == at));
    }

    #[test]
    fn names_are_the_variants_in_snake_case_and_unique() {
        for reason in Reason::ALL {
            assert_eq!(reason.name(), snake_case(&format!("{reason:?}")));
            assert_eq!(reason.name(), reason.to_string());
        }
        for check in Check::ALL {
            assert_eq!(check.name(), snake_case(&format!("{check:?}")));
            assert_eq!(check.name(), check.to_string());
        }
        let public: HashSet<_> = Cause::ALL.iter().map(|cause| cause.public_name()).collect();
        assert_eq!(public.len(), Cause::ALL.len());
    }

    #[test]
    fn every_cause_has_a_reason() {
        let causes: HashSet<_> = Reason::ALL.iter().map(|reason| reason.cause()).collect();
        assert_eq!(causes.len(), Cause::ALL.len());
    }

    #[test]
    fn unavailable_is_never_said_to_be_invalid() {
        for reason in [Reason::KeysUnavailable, Reason::IntrospectionUnavailable] {
            assert_eq!(reason.cause().status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(reason.cause().error_code(), None);
        }
    }

    #[test]
    fn descriptions_keep_to_the_characters_of_an_error_description() {
        for cause in Cause::ALL {
            assert!(cause.description().bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
        }
    }

    fn snake_case(variant: &str) -> String {
        let mut name = String::new();
        for letter in variant.chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }
}
