//! An encryptor of its own: everything but the bare primitives is written here once more, from RFC 7516 and RFC 7518, so
//! that one mistake cannot hide the same mistake in the decryptor. It encrypts whatever it is told to.

use std::sync::OnceLock;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::cipher::{self, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::encoding::{AsBigEndian as _, AsDer as _, Curve25519SeedBin, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap as _};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PrivateDecryptingKey};
use aws_lc_rs::{digest, hmac, rand};
use bearward_core::{DecryptionKeys, Reason};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{b64, merge, with};

pub(crate) const ENCRYPTIONS: [&str; 4] = ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"];
pub(crate) const AGREEMENTS: [&str; 3] = ["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"];
pub(crate) const CURVES: [&str; 4] = ["P-256", "P-384", "P-521", "X25519"];

/// Signed by nobody: decryption does not look.
pub(crate) const NESTED: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln";

pub(crate) fn hold(jwks: impl IntoIterator<Item = Value>) -> DecryptionKeys {
    let keys: Vec<Value> = jwks.into_iter().collect();
    DecryptionKeys::parse(json!({"keys": keys}).to_string().as_bytes()).expect("usable keys")
}

pub(crate) fn open(keys: &DecryptionKeys, token: &str) -> Result<String, Reason> {
    keys.decrypt(token).map(|token| token.as_str().to_owned())
}

/// `alg` and `enc`.
pub(crate) type Pairs = Vec<(&'static str, &'static str)>;

/// Each recipient with its keys and what can be encrypted to it.
pub(crate) fn recipients() -> Vec<(Recipient, DecryptionKeys, Pairs)> {
    let all = |alg: &'static str| ENCRYPTIONS.into_iter().map(move |enc| (alg, enc));
    let mut recipients = vec![(Recipient::rsa(), None, all("RSA-OAEP-256").collect())];
    for crv in CURVES {
        recipients.push((Recipient::curve(crv), None, AGREEMENTS.into_iter().flat_map(all).collect()));
    }
    recipients.push((Recipient::secret(16), Some("A128KW"), all("A128KW").collect()));
    recipients.push((Recipient::secret(32), Some("A256KW"), all("A256KW").collect()));
    for length in [16, 32, 64] {
        let fitting = all("dir").filter(|(_, enc)| key_length(enc) == length).collect();
        recipients.push((Recipient::secret(length), Some("dir"), fitting));
    }
    let hold = |(recipient, alg, pairs): (Recipient, Option<&str>, _)| {
        let jwk = with(recipient.jwk.clone(), "alg", alg.map(Value::from));
        (recipient, hold([jwk]), pairs)
    };
    recipients.into_iter().map(hold).collect()
}

/// A recipient of A256KW, which is quick, and its keys.
pub(crate) fn quick() -> (Recipient, DecryptionKeys) {
    let recipient = Recipient::secret(32);
    let keys = hold([recipient.jwk_with(json!({"alg": "A256KW", "kid": "ours"}))]);
    (recipient, keys)
}

/// Whom a token is encrypted to: a private JWK without `kid` and `alg`, and what a sender needs of it.
#[derive(Clone)]
pub(crate) struct Recipient {
    pub(crate) jwk: Value,
}

impl Recipient {
    /// Making an RSA key is slow, so there are only two.
    pub(crate) fn rsa() -> Self {
        static KEY: OnceLock<Recipient> = OnceLock::new();
        KEY.get_or_init(Self::new_rsa).clone()
    }

    pub(crate) fn other_rsa() -> Self {
        static KEY: OnceLock<Recipient> = OnceLock::new();
        KEY.get_or_init(Self::new_rsa).clone()
    }

    fn new_rsa() -> Self {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().unwrap();
        // PrivateKeyInfo { version, algorithm, OCTET STRING { RSAPrivateKey { version, n, e, d, p, q, dp, dq, qi } } }
        let info = elements(elements(pkcs8.as_ref())[0]);
        let numbers = elements(elements(info[2])[0]);
        let mut jwk = json!({"kty": "RSA"});
        for (name, number) in ["n", "e", "d", "p", "q", "dp", "dq", "qi"].into_iter().zip(&numbers[1..]) {
            jwk[name] = json!(b64(number.strip_prefix(&[0]).unwrap_or(number)));
        }
        Self { jwk }
    }

    pub(crate) fn curve(crv: &str) -> Self {
        let key = PrivateKey::generate(agreement_of(crv)).unwrap();
        let d = if crv == "X25519" {
            let seed: Curve25519SeedBin<'_> = key.as_be_bytes().unwrap();
            b64(seed.as_ref())
        } else {
            let number: EcPrivateKeyBin<'_> = key.as_be_bytes().unwrap();
            b64(number.as_ref())
        };
        let mut jwk = public_jwk(crv, key.compute_public_key().unwrap().as_ref());
        merge(&mut jwk, json!({"d": d}));
        Self { jwk }
    }

