//! `kind`: what is asked about a token, and what that leaves to be configured.

use bearward_gate::{IntrospectionAuth, IntrospectionKind};

use super::auth;
use super::method::Method;
use crate::place::{At, Complaint};
use crate::reader::Section;

/// Where Google's endpoint is. It is in no metadata.
const GOOGLE: (&str, &str) = ("https://accounts.google.com", "https://oauth2.googleapis.com/tokeninfo");

/// Keys that mean something to issuers that know clients.
const OF_CLIENTS: [&str; 15] = [
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
    "signed_response",
    "bare_answers",
];

pub(super) fn kind(section: &mut Section<'_>) -> IntrospectionKind {
    let kinds = IntrospectionKind::ALL.map(|kind| (kind.name(), kind));
    section.choice("kind", &kinds).map_or_else(IntrospectionKind::default, |kind| kind.value)
}

/// The endpoint, where it is not left to the metadata; noted where it has to be configured and is not.
pub(super) fn url(
    section: &Section<'_>,
    kind: IntrospectionKind,
    issuer: Option<&str>,
    url: Option<&At<String>>,
) -> Option<String> {
    if let Some(url) = url {
        return Some(url.value.clone());
    }
    let example = match kind {
        IntrospectionKind::Rfc7662 => return None,
        IntrospectionKind::GoogleTokeninfo if issuer == Some(GOOGLE.0) => return Some(GOOGLE.1.to_owned()),
        IntrospectionKind::GoogleTokeninfo => GOOGLE.1,
        IntrospectionKind::KubernetesTokenReview => {
            "https://kubernetes.default.svc/apis/authentication.k8s.io/v1/tokenreviews"
        }
    };
    if !section.has("url") {
        section.missing("url", &format!("\"{example}\""));
    }
    None
}

/// How the gateway shows itself where clients mean nothing. `None` where that cannot be read, which is noted.
pub(super) fn auth(
    section: &mut Section<'_>,
    kind: IntrospectionKind,
    method: Option<At<Method>>,
) -> Option<IntrospectionAuth> {
    let shows_token = kind == IntrospectionKind::KubernetesTokenReview;
    for key in OF_CLIENTS {
        if !(shows_token && ["auth", "bearer_token_file"].contains(&key)) {
            section.refuse(key, || Complaint::new(format!("`{key}` means nothing with `kind = \"{}\"`", kind.name())));
        }
    }
    if !shows_token {
        return Some(IntrospectionAuth::Anonymous);
    }
    match method {
        Some(method) if method.value == Method::Bearer => auth::auth(section, Some(method), None),
        Some(method) => {
            let complaint = Complaint::new("a Kubernetes API server is shown an access token");
            section.reading.error(&method.place, complaint.did_you_mean(Some("bearer")));
            None
        }
        None if section.has("auth") => None,
        None => {
            section.missing("auth", "\"bearer\"");
            None
        }
    }
}
