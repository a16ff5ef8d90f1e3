//! The compact serialization of a JWS (RFC 7515, 7.1), read strictly, before anything in it is believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::token::json::parse_object;
use crate::{Algorithm, Reason};

/// The longest `kid` that is looked at, in bytes. Real ones are below 100.
pub(crate) const MAX_KID: usize = 512;

/// A JWS taken apart. Nothing in it is verified; only `verify` may look inside.
pub(crate) struct CompactJws<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) typ: Option<String>,
    pub(crate) key_id: Option<String>,
    pub(crate) signing_input: &'a [u8],
    pub(crate) signature: Vec<u8>,
    payload: &'a str,
}

impl<'a> CompactJws<'a> {
    /// Takes a token apart and holds its header against the rules.
    ///
    /// `jwk`, `jku`, `x5u` and `x5c` are ignored: keys come from the issuer alone (RFC 8725, 3.10).
    pub(crate) fn parse(token: &'a str) -> Result<Self, Reason> {
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Reason::TokenMalformed);
        };
        let signing_input = token.as_bytes().get(..header.len() + 1 + payload.len()).ok_or(Reason::TokenMalformed)?;
        let header = parse_object(&decode(header)?).map_err(|_| Reason::TokenMalformed)?;

        // RFC 7515, 4.1.11: an extension that is not understood must be refused, and none is. `b64` (RFC 7797) and the
        // members of an encrypted token mean nothing in a signed one, unless to another reader.
        if ["crit", "b64", "enc", "zip"].iter().any(|name| header.contains_key(*name)) {
            return Err(Reason::CriticalHeaderUnknown);
        }
        let algorithm = match header.get("alg") {
            Some(Value::String(name)) => name.parse().map_err(|_| Reason::AlgorithmRefused)?,
            _ => return Err(Reason::TokenMalformed),
        };
        let typ = match header.get("typ") {
            None => None,
            Some(Value::String(typ)) => Some(typ.clone()),
            Some(_) => return Err(Reason::TokenMalformed),
        };
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= MAX_KID => Some(kid.clone()),
            Some(_) => return Err(Reason::TokenMalformed),
        };
        Ok(Self { algorithm, typ, key_id, signing_input, signature: decode(signature)?, payload })
    }

    /// The payload's bytes. To be asked for only once the signature holds.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, Reason> {
        decode(self.payload)
    }
}

/// Decodes base64url as RFC 7515, 2 defines it: no padding, no white space, no second spelling in the trailing bits.
pub(crate) fn decode(segment: &str) -> Result<Vec<u8>, Reason> {
    URL_SAFE_NO_PAD.decode(segment).map_err(|_| Reason::TokenMalformed)
}
