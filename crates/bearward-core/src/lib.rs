//! Bearward's rules as pure functions: bytes, keys and the time go in, a verdict comes out.
//!
//! Nothing in this crate does I/O, waits, reads a clock or holds a global. The engine (`bearward-gate`) fetches what must be
//! fetched, and a mount sends what must be sent. So every rule here can be tested with a table and fuzzed.
//!
//! A token is handled in this order: [`credential`] takes it from the request, [`Shape`] decides who can say what it means,
//! [`verify_jws`] or [`IntrospectionAnswer::prove`] makes a [`Verified`], [`IdentityHeaders`] renders it for the upstream, and [`Requirement::admit`] holds token and sender against the route. Each step is a [`Check`]; what goes wrong is a
//! [`Reason`], a [`Refusal`] puts it into an answer, and a [`Trace`] explains it.
//!
//! The page [`attacks`] says what is tried against bearer tokens, and which test tries it here.

#[doc = include_str!("attacks.md")]
pub mod attacks {}

mod address;
mod request;
mod token;
mod verdict;

pub use address::{Endpoint, EndpointError, Host, HostError, Origin, Server, ServerError, shown_url};
pub use request::{
    AllowedMethods, Credential, Fields, HeaderField, HeaderFields, PathPattern, PathPatternError, PatternPart,
    RequestHost, RequestPath, Scheme, Segments, Shape, X_REQUEST_ID, check_method, credential, is_proxys_word,
    query_holds_credential, remove_fields, request_host, same_field_name, unverified_issuer,
};
pub use token::{
    AbsentAudience, Algorithm, ClaimPointer, ClaimPointerError, ClaimRule, ClaimTest, DecryptedToken, DecryptionKeys,
    DecryptionKeysError, IntrospectionAnswer, IssuerName, IssuerNameError, IssuerVariable, KeySet, KeySetError,
    KeyTries, Profile, Scope, ScopeError, ScopeSet, Scopes, SkippedKey, TokenRules, UnixTime, UnknownAlgorithm,
    Verified, verify_jws, verify_jws_traced,
};
pub use verdict::{
    Access, Answer, Cause, Check, DEFAULT_REALM, Finding, Found, IdentityHeaders, IdentityHeadersError, IdentityLines,
    Outcome, Presented, Reason, Refusal, Requirement, ScopeImplications, Trace, Unverified, Wire,
};
