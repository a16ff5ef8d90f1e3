//! Contradictory settings of an issuer: two that cannot work together, or one that would never be used.
//!
//! This is the only list of them. The gate is not built from such settings, and the reader of a configuration file adds their
//! place in the file.

use super::{IntrospectionKind, IntrospectionSettings, IssuerSettings, SignedResponse, TokenFormats};
use crate::secrets::IntrospectionAuth;

/// Two settings of an issuer that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// Tokens of these formats have to be introspected, and no introspection is configured.
    #[error("`{}` tokens need introspection, and none is configured", .0.name())]
    TokensWithoutIntrospection(TokenFormats),
    /// Only self-contained tokens are accepted, so introspection would never be used.
    #[error("its tokens are `self-contained`, so its introspection would never be used")]
    IntrospectionUnused,
    /// Every token is introspected, so none would ever be decrypted.
    #[error("its tokens are `referential`, so its decryption keys would never be used")]
    DecryptionKeysUnused,
    /// An introspection endpoint must authenticate its clients (RFC 7662, 4).
    #[error("introspection without authentication: an endpoint that allows it lets attackers try tokens (RFC 7662, 4)")]
    AnonymousIntrospection,
    /// This kind of introspection needs another authentication method.
    #[error("introspection of the kind `{}` needs another authentication method", .0.name())]
    Authentication(IntrospectionKind),
    /// No metadata names the endpoint of this kind of introspection.
    #[error("introspection of the kind `{}` needs a configured URL, because no metadata names its endpoint", .0.name())]
    NoEndpoint(IntrospectionKind),
    /// Answers of this kind of introspection are never signed.
    #[error("introspection of the kind `{}` never has signed answers", .0.name())]
    NeverSigned(IntrospectionKind),
    /// Answers of this kind of introspection do not say when a token was issued, so its lifetime cannot be checked.
    #[error("introspection of the kind `{}` cannot enforce a maximum lifetime: its answers do not say when a token was issued", .0.name())]
    LifetimeUnknown(IntrospectionKind),
}

impl IssuerSettings {
    /// Every contradiction in these settings.
    #[must_use]
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let asked = self.introspection.as_ref();
        let formats = match (self.tokens, asked.is_some()) {
            (TokenFormats::Referential | TokenFormats::Both, false) => {
                Some(Contradiction::TokensWithoutIntrospection(self.tokens))
            }
            (TokenFormats::SelfContained, true) => Some(Contradiction::IntrospectionUnused),
            (TokenFormats::Referential, true) if self.decryption_keys.is_some() => {
                Some(Contradiction::DecryptionKeysUnused)
            }
            _ => None,
        };
        let lifetime = asked.map(|asked| asked.kind).filter(|kind| {
            *kind != IntrospectionKind::Rfc7662 && self.max_lifetime.is_some() && self.tokens != TokenFormats::Both
        });
        let lifetime = lifetime.map(Contradiction::LifetimeUnknown);
        let introspection = asked.into_iter().flat_map(IntrospectionSettings::contradictions);
        formats.into_iter().chain(introspection).chain(lifetime).collect()
    }
}

