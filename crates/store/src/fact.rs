//! High-rate facts (key last used, role last used), kept outside revisions.

use crate::{AccountId, StoreError};

/// Longest key of a fact, in bytes.
pub const FACT_KEY_BYTES_MAX: usize = 1024;

/// Largest content of a fact, in bytes.
pub const FACT_BYTES_MAX: usize = 64 * 1024;

/// Something that is true of an account since a moment, superseded by whatever is true later.
///
/// Of two facts with one account and key the later one stays; at the same moment, the one whose
/// bytes compare greater. So nodes may merge in any order, and repeatedly, with one outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Whose fact it is.
    pub account: AccountId,
    /// What it is about.
    pub key: Box<str>,
    /// The moment, in a unit of the caller's choice.
    pub at: i64,
    /// The rest, not interpreted.
    pub bytes: Vec<u8>,
}

/// A fact borrowed from the store's own buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactRef<'a> {
    /// Whose fact it is.
    pub account: AccountId,
    /// What it is about.
    pub key: &'a str,
    /// The moment.
    pub at: i64,
    /// The rest.
    pub bytes: &'a [u8],
}

impl FactRef<'_> {
    /// The same fact with memory of its own.
    #[must_use]
    pub fn to_fact(self) -> Fact {
        Fact { account: self.account, key: self.key.into(), at: self.at, bytes: self.bytes.into() }
    }
}

/// Checks what every engine asks of facts.
pub(crate) fn check(facts: &[Fact]) -> Result<(), StoreError> {
    let oversized = facts
        .iter()
        .find(|fact| fact.key.len() > FACT_KEY_BYTES_MAX || fact.bytes.len() > FACT_BYTES_MAX);
    match oversized {
        Some(fact) => Err(StoreError::Invalid {
            reason: format!(
                "a fact has at most {FACT_KEY_BYTES_MAX} bytes of key and {FACT_BYTES_MAX} of \
                 content, not {} and {}",
                fact.key.len(),
                fact.bytes.len()
            ),
        }),
        None => Ok(()),
    }
}
