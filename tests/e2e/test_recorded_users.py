"""Answers about users: members, order and wording as AWS gives them."""

import json
from datetime import datetime

import pytest
from iamd import Keys, allow, create_user, document, eventually, refused, trust, unique

USER = {"Path", "UserName", "UserId", "Arn", "CreateDate"}
EXAMPLE_KEY = "AKIAIOSFODNN7EXAMPLE"


@pytest.fixture
def name(iam):
    """A user without anything."""
    name = unique("user")
    iam.create_user(UserName=name)
    return name


@pytest.fixture
def policy_arn(iam):
    """A managed policy that nobody uses."""
    answer = iam.create_policy(
        PolicyName=unique("policy"), PolicyDocument=document(allow("iam:ListUsers"))
    )
    return answer["Policy"]["Arn"]


def no_user(name):
    return refused("NoSuchEntity", f"The user with name {name} cannot be found.", 404)


@pytest.mark.parametrize("path", [None, "/", "/test-lifecycle-path/"])
def test_a_user_lives_from_creation_to_deletion(server, iam, path):
    name = unique("user")
    created = iam.create_user(UserName=name, **({"Path": path} if path else {}))["User"]
    shown_path = path or "/"
    assert created.keys() == USER
    assert created["Arn"] == f"arn:aws:iam::{server.account}:user{shown_path}{name}"
    assert (created["Path"], created["UserName"]) == (shown_path, name)
    assert created["UserId"].startswith("AIDA") and len(created["UserId"]) == 21
    assert isinstance(created["CreateDate"], datetime)
    assert iam.get_user(UserName=name)["User"] == created
    listed = iam.list_users()
    assert listed["IsTruncated"] is False and "Marker" not in listed
    assert [user for user in listed["Users"] if user["UserName"] == name] == [created]
    if shown_path != "/":
        for prefix in (path, path[:-4]):
            assert iam.list_users(PathPrefix=prefix)["Users"] == [created]
        assert iam.list_users(PathPrefix="/elsewhere/")["Users"] == []
    iam.delete_user(UserName=name)
    with no_user(name):
        iam.get_user(UserName=name)
    with no_user(name):
        iam.delete_user(UserName=name)


def test_a_user_who_is_not_there(iam):
    for call, more in (
        (iam.get_user, {}),
        (iam.update_user, {"NewUserName": unique("user")}),
        (iam.delete_user, {}),
    ):
        with no_user("nonexistent-user"):
            call(UserName="nonexistent-user", **more)


def test_lists_show_users_without_tags_and_boundary(iam, policy_arn):
    path = f"/{unique('p')}/"
    name = unique("user")
    created = iam.create_user(
        UserName=name, Path=path, PermissionsBoundary=policy_arn, Tags=[{"Key": "a", "Value": "b"}]
    )["User"]
    assert created.keys() == USER | {"Tags", "PermissionsBoundary"}
    assert created["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": policy_arn,
    }
    assert iam.list_users(PathPrefix=path)["Users"][0].keys() == USER


def test_a_renamed_and_moved_user_keeps_its_id(iam, name):
    before = iam.get_user(UserName=name)["User"]
    new_name = unique("renamed")
    iam.update_user(UserName=name, NewUserName=new_name, NewPath="/new-path/")
    after = iam.get_user(UserName=new_name)["User"]
    assert after["UserId"] == before["UserId"]
    assert (after["Path"], after["UserName"]) == ("/new-path/", new_name)
    assert after["Arn"].endswith(f":user/new-path/{new_name}")
    with no_user(name):
        iam.get_user(UserName=name)


def test_a_renamed_user_keeps_keys_and_identity(server, iam):
    user, keys = create_user(server)
    before = server.sts(keys).get_caller_identity()
    assert (before["Arn"], before["UserId"]) == (user["Arn"], user["UserId"])
    listed = iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
    new_name = unique("renamed")
    iam.update_user(UserName=user["UserName"], NewUserName=new_name)
    after = server.sts(keys).get_caller_identity()
    assert after["UserId"] == user["UserId"]
    assert after["Arn"] == f"arn:aws:iam::{server.account}:user/{new_name}"
    renamed = iam.list_access_keys(UserName=new_name)["AccessKeyMetadata"]
    assert renamed == [{**listed[0], "UserName": new_name}]


