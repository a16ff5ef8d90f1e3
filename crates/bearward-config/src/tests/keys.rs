//! A private key, its certificate and other keys, made for these tests alone.

/// A JWK that decrypts tokens.
pub(super) const DECRYPTION_KEY: &str = r#"{"kty":"oct","alg":"A128KW","k":"aHVudGVyMmh1bnRlcjJodQ"}"#;

/// The public key of RFC 8037, A.2, as an issuer publishes it.
pub(super) const PUBLIC_KEYS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// On P-256, as PKCS #8 in PEM.
pub(super) fn private_key() -> String {
    pem("PRIVATE KEY", KEY)
}

/// On P-384.
pub(super) fn other_key() -> String {
    pem("PRIVATE KEY", OTHER_KEY)
}

/// Of [`private_key`], signed by itself.
pub(super) fn certificate() -> String {
    pem("CERTIFICATE", CERTIFICATE)
}

fn pem(label: &str, base64: &str) -> String {
    format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
}

const KEY: &str = concat!(
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0NL8fFbMd/5m7z9jGLYiZs/i5OvzIQrQ5d/YIpdXw4+hRANCAAT3",
    "SKwEnHr0EQFHdSA/ZbTtdWp8mohR8TDa1oZ5GG5vANmeRS/x698vprB/Y7Xc9qJpZvgbPZQDp733pOg/ad0X",
);

const OTHER_KEY: &str = concat!(
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBk6QPXWGA+KEbznyYFEa3i/FC2mSg8djzyZHi8kN1hL0hh7nTzBjpz",
    "i5cgqrqBa6ahZANiAATTHULLOEXyuXO6JC8meNwwkCKghdu/INIUOgMXK6yy2cyeUq7sBNqllUl83fJboECuuB4gzU8zYeY2HRcE",
    "heY1YtBBrgSfiVap2OHPt50iuYg8hQ2E96h4qS1dixFP5Hw=",
);

const CERTIFICATE: &str = concat!(
    "MIIBiDCCAS+gAwIBAgIUH9t7/lVjYBxrN3DXMwKnEc+NhF0wCgYIKoZIzj0EAwIwGTEXMBUGA1UEAwwOb3JkZXJzLWdhdGV3YXkw",
    "IBcNMjYxMTIyMTgzNDI5WhgPMjEyNjEwMjkxODM0MjlaMBkxFzAVBgNVBAMMDm9yZGVycy1nYXRld2F5MFkwEwYHKoZIzj0CAQYI",
    "KoZIzj0DAQcDQgAE90isBJx69BEBR3UgP2W07XVqfJqIUfEw2taGeRhubwDZnkUv8evfL6awf2O13PaiaWb4Gz2UA6e996ToP2nd",
    "F6NTMFEwHQYDVR0OBBYEFBPv1DUUD931yQz7bjJVbqx1HjilMB8GA1UdIwQYMBaAFBPv1DUUD931yQz7bjJVbqx1HjilMA8GA1Ud",
    "EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgS0MsXhPMNY02nDYJ/zKX8gZ41tH+hGDHVOkFdwVtBc8CIFjXn0VxWtyeMLhp",
    "ROOid6H9o5X847NeOgaCMNsroB/G",
);
