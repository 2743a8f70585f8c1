//! The door itself: a listening socket in the data folder.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use iamd_core::operator::Operator;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};

use super::output::Output;
use super::progress::Progress;
use super::revoke::keep_replaying;
use super::way::Way;
use super::wish::{Site, Wish, grant};
use super::{BROKEN_OFF, BYTES_LENGTH_MAX, REQUEST_LENGTH_MAX, Reply, SOCKET_FILE};
use crate::fault::Fault;
use crate::node::Node;

/// Time between two lines of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Opens the door: requests are served until the returned guard is dropped. What was revoked while
/// the store was away is in force from now on.
///
/// # Errors
/// [`Fault::Folder`] when the socket cannot be made; [`Fault::Damaged`] when the journal of
/// revocations was altered.
pub fn open(node: &Arc<Node>, folder: &Path) -> Result<OperatorDoor, Fault> {
    let path = folder.join(SOCKET_FILE);
    let failed = |error: std::io::Error| {
        Fault::Folder(format!("the operator's socket {} cannot be made: {error}", path.display()))
    };
    match std::fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    // The folder is closed to others, so nobody gets in before the mode is set.
    let way = Way::to(folder)?;
    let listener = UnixListener::bind(way.socket()).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    node.open_journal(folder)?;
    let replay = tokio::spawn(keep_replaying(Arc::clone(node)));
    let node = Arc::clone(node);
    let folder = folder.to_owned();
    let task = tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(serve(Arc::clone(&node), folder.clone(), stream));
                }
                Err(error) => tracing::warn!("the operator's socket failed: {error}"),
            }
        }
    });
    Ok(OperatorDoor { path, tasks: [task, replay] })
}

/// An open operator's door.
pub struct OperatorDoor {
    path: PathBuf,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

impl Drop for OperatorDoor {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn serve(node: Arc<Node>, folder: PathBuf, stream: UnixStream) {
    let (read, mut write) = stream.into_split();
    let mut line = Vec::new();
    let mut reader = BufReader::new(read.take(REQUEST_LENGTH_MAX));
    if reader.read_until(b'\n', &mut line).await.is_err() {
        return;
    }
    let reply = match serde_json::from_slice::<Wish>(&line) {
        Ok(wish) => worked(node, folder, wish, &mut write).await,
        Err(error) => Reply::Error(format!("the request cannot be read: {error}")),
    };
    // Who asked may have gone away; what was done stays.
    let _ = say(&mut write, &reply).await;
}

/// Carries out a wish, and says from time to time how far it is. Bytes are passed on as they come;
/// work that waits for them to be taken ends when who asked goes away.
async fn worked(node: Arc<Node>, folder: PathBuf, wish: Wish, write: &mut OwnedWriteHalf) -> Reply {
    let (progress, mut steps) = Progress::channel();
    let (mut bytes, output) = match pipe() {
        Ok((bytes, output)) => (Some(bytes), output),
        Err(error) => return Reply::Error(format!("there is no way for bytes: {error}")),
    };
    // A task of its own: work that has begun is finished, also when who asked goes away.
    let mut work = tokio::spawn(async move {
        let operator = &Operator::Machine;
        let (folder, progress, output) = (&folder, &progress, &output);
        grant(&Site { node: &node, folder, progress, output, operator }, wish).await
    });
    let mut pause = tokio::time::interval(PROGRESS_INTERVAL);
    let mut buffer = vec![0; BYTES_LENGTH_MAX];
    let outcome = loop {
        tokio::select! {
            outcome = &mut work => break outcome,
            read = next(&mut bytes, &mut buffer) => {
                if pass_on(write, &buffer, read).await.is_err() {
                    bytes = None;
                }
            }
            _ = pause.tick() => {
                let step = steps.has_changed().unwrap_or(false).then(|| *steps.borrow_and_update());
                if let Some(step) = step.flatten() {
                    let _ = say(write, &Reply::Progress(step)).await;
                }
            }
        }
    };
    // The place of the bytes went with the work: what is still on its way has an end.
    while bytes.is_some() {
        let read = next(&mut bytes, &mut buffer).await;
        if pass_on(write, &buffer, read).await.is_err() {
            bytes = None;
        }
    }
    match outcome {
        Ok(Ok(granted)) => Reply::Granted(Box::new(granted)),
        Ok(Err(fault)) => Reply::Error(fault.to_string()),
        Err(_) => Reply::Error(BROKEN_OFF.to_owned()),
    }
}

/// A place for bytes, and where they come out; what is in between is bounded by the system.
fn pipe() -> std::io::Result<(UnixStream, Output)> {
    let (out, into) = std::os::unix::net::UnixStream::pair()?;
    out.set_nonblocking(true)?;
    Ok((UnixStream::from_std(out)?, Output::to(Box::new(into))))
}

/// The number of bytes that came; an error at their end. Waits for ever once there are none.
async fn next(bytes: &mut Option<UnixStream>, buffer: &mut [u8]) -> std::io::Result<usize> {
    match bytes {
        Some(stream) => match stream.read(buffer).await {
            Ok(0) => Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => read,
        },
        None => std::future::pending().await,
    }
}

async fn pass_on(
    write: &mut OwnedWriteHalf,
    buffer: &[u8],
    read: std::io::Result<usize>,
) -> std::io::Result<()> {
    let length = read?;
    say(write, &Reply::Bytes(length)).await?;
    write.write_all(buffer.get(..length).unwrap_or_default()).await
}

async fn say(write: &mut OwnedWriteHalf, reply: &Reply) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(reply)?;
    text.push(b'\n');
    write.write_all(&text).await
}
