"""The gateway in front of a store: each thing that is allowed, beside the nearest that is not."""

import http.client
import json
import subprocess
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError
from iamd import (
    Keys,
    advance_clock,
    allow,
    create_user,
    denied,
    deny,
    document,
    explicit_deny,
    no_policy,
    refused,
    trust,
    unique,
)
from store import arn, gateway, grant, make_bucket, read

PLAIN = "Access Denied"


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """A gateway in front of a store that verifies signatures."""
    with gateway(tmp_path_factory.mktemp("gateway")) as gate:
        yield gate


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A gateway in front of a store that knows tags, versions and more."""
    with gateway(tmp_path_factory.mktemp("wide"), "moto") as gate:
        yield gate


@pytest.fixture(scope="module")
def partner(gate):
    """Another account: its id and its administrator's keys."""
    return gate.second_account()


def user_of(gate, *statements):
    """A user with an inline policy: his ARN and a client of S3."""
    user, keys = create_user(gate.server, statements=statements)
    return user["Arn"], gate.s3(keys)


def open_to_public(gate, bucket):
    """Lets the bucket have a public policy."""
    gate.s3().delete_public_access_block(Bucket=bucket)


def set_policy(gate, bucket, *statements, keys=None):
    gate.s3(keys).put_bucket_policy(Bucket=bucket, Policy=document(*statements))


@contextmanager
def denied_unseen(gate, message=None):
    """The block is denied, and the store hears nothing of it."""
    with gate.unseen(), denied(message):
        yield


# Policies of the caller's own account


def test_a_user_may_what_his_policy_allows(gate):
    bucket = make_bucket(gate, "in/a", "out/a")
    who, s3 = user_of(gate, allow("s3:GetObject", arn(bucket, "in/*")))
    assert read(s3.get_object(Bucket=bucket, Key="in/a")) == "in/a"
    message = no_policy(who, "s3:GetObject", f'"{arn(bucket, "out/a")}"')
    with denied_unseen(gate, message):
        s3.get_object(Bucket=bucket, Key="out/a")
    with denied_unseen(gate):
        s3.put_object(Bucket=bucket, Key="in/a", Body=b"other")
    with denied_unseen(gate):
        s3.delete_object(Bucket=bucket, Key="in/a")
    with denied_unseen(gate):
        s3.list_objects_v2(Bucket=bucket)
    assert read(gate.store.s3.get_object(Bucket=bucket, Key="in/a")) == "in/a"


def test_a_denial_wins(gate):
    bucket = make_bucket(gate, "a", "secret")
    who, s3 = user_of(
        gate, allow("s3:*", [arn(bucket), arn(bucket, "*")]), deny("s3:*", arn(bucket, "secret"))
    )
    s3.get_object(Bucket=bucket, Key="a")
    message = explicit_deny(who, "s3:GetObject", f'"{arn(bucket, "secret")}"')
    with denied_unseen(gate, message):
        s3.get_object(Bucket=bucket, Key="secret")
    with gate.unseen(), refused("403", status=403):
        s3.head_object(Bucket=bucket, Key="secret")


def test_the_root_of_another_path_is_another_resource(gate):
    """A policy for `team` says nothing about `team-b`, neither of keys nor of buckets."""
    bucket = make_bucket(gate, "team/a", "team-b/a")
    other = bucket + "-b"
    gate.s3().create_bucket(Bucket=other)
    _, s3 = user_of(gate, allow("s3:*", [arn(bucket), arn(bucket, "team/*")]))
    s3.get_object(Bucket=bucket, Key="team/a")
    with denied_unseen(gate):
        s3.get_object(Bucket=bucket, Key="team-b/a")
    with denied_unseen(gate):
        s3.list_objects_v2(Bucket=other)


def test_a_member_of_a_group_may_what_its_policies_allow_until_he_leaves(gate):
    bucket = make_bucket(gate, "a")
    iam, group = gate.server.iam(), unique("readers")
    iam.create_group(GroupName=group)
    iam.put_group_policy(
        GroupName=group,
        PolicyName="read",
        PolicyDocument=document(allow("s3:GetObject", arn(bucket, "*"))),
    )
    user, keys = create_user(gate.server)
    s3 = gate.s3(keys)
    with denied_unseen(gate):
        s3.get_object(Bucket=bucket, Key="a")
    iam.add_user_to_group(GroupName=group, UserName=user["UserName"])
    s3.get_object(Bucket=bucket, Key="a")
    iam.remove_user_from_group(GroupName=group, UserName=user["UserName"])
    with denied_unseen(gate):
        s3.get_object(Bucket=bucket, Key="a")


def test_a_boundary_limits_what_policies_allow(gate):
    bucket = make_bucket(gate, "a")
    iam, name = gate.server.iam(), unique("limited")
    boundary = iam.create_policy(
        PolicyName=name, PolicyDocument=document(allow("s3:GetObject", arn(bucket, "*")))
    )["Policy"]["Arn"]
    _, keys = create_user(
        gate.server, statements=[allow("s3:*")], PermissionsBoundary=boundary
    )
    s3 = gate.s3(keys)
    s3.get_object(Bucket=bucket, Key="a")
    with denied_unseen(gate):
        s3.put_object(Bucket=bucket, Key="a", Body=b"other")


