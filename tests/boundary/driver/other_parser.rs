//! What arrived, read by hyper: a gateway and the server behind it must not read one message in two ways.

use super::{Message, shown};
use http_body_util::BodyExt as _;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};
use tokio::io::AsyncWriteExt as _;

/// Whether hyper reads these bytes as one message, and the same as we do.
pub(super) fn check(message: &Message) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let read = runtime.block_on(read(&message.raw));
    let head = message.head();
    let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    match &read[..] {
        [(target, body)] if line.split(' ').nth(1) == Some(target) && *body == message.body => Ok(()),
        other => Err(format!("hyper reads {other:?} in {}", shown(&message.raw))),
    }
}

/// The targets and bodies of the messages that hyper finds.
async fn read(raw: &[u8]) -> Vec<(String, Vec<u8>)> {
    let found = Arc::new(Mutex::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let found = Arc::clone(&found);
        async move {
            let target = request.uri().to_string();
            let body = match request.into_body().collect().await {
                Ok(body) => body.to_bytes().to_vec(),
                Err(error) => format!("broken: {error}").into_bytes(),
            };
            found.lock().unwrap().push((target, body));
            Ok::<_, Infallible>(Response::new(String::new()))
        }
    });
    let (mut client, server) = tokio::io::duplex(raw.len() + 64 * 1024);
    client.write_all(raw).await.unwrap();
    client.shutdown().await.unwrap();
    // It ends where the bytes end; an error is told by what it has not found.
    let _ =
        http1::Builder::new().half_close(true).max_headers(1_000).serve_connection(TokioIo::new(server), service).await;
    let found = found.lock().unwrap();
    found.clone()
}
