//! The demo's API: it answers with the request as it received it, so that one can see what the gateway passes on.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// Starts it on a free port of the loopback interface; it runs as long as the runtime.
///
/// # Errors
///
/// When no port can be had.
pub(super) async fn spawn() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        // Ends with the runtime alone: axum goes on after each failed accept.
        let _ = axum::serve(listener, Router::new().fallback(echo)).await;
    });
    Ok(address)
}

async fn echo(request: Request) -> Json<Value> {
    Json(json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "headers": headers(request.headers()),
    }))
}

/// Each header by its name; a repeated one as an array. A token stays unseen, even here.
fn headers(headers: &HeaderMap) -> Value {
    let mut object = Map::new();
    for name in headers.keys() {
        let mut values: Vec<Value> = headers
            .get_all(name)
            .iter()
            .map(|value| if *name == header::AUTHORIZATION { "[redacted]".into() } else { text(value.as_bytes()) })
            .collect();
        let value = if values.len() == 1 { values.remove(0) } else { Value::Array(values) };
        object.insert(name.as_str().to_owned(), value);
    }
    Value::Object(object)
}

fn text(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn headers_are_shown_and_tokens_are_not() {
        let mut map = HeaderMap::new();
        map.append("x-auth-subject", "alice".parse().unwrap());
        map.append("via", "1.1 a".parse().unwrap());
        map.append("via", "1.1 b".parse().unwrap());
        map.append("authorization", "Bearer canary".parse().unwrap());
        let expected = json!({ "x-auth-subject": "alice", "via": ["1.1 a", "1.1 b"], "authorization": "[redacted]" });
        assert_eq!(headers(&map), expected);
    }
}
