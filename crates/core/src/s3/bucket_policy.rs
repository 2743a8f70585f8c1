//! What S3 demands of bucket policies beyond their grammar.
//!
//! Source: S3 User Guide, "Policies and permissions in Amazon S3"; S3 API Reference, PutBucketPolicy.

use iamd_policy::service_data::{self, ActionFacts};
use iamd_policy::{Grammar, Malformed};
use iamd_wire::route::S3Error;
use serde_json::Value;

use super::bucket_arn;
use crate::named_principals;
use crate::state::{PolicyDocument, State};

/// Longest bucket policy, in bytes. S3 User Guide, "Bucket policies for Amazon S3".
pub const LENGTH_MAX: usize = 20 * 1024;

/// A bucket policy as it is stored: users and roles are named by unique id.
///
/// # Errors
/// `MalformedPolicy` in S3's words.
pub(super) fn checked(state: &State, bucket: &str, text: &str) -> Result<PolicyDocument, S3Error> {
    if text.len() > LENGTH_MAX {
        let message = format!("Policies must be at most {LENGTH_MAX} bytes long.");
        return Err(S3Error::new("PolicyTooLarge", message));
    }
    let document: Value = serde_json::from_str(text)
        .map_err(|_| malformed("Policies must be valid JSON and the first byte must be '{'"))?;
    let parsed = iamd_policy::validate(text, Grammar::Resource).map_err(complaint)?;
    each(document.get("Statement")).try_for_each(|statement| check(bucket, statement))?;
    let stored = named_principals::stored(state, &parsed)
        .map_err(|_| malformed("Invalid principal in policy"))?;
    let document = iamd_policy::validate(&stored, Grammar::Resource).map_err(complaint)?;
    Ok(PolicyDocument::from(document))
}

/// A bucket policy as answers show it.
pub(super) fn shown(state: &State, policy: &PolicyDocument) -> String {
    named_principals::shown(state, policy.compiled())
}

fn check(bucket: &str, statement: &Value) -> Result<(), S3Error> {
    let listed =
        |name: &str| -> Vec<&str> { each(statement.get(name)).filter_map(Value::as_str).collect() };
    let resources = [listed("Resource"), listed("NotResource")].concat();
    let actions = [listed("Action"), listed("NotAction")].concat();
    if !resources.iter().all(|resource| is_of(bucket, resource)) {
        return Err(malformed("Policy has invalid resource"));
    }
    if !actions.iter().all(|action| is_known(action)) {
        return Err(malformed("Policy has invalid action"));
    }
    let applies =
        |action: &&str| resources.iter().any(|resource| reaches(bucket, action, resource));
    let is_listed = statement.get("Action").is_some() && statement.get("Resource").is_some();
    if is_listed && !actions.iter().all(applies) {
        return Err(malformed("Action does not apply to any resource(s) in statement"));
    }
    Ok(())
}

/// The bucket itself, or something in it; the name is whole.
fn is_of(bucket: &str, resource: &str) -> bool {
    let rest = resource.strip_prefix(&*bucket_arn(bucket));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// An action of S3, or a pattern of some.
fn is_known(action: &str) -> bool {
    let is_s3 = action.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("s3:"));
    action == "*" || (is_s3 && (is_pattern(action) || service_data::action(action).is_some()))
}

/// Whether an action is one on buckets, or on objects, as the resource is. Patterns may be either.
fn reaches(bucket: &str, action: &str, resource: &str) -> bool {
    if is_pattern(action) {
        return true;
    }
    let Some(facts) = service_data::action(action) else { return false };
    let is_bucket = resource == bucket_arn(bucket);
    has_type(&facts, if is_bucket { "bucket" } else { "object" })
}

fn has_type(facts: &ActionFacts, name: &str) -> bool {
    facts.resource_types().any(|(resource_type, _)| resource_type.name == name)
}

fn is_pattern(action: &str) -> bool {
    action.contains(['*', '?'])
}

/// The items of a list, or the value alone; nothing if it is absent.
fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (items, alone) = match value {
        Some(Value::Array(items)) => (&items[..], None),
        Some(alone) => (&[][..], Some(alone)),
        None => (&[][..], None),
    };
    items.iter().chain(alone)
}

fn complaint(error: Malformed) -> S3Error {
    malformed(error.message)
}

fn malformed(message: impl Into<String>) -> S3Error {
    S3Error::new("MalformedPolicy", message)
}
