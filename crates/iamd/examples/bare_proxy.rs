//! A bare reverse proxy, the measure of the gateway in `cargo xtask bench`: hyper on both sides, every
//! request handed on with its body as it comes, and nothing looked at.

use std::error::Error;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let upstream = std::env::args().nth(1).ok_or("usage: bare_proxy http://HOST:PORT")?;
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(http);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (client, upstream) = (client.clone(), upstream.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (client, path) = (client.clone(), request.uri().path_and_query().cloned());
            let target = format!("{upstream}{}", path.map_or("/".to_owned(), |it| it.to_string()));
            async move {
                *request.uri_mut() = target.parse::<Uri>()?;
                let answered = client.request(request).await;
                answered.map_err(Box::<dyn Error + Send + Sync>::from)
            }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new());
        tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
    }
}
