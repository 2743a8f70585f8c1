//! Loads: a thread scans the tables and passes on what it finds in parcels, so that reading the
//! file and taking in the rows go on side by side, and only a few parcels exist at a time.

use std::{ops::ControlFlow, sync::Arc};

use rusqlite::Transaction;
use tokio::sync::mpsc;

use super::{
    Shared,
    checksum::{self, Digest, Standing},
    copy,
    fault::damaged,
    folder::FolderLock,
    reader::{self, check_digest, checked_row, checked_standing},
};
use crate::{
    AccountId, CopyVisitor, Cursor, FactRef, FactVisitor, Head, Revision, RowRef, RowVisitor,
    StoreError,
};

/// A parcel is passed on when it has reached this size.
const PARCEL_BYTES: usize = 256 * 1024;

/// This many parcels may wait.
const PARCELS_WAITING: usize = 4;

/// Things found, their texts and contents one after the other in one piece of memory.
#[derive(Default)]
pub(super) struct Parcel {
    things: Vec<Thing>,
    content: Vec<u8>,
}

pub(super) enum Thing {
    Account { account: AccountId, revision: Revision, seal: usize },
    Row { kind: u16, id: usize, bytes: usize },
    Record { number: u64, bytes: usize },
    Fact { account: AccountId, at: i64, key: usize, bytes: usize },
    Claim { expiry: i64, key: usize },
}

/// What comes out of the thread.
pub(super) enum Delivery {
    Parcel(Parcel),
    /// Nothing follows: everything was found right, as of this place in the feed, or it was not.
    End(Result<Cursor, StoreError>),
}

/// Begins to scan all rows.
pub(super) fn begin_rows(
    shared: Arc<Shared>,
    lock: Arc<FolderLock>,
) -> Result<mpsc::Receiver<Delivery>, StoreError> {
    begin(shared, lock, scan_rows)
}

/// Begins to scan all facts.
pub(super) fn begin_facts(
    shared: Arc<Shared>,
    lock: Arc<FolderLock>,
) -> Result<mpsc::Receiver<Delivery>, StoreError> {
    begin(shared, lock, scan_facts)
}

/// The next parcel; at the end the place in the feed.
pub(super) async fn next(
    deliveries: &mut mpsc::Receiver<Delivery>,
) -> Result<ControlFlow<Cursor, Parcel>, StoreError> {
    match deliveries.recv().await {
        Some(Delivery::Parcel(parcel)) => Ok(ControlFlow::Continue(parcel)),
        Some(Delivery::End(end)) => Ok(ControlFlow::Break(end?)),
        // A thread that died has not said that it was finished.
        None => Err(StoreError::Unavailable { reason: "the load broke off".into() }),
    }
}

impl Parcel {
    /// Shows the rows to the visitor.
    pub(super) fn show_rows(&self, visitor: &mut dyn RowVisitor) -> Result<(), StoreError> {
        let mut content = self.content.as_slice();
        for thing in &self.things {
            let flow = match *thing {
                Thing::Account { account, revision, seal } => {
                    let seal = cut(&mut content, seal)?.to_vec();
                    visitor.account(account, Head { revision, seal })
                }
                Thing::Row { kind, id, bytes } => {
                    let id = text(&mut content, id)?;
                    visitor.row(RowRef { kind, id, bytes: cut(&mut content, bytes)? })
                }
                Thing::Fact { .. } | Thing::Record { .. } | Thing::Claim { .. } => {
                    return Err(damaged("something else among the rows"));
                }
            };
            stop(flow)?;
        }
        Ok(())
    }

    /// Shows the facts to the visitor.
    pub(super) fn show_facts(&self, visitor: &mut dyn FactVisitor) -> Result<(), StoreError> {
        let mut content = self.content.as_slice();
        for thing in &self.things {
            let flow = match *thing {
                Thing::Fact { account, at, key, bytes } => {
                    let key = text(&mut content, key)?;
                    visitor.fact(FactRef { account, key, at, bytes: cut(&mut content, bytes)? })
                }
                Thing::Account { .. }
                | Thing::Row { .. }
                | Thing::Record { .. }
                | Thing::Claim { .. } => return Err(damaged("something else among the facts")),
            };
            stop(flow)?;
        }
        Ok(())
    }

    /// Shows everything to the visitor.
    pub(super) fn show_all(&self, visitor: &mut dyn CopyVisitor) -> Result<(), StoreError> {
        let mut content = self.content.as_slice();
        for thing in &self.things {
            let flow = match *thing {
                Thing::Account { account, revision, seal } => {
                    let seal = cut(&mut content, seal)?.to_vec();
                    visitor.account(account, Head { revision, seal })
                }
                Thing::Row { kind, id, bytes } => {
                    let id = text(&mut content, id)?;
                    visitor.row(RowRef { kind, id, bytes: cut(&mut content, bytes)? })
                }
                Thing::Record { number, bytes } => {
                    visitor.record(number, cut(&mut content, bytes)?)
                }
                Thing::Fact { account, at, key, bytes } => {
                    let key = text(&mut content, key)?;
                    visitor.fact(FactRef { account, key, at, bytes: cut(&mut content, bytes)? })
                }
                Thing::Claim { expiry, key } => visitor.claim(cut(&mut content, key)?, expiry),
            };
            stop(flow)?;
        }
        Ok(())
    }