def role_of(gate, *statements):
    """A role that everybody of the account may assume: its name and ARN."""
    iam, name = gate.server.iam(), unique("role")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": gate.account}))
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*statements))
    return name, role["Role"]["Arn"]


def session_of(gate, role, *statements):
    """The keys of a session, narrowed by these statements if there are any."""
    narrowed = {"Policy": document(*statements)} if statements else {}
    return Keys.of(gate.server.sts().assume_role(RoleArn=role, RoleSessionName="session", **narrowed))


def test_a_session_policy_only_narrows(gate):
    bucket = make_bucket(gate, "a", "b")
    _, role = role_of(gate, allow("s3:GetObject", arn(bucket, "*")))
    whole = gate.s3(session_of(gate, role))
    narrow = gate.s3(session_of(gate, role, allow("s3:*", [arn(bucket, "a"), arn(bucket)])))
    whole.get_object(Bucket=bucket, Key="b")
    narrow.get_object(Bucket=bucket, Key="a")
    with denied_unseen(gate):
        narrow.get_object(Bucket=bucket, Key="b")
    with denied_unseen(gate):
        narrow.put_object(Bucket=bucket, Key="a", Body=b"other")


# Revocation


def test_what_is_revoked_ends_at_once(gate):
    bucket, iam = make_bucket(gate, "a"), gate.server.iam()
    user, keys = create_user(gate.server, statements=[allow("s3:GetObject", arn(bucket, "*"))])
    s3, name = gate.s3(keys), user["UserName"]
    s3.get_object(Bucket=bucket, Key="a")
    iam.update_access_key(UserName=name, AccessKeyId=keys.access_key_id, Status="Inactive")
    with gate.unseen(), refused("InvalidAccessKeyId", status=403):
        s3.get_object(Bucket=bucket, Key="a")
    iam.update_access_key(UserName=name, AccessKeyId=keys.access_key_id, Status="Active")
    s3.get_object(Bucket=bucket, Key="a")
    iam.delete_access_key(UserName=name, AccessKeyId=keys.access_key_id)
    with gate.unseen(), refused("InvalidAccessKeyId", status=403):
        s3.get_object(Bucket=bucket, Key="a")
    with gate.unseen(), refused("403", status=403):
        s3.head_object(Bucket=bucket, Key="a")


def test_a_policy_that_is_taken_away_allows_nothing_any_more(gate):
    bucket = make_bucket(gate, "a")
    user, keys = create_user(gate.server, statements=[allow("s3:GetObject", arn(bucket, "*"))])
    gate.s3(keys).get_object(Bucket=bucket, Key="a")
    gate.server.iam().delete_user_policy(UserName=user["UserName"], PolicyName="inline")
    with denied_unseen(gate):
        gate.s3(keys).get_object(Bucket=bucket, Key="a")


def test_a_deleted_role_ends_its_sessions_also_when_it_comes_back(gate):
    bucket, iam = make_bucket(gate, "a"), gate.server.iam()
    name, role = role_of(gate, allow("s3:GetObject", arn(bucket, "*")))
    keys = session_of(gate, role)
    gate.s3(keys).get_object(Bucket=bucket, Key="a")
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    with denied_unseen(gate):
        gate.s3(keys).get_object(Bucket=bucket, Key="a")
    iam.delete_role(RoleName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": gate.account}))
    iam.put_role_policy(
        RoleName=name, PolicyName="p", PolicyDocument=document(allow("s3:*"))
    )
    with gate.unseen(), refused("InvalidToken", status=400):
        gate.s3(keys).get_object(Bucket=bucket, Key="a")


def test_a_session_ends_in_time(tmp_path):
    with gateway(tmp_path) as gate:
        bucket = make_bucket(gate, "a")
        _, role = role_of(gate, allow("s3:GetObject", arn(bucket, "*")))
        keys = session_of(gate, role)
        gate.s3(keys).get_object(Bucket=bucket, Key="a")
        url = gate.s3(keys).generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": "a"}, ExpiresIn=7 * 24 * 3600
        )
        assert curl(url) == (200, "a")
        # By header, a request is too old after 15 minutes; by query, as long as it says.
        advance_clock(gate.server, 3601)
        with gate.unseen(), refused("RequestTimeTooSkewed", status=403):
            gate.s3(keys).get_object(Bucket=bucket, Key="a")
        with gate.unseen():
            status, body = curl(url)
        assert status == 400 and "<Code>ExpiredToken</Code>" in body, body


# Other accounts


