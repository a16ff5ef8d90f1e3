//! A token that is encrypted to the gateway is decrypted, with the key and the algorithms that the operator chose, and
//! what is inside is verified like any other.

use std::time::{Duration, Instant};

use crate::support::encryptor::{
    AGREEMENTS, ENCRYPTIONS, Letter, NESTED, Recipient, hold, key_length, open, quick, recipients, unb64,
};
use crate::support::{Table, b64, claims, signer, verify, with};
use bearward_core::{Algorithm, DecryptionKeys, KeyTries, Reason, Shape};
use serde_json::{Value, json};

#[test]
fn every_supported_algorithm_is_decrypted_and_what_is_inside_verified() {
    let mut table = Table::new();
    let token = signer(Algorithm::Es256).token(&claims());
    for (recipient, keys, pairs) in recipients() {
        for (alg, enc) in pairs {
            let name = format!("{alg} {enc} {}", recipient.jwk["crv"]);
            let encrypted = recipient.letter(alg, enc).seal(&token);
            table.case(format!("{name}: shape"), Shape::of(&encrypted), Shape::Referential);
            table.case(format!("{name}: opens"), keys.opens(&encrypted), true);
            table.case(format!("{name}: refuses"), DecryptionKeys::refuses(&encrypted), None);
            let decrypted = open(&keys, &encrypted);
            table.accepted(format!("{name}: verified"), decrypted.as_deref().unwrap_or_default());
            table.case(name, decrypted, Ok(token.clone()));
        }
    }
    table.finish();
}

// Another implementation's tokens, of every algorithm and curve.
#[test]
fn what_npm_jose_encrypts_is_decrypted() {
    let mut table = Table::new();
    let vectors: Value = serde_json::from_str(include_str!("support/encrypted_by_jose.json")).unwrap();
    for case in vectors["cases"].as_array().unwrap() {
        let token = case["token"].as_str().unwrap();
        let keys = DecryptionKeys::parse(case["key"].to_string().as_bytes()).unwrap();
        let header = String::from_utf8(unb64(token.split('.').next().unwrap())).unwrap();
        table.case(&header, open(&keys, token), Ok(vectors["content"].as_str().unwrap().to_owned()));
    }
    table.finish();
}

// RFC 7516, A.3. What is inside is no token, which is only said of what has been decrypted.
#[test]
fn the_example_of_rfc_7516_is_decrypted() {
    let keys = hold([json!({"kty": "oct", "alg": "A128KW", "k": "GawgguFyGrWKav7AX4VKUg"})]);
    let token = "eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.\
        6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ.AxY8DCtDaGlsbGljb3RoZQ.\
        KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.U0m_YmjN04DJvceFICbCVQ";
    assert_eq!(open(&keys, token), Err(Reason::TokenMalformed));
    assert_eq!(open(&keys, &token.replace("ICbCVQ", "ICbCVA")), Err(Reason::DecryptionFailed));
}

