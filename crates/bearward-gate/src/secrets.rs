//! Secrets in files, which are read when the gate is built and again when they change, and the values made from them.
//!
//! No request touches a file: a thread of its own looks at them, and what is in use is swapped.

mod client_auth;
mod credentials;
mod decryption;
mod file;
mod rotating;
mod secret;
mod watch;

pub(crate) use self::client_auth::AssertionInput;
pub use self::client_auth::{
    AssertionAudience, ClientAssertion, ClientAuth, ClientAuthError, ClientCertificate, ClientCredentials,
    IntrospectionAuth, PrivateKeyJwt, SecretJwt,
};
pub(crate) use self::credentials::bearer;
pub use self::credentials::{Credentials, CredentialsError};
pub use self::decryption::DecryptionKeySource;
pub(crate) use self::rotating::Rotating;
pub use self::secret::{FailingFile, Secret};
