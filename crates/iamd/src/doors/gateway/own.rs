//! Operations that the gateway answers itself: what iamd keeps of buckets, and which there are.

use std::sync::Arc;

use hyper::{Response, StatusCode};
use iamd_core::account_id::AccountId;
use iamd_core::refusal::Refusal;
use iamd_core::s3::{bucket, cors};
use iamd_core::state::{AccountChanges, CorsRule, PublicAccessBlock, State};
use iamd_wire::route::{self, S3Error};
use iamd_wire::{ErrorCode, Timestamp};

use super::answer::{self, GatewayBody, element};
use super::record::Call;
use crate::node::{Drafted, Failure, Node, Snapshot};

/// The only setting of object ownership that there is here.
const ENFORCED: &str = "BucketOwnerEnforced";
/// What a header that sets an ACL may say where ACLs are off.
const OWNER_FULL_CONTROL: &str = "bucket-owner-full-control";

/// Whether the gateway answers an operation itself.
pub(super) fn is_own(operation: &str) -> bool {
    matches!(
        operation,
        "DeleteBucketCors"
            | "DeleteBucketOwnershipControls"
            | "DeleteBucketPolicy"
            | "DeletePublicAccessBlock"
            | "GetBucketAcl"
            | "GetBucketCors"
            | "GetBucketOwnershipControls"
            | "GetBucketPolicy"
            | "GetBucketPolicyStatus"
            | "GetObjectAcl"
            | "GetPublicAccessBlock"
            | "ListBuckets"
            | "PutBucketAcl"
            | "PutBucketCors"
            | "PutBucketOwnershipControls"
            | "PutBucketPolicy"
            | "PutObjectAcl"
            | "PutPublicAccessBlock"
    )
}

/// Answers an operation that was allowed.
pub(super) async fn answered(
    node: &Arc<Node>,
    call: &mut Call,
    operation: &'static str,
    body: &[u8],
) -> Result<Response<GatewayBody>, S3Error> {
    let snapshot = node.snapshot();
    let state = &snapshot.state;
    let id = &*call.request_id.clone();
    let name = &*call.bucket.clone().unwrap_or_default();
    match operation {
        "ListBuckets" => Ok(buckets(state, call, id)),
        "GetBucketPolicy" => {
            of_own_account(state, call, name)?;
            Ok(answer::json(bucket::policy(state, name)?, id))
        }
        "GetBucketPolicyStatus" => {
            let is_public = bucket::is_policy_public(state, name)?;
            Ok(answer::xml("PolicyStatus", &element("IsPublic", truth(is_public)), id))
        }
        "PutBucketPolicy" => {
            of_own_account(state, call, name)?;
            let text = text(body)?;
            let plan = change(name, move |state, name| bucket::put_policy(state, name, &text));
            written(node, call, operation, plan).await
        }
        "DeleteBucketPolicy" => {
            of_own_account(state, call, name)?;
            written(node, call, operation, change(name, bucket::delete_policy)).await
        }
        "GetPublicAccessBlock" => {
            let block = bucket::public_access_block(state, name)?;
            Ok(answer::xml("PublicAccessBlockConfiguration", &shown(block), id))
        }
        "PutPublicAccessBlock" => {
            let [block_public_acls, ignore_public_acls, block_public_policy, restrict] =
                route::public_access_block(body)?;
            let block = PublicAccessBlock {
                block_public_acls,
                ignore_public_acls,
                block_public_policy,
                restrict_public_buckets: restrict,
            };
            written(node, call, operation, blocking(name, block)).await
        }
        "DeletePublicAccessBlock" => {
            written(node, call, operation, blocking(name, PublicAccessBlock::NONE)).await
        }
        "GetBucketCors" => {
            let rules = cors::rules(state, name)?.iter().map(cors_rule).collect::<String>();
            Ok(answer::xml("CORSConfiguration", &rules, id))
        }
        "PutBucketCors" => {
            let rules = route::cors_rules(body)?;
            let plan = change(name, move |state, name| cors::put(state, name, rules.clone()));
            written(node, call, operation, plan).await
        }
        "DeleteBucketCors" => written(node, call, operation, change(name, cors::delete)).await,
        "GetBucketOwnershipControls" => {
            let rule = format!("<Rule>{}</Rule>", element("ObjectOwnership", ENFORCED));
            Ok(answer::xml("OwnershipControls", &rule, id))
        }
        "PutBucketOwnershipControls" if route::object_ownership(body)? == ENFORCED => {
            Ok(answer::empty(StatusCode::OK, id))
        }
        "GetBucketAcl" | "GetObjectAcl" => {
            let (owner, _) = bucket::find(state, name)?;
            Ok(answer::xml("AccessControlPolicy", &owner_acl(owner), id))
        }
        "PutBucketAcl" | "PutObjectAcl" => Err(no_acls()),
        _ => Err(S3Error::new(
            "InvalidBucketState",
            "ACLs are off for all buckets here: object ownership is BucketOwnerEnforced.",
        )),
    }
}

