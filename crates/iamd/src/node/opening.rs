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

    /// What is to be opened now, if it is enough; what comes after it goes into an empty batch.
    pub(super) fn take_full(&mut self) -> Option<Batch> {
        let empty = Batch::new(self.account, self.ledger_key);
        (self.rows.len() >= ROWS_MAX).then(|| std::mem::replace(self, empty))
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

#[cfg(test)]
mod tests {
    use iamd_core::state::{AccountSettings, RevokedSession, State};
    use iamd_core::unique_id::{AccessKeyId, IdPrefix};
    use iamd_store::Revision;
    use iamd_wire::Timestamp;

    use super::*;
    use crate::keys::{KeyRow, Ledger, MasterKey};

    const ROWS: u128 = 3 * ROWS_MAX as u128 + 7;

    fn keyring() -> Arc<Keyring> {
        let master = Arc::new(MasterKey::fresh().unwrap().sealing().unwrap());
        Arc::new(Keyring::new(master, &KeyRow::first(0).unwrap()).unwrap())
    }

    fn account() -> AccountId {
        AccountId::from_number(111_122_223_333).unwrap()
    }

    fn entities() -> impl Iterator<Item = Entity> {
        let settings = Entity::Settings(AccountSettings {
            account: account(),
            root_email: "root@example.com".into(),
            root_password_hash: None,
            created: Timestamp::from_seconds(0),
            alias: None,
            root_sessions_not_before: None,
            closed: None,
            sessions_not_before: None,
        });
        let revoked = (0..ROWS).map(|number| {
            // The first five bits say whether the account's number is odd, too.
            let id = AccessKeyId::from_entropy(IdPrefix::TemporaryKey, account(), number << 5);
            Entity::RevokedSession(RevokedSession { id, expires: Timestamp::from_seconds(1) })
        });
        std::iter::once(settings).chain(revoked)
    }

    /// Has all rows opened, of which one may be altered.
    fn opened(keyring: &Arc<Keyring>, altered: Option<usize>) -> Result<(State, Ledger), Fault> {
        let with = keyring.sealing(account()).unwrap();
        let mut openers = Openers::start(keyring);
        let (mut ledger, mut filling) = (Ledger::new(with), AccountFilling::new(account()));
        let mut take = |opened: Result<Opened, Fault>| -> Result<(), Fault> {
            let opened = opened?;
            ledger.absorb(opened.ledger);
            filling.append(opened.filling);
            Ok(())
        };
        let mut batch = Batch::new(account(), with.version());
        for (place, entity) in entities().enumerate() {
            let key = entity.key().to_record();
            let mut sealed = keyring.seal(account(), &key, Revision(3), entity.to_bytes()).unwrap();
            if altered == Some(place) {
                *sealed.last_mut().unwrap() ^= 1;
            }
            batch.push(RowRef { kind: key.kind, id: &key.id, bytes: &sealed });
            if let Some(full) = batch.take_full() {
                openers.open(full).map_or(Ok(()), &mut take)?;
            }
        }
        while let Some(opened) = openers.finished() {
            take(opened)?;
        }
        take(batch.open(keyring))?;
        let mut state = State::default();
        state.fill(filling);
        Ok((state, ledger))
    }

    #[test]
    fn what_threads_open_is_what_was_sealed() {
        let keyring = keyring();
        let (state, mut ledger) = opened(&keyring, None).unwrap();
        let revoked = state.account(account()).unwrap().revoked_sessions();
        assert_eq!(revoked.len() as u128, ROWS);
        let with = keyring.sealing(account()).unwrap();
        let mut expected = Ledger::new(with);
        for entity in entities() {
            expected.add(with, account(), &entity.key().to_record(), Revision(3));
        }
        let seal = expected.seal(with, account(), Revision(3)).unwrap();
        ledger.finish(Revision(3));
        assert!(ledger.fits(with, account(), &seal).is_ok());
    }

    #[test]
    fn the_row_that_was_altered_is_named_wherever_it_is() {
        let keyring = keyring();
        for altered in [0, ROWS_MAX + 3, ROWS as usize] {
            let id = entities().nth(altered).unwrap().key().to_record().id;
            let Err(Fault::Damaged(what)) = opened(&keyring, Some(altered)) else {
                panic!("{altered} was opened")
            };
            assert!(what.contains(&id), "{what}");
        }
    }
}