def test_names_are_taken_whatever_their_case(iam, name):
    with refused("EntityAlreadyExists", f"User with name {name.upper()} already exists.", 409):
        iam.create_user(UserName=name.upper())
    other = unique("other")
    iam.create_user(UserName=other)
    with refused("EntityAlreadyExists", f"User with name {name} already exists.", 409):
        iam.update_user(UserName=other, NewUserName=name)


def test_an_access_key_lives_from_creation_to_deletion(iam, name):
    empty = iam.list_access_keys(UserName=name)
    assert (empty["AccessKeyMetadata"], empty["IsTruncated"]) == ([], False)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    assert key.keys() == {"UserName", "AccessKeyId", "Status", "SecretAccessKey", "CreateDate"}
    assert key["AccessKeyId"].startswith("AKIA") and len(key["AccessKeyId"]) == 20
    assert len(key["SecretAccessKey"]) == 40
    without_secret = {k: v for k, v in key.items() if k != "SecretAccessKey"}
    assert iam.list_access_keys(UserName=name)["AccessKeyMetadata"] == [without_secret]
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    inactive = {**without_secret, "Status": "Inactive"}
    assert iam.list_access_keys(UserName=name)["AccessKeyMetadata"] == [inactive]
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    assert iam.list_access_keys(UserName=name)["AccessKeyMetadata"] == []


def test_a_third_access_key_is_too_many(iam, name):
    iam.create_access_key(UserName=name)
    second = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409):
        iam.create_access_key(UserName=name)
    iam.delete_access_key(UserName=name, AccessKeyId=second)
    iam.create_access_key(UserName=name)


def test_access_key_errors_in_the_words_of_aws(server, iam, name):
    with no_user("nonexistent-user"):
        iam.create_access_key(UserName="nonexistent-user")
    with refused(
        "NoSuchEntity", f"The Access Key with id {EXAMPLE_KEY} cannot be found.", 404
    ):
        iam.update_access_key(UserName=name, AccessKeyId=EXAMPLE_KEY, Status="Inactive")
    caller = server.sts().get_caller_identity()["Arn"]
    message = (
        f"User: {caller} is not authorized to perform iam:GetAccessKeyLastUsed "
        f"on resource: access key {EXAMPLE_KEY}"
    )
    with refused("AccessDenied", message, 403):
        iam.get_access_key_last_used(AccessKeyId=EXAMPLE_KEY)


def test_a_role_session_must_name_the_user_whose_key_it_means(server, iam):
    role = iam.create_role(
        RoleName=unique("role"), AssumeRolePolicyDocument=trust({"AWS": server.account})
    )["Role"]
    iam.put_role_policy(
        RoleName=role["RoleName"], PolicyName="all", PolicyDocument=document(allow("iam:*"))
    )
    answer = server.sts().assume_role(RoleArn=role["Arn"], RoleSessionName="session")
    session = server.iam(Keys.of(answer))
    message = "Must specify userName when calling with non-User credentials"
    with refused("ValidationError", message, 400):
        session.delete_access_key(AccessKeyId=EXAMPLE_KEY)
    with refused("ValidationError", message, 400):
        session.list_access_keys()


def test_a_user_deletes_his_own_key_without_naming_himself(server, iam):
    user, keys = create_user(server, statements=[allow("iam:DeleteAccessKey")])
    other = iam.create_access_key(UserName=user["UserName"])["AccessKey"]["AccessKeyId"]
    server.iam(keys).delete_access_key(AccessKeyId=other)
    left = iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in left] == [keys.access_key_id]