    pub(crate) fn secret(length: usize) -> Self {
        Self { jwk: json!({"kty": "oct", "k": b64(random(length))}) }
    }

    /// The private JWK with these members too.
    pub(crate) fn jwk_with(&self, more: Value) -> Value {
        let mut jwk = self.jwk.clone();
        merge(&mut jwk, more);
        jwk
    }

    /// A letter to this recipient that is still open: its header can be changed before it is sealed.
    pub(crate) fn letter(&self, alg: &str, enc: &str) -> Letter {
        let mut header = json!({"alg": alg, "enc": enc, "cty": "at+jwt"});
        let length = key_length(enc);
        let (content_key, encrypted_key) = match alg {
            "dir" => (self.bytes("k"), Vec::new()),
            "A128KW" | "A256KW" => wrapped(&self.bytes("k"), length),
            "RSA-OAEP-256" => {
                let key = random(length);
                let encrypted = self.encrypt_rsa(&key);
                (key, encrypted)
            }
            _ => {
                let crv = self.jwk["crv"].as_str().unwrap();
                let ours = PrivateKey::generate(agreement_of(crv)).unwrap();
                header["epk"] = public_jwk(crv, ours.compute_public_key().unwrap().as_ref());
                header["apu"] = json!(b64("Alice"));
                header["apv"] = json!(b64("Bob"));
                let theirs = UnparsedPublicKey::new(agreement_of(crv), self.point());
                let secret = agreement::agree(&ours, theirs, Unspecified, |secret| Ok(secret.to_vec())).unwrap();
                agreed(&secret, alg, enc, b"Alice", b"Bob")
            }
        };
        Letter { header, enc: enc.to_owned(), content_key, encrypted_key }
    }

    pub(crate) fn encrypt_rsa(&self, plaintext: &[u8]) -> Vec<u8> {
        let spki = {
            let n = der(0x02, &[&[0], self.bytes("n").as_slice()].concat());
            let key = der(0x30, &[n, der(0x02, &self.bytes("e"))].concat());
            let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0].to_vec();
            der(0x30, &[algorithm, der(0x03, &[vec![0], key].concat())].concat())
        };
        let key = aws_lc_rs::rsa::PublicEncryptingKey::from_der(&spki).unwrap();
        let key = OaepPublicEncryptingKey::new(key).unwrap();
        let mut encrypted = vec![0; key.ciphertext_size()];
        key.encrypt(&OAEP_SHA256_MGF1SHA256, plaintext, &mut encrypted, None).unwrap().to_vec()
    }

    fn point(&self) -> Vec<u8> {
        if self.jwk["crv"] == "X25519" {
            return self.bytes("x");
        }
        [vec![4], self.bytes("x"), self.bytes("y")].concat()
    }

    pub(crate) fn bytes(&self, member: &str) -> Vec<u8> {
        unb64(self.jwk[member].as_str().unwrap())
    }
}

/// A token of which all but the content is decided.
#[derive(Clone)]
pub(crate) struct Letter {
    pub(crate) header: Value,
    pub(crate) enc: String,
    pub(crate) content_key: Vec<u8>,
    pub(crate) encrypted_key: Vec<u8>,
}

impl Letter {
    /// Sets a member of the header, or takes it away.
    pub(crate) fn with(mut self, member: &str, value: Option<Value>) -> Self {
        self.header = with(self.header, member, value);
        self
    }

    pub(crate) fn seal(&self, content: impl AsRef<[u8]>) -> String {
        self.seal_as(self.header.to_string(), content)
    }

    /// With a header of this very text.
    pub(crate) fn seal_as(&self, header: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> String {
        let header = b64(header);
        let parts = if self.enc.ends_with("GCM") {
            self.seal_gcm(header.as_bytes(), content.as_ref())
        } else {
            self.seal_cbc(header.as_bytes(), &pad(content.as_ref()))
        };
        self.join(&header, &parts)
    }

    /// With CBC, and a text that is encrypted and authenticated as it is, padded or not.
    pub(crate) fn seal_unpadded(&self, text: &[u8]) -> String {
        let header = b64(self.header.to_string());
        self.join(&header, &self.seal_cbc(header.as_bytes(), text))
    }

    fn join(&self, header: &str, [iv, text, tag]: &[Vec<u8>; 3]) -> String {
        [header.to_owned(), b64(&self.encrypted_key), b64(iv), b64(text), b64(tag)].join(".")
    }

    fn seal_gcm(&self, aad: &[u8], content: &[u8]) -> [Vec<u8>; 3] {
        let algorithm = if self.content_key.len() == 16 { &aead::AES_128_GCM } else { &aead::AES_256_GCM };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, &self.content_key).unwrap());
        let iv = random(12);
        let mut text = content.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(&iv).unwrap();
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut text).unwrap().as_ref().to_vec();
        [iv, text, tag]
    }

    fn seal_cbc(&self, aad: &[u8], text: &[u8]) -> [Vec<u8>; 3] {
        let (mac_key, key) = self.content_key.split_at(self.content_key.len() / 2);
        let (algorithm, mac) = match key.len() {
            16 => (&cipher::AES_128, hmac::HMAC_SHA256),
            _ => (&cipher::AES_256, hmac::HMAC_SHA512),
        };
        let iv: [u8; 16] = random(16).try_into().unwrap();
        let mut text = text.to_vec();
        let key = EncryptingKey::cbc(UnboundCipherKey::new(algorithm, key).unwrap()).unwrap();
        if !text.is_empty() {
            key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from(&iv))).unwrap();
        }
        let bits = (aad.len() as u64 * 8).to_be_bytes();
        let tag = hmac::sign(&hmac::Key::new(mac, mac_key), &[aad, &iv, &text, &bits].concat());
        [iv.to_vec(), text, tag.as_ref()[..mac_key.len()].to_vec()]
    }
}

