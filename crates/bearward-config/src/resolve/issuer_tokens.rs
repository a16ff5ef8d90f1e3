//! The keys of `[[issuers]]` for its tokens: how they are recognised, and which claims hold what.

use std::time::Duration;

use bearward_core::{AbsentAudience, ClaimPointer, ClaimRule, Profile};

use super::claims;
use crate::location::{Diagnostic, values};
use crate::reader::Section;

const MINUTE: Duration = Duration::from_secs(60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// The rules for the tokens of one issuer.
pub(super) struct TokenRules {
    pub(super) profile: Profile,
    pub(super) absent_audience: AbsentAudience,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) required_claims: Vec<ClaimRule>,
    pub(super) scope_claims: Vec<ClaimPointer>,
    pub(super) client_id_claims: Vec<ClaimPointer>,
}

pub(super) fn tokens(section: &mut Section<'_>, audiences: &[String]) -> TokenRules {
    let profiles = [Profile::Rfc9068, Profile::Jwt].map(|profile| (profile.name(), profile));
    let profile = section.choice("profile", &profiles).map_or_else(Profile::default, |profile| profile.value);
    TokenRules {
        profile,
        absent_audience: absent_audience(section, audiences),
        max_lifetime: section.duration("max_lifetime", MINUTE..=YEAR).map(|most| most.value),
        required_claims: claims::rules(section, "required_claims"),
        scope_claims: pointers(section, "scope_claims"),
        client_id_claims: pointers(section, "client_id_claims"),
    }
}

/// An empty list means the default, so it must not be written.
fn pointers(section: &mut Section<'_>, key: &'static str) -> Vec<ClaimPointer> {
    section.refuse_empty(key, "leave it out for the default");
    values(section.list(key, claims::claim))
}

fn absent_audience(section: &mut Section<'_>, audiences: &[String]) -> AbsentAudience {
    const KEY: &str = "absent_audience_clients";
    section.refuse_empty(KEY, "leave it out to refuse tokens without `aud`");
    let Some(clients) = section.list(KEY, |text| Ok(text.to_owned())) else { return AbsentAudience::Refuse };
    // Clients are the audience of their ID tokens (OpenID Connect Core, 2).
    for client in clients.value.iter().filter(|client| audiences.contains(&client.value)) {
        let diagnostic =
            Diagnostic::new("this client is one of `audiences` too, and so are its ID tokens for this API");
        section.reader.warning(&client.location, diagnostic.hint("take it out of `audiences`"));
    }
    AbsentAudience::Clients(values(Some(clients)))
}
