//! What stands in a backup.
//!
//! ```text
//! magic     12 bytes   "iamd backup\n"
//! format     4 bytes   a number, the greatest byte first
//! length     4 bytes   of the header
//! header     CBOR      in the clear, with the version of iamd that wrote it as member 0 in every format
//! chunks               65,536 bytes each but the last, and a tag of 16 bytes behind each
//! ```
//!
//! In the chunks, items follow one another: 4 bytes of length, then CBOR. The files come first,
//! then the accounts, that of the stored keys before the others, each with its rows and records;
//! then facts and claims; `End` is the last.

use iamd_store::ROW_BYTES_MAX;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// What a backup begins with.
pub(super) const MAGIC: [u8; 12] = *b"iamd backup\n";
/// The form of the file.
pub(super) const FORMAT: u32 = 1;
/// The form of what is in the rows: goes up when an older iamd cannot read them.
pub(super) const LAYOUT: u32 = 1;
/// Longest header, in bytes.
pub(super) const HEADER_LENGTH_MAX: usize = 4096;
/// Longest item, in bytes: a row with its id.
pub(super) const ITEM_LENGTH_MAX: usize = ROW_BYTES_MAX + 8192;
/// Files of a data folder that belong to a backup.
pub(super) const FILES: [&str; 3] = ["tls/ca.pem", "tls/ca.key", INITIALIZED_FILE];
/// The file that says that the folder is a production server's, and complete; it is written last.
pub const INITIALIZED_FILE: &str = "initialized";
/// Longest of these files, in bytes.
pub(super) const FILE_LENGTH_MAX: u64 = 64 * 1024;

/// What can be read of a backup without a key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Header {
    /// The version of iamd that wrote it.
    #[n(0)]
    pub(super) version: String,
    #[n(1)]
    pub(super) layout: u32,
    /// When, in seconds since 1970.
    #[n(2)]
    pub(super) created: i64,
    /// The fingerprint of the master key.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(super) master_key: [u8; 8],
    /// Makes the key of this file another one than that of every other file.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub(super) salt: [u8; 32],
}

/// What can be read of the header of any format.
#[derive(Debug, Decode)]
pub(super) struct AnyHeader {
    #[n(0)]
    pub(super) version: Option<String>,
}

/// How much of each kind a backup holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Counts {
    /// Accounts, without those that iamd keeps for itself.
    #[n(0)]
    pub accounts: u64,
    /// Rows of all accounts.
    #[n(1)]
    pub rows: u64,
    /// Records of all accounts' logs.
    #[n(2)]
    pub records: u64,
    /// When keys and roles were last used.
    #[n(3)]
    pub facts: u64,
    /// What may not be used a second time.
    #[n(4)]
    pub claims: u64,
}

/// A piece of a backup.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub(super) enum Item<'b> {
    /// A file of the data folder.
    #[n(0)]
    File {
        #[b(0)]
        name: &'b str,
        #[cbor(b(1), with = "minicbor::bytes")]
        bytes: &'b [u8],
    },
    /// An account begins.
    #[n(1)]
    Account {
        #[n(0)]
        account: u64,
        #[n(1)]
        revision: u64,
        #[cbor(b(2), with = "minicbor::bytes")]
        seal: &'b [u8],
    },
    /// A row of it.
    #[n(2)]
    Row {
        #[n(0)]
        kind: u16,
        #[b(1)]
        id: &'b str,
        #[cbor(b(2), with = "minicbor::bytes")]
        bytes: &'b [u8],
    },
    /// A record of its log.
    #[n(3)]
    Record {
        #[n(0)]
        number: u64,
        #[cbor(b(1), with = "minicbor::bytes")]
        bytes: &'b [u8],
    },
    #[n(4)]
    Fact {
        #[n(0)]
        account: u64,
        #[b(1)]
        key: &'b str,
        #[n(2)]
        at: i64,
        #[cbor(b(3), with = "minicbor::bytes")]
        bytes: &'b [u8],
    },
    #[n(5)]
    Claim {
        #[cbor(b(0), with = "minicbor::bytes")]
        key: &'b [u8],
        #[n(1)]
        expiry: i64,
    },
    /// Nothing follows.
    #[n(6)]
    End {
        #[n(0)]
        counts: Counts,
        /// Which life of which store it was.
        #[n(1)]
        incarnation: u64,
    },
}

/// Something of ours in CBOR.
///
/// # Errors
/// [`Fault::Bug`], which does not happen: memory takes everything.
pub(super) fn encoded<T: Encode<()>>(value: &T) -> Result<Vec<u8>, Fault> {
    minicbor::to_vec(value)
        .map_err(|error| Fault::Bug(format!("a backup cannot be written: {error}")))
}

/// Eight bytes as people compare them.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
