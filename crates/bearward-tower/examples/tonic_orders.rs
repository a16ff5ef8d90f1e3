//! A protected gRPC service, and its client. Refusals are gRPC statuses.
//!
//! The service is written by hand, so that no `protoc` is needed. A generated one is protected in the same way.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use bearward_tower::{BearwardLayer, Gate, Identity, Issuer, require};
use http::uri::PathAndQuery;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::{NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::{Layer as _, Service};

/// A request for an order.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetOrder {
    /// Its number.
    #[prost(uint64, tag = "1")]
    pub number: u64,
}

/// An order.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Order {
    /// Its owner.
    #[prost(string, tag = "1")]
    pub customer: String,
}

const GET: &str = "/orders.v1.Orders/Get";

/// Serves the application until it fails.
pub async fn serve(listener: TcpListener, issuer: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let gate = Gate::builder().issuer(Issuer::new(issuer).audience("https://api.example.com")).build()?;
    // The layer protects all services of the server. One of them has a requirement of its own.
    let orders = require().scope("orders:read").layer(Orders);
    let server = Server::builder().layer(BearwardLayer::new(gate)).add_service(orders);
    Ok(server.serve_with_incoming(TcpIncoming::from(listener)).await?)
}

/// Calls the service, with or without a token.
pub async fn ask(channel: Channel, token: Option<&str>, number: u64) -> Result<Order, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let mut request = Request::new(GetOrder { number });
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().map_err(|_| Status::invalid_argument("no token"))?;
        request.metadata_mut().insert("authorization", value);
    }
    let codec = ProstCodec::<GetOrder, Order>::default();
    Ok(client.unary(request, PathAndQuery::from_static(GET), codec).await?.into_inner())
}

#[derive(Clone)]
struct Orders;

impl NamedService for Orders {
    const NAME: &'static str = "orders.v1.Orders";
}

impl Service<http::Request<Body>> for Orders {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            if request.uri().path() != GET {
                return Ok(Status::new(Code::Unimplemented, "no such method").into_http());
            }
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Order, GetOrder>::default());
            Ok(grpc.unary(Get, request).await)
        })
    }
}

struct Get;

impl UnaryService<GetOrder> for Get {
    type Response = Order;
    type Future = Ready<Result<Response<Order>, Status>>;

    fn call(&mut self, request: Request<GetOrder>) -> Self::Future {
        let identity = request.extensions().get::<Identity>();
        let customer = identity.and_then(Identity::subject).unwrap_or("nobody").to_owned();
        ready(Ok(Response::new(Order { customer })))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    serve(TcpListener::bind("127.0.0.1:50051").await?, "http://127.0.0.1:9000").await
}
