//! base64url as RFC 7515, 2 defines it: no padding, no white space, no second spelling in the trailing bits.
//!
//! Of a new token all but two bytes are base64url. This decoder is twice as fast as the general one, which stays in use where it
//! does not matter, and which the tests hold this one against.

/// What a byte stands for that is no digit. No three bytes have this bit.
const NONE: u32 = 1 << 31;

/// What a digit stands for, in each of the four places that it can have among three bytes, or [`NONE`].
static PLACES: [[u32; 256]; 4] = [place(18), place(12), place(6), place(0)];

#[allow(clippy::indexing_slicing, reason = "a byte is an index of 256")]
const fn place(shift: u32) -> [u32; 256] {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut values = [NONE; 256];
    let mut rest: &[u8] = digits;
    let mut value = 0;
    while let [digit, others @ ..] = rest {
        values[*digit as usize] = value << shift;
        value += 1;
        rest = others;
    }
    values
}

/// The three bytes of four digits, as a number; with [`NONE`] where one of them is no digit.
fn number(digits: [u8; 4]) -> u32 {
    let value = |(place, digit): (&[u32; 256], u8)| place.get(usize::from(digit)).copied().unwrap_or(NONE);
    PLACES.iter().zip(digits).map(value).fold(0, |number, value| number | value)
}

/// The bytes that the digits stand for.
pub(super) fn decode(digits: &[u8]) -> Option<Vec<u8>> {
    let (fours, rest) = digits.as_chunks::<4>();
    // Exactly as many as there will be: what is kept of them need not be copied to a smaller place.
    let mut bytes = vec![0; digits.len() * 3 / 4];
    let (threes, last) = bytes.as_chunks_mut::<3>();
    // Looked at once, at the end.
    let mut seen = 0;
    for (four, three) in fours.iter().zip(threes) {
        let number = number(*four);
        seen |= number;
        let [_, first, second, third] = number.to_be_bytes();
        *three = [first, second, third];
    }
    // Bits of a last digit that mean nothing must be zero.
    match (rest, last) {
        ([], []) => {}
        (&[a, b], [first]) => {
            let number = number([a, b, b'A', b'A']);
            seen |= if number & 0xffff == 0 { number } else { NONE };
            let [_, byte, ..] = number.to_be_bytes();
            *first = byte;
        }
        (&[a, b, c], [first, second]) => {
            let number = number([a, b, c, b'A']);
            seen |= if number & 0xff == 0 { number } else { NONE };
            let [_, one, other, _] = number.to_be_bytes();
            [*first, *second] = [one, other];
        }
        // One digit is no byte.
        _ => return None,
    }
    (seen & NONE == 0).then_some(bytes)
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
