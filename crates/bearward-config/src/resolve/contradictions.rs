//! Settings of an issuer that contradict each other. The gate finds them; this module says where they are in the
//! configuration and what to do.

use bearward_gate::{Contradiction, IntrospectionKind, IssuerSettings, TokenFormats};

use super::introspection::{AuthMethod, example_url};
use crate::location::Diagnostic;
use crate::reader::Section;

/// Reports every contradiction in the settings of an issuer. `asked` is its introspection, if it has a readable one.
pub(super) fn check(section: &Section<'_>, asked: Option<&Section<'_>>, issuer: &IssuerSettings) {
    for contradiction in issuer.contradictions() {
        note(contradiction, section, asked);
    }
    warn_of_unasked_kubernetes(section, issuer);
}

fn note(contradiction: Contradiction, section: &Section<'_>, asked: Option<&Section<'_>>) {
    let reader = section.reader;
    match (contradiction, asked) {
        // An introspection that cannot be read is reported already.
        (Contradiction::TokensWithoutIntrospection(_), _) if section.has("introspection") => {}
        (Contradiction::TokensWithoutIntrospection(formats), _) => {
            let diagnostic = Diagnostic::new(format!(
                "`tokens = \"{}\"` needs introspection, and this issuer has none",
                formats.name()
            ));
            reader.error(&section.location_of("tokens"), diagnostic.hint("add [issuers.introspection]"));
        }
        (Contradiction::IntrospectionUnused, _) => {
            let diagnostic = Diagnostic::new("with `tokens = \"self-contained\"` the issuer is never asked");
            let hint =
                "remove [issuers.introspection], or set `tokens = \"both\"` to have the issuer confirm each token";
            reader.error(&section.location_of("introspection").key(), diagnostic.hint(hint));
        }
        (Contradiction::DecryptionKeysUnused, _) => {
            let diagnostic = Diagnostic::new("with `tokens = \"referential\"` the gateway decrypts no token");
            reader.error(&section.location_of("decryption_keys_file").key(), diagnostic.hint("remove it"));
        }
        (Contradiction::LifetimeUnknown(kind), _) => {
            let diagnostic =
                Diagnostic::new(format!("answers of the kind `{}` do not say how long a token lives", kind.name()));
            reader.error(&section.location_of("max_lifetime").key(), diagnostic.hint("remove it"));
        }
        (Contradiction::AnonymousIntrospection, Some(asked)) => {
            let diagnostic = AuthMethod::unknown();
            let hint = "an issuer that answers every caller lets every caller try tokens (RFC 7662, 4)";
            reader.error(&asked.location_of("auth"), diagnostic.hint(hint));
        }
        (Contradiction::Authentication(IntrospectionKind::KubernetesTokenReview), Some(asked)) => {
            asked.require("auth", "\"bearer\"");
            if asked.has("auth") {
                let diagnostic =
                    Diagnostic::new("the gateway authenticates to a Kubernetes API server with an access token");
                reader.error(&asked.location_of("auth"), diagnostic.did_you_mean(Some("bearer")));
            }
        }
        // One that cannot be read is reported already.
        (Contradiction::NoEndpoint(kind), Some(asked)) => asked.require("url", &format!("\"{}\"", example_url(kind))),
        (Contradiction::NeverSigned(kind), Some(asked)) => {
            let diagnostic = Diagnostic::new(format!(
                "`signed_response` means nothing with `kind = \"{}\"`: its answers are never signed",
                kind.name()
            ));
            reader.error(&asked.location_of("signed_response").key(), diagnostic);
        }
        // No file can contain another today, but what the gate refuses must be reported before the gate is built.
        (other, asked) => reader.error(asked.map_or(&section.location, |asked| &asked.location), other.to_string()),
    }
}

/// With `auto`, the gate asks about referential tokens, so this is no contradiction; but Kubernetes issues none.
fn warn_of_unasked_kubernetes(section: &Section<'_>, issuer: &IssuerSettings) {
    let kind = issuer.introspection.as_ref().map(|asked| asked.kind);
    if kind == Some(IntrospectionKind::KubernetesTokenReview) && issuer.tokens == TokenFormats::Auto {
        let diagnostic =
            Diagnostic::new("Kubernetes' tokens are self-contained, so the issuer is never asked about them");
        let hint = "set `tokens = \"referential\"`, or \"both\" where the keys can be had, in [[issuers]]";
        section.reader.warning(&section.location_of("introspection").key(), diagnostic.hint(hint));
    }
}
