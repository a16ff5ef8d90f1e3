//! A token and its header are spelled in one way only: what another reader could take for the same is refused.

use crate::support::{Table, b64, claims, signer, signers, with};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bearward_core::{Algorithm, Reason};
use serde_json::json;

// RFC 7515, 2: no padding, no white space, the URL alphabet. Trailing bits must be zero (RFC 4648, 3.5), or one token
// has many spellings. The header's and the payload's spellings are signed as they stand.
#[test]
fn base64url_has_one_spelling() {
    let mut table = Table::new();
    let signer = signer(Algorithm::EdDsa);
    let header = spellable(signer.header().to_string());
    let payload = spellable(claims().to_string());
    let (good_header, good_payload) = (b64(&header), b64(&payload));
    table.accepted("as it should be", &signer.sign_segments(&good_header, &good_payload));
    for (name, respelled) in respellings(&header) {
        let token = signer.sign_segments(&respelled, &good_payload);
        table.refused(format!("header: {name}"), &token, Reason::TokenMalformed);
    }
    for (name, respelled) in respellings(&payload) {
        let token = signer.sign_segments(&good_header, &respelled);
        table.refused(format!("payload: {name}"), &token, Reason::TokenMalformed);
    }
    for signer in signers() {
        // One that has a character of both alphabets; a signature over RSA with PKCS #1 is the same each time.
        let (message, signature) = (0..)
            .map(|i| {
                let payload = with(claims(), "jti", Some(json!(i.to_string()))).to_string();
                let message = format!("{}.{}", b64(signer.header().to_string()), b64(payload));
                let signature = signer.signature(message.as_bytes());
                (message, signature)
            })
            .find(|(_, signature)| b64(signature).contains(['-', '_']))
            .unwrap();
        table.accepted(signer.algorithm.name(), &format!("{message}.{}", b64(&signature)));
        for (name, respelled) in respellings(&signature) {
            let token = format!("{message}.{respelled}");
            table.refused(format!("signature of {}: {name}", signer.algorithm), &token, Reason::TokenMalformed);
        }
    }
    table.finish();
}

#[test]
fn a_compact_jws_has_three_parts() {
    let mut table = Table::new();
    let signer = signer(Algorithm::EdDsa);
    let token = signer.token(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("a token of three parts") };
    let nested = with(signer.header(), "cty", Some(json!("JWT"))).to_string();
    for (name, token, reason) in [
        ("nothing", String::new(), Reason::TokenMalformed),
        ("one part", header.to_owned(), Reason::TokenMalformed),
        ("two parts", format!("{header}.{payload}"), Reason::TokenMalformed),
        ("four parts", format!("{token}.{signature}"), Reason::TokenMalformed),
        ("four parts, the first empty", format!(".{token}"), Reason::TokenMalformed),
        ("four parts, the last empty", format!("{token}."), Reason::TokenMalformed),
        ("five parts", format!("{token}.{payload}.{signature}"), Reason::TokenMalformed),
        ("only dots", "..".to_owned(), Reason::TokenMalformed),
        ("four dots", "....".to_owned(), Reason::TokenMalformed),
        ("no header", format!(".{payload}.{signature}"), Reason::TokenMalformed),
        ("no payload", format!("{header}..{signature}"), Reason::SignatureInvalid),
        ("no payload, signed", signer.sign_segments(header, ""), Reason::ClaimsMalformed),
        ("parts swapped", format!("{payload}.{header}.{signature}"), Reason::TokenMalformed),
        ("a space before", format!(" {token}"), Reason::TokenMalformed),
        ("a space after", format!("{token} "), Reason::TokenMalformed),
        ("a line feed after", format!("{token}\n"), Reason::TokenMalformed),
        ("NUL after", format!("{token}\0"), Reason::TokenMalformed),
        ("a full-width dot", token.replace('.', "\u{ff0e}"), Reason::TokenMalformed),
        ("an encoded dot", token.replace('.', "%2E"), Reason::TokenMalformed),
        ("two tokens", format!("{token},{token}"), Reason::TokenMalformed),
        (
            "flattened JSON",
            json!({"protected": header, "payload": payload, "signature": signature}).to_string(),
            Reason::TokenMalformed,
        ),
        (
            "general JSON",
            json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]}).to_string(),
            Reason::TokenMalformed,
        ),
        (
            "encrypted",
            format!("{}.a.a.a.a", b64(r#"{"alg":"dir","enc":"A256GCM","typ":"at+jwt"}"#)),
            Reason::TokenMalformed,
        ),
        ("a token in a token", signer.sign(nested, &token), Reason::ClaimsMalformed),
    ] {
        table.refused(name, &token, reason);
    }
    table.finish();
}

