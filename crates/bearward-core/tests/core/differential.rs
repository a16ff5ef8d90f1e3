//! Our verdict on a token is that of `jsonwebtoken`, at its strictest, but for the differences that are listed here.
//!
//! `jsonwebtoken::decode` is another reading of the same RFCs. Each [`Change`] spoils or varies a valid token, and says
//! whether the two may differ on it and why. One change at a time shows that the list is true; any few of them together
//! show that it is whole.

use std::collections::HashSet;

use crate::support::any::{CLAIMS, HEADER, any_object};
use crate::support::{AUDIENCE, ISSUER, LEEWAY, Signer, admitted, b64, claims_at, key_set, merge, rules, signer};
use bearward_core::{Algorithm, UnixTime, verify_jws};
use jsonwebtoken::{DecodingKey, Validation, get_current_timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A token before it is signed.
struct Draft {
    header: Value,
    claims: Value,
    /// Put behind the last member of the header and of the claims: what `Value` cannot hold.
    header_tail: String,
    claims_tail: String,
    now: u64,
    signer: Option<&'static Signer>,
    respell: Vec<fn(String) -> String>,
}

impl Draft {
    fn new(signer: &Signer, now: u64) -> Self {
        Self {
            header: signer.header(),
            claims: claims_at(now),
            header_tail: String::new(),
            claims_tail: String::new(),
            now,
            signer: None,
            respell: Vec::new(),
        }
    }

    fn sign(&self, signer: &Signer) -> String {
        let text = |object: &Value, tail: &str| format!("{}{tail}}}", object.to_string().strip_suffix('}').unwrap());
        let header = text(&self.header, &self.header_tail);
        let token = self.signer.unwrap_or(signer).sign(header, text(&self.claims, &self.claims_tail));
        self.respell.iter().fold(token, |token, respell| respell(token))
    }
}

/// How the two may differ on a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// They agree.
    None,
    /// We refuse what `jsonwebtoken` accepts.
    Stricter,
    /// We accept what `jsonwebtoken` refuses.
    Wider,
}

