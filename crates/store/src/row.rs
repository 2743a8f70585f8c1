//! Accounts, revisions and the rows that live under them.

use std::fmt;

/// Longest stable id of a row, in bytes.
// CHOICE: AWS's longest names and paths are 512 characters; twice that leaves room for composed ids.
pub const ROW_ID_BYTES_MAX: usize = 1024;

/// Largest content of one row, in bytes.
// CHOICE: the largest AWS documents (SAML metadata) are 10 MB in theory and far less in practice.
pub const ROW_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The account that a row belongs to. Pseudo-accounts (alias directory, organization) have
/// numbers of their own, which the layer above chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u64);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

/// How many commits an account has seen. Revisions are dense: every commit adds exactly one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision of an account that does not exist yet.
    pub const ABSENT: Self = Self(0);

    /// The revision that the next commit produces.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Largest seal of an account, in bytes.
pub const SEAL_BYTES_MAX: usize = 1024;

/// What is kept of an account beside its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// How many commits it has seen.
    pub revision: Revision,
    /// What the layer above said of it with the last one, not interpreted.
    pub seal: Vec<u8>,
}

impl Head {
    /// The head of an account that does not exist yet.
    pub const ABSENT: Self = Self { revision: Revision::ABSENT, seal: Vec::new() };
}

/// An account read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRows {
    /// Its head.
    pub head: Head,
    /// Its rows, by kind and id.
    pub rows: Vec<Row>,
}

/// Names one row within an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// What sort of thing the row is; the numbers belong to the layer above.
    pub kind: u16,
    /// Its stable id, at most [`ROW_ID_BYTES_MAX`] bytes.
    pub id: Box<str>,
}

impl RowKey {
    /// A key of this kind and id.
    pub fn new(kind: u16, id: impl Into<Box<str>>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// A row: a key and bytes that the store does not interpret.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Which row it is.
    pub key: RowKey,
    /// Its content, at most [`ROW_BYTES_MAX`] bytes.
    pub bytes: Vec<u8>,
}

impl Row {
    /// A row of this key and content.
    pub fn new(key: RowKey, bytes: impl Into<Vec<u8>>) -> Self {
        Self { key, bytes: bytes.into() }
    }
}

/// Rows may hold secrets that are not sealed yet: only their length is printed.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({}/{}, {} bytes)", self.key.kind, self.key.id, self.bytes.len())
    }
}

/// A row borrowed from the store's own buffers, as a load hands it out.
#[derive(Clone, Copy)]
pub struct RowRef<'a> {
    /// What sort of thing the row is.
    pub kind: u16,
    /// Its stable id.
    pub id: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

impl RowRef<'_> {
    /// The same row with memory of its own.
    #[must_use]
    pub fn to_row(self) -> Row {
        Row::new(RowKey::new(self.kind, self.id), self.bytes)
    }
}

/// As for [`Row`]: the content is not printed.
impl fmt::Debug for RowRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowRef({}/{}, {} bytes)", self.kind, self.id, self.bytes.len())
    }
}
