//! `[issuers.introspection.client_credentials]`

use bearward_core::Scope;

use crate::location::{Located, Location, values};
use crate::reader::Section;
use crate::resolve::{scopes, urls};

/// The client credentials grant, without the authentication of the client.
pub(super) struct Grant {
    pub(super) location: Location,
    pub(super) token_url: Option<Located<String>>,
    pub(super) scopes: Vec<Scope>,
    pub(super) resources: Vec<String>,
}

pub(super) fn grant(mut section: Section<'_>) -> Grant {
    let grant = Grant {
        location: section.location.clone(),
        token_url: section.parsed("token_url", "a URL", urls::endpoint),
        scopes: values(section.list("scopes", scopes::scope)),
        resources: values(section.list("resources", urls::identifier)),
    };
    section.finish();
    grant
}
