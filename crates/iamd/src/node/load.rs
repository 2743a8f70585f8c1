//! Reading the whole store into a snapshot, and proving that it is what was written.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_core::state::{AccountFilling, State};
use iamd_store::{Cursor, Head, Revision, RowRef, RowVisitor, Store, StoreError};

use super::key_store;
use super::opening::{Batch, Opened, Openers};
use super::snapshot::Snapshot;
use crate::fault::Fault;
use crate::keys::{Culprit, Keyring, Ledger, Misfit, SealingKey, culprit};

/// How often everything is read again because a key was made meanwhile.
const READS_MAX: usize = 3;

/// Everything that a store holds.
pub(super) struct Loaded {
    pub(super) snapshot: Snapshot,
    pub(super) ledgers: HashMap<AccountId, Ledger>,
    /// Where the change feed stood.
    pub(super) cursor: Cursor,
}

/// One account as the store holds it, in a state of its own.
pub(super) struct LoadedAccount {
    pub(super) state: State,
    pub(super) revision: Revision,
    pub(super) ledger: Ledger,
}

/// Reads everything; a store that is empty gets its first keys.
///
/// # Errors
/// [`Fault::Damaged`] that names what cannot be read, or is not what was written;
/// [`Fault::Folder`] when the master key is another one; [`Fault::Unavailable`].
pub(super) async fn everything(
    store: &dyn Store,
    master: &Arc<SealingKey>,
    now: i64,
) -> Result<Loaded, Fault> {
    let mut reads = 1;
    loop {
        let (keyring, revision) = key_store::open(store, master, now).await?;
        let outcome = with_keys(store, keyring).await;
        // A key that was made between the two reads is not in the keyring, whether or not it is
        // needed already; and the keys would count as those of a revision that they are not of.
        let is_of_one_moment = match &outcome {
            Ok(loaded) => loaded.snapshot.revision(AccountId::KEYS) == revision,
            Err(_) => key_store::open(store, master, now).await?.1 == revision,
        };
        if is_of_one_moment {
            return outcome;
        }
        if reads == READS_MAX {
            return Err(Fault::Unavailable("keys are changed all the time".to_owned()));
        }
        reads += 1;
    }
}

/// Reads everything, proves it, and keeps nothing of it. `done` hears how many accounts are through.
///
/// # Errors
/// As [`everything`].
pub(super) async fn verified(
    store: &dyn Store,
    master: &Arc<SealingKey>,
    now: i64,
    mut done: impl FnMut(u64) + Send,
) -> Result<(), Fault> {
    let (keyring, _) = key_store::open(store, master, now).await?;
    let keyring = Arc::new(keyring);
    let mut count = 0;
    let mut begins = || {
        count += 1;
        done(count);
    };
    load(store, &keyring, Some(&mut begins)).await.map(|_| ())
}

async fn with_keys(store: &dyn Store, keyring: Keyring) -> Result<Loaded, Fault> {
    load(store, &Arc::new(keyring), None).await
}

/// Reads everything. For whoever looks on as accounts begin, it is only proven.
async fn load<'a>(
    store: &dyn Store,
    keyring: &'a Arc<Keyring>,
    onlooker: Option<&'a mut (dyn FnMut() + Send)>,
) -> Result<Loaded, Fault> {
    let mut loader = Loader { onlooker, ..Loader::new(keyring) };
    let loaded = store.load_all(&mut loader).await;
    if loader.stopped.is_none() && loaded.is_ok() {
        loader.stopped = loader.finish_account().err();
    }
    if let Some(stopped) = loader.stopped.take() {
        return Err(stopped.explained(store, keyring).await);
    }
    let cursor = loaded.map_err(store_fault)?;
    let Loader { state, revisions, ledgers, .. } = loader;
    let snapshot = Snapshot::new(state, revisions, Arc::clone(keyring));
    Ok(Loaded { snapshot, ledgers, cursor })
}

