//! ARNs of IAM entities. Source: IAM User Guide, "IAM ARNs".

use crate::account_id::AccountId;
use crate::state::{Group, InstanceProfile, Named, Policy, Role, User};

/// The partition of every ARN made here.
// CHOICE: one partition; `aws-cn` and `aws-us-gov` are other clouds.
pub const PARTITION: &str = "aws";

/// The ARN of a user.
pub fn user(account: AccountId, user: &User) -> String {
    entity(account, "user", user)
}

/// The ARN of a group.
pub fn group(account: AccountId, group: &Group) -> String {
    entity(account, "group", group)
}

/// The ARN of a role.
pub fn role(account: AccountId, role: &Role) -> String {
    entity(account, "role", role)
}

/// The ARN of a customer managed policy.
pub fn policy(account: AccountId, policy: &Policy) -> String {
    entity(account, "policy", policy)
}

/// The ARN of an instance profile.
pub fn instance_profile(account: AccountId, profile: &InstanceProfile) -> String {
    entity(account, "instance-profile", profile)
}

/// The ARN of a root user, which also stands for the account.
pub fn root(account: AccountId) -> String {
    format!("arn:{PARTITION}:iam::{account}:root")
}

/// The ARN of a session of a role; the role's path is not part of it.
pub fn role_session(account: AccountId, role_name: &str, session_name: &str) -> String {
    format!("arn:{PARTITION}:sts::{account}:assumed-role/{role_name}/{session_name}")
}

/// The ARN of an IAM resource of this type at this path.
pub fn iam(account: AccountId, resource_type: &str, path: &str, name: &str) -> String {
    let mut arn = String::with_capacity(32 + resource_type.len() + path.len() + name.len());
    arn.extend(["arn:", PARTITION, ":iam::"]);
    account.push_to(&mut arn);
    arn.extend([":", resource_type, path, name]);
    arn
}

/// The parts of an IAM ARN: account field, resource type, path and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IamArn<'a> {
    /// The account field: a number, or `aws`.
    pub account: &'a str,
    /// The word before the first slash.
    pub resource_type: &'a str,
    /// From the first to the last slash.
    pub path: &'a str,
    /// What stands behind the last slash.
    pub name: &'a str,
}

impl<'a> IamArn<'a> {
    /// Splits an ARN of the service `iam`.
    pub fn parse(text: &'a str) -> Option<IamArn<'a>> {
        let rest = text.strip_prefix("arn:")?.strip_prefix(PARTITION)?.strip_prefix(":iam::")?;
        let (account, resource) = rest.split_once(':')?;
        let first_slash = resource.find('/')?;
        let last_slash = resource.rfind('/')?;
        Some(IamArn {
            account,
            resource_type: resource.get(..first_slash)?,
            path: resource.get(first_slash..=last_slash)?,
            name: resource.get(last_slash + 1..)?,
        })
    }
}

fn entity(account: AccountId, resource_type: &str, entity: &impl Named) -> String {
    iam(account, resource_type, entity.path(), entity.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iam_arns_split_at_first_and_last_slash() {
        let arn = IamArn::parse("arn:aws:iam::111122223333:role/a/b/name").unwrap();
        assert_eq!((arn.account, arn.resource_type), ("111122223333", "role"));
        assert_eq!((arn.path, arn.name), ("/a/b/", "name"));
        assert_eq!(IamArn::parse("arn:aws:iam::aws:policy/X").unwrap().path, "/");
        for wrong in ["", "arn:aws:iam::1:root", "arn:aws:s3:::b/k", "arn:other:iam::1:user/x"] {
            assert_eq!(IamArn::parse(wrong), None, "{wrong}");
        }
    }
}
