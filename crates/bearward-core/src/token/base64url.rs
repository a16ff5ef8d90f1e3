//! base64url as RFC 7515, 2 defines it: no padding, no white space, no second spelling in the trailing bits.
//!
//! Of a new token all but two bytes are base64url. This decoder is twice as fast as the general one, which stays in use where it
//! does not matter, and which the tests hold this one against.

/// What one digit stands for, or [`NONE`].
static VALUES: [u8; 256] = {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut values = [NONE; 256];
    let mut rest: &[u8] = digits;
    while let [digit, others @ ..] = rest {
        #[allow(clippy::indexing_slicing, reason = "a byte is an index of 256")]
        {
            values[*digit as usize] = (digits.len() - rest.len()) as u8;
        }
        rest = others;
    }
    values
};

/// A byte that is no digit. No digit has its upper bit.
const NONE: u8 = 0x80;

fn value(digit: u8) -> u8 {
    VALUES.get(usize::from(digit)).copied().unwrap_or(NONE)
}

/// The bytes that the digits stand for.
pub(super) fn decode(digits: &[u8]) -> Option<Vec<u8>> {
    let (fours, rest) = digits.as_chunks::<4>();
    // Exactly as many as there will be: what is kept of them need not be copied to a smaller place.
    let mut bytes = vec![0; digits.len() * 3 / 4];
    let (threes, last) = bytes.as_chunks_mut::<3>();
    let mut seen = 0;
    for (four, three) in fours.iter().zip(threes) {
        let [a, b, c, d] = four.map(value);
        // Looked at once, at the end.
        seen |= a | b | c | d;
        let [_, first, second, third] =
            (u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d)).to_be_bytes();
        *three = [first, second, third];
    }
    match (rest, last) {
        ([], []) => {}
        (&[a, b], [first]) => {
            let [a, b] = [a, b].map(value);
            seen |= a | b | unused(b, 4);
            *first = a << 2 | b >> 4;
        }
        (&[a, b, c], [first, second]) => {
            let [a, b, c] = [a, b, c].map(value);
            seen |= a | b | c | unused(c, 2);
            [*first, *second] = [a << 2 | b >> 4, b << 4 | c >> 2];
        }
        // One digit is no byte.
        _ => return None,
    }
    (seen & NONE == 0).then_some(bytes)
}

/// [`NONE`] where one of the lowest `bits`, which mean nothing in a last digit, is set.
fn unused(value: u8, bits: u8) -> u8 {
    if value & ((1 << bits) - 1) == 0 { 0 } else { NONE }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_short_text_is_read_as_the_general_decoder_reads_it() {
        for length in 0..=2_usize {
            for number in 0..256_u32.pow(u32::try_from(length).unwrap_or(0)) {
                let text = &number.to_be_bytes()[4 - length..];
                assert_eq!(decode(text), URL_SAFE_NO_PAD.decode(text).ok(), "{text:?}");
            }
        }
        let digits = b"AB_-z9=+/ ~\n.";
        for (a, b, c, d) in digits
            .iter()
            .flat_map(|a| digits.iter().map(move |b| (a, b)))
            .flat_map(|(a, b)| digits.iter().flat_map(move |c| digits.iter().map(move |d| (*a, *b, *c, *d))))
        {
            for text in [&[a, b, c][..], &[a, b, c, d], &[a, b, c, d, d], &[b'A', b'A', b'A', b'A', a, b, c]] {
                assert_eq!(decode(text), URL_SAFE_NO_PAD.decode(text).ok(), "{text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(bytes in prop::collection::vec(any::<u8>(), 0..600), at in any::<usize>(), other in any::<u8>()) {
            let mut text = URL_SAFE_NO_PAD.encode(&bytes).into_bytes();
            prop_assert_eq!(decode(&text), Some(bytes));
            if let Some(at) = at.checked_rem(text.len()) && let Some(byte) = text.get_mut(at) {
                *byte = other;
                prop_assert_eq!(decode(&text), URL_SAFE_NO_PAD.decode(&text).ok());
            }
        }
    }
}
