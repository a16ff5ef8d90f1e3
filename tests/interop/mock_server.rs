//! npm `oauth2-mock-server`, running.

use crate::{
    provider::text,
    support::{Process, Request, address, node},
};
use serde_json::{Value, json};

/// A server with one key, `first` for ES256. Dropped, it is killed.
pub(crate) struct MockServer {
    pub(crate) issuer: String,
    control: String,
    _process: Process,
}

impl MockServer {
    pub(crate) fn start() -> Self {
        let mut command = node("oauth2-mock-server", "oauth2-mock-server", "mock.mjs");
        let mut process = Process::spawn("oauth2-mock-server", &mut command);
        let (issuer, control) = (address(&mut process, "listening"), address(&mut process, "control"));
        let server = Self { issuer, control, _process: process };
        server.add_key("ES256", "first");
        server
    }

    /// A new signing key; in place of the one with this `kid`, if there is one.
    pub(crate) fn add_key(&self, algorithm: &str, kid: &str) {
        self.tell("keys", &json!({ "alg": algorithm, "kid": kid }));
    }

    /// A token with this over what the server says by itself, signed with the next of its keys in turn.
    pub(crate) fn token(&self, header: &Value, payload: &Value) -> String {
        text(&self.tell("token", &json!({ "header": header, "payload": payload })), "token").to_owned()
    }

    /// What its token endpoint answers.
    pub(crate) fn grant(&self, form: &[(&str, &str)]) -> Value {
        Request::post(&format!("{}/token", self.issuer)).form(form).send().json()
    }

    /// From now on introspection answers so for this token; see `mock.mjs`.
    pub(crate) fn answer(&self, token: &str, answer: &Value) {
        self.tell("answers", &json!({ token: answer }));
    }

    /// How many requests this path of the issuer has had.
    pub(crate) fn count(&self, path: &str) -> usize {
        let counts = Request::get(&format!("{}/counts", self.control)).send().json();
        counts[path].as_u64().unwrap_or_default() as usize
    }

    fn tell(&self, what: &str, message: &Value) -> Value {
        let answer = Request::post(&format!("{}/{what}", self.control)).body(message.to_string()).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}
