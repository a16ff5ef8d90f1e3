//! An upstream that does with each connection what a test says: early, late, half or never.

use super::find;
use std::{
    io::Read as _,
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::io::Interest;

/// The server. It ends with the test process.
pub(crate) struct RawServer {
    address: String,
    open: Arc<AtomicUsize>,
}

impl RawServer {
    /// Hands each connection to `serve`, once the head of a request was read from it, with the head and whatever came with
    /// it; closes it afterwards.
    pub(crate) fn start(serve: impl Fn(TcpStream, Vec<u8>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, serve) = (listener.local_addr().unwrap().to_string(), Arc::new(serve));
        let open = Arc::new(AtomicUsize::new(0));
        thread::spawn({
            let open = Arc::clone(&open);
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let (serve, open) = (Arc::clone(&serve), Arc::clone(&open));
                    thread::spawn(move || {
                        let _place = Place::of(&open);
                        stream.set_nodelay(true).unwrap();
                        if let Some((stream, head)) = read_head(stream) {
                            serve(stream, head);
                        }
                    });
                }
            }
        });
        Self { address, open }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How many connections are being served.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

/// Counts a connection for as long as it is served, however that ends.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn of(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn read_head(mut stream: TcpStream) -> Option<(TcpStream, Vec<u8>)> {
    let (mut head, mut part) = (Vec::new(), [0; 1024]);
    while find(&head, b"\r\n\r\n").is_none() {
        let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
        head.extend(&part[..count]);
    }
    Some((stream, head))
}

/// Waits until the other side closes or resets the connection, and reads nothing: the kernel tells of an end that stands behind
/// unread bytes as well (`EPOLLRDHUP`).
pub(crate) fn wait_for_the_end(stream: TcpStream) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        stream.set_nonblocking(true).unwrap();
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        while stream.ready(Interest::READABLE).await.is_ok_and(|ready| !ready.is_read_closed()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}
