//! `[[issuers]]`

use bearward_core::{AbsentAudience, Algorithm};
use bearward_gate::{IssuerSettings, RefreshSettings, TokenFormats, bounds};

use super::{contradictions, introspection, issuer_keys, issuer_name, issuer_tokens, provider_checks, unique};
use crate::location::{Diagnostic, Located, quote, values};
use crate::reader::Section;
use crate::units::format_duration;
use crate::{Provider, suggest};

/// Every issuer, readable or not, because a route that names a broken one is not wrong itself; and the issuers with a preset.
pub(super) fn issuers(sections: Vec<Section<'_>>) -> (Vec<Located<IssuerSettings>>, Vec<(String, Provider)>) {
    let mut issuers: Vec<Located<IssuerSettings>> = Vec::new();
    let mut providers = Vec::new();
    for section in sections {
        let (issuer, provider) = issuer(section, &issuers);
        providers.extend(provider.map(|provider| (issuer.value.issuer.clone(), provider)));
        issuers.push(issuer);
    }
    (issuers, providers)
}

fn issuer(
    mut section: Section<'_>,
    earlier: &[Located<IssuerSettings>],
) -> (Located<IssuerSettings>, Option<Provider>) {
    let location = section.location.clone();
    let provider = section.choice("provider", &Provider::ALL.map(|provider| (provider.name(), provider)));
    let name = section.required("issuer", "\"https://auth.example.com\"");
    unique(&section, name.as_ref(), earlier.iter().map(|issuer| issuer.value.issuer.as_str()));
    let variable = issuer_name::variable(&mut section, name.as_ref());
    let audiences = audiences(&mut section);
    section.refuse_empty("algorithms", "leave it out to accept every supported algorithm");
    let algorithms = section.list("algorithms", algorithm);
    let formats = formats(&mut section);
    let tokens = issuer_tokens::tokens(&mut section, &audiences);
    let leeway = section.duration("leeway", bounds::LEEWAY);
    let keys = issuer_keys::keys(&mut section);
    let timeout = section.duration("timeout", bounds::TIMEOUT);
    let refresh = refresh(section.section_or_empty("refresh"));
    let has_clients = tokens.absent_audience != AbsentAudience::Refuse;
    let issuer = name.as_ref().map(|name| name.value.as_str());
    let mut asked = section.section("introspection");
    let introspection = asked.as_mut().map(|asked| introspection::introspection(asked, issuer, has_clients));
    let identifier = name.as_ref().map(|name| name.value.clone()).unwrap_or_default();
    let mut settings = IssuerSettings::new(identifier, audiences);
    settings.variable = variable;
    settings.tokens = formats;
    if let Some(list) = algorithms {
        settings.algorithms = list.value.into_iter().map(|at| at.value).collect();
    }
    settings.profile = tokens.profile;
    settings.absent_audience = tokens.absent_audience;
    settings.max_lifetime = tokens.max_lifetime;
    settings.required_claims = tokens.required_claims;
    settings.scope_claims = tokens.scope_claims;
    settings.client_id_claims = tokens.client_id_claims;
    settings.leeway = leeway.map_or(settings.leeway, |leeway| leeway.value);
    settings.discovery_url = keys.discovery_url;
    settings.keys = keys.source;
    settings.roots = keys.roots;
    settings.bearer_token = keys.bearer_token;
    settings.decryption_keys = keys.decryption;
    settings.introspection = introspection;
    settings.timeout = timeout.map_or(settings.timeout, |timeout| timeout.value);
    settings.refresh = refresh;
    if let Some(name) = &name {
        let is_found_by_name = settings.needs_metadata() && settings.discovery_url.is_none();
        issuer_name::check(&section, name, is_found_by_name, settings.variable.is_some());
    }
    contradictions::check(&section, asked.as_ref(), &settings);
    if let Some(asked) = asked {
        asked.finish();
    }
    if let Some(provider) = provider.as_ref().filter(|_| name.is_some()) {
        provider_checks::check(&section, provider, &settings);
    }
    section.finish();
    (Located { value: settings, location }, provider.map(|provider| provider.value))
}

/// `tokens`: who can say what an issuer's tokens mean.
fn formats(section: &mut Section<'_>) -> TokenFormats {
    let choices = TokenFormats::ALL.map(|formats| (formats.name(), formats));
    match section.choice("tokens", &choices) {
        Some(formats) => formats.value,
        // A placeholder that contradicts nothing.
        None if section.has("tokens") && section.has("introspection") => TokenFormats::Both,
        None => TokenFormats::default(),
    }
}

/// Without an audience, a token that the same issuer made for another API would open this one (RFC 9068, 4).
fn audiences(section: &mut Section<'_>) -> Vec<String> {
    const EXAMPLE: &str = "[\"https://api.example.com\"]";
    section.require("audiences", EXAMPLE);
    section.refuse_empty("audiences", &format!("name this API as the issuer knows it, for example: {EXAMPLE}"));
    values(section.list("audiences", |text| Ok(text.to_owned())))
}

fn algorithm(name: &str) -> Result<Algorithm, Diagnostic> {
    name.parse().map_err(|_| {
        let diagnostic = Diagnostic::new(format!("{} is not a supported signature algorithm", quote(name)));
        let names = Algorithm::ALL.map(Algorithm::name);
        match name {
            _ if name.eq_ignore_ascii_case("none") => diagnostic.hint("tokens without a signature are never accepted"),
            _ if name.starts_with("HS") => diagnostic.hint(
                "with a shared secret, each party that can verify a token can also make one; use RS, PS, ES or EdDSA",
            ),
            _ => match suggest::nearest(name, names) {
                Some(meant) => diagnostic.did_you_mean(Some(meant)),
                None => diagnostic.hint(format!("the supported ones are {}", names.join(", "))),
            },
        }
    })
}

fn refresh(mut section: Section<'_>) -> RefreshSettings {
    let min = section.duration("min", bounds::REFRESH_MIN);
    let max = section.duration("max", bounds::REFRESH_MAX);
    let stale = section.duration("stale", bounds::STALE);
    let cooldown = section.duration("cooldown", bounds::COOLDOWN);
    let location = max.as_ref().or(min.as_ref()).map(|at| at.location.clone());
    let mut refresh = RefreshSettings::default();
    refresh.min = min.map_or(refresh.min, |min| min.value);
    refresh.max = max.map_or(refresh.max, |max| max.value);
    refresh.stale = stale.map_or(refresh.stale, |stale| stale.value);
    refresh.cooldown = cooldown.map_or(refresh.cooldown, |cooldown| cooldown.value);
    if let Some(location) = location.filter(|_| refresh.min > refresh.max) {
        let [min, max] = [refresh.min, refresh.max].map(format_duration);
        section.reader.error(&location, format!("refresh.min, {min}, is more than refresh.max, {max}"));
    }
    section.finish();
    refresh
}
