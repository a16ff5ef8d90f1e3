//! Client authentication at the token, introspection and revocation endpoints (RFC 6749 2.3).

mod assertion;

pub(crate) use assertion::ALGORITHMS;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    Application, ClientAuthentication, Secret,
    authority::Authority,
    endpoints::{error::OAuthError, parameters::Parameters},
};

/// What a request brings to say who is asking.
enum Presented {
    Basic { client_id: String, secret: String },
    Post { client_id: String, secret: String },
    Assertion { client_id: String, assertion: String },
    Name { client_id: String },
}

/// Which application is asking to get, or to end, tokens of this issuer URL. A public one has only said its name.
pub(crate) fn authenticate<'a>(
    authority: &'a Authority,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<&'a Application, OAuthError> {
    let presented = Presented::read(headers, parameters)?;
    presented.prove(authority.application(presented.client_id()), authority)
}

/// Which application is asking what a token of this issuer URL means. Never a public one.
pub(crate) fn authenticate_to_introspect<'a>(
    authority: &'a Authority,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<&'a Application, OAuthError> {
    let presented = Presented::read(headers, parameters)?;
    let application = authority.introspecting_application(presented.client_id());
    let application = application.filter(|known| !matches!(known.authentication, ClientAuthentication::None));
    presented.prove(application, authority)
}

/// Whether the form tries to authenticate a client.
pub(crate) fn is_in_form(parameters: &Parameters) -> bool {
    parameters.get("client_secret").is_some() || parameters.get("client_assertion").is_some()
}

impl Presented {
    /// The one way in which the request authenticates (RFC 6749 2.3: never more than one).
    fn read(headers: &HeaderMap, parameters: &Parameters) -> Result<Self, OAuthError> {
        let mut authorization = headers.get_all(AUTHORIZATION).iter();
        let (in_header, repeated) = (authorization.next(), authorization.next().is_some());
        let client_id = parameters.get("client_id").map(str::to_owned);
        let (secret, assertion) = (parameters.get("client_secret"), parameters.get("client_assertion"));
        let ways = [in_header.is_some(), secret.is_some(), assertion.is_some()];
        if repeated || ways.into_iter().filter(|there| *there).count() > 1 {
            let problem = "the client must authenticate in one way only (RFC 6749 2.3)";
            return Err(OAuthError::InvalidRequest(problem.into()));
        }
        if let Some(value) = in_header {
            let (id, secret) = value.to_str().ok().and_then(basic).ok_or(OAuthError::InvalidClient)?;
            same_client(client_id.as_deref(), &id)?;
            return Ok(Self::Basic { client_id: id, secret });
        }
        if let Some(assertion) = assertion {
            if parameters.get("client_assertion_type") != Some(assertion::TYPE) {
                return Err(OAuthError::InvalidRequest("client_assertion_type is not that of RFC 7523".into()));
            }
            let id = assertion::client_id(assertion).ok_or(OAuthError::InvalidClient)?;
            same_client(client_id.as_deref(), &id)?;
            return Ok(Self::Assertion { client_id: id, assertion: assertion.to_owned() });
        }
        match (client_id, secret) {
            (Some(client_id), Some(secret)) => Ok(Self::Post { client_id, secret: secret.to_owned() }),
            (Some(client_id), None) => Ok(Self::Name { client_id }),
            (None, _) => Err(OAuthError::InvalidClient),
        }
    }

    fn client_id(&self) -> &str {
        let (Self::Basic { client_id, .. }
        | Self::Post { client_id, .. }
        | Self::Assertion { client_id, .. }
        | Self::Name { client_id }) = self;
        client_id
    }

    /// The application, if it authenticates by the method that it is registered with and the proof is good.
    fn prove<'a>(&self, known: Option<&'a Application>, authority: &Authority) -> Result<&'a Application, OAuthError> {
        let Some(application) = known else {
            if let Self::Basic { secret, .. } | Self::Post { secret, .. } = self {
                // The same work as for a known client: the time must not tell which identifiers exist.
                let _never_matches = Secret::new("").matches(secret);
            }
            return Err(OAuthError::InvalidClient);
        };
        let proved = match (self, &application.authentication) {
            (Self::Basic { secret, .. }, ClientAuthentication::SecretBasic(known))
            | (Self::Post { secret, .. }, ClientAuthentication::SecretPost(known)) => known.matches(secret),
            (Self::Assertion { assertion, .. }, ClientAuthentication::PrivateKeyJwt(keys)) => {
                assertion::verify(authority, keys, &application.client_id, assertion)?
            }
            (Self::Name { .. }, ClientAuthentication::None) => true,
            _ => false,
        };
        if proved { Ok(application) } else { Err(OAuthError::InvalidClient) }
    }
}