/// One way to spoil or vary a token.
#[derive(Clone, Copy)]
struct Change {
    name: &'static str,
    difference: Difference,
    apply: fn(&mut Draft),
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn same(name: &'static str, apply: fn(&mut Draft)) -> Change {
    Change { name, difference: Difference::None, apply }
}

const fn stricter(name: &'static str, apply: fn(&mut Draft)) -> Change {
    Change { name, difference: Difference::Stricter, apply }
}

const fn wider(name: &'static str, apply: fn(&mut Draft)) -> Change {
    Change { name, difference: Difference::Wider, apply }
}

fn remove(object: &mut Value, member: &str) {
    object.as_object_mut().unwrap().remove(member);
}

const CHANGES: &[Change] = &[
    // Both accept.
    same("nothing", |_| {}),
    same("typ in capitals", |d| d.header["typ"] = json!("AT+JWT")),
    same("typ with application/", |d| d.header["typ"] = json!("application/at+jwt")),
    same("jku", |d| d.header["jku"] = json!("https://attacker.example/jwks.json")),
    same("x5u", |d| d.header["x5u"] = json!("https://attacker.example/cert.pem")),
    same("an unknown header member", |d| d.header["x"] = json!({"y": [1, null]})),
    same("an unknown claim", |d| d.claims["x"] = json!({"y": [1, null]})),
    same("aud an array", |d| d.claims["aud"] = json!(["https://other.example.com", AUDIENCE])),
    same("aud twice in an array", |d| d.claims["aud"] = json!([AUDIENCE, AUDIENCE])),
    same("exp a fraction", |d| d.claims["exp"] = json!(d.now as f64 + 300.5)),
    same("exp now, within the leeway", |d| d.claims["exp"] = json!(d.now)),
    same("nbf past", |d| d.claims["nbf"] = json!(d.now - 60)),
    same("nbf in the leeway", |d| d.claims["nbf"] = json!(d.now + LEEWAY - 5)),
    same("no scope", |d| remove(&mut d.claims, "scope")),
    same("odd text", |d| d.claims["sub"] = json!("a\r\nb\u{0}\u{202e}")),
    // Both refuse.
    same("alg none", |d| d.header["alg"] = json!("none")),
    same("alg HS256", |d| d.header["alg"] = json!("HS256")),
    same("alg of another family", |d| {
        d.header["alg"] = json!(if d.header["alg"] == "ES256" { "RS256" } else { "ES256" });
    }),
    same("alg in lower case", |d| d.header["alg"] = json!(d.header["alg"].to_string().to_lowercase())),
    same("alg a number", |d| d.header["alg"] = json!(256)),
    same("alg missing", |d| remove(&mut d.header, "alg")),
    same("alg twice", |d| d.header_tail += ",\"alg\":\"none\""),
    same("kid a number", |d| d.header["kid"] = json!(1)),
    same("typ a number", |d| d.header["typ"] = json!(1)),
    same("kid twice", |d| {
        d.header["kid"] = json!("key");
        d.header_tail += ",\"kid\":\"key\"";
    }),
    same("header not closed", |d| d.header_tail += ","),
    same("another's signature", |d| {
        let algorithm = if d.header["alg"] == "EdDSA" { Algorithm::Es256 } else { Algorithm::EdDsa };
        d.signer = Some(signer(algorithm));
    }),
    same("exp past", |d| d.claims["exp"] = json!(d.now - LEEWAY - 600)),
    same("exp zero", |d| d.claims["exp"] = json!(0)),
    same("exp missing", |d| remove(&mut d.claims, "exp")),
    same("exp null", |d| d.claims["exp"] = json!(null)),
    same("exp a string", |d| d.claims["exp"] = json!((d.now + 300).to_string())),
    same("exp negative", |d| d.claims["exp"] = json!(-1)),
    same("exp an array", |d| d.claims["exp"] = json!([d.now + 300])),
    same("exp 1e300", |d| d.claims["exp"] = json!(1e300)),
    same("exp 1e400", |d| {
        remove(&mut d.claims, "exp");
        d.claims_tail += ",\"exp\":1e400";
    }),
    same("exp twice", |d| {
        d.claims["exp"] = json!(d.now);
        d.claims_tail += ",\"exp\":9999999999";
    }),
    same("nbf to come", |d| d.claims["nbf"] = json!(d.now + LEEWAY + 600)),
    same("nbf a string", |d| d.claims["nbf"] = json!("0")),
    same("nbf negative", |d| d.claims["nbf"] = json!(-1)),
    same("nbf an object", |d| d.claims["nbf"] = json!({})),
    same("iss another", |d| d.claims["iss"] = json!("https://second.example.com")),
    same("iss with a slash", |d| d.claims["iss"] = json!(format!("{ISSUER}/"))),
    same("iss missing", |d| remove(&mut d.claims, "iss")),
    same("iss null", |d| d.claims["iss"] = json!(null)),
    same("iss a number", |d| d.claims["iss"] = json!(1)),
    same("iss twice", |d| {
        d.claims["iss"] = json!(ISSUER);
        d.claims_tail += ",\"iss\":\"https://second.example.com\"";
    }),
    same("aud another", |d| d.claims["aud"] = json!("https://other.example.com")),
    same("aud with a slash", |d| d.claims["aud"] = json!(format!("{AUDIENCE}/"))),
    same("aud in capitals", |d| d.claims["aud"] = json!(AUDIENCE.to_uppercase())),
    same("aud missing", |d| remove(&mut d.claims, "aud")),
    same("aud null", |d| d.claims["aud"] = json!(null)),
    same("aud an empty array", |d| d.claims["aud"] = json!([])),
    same("aud a number", |d| d.claims["aud"] = json!(1)),
    same("aud a mixed array", |d| d.claims["aud"] = json!([AUDIENCE, 1])),
    same("aud an object", |d| d.claims["aud"] = json!({AUDIENCE: true})),
    same("aud twice", |d| {
        d.claims["aud"] = json!(AUDIENCE);
        d.claims_tail += ",\"aud\":\"https://other.example.com\"";
    }),
    same("sub missing", |d| remove(&mut d.claims, "sub")),
    same("sub null", |d| d.claims["sub"] = json!(null)),
    same("sub a number", |d| d.claims["sub"] = json!(1)),
    same("sub twice", |d| {
        d.claims["sub"] = json!("alice");
        d.claims_tail += ",\"sub\":\"bob\"";
    }),
    same("claims not closed", |d| d.claims_tail += ","),
    same("bytes after the claims", |d| d.claims_tail += "}{"),
    same("deep beyond 128", |d| {
        d.claims_tail += &format!(",\"deep\":{}{}", "[".repeat(10_000), "]".repeat(10_000));
    }),
    same("a lone surrogate", |d| d.claims_tail += ",\"surrogate\":\"\\ud800\""),
    same("a raw control character", |d| d.claims_tail += ",\"control\":\"\n\""),
    same("padded", |d| d.respell.push(|token| token + "=")),
    same("a line feed after it", |d| d.respell.push(|token| token + "\n")),
    same("a space before it", |d| d.respell.push(|token| format!(" {token}"))),
    same("a part more", |d| d.respell.push(|token| token + ".AAAA")),
    same("a part more, in front", |d| d.respell.push(|token| format!("AAAA.{token}"))),
    same("a part less", |d| d.respell.push(|token| without_last_part(&token).to_owned())),
    same("no signature", |d| d.respell.push(|token| format!("{}.", without_last_part(&token)))),
    same("a signature of zeros", |d| {
        d.respell.push(|token| format!("{}.{}", without_last_part(&token), b64([0; 64])));
    }),
    same("a signature cut short", |d| d.respell.push(|token| token[..token.len().saturating_sub(4)].to_owned())),
    same("a signature with trailing bits", |d| {
        d.respell.push(|token| {
            // Of an RSA and an Ed25519 signature the last letter carries two bits, which leaves four unused ones.
            let (rest, last) = token.split_at(token.len().saturating_sub(1));
            format!("{rest}{}", if last == "A" || last == "Q" { "B" } else { "h" })
        });
    }),
    // RFC 7515, 4.1.11: an extension that is not understood. jsonwebtoken reads `crit` and does not look at it.
    stricter("crit", |d| d.header["crit"] = json!(["x"])),
    stricter("crit empty", |d| d.header["crit"] = json!([])),
    stricter("crit b64", |d| {
        d.header["crit"] = json!(["b64"]);
        d.header["b64"] = json!(false);
    }),
    stricter("b64", |d| d.header["b64"] = json!(false)),
    stricter("zip", |d| d.header["zip"] = json!("DEF")),
    stricter("enc", |d| d.header["enc"] = json!("A256GCM")),
    // RFC 9068, 4: the type of an access token. jsonwebtoken knows no kinds of tokens.
    stricter("typ JWT", |d| d.header["typ"] = json!("JWT")),
    stricter("typ missing", |d| remove(&mut d.header, "typ")),
    stricter("typ null", |d| d.header["typ"] = json!(null)),
    stricter("typ dpop+jwt", |d| d.header["typ"] = json!("dpop+jwt")),
    // Keys are chosen by `kid` here, and by its caller there.
    stricter("kid unknown", |d| d.header["kid"] = json!("unknown")),
    stricter("kid null", |d| d.header["kid"] = json!(null)),
    // RFC 7519, 4 lets a reader take the last of two members of one name. Only to refuse cannot disagree with anyone.
    stricter("an unknown header member twice", |d| d.header_tail += ",\"y\":1,\"y\":2"),
    stricter("an unknown claim twice", |d| d.claims_tail += ",\"y\":1,\"y\":2"),
    stricter("scope twice", |d| {
        d.claims["scope"] = json!("read");
        d.claims_tail += ",\"scope\":\"admin\"";
    }),
    stricter("deep beyond 32", |d| d.claims["deep"] = (0..40).fold(json!(1), |value, _| json!([value]))),
    // RFC 9068, 2.2: claims that it does not know are required.
    stricter("client_id missing", |d| remove(&mut d.claims, "client_id")),
    stricter("client_id a number", |d| d.claims["client_id"] = json!(1)),
    stricter("jti missing", |d| remove(&mut d.claims, "jti")),
    stricter("jti a number", |d| d.claims["jti"] = json!(1)),
    stricter("iat missing", |d| remove(&mut d.claims, "iat")),
    stricter("iat a string", |d| d.claims["iat"] = json!("0")),
    stricter("iat to come", |d| d.claims["iat"] = json!(d.now + 3_600)),
    stricter("sub empty", |d| d.claims["sub"] = json!("")),
    // RFC 7519, 4.1.1: `iss` is one string. It takes an array that holds the issuer.
    stricter("iss an array", |d| d.claims["iss"] = json!([ISSUER, "https://second.example.com"])),
    // A date that a double does not hold exactly is read differently by different readers.
    stricter("exp beyond 2^53", |d| d.claims["exp"] = json!(1_u64 << 60)),
    // Scopes and confirmations are not its business.
    stricter("scope a number", |d| d.claims["scope"] = json!(1)),
    stricter("scope with a tab", |d| d.claims["scope"] = json!("read\tadmin")),
    stricter("cnf", |d| d.claims["cnf"] = json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})),
    // Header members that we do not read (RFC 7515, 4: MUST be ignored when not understood) and it gives types to.
    wider("jwk a string", |d| d.header["jwk"] = json!("key")),
    wider("x5c a string", |d| d.header["x5c"] = json!("AAAA")),
    wider("cty a number", |d| d.header["cty"] = json!(1)),
];

