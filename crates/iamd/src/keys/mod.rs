//! Keys at rest.
//!
//! A master key, kept outside of the database, seals the data keys, which are rows of a
//! pseudo-account; data keys seal all other rows. So the database alone gives nobody a secret, and
//! whoever can write to it cannot change what iamd decides: a row opens only in its place and in
//! the version in which it was written, and each account has a [`ledger`] of the versions of its rows
//! and of where its log of records stands.

pub mod anchor;
mod keyring;
mod ledger;
mod master;
mod record_log;
mod sealing;
mod source;
mod stored;

pub use keyring::{Keyring, KnownKey};
pub use ledger::{Culprit, Entry, Ledger, LedgerPart, Misfit, Step, culprit};
pub use master::MasterKey;
pub use record_log::{LogBreak, LogHead, LogReader, open_record};
pub use sealing::{SealingKey, key_version, row_version};
pub use source::MasterKeySource;
pub use stored::{DataKey, KeyRow, SessionKey};

use aws_lc_rs::aead::{NONCE_LEN, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::fault::Fault;

/// Every sealing has a key of its own, so that no nonce is used twice under one key.
fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// Derives a key for one purpose. `hkdf` keeps the state after extraction, which AWS-LC's interface
/// makes anew each time: every row that is sealed or opened has a key of its own.
fn derived<const LENGTH: usize>(
    from: &Hkdf<Sha256>,
    purpose: &[u8],
) -> Result<Zeroizing<[u8; LENGTH]>, Fault> {
    let mut key = Zeroizing::new([0; LENGTH]);
    from.expand(purpose, &mut *key)
        .map_err(|_| Fault::Bug("a key cannot be derived".to_owned()))?;
    Ok(key)
}