def test_the_last_use_of_a_key_is_known(server, iam):
    user, keys = create_user(server, statements=[allow("iam:GetUser")])
    unused = iam.get_access_key_last_used(AccessKeyId=keys.access_key_id)
    assert unused["UserName"] == user["UserName"]
    assert unused["AccessKeyLastUsed"] == {"Region": "N/A", "ServiceName": "N/A"}
    server.client("iam", keys, region="us-east-1").get_user()

    def last_used():
        answer = iam.get_access_key_last_used(AccessKeyId=keys.access_key_id)
        return answer["AccessKeyLastUsed"] if "LastUsedDate" in answer["AccessKeyLastUsed"] else None

    used = eventually(last_used)
    assert used.keys() == {"LastUsedDate", "Region", "ServiceName"}
    assert (used["Region"], used["ServiceName"]) == ("us-east-1", "iam")


def test_group_membership_of_a_user(server, iam, name):
    assert iam.list_groups_for_user(UserName=name)["Groups"] == []
    groups = sorted(unique("group") for _ in range(2))
    created = [iam.create_group(GroupName=group)["Group"] for group in groups]
    for group in groups:
        iam.add_user_to_group(GroupName=group, UserName=name)
    answer = iam.list_groups_for_user(UserName=name)
    assert (answer["Groups"], answer["IsTruncated"]) == (created, False)
    shown = iam.get_group(GroupName=groups[0])
    assert shown["Users"] == [iam.get_user(UserName=name)["User"]]
    iam.remove_user_from_group(GroupName=groups[0], UserName=name)
    # A second time changes nothing and is no error.
    iam.remove_user_from_group(GroupName=groups[0], UserName=name)
    assert iam.list_groups_for_user(UserName=name)["Groups"] == created[1:]


def test_group_errors_of_a_user(iam, name):
    no_group = "The group with name nonexistent-group cannot be found."
    for call in (iam.add_user_to_group, iam.remove_user_from_group):
        with refused("NoSuchEntity", no_group, 404):
            call(GroupName="nonexistent-group", UserName=name)
    group = unique("group")
    iam.create_group(GroupName=group)
    with no_user("nonexistent-user"):
        iam.add_user_to_group(GroupName=group, UserName="nonexistent-user")


def test_a_user_with_an_attached_policy_cannot_be_deleted(iam, name, policy_arn):
    iam.attach_user_policy(UserName=name, PolicyArn=policy_arn)
    with refused("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409):
        iam.delete_user(UserName=name)
    iam.detach_user_policy(UserName=name, PolicyArn=policy_arn)
    iam.delete_user(UserName=name)
    with no_user(name):
        iam.get_user(UserName=name)


def test_a_user_with_an_inline_policy_cannot_be_deleted(iam, name):
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(allow("s3:*")))
    with refused("DeleteConflict", "Cannot delete entity, must delete policies first.", 409):
        iam.delete_user(UserName=name)
    iam.delete_user_policy(UserName=name, PolicyName="p")
    iam.delete_user(UserName=name)
    with no_user(name):
        iam.get_user(UserName=name)


def test_an_inline_policy_lives_from_put_to_deletion(iam, name):
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == []
    policy = document(allow("iam:ListUsers"))
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=policy)
    answer = iam.get_user_policy(UserName=name, PolicyName="inline")
    del answer["ResponseMetadata"]
    assert answer == {
        "UserName": name,
        "PolicyName": "inline",
        "PolicyDocument": json.loads(policy),
    }
    listed = iam.list_user_policies(UserName=name)
    assert (listed["PolicyNames"], listed["IsTruncated"]) == (["inline"], False)
    iam.delete_user_policy(UserName=name, PolicyName="inline")
    with refused("NoSuchEntity", "The user policy with name inline cannot be found.", 404):
        iam.get_user_policy(UserName=name, PolicyName="inline")


