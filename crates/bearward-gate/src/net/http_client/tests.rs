#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, reason = "tests fail by panicking")]

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::introspect::tests::certificates::FIRST;
use crate::secrets::Secret;

const LIMIT: Limit = Limit { total: Duration::from_secs(5), max_body: 1_000 };

#[tokio::test]
async fn an_answer_comes_back_whole_and_the_request_accepts_no_encoding() {
    let server = serve(|mut stream, _| async move {
        let request = head(&mut stream).await.to_ascii_lowercase();
        let identity = request.contains("accept-encoding: identity\r\n") && request.contains("host: 127.0.0.1:");
        let status = if identity { "200 OK" } else { "400 Bad Request" };
        say(&mut stream, &format!("HTTP/1.1 {status}\r\nx-a: b\r\ncontent-length: 2\r\n\r\nok")).await;
    })
    .await;
    let answer = get(&server.url, LIMIT).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (200, &b"ok"[..]));
    assert_eq!(answer.headers()["x-a"], "b");
}

#[tokio::test]
async fn every_status_is_an_answer_and_no_redirect_is_followed() {
    let elsewhere = serve(|_, _| async {}).await;
    for status in [204, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503] {
        let to = elsewhere.url.clone();
        let server = serve(move |mut stream, _| {
            let answer = format!("HTTP/1.1 {status} X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            async move {
                head(&mut stream).await;
                say(&mut stream, &answer).await;
            }
        })
        .await;
        assert_eq!(get(&server.url, LIMIT).await.unwrap().status().as_u16(), status);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
    for (length, chunked) in [(1_000, false), (1_001, false), (1_000, true), (1_001, true), (10_000_000, true)] {
        let server = serve(move |mut stream, _| async move {
            head(&mut stream).await;
            let body = "x".repeat(length);
            let answer = if chunked {
                format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n")
            } else {
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
            };
            say(&mut stream, &answer).await;
        })
        .await;
        let answer = get(&server.url, LIMIT).await.map(|answer| answer.body().len());
        let expected = if length > 1_000 { Err(FetchError::BodyTooLarge(1_000)) } else { Ok(length) };
        assert_eq!(answer, expected, "{length} chunked: {chunked}");
    }
}

#[tokio::test]
async fn the_time_limit_covers_a_body_that_drips_and_a_server_that_is_silent() {
    for drips in [true, false] {
        let server = serve(move |mut stream, _| async move {
            head(&mut stream).await;
            if drips {
                say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
            }
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                if drips && stream.write_all(b"x").await.is_err() {
                    return;
                }
            }
        })
        .await;
        let (begun, total) = (Instant::now(), Duration::from_millis(300));
        assert_eq!(get(&server.url, Limit { total, ..LIMIT }).await.unwrap_err(), FetchError::Timeout(total));
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_content_encoding_other_than_identity_is_refused() {
    for (headers, encoded) in [
        ("", false),
        ("content-encoding: identity\r\n", false),
        ("content-encoding: Identity\r\n", false),
        ("content-encoding: gzip\r\n", true),
        ("content-encoding: identity, br\r\n", true),
        ("content-encoding: identity\r\ncontent-encoding: gzip\r\n", true),
    ] {
        let server = serve(move |mut stream, _| async move {
            head(&mut stream).await;
            say(&mut stream, &format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n")).await;
        })
        .await;
        let refused = get(&server.url, LIMIT).await.err() == Some(FetchError::ContentEncoding);
        assert_eq!(refused, encoded, "{headers:?}");
    }
}

#[tokio::test]
async fn nobody_there_is_a_connect_error_that_says_so() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = get(&format!("http://{free}/"), LIMIT).await.unwrap_err();
    let FetchError::Connect(text) = &error else { panic!("{error:?}") };
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn what_is_not_http_or_ends_early_is_an_io_error() {
    let cut_short = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a\"";
    for answer in ["SSH-2.0-OpenSSH\r\n", cut_short, "HTTP/1.1 200 OK\r\nx"] {
        let server = serve(move |mut stream, _| async move {
            head(&mut stream).await;
            say(&mut stream, answer).await;
        })
        .await;
        let error = get(&server.url, LIMIT).await.unwrap_err();
        assert!(matches!(error, FetchError::Io(_)), "{answer:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_tried_once_more() {
    // The second use of the connection finds it closed; the third request comes over a new one.
    let server = serve(|mut stream, number| async move {
        head(&mut stream).await;
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        if number == 0 {
            head(&mut stream).await;
        }
    })
    .await;
    let client = HttpClient::new();
    for _ in 0..2 {
        assert_eq!(client.send(request(&server.url), LIMIT).await.unwrap().status().as_u16(), 200);
    }
    assert_eq!(server.connections(), 2);
    // And only once more: a server that always hangs up is not asked for ever.
    let hangs_up = serve(|mut stream, _| async move {
        head(&mut stream).await;
    })
    .await;
    assert!(matches!(get(&hangs_up.url, LIMIT).await.unwrap_err(), FetchError::Io(_)));
    assert_eq!(hangs_up.connections(), 2);
}

#[tokio::test]
async fn a_server_certificate_must_be_trusted_and_fit_the_name() {
    let certificate = CertificateDer::from(BASE64_STANDARD.decode(CERTIFICATE).unwrap());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{CERTIFICATE}\n-----END CERTIFICATE-----\n");
    let trusts = HttpClient::trusting(&TrustedRoots::new(Secret::from_text(pem)).unwrap());
    let address = serve_tls(certificate);
    // The certificate is for `localhost`, not for the address.
    let (by_name, by_address) =
        (format!("https://localhost:{}/", address.port()), format!("https://127.0.0.1:{}/", address.port()));
    let connect_error = |answer: Result<Response<Bytes>, FetchError>| match answer {
        Err(FetchError::Connect(text)) => text,
        other => panic!("{other:?}"),
    };
    let wrong_name = connect_error(trusts.send(request(&by_address), LIMIT).await);
    assert!(wrong_name.contains("certificate"), "{wrong_name}");
    let untrusted = connect_error(HttpClient::new().send(request(&by_name), LIMIT).await);
    assert!(untrusted.contains("certificate"), "{untrusted}");
    assert_eq!(trusts.send(request(&by_name), LIMIT).await.unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn renewed_certificate_authorities_are_trusted_without_a_restart() {
    let pem = |base64: &str| format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, pem(FIRST)).unwrap();
    let client = HttpClient::trusting(&TrustedRoots::new(Secret::from_file(&path).unwrap()).unwrap());
    let address = serve_tls(CertificateDer::from(BASE64_STANDARD.decode(CERTIFICATE).unwrap()));
    let url = format!("https://localhost:{}/", address.port());
    assert!(matches!(client.send(request(&url), LIMIT).await, Err(FetchError::Connect(_))));

    std::fs::write(&path, pem(CERTIFICATE)).unwrap();
    // A file is looked at once a second.
    let started = Instant::now();
    while client.send(request(&url), LIMIT).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(20), "the new authorities are never trusted");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // One that cannot be used leaves the last good ones.
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(client.send(request(&url), LIMIT).await.unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn a_client_without_roots_still_speaks_plain_http() {
    let bare = HttpClient::trusting_none();
    let server = serve(|mut stream, _| async move {
        head(&mut stream).await;
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    })
    .await;
    assert!(bare.send(request(&server.url), LIMIT).await.is_ok());
}

/// A server that hands each connection, with its number, to a function; it stops when dropped.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<F>(answer: impl Fn(TcpStream, usize) -> F + Send + 'static) -> Server
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, counter.fetch_add(1, Ordering::SeqCst)));
        }
    });
    Server { url, connections, task }
}

async fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => bytes.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Errors are ignored: a client that hangs up on a body too large is right.
async fn say(stream: &mut TcpStream, text: &str) {
    let _ = stream.write_all(text.as_bytes()).await;
}

fn request(url: &str) -> Request<Full<Bytes>> {
    Request::get(url).body(Full::default()).unwrap()
}

async fn get(url: &str, limit: Limit) -> Result<Response<Bytes>, FetchError> {
    HttpClient::new().send(request(url), limit).await
}

/// A blocking TLS server on a thread of its own that answers everything with 200.
fn serve_tls(certificate: CertificateDer<'static>) -> SocketAddr {
    let key = PrivateKeyDer::Pkcs8(BASE64_STANDARD.decode(TEST_KEY).unwrap().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            if stream.read(&mut [0; 4_096]).is_ok_and(|read| read > 0) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        }
    });
    address
}