    fn push(&mut self, thing: Thing, text: &str, bytes: &[u8]) {
        self.content.extend_from_slice(text.as_bytes());
        self.content.extend_from_slice(bytes);
        self.things.push(thing);
    }
}

/// The sending end: collects things until a parcel is full.
pub(super) struct Out {
    parcel: Parcel,
    deliveries: mpsc::Sender<Delivery>,
}

impl Out {
    pub(super) fn push(
        &mut self,
        thing: Thing,
        text: &str,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.parcel.push(thing, text, bytes);
        let size = self.parcel.content.len() + self.parcel.things.len() * size_of::<Thing>();
        if size < PARCEL_BYTES { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> Result<(), StoreError> {
        let parcel = std::mem::take(&mut self.parcel);
        let sent = self.deliveries.blocking_send(Delivery::Parcel(parcel));
        sent.map_err(|_| StoreError::Stopped)
    }
}

/// Begins to scan everything, the account `first` before the others.
pub(super) fn begin_copy(
    shared: Arc<Shared>,
    lock: Arc<FolderLock>,
    first: AccountId,
) -> Result<mpsc::Receiver<Delivery>, StoreError> {
    begin(shared, lock, move |held: &Transaction<'_>, out: &mut Out| copy::scan(held, first, out))
}

fn begin(
    shared: Arc<Shared>,
    lock: Arc<FolderLock>,
    scan: impl Fn(&Transaction<'_>, &mut Out) -> Result<(), StoreError> + Send + 'static,
) -> Result<mpsc::Receiver<Delivery>, StoreError> {
    shared.health.check()?;
    let (deliveries, receiver) = mpsc::channel(PARCELS_WAITING);
    let work = move || {
        let mut out = Out { parcel: Parcel::default(), deliveries };
        let end = deliver(&shared, scan, &mut out).map_err(|error| shared.health.note(error));
        // The connection is closed by now. Whoever hears of the end may close the store and open the
        // folder again at once.
        drop(lock);
        // Nobody listens any more if the visitor broke off.
        let _ = out.deliveries.blocking_send(Delivery::End(end));
    };
    let started = std::thread::Builder::new().name("iamd-store-load".into()).spawn(work);
    started.map_err(|error| StoreError::Unavailable { reason: error.to_string() })?;
    Ok(receiver)
}

fn deliver(
    shared: &Shared,
    scan: impl Fn(&Transaction<'_>, &mut Out) -> Result<(), StoreError>,
    out: &mut Out,
) -> Result<Cursor, StoreError> {
    let mut connection = reader::connect(&shared.file)?;
    let held = connection.transaction()?;
    let sequence = reader::newest(&held)?;
    scan(&held, out)?;
    out.send()?;
    Ok(Cursor { incarnation: shared.incarnation, sequence })
}

/// Walks `accounts` and `rows` side by side, both by account number.
fn scan_rows(held: &Transaction<'_>, out: &mut Out) -> Result<(), StoreError> {
    let mut heads = held.prepare(
        "SELECT account, revision, row_count, row_sum, record_count, seal, checksum \
         FROM accounts ORDER BY account",
    )?;
    let mut rows = held.prepare(
        "SELECT account, kind, id, checksum, bytes FROM rows ORDER BY account, kind, id",
    )?;
    let mut heads = heads.query([])?;
    let mut rows = rows.query([])?;
    let mut row = rows.next()?;
    while let Some(head) = heads.next()? {
        let (account, Standing { head, digest: expected, .. }) = checked_standing(head)?;
        let begins = Thing::Account { account, revision: head.revision, seal: head.seal.len() };
        out.push(begins, "", &head.seal)?;
        let mut digest = Digest::default();
        while let Some(found) = row
            && found.get::<_, i64>(0)? == account.0.cast_signed()
        {
            let found = checked_row(account, found, 1, &mut digest)?;
            let thing =
                Thing::Row { kind: found.kind, id: found.id.len(), bytes: found.bytes.len() };
            out.push(thing, found.id, found.bytes)?;
            row = rows.next()?;
        }
        check_digest(account, digest, expected)?;
    }
    if row.is_some() {
        return Err(damaged("rows of an account that is not there"));
    }
    Ok(())
}

pub(super) fn scan_facts(held: &Transaction<'_>, out: &mut Out) -> Result<(), StoreError> {
    let mut statement =
        held.prepare("SELECT account, key, at, checksum, bytes FROM facts ORDER BY account, key")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let account = AccountId(row.get::<_, i64>(0)?.cast_unsigned());
        let key = row.get_ref(1)?.as_str()?;
        let at = row.get(2)?;
        let checksum: u32 = row.get(3)?;
        let bytes = row.get_ref(4)?.as_blob()?;
        if checksum != checksum::of_fact(account, key, at, bytes) {
            return Err(damaged(format!("checksum of a fact of account {account}")));
        }
        out.push(Thing::Fact { account, at, key: key.len(), bytes: bytes.len() }, key, bytes)?;
    }
    Ok(())
}

fn text<'content>(rest: &mut &'content [u8], length: usize) -> Result<&'content str, StoreError> {
    std::str::from_utf8(cut(rest, length)?).map_err(|error| damaged(error.to_string()))
}

fn cut<'content>(rest: &mut &'content [u8], length: usize) -> Result<&'content [u8], StoreError> {
    rest.split_off(..length).ok_or_else(|| damaged("a parcel that is too short"))
}

fn stop(flow: ControlFlow<()>) -> Result<(), StoreError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(StoreError::Stopped),
    }
}
