//! `[issuers.introspection]`

mod auth;
mod client_credentials;
mod keys;
mod method;

use std::time::Duration;

use bearward_gate::{ClientAuth, IntrospectionSettings, Secret, SignedResponse};

use self::method::Method;
use super::urls;
use crate::reader::Section;

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn introspection(mut section: Section<'_>) -> IntrospectionSettings {
    let url = section.parsed("url", "a URL", urls::endpoint);
    let client_id = section.string("client_id");
    let method = section.parsed("auth", "a string", Method::parse);
    let has_own_token = method.as_ref().is_some_and(|method| method.value == Method::Bearer);
    let auth = auth::auth(&mut section, method, url.as_ref());
    let signed_responses =
        [("never", SignedResponse::Never), ("accept", SignedResponse::Accept), ("require", SignedResponse::Require)];
    let signed_response = section.choice("signed_response", &signed_responses);
    let signed_response = signed_response.map_or_else(SignedResponse::default, |signed| signed.value);
    let cache_ttl = section.duration("cache_ttl", Duration::ZERO..=3_600 * SECOND);
    let negative_ttl = section.duration("negative_ttl", Duration::ZERO..=3_600 * SECOND);
    let timeout = section.duration("timeout", SECOND / 10..=60 * SECOND);
    let max_concurrent = section.integer("max_concurrent", 1..=10_000);

    // An access token says itself who asks. Only a signed answer, which is made for one client, needs the name then.
    let nameless = has_own_token && signed_response == SignedResponse::Never;
    if !section.has("client_id") && !nameless {
        section.missing("client_id", "\"orders-gateway\"");
    }
    section.finish();
    let client_id = client_id.map(|id| id.value).unwrap_or_default();
    let auth = auth.unwrap_or_else(|| ClientAuth::Basic(Secret::from_text(String::new())).into());
    IntrospectionSettings {
        url: url.map(|url| url.value),
        signed_response,
        cache_ttl: cache_ttl.map_or(60 * SECOND, |ttl| ttl.value),
        negative_ttl: negative_ttl.map_or(10 * SECOND, |ttl| ttl.value),
        max_concurrent: max_concurrent.and_then(|most| usize::try_from(most.value).ok()).unwrap_or(64),
        timeout: timeout.map_or(5 * SECOND, |timeout| timeout.value),
        ..IntrospectionSettings::new(client_id, auth)
    }
}
