//! Which byte may stand where in a head: the one table for methods, targets, field names and field values.

/// `tchar` (RFC 9110, 5.6.2): methods and field names.
const TOKEN: u8 = 1;
/// What a target may hold: visible ASCII (RFC 3986), without the fragment's `#`, which is never sent (RFC 9112, 3.2). Some of it
/// stands in no URI (`"<>\^` and so on), and in the queries that clients send. What of it a path may hold, the gate decides.
const TARGET: u8 = 2;
/// `field-vchar`, space and tab (RFC 9110, 5.5). No CR, LF or NUL, and no other control character.
const VALUE: u8 = 4;

const TABLE: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[allow(clippy::cast_possible_truncation, clippy::indexing_slicing, reason = "0 to 255, into 256 places")]
        {
            table[byte] = classes(byte as u8);
        }
        byte += 1;
    }
    table
};

const fn classes(byte: u8) -> u8 {
    let mut classes = 0;
    if byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
    {
        classes |= TOKEN;
    }
    if matches!(byte, b'!'..=b'~') && byte != b'#' {
        classes |= TARGET;
    }
    if matches!(byte, b'\t' | b' '..=b'~' | 0x80..=0xff) {
        classes |= VALUE;
    }
    classes
}

fn all(bytes: &[u8], class: u8) -> bool {
    // A byte is always one of 256 places; the fallback is never taken.
    bytes.iter().all(|byte| TABLE.get(usize::from(*byte)).is_some_and(|classes| classes & class != 0))
}

/// Whether this is a token: a method, a field name or a connection option.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && all(bytes, TOKEN)
}

/// How many bytes at the start could stand in a token.
pub(super) fn token_length(bytes: &[u8]) -> usize {
    let ends = |byte: &u8| TABLE.get(usize::from(*byte)).is_none_or(|classes| classes & TOKEN == 0);
    bytes.iter().position(ends).unwrap_or(bytes.len())
}

/// Whether these bytes may stand in a request's target.
pub(super) fn is_target(bytes: &[u8]) -> bool {
    !bytes.is_empty() && all(bytes, TARGET)
}

/// Whether these bytes may stand in a field's value. Without an early exit, so that the compiler uses vector instructions: values
/// hold tokens of a kilobyte.
pub(super) fn is_value(bytes: &[u8]) -> bool {
    !bytes.iter().fold(false, |bad, byte| bad | ((*byte < b' ') & (*byte != b'\t')) | (*byte == 0x7f))
}

/// The value without the white space around it (`OWS`, RFC 9110, 5.6.3).
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_stands_where_the_rfc_lets_it() {
        let of = |class| (0..=255).filter(|byte: &u8| all(&[*byte], class)).collect::<Vec<_>>();
        let token = b"!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~";
        assert_eq!(of(TOKEN), token);
        let target: Vec<u8> = (0x21..0x7f).filter(|byte| *byte != b'#').collect();
        assert_eq!(of(TARGET), target);
        let value: Vec<u8> = (0..=255).filter(|byte| *byte == 9 || (*byte >= 32 && *byte != 127)).collect();
        assert_eq!(of(VALUE), value);
        for byte in 0..=255 {
            assert_eq!(is_value(&[byte]), value.contains(&byte), "{byte}");
            assert_eq!(is_value(&[[b'a'; 40].as_slice(), &[byte], &[b'b'; 40]].concat()), value.contains(&byte));
        }
        assert!(!is_token(b"") && !is_target(b"") && is_value(b""));
        assert_eq!(token_length(b"Host: a"), 4);
    }

    #[test]
    fn white_space_around_a_value_is_none_of_it() {
        assert_eq!(trim(b" \t a b\t "), b"a b");
        assert_eq!(trim(b" \t"), b"");
    }
}
