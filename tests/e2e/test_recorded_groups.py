"""Answers about groups: members, order and wording as AWS gives them."""

import json

import pytest
from iamd import allow, document, refused, unique

GROUP = {"Path", "GroupName", "GroupId", "Arn", "CreateDate"}
SERVICE_ROLE_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonElasticMapReduceforEC2Role"


@pytest.fixture
def group(iam):
    """A group without anything."""
    return iam.create_group(GroupName=unique("group"))["Group"]


@pytest.fixture
def user(iam):
    """A user without anything."""
    return iam.create_user(UserName=unique("user"))["User"]


def no_group(name):
    return refused("NoSuchEntity", f"The group with name {name} cannot be found.", 404)


def test_a_created_group(server, iam, group):
    name = group["GroupName"]
    assert group.keys() == GROUP
    assert group["Path"] == "/" and group["GroupId"].startswith("AGPA")
    assert group["Arn"] == f"arn:aws:iam::{server.account}:group/{name}"
    with refused("EntityAlreadyExists", f"Group with name {name} already exists.", 409):
        iam.create_group(GroupName=name)
    with refused("EntityAlreadyExists", f"Group with name {name.upper()} already exists.", 409):
        iam.create_group(GroupName=name.upper())


def test_a_deleted_group_is_gone(iam, group):
    iam.delete_group(GroupName=group["GroupName"])
    with no_group(group["GroupName"]):
        iam.get_group(GroupName=group["GroupName"])
    with no_group("unknown-group"):
        iam.delete_group(GroupName="unknown-group")


def test_a_group_is_shown_with_its_users(iam, group):
    shown = iam.get_group(GroupName=group["GroupName"])
    assert shown["Group"] == group
    assert (shown["Users"], shown["IsTruncated"]) == ([], False)
    assert "Marker" not in shown
    with no_group("non-existent-group"):
        iam.get_group(GroupName="non-existent-group")


def test_a_group_with_a_path(server, iam):
    name = unique("group")
    created = iam.create_group(GroupName=name, Path="/some/location/")["Group"]
    assert created["Path"] == "/some/location/"
    assert created["Arn"] == f"arn:aws:iam::{server.account}:group/some/location/{name}"


def test_groups_are_listed_by_name_and_path(iam):
    path = f"/{unique('p')}/"
    names = sorted((unique("group") for _ in range(3)), reverse=True)
    created = [iam.create_group(GroupName=name, Path=path)["Group"] for name in names]
    listed = iam.list_groups(PathPrefix=path)
    assert listed["Groups"] == created[::-1] and listed["IsTruncated"] is False
    assert iam.list_groups(PathPrefix=path + "x")["Groups"] == []


def test_a_group_cannot_take_a_name_in_use(iam, group):
    other = iam.create_group(GroupName=unique("group"))["Group"]["GroupName"]
    with refused("EntityAlreadyExists", f"Group with name {other} already exists.", 409):
        iam.update_group(GroupName=group["GroupName"], NewGroupName=other)
    with no_group("nonexisting"):
        iam.update_group(GroupName="nonexisting", NewGroupName=unique("x"))


def test_a_renamed_and_moved_group_keeps_its_id(iam, group):
    old, new = group["GroupName"], unique("renamed")
    iam.update_group(GroupName=old, NewGroupName=new)
    arn = group["Arn"].replace(old, new)
    renamed = {**group, "GroupName": new, "Arn": arn}
    assert iam.get_group(GroupName=new)["Group"] == renamed
    with no_group(old):
        iam.get_group(GroupName=old)
    iam.update_group(GroupName=new, NewPath="/new-path/")
    moved = iam.get_group(GroupName=new)["Group"]
    arn = arn.replace(":group/", ":group/new-path/")
    assert moved == {**renamed, "Path": "/new-path/", "Arn": arn}


def test_membership_may_be_given_twice_and_ends_once(iam, group, user):
    names = {"GroupName": group["GroupName"], "UserName": user["UserName"]}
    for _ in range(2):
        iam.add_user_to_group(**names)
    assert iam.get_group(GroupName=group["GroupName"])["Users"] == [user]
    assert iam.list_groups_for_user(UserName=user["UserName"])["Groups"] == [group]
    iam.remove_user_from_group(**names)
    assert iam.get_group(GroupName=group["GroupName"])["Users"] == []
    assert iam.list_groups_for_user(UserName=user["UserName"])["Groups"] == []


