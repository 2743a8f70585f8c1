//! Records: what happened to an account, appended with its commits and never changed.

/// Largest record, in bytes.
// CHOICE: CloudTrail's records have at most 256 KiB.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;

/// Most records in one answer.
pub const RECORDS_ANSWER_MAX: usize = 1_000;

/// A record of an account's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number: 1 for the first of the account, and so on without gaps.
    pub number: u64,
    /// Its content, not interpreted.
    pub bytes: Vec<u8>,
}