/// The algorithms that it has too.
const SHARED: [(Algorithm, jsonwebtoken::Algorithm); 9] = [
    (Algorithm::Rs256, jsonwebtoken::Algorithm::RS256),
    (Algorithm::Rs384, jsonwebtoken::Algorithm::RS384),
    (Algorithm::Rs512, jsonwebtoken::Algorithm::RS512),
    (Algorithm::Ps256, jsonwebtoken::Algorithm::PS256),
    (Algorithm::Ps384, jsonwebtoken::Algorithm::PS384),
    (Algorithm::Ps512, jsonwebtoken::Algorithm::PS512),
    (Algorithm::Es256, jsonwebtoken::Algorithm::ES256),
    (Algorithm::Es384, jsonwebtoken::Algorithm::ES384),
    (Algorithm::EdDsa, jsonwebtoken::Algorithm::EdDSA),
];

fn ours(token: &str, now: u64) -> bool {
    verify_jws(token, key_set(), &rules(), UnixTime(now)).and_then(admitted).is_ok()
}

/// `jsonwebtoken` with the right key and everything that it can check.
///
/// It reads the clock itself, so no change here comes so near to a limit that a slow run would matter. (At the limit they differ by one
/// second: it accepts a token while `exp + leeway` is now; RFC 9068, 4 wants it before.)
fn theirs(token: &str, algorithm: jsonwebtoken::Algorithm, key: &DecodingKey) -> bool {
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation).is_ok()
}

