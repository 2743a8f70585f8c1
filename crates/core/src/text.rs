//! The texts that AWS clients see and match on, in one place.
//!
//! Each is taken letter by letter from answers recorded from AWS or from the IAM API Reference;
//! differences in punctuation between neighbours are AWS's.

use iamd_wire::ErrorCode;

use crate::refusal::Refusal;

/// The kinds of entity that a request can fail to find by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntityKind {
    /// An IAM user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
    /// An instance profile.
    InstanceProfile,
    /// A server certificate.
    ServerCertificate,
}

/// `NoSuchEntity` for an entity looked up by name.
pub fn no_such(kind: EntityKind, name: &str) -> Refusal {
    let message = match kind {
        EntityKind::User => format!("The user with name {name} cannot be found."),
        EntityKind::Group => format!("The group with name {name} cannot be found."),
        EntityKind::Role => format!("The role with name {name} cannot be found."),
        EntityKind::InstanceProfile => format!("Instance Profile {name} cannot be found."),
        EntityKind::ServerCertificate => {
            format!("The Server Certificate with name {name} cannot be found.")
        }
    };
    Refusal::new(ErrorCode::NoSuchEntity, message)
}

/// `EntityAlreadyExists` for a name in use.
pub fn already_exists(kind: EntityKind, name: &str) -> Refusal {
    let message = match kind {
        EntityKind::User => format!("User with name {name} already exists."),
        EntityKind::Group => format!("Group with name {name} already exists."),
        EntityKind::Role => format!("Role with name {name} already exists."),
        EntityKind::InstanceProfile => format!("Instance Profile {name} already exists."),
        EntityKind::ServerCertificate => {
            format!("The Server Certificate with name {name} already exists.")
        }
    };
    Refusal::new(ErrorCode::EntityAlreadyExists, message)
}

/// `EntityAlreadyExists` for a managed policy.
pub fn policy_already_exists(name: &str) -> Refusal {
    Refusal::new(
        ErrorCode::EntityAlreadyExists,
        format!("A policy called {name} already exists. Duplicate names are not allowed."),
    )
}

/// `NoSuchEntity` for a managed policy that is to be attached.
pub fn no_such_policy(arn: &str) -> Refusal {
    Refusal::new(
        ErrorCode::NoSuchEntity,
        format!("Policy {arn} does not exist or is not attachable."),
    )
}

/// `PolicyNotAttachable` for a managed policy that is reserved for service-linked roles.
///
/// The code is the model's; the text is one quoted in public reports, not a recorded one.
pub fn policy_not_attachable() -> Refusal {
    Refusal::new(
        ErrorCode::PolicyNotAttachable,
        "Cannot attach a Service Role Policy to a Customer Role.",
    )
}

/// `NoSuchEntity` for a managed policy that is to be read or changed, or that is not attached to
/// the entity it is to be detached from.
pub fn policy_not_found(arn: &str) -> Refusal {
    Refusal::new(ErrorCode::NoSuchEntity, format!("Policy {arn} was not found."))
}

/// `NoSuchEntity` for a version of a managed policy.
pub fn no_such_policy_version(arn: &str, version: &str) -> Refusal {
    Refusal::new(
        ErrorCode::NoSuchEntity,
        format!("Policy {arn} version {version} does not exist or is not attachable."),
    )
}

/// `NoSuchEntity` for an inline policy.
pub fn no_such_inline_policy(kind: EntityKind, policy_name: &str) -> Refusal {
    let holder = match kind {
        EntityKind::User => "user",
        EntityKind::Group => "group",
        EntityKind::Role | EntityKind::InstanceProfile | EntityKind::ServerCertificate => "role",
    };
    Refusal::new(
        ErrorCode::NoSuchEntity,
        format!("The {holder} policy with name {policy_name} cannot be found."),
    )
}

/// `NoSuchEntity` for an access key.
pub fn no_such_access_key(id: &str) -> Refusal {
    Refusal::new(ErrorCode::NoSuchEntity, format!("The Access Key with id {id} cannot be found."))
}

