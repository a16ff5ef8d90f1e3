//! An issuer's JWK sets, and an operator's decryption keys. The private members are those that RFC 7515 prints, or no
//! keys.

use bearward_fuzz::fixture::{KEY_SET_TEXT, base64url};
use serde_json::{Value, json};

use crate::{Seed, seeds};

fn set(keys: impl IntoIterator<Item = Value>) -> String {
    json!({"keys": keys.into_iter().collect::<Vec<_>>()}).to_string()
}

fn with(key: &Value, member: &str, value: Value) -> Value {
    let mut key = key.clone();
    key[member] = value;
    key
}

pub(crate) fn jwk_set() -> Vec<Seed> {
    let all: Value = serde_json::from_str(&KEY_SET_TEXT).expect("JSON");
    let [ed, p256, p521, rsa] = [0, 1, 2, 3].map(|at| all["keys"][at].clone());
    let ed_point = |bytes: [u8; 32]| set([with(&ed, "x", base64url(bytes).into())]);
    let rsa_of = |length: usize, last: u8, e: &[u8]| {
        let mut n = vec![0xff; length];
        n[length - 1] = last;
        set([with(&with(&rsa, "n", base64url(n).into()), "e", base64url(e).into())])
    };
    let one = |mut start: [u8; 32]| {
        start[0] = 1;
        start
    };
    seeds([
        ("all kinds", all.to_string()),
        ("ed25519", set([ed.clone()])),
        ("p256", set([p256.clone()])),
        ("p521", set([p521.clone()])),
        ("rsa", set([rsa.clone()])),
        ("rsa for one algorithm", set([with(&rsa, "alg", "PS256".into())])),
        ("rsa short", rsa_of(128, 0xff, &[1, 0, 1])),
        ("rsa even", rsa_of(256, 0xfe, &[1, 0, 1])),
        ("rsa exponent one", rsa_of(256, 0xff, &[1])),
        ("rsa exponent even", rsa_of(256, 0xff, &[2])),
        ("rsa exponent long", rsa_of(256, 0xff, &[1; 9])),
        ("rsa zero first", rsa_of(257, 0xff, &[0, 1, 0, 1])),
        ("rsa too long", rsa_of(1025, 0xff, &[3])),
        ("rsa no exponent", set([json!({"kty": "RSA", "n": rsa["n"]})])),
        ("ed25519 neutral", ed_point(one([0; 32]))),
        ("ed25519 zero", ed_point([0; 32])),
        ("ed25519 all set", ed_point([0xff; 32])),
        ("ed25519 short", set([with(&ed, "x", "AAAA".into())])),
        ("ed448", set([with(&ed, "crv", "Ed448".into())])),
        ("x25519", set([with(&ed, "crv", "X25519".into())])),
        ("p256 off the curve", set([with(&p256, "x", p256["y"].clone())])),
        ("p256 zero", set([with(&with(&p256, "x", base64url([0; 32]).into()), "y", base64url([0; 32]).into())])),
        ("p256 no y", set([with(&p256, "y", Value::Null)])),
        ("p256 coordinates of p521", set([with(&p521, "crv", "P-256".into())])),
        ("p256 padded", set([with(&p256, "x", format!("{}=", p256["x"].as_str().expect("text")).into())])),
        ("secp256k1", set([with(&p256, "crv", "secp256k1".into())])),
        ("alg of another kind", set([with(&ed, "alg", "RS256".into())])),
        ("alg hs256", set([with(&rsa, "alg", "HS256".into())])),
        ("use enc", set([with(&ed, "use", "enc".into())])),
        ("use number", set([with(&ed, "use", 1.into())])),
        ("operations", set([with(&ed, "key_ops", json!(["verify"])), with(&p256, "key_ops", json!(["encrypt"]))])),
        ("kid number", set([with(&ed, "kid", 1.into()), p256.clone()])),
        ("kid equal", set([ed.clone(), with(&p256, "kid", "ed".into())])),
        ("key twice", set([ed.clone(), ed.clone()])),
        ("private", set([with(&ed, "d", "AAAA".into()), p256.clone()])),
        ("private null", set([with(&ed, "d", Value::Null)])),
        ("symmetric", set([json!({"kty": "oct", "k": "AAAA"}), ed.clone()])),
        ("key null", set([Value::Null, ed.clone(), json!([]), json!("x")])),
        ("key member twice", r#"{"keys":[{"kty":"OKP","kty":"OKP"}]}"#.to_owned()),
        ("key number out of range", r#"{"keys":[{"kty":1e400}]}"#.to_owned()),
        ("key lone surrogate", r#"{"keys":[{"kid":"\ud800"}]}"#.to_owned()),
        ("key deep", format!(r#"{{"keys":[{}{}]}}"#, "[".repeat(200), "]".repeat(200))),
        ("many", set(vec![json!({}); 100])),
        ("too many", set(vec![json!({}); 101])),
        ("none", r#"{"keys":[]}"#.to_owned()),
        ("keys twice", r#"{"keys":[],"keys":[]}"#.to_owned()),
        ("keys object", r#"{"keys":{}}"#.to_owned()),
        ("keys absent", r#"{"issuer":"https://auth.example.com"}"#.to_owned()),
        ("array", "[[]]".to_owned()),
        ("spaces", " \t\r\n{ \"keys\" : [ ] } ".to_owned()),
        ("byte order mark", "\u{feff}{\"keys\":[]}".to_owned()),
        ("empty", String::new()),
    ])
}

pub(crate) fn decryption_keys() -> Vec<Seed> {
    let p256 = json!({"kid": "p256", "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"});
    let secret =
        |alg: &str, length: usize| json!({"kty": "oct", "kid": alg, "alg": alg, "k": base64url(vec![9; length])});
    let rsa = json!({"kty": "RSA", "n": base64url([0xff; 256]), "e": "AQAB", "d": base64url([1; 256]), "p": base64url([3; 128]),
        "q": base64url([5; 128]), "dp": base64url([7; 128]), "dq": base64url([9; 128]), "qi": base64url([11; 128])});
    seeds([
        ("one", p256.to_string()),
        ("set", set([p256.clone(), secret("A128KW", 16), secret("A256GCM", 32)])),
        ("p256 for one algorithm", with(&p256, "alg", "ECDH-ES+A256KW".into()).to_string()),
        ("p256 alg of another kind", with(&p256, "alg", "dir".into()).to_string()),
        ("p256 public", with(&p256, "d", Value::Null).to_string()),
        ("p256 of another", with(&p256, "d", base64url([1; 32]).into()).to_string()),
        ("p256 zero", with(&p256, "d", base64url([0; 32]).into()).to_string()),
        ("p256 short", with(&p256, "d", "AAAA".into()).to_string()),
        (
            "x25519 of another",
            json!({"kty": "OKP", "crv": "X25519", "x": base64url([9; 32]), "d": base64url([1; 32])}).to_string(),
        ),
        (
            "ed25519",
            json!({"kty": "OKP", "crv": "Ed25519", "x": base64url([9; 32]), "d": base64url([1; 32])}).to_string(),
        ),
        ("rsa not one key", rsa.to_string()),
        ("rsa three primes", with(&rsa, "oth", json!([])).to_string()),
        ("rsa for rsa1 5", with(&rsa, "alg", "RSA1_5".into()).to_string()),
        ("rsa no prime", with(&rsa, "p", 1.into()).to_string()),
        ("wrap", secret("A256KW", 32).to_string()),
        ("wrap length", secret("A256KW", 16).to_string()),
        ("direct", secret("dir", 64).to_string()),
        ("direct length", secret("dir", 17).to_string()),
        ("direct cbc", secret("A256CBC-HS512", 64).to_string()),
        ("secret without alg", json!({"kty": "oct", "k": base64url([9; 16])}).to_string()),
        ("secret alg hs256", secret("HS256", 32).to_string()),
        (
            "secret as kid",
            json!({"kty": "oct", "alg": "dir", "kid": "CQkJCQkJCQkJCQkJCQkJCQ", "k": "CQkJCQkJCQkJCQkJCQkJCQ"})
                .to_string(),
        ),
        ("use sig", with(&p256, "use", "sig".into()).to_string()),
        ("operations", with(&p256, "key_ops", json!(["deriveBits"])).to_string()),
        ("operations other", with(&p256, "key_ops", json!(["verify"])).to_string()),
        ("kid empty", with(&p256, "kid", "".into()).to_string()),
        ("kid equal", set([p256.clone(), p256.clone()])),
        ("kid equal other kind", set([with(&secret("A128KW", 16), "kid", "p256".into()), p256.clone()])),
        ("set in a key", with(&p256, "keys", json!([])).to_string()),
        ("too many", set(vec![p256.clone(); 17])),
        ("none", set([])),
        ("key null", set([Value::Null])),
        ("member twice", r#"{"kty":"oct","kty":"oct"}"#.to_owned()),
        ("array", "[]".to_owned()),
        ("empty", String::new()),
    ])
}
