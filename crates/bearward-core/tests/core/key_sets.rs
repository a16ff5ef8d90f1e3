//! A key set is read key by key: what cannot be used is left out and named, and what is no key set is refused whole.

use crate::support::{Signer, Table, b64, claims, key_set, parse_keys, rules, signer, signers, verify_with, with};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use bearward_core::{Algorithm, KeySet, KeySetError, Reason};
use serde_json::{Value, json};

#[test]
fn all_good_keys_are_kept() {
    assert_eq!(key_set().len(), Algorithm::ALL.len());
    assert!(!key_set().is_empty());
    assert_eq!(key_set().skipped(), []);
}

/// Each key on its own, so that a case says nothing about its neighbours.
#[test]
fn a_key_that_cannot_be_used_is_skipped() {
    let mut table = Table::new();
    for (name, jwk) in unusable() {
        let keys = parse_keys([jwk]);
        table.case(name, (keys.len(), keys.skipped().len()), (0, 1));
    }
    table.finish();
}

#[test]
fn a_skipped_key_spoils_no_other() {
    let mut table = Table::new();
    let good = signer(Algorithm::EdDsa);
    let token = good.token(&claims());
    for (name, jwk) in unusable() {
        let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
        for keys in [[jwk.clone(), good.jwk()], [good.jwk(), jwk]] {
            let keys = parse_keys(keys);
            table.case(&name, verify_with(&token, &keys).map(drop), Ok(()));
            table.case(format!("{name}: kid"), keys.skipped().iter().all(|key| key.key_id == kid), true);
            table.case(format!("{name}: why"), keys.skipped().iter().all(|key| !key.why.is_empty()), true);
            table.case(format!("{name}: counts"), keys.len() + keys.skipped().len(), 2);
        }
    }
    table.finish();
}

