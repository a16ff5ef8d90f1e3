//! Durations and sizes, as people write them: `30s`, `1h30m`, `32KiB`.

use std::time::Duration;

/// Reads a duration: whole numbers with a unit each (`ms`, `s`, `m`, `h`, `d`), added up.
///
/// `None` if the text is not a duration, or if the duration overflows.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let (number, unit, after) = quantity(rest)?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(Duration::from_millis(number.checked_mul(milliseconds)?))?;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

/// Reads a number of bytes: a whole number with `B`, `KiB` or `MiB`.
///
/// Decimal units (`KB`) are refused: half of their readers take them for the binary ones.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let (number, unit, rest) = quantity(text)?;
    let bytes = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    if rest.is_empty() { number.checked_mul(bytes) } else { None }
}

/// Writes a duration in the largest units that hold it exactly.
pub(super) fn format_duration(duration: Duration) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let mut rest = duration.as_millis();
    let mut text = String::new();
    for (milliseconds, unit) in units {
        // A day is the unit of whole days only: "24h" reads better than "1d", and "36h" than "1d12h".
        if rest < milliseconds || (unit == "d" && (!rest.is_multiple_of(milliseconds) || rest == milliseconds)) {
            continue;
        }
        text.push_str(&format!("{}{unit}", rest / milliseconds));
        rest %= milliseconds;
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Writes a number of bytes in the largest unit that holds it exactly.
pub(super) fn format_size(bytes: u64) -> String {
    match bytes {
        0 => "0B".to_owned(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => format!("{bytes}B"),
    }
}

/// The number and the unit that a text begins with, and what follows them.
fn quantity(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = text.split_at_checked(digits)?;
    let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(letters)?;
    Some((number.parse().ok()?, unit, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let table = [
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("250ms", Some(250)),
            ("7d", Some(604_800_000)),
            ("0s", Some(0)),
            ("", None),
            ("30", None),
            ("s", None),
            ("30 s", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5h", None),
            ("5min", None),
            ("1h30", None),
            ("\u{663}s", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
            ("18446744073709551615ms18446744073709551615ms", Some(u128::from(u64::MAX) * 2)),
        ];
        for (text, expected) in table {
            assert_eq!(parse_duration(text).map(|duration| duration.as_millis()), expected, "{text}");
        }
    }

    #[test]
    fn sizes() {
        let table = [
            ("512B", Some(512)),
            ("32KiB", Some(32_768)),
            ("1MiB", Some(1_048_576)),
            ("", None),
            ("32", None),
            ("32KB", None),
            ("32kib", None),
            ("32 KiB", None),
            ("1KiB1B", None),
            ("18446744073709551615MiB", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_size(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["0s", "30s", "1m30s", "1h", "24h", "36h", "7d", "1s250ms"] {
            assert_eq!(parse_duration(text).map(format_duration).as_deref(), Some(text));
        }
        for text in ["0B", "100B", "32KiB", "1025B", "4MiB"] {
            assert_eq!(parse_size(text).map(format_size).as_deref(), Some(text));
        }
    }
}
