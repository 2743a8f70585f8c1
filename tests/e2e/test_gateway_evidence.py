"""What went through the gateway is evidence: for reports of last access, and for the smallest policy."""

import json
import re

import pytest
from gateway_calls import recorded
from iamd import allow, create_user, denied, eventually, run, unique
from store import arn, gateway, make_bucket, read
from test_last_accessed import report


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with gateway(tmp_path_factory.mktemp("evidence")) as gate:
        yield gate


def test_calls_are_in_reports_of_last_access(gate):
    bucket = make_bucket(gate, "a")
    user, keys = create_user(gate.server, unique("ana"), [allow("s3:GetObject", arn(bucket, "*"))])
    idle, _ = create_user(gate.server, unique("ben"), [allow("s3:*")])
    iam = gate.server.iam()
    assert "LastAuthenticated" not in report(iam, user["Arn"])["s3"]
    gate.s3(keys).get_object(Bucket=bucket, Key="a")
    with denied():
        gate.s3(keys).put_object(Bucket=bucket, Key="a", Body=b"new")
    tried = report(iam, user["Arn"], Granularity="ACTION_LEVEL")["s3"]
    assert tried["LastAuthenticatedEntity"] == user["Arn"]
    assert tried["LastAuthenticatedRegion"] == "eu-central-1"
    assert tried["TotalAuthenticatedEntities"] == 1
    # What another one may and has not tried is not in his.
    assert "LastAuthenticated" not in report(iam, idle["Arn"])["s3"]


def used_up(gate, keys, bucket):
    """What a nightly job does in a bucket."""
    s3 = gate.s3(keys)
    for number in range(3):
        assert read(s3.get_object(Bucket=bucket, Key=f"in/{number}")) == f"in/{number}"
    s3.put_object(Bucket=bucket, Key="out/done", Body=b"done")
    s3.list_objects_v2(Bucket=bucket, Prefix="in/")


def generated(data, principal):
    """The report on a principal, made of the files of the trail alone."""
    done = run(
        "policy", "generate", "--principal", principal, "--data", data,
        "--from", data / "audit", "-o", "json",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_smallest_policy_is_of_the_objects_that_were_used(gate):
    keys = ["in/0", "in/1", "in/2", "other"]
    bucket, foreign = make_bucket(gate, *keys), make_bucket(gate, "in/0")
    data, name = gate.server.data, unique("job")
    user, secret = create_user(gate.server, name, [allow("s3:*")])
    used_up(gate, secret, bucket)
    assert eventually(lambda: len(recorded(data, bucketName=bucket, key="out/done")) == 1)
    assert eventually(lambda: any(
        record["eventName"].startswith("ListObjects")
        for record in recorded(data, bucketName=bucket)
    ))
    made = generated(data, user["Arn"])
    assert {line["action"] for line in made["used"]} == {
        "s3:GetObject", "s3:ListBucket", "s3:PutObject",
    }
    resources = set(re.findall(r"arn:aws:s3:::[^\"]+", json.dumps(made["documents"])))
    assert resources == {
        arn(bucket), arn(bucket, "in/0"), arn(bucket, "in/1"), arn(bucket, "in/2"),
        arn(bucket, "out/done"),
    }
    # It is enough for the same night again, and for nothing beside it.
    iam = gate.server.iam()
    iam.delete_user_policy(UserName=name, PolicyName="inline")
    for number, document in enumerate(made["documents"]):
        iam.put_user_policy(
            UserName=name, PolicyName=f"least-{number}", PolicyDocument=json.dumps(document)
        )
    used_up(gate, secret, bucket)
    s3 = gate.s3(secret)
    with gate.unseen():
        for call in (
            lambda: s3.get_object(Bucket=bucket, Key="other"),
            lambda: s3.get_object(Bucket=bucket, Key="out/done"),
            lambda: s3.put_object(Bucket=bucket, Key="in/0", Body=b"new"),
            lambda: s3.delete_object(Bucket=bucket, Key="out/done"),
            lambda: s3.get_object(Bucket=foreign, Key="in/0"),
            lambda: s3.list_objects_v2(Bucket=foreign),
        ):
            with denied():
                call()
