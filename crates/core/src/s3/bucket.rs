//! Buckets and what their owners set: changes to the state, or S3's answer to what cannot be.

use iamd_wire::Timestamp;
use iamd_wire::route::S3Error;
use sha2::{Digest, Sha256};

use super::bucket_policy;
use crate::account_id::AccountId;
use crate::state::{
    AccountChanges, Bucket, BucketName, Change, Entity, EntityKey, PublicAccessBlock, State,
};

/// Most buckets of one account.
///
/// Source: S3 User Guide, "General purpose buckets quotas".
const BUCKETS_MAX: usize = 10_000;

/// The bucket of this name.
///
/// # Errors
/// `NoSuchBucket`.
pub fn find<'a>(state: &'a State, name: &str) -> Result<(AccountId, &'a Bucket), S3Error> {
    let owner = state.directory().owner_of_bucket(name);
    let account = owner.and_then(|owner| state.account(owner));
    let bucket = account.and_then(|account| account.buckets().get(name));
    let found = owner.zip(bucket).map(|(owner, bucket)| (owner, &**bucket));
    found.ok_or_else(|| no_such_bucket(name))
}

/// The answer for a bucket that no account owns.
pub fn no_such_bucket(_: &str) -> S3Error {
    S3Error::new("NoSuchBucket", "The specified bucket does not exist")
}

/// Reserves a name for an account, before the store makes the bucket. Whoever was interrupted may
/// do it again.
///
/// # Errors
/// `BucketAlreadyExists`, `BucketAlreadyOwnedByYou`, `TooManyBuckets`.
pub fn reserve(
    state: &State,
    account: AccountId,
    name: &str,
    now: Timestamp,
) -> Result<Vec<AccountChanges>, S3Error> {
    let new = Bucket {
        name: name.into(),
        created: now,
        is_made: false,
        policy: None,
        public_access_block: PublicAccessBlock::ALL,
        cors: None,
    };
    claim(state, account, new)
}

/// Gives a bucket that the store has already to an account.
///
/// # Errors
/// As [`reserve`].
pub fn import(
    state: &State,
    account: AccountId,
    name: &str,
    created: Timestamp,
) -> Result<Vec<AccountChanges>, S3Error> {
    let bucket = Bucket {
        name: name.into(),
        created,
        is_made: true,
        policy: None,
        public_access_block: PublicAccessBlock::ALL,
        cors: None,
    };
    claim(state, account, bucket)
}

fn claim(
    state: &State,
    account: AccountId,
    bucket: Bucket,
) -> Result<Vec<AccountChanges>, S3Error> {
    match find(state, &bucket.name) {
        Ok((owner, found)) if owner == account && !found.is_made => {}
        Ok((owner, _)) if owner == account => {
            let message = "Your previous request to create the named bucket succeeded and you already own it.";
            return Err(S3Error::new("BucketAlreadyOwnedByYou", message));
        }
        Ok(_) => return Err(taken()),
        Err(_) => {}
    }
    let count = state.account(account).map_or(0, |account| account.buckets().len());
    if count >= BUCKETS_MAX {
        let message = "You have attempted to create more buckets than allowed";
        return Err(S3Error::new("TooManyBuckets", message));
    }
    let name = BucketName { name: bucket.name.clone(), account };
    Ok(vec![
        of_directory(Change::Put(Entity::BucketName(name))),
        of_account(account, Change::Put(Entity::Bucket(bucket))),
    ])
}

/// The answer for a name that somebody else has.
pub fn taken() -> S3Error {
    let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Select a different name and try again.";
    S3Error::new("BucketAlreadyExists", message)
}

/// Says that the store has made the bucket.
///
/// # Errors
/// `NoSuchBucket`.
pub fn made(state: &State, name: &str) -> Result<Vec<AccountChanges>, S3Error> {
    altered(state, name, |bucket| Bucket { is_made: true, ..bucket })
}

