//! The claims of a good access token (RFC 9068, 2.2), to spoil where a test wants it.

use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The audience of the tokens here.
pub const AUDIENCE: &str = "https://api.example.com";

/// The claims of a token that this issuer has issued to the client `web` for alice at this time, good for five minutes.
pub fn of(issuer: &str, now: u64) -> Value {
    json!({
        "iss": issuer, "aud": AUDIENCE, "sub": "alice", "client_id": "web",
        "scope": "orders:read", "iat": now, "exp": now + 300, "jti": now.to_string(),
    })
}

/// An object with this member set, or taken away where the new value is `None`.
pub fn with(mut object: Value, member: &str, value: Option<Value>) -> Value {
    let members = object.as_object_mut().expect("members stand in an object");
    match value {
        Some(value) => members.insert(member.to_owned(), value),
        None => members.remove(member),
    };
    object
}

/// Adds the members of another object to an object.
pub fn merge(object: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("members come from an object") };
    object.as_object_mut().expect("members stand in an object").extend(more);
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right").as_secs()
}
