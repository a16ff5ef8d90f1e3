//! Common mistakes with each provider. Each can be seen and fixed in the configuration.

use bearward_core::AbsentAudience;
use bearward_gate::{IssuerSettings, TokenFormats};

use crate::Provider;
use crate::location::{Diagnostic, Located};
use crate::reader::Section;

/// Reports the provider's known mistakes that this issuer has.
pub(super) fn check(section: &Section<'_>, provider: &Located<Provider>, issuer: &IssuerSettings) {
    let reader = section.reader;
    let name = issuer.issuer.as_str();
    let introspection = issuer.introspection.as_ref();
    let warn = |key: &str, message: &str, hint: &str| {
        let location = if section.has(key) { section.location_of(key) } else { provider.location.clone() };
        reader.warning(&location, Diagnostic::new(message).hint(hint));
    };
    let no_endpoint = |who: &str| {
        if introspection.is_some_and(|introspection| introspection.url.is_none()) {
            let diagnostic = Diagnostic::new(format!("{who} has no introspection endpoint"));
            reader
                .error(&section.location_of("introspection").key(), diagnostic.hint("remove [issuers.introspection]"));
        }
    };
    match provider.value {
        Provider::Auth0 | Provider::Authentik if !name.ends_with('/') => {
            let hint = format!("did you mean `{name}/`?");
            warn("issuer", "this provider's issuers end with `/`, and `iss` is compared letter for letter", &hint);
        }
        Provider::BeyondIdentity => {
            let is_held = |claim: &str| issuer.required_claims.iter().any(|rule| rule.claim.to_string() == claim);
            if !is_held("/bi_t") || !is_held("/bi_r") {
                let hint = "add [[issuers.required_claims]] with claim = \"bi_t\", and with claim = \"bi_r\"";
                warn("issuer", "tokens should be checked for their tenant and realm", hint);
            }
            if introspection.is_some_and(|introspection| introspection.url.is_none()) {
                let hint = "set url = \"https://auth-us.beyondidentity.com/v1/tenants/TENANT/realms/REALM/introspect\"";
                warn("introspection", "the introspection endpoint belongs to the realm, not to the issuer", hint);
            }
        }
        Provider::Cognito => {
            no_endpoint("Cognito");
            if issuer.absent_audience == AbsentAudience::Refuse {
                let hint =
                    "name the clients with `absent_audience_clients`, or set it aside by asking for a `resource`";
                warn(
                    "issuer",
                    "Cognito's access tokens name no audience unless one is asked for, and are refused",
                    hint,
                );
            }
        }
        Provider::EntraId => {
            no_endpoint("Entra ID");
            let shared = ["common", "organizations", "consumers"];
            if name.split('/').any(|part| shared.contains(&part)) {
                let diagnostic = Diagnostic::new("this stands for many tenants, and no token has it in `iss`");
                let hint =
                    "name the tenant, or write {tenantid} in its place and bind it: [issuers.variable] claim = \"tid\"";
                reader.error(&section.location_of("issuer"), diagnostic.hint(hint));
            }
        }
        Provider::Keycloak => {
            // Keycloak answers `active: false` to a client that is not in `aud`.
            let client = introspection.map(|introspection| introspection.client_id.as_str());
            if let Some(client) = client.filter(|client| !client.is_empty()) {
                let known = issuer.audiences.iter().any(|audience| audience == client);
                if !known {
                    let hint = "give tokens this client by an audience mapper, and name it in `audiences` as well";
                    warn("introspection", "Keycloak answers a client only about tokens that have it in `aud`", hint);
                }
            }
        }
        Provider::GitHubActions | Provider::GitLab if issuer.required_claims.is_empty() => {
            let diagnostic =
                Diagnostic::new("every user with an account there can have such a token made for any audience");
            let claim = if provider.value == Provider::GitLab { "project_id" } else { "repository_id" };
            let hint = format!("add [[issuers.required_claims]] with claim = \"{claim}\" and equals = \"1234\"");
            reader.error(&provider.location, diagnostic.hint(hint));
        }
        // Those tokens are for Okta itself, and their form may change at any time.
        Provider::Okta if !name.contains("/oauth2/") && issuer.tokens != TokenFormats::Referential => {
            let diagnostic = Diagnostic::new("tokens of Okta's org authorization server are for Okta alone to read");
            let hint = "set tokens = \"referential\", or use a custom authorization server: \"https://example.okta.com/oauth2/default\"";
            reader.error(&section.location_of("issuer"), diagnostic.hint(hint));
        }
        Provider::OryHydra if introspection.is_some_and(|introspection| introspection.url.is_none()) => {
            let hint = "set `url` to /admin/oauth2/introspect there";
            warn("introspection", "Hydra introspects at its admin API, which its metadata does not name", hint);
        }
        _ => {}
    }
}
