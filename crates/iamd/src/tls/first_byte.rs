//! Telling a client that speaks plain HTTP to a TLS port what is wrong.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// What a TLS connection begins with. RFC 8446, section 5.1: the content type `handshake`.
const HANDSHAKE: u8 = 22;

const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 60\r\n\
    connection: close\r\n\
    \r\n\
    This port speaks HTTPS: write https:// instead of http://.\r\n";

/// Whether the first byte is a letter, as that of every HTTP method.
pub async fn is_plain_http(stream: &TcpStream) -> bool {
    let mut first = [0; 1];
    match stream.peek(&mut first).await {
        Ok(1) => first != [HANDSHAKE] && first.iter().all(u8::is_ascii_alphabetic),
        Ok(_) | Err(_) => false,
    }
}

/// Says so, and hangs up.
pub async fn tell_of_tls(mut stream: TcpStream) {
    let _ = stream.write_all(ANSWER).await;
    let _ = stream.shutdown().await;
}
