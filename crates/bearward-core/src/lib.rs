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

mod address;
mod request;
mod token;
mod verdict;

pub use address::{Endpoint, EndpointError, Origin, shown_url};
pub use request::{
    Credential, PathPattern, PathPatternError, RequestPath, Scheme, Shape, credential, is_proxys_word,
    query_holds_credential, request_host, same_field_name, unverified_issuer,
};
pub use token::{
    AbsentAudience, Algorithm, ClaimPointer, ClaimPointerError, ClaimRule, ClaimTest, DecryptedToken, DecryptionKeys,
    DecryptionKeysError, IntrospectionAnswer, IssuerName, IssuerNameError, IssuerVariable, KeySet, KeySetError,
    Profile, Scope, ScopeError, ScopeSet, SkippedKey, TokenRules, UnixTime, UnknownAlgorithm, Verified,
    read_introspection, read_signed_introspection, verify_jws,
};
pub use verdict::{
    Access, Answer, Cause, Check, DEFAULT_REALM, IdentityHeaders, IdentityHeadersError, Reason, Refusal, Requirement,
    ScopeImplications, Wire,
};
