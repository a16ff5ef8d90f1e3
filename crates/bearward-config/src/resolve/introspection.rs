//! `[issuers.introspection]`

mod auth;
mod auth_method;
mod client_credentials;
mod keys;
mod kind;

use bearward_gate::{IntrospectionKind, IntrospectionSettings, SignedResponse, bounds};

pub(super) use self::auth_method::AuthMethod;
pub(super) use self::kind::example_url;
use super::urls;
use crate::location::Diagnostic;
use crate::reader::Section;

/// How the gateway asks the issuer of that name. `has_clients`: whether `absent_audience_clients` is set.
pub(super) fn introspection(
    section: &mut Section<'_>,
    issuer: Option<&str>,
    has_clients: bool,
) -> IntrospectionSettings {
    let kind = kind::kind(section);
    let url = section.parsed("url", "a URL", urls::endpoint);
    let client_id = section.string("client_id");
    let method = section.parsed("auth", "a string", AuthMethod::parse);
    let has_own_token = method.as_ref().is_some_and(|method| method.value == AuthMethod::Bearer);
    let auth = match kind {
        None => kind::skip_auth(section),
        Some(IntrospectionKind::Rfc7662) => auth::auth(section, method, url.as_ref()),
        Some(kind) => kind::auth(section, kind, method),
    };
    // The keys that an unknown kind needs are unknown too.
    let needs_client = kind == Some(IntrospectionKind::Rfc7662);
    let kind = kind.unwrap_or_default();
    let url = url.map(|url| url.value).or_else(|| kind::default_url(section, kind, issuer));
    let bare_answers = section.boolean("bare_answers");
    if let Some(bare) = bare_answers.as_ref().filter(|bare| bare.value && !has_clients) {
        let diagnostic = Diagnostic::new("an answer without `aud` is for no audience, unless its client is known");
        let hint = "name the clients with `absent_audience_clients` in [[issuers]]";
        section.reader.error(&bare.location, diagnostic.hint(hint));
    }
    let signed_responses = SignedResponse::ALL.map(|signed| (signed.name(), signed));
    let signed_response = section.choice("signed_response", &signed_responses);
    let signed_response = signed_response.map_or_else(SignedResponse::default, |signed| signed.value);
    let cache_ttl = section.duration("cache_ttl", bounds::CACHE_TTL);
    let negative_ttl = section.duration("negative_ttl", bounds::CACHE_TTL);
    let timeout = section.duration("timeout", bounds::TIMEOUT);
    let max_concurrent = section.integer("max_concurrent", 1..=10_000);
    let breaker_failures = section.integer("breaker_failures", 1..=1_000);
    let breaker_pause = section.duration("breaker_pause", bounds::BREAKER_PAUSE);

    // An access token identifies the client. Only a signed answer, whose audience is the client, needs `client_id` then.
    let names_client = has_own_token && signed_response == SignedResponse::Never;
    if needs_client && !names_client {
        section.require("client_id", "\"orders-gateway\"");
    }
    let client_id = client_id.map(|id| id.value).unwrap_or_default();
    let auth = auth.unwrap_or_else(|| kind::stand_in(kind));
    let max_concurrent = max_concurrent.and_then(|most| usize::try_from(most.value).ok());
    let breaker_failures = breaker_failures.and_then(|most| u32::try_from(most.value).ok());
    let mut settings = IntrospectionSettings::new(client_id, auth);
    settings.kind = kind;
    settings.url = url;
    settings.bare_answers = bare_answers.map_or(settings.bare_answers, |bare| bare.value);
    settings.signed_response = signed_response;
    settings.cache_ttl = cache_ttl.map_or(settings.cache_ttl, |ttl| ttl.value);
    settings.negative_ttl = negative_ttl.map_or(settings.negative_ttl, |ttl| ttl.value);
    settings.max_concurrent = max_concurrent.unwrap_or(settings.max_concurrent);
    settings.timeout = timeout.map_or(settings.timeout, |timeout| timeout.value);
    settings.breaker_failures = breaker_failures.unwrap_or(settings.breaker_failures);
    settings.breaker_pause = breaker_pause.map_or(settings.breaker_pause, |pause| pause.value);
    settings
}
