//! Client authentication at the token, introspection and revocation endpoints (RFC 6749 2.3.1).

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    Application, Secret, Settings,
    endpoints::{OAuthError, Parameters},
};

/// Which application is asking: proved by client secret basic or client secret post, and never by both.
pub(crate) fn authenticate<'a>(
    settings: &'a Settings,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<&'a Application, OAuthError> {
    let mut authorization = headers.get_all(AUTHORIZATION).iter();
    let (in_header, repeated) = (authorization.next(), authorization.next().is_some());
    let (client_id, client_secret) = (parameters.get("client_id"), parameters.get("client_secret"));
    if repeated || (in_header.is_some() && client_secret.is_some()) {
        return Err(OAuthError::InvalidRequest("the client must authenticate in one way only (RFC 6749 2.3)".into()));
    }
    let Some(value) = in_header else {
        let (Some(client_id), Some(client_secret)) = (client_id, client_secret) else {
            return Err(OAuthError::InvalidClient);
        };
        return prove(settings, client_id, client_secret);
    };
    let (id, secret) = value.to_str().ok().and_then(basic).ok_or(OAuthError::InvalidClient)?;
    // Naming itself in the body as well is harmless, naming another is a mistake of the client.
    if client_id.is_some_and(|also| also != id) {
        return Err(OAuthError::InvalidRequest("client_id is not the client that authenticates".into()));
    }
    prove(settings, &id, &secret)
}

fn prove<'a>(settings: &'a Settings, client_id: &str, secret: &str) -> Result<&'a Application, OAuthError> {
    match settings.application(client_id) {
        Some(application) if application.client_secret.matches(secret) => Ok(application),
        Some(_) => Err(OAuthError::InvalidClient),
        None => {
            // The same work as for a known client: the time must not tell which identifiers exist.
            let _never_matches = Secret::new("").matches(secret);
            Err(OAuthError::InvalidClient)
        }
    }
}

/// The identifier and the secret of a `Basic` credential (RFC 7617), each form-encoded inside (RFC 6749 2.3.1).
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(credentials).ok()?).ok()?;
    let (client_id, secret) = decoded.split_once(':')?;
    Some((form_decode(client_id)?, form_decode(secret)?))
}

/// Undoes `application/x-www-form-urlencoded` for one value. Stricter than a form parser: half an escape is refused,
/// where a form would take the percent sign as it stands.
fn form_decode(value: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (char::from(bytes.next()?).to_digit(16)?, char::from(bytes.next()?).to_digit(16)?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use axum::http::HeaderValue;

    use super::*;

    fn attempt(authorization: &[&str], form: &[(&str, &str)]) -> Result<String, OAuthError> {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let pairs = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings = Settings {
            applications: vec![
                Application::new("orders-app", "orders-secret"),
                Application::new("a:b c", "p%q:r\u{e9}"),
            ],
            ..Settings::empty()
        };
        authenticate(&settings, &headers, &Parameters::from_pairs(pairs).unwrap()).map(|app| app.client_id.clone())
    }

    fn header(credentials: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(credentials))
    }

    #[test]
    fn both_ways_work() {
        let good = header("orders-app:orders-secret");
        assert_eq!(attempt(&[&good], &[]).unwrap(), "orders-app");
        assert_eq!(attempt(&[&good.replace("Basic", "bAsIc")], &[]).unwrap(), "orders-app");
        assert_eq!(attempt(&[&good], &[("client_id", "orders-app")]).unwrap(), "orders-app");
        let post = [("client_id", "orders-app"), ("client_secret", "orders-secret")];
        assert_eq!(attempt(&[], &post).unwrap(), "orders-app");
    }

    #[test]
    fn what_stands_in_basic_is_form_encoded() {
        assert_eq!(attempt(&[&header("a%3Ab+c:p%25q%3Ar%C3%A9")], &[]).unwrap(), "a:b c");
        assert_eq!(attempt(&[&header("a%3ab%20c:p%25q:r%c3%a9")], &[]).unwrap(), "a:b c");
    }

    #[test]
    fn two_ways_at_once_are_a_malformed_request() {
        let good = header("orders-app:orders-secret");
        let (id, secret) = (("client_id", "orders-app"), ("client_secret", "orders-secret"));
        for (authorization, form) in [
            (&[good.as_str()][..], &[id, secret][..]),
            (&[good.as_str()], &[secret]),
            (&["Bearer abc"], &[id, secret]),
            (&[good.as_str(), good.as_str()], &[]),
            (&[good.as_str()], &[("client_id", "another")]),
        ] {
            assert!(matches!(attempt(authorization, form), Err(OAuthError::InvalidRequest(_))));
        }
    }

    #[test]
    fn everything_else_is_an_unknown_client() {
        for credentials in [
            "orders-app:wrong",
            "orders-app:",
            "nobody:orders-secret",
            ":orders-secret",
            ":",
            "orders-app",
            "orders-app:orders-secret%",
            "orders-app:orders-secret%2",
            "orders-app:orders-secret%zz",
            "orders-app:orders-secret%ff",
        ] {
            assert!(matches!(attempt(&[&header(credentials)], &[]), Err(OAuthError::InvalidClient)), "{credentials}");
        }
        for value in ["Basic", "Basic ", "Basic *", "Basic  b3JkZXJz", "Bearer abc", ""] {
            assert!(matches!(attempt(&[value], &[]), Err(OAuthError::InvalidClient)), "{value:?}");
        }
        for form in [
            &[][..],
            &[("client_id", "orders-app")],
            &[("client_secret", "orders-secret")],
            &[("client_id", "orders-app"), ("client_secret", "wrong")],
            &[("client_id", "nobody"), ("client_secret", "")],
        ] {
            assert!(matches!(attempt(&[], form), Err(OAuthError::InvalidClient)));
        }
    }
}