/// Refuses headers that would set an ACL, which are all off; who gives the owner everything says
/// nothing new.
///
/// # Errors
/// `AccessControlListNotSupported`, and for a bucket that is made
/// `InvalidBucketAclWithObjectOwnership`.
pub(super) fn refuse_acls(
    operation: &str,
    header: impl Fn(&str) -> Option<String>,
) -> Result<(), S3Error> {
    let is_bucket = operation == "CreateBucket";
    if header("x-amz-object-ownership").is_some_and(|ownership| ownership != ENFORCED) {
        let message = "ACLs are off for all buckets here: object ownership is BucketOwnerEnforced.";
        return Err(S3Error::new("InvalidArgument", message));
    }
    let canned = header("x-amz-acl");
    let is_plain = match canned.as_deref() {
        None | Some(OWNER_FULL_CONTROL) => true,
        Some("private") => is_bucket,
        Some(_) => false,
    };
    let grants = ["full-control", "read", "read-acp", "write", "write-acp"];
    let has_grants = grants.iter().any(|grant| header(&format!("x-amz-grant-{grant}")).is_some());
    match (is_plain && !has_grants, is_bucket) {
        (true, _) => Ok(()),
        (false, true) => Err(S3Error::new(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        )),
        (false, false) => Err(no_acls()),
    }
}

fn no_acls() -> S3Error {
    S3Error::new("AccessControlListNotSupported", "The bucket does not allow ACLs")
}

/// Only the account of a bucket can do something about its policy, whoever is allowed to.
///
/// Source: S3 API Reference, PutBucketPolicy.
fn of_own_account(state: &State, call: &Call, name: &str) -> Result<(), S3Error> {
    let (owner, _) = bucket::find(state, name)?;
    let caller = call.requester.as_ref().map(|requester| requester.caller.account);
    if caller == Some(owner) {
        return Ok(());
    }
    let message = "The specified method is not allowed against this resource.";
    Err(S3Error::new("MethodNotAllowed", message))
}

/// What becomes of a state, or S3's answer to what cannot be.
type Rule = Box<dyn Fn(&State) -> Result<Vec<AccountChanges>, S3Error> + Send + Sync>;

fn change(
    name: &str,
    rule: impl Fn(&State, &str) -> Result<Vec<AccountChanges>, S3Error> + Send + Sync + 'static,
) -> Rule {
    let name = name.to_owned();
    Box::new(move |state| rule(state, &name))
}

fn blocking(name: &str, block: PublicAccessBlock) -> Rule {
    change(name, move |state, name| bucket::put_public_access_block(state, name, block))
}

async fn written(
    node: &Arc<Node>,
    call: &mut Call,
    operation: &'static str,
    rule: Rule,
) -> Result<Response<GatewayBody>, S3Error> {
    let name = call.bucket.as_deref().unwrap_or_default();
    let owner = bucket::find(&node.snapshot().state, name).map(|(owner, _)| owner)?;
    write(node, call, operation, owner, rule).await?;
    let status = if operation.starts_with("Delete") || operation == "PutBucketPolicy" {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::OK
    };
    Ok(answer::empty(status, &call.request_id))
}

