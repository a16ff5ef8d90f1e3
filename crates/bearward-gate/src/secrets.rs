//! Secrets in files, which are read when the gate is built and again when they change, and the values made from them.

mod client_auth;
mod credentials;
mod decryption;
mod rotating;
mod secret;

pub(crate) use self::client_auth::AssertionInput;
pub use self::client_auth::{
    AssertionAudience, ClientAuth, ClientAuthError, ClientCertificate, ClientCredentials, IntrospectionAuth,
    PrivateKeyJwt, SecretJwt,
};
pub(crate) use self::credentials::bearer;
pub use self::credentials::{Credentials, CredentialsError};
pub use self::decryption::DecryptionKeySource;
pub(crate) use self::rotating::Rotating;
pub use self::secret::Secret;
