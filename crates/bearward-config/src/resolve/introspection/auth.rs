//! `auth`, and the keys that each of its values needs.

use std::collections::BTreeMap;

use bearward_core::Algorithm;
use bearward_gate::{AssertionAudience, ClientCredentials, IntrospectionAuth};

use super::auth_method::AuthMethod;
use super::client_credentials::{Grant, grant};
use super::keys::AuthKeys;
use crate::location::{Diagnostic, Located};
use crate::reader::Section;
use crate::resolve::urls;

/// Keys whose values are files, variables and names.
const TEXTS: [&str; 8] = [
    "client_secret_file",
    "client_secret_env",
    "private_key_file",
    "key_id",
    "certificate_file",
    "certificate_key_file",
    "client_assertion_file",
    "bearer_token_file",
];

/// Keys under which people write what belongs in a file.
const INLINE: [(&str, &str); 5] = [
    ("client_secret", "name a file with `client_secret_file`, or an environment variable with `client_secret_env`"),
    ("private_key", "name a file with `private_key_file`"),
    ("certificate_key", "name a file with `certificate_key_file`"),
    ("client_assertion", "name a file with `client_assertion_file`"),
    ("bearer_token", "name a file with `bearer_token_file`"),
];

/// How the gateway authenticates itself. `None` if that cannot be read, which is reported.
pub(super) fn auth(
    section: &mut Section<'_>,
    chosen: Option<Located<AuthMethod>>,
    url: Option<&Located<String>>,
) -> Option<IntrospectionAuth> {
    let mut inline = false;
    for (key, elsewhere) in INLINE {
        inline |= section.has(key);
        section.refuse(key, || Diagnostic::new("secrets do not belong in the configuration").hint(elsewhere).private());
    }
    let texts: BTreeMap<&str, Located<String>> =
        TEXTS.into_iter().filter_map(|key| Some((key, section.string(key)?))).collect();
    let algorithms = [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps256];
    let algorithm = section.choice("algorithm", &algorithms.map(|algorithm| (algorithm.name(), algorithm)));
    let audience = section.parsed("assertion_audience", "a string", assertion_audience);
    let audience = audience.map_or_else(AssertionAudience::default, |audience| audience.value);
    let grant = section.section("client_credentials").map(grant);
    if chosen.is_none() && section.has("auth") {
        // The keys may be right for the method that was meant.
        return None;
    }

    let method = chosen.as_ref().map_or(AuthMethod::SecretBasic, |chosen| chosen.value);
    if method == AuthMethod::None {
        return Some(IntrospectionAuth::Anonymous);
    }
    let of_another = refuse_keys_of_other_methods(section, method);
    if method == AuthMethod::Bearer {
        if let Some(grant) = &grant {
            let diagnostic =
                Diagnostic::new("with `auth = \"bearer\"` the gateway has an access token and asks for none");
            section.reader.error(&grant.location, diagnostic.hint("keep one of the two"));
        }
    } else if method.shows_certificate() {
        let token_url = grant.as_ref().and_then(|grant| grant.token_url.as_ref());
        for url in url.into_iter().chain(token_url).filter(|url| !url.value.starts_with("https:")) {
            let diagnostic = Diagnostic::new("must be https: a client shows its certificate while TLS begins");
            section.reader.error(&url.location, diagnostic);
        }
    }
    // An author who sets a key of another method probably forgot to set `auth`; what this method lacks would not help.
    if inline || of_another && chosen.is_none() {
        return None;
    }
    let location = chosen.map_or(section.location.clone(), |chosen| chosen.location);
    let keys = AuthKeys { section, method, location, texts, algorithm, audience };
    if method == AuthMethod::Bearer {
        return keys.bearer_token().map(IntrospectionAuth::Bearer);
    }
    let client = keys.client()?;
    Some(match grant {
        None => client.into(),
        Some(Grant { token_url, scopes, resources, .. }) => {
            let mut grant = ClientCredentials::new(client);
            grant.token_url = token_url.map(|url| url.value);
            grant.scopes = scopes;
            grant.resources = resources;
            IntrospectionAuth::ClientCredentials(grant)
        }
    })
}

/// Reports the keys of other methods, which would have no effect.
fn refuse_keys_of_other_methods(section: &Section<'_>, method: AuthMethod) -> bool {
    let name = method.name();
    let default = if section.has("auth") { "" } else { ", the default" };
    let mut any = false;
    for key in method.keys_of_others().filter(|key| section.has(key)) {
        let diagnostic = Diagnostic::new(format!("`{key}` means nothing with `auth = \"{name}\"`{default}"));
        let hint = format!("it belongs to {}", AuthMethod::with_key(key));
        section.reader.error(&section.location_of(key).key(), diagnostic.hint(hint));
        any = true;
    }
    any
}

fn assertion_audience(text: &str) -> Result<AssertionAudience, Diagnostic> {
    match text {
        "issuer" => Ok(AssertionAudience::Issuer),
        "endpoint" => Ok(AssertionAudience::Endpoint),
        text => urls::identifier(text).map(AssertionAudience::Exactly).map_err(|_| {
            let diagnostic = Diagnostic::new("must be `issuer`, `endpoint`, or the value itself, a URL");
            diagnostic.did_you_mean(crate::suggest::nearest(text, ["issuer", "endpoint"]))
        }),
    }
}