/// Keys that issuers publish by mistake, for other purposes, or that are too weak (RFC 7517, 4; RFC 7518, 6; RFC 8037).
fn unusable() -> Vec<(String, Value)> {
    let rsa = signer(Algorithm::Rs256).jwk();
    let ec = signer(Algorithm::Es256).jwk();
    let ed = signer(Algorithm::EdDsa).jwk();
    let set = |jwk: &Value, member: &str, value: Value| with(jwk.clone(), member, Some(value));
    let without = |jwk: &Value, member: &str| with(jwk.clone(), member, None);
    let modulus = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
    let (x, y) = (ec["x"].as_str().unwrap(), ec["y"].as_str().unwrap());
    let (x_bytes, y_bytes) = (URL_SAFE_NO_PAD.decode(x).unwrap(), URL_SAFE_NO_PAD.decode(y).unwrap());
    let any_alg = |jwk: &Value, member: &str, value: Value| with(set(jwk, member, value), "alg", None);
    let small = |lowest: u8, middle: u8, highest: u8| {
        let mut point = [middle; 32];
        (point[0], point[31]) = (lowest, highest);
        set(&ed, "x", json!(b64(point)))
    };
    let of_order_8 = |hex: &str, sign: u8| {
        let digits =
            hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
        let mut point: Vec<u8> = digits.collect();
        point[31] |= sign;
        set(&ed, "x", json!(b64(point)))
    };
    let mut all = vec![
        // Not for verifying.
        ("use enc", set(&rsa, "use", json!("enc"))),
        ("use unknown", set(&rsa, "use", json!("Sig"))),
        ("use of the wrong type", set(&rsa, "use", json!(["sig"]))),
        ("use sig and key_ops without verify", set(&rsa, "key_ops", json!(["sign"]))),
        ("use enc and key_ops with verify", set(&set(&rsa, "key_ops", json!(["verify"])), "use", json!("enc"))),
        ("key_ops empty", set(&rsa, "key_ops", json!([]))),
        ("key_ops of the wrong type", set(&rsa, "key_ops", json!("verify"))),
        ("key_ops with a number", set(&rsa, "key_ops", json!(["verify", 1]))),
        // Another algorithm than ours, or than the key's.
        ("alg for encryption", set(&rsa, "alg", json!("RSA-OAEP"))),
        ("alg HS256", set(&rsa, "alg", json!("HS256"))),
        ("alg none", set(&rsa, "alg", json!("none"))),
        ("alg empty", set(&rsa, "alg", json!(""))),
        ("alg of the wrong type", set(&rsa, "alg", json!(256))),
        ("alg of another kind of key", set(&rsa, "alg", json!("ES256"))),
        ("alg of another curve", set(&ec, "alg", json!("ES384"))),
        ("alg RS256 on Ed25519", set(&ed, "alg", json!("RS256"))),
        // Kinds of keys that verify nothing here.
        ("oct", json!({"kty": "oct", "kid": "secret", "k": b64("secret"), "alg": "HS256"})),
        ("oct without alg", json!({"kty": "oct", "kid": "secret", "k": b64("secret")})),
        ("RSA with k", set(&rsa, "k", json!(b64("secret")))),
        ("kty unknown", json!({"kty": "AKP", "kid": "pq", "alg": "ML-DSA-44", "pub": "AAAA"})),
        ("kty in lower case", set(&rsa, "kty", json!("rsa"))),
        ("kty empty", set(&rsa, "kty", json!(""))),
        ("kty missing", without(&rsa, "kty")),
        ("kty null", set(&rsa, "kty", json!(null))),
        ("kty of the wrong type", set(&rsa, "kty", json!(["RSA"]))),
        ("kty EC with the members of RSA", set(&rsa, "kty", json!("EC"))),
        ("kty RSA with the members of EC", set(&ec, "kty", json!("RSA"))),
        ("kid of the wrong type", set(&ec, "kid", json!(1))),
        // Published by mistake: whoever reads the set can sign.
        ("RSA with d", set(&rsa, "d", json!("AQAB"))),
        ("RSA with all private members", private(&rsa, &["d", "p", "q", "dp", "dq", "qi"])),
        ("RSA with its primes", private(&rsa, &["p", "q"])),
        ("RSA with one prime", private(&rsa, &["p"])),
        ("RSA with a CRT exponent", private(&rsa, &["dp"])),
        ("RSA with more primes", set(&rsa, "oth", json!([{"r": "AQAB", "d": "AQAB", "t": "AQAB"}]))),
        ("EC with d", set(&ec, "d", json!(x))),
        ("OKP with d", set(&ed, "d", ed["x"].clone())),
        ("OKP with d of the wrong type", set(&ed, "d", json!(1))),
        // RSA that is too weak, too large, or no key.
        ("RSA of 1024 bits", set(&rsa, "n", json!(RSA_1024))),
        ("RSA of 2047 bits", set(&rsa, "n", json!(b64(halved(&modulus))))),
        ("RSA of 512 bits", set(&rsa, "n", json!(b64(&modulus[..64])))),
        ("RSA of 8200 bits", set(&rsa, "n", json!(b64([vec![0x81; 1024], vec![1]].concat())))),
        ("RSA of 1024 bits after zeros", set(&rsa, "n", json!(b64([vec![0; 128], modulus[..128].to_vec()].concat())))),
        ("RSA with n zero", set(&rsa, "n", json!(b64([0])))),
        ("RSA with n empty", set(&rsa, "n", json!(""))),
        ("RSA without n", without(&rsa, "n")),
        ("RSA with n null", set(&rsa, "n", json!(null))),
        ("RSA with n of the wrong type", set(&rsa, "n", json!([1]))),
        ("RSA without e", without(&rsa, "e")),
        ("RSA with e empty", set(&rsa, "e", json!(""))),
        ("RSA with e zero", set(&rsa, "e", json!(b64([0])))),
        ("RSA with e one", set(&rsa, "e", json!(b64([1])))),
        ("RSA with e even", set(&rsa, "e", json!(b64([2])))),
        ("RSA with e of 2048 bits", set(&rsa, "e", json!(b64(&modulus)))),
        ("RSA with n even", set(&rsa, "n", json!(b64(evened(&modulus))))),
        ("RSA with n in padded base64url", set(&rsa, "n", json!(URL_SAFE.encode(&modulus)))),
        ("RSA with n in decimal", set(&rsa, "n", json!("25195908475657893494"))),
        ("RSA with e as a number", set(&rsa, "e", json!(65537))),
        // A point that is not on the curve, or not spelled as one (RFC 7518, 6.2.1; RFC 8725, 3.4).
        ("EC without x", without(&ec, "x")),
        ("EC without y", without(&ec, "y")),
        ("EC without crv", without(&ec, "crv")),
        ("EC with crv of the wrong type", set(&ec, "crv", json!(256))),
        ("EC with crv in lower case", set(&ec, "crv", json!("p-256"))),
        ("EC of secp256k1", any_alg(&ec, "crv", json!("secp256k1"))),
        ("EC of P-224", any_alg(&ec, "crv", json!("P-224"))),
        ("EC of another curve", any_alg(&ec, "crv", json!("P-384"))),
        ("EC with crv Ed25519", any_alg(&ec, "crv", json!("Ed25519"))),
        ("EC off the curve", set(&ec, "y", json!(x))),
        ("EC at 0, 0", set(&set(&ec, "x", json!(b64([0; 32]))), "y", json!(b64([0; 32])))),
        ("EC beyond the field", set(&ec, "x", json!(b64([0xff; 32])))),
        ("EC with x empty", set(&ec, "x", json!(""))),
        (
            "EC with both coordinates in x",
            set(&set(&ec, "x", json!(b64([&x_bytes[..], &y_bytes].concat()))), "y", json!("")),
        ),
        (
            "EC with a byte of y in x",
            set(&set(&ec, "x", json!(b64([&x_bytes[..], &y_bytes[..1]].concat()))), "y", json!(b64(&y_bytes[1..]))),
        ),
        ("EC with a zero before x", set(&ec, "x", json!(b64([&[0], &x_bytes[..]].concat())))),
        ("EC with x in the standard alphabet", set(&ec, "x", json!(STANDARD.encode(&x_bytes)))),
        ("OKP of X25519", any_alg(&ed, "crv", json!("X25519"))),
        ("OKP of Ed448", any_alg(&ed, "crv", json!("Ed448"))),
        ("OKP of P-256", any_alg(&ed, "crv", json!("P-256"))),
        ("OKP without x", without(&ed, "x")),
        ("OKP with x too short", set(&ed, "x", json!(b64([1; 31])))),
        ("OKP with x too long", set(&ed, "x", json!(b64([1; 33])))),
        ("OKP with DER in x", set(&ed, "x", json!(b64(&signer(Algorithm::EdDsa).der()[0])))),
        // Points of order 8 and less, under which anybody can sign: each y coordinate that such a point has or is read as
        // (RFC 8032, 5.1.3; RFC 8725, 3.4), with either sign of x.
        ("Ed25519 with y 0", small(0, 0, 0)),
        ("Ed25519 with y 0 and x odd", small(0, 0, 0x80)),
        ("Ed25519 with y 1", small(1, 0, 0)),
        ("Ed25519 with y 1 and x odd", small(1, 0, 0x80)),
        ("Ed25519 with y -1", small(0xec, 0xff, 0x7f)),
        ("Ed25519 with y -1 and x odd", small(0xec, 0xff, 0xff)),
        ("Ed25519 with y 0 as p", small(0xed, 0xff, 0x7f)),
        ("Ed25519 with y 0 as p and x odd", small(0xed, 0xff, 0xff)),
        ("Ed25519 with y 1 as p + 1", small(0xee, 0xff, 0x7f)),
        ("Ed25519 with y 1 as p + 1 and x odd", small(0xee, 0xff, 0xff)),
        ("Ed25519 of order 8", of_order_8(ORDER_8[0], 0)),
        ("Ed25519 of order 8, x odd", of_order_8(ORDER_8[0], 0x80)),
        ("Ed25519 of order 8, the other y", of_order_8(ORDER_8[1], 0)),
        ("Ed25519 of order 8, the other y, x odd", of_order_8(ORDER_8[1], 0x80)),
        // No objects.
        ("null", json!(null)),
        ("a string", json!("key")),
        ("a number", json!(1)),
        ("true", json!(true)),
        ("nothing in it", json!({})),
        ("an array", json!([])),
    ];
    // The members in the order in which a reader may hold them, for one that takes an array for a struct.
    let fields = ["kty", "kid", "use", "key_ops", "alg", "crv", "n", "e", "x", "y", "d", "k"];
    all.push(("an array of a key's members", fields.iter().map(|member| ed.get(*member).cloned()).collect()));
    all.into_iter().map(|(name, jwk)| (name.to_owned(), jwk)).collect()
}

