//! The `Resource` and `NotResource` elements.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Resource" and "IAM ARNs".

use super::Grammar;
use super::complaint::{self, Complaint};
use super::syntax::{Policy, Text};

/// # Errors
/// `Policy statement must contain resources.`
// CHOICE: resource-based policies need it too; a statement without it would never apply.
pub(super) fn check_presence(policy: &Policy<'_>) -> Result<(), Complaint> {
    for statement in &policy.statements {
        if statement.resources.as_ref().is_none_or(|resources| resources.values.is_empty()) {
            let offset =
                statement.resources.as_ref().map_or(statement.offset, |resources| resources.offset);
            let reason = "the statement has neither `Resource` nor `NotResource`, or an empty one";
            return Err(Complaint::new(complaint::RESOURCES_NONE, offset, reason));
        }
    }
    Ok(())
}

/// # Errors
/// A resource that is neither `*` nor an ARN with a known partition, a service and, for IAM and
/// S3, the fields that those use.
pub(super) fn check_form(policy: &Policy<'_>, grammar: Grammar) -> Result<(), Complaint> {
    let elements = policy.statements.iter().filter_map(|statement| statement.resources.as_ref());
    let mut resources = elements.flat_map(|element| &element.values);
    resources.try_for_each(|resource| check_resource(resource, grammar))
}

/// The fields of an ARN that are written: at most six, split on the first five colons.
pub(super) fn fields(resource: &str) -> Vec<&str> {
    resource.splitn(FIELDS, ':').collect()
}

/// Whether a text is the name of a partition. AWS Fault Isolation Boundaries, "Partitions".
pub(super) fn is_partition(text: &str) -> bool {
    PARTITIONS.contains(&text)
}

fn check_resource(resource: &Text<'_>, grammar: Grammar) -> Result<(), Complaint> {
    let Text { value, offset } = *resource;
    if value == "*" {
        return Ok(());
    }
    let written = fields(value);
    if written.len() < 2 {
        return Err(not_an_arn(resource, "it has no colon"));
    }
    let padded = padded(&written);
    let [prefix, partition, service, region, _, part] = padded;
    let whole = padded.join(":");
    // CHOICE: `*` stands for every partition. The user guide allows no wildcard here, but some thirty
    // of AWS's own managed policies have `arn:*:...`, and documents for several clouds rely on it.
    if partition != "*" && !is_partition(partition) {
        let message = format!("Partition \"{partition}\" is not valid for resource \"{whole}\".");
        return Err(Complaint::new(message, offset, format!("`{partition}` is no partition")));
    }
    // CHOICE: AWS shows the partition of a resource that does not begin with `arn`, so it looks
    // at that first. Such a resource could match nothing, a `Deny` on it would protect nothing.
    if prefix != "arn" {
        return Err(not_an_arn(resource, "it does not begin with `arn:`"));
    }
    if service.is_empty() || service.contains(['*', '?']) {
        let reason = format!("the resource `{value}` does not name its service");
        return Err(Complaint::new(complaint::RESOURCE_VENDOR, offset, reason));
    }
    match service {
        "iam" => check_iam(&whole, region, part, offset)?,
        "s3" if has_misplaced_region(region, part) => {
            let message = format!("Resource {whole} can not contain region information.");
            return Err(Complaint::new(message, offset, "buckets are named without a region"));
        }
        _ => {}
    }
    // CHOICE: STS refuses incomplete ARNs in session policies, with a text that is not known.
    if grammar == Grammar::Session && written.len() < FIELDS {
        return Err(not_an_arn(resource, "session policies need all six fields"));
    }
    Ok(())
}

fn check_iam(whole: &str, region: &str, part: &str, offset: usize) -> Result<(), Complaint> {
    if names_region(region) {
        let message = format!("IAM resource {whole} cannot contain region information.");
        return Err(Complaint::new(message, offset, "IAM resources are named without a region"));
    }
    if matches!(part, "*" | ROOT) || IAM_PATHS.iter().any(|path| part.starts_with(path)) {
        return Ok(());
    }
    let reason = format!("`{part}` does not begin with a type of IAM resource");
    Err(Complaint::new(complaint::IAM_PATH, offset, reason))
}

// CHOICE: a region of `*` is not region information; it is what an incomplete ARN is padded with.
fn names_region(region: &str) -> bool {
    !matches!(region, "" | "*")
}

// CHOICE: the S3 resources that do have a region, such as access points, may be named with it.
// Source: Service Authorization Reference, "Resource types defined by Amazon S3".
fn has_misplaced_region(region: &str, part: &str) -> bool {
    names_region(region) && !S3_REGIONAL.iter().any(|path| part.starts_with(path))
}

/// All six fields, with `*` for each that is missing.
fn padded<'a>(written: &[&'a str]) -> [&'a str; FIELDS] {
    let mut padded = ["*"; FIELDS];
    for (place, field) in padded.iter_mut().zip(written) {
        *place = field;
    }
    padded
}

fn not_an_arn(resource: &Text<'_>, reason: &str) -> Complaint {
    let value = resource.value;
    let message = format!("Resource {value} must be in ARN format or \"*\".");
    Complaint::new(
        message,
        resource.offset,
        format!("the resource `{value}` is not an ARN: {reason}"),
    )
}

const FIELDS: usize = 6;

const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

/// The root of an account, which `sts:AssumeRoot` is about.
// CHOICE: AWS's text does not mention it, for it is older than that action; without it, no policy
// could name the one resource of the action.
// Source: Service Authorization Reference, "Resource types defined by AWS Security Token Service".
const ROOT: &str = "root";

/// What the resource part of an IAM ARN may begin with.
// CHOICE: AWS's text does not mention `u2f/`, the type of FIDO security keys, `delegation-request/` and
// `role-template/`, which the Service Authorization Reference has; it is older than them.
const IAM_PATHS: [&str; 16] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
    "u2f/",
    "delegation-request/",
    "role-template/",
];

const S3_REGIONAL: [&str; 5] =
    ["accesspoint", "access-grants", "async-request/", "job/", "storage-lens"];
