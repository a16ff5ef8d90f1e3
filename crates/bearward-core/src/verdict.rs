//! What follows from a proved token: what a route asks of it, why a request is refused, and the identity headers
//! for the upstream.

mod admission;
mod check;
mod identity;
mod policy;
mod reason;
mod refusal;
mod scope_implications;
mod trace;
mod unverified;

pub use admission::Presented;
pub use check::Check;
pub use identity::{IdentityHeaders, IdentityHeadersError, IdentityLines};
pub use policy::{Access, Requirement};
pub use reason::{Cause, Reason};
pub use refusal::{Answer, DEFAULT_REALM, Refusal, Wire};
pub use scope_implications::ScopeImplications;
pub use trace::{Finding, Found, Outcome, Trace};
pub use unverified::Unverified;

pub(crate) use trace::{Detail, checked, noted};
pub(crate) use unverified::Member;