#[test]
fn a_header_that_can_be_read_in_two_ways_is_refused() {
    let mut table = Table::new();
    let signer = signer(Algorithm::EdDsa);
    let good = signer.header().to_string();
    let members = &good[1..good.len() - 1];
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, header) in [
        ("alg twice", format!(r#"{{{members},"alg":"EdDSA"}}"#).into_bytes()),
        ("alg twice, none first", format!(r#"{{"alg":"none",{members}}}"#).into_bytes()),
        ("alg twice, none last", format!(r#"{{{members},"alg":"none"}}"#).into_bytes()),
        ("alg twice, once escaped", format!(r#"{{{members},"\u0061lg":"none"}}"#).into_bytes()),
        ("kid twice", format!(r#"{{{members},"kid":"other"}}"#).into_bytes()),
        ("typ twice", format!(r#"{{"typ":"JWT",{members}}}"#).into_bytes()),
        ("crit twice", format!(r#"{{"crit":["x"],"crit":["y"],{members}}}"#).into_bytes()),
        ("an unknown one twice", format!(r#"{{"x":1,"x":1,{members}}}"#).into_bytes()),
        ("twice, deeper", format!(r#"{{"x":{{"y":1,"y":2}},{members}}}"#).into_bytes()),
        ("nothing", Vec::new()),
        ("null", b"null".to_vec()),
        ("a string", json!(good).to_string().into_bytes()),
        ("an array", format!("[{good}]").into_bytes()),
        ("an array of pairs", json!([["alg", "EdDSA"], ["typ", "at+jwt"]]).to_string().into_bytes()),
        ("bytes after it", format!("{good}x").into_bytes()),
        ("another after it", format!("{good}{good}").into_bytes()),
        ("NUL after it", format!("{good}\0").into_bytes()),
        ("cut off", good.as_bytes()[..good.len() - 1].to_vec()),
        ("a comment", format!("/* */{good}").into_bytes()),
        ("a comma too many", format!("{{{members},}}").into_bytes()),
        ("single quotes", good.replace('"', "'").into_bytes()),
        ("byte order mark", format!("\u{feff}{good}").into_bytes()),
        ("UTF-16", utf16),
        ("no UTF-8", [format!("{{{members},\"x\":\"").as_bytes(), b"\xff\"}"].concat()),
        ("overlong UTF-8", [format!("{{{members},\"x\":\"").as_bytes(), b"\xc0\x80\"}"].concat()),
        ("a lone surrogate", format!(r#"{{{members},"x":"\ud800"}}"#).into_bytes()),
        ("a raw NUL in a string", format!("{{{members},\"x\":\"\0\"}}").into_bytes()),
        ("a raw line feed in a string", format!("{{{members},\"x\":\"\n\"}}").into_bytes()),
        ("a number that is none", format!(r#"{{{members},"x":NaN}}"#).into_bytes()),
        ("a number beyond all", format!(r#"{{{members},"x":1e400}}"#).into_bytes()),
        ("deep", format!("{{{members},\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes()),
        ("deep and cut off", format!("{{{members},\"x\":{}", "[".repeat(100_000)).into_bytes()),
    ] {
        table.refused(name, &signer.sign(header, claims().to_string()), Reason::TokenMalformed);
    }
    let spaced = format!(" \t\r\n{{ {} }}\n", members.replace(',', " , "));
    table.accepted("white space where JSON has it", &signer.sign(spaced, claims().to_string()));
    table.finish();
}

/// The text with spaces added, until its encoding holds a character that only base64url has and ends in trailing bits.
fn spellable(text: String) -> Vec<u8> {
    let body = text.strip_suffix('}').unwrap();
    (0..)
        .map(|spaces| format!("{body},\"x\":\"{}~~~???>>>\"}}", " ".repeat(spaces)).into_bytes())
        .find(|bytes| !bytes.len().is_multiple_of(3) && b64(bytes).contains(['-', '_']))
        .unwrap()
}

/// Other spellings of the bytes, which some reader takes for the same.
fn respellings(bytes: &[u8]) -> Vec<(&'static str, String)> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let good = b64(bytes);
    let middle = good.len() / 2;
    let insert = |text: &str| format!("{}{text}{}", &good[..middle], &good[middle..]);
    let mut all = vec![
        ("the standard alphabet", good.replace('-', "+").replace('_', "/")),
        ("a space inside", insert(" ")),
        ("a tab inside", insert("\t")),
        ("a line feed inside", insert("\n")),
        ("NUL inside", insert("\0")),
        ("padding inside", insert("=")),
        ("a letter that is not ASCII", insert("\u{e9}")),
        ("a full-width letter", insert("\u{ff21}")),
        ("a zero-width space", insert("\u{200b}")),
        ("a percent sign", insert("%41")),
        ("a space before", format!(" {good}")),
        ("a space after", format!("{good} ")),
        ("CR LF after", format!("{good}\r\n")),
        ("one padding character", format!("{good}=")),
        ("two padding characters", format!("{good}==")),
        ("a comma after", format!("{good},")),
    ];
    if !bytes.len().is_multiple_of(3) {
        all.push(("padded", URL_SAFE.encode(bytes)));
        // Four unused bits after one last byte, two after two.
        let unused = if bytes.len() % 3 == 1 { 16 } else { 4 };
        let (rest, last) = good.split_at(good.len() - 1);
        let index = ALPHABET.iter().position(|letter| *letter == last.as_bytes()[0]).unwrap();
        for bits in 1..unused {
            all.push(("trailing bits", format!("{rest}{}", char::from(ALPHABET[index + bits]))));
        }
    }
    // One character carries six bits, too few for a byte.
    let odd = format!("{good}{}", &"AAAA"[..(5 - good.len() % 4) % 4]);
    assert_eq!(odd.len() % 4, 1);
    all.push(("an impossible length", odd));
    all
}