impl IntrospectionSettings {
    /// What contradicts the kind, all of it.
    fn contradictions(&self) -> Vec<Contradiction> {
        let (kind, is_anonymous) = (self.kind, matches!(self.auth, IntrospectionAuth::Anonymous));
        let fits = match kind {
            IntrospectionKind::Rfc7662 if is_anonymous => return vec![Contradiction::AnonymousIntrospection],
            IntrospectionKind::Rfc7662 => return Vec::new(),
            IntrospectionKind::KubernetesTokenReview => matches!(self.auth, IntrospectionAuth::Bearer(_)),
            IntrospectionKind::GoogleTokeninfo => is_anonymous,
        };
        let authentication = (!fits).then_some(Contradiction::Authentication(kind));
        let endpoint = self.url.is_none().then_some(Contradiction::NoEndpoint(kind));
        let signed = match self.signed_response {
            SignedResponse::Accept | SignedResponse::Require => Some(Contradiction::NeverSigned(kind)),
            SignedResponse::Never => None,
        };
        [authentication, endpoint, signed].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::time::Duration;

    use Contradiction as C;
    use IntrospectionKind::{GoogleTokeninfo, KubernetesTokenReview, Rfc7662};
    use TokenFormats::{Auto, Both, Referential, SelfContained};

    use super::*;
    use crate::secrets::{ClientAuth, Credentials, DecryptionKeySource, Secret};

    fn secret(text: &str) -> Secret {
        Secret::from_text(text.to_owned())
    }

    fn issuer(tokens: TokenFormats, introspection: Option<IntrospectionSettings>) -> IssuerSettings {
        IssuerSettings {
            tokens,
            introspection,
            ..IssuerSettings::new("https://auth.example.com", vec!["api".to_owned()])
        }
    }

    fn asked(kind: IntrospectionKind, auth: impl Into<IntrospectionAuth>) -> IntrospectionSettings {
        let url = Some("https://auth.example.com/introspect".to_owned());
        IntrospectionSettings { kind, url, ..IntrospectionSettings::new("gateway", auth) }
    }

    fn basic() -> ClientAuth {
        ClientAuth::Basic(secret("s3cr3t"))
    }

    #[test]
    fn formats_and_introspection_go_together() {
        let asked = || Some(asked(Rfc7662, basic()));
        for (tokens, introspection, expected) in [
            (Auto, None, vec![]),
            (SelfContained, None, vec![]),
            (Referential, None, vec![C::TokensWithoutIntrospection(Referential)]),
            (Both, None, vec![C::TokensWithoutIntrospection(Both)]),
            (Auto, asked(), vec![]),
            (SelfContained, asked(), vec![C::IntrospectionUnused]),
            (Referential, asked(), vec![]),
            (Both, asked(), vec![]),
        ] {
            assert_eq!(issuer(tokens, introspection).contradictions(), expected, "{tokens:?}");
        }
        let key = r#"{"kty":"oct","kid":"k1","alg":"A256GCM","k":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk"}"#;
        for (tokens, expected) in [(Referential, vec![C::DecryptionKeysUnused]), (Both, vec![]), (Auto, vec![])] {
            let mut issuer = issuer(tokens, asked());
            issuer.decryption_keys = Some(DecryptionKeySource::new(secret(key)).unwrap());
            assert_eq!(issuer.contradictions(), expected, "{tokens:?}");
        }
    }

    #[test]
    fn each_kind_has_its_own_authentication_and_no_other() {
        let bearer = || IntrospectionAuth::Bearer(Credentials::bearer(secret("own")).unwrap());
        for (kind, auth, expected) in [
            (Rfc7662, basic().into(), None),
            (Rfc7662, bearer(), None),
            (Rfc7662, IntrospectionAuth::Anonymous, Some(C::AnonymousIntrospection)),
            (KubernetesTokenReview, bearer(), None),
            (KubernetesTokenReview, basic().into(), Some(C::Authentication(KubernetesTokenReview))),
            (KubernetesTokenReview, IntrospectionAuth::Anonymous, Some(C::Authentication(KubernetesTokenReview))),
            (GoogleTokeninfo, IntrospectionAuth::Anonymous, None),
            (GoogleTokeninfo, basic().into(), Some(C::Authentication(GoogleTokeninfo))),
            (GoogleTokeninfo, bearer(), Some(C::Authentication(GoogleTokeninfo))),
        ] {
            let found = issuer(Auto, Some(asked(kind, auth))).contradictions();
            assert_eq!(found, Vec::from_iter(expected), "{kind:?}");
        }
    }

    #[test]
    fn what_other_kinds_do_not_know_is_not_asked_of_them() {
        let known = || asked(Rfc7662, basic());
        let google = || asked(GoogleTokeninfo, IntrospectionAuth::Anonymous);
        for (introspection, expected) in [
            (IntrospectionSettings { url: None, ..known() }, None),
            (IntrospectionSettings { url: None, ..google() }, Some(C::NoEndpoint(GoogleTokeninfo))),
            (IntrospectionSettings { signed_response: SignedResponse::Require, ..known() }, None),
            (
                IntrospectionSettings { signed_response: SignedResponse::Accept, ..google() },
                Some(C::NeverSigned(GoogleTokeninfo)),
            ),
            (
                IntrospectionSettings { signed_response: SignedResponse::Require, ..google() },
                Some(C::NeverSigned(GoogleTokeninfo)),
            ),
        ] {
            assert_eq!(issuer(Auto, Some(introspection)).contradictions(), Vec::from_iter(expected));
        }
        for (tokens, introspection, expected) in [
            (Auto, known(), None),
            (Auto, google(), Some(C::LifetimeUnknown(GoogleTokeninfo))),
            // The token says itself how long it lives.
            (Both, google(), None),
        ] {
            let mut issuer = issuer(tokens, Some(introspection));
            issuer.max_lifetime = Some(Duration::from_secs(3_600));
            assert_eq!(issuer.contradictions(), Vec::from_iter(expected), "{tokens:?}");
        }
    }
}
