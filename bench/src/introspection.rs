//! The issuer's introspection endpoint (RFC 7662) over TLS, and its keys for peers that fetch them. It counts the questions.
//!
//! A token's first word decides what is said of it: `good`, `audience` and `scope` are active, anything else is not.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::http;
use crate::keys::Keys;
use crate::machine::{LOAD_CORE, pin};
use crate::tokens::{AUDIENCE, ISSUER, now};

/// A running endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Introspection {
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicU64>,
}

impl Introspection {
    /// Begins to serve on a thread of its own, for as long as this process lives.
    pub(crate) fn start(keys: &Keys) -> Result<Self> {
        let certificate = CertificateDer::from_pem_slice(&fs::read(keys.folder.join("tls.pem"))?)?;
        let key = PrivateKeyDer::from_pem_slice(&fs::read(keys.folder.join("tls.key"))?)?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let asked = Arc::new(AtomicU64::new(0));
        let published: Arc<str> = Arc::from(keys.published().to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let counter = Arc::clone(&asked);
        thread::Builder::new().name("introspection".to_owned()).spawn(move || {
            pin(&[LOAD_CORE]).expect("the core was there when this began");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("the listener does not block");
                loop {
                    let Ok((stream, _)) = listener.accept().await else { continue };
                    let (acceptor, counter, published) =
                        (acceptor.clone(), Arc::clone(&counter), Arc::clone(&published));
                    // A connection that goes wrong ends, and the proxy says what became of its question.
                    tokio::spawn(async move {
                        let _ = stream.set_nodelay(true);
                        let _ = serve(acceptor.accept(stream).await?, &counter, &published).await;
                        anyhow::Ok(())
                    });
                }
            })
        })?;
        Ok(Self { address, asked })
    }

    /// How many questions there have been.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn serve<S>(mut stream: S, asked: &AtomicU64, published: &str) -> Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut received = Vec::with_capacity(4096);
    loop {
        let end = loop {
            if let Some(end) = http::head_end(&received) {
                break end;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        let head: Vec<u8> = received.drain(..end).collect();
        let length = http::content_length(&head)?;
        while received.len() < length {
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        }
        let body: Vec<u8> = received.drain(..length).collect();
        let answer = if head.starts_with(b"GET /keys") {
            published.to_owned()
        } else {
            asked.fetch_add(1, Ordering::Relaxed);
            say(&body).context("no token")?
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

/// What the form in a question's body is answered with.
fn say(body: &[u8]) -> Option<String> {
    let form = std::str::from_utf8(body).ok()?;
    let token = form.split('&').find_map(|field| field.strip_prefix("token="))?;
    let mut answer = json!({
        "active": true, "iss": ISSUER, "aud": AUDIENCE, "sub": "user-000000", "client_id": "client-1",
        "scope": "read:items write:items profile", "token_type": "Bearer", "iat": now(), "exp": now() + 86_400,
    });
    match token.split('_').next()? {
        "good" => {}
        "audience" => answer["aud"] = json!("https://other.example.com"),
        "scope" => answer["scope"] = json!("write:items"),
        _ => answer = json!({ "active": false }),
    }
    Some(answer.to_string())
}
