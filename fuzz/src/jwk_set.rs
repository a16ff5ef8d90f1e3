//! An issuer's JWK set.

use std::collections::BTreeMap;

use bearward_core::{Algorithm, KeySet, Reason, verify_jws};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::fixture::{NOW, RULES, base64url};

/// The input is the text of a JWK set.
///
/// Every key is either used or skipped, as it would be alone; a private one is skipped. No key, however odd, has a
/// signature that anyone can write down.
pub fn jwk_set(data: &[u8]) -> bool {
    let Ok(set) = KeySet::parse(data) else { return false };
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(data).expect("an object");
    let keys: Vec<Box<RawValue>> = serde_json::from_str(members["keys"].get()).expect("an array");
    assert_eq!(set.len() + set.skipped().len(), keys.len(), "used or skipped");
    assert!(keys.len() <= 100);

    let alone: Vec<KeySet> = keys.iter().map(|key| one_key(key.get())).collect();
    assert_eq!(alone.iter().map(KeySet::len).sum::<usize>(), set.len(), "a key spoils another");
    let skipped: Vec<_> = alone.iter().flat_map(KeySet::skipped).cloned().collect();
    assert_eq!(skipped, set.skipped(), "a key spoils another");
    for (key, alone) in keys.iter().zip(&alone) {
        let private = |key: &Value| ["d", "p", "q", "dp", "dq", "qi", "k"].iter().any(|name| key.get(name).is_some());
        if serde_json::from_str(key.get()).is_ok_and(|key: Value| !key.is_object() || private(&key)) {
            assert!(alone.is_empty(), "a private key is used");
        }
    }
    fingerprint_is_of_the_keys(&set, &keys);
    if !set.is_empty() {
        no_signature_is_for_free(&set);
    }
    set.skipped().is_empty()
}

/// It is the same in whatever order the keys come and whatever comes with them, and another one without them.
fn fingerprint_is_of_the_keys(set: &KeySet, keys: &[Box<RawValue>]) {
    let reversed: Vec<&str> = keys.iter().rev().map(|key| key.get()).collect();
    let text = format!(r#"{{"more":[{{}}],"keys":[{}]}}"#, reversed.join(","));
    let reversed = KeySet::parse(text.as_bytes()).expect("the same keys");
    assert_eq!(reversed.fingerprint(), set.fingerprint());
    assert_eq!(set.fingerprint() == KeySet::parse(br#"{"keys":[]}"#).expect("a set").fingerprint(), set.is_empty());
}

fn one_key(key: &str) -> KeySet {
    let set = KeySet::parse(format!(r#"{{"keys":[{key}]}}"#).as_bytes()).expect("a set of one");
    assert_eq!(set.len() + set.skipped().len(), 1);
    set
}

/// Signatures that hold where a key or its check is broken: zero (CVE-2022-21449), one, and for Ed25519 the neutral
/// point, which is anybody's signature under a key of small order.
fn no_signature_is_for_free(set: &KeySet) {
    let claims = base64url("{}");
    for algorithm in Algorithm::ALL {
        let lengths: &[usize] = match algorithm {
            Algorithm::Es256 | Algorithm::EdDsa => &[64],
            Algorithm::Es384 => &[96],
            Algorithm::Es512 => &[132],
            _ => &[256, 384, 512],
        };
        for length in lengths {
            let zero = vec![0; *length];
            let (mut low, mut high, mut both) = (zero.clone(), zero.clone(), zero.clone());
            low[0] = 1;
            high[length - 1] = 1;
            both[length / 2 - 1] = 1;
            both[length - 1] = 1;
            let header = base64url(format!(r#"{{"alg":"{}","typ":"at+jwt"}}"#, algorithm.name()));
            for signature in [zero, low, high, both].map(base64url) {
                // The claims are refused once the signature holds, with another reason.
                let refused = verify_jws(&format!("{header}.{claims}.{signature}"), set, &RULES[0], NOW);
                let refused = matches!(refused, Err(Reason::KeyUnknown | Reason::SignatureInvalid));
                assert!(refused, "{algorithm} for free");
            }
        }
    }
}