fn decoding_key(signer: &Signer) -> DecodingKey {
    DecodingKey::from_jwk(&serde_json::from_value(signer.jwk()).unwrap()).unwrap()
}

fn draft(signer: &Signer, changes: &[Change]) -> (String, u64) {
    let mut draft = Draft::new(signer, get_current_timestamp());
    for change in changes {
        (change.apply)(&mut draft);
    }
    (draft.sign(signer), draft.now)
}

#[test]
fn each_listed_difference_is_one() {
    let mut failed = Vec::new();
    for (algorithm, theirs_algorithm) in SHARED {
        let signer = signer(algorithm);
        let key = decoding_key(signer);
        for change in CHANGES {
            let (token, now) = draft(signer, &[*change]);
            let found = match (ours(&token, now), theirs(&token, theirs_algorithm, &key)) {
                (false, true) => Difference::Stricter,
                (true, false) => Difference::Wider,
                _ => Difference::None,
            };
            if found != change.difference {
                failed.push(format!("{algorithm}, {change:?}: listed {:?}, found {found:?}", change.difference));
            }
        }
    }
    assert!(failed.is_empty(), "{} differ:\n  {}", failed.len(), failed.join("\n  "));
}

#[test]
fn no_change_is_listed_twice() {
    let names: HashSet<_> = CHANGES.iter().map(|change| change.name).collect();
    assert_eq!(names.len(), CHANGES.len());
}

