//! An RSA private key as PKCS #8, which is the one form in which aws-lc-rs takes one.

use zeroize::Zeroizing;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// `INTEGER 0`: both versions.
const VERSION: &[u8] = &[INTEGER, 1, 0];

/// The `AlgorithmIdentifier` of rsaEncryption, 1.2.840.113549.1.1.1, with its NULL (RFC 8017, A.1).
const RSA_ENCRYPTION: &[u8] = &[SEQUENCE, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0];

/// The `PrivateKeyInfo` (RFC 5208, 5) around the `RSAPrivateKey` (RFC 8017, A.1.2) of the numbers `n e d p q dp dq qi`,
/// which are big-endian and unsigned.
pub(super) fn rsa_private_key(numbers: &[Zeroizing<Vec<u8>>; 8]) -> Zeroizing<Vec<u8>> {
    let mut body = Zeroizing::new(Vec::with_capacity(
        VERSION.len() + numbers.iter().map(|number| number.len() + 6).sum::<usize>(),
    ));
    body.extend(VERSION);
    for number in numbers {
        body.extend(integer(number).iter());
    }
    let key = element(OCTET_STRING, &[&element(SEQUENCE, &[&body])]);
    element(SEQUENCE, &[VERSION, RSA_ENCRYPTION, &key])
}

/// The least number of bytes, of which the first has no sign bit.
fn integer(number: &[u8]) -> Zeroizing<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let significant = number.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if significant.first().is_none_or(|byte| *byte >= 0x80) { &[0] } else { &[] };
    element(INTEGER, &[sign, significant])
}

/// Tag, length and value. The buffer is made once, at its full size, so that none is left behind unwiped by growing.
fn element(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut element = Zeroizing::new(Vec::with_capacity(length + 2 + size_of::<usize>()));
    element.push(tag);
    let bytes = length.to_be_bytes();
    let significant: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    match (length, u8::try_from(significant.len())) {
        // The short form, or the number of bytes of the long one, which is at most eight.
        (0..0x80, _) => element.extend(bytes.last()),
        (_, count) => {
            element.push(0x80 | count.unwrap_or(0));
            element.extend(significant);
        }
    }
    for part in parts {
        element.extend(*part);
    }
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_has_one_form() {
        for (number, expected) in [
            (&[][..], &[2, 1, 0][..]),
            (&[0], &[2, 1, 0]),
            (&[0, 0, 1], &[2, 1, 1]),
            (&[0x7f], &[2, 1, 0x7f]),
            (&[0x80], &[2, 2, 0, 0x80]),
            (&[0, 0x80], &[2, 2, 0, 0x80]),
        ] {
            assert_eq!(*integer(number), expected, "{number:?}");
        }
        for (length, head) in
            [(0x7f, &[4, 0x7f][..]), (0x80, &[4, 0x81, 0x80]), (0xff, &[4, 0x81, 0xff]), (0x100, &[4, 0x82, 1, 0])]
        {
            let element = element(OCTET_STRING, &[&vec![9; length]]);
            assert!(element.starts_with(head), "{length}");
            assert_eq!(element.len(), head.len() + length);
        }
    }
}
