//! The issuers in the output of `bearward check`.

use bearward_core::{AbsentAudience, ClaimPointer, IssuerVariable, Profile};
use bearward_gate::{
    ClientAuth, IntrospectionAuth, IntrospectionKind, IntrospectionSettings, IssuerSettings, KeySource, SignedResponse,
    TokenFormats,
};

use super::claim_rules;
use crate::table::table;
use crate::units::format_duration;
use crate::{Config, Provider};

/// What the tokens of each issuer must satisfy, and whether the gateway asks about them.
pub(super) fn issuers(config: &Config) -> String {
    let issuers = &config.gate.issuers;
    if issuers.is_empty() {
        return "none: no token is accepted".to_owned();
    }
    let provider = |issuer: &IssuerSettings| {
        config.providers.iter().find(|(name, _)| *name == issuer.issuer).map(|(_, provider)| *provider)
    };
    issuers.iter().map(|settings| issuer(settings, provider(settings))).collect()
}

fn issuer(issuer: &IssuerSettings, provider: Option<Provider>) -> String {
    let algorithms: Vec<&str> = issuer.algorithms.iter().map(|algorithm| algorithm.name()).collect();
    let mut rows = Vec::new();
    if let Some(provider) = provider {
        rows.push(("provider", format!("{}: a preset, whose settings are among these", provider.name())));
    }
    if let Some(variable) = &issuer.variable {
        rows.push(("variable", bound(variable)));
    }
    if issuer.tokens != TokenFormats::Auto {
        rows.push(("tokens", tokens(issuer.tokens)));
    }
    rows.extend([("profile", profile(issuer.profile)), ("audiences", issuer.audiences.join(" "))]);
    if let AbsentAudience::Clients(clients) = &issuer.absent_audience {
        rows.push(("no audience", format!("accepted in tokens of the clients {}", clients.join(" "))));
    }
    if let Some(most) = issuer.max_lifetime {
        rows.push(("lifetime", format!("at most {}", format_duration(most))));
    }
    if !issuer.required_claims.is_empty() {
        rows.push(("claims", claim_rules(&issuer.required_claims)));
    }
    for (name, claims) in [("scopes in", &issuer.scope_claims), ("client id in", &issuer.client_id_claims)] {
        if !claims.is_empty() {
            rows.push((name, claims.iter().map(ClaimPointer::to_string).collect::<Vec<_>>().join(" ")));
        }
    }
    rows.push(("algorithms", algorithms.join(" ")));
    rows.push(("keys", keys(issuer)));
    if issuer.roots.is_some() {
        rows.push(("trust", "the authorities of ca_file alone, where the gateway connects to it".to_owned()));
    }
    if issuer.decryption_keys.is_some() {
        rows.push(("encryption", "tokens that are encrypted to the gateway's own keys are decrypted here".to_owned()));
    }
    rows.push(("introspection", introspection(issuer.introspection.as_ref())));
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| [format!("  {name}"), value]).collect();
    format!("{}\n{}", issuer.issuer, table(&rows))
}

fn bound(variable: &IssuerVariable) -> String {
    let claim = variable.claim.as_ref().map(|claim| format!("what {claim} says"));
    let one_of = (!variable.one_of.is_empty()).then(|| format!("one of {}", variable.one_of.join(" ")));
    claim.into_iter().chain(one_of).collect::<Vec<_>>().join(", and ")
}

fn keys(issuer: &IssuerSettings) -> String {
    if !issuer.needs_keys() {
        return "none are needed".to_owned();
    }
    match (&issuer.keys, &issuer.discovery_url) {
        (KeySource::Metadata, None) => "from the issuer's metadata".to_owned(),
        (KeySource::Metadata, Some(url)) => format!("from the issuer's metadata at {url}"),
        (KeySource::Url(url), _) => url.clone(),
        (KeySource::File(path), _) => format!("from the file {}", path.display()),
        (KeySource::Fixed(set), _) => format!("{} from the configuration, which never change", set.len()),
        _ => "from a source that this report does not describe".to_owned(),
    }
}

fn tokens(formats: TokenFormats) -> String {
    let name = formats.name();
    match formats {
        TokenFormats::Auto => format!("{name}: as each token looks"),
        TokenFormats::SelfContained => format!("{name}: no other is accepted"),
        TokenFormats::Referential => format!("{name}: the issuer is asked about every token, none is verified here"),
        TokenFormats::Both => format!("{name}: what is verified here is confirmed by the issuer as well"),
        _ => name.to_owned(),
    }
}

fn profile(profile: Profile) -> String {
    let name = profile.name();
    match profile {
        Profile::Rfc9068 => name.to_owned(),
        Profile::Jwt => format!("{name}: the issuer does not type its tokens; others are told apart by their claims"),
    }
}

fn introspection(settings: Option<&IntrospectionSettings>) -> String {
    let Some(settings) = settings else { return "no: referential tokens are refused".to_owned() };
    let client = |auth: &ClientAuth| format!("as client {} ({})", settings.client_id, method(auth));
    let who = match &settings.auth {
        IntrospectionAuth::Client(auth) => client(auth),
        IntrospectionAuth::Anonymous => "without credentials".to_owned(),
        IntrospectionAuth::Bearer(_) => "with an access token from a file".to_owned(),
        IntrospectionAuth::ClientCredentials(grant) => {
            let url = grant.token_url.as_ref().map_or_else(String::new, |url| format!(" from {url}"));
            format!("with an access token that it gets{url} {}", client(&grant.auth))
        }
        _ => "in a way that this report does not describe".to_owned(),
    };
    let url = settings.url.as_ref().map_or_else(String::new, |url| format!(", at {url}"));
    let signed = match settings.signed_response {
        SignedResponse::Accept => "; answers may be signed",
        SignedResponse::Require => "; answers must be signed",
        _ => "",
    };
    let kind = match settings.kind {
        IntrospectionKind::Rfc7662 => String::new(),
        kind => format!(", by {}", kind.name()),
    };
    let bare = if settings.bare_answers { "; answers may lack `aud` and `token_type`" } else { "" };
    format!("yes, {who}{kind}{url}{signed}{bare}")
}

fn method(auth: &ClientAuth) -> &'static str {
    match auth {
        ClientAuth::Basic(_) => "client_secret_basic",
        ClientAuth::Post(_) => "client_secret_post",
        ClientAuth::SecretJwt(_) => "client_secret_jwt",
        ClientAuth::PrivateKeyJwt(_) => "private_key_jwt",
        ClientAuth::Assertion(_) => "an assertion from a file",
        ClientAuth::Certificate(_) => "a TLS certificate",
        _ => "in a way that this report does not describe",
    }
}
