//! Every example runs, with a development issuer beside it, and does what it says.
#![allow(dead_code, unreachable_pub, reason = "the examples' `main` is not called")]

#[path = "../../examples/axum_quick_start.rs"]
mod axum_quick_start;
#[path = "../../examples/hyper_plain.rs"]
mod hyper_plain;
#[path = "../../examples/optional_identity.rs"]
mod optional_identity;
#[path = "../../examples/scopes_by_route.rs"]
mod scopes_by_route;
#[path = "../../examples/several_issuers.rs"]
mod several_issuers;
#[path = "../../examples/tonic_orders.rs"]
mod tonic_orders;

use std::net::SocketAddr;

use bearward_issuer::{Issuer, RunningIssuer};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tonic::Code;
use tonic::transport::Endpoint;

const AUDIENCE: &str = "https://api.example.com";

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn token(issuer: &RunningIssuer, scope: &str) -> String {
    issuer.issuer().token().audience(AUDIENCE).subject("alice").scope(scope).mint().unwrap()
}

async fn ask(address: SocketAddr, method: Method, path: &str, token: Option<&str>) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(format!("http://{address}{path}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.request(request.body(Empty::new()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn axum_quick_start() {
    let issuer = Issuer::builder().spawn().await.unwrap();
    let (listener, address) = listen().await;
    let url = issuer.url().to_owned();
    tokio::spawn(async move { axum_quick_start::serve(listener, &url).await });
    let (read, write) = (token(&issuer, "orders:read"), token(&issuer, "orders:write"));
    assert_eq!(ask(address, Method::GET, "/orders", None).await.0, 401);
    assert_eq!(ask(address, Method::GET, "/orders", Some(&read)).await, (200, "the orders of alice".to_owned()));
    assert_eq!(ask(address, Method::POST, "/orders", Some(&read)).await.0, 403);
    assert_eq!(ask(address, Method::POST, "/orders", Some(&write)).await, (200, "ordered".to_owned()));
}

#[tokio::test]
async fn several_issuers() {
    let customers = Issuer::builder().spawn().await.unwrap();
    let staff = Issuer::builder().spawn().await.unwrap();
    let (listener, address) = listen().await;
    let urls = (customers.url().to_owned(), staff.url().to_owned());
    tokio::spawn(async move { several_issuers::serve(listener, &urls.0, &urls.1).await });
    let (customer, clerk) = (token(&customers, "orders:read"), token(&staff, "orders:read"));
    let me = ask(address, Method::GET, "/me", Some(&customer)).await;
    assert_eq!(me, (200, format!("alice of {}", customers.url())));
    assert_eq!(ask(address, Method::GET, "/reports/daily", Some(&customer)).await.0, 401);
    assert_eq!(ask(address, Method::GET, "/reports/daily", Some(&clerk)).await, (200, "sold: 7".to_owned()));
}

#[tokio::test]
async fn scopes_by_route() {
    let issuer = Issuer::builder().spawn().await.unwrap();
    let (listener, address) = listen().await;
    let url = issuer.url().to_owned();
    tokio::spawn(async move { scopes_by_route::serve(listener, &url).await });
    let (read, write) = (token(&issuer, "orders:read"), token(&issuer, "orders:write"));
    for (method, path, token, status) in [
        (Method::GET, "/orders/7", Some(&read), 200),
        (Method::GET, "/orders/7", Some(&write), 403),
        (Method::DELETE, "/orders/7", Some(&read), 403),
        (Method::DELETE, "/orders/7", Some(&write), 200),
        (Method::GET, "/health", None, 200),
        (Method::GET, "/forgotten", Some(&read), 404),
    ] {
        assert_eq!(ask(address, method, path, token.map(String::as_str)).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn optional_identity() {
    let issuer = Issuer::builder().spawn().await.unwrap();
    let (listener, address) = listen().await;
    let url = issuer.url().to_owned();
    tokio::spawn(async move { optional_identity::serve(listener, &url).await });
    let known = token(&issuer, "orders:read");
    assert_eq!(ask(address, Method::GET, "/", None).await, (200, "Hello, stranger".to_owned()));
    assert_eq!(ask(address, Method::GET, "/", Some(&known)).await, (200, "Hello, alice".to_owned()));
    assert_eq!(ask(address, Method::GET, "/", Some(&known[..known.len() - 8])).await.0, 401);
}

#[tokio::test]
async fn hyper_plain() {
    let issuer = Issuer::builder().spawn().await.unwrap();
    let (listener, address) = listen().await;
    let url = issuer.url().to_owned();
    tokio::spawn(async move { hyper_plain::serve(listener, &url).await });
    assert_eq!(ask(address, Method::GET, "/", None).await.0, 401);
    let known = token(&issuer, "orders:read");
    assert_eq!(ask(address, Method::GET, "/", Some(&known)).await, (200, "Hello, alice".to_owned()));
}

#[tokio::test]
async fn tonic_orders() {
    let issuer = Issuer::builder().spawn().await.unwrap();
    let (listener, address) = listen().await;
    let url = issuer.url().to_owned();
    tokio::spawn(async move { tonic_orders::serve(listener, &url).await });
    let channel = Endpoint::try_from(format!("http://{address}")).unwrap().connect().await.unwrap();
    let (read, write) = (token(&issuer, "orders:read"), token(&issuer, "orders:write"));
    let refused = tonic_orders::ask(channel.clone(), None, 7).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::Unauthenticated, "An access token is needed"));
    let refused = tonic_orders::ask(channel.clone(), Some(&write), 7).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(tonic_orders::ask(channel.clone(), Some(&read), 7).await.unwrap().customer, "alice");
    issuer.shutdown().await;
}
