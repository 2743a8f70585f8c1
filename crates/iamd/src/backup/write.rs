//! Writing a backup of a node, while it works.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_store::{CopyVisitor, FactRef, FactVisitor, Head, RowRef, RowVisitor, StoreError};
use iamd_wire::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::format::{
    Counts, FILE_LENGTH_MAX, FILES, FORMAT, Header, Item, LAYOUT, MAGIC, encoded, hexadecimal,
};
use super::stream::{Sealer, file_key, unwritable};
use crate::entropy;
use crate::fault::Fault;
use crate::keys::SealingKey;
use crate::node::Node;
use crate::operator::{Progress, Step};

/// Rows between two reports of progress.
const REPORT_ROWS: u64 = 256;

/// A backup that was written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Summary {
    /// When, in UTC.
    pub created: String,
    /// The fingerprint of the master key that opens it.
    pub master_key: String,
    /// What it holds.
    #[serde(flatten)]
    pub counts: Counts,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Writes a backup: everything that the store holds as of one moment, and the files of the folder
/// that belong to it. Commands go on meanwhile; memory does not grow with what there is.
///
/// # Errors
/// [`Fault::Folder`] when it cannot be written or a file cannot be read; [`Fault::Damaged`] when the
/// store is; [`Fault::Unavailable`].
pub async fn write(
    node: &Arc<Node>,
    folder: &Path,
    progress: &Progress,
    out: Box<dyn Write + Send>,
) -> Result<Summary, Fault> {
    // A full disk is no reason to have no backup: what is lost are times of last use.
    if let Err(fault) = node.flush_facts().await {
        tracing::warn!("times of last use are missing in the backup: {fault}");
    }
    let (node, folder, progress) = (Arc::clone(node), folder.to_owned(), progress.clone());
    let runtime = Handle::current();
    // On a thread of its own, which may wait for the disk or for who reads.
    let work = move || runtime.block_on(copied(&node, &folder, &progress, out));
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Fault::Bug("a backup ended before it was done".to_owned()))?
}

/// What [`write()`] does on its thread.
///
/// # Errors
/// As [`write()`].
pub async fn copied(
    node: &Node,
    folder: &Path,
    progress: &Progress,
    mut out: Box<dyn Write + Send>,
) -> Result<Summary, Fault> {
    let master = node.master();
    let header = Header {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        layout: LAYOUT,
        created: node.clock().now().seconds(),
        master_key: master.fingerprint(),
        salt: entropy::bytes()?,
    };
    let head = head(&header)?;
    out.write_all(&head).map_err(|error| unwritable(&error))?;
    let sealer = Sealer::new(out, file_key(&master, &head)?, head.len() as u64);
    let total = node.rows();
    let mut copier = Copier {
        sealer,
        counts: Counts::default(),
        progress,
        total,
        master: &master,
        is_keys: false,
        stopped: None,
    };
    for name in FILES {
        copier.put_file(folder, name)?;
    }
    let keys = iamd_store::AccountId(AccountId::KEYS.number());
    let copied = node.store().copy_all(keys, &mut copier).await;
    if let Some(fault) = copier.stopped {
        return Err(fault);
    }
    let cursor = copied.map_err(store_fault)?;
    let counts = copier.counts;
    copier.put(&Item::End { counts, incarnation: cursor.incarnation() })?;
    Ok(Summary {
        created: Timestamp::from_seconds(header.created).to_string(),
        master_key: hexadecimal(&header.master_key),
        counts,
        bytes: copier.sealer.finish()?,
    })
}

fn store_fault(error: StoreError) -> Fault {
    crate::node::store_fault(error)
}

/// All that comes before the chunks.
fn head(header: &Header) -> Result<Vec<u8>, Fault> {
    let header = encoded(header)?;
    let length = u32::try_from(header.len())
        .map_err(|_| Fault::Bug("the header of a backup is too long".to_owned()))?;
    Ok([&MAGIC[..], &FORMAT.to_be_bytes(), &length.to_be_bytes(), &header].concat())
}

