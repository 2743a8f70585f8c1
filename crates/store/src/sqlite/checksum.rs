//! Checksums: SQLite has none on its pages, so each row brings its own.
//!
//! They find accidents (flipped bits, lost or stale pages), not forgery: that is what the layer
//! above authenticates rows for. A row's checksum covers its place and its content; an account
//! holds the number and the sum of its rows' checksums, so that a row that vanished, came twice
//! or is an older one is found as well.

use crc32fast::Hasher;

use crate::{AccountId, Head};

/// Checksum of one row.
pub(super) fn of_row(account: AccountId, kind: u16, id: &str, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&account.0.to_le_bytes());
    hasher.update(&kind.to_le_bytes());
    hasher.update(&length(id.as_bytes()));
    hasher.update(id.as_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// Checksum of one commit in the change log.
pub(super) fn of_change(sequence: u64, payload: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&sequence.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Checksum of one fact.
pub(super) fn of_fact(account: AccountId, key: &str, at: i64, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&account.0.to_le_bytes());
    hasher.update(&at.to_le_bytes());
    hasher.update(&length(key.as_bytes()));
    hasher.update(key.as_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// The number and the sum of checksums of an account's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) rows: u64,
    pub(super) sum: u64,
}

impl Digest {
    pub(super) fn add(&mut self, checksum: u32) {
        self.rows = self.rows.wrapping_add(1);
        self.sum = self.sum.wrapping_add(u64::from(checksum));
    }

    pub(super) fn subtract(&mut self, checksum: u32) {
        self.rows = self.rows.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(u64::from(checksum));
    }
}

/// What an account says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) head: Head,
    pub(super) digest: Digest,
    /// How many records were ever appended to its log.
    pub(super) records: u64,
}

/// Checksum of what an account says of itself.
pub(super) fn of_account(account: AccountId, standing: &Standing) -> u32 {
    let mut hasher = Hasher::new();
    let Standing { head, digest, records } = standing;
    for number in [account.0, head.revision.0, digest.rows, digest.sum, *records] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(&head.seal);
    hasher.finalize()
}

/// Checksum of one record of an account's log.
pub(super) fn of_record(account: AccountId, number: u64, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&account.0.to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// Keeps a name and what follows it apart.
fn length(bytes: &[u8]) -> [u8; 8] {
    (bytes.len() as u64).to_le_bytes()
}
