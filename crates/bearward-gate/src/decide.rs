//! What a request is asked, what it is answered, and by what configuration.

mod decision;
mod engine;
mod generation;
mod narrow;
mod progress;
mod prover;
mod prover_set;
mod recognise;
mod record;
mod request_id;
mod routes;

pub use self::decision::{Admission, Decision, RequestFacts, SharedToken, Verdict};
pub(crate) use self::engine::Engine;
pub use self::generation::Generation;
pub use self::progress::{Explanation, Pending, Progress};
pub(crate) use self::prover::Prover;
pub use self::request_id::{RequestIds, X_REQUEST_ID};
pub use self::routes::Route;
