//! The header of an encrypted token (RFC 7516, 4), read strictly.

use serde_json::{Map, Value};

use super::agreement::{Curve, PeerKey};
use super::algorithm::{Encryption, KeyManagement};
use crate::Reason;
use crate::token::json::parse_object;
use crate::token::jws::{MAX_KID, decode};

/// What the header says, of which nothing is verified before the content's tag holds.
pub(super) struct Header {
    pub(super) management: KeyManagement,
    pub(super) encryption: Encryption,
    pub(super) key_id: Option<String>,
    /// The sender's key. There for ECDH-ES, and only for that.
    pub(super) ephemeral: Option<PeerKey>,
    /// `apu` and `apv`: who the parties of a key agreement are (RFC 7518, 4.6.1).
    pub(super) parties: [Vec<u8>; 2],
    content_type: Option<String>,
    has_extension: bool,
}

impl Header {
    /// Reads what tells for which key the token is.
    ///
    /// `jwk`, `jku`, `x5u` and `x5c` are ignored: the keys are the operator's alone (RFC 8725, 3.10). So are the members of
    /// algorithms that cannot be named, as `p2c`.
    pub(super) fn parse(segment: &str) -> Result<Self, Reason> {
        let members = parse_object(&decode(segment)?).map_err(|_| Reason::TokenMalformed)?;
        let management = KeyManagement::parse(text(&members, "alg")?.ok_or(Reason::TokenMalformed)?)?;
        let encryption = Encryption::parse(text(&members, "enc")?.ok_or(Reason::TokenMalformed)?)?;
        let key_id = text(&members, "kid")?;
        if key_id.is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(Reason::TokenMalformed);
        }
        text(&members, "typ")?;
        let (ephemeral, parties) = match management {
            KeyManagement::EcdhEs(_) => {
                (Some(ephemeral(&members)?), [party(&members, "apu")?, party(&members, "apv")?])
            }
            _ => (None, [Vec::new(), Vec::new()]),
        };
        Ok(Self {
            management,
            encryption,
            key_id: key_id.map(str::to_owned),
            ephemeral,
            parties,
            content_type: text(&members, "cty")?.map(str::to_owned),
            has_extension: members.contains_key("crit") || members.contains_key("zip"),
        })
    }

    /// What must hold of a token that is for one of our keys.
    pub(super) fn check(&self) -> Result<(), Reason> {
        // RFC 7516, 4.1.13: an extension that is not understood must be refused, and none is. Compression tells of the
        // content by its length, and lets the sender choose how much there is to do.
        if self.has_extension {
            return Err(Reason::CriticalHeaderUnknown);
        }
        // RFC 7519, 5.2 has `JWT` for a nested token; RFC 9068 calls it `at+jwt`.
        match self.content_type.as_deref() {
            Some(cty) if !is_type(cty, "JWT") && !is_type(cty, "at+jwt") => Err(Reason::TokenMalformed),
            _ => Ok(()),
        }
    }
}

/// Why no token with this header is ever decrypted, if so.
pub(super) fn refusal(segment: &str) -> Option<Reason> {
    let members = parse_object(&decode(segment).ok()?).ok()?;
    if members.contains_key("zip") {
        return Some(Reason::CriticalHeaderUnknown);
    }
    let alg = members.get("alg")?.as_str()?;
    (alg == "RSA1_5" || alg.starts_with("PBES2-")).then_some(Reason::AlgorithmRefused)
}

/// Media types are compared without case, and `application/` may be left out (RFC 7516, 4.1.12).
fn is_type(value: &str, name: &str) -> bool {
    let prefix = value.get(..12).filter(|prefix| prefix.eq_ignore_ascii_case("application/"));
    value.get(prefix.map_or(0, str::len)..).is_some_and(|value| value.eq_ignore_ascii_case(name))
}

/// The public key in `epk` (RFC 7518, 4.6.1.1; RFC 8037, 3.2.1). Whether it is a point of its curve, the agreement tells.
fn ephemeral(members: &Map<String, Value>) -> Result<PeerKey, Reason> {
    let Some(Value::Object(key)) = members.get("epk") else { return Err(Reason::TokenMalformed) };
    let required = |member| text(key, member)?.ok_or(Reason::TokenMalformed);
    if key.contains_key("d") {
        return Err(Reason::TokenMalformed);
    }
    let curve = Curve::parse(required("kty")?, required("crv")?).ok_or(Reason::AlgorithmRefused)?;
    let y = if curve.has_y() { Some(decode(required("y")?)?) } else { None };
    let point = curve.point(&decode(required("x")?)?, y.as_deref()).ok_or(Reason::TokenMalformed)?;
    Ok(PeerKey { curve, point })
}

fn party(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Reason> {
    text(members, name)?.map_or(Ok(Vec::new()), decode)
}

/// A member that is a string if it is there.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Reason> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value)),
        Some(_) => Err(Reason::TokenMalformed),
    }
}
