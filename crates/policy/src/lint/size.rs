//! The size of a document beside what its type may have.
//!
//! Source: IAM User Guide, "IAM and AWS STS quotas"; Organizations User Guide, "Quotas".

use super::findings::{Findings, Severity};
use crate::validate::{Grammar, size_without_white_space};

/// Characters of a managed policy, without white space.
const MANAGED_MAX: usize = 6_144;
/// Characters of all inline policies of a role, without white space; users and groups have less.
const INLINE_MAX: usize = 10_240;
/// Characters of a trust policy, without white space, and what AWS raises it to.
const TRUST_MAX: usize = 2_048;
const TRUST_RAISED_MAX: usize = 4_096;
/// Characters of all session policies, white space counted.
const SESSION_MAX: usize = 2_048;
/// Characters of a policy of an organization, white space counted.
const ORGANIZATION_MAX: usize = 5_120;

/// From this share of the quota on, in hundredths, a document is near it.
const NEAR: usize = 95;

pub(super) fn judge(findings: &mut Findings, text: &str) {
    let white_space_counts =
        matches!(findings.grammar, Grammar::Session | Grammar::Scp | Grammar::Rcp);
    let size =
        if white_space_counts { text.chars().count() } else { size_without_white_space(text) };
    let (most, code, what) = match findings.grammar {
        Grammar::Identity if size > INLINE_MAX => (
            INLINE_MAX,
            "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA",
            "the inline policies of a role may have together, and no other policy may have more",
        ),
        Grammar::Identity => {
            (MANAGED_MAX, "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", "a managed policy may have")
        }
        Grammar::Trust if size > TRUST_RAISED_MAX => (
            TRUST_RAISED_MAX,
            "POLICY_SIZE_EXCEEDS_TRUST_POLICY_QUOTA",
            "a trust policy may ever have",
        ),
        Grammar::Trust => (
            TRUST_MAX,
            "POLICY_SIZE_EXCEEDS_TRUST_POLICY_QUOTA",
            "a trust policy may have unless the quota was raised",
        ),
        Grammar::Session => (
            SESSION_MAX,
            "POLICY_SIZE_EXCEEDS_SESSION_POLICY_QUOTA",
            "the policies of a session may have together",
        ),
        Grammar::Scp => {
            (ORGANIZATION_MAX, "POLICY_SIZE_EXCEEDS_SCP_QUOTA", "a service control policy may have")
        }
        Grammar::Rcp => (
            ORGANIZATION_MAX,
            "POLICY_SIZE_EXCEEDS_RCP_QUOTA",
            "a resource control policy may have",
        ),
        // Every service has its own quota.
        Grammar::Resource => return,
    };
    let is_final = match findings.grammar {
        Grammar::Identity => most == INLINE_MAX,
        Grammar::Trust => most == TRUST_RAISED_MAX,
        Grammar::Session | Grammar::Scp | Grammar::Rcp | Grammar::Resource => true,
    };
    let counted = if white_space_counts { "" } else { " without white space" };
    if size > most {
        let severity = if is_final { Severity::Error } else { Severity::Warning };
        let message =
            format!("the document has {size} characters{counted}, and {most} is what {what}");
        findings.add((severity, code), 0, message, Some(shorter(white_space_counts)));
    } else if size * 100 > most * NEAR {
        let message =
            format!("the document has {size} of the {most} characters{counted} that {what}");
        let code = "POLICY_SIZE_NEAR_QUOTA";
        findings.add((Severity::Suggestion, code), 0, message, Some(shorter(white_space_counts)));
    }
}

fn shorter(white_space_counts: bool) -> String {
    match white_space_counts {
        true => "split the document, or remove what is redundant and the white space".to_owned(),
        false => "split the document, or remove what is redundant".to_owned(),
    }
}