def test_policy_texts_come_back_as_they_were_sent(server, iam, name):
    """Percent-encoded on the wire, so that white space and signs survive."""
    text = '{"Version":"2012-10-17",\r\n\t"Statement":[{"Sid":"a1","Effect":"Allow",' + (
        '"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/+%25 é&=/<*>"} ]}\n'
    )
    iam.put_user_policy(UserName=name, PolicyName="odd", PolicyDocument=text)
    seen = {}
    iam.meta.events.register_first(
        "response-received.iam.GetUserPolicy", lambda **event: seen.update(event)
    )
    answer = iam.get_user_policy(UserName=name, PolicyName="odd")
    assert answer["PolicyDocument"] == json.loads(text)
    raw = seen["response_dict"]["body"].decode()
    from urllib.parse import quote

    assert f"<PolicyDocument>{quote(text, safe='')}</PolicyDocument>" in raw


def test_managed_policies_of_a_user(iam, name, policy_arn):
    assert iam.list_attached_user_policies(UserName=name)["AttachedPolicies"] == []
    for _ in range(2):  # The second time changes nothing.
        iam.attach_user_policy(UserName=name, PolicyArn=policy_arn)
    answer = iam.list_attached_user_policies(UserName=name)
    policy_name = policy_arn.rsplit("/", 1)[1]
    assert answer["AttachedPolicies"] == [{"PolicyName": policy_name, "PolicyArn": policy_arn}]
    assert answer["IsTruncated"] is False
    iam.detach_user_policy(UserName=name, PolicyArn=policy_arn)
    assert iam.list_attached_user_policies(UserName=name)["AttachedPolicies"] == []


def test_managed_policy_errors_of_a_user(server, iam, name, policy_arn):
    absent = f"arn:aws:iam::{server.account}:policy/nonexistent"
    message = f"Policy {absent} does not exist or is not attachable."
    with refused("NoSuchEntity", message, 404):
        iam.attach_user_policy(UserName=name, PolicyArn=absent)
    with refused("NoSuchEntity", f"Policy {policy_arn} was not found.", 404):
        iam.detach_user_policy(UserName=name, PolicyArn=policy_arn)


def test_a_created_policy_shows_its_ten_members(server, iam):
    name = unique("policy")
    policy = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("s3:*")))["Policy"]
    dates = {policy.pop("CreateDate"), policy.pop("UpdateDate")}
    assert len(dates) == 1
    assert policy.pop("PolicyId").startswith("ANPA")
    assert policy == {
        "PolicyName": name,
        "Arn": f"arn:aws:iam::{server.account}:policy/{name}",
        "Path": "/",
        "DefaultVersionId": "v1",
        "AttachmentCount": 0,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
    }


def test_tags_of_a_user(iam):
    name = unique("user")
    tags = [{"Key": "Environment", "Value": "Test"}, {"Key": "Team", "Value": "Platform"}]
    # AWS sorts by key, whatever the order of the request.
    created = iam.create_user(UserName=name, Tags=tags[::-1])["User"]
    assert created.keys() == USER | {"Tags"} and created["Tags"] == tags
    assert iam.get_user(UserName=name)["User"] == created
    listed = iam.list_user_tags(UserName=name)
    assert (listed["Tags"], listed["IsTruncated"]) == (tags, False)


def test_tagging_and_untagging_a_user(iam, name):
    assert iam.list_user_tags(UserName=name)["Tags"] == []
    tags = [{"Key": f"key-{n}", "Value": f"value-{n}"} for n in (1, 2)]
    iam.tag_user(UserName=name, Tags=tags)
    assert iam.list_user_tags(UserName=name)["Tags"] == tags
    iam.untag_user(UserName=name, TagKeys=["key-2"])
    assert iam.list_user_tags(UserName=name)["Tags"] == tags[:1]
    iam.untag_user(UserName=name, TagKeys=["key-1", "never-there"])
    assert "Tags" not in iam.get_user(UserName=name)["User"]


def test_tag_errors_of_a_user(iam):
    calls = (
        lambda user: iam.list_user_tags(UserName=user),
        lambda user: iam.tag_user(UserName=user, Tags=[{"Key": "k", "Value": "v"}]),
        lambda user: iam.untag_user(UserName=user, TagKeys=["k"]),
    )
    for call in calls:
        with no_user("nonexistent-user"):
            call("nonexistent-user")
