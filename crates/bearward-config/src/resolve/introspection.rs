//! `[issuers.introspection]`

mod auth;
mod client_credentials;
mod keys;
mod kind;
mod method;

use bearward_gate::{ClientAuth, IntrospectionKind, IntrospectionSettings, Secret, SignedResponse, bounds};

use self::method::Method;
use super::urls;
use crate::place::Complaint;
use crate::reader::Section;

/// How the issuer of that name is asked. `has_clients`: whether clients are named that stand for an absent audience.
pub(super) fn introspection(
    mut section: Section<'_>,
    issuer: Option<&str>,
    has_clients: bool,
) -> IntrospectionSettings {
    let kind = kind::kind(&mut section);
    let url = section.parsed("url", "a URL", urls::endpoint);
    let client_id = section.string("client_id");
    let method = section.parsed("auth", "a string", Method::parse);
    let has_own_token = method.as_ref().is_some_and(|method| method.value == Method::Bearer);
    let auth = match kind {
        IntrospectionKind::Rfc7662 => auth::auth(&mut section, method, url.as_ref()),
        _ => kind::auth(&mut section, kind, method),
    };
    let url = kind::url(&section, kind, issuer, url.as_ref());
    let bare_answers = section.boolean("bare_answers");
    if let Some(bare) = bare_answers.as_ref().filter(|bare| bare.value && !has_clients) {
        let complaint = Complaint::new("an answer without `aud` is for no audience, unless its client is known");
        let hint = "name the clients with `absent_audience_clients` in [[issuers]]";
        section.reading.error(&bare.place, complaint.hint(hint));
    }
    let signed_responses =
        [("never", SignedResponse::Never), ("accept", SignedResponse::Accept), ("require", SignedResponse::Require)];
    let signed_response = section.choice("signed_response", &signed_responses);
    let signed_response = signed_response.map_or_else(SignedResponse::default, |signed| signed.value);
    let cache_ttl = section.duration("cache_ttl", bounds::CACHE_TTL);
    let negative_ttl = section.duration("negative_ttl", bounds::CACHE_TTL);
    let timeout = section.duration("timeout", bounds::TIMEOUT);
    let max_concurrent = section.integer("max_concurrent", 1..=10_000);
    let breaker_failures = section.integer("breaker_failures", 1..=1_000);
    let breaker_pause = section.duration("breaker_pause", bounds::BREAKER_PAUSE);

    // An access token says itself who asks. Only a signed answer, which is made for one client, needs the name then.
    let nameless = kind != IntrospectionKind::Rfc7662 || has_own_token && signed_response == SignedResponse::Never;
    if !section.has("client_id") && !nameless {
        section.missing("client_id", "\"orders-gateway\"");
    }
    section.finish();
    let client_id = client_id.map(|id| id.value).unwrap_or_default();
    let auth = auth.unwrap_or_else(|| ClientAuth::Basic(Secret::from_text(String::new())).into());
    let defaults = IntrospectionSettings::new(client_id, auth);
    let max_concurrent = max_concurrent.and_then(|most| usize::try_from(most.value).ok());
    let breaker_failures = breaker_failures.and_then(|most| u32::try_from(most.value).ok());
    IntrospectionSettings {
        kind,
        url,
        bare_answers: bare_answers.map_or(defaults.bare_answers, |bare| bare.value),
        signed_response,
        cache_ttl: cache_ttl.map_or(defaults.cache_ttl, |ttl| ttl.value),
        negative_ttl: negative_ttl.map_or(defaults.negative_ttl, |ttl| ttl.value),
        max_concurrent: max_concurrent.unwrap_or(defaults.max_concurrent),
        timeout: timeout.map_or(defaults.timeout, |timeout| timeout.value),
        breaker_failures: breaker_failures.unwrap_or(defaults.breaker_failures),
        breaker_pause: breaker_pause.map_or(defaults.breaker_pause, |pause| pause.value),
        ..defaults
    }
}
