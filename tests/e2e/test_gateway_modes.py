"""Observation instead of enforcement: of a service, and of single principals, beside their neighbours."""

import json

import pytest
from gateway_calls import Tail, recorded
from iamd import (
    Keys,
    allow,
    create_user,
    denied,
    document,
    eventually,
    refused,
    run,
    trust,
    unique,
)
from s3_wire import Signed
from store import arn, gateway, grant, make_bucket, read

ACCOUNT = "111122223333"


def principals(kind, name):
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


@pytest.fixture(scope="module")
def some(tmp_path_factory):
    """A gateway that observes the users `ci*` and a role, but not those of `ci-prod*`."""
    with gateway(
        tmp_path_factory.mktemp("some"), "files", "--account-id", ACCOUNT,
        "--observe", principals("user", "ci*"), "--observe", principals("role", "jobs/*"),
        "--enforce", principals("user", "ci-prod*"),
    ) as gate:
        yield gate


@pytest.fixture(scope="module")
def all_but_some(tmp_path_factory):
    """A gateway that observes everybody but the users `prod*`."""
    with gateway(
        tmp_path_factory.mktemp("all"), "files", "--account-id", ACCOUNT,
        "--gateway-mode", "enforce", "--gateway-mode", "s3=observe",
        "--enforce", principals("user", "prod*"),
    ) as gate:
        yield gate


def user(gate, name, *statements, **more):
    """A user of this name and something behind it, with a client of S3."""
    made, keys = create_user(gate.server, unique(name), statements, **more)
    return made["Arn"], keys


def passes(gate, keys, bucket):
    """Whoever may nothing reads and writes all the same."""
    s3, key = gate.s3(keys), unique("key")
    s3.put_object(Bucket=bucket, Key=key, Body=b"new")
    assert read(s3.get_object(Bucket=bucket, Key=key)) == "new"
    return key


def is_denied(gate, keys, bucket):
    with gate.unseen():
        with denied():
            gate.s3(keys).get_object(Bucket=bucket, Key="a")
        with denied():
            gate.s3(keys).put_object(Bucket=bucket, Key="a", Body=b"new")


def test_those_who_are_observed_pass_and_their_neighbours_do_not(some):
    bucket = make_bucket(some, "a")
    passes(some, user(some, "ci")[1], bucket)
    # The name in other letters, longer, behind a path, and one that another ARN is closer to.
    is_denied(some, user(some, "CI")[1], bucket)
    is_denied(some, user(some, "aci")[1], bucket)
    is_denied(some, user(some, "ci", Path="/team/")[1], bucket)
    is_denied(some, user(some, "ci-prod")[1], bucket)
    assert read(some.store.s3.get_object(Bucket=bucket, Key="a")) == "a"


def test_a_user_of_the_same_name_in_another_account_is_not_observed(some):
    bucket = make_bucket(some, "a")
    _, other = some.second_account()
    iam = some.server.iam(other)
    name = unique("ci")
    iam.create_user(UserName=name)
    is_denied(some, Keys.of(iam.create_access_key(UserName=name)), bucket)


def test_sessions_of_a_role_are_observed_with_it(some):
    bucket, iam = make_bucket(some, "a"), some.server.iam()
    sessions = {}
    for path in ("/jobs/", "/"):
        role = iam.create_role(
            RoleName=unique("role"), Path=path,
            AssumeRolePolicyDocument=trust({"AWS": some.account}),
        )["Role"]["Arn"]
        _, keys = user(some, "assuming", allow("sts:AssumeRole"))
        session = some.server.sts(keys).assume_role(RoleArn=role, RoleSessionName="jobs")
        sessions[path] = Keys.of(session)
    passes(some, sessions["/jobs/"], bucket)
    is_denied(some, sessions["/"], bucket)


def test_an_explicit_denial_is_observed_too(some):
    bucket = make_bucket(some, "a")
    some.s3().put_bucket_policy(
        Bucket=bucket, Policy=document(grant("*", "s3:GetObject", arn(bucket, "*"), "Deny"))
    )
    assert read(some.s3(user(some, "ci")[1]).get_object(Bucket=bucket, Key="a")) == "a"
    with denied():
        some.s3().get_object(Bucket=bucket, Key="a")


@pytest.mark.parametrize("gate", ["some", "all_but_some"])
def test_who_proves_nothing_is_never_observed(gate, request):
    gate = request.getfixturevalue(gate)
    bucket = make_bucket(gate, "a")
    _, keys = user(gate, "ci")
    with gate.unseen():
        with denied():
            gate.anonymous().get_object(Bucket=bucket, Key="a")
        with denied():
            gate.anonymous().put_object(Bucket=bucket, Key="a", Body=b"new")
        with refused("SignatureDoesNotMatch"):
            gate.s3(Keys(keys.access_key_id, "wrong")).get_object(Bucket=bucket, Key="a")
        with refused("InvalidAccessKeyId"):
            gate.s3(Keys("AKIAIOSFODNN7EXAMPLE", "wrong")).get_object(Bucket=bucket, Key="a")
        # A key that was switched off.
        iam = gate.server.iam(gate.admin)
        name = iam.get_access_key_last_used(AccessKeyId=keys.access_key_id)["UserName"]
        iam.update_access_key(UserName=name, AccessKeyId=keys.access_key_id, Status="Inactive")
        with refused("InvalidAccessKeyId"):
            gate.s3(keys).get_object(Bucket=bucket, Key="a")
    # A signature that is good for something else.
    with gate.unseen():
        signed = Signed(gate, "GET", f"/{bucket}/a", keys=user(gate, "ci")[1])
        signed.target = f"/{bucket}/b"
        assert signed.send(gate).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("gate", ["some", "all_but_some"])
