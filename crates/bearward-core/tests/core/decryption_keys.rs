//! The operator's decryption keys are read strictly: what is wrong with one is said by its name and member, and no value is
//! ever shown.

use crate::support::encryptor::{NESTED, Recipient, any_value, open, quick};
use crate::support::{b64, with};
use bearward_core::DecryptionKeys;
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn a_single_key_and_a_set_are_read() {
    let recipient = Recipient::curve("P-384");
    let token = recipient.letter("ECDH-ES+A256KW", "A128GCM").seal(NESTED);
    let jwk = recipient.jwk_with(json!({
        "use": "enc", "key_ops": ["deriveKey"], "kid": "ours", "alg": "ECDH-ES+A256KW", "x5t": "ignored", "ext": true
    }));
    for text in [jwk.to_string(), json!({"keys": [jwk]}).to_string(), format!(" \n{}\n", json!({"keys": [jwk]}))] {
        let keys = DecryptionKeys::parse(text.as_bytes()).unwrap();
        assert_eq!(open(&keys, &token), Ok(NESTED.to_owned()));
    }
    fn is_shared<T: Send + Sync>() {}
    is_shared::<DecryptionKeys>();
}

/// What is said of a key with one thing wrong; `None` as a value takes a member away.
fn complaint(jwk: &Value, member: &str, value: Option<Value>) -> String {
    let jwk = with(with(jwk.clone(), "kid", Some(json!("enc-1"))), member, value);
    match DecryptionKeys::parse(json!({"keys": [jwk]}).to_string().as_bytes()) {
        Ok(_) => "no complaint".into(),
        Err(error) => {
            let said = format!("{error} {error:?}");
            for secret in ["d", "p", "q", "dp", "dq", "qi", "k", "n", "x", "y"] {
                let shown = jwk[secret].as_str().is_some_and(|text| text.len() > 8 && said.contains(text));
                assert!(!shown, "`{secret}` in {said:?}");
            }
            error.to_string()
        }
    }
}

