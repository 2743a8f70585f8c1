//! What no policy can allow.

use crate::principal::Principal;
use crate::resource::Resource;

/// What changes an AWS managed policy. IAM User Guide, "Managed policies and inline policies".
const MANAGED_POLICY_WRITES: [&str; 7] = [
    "iam:createpolicy",
    "iam:createpolicyversion",
    "iam:deletepolicy",
    "iam:deletepolicyversion",
    "iam:setdefaultpolicyversion",
    "iam:tagpolicy",
    "iam:untagpolicy",
];

/// What changes a service-linked role. IAM User Guide, "Service-linked roles".
const SERVICE_LINKED_ROLE_WRITES: [&str; 11] = [
    "iam:attachrolepolicy",
    "iam:createrole",
    "iam:deleterole",
    "iam:deleterolepermissionsboundary",
    "iam:deleterolepolicy",
    "iam:detachrolepolicy",
    "iam:putrolepermissionsboundary",
    "iam:putrolepolicy",
    "iam:tagrole",
    "iam:untagrole",
    "iam:updateassumerolepolicy",
];

/// Whether a request is refused whatever policies allow, root's included; the action in lower case.
pub(crate) fn is_beyond_policies(
    principal: &Principal,
    action: &str,
    resource: &Resource<'_>,
) -> bool {
    is_beyond_caller(principal, action) || is_beyond_resource(action, resource)
}

/// Source: STS API Reference, AssumeRole, GetSessionToken, GetFederationToken.
fn is_beyond_caller(principal: &Principal, action: &str) -> bool {
    let mints_credentials = matches!(action, "sts:getsessiontoken" | "sts:getfederationtoken");
    match principal {
        Principal::Root { .. } => action == "sts:assumerole",
        Principal::RoleSession { .. } => mints_credentials,
        Principal::FederatedUser { .. } => action.starts_with("iam:") || action.starts_with("sts:"),
        Principal::User { .. }
        | Principal::Service { .. }
        | Principal::Federated { .. }
        | Principal::Anonymous => false,
    }
}

fn is_beyond_resource(action: &str, resource: &Resource<'_>) -> bool {
    let Resource::Arn(arn) = resource else { return false };
    let Some((service, name)) = action.split_once(':') else { return false };
    match (service, arn.service) {
        ("iam", "iam") if arn.resource.starts_with("policy/") && arn.account == "aws" => {
            MANAGED_POLICY_WRITES.contains(&action)
        }
        ("iam", "iam") if arn.resource.starts_with("role/aws-service-role/") => {
            SERVICE_LINKED_ROLE_WRITES.contains(&action)
        }
        ("iam", "iam") if arn.resource.starts_with("role/aws-reserved/") => {
            let reads =
                name.starts_with("get") || name.starts_with("list") || name.starts_with("simulate");
            !reads && name != "generateservicelastaccesseddetails"
        }
        ("kms", "kms") if arn.resource.starts_with("alias/aws/") => {
            matches!(name, "createalias" | "updatealias" | "deletealias")
        }
        _ => false,
    }
}
