//! Policies that a simulation leaves out.

use iamd_wire::iam::{AttachmentType, PolicyIdentifier, PolicyIdentifierPolicyType};

use super::invalid;
use crate::arn::IamArn;
use crate::iam::policy_source::{PolicyOrigin, SourcePolicy};
use crate::refusal::Refusal;
use crate::text::EntityKind;

/// Which policies are left out.
///
/// Source: IAM API Reference, PolicyIdentifier.
#[derive(Debug)]
pub(super) struct Exclusions<'a>(Vec<Exclusion<'a>>);

#[derive(Debug)]
enum Exclusion<'a> {
    /// All of a type.
    Type(PolicyIdentifierPolicyType),
    /// Managed policies: what stands before the resource name, and a pattern of the name.
    Managed(&'a str, Pattern<'a>),
    /// Inline policies of this name in those of a kind whose names fit.
    Inline { name: &'a str, holder: EntityKind, holder_name: Pattern<'a> },
}

impl<'a> Exclusions<'a> {
    /// What a request wants to be left out.
    ///
    /// # Errors
    /// `InvalidInput` for what identifies nothing, or too much at once.
    pub(super) fn of(list: Option<&'a [PolicyIdentifier]>) -> Result<Exclusions<'a>, Refusal> {
        list.unwrap_or_default().iter().map(read).collect::<Result<_, _>>().map(Exclusions)
    }

    /// Whether a policy is left out.
    pub(super) fn contain(&self, policy: &SourcePolicy) -> bool {
        self.0.iter().any(|exclusion| exclusion.contains(policy))
    }

    /// Whether permissions boundaries are left out.
    pub(super) fn contain_boundaries(&self) -> bool {
        let boundary = PolicyIdentifierPolicyType::PermissionBoundary;
        self.0.iter().any(|it| matches!(it, Exclusion::Type(kind) if *kind == boundary))
    }
}

fn read(identifier: &PolicyIdentifier) -> Result<Exclusion<'_>, Refusal> {
    let PolicyIdentifier { policy_type, policy_arn, inline_policy_identifier } = identifier;
    match (policy_type, policy_arn, inline_policy_identifier) {
        (Some(kind), None, None) => Ok(Exclusion::Type(*kind)),
        (None, Some(arn), None) => managed(arn).ok_or_else(|| {
            // CHOICE: that such an ARN is InvalidInput is documented, the text is ours.
            invalid(format!("Invalid Policy Identifier: {arn} is not the ARN of managed policies."))
        }),
        (None, None, Some(inline)) => {
            let holder = match inline.attachment_type {
                AttachmentType::User => EntityKind::User,
                AttachmentType::Group => EntityKind::Group,
                AttachmentType::Role => EntityKind::Role,
            };
            let holder_name = Pattern::read(&inline.attachment_name).ok_or_else(|| {
                invalid("Invalid Policy Identifier: at most one * can be in AttachmentName.")
            })?;
            Ok(Exclusion::Inline { name: &inline.policy_name, holder, holder_name })
        }
        _ => Err(invalid(
            "Invalid Policy Identifier: exactly one of PolicyType, PolicyArn and InlinePolicyIdentifier must be specified.",
        )),
    }
}

fn managed(arn: &str) -> Option<Exclusion<'_>> {
    let parts = IamArn::parse(arn).filter(|parts| parts.resource_type == "policy")?;
    let (before, resource) = arn.split_at_checked(arn.find(":policy/")? + ":policy/".len())?;
    let is_whole = !before.contains(['*', '?']) && !parts.name.is_empty();
    Some(Exclusion::Managed(before, Pattern::read(resource).filter(|_| is_whole)?))
}

impl Exclusion<'_> {
    fn contains(&self, policy: &SourcePolicy) -> bool {
        use PolicyIdentifierPolicyType as Type;
        match (self, &policy.origin) {
            (Exclusion::Type(Type::Inline), PolicyOrigin::Inline(..)) => true,
            (Exclusion::Type(Type::AwsManaged), PolicyOrigin::Managed(arn)) => {
                arn.arn().starts_with("arn:aws:iam::aws:")
            }
            (Exclusion::Type(Type::UserManaged), PolicyOrigin::Managed(arn)) => {
                !arn.arn().starts_with("arn:aws:iam::aws:")
            }
            (Exclusion::Managed(before, name), PolicyOrigin::Managed(arn)) => {
                arn.arn().strip_prefix(before).is_some_and(|rest| name.fits(rest))
            }
            (Exclusion::Inline { name, holder, holder_name }, PolicyOrigin::Inline(kind, of)) => {
                *name == policy.name && holder == kind && holder_name.fits(of)
            }
            (Exclusion::Type(_) | Exclusion::Managed(..) | Exclusion::Inline { .. }, _) => false,
        }
    }
}

/// A text with at most one `*`, and `?` for single characters.
#[derive(Debug)]
struct Pattern<'a> {
    start: &'a str,
    /// What follows the `*`, if there is one.
    end: Option<&'a str>,
}

impl<'a> Pattern<'a> {
    fn read(text: &'a str) -> Option<Pattern<'a>> {
        match text.split_once('*') {
            Some((_, end)) if end.contains('*') => None,
            Some((start, end)) => Some(Pattern { start, end: Some(end) }),
            None => Some(Pattern { start: text, end: None }),
        }
    }

    fn fits(&self, text: &str) -> bool {
        let fits = |pattern: char, character: char| pattern == '?' || pattern == character;
        let (length, start) = (text.chars().count(), self.start.chars().count());
        let starts = self.start.chars().zip(text.chars()).all(|(p, c)| fits(p, c));
        match self.end {
            None => length == start && starts,
            Some(end) => {
                let ends = end.chars().rev().zip(text.chars().rev()).all(|(p, c)| fits(p, c));
                length >= start + end.chars().count() && starts && ends
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_and_any_question_marks() {
        for (pattern, fits, misses) in [
            ("abc", "abc", "abcd"),
            ("a?c", "abc", "ac"),
            ("a*c", "ac", "a"),
            ("a*c", "abbc", "abbd"),
            ("*", "", "-"),
            ("ab*bc", "abbc", "abc"),
            ("?*", "a", ""),
        ] {
            let pattern = Pattern::read(pattern).unwrap();
            assert!(pattern.fits(fits), "{pattern:?} {fits}");
            assert!(misses == "-" || !pattern.fits(misses), "{pattern:?} {misses}");
        }
        assert!(Pattern::read("a*b*").is_none());
    }
}
