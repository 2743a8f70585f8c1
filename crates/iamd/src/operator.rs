//! The operator's door: a socket in the data folder that only the owner of the process can open.
//!
//! A request is one line of JSON, and so is its answer.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::audit;
use crate::fault::Fault;
use crate::founder::{self, NewAccountFacts, Order};
use crate::mfa_tokens::{self, TokenOrder, TokensImported};
use crate::node::Node;

/// Name of the socket in the data folder.
pub const SOCKET_FILE: &str = "operator.sock";
/// Longest line, in bytes.
const LINE_LENGTH_MAX: u64 = 1024 * 1024;

/// What an operator asks for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Wish {
    /// Found an account.
    CreateAccount(Order),
    /// List the accounts.
    ListAccounts,
    /// Prove the audit trail.
    VerifyAudit,
    /// Make hardware tokens known.
    ImportMfaTokens(TokenOrder),
}

/// What he gets.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granted {
    /// The account that was founded.
    Account(NewAccountFacts),
    /// The accounts, by number.
    Accounts(Vec<AccountLine>),
    /// What was proven of the audit trail.
    Audit(audit::Report),
    /// The hardware tokens that are known now.
    MfaTokens(TokensImported),
}

/// An account in a list.
#[derive(Debug, Deserialize, Serialize)]
pub struct AccountLine {
    /// Its number.
    pub account_id: String,
    /// Its alias, if it has one.
    pub alias: Option<String>,
    /// Root's e-mail address.
    pub root_email: String,
    /// When it was created.
    pub created: String,
    /// How many users it has.
    pub users: usize,
    /// How many roles it has.
    pub roles: usize,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Reply {
    Granted(Granted),
    Error(String),
}

/// Carries out a wish on a node whose data folder this is.
///
/// # Errors
/// [`Fault::Refused`] and what the node answers.
pub async fn grant(node: &Arc<Node>, data: &Path, wish: Wish) -> Result<Granted, Fault> {
    match wish {
        Wish::CreateAccount(order) => founder::found(node, order).await.map(Granted::Account),
        Wish::ImportMfaTokens(order) => {
            mfa_tokens::import(node, order).await.map(Granted::MfaTokens)
        }
        Wish::ListAccounts => Ok(Granted::Accounts(accounts(node))),
        Wish::VerifyAudit => audit::verify(node, data).await.map(Granted::Audit),
    }
}

fn accounts(node: &Node) -> Vec<AccountLine> {
    let snapshot = node.snapshot();
    let line = |account: &Arc<iamd_core::state::Account>| {
        let settings = account.settings()?;
        Some(AccountLine {
            account_id: account.id().to_string(),
            alias: settings.alias.as_deref().map(str::to_owned),
            root_email: settings.root_email.to_string(),
            created: settings.created.to_string(),
            users: account.users().len(),
            roles: account.roles().len(),
        })
    };
    snapshot.state.accounts().filter_map(line).collect()
}

/// Opens the door: requests are served until the returned guard is dropped.
///
/// # Errors
/// [`Fault::Folder`] when the socket cannot be made.
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
    let (node, data) = (Arc::clone(node), folder.to_owned());
    let task = tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(serve(Arc::clone(&node), data.clone(), stream));
                }
                Err(error) => tracing::warn!("the operator's socket failed: {error}"),
            }
        }
    });
    Ok(OperatorDoor { path, task })
}

/// An open operator's door.
pub struct OperatorDoor {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for OperatorDoor {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn serve(node: Arc<Node>, data: PathBuf, stream: UnixStream) {
    let (read, mut write) = stream.into_split();
    let mut line = Vec::new();
    let mut reader = BufReader::new(read.take(LINE_LENGTH_MAX));
    if reader.read_until(b'\n', &mut line).await.is_err() {
        return;
    }
    let outcome = match serde_json::from_slice::<Wish>(&line) {
        Ok(wish) => grant(&node, &data, wish).await,
        Err(error) => Err(Fault::Refused(format!("the request cannot be read: {error}"))),
    };
    let reply = match outcome {
        Ok(granted) => Reply::Granted(granted),
        Err(fault) => Reply::Error(fault.to_string()),
    };
    if let Ok(mut text) = serde_json::to_vec(&reply) {
        text.push(b'\n');
        let _ = write.write_all(&text).await;
    }
}

/// Asks the node that runs on a folder; none if no node runs there.
///
/// # Errors
/// [`Fault::Refused`] with the node's words; [`Fault::Unavailable`] when it does not answer.
pub async fn ask(folder: &Path, wish: &Wish) -> Result<Option<Granted>, Fault> {
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
    let mut line = Vec::new();
    let mut reader = BufReader::new(read.take(LINE_LENGTH_MAX));
    reader.read_until(b'\n', &mut line).await.map_err(|error| failed(error.to_string()))?;
    match serde_json::from_slice(&line).map_err(|error| failed(error.to_string()))? {
        Reply::Granted(granted) => Ok(Some(granted)),
        Reply::Error(reason) => Err(Fault::Refused(reason)),
    }
}

/// A way to the socket of a folder whose path is short enough for the system.
enum Way {
    Direct(PathBuf),
    /// Through a link in a private folder, which lasts as long as this value.
    Linked(PathBuf),
}

impl Way {
    /// Longest path of a socket, in bytes. Linux takes 107, macOS 103.
    const LENGTH_MAX: usize = 103;
    const LINK: &str = "data";

    fn to(folder: &Path) -> Result<Way, Fault> {
        let direct = folder.join(SOCKET_FILE);
        if direct.as_os_str().len() <= Way::LENGTH_MAX {
            return Ok(Way::Direct(direct));
        }
        let private = std::env::temp_dir().join(format!("iamd-{}", crate::entropy::request_id()?));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&private);
        made.map_err(|error| cannot_link(&private, &error))?;
        let way = Way::Linked(private);
        if let Way::Linked(private) = &way {
            std::fs::canonicalize(folder)
                .and_then(|folder| std::os::unix::fs::symlink(folder, private.join(Way::LINK)))
                .map_err(|error| cannot_link(private, &error))?;
        }
        Ok(way)
    }

    fn socket(&self) -> PathBuf {
        match self {
            Way::Direct(path) => path.clone(),
            Way::Linked(private) => private.join(Way::LINK).join(SOCKET_FILE),
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        if let Way::Linked(private) = self {
            let _ = std::fs::remove_file(private.join(Way::LINK));
            let _ = std::fs::remove_dir(private);
        }
    }
}

fn cannot_link(private: &Path, error: &std::io::Error) -> Fault {
    Fault::Folder(format!("the folder {} cannot be made: {error}", private.display()))
}
