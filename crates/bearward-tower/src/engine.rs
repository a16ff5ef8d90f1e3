//! The other types in the signatures of [`Gate`](crate::Gate), its settings and its errors.
//!
//! An application that builds its gate with [`Gate::builder`](crate::Gate::builder) needs none of them. They are for
//! applications that build a gate from [`GateSettings`], reload it, register metrics of their own beside it, or call
//! [`Gate::decide`](crate::Gate::decide) themselves.

pub use bearward_core::{
    Access, AllowedMethods, Answer, Cause, Check, Fields, Finding, Found, HeaderField, HeaderFields, Host,
    IdentityHeaders, IdentityHeadersError, IdentityLines, IssuerName, Outcome, PathPattern, PatternPart, Presented,
    Refusal, RequestPath, Requirement, Scheme, ScopeImplications, Segments, SkippedKey, TokenRules, Trace, Unverified,
    Wire,
};
pub use bearward_gate::{
    Admission, Changes, Counter, Counters, Decision, EngineSettings, Explanation, GateSettings, Gauge, Gauges,
    Generation, Histogram, Histograms, Pending, Progress, Reading, RequestFacts, Route, RouteSettings, SharedToken,
    Verdict,
};