/// Gives a bucket up; its policy ends with it.
///
/// # Errors
/// `NoSuchBucket`.
pub fn release(state: &State, name: &str) -> Result<Vec<AccountChanges>, S3Error> {
    let (owner, _) = find(state, name)?;
    Ok(vec![
        of_directory(Change::Remove(EntityKey::BucketName(name.into()))),
        of_account(owner, Change::Remove(EntityKey::Bucket(name.into()))),
    ])
}

/// Sets the bucket policy.
///
/// # Errors
/// `NoSuchBucket`; `MalformedPolicy` for what S3 would not store; `AccessDenied` for a public
/// policy where these are blocked.
pub fn put_policy(state: &State, name: &str, text: &str) -> Result<Vec<AccountChanges>, S3Error> {
    let (_, bucket) = find(state, name)?;
    let policy = bucket_policy::checked(state, name, text)?;
    let is_public = iamd_policy::grants_public_access(policy.compiled());
    if is_public && bucket.public_access_block.block_public_policy {
        let message = "Access Denied: public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.";
        return Err(S3Error::new("AccessDenied", message));
    }
    altered(state, name, |bucket| Bucket { policy: Some(policy), ..bucket })
}

/// The bucket policy as it is shown.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchBucketPolicy`.
pub fn policy(state: &State, name: &str) -> Result<String, S3Error> {
    let (_, bucket) = find(state, name)?;
    let policy = bucket
        .policy
        .as_ref()
        .ok_or_else(|| S3Error::new("NoSuchBucketPolicy", "The bucket policy does not exist"))?;
    Ok(bucket_policy::shown(state, policy))
}

/// Whether the bucket policy is public.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchBucketPolicy`.
pub fn is_policy_public(state: &State, name: &str) -> Result<bool, S3Error> {
    policy(state, name)?;
    let (owner, _) = find(state, name)?;
    let policy = state.account(owner).and_then(|account| account.bucket_policy(name));
    Ok(policy.is_some_and(|policy| policy.is_public))
}

/// Takes the bucket policy away; none is as good.
///
/// # Errors
/// `NoSuchBucket`.
pub fn delete_policy(state: &State, name: &str) -> Result<Vec<AccountChanges>, S3Error> {
    altered(state, name, |bucket| Bucket { policy: None, ..bucket })
}

/// Sets Block Public Access of a bucket.
///
/// # Errors
/// `NoSuchBucket`.
pub fn put_public_access_block(
    state: &State,
    name: &str,
    block: PublicAccessBlock,
) -> Result<Vec<AccountChanges>, S3Error> {
    altered(state, name, |bucket| Bucket { public_access_block: block, ..bucket })
}

/// Block Public Access of a bucket.
///
/// # Errors
/// `NoSuchBucket`; `NoSuchPublicAccessBlockConfiguration` when nothing is blocked.
pub fn public_access_block(state: &State, name: &str) -> Result<PublicAccessBlock, S3Error> {
    let (_, bucket) = find(state, name)?;
    if bucket.public_access_block == PublicAccessBlock::NONE {
        let message = "The public access block configuration was not found";
        return Err(S3Error::new("NoSuchPublicAccessBlockConfiguration", message));
    }
    Ok(bucket.public_access_block)
}

/// A bucket with something about it changed.
///
/// # Errors
/// `NoSuchBucket`.
pub(super) fn altered(
    state: &State,
    name: &str,
    alter: impl FnOnce(Bucket) -> Bucket,
) -> Result<Vec<AccountChanges>, S3Error> {
    let (owner, bucket) = find(state, name)?;
    let altered = alter(bucket.clone());
    if altered == *bucket {
        return Ok(Vec::new());
    }
    Ok(vec![of_account(owner, Change::Put(Entity::Bucket(altered)))])
}

fn of_directory(change: Change) -> AccountChanges {
    of_account(AccountId::DIRECTORY, change)
}

fn of_account(account: AccountId, change: Change) -> AccountChanges {
    AccountChanges { account, changes: vec![change] }
}

/// The canonical user id of an account: 64 hexadecimal digits, as S3's owners have.
pub fn canonical_user_id(account: AccountId) -> String {
    let digest = Sha256::digest(format!("canonical user id of account {account}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