/// Commits what a rule changes, together with its record.
async fn write(
    node: &Arc<Node>,
    call: &mut Call,
    operation: &'static str,
    account: AccountId,
    rule: Rule,
) -> Result<(), S3Error> {
    // What cannot be is said in S3's words before anything is queued.
    rule(&node.snapshot().state)?;
    call.is_recorded = true;
    if let Some(leader) = node.leader() {
        return leader.carry_out(node, call.forwarded.as_ref(), operation).await;
    }
    let event = call.event(operation, false);
    let plan = move |snapshot: &Snapshot, _: &Node| {
        let changes = rule(&snapshot.state)
            .map_err(|_| Failure::Refused(Refusal::new(ErrorCode::ConcurrentModification, "")))?;
        Ok(Drafted::new(changes, ()))
    };
    match node.write_directory(account, event, Box::new(plan)).await {
        Ok(_) => Ok(()),
        Err(Failure::Refused(_)) => Err(S3Error::new(
            "OperationAborted",
            "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        )),
        Err(Failure::Fault(fault)) => {
            tracing::error!(request_id = call.request_id, "{fault}");
            Err(S3Error::new("ServiceUnavailable", "Please reduce your request rate."))
        }
    }
}

/// The name is this account's from now on, and nobody else's.
///
/// # Errors
/// As [`bucket::reserve`].
pub(super) async fn reserve(
    node: &Arc<Node>,
    call: &mut Call,
    now: Timestamp,
) -> Result<(), S3Error> {
    let account = call.requester.as_ref().map(|requester| requester.caller.account);
    let account = account.ok_or_else(|| S3Error::new("AccessDenied", "Access Denied"))?;
    let name = call.bucket.as_deref().unwrap_or_default();
    let rule = change(name, move |state, name| bucket::reserve(state, account, name, now));
    write(node, call, "CreateBucket", account, rule).await
}

/// The store has made the bucket.
///
/// # Errors
/// S3's answer when that cannot be noted.
pub(super) async fn made(node: &Arc<Node>, call: &mut Call) -> Result<(), S3Error> {
    settled(node, call, "BucketCreated", bucket::made).await
}

/// The store has no such bucket, or no longer.
///
/// # Errors
/// S3's answer when that cannot be noted.
pub(super) async fn release(
    node: &Arc<Node>,
    call: &mut Call,
    operation: &'static str,
) -> Result<(), S3Error> {
    settled(node, call, operation, bucket::release).await
}

async fn settled(
    node: &Arc<Node>,
    call: &mut Call,
    operation: &'static str,
    rule: fn(&State, &str) -> Result<Vec<AccountChanges>, S3Error>,
) -> Result<(), S3Error> {
    let name = call.bucket.as_deref().unwrap_or_default();
    let owner = bucket::find(&node.snapshot().state, name).map(|(owner, _)| owner)?;
    write(node, call, operation, owner, change(name, rule)).await
}

/// The buckets of the caller's account.
fn buckets(state: &State, call: &Call, id: &str) -> Response<GatewayBody> {
    let account = call.requester.as_ref().map(|requester| requester.caller.account);
    let Some(account) = account.and_then(|account| state.account(account)) else {
        return answer::xml("ListAllMyBucketsResult", "<Buckets/>", id);
    };
    let made = account.buckets().values().filter(|bucket| bucket.is_made);
    let listed: String = made
        .map(|bucket| {
            let name = element("Name", &bucket.name);
            let created = element("CreationDate", &bucket.created.to_string());
            format!("<Bucket>{name}{created}</Bucket>")
        })
        .collect();
    let owner = owner(account.id());
    answer::xml("ListAllMyBucketsResult", &format!("{owner}<Buckets>{listed}</Buckets>"), id)
}

/// What every bucket and object here has: its owner may do everything.
fn owner_acl(account: AccountId) -> String {
    let id = iamd_core::s3::bucket::canonical_user_id(account);
    let grantee = format!(
        "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">{}</Grantee>",
        element("ID", &id)
    );
    let grant = format!("<Grant>{grantee}{}</Grant>", element("Permission", "FULL_CONTROL"));
    format!("{}<AccessControlList>{grant}</AccessControlList>", owner(account))
}

fn owner(account: AccountId) -> String {
    format!("<Owner>{}</Owner>", element("ID", &iamd_core::s3::bucket::canonical_user_id(account)))
}

fn shown(block: PublicAccessBlock) -> String {
    [
        ("BlockPublicAcls", block.block_public_acls),
        ("IgnorePublicAcls", block.ignore_public_acls),
        ("BlockPublicPolicy", block.block_public_policy),
        ("RestrictPublicBuckets", block.restrict_public_buckets),
    ]
    .map(|(name, is_on)| element(name, truth(is_on)))
    .concat()
}

fn cors_rule(rule: &CorsRule) -> String {
    let all = |name: &str, texts: &[Box<str>]| -> String {
        texts.iter().map(|text| element(name, text)).collect()
    };
    let id = rule.id.as_ref().map(|id| element("ID", id)).unwrap_or_default();
    let seconds =
        rule.max_age_seconds.map(|seconds| element("MaxAgeSeconds", &seconds.to_string()));
    let content = [
        id,
        all("AllowedMethod", &rule.allowed_methods),
        all("AllowedOrigin", &rule.allowed_origins),
        all("AllowedHeader", &rule.allowed_headers),
        seconds.unwrap_or_default(),
        all("ExposeHeader", &rule.expose_headers),
    ];
    format!("<CORSRule>{}</CORSRule>", content.concat())
}

fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn text(body: &[u8]) -> Result<String, S3Error> {
    let text = std::str::from_utf8(body).map(str::to_owned);
    text.map_err(|_| {
        let message = "Policies must be valid JSON and the first byte must be '{'";
        S3Error::new("MalformedPolicy", message)
    })
}
