//! The paths under an issuer URL, said once for the routes and for the metadata.

pub(crate) const AUTHORIZE: &str = "/authorize";
pub(crate) const SIGN_IN: &str = "/sign-in";
pub(crate) const TOKEN: &str = "/token";
pub(crate) const JWKS: &str = "/jwks";
pub(crate) const USERINFO: &str = "/userinfo";
pub(crate) const INTROSPECT: &str = "/introspect";
pub(crate) const REVOKE: &str = "/revoke";
pub(crate) const TOKENS: &str = "/tokens";
