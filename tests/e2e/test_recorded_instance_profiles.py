"""Answers about instance profiles: members, order and wording as AWS gives them."""

import json

import pytest
from iamd import refused, trust, unique

TRUST = trust({"Service": "ec2.amazonaws.com"})
PROFILE = {"Path", "InstanceProfileName", "InstanceProfileId", "Arn", "CreateDate", "Roles"}
ROLE = {"Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"}


@pytest.fixture
def profile(iam):
    """An instance profile without a role."""
    answer = iam.create_instance_profile(InstanceProfileName=unique("profile"))
    return answer["InstanceProfile"]


@pytest.fixture
def role(iam):
    """A role that EC2 may assume."""
    return iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=TRUST)["Role"]


def no_profile(name="nonexistent-profile"):
    return refused("NoSuchEntity", f"Instance Profile {name} cannot be found.", 404)


def no_role():
    return refused("NoSuchEntity", "The role with name nonexistent-role cannot be found.", 404)


@pytest.mark.parametrize("path", [None, "/some-path/"])
def test_an_instance_profile_lives_from_creation_to_deletion(server, iam, path):
    name = unique("profile")
    shown_path = path or "/"
    created = iam.create_instance_profile(
        InstanceProfileName=name, **({"Path": path} if path else {})
    )["InstanceProfile"]
    assert created.keys() == PROFILE
    assert created["Arn"] == f"arn:aws:iam::{server.account}:instance-profile{shown_path}{name}"
    assert (created["Path"], created["Roles"]) == (shown_path, [])
    assert created["InstanceProfileId"].startswith("AIPA")
    shown = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    # Unlike a user, a profile shows that it has no tags.
    assert shown == {**created, "Tags": []}
    iam.delete_instance_profile(InstanceProfileName=name)
    with no_profile(name):
        iam.get_instance_profile(InstanceProfileName=name)


def test_instance_profile_errors(iam, profile):
    name = profile["InstanceProfileName"]
    with refused("EntityAlreadyExists", f"Instance Profile {name} already exists.", 409):
        iam.create_instance_profile(InstanceProfileName=name)
    for call in (iam.get_instance_profile, iam.delete_instance_profile):
        with no_profile():
            call(InstanceProfileName="nonexistent-profile")


def test_a_role_inside_a_profile_is_shown_in_brief(iam, profile, role):
    assert role.keys() == ROLE
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    name = profile["InstanceProfileName"]
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
    shown = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    assert shown == {**profile, "Roles": [role], "Tags": []}
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
    shown = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    assert shown == {**profile, "Tags": []}


def test_a_profile_takes_one_role(iam, profile, role):
    name = profile["InstanceProfileName"]
    other = iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=TRUST)["Role"]
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
    message = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
    for again in (other, role):
        with refused("LimitExceeded", message, 409):
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=again["RoleName"])


def test_neither_a_full_profile_nor_its_role_can_be_deleted(iam, profile, role):
    names = {"InstanceProfileName": profile["InstanceProfileName"], "RoleName": role["RoleName"]}
    iam.add_role_to_instance_profile(**names)
    message = "Cannot delete entity, must remove roles from instance profile first."
    with refused("DeleteConflict", message, 409):
        iam.delete_instance_profile(InstanceProfileName=names["InstanceProfileName"])
    with refused("DeleteConflict", status=409):
        iam.delete_role(RoleName=names["RoleName"])
    iam.remove_role_from_instance_profile(**names)
    iam.delete_instance_profile(InstanceProfileName=names["InstanceProfileName"])
    with no_profile(names["InstanceProfileName"]):
        iam.get_instance_profile(InstanceProfileName=names["InstanceProfileName"])
    iam.delete_role(RoleName=names["RoleName"])


def test_errors_between_roles_and_profiles(iam, profile, role):
    name, role_name = profile["InstanceProfileName"], role["RoleName"]
    for call in (iam.add_role_to_instance_profile, iam.remove_role_from_instance_profile):
        with no_role():
            call(InstanceProfileName=name, RoleName="nonexistent-role")
        with no_profile():
            call(InstanceProfileName="nonexistent-profile", RoleName=role_name)
    with no_role():
        iam.list_instance_profiles_for_role(RoleName="nonexistent-role")
    message = f"Role {role_name} in Instance Profile {name} cannot be found."
    with refused("NoSuchEntity", message, 404):
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role_name)


def test_profiles_are_listed_by_name_and_path(iam, role):
    path = f"/{unique('p')}/"
    names = sorted(unique("profile") for _ in range(2))
    created = [
        iam.create_instance_profile(InstanceProfileName=name, Path=path)["InstanceProfile"]
        for name in names
    ]
    iam.add_role_to_instance_profile(InstanceProfileName=names[0], RoleName=role["RoleName"])
    created[0]["Roles"] = [role]
    answer = iam.list_instance_profiles(PathPrefix=path)
    assert (answer["InstanceProfiles"], answer["IsTruncated"]) == (created, False)
    assert iam.list_instance_profiles(PathPrefix=path[:-1] + "x")["InstanceProfiles"] == []


def test_profiles_of_a_role_are_listed_by_name(iam, role):
    empty = iam.list_instance_profiles_for_role(RoleName=role["RoleName"])
    assert (empty["InstanceProfiles"], empty["IsTruncated"]) == ([], False)
    names = sorted((unique("profile") for _ in range(2)), reverse=True)
    for name in names:
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
    answer = iam.list_instance_profiles_for_role(RoleName=role["RoleName"])
    assert [p["InstanceProfileName"] for p in answer["InstanceProfiles"]] == names[::-1]
    for listed in answer["InstanceProfiles"]:
        assert listed.keys() == PROFILE and listed["Roles"] == [role]


def test_tags_of_a_profile(iam, profile):
    tags = [{"Key": "InitialKey", "Value": "InitialValue"}]
    name = unique("profile")
    created = iam.create_instance_profile(InstanceProfileName=name, Tags=tags)["InstanceProfile"]
    assert created.keys() == PROFILE | {"Tags"} and created["Tags"] == tags
    assert iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"] == created


def test_tagging_and_untagging_a_profile(iam, profile):
    name = profile["InstanceProfileName"]

    def tags():
        answer = iam.list_instance_profile_tags(InstanceProfileName=name)
        assert answer["IsTruncated"] is False
        return answer["Tags"]

    first, second = {"Key": "MyKey", "Value": "myValue"}, {"Key": "MyKey2", "Value": "myValue2"}
    assert tags() == []
    iam.tag_instance_profile(InstanceProfileName=name, Tags=[first])
    assert tags() == [first]
    assert iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Tags"] == [first]
    iam.tag_instance_profile(InstanceProfileName=name, Tags=[second])
    assert tags() == [first, second]
    iam.untag_instance_profile(InstanceProfileName=name, TagKeys=["MyKey"])
    assert tags() == [second]
    iam.untag_instance_profile(InstanceProfileName=name, TagKeys=["MyKey2"])
    assert tags() == []


def test_tag_errors_of_a_profile(iam):
    with no_profile():
        iam.list_instance_profile_tags(InstanceProfileName="nonexistent-profile")
    with no_profile():
        iam.tag_instance_profile(
            InstanceProfileName="nonexistent-profile", Tags=[{"Key": "k", "Value": "v"}]
        )
    with no_profile():
        iam.untag_instance_profile(InstanceProfileName="nonexistent-profile", TagKeys=["k"])
