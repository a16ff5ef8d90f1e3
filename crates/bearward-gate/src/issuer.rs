//! What an issuer publishes, its endpoints and keys, and the schedule by which they are fetched.

mod endpoints;
mod error;
mod keys;
mod metadata;
mod published;
mod readiness;
mod schedule;
mod status;

pub use self::error::IssuerError;
pub(crate) use self::keys::Keys;
pub(crate) use self::published::{KeyMissing, Published};
pub use self::readiness::ReadyWhen;
pub use self::status::IssuerStatus;
