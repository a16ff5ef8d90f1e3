//! Files that hold secrets: read when the gate is built, and again when they change.

mod credentials;
mod decryption;
mod rotating;
mod secret;

pub(crate) use credentials::bearer;
pub use credentials::{Credentials, CredentialsError};
pub use decryption::DecryptionKeySource;
pub(crate) use rotating::Rotating;
pub use secret::Secret;