/// Reads one account; none if the store has no such account.
///
/// # Errors
/// As [`everything`].
pub(super) async fn account(
    store: &dyn Store,
    keyring: &Arc<Keyring>,
    account: AccountId,
) -> Result<Option<LoadedAccount>, Fault> {
    let stored = iamd_store::AccountId(account.number());
    let read = store.read_account(stored).await.map_err(store_fault)?;
    if read.head == Head::ABSENT {
        return Ok(None);
    }
    let revision = read.head.revision;
    let mut loader = Loader::new(keyring);
    let mut outcome = loader.begin_account(stored, read.head);
    for row in &read.rows {
        let row = RowRef { kind: row.key.kind, id: &row.key.id, bytes: &row.bytes };
        outcome = outcome.and_then(|()| loader.read(row));
    }
    if let Err(stopped) = outcome.and_then(|()| loader.finish_account()) {
        return Err(stopped.explained(store, keyring).await);
    }
    let ledger = loader.ledgers.remove(&account);
    let ledger = ledger.ok_or_else(|| Fault::Bug("an account was read as another".to_owned()))?;
    Ok(Some(LoadedAccount { state: loader.state, revision, ledger }))
}

/// What a store's error means for the node.
pub fn store_fault(error: StoreError) -> Fault {
    match error {
        StoreError::Unavailable { reason } => Fault::Unavailable(reason),
        StoreError::Closed => Fault::Unavailable("the node is shutting down".to_owned()),
        StoreError::Damaged { detail } => Fault::Damaged(detail),
        StoreError::Invalid { reason } => Fault::Bug(reason),
        StoreError::Stopped => Fault::Bug("a load was broken off".to_owned()),
    }
}

struct Loader<'a> {
    /// Hears of every account that begins; with one, no state is made.
    onlooker: Option<&'a mut (dyn FnMut() + Send)>,
    keyring: &'a Arc<Keyring>,
    /// Who opens what comes in large batches, once there is any.
    openers: Option<Openers>,
    state: State,
    revisions: imbl::HashMap<AccountId, Revision>,
    ledgers: HashMap<AccountId, Ledger>,
    current: Option<Current<'a>>,
    stopped: Option<Stopped>,
}

/// The account whose rows are coming.
struct Current<'a> {
    account: AccountId,
    head: Head,
    /// The key of its ledger.
    with: &'a SealingKey,
    ledger: Ledger,
    filling: AccountFilling,
    /// Rows that are not opened yet.
    waiting: Batch,
}

/// Why a load ends early.
enum Stopped {
    Fault(Fault),
    /// The rows of an account are not those that were written.
    Misfit {
        account: AccountId,
        difference: u128,
    },
}

impl Stopped {
    async fn explained(self, store: &dyn Store, keyring: &Keyring) -> Fault {
        match self {
            Stopped::Fault(fault) => fault,
            Stopped::Misfit { account, difference } => {
                explained(store, keyring, account, difference).await
            }
        }
    }
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Stopped {
        Stopped::Fault(fault)
    }
}

