//! Whatever was tampered with, made for another key or made to learn something of ours fails, and does not tell why.

use std::sync::OnceLock;

use crate::support::encryptor::{
    AGREEMENTS, CURVES, NESTED, Recipient, agreed, any_value, hold, key_length, open, public_jwk, quick, random,
    recipients, unb64, wrap,
};
use crate::support::{Table, b64};
use bearward_core::{DecryptionKeys, Reason};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn whatever_is_tampered_with_fails_in_one_way() {
    let mut table = Table::new();
    for (recipient, keys, pairs) in recipients() {
        for (alg, enc) in pairs {
            let letter = recipient.letter(alg, enc);
            let token = letter.seal(NESTED);
            let parts: Vec<Vec<u8>> = token.split('.').map(unb64).collect();
            let mut other = |name: String, at: usize, part: Vec<u8>| {
                let mut parts = parts.clone();
                parts[at] = part;
                let token = parts.iter().map(b64).collect::<Vec<_>>().join(".");
                table.case(format!("{alg} {enc}: {name}"), open(&keys, &token), Err(Reason::DecryptionFailed));
            };
            for (at, name) in [(1, "encrypted key"), (2, "IV"), (3, "ciphertext"), (4, "tag")] {
                let part = &parts[at];
                other(format!("{name} longer"), at, [part.as_slice(), &[0]].concat());
                other(format!("{name} longer by a block"), at, [part.as_slice(), &[0; 16]].concat());
                if part.is_empty() {
                    continue;
                }
                for bit in [0, part.len() * 4, part.len() * 8 - 1] {
                    let mut part = part.clone();
                    part[bit / 8] ^= 0x80 >> (bit % 8);
                    other(format!("{name}, bit {bit}"), at, part);
                }
                other(format!("{name} shorter"), at, part[..part.len() - 1].to_vec());
                other(format!("{name} halved"), at, part[..part.len() / 2].to_vec());
                other(format!("{name} without its first byte"), at, part[1..].to_vec());
                other(format!("{name} empty"), at, Vec::new());
                other(format!("{name} of zeros"), at, vec![0; part.len()]);
            }
            // The header is protected as it is spelled, so a member that means nothing counts too.
            let header = String::from_utf8(parts[0].clone()).unwrap();
            other("header with a space".into(), 0, format!("{header} ").into_bytes());
            other("header with a member more".into(), 0, header.replacen('{', r#"{"x":1,"#, 1).into_bytes());
        }
    }
    table.finish();
}

#[test]
fn a_token_for_another_key_fails_and_one_for_another_kind_of_key_is_not_ours() {
    let mut table = Table::new();
    let held = recipients();
    for (_, keys, pairs) in &held {
        for (alg, enc) in pairs {
            let strangers = match *alg {
                "RSA-OAEP-256" => vec![Recipient::other_rsa()],
                "A128KW" => vec![Recipient::secret(16)],
                "A256KW" => vec![Recipient::secret(32)],
                "dir" => vec![Recipient::secret(key_length(enc))],
                _ => CURVES.map(Recipient::curve).to_vec(),
            };
            for stranger in strangers {
                let token = stranger.letter(alg, enc).seal(NESTED);
                let fits = keys.opens(&token);
                let expected = if fits { Reason::DecryptionFailed } else { Reason::TokenUnsupported };
                table.case(format!("{alg} {enc} {}", stranger.jwk["crv"]), open(keys, &token), Err(expected));
            }
        }
    }
    for (at, (_, keys, _)) in held.iter().enumerate() {
        for (other, (recipient, _, pairs)) in held.iter().enumerate() {
            for (alg, enc) in pairs {
                let token = recipient.letter(alg, enc).seal(NESTED);
                let name = format!("key {at}, token for key {other}, {alg} {enc}");
                table.case(&name, keys.opens(&token), at == other);
                let expected = if at == other { Ok(NESTED.into()) } else { Err(Reason::TokenUnsupported) };
                table.case(&name, open(keys, &token), expected);
            }
        }
    }
    table.finish();
}

// RFC 8725, 3.4. With a point of another curve, each answer would tell something of the private key.
#[test]
fn points_that_are_not_on_the_curve_are_refused() {
    let mut table = Table::new();
    for crv in ["P-256", "P-384", "P-521"] {
        let recipient = Recipient::curve(crv);
        let keys = hold([recipient.jwk.clone()]);
        for alg in AGREEMENTS {
            let letter = recipient.letter(alg, "A256GCM");
            let [x, y] = ["x", "y"].map(|member| unb64(letter.header["epk"][member].as_str().unwrap()));
            let zero = vec![0; x.len()];
            let one = [&zero[1..], &[1]].concat();
            let mut off = y.clone();
            *off.last_mut().unwrap() ^= 1;
            for (name, x, y) in [
                ("off by one", &x, &off),
                ("swapped", &y, &x),
                ("(0, 0)", &zero, &zero),
                ("(x, 0)", &x, &zero),
                ("(1, 1)", &one, &one),
                ("beyond the field", &vec![0xff; x.len()], &y),
            ] {
                let token = letter.clone().with("epk", Some(public_jwk(crv, &[&[4], x.as_slice(), y].concat())));
                let token = token.seal(NESTED);
                table.case(format!("{crv} {alg} {name}: opens"), keys.opens(&token), true);
                table.case(format!("{crv} {alg} {name}"), open(&keys, &token), Err(Reason::DecryptionFailed));
            }
        }
    }
    table.finish();
}

// RFC 7748, 6.1; RFC 8037, 3.2: with these points the shared secret is zero, so that anybody can know it. The tokens are
// made with that secret: only the check of the point stands against them.
#[test]
fn x25519_points_of_small_order_are_refused() {
    let mut table = Table::new();
    let recipient = Recipient::curve("X25519");
    let keys = hold([recipient.jwk.clone()]);
    let order_8 = |hex: &str| -> Vec<u8> {
        (0..64).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    let low = |byte: u8| [&[byte][..], &[0; 31]].concat();
    let near_p = |byte: u8| [&[byte][..], &[0xff; 30], &[0x7f]].concat();
    let points = [
        low(0),
        low(1),
        order_8("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        order_8("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        near_p(0xec),
        near_p(0xed),
        near_p(0xee),
    ];
    for mut point in points {
        for _ in 0..2 {
            for alg in AGREEMENTS {
                let mut letter = recipient.letter(alg, "A128CBC-HS256");
                letter.header["epk"] = public_jwk("X25519", &point);
                (letter.content_key, letter.encrypted_key) = agreed(&[0; 32], alg, &letter.enc, b"Alice", b"Bob");
                table.case(
                    format!("{point:02x?} {alg}"),
                    open(&keys, &letter.seal(NESTED)),
                    Err(Reason::DecryptionFailed),
                );
            }
            point[31] |= 0x80; // a bit that X25519 does not look at
        }
    }
    table.finish();
}

// The sender can know the content key, and still must keep to the form of things.
#[test]
fn a_content_key_of_the_wrong_length_is_refused() {
    let mut table = Table::new();
    let (rsa, secret) = (Recipient::rsa(), Recipient::secret(32));
    let keys = hold([rsa.jwk.clone(), secret.jwk_with(json!({"alg": "A256KW"}))]);
    for (length, enc) in [(16, "A256GCM"), (32, "A128GCM"), (32, "A256CBC-HS512"), (64, "A128CBC-HS256")] {
        let sent = random(length);
        for (alg, encrypted_key) in
            [("RSA-OAEP-256", rsa.encrypt_rsa(&sent)), ("A256KW", wrap(&secret.bytes("k"), &sent))]
        {
            let mut letter = secret.letter("A256KW", enc).with("alg", Some(json!(alg)));
            letter.encrypted_key = encrypted_key;
            // What a reader has who cuts it or fills it with zeros.
            letter.content_key = sent.iter().copied().chain([0; 64]).take(key_length(enc)).collect();
            table.case(format!("{alg} {enc}"), open(&keys, &letter.seal(NESTED)), Err(Reason::DecryptionFailed));
        }
    }
    for length in [0, 1, 16, 24, 33, 48, 190] {
        let mut letter = rsa.letter("RSA-OAEP-256", "A256GCM");
        letter.encrypted_key = rsa.encrypt_rsa(&random(length));
        table.case(format!("RSA, {length}"), open(&keys, &letter.seal(NESTED)), Err(Reason::DecryptionFailed));
    }
    table.finish();
}

// RFC 7516, 5.2, step 10.
#[test]
fn no_key_is_sent_where_none_is_needed() {
    let mut table = Table::new();
    let (curve, secret) = (Recipient::curve("P-256"), Recipient::secret(32));
    let keys = hold([curve.jwk.clone(), secret.jwk_with(json!({"alg": "dir"}))]);
    for (recipient, alg) in [(curve, "ECDH-ES"), (secret, "dir")] {
        let mut letter = recipient.letter(alg, "A256GCM");
        table.case(alg, open(&keys, &letter.seal(NESTED)), Ok(NESTED.into()));
        letter.encrypted_key = vec![0];
        table.case(format!("{alg} with a key"), open(&keys, &letter.seal(NESTED)), Err(Reason::DecryptionFailed));
    }
    table.finish();
}

#[test]
fn padding_that_is_none_is_refused_under_a_tag_that_holds() {
    let mut table = Table::new();
    let (recipient, keys) = quick();
    for enc in ["A128CBC-HS256", "A256CBC-HS512"] {
        let letter = recipient.letter("A256KW", enc);
        let ends_with = |end: &[u8]| [&NESTED.as_bytes()[..48 - end.len()], end].concat();
        for text in [
            Vec::new(),
            ends_with(&[0]),
            ends_with(&[17]),
            ends_with(&[0xff]),
            ends_with(&[1, 2]),
            ends_with(&[3, 3, 2, 3]),
            vec![0; 16],
        ] {
            let token = letter.seal_unpadded(&text);
            table.case(format!("{enc} {text:02x?}"), open(&keys, &token), Err(Reason::DecryptionFailed));
        }
    }
    table.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mutated_token_decrypts(which in 0..usize::MAX, at in 0..usize::MAX, digit in "[A-Za-z0-9_.=-]{0,2}", cut in 0_usize..3) {
        let held = held();
        let (keys, token) = &held[which % held.len()];
        let at = at % token.len();
        let mutated = format!("{}{digit}{}", &token[..at], token.get(at + cut..).unwrap_or_default());
        prop_assume!(mutated != *token);
        prop_assert!(keys.decrypt(&mutated).is_err());
        keys.opens(&mutated);
    }

    #[test]
    fn no_token_panics(token in any::<String>(), parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 3..6)) {
        let (keys, own) = &held()[0];
        let header = own.split('.').next().unwrap_or_default();
        for token in [token, parts.join("."), format!("{header}.{}", parts.join("."))] {
            keys.opens(&token);
            DecryptionKeys::refuses(&token);
            prop_assert!(keys.decrypt(&token).is_err());
        }
    }

    #[test]
    fn no_header_panics(
        base in prop::sample::select(vec!["dir", "A256KW", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"]),
        members in prop::collection::vec((prop::sample::select(HEADER), any_value()), 0..4),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 4),
    ) {
        let mut header = json!({"alg": base, "enc": "A256GCM", "epk": Recipient::curve("P-256").jwk});
        for (name, value) in members {
            header[name] = value;
        }
        let mut token = b64(header.to_string());
        for part in parts {
            token = format!("{token}.{}", b64(part));
        }
        for (keys, _) in held() {
            keys.opens(&token);
            prop_assert!(keys.decrypt(&token).is_err());
        }
        DecryptionKeys::refuses(&token);
    }
}

const HEADER: &[&str] = &["alg", "enc", "kid", "typ", "cty", "crit", "zip", "epk", "apu", "apv", "p2c", "jwk"];

/// A token of each kind with its keys, made once.
fn held() -> &'static [(DecryptionKeys, String)] {
    static HELD: OnceLock<Vec<(DecryptionKeys, String)>> = OnceLock::new();
    HELD.get_or_init(|| {
        let of = |(recipient, keys, pairs): (Recipient, DecryptionKeys, Vec<(&str, &str)>)| {
            let (alg, enc) = pairs[0];
            let token = recipient.letter(alg, enc).seal(NESTED);
            (keys, token)
        };
        recipients().into_iter().map(of).collect()
    })
}
