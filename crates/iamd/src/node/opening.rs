//! Opening many rows, on all processors while more are being read.

use std::collections::VecDeque;
use std::num::NonZero;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_core::state::{AccountFilling, Entity};
use iamd_store::RowRef;
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::keys::{Keyring, LedgerPart};

/// So many rows are opened together.
const ROWS_MAX: usize = 4_096;
/// More threads than these only wait for each other's memory.
const THREADS_MAX: usize = 16;
/// So many batches each thread may have before it.
const BATCHES_OF_THREAD: usize = 2;

/// Rows of one account, one after the other in one piece of memory.
pub(super) struct Batch {
    account: AccountId,
    /// The version of the key of the account's ledger.
    ledger_key: u32,
    rows: Vec<Waiting>,
    content: Vec<u8>,
}

struct Waiting {
    key: RecordKey,
    sealed: Range<usize>,
}

/// What rows hold.
pub(super) struct Opened {
    pub(super) ledger: LedgerPart,
    /// Empty of the account of the keys.
    pub(super) filling: AccountFilling,
}

impl Batch {
    pub(super) fn new(account: AccountId, ledger_key: u32) -> Batch {
        Batch { account, ledger_key, rows: Vec::new(), content: Vec::new() }
    }

    pub(super) fn push(&mut self, row: RowRef<'_>) {
        let start = self.content.len();
        self.content.extend_from_slice(row.bytes);
        let key = RecordKey { kind: row.kind, id: row.id.to_owned() };
        self.rows.push(Waiting { key, sealed: start..self.content.len() });
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= ROWS_MAX
    }

    pub(super) fn open(&self, keyring: &Keyring) -> Result<Opened, Fault> {
        let account = self.account;
        let with = keyring.version(account, self.ledger_key).ok_or_else(|| {
            Fault::Bug(format!("the key of the ledger of account {account} is not there"))
        })?;
        let (mut ledger, mut filling) = (LedgerPart::default(), AccountFilling::new(account));
        // One after the other is opened in the same place, which is wiped once.
        let mut place = Zeroizing::new(Vec::new());
        for Waiting { key, sealed } in &self.rows {
            place.clear();
            place.extend_from_slice(self.content.get(sealed.clone()).unwrap_or_default());
            let (content, version) = keyring.open_in(account, key, &mut place)?;
            ledger.add(with, account, key, version);
            if account != AccountId::KEYS {
                let entity = Entity::from_bytes(key, content)
                    .map_err(|error| Fault::Damaged(error.to_string()))?;
                filling.add(entity);
            }
        }
        Ok(Opened { ledger, filling })
    }
}

/// Threads that open batches, in turn: what comes out is in the order of what went in.
pub(super) struct Openers {
    keyring: Arc<Keyring>,
    /// Empty where there is one processor.
    threads: Vec<Opener>,
    /// Which threads have batches, a place for each batch, the oldest first.
    under_way: VecDeque<usize>,
    next: usize,
}

struct Opener {
    batches: SyncSender<Batch>,
    opened: Receiver<Result<Opened, Fault>>,
}

impl Openers {
    pub(super) fn start(keyring: &Arc<Keyring>) -> Openers {
        let processors = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
        let threads = if processors == 1 { 0 } else { processors };
        // Where the system has no more threads, there are fewer.
        let threads = (0..threads).map_while(|_| Opener::start(Arc::clone(keyring))).collect();
        Openers { keyring: Arc::clone(keyring), threads, under_way: VecDeque::new(), next: 0 }
    }

    /// Has a batch opened; what comes out now is an older one, or this one if nobody else opens it.
    pub(super) fn open(&mut self, batch: Batch) -> Option<Result<Opened, Fault>> {
        let is_full = self.under_way.len() >= self.threads.len() * BATCHES_OF_THREAD;
        let oldest = if is_full { self.finished() } else { None };
        let Some(opener) = self.threads.get(self.next) else {
            return Some(batch.open(&self.keyring));
        };
        if opener.batches.send(batch).is_err() {
            return Some(Err(broken_off()));
        }
        self.under_way.push_back(self.next);
        self.next = (self.next + 1) % self.threads.len();
        oldest
    }

    /// The oldest batch that is under way, once it is opened; none if there is none.
    pub(super) fn finished(&mut self) -> Option<Result<Opened, Fault>> {
        let opener = self.threads.get(self.under_way.pop_front()?)?;
        Some(opener.opened.recv().unwrap_or_else(|_| Err(broken_off())))
    }
}

impl Opener {
    fn start(keyring: Arc<Keyring>) -> Option<Opener> {
        let (batches, coming) = sync_channel::<Batch>(BATCHES_OF_THREAD);
        let (finished, opened) = sync_channel(BATCHES_OF_THREAD);
        let work = move || {
            while let Ok(batch) = coming.recv() {
                if finished.send(batch.open(&keyring)).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("iamd-open".to_owned()).spawn(work);
        thread.is_ok().then_some(Opener { batches, opened })
    }
}

fn broken_off() -> Fault {
    Fault::Bug("a thread that opens rows broke off".to_owned())
}
