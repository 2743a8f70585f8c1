//! Which resources a request or an answer names, so that events can be looked up by them.

use std::borrow::Cow;

use serde::Deserialize;

const USER: &str = "AWS::IAM::User";
const GROUP: &str = "AWS::IAM::Group";
const ROLE: &str = "AWS::IAM::Role";
const POLICY: &str = "AWS::IAM::Policy";
const PROFILE: &str = "AWS::IAM::InstanceProfile";
const ACCESS_KEY: &str = "AWS::IAM::AccessKey";

/// A resource that is named: its type and its name, as CloudTrail has them.
pub type Resource<'a> = (&'static str, Cow<'a, str>);

/// The type of what a member names in its value.
pub(super) fn of_member(name: &str) -> Option<&'static str> {
    Some(match name {
        "UserName" | "NewUserName" => USER,
        "GroupName" | "NewGroupName" => GROUP,
        "RoleName" | "RoleArn" => ROLE,
        "PolicyName" | "PolicyArn" => POLICY,
        "InstanceProfileName" => PROFILE,
        "AccessKeyId" => ACCESS_KEY,
        _ => return None,
    })
}

/// The type of what a member of an answer describes, and the member of it that names it.
pub(super) fn of_part(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "User" => (USER, "Arn"),
        "Group" => (GROUP, "Arn"),
        "Role" => (ROLE, "Arn"),
        "Policy" => (POLICY, "Arn"),
        "InstanceProfile" => (PROFILE, "Arn"),
        "AccessKey" => (ACCESS_KEY, "AccessKeyId"),
        _ => return None,
    })
}

/// The same of the JSON that is in a record.
pub fn resources_in(text: &str) -> Vec<Resource<'_>> {
    // Other types under these names belong to operations that name no such resource.
    let named: Named<'_> = serde_json::from_str(text).unwrap_or_default();
    let key = named.access_key.and_then(|key| key.access_key_id);
    [
        (USER, named.user_name),
        (USER, named.new_user_name),
        (GROUP, named.group_name),
        (GROUP, named.new_group_name),
        (ROLE, named.role_name),
        (ROLE, named.role_arn),
        (POLICY, named.policy_name),
        (POLICY, named.policy_arn),
        (PROFILE, named.instance_profile_name),
        (ACCESS_KEY, named.access_key_id),
        (USER, named.user.and_then(Answered::arn)),
        (GROUP, named.group.and_then(Answered::arn)),
        (ROLE, named.role.and_then(Answered::arn)),
        (POLICY, named.policy.and_then(Answered::arn)),
        (PROFILE, named.instance_profile.and_then(Answered::arn)),
        (ACCESS_KEY, key),
    ]
    .into_iter()
    .filter_map(|(kind, name)| Some((kind, name?)))
    .collect()
}

/// Members that name resources, at the top and one level below.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Named<'a> {
    #[serde(borrow)]
    user_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    new_user_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    group_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    new_group_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    role_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    role_arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    policy_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    policy_arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    instance_profile_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    access_key_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user: Option<Answered<'a>>,
    #[serde(borrow)]
    group: Option<Answered<'a>>,
    #[serde(borrow)]
    role: Option<Answered<'a>>,
    #[serde(borrow)]
    policy: Option<Answered<'a>>,
    #[serde(borrow)]
    instance_profile: Option<Answered<'a>>,
    #[serde(borrow)]
    access_key: Option<AnsweredKey<'a>>,
}

#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow)]
    arn: Option<Cow<'a, str>>,
}

impl<'a> Answered<'a> {
    fn arn(self) -> Option<Cow<'a, str>> {
        self.arn
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnsweredKey<'a> {
    #[serde(borrow)]
    access_key_id: Option<Cow<'a, str>>,
}
