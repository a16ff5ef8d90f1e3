//! Form parameters, read by the rules of RFC 6749 3.2.

use axum::{
    Form,
    extract::{FromRequest, Request},
};

use super::OAuthError;

/// The parameters of a form, each there once. It has no `Debug`: secrets and tokens are among them.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// A parameter's value. One without a value counts as omitted (RFC 6749 3.2).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    pub(super) fn require(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::InvalidRequest(format!("{name} is missing").into()))
    }

    /// Refuses what is there twice, known or not, empty or not: two readers might see different ones.
    pub(crate) fn from_pairs(mut pairs: Vec<(String, String)>) -> Result<Self, OAuthError> {
        pairs.sort_unstable();
        let repeated = pairs.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other));
        if repeated {
            return Err(OAuthError::InvalidRequest("a parameter is there more than once".into()));
        }
        Ok(Self(pairs))
    }
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
    fn nothing_may_be_there_twice() {
        for second in ["abc", "def", ""] {
            let refused = parameters(&[("token", "abc"), ("other", ""), ("token", second)]);
            assert!(matches!(refused, Err(OAuthError::InvalidRequest(_))), "{second:?}");
        }
        assert!(parameters(&[("unknown", ""), ("unknown", "")]).is_err());
        assert!(parameters(&[]).is_ok());
    }
}
