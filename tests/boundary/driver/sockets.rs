//! Clients with sockets that the standard library does not make.

use std::net::TcpStream;
use tokio::net::TcpSocket;

/// A connection that receives little (`SO_RCVBUF` 4096), so that what its client does not read stays with the sender.
pub(crate) fn connect_with_small_buffer(address: &str) -> TcpStream {
    connect(address, |socket| socket.set_recv_buffer_size(4096).unwrap())
}

/// A connection that is reset when it is dropped, and not closed.
pub(crate) fn connect_to_reset(address: &str) -> TcpStream {
    connect(address, |socket| socket.set_zero_linger().unwrap())
}

fn connect(address: &str, set: impl FnOnce(&TcpSocket)) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        set(&socket);
        let stream = socket.connect(address.parse().unwrap()).await.unwrap().into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    })
}
