//! Serves a folder as a store that speaks S3, to whoever has its key, until its input ends.
//!
//! Prints its address once it listens.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [folder, access_key_id, secret_access_key] = arguments()?;
    let files = FileSystem::new(PathBuf::from(folder)).map_err(|error| format!("{error:?}"))?;
    let mut service = S3ServiceBuilder::new(files);
    service.set_auth(SimpleAuth::from_single(access_key_id, secret_access_key));
    let service = service.build();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(io::stdout(), "http://{}", listener.local_addr()?)?;
    std::thread::spawn(end_with_input);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            // Whoever breaks off hears nothing more.
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn arguments() -> Result<[String; 3], String> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    given.try_into().map_err(|_| "usage: store FOLDER ACCESS_KEY_ID SECRET_ACCESS_KEY".to_owned())
}

/// Whoever started this holds its input open, and so it ends with him.
fn end_with_input() {
    let mut input = [0; 1];
    while io::stdin().read(&mut input).is_ok_and(|count| count > 0) {}
    std::process::exit(0);
}
