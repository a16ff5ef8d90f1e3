//! The method of a request: spelled as it is registered, or not at all.
//!
//! Methods are case-sensitive (RFC 9110 section 9.1), and `post` is another method than `POST`. Werkzeug, Django and Symfony
//! write the method in capitals before they look for a handler. So behind a route for any method, which asks for less than the
//! one for `POST` at the same place, `post` would run the handler of `POST`.

use http::Method;
use http::header::HeaderValue;

use crate::Reason;

/// The methods that are registered (<https://www.iana.org/assignments/http-methods>), and `TRACK`, which some servers take
/// for `TRACE`.
const REGISTERED: [&str; 41] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "TRACK",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// What nearly every request has, in the order in which `Allow` names it.
const USUAL: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Whether a request with this method can be judged at all.
///
/// `named` are the methods that the configuration names; they count as registered.
///
/// # Errors
///
/// [`Reason::MethodNotForwarded`] for `CONNECT`, which takes the rest of the connection out of sight, and for `TRACE` and
/// `TRACK`, which hand the client's credentials back to it. [`Reason::RequestMalformed`] for what equals a registered method
/// but for case.
pub fn check_method<'a>(method: &Method, named: impl IntoIterator<Item = &'a Method>) -> Result<(), Reason> {
    if USUAL.contains(method) {
        return Ok(());
    }
    let name = method.as_str();
    if matches!(name, "CONNECT" | "TRACE" | "TRACK") {
        return Err(Reason::MethodNotForwarded);
    }
    let but_for_case = |known: &str| known.eq_ignore_ascii_case(name) && known != name;
    let mut known = REGISTERED.into_iter().chain(named.into_iter().map(Method::as_str));
    if known.any(but_for_case) { Err(Reason::RequestMalformed) } else { Ok(()) }
}

/// The methods that a place serves, as `Allow` names them (RFC 9110 section 10.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedMethods(HeaderValue);

impl AllowedMethods {
    /// What the gateway forwards at all, for methods that it forwards to no place.
    pub(crate) const FORWARDED: Self = Self(HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));

    /// These methods, each once. The usual ones come first, the others by name, so that the order does not depend on that of
    /// the routes.
    pub fn new<'a>(methods: impl IntoIterator<Item = &'a Method>) -> Self {
        let place = |method: &Method| USUAL.iter().position(|usual| usual == method).unwrap_or(USUAL.len());
        let mut methods: Vec<&Method> = methods.into_iter().collect();
        methods.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.as_str().cmp(b.as_str())));
        methods.dedup();
        let list = methods.into_iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        // A method is a token (RFC 9110 section 5.6.2), so the list is a field value; an empty one is allowed there.
        Self(HeaderValue::try_from(list).unwrap_or(HeaderValue::from_static("")))
    }

    /// The value of `Allow`.
    pub fn value(&self) -> &HeaderValue {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    fn method(name: &str) -> Method {
        Method::from_bytes(name.as_bytes()).unwrap()
    }

    fn checked(name: &str) -> Result<(), Reason> {
        check_method(&method(name), &[method("Rotate")])
    }

    #[test]
    fn a_method_is_spelled_as_it_is_registered() {
        for name in REGISTERED.into_iter().filter(|name| !matches!(*name, "CONNECT" | "TRACE" | "TRACK")) {
            assert_eq!(checked(name), Ok(()), "{name}");
        }
        for name in REGISTERED {
            let first = name.get(..1).unwrap().to_owned() + &name.get(1..).unwrap().to_ascii_lowercase();
            let last = name.to_ascii_lowercase().get(..name.len() - 1).unwrap().to_owned()
                + name.get(name.len() - 1..).unwrap();
            for other in [name.to_ascii_lowercase(), first, last] {
                assert_eq!(checked(&other), Err(Reason::RequestMalformed), "{other}");
            }
        }
        for name in ["PURGE", "purge", "POSTS", "pos", "BREW", "m-search"] {
            assert_eq!(checked(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_a_route_names_counts_as_registered() {
        assert_eq!(checked("Rotate"), Ok(()));
        for name in ["ROTATE", "rotate", "rOTATE"] {
            assert_eq!(checked(name), Err(Reason::RequestMalformed), "{name}");
            assert_eq!(check_method(&method(name), []), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_is_never_forwarded_is_told_apart_from_its_other_spellings() {
        for name in ["CONNECT", "TRACE", "TRACK"] {
            assert_eq!(checked(name), Err(Reason::MethodNotForwarded), "{name}");
        }
        for name in ["connect", "Trace", "track"] {
            assert_eq!(checked(name), Err(Reason::RequestMalformed), "{name}");
        }
    }

    #[test]
    fn the_list_is_in_one_order() {
        let list = |names: &[&str]| {
            let methods: Vec<_> = names.iter().map(|name| method(name)).collect();
            AllowedMethods::new(&methods).value().to_str().unwrap().to_owned()
        };
        assert_eq!(list(&["PROPFIND", "DELETE", "HEAD", "ACL", "GET", "DELETE"]), "GET, HEAD, DELETE, ACL, PROPFIND");
        assert_eq!(list(&["GET"]), "GET");
    }
}