def test_another_account_needs_both_sides(gate, partner):
    account, admin = partner
    bucket = make_bucket(gate, "a", "b")
    stranger = gate.s3(admin)
    with denied_unseen(gate, PLAIN):
        stranger.get_object(Bucket=bucket, Key="a")
    set_policy(gate, bucket, grant(f"arn:aws:iam::{account}:root", "s3:GetObject", arn(bucket, "a")))
    assert read(stranger.get_object(Bucket=bucket, Key="a")) == "a"
    with denied_unseen(gate, PLAIN):
        stranger.get_object(Bucket=bucket, Key="b")
    # The bucket's side alone is not enough.
    iam, name = gate.server.iam(admin), unique("user")
    iam.create_user(UserName=name)
    user = gate.s3(Keys.of(iam.create_access_key(UserName=name)))
    with denied_unseen(gate, PLAIN):
        user.get_object(Bucket=bucket, Key="a")
    own = document(allow("s3:GetObject", arn(bucket, "*")))
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=own)
    user.get_object(Bucket=bucket, Key="a")
    with denied_unseen(gate, PLAIN):
        user.get_object(Bucket=bucket, Key="b")
    gate.s3().delete_bucket_policy(Bucket=bucket)
    with denied_unseen(gate, PLAIN):
        user.get_object(Bucket=bucket, Key="a")


def test_the_policy_of_a_bucket_is_its_own_accounts_matter(gate, partner):
    account, admin = partner
    bucket = make_bucket(gate)
    root = f"arn:aws:iam::{account}:root"
    set_policy(gate, bucket, grant(root, "s3:*", [arn(bucket), arn(bucket, "*")]))
    stranger = gate.s3(admin)
    stranger.put_object(Bucket=bucket, Key="a", Body=b"x")
    for attempt in (stranger.get_bucket_policy, stranger.delete_bucket_policy):
        with gate.unseen(), refused("MethodNotAllowed", status=405):
            attempt(Bucket=bucket)
    with gate.unseen(), refused("MethodNotAllowed", status=405):
        stranger.put_bucket_policy(
            Bucket=bucket, Policy=document(grant(root, "s3:*", arn(bucket, "*")))
        )


def test_what_a_bucket_policy_says_of_its_own_account(gate):
    bucket = make_bucket(gate, "a", "b")
    user, keys = create_user(gate.server)
    s3 = gate.s3(keys)
    set_policy(gate, bucket, grant(user["Arn"], "s3:GetObject", arn(bucket, "a")))
    s3.get_object(Bucket=bucket, Key="a")
    with denied_unseen(gate):
        s3.get_object(Bucket=bucket, Key="b")
    set_policy(gate, bucket, grant("*", "s3:GetObject", arn(bucket, "b"), effect="Deny"))
    gate.s3().get_object(Bucket=bucket, Key="a")
    message = explicit_deny(
        gate.server.sts().get_caller_identity()["Arn"],
        "s3:GetObject", f'"{arn(bucket, "b")}"', "a resource-based policy",
    )
    with denied_unseen(gate, message):
        gate.s3().get_object(Bucket=bucket, Key="b")


def test_a_bucket_policy_must_be_of_its_bucket(gate):
    bucket, other = make_bucket(gate), make_bucket(gate)
    for statement in (
        grant(gate.account, "s3:GetObject", arn(other, "*")),
        grant(gate.account, "s3:GetObject", arn(bucket)),
        grant(gate.account, "s3:NoSuchThing", arn(bucket, "*")),
        grant(gate.account, "iam:CreateUser", arn(bucket, "*")),
        grant("arn:aws:iam::999999999999:user/nobody", "s3:GetObject", arn(bucket, "*")),
        allow("s3:GetObject", arn(bucket, "*")),
    ):
        with gate.unseen(), refused("MalformedPolicy", status=400):
            set_policy(gate, bucket, statement)
    with refused("NoSuchBucketPolicy", status=404):
        gate.s3().get_bucket_policy(Bucket=bucket)


def test_the_root_is_above_the_policy_of_its_bucket(tmp_path):
    from iamd import run

    with gateway(tmp_path) as gate:
        done = run(
            "account", "create", "--data", tmp_path / "data", "--root-email", "r@example.com",
            "--key-owner", "root", "-o", "json",
        )
        root = Keys.of_facts(json.loads(done.stdout))
        bucket = make_bucket(gate, "a", owner=root)
        own = gate.s3(root)
        everything = grant("*", "s3:*", [arn(bucket), arn(bucket, "*")], effect="Deny")
        own.put_bucket_policy(Bucket=bucket, Policy=document(everything))
        with denied_unseen(gate):
            own.get_object(Bucket=bucket, Key="a")
        with denied_unseen(gate):
            own.delete_bucket(Bucket=bucket)
        assert "Deny" in own.get_bucket_policy(Bucket=bucket)["Policy"]
        own.delete_bucket_policy(Bucket=bucket)
        own.get_object(Bucket=bucket, Key="a")


# Everybody