/// The y coordinates of the Ed25519 points of order 8, from the lowest byte on.
const ORDER_8: [&str; 2] = [
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
];

/// A modulus of 1024 bits: a product of two primes, of a key that was thrown away.
const RSA_1024: &str = "4U9FLXBzsXBrRqTdi2ee7bAthZI9-xmNQza8idMwJP8B7v5N9S9wwccXuyisuxJVyYVBh6VVMD08dy8tUMssWq\
    3w1ppz-G3TY_bSb6shif3L12UfmsWQAQjLaeubc1HzQOAjJscyMS0TP6BunjJkmZ6NUGqDyablbe1a5-CAlyE";

fn private(jwk: &Value, members: &[&str]) -> Value {
    members.iter().fold(jwk.clone(), |jwk, member| with(jwk, member, Some(json!("AQAB"))))
}

fn halved(number: &[u8]) -> Vec<u8> {
    let mut number = number.to_vec();
    number[0] = number[0] >> 1 | 0x40;
    number
}

fn evened(number: &[u8]) -> Vec<u8> {
    let mut number = number.to_vec();
    *number.last_mut().unwrap() &= 0xfe;
    number
}

// RFC 8017, 5.2.2: with e = 1 the signature is the message, and anybody can write it.
#[test]
fn an_rsa_key_whose_exponent_is_one_verifies_nothing() {
    let signer = signer(Algorithm::Rs256);
    let keys = parse_keys([with(signer.jwk(), "e", Some(json!(b64([1]))))]);
    let message = format!("{}.{}", b64(signer.header().to_string()), b64(claims().to_string()));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message.as_bytes());
    // EMSA-PKCS1-v1_5 (RFC 8017, 9.2) with the DER of SHA-256.
    let info = [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
    let forged = [&[0, 1][..], &[0xff; 256 - 3 - 19 - 32], &[0], &info, digest.as_ref()].concat();
    assert_eq!(forged.len(), 256);
    assert!(verify_with(&format!("{message}.{}", b64(forged)), &keys).is_err());
}

