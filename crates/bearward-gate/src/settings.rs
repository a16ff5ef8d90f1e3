//! The settings that a [`Gate`](crate::Gate) is built from, and their checks, which run once before anything starts.

pub mod bounds;
mod contradiction;
mod engine;
mod error;
mod introspection;
mod issuer;
mod key_source;
mod resolve;
mod route;

use std::time::Duration;

use bearward_core::{DEFAULT_REALM, IdentityHeaders};

pub use self::contradiction::Contradiction;
pub use self::engine::EngineSettings;
pub use self::error::GateError;
pub use self::introspection::{IntrospectionKind, IntrospectionSettings, SignedResponse};
pub use self::issuer::{IssuerSettings, RefreshSettings, TokenFormats};
pub(crate) use self::key_source::load_key_file;
pub(crate) use self::key_source::{FILE_LIFETIME, MAX_KEY_SET};
pub use self::key_source::{KeyFileError, KeySource, read_key_file};
pub(crate) use self::resolve::{
    MetadataAddress, ResolvedIntrospection, ResolvedIssuer, ResolvedKeys, ResolvedRoute, ResolvedSettings,
};
pub use self::route::RouteSettings;

/// The settings of a gate. [`GateSettings::new`] sets every default.
#[derive(Debug)]
#[non_exhaustive]
pub struct GateSettings {
    /// The `realm` of every challenge (RFC 9110, 11.5).
    pub realm: String,
    /// The largest access token that is accepted, in bytes. A larger one makes the request malformed.
    pub max_token_bytes: usize,
    /// The authorization servers whose tokens are accepted.
    pub issuers: Vec<IssuerSettings>,
    /// The routes, in any order: the most specific match wins.
    pub routes: Vec<RouteSettings>,
    /// Bounds of the caches of verified and refused tokens.
    pub cache: CacheSettings,
    /// The headers that tell the upstream the identity of the caller.
    pub identity: IdentityHeaders,
}

impl GateSettings {
    /// Settings with every default: the realm `bearward`, tokens of at most 16 KiB, the native identity headers alone.
    pub fn new(issuers: Vec<IssuerSettings>, routes: Vec<RouteSettings>) -> Self {
        Self {
            realm: DEFAULT_REALM.to_owned(),
            max_token_bytes: 16 * 1024,
            issuers,
            routes,
            cache: CacheSettings::default(),
            identity: IdentityHeaders::default(),
        }
    }
}

/// Bounds of the token caches.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheSettings {
    /// How many verified tokens are cached. A token that takes more than 4 KiB counts as several.
    pub max_entries: u64,
    /// How long a verified self-contained token stays in the cache, never beyond its `exp`.
    pub max_age: Duration,
    /// How many refused referential tokens are cached, apart from the verified ones.
    pub negative_entries: u64,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { max_entries: 100_000, max_age: Duration::from_secs(300), negative_entries: 10_000 }
    }
}