def test_nobody_in_particular_may_what_the_bucket_policy_allows(gate):
    bucket = make_bucket(gate, "open/a", "closed/a")
    nobody = gate.anonymous()
    with denied_unseen(gate, PLAIN):
        nobody.get_object(Bucket=bucket, Key="open/a")
    open_to_public(gate, bucket)
    set_policy(gate, bucket, grant("*", "s3:GetObject", arn(bucket, "open/*")))
    assert read(nobody.get_object(Bucket=bucket, Key="open/a")) == "open/a"
    for attempt in (
        lambda: nobody.get_object(Bucket=bucket, Key="closed/a"),
        lambda: nobody.put_object(Bucket=bucket, Key="open/a", Body=b"x"),
        lambda: nobody.delete_object(Bucket=bucket, Key="open/a"),
        lambda: nobody.list_objects_v2(Bucket=bucket),
        lambda: nobody.get_bucket_policy(Bucket=bucket),
        lambda: nobody.list_buckets(),
        lambda: nobody.create_bucket(Bucket=unique("mine")),
    ):
        with denied_unseen(gate, PLAIN):
            attempt()
    assert read(gate.store.s3.get_object(Bucket=bucket, Key="open/a")) == "open/a"


def test_block_public_access_keeps_the_public_out(gate, partner):
    bucket, s3, nobody = make_bucket(gate, "a"), gate.s3(), gate.anonymous()
    public = grant("*", "s3:GetObject", arn(bucket, "*"))
    # On from the beginning, all of it.
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True} and len(block) == 4
    with denied_unseen(gate):
        set_policy(gate, bucket, public)
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": False}
    )
    set_policy(gate, bucket, public)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    assert read(nobody.get_object(Bucket=bucket, Key="a")) == "a"
    _, other = partner
    assert read(gate.s3(other).get_object(Bucket=bucket, Key="a")) == "a"
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True}
    )
    with denied_unseen(gate, PLAIN):
        nobody.get_object(Bucket=bucket, Key="a")
    with denied_unseen(gate, PLAIN):
        gate.s3(other).get_object(Bucket=bucket, Key="a")
    _, own = user_of(gate)
    own.get_object(Bucket=bucket, Key="a")


# Buckets and whose they are


def test_a_bucket_is_its_accounts_own_until_it_is_deleted(wide):
    gate, (_, other) = wide, wide.second_account()
    name = unique("mine")
    own, foreign = gate.s3(), gate.s3(other)
    own.create_bucket(Bucket=name)
    with gate.unseen(), refused("BucketAlreadyOwnedByYou", status=409):
        own.create_bucket(Bucket=name)
    with gate.unseen(), refused("BucketAlreadyExists", status=409):
        foreign.create_bucket(Bucket=name)
    with denied_unseen(gate, PLAIN):
        foreign.delete_bucket(Bucket=name)
    own.put_object(Bucket=name, Key="a", Body=b"x")
    with refused("BucketNotEmpty", status=409):
        own.delete_bucket(Bucket=name)
    own.get_object(Bucket=name, Key="a")
    own.delete_object(Bucket=name, Key="a")
    set_policy(gate, name, grant(gate.account, "s3:GetObject", arn(name, "*")))
    own.delete_bucket(Bucket=name)
    with gate.unseen(), refused("NoSuchBucket", status=404):
        own.list_objects_v2(Bucket=name)
    # The name is free again, and nothing of before is left.
    foreign.create_bucket(Bucket=name)
    with refused("NoSuchBucketPolicy"):
        foreign.get_bucket_policy(Bucket=name)
    with denied_unseen(gate, PLAIN):
        own.get_object(Bucket=name, Key="a")


def test_who_makes_and_deletes_buckets(gate):
    name = unique("bucket")
    _, maker = user_of(gate, allow("s3:CreateBucket", arn(name)))
    with denied_unseen(gate):
        maker.create_bucket(Bucket=name + "-b")
    maker.create_bucket(Bucket=name)
    with denied_unseen(gate):
        maker.delete_bucket(Bucket=name)
    assert name in {item["Name"] for item in gate.store.s3.list_buckets()["Buckets"]}


def test_a_bucket_that_the_store_had_before_is_nobodys(gate):
    name = unique("older")
    gate.store.s3.create_bucket(Bucket=name)
    gate.store.s3.put_object(Bucket=name, Key="a", Body=b"secret")
    s3 = gate.s3()
    with gate.unseen(), refused("NoSuchBucket", status=404):
        s3.get_object(Bucket=name, Key="a")
    with gate.unseen(), refused("NoSuchBucket", status=404):
        s3.delete_bucket(Bucket=name)
    with refused("BucketAlreadyExists", status=409):
        s3.create_bucket(Bucket=name)
    with gate.unseen(), refused("NoSuchBucket", status=404):
        s3.get_object(Bucket=name, Key="a")


def test_the_list_of_buckets_is_of_the_own_account(gate, partner):
    _, other = partner
    mine, theirs = make_bucket(gate), make_bucket(gate, owner=other)
    with gate.unseen():
        names = {item["Name"] for item in gate.s3().list_buckets()["Buckets"]}
        foreign = {item["Name"] for item in gate.s3(other).list_buckets()["Buckets"]}
    assert mine in names and theirs not in names
    assert theirs in foreign and mine not in foreign
    _, user = user_of(gate, allow("s3:*", [arn(mine), arn(mine, "*")]))
    with denied_unseen(gate):
        user.list_buckets()