/// The content key that comes of a shared secret, and the encrypted key that tells it.
pub(crate) fn agreed(secret: &[u8], alg: &str, enc: &str, apu: &[u8], apv: &[u8]) -> (Vec<u8>, Vec<u8>) {
    match alg {
        "ECDH-ES+A128KW" => wrapped(&concat_kdf(secret, alg, apu, apv, 16), key_length(enc)),
        "ECDH-ES+A256KW" => wrapped(&concat_kdf(secret, alg, apu, apv, 32), key_length(enc)),
        _ => (concat_kdf(secret, enc, apu, apv, key_length(enc)), Vec::new()),
    }
}

/// RFC 7518, 4.6.2, round by round.
fn concat_kdf(secret: &[u8], algorithm: &str, apu: &[u8], apv: &[u8], length: usize) -> Vec<u8> {
    let mut key = Vec::new();
    for round in 1_u32.. {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&round.to_be_bytes());
        context.update(secret);
        for info in [algorithm.as_bytes(), apu, apv] {
            context.update(&(info.len() as u32).to_be_bytes());
            context.update(info);
        }
        context.update(&(length as u32 * 8).to_be_bytes());
        key.extend(context.finish().as_ref());
        if key.len() >= length {
            break;
        }
    }
    key.truncate(length);
    key
}

pub(crate) fn wrap(kek: &[u8], key: &[u8]) -> Vec<u8> {
    let cipher = if kek.len() == 16 { &key_wrap::AES_128 } else { &key_wrap::AES_256 };
    let mut wrapped = vec![0; key.len() + 8];
    AesKek::new(cipher, kek).unwrap().wrap(key, &mut wrapped).unwrap();
    wrapped
}

fn wrapped(kek: &[u8], length: usize) -> (Vec<u8>, Vec<u8>) {
    let key = random(length);
    let wrapped = wrap(kek, &key);
    (key, wrapped)
}

pub(crate) fn key_length(enc: &str) -> usize {
    match enc {
        "A128GCM" => 16,
        "A256CBC-HS512" => 64,
        _ => 32,
    }
}

pub(crate) fn public_jwk(crv: &str, point: &[u8]) -> Value {
    if crv == "X25519" {
        return json!({"kty": "OKP", "crv": crv, "x": b64(point)});
    }
    let (x, y) = point[1..].split_at(point.len() / 2);
    json!({"kty": "EC", "crv": crv, "x": b64(x), "y": b64(y)})
}

pub(crate) fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).unwrap();
    bytes
}

pub(crate) fn unb64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn pad(content: &[u8]) -> Vec<u8> {
    let padding = 16 - content.len() % 16;
    [content, &vec![padding as u8; padding]].concat()
}

fn agreement_of(crv: &str) -> &'static agreement::Algorithm {
    match crv {
        "P-256" => &agreement::ECDH_P256,
        "P-384" => &agreement::ECDH_P384,
        "P-521" => &agreement::ECDH_P521,
        _ => &agreement::X25519,
    }
}

/// The contents of the DER elements that follow each other.
fn elements(mut der: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !der.is_empty() {
        let (length, start) = match der[1] {
            short @ 0..=0x7f => (usize::from(short), 2),
            0x81 => (usize::from(der[2]), 3),
            _ => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
        };
        let (element, rest) = der[start..].split_at(length);
        found.push(element);
        der = rest;
    }
    found
}

fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let head = match value.len() {
        0..=0x7f => vec![tag, length[7]],
        0x80..=0xff => vec![tag, 0x81, length[7]],
        _ => vec![tag, 0x82, length[6], length[7]],
    };
    [head, value.to_vec()].concat()
}

/// A value of a header or a key: of a type and a length that belongs there, or not.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<u64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| json!(b64(bytes))),
        prop::collection::vec(any::<u8>(), 32).prop_map(|bytes| json!(b64(bytes))),
        prop::sample::select(vec!["P-256", "P-521", "X25519", "dir", "A128KW", "ECDH-ES", "A256GCM", "enc", "at+jwt"])
            .prop_map(Value::from),
        Just(json!({"kty": "OKP", "crv": "X25519", "x": "AA"})),
        Just(json!([])),
    ]
}
