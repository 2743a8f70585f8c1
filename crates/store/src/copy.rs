//! Copies: everything that a store holds, out of one store and as it was into another.

use std::ops::ControlFlow;

use crate::{
    AccountId, ClaimKey, FACT_BYTES_MAX, FACT_KEY_BYTES_MAX, Fact, FactVisitor, Head,
    RECORD_BYTES_MAX, ROW_BYTES_MAX, ROW_ID_BYTES_MAX, Record, Row, RowVisitor, SEAL_BYTES_MAX,
    StoreError,
};

/// Most things in one import.
pub const IMPORT_THINGS_MAX: usize = 100_000;

/// Receives everything that a store holds: accounts with their rows, then their records; at last
/// the facts and the claims of all.
pub trait CopyVisitor: RowVisitor + FactVisitor {
    /// A record of the account begun last, behind its rows.
    fn record(&mut self, number: u64, bytes: &[u8]) -> ControlFlow<()>;

    /// A claim that has not been forgotten.
    fn claim(&mut self, key: &[u8], expiry: i64) -> ControlFlow<()>;
}

/// Something that another store held, to be put as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// An account, which must not be there; its rows and records follow.
    Account {
        /// Its number.
        account: AccountId,
        /// What it is at.
        head: Head,
    },
    /// A row of an account that is there; the row must not be.
    Row {
        /// Whose it is.
        account: AccountId,
        /// The row.
        row: Row,
    },
    /// A record of an account that is there, greater in number than those that are.
    Record {
        /// Whose it is.
        account: AccountId,
        /// The record, with its number.
        record: Record,
    },
    /// A fact.
    Fact(Fact),
    /// A claim.
    Claim {
        /// What was claimed.
        key: ClaimKey,
        /// Until when.
        expiry: i64,
    },
}

/// Checks what every engine asks of a list before it looks at what it holds.
pub(crate) fn check(list: &[Imported]) -> Result<(), StoreError> {
    if list.len() > IMPORT_THINGS_MAX {
        return invalid(format!(
            "an import has at most {IMPORT_THINGS_MAX} things, not {}",
            list.len()
        ));
    }
    let is_oversized = |thing: &&Imported| match thing {
        Imported::Account { head, .. } => head.seal.len() > SEAL_BYTES_MAX,
        Imported::Row { row, .. } => {
            row.key.id.len() > ROW_ID_BYTES_MAX || row.bytes.len() > ROW_BYTES_MAX
        }
        Imported::Record { record, .. } => record.bytes.len() > RECORD_BYTES_MAX,
        Imported::Fact(fact) => {
            fact.key.len() > FACT_KEY_BYTES_MAX || fact.bytes.len() > FACT_BYTES_MAX
        }
        Imported::Claim { .. } => false,
    };
    match list.iter().find(is_oversized) {
        Some(thing) => invalid(format!("{} is larger than any can be", name(thing))),
        None => Ok(()),
    }
}

/// What a thing is called when it cannot be put.
pub(crate) fn name(thing: &Imported) -> String {
    match thing {
        Imported::Account { account, .. } => format!("account {account}"),
        Imported::Row { account, row } => {
            format!("row {}/{} of account {account}", row.key.kind, row.key.id)
        }
        Imported::Record { account, record } => {
            format!("record {} of account {account}", record.number)
        }
        Imported::Fact(fact) => format!("a fact of account {}", fact.account),
        Imported::Claim { .. } => "a claim".to_owned(),
    }
}

/// The refusal of a thing that is there, or whose account is not.
pub(crate) fn misplaced(thing: &Imported) -> StoreError {
    StoreError::Invalid { reason: format!("{} cannot be imported here", name(thing)) }
}

fn invalid(reason: String) -> Result<(), StoreError> {
    Err(StoreError::Invalid { reason })
}
