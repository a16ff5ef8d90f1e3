//! What a token says, and who proves it: JWS, JWE and introspection answers in, a [`Verified`](crate::Verified) out.

pub(crate) mod algorithm;
mod base64url;
mod claim_pointer;
mod claim_rule;
pub(crate) mod claims;
pub(crate) mod document;
mod introspection;
mod issuer_name;
pub(crate) mod json;
mod jwe;
pub(crate) mod jws;
pub(crate) mod keys;
pub(crate) mod profile;
mod proof;
pub(crate) mod scope;
mod signed_introspection;
mod time;
mod token_review;
mod token_rules;
mod tokeninfo;
mod verified;
mod verify;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use claim_pointer::{ClaimPointer, ClaimPointerError};
pub use claim_rule::{ClaimRule, ClaimTest};
pub use introspection::IntrospectionAnswer;
pub use issuer_name::{IssuerName, IssuerNameError, IssuerVariable};
pub use jwe::{DecryptedToken, DecryptionKeys, DecryptionKeysError, KeyTries};
pub use keys::{KeySet, KeySetError, SkippedKey};
pub use profile::Profile;
pub use scope::{Scope, ScopeError, ScopeSet, Scopes};
pub use time::UnixTime;
pub use token_rules::{AbsentAudience, TokenRules};
pub use verified::Verified;
pub use verify::{verify_jws, verify_jws_traced};
