//! What depends on the action and the resource alone: calls that need no permission, calls that no
//! policy opens, and which resources have rules of their own.
//!
//! Sources: IAM User Guide, "Managed policies and inline policies", "Service-linked roles", "Policy
//! evaluation logic"; Service Authorization Reference; Organizations User Guide, "Resource control
//! policies".

use iamd_policy::service_data;

use super::principal::{is_account_id, is_service_linked};
use crate::case::{Caller, Question};

/// What nobody does to a policy of AWS's.
const CHANGES_OF_POLICIES: [&str; 7] = [
    "createpolicy",
    "createpolicyversion",
    "deletepolicy",
    "deletepolicyversion",
    "setdefaultpolicyversion",
    "tagpolicy",
    "untagpolicy",
];

/// What nobody does to a service-linked role; its description may be changed.
const CHANGES_OF_LINKED_ROLES: [&str; 11] = [
    "attachrolepolicy",
    "createrole",
    "deleterole",
    "deleterolepermissionsboundary",
    "deleterolepolicy",
    "detachrolepolicy",
    "putrolepermissionsboundary",
    "putrolepolicy",
    "tagrole",
    "untagrole",
    "updateassumerolepolicy",
];

/// What nobody does to an alias that AWS made.
const CHANGES_OF_ALIASES: [&str; 3] = ["createalias", "deletealias", "updatealias"];

/// Whether the call succeeds whatever policies say: who am I, and a session of one's own.
///
/// Source: STS API, GetCallerIdentity, GetSessionToken, "Permissions".
pub(super) fn needs_no_permission(caller: &Caller, action: &str) -> bool {
    match action.to_ascii_lowercase().as_str() {
        "sts:getcalleridentity" => match caller {
            Caller::Root { .. } | Caller::User { .. } | Caller::Session { .. } => true,
            Caller::FederatedUser { .. } | Caller::Service { .. } => true,
            // Neither signs its requests.
            Caller::Outsider { .. } | Caller::Anonymous => false,
        },
        "sts:getsessiontoken" => matches!(caller, Caller::Root { .. } | Caller::User { .. }),
        _ => false,
    }
}

/// Whether the action has no resource types, so that its resource is `*`.
pub(super) fn knows_no_resources(action: &str) -> bool {
    service_data::has_resource_level_permissions(action) == Some(false)
}

/// Whether resource control policies are looked at: of the services that they reach, for everybody
/// but service-linked roles, and not for assuming such a role.
///
/// Source: Organizations User Guide, "Resources and entities not restricted by RCPs".
pub(super) fn is_under_rcp(question: &Question) -> bool {
    let (service, name) = halves(&question.action);
    let is_linked_trust = service == "sts" && is_role(&question.resource, "aws-service-role/");
    let is_exempt = (service == "kms" && name == "retiregrant")
        || is_linked_trust
        || is_service_linked(&question.caller);
    let facts = service_data::service(&service);
    facts.is_some_and(|facts| facts.is_under_resource_control()) && !is_exempt
}

/// Whether the call is refused whatever policies allow.
pub(super) fn is_beyond_policies(question: &Question) -> bool {
    let (service, name) = halves(&question.action);
    let is_session_call = ["getfederationtoken", "getsessiontoken"].contains(&name.as_str());
    let caller_cannot = match &question.caller {
        Caller::Root { .. } => service == "sts" && name == "assumerole",
        Caller::Session { .. } => service == "sts" && is_session_call,
        Caller::FederatedUser { .. } => service == "sts" || service == "iam",
        Caller::User { .. } | Caller::Service { .. } | Caller::Outsider { .. } => false,
        Caller::Anonymous => false,
    };
    let resource_cannot = match service.as_str() {
        "iam" => is_fixed_in_iam(&name, &question.resource),
        "kms" => {
            let is_reserved = named(&question.resource, "kms", "alias/aws/").is_some();
            is_reserved && CHANGES_OF_ALIASES.contains(&name.as_str())
        }
        _ => false,
    };
    caller_cannot || resource_cannot
}

fn is_fixed_in_iam(name: &str, resource: &str) -> bool {
    let is_of_aws = named(resource, "iam", "policy/") == Some("aws");
    let only_reads = ["get", "list", "simulate"].iter().any(|verb| name.starts_with(verb))
        || name == "generateservicelastaccesseddetails";
    (is_of_aws && CHANGES_OF_POLICIES.contains(&name))
        || (is_role(resource, "aws-service-role/") && CHANGES_OF_LINKED_ROLES.contains(&name))
        || (is_role(resource, "aws-reserved/") && !only_reads)
}

/// Whether the call asks for a role, which must trust the caller, and with what it asks: tags, a
/// source identity, a context.
///
/// Source: IAM User Guide, "Pass session tags in AWS STS".
pub(super) fn assumes_role(question: &Question) -> bool {
    let (service, name) = halves(&question.action);
    let calls = ["assumerole", "assumerolewithsaml", "assumerolewithwebidentity"];
    let extras = ["tagsession", "setsourceidentity", "setcontext"];
    service == "sts"
        && (calls.contains(&name.as_str())
            || (extras.contains(&name.as_str()) && is_role(&question.resource, "")))
}

/// Whether the resource must name the caller, or his account, also within the account: roles that
/// are asked for and keys.
///
/// Source: IAM User Guide, "How AWS enforcement code logic evaluates requests", exceptions.
pub(super) fn needs_explicit_trust(question: &Question) -> bool {
    assumes_role(question) || named(&question.resource, "kms", "key/").is_some()
}

/// The account that owns the resource, as far as anybody knows.
pub(super) fn owner(question: &Question) -> Option<&str> {
    let in_arn = fields(&question.resource).map(|fields| fields[4]);
    question.owner.as_deref().or(in_arn.filter(|account| is_account_id(account)))
}

/// Service and name of an action, in lower case.
fn halves(action: &str) -> (String, String) {
    let action = action.to_ascii_lowercase();
    let (service, name) = action.split_once(':').unwrap_or((&action, ""));
    (service.to_owned(), name.to_owned())
}

fn is_role(resource: &str, path: &str) -> bool {
    named(resource, "iam", &format!("role/{path}")).is_some()
}

/// The account of a resource of this service whose last field begins so.
fn named<'r>(resource: &'r str, service: &str, beginning: &str) -> Option<&'r str> {
    let fields = fields(resource)?;
    (fields[2] == service && fields[5].starts_with(beginning)).then_some(fields[4])
}

/// The six fields of an ARN.
pub(super) fn fields(resource: &str) -> Option<[&str; 6]> {
    let fields: [&str; 6] = resource.splitn(6, ':').collect::<Vec<_>>().try_into().ok()?;
    (fields[0] == "arn").then_some(fields)
}