/// Self-signed for `localhost` and valid until 2126, with its key. They protect nothing.
pub(crate) const CERTIFICATE: &str = "\
    MIIBkTCCATigAwIBAgIUNG2NtSM6SPm1nNUsFhNudfax3FkwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE3\
    MjkwOFoYDzIxMjYxMDI5MTcyOTA4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQwqskfbLZYSWmU\
    OoWVgITAstqAiZOirumcLjI6iuFxqafiWU0FHx4qc4P3QnA/mKS2OtDszqM4iUSjQzv1tzxuo2YwZDAdBgNVHQ4EFgQUcXh2I/irGqdbs4jj\
    dVl7F/cgCPgwHwYDVR0jBBgwFoAUcXh2I/irGqdbs4jjdVl7F/cgCPgwFAYDVR0RBA0wC4IJbG9jYWxob3N0MAwGA1UdEwEB/wQCMAAwCgYI\
    KoZIzj0EAwIDRwAwRAIgew0+UPeSDvolGuCoThYiL3VUpT6XoWXaSXluUsP7BkMCIGQutQnloH1IeWtB5FSe8wTE5zMGKfKAa5a5jDUZ/3tY\
    ";
pub(crate) const TEST_KEY: &str = "\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXa4YbTIdzOP+dd51QdFhtrNUWMYsXL5Ir/Pq5iSTDQahRANCAAQwqskfbLZY\
    SWmUOoWVgITAstqAiZOirumcLjI6iuFxqafiWU0FHx4qc4P3QnA/mKS2OtDszqM4iUSjQzv1tzxu\
    ";
