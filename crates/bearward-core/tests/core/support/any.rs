//! Any JSON at all, and objects that look as if they belonged into a token.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::AUDIENCE;

/// Members of a header that some reader knows.
pub(crate) const HEADER: &[&str] = &["alg", "typ", "kid", "crit", "b64", "zip", "enc", "jwk", "jku", "x5c", "cty"];

/// Claims that some reader knows.
pub(crate) const CLAIMS: &[&str] =
    &["active", "token_type", "iss", "aud", "sub", "exp", "nbf", "iat", "jti", "client_id", "scope", "scp", "cnf"];

/// Any value, of no great depth.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("at+jwt")),
        Just(json!("EdDSA")),
        Just(json!(AUDIENCE)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..4).prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// An object whose members have some of these names, or any other.
pub(crate) fn any_object(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let name = prop_oneof![4 => prop::sample::select(names).prop_map(str::to_owned), 1 => ".{0,6}"];
    prop::collection::vec((name, any_json()), 0..6).prop_map(|members| Value::Object(Map::from_iter(members)))
}