#[test]
fn a_key_may_say_less_and_say_more() {
    let mut table = Table::new();
    for signer in signers() {
        let token = signer.token(&claims());
        for (name, jwk) in [
            ("no alg", with(signer.jwk(), "alg", None)),
            ("no use", with(signer.jwk(), "use", None)),
            ("key_ops", with(with(signer.jwk(), "use", None), "key_ops", Some(json!(["verify"])))),
            ("an unknown member", with(signer.jwk(), "x-issued", Some(json!({"by": ["us"]})))),
            ("certificates", with(signer.jwk(), "x5c", Some(json!(["not read"])))),
            ("dates", with(with(signer.jwk(), "nbf", Some(json!(1))), "exp", Some(json!(2)))),
            ("null members", with(with(signer.jwk(), "key_ops", Some(json!(null))), "x5u", Some(json!(null)))),
        ] {
            let keys = parse_keys([jwk]);
            table.case(format!("{} {name}", signer.algorithm), verify_with(&token, &keys).map(drop), Ok(()));
        }
    }
    let ed = signer(Algorithm::EdDsa);
    let keys = parse_keys([with(ed.jwk(), "alg", Some(json!("Ed25519")))]);
    table.case("alg Ed25519 (RFC 9864)", verify_with(&ed.token(&claims()), &keys).map(drop), Ok(()));
    table.finish();
}

// RFC 7517, 4.5: keys SHOULD have different `kid`s, and may share one where their `kty` differs.
#[test]
fn keys_may_share_a_kid() {
    let mut table = Table::new();
    let signers: Vec<Signer> =
        [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Es256].map(|algorithm| Signer::new(algorithm, "shared")).into();
    let keys = parse_keys(signers.iter().map(Signer::jwk));
    table.case("kept", keys.len(), 3);
    for (i, signer) in signers.iter().enumerate() {
        table.case(format!("key {i}"), verify_with(&signer.token(&claims()), &keys).map(drop), Ok(()));
    }
    let stranger = Signer::new(Algorithm::Es256, "shared");
    table.case("a stranger's", verify_with(&stranger.token(&claims()), &keys).map(drop), Err(Reason::SignatureInvalid));
    let withdrawn = parse_keys(signers[1..].iter().map(Signer::jwk));
    let token = signers[0].token(&claims());
    table.case("a withdrawn one", verify_with(&token, &withdrawn).map(drop), Err(Reason::SignatureInvalid));
    table.finish();
}

#[test]
fn a_withdrawn_key_verifies_nothing() {
    let (old, new) = (Signer::new(Algorithm::EdDsa, "old"), Signer::new(Algorithm::EdDsa, "new"));
    let rotated = parse_keys([new.jwk()]);
    assert_eq!(verify_with(&old.token(&claims()), &rotated).map(drop), Err(Reason::KeyUnknown));
    assert_eq!(verify_with(&new.token(&claims()), &rotated).map(drop), Ok(()));
}

