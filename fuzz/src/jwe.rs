//! A token that is encrypted to the gateway, and the keys that the gateway's operator made for that.

use std::sync::LazyLock;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_core::{DecryptionKeys, Reason, Shape};
use serde_json::Value;

use crate::fixture::base64url;
use crate::properties;

/// Stands for the tag, once the fourth part was encrypted with [`GCM_KEY`] (`dir`, `A128GCM`).
const SEAL: &str = ".SEAL";
/// Stands for the tag over the other parts as they are, with [`CBC_KEY`] (`dir`, `A128CBC-HS256`).
const MAC: &str = ".MAC";

const GCM_KEY: [u8; 16] = [1; 16];
const CBC_KEY: [u8; 32] = [2; 32];
const WRAP_KEY: [u8; 16] = [3; 16];

/// Keys that anybody can read here; that on P-256 is the one printed in RFC 7515, A.3.
static KEYS: LazyLock<DecryptionKeys> = LazyLock::new(|| {
    let [gcm, cbc, wrap] = [&GCM_KEY[..], &CBC_KEY, &WRAP_KEY].map(base64url);
    let keys = format!(
        r#"{{"keys":[
            {{"kid":"gcm","kty":"oct","alg":"A128GCM","k":"{gcm}"}},
            {{"kid":"cbc","kty":"oct","alg":"A128CBC-HS256","k":"{cbc}"}},
            {{"kid":"wrap","kty":"oct","alg":"A128KW","k":"{wrap}"}},
            {{"kid":"p256","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
              "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}}
        ]}}"#
    );
    DecryptionKeys::parse(keys.as_bytes()).expect("every key can be used")
});

/// The input is a token. One that ends in `.SEAL` is encrypted, one that ends in `.MAC` is authenticated as it is.
///
/// No other is decrypted. What comes out is what was put in, and a signed token by its form; changed in one place,
/// nothing comes out. A token that is not for these keys is never said to fail to decrypt.
pub fn jwe(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let made = if let Some(parts) = text.strip_suffix(SEAL) {
        seal(parts)
    } else {
        text.strip_suffix(MAC).and_then(authenticate)
    };
    let token = made.as_deref().unwrap_or(text);

    let opens = KEYS.opens(token);
    let found = KEYS.decrypt(token);
    match &found {
        Ok(_) => assert!(opens && made.is_some(), "decrypted what nobody encrypted"),
        Err(reason) => {
            properties::is_invalid_token(*reason);
            assert!(opens || *reason != Reason::DecryptionFailed);
            assert!(!opens || *reason != Reason::TokenUnsupported);
        }
    }
    if DecryptionKeys::refuses(token).is_some() {
        assert!(found.is_err(), "refused, and decrypted");
    }

    let Ok(decrypted) = found else { return false };
    assert_eq!(format!("{decrypted:?}"), "DecryptedToken([redacted])");
    assert_eq!((Shape::of(decrypted.as_str()), decrypted.as_str().matches('.').count()), (Shape::SelfContained, 2));
    let header: Value =
        serde_json::from_slice(&decode(token.split('.').next().unwrap_or_default()).expect("base64url"))
            .expect("a header that was accepted is JSON");
    assert!(header["alg"] == "dir" && ["zip", "crit"].iter().all(|name| header.get(name).is_none()));
    // RFC 7516, 5.2, step 10.
    assert_eq!(token.split('.').nth(1), Some(""), "a key that is not looked at");
    if text.ends_with(SEAL) {
        let put_in = text.split('.').nth(3).map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url"));
        assert_eq!(Some(decrypted.as_str().as_bytes()), put_in.as_deref());
    }
    let at = token.bytes().map(usize::from).sum::<usize>() * 31 % token.len();
    let character = if token.as_bytes()[at] == b'A' { 'B' } else { 'A' };
    for changed in [
        format!("{}{character}{}", &token[..at], &token[at + 1..]),
        format!("{}{}", &token[..at], &token[at + 1..]),
        format!("{token}A"),
        format!("{token}="),
        format!("{token}."),
    ] {
        assert!(KEYS.decrypt(&changed).is_err(), "changed, and decrypted");
    }
    true
}

/// The input is the operator's file of decryption keys.
///
/// It is read the same way again, and neither an error nor `Debug` tells a secret or private value.
pub fn decryption_keys(data: &[u8]) -> bool {
    let (told, read) = match DecryptionKeys::parse(data) {
        Ok(keys) => (format!("{keys:?}"), true),
        Err(error) => (format!("{error} {error:?}"), false),
    };
    assert_eq!(DecryptionKeys::parse(data).is_ok(), read);
    let Ok(document) = serde_json::from_slice::<Value>(data) else {
        assert!(!read, "read what is no JSON");
        return false;
    };
    let keys = document["keys"].as_array().map_or(std::slice::from_ref(&document), Vec::as_slice);
    for key in keys {
        for name in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            // Shorter ones are words of the message by chance, and a `kid` may be told.
            let value = key[name].as_str().filter(|value| value.len() >= 16 && !key["kid"].to_string().contains(value));
            assert!(value.is_none_or(|value| !told.contains(value)), "a secret in a message");
        }
    }
    read
}

fn seal(parts: &str) -> Option<String> {
    let [protected, encrypted_key, iv, plaintext] = split(parts)?;
    let nonce = Nonce::try_assume_unique_for_key(&decode(iv)?).ok()?;
    let mut text = decode(plaintext)?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &GCM_KEY).expect("16 bytes"));
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(protected.as_bytes()), &mut text).ok()?;
    Some(format!("{protected}.{encrypted_key}.{iv}.{}.{}", base64url(text), base64url(tag)))
}

/// RFC 7518, 5.2.2.1, without the encryption: what is decrypted then is whatever the sender made up.
fn authenticate(parts: &str) -> Option<String> {
    let [protected, _, iv, ciphertext] = split(parts)?;
    let bits = u64::try_from(protected.len() * 8).expect("short").to_be_bytes();
    let message = [protected.as_bytes(), &decode(iv)?, &decode(ciphertext)?, &bits].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &CBC_KEY[..16]), &message);
    Some(format!("{parts}.{}", base64url(&tag.as_ref()[..16])))
}

fn split(parts: &str) -> Option<[&str; 4]> {
    parts.split('.').collect::<Vec<_>>().try_into().ok()
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}