/// A client that names itself in the body as well is harmless, one that names another is mistaken.
fn same_client(named: Option<&str>, client_id: &str) -> Result<(), OAuthError> {
    if named.is_some_and(|named| named != client_id) {
        return Err(OAuthError::InvalidRequest("client_id is not the client that authenticates".into()));
    }
    Ok(())
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
    use crate::{Issuer, Settings, SigningAlgorithm};

    fn authority() -> Authority {
        let applications = vec![
            Application::new("orders-app", "orders-secret"),
            Application::new("encoded", "p%q:r\u{e9} +"),
            Application::new("post", "post-secret")
                .authentication(ClientAuthentication::SecretPost("post-secret".into())),
            Application::public("public", "https://app.example.com/callback"),
        ];
        let settings = Settings { applications, algorithms: vec![SigningAlgorithm::EdDsa], ..Settings::empty() };
        let issuer = Issuer::builder().settings(settings).url("http://127.0.0.1:9000").build().unwrap();
        Authority::of_tenant(&issuer)
    }

    fn attempt(authorization: &[&str], form: &[(&str, &str)]) -> Result<String, OAuthError> {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let pairs = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        authenticate(&authority(), &headers, &Parameters::from_pairs(pairs).unwrap()).map(|app| app.client_id.clone())
    }

    fn header(credentials: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(credentials))
    }

    #[test]
    fn each_method_works_for_the_clients_that_have_it() {
        let good = header("orders-app:orders-secret");
        assert_eq!(attempt(&[&good], &[]).unwrap(), "orders-app");
        assert_eq!(attempt(&[&good.replace("Basic", "bAsIc")], &[]).unwrap(), "orders-app");
        assert_eq!(attempt(&[&good], &[("client_id", "orders-app")]).unwrap(), "orders-app");
        assert_eq!(attempt(&[], &[("client_id", "post"), ("client_secret", "post-secret")]).unwrap(), "post");
        assert_eq!(attempt(&[], &[("client_id", "public")]).unwrap(), "public");
    }

    #[test]
    fn another_method_than_the_registered_one_proves_nothing() {
        for (authorization, form) in [
            (&[header("post:post-secret")][..], &[][..]),
            (&[header("public:")], &[]),
            (&[header("public:secret")], &[]),
            (&[], &[("client_id", "orders-app"), ("client_secret", "orders-secret")]),
            (&[], &[("client_id", "public"), ("client_secret", "secret")]),
            (&[], &[("client_id", "post")]),
        ] {
            let authorization: Vec<&str> = authorization.iter().map(String::as_str).collect();
            assert!(matches!(attempt(&authorization, form), Err(OAuthError::InvalidClient)), "{form:?}");
        }
    }

    #[test]
    fn what_stands_in_basic_is_form_encoded() {
        assert_eq!(attempt(&[&header("encoded:p%25q%3Ar%C3%A9+%2B")], &[]).unwrap(), "encoded");
        assert_eq!(attempt(&[&header("e%6ecoded:p%25q:r%c3%a9%20%2b")], &[]).unwrap(), "encoded");
    }

    #[test]
    fn two_ways_at_once_are_a_malformed_request() {
        let good = header("orders-app:orders-secret");
        let (id, secret) = (("client_id", "orders-app"), ("client_secret", "orders-secret"));
        let assertion = [("client_assertion", "a.b.c"), ("client_assertion_type", assertion::TYPE)];
        for (authorization, form) in [
            (&[good.as_str()][..], &[id, secret][..]),
            (&[good.as_str()], &[secret]),
            (&["Bearer abc"], &[id, secret]),
            (&[good.as_str(), good.as_str()], &[]),
            (&[good.as_str()], &[("client_id", "another")]),
            (&[good.as_str()], &assertion),
            (&[], &[id, secret, assertion[0], assertion[1]]),
            (&[], &assertion[..1]),
        ] {
            assert!(matches!(attempt(authorization, form), Err(OAuthError::InvalidRequest(_))), "{form:?}");
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
            &[("client_id", "post"), ("client_secret", "wrong")],
            &[("client_id", "nobody"), ("client_secret", "")],
            &[("client_assertion", "a.b.c"), ("client_assertion_type", assertion::TYPE)],
        ] {
            assert!(matches!(attempt(&[], form), Err(OAuthError::InvalidClient)));
        }
    }
}
