//! What Google's tokeninfo endpoint answers about an access token. It is older than RFC 7662, and has no `active`.

use serde_json::{Map, Value};

use crate::token::document::Document;
use crate::token::profile::is_foreign;
use crate::{IntrospectionAnswer, Reason};

impl IntrospectionAnswer {
    /// Reads the body of a successful tokeninfo answer.
    ///
    /// Google writes numbers and truth values as strings; this is the one place where such a string is a number. `azp`, the
    /// client that asked for the token, becomes `client_id`, the name that this has everywhere else.
    ///
    /// # Errors
    ///
    /// [`Reason::TypeMismatch`] where the answer is about an ID token, [`Reason::AudienceMismatch`] where it names no
    /// audience, and [`Reason::IntrospectionUnavailable`] where it is no such answer: one has `exp`, and neither `error`
    /// nor the `active` of RFC 7662, which could be false.
    pub fn parse_tokeninfo(body: &[u8]) -> Result<Self, Reason> {
        let answer = Document::parse(body.to_vec()).map_err(|_| Reason::IntrospectionUnavailable)?;
        let mut members = answer.to_map();
        let is_other_answer = members.contains_key("error") || members.contains_key("active");
        // ID tokens are described with the members of their header and their claims.
        let is_id_token = is_foreign(&answer) || members.contains_key("alg") || members.contains_key("kid");
        // A member that is `null` counts as absent: it gives neither an expiry nor an audience.
        members.retain(|_, value| !value.is_null());
        if is_other_answer || !members.contains_key("exp") {
            return Err(Reason::IntrospectionUnavailable);
        }
        if is_id_token {
            return Err(Reason::TypeMismatch);
        }
        // Tokens of every client in the world are active here.
        if !members.contains_key("aud") {
            return Err(Reason::AudienceMismatch);
        }
        for member in ["exp", "iat", "expires_in"] {
            retype(&mut members, member, |text| text.parse::<u64>().ok().map(Value::from));
        }
        retype(&mut members, "email_verified", |text| text.parse::<bool>().ok().map(Value::from));
        if let Some(client) = members.get("azp").cloned() {
            members.insert("client_id".to_owned(), client);
        }
        Ok(Self::active(members))
    }
}

/// Makes of a string what it spells. One that spells nothing is left as it is, and refused as a string.
fn retype(members: &mut Map<String, Value>, member: &str, spelt: impl Fn(&str) -> Option<Value>) {
    let digits_or_word = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some(value) = members.get_mut(member)
        && let Some(plain) = value.as_str().filter(digits_or_word).and_then(spelt)
    {
        *value = plain;
    }
}
