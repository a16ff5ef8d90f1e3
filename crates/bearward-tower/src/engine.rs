//! The rest of what the signatures of [`Gate`](crate::Gate), its settings and its errors name.
//!
//! An application that states its gate with [`Gate::builder`](crate::Gate::builder) needs none of this. It is here for the
//! others: those that build a gate from [`GateSettings`] or reload it, that count in its registry, or that ask it about
//! requests themselves with [`Gate::decide`](crate::Gate::decide).

pub use bearward_core::{
    Access, AllowedMethods, Answer, Cause, Check, Fields, Finding, Found, Host, IdentityHeaders, IdentityHeadersError,
    IssuerName, Outcome, PathPattern, PatternPart, Presented, Refusal, RequestPath, Requirement, Scheme,
    ScopeImplications, Segments, SkippedKey, TokenRules, Trace, Unverified, Wire,
};
pub use bearward_gate::{
    Admission, Changes, Counter, Counters, Decision, EngineSettings, GateSettings, Gauge, Gauges, Generation,
    Histogram, Histograms, Pending, Progress, Reading, RequestFacts, Route, RouteSettings, Verdict,
};