#[test]
fn what_is_no_key_set_is_refused() {
    let mut table = Table::new();
    let ed = signer(Algorithm::EdDsa).jwk().to_string();
    let set = format!(r#"{{"keys":[{ed}]}}"#);
    let utf16: Vec<u8> = set.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, text) in [
        ("nothing", Vec::new()),
        ("HTML", b"<!DOCTYPE html><html><body>Sign in</body></html>".to_vec()),
        ("text", b"Service Unavailable".to_vec()),
        ("null", b"null".to_vec()),
        ("a string", json!(set).to_string().into_bytes()),
        ("an error", br#"{"error":"server_error"}"#.to_vec()),
        ("nothing in it", b"{}".to_vec()),
        ("keys in capitals", format!(r#"{{"Keys":[{ed}]}}"#).into_bytes()),
        ("keys null", br#"{"keys":null}"#.to_vec()),
        ("keys a string", br#"{"keys":"[]"}"#.to_vec()),
        ("keys an object", format!(r#"{{"keys":{{"0":{ed}}}}}"#).into_bytes()),
        ("keys twice", format!(r#"{{"keys":[],"keys":[{ed}]}}"#).into_bytes()),
        ("one key", ed.clone().into_bytes()),
        ("an array of keys", format!("[{ed}]").into_bytes()),
        ("an array of an array of keys", format!("[[{ed}]]").into_bytes()),
        ("an array of no keys", b"[[]]".to_vec()),
        ("a PEM key", b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n".to_vec()),
        ("cut off", set.as_bytes()[..set.len() - 1].to_vec()),
        ("bytes after it", format!("{set}x").into_bytes()),
        ("another after it", format!("{set}{set}").into_bytes()),
        ("UTF-16", utf16),
        ("no UTF-8", [&set.as_bytes()[..set.len() - 1], b",\"x\":\"\xff\"}"].concat()),
        ("deep and cut off", format!(r#"{{"keys":{}"#, "[".repeat(100_000)).into_bytes()),
        ("deep in a member that is not read", format!(r#"{{"keys":[],"x":{}"#, "[".repeat(100_000)).into_bytes()),
    ] {
        table.case(name, KeySet::parse(&text).map(|keys| keys.len()), Err(KeySetError::NotAKeySet));
    }
    table.finish();
}

#[test]
fn a_key_set_is_bounded() {
    let jwk = signer(Algorithm::EdDsa).jwk();
    let of = |count| KeySet::parse(json!({"keys": vec![jwk.clone(); count]}).to_string().as_bytes());
    assert_eq!(of(100).unwrap().len(), 100);
    assert_eq!(of(101).unwrap_err(), KeySetError::TooManyKeys);
    assert_eq!(of(10_000).unwrap_err(), KeySetError::TooManyKeys);
}

#[test]
fn an_empty_key_set_is_a_key_set_without_keys() {
    let keys = KeySet::parse(br#"{"keys":[]}"#).unwrap();
    assert!(keys.is_empty());
    assert_eq!(keys.skipped(), []);
    let token = signer(Algorithm::EdDsa).token(&claims());
    assert_eq!(verify_with(&token, &keys).map(drop), Err(Reason::KeyUnknown));
}

#[test]
fn members_beside_keys_do_not_matter() {
    let jwk = signer(Algorithm::EdDsa).jwk();
    let text = json!({"iss": "x", "keys": [jwk], "cache": {"max-age": 1}}).to_string();
    assert_eq!(KeySet::parse(text.as_bytes()).unwrap().len(), 1);
}

#[test]
fn a_changed_set_has_another_fingerprint() {
    let (one, two) = (signer(Algorithm::EdDsa).jwk(), signer(Algorithm::Es256).jwk());
    let print = |keys: &[&Value]| parse_keys(keys.iter().map(|&key| key.clone())).fingerprint();
    assert_eq!(print(&[&one, &two]), print(&[&one, &two]));
    assert_eq!(print(&[&one, &two]), print(&[&two, &one]), "an issuer may publish them in any order");
    assert_ne!(print(&[&one]), print(&[&one, &two]));
    assert_ne!(print(&[&one]), print(&[&two]));
}

#[test]
fn a_key_set_tells_its_kids_and_no_key() {
    let keys = key_set();
    let shown = format!("{keys:?}");
    assert!(shown.contains("key-EdDSA"), "{shown}");
    let jwk = signer(Algorithm::EdDsa).jwk();
    assert!(!shown.contains(jwk["x"].as_str().unwrap()), "{shown}");
    assert_eq!(rules().algorithms.len(), keys.len());
}

#[test]
fn a_deeply_nested_key_is_skipped_and_spoils_nothing() {
    let set = format!(r#"{{"keys":[{}{},{{"kty":"new"}}]}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let set = KeySet::parse(set.as_bytes()).unwrap();
    assert_eq!((set.len(), set.skipped().len()), (0, 2));
}
