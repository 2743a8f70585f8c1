//! What the store holds under which data key.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use iamd_core::account_id::AccountId;
use iamd_store::{Head, RowRef, RowVisitor, Store, StoreError};

use super::Node;
use super::load::store_fault;
use crate::fault::Fault;
use crate::keys::key_version;

/// How much is sealed under each data key.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Rows, by the version of their key.
    pub rows: BTreeMap<u32, u64>,
    /// Ledgers of accounts, likewise.
    pub ledgers: BTreeMap<u32, u64>,
    /// Accounts with something under another key than the newest, and how many of their rows are.
    pub(super) behind: Vec<(AccountId, u64)>,
    accounts: Vec<iamd_store::AccountId>,
}

impl Survey {
    /// Whether a row or a ledger is under this key.
    pub(super) fn needs(&self, version: u32) -> bool {
        self.rows.contains_key(&version) || self.ledgers.contains_key(&version)
    }
}

impl Node {
    /// Looks through everything that the store holds, without opening it.
    ///
    /// # Errors
    /// What the store answers; [`Fault::Damaged`].
    pub async fn survey(&self) -> Result<Survey, Fault> {
        of_store(&*self.store, self.snapshot().keys.newest()).await
    }

    /// Which of these keys have sealed the oldest record of a log; later records have later keys.
    ///
    /// # Errors
    /// What the store answers.
    pub(super) async fn of_records(
        &self,
        survey: &Survey,
        versions: &BTreeSet<u32>,
    ) -> Result<BTreeSet<u32>, Fault> {
        let mut found = BTreeSet::new();
        for account in &survey.accounts {
            if found.len() == versions.len() {
                break;
            }
            let first = self.store.read_records(*account, 0, 1).await.map_err(store_fault)?;
            let oldest = first.first().and_then(|record| key_version(&record.bytes));
            if let Some(oldest) = oldest {
                found.extend(versions.range(oldest..));
            }
        }
        Ok(found)
    }
}

/// What a store holds under which data key, of which this is the newest.
///
/// # Errors
/// As [`Node::survey`].
pub(super) async fn of_store(store: &dyn Store, newest: u32) -> Result<Survey, Fault> {
    let mut surveyor = Surveyor { newest, found: Survey::default(), current: None, damage: None };
    match store.load_all(&mut surveyor).await {
        Ok(_) => {}
        Err(StoreError::Stopped) if surveyor.damage.is_some() => {}
        Err(error) => return Err(store_fault(error)),
    }
    match surveyor.damage {
        Some(what) => Err(Fault::Damaged(format!("{what} has an unknown form"))),
        None => Ok(surveyor.found),
    }
}

struct Surveyor {
    newest: u32,
    found: Survey,
    /// The account whose rows are coming; none for the stored keys.
    current: Option<AccountId>,
    damage: Option<String>,
}

impl Surveyor {
    fn stop(&mut self, what: String) -> ControlFlow<()> {
        self.damage = Some(what);
        ControlFlow::Break(())
    }

    /// Notes that something of the account, such as this many rows, is under an older key.
    fn note_behind(&mut self, account: AccountId, rows: u64) {
        match self.found.behind.last_mut() {
            Some((last, count)) if *last == account => *count += rows,
            Some(_) | None => self.found.behind.push((account, rows)),
        }
    }
}

impl RowVisitor for Surveyor {
    fn account(&mut self, account: iamd_store::AccountId, head: Head) -> ControlFlow<()> {
        let (Some(id), Some(version)) =
            (AccountId::from_stored(account.0), key_version(&head.seal))
        else {
            return self.stop(format!("the seal of account {account}"));
        };
        self.current = (id != AccountId::KEYS).then_some(id);
        if self.current.is_none() {
            return ControlFlow::Continue(());
        }
        *self.found.ledgers.entry(version).or_default() += 1;
        self.found.accounts.push(account);
        if version != self.newest {
            self.note_behind(id, 0);
        }
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: RowRef<'_>) -> ControlFlow<()> {
        let Some(account) = self.current else { return ControlFlow::Continue(()) };
        let Some(version) = key_version(row.bytes) else {
            return self.stop(format!("row {}/{} of account {account}", row.kind, row.id));
        };
        *self.found.rows.entry(version).or_default() += 1;
        if version != self.newest {
            self.note_behind(account, 1);
        }
        ControlFlow::Continue(())
    }
}
