//! Asking the node that runs on a data folder.

use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::progress::Progress;
use super::way::Way;
use super::wish::{Granted, Wish};
use super::{ANSWER_LENGTH_MAX, Reply, SOCKET_FILE};
use crate::fault::Fault;

/// Asks the node that runs on a folder, and passes on how far it is; none if no node runs there.
///
/// # Errors
/// [`Fault::Refused`] with the node's words; [`Fault::Unavailable`] when it does not answer.
pub async fn ask(
    folder: &Path,
    wish: &Wish,
    progress: &Progress,
) -> Result<Option<Granted>, Fault> {
    let path = folder.join(SOCKET_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let way = Way::to(folder)?;
    let Ok(stream) = UnixStream::connect(way.socket()).await else { return Ok(None) };
    let failed = |reason: String| {
        Fault::Unavailable(format!("the node at {} does not answer: {reason}", path.display()))
    };
    let (read, mut write) = stream.into_split();
    let mut text = serde_json::to_vec(wish).map_err(|error| failed(error.to_string()))?;
    text.push(b'\n');
    write.write_all(&text).await.map_err(|error| failed(error.to_string()))?;
    let mut reader = BufReader::new(read.take(ANSWER_LENGTH_MAX));
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).await.map_err(|error| failed(error.to_string()))?;
        match serde_json::from_slice(&line).map_err(|error| failed(error.to_string()))? {
            Reply::Progress(step) => progress.report(step),
            Reply::Granted(granted) => return Ok(Some(*granted)),
            Reply::Error(reason) => return Err(Fault::Refused(reason)),
        }
    }
}
