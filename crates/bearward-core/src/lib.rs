//! Bearward's rules, pure: bytes, keys and the time go in, a verdict comes out.
//!
//! Nothing in this crate does I/O, waits, reads a clock or holds a global. Whatever must be fetched, the engine
//! (`bearward-gate`) fetches; whatever must be sent, a mount sends. So every rule here can be tested with a table and
//! fuzzed.
//!
//! The way of a token: [`credential`] takes it from the request, [`Shape`] tells who can say what it means,
//! [`verify_jws`] or [`read_introspection`] makes a [`Verified`], [`Requirement`] holds that against the route, and
//! [`IdentityHeaders`] tells the upstream. What goes wrong on that way is a [`Reason`], and a [`Refusal`] puts it into
//! an answer.
//!
//! The page [`attacks`] says what is tried against bearer tokens, and which test tries it here.

#[doc = include_str!("attacks.md")]
pub mod attacks {}

mod algorithm;
mod bearer;
mod claim_rule;
mod claims;
mod host;
mod identity;
mod introspection;
mod issuer_name;
mod json;
mod jwe;
mod jws;
mod keys;
mod path;
mod policy;
mod profile;
mod reason;
mod refusal;
mod scope;
mod shape;
mod signed_introspection;
mod time;
mod token_review;
mod tokeninfo;
mod verified;
mod verify;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use bearer::{Credential, Scheme, credential, query_holds_credential};
pub use claim_rule::{ClaimRule, ClaimTest};
pub use host::request_host;
pub use identity::{
    ClaimPointer, ClaimPointerError, IdentityHeaders, IdentityHeadersError, is_proxys_word, same_field_name,
};
pub use introspection::{IntrospectionAnswer, read_introspection};
pub use issuer_name::{IssuerName, IssuerNameError, IssuerVariable};
pub use jwe::{DecryptedToken, DecryptionKeys, DecryptionKeysError};
pub use keys::{KeySet, KeySetError, SkippedKey};
pub use path::{PathPattern, PathPatternError, RequestPath};
pub use policy::{Access, Requirement, ScopeImplications};
pub use profile::Profile;
pub use reason::{Cause, Check, Reason};
pub use refusal::{Answer, DEFAULT_REALM, Refusal, Wire};
pub use scope::{Scope, ScopeError, ScopeSet};
pub use shape::{Shape, unverified_issuer};
pub use signed_introspection::read_signed_introspection;
pub use time::UnixTime;
pub use verified::Verified;
pub use verify::{AbsentAudience, TokenRules, verify_jws};
