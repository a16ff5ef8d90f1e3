//! A token is accepted only with a signature by a key that the issuer publishes for that algorithm.

use crate::support::{
    NOW, Signer, Table, altered, b64, claims, key_set, parse_keys, rules, signer, signers, verify, verify_with, with,
};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bearward_core::{Algorithm, KeySet, Reason, UnixTime, verify_jws};
use serde_json::{Value, json};

#[test]
fn every_supported_algorithm_is_accepted() {
    let mut table = Table::new();
    for signer in signers() {
        table.accepted(signer.algorithm.name(), &signer.token(&claims()));
    }
    let ed = signer(Algorithm::EdDsa);
    let header = with(ed.header(), "alg", Some(json!("Ed25519")));
    table.accepted("Ed25519 by its name of RFC 9864", &ed.sign(header.to_string(), claims().to_string()));
    table.finish();
}

#[test]
fn only_the_configured_algorithms_are_accepted() {
    let mut table = Table::new();
    for signer in signers() {
        let token = signer.token(&claims());
        let verify = |algorithms| {
            verify_jws(&token, key_set(), &altered(rules(), |rules| rules.algorithms = algorithms), UnixTime(NOW))
                .map(drop)
        };
        let others = Algorithm::ALL.into_iter().filter(|other| *other != signer.algorithm).collect();
        table.case(signer.algorithm.name(), verify(vec![signer.algorithm]), Ok(()));
        table.case(format!("{} not named", signer.algorithm), verify(others), Err(Reason::AlgorithmRefused));
        table.case(format!("{} of none", signer.algorithm), verify(Vec::new()), Err(Reason::AlgorithmRefused));
    }
    table.finish();
}

// RFC 8725, 2.1 and 3.2; the family of CVE-2015-9235.
#[test]
fn a_token_without_a_signature_is_refused() {
    let mut table = Table::new();
    let signer = signer(Algorithm::Rs256);
    for alg in ["none", "None", "NONE", "nOnE", "none ", ""] {
        for kid in [Some(json!(signer.kid)), None] {
            let header = with(with(signer.header(), "alg", Some(json!(alg))), "kid", kid);
            let signed = signer.sign(header.to_string(), claims().to_string());
            let message = signed.rsplit_once('.').unwrap().0;
            let name = format!("{alg:?}, header {header}");
            table.refused(format!("{name}, signed"), &signed, Reason::AlgorithmRefused);
            table.refused(format!("{name}, unsigned"), &format!("{message}."), Reason::AlgorithmRefused);
            table.refused(format!("{name}, two parts"), message, Reason::TokenMalformed);
        }
    }
    for signer in signers() {
        let token = signer.token(&claims());
        let message = token.rsplit_once('.').unwrap().0;
        table.refused(
            format!("{} and no signature", signer.algorithm),
            &format!("{message}."),
            Reason::SignatureInvalid,
        );
    }
    table.finish();
}

#[test]
fn an_alg_that_is_no_signature_of_ours_is_refused() {
    let mut table = Table::new();
    let signer = signer(Algorithm::Rs256);
    let token = |alg| signer.sign(with(signer.header(), "alg", alg).to_string(), claims().to_string());
    for alg in [
        "HS256",
        "HS384",
        "HS512",
        "rs256",
        "Rs256",
        "RS256 ",
        " RS256",
        "RS256\u{0}",
        "RS1",
        "ES256K",
        "Ed448",
        "ed25519",
        "ML-DSA-44",
        "dir",
        "RSA1_5",
        "RSA-OAEP",
        "PBES2-HS256+A128KW",
        "https://example.com/alg",
    ] {
        table.refused(format!("{alg:?}"), &token(Some(json!(alg))), Reason::AlgorithmRefused);
    }
    for alg in [json!(null), json!(256), json!(true), json!(["RS256"]), json!({"RS256": true})] {
        table.refused(format!("{alg}"), &token(Some(alg)), Reason::TokenMalformed);
    }
    table.refused("no alg", &token(None), Reason::TokenMalformed);
    table.finish();
}

