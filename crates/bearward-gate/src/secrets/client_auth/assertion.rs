//! Assertions by which a client authenticates itself (RFC 7523, 2.2 and 3).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_core::{Algorithm, UnixTime};
use serde_json::json;

use super::ClientAuthError;
use super::signing_key::SigningKey;
use crate::secrets::{Rotating, Secret};

/// The lifetime of an assertion, in seconds. Each request gets its own, because issuers refuse an identifier that they have
/// seen before (RFC 7523, 3).
const LIFETIME: u64 = 60;

/// The audience of an assertion: its `aud`, always a single string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssertionAudience {
    /// The issuer identifier. It cannot mean another server, so an assertion that is sent to a wrong endpoint is of no use
    /// elsewhere.
    #[default]
    Issuer,
    /// The address of the endpoint that the assertion is sent to, for issuers that accept nothing else.
    Endpoint,
    /// This value, for issuers that require another one: mostly the address of their token endpoint, for requests to other
    /// endpoints too.
    Exactly(String),
}

/// The private key of `private_key_jwt`, which signs its assertions.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKeyJwt {
    /// The configured algorithm, which two equal values share.
    algorithm: Option<Algorithm>,
    key: Rotating<1, SigningKey, ClientAuthError>,
    key_id: Option<Arc<str>>,
    audience: AssertionAudience,
}

/// The secret of `client_secret_jwt`, which signs its assertions with HS256.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretJwt {
    key: Rotating<1, hmac::Key, ClientAuthError>,
    audience: AssertionAudience,
}

/// An assertion that another program makes and renews. A file is read again when it changes; if the new content is no
/// assertion, the last good one stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAssertion(Rotating<1, Arc<str>, ClientAuthError>);

impl ClientAssertion {
    /// Reads the assertion, a signed JWT alone.
    ///
    /// # Errors
    ///
    /// [`ClientAuthError::NotAnAssertion`].
    pub fn new(assertion: Secret) -> Result<Self, ClientAuthError> {
        let make = |[text]: [&str; 1]| {
            let fits = text.bytes().all(|byte| byte.is_ascii_graphic()) && text.split('.').count() == 3;
            if fits { Ok(Arc::from(text)) } else { Err(ClientAuthError::NotAnAssertion) }
        };
        Rotating::new("client assertion", [assertion], make).map(Self)
    }

    /// The assertion as it is now.
    pub(crate) fn current(&self) -> Arc<str> {
        Arc::clone(&self.0.get())
    }
}

/// The input of an assertion's claims.
#[derive(Clone, Copy)]
pub(crate) struct AssertionInput<'a> {
    /// The client that authenticates.
    pub(crate) client_id: &'a str,
    /// The issuer that it authenticates to.
    pub(crate) issuer: &'a str,
    /// The endpoint that the assertion is sent to.
    pub(crate) endpoint: &'a str,
    pub(crate) now: UnixTime,
}

impl PrivateKeyJwt {
    /// Reads the private key: PKCS #8 in PEM, or one private JWK. A key in a file is read again when the file changes.
    ///
    /// The signature is ES256 or ES384 by the curve of an EC key, EdDSA with an Ed25519 key, and RS256 or PS256 with an RSA
    /// key. `algorithm` chooses among these; `None` means the JWK's `alg`, or RS256 for an RSA key without one. `key_id` is the
    /// `kid` of the key at the issuer; `None` means the JWK's, and no `kid` for a key in PEM.
    ///
    /// # Errors
    ///
    /// A [`ClientAuthError`] when the key cannot be used, or not with `algorithm`.
    pub fn new(
        key: Secret,
        algorithm: Option<Algorithm>,
        key_id: Option<String>,
        audience: AssertionAudience,
    ) -> Result<Self, ClientAuthError> {
        let key = Rotating::new("private key", [key], move |[text]| SigningKey::parse(text, algorithm))?;
        Ok(Self { algorithm, key, key_id: key_id.map(Into::into), audience })
    }

    pub(crate) fn assertion(&self, input: AssertionInput<'_>) -> Result<String, Unspecified> {
        let key = self.key.get();
        let key_id = self.key_id.as_deref().or(key.key_id());
        input.sign(&self.audience, key.algorithm().name(), key_id, |message| key.sign(message))
    }
}

impl SecretJwt {
    /// Takes the client secret, of at least 32 bytes. A secret in a file is read again when the file changes.
    ///
    /// # Errors
    ///
    /// [`ClientAuthError::SecretTooShort`].
    pub fn new(secret: Secret, audience: AssertionAudience) -> Result<Self, ClientAuthError> {
        let key = Rotating::new("client secret", [secret], |[text]| match text.len() {
            // A shorter one can be found by brute force against any assertion (RFC 7518, 3.2; RFC 8725, 3.5).
            ..32 => Err(ClientAuthError::SecretTooShort),
            _ => Ok(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())),
        })?;
        Ok(Self { key, audience })
    }

    pub(crate) fn assertion(&self, input: AssertionInput<'_>) -> Result<String, Unspecified> {
        let key = self.key.get();
        input.sign(&self.audience, "HS256", None, |message| Ok(hmac::sign(&key, message).as_ref().to_vec()))
    }
}

impl fmt::Debug for PrivateKeyJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PrivateKeyJwt");
        shown.field("key", &self.key).field("key_id", &self.key_id).field("audience", &self.audience).finish()
    }
}

impl fmt::Debug for SecretJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretJwt").field("secret", &self.key).field("audience", &self.audience).finish()
    }
}

impl AssertionInput<'_> {
    fn sign(
        self,
        audience: &AssertionAudience,
        algorithm: &str,
        key_id: Option<&str>,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Unspecified>,
    ) -> Result<String, Unspecified> {
        let mut header = json!({"alg": algorithm});
        if let (Some(key_id), Some(header)) = (key_id, header.as_object_mut()) {
            header.insert("kid".to_owned(), key_id.into());
        }
        let audience = match audience {
            AssertionAudience::Issuer => self.issuer.to_owned(),
            AssertionAudience::Endpoint => self.endpoint.to_owned(),
            AssertionAudience::Exactly(audience) => audience.clone(),
        };
        let mut identifier = [0; 16];
        aws_lc_rs::rand::fill(&mut identifier)?;
        let claims = json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "jti": URL_SAFE_NO_PAD.encode(identifier),
            "iat": self.now.0,
            "exp": self.now.saturating_add(LIFETIME).0,
        });
        let mut assertion = URL_SAFE_NO_PAD.encode(header.to_string());
        assertion.push('.');
        assertion.push_str(&URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = sign(assertion.as_bytes())?;
        assertion.push('.');
        assertion.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(assertion)
    }
}
