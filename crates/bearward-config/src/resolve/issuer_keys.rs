//! The keys of `[[issuers]]` for where the issuer's keys come from and how to connect there.

use std::sync::Arc;

use bearward_core::{KeySet, KeySetError, SkippedKey};
use bearward_gate::{Credentials, DecryptionKeySource, KeyFileError, KeySource, TrustedRoots, read_key_file};

use super::{secret, urls};
use crate::location::{Diagnostic, Located, quote};
use crate::reader::Section;
use crate::reason;

/// Where keys come from, and how to connect there.
pub(super) struct KeySettings {
    pub(super) source: KeySource,
    pub(super) discovery_url: Option<String>,
    pub(super) roots: Option<TrustedRoots>,
    pub(super) bearer_token: Option<Credentials>,
    pub(super) decryption: Option<DecryptionKeySource>,
}

/// The keys that say where the issuer's keys are, of which one may be set.
const SOURCES: [&str; 3] = ["jwks_url", "jwks_file", "jwks"];

pub(super) fn keys(section: &mut Section<'_>) -> KeySettings {
    section.exclude(&SOURCES, "keep one: keys come from one place");
    let url = section.parsed("jwks_url", "a URL", urls::endpoint).map(|url| KeySource::Url(url.value));
    let file = section.string("jwks_file").and_then(|file| from_file(section, &file));
    let inline = section.parsed("jwks", "a JWK set in a string", |text| {
        KeySet::parse(text.as_bytes()).map_err(|error| not_a_key_set(&error)).and_then(usable)
    });
    let inline = inline.map(|set| KeySource::Fixed(Arc::new(set.value)));
    let discovery_url = section.parsed("discovery_url", "a URL", urls::endpoint).map(|url| url.value);
    let roots = section.string("ca_file").and_then(|file| {
        let pem = secret::from_public_file(section.reader, &file)?;
        reported(section, &file, TrustedRoots::new(pem))
    });
    let bearer_token = section.string("bearer_token_file").and_then(|file| {
        let token = secret::from_file(section.reader, &file)?;
        reported(section, &file, Credentials::bearer(token))
    });
    let decryption = section.string("decryption_keys_file").and_then(|file| {
        let json = secret::from_file(section.reader, &file)?;
        reported(section, &file, DecryptionKeySource::new(json))
    });
    let source = url.or(file).or(inline).unwrap_or_default();
    KeySettings { source, discovery_url, roots, bearer_token, decryption }
}

/// Reads the file as the gate does, so that one that cannot be used is reported before anything starts.
fn from_file(section: &Section<'_>, file: &Located<String>) -> Option<KeySource> {
    // This is not the name of a file, and may be a private key.
    if file.value.trim_start().starts_with('{') {
        let diagnostic = Diagnostic::new("must be the name of a file").hint("put the keys themselves in `jwks`");
        section.reader.error(&file.location, diagnostic.private());
        return None;
    }
    let path = secret::existing_path(section.reader, file);
    let path = path.map_err(|diagnostic| section.reader.error(&file.location, diagnostic)).ok()?;
    let shown = quote(&path.display().to_string());
    let read = read_key_file(&path).map_err(|error| match error {
        KeyFileError::Unreadable(error) => Diagnostic::new(format!("cannot read {shown}: {}", reason(&error))),
        KeyFileError::TooLarge => Diagnostic::new(format!("{shown} is {error}")),
        KeyFileError::NotAKeySet(error) => not_a_key_set(&error),
        _ => Diagnostic::new(format!("{shown}: {error}")),
    });
    read.and_then(usable).map_err(|diagnostic| section.reader.error(&file.location, diagnostic)).ok()?;
    Some(KeySource::File(path))
}

/// The value may be a private key, so it is not shown.
fn not_a_key_set(error: &KeySetError) -> Diagnostic {
    Diagnostic::new(error.to_string()).private()
}

/// A JWK set in which at least one key can be used. A private key is refused: here it is the author's own mistake, and beside a
/// good key it would go unnoticed.
fn usable(set: KeySet) -> Result<KeySet, Diagnostic> {
    if set.skipped().iter().any(SkippedKey::is_private) {
        let diagnostic =
            Diagnostic::new("a key of the JWK set is a secret or private one, which belongs to the issuer alone");
        let hint =
            "leave its public members here; and have the issuer replace it, as each reader of this file has it too";
        return Err(diagnostic.hint(hint).private());
    }
    match set.skipped() {
        _ if !set.is_empty() => Ok(set),
        [] => Err(Diagnostic::new("a JWK set without keys")),
        [skipped, ..] => {
            Err(Diagnostic::new(format!("no key of the JWK set can verify a token: {}", skipped.why)).private())
        }
    }
}

fn reported<T, E: ToString>(section: &Section<'_>, file: &Located<String>, made: Result<T, E>) -> Option<T> {
    made.map_err(|error| section.reader.error(&file.location, error.to_string())).ok()
}
