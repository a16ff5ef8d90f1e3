//! The proof of a self-contained token: RFC 7515 for the signature, RFC 9068, 4 for the claims.

use crate::token::claims::Claims;
use crate::token::document::Document;
use crate::token::jws::{CompactJws, JoseHeader};
use crate::token::proof::{Origin, prove};
use crate::verdict::{Detail, Member, noted};
use crate::{Algorithm, Check, KeySet, Reason, TokenRules, Trace, UnixTime, Unverified, Verified};

/// Proves a self-contained token with the keys of the issuer whose `rules` these are.
///
/// A token that is bound to a key (`cnf`) is proved like any other: whether the sender may use it is for
/// [`Requirement::admit`](crate::Requirement::admit) to say, on each request.
///
/// # Errors
///
/// The [`Reason`] of the first check that fails, in the order of [`Check`]: from [`Check::Form`] to [`Check::Audience`].
/// Only [`Reason::KeyUnknown`] may be worth fetching the key set again.
pub fn verify_jws(token: &str, keys: &KeySet, rules: &TokenRules, now: UnixTime) -> Result<Verified, Reason> {
    verify_jws_traced(token, keys, rules, now, None)
}

/// [`verify_jws`], which also notes what each check found where a trace is given.
///
/// # Errors
///
/// As [`verify_jws`].
pub fn verify_jws_traced(
    token: &str,
    keys: &KeySet,
    rules: &TokenRules,
    now: UnixTime,
    mut trace: Option<&mut Trace>,
) -> Result<Verified, Reason> {
    let trace = &mut trace;
    let mut jws = noted(trace, Check::Form, CompactJws::parse(token), || Detail::expected("three parts in base64url"))?;
    let header = noted(trace, Check::Header, jws.header(), || {
        Detail::expected("strict JSON with alg, without crit, b64, enc and zip")
    })?;
    let algorithm = noted(trace, Check::Algorithm, header.algorithm(&rules.algorithms), || {
        let allowed: Vec<_> = rules.algorithms.iter().copied().map(Algorithm::name).collect();
        Detail::expected(allowed.join(" ")).unverified(Some(Unverified::text(Member::Alg, header.alg())))
    })?;
    noted(trace, Check::Type, rules.profile.check_type(header.typ()), || {
        let typ = header.typ().map(|typ| Unverified::text(Member::Typ, typ));
        Detail::expected(rules.profile.types()).unverified(typ)
    })?;
    let fitting = noted(trace, Check::Key, keys.fitting(algorithm, header.key_id()), || key_detail(&header))?;
    noted(trace, Check::Signature, fitting.verify(jws.signing_input, &jws.signature), Detail::default)?;
    let claims = noted(trace, Check::Claims, read_claims(&jws, rules), || {
        Detail::expected("strict JSON, with claims of the types that they must have")
    })?;
    prove(claims, rules, now, Origin::Jws, trace)
}

fn read_claims(jws: &CompactJws<'_>, rules: &TokenRules) -> Result<Claims, Reason> {
    let payload = Document::parse(jws.payload()?).map_err(|_| Reason::ClaimsMalformed)?;
    Claims::read(payload, rules)
}

fn key_detail(header: &JoseHeader) -> Detail {
    let key_id = header.key_id().map(|key_id| Unverified::text(Member::Kid, key_id));
    Detail::expected(format!("a key of the issuer for {}", if key_id.is_some() { "kid and alg" } else { "alg" }))
        .unverified(key_id)
}
