//! What people sign in with: passwords, the rules for them, and second factors; one stored row each.
//!
//! The numbers in the attributes are the row format, as in `entity.rs`.

use iamd_wire::{Secret, Timestamp};
use minicbor::{Decode, Encode};

use super::entity::{KeyOwner, Tag};
use crate::record;
use crate::unique_id::UniqueId;

/// The rules of an account for the passwords of its users.
///
/// Source: IAM API Reference, UpdateAccountPasswordPolicy.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PasswordPolicy {
    /// Least length, 6 to 128 characters.
    #[n(0)]
    pub length_min: u32,
    /// Whether one of AWS's symbols must be in it.
    #[n(1)]
    pub require_symbols: bool,
    /// Whether a digit must be in it.
    #[n(2)]
    pub require_numbers: bool,
    /// Whether a letter from `A` to `Z` must be in it.
    #[n(3)]
    pub require_uppercase: bool,
    /// Whether a letter from `a` to `z` must be in it.
    #[n(4)]
    pub require_lowercase: bool,
    /// Whether users may change their own password without a policy that allows it.
    #[n(5)]
    pub users_may_change: bool,
    /// After how many days a password expires, 1 to 1,095; absent: never.
    #[n(6)]
    pub age_days_max: Option<u32>,
    /// How many of the last passwords may not be used again, 1 to 24; absent: all may.
    #[n(7)]
    pub reuse_prevention: Option<u32>,
    /// Whether an administrator must set a new password after the old one has expired; absent when
    /// the request did not say.
    #[n(8)]
    pub hard_expiry: Option<bool>,
}

/// The password of a user.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LoginProfile {
    /// The user.
    #[n(0)]
    pub user: UniqueId,
    /// The password, hashed.
    #[cbor(n(1), with = "record::secret")]
    pub hash: Secret,
    /// When the password was set.
    #[cbor(n(2), with = "record::timestamp")]
    pub changed: Timestamp,
    /// Whether the user must set another one at the next sign-in.
    #[n(3)]
    pub reset_required: bool,
    /// Hashes of earlier passwords, the last one first; at most
    /// [`PASSWORDS_REMEMBERED`](crate::quota::PASSWORDS_REMEMBERED) with the present one.
    #[cbor(n(4), with = "record::secrets")]
    pub earlier: Vec<Secret>,
}

/// What kind of device shows the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum MfaKind {
    /// A program; its serial number is an ARN.
    #[n(0)]
    Virtual,
    /// A token with a serial number of its maker.
    #[n(1)]
    Hardware,
}

/// A device that shows one-time codes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MfaDevice {
    /// The serial number: the ARN of a virtual device, what is printed on a hardware token.
    #[n(0)]
    pub serial: Box<str>,
    /// The kind.
    #[n(1)]
    pub kind: MfaKind,
    /// Tells the device from another one that had or will have its serial number.
    #[n(2)]
    pub id: MfaDeviceId,
    /// What the device and this server share, in Base32; shown to a client once, if at all.
    #[cbor(n(3), with = "record::secret")]
    pub seed: Secret,
    /// When the device was made known.
    #[cbor(n(4), with = "record::timestamp")]
    pub created: Timestamp,
    /// Tags, sorted by key.
    #[n(5)]
    pub tags: Vec<Tag>,
    /// The last step whose code counted in a change of this device: no code of it or of an earlier
    /// one counts any more.
    #[n(6)]
    pub last_step: Option<i64>,
    /// Whose it is, while it is somebody's.
    #[n(7)]
    pub assignment: Option<MfaAssignment>,
}

/// The id of a device, drawn when it is made known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct MfaDeviceId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

/// Whose a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct MfaAssignment {
    /// The user, or root.
    #[n(0)]
    pub owner: KeyOwner,
    /// Since when.
    #[cbor(n(1), with = "record::timestamp")]
    pub enabled: Timestamp,
    /// How many steps the clock of the device is ahead of this server's; negative if it is behind.
    #[n(2)]
    pub drift: i32,
}

/// What the credentials of an account were at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CredentialReport {
    /// The moment.
    #[cbor(n(0), with = "record::timestamp")]
    pub generated: Timestamp,
    /// The report, as CSV.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub content: Vec<u8>,
}
