//! A server that says on a socket exactly what it is told to, HTTP or not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What is said at a path.
#[derive(Clone)]
pub enum Says {
    /// These bytes, and the connection ends.
    Bytes(Vec<u8>),
    /// These bytes, and then one space after another for ever, each after a pause.
    Drips(Vec<u8>, Duration),
    /// These bytes, and then spaces for ever, as fast as they are taken.
    Floods(Vec<u8>),
    /// Nothing, and the connection stays open.
    Nothing,
}

impl Says {
    /// A whole answer; each header with its line end.
    pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
        Self::Bytes([head.as_bytes(), body].concat())
    }

    pub fn json(body: impl AsRef<[u8]>) -> Self {
        Self::answer("200 OK", "content-type: application/json\r\n", body)
    }
}

#[derive(Default)]
struct Script {
    says: HashMap<&'static str, Says>,
    asked: HashMap<String, u64>,
}

/// The server; it stops when dropped.
pub struct Wire {
    pub url: String,
    script: Arc<Mutex<Script>>,
    server: tokio::task::JoinHandle<()>,
}

impl Wire {
    /// Until it is told otherwise, it answers 404.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, script, server }
    }

    pub fn say(&self, path: &'static str, says: Says) {
        self.script.lock().unwrap().says.insert(path, says);
    }

    /// How often somebody asked there.
    pub fn asked(&self, path: &str) -> u64 {
        self.script.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Errors are ignored: a client that hangs up on such a server is right.
async fn serve(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let mut head = Vec::new();
    let mut chunk = [0; 4_096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&chunk[..read]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let says = {
        let mut script = script.lock().unwrap();
        *script.asked.entry(path.clone()).or_default() += 1;
        script.says.get(path.as_str()).cloned()
    };
    match says.unwrap_or_else(|| Says::answer("404 Not Found", "", "")) {
        Says::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Says::Drips(bytes, pause) => {
            let _ = stream.write_all(&bytes).await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        }
        Says::Floods(bytes) => {
            let _ = stream.write_all(&bytes).await;
            while stream.write_all(&[b' '; 16 * 1024]).await.is_ok() {}
        }
        Says::Nothing => std::future::pending().await,
    }
}
