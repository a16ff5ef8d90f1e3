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

/// How long an assertion may be used, in seconds. One is made for each request, and for that alone: issuers refuse an
/// identifier that they have seen (RFC 7523, 3).
const LIFETIME: u64 = 60;

/// For whom an assertion is made: its `aud`, always a single string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssertionAudience {
    /// The issuer identifier, which cannot mean another server: whoever is given the address of a wrong endpoint can make
    /// nothing of the assertion elsewhere.
    #[default]
    Issuer,
    /// The address of the endpoint that the assertion is sent to, for issuers that take nothing else.
    Endpoint,
    /// This value, for issuers that want something else: mostly the address of their token endpoint, wherever the
    /// assertion is sent.
    Exactly(String),
}

/// What `private_key_jwt` signs its assertions with.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKeyJwt {
    /// The one asked for, as part of what makes two of these equal.
    algorithm: Option<Algorithm>,
    key: Rotating<1, SigningKey, ClientAuthError>,
    key_id: Option<Arc<str>>,
    audience: AssertionAudience,
}

/// What `client_secret_jwt` signs its assertions with, by HS256.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretJwt {
    key: Rotating<1, hmac::Key, ClientAuthError>,
    audience: AssertionAudience,
}

/// What an assertion says.
#[derive(Clone, Copy)]
pub(crate) struct Statement<'a> {
    /// Who is speaking.
    pub(crate) client_id: &'a str,
    /// The issuer that is spoken to.
    pub(crate) issuer: &'a str,
    /// Where the assertion is sent.
    pub(crate) endpoint: &'a str,
    pub(crate) now: UnixTime,
}

impl PrivateKeyJwt {
    /// Reads the private key: PKCS #8 in PEM, or one private JWK. A key in a file is read again when the file changes.
    ///
    /// The signature is ES256 or ES384 by the curve of an EC key, EdDSA with an Ed25519 key, and RS256 or PS256 with an RSA
    /// key. `algorithm` chooses; `None` takes the JWK's `alg`, and RS256 for an RSA key that says nothing. `key_id` is the
    /// `kid` under which the issuer knows the key; `None` takes the JWK's, and names none for a key in PEM.
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

    pub(crate) fn assertion(&self, statement: Statement<'_>) -> Result<String, Unspecified> {
        let key = self.key.get();
        let key_id = self.key_id.as_deref().or(key.key_id());
        statement.sign(&self.audience, key.algorithm().name(), key_id, |message| key.sign(message))
    }
}

impl SecretJwt {
    /// Takes the client secret, of which 32 bytes and more are needed. A secret in a file is read again when the file
    /// changes.
    ///
    /// # Errors
    ///
    /// [`ClientAuthError::SecretTooShort`].
    pub fn new(secret: Secret, audience: AssertionAudience) -> Result<Self, ClientAuthError> {
        let key = Rotating::new("client secret", [secret], |[text]| match text.len() {
            // A shorter one can be found by trying (RFC 7518, 3.2; RFC 8725, 3.5), for each assertion is a sample of it.
            ..32 => Err(ClientAuthError::SecretTooShort),
            _ => Ok(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())),
        })?;
        Ok(Self { key, audience })
    }

    pub(crate) fn assertion(&self, statement: Statement<'_>) -> Result<String, Unspecified> {
        let key = self.key.get();
        statement.sign(&self.audience, "HS256", None, |message| Ok(hmac::sign(&key, message).as_ref().to_vec()))
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

impl Statement<'_> {
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
