//! The words of a denial.

use crate::decision::{Decision, PolicyType, Request};
use crate::principal::Principal;

/// AWS's words for a denial; empty for an allow.
pub(super) fn message(request: &Request<'_>, decision: Decision) -> String {
    let action = request.action;
    let reason = match decision {
        Decision::Allow(_) => return String::new(),
        Decision::DenyExplicitly(kind) => {
            format!("with an explicit deny in {}", explicit_phrase(kind))
        }
        Decision::DenyImplicitly(kind) => {
            format!("because no {} allows the {action} action", implicit_phrase(kind))
        }
    };
    match request.principal {
        // Outsiders have no name here. IAM User Guide, "Troubleshoot SAML federation".
        Principal::Federated { .. } => format!("Not authorized to perform {action}"),
        Principal::Service { name } => denied(name, action, request.resource, &reason),
        Principal::Anonymous => denied("anonymous", action, request.resource, &reason),
        Principal::Root { .. }
        | Principal::User { .. }
        | Principal::RoleSession { .. }
        | Principal::FederatedUser { .. } => {
            let arn = request.principal.arn().unwrap_or_default();
            denied(&arn, action, request.resource, &reason)
        }
    }
}

fn denied(user: &str, action: &str, resource: &str, reason: &str) -> String {
    format!("User: {user} is not authorized to perform: {action} on resource: {resource} {reason}")
}

fn implicit_phrase(kind: PolicyType) -> &'static str {
    match kind {
        PolicyType::Identity => "identity-based policy",
        PolicyType::Resource => "resource-based policy",
        PolicyType::Boundary => "permissions boundary",
        PolicyType::Session => "session policy",
        PolicyType::Scp => "service control policy",
        PolicyType::Rcp => "resource control policy",
        PolicyType::Endpoint => "VPC endpoint policy",
        PolicyType::Trust => "role trust policy",
    }
}

fn explicit_phrase(kind: PolicyType) -> &'static str {
    match kind {
        PolicyType::Identity => "an identity-based policy",
        PolicyType::Resource => "a resource-based policy",
        PolicyType::Boundary => "a permissions boundary",
        PolicyType::Session => "a session policy",
        PolicyType::Scp => "a service control policy",
        PolicyType::Rcp => "a resource control policy",
        PolicyType::Endpoint => "a VPC endpoint policy",
        PolicyType::Trust => "the role trust policy",
    }
}
