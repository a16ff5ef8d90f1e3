//! The content of an encrypted token (RFC 7518, 5): proved whole and then decrypted, never the other way round.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use super::algorithm::Encryption;

/// Decrypts `text` in place, if the tag proves it and the header in `aad` to be what the sender encrypted.
pub(super) fn open(
    encryption: Encryption,
    key: &[u8],
    iv: &[u8],
    aad: &[u8],
    text: &mut Vec<u8>,
    tag: &[u8],
) -> Result<(), Unspecified> {
    match encryption {
        Encryption::A128Gcm => open_gcm(&AES_128_GCM, key, iv, aad, text, tag),
        Encryption::A256Gcm => open_gcm(&AES_256_GCM, key, iv, aad, text, tag),
        Encryption::A128CbcHs256 => open_cbc(&cipher::AES_128, hmac::HMAC_SHA256, key, iv, aad, text, tag),
        Encryption::A256CbcHs512 => open_cbc(&cipher::AES_256, hmac::HMAC_SHA512, key, iv, aad, text, tag),
    }
}

/// AES-GCM with an IV of 96 and a tag of 128 bits, no less (RFC 7518, 5.3).
fn open_gcm(
    algorithm: &'static Algorithm,
    key: &[u8],
    iv: &[u8],
    aad: &[u8],
    text: &mut [u8],
    tag: &[u8],
) -> Result<(), Unspecified> {
    let nonce = Nonce::try_assume_unique_for_key(iv)?;
    if tag.len() != algorithm.tag_len() {
        return Err(Unspecified);
    }
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key)?);
    key.open_in_place_separate_tag(nonce, Aad::from(aad), tag, text).map(|_| ())
}

/// AES-CBC with HMAC (RFC 7518, 5.2.2.2). The first half of the key is the MAC's, and the first half of the MAC is the tag.
/// The padding is looked at only once the MAC holds, so only the sender can learn anything from it.
fn open_cbc(
    algorithm: &'static cipher::Algorithm,
    mac: hmac::Algorithm,
    key: &[u8],
    iv: &[u8],
    aad: &[u8],
    text: &mut Vec<u8>,
    tag: &[u8],
) -> Result<(), Unspecified> {
    let iv: &[u8; 16] = iv.try_into().map_err(|_| Unspecified)?;
    let (mac_key, key) = key.split_at_checked(key.len() / 2).ok_or(Unspecified)?;
    let aad_bits = u64::try_from(aad.len()).ok().and_then(|length| length.checked_mul(8)).ok_or(Unspecified)?;
    let mut context = hmac::Context::with_key(&hmac::Key::new(mac, mac_key));
    for part in [aad, iv, text, &aad_bits.to_be_bytes()] {
        context.update(part);
    }
    let expected = context.sign();
    let expected = expected.as_ref().get(..expected.as_ref().len() / 2).ok_or(Unspecified)?;
    verify_slices_are_equal(expected, tag)?;

    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(algorithm, key)?)?;
    let length = key.decrypt(text, DecryptionContext::Iv128(FixedLength::from(iv)))?.len();
    text.truncate(length);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    const PLAINTEXT: &[u8] =
        b"A cipher system must not be required to be secret, and it must be able to fall into the \
        hands of the enemy without inconvenience";
    const AAD: &[u8] = b"The second principle of Auguste Kerckhoffs";
    const IV: &str = "1af38c2dc2b96ffdd86694092341bc04";

    // RFC 7518, appendix B.1 and B.3.
    #[test]
    fn the_examples_of_rfc_7518() {
        let cases = [
            (
                Encryption::A128CbcHs256,
                "c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9a94ac9b47ad2655c5f10f9aef71427e2\
                 fc6f9b3f399a221489f16362c703233609d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9cf1b\
                 384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade54b8851ffb598f7f80074b9473c82e2db",
                "652c3fa36b0a7c5b3219fab3a30bc1c4",
            ),
            (
                Encryption::A256CbcHs512,
                "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd822c301dd67c373bccb584ad3e9279c2\
                 e6d12a1374b77f077553df829410446b36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3\
                 a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950bbe2638d09dd7a4930930806d0703b1f6",
                "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5",
            ),
        ];
        for (encryption, ciphertext, tag) in cases {
            let key: Vec<u8> = (0..).take(encryption.key_length()).collect();
            let mut text = hex(ciphertext);
            open(encryption, &key, &hex(IV), AAD, &mut text, &hex(tag)).unwrap();
            assert_eq!(text, PLAINTEXT);

            let mut text = hex(ciphertext);
            let mut other = hex(tag);
            other[0] ^= 1;
            assert!(open(encryption, &key, &hex(IV), AAD, &mut text, &other).is_err());
            assert_eq!(text, hex(ciphertext), "nothing is decrypted before the MAC holds");
        }
    }

    // A sender who has the key can still leave the text out, and with it the padding that is looked for at its end.
    #[test]
    fn an_empty_text_with_a_mac_that_holds_is_refused() {
        let (key, iv, aad) = ([7; 32], [0; 16], b"e30");
        let mac = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, &key[..16]),
            &[&aad[..], &iv, &24_u64.to_be_bytes()].concat(),
        );
        let opened = open(Encryption::A128CbcHs256, &key, &iv, aad, &mut Vec::new(), &mac.as_ref()[..16]);
        assert!(opened.is_err());
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }
}