def test_an_expected_owner_is_the_owner(gate, partner):
    account, other = partner
    bucket, s3 = make_bucket(gate, "a"), gate.s3()
    s3.get_object(Bucket=bucket, Key="a", ExpectedBucketOwner=gate.account)
    with denied_unseen(gate, PLAIN):
        s3.get_object(Bucket=bucket, Key="a", ExpectedBucketOwner=account)
    with denied_unseen(gate, PLAIN):
        s3.put_object(Bucket=bucket, Key="b", Body=b"x", ExpectedBucketOwner=account)
    with denied_unseen(gate, PLAIN):
        s3.copy_object(
            Bucket=bucket, Key="b", CopySource=f"{bucket}/a",
            ExpectedSourceBucketOwner=account,
        )
    s3.copy_object(
        Bucket=bucket, Key="b", CopySource=f"{bucket}/a", ExpectedSourceBucketOwner=gate.account
    )
    assert gate.store.keys(bucket) == ["a", "b"]


# Several objects at once


def test_of_objects_to_delete_each_is_decided_by_itself(gate):
    bucket = make_bucket(gate, "keep/a", "mine/a", "mine/b", "mine/c")
    who, s3 = user_of(gate, allow("s3:DeleteObject", arn(bucket, "mine/*")))
    with gate.seen() as seen:
        answer = s3.delete_objects(
            Bucket=bucket,
            Delete={"Objects": [{"Key": key} for key in ("mine/a", "keep/a", "mine/b")]},
        )
    assert sorted(item["Key"] for item in answer["Deleted"]) == ["mine/a", "mine/b"]
    (error,) = answer["Errors"]
    assert (error["Key"], error["Code"]) == ("keep/a", "AccessDenied")
    assert error["Message"] == no_policy(who, "s3:DeleteObject", f'"{arn(bucket, "keep/a")}"')
    assert len(seen) == 1 and b"keep/a" not in seen[0].body
    assert gate.store.keys(bucket) == ["keep/a", "mine/c"]
    with gate.unseen():
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "keep/a"}]})
    assert "Deleted" not in answer and answer["Errors"][0]["Code"] == "AccessDenied"
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "mine/c"}], "Quiet": True})
    assert gate.store.keys(bucket) == ["keep/a"]


def test_to_delete_a_version_is_another_action(wide):
    bucket = make_bucket(wide)
    wide.s3().put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    version = wide.s3().put_object(Bucket=bucket, Key="a", Body=b"1")["VersionId"]
    _, s3 = user_of(
        wide, allow(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], arn(bucket, "*"))
    )
    s3.get_object(Bucket=bucket, Key="a")
    with denied_unseen(wide):
        s3.get_object(Bucket=bucket, Key="a", VersionId=version)
    with denied_unseen(wide):
        s3.delete_object(Bucket=bucket, Key="a", VersionId=version)
    with wide.unseen():
        answer = s3.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": "a", "VersionId": version}]}
        )
    assert answer["Errors"][0]["VersionId"] == version
    s3.delete_object(Bucket=bucket, Key="a")
    read(wide.s3().get_object(Bucket=bucket, Key="a", VersionId=version))


def test_a_copy_needs_its_source_and_its_destination(gate):
    source, target = make_bucket(gate, "a", "b"), make_bucket(gate)
    _, s3 = user_of(
        gate,
        allow("s3:GetObject", arn(source, "a")),
        allow("s3:PutObject", arn(target, "copies/*")),
    )
    s3.copy_object(Bucket=target, Key="copies/a", CopySource=f"{source}/a")
    assert read(gate.store.s3.get_object(Bucket=target, Key="copies/a")) == "a"
    with denied_unseen(gate):
        s3.copy_object(Bucket=target, Key="copies/b", CopySource=f"{source}/b")
    with denied_unseen(gate):
        s3.copy_object(Bucket=target, Key="elsewhere", CopySource=f"{source}/a")
    with denied_unseen(gate):
        s3.copy_object(Bucket=source, Key="b", CopySource=f"{source}/a")
    with gate.unseen(), refused("NoSuchBucket", status=404):
        s3.copy_object(Bucket=target, Key="copies/b", CopySource=f"{unique('none')}/a")
    assert gate.store.keys(target) == ["copies/a"]


def test_a_part_that_is_copied_needs_its_source(gate):
    bucket = make_bucket(gate, "open", "secret")
    _, s3 = user_of(
        gate,
        allow("s3:PutObject", arn(bucket, "new")),
        allow("s3:GetObject", arn(bucket, "open")),
    )
    upload = s3.create_multipart_upload(Bucket=bucket, Key="new")["UploadId"]
    part = {"Bucket": bucket, "Key": "new", "UploadId": upload, "PartNumber": 1}
    s3.upload_part_copy(**part, CopySource=f"{bucket}/open")
    with denied_unseen(gate):
        s3.upload_part_copy(**part, CopySource=f"{bucket}/secret")


# What headers and parameters demand