impl<'a> Loader<'a> {
    fn new(keyring: &'a Arc<Keyring>) -> Loader<'a> {
        Loader {
            onlooker: None,
            keyring,
            openers: None,
            state: State::default(),
            revisions: imbl::HashMap::new(),
            ledgers: HashMap::new(),
            current: None,
            stopped: None,
        }
    }

    fn begin_account(&mut self, account: iamd_store::AccountId, head: Head) -> Result<(), Stopped> {
        self.finish_account()?;
        if let Some(onlooker) = &mut self.onlooker {
            onlooker();
        }
        let id = AccountId::from_stored(account.0).ok_or_else(|| {
            Fault::Damaged(format!(
                "the account number {} is out of range; was it written by a newer iamd?",
                account.0
            ))
        })?;
        let with = self.keyring.of_sealed(id, &head.seal).ok_or_else(|| bad_seal(id))?;
        self.current = Some(Current {
            account: id,
            head,
            with,
            ledger: Ledger::new(with),
            filling: AccountFilling::new(id),
            waiting: Batch::new(id, with.version()),
        });
        Ok(())
    }

    fn finish_account(&mut self) -> Result<(), Stopped> {
        self.open_rest()?;
        let Some(Current { account, head, with, mut ledger, filling, .. }) = self.current.take()
        else {
            return Ok(());
        };
        ledger.finish(head.revision);
        ledger.fits(with, account, &head.seal).map_err(|misfit| match misfit {
            Misfit::Seal => Stopped::Fault(bad_seal(account)),
            Misfit::Rows { difference } => Stopped::Misfit { account, difference },
        })?;
        self.ledgers.insert(account, ledger);
        self.revisions.insert(account, head.revision);
        if account != AccountId::KEYS {
            self.state.fill(filling);
        }
        Ok(())
    }

    fn read(&mut self, row: RowRef<'_>) -> Result<(), Stopped> {
        let current = self
            .current
            .as_mut()
            .ok_or_else(|| Fault::Bug("a row came before its account".to_owned()))?;
        current.waiting.push(row);
        let Some(batch) = current.waiting.take_full() else { return Ok(()) };
        let openers = self.openers.get_or_insert_with(|| Openers::start(self.keyring));
        if let Some(opened) = openers.open(batch) {
            self.take(opened?);
        }
        Ok(())
    }

    /// Opens what has come of the account and is not opened yet.
    fn open_rest(&mut self) -> Result<(), Stopped> {
        while let Some(opened) = self.openers.as_mut().and_then(Openers::finished) {
            self.take(opened?);
        }
        if let Some(current) = &self.current {
            self.take(current.waiting.open(self.keyring)?);
        }
        Ok(())
    }

    fn take(&mut self, Opened { ledger, filling }: Opened) {
        let is_kept = self.onlooker.is_none();
        if let Some(current) = &mut self.current {
            current.ledger.absorb(ledger);
            if is_kept {
                current.filling.append(filling);
            }
        }
    }

    fn flow(&mut self, outcome: Result<(), Stopped>) -> ControlFlow<()> {
        match outcome {
            Ok(()) => ControlFlow::Continue(()),
            Err(stopped) => {
                self.stopped = Some(stopped);
                ControlFlow::Break(())
            }
        }
    }
}

impl RowVisitor for Loader<'_> {
    fn account(&mut self, account: iamd_store::AccountId, head: Head) -> ControlFlow<()> {
        let outcome = self.begin_account(account, head);
        self.flow(outcome)
    }

    fn row(&mut self, row: RowRef<'_>) -> ControlFlow<()> {
        let outcome = self.read(row);
        self.flow(outcome)
    }
}

fn bad_seal(account: AccountId) -> Fault {
    Fault::Damaged(format!(
        "the revision or the seal of account {account} is not the one that was written; restore a backup"
    ))
}

/// Names the row that is not what was written, where that can be found out.
async fn explained(
    store: &dyn Store,
    keyring: &Keyring,
    account: AccountId,
    difference: u128,
) -> Fault {
    let read = match store.read_account(iamd_store::AccountId(account.number())).await {
        Ok(read) => read,
        Err(error) => return store_fault(error),
    };
    let version = |row: &iamd_store::Row| {
        let key = RecordKey { kind: row.key.kind, id: row.key.id.to_string() };
        let opened = keyring.open(account, &key, &row.bytes).ok()?;
        Some((key, opened.version))
    };
    let rows: Vec<(RecordKey, Revision)> = read.rows.iter().filter_map(version).collect();
    let found = keyring
        .of_sealed(account, &read.head.seal)
        .and_then(|with| culprit(with, account, read.head.revision, difference, &rows));
    let what = match found {
        Some((key, Culprit::Older)) => {
            format!("row {}/{} of account {account} is an older version", key.kind, key.id)
        }
        Some((key, Culprit::Extra)) => {
            format!(
                "row {}/{} of account {account} was removed and is there again",
                key.kind, key.id
            )
        }
        None => format!("account {account} lacks rows, or has older ones than it should"),
    };
    Fault::Damaged(format!("{what}; restore a backup"))
}