// CVE-2015-9235, CVE-2022-29217: what everybody may know, taken for a secret.
#[test]
fn a_public_key_is_no_secret() {
    let mut table = Table::new();
    for signer in [signer(Algorithm::Rs256), signer(Algorithm::Es256), signer(Algorithm::EdDsa)] {
        let [spki, inner] = signer.der();
        let jwk = signer.jwk();
        let mut secrets = vec![
            ("SPKI DER", spki.clone()),
            ("inner DER", inner.clone()),
            ("SPKI PEM", pem("PUBLIC KEY", &spki).into_bytes()),
            ("SPKI PEM without the last line feed", pem("PUBLIC KEY", &spki).trim_end().as_bytes().to_vec()),
            ("PKCS #1 PEM", pem("RSA PUBLIC KEY", &inner).into_bytes()),
            ("JWK", jwk.to_string().into_bytes()),
            ("nothing", Vec::new()),
        ];
        for member in ["n", "x"] {
            if let Some(text) = jwk[member].as_str() {
                secrets.push(("member, text", text.into()));
                secrets.push(("member, bytes", URL_SAFE_NO_PAD.decode(text).unwrap()));
            }
        }
        for (secret_name, secret) in secrets {
            for (alg, hash) in
                [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
            {
                let key = hmac::Key::new(hash, &secret);
                let tag = |header: Value| {
                    let message = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
                    format!("{message}.{}", b64(hmac::sign(&key, message.as_bytes())))
                };
                let name = format!("{alg} with {secret_name} of {}", signer.kid);
                let named = with(signer.header(), "alg", Some(json!(alg)));
                table.refused(&name, &tag(named.clone()), Reason::AlgorithmRefused);
                table.refused(format!("{name}, no kid"), &tag(with(named, "kid", None)), Reason::AlgorithmRefused);
                table.refused(format!("{name}, as its own"), &tag(signer.header()), Reason::SignatureInvalid);
            }
        }
    }
    table.finish();
}

// RFC 8725, 3.1 and RFC 7517, 4.4: a key is used with its one algorithm. The RSA signers share a key, so that among
// them nothing but the name is wrong.
#[test]
fn a_key_is_used_with_its_own_algorithm_only() {
    let mut table = Table::new();
    for key in signers() {
        for used in signers() {
            let header = with(used.header(), "kid", Some(json!(key.kid)));
            let token = used.sign(header.to_string(), claims().to_string());
            let name = format!("{} with the key of {}", used.algorithm, key.algorithm);
            let expected = if used.algorithm == key.algorithm { Ok(()) } else { Err(Reason::AlgorithmRefused) };
            table.case(&name, verify(&token).map(drop), expected);
            // The header lies about the algorithm, and the signature fits the key.
            if used.algorithm != key.algorithm {
                let token = key.sign(header.to_string(), claims().to_string());
                table.refused(format!("{name}, signed as {}", key.algorithm), &token, Reason::AlgorithmRefused);
                let header = with(key.header(), "kid", Some(json!(key.kid)));
                let token = used.sign(header.to_string(), claims().to_string());
                table.refused(format!("{name}, named {}", key.algorithm), &token, Reason::SignatureInvalid);
            }
        }
    }
    table.finish();
}

// RFC 7517, 4.2 and 4.3.
#[test]
fn a_key_that_is_not_for_verifying_verifies_nothing() {
    let mut table = Table::new();
    for signer in [signer(Algorithm::Ps256), signer(Algorithm::Es256), signer(Algorithm::EdDsa)] {
        let token = signer.token(&claims());
        for (member, value, expected) in [
            ("use", Some(json!("enc")), Err(Reason::KeyUnknown)),
            ("use", Some(json!("SIG")), Err(Reason::KeyUnknown)),
            ("use", Some(json!("")), Err(Reason::KeyUnknown)),
            ("use", Some(json!(["sig"])), Err(Reason::KeyUnknown)),
            ("use", Some(json!("sig")), Ok(())),
            ("use", None, Ok(())),
            ("key_ops", Some(json!(["sign"])), Err(Reason::KeyUnknown)),
            ("key_ops", Some(json!(["encrypt", "wrapKey"])), Err(Reason::KeyUnknown)),
            ("key_ops", Some(json!([])), Err(Reason::KeyUnknown)),
            ("key_ops", Some(json!("verify")), Err(Reason::KeyUnknown)),
            ("key_ops", Some(json!(["verify"])), Ok(())),
            ("key_ops", Some(json!(["verify", "encrypt"])), Ok(())),
            ("alg", Some(json!("RSA-OAEP")), Err(Reason::KeyUnknown)),
            ("alg", Some(json!("HS256")), Err(Reason::KeyUnknown)),
            ("alg", Some(json!("none")), Err(Reason::KeyUnknown)),
            ("alg", None, Ok(())),
        ] {
            let name = format!("{} {member} {value:?}", signer.algorithm);
            let keys = parse_keys([with(signer.jwk(), member, value)]);
            table.case(name, verify_with(&token, &keys).map(drop), expected);
        }
    }
    table.finish();
}

// CVE-2022-21449 and Wycheproof's edge cases: r and s must lie between 1 and the order less one.
#[test]
fn an_ecdsa_signature_of_nothing_is_refused() {
    let mut table = Table::new();
    for (algorithm, order) in [
        (Algorithm::Es256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
        (
            Algorithm::Es384,
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        ),
        (
            Algorithm::Es512,
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5\
             c9b8899c47aebb6fb71e91386409",
        ),
    ] {
        let signer = signer(algorithm);
        let order = hex(order);
        let size = order.len();
        let zero = vec![0; size];
        let mut one = zero.clone();
        one[size - 1] = 1;
        let mut below = order.clone();
        below[size - 1] -= 1;
        let most = vec![0xff; size];
        let numbers = [("0", &zero), ("1", &one), ("n-1", &below), ("n", &order), ("max", &most)];

        let message = format!("{}.{}", b64(signer.header().to_string()), b64(claims().to_string()));
        let good = signer.signature(message.as_bytes());
        let (r, s) = good.split_at(size);
        let mut signatures = vec![
            ("nothing".to_owned(), Vec::new()),
            ("r alone".to_owned(), r.to_vec()),
            ("s and r".to_owned(), [s, r].concat()),
            ("a byte less".to_owned(), good[..good.len() - 1].to_vec()),
            ("a zero more".to_owned(), [&good[..], &[0]].concat()),
            ("a zero before r and s".to_owned(), [&[0], r, &[0], s].concat()),
            ("twice".to_owned(), [&good[..], &good[..]].concat()),
            ("DER".to_owned(), signer.der_signature(message.as_bytes())),
            ("DER of 0, 0".to_owned(), vec![0x30, 6, 2, 1, 0, 2, 1, 0]),
            ("DER of 1, 1".to_owned(), vec![0x30, 6, 2, 1, 1, 2, 1, 1]),
        ];
        for (r_name, r) in numbers {
            for (s_name, s) in numbers {
                signatures.push((format!("{r_name}, {s_name}"), [&r[..], &s[..]].concat()));
            }
        }
        table.accepted(algorithm.name(), &format!("{message}.{}", b64(&good)));
        for (name, signature) in signatures {
            let token = format!("{message}.{}", b64(signature));
            table.refused(format!("{algorithm}: {name}"), &token, Reason::SignatureInvalid);
        }
    }
    table.finish();
}

#[test]
fn a_signature_of_another_length_is_refused() {
    let mut table = Table::new();
    for signer in signers() {
        let message = format!("{}.{}", b64(signer.header().to_string()), b64(claims().to_string()));
        let good = signer.signature(message.as_bytes());
        for (name, signature) in [
            ("zeros", vec![0; good.len()]),
            ("ones", vec![0xff; good.len()]),
            ("one zero", vec![0]),
            ("a zero before", [&[0], &good[..]].concat()),
            ("a zero after", [&good[..], &[0]].concat()),
            ("the first byte cut off", good[1..].to_vec()),
            ("the last byte cut off", good[..good.len() - 1].to_vec()),
            ("60 kB", vec![0x5a; 60_000]),
        ] {
            let token = format!("{message}.{}", b64(signature));
            table.refused(format!("{}: {name}", signer.algorithm), &token, Reason::SignatureInvalid);
        }
    }
    table.finish();
}

// RFC 8725, 3.10, RFC 7515, 4.1.2 to 4.1.6 and CVE-2018-0114: a token brings no key. (That nothing is fetched needs no
// test: this crate can fetch nothing.)
#[test]
fn keys_in_the_header_are_ignored() {
    let mut table = Table::new();
    let ours = signer(Algorithm::Es256);
    let stranger = Signer::new(Algorithm::Es256, "stranger");
    for (name, value) in [
        ("jwk", stranger.jwk()),
        ("jku", json!("https://attacker.example/jwks.json")),
        ("jku", json!("file:///etc/passwd")),
        ("x5u", json!("http://169.254.169.254/cert.pem")),
        ("x5c", json!([STANDARD.encode(&stranger.der()[0])])),
        ("x5t", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        ("x5t#S256", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let header = |kid| with(with(ours.header(), name, Some(value.clone())), "kid", kid).to_string();
        let ours_kid = Some(json!(ours.kid));
        for (kid, reason) in [
            (ours_kid.clone(), Reason::SignatureInvalid),
            (None, Reason::KeyUnknown),
            (Some(json!("stranger")), Reason::KeyUnknown),
            (Some(json!("https://attacker.example/jwks.json")), Reason::KeyUnknown),
        ] {
            let token = stranger.sign(header(kid.clone()), claims().to_string());
            table.refused(format!("{name} {value}, kid {kid:?}"), &token, reason);
        }
        let token = ours.sign(header(ours_kid), claims().to_string());
        table.accepted(format!("{name} {value}, and our signature"), &token);
    }
    table.finish();
}

#[test]
fn a_kid_is_compared_and_nothing_else() {
    let mut table = Table::new();
    let signer = signer(Algorithm::EdDsa);
    let token = |kid: Value| signer.sign(with(signer.header(), "kid", Some(kid)).to_string(), claims().to_string());
    for kid in [
        "unknown".to_owned(),
        String::new(),
        format!("{} ", signer.kid),
        format!("{}\u{0}", signer.kid),
        format!("{}\u{0}.pem", signer.kid),
        signer.kid.to_uppercase(),
        format!("./{}", signer.kid),
        "../../../../dev/null".to_owned(),
        "/proc/self/environ".to_owned(),
        "key' OR '1'='1".to_owned(),
        "key; DROP TABLE keys".to_owned(),
        "key%00".to_owned(),
        "$(id)".to_owned(),
        "https://attacker.example/jwks.json".to_owned(),
        "k\u{0435}y-EdDSA".to_owned(), // a Cyrillic letter that looks like an e
        "k".repeat(512),
    ] {
        table.refused(format!("{:?}", &kid[..kid.len().min(40)]), &token(json!(kid)), Reason::KeyUnknown);
    }
    for kid in [json!(null), json!(1), json!(true), json!([signer.kid]), json!({"kid": signer.kid})] {
        table.refused(format!("{kid}"), &token(kid), Reason::TokenMalformed);
    }
    for length in [513, 10_000] {
        table.refused(format!("{length} bytes"), &token(json!("k".repeat(length))), Reason::TokenMalformed);
    }
    table.accepted("the kid of another key never matters to ours", &token(json!(signer.kid)));
    table.finish();
}

// RFC 7515, 4.1.4 leaves it open; we try those that fit, and no more than eight.
#[test]
fn without_a_kid_the_fitting_keys_are_tried() {
    let mut table = Table::new();
    for signer in signers() {
        let header = with(signer.header(), "kid", None).to_string();
        table.accepted(signer.algorithm.name(), &signer.sign(header, claims().to_string()));
    }

    let signers: Vec<Signer> = (0..9).map(|i| Signer::new(Algorithm::Es256, &format!("key-{i}"))).collect();
    let token = |signer: &Signer| signer.sign(with(signer.header(), "kid", None).to_string(), claims().to_string());
    let verdict = |token: &str, keys: &KeySet| verify_with(token, keys).map(drop);
    let nine = parse_keys(signers.iter().map(Signer::jwk));
    for (i, signer) in signers.iter().enumerate() {
        let expected = if i < 8 { Ok(()) } else { Err(Reason::KeyUnknown) };
        table.case(format!("key {i} of nine"), verdict(&token(signer), &nine), expected);
        table.case(format!("key {i} of nine, named"), verdict(&signer.token(&claims()), &nine), Ok(()));
    }
    let nameless = parse_keys(signers[..2].iter().map(|signer| with(signer.jwk(), "kid", None)));
    table.case("keys without kid", verdict(&token(&signers[1]), &nameless), Ok(()));
    let named = signers[1].token(&claims());
    table.case("a kid, and keys without", verdict(&named, &nameless), Err(Reason::KeyUnknown));
    let stranger = Signer::new(Algorithm::Es256, "stranger");
    table.case("a stranger's", verdict(&token(&stranger), &nine), Err(Reason::KeyUnknown));
    let other = Signer::new(Algorithm::Es384, "other");
    table.case("no key fits", verdict(&token(&other), &nine), Err(Reason::KeyUnknown));
    table.case("no key at all", verdict(&token(&other), &parse_keys([])), Err(Reason::KeyUnknown));
    table.finish();
}

// RFC 7515, 4.1.11, RFC 7797, 6 and GHSA-752w-5fwx-jx9f.
#[test]
fn what_must_be_understood_and_is_not_refuses_the_token() {
    let mut table = Table::new();
    let signer = signer(Algorithm::EdDsa);
    for (name, members) in [
        ("unknown", json!({"crit": ["x"], "x": 1})),
        ("unknown and absent", json!({"crit": ["x"]})),
        ("empty", json!({"crit": []})),
        ("null", json!({"crit": null})),
        ("a string", json!({"crit": "exp"})),
        ("an object", json!({"crit": {"exp": true}})),
        ("a number in it", json!({"crit": [1]})),
        ("a registered name", json!({"crit": ["alg"]})),
        ("exp", json!({"crit": ["exp"], "exp": NOW + 300})),
        ("twice the same", json!({"crit": ["exp", "exp"], "exp": NOW + 300})),
        ("b64 false", json!({"crit": ["b64"], "b64": false})),
        ("b64 true", json!({"crit": ["b64"], "b64": true})),
        ("b64 not critical", json!({"b64": false})),
        ("b64 true, not critical", json!({"b64": true})),
        ("zip", json!({"zip": "DEF"})),
        ("enc", json!({"enc": "A256GCM"})),
    ] {
        let mut header = signer.header();
        crate::support::merge(&mut header, members);
        let token = signer.sign(header.to_string(), claims().to_string());
        table.refused(name, &token, Reason::CriticalHeaderUnknown);
    }
    let unencoded = with(with(signer.header(), "crit", Some(json!(["b64"]))), "b64", Some(json!(false)));
    let payload = claims().to_string().replace('.', "\\u002e");
    let token = signer.sign_segments(&b64(unencoded.to_string()), &payload);
    table.refused("b64 false, with the payload as it is", &token, Reason::CriticalHeaderUnknown);
    let token = signer.sign(with(signer.header(), "x", Some(json!({"y": [1]}))).to_string(), claims().to_string());
    table.accepted("unknown and not critical (RFC 7515, 4)", &token);
    table.finish();
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn hex(text: &str) -> Vec<u8> {
    assert_eq!(text.len() % 2, 0);
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}