def test_tags_and_acls_with_an_object_need_their_own_actions(wide):
    bucket = make_bucket(wide)
    who, s3 = user_of(wide, allow("s3:PutObject", arn(bucket, "*")))
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    tagging = no_policy(who, "s3:PutObjectTagging", f'"{arn(bucket, "b")}"')
    for more, message in (
        ({"Tagging": "team=red"}, tagging),
        ({"ACL": "bucket-owner-full-control"}, None),
        ({"ObjectLockLegalHoldStatus": "ON"}, None),
    ):
        with denied_unseen(wide, message):
            s3.put_object(Bucket=bucket, Key="b", Body=b"x", **more)
        with denied_unseen(wide):
            s3.create_multipart_upload(Bucket=bucket, Key="b", **more)
    assert wide.store.keys(bucket) == ["a"]
    own = wide.s3()
    own.put_object(Bucket=bucket, Key="b", Body=b"x", Tagging="team=red")
    own.put_object(Bucket=bucket, Key="c", Body=b"x", ACL="bucket-owner-full-control")
    tags = wide.store.s3.get_object_tagging(Bucket=bucket, Key="b")["TagSet"]
    assert tags == [{"Key": "team", "Value": "red"}]
    for more in ({"ACL": "public-read"}, {"GrantRead": "uri=http://acs.amazonaws.com/x"}):
        with wide.unseen(), refused("AccessControlListNotSupported", status=400):
            own.put_object(Bucket=bucket, Key="d", Body=b"x", **more)
    with wide.unseen(), refused("InvalidBucketAclWithObjectOwnership", status=400):
        own.create_bucket(Bucket=unique("bucket"), ACL="public-read")


def test_tags_that_a_request_brings_are_condition_keys(wide):
    bucket = make_bucket(wide, "a")
    red = {"StringEquals": {"s3:RequestObjectTag/team": "red"}}
    _, s3 = user_of(wide, allow("s3:PutObjectTagging", arn(bucket, "*"), Condition=red))

    def tagging(value):
        return {"TagSet": [{"Key": "team", "Value": value}]}

    s3.put_object_tagging(Bucket=bucket, Key="a", Tagging=tagging("red"))
    with denied_unseen(wide):
        s3.put_object_tagging(Bucket=bucket, Key="a", Tagging=tagging("blue"))
    with denied_unseen(wide):
        s3.delete_object_tagging(Bucket=bucket, Key="a")
    tags = wide.store.s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"]
    assert tags == [{"Key": "team", "Value": "red"}]


def test_lists_are_limited_by_their_parameters(gate):
    bucket = make_bucket(gate, "mine/a", "mine/b", "other/a")
    conditions = {
        "StringLike": {"s3:prefix": "mine/*"},
        "StringEquals": {"s3:delimiter": "/"},
        "NumericLessThanEquals": {"s3:max-keys": "10"},
    }
    _, s3 = user_of(gate, allow("s3:ListBucket", arn(bucket), Condition=conditions))
    right = {"Prefix": "mine/", "Delimiter": "/", "MaxKeys": 10}
    for operation in (s3.list_objects_v2, s3.list_objects):
        listed = operation(Bucket=bucket, **right)
        assert [item["Key"] for item in listed["Contents"]] == ["mine/a", "mine/b"]
        for wrong in (
            {"Prefix": "other/"}, {"Prefix": "min"}, {"Prefix": ""}, {"Delimiter": "a"},
            {"MaxKeys": 11},
        ):
            with denied_unseen(gate):
                operation(Bucket=bucket, **{**right, **wrong})
        for absent in right:
            less = {name: value for name, value in right.items() if name != absent}
            with denied_unseen(gate):
                operation(Bucket=bucket, **less)
    with gate.unseen(), refused("403", status=403):
        s3.head_bucket(Bucket=bucket)


def test_an_address_is_a_condition(gate):
    bucket = make_bucket(gate, "here", "there")
    _, s3 = user_of(
        gate,
        allow("s3:GetObject", arn(bucket, "here"),
              Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}),
        allow("s3:GetObject", arn(bucket, "there"),
              Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
    )
    s3.get_object(Bucket=bucket, Key="here")
    with denied_unseen(gate):
        s3.get_object(Bucket=bucket, Key="there")


def test_plain_http_is_no_secure_transport(gate):
    bucket = make_bucket(gate, "a")
    gate.s3().get_object(Bucket=bucket, Key="a")
    set_policy(gate, bucket, grant(
        "*", "s3:GetObject", arn(bucket, "*"), effect="Deny",
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    ))
    with denied_unseen(gate):
        gate.s3().get_object(Bucket=bucket, Key="a")
    gate.s3().put_object(Bucket=bucket, Key="b", Body=b"x")