/// `NoSuchEntity` for a role that is not in the instance profile.
pub fn role_not_in_profile(role: &str, profile: &str) -> Refusal {
    Refusal::new(
        ErrorCode::NoSuchEntity,
        format!("Role {role} in Instance Profile {profile} cannot be found."),
    )
}

/// `LimitExceeded` in the form that names the quota.
pub fn quota_exceeded(quota: &str, limit: u32) -> Refusal {
    Refusal::new(ErrorCode::LimitExceeded, format!("Cannot exceed quota for {quota}: {limit}"))
}

/// `LimitExceeded` for tags.
pub fn too_many_tags() -> Refusal {
    Refusal::new(ErrorCode::LimitExceeded, "The number of tags has reached the maximum limit.")
}

/// `DeleteConflict`: what must be done first.
pub fn delete_conflict(what_first: &str) -> Refusal {
    Refusal::new(
        ErrorCode::DeleteConflict,
        format!("Cannot delete entity, must {what_first} first."),
    )
}

/// `DeleteConflict` for a server certificate that something serves.
pub fn certificate_in_use(id: &str, user: &str) -> Refusal {
    Refusal::new(
        ErrorCode::DeleteConflict,
        format!(
            "Certificate: {id} is currently in use by {user}. Please remove it first before deleting it from IAM."
        ),
    )
}

/// `UnmodifiableEntity` for a role that belongs to a service.
pub fn protected(role_name: &str) -> Refusal {
    Refusal::new(
        ErrorCode::UnmodifiableEntity,
        format!(
            "Cannot perform the operation on the protected role '{role_name}' - this role is only modifiable by AWS"
        ),
    )
}

/// `ValidationError` for a managed policy ARN that is not an ARN; both spaces are AWS's.
pub fn unparsable_arn() -> Refusal {
    Refusal::new(ErrorCode::ValidationError, "Invalid ARN:  Could not be parsed!")
}

/// `ValidationError` where an optional user name is left out by a caller who is no user.
pub fn user_name_required() -> Refusal {
    Refusal::new(
        ErrorCode::ValidationError,
        "Must specify userName when calling with non-User credentials",
    )
}

/// `ValidationError` for a pagination marker that this server did not issue for this list.
pub fn invalid_marker() -> Refusal {
    Refusal::new(ErrorCode::ValidationError, "Invalid Marker.")
}

/// The message for repeated tag keys; its code differs between IAM and STS.
pub const DUPLICATE_TAG_KEYS: &str =
    "Duplicate tag keys found. Please note that Tag keys are case insensitive.";

/// `InvalidParameterValue` for a permissions boundary that is no managed policy.
pub fn invalid_boundary(value: &str) -> Refusal {
    Refusal::new(
        ErrorCode::InvalidParameterValue,
        format!("Value ({value}) for parameter PermissionsBoundary is invalid."),
    )
}

/// `AccessDenied` on an access key that does not exist; unlike other denials, without a colon.
pub fn access_key_not_authorized(caller_arn: &str, key: &str) -> Refusal {
    Refusal::new(
        ErrorCode::AccessDenied,
        format!(
            "User: {caller_arn} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key {key}"
        ),
    )
}

/// `MalformedCertificate` for a text that is not one certificate.
pub fn malformed_certificate(body: &str) -> Refusal {
    Refusal::new(ErrorCode::MalformedCertificate, format!("Certificate {body} is malformed."))
}

/// What is wrong with a certificate before its first and after its last day. The text is ours.
pub const CERTIFICATE_NOT_IN_FORCE: &str = "The certificate is not valid yet, or has expired.";

/// `InvalidCertificate` for one that is not in force.
pub fn certificate_not_in_force() -> Refusal {
    Refusal::new(ErrorCode::InvalidCertificate, CERTIFICATE_NOT_IN_FORCE)
}
