//! Form parameters, read by the rules of RFC 6749 3.2.

use axum::{
    Form,
    extract::{FromRequest, Request},
};
use serde_json::{Map, Value};

use super::error::OAuthError;
use crate::{Application, Settings, scope};

/// The longest `custom_claims`, in bytes: a token must still fit into a header.
const MAX_CUSTOM_CLAIMS: usize = 4096;

/// The one parameter that a request may have several times (RFC 8707 2).
const RESOURCE: &str = "resource";

/// The parameters of a form, by name, each there once but for [`RESOURCE`]. It has no `Debug`: secrets and tokens are among
/// them.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// A parameter's value. One without a value counts as omitted (RFC 6749 3.2).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let from = self.0.partition_point(|(known, _)| known.as_str() < name);
        let of_name = self.0.iter().skip(from).take_while(move |(known, _)| known == name);
        of_name.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter that must be there.
    pub(super) fn require(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::InvalidRequest(format!("{name} is missing").into()))
    }

    /// The scopes that the request is for: what it asks for, if the application may have all of it, and all that the
    /// application is allowed where it asks for nothing.
    pub(super) fn scope(&self, application: &Application) -> Result<Vec<String>, OAuthError> {
        let Some(asked) = self.get("scope") else { return Ok(application.allowed_scopes.clone()) };
        let asked = scope::parse(asked).filter(|asked| asked.iter().all(|name| application.may_ask_for(name)));
        asked.ok_or(OAuthError::InvalidScope)
    }

    /// The resource servers that the request is for, as they are configured: those that it names with `resource`, each once,
    /// if all of them are among these, and all of these where it names none (RFC 8707 2). To ignore a wish for another would
    /// have a client believe that it was granted.
    pub(super) fn resources(&self, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
        let mut resources: Vec<String> = Vec::new();
        for asked in self.all(RESOURCE) {
            let same = |known: &&String| without_empty_path(known) == without_empty_path(asked);
            let known =
                allowed.iter().find(same).filter(|_| is_absolute_uri(asked)).ok_or(OAuthError::InvalidTarget)?;
            if !resources.contains(known) {
                resources.push(known.clone());
            }
        }
        Ok(if resources.is_empty() { allowed.to_vec() } else { resources })
    }

    /// The claims that the request wants in the token, if the application may have any.
    pub(super) fn custom_claims(&self, application: &Application) -> Result<Option<Map<String, Value>>, OAuthError> {
        let Some(asked) = self.get("custom_claims") else { return Ok(None) };
        let refused = |problem: &'static str| Err(OAuthError::InvalidRequest(problem.into()));
        if !application.custom_claims {
            return refused("the application may not have custom_claims");
        }
        if asked.len() > MAX_CUSTOM_CLAIMS {
            return refused("custom_claims is longer than 4096 bytes");
        }
        match serde_json::from_str(asked) {
            Ok(Value::Object(claims)) => Ok(Some(claims)),
            _ => refused("custom_claims is no JSON object"),
        }
    }

    /// Refuses what is there twice, known or not, empty or not: two readers might see different ones.
    pub(crate) fn from_pairs(mut pairs: Vec<(String, String)>) -> Result<Self, OAuthError> {
        // Those of one name stay in the order in which they came.
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        let repeated =
            pairs.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other && one != RESOURCE));
        if repeated {
            return Err(OAuthError::InvalidRequest("a parameter is there more than once".into()));
        }
        Ok(Self(pairs))
    }
}

impl Settings {
    /// What of a scope means something to these resource servers. What belongs to another is left out, as the token would
    /// say it to servers that do not know it (RFC 8707 2.2); a scope of which nothing is left is refused.
    pub(super) fn scope_for(
        &self,
        application: &Application,
        resources: &[String],
        scope: Vec<String>,
    ) -> Result<Vec<String>, OAuthError> {
        let asked_for_any = !scope.is_empty();
        let has_meaning =
            |name: &String| application.identity_scopes().contains(&name.as_str()) || self.is_scope_of(name, resources);
        let scope: Vec<String> = scope.into_iter().filter(has_meaning).collect();
        if asked_for_any && scope.is_empty() { Err(OAuthError::InvalidScope) } else { Ok(scope) }
    }
}

