//! Requests that are ready to be sent, and sending them over many connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::server::Server;

/// Threads that send; the server needs the rest of the machine.
const THREADS: usize = 2;
/// How long an answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// Whole HTTP requests.
pub(super) struct Load {
    requests: Vec<Vec<u8>>,
}

impl Load {
    /// One request, sent over and over.
    pub(super) fn of(request: Vec<u8>) -> Load {
        Load { requests: vec![request] }
    }

    /// Different requests, each sent once.
    pub(super) fn each(requests: Vec<Vec<u8>>) -> Load {
        Load { requests }
    }

    /// What a bare server gets: a request of the same size.
    pub(super) fn plain(server: &Server) -> Load {
        let form = "Action=GetCallerIdentity&Version=2011-06-15";
        let filler = "x".repeat(280);
        Load::of(
            format!(
                "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded; charset=utf-8\r\nx-amz-date: 20260131T120000Z\r\nuser-agent: bench\r\naccept-encoding: identity\r\ncontent-length: {}\r\nauthorization: {filler}\r\n\r\n{form}",
                server.host(),
                form.len()
            )
            .into_bytes(),
        )
    }

    /// Sends `count` requests over `connections` connections; every answer must be a 200.
    pub(super) fn send(&self, host: &str, count: usize, connections: usize) -> Result<(), String> {
        let threads = THREADS.min(connections);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|thread| {
                    let own_connections = connections / threads;
                    let from = count * thread / threads;
                    let to = count * (thread + 1) / threads;
                    scope.spawn(move || self.send_from(host, from..to, own_connections))
                })
                .collect();
            for worker in workers {
                worker.join().map_err(|_| "a sending thread broke off".to_owned())??;
            }
            Ok(())
        })
    }

    fn send_from(
        &self,
        host: &str,
        numbers: std::ops::Range<usize>,
        connections: usize,
    ) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{host}: {error}");
        let mut streams = Vec::new();
        for _ in 0..connections.max(1) {
            let stream = TcpStream::connect(host).map_err(failed)?;
            stream.set_nodelay(true).map_err(failed)?;
            stream.set_read_timeout(Some(ANSWER_TIME_MAX)).map_err(failed)?;
            streams.push(stream);
        }
        let mut buffer = Vec::new();
        let mut next = numbers.start;
        while next < numbers.end {
            // All connections have a request under way before the first answer is read.
            let batch = streams.len().min(numbers.end - next);
            for (place, stream) in streams.iter_mut().take(batch).enumerate() {
                let request = self.requests.get((next + place) % self.requests.len());
                stream.write_all(request.map_or(&[], Vec::as_slice)).map_err(failed)?;
            }
            for stream in streams.iter_mut().take(batch) {
                answer(stream, &mut buffer).map_err(|error| format!("{host}: {error}"))?;
            }
            next += batch;
        }
        Ok(())
    }
}

/// Reads one answer; gives its body.
pub(super) fn answer<'b>(
    stream: &mut TcpStream,
    buffer: &'b mut Vec<u8>,
) -> Result<&'b [u8], String> {
    buffer.clear();
    let mut chunk = [0; 64 * 1024];
    let (head, length) = loop {
        let read = stream.read(&mut chunk).map_err(|error| error.to_string())?;
        if read == 0 {
            return Err("the server closed the connection".to_owned());
        }
        buffer.extend_from_slice(chunk.get(..read).unwrap_or_default());
        let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let text =
            String::from_utf8_lossy(buffer.get(..head).unwrap_or_default()).to_ascii_lowercase();
        let length =
            text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        break (head + 4, length.unwrap_or(0_usize));
    };
    while buffer.len() < head + length {
        let read = stream.read(&mut chunk).map_err(|error| error.to_string())?;
        if read == 0 {
            return Err("the server closed the connection".to_owned());
        }
        buffer.extend_from_slice(chunk.get(..read).unwrap_or_default());
    }
    if !buffer.starts_with(b"HTTP/1.1 200") {
        return Err(String::from_utf8_lossy(buffer).into_owned());
    }
    Ok(buffer.get(head..head + length).unwrap_or_default())
}
