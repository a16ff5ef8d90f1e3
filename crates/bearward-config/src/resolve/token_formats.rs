//! `tokens`: who can say what an issuer's tokens mean, and what must then be configured.

use bearward_gate::{IntrospectionKind, IssuerSettings, TokenFormats};

use crate::place::Complaint;
use crate::reader::Section;

const KEY: &str = "tokens";

pub(super) fn formats(section: &mut Section<'_>) -> TokenFormats {
    let choices = TokenFormats::ALL.map(|formats| (formats.name(), formats));
    section.choice(KEY, &choices).map_or_else(TokenFormats::default, |formats| formats.value)
}

/// Notes what contradicts the formats, or is in vain with them.
pub(super) fn check(section: &Section<'_>, issuer: &IssuerSettings) {
    let reading = section.reading;
    let name = issuer.tokens.name();
    match (issuer.tokens, section.has("introspection")) {
        (TokenFormats::Referential | TokenFormats::Both, false) => {
            let complaint = Complaint::new(format!(
                "tokens that are `{name}` are asked about, and there is no introspection to ask"
            ));
            reading.error(&section.place_of(KEY), complaint.hint("add [issuers.introspection]"));
        }
        (TokenFormats::SelfContained, true) => {
            let complaint = Complaint::new(format!("`tokens = \"{name}\"`, so the issuer would never be asked"));
            let hint = "remove the section, or have the issuer confirm each token with `tokens = \"both\"`";
            reading.error(&section.place_of("introspection").key(), complaint.hint(hint));
        }
        (TokenFormats::Referential, _) if section.has("decryption_keys_file") => {
            let complaint = Complaint::new(format!("`tokens = \"{name}\"`, so no token is ever decrypted here"));
            reading.error(&section.place_of("decryption_keys_file").key(), complaint.hint("remove it"));
        }
        _ => {}
    }
    let Some(asked) = &issuer.introspection else { return };
    if asked.kind == IntrospectionKind::KubernetesTokenReview && issuer.tokens == TokenFormats::Auto {
        let complaint =
            Complaint::new("Kubernetes' tokens are self-contained, so the issuer would never be asked about them");
        let hint = "set `tokens = \"referential\"`, or \"both\" where the keys can be had, in [[issuers]]";
        reading.warning(&section.place_of("introspection").key(), complaint.hint(hint));
    }
    if asked.kind != IntrospectionKind::Rfc7662 && issuer.max_lifetime.is_some() && issuer.tokens != TokenFormats::Both
    {
        let complaint =
            Complaint::new(format!("answers of the kind `{}` do not say how long a token lives", asked.kind.name()));
        reading.error(&section.place_of("max_lifetime").key(), complaint.hint("remove it"));
    }
}