def test_membership_follows_a_renamed_user(iam, group, user):
    iam.add_user_to_group(GroupName=group["GroupName"], UserName=user["UserName"])
    new = unique("renamed")
    iam.update_user(UserName=user["UserName"], NewUserName=new)
    renamed = {**user, "UserName": new, "Arn": user["Arn"].replace(user["UserName"], new)}
    assert iam.get_group(GroupName=group["GroupName"])["Users"] == [renamed]
    assert iam.list_groups_for_user(UserName=new)["Groups"] == [group]
    message = f"The user with name {user['UserName']} cannot be found."
    with refused("NoSuchEntity", message, 404):
        iam.list_groups_for_user(UserName=user["UserName"])


def test_membership_errors_name_the_user_first(iam, group, user):
    with refused("NoSuchEntity", "The user with name non-existent-user cannot be found.", 404):
        iam.add_user_to_group(GroupName=group["GroupName"], UserName="non-existent-user")
    with no_group("non-existent-group"):
        iam.add_user_to_group(GroupName="non-existent-group", UserName=user["UserName"])
    # Neither exists: AWS complains about the user.
    with refused("NoSuchEntity", "The user with name any-user cannot be found.", 404):
        iam.remove_user_from_group(GroupName="non-existent-group", UserName="any-user")


def test_a_group_with_anything_left_cannot_be_deleted(iam, group, user):
    name = group["GroupName"]
    iam.add_user_to_group(GroupName=name, UserName=user["UserName"])
    with refused("DeleteConflict", status=409):
        iam.delete_group(GroupName=name)
    iam.remove_user_from_group(GroupName=name, UserName=user["UserName"])
    iam.put_group_policy(GroupName=name, PolicyName="p", PolicyDocument=document(allow("s3:*")))
    with refused("DeleteConflict", "Cannot delete entity, must delete policies first.", 409):
        iam.delete_group(GroupName=name)
    iam.delete_group_policy(GroupName=name, PolicyName="p")
    iam.attach_group_policy(GroupName=name, PolicyArn=SERVICE_ROLE_POLICY)
    with refused("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409):
        iam.delete_group(GroupName=name)
    iam.detach_group_policy(GroupName=name, PolicyArn=SERVICE_ROLE_POLICY)
    iam.delete_group(GroupName=name)


def test_aws_managed_policies_attach_to_groups_also_those_of_services(iam, group):
    name = group["GroupName"]
    assert iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"] == []
    iam.attach_group_policy(GroupName=name, PolicyArn=SERVICE_ROLE_POLICY)
    answer = iam.list_attached_group_policies(GroupName=name)
    policy_name = SERVICE_ROLE_POLICY.rsplit("/", 1)[1]
    expected = [{"PolicyName": policy_name, "PolicyArn": SERVICE_ROLE_POLICY}]
    assert (answer["AttachedPolicies"], answer["IsTruncated"]) == (expected, False)
    iam.detach_group_policy(GroupName=name, PolicyArn=SERVICE_ROLE_POLICY)
    assert iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"] == []


def test_customer_managed_policies_of_a_group(iam, group):
    name, policy_name = group["GroupName"], unique("policy")
    policy = iam.create_policy(PolicyName=policy_name, PolicyDocument=document(allow("s3:*")))
    arn = policy["Policy"]["Arn"]
    with refused("NoSuchEntity", f"Policy {arn} was not found.", 404):
        iam.detach_group_policy(GroupName=name, PolicyArn=arn)
    iam.attach_group_policy(GroupName=name, PolicyArn=arn)
    attached = iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"]
    assert attached == [{"PolicyName": policy_name, "PolicyArn": arn}]
    iam.detach_group_policy(GroupName=name, PolicyArn=arn)
    assert iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"] == []


def test_inline_policies_of_a_group(iam, group):
    name = group["GroupName"]
    assert iam.list_group_policies(GroupName=name)["PolicyNames"] == []
    with refused("NoSuchEntity", "The group policy with name policy cannot be found.", 404):
        iam.get_group_policy(GroupName=name, PolicyName="policy")
    # One statement may stand without a list around it; it comes back as it was sent.
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": ["arn:aws:s3:::example_bucket"],
        },
    }
    iam.put_group_policy(GroupName=name, PolicyName="policy", PolicyDocument=json.dumps(policy))
    answer = iam.get_group_policy(GroupName=name, PolicyName="policy")
    del answer["ResponseMetadata"]
    assert answer == {"GroupName": name, "PolicyName": "policy", "PolicyDocument": policy}
    listed = iam.list_group_policies(GroupName=name)
    assert (listed["PolicyNames"], listed["IsTruncated"]) == (["policy"], False)
