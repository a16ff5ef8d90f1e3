//! `kind`: which protocol is used to ask about a token, and which keys it needs.

use bearward_gate::{ClientAuth, Credentials, IntrospectionAuth, IntrospectionKind, Secret};

use super::auth;
use super::auth_method::AuthMethod;
use crate::location::{Diagnostic, Located};
use crate::reader::Section;

/// Google's issuer identifier and endpoint. No metadata names the endpoint.
const GOOGLE: (&str, &str) = ("https://accounts.google.com", "https://oauth2.googleapis.com/tokeninfo");

/// Keys that only have a meaning for endpoints that know clients.
const OF_CLIENTS: [&str; 14] = [
    "client_id",
    "auth",
    "client_secret_file",
    "client_secret_env",
    "private_key_file",
    "key_id",
    "algorithm",
    "assertion_audience",
    "certificate_file",
    "certificate_key_file",
    "client_assertion_file",
    "bearer_token_file",
    "client_credentials",
    "bare_answers",
];

/// `None` if it cannot be read, which is reported.
pub(super) fn kind(section: &mut Section<'_>) -> Option<IntrospectionKind> {
    let kinds = IntrospectionKind::ALL.map(|kind| (kind.name(), kind));
    match section.choice("kind", &kinds) {
        None if section.has("kind") => None,
        kind => Some(kind.map_or_else(IntrospectionKind::default, |kind| kind.value)),
    }
}

/// The endpoint that is known without metadata: that of Google itself.
pub(super) fn default_url(section: &Section<'_>, kind: IntrospectionKind, issuer: Option<&str>) -> Option<String> {
    let is_google = kind == IntrospectionKind::GoogleTokeninfo && issuer == Some(GOOGLE.0) && !section.has("url");
    is_google.then(|| GOOGLE.1.to_owned())
}

/// An endpoint of a kind, as an example.
pub(in crate::resolve) fn example_url(kind: IntrospectionKind) -> &'static str {
    match kind {
        IntrospectionKind::GoogleTokeninfo => GOOGLE.1,
        IntrospectionKind::KubernetesTokenReview => {
            "https://kubernetes.default.svc/apis/authentication.k8s.io/v1/tokenreviews"
        }
        _ => "https://auth.example.com/introspect",
    }
}

/// How the gateway authenticates itself to an endpoint that knows no clients. `None` if that cannot be read, which is
/// reported.
pub(super) fn auth(
    section: &mut Section<'_>,
    kind: IntrospectionKind,
    method: Option<Located<AuthMethod>>,
) -> Option<IntrospectionAuth> {
    let shows_token = kind == IntrospectionKind::KubernetesTokenReview;
    for key in OF_CLIENTS {
        if !(shows_token && ["auth", "bearer_token_file"].contains(&key)) {
            section.refuse(key, || Diagnostic::new(format!("`{key}` means nothing with `kind = \"{}\"`", kind.name())));
        }
    }
    if !shows_token {
        return Some(IntrospectionAuth::Anonymous);
    }
    match method {
        Some(method) if method.value == AuthMethod::Bearer => auth::auth(section, Some(method), None),
        None if section.has("auth") => None,
        // The gate refuses every other method for this kind, including the default.
        _ => {
            section.mark_known("bearer_token_file");
            Some(stand_in(IntrospectionKind::Rfc7662))
        }
    }
}

/// Skips the keys of authentication: their meaning depends on a kind that cannot be read.
pub(super) fn skip_auth(section: &mut Section<'_>) -> Option<IntrospectionAuth> {
    OF_CLIENTS.into_iter().for_each(|key| section.mark_known(key));
    None
}

/// A placeholder that fits the kind, for authentication that cannot be read.
pub(super) fn stand_in(kind: IntrospectionKind) -> IntrospectionAuth {
    let secret = Secret::from_text("unread".to_owned());
    match kind {
        IntrospectionKind::GoogleTokeninfo => IntrospectionAuth::Anonymous,
        IntrospectionKind::KubernetesTokenReview => match Credentials::bearer(secret) {
            Ok(token) => IntrospectionAuth::Bearer(token),
            Err(_) => IntrospectionAuth::Anonymous, // never: the text above is one word
        },
        _ => ClientAuth::Basic(secret).into(),
    }
}