def test_what_is_not_there_is_hidden_from_those_who_may_not_list(gate):
    bucket = make_bucket(gate, "a")
    _, reader = user_of(gate, allow("s3:GetObject", arn(bucket, "*")))
    _, lister = user_of(
        gate, allow("s3:GetObject", arn(bucket, "*")), allow("s3:ListBucket", arn(bucket))
    )
    with refused("NoSuchKey", status=404):
        lister.get_object(Bucket=bucket, Key="none")
    with refused("404", status=404):
        lister.head_object(Bucket=bucket, Key="none")
    with denied(PLAIN):
        reader.get_object(Bucket=bucket, Key="none")
    with refused("403", status=403):
        reader.head_object(Bucket=bucket, Key="none")
    # Who may list a part of a bucket may not know the rest of it.
    part = {"StringEquals": {"s3:prefix": "mine/"}}
    _, partly = user_of(
        gate,
        allow("s3:GetObject", arn(bucket, "*")),
        allow("s3:ListBucket", arn(bucket), Condition=part),
    )
    with denied(PLAIN):
        partly.get_object(Bucket=bucket, Key="none")


def test_the_absence_of_a_source_is_hidden_from_those_who_may_not_list_it(gate):
    source, target = make_bucket(gate, "a"), make_bucket(gate)
    write = allow(["s3:PutObject", "s3:ListBucket"], [arn(target), arn(target, "*")])
    _, blind = user_of(gate, write, allow("s3:GetObject", arn(source, "*")))
    blind.copy_object(Bucket=target, Key="a", CopySource=f"{source}/a")
    with denied(PLAIN):
        blind.copy_object(Bucket=target, Key="b", CopySource=f"{source}/none")
    _, seeing = user_of(
        gate,
        allow("s3:PutObject", arn(target, "*")),
        allow(["s3:GetObject", "s3:ListBucket"], [arn(source), arn(source, "*")]),
    )
    with refused("NoSuchKey", status=404):
        seeing.copy_object(Bucket=target, Key="b", CopySource=f"{source}/none")


# Presigned requests


def curl(url, *arguments):
    """What curl gets: the status and the body."""
    command = ["curl", "-s", "--noproxy", "*", "-w", "\n%{http_code}", *arguments, url]
    done = subprocess.run(command, capture_output=True, text=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def presigned(s3, operation, **parameters):
    """A URL that is good for an hour."""
    return s3.generate_presigned_url(operation, Params=parameters)


def test_presigned_urls_are_good_for_what_their_signer_may(gate):
    bucket = make_bucket(gate, "a b/ü+(1).txt", "secret")
    user, keys = create_user(
        gate.server,
        statements=[
            allow("s3:GetObject", arn(bucket, "a*")), allow("s3:PutObject", arn(bucket, "new"))
        ],
    )
    s3 = gate.s3(keys, signature_version="s3v4")
    got = presigned(s3, "get_object", Bucket=bucket, Key="a b/ü+(1).txt")
    assert curl(got) == (200, "a b/ü+(1).txt")
    put = presigned(s3, "put_object", Bucket=bucket, Key="new")
    assert curl(put, "-X", "PUT", "--data-binary", "content") == (200, "")
    assert read(gate.store.s3.get_object(Bucket=bucket, Key="new")) == "content"
    with gate.unseen():
        status, body = curl(presigned(s3, "get_object", Bucket=bucket, Key="secret"))
        assert (status, "AccessDenied" in body) == (403, True)
    gate.server.iam().delete_user_policy(UserName=user["UserName"], PolicyName="inline")
    with gate.unseen():
        assert curl(got)[0] == 403


def test_the_age_of_a_signature_is_a_condition(tmp_path):
    with gateway(tmp_path) as gate:
        bucket = make_bucket(gate, "a")
        young = {"NumericLessThanEquals": {"s3:signatureAge": "600000"}}
        _, keys = create_user(
            gate.server, statements=[allow("s3:GetObject", arn(bucket, "a"), Condition=young)]
        )
        s3 = gate.s3(keys, signature_version="s3v4")
        url = presigned(s3, "get_object", Bucket=bucket, Key="a")
        assert curl(url) == (200, "a")
        # A signature in a header has no age.
        with denied_unseen(gate):
            s3.get_object(Bucket=bucket, Key="a")
        advance_clock(gate.server, 590)
        assert curl(url) == (200, "a")
        advance_clock(gate.server, 20)
        with gate.unseen():
            status, body = curl(url)
            assert (status, "AccessDenied" in body) == (403, True)
        advance_clock(gate.server, 3600)
        with gate.unseen():
            status, body = curl(url)
            assert (status, "Request has expired" in body) == (403, True)


def test_the_way_of_signing_is_a_condition(gate):
    bucket = make_bucket(gate, "a")
    by_header = {"StringEquals": {"s3:authType": "REST-HEADER"}}
    _, keys = create_user(
        gate.server, statements=[allow("s3:GetObject", arn(bucket, "*"), Condition=by_header)]
    )
    s3 = gate.s3(keys, signature_version="s3v4")
    s3.get_object(Bucket=bucket, Key="a")
    with gate.unseen():
        assert curl(presigned(s3, "get_object", Bucket=bucket, Key="a"))[0] == 403


# Large objects, and the AWS CLI


def test_an_upload_in_parts_needs_its_actions(gate):
    bucket = make_bucket(gate)
    _, s3 = user_of(gate, allow("s3:PutObject", arn(bucket, "mine/*")))
    upload = s3.create_multipart_upload(Bucket=bucket, Key="mine/a")["UploadId"]
    named = {"Bucket": bucket, "Key": "mine/a", "UploadId": upload}
    body = b"x" * (5 << 20)
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**named, PartNumber=number, Body=data)["ETag"]}
        for number, data in ((1, body), (2, b"end"))
    ]
    with denied_unseen(gate):
        s3.list_parts(**named)
    with denied_unseen(gate):
        s3.abort_multipart_upload(**named)
    # An upload is of one key; its id opens no other.
    with denied_unseen(gate):
        s3.upload_part(**{**named, "Key": "other"}, PartNumber=3, Body=b"x")
    with denied_unseen(gate):
        s3.complete_multipart_upload(
            **{**named, "Key": "other"}, MultipartUpload={"Parts": parts}
        )
    with denied_unseen(gate):
        s3.create_multipart_upload(Bucket=bucket, Key="other")
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    stored = gate.store.s3.get_object(Bucket=bucket, Key="mine/a")["Body"].read()
    assert stored == body + b"end"
    assert gate.store.keys(bucket) == ["mine/a"]


