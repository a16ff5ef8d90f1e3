//! Forwards every request to one upstream with pingora-proxy, and does nothing else:
//! `bare-pingora LISTEN UPSTREAM THREADS`.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use pingora_core::Result;
use pingora_core::server::configuration::ServerConf;
use pingora_core::server::{RunArgs, Server};
use pingora_core::upstreams::peer::HttpPeer;
use pingora_proxy::{ProxyHttp, Session, http_proxy_service};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, upstream, threads] = arguments.as_slice() else {
        panic!("bare-pingora LISTEN UPSTREAM THREADS");
    };
    let forward = Forward { upstream: upstream.parse().expect("UPSTREAM is an address and a port") };
    let conf = ServerConf {
        threads: threads.parse().expect("THREADS is a number"),
        upstream_keepalive_pool_size: 2048, // as the other proxies have it
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut service = http_proxy_service(&Arc::clone(&server.configuration), forward);
    service.add_tcp(listen);
    server.add_service(service);
    server.run(RunArgs::default());
}

struct Forward {
    upstream: SocketAddr,
}

#[async_trait]
impl ProxyHttp for Forward {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream, false, String::new())))
    }
}