/// Turns what the store shows into items.
struct Copier<'a> {
    sealer: Sealer<Box<dyn Write + Send>>,
    counts: Counts,
    progress: &'a Progress,
    total: u64,
    /// What the stored keys must be under.
    master: &'a SealingKey,
    /// Whether the rows that come are the stored keys.
    is_keys: bool,
    /// Why the copy was broken off.
    stopped: Option<Fault>,
}

impl Copier<'_> {
    fn put(&mut self, item: &Item<'_>) -> Result<(), Fault> {
        let bytes = Zeroizing::new(encoded(item)?);
        let length = u32::try_from(bytes.len())
            .map_err(|_| Fault::Bug("an item of a backup is too long".to_owned()))?;
        self.sealer.write(&length.to_be_bytes())?;
        self.sealer.write(&bytes)
    }

    /// A backup under one master key of keys that are under another can be restored by nobody.
    fn check_key(&self, row: &RowRef<'_>) -> Result<(), Fault> {
        let key = RecordKey { kind: row.kind, id: row.id.to_owned() };
        if !self.is_keys || self.master.open_row(AccountId::KEYS, &key, row.bytes).is_some() {
            return Ok(());
        }
        Err(Fault::Unavailable(
            "the stored keys are not under the master key in use: it is being replaced, or somebody has altered them; make the backup again".to_owned(),
        ))
    }

    fn put_file(&mut self, folder: &Path, name: &str) -> Result<(), Fault> {
        let path = folder.join(name);
        let fault = |what: &str| Fault::Folder(format!("{} {what}", path.display()));
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(fault(&format!("cannot be read: {error}"))),
        };
        let mut bytes = Zeroizing::new(Vec::new());
        let read = std::io::Read::take(file, FILE_LENGTH_MAX + 1);
        std::io::Read::read_to_end(&mut { read }, &mut bytes)
            .map_err(|error| fault(&format!("cannot be read: {error}")))?;
        if bytes.len() as u64 > FILE_LENGTH_MAX {
            return Err(fault("is too long"));
        }
        self.put(&Item::File { name, bytes: &bytes })
    }

    fn flow(&mut self, outcome: Result<(), Fault>) -> ControlFlow<()> {
        match outcome {
            Ok(()) => ControlFlow::Continue(()),
            Err(fault) => {
                self.stopped = Some(fault);
                ControlFlow::Break(())
            }
        }
    }
}

impl RowVisitor for Copier<'_> {
    fn account(&mut self, account: iamd_store::AccountId, head: Head) -> ControlFlow<()> {
        self.counts.accounts += u64::from(is_real(account.0));
        self.is_keys = account.0 == AccountId::KEYS.number();
        let Head { revision, seal } = &head;
        let outcome = self.put(&Item::Account { account: account.0, revision: revision.0, seal });
        self.flow(outcome)
    }

    fn row(&mut self, row: RowRef<'_>) -> ControlFlow<()> {
        self.counts.rows += 1;
        if self.counts.rows.is_multiple_of(REPORT_ROWS) {
            let done = self.counts.rows;
            self.progress.report(Step { done, total: self.total.max(done) });
        }
        let outcome = self
            .check_key(&row)
            .and_then(|()| self.put(&Item::Row { kind: row.kind, id: row.id, bytes: row.bytes }));
        self.flow(outcome)
    }
}

impl FactVisitor for Copier<'_> {
    fn fact(&mut self, fact: FactRef<'_>) -> ControlFlow<()> {
        self.counts.facts += 1;
        let FactRef { account, key, at, bytes } = fact;
        let outcome = self.put(&Item::Fact { account: account.0, key, at, bytes });
        self.flow(outcome)
    }
}

impl CopyVisitor for Copier<'_> {
    fn record(&mut self, number: u64, bytes: &[u8]) -> ControlFlow<()> {
        self.counts.records += 1;
        let outcome = self.put(&Item::Record { number, bytes });
        self.flow(outcome)
    }

    fn claim(&mut self, key: &[u8], expiry: i64) -> ControlFlow<()> {
        self.counts.claims += 1;
        let outcome = self.put(&Item::Claim { key, expiry });
        self.flow(outcome)
    }
}

/// Whether an account is none of those that iamd keeps for itself.
pub(super) fn is_real(account: u64) -> bool {
    AccountId::from_number(account).is_some()
}
