//! What a hostile token or answer makes the rules allocate is in proportion to its length.
//!
//! A binary of its own, with one test: whatever runs beside it would be counted too. All that was ever allocated is
//! counted, given back or not, so the bound holds for the work as well as for the memory.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "core"]
mod core_tests {
    pub(crate) mod support;
}

use std::alloc::System;

use bearward_core::{
    Algorithm, DecryptionKeys, IntrospectionAnswer, KeySet, RequestPath, Shape, UnixTime, query_holds_credential,
    unverified_issuer, verify_jws,
};
use core_tests::support::junk::junk;
use core_tests::support::{NOW, b64, claims, key_set, rules, signer};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many bytes may be allocated for each byte that came in.
const PER_BYTE: usize = 100;

/// Where a token is short, what does not depend on it weighs more.
const AT_LEAST: usize = 64 * 1024;

/// All that `work` allocates.
fn allocated(work: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    work();
    region.change().bytes_allocated
}

#[test]
fn no_input_makes_more_of_itself() {
    let signer = signer(Algorithm::EdDsa);
    let (keys, rules, now) = (key_set(), rules(), UnixTime(NOW));
    let held = DecryptionKeys::parse(json!({"kty": "oct", "k": b64([7; 32]), "alg": "dir"}).to_string().as_bytes());
    let held = held.unwrap();
    let header = b64(signer.header().to_string());
    let mut failed = Vec::new();
    let mut bound = |name: String, length: usize, work: &dyn Fn()| {
        let (found, most) = (allocated(work), AT_LEAST + PER_BYTE * length);
        if found > most {
            failed.push(format!("{name}: {found} bytes for {length}"));
        }
    };
    assert!(allocated(|| drop(vec![0_u8; 100_000])) >= 100_000, "the allocator counts");
    for (name, junk) in junk() {
        let text = String::from_utf8_lossy(&junk).into_owned();
        let jwe = b64(json!({"alg": "dir", "enc": "A256GCM"}).to_string());
        for (how, token) in [
            ("as it is", text),
            ("as a header", format!("{}.{}.{}", b64(&junk), b64(claims().to_string()), b64([0; 64]))),
            ("signed, as a header", signer.sign(&junk, claims().to_string())),
            ("signed, as claims", signer.sign(signer.header().to_string(), &junk)),
            ("as a signature", format!("{header}.{}.{}", b64(claims().to_string()), b64(&junk))),
            ("as the header of a JWE", format!("{}..{}.{}.{}", b64(&junk), b64([0; 12]), b64("x"), b64([0; 16]))),
            ("as the content of a JWE", format!("{jwe}..{}.{}.{}", b64([0; 12]), b64(&junk), b64([0; 16]))),
        ] {
            bound(format!("{name}, {how}"), token.len(), &|| {
                assert!(verify_jws(&token, keys, &rules, now).is_err());
            });
            bound(format!("{name}, {how}: before it is proved"), token.len(), &|| {
                Shape::of(&token);
                unverified_issuer(&token);
                assert!(held.decrypt(&token).is_err());
            });
        }
        bound(format!("{name}, as a key set"), junk.len(), &|| drop(KeySet::parse(&junk)));
        bound(format!("{name}, as an answer"), junk.len(), &|| {
            assert!(IntrospectionAnswer::parse(&junk).and_then(|answer| answer.prove(&rules, now)).is_err());
        });
        let signed = signer.sign(json!({"alg": "EdDSA", "typ": "token-introspection+jwt"}).to_string(), &junk);
        bound(format!("{name}, as a signed answer"), signed.len(), &|| {
            assert!(
                IntrospectionAnswer::parse_signed(&signed, keys, &rules, "gateway", now)
                    .and_then(|answer| answer.prove(&rules, now))
                    .is_err()
            );
        });
        bound(format!("{name}, as a path and a query"), junk.len(), &|| {
            assert!(RequestPath::parse(&junk).is_err());
            query_holds_credential(&junk);
        });
    }
    assert!(failed.is_empty(), "{} cases:\n  {}", failed.len(), failed.join("\n  "));
}