#[test]
fn what_is_inside_must_be_signed_by_the_issuer() {
    let mut table = Table::new();
    let (recipient, keys) = quick();
    let ours = signer(Algorithm::EdDsa);
    let stranger = crate::support::Signer::new(Algorithm::EdDsa, &ours.kid);
    let unsigned = format!("{}.{}.", b64(r#"{"alg":"none","typ":"at+jwt"}"#), b64(claims().to_string()));
    for (name, inside, expected) in [
        ("ours", ours.token(&claims()), Ok(())),
        ("not signed", unsigned, Err(Reason::AlgorithmRefused)),
        ("a stranger's", stranger.token(&claims()), Err(Reason::SignatureInvalid)),
    ] {
        let decrypted = keys.decrypt(&recipient.letter("A256KW", "A128GCM").seal(inside)).unwrap();
        table.case(name, verify(decrypted.as_str()).map(drop), expected);
    }
    table.finish();
}

// RFC 8725, 3.3: encryption is no signature, and there is one layer of it.
#[test]
fn what_is_inside_must_be_a_signed_token() {
    let mut table = Table::new();
    let (recipient, keys) = quick();
    let letter = recipient.letter("A256KW", "A128CBC-HS256");
    let inner = letter.seal(NESTED);
    for (name, content) in [
        ("claims", claims().to_string().into_bytes()),
        ("another encrypted token", inner.into_bytes()),
        ("two parts", b"eyJhbGciOiJFZERTQSJ9.e30".to_vec()),
        ("four parts", format!("{NESTED}.x").into_bytes()),
        ("nothing", Vec::new()),
        ("opaque text", b"2YotnFZFEjr1zCsicMWpAA".to_vec()),
        ("a space before", format!(" {NESTED}").into_bytes()),
        ("not UTF-8", [b"\xff", NESTED.as_bytes()].concat()),
        ("a signed token in JSON serialization", br#"{"payload":"e30","signatures":[]}"#.to_vec()),
        ("compressed", vec![0x4b, 0x4c, 0x44, 0x00, 0x00]),
    ] {
        table.case(name, open(&keys, &letter.seal(content)), Err(Reason::TokenMalformed));
    }
    table.finish();
}

#[test]
fn kid_chooses_among_our_keys() {
    let mut table = Table::new();
    let [first, second, nameless] = [Recipient::curve("P-256"), Recipient::curve("P-256"), Recipient::curve("P-256")];
    let keys = hold([
        first.jwk_with(json!({"kid": "first"})),
        second.jwk_with(json!({"kid": "second"})),
        nameless.jwk.clone(),
    ]);
    let seal = |recipient: &Recipient, kid: Option<&str>| {
        recipient.letter("ECDH-ES", "A256GCM").with("kid", kid.map(Value::from)).seal(NESTED)
    };
    let ok = || Ok(NESTED.to_owned());
    for (name, token, opens, expected) in [
        ("first", seal(&first, Some("first")), true, ok()),
        ("second", seal(&second, Some("second")), true, ok()),
        ("first for second", seal(&first, Some("second")), true, Err(Reason::DecryptionFailed)),
        ("another kid", seal(&first, Some("third")), false, Err(Reason::TokenUnsupported)),
        ("another case", seal(&first, Some("First")), false, Err(Reason::TokenUnsupported)),
        ("empty kid", seal(&nameless, Some("")), false, Err(Reason::TokenUnsupported)),
        ("first, no kid", seal(&first, None), true, ok()),
        ("second, no kid", seal(&second, None), true, ok()),
        ("nameless, no kid", seal(&nameless, None), true, ok()),
    ] {
        table.case(format!("{name}: opens"), keys.opens(&token), opens);
        table.case(name, open(&keys, &token), expected);
    }
    table.finish();
}

// RFC 8725, 3.1: a key is used with the algorithm that it was made for.
#[test]
fn alg_of_a_key_is_the_only_one_it_is_used_with() {
    let mut table = Table::new();
    let curve = Recipient::curve("X25519");
    for ours in AGREEMENTS {
        let keys = hold([curve.jwk_with(json!({"alg": ours}))]);
        for theirs in AGREEMENTS {
            let token = curve.letter(theirs, "A128GCM").seal(NESTED);
            let expected = if ours == theirs { Ok(NESTED.into()) } else { Err(Reason::TokenUnsupported) };
            table.case(format!("{ours} {theirs}"), open(&keys, &token), expected);
        }
    }
    for ours in ENCRYPTIONS {
        let secret = Recipient::secret(key_length(ours));
        let keys = hold([secret.jwk_with(json!({"alg": ours}))]);
        for theirs in ENCRYPTIONS.into_iter().filter(|enc| key_length(enc) == key_length(ours)) {
            let token = secret.letter("dir", theirs).seal(NESTED);
            let expected = if ours == theirs { Ok(NESTED.into()) } else { Err(Reason::TokenUnsupported) };
            table.case(format!("{ours} {theirs}"), open(&keys, &token), expected);
        }
    }
    table.finish();
}

#[test]
fn algorithms_that_are_not_ours_are_refused() {
    let mut table = Table::new();
    let rsa = Recipient::rsa();
    let keys = hold([rsa.jwk_with(json!({"kid": "rsa"}))]);
    let letter = rsa.letter("RSA-OAEP-256", "A256GCM").with("kid", Some(json!("rsa")));
    let mut case = |name: String, letter: Letter, refused: Option<Reason>| {
        let token = letter.seal(NESTED);
        let start = Instant::now();
        table.case(format!("{name}: opens"), keys.opens(&token), false);
        table.case(format!("{name}: refuses"), DecryptionKeys::refuses(&token), refused);
        table.case(&name, open(&keys, &token), Err(Reason::AlgorithmRefused));
        assert!(start.elapsed() < Duration::from_millis(500), "{name} took {:?}", start.elapsed());
    };
    let refused = Some(Reason::AlgorithmRefused);
    case("RSA1_5".into(), letter.clone().with("alg", Some(json!("RSA1_5"))), refused);
    for alg in ["PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW"] {
        let letter = letter.clone().with("alg", Some(json!(alg)));
        let letter = letter.with("p2c", Some(json!(1_u32 << 31))).with("p2s", Some(json!("c2FsdA")));
        case(alg.into(), letter, refused);
    }
    for alg in [
        "RSA-OAEP",
        "RSA-OAEP-384",
        "RSA-OAEP-512",
        "A192KW",
        "ECDH-ES+A192KW",
        "A128GCMKW",
        "A256GCMKW",
        "ECDH-1PU",
        "HPKE-0",
        "rsa-oaep-256",
        "RSA-OAEP-256 ",
        "DIR",
        "none",
        "HS256",
        "RS256",
        "",
    ] {
        case(format!("{alg:?}"), letter.clone().with("alg", Some(json!(alg))), None);
    }
    for enc in ["A192GCM", "A192CBC-HS384", "A128CBC+HS256", "a256gcm", "C20P", "XC20P", "none", ""] {
        case(format!("enc {enc:?}"), letter.clone().with("enc", Some(json!(enc))), None);
    }
    table.finish();
}

#[test]
fn the_header_is_read_strictly() {
    let mut table = Table::new();
    let (recipient, keys) = quick();
    let letter = recipient.letter("A256KW", "A256GCM").with("kid", Some(json!("ours")));
    let malformed = Err(Reason::TokenMalformed);
    let extension = Err(Reason::CriticalHeaderUnknown);
    let ok = || Ok(NESTED.to_owned());
    // Whether the token is ours is told first; what else is wrong with it does not make it another's.
    for (member, value, opens, expected) in [
        ("zip", Some(json!("DEF")), true, extension.clone()),
        ("zip", Some(json!("")), true, extension.clone()),
        ("zip", Some(json!(null)), true, extension.clone()),
        ("crit", Some(json!(["exp"])), true, extension.clone()),
        ("crit", Some(json!([])), true, extension.clone()),
        ("crit", Some(json!(null)), true, extension),
        ("cty", None, true, ok()),
        ("cty", Some(json!("JWT")), true, ok()),
        ("cty", Some(json!("jwt")), true, ok()),
        ("cty", Some(json!("AT+JWT")), true, ok()),
        ("cty", Some(json!("application/at+jwt")), true, ok()),
        ("cty", Some(json!("json")), true, malformed.clone()),
        ("cty", Some(json!("")), true, malformed.clone()),
        ("cty", Some(json!("application/")), true, malformed.clone()),
        ("cty", Some(json!("at+jwt ")), true, malformed.clone()),
        ("cty", Some(json!("logout+jwt")), true, malformed.clone()),
        ("cty", Some(json!(["JWT"])), false, malformed.clone()),
        ("alg", None, false, malformed.clone()),
        ("alg", Some(json!(["A256KW"])), false, malformed.clone()),
        ("alg", Some(json!(null)), false, malformed.clone()),
        ("enc", None, false, malformed.clone()),
        ("enc", Some(json!(256)), false, malformed.clone()),
        ("kid", Some(json!(1)), false, malformed.clone()),
        ("kid", Some(json!(null)), false, malformed.clone()),
        ("kid", Some(json!("k".repeat(513))), false, malformed.clone()),
        ("typ", Some(json!("JWE")), true, ok()),
        ("typ", Some(json!(1)), false, malformed.clone()),
        // Keys and addresses that a token brings along mean nothing, nor do members of other algorithms.
        ("jwk", Some(json!({"kty": "oct", "k": b64([0; 32])})), true, ok()),
        ("jku", Some(json!("https://attacker.example/keys")), true, ok()),
        ("x5c", Some(json!("anything")), true, ok()),
        ("p2c", Some(json!(1_u64 << 31)), true, ok()),
        ("epk", Some(json!(null)), true, ok()),
        ("iss", Some(json!("https://auth.example.com")), true, ok()),
    ] {
        let name = format!("{member} {value:?}");
        let token = letter.clone().with(member, value).seal(NESTED);
        table.case(format!("{name}: opens"), keys.opens(&token), opens);
        let refused = (member == "zip").then_some(Reason::CriticalHeaderUnknown);
        table.case(format!("{name}: refuses"), DecryptionKeys::refuses(&token), refused);
        table.case(name, open(&keys, &token), expected);
    }
    let text = letter.header.to_string();
    for (name, header) in [
        ("alg twice", text.replacen('{', r#"{"alg":"A256KW","#, 1).into_bytes()),
        ("alg twice, RSA1_5 first", text.replacen('{', r#"{"alg":"RSA1_5","#, 1).into_bytes()),
        ("alg twice by escape", text.replacen('{', r#"{"\u0061lg":"A256KW","#, 1).into_bytes()),
        ("kid twice", text.replacen('{', r#"{"kid":"ours","#, 1).into_bytes()),
        ("a member below twice", text.replacen('{', r#"{"x":{"y":1,"y":1},"#, 1).into_bytes()),
        ("a byte order mark", format!("\u{feff}{text}").into_bytes()),
        ("more after it", format!("{text}{{}}").into_bytes()),
        ("not UTF-8", text.replace("ours", "\u{1}").bytes().map(|b| if b == 1 { 0xff } else { b }).collect()),
        ("an array", format!("[{text}]").into_bytes()),
        ("nothing", Vec::new()),
        ("deep", text.replacen('{', &format!("{{\"x\":{}{},", "[".repeat(99), "]".repeat(99)), 1).into_bytes()),
    ] {
        let token = letter.seal_as(header, NESTED);
        table.case(format!("{name}: opens"), keys.opens(&token), false);
        table.case(name, open(&keys, &token), malformed.clone());
    }
    table.finish();
}

#[test]
fn five_parts_of_base64url_and_no_more() {
    let mut table = Table::new();
    let (recipient, keys) = quick();
    let token = recipient.letter("A256KW", "A128CBC-HS256").seal(NESTED);
    let parts: Vec<&str> = token.split('.').collect();
    for count in 0..5 {
        table.case(format!("{count} parts"), open(&keys, &parts[..count].join(".")), Err(Reason::TokenMalformed));
    }
    let mut others = vec![
        format!("{token}."),
        format!("{token}.e30"),
        format!(".{token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("{token}{}", ".".repeat(100_000)),
    ];
    for at in 0..5 {
        for spoil in ["=", "+", "!", " ", "\u{e9}", "A=", "\n"] {
            let mut parts: Vec<String> = parts.iter().map(|part| part.to_string()).collect();
            parts[at].push_str(spoil);
            others.push(parts.join("."));
        }
    }
    for token in &others {
        let name = token.get(token.len().saturating_sub(60)..).unwrap_or("not ASCII at the cut");
        table.case(name, open(&keys, token), Err(Reason::TokenMalformed));
    }
    // The tag has 16 bytes, so its last digit has four bits that mean nothing: another spelling of the same tag.
    let last = token.chars().last().unwrap();
    for digit in 'A'..='Z' {
        let other = format!("{}{digit}", &token[..token.len() - 1]);
        table.case(format!("{last} as {digit}"), open(&keys, &other).is_ok(), digit == last);
    }
    table.finish();
}

#[test]
fn a_token_that_is_too_long_is_refused_at_once() {
    let (recipient, keys) = quick();
    let letter = recipient.letter("A256KW", "A256GCM");
    let content = |length: usize| format!("{NESTED}{}", "A".repeat(length));
    assert!(open(&keys, &letter.seal(content(700_000))).is_ok(), "the bound is that of the largest request");
    let token = letter.seal(content(4_000_000));
    let start = Instant::now();
    assert_eq!(open(&keys, &token), Err(Reason::TokenMalformed));
    assert!(start.elapsed() < Duration::from_millis(50));
}

#[test]
fn the_senders_key_is_read_strictly() {
    let mut table = Table::new();
    let recipient = Recipient::curve("P-256");
    let keys = hold([recipient.jwk.clone(), Recipient::curve("X25519").jwk]);
    let letter = recipient.letter("ECDH-ES", "A256GCM");
    let epk = letter.header["epk"].clone();
    let x = unb64(epk["x"].as_str().unwrap());
    let malformed = Reason::TokenMalformed;
    let of = |member: &str, value| Some(with(epk.clone(), member, value));
    for (name, epk, reason) in [
        ("none", None, malformed),
        ("null", Some(json!(null)), malformed),
        ("text", Some(json!(epk.to_string())), malformed),
        ("private", of("d", Some(json!(b64([1; 32])))), malformed),
        ("no kty", of("kty", None), malformed),
        ("another kty", of("kty", Some(json!("OKP"))), Reason::AlgorithmRefused),
        ("no crv", of("crv", None), malformed),
        ("another curve", of("crv", Some(json!("P-384"))), malformed),
        ("a curve of nobody's", of("crv", Some(json!("secp256k1"))), Reason::AlgorithmRefused),
        ("no y", of("y", None), malformed),
        ("no x", of("x", None), malformed),
        ("a number", of("x", Some(json!(1))), malformed),
        ("padded", of("x", Some(json!(format!("{}=", b64(&x))))), malformed),
        ("short", of("x", Some(json!(b64(&x[1..])))), malformed),
        ("long", of("x", Some(json!(b64([&[0], x.as_slice()].concat())))), malformed),
        ("of a curve that is not held", Some(Recipient::curve("P-521").jwk), malformed),
        (
            "public, of a curve that is not held",
            Some(with(Recipient::curve("P-521").jwk, "d", None)),
            Reason::TokenUnsupported,
        ),
        (
            "of the other curve that is held",
            Some(with(Recipient::curve("X25519").jwk, "d", None)),
            Reason::DecryptionFailed,
        ),
    ] {
        let token = letter.clone().with("epk", epk).seal(NESTED);
        table.case(format!("{name}: opens"), keys.opens(&token), reason == Reason::DecryptionFailed);
        table.case(name, open(&keys, &token), Err(reason));
    }
    for (member, value, reason) in [
        ("apu", json!(1), malformed),
        ("apv", json!(["Bob"]), malformed),
        ("apu", json!("not base64url!"), malformed),
        ("apu", json!(b64("Mallory")), Reason::DecryptionFailed),
        ("apv", json!(""), Reason::DecryptionFailed),
    ] {
        let token = letter.clone().with(member, Some(value.clone())).seal(NESTED);
        table.case(format!("{member} {value}"), open(&keys, &token), Err(reason));
    }
    table.finish();
}

#[test]
fn only_three_things_are_refused_whoever_the_token_is_for() {
    let mut table = Table::new();
    let header = |header: Value| format!("{}.AA.AA.AA.AA", b64(header.to_string()));
    let refused = Some(Reason::AlgorithmRefused);
    for (name, token, expected) in [
        ("RSA1_5", header(json!({"alg": "RSA1_5", "enc": "A256GCM"})), refused),
        ("PBES2", header(json!({"alg": "PBES2-HS256+A128KW", "enc": "A256GCM"})), refused),
        ("zip", header(json!({"alg": "dir", "enc": "A256GCM", "zip": "DEF"})), Some(Reason::CriticalHeaderUnknown)),
        ("dir", header(json!({"alg": "dir", "enc": "A256GCM"})), None),
        ("RSA-OAEP", header(json!({"alg": "RSA-OAEP", "enc": "A256GCM"})), None),
        ("crit", header(json!({"alg": "dir", "enc": "A256GCM", "crit": ["x"]})), None),
        ("no alg", header(json!({"enc": "A256GCM"})), None),
        ("a signed token", signer(Algorithm::EdDsa).token(&claims()), None),
        ("opaque", "2YotnFZFEjr1zCsicMWpAA".into(), None),
        ("opaque in five parts", "a.b.c.d.e".into(), None),
    ] {
        table.case(name, DecryptionKeys::refuses(&token), expected);
    }
    table.finish();
}

/// What a token costs is counted in private-key operations, of which the sender chooses no number.
#[test]
fn a_token_is_held_against_a_few_keys_at_most() {
    let ours = Recipient::rsa();
    let of = |count: usize| {
        let keys = (0..count).map(|at| ours.jwk_with(json!({"kid": at.to_string()})));
        DecryptionKeys::parse(json!({"keys": keys.collect::<Vec<_>>()}).to_string().as_bytes()).unwrap()
    };
    let seal = |kid: Option<&str>, recipient: &Recipient| {
        recipient.letter("RSA-OAEP-256", "A256GCM").with("kid", kid.map(Value::from)).seal(NESTED)
    };
    let (good, junk) = (|kid| seal(kid, &ours), |kid| seal(kid, &Recipient::other_rsa()));
    let failed = Err(Reason::DecryptionFailed);
    for (keys, token, tried, expected) in [
        (1, good(None), 1, Ok(())),
        (1, junk(None), 1, failed),
        (4, good(None), 1, Ok(())),
        (4, junk(None), 4, failed),
        (5, good(None), 0, failed),
        (16, good(None), 0, failed),
        (16, junk(None), 0, failed),
        (16, good(Some("15")), 1, Ok(())),
        (16, junk(Some("15")), 1, failed),
        (16, junk(Some("16")), 0, Err(Reason::TokenUnsupported)),
    ] {
        let mut tries = KeyTries::default();
        let found = of(keys).decrypt_within(&token, &mut tries).map(drop);
        assert_eq!((found, tries.made()), (expected, tried), "{keys} keys");
    }
    // Keys of several issuers share what one token may cost.
    let mut tries = KeyTries::default();
    for expected in [3, 3, 3] {
        assert!(of(3).decrypt_within(&junk(None), &mut tries).is_err());
        assert_eq!(tries.made(), expected);
    }
}
