//! An issuer on a socket: where it listens, and how it ends.

use std::net::SocketAddr;

use bearward_issuer::{BuildError, SpawnError};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{get, spawn, spawn_with};

#[tokio::test]
async fn it_listens_on_a_free_port_of_loopback_and_takes_its_url_from_there() {
    let (one, two) = (spawn().await, spawn().await);
    assert!(one.address().ip().is_loopback() && one.address().port() != 0);
    assert_ne!(one.address(), two.address());
    assert_eq!(one.url(), format!("http://{}", one.address()));
}

#[tokio::test]
async fn an_address_that_others_reach_is_refused_before_anything_is_bound() {
    let builder = bearward_issuer::Issuer::builder().bind("0.0.0.0:0".parse().unwrap());
    let refused = builder.spawn().await.expect_err("not loopback");
    assert!(matches!(refused, SpawnError::Build(BuildError::NotLoopback(_))));
    assert!(refused.to_string().contains("allow_non_loopback"), "{refused}");
}

#[tokio::test]
async fn an_address_in_use_is_told() {
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = holder.local_addr().unwrap();
    let refused = bearward_issuer::Issuer::builder().bind(address).spawn().await.expect_err("in use");
    assert!(refused.to_string().contains(&address.to_string()), "{refused}");
}

#[tokio::test]
async fn after_shutdown_the_port_is_free() {
    let issuer = spawn().await;
    let address = issuer.address();
    // A connection that was opened and left idle does not hold it up for long.
    let idle = TcpStream::connect(address).await.unwrap();
    assert_eq!(get(&issuer, "/jwks").await.status, 200);
    issuer.shutdown().await;
    drop(idle);
    let again = spawn_with(|builder| builder.bind(address)).await;
    assert_eq!(again.address(), address);
}
