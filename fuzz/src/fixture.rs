//! What the targets share: an issuer whose private key is known to everybody, its keys and its rules.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_core::{AbsentAudience, ClaimPointer, KeySet, Profile, TokenRules, UnixTime};

/// The issuer of every token here.
pub const ISSUER: &str = "https://auth.example.com";
/// The audience of every token here.
pub const AUDIENCE: &str = "https://api.example.com";
/// The time of every check here.
pub const NOW: UnixTime = UnixTime(1_800_000_000);

/// The JOSE header of a token that [`signature`] fits.
pub const HEADER: &str = r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed"}"#;

/// The public keys printed in RFC 7515, A.3 and A.4, and RFC 7517, A.1, so that tokens reach those verifiers too.
const PUBLISHED_KEYS: &str = r#"
    {"kid":"p256","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
     "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    {"kid":"p521","kty":"EC","crv":"P-521",
     "x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
     "y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"},
    {"kid":"rsa","kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}
"#;

/// The one key that signs here. Its seed is a constant that anybody can read, so that no corpus holds a signature:
/// targets sign what they are given. Ed25519 signatures are deterministic, so that a crash can be run again.
static SIGNER: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes are a seed"));

/// The text of the issuer's JWK set.
pub static KEY_SET_TEXT: LazyLock<String> = LazyLock::new(|| {
    let x = base64url(SIGNER.public_key());
    format!(r#"{{"keys":[{{"kid":"ed","kty":"OKP","crv":"Ed25519","x":"{x}"}},{PUBLISHED_KEYS}]}}"#)
});

/// The issuer's key set.
pub static KEY_SET: LazyLock<KeySet> = LazyLock::new(|| {
    let keys = KeySet::parse(KEY_SET_TEXT.as_bytes()).expect("a JWK set");
    assert_eq!((keys.len(), keys.skipped()), (4, &[][..]), "every key of the fixture can be used");
    keys
});

/// Both ways in which an issuer can be configured: as strict as it goes, and as lenient.
pub static RULES: LazyLock<[TokenRules; 2]> = LazyLock::new(|| {
    let strict = TokenRules::new(ISSUER, vec![AUDIENCE.to_owned()]);
    let mut lenient = strict.clone();
    lenient.profile = Profile::Jwt;
    lenient.absent_audience = AbsentAudience::Clients(vec!["shop".to_owned()]);
    lenient.leeway = 300;
    lenient.max_lifetime = Some(86_400);
    lenient.client_id_claims.push(ClaimPointer::member("azp"));
    [strict, lenient]
});

/// The text of the signature over this header and payload, as they are spelled in the token.
pub fn signature(signing_input: &str) -> String {
    base64url(SIGNER.sign(signing_input.as_bytes()))
}

/// Base64url without padding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
