//! What a request is asked, what it is answered, and what is remembered in between.

pub(crate) mod decision;
pub(crate) mod memory;
mod narrow;
pub(crate) mod progress;
mod request_id;
pub(crate) mod routes;

pub use decision::{Admission, Decision, RequestFacts, Source, Verdict};
pub use progress::{Pending, Progress};
pub use request_id::{RequestIds, X_REQUEST_ID};
pub use routes::Route;