#[test]
fn what_is_wrong_with_a_key_is_said_without_its_value() {
    let rsa = Recipient::rsa().jwk;
    let p256 = Recipient::curve("P-256").jwk;
    let x25519 = Recipient::curve("X25519").jwk;
    let wrap = Recipient::secret(16).jwk_with(json!({"alg": "A128KW"}));
    let dir = Recipient::secret(32).jwk_with(json!({"alg": "dir"}));
    let mut said = Vec::new();
    for (jwk, member, value) in [
        (&rsa, "use", Some(json!("sig"))),
        (&rsa, "kid", Some(json!(1))),
        (&rsa, "kid", Some(json!(""))),
        (&rsa, "kty", None),
        (&rsa, "kty", Some(json!("AKP"))),
        (&rsa, "kty", Some(json!(1))),
        (&rsa, "key_ops", Some(json!(["sign"]))),
        (&rsa, "alg", Some(json!("RSA-OAEP"))),
        (&rsa, "alg", Some(json!("RSA1_5"))),
        (&rsa, "alg", Some(json!("RS256"))),
        (&rsa, "d", None),
        (&rsa, "qi", None),
        (&rsa, "oth", Some(json!([]))),
        (&rsa, "n", Some(json!(b64([0xff; 255])))),
        (&rsa, "e", Some(json!("AA"))),
        (&rsa, "d", Some(json!(b64([7; 256])))),
        (&rsa, "p", Some(json!(b64([7; 128])))),
        (&rsa, "dp", Some(json!("AQ"))),
        (&rsa, "p", Some(json!("not base64url!"))),
        (&rsa, "q", Some(json!(17))),
        (&p256, "alg", Some(json!("ES256"))),
        (&p256, "alg", Some(json!("ECDH-ES+A192KW"))),
        (&p256, "crv", None),
        (&p256, "crv", Some(json!("secp256k1"))),
        (&p256, "crv", Some(json!("X25519"))),
        (&p256, "crv", Some(json!("P-384"))),
        (&p256, "x", None),
        (&p256, "y", None),
        (&p256, "d", None),
        (&p256, "d", Some(json!(b64([1; 31])))),
        (&p256, "d", Some(json!(b64([1; 32])))),
        (&p256, "d", Some(json!(b64([0; 32])))),
        (&p256, "d", Some(json!(b64([0xff; 32])))),
        (&p256, "x", Some(json!(b64([1; 33])))),
        (&p256, "key_ops", Some(json!(["decrypt"]))),
        (&p256, "key_ops", Some(json!("deriveKey"))),
        (&x25519, "crv", Some(json!("Ed25519"))),
        (&x25519, "crv", Some(json!("X448"))),
        (&x25519, "x", Some(json!(b64([9; 32])))),
        (&x25519, "d", Some(json!(b64([9; 32])))),
        (&x25519, "d", None),
        (&wrap, "alg", None),
        (&wrap, "alg", Some(json!("A256KW"))),
        (&wrap, "alg", Some(json!("A192KW"))),
        (&wrap, "alg", Some(json!("HS256"))),
        (&wrap, "alg", Some(json!("PBES2-HS256+A128KW"))),
        (&wrap, "alg", Some(json!("A256GCM"))),
        (&wrap, "k", None),
        (&wrap, "k", Some(json!(b64([1; 17])))),
        (&dir, "k", Some(json!(b64([1; 24])))),
        (&dir, "k", Some(json!(""))),
    ] {
        let kind = [&jwk["kty"], &jwk["crv"], &jwk["alg"]].map(|name| name.as_str().unwrap_or_default()).join(" ");
        let change = value.as_ref().map_or("absent".into(), Value::to_string);
        let change = if change.len() > 24 { "other".into() } else { change };
        said.push(format!("{}, `{member}` {change}: {}", kind.trim(), complaint(jwk, member, value)));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn what_is_wrong_with_a_set_is_said() {
    let secret = |more: Value| Recipient::secret(32).jwk_with(more);
    let said = |text: String| match DecryptionKeys::parse(text.as_bytes()) {
        Ok(keys) => format!("{keys:?}"),
        Err(error) => error.to_string(),
    };
    let set = |keys: &[Value]| said(json!({"keys": keys}).to_string());
    let many: Vec<Value> = (0..17).map(|at| secret(json!({"alg": "dir", "kid": at.to_string()}))).collect();
    let twice = format!(r#"{{"kty":"oct","alg":"dir","k":"{0}","k":"{0}"}}"#, b64([1; 32]));
    let neither = said("{}".into());
    for text in ["", "null", "[]", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, r#"{"kty":"oct","keys":[]}"#, &twice, "{}x"] {
        assert_eq!(said(text.into()), neither, "{text}");
    }
    let named = |alg: &str| secret(json!({"alg": alg, "kid": "a"}));
    let said = [
        neither,
        set(&[]),
        set(&many),
        set(&many[..16]),
        set(&[secret(json!({"alg": "dir"})), secret(json!({"alg": "HS256"}))]),
        set(&[named("dir"), named("A256GCM")]),
        set(&[&many[..4], &[secret(json!({"alg": "A256GCM"}))]].concat()),
        set(&[&many[..3], &[secret(json!({"alg": "A256GCM"}))]].concat()),
        set(&[&many[..4], &[secret(json!({"alg": "A256KW"}))]].concat()),
        set(&[named("dir"), named("A256KW")]),
        set(&[secret(json!({"alg": "dir", "kid": "line\nbreak", "use": "sig"}))]),
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    not a JWK or JWK set: expected a JSON object with `kty` or with an array `keys`, and no member twice (RFC 7517)
    a JWK set without a key
    a JWK set of more than 16 keys
    DecryptionKeys { keys: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"] }
    key 2: `alg`: must say what a symmetric key is for: `A128KW`, `A256KW`, `dir`, or a content encryption to be used with `dir` (`A128GCM`, `A256GCM`, `A128CBC-HS256`, `A256CBC-HS512`)
    key "a": `kid`: another key for the same algorithm has it too
    key 5: `kid`: missing, and more than 4 keys open the same: a token must name the one that it is for
    DecryptionKeys { keys: ["0", "1", "2", "-"] }
    DecryptionKeys { keys: ["0", "1", "2", "3", "-"] }
    DecryptionKeys { keys: ["a", "a"] }
    key "line\nbreak": `use`: must be `enc`, if it is there
    "#);
}

#[test]
fn nothing_shows_a_key_or_a_token() {
    let (recipient, keys) = quick();
    let token = keys.decrypt(&recipient.letter("A256KW", "A256GCM").seal(NESTED)).unwrap();
    assert_eq!(format!("{keys:?} {token:?}"), r#"DecryptionKeys { keys: ["ours"] } DecryptedToken([redacted])"#);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_key_panics(
        kty in prop::sample::select(vec!["RSA", "EC", "OKP", "oct"]),
        members in prop::collection::vec((prop::sample::select(JWK), any_value()), 0..12),
    ) {
        let mut jwk = json!({"kty": kty});
        for (name, value) in members {
            jwk[name] = value;
        }
        let _ = DecryptionKeys::parse(jwk.to_string().as_bytes());
        let _ = DecryptionKeys::parse(json!({"keys": [jwk]}).to_string().as_bytes());
    }

    #[test]
    fn no_bytes_panic_as_keys(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(DecryptionKeys::parse(&bytes).is_err());
    }
}

const JWK: &[&str] = &["kid", "use", "key_ops", "alg", "crv", "n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y", "k"];
