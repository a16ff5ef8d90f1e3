//! Texts that some parser would rather not see.

/// As much as fits into the largest request head that anybody allows.
pub(crate) const JUNK: usize = 64 * 1024;

/// The texts, each with what it is; about [`JUNK`] bytes long.
pub(crate) fn junk() -> Vec<(&'static str, Vec<u8>)> {
    let fill = |unit: &str| unit.repeat(JUNK / unit.len()).into_bytes();
    let member = |i: usize| format!("\"{i}\":0");
    let members = |count: usize| (0..count).map(member).collect::<Vec<_>>().join(",");
    vec![
        ("zeros", vec![0; JUNK]),
        ("letters", fill("A")),
        ("dots", fill(".")),
        ("letters and dots", fill("eyJ.")),
        ("spaces", fill(" ")),
        ("an object and spaces", [b"{}", &fill(" ")[..]].concat()),
        ("brackets", fill("[")),
        ("braces", fill("{\"a\":")),
        ("quotes", fill("\"")),
        ("backslashes", fill("\\")),
        ("an open string", [b"{\"a\":\"", &fill("a")[..]].concat()),
        ("escapes", [b"{\"a\":\"", &fill("\\u0061")[..], b"\"}"].concat()),
        ("surrogates", [b"{\"a\":\"", &fill("\\ud83d\\udc3b")[..], b"\"}"].concat()),
        ("digits", [b"{\"exp\":", &fill("1")[..], b"}"].concat()),
        ("a fraction", [b"{\"exp\":0.", &fill("0")[..], b"1}"].concat()),
        ("an exponent", [b"{\"exp\":1e", &fill("9")[..], b"}"].concat()),
        ("a small exponent", [b"{\"exp\":1e-", &fill("9")[..], b"}"].concat()),
        ("members", format!("{{{}}}", members(7_000)).into_bytes()),
        ("the same member", [b"{", &fill("\"a\":0,")[..], b"\"a\":0}"].concat()),
        ("an array", [b"{\"aud\":[", &fill("0,")[..], b"0]}"].concat()),
        ("scopes", [b"{\"scope\":\"", &fill("a ")[..], b"\"}"].concat()),
        ("keys", [b"{\"keys\":[", &fill("{},")[..], b"{}]}"].concat()),
        ("empty arrays", [b"{\"keys\":[", &fill("[],")[..], b"[]]}"].concat()),
        ("high bytes", vec![0xff; JUNK]),
    ]
}