/// What it does not have: ES512, and the name that RFC 9864 gives to EdDSA on Ed25519.
/// Of a token that has one part, nothing.
fn without_last_part(token: &str) -> &str {
    token.rsplit_once('.').map_or("", |(rest, _)| rest)
}

#[test]
fn algorithms_that_it_does_not_have() {
    let now = get_current_timestamp();
    let es512 = signer(Algorithm::Es512);
    let ed = signer(Algorithm::EdDsa);
    let mut header = ed.header();
    header["alg"] = json!("Ed25519");
    for token in [es512.token(&claims_at(now)), ed.sign(header.to_string(), claims_at(now).to_string())] {
        assert!(ours(&token, now));
        assert!(jsonwebtoken::decode_header(&token).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Of several changes at once, the verdicts differ only in a direction that one of them is listed with.
    #[test]
    fn the_list_is_whole(
        (algorithm, theirs_algorithm) in prop::sample::select(&SHARED[..]),
        changes in prop::collection::vec(prop::sample::select(CHANGES), 0..5),
    ) {
        let signer = signer(algorithm);
        let (token, now) = draft(signer, &changes);
        let listed = |difference| changes.iter().any(|change| change.difference == difference);
        match (ours(&token, now), theirs(&token, theirs_algorithm, &decoding_key(signer))) {
            (false, true) => prop_assert!(listed(Difference::Stricter), "we refuse {changes:?}, it accepts"),
            (true, false) => prop_assert!(listed(Difference::Wider), "we accept {changes:?}, it refuses"),
            (true, true) | (false, false) => {}
        }
    }

    /// Whatever else stands in a token: what we accept it accepts, but for the members that it gives types to. This is the
    /// direction in which a difference would be a hole.
    #[test]
    fn nothing_is_accepted_that_it_refuses(
        (algorithm, theirs_algorithm) in prop::sample::select(&SHARED[..]),
        header in any_object(HEADER),
        claims in any_object(CLAIMS),
    ) {
        let signer = signer(algorithm);
        let now = get_current_timestamp();
        let (mut all_header, mut all_claims) = (signer.header(), claims_at(now));
        merge(&mut all_header, header);
        merge(&mut all_claims, claims);
        let token = signer.sign(all_header.to_string(), all_claims.to_string());
        let typed = ["jwk", "jku", "x5u", "x5c", "x5t", "cty"].iter().any(|name| all_header.get(*name).is_some());
        if ours(&token, now) && !typed {
            prop_assert!(theirs(&token, theirs_algorithm, &decoding_key(signer)), "{all_header} {all_claims}");
        }
    }

    /// A valid token with some bytes changed: neither accepts it.
    #[test]
    fn both_refuse_a_changed_token(
        (algorithm, theirs_algorithm) in prop::sample::select(&SHARED[..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::char::range('!', '~')), 1..3),
    ) {
        let signer = signer(algorithm);
        let (token, now) = draft(signer, &[]);
        let mut bytes = token.clone().into_bytes();
        for (at, letter) in changes {
            let at = at.index(bytes.len());
            bytes[at] = letter as u8;
        }
        let changed = String::from_utf8(bytes).unwrap();
        let unchanged = changed == token;
        prop_assert_eq!(ours(&changed, now), unchanged);
        prop_assert_eq!(theirs(&changed, theirs_algorithm, &decoding_key(signer)), unchanged);
    }
}
