//! hyper without a framework.

use std::convert::Infallible;
use std::error::Error;

use bearward_tower::{BearwardLayer, Gate, Identity, Issuer};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{Layer as _, service_fn};

/// Serves the application until it fails.
pub async fn serve(listener: TcpListener, issuer: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let gate = Gate::builder().issuer(Issuer::new(issuer).audience("https://api.example.com")).build()?;
    let service = BearwardLayer::new(gate).layer(service_fn(greet));
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let connection =
                http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            // A broken connection concerns its client only.
            let _ = connection.await;
        });
    }
}

async fn greet(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let identity = request.extensions().get::<Identity>();
    let subject = identity.and_then(Identity::subject).unwrap_or("stranger");
    Ok(Response::new(Full::from(format!("Hello, {subject}"))))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    serve(TcpListener::bind("127.0.0.1:3000").await?, "http://127.0.0.1:9000").await
}
