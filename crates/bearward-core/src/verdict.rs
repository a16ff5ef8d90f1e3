//! What follows from a proved token: what a route asks of it, why a request is refused, and what the upstream is told.

mod identity;
mod policy;
mod reason;
mod refusal;

pub use identity::{IdentityHeaders, IdentityHeadersError};
pub use policy::{Access, Requirement, ScopeImplications};
pub use reason::{Cause, Check, Reason};
pub use refusal::{Answer, DEFAULT_REALM, Refusal, Wire};