/// RFC 8707 2: an absolute URI (RFC 3986 4.3), without fragment.
fn is_absolute_uri(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let scheme = |scheme: &str| scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(letters);
    text.split_once(':').is_some_and(|(before, after)| scheme(before) && !after.is_empty())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

/// A URL that ends after its host, without the slash that libraries put there: the two are the same (RFC 3986 6.2.3).
fn without_empty_path(url: &str) -> &str {
    let before = url.strip_suffix('/');
    before.filter(|before| before.split_once("://").is_some_and(|(_, host)| !host.contains(['/', '?']))).unwrap_or(url)
}

impl<S: Send + Sync> FromRequest<S> for Parameters {
    type Rejection = OAuthError;

    async fn from_request(request: Request, state: &S) -> Result<Self, OAuthError> {
        match Form::<Vec<(String, String)>>::from_request(request, state).await {
            Ok(Form(pairs)) => Self::from_pairs(pairs),
            Err(_refused) => Err(OAuthError::InvalidRequest(
                "the body must be a form (application/x-www-form-urlencoded) of at most 64 KiB".into(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Result<Parameters, OAuthError> {
        Parameters::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_parameter_without_a_value_is_omitted() {
        let read = parameters(&[("token", "abc"), ("scope", "")]).ok().unwrap();
        assert_eq!((read.get("token"), read.get("scope"), read.get("other")), (Some("abc"), None, None));
        assert_eq!(read.require("token").unwrap(), "abc");
        assert!(matches!(read.require("scope"), Err(OAuthError::InvalidRequest(_))));
    }

    #[test]
    fn scope_is_what_was_asked_for_or_all() {
        let application = Application::new("app", "secret").resource_server("https://api.example.com", ["a", "b"]);
        let read = |value: &str| parameters(&[("scope", value)]).ok().unwrap().scope(&application);
        assert_eq!(read("").unwrap(), ["a", "b"]);
        assert_eq!(read("b").unwrap(), ["b"]);
        assert_eq!(read("b a b").unwrap(), ["b", "a"]);
        for asked in ["c", "a c", "A", "a  b", "a\"", " ", "openid"] {
            assert!(matches!(read(asked), Err(OAuthError::InvalidScope)), "{asked:?}");
        }
        assert!(parameters(&[]).unwrap().scope(&Application::new("app", "secret")).unwrap().is_empty());
    }

    #[test]
    fn resources_are_those_that_are_named_or_all() {
        let allowed = ["https://a.example.com", "https://b.example.com/v1", "urn:c", "plain"].map(str::to_owned);
        let read = |values: &[&str]| {
            let pairs: Vec<_> = values.iter().map(|value| ("resource", *value)).collect();
            parameters(&pairs).ok().unwrap().resources(&allowed)
        };
        assert_eq!(read(&[]).unwrap(), allowed);
        assert_eq!(read(&["", ""]).unwrap(), allowed, "a parameter without a value is omitted");
        assert_eq!(read(&["urn:c", "https://a.example.com/", ""]).unwrap(), ["urn:c", "https://a.example.com"]);
        assert_eq!(read(&["urn:c", "urn:c", "https://a.example.com", "https://a.example.com/"]).unwrap().len(), 2);
        for wrong in
            ["plain", "https://c.example.com", "https://a.example.com/#", "urn:c#d", "URN:c", "urn:", ":", " urn:c"]
        {
            assert!(matches!(read(&[wrong]), Err(OAuthError::InvalidTarget)), "{wrong}");
            assert!(matches!(read(&["urn:c", wrong]), Err(OAuthError::InvalidTarget)), "{wrong}");
        }
    }

    #[test]
    fn custom_claims_are_an_object_of_a_bounded_length_for_who_may_have_them() {
        let application = Application::new("app", "secret").custom_claims();
        let read = |application: &Application, value: &str| {
            parameters(&[("custom_claims", value)]).ok().unwrap().custom_claims(application)
        };
        assert_eq!(read(&application, r#"{"a":1}"#).unwrap().unwrap().len(), 1);
        assert!(read(&application, "").unwrap().is_none());
        let long = format!(r#"{{"a":"{}"}}"#, "a".repeat(4096));
        for value in ["[]", "1", "{", "null", &long] {
            assert!(read(&application, value).is_err(), "{value}");
        }
        assert!(read(&Application::new("app", "secret"), "{}").is_err());
    }

    #[test]
    fn nothing_may_be_there_twice() {
        for second in ["abc", "def", ""] {
            let refused = parameters(&[("token", "abc"), ("other", ""), ("token", second)]);
            assert!(matches!(refused, Err(OAuthError::InvalidRequest(_))), "{second:?}");
        }
        assert!(parameters(&[("unknown", ""), ("unknown", "")]).is_err());
        assert!(parameters(&[]).is_ok());
    }
}
