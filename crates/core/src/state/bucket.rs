//! Buckets of S3 stores behind a gateway: who owns them, and what their owners set.

use iamd_policy::PolicySet;
use iamd_wire::Timestamp;
use minicbor::{Decode, Encode};

use super::document::PolicyDocument;
use crate::account_id::AccountId;
use crate::record::timestamp;

/// Whose a bucket is; bucket names are unique among all accounts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BucketName {
    /// The bucket.
    #[n(0)]
    pub name: Box<str>,
    /// The account.
    #[n(1)]
    pub account: AccountId,
}

/// A bucket of an account.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Bucket {
    /// Its name.
    #[n(0)]
    pub name: Box<str>,
    /// When the account claimed it.
    #[n(1)]
    #[cbor(with = "timestamp")]
    pub created: Timestamp,
    /// Whether the store has it; until then it is a name that nobody else can take.
    #[n(2)]
    pub is_made: bool,
    /// The bucket policy.
    #[n(3)]
    pub policy: Option<PolicyDocument>,
    /// What its owner forbids whatever policies say.
    #[n(4)]
    pub public_access_block: PublicAccessBlock,
    /// Which scripts of other origins browsers let use it, the first rule that fits counting.
    #[n(5)]
    pub cors: Option<Vec<CorsRule>>,
}

/// A rule that lets scripts of other origins use a bucket.
///
/// Source: S3 API Reference, CORSRule.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CorsRule {
    /// What its owner calls it.
    #[n(0)]
    pub id: Option<Box<str>>,
    /// Headers that a script may send; one `*` in each stands for any characters.
    #[n(1)]
    pub allowed_headers: Vec<Box<str>>,
    /// Methods that a script may use.
    #[n(2)]
    pub allowed_methods: Vec<Box<str>>,
    /// Where a script may come from; one `*` in each stands for any characters.
    #[n(3)]
    pub allowed_origins: Vec<Box<str>>,
    /// Headers of answers that a script may read.
    #[n(4)]
    pub expose_headers: Vec<Box<str>>,
    /// How long a browser may remember the answer to a preflight, in seconds.
    #[n(5)]
    pub max_age_seconds: Option<i32>,
}

/// The policy of a bucket, made ready for decisions.
#[derive(Debug, Clone, Default)]
pub struct BucketPolicy {
    /// What it says; empty without one.
    pub set: PolicySet,
    /// Whether it grants access to the public.
    pub is_public: bool,
}

impl BucketPolicy {
    pub(super) fn of(bucket: &Bucket) -> BucketPolicy {
        let Some(policy) = &bucket.policy else { return BucketPolicy::default() };
        let document = policy.compiled();
        let is_public = iamd_policy::grants_public_access(document);
        let set = [(bucket.name.as_ref().into(), document.clone())].into_iter().collect();
        BucketPolicy { set, is_public }
    }
}

/// Block Public Access of a bucket.
///
/// Source: S3 User Guide, "Blocking public access to your Amazon S3 storage".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct PublicAccessBlock {
    /// ACLs that grant public access are refused.
    #[n(0)]
    pub block_public_acls: bool,
    /// ACLs that grant public access count for nothing.
    #[n(1)]
    pub ignore_public_acls: bool,
    /// Bucket policies that grant public access are refused.
    #[n(2)]
    pub block_public_policy: bool,
    /// A public bucket policy serves only the owner's account and AWS services.
    #[n(3)]
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// What new buckets have: everything is blocked.
    ///
    /// Source: S3 User Guide, "Blocking public access": new buckets since April 2023.
    pub const ALL: PublicAccessBlock = PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
    /// Nothing is blocked.
    pub const NONE: PublicAccessBlock = PublicAccessBlock {
        block_public_acls: false,
        ignore_public_acls: false,
        block_public_policy: false,
        restrict_public_buckets: false,
    };
}