def test_what_iamd_keeps_is_never_a_matter_of_observation(gate, request):
    gate = request.getfixturevalue(gate)
    bucket = make_bucket(gate, "a")
    who, keys = user(gate, "ci")
    with gate.unseen(), denied():
        gate.s3(keys).put_bucket_policy(
            Bucket=bucket, Policy=document(grant(who, "s3:*", arn(bucket, "*")))
        )


def test_of_a_service_all_are_observed_but_those_who_are_not(all_but_some):
    bucket = make_bucket(all_but_some, "a")
    passes(all_but_some, user(all_but_some, "anybody")[1], bucket)
    is_denied(all_but_some, user(all_but_some, "prod")[1], bucket)


def test_a_batch_of_deletions_is_observed_whole_or_decided_one_by_one(some):
    bucket = make_bucket(some, "a", "b", "c")
    may = allow("s3:DeleteObject", arn(bucket, "a"))
    batch = lambda *keys: {"Objects": [{"Key": key} for key in keys]}
    _, observed = user(some, "ci", may)
    _, enforced = user(some, "ben", may)
    answer = some.s3(enforced).delete_objects(Bucket=bucket, Delete=batch("a", "b"))
    assert [error["Key"] for error in answer["Errors"]] == ["b"]
    answer = some.s3(observed).delete_objects(Bucket=bucket, Delete=batch("b", "c"))
    assert "Errors" not in answer
    assert some.store.keys(bucket) == []


def test_what_is_not_there_is_no_secret_to_those_who_are_observed(some):
    bucket = make_bucket(some, "a")
    may = allow("s3:GetObject", arn(bucket, "*"))
    with refused("NoSuchKey"):
        some.s3(user(some, "ci", may)[1]).get_object(Bucket=bucket, Key="none")
    with denied():
        some.s3(user(some, "ben", may)[1]).get_object(Bucket=bucket, Key="none")


def test_the_mode_is_told_and_recorded(some):
    bucket, data = make_bucket(some, "a"), some.server.data
    who, keys = user(some, "ci", allow("s3:GetObject", arn(bucket, "*")))
    with Tail(some, "-o", "json") as tail, Tail(some, "-o", "table") as table:
        written = passes(some, keys, bucket)
        put, got = (json.loads(tail.until(who, operation)) for operation in ("PutObject", "GetObject"))
        assert table.until("PutObject", who).endswith(" observe\n")
        assert table.until("implicitDeny").startswith("  implicitDeny by identity (observed): s3:PutObject")
        assert (put["mode"], put["observed"], put["status"]) == ("observe", True, 200)
        # What is allowed is not noted as a denial.
        assert (got["mode"], got["observed"]) == ("observe", False)
        _, ben = user(some, "ben")
        with denied():
            some.s3(ben).get_object(Bucket=bucket, Key="a")
        refusal = json.loads(tail.until("implicitDeny", "GetObject"))
        assert (refusal["mode"], refusal["observed"]) == ("enforce", False)
        assert not table.until("AccessDenied", "ben").endswith(" observe\n")
    kept = {
        record["eventName"]: record["additionalEventData"]
        for record in eventually(lambda: two(recorded(data, bucketName=bucket, key=written)))
    }
    assert (kept["PutObject"]["mode"], kept["PutObject"]["observed"]) == ("observe", True)
    assert (kept["GetObject"]["mode"], kept["GetObject"]["observed"]) == ("observe", False)
    [refusal] = [
        record
        for record in eventually(lambda: two(recorded(data, bucketName=bucket, key="a")))
        if "errorCode" in record
    ]
    assert refusal["additionalEventData"]["mode"] == "enforce"


def two(records):
    """The records, if both are there."""
    return records if len(records) == 2 else None


def test_modes_that_cannot_be_are_refused(tmp_path):
    start = (
        "dev", "--ephemeral", "--listen", "127.0.0.1:0",
        "--gateway", "127.0.0.1:0", "--upstream", "s3=http://127.0.0.1:9",
    )
    for options, complaint in (
        (("--gateway-mode", "off"), "`off` is no mode"),
        (("--gateway-mode", "dynamodb=observe"), "the gateway knows s3"),
        (("--gateway-mode", "observe,enforce"), "says again"),
        (("--observe", "*"), "names no principals of one account"),
        (("--observe", "arn:aws:iam::*:user/ci"), "names no principals of one account"),
        (("--enforce", "ana"), "names no principals of one account"),
    ):
        done = run(*start, *options)
        assert done.returncode == 1 and complaint in done.stderr, done
    there = ("--set", "gateway.listen=127.0.0.1:1", "--set", "gateway.upstream=s3=http://127.0.0.1:9")
    for setting, complaint in (
        ("gateway.mode=off", "`off` is no mode"),
        ("gateway.observe=ana", "names no principals"),
        ("gateway.tls_certificates=www", "has ARNs of server certificates, and not `www`"),
    ):
        done = run("config", "validate", *there, "--set", setting)
        assert done.returncode == 1 and complaint in done.stderr + done.stdout, done
    assert run("config", "validate", *there, "--set", "gateway.mode=s3=observe").returncode == 0
