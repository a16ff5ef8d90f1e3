//! The compact serialization of a JWS (RFC 7515, 7.1), read strictly, before anything in it is believed.

use std::mem;

use crate::token::base64url;
use crate::token::document::{Document, Span};
use crate::{Algorithm, Reason};

/// The longest `kid` that is looked at, in bytes. Real ones are below 100.
pub(crate) const MAX_KID: usize = 512;

/// A JWS taken apart. Nothing in it is verified; only `verify` may look inside.
pub(crate) struct CompactJws<'a> {
    pub(crate) signing_input: &'a [u8],
    pub(crate) signature: Vec<u8>,
    header: Vec<u8>,
    payload: &'a str,
}

impl<'a> CompactJws<'a> {
    /// Takes a token apart: three parts, header and signature in strict base64url.
    pub(crate) fn parse(token: &'a str) -> Result<Self, Reason> {
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Reason::TokenMalformed);
        };
        let signing_input = token.as_bytes().get(..header.len() + 1 + payload.len()).ok_or(Reason::TokenMalformed)?;
        Ok(Self { signing_input, header: decode(header)?, signature: decode(signature)?, payload })
    }

    /// The header. To be asked for once.
    pub(crate) fn header(&mut self) -> Result<JoseHeader, Reason> {
        JoseHeader::read(Document::parse(mem::take(&mut self.header)).map_err(|_| Reason::TokenMalformed)?)
    }

    /// The payload's bytes. To be asked for only once the signature holds.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, Reason> {
        decode(self.payload)
    }
}

/// The members of the header that rules look at (RFC 7515, 4.1).
pub(crate) struct JoseHeader {
    members: Document,
    alg: Span,
    typ: Option<Span>,
    key_id: Option<Span>,
}

impl JoseHeader {
    /// `jwk`, `jku`, `x5u` and `x5c` are ignored: keys come from the issuer alone (RFC 8725, 3.10).
    fn read(members: Document) -> Result<Self, Reason> {
        // RFC 7515, 4.1.11: an extension that is not understood must be refused, and none is. `b64` (RFC 7797) and the
        // members of an encrypted token mean nothing in a signed one, unless to another reader.
        if ["crit", "b64", "enc", "zip"].iter().any(|name| members.has(name)) {
            return Err(Reason::CriticalHeaderUnknown);
        }
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(value) => value.span().map(Some).ok_or(Reason::TokenMalformed),
        };
        let (alg, typ, key_id) = (text("alg")?, text("typ")?, text("kid")?);
        let header = Self { alg: alg.ok_or(Reason::TokenMalformed)?, typ, key_id, members };
        if header.key_id().is_some_and(|key_id| key_id.len() > MAX_KID) {
            return Err(Reason::TokenMalformed);
        }
        Ok(header)
    }

    /// Any name, also that of an algorithm that is not known.
    pub(crate) fn alg(&self) -> &str {
        self.alg.of(self.members.text())
    }

    pub(crate) fn typ(&self) -> Option<&str> {
        self.typ.map(|span| span.of(self.members.text()))
    }

    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.map(|span| span.of(self.members.text()))
    }

    /// The algorithm, if it is one of those `allowed`.
    pub(crate) fn algorithm(&self, allowed: &[Algorithm]) -> Result<Algorithm, Reason> {
        let named = self.alg().parse().ok().filter(|algorithm| allowed.contains(algorithm));
        named.ok_or(Reason::AlgorithmRefused)
    }
}

/// Decodes base64url as RFC 7515, 2 defines it.
pub(crate) fn decode(segment: &str) -> Result<Vec<u8>, Reason> {
    base64url::decode(segment.as_bytes()).ok_or(Reason::TokenMalformed)
}
