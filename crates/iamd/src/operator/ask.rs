//! Asking the node that runs on a data folder.

use std::io::Write;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::output::Output;
use super::progress::Progress;
use super::way::Way;
use super::wish::{Granted, Wish};
use super::{ANSWER_LENGTH_MAX, BYTES_LENGTH_MAX, Reply, SOCKET_FILE};
use crate::fault::Fault;

/// Asks the node that runs on a folder, and passes on how far it is and the bytes that it sends;
/// none if no node runs there.
///
/// # Errors
/// [`Fault::Refused`] with the node's words; [`Fault::Unavailable`] when it does not answer.
pub async fn ask(
    folder: &Path,
    wish: &Wish,
    progress: &Progress,
    output: &Output,
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
    let mut place: Option<Box<dyn Write + Send>> = None;
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).await.map_err(|error| failed(error.to_string()))?;
        match serde_json::from_slice(&line).map_err(|error| failed(error.to_string()))? {
            Reply::Progress(step) => progress.report(step),
            Reply::Bytes(length) => {
                let limit = reader.get_ref().limit().saturating_add(length as u64);
                reader.get_mut().set_limit(limit);
                if length > BYTES_LENGTH_MAX {
                    return Err(failed("it sends more at once than it may".to_owned()));
                }
                line.resize(length, 0);
                reader.read_exact(&mut line).await.map_err(|error| failed(error.to_string()))?;
                let place = match &mut place {
                    Some(place) => place,
                    None => place.insert(output.take()?),
                };
                place.write_all(&line).map_err(|error| {
                    Fault::Folder(format!("the output cannot be written: {error}"))
                })?;
            }
            Reply::Granted(granted) => {
                if let Some(place) = &mut place {
                    place.flush().map_err(|error| {
                        Fault::Folder(format!("the output cannot be written: {error}"))
                    })?;
                }
                return Ok(Some(*granted));
            }
            Reply::Error(reason) => return Err(Fault::Refused(reason)),
        }
    }
}