def test_an_upload_that_is_gone_is_said_to_be_gone(wide):
    """To somebody who may not list: an upload is no object."""
    bucket = make_bucket(wide)
    actions = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    _, s3 = user_of(wide, allow(actions, arn(bucket, "*")))
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="a", UploadId=upload)
    with refused("NoSuchUpload", status=404):
        s3.list_parts(Bucket=bucket, Key="a", UploadId=upload)


def test_the_aws_cli_copies_and_synchronises(gate, tmp_path):
    bucket = make_bucket(gate, "secret")
    _, keys = create_user(
        gate.server,
        statements=[
            allow(["s3:PutObject", "s3:GetObject"], arn(bucket, "mine/*")),
            allow("s3:ListBucket", arn(bucket), Condition={"StringLike": {"s3:prefix": "mine/*"}}),
        ],
    )
    here, back = tmp_path / "here", tmp_path / "back"
    (here / "deep er").mkdir(parents=True)
    # Longer than a part, so that the CLI uploads it in parts.
    big = bytes(range(256)) * (9 << 12)
    for name, content in (("big", big), ("deep er/ü+.txt", b"small"), ("empty", b"")):
        (here / name).write_bytes(content)
    code, said = gate.aws(keys, "s3", "sync", here, f"s3://{bucket}/mine/")
    assert code == 0, said
    assert gate.store.keys(bucket) == ["mine/big", "mine/deep er/ü+.txt", "mine/empty", "secret"]
    code, said = gate.aws(keys, "s3", "cp", f"s3://{bucket}/mine/big", back / "big")
    assert code == 0, said
    assert (back / "big").read_bytes() == big
    with gate.unseen():
        code, said = gate.aws(keys, "s3", "cp", f"s3://{bucket}/secret", back / "secret")
    assert code == 1 and "403" in said, said
    with gate.unseen():
        code, said = gate.aws(keys, "s3", "sync", here, f"s3://{bucket}/other/")
    assert code == 1 and "AccessDenied" in said, said


# Why not


def encoded_message(gate, keys, bucket, key):
    """The header that explains a denial."""
    with pytest.raises(ClientError) as caught:
        gate.s3(keys).get_object(Bucket=bucket, Key=key)
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    return headers.get("x-iamd-authorization-message")


def test_a_denial_can_be_decoded_by_those_who_may(gate, partner):
    bucket = make_bucket(gate, "a")
    user, keys = create_user(gate.server)
    message = encoded_message(gate, keys, bucket, "a")
    with denied():
        gate.server.sts(keys).decode_authorization_message(EncodedMessage=message)
    decoded = json.loads(
        gate.server.sts().decode_authorization_message(EncodedMessage=message)["DecodedMessage"]
    )
    assert decoded["allowed"] is False and decoded["explicitDeny"] is False
    context = decoded["context"]
    assert context["action"] == "s3:GetObject"
    assert context["resource"] == arn(bucket, "a")
    assert context["principal"]["arn"] == user["Arn"]
    # Another account reads nothing of it.
    _, other = partner
    with refused("InvalidAuthorizationMessageException"):
        gate.server.sts(other).decode_authorization_message(EncodedMessage=message)


def test_another_account_hears_nothing_of_what_a_bucket_policy_says(gate, partner):
    bucket = make_bucket(gate, "a")
    secret = {"StringNotEquals": {"aws:Referer": "a shared secret"}}
    set_policy(gate, bucket, grant(
        "*", "s3:GetObject", arn(bucket, "*"), effect="Deny", Condition=secret
    ))
    _, other = partner
    assert encoded_message(gate, other, bucket, "a") is None
    assert encoded_message(gate, gate.admin, bucket, "a")


def test_who_is_not_signed_gets_no_explanation(gate):
    bucket = make_bucket(gate, "a")
    connection = http.client.HTTPConnection(*gate.host_and_port, timeout=10)
    connection.request("GET", f"/{bucket}/a")
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    assert answer.status == 403 and "<Message>Access Denied</Message>" in body
    assert answer.headers["x-iamd-authorization-message"] is None
