//! What people get wrong with each provider is told, and what they got right is not.

use crate::provider::Provider;
use bearward_gate::TokenFormats;

use super::*;

const CLIENT: &str = "[issuers.introspection]\nclient_id = \"gateway\"\nclient_secret_env = \"SECRET\"\n";

const REPOSITORY: &str = "required_claims = [{ claim = \"repository_id\", equals = \"74\" }]\n";

/// The warnings, or the errors, as they are told.
fn told(issuer: &str) -> String {
    match read(issuer) {
        Ok(config) => config.warnings.iter().map(ToString::to_string).collect(),
        Err(problems) => problems.to_string(),
    }
}

fn issuer(provider: &str, name: &str, rest: &str) -> String {
    format!("provider = \"{provider}\"\nissuer = \"{name}\"\naudiences = [\"api\"]\n{rest}")
}

#[test]
fn what_goes_wrong_is_told_and_can_be_mended() {
    let realm = "https://sso.example.com/realms/one";
    let ory = "https://ory.example.com";
    let pool = "https://cognito-idp.eu-west-1.amazonaws.com/pool";
    let beyond = "https://auth-us.beyondidentity.com/v1/tenants/t/realms/r/applications/a";
    let bound = "required_claims = [{ claim = \"bi_t\", equals = \"t\" }, { claim = \"bi_r\", equals = \"r\" }]\n";
    let table = [
        (issuer("auth0", "https://example.auth0.com", ""), "end with `/`"),
        (issuer("auth0", "https://example.auth0.com/", ""), ""),
        (
            issuer("authentik", "https://a.example.com/application/o/b", ""),
            "did you mean `https://a.example.com/application/o/b/`?",
        ),
        (issuer("authentik", "https://a.example.com/application/o/b/", ""), ""),
        (issuer("beyond-identity", beyond, ""), "checked for their tenant and realm"),
        (issuer("beyond-identity", beyond, REPOSITORY), "checked for their tenant and realm"),
        (issuer("beyond-identity", beyond, bound), ""),
        (issuer("beyond-identity", beyond, &format!("{bound}{CLIENT}")), "belongs to the realm"),
        (issuer("cognito", pool, ""), "name no audience"),
        (issuer("cognito", pool, "absent_audience_clients = [\"app\"]\n"), ""),
        (
            issuer("cognito", pool, &format!("absent_audience_clients = [\"app\"]\n{CLIENT}")),
            "error: Cognito has no introspection",
        ),
        (issuer("entra-id", "https://login.microsoftonline.com/t/v2.0", ""), ""),
        (
            issuer("entra-id", "https://login.microsoftonline.com/common/v2.0", ""),
            "error: this stands for many tenants",
        ),
        (
            issuer("entra-id", "https://login.microsoftonline.com/t/v2.0", CLIENT),
            "error: Entra ID has no introspection",
        ),
        (issuer("fusionauth", "acme.com", ""), "error: "),
        (issuer("keycloak", realm, ""), ""),
        (issuer("keycloak", realm, CLIENT), "only about tokens that have it in `aud`"),
        (issuer("keycloak", realm, &CLIENT.replace("\"gateway\"", "\"api\"")), ""),
        (issuer("okta", "https://example.okta.com", ""), "error: tokens of Okta's org authorization server"),
        (issuer("okta", "https://example.okta.com/oauth2/default", ""), ""),
        (issuer("okta", "https://example.okta.com", &format!("tokens = \"referential\"\n{CLIENT}")), ""),
        (issuer("github-actions", "https://token.actions.githubusercontent.com", ""), "claim = \"repository_id\""),
        (issuer("github-actions", "https://token.actions.githubusercontent.com", REPOSITORY), ""),
        (issuer("gitlab", "https://gitlab.com", ""), "claim = \"project_id\""),
        (issuer("google", "https://accounts.google.com", ""), ""),
        (issuer("google", "https://accounts.google.com", "[issuers.introspection]\ncache_ttl = \"10s\"\n"), ""),
        (issuer("google", "https://accounts.google.com", CLIENT), "error: "),
        (issuer("kubernetes", "https://kubernetes.default.svc.cluster.local", ""), ""),
        (issuer("spiffe", "https://spire.example.com", ""), ""),
        (issuer("ory-hydra", ory, ""), ""),
        (issuer("ory-hydra", ory, CLIENT), "introspects at its admin API"),
        (issuer("ory-hydra", ory, &format!("{CLIENT}url = \"http://127.0.0.1:4445/admin/oauth2/introspect\"\n")), ""),
        (issuer("ping", "https://auth.pingone.eu/e/as", CLIENT), ""),
        (issuer("zitadel", "https://z.example.com", ""), "add [issuers.introspection]"),
        (issuer("zitadel", "https://z.example.com", CLIENT), ""),
        (issuer("keycloack", realm, ""), "did you mean `keycloak`?"),
    ];
    for (issuer, expected) in table {
        let told = told(&issuer);
        assert_eq!(told.is_empty(), expected.is_empty(), "{issuer}\n{told}");
        assert!(told.contains(expected), "{issuer}\n{told}");
    }
}

#[test]
fn a_preset_is_under_what_the_file_says_and_a_complaint_says_where_it_comes_from() {
    let settings = |rest: &str| {
        let rest = issuer("entra-id", "https://login.microsoftonline.com/t/v2.0", rest);
        let settings = config(&rest).gate.issuers.remove(0);
        (settings.profile.name(), settings.scope_claims.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(settings(""), ("jwt", vec!["/scp".to_owned(), "/roles".to_owned()]));
    let changed = settings("profile = \"rfc9068\"\nscope_claims = [\"permissions\"]\n");
    assert_eq!(changed, ("rfc9068", vec!["/permissions".to_owned()]));
    // A rule that must hold as well is one more, and not another.
    let pool = issuer("cognito", "https://cognito-idp.eu-west-1.amazonaws.com/pool", REPOSITORY);
    assert_eq!(config(&pool).gate.issuers.remove(0).required_claims.len(), 2);
    // Other issuers are not touched.
    let other = "issuer = \"https://a.example.com\"\naudiences = [\"api\"]\n";
    assert_eq!(config(other).gate.issuers.remove(0).profile.name(), "rfc9068");
}

#[test]
fn every_preset_is_read_and_is_reported() {
    for provider in Provider::ALL {
        let needs = match provider {
            Provider::GitHubActions | Provider::GitLab => REPOSITORY,
            Provider::Zitadel => CLIENT,
            _ => "",
        };
        let name = if provider == Provider::Google {
            "https://accounts.google.com"
        } else {
            "https://a.example.com/oauth2/a/"
        };
        let issuer = issuer(provider.name(), name, needs);
        let config = config(&issuer);
        let settings = config.gate.issuers.first().unwrap();
        // Nothing of a preset is lost: without it, these would be the defaults.
        let untouched = settings.profile.name() == "rfc9068" && settings.tokens == TokenFormats::Auto;
        assert!(!untouched, "{issuer}");
        assert!(crate::report(&config).contains(&format!("{}: a preset", provider.name())));
        let written = issuer.replace("provider =", &format!("{}#", provider.settings()));
        let written = read(&written).unwrap_or_else(|problems| panic!("{written}\n{problems}"));
        let [with, without] = [&config, &written].map(|config| format!("{:?}", config.gate));
        assert_eq!(with, without, "a preset is nothing but settings");
    }
}
