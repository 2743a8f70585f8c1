//! The door itself: a listening socket in the data folder.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use iamd_core::operator::Operator;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};

use super::progress::Progress;
use super::revoke::keep_replaying;
use super::way::Way;
use super::wish::{Site, Wish, grant};
use super::{BROKEN_OFF, REQUEST_LENGTH_MAX, Reply, SOCKET_FILE};
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

/// Carries out a wish, and says from time to time how far it is.
async fn worked(node: Arc<Node>, folder: PathBuf, wish: Wish, write: &mut OwnedWriteHalf) -> Reply {
    let (progress, mut steps) = Progress::channel();
    // A task of its own: work that has begun is finished, also when who asked goes away.
    let mut work = tokio::spawn(async move {
        let operator = &Operator::Machine;
        grant(&Site { node: &node, folder: &folder, progress: &progress, operator }, wish).await
    });
    let mut pause = tokio::time::interval(PROGRESS_INTERVAL);
    let outcome = loop {
        tokio::select! {
            outcome = &mut work => break outcome,
            _ = pause.tick() => {
                let step = steps.has_changed().unwrap_or(false).then(|| *steps.borrow_and_update());
                if let Some(step) = step.flatten() {
                    let _ = say(write, &Reply::Progress(step)).await;
                }
            }
        }
    };
    match outcome {
        Ok(Ok(granted)) => Reply::Granted(Box::new(granted)),
        Ok(Err(fault)) => Reply::Error(fault.to_string()),
        Err(_) => Reply::Error(BROKEN_OFF.to_owned()),
    }
}

async fn say(write: &mut OwnedWriteHalf, reply: &Reply) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(reply)?;
    text.push(b'\n');
    write.write_all(&text).await
}
