//! AWS's texts for malformed policies, and where in a document they apply.

use super::{Grammar, Malformed};
use crate::json;

/// What is wrong with a document, and the byte at which it is wrong.
#[derive(Debug)]
pub(super) struct Complaint {
    message: String,
    offset: usize,
    reason: String,
}

impl Complaint {
    pub(super) fn new(
        message: impl Into<String>,
        offset: usize,
        reason: impl Into<String>,
    ) -> Complaint {
        Complaint { message: message.into(), offset, reason: reason.into() }
    }

    pub(super) fn syntax(offset: usize, reason: impl Into<String>) -> Complaint {
        Complaint::new(SYNTAX, offset, reason)
    }

    pub(super) fn legacy(offset: usize, reason: impl Into<String>) -> Complaint {
        Complaint::new(LEGACY, offset, reason)
    }

    /// Organizations has one text for whatever is wrong with a policy.
    pub(super) fn into_malformed(self, text: &str, grammar: Grammar) -> Malformed {
        let (line, column) = json::line_and_column(text, self.offset);
        let message = match grammar {
            Grammar::Scp | Grammar::Rcp => ORGANIZATIONS.to_owned(),
            Grammar::Identity | Grammar::Trust | Grammar::Session | Grammar::Resource => {
                self.message
            }
        };
        Malformed { message, reason: self.reason, line, column }
    }
}

pub(super) const SYNTAX: &str = "Syntax errors in policy.";
pub(super) const VERSION: &str = "Policy document must be version 2012-10-17 or greater.";
pub(super) const LEGACY: &str = "The policy failed legacy parsing";
pub(super) const SID_TWICE: &str = "Statement IDs (SID) in a single policy must be unique.";
pub(super) const SID_FORM: &str = "Statement IDs (SID) must be alpha-numeric. \
    Check that your input satisfies the regular expression [0-9A-Za-z]*";
pub(super) const PRINCIPAL_PROHIBITED: &str = "Policy document should not specify a principal.";
pub(super) const PRINCIPAL_MISSING: &str = "Missing required field Principal";
pub(super) const PRINCIPALS_NONE: &str = "Invalid principal in policy: \
    com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a statement with no principals!";
pub(super) const FEDERATED: &str =
    "Federated principals must be valid domain names or SAML metadata ARNs";
pub(super) const NOT_PRINCIPAL_PROHIBITED: &str = "Has prohibited field NotPrincipal.";
pub(super) const RESOURCE_PROHIBITED: &str = "Has prohibited field Resource.";
pub(super) const ACTIONS_NONE: &str = "Policy statement must contain actions.";
pub(super) const ACTION_VENDOR_MISSING: &str =
    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
pub(super) const ACTION_COLONS: &str = "Actions/Condition can contain only one colon.";
pub(super) const TRUST_ACTIONS: &str = "Trust Policy statement actions can only be \
    sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity";
pub(super) const RESOURCES_NONE: &str = "Policy statement must contain resources.";
pub(super) const RESOURCE_VENDOR: &str =
    "Resource vendor must be fully qualified and cannot contain regexes.";
pub(super) const IAM_PATH: &str = "IAM resource path must either be \"*\" or start with \
    user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, \
    sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.";
pub(super) const TRUST_NOT_JSON: &str = "This policy contains invalid Json";

// CHOICE: STS answers with the message of its JSON reader, which differs by version; this is the
// text of its earlier ones.
pub(super) const SESSION_NOT_JSON: &str = "The policy is not in the valid JSON format.";

pub(super) const ORGANIZATIONS: &str =
    "The provided policy document does not meet the requirements of the specified policy type.";
