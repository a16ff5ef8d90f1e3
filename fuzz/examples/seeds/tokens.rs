//! Self-contained and encrypted tokens. None is one: where a signature or a tag would stand is a word.

use bearward_fuzz::fixture::{HEADER, base64url};

use crate::{Seed, seeds};

const CLAIMS: &str = r#"{"iss":"https://auth.example.com","aud":"https://api.example.com","sub":"alice","client_id":"shop","jti":"1","iat":1799999940,"exp":1800000300,"scope":"orders:read orders:write"}"#;

/// The valid claims with one text in them replaced.
fn but(from: &str, to: &str) -> String {
    assert!(CLAIMS.contains(from), "{from}");
    CLAIMS.replace(from, to)
}

pub(crate) fn claims() -> Vec<Seed> {
    let and =
        |member: &str| format!("{}{member}}}", &CLAIMS[..CLAIMS.len() - 1].replace(r#","jti":"1""#, r#","jti":"2""#));
    let under = |header: &str| format!("{header}\n{CLAIMS}");
    let audience = r#""aud":"https://api.example.com""#;
    seeds([
        ("valid", CLAIMS.to_owned()),
        ("valid with header", under(HEADER)),
        ("header ed25519", under(r#"{"alg":"Ed25519","typ":"application/AT+JWT","kid":"ed"}"#)),
        ("header no kid", under(r#"{"alg":"EdDSA","typ":"at+jwt"}"#)),
        ("header other kid", under(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"other"}"#)),
        ("header kid of another kind", under(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"rsa"}"#)),
        ("header type jwt", under(r#"{"alg":"EdDSA","typ":"JWT","kid":"ed"}"#)),
        ("header no type", under(r#"{"alg":"EdDSA","kid":"ed"}"#)),
        ("header type logout", under(r#"{"alg":"EdDSA","typ":"logout+jwt","kid":"ed"}"#)),
        ("header alg none", under(r#"{"alg":"none","typ":"at+jwt"}"#)),
        ("header alg hs256", under(r#"{"alg":"HS256","typ":"at+jwt","kid":"ed"}"#)),
        ("header alg rs256", under(r#"{"alg":"RS256","typ":"at+jwt","kid":"rsa"}"#)),
        ("header crit", under(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed","crit":["exp"]}"#)),
        ("header b64", under(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed","b64":false}"#)),
        ("header jwk and urls", under(r#"{"alg":"EdDSA","typ":"at+jwt","jwk":{},"jku":"https://x","x5c":[]}"#)),
        ("header member twice", under(r#"{"alg":"EdDSA","alg":"EdDSA","typ":"at+jwt"}"#)),
        ("issuer other", but("//auth.", "//other.")),
        ("issuer slash", but("auth.example.com", "auth.example.com/")),
        ("issuer null", but(r#""https://auth.example.com""#, "null")),
        ("audience array", but(audience, r#""aud":["https://other.example.com","https://api.example.com"]"#)),
        ("audience other", but("//api.", "//other.")),
        ("audience absent", but(&format!("{audience},"), "")),
        ("audience empty", but(audience, r#""aud":[]"#)),
        ("audience odd", but(audience, r#""aud":["https://api.example.com",1]"#)),
        ("audience client", but(audience, r#""aud":["https://api.example.com","shop"]"#)),
        (
            "audience client no scope",
            but(audience, r#""aud":["https://api.example.com","shop"]"#).replace("orders:read orders:write", ""),
        ),
        ("expired", but("1800000300", "1800000000")),
        ("expired within leeway", but("1800000300", "1799999800")),
        ("expires never", but(r#","exp":1800000300"#, "")),
        ("expires fraction", but("1800000300", "1800000000.5")),
        ("expires huge", but("1800000300", "1e400")),
        ("expires last", but("1800000300", "9007199254740992")),
        ("expires text", but("1800000300", r#""1800000300""#)),
        ("issued ahead", but("1799999940", "1800000001")),
        ("issued within leeway", but("1799999940", "1800000300.9")),
        ("issued negative", but("1799999940", "-1")),
        ("not before", and(r#","nbf":1800000000"#)),
        ("not before ahead", and(r#","nbf":1800000301"#)),
        ("subject empty", but("alice", "")),
        ("subject not ascii", but("alice", "\u{e9}\\u0000\\r\\nx-admin: 1")),
        ("subject looks encoded", but("alice", "=?base64?YWRtaW4=?=")),
        ("subject surrogate", but("alice", "\\ud83d\\ude00")),
        ("subject lone surrogate", but("alice", "\\ud800")),
        ("subject twice", and(r#","sub":"bob""#)),
        ("subject twice by escape", and(r#","\u0073ub":"bob""#)),
        ("bound to a key", and(r#","cnf":{"jkt":"x"}"#)),
        ("bound to null", and(r#","cnf":null"#)),
        ("id token", and(r#","nonce":"x","at_hash":"y""#)),
        ("token use id", and(r#","token_use":"id""#)),
        ("token use access", and(r#","token_use":"access""#)),
        ("scope array", but(r#""orders:read orders:write""#, r#"["orders:read","a b"]"#)),
        ("scope odd character", but("orders:read ", "orders:\\u0022read ")),
        ("scp array", and(r#","scp":["users:read"]"#)),
        ("client by azp", but(r#""client_id""#, r#""azp""#)),
        ("nested", and(r#","a":[[[[{"b":[{}]}]]]]"#)),
        ("byte order mark", format!("\n\u{feff}{CLAIMS}")),
        ("array", "\n[]".to_owned()),
        ("empty", String::new()),
    ])
}

pub(crate) fn jws() -> Vec<Seed> {
    let (header, payload) = (base64url(HEADER), base64url(CLAIMS));
    let head = |header: &str| format!("{}.{payload}.SIGN", base64url(header));
    let kid = |alg: &str, kid: &str, signature: usize| {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{kid}"}}"#);
        format!("{}.{payload}.{}", base64url(header), base64url(vec![1; signature]))
    };
    seeds([
        ("valid", format!("{header}.{payload}.SIGN")),
        ("valid without kid", head(r#"{"alg":"EdDSA","typ":"at+jwt"}"#)),
        ("valid type jwt", head(r#"{"alg":"EdDSA","typ":"JWT"}"#)),
        ("header with spaces", head(r#" {"alg":"EdDSA","typ":"at+jwt"}"#)),
        ("header with space inside", head(r#"{ "alg" : "EdDSA" , "typ" : "at+jwt" }"#)),
        ("header null", head("null")),
        ("header array", head("[]")),
        ("header cut", head("{")),
        ("header long kid", head(&format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#, "k".repeat(513)))),
        ("alg none", format!("{}.{payload}.", base64url(r#"{"alg":"none"}"#))),
        ("alg none other case", format!("{}.{payload}.", base64url(r#"{"alg":"nOnE"}"#))),
        ("alg hs256", kid("HS256", "ed", 32)),
        ("signature absent", format!("{header}.{payload}.")),
        ("signature zero", format!("{header}.{payload}.{}", base64url([0; 64]))),
        ("signature short", kid("EdDSA", "ed", 63)),
        ("signature of p256", kid("ES256", "p256", 64)),
        ("signature of p521", kid("ES512", "p521", 132)),
        ("signature of rsa", kid("RS256", "rsa", 256)),
        ("signature of rsa pss", kid("PS384", "rsa", 256)),
        ("signature of rsa short", kid("RS512", "rsa", 1)),
        ("padding", format!("{header}=.{payload}.SIGN")),
        ("padding payload", format!("{header}.{payload}==.SIGN")),
        ("standard alphabet", format!("{header}.+/{payload}.SIGN")),
        ("trailing bits", format!("{header}.{payload}B.SIGN")),
        ("line feed", format!("{header}\n.{payload}.SIGN")),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{header}.{payload}.c2ln.SIGN")),
        ("five parts", format!("{header}.{payload}.a.b.c")),
        ("five parts empty", format!("{header}.{payload}.c2ln..")),
        ("six parts", format!("{header}.{payload}.a.b.c.d")),
        ("leading dot", format!(".{header}.{payload}.SIGN")),
        ("payload empty", format!("{header}..SIGN")),
        ("payload object", format!("{header}.e30.SIGN")),
        ("payload issuer only", format!("{header}.{}.SIGN", base64url(r#"{"iss":"https://auth.example.com"}"#))),
        ("payload issuer twice", format!("{header}.{}.SIGN", base64url(r#"{"iss":"a","iss":"b"}"#))),
        ("payload issuer number", format!("{header}.{}.SIGN", base64url(r#"{"iss":1}"#))),
        ("json serialization", format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"SIGN"}}"#)),
        ("opaque", "2YotnFZFEjr1zCsicMWpAA".to_owned()),
        ("opaque with dots", "v1.local.abc".to_owned()),
        ("dots", "..".to_owned()),
        ("empty", String::new()),
    ])
}

pub(crate) fn jwe() -> Vec<Seed> {
    let inner = base64url(format!("{}.{}.c2ln", base64url(HEADER), base64url(CLAIMS)));
    let iv = base64url([4; 12]);
    let direct = r#"{"alg":"dir","enc":"A128GCM"}"#;
    let sealed = |header: &str, inner: &str| format!("{}..{iv}.{inner}.SEAL", base64url(header));
    let cbc = |text: usize| {
        let header = base64url(r#"{"alg":"dir","enc":"A128CBC-HS256","kid":"cbc"}"#);
        format!("{header}..{}.{}.MAC", base64url([5; 16]), base64url(vec![6; text]))
    };
    let other = |header: &str, key: usize| {
        format!("{}.{}.{iv}.{inner}.{}", base64url(header), base64url(vec![7; key]), base64url([8; 16]))
    };
    let ephemeral = r#""epk":{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    let agreement = |alg: &str, more: &str| format!(r#"{{"alg":"{alg}","enc":"A128GCM",{ephemeral}{more}}}"#);
    let off_curve = agreement("ECDH-ES", "").replace("f83O", "A83O");
    seeds([
        ("valid", sealed(direct, &inner)),
        ("valid with kid", sealed(r#"{"alg":"dir","enc":"A128GCM","kid":"gcm","cty":"JWT"}"#, &inner)),
        ("kid other", sealed(r#"{"alg":"dir","enc":"A128GCM","kid":"other"}"#, &inner)),
        ("content type at jwt", sealed(r#"{"alg":"dir","enc":"A128GCM","cty":"application/at+JWT"}"#, &inner)),
        ("content type other", sealed(r#"{"alg":"dir","enc":"A128GCM","cty":"json"}"#, &inner)),
        ("content claims", sealed(direct, &base64url(CLAIMS))),
        ("content empty", sealed(direct, "")),
        ("content not utf8", sealed(direct, "__8")),
        ("content encrypted again", sealed(direct, &base64url(format!("{}.a.b.c.d", base64url(direct))))),
        ("compressed", sealed(r#"{"alg":"dir","enc":"A128GCM","zip":"DEF"}"#, &inner)),
        ("critical", sealed(r#"{"alg":"dir","enc":"A128GCM","crit":["x"],"x":1}"#, &inner)),
        ("member twice", sealed(r#"{"alg":"dir","alg":"dir","enc":"A128GCM"}"#, &inner)),
        ("direct with a key", sealed(direct, &inner).replacen("..", ".AAAA.", 1)),
        ("iv short", sealed(direct, &inner).replacen(&iv, "AAAA", 1)),
        ("iv padded", sealed(direct, &inner).replacen(&iv, &format!("{iv}="), 1)),
        ("tag absent", sealed(direct, &inner).replace(".SEAL", ".")),
        ("tag short", sealed(direct, &inner).replace(".SEAL", ".AAAA")),
        ("tag other", sealed(direct, &inner).replace("SEAL", &base64url([0; 16]))),
        ("six parts", sealed(direct, &inner).replace(".SEAL", ".a.SEAL")),
        ("four parts", sealed(direct, &inner).replace(".SEAL", "")),
        ("cbc no block", cbc(0)),
        ("cbc one block", cbc(16)),
        ("cbc blocks", cbc(64)),
        ("cbc half a block", cbc(8)),
        ("cbc other tag", cbc(32).replace("MAC", &base64url([0; 16]))),
        ("wrap", other(r#"{"alg":"A128KW","enc":"A128GCM"}"#, 24)),
        ("wrap short", other(r#"{"alg":"A128KW","enc":"A128GCM"}"#, 8)),
        ("wrap for cbc", other(r#"{"alg":"A128KW","enc":"A256CBC-HS512","kid":"wrap"}"#, 72)),
        ("agreement", other(&agreement("ECDH-ES", ""), 0)),
        ("agreement with parties", other(&agreement("ECDH-ES", r#","apu":"QWxpY2U","apv":"Qm9i""#), 0)),
        ("agreement wrapped", other(&agreement("ECDH-ES+A128KW", ""), 24)),
        ("agreement off the curve", other(&off_curve, 0)),
        ("agreement without key", other(r#"{"alg":"ECDH-ES","enc":"A128GCM"}"#, 0)),
        (
            "agreement on x25519",
            other(r#"{"alg":"ECDH-ES","enc":"A128GCM","epk":{"kty":"OKP","crv":"X25519","x":"AAAA"}}"#, 0),
        ),
        ("rsa1 5", other(r#"{"alg":"RSA1_5","enc":"A128GCM"}"#, 256)),
        ("rsa oaep", other(r#"{"alg":"RSA-OAEP-256","enc":"A128GCM"}"#, 256)),
        ("pbes2", other(r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}"#, 24)),
        ("jws", format!("{}.{}.c2ln", base64url(HEADER), base64url(CLAIMS))),
        ("dots", "....".to_owned()),
        ("empty", String::new()),
    ])
}
