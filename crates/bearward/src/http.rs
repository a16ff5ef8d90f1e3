//! One HTTP exchange on a connection of its own: what the demo and the `token` command need, and no more.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The longest that one exchange may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// An answer, with its whole body and the time from the request's first byte to the answer's last.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response<Bytes>,
    pub(crate) time: Duration,
}

/// Sends one request to the server of its absolute `http` URI.
///
/// # Errors
///
/// When the server cannot be reached, does not answer in ten seconds, or answers with more than 4 MiB.
pub(crate) async fn send(mut request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
    let uri = request.uri().clone();
    let address = address(&uri)?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    *request.uri_mut() = Uri::try_from(target).context("the path is no request target")?;
    let host = header::HeaderValue::from_str(&address).context("the host is no header value")?;
    request.headers_mut().insert(header::HOST, host);
    match tokio::time::timeout(TIMEOUT, exchange(&address, request)).await {
        Ok(answer) => answer.with_context(|| format!("cannot reach http://{address}")),
        Err(_) => bail!("http://{address} did not answer within {} seconds", TIMEOUT.as_secs()),
    }
}

async fn exchange(address: &str, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let started = Instant::now();
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(anyhow::Error::from_boxed)?.to_bytes();
    let time = started.elapsed();
    connection.abort();
    Ok(Answer { response: Response::from_parts(parts, body), time })
}

fn address(uri: &Uri) -> anyhow::Result<String> {
    match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(host)) => Ok(format!("{host}:{}", uri.port_u16().unwrap_or(80))),
        (Some(scheme), Some(_)) => bail!("only http:// is spoken here, not {scheme}://"),
        _ => bail!("{uri} is no URL; write http://host:port"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn the_address_comes_from_an_absolute_http_url() {
        let read = |uri: &'static str| address(&Uri::from_static(uri)).map_err(|error| error.to_string());
        assert_eq!(read("http://127.0.0.1:9000/x"), Ok("127.0.0.1:9000".into()));
        assert_eq!(read("http://[::1]:9000"), Ok("[::1]:9000".into()));
        assert_eq!(read("http://localhost/"), Ok("localhost:80".into()));
        assert_eq!(read("https://localhost/"), Err("only http:// is spoken here, not https://".into()));
        assert_eq!(read("/dev/token"), Err("/dev/token is no URL; write http://host:port".into()));
    }
}
