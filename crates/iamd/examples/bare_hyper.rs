//! A bare hyper server, the measure of `cargo xtask bench`: it reads a request and answers a fixed
//! body, with the connection settings of iamd, and nothing else.

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let length: usize = std::env::args().nth(1).ok_or("usage: bare_hyper BODY_BYTES")?.parse()?;
    let body = Bytes::from(vec![b'x'; length]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let body = body.clone();
            // A gateway looks whether a bucket is there before it makes it.
            let is_head = request.method() == Method::HEAD;
            async move {
                let mut sent = request.into_body();
                while let Some(Ok(_)) = sent.frame().await {}
                let mut response = Response::new(Full::new(body));
                if is_head {
                    *response.status_mut() = StatusCode::NOT_FOUND;
                }
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new());
        tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
    }
}
