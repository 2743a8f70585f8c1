"""GetAccountAuthorizationDetails: members, order and empty lists as AWS gives them."""

import json

import pytest
from iamd import allow, document, trust, unique

POLICY = document(allow("s3:ListBucket"))
TRUST = trust({"Service": "ec2.amazonaws.com"})
TAGS = [{"Key": "somekey", "Value": "somevalue"}, {"Key": "someotherkey", "Value": "someothervalue"}]
INLINE = [{"PolicyName": "inline", "PolicyDocument": json.loads(POLICY)}]
LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


@pytest.fixture
def policy(iam):
    """A managed policy."""
    return iam.create_policy(PolicyName=unique("policy"), PolicyDocument=POLICY)["Policy"]


def details(iam, *kinds):
    """All pages as one."""
    whole, marker = {name: [] for name in LISTS}, {}
    while True:
        page = iam.get_account_authorization_details(
            **({"Filter": list(kinds)} if kinds else {}), **marker
        )
        for name in LISTS:
            whole[name] += page[name]
        if not page["IsTruncated"]:
            assert "Marker" not in page
            return whole
        marker = {"Marker": page["Marker"]}


def only(iam, kind, name, wanted):
    """One item of a filtered answer, whose other lists are there, and empty."""
    answer = details(iam, kind)
    assert all(answer[other] == [] for other in LISTS if other != name)
    item, = [item for item in answer[name] if wanted in item["Arn"]]
    return item


def attached(policy):
    return [{"PolicyName": policy["PolicyName"], "PolicyArn": policy["Arn"]}]


def test_a_user_with_everything(iam, policy):
    name, group = unique("user"), unique("group")
    user = iam.create_user(UserName=name, Tags=TAGS)["User"]
    iam.create_group(GroupName=group)
    iam.add_user_to_group(UserName=name, GroupName=group)
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=POLICY)
    iam.attach_user_policy(UserName=name, PolicyArn=policy["Arn"])
    assert only(iam, "User", "UserDetailList", name) == {
        **user,
        "GroupList": [group],
        "AttachedManagedPolicies": attached(policy),
        "UserPolicyList": INLINE,
        "Tags": TAGS,
    }


def test_a_group_with_everything(iam, policy):
    name = unique("group")
    group = iam.create_group(GroupName=name)["Group"]
    iam.put_group_policy(GroupName=name, PolicyName="inline", PolicyDocument=POLICY)
    iam.attach_group_policy(GroupName=name, PolicyArn=policy["Arn"])
    assert only(iam, "Group", "GroupDetailList", name) == {
        **group,
        "AttachedManagedPolicies": attached(policy),
        "GroupPolicyList": INLINE,
    }


def test_a_role_with_everything(iam, policy):
    name, profile = unique("role"), unique("profile")
    role = iam.create_role(
        RoleName=name, Path="/my-path/", AssumeRolePolicyDocument=TRUST, Tags=TAGS
    )["Role"]
    created = iam.create_instance_profile(InstanceProfileName=profile)["InstanceProfile"]
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=name)
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=POLICY)
    iam.attach_role_policy(RoleName=name, PolicyArn=policy["Arn"])
    brief = {key: value for key, value in role.items() if key != "Tags"}
    assert only(iam, "Role", "RoleDetailList", name) == {
        **brief,
        "InstanceProfileList": [{**created, "Roles": [brief]}],
        "RolePolicyList": INLINE,
        "AttachedManagedPolicies": attached(policy),
        "RoleLastUsed": {},
        "Tags": TAGS,
    }


def test_a_local_policy(iam, policy):
    shown = only(iam, "LocalManagedPolicy", "Policies", policy["PolicyName"])
    version, = shown.pop("PolicyVersionList")
    assert shown == policy
    assert version == {
        "VersionId": "v1",
        "IsDefaultVersion": True,
        "CreateDate": policy["CreateDate"],
        "Document": json.loads(POLICY),
    }


def test_a_policy_of_aws_that_is_in_use(iam):
    name, arn = unique("group"), "arn:aws:iam::aws:policy/AmazonS3FullAccess"
    unused = details(iam, "AWSManagedPolicy")["Policies"]
    assert arn not in [policy["Arn"] for policy in unused]
    iam.create_group(GroupName=name)
    iam.attach_group_policy(GroupName=name, PolicyArn=arn)
    shown = only(iam, "AWSManagedPolicy", "Policies", "AmazonS3FullAccess")
    assert shown.keys() == {
        "Arn", "AttachmentCount", "CreateDate", "DefaultVersionId", "IsAttachable", "Path",
        "PermissionsBoundaryUsageCount", "PolicyId", "PolicyName", "PolicyVersionList",
        "UpdateDate",
    }
    assert (shown["AttachmentCount"], shown["IsAttachable"]) == (1, True)
    version, = [it for it in shown["PolicyVersionList"] if it["IsDefaultVersion"]]
    assert version["VersionId"] == shown["DefaultVersionId"]
    assert version["Document"]["Statement"][0]["Action"] == ["s3:*", "s3-object-lambda:*"]


def test_what_has_nothing_shows_empty_lists(iam):
    names = {kind: unique(kind.lower()) for kind in ("User", "Group", "Role")}
    user = iam.create_user(UserName=names["User"])["User"]
    group = iam.create_group(GroupName=names["Group"])["Group"]
    role = iam.create_role(RoleName=names["Role"], AssumeRolePolicyDocument=TRUST)["Role"]
    whole = details(iam)
    found = {
        kind: next(it for it in whole[f"{kind}DetailList"] if it[f"{kind}Name"] == name)
        for kind, name in names.items()
    }
    # A user without inline policies has no list of them at all.
    assert found["User"] == {**user, "AttachedManagedPolicies": [], "GroupList": [], "Tags": []}
    assert found["Group"] == {**group, "AttachedManagedPolicies": [], "GroupPolicyList": []}
    assert found["Role"] == {
        **role,
        "AttachedManagedPolicies": [],
        "InstanceProfileList": [],
        "RolePolicyList": [],
        "RoleLastUsed": {},
        "Tags": [],
    }


def test_a_filter_of_several_kinds_shows_inline_policies_of_all(iam):
    names = {kind: unique(kind.lower()) for kind in ("User", "Group", "Role")}
    iam.create_user(UserName=names["User"])
    iam.create_group(GroupName=names["Group"])
    iam.create_role(RoleName=names["Role"], AssumeRolePolicyDocument=TRUST)
    for kind, name in names.items():
        put = getattr(iam, f"put_{kind.lower()}_policy")
        put(**{f"{kind}Name": name}, PolicyName="inline", PolicyDocument=POLICY)
    answer = details(iam, "User", "Group", "Role")
    assert answer["Policies"] == []
    members = {"User": "UserPolicyList", "Group": "GroupPolicyList", "Role": "RolePolicyList"}
    for kind, name in names.items():
        entries = answer[f"{kind}DetailList"]
        item = next(entry for entry in entries if entry[f"{kind}Name"] == name)
        assert item[members[kind]] == INLINE


def test_pages_join_up(iam):
    for _ in range(3):
        iam.create_user(UserName=unique("user"))
        iam.create_group(GroupName=unique("group"))
    whole = details(iam)
    paginator = iam.get_paginator("get_account_authorization_details")
    for size in (1, 2, 5):
        joined = {name: [] for name in LISTS}
        for page in paginator.paginate(PaginationConfig={"PageSize": size}):
            assert sum(len(page[name]) for name in LISTS) <= size
            for name in LISTS:
                joined[name] += page[name]
        assert joined == whole
