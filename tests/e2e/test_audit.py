"""The audit trail: its records, `aws cloudtrail lookup-events`, crashes, and what somebody changes."""

import json
import sqlite3
import struct
import threading
import time
import zlib

import pytest
from botocore.exceptions import ClientError
from iamd import Keys, Server, allow, document, run, unique

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


def lookup(server, keys=None, **request):
    """All events of a lookup, with their records."""
    pages = server.client("cloudtrail", keys).get_paginator("lookup_events").paginate(**request)
    return [event for page in pages for event in page["Events"]]


def by(key, value):
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


def record(event):
    return json.loads(event["CloudTrailEvent"])


def user_with(server, *statements):
    """A new user with a key and a policy."""
    name = unique("user")
    iam = server.iam()
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(*statements))
    return name, Keys.of(iam.create_access_key(UserName=name))


def lines(folder):
    """The lines of the trail, file by file."""
    return {
        path: path.read_text().splitlines() for path in sorted(folder.glob("audit/trail-*.jsonl"))
    }


def verify(folder):
    done = run("audit", "verify", "--data", folder, "-o", "json", timeout=60)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert (done.returncode == 0) == (report["breaks"] == [])
    return report


def test_a_write_has_a_record_with_everything(server):
    name = unique("ana")
    answer = server.iam().create_user(UserName=name, Path="/people/")
    (event,) = lookup(server, **by("ResourceName", name))
    found = record(event)
    assert event["EventName"] == found["eventName"] == "CreateUser"
    assert (event["Username"], event["ReadOnly"]) == ("admin", "false")
    assert event["AccessKeyId"] == server.admin.access_key_id
    assert {"ResourceType": "AWS::IAM::User", "ResourceName": name} in event["Resources"]
    assert found["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert found["eventID"] == event["EventId"]
    assert found["requestParameters"] == {"path": "/people/", "userName": name}
    assert found["responseElements"]["user"]["arn"] == answer["User"]["Arn"]
    assert found["userIdentity"]["type"] == "IAMUser"
    assert found["recipientAccountId"] == server.account
    assert found["sourceIPAddress"] == "127.0.0.1"
    assert (found["eventSource"], found["awsRegion"]) == ("iam.amazonaws.com", "us-east-1")
    assert "errorCode" not in found and "trail" not in found


def test_refused_writes_and_denials_have_records(server):
    name, keys = user_with(server, allow("iam:GetUser"))
    with pytest.raises(ClientError):
        server.iam(keys).create_user(UserName=unique("no"))
    with pytest.raises(ClientError):
        server.iam().create_user(UserName=name)
    denied = [record(event) for event in lookup(server, **by("AccessKeyId", keys.access_key_id))]
    (denied,) = [found for found in denied if found["eventName"] == "CreateUser"]
    assert denied["errorCode"] == "AccessDenied" and "iam:CreateUser" in denied["errorMessage"]
    assert denied["responseElements"] is None and denied["readOnly"] is False
    twice = [record(event) for event in lookup(server, **by("ResourceName", name))]
    taken = [found for found in twice if found.get("errorCode") == "EntityAlreadyExists"]
    assert len(taken) == 1


def test_sessions_are_followed_from_their_role(server):
    name, keys = user_with(server, allow("sts:AssumeRole"))
    role = unique("role")
    trust = {"Effect": "Allow", "Principal": {"AWS": server.account}, "Action": "sts:AssumeRole"}
    iam = server.iam()
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=role, PolicyName="p", PolicyDocument=document(allow("iam:ListUsers"))
    )
    answer = server.sts(keys).assume_role(RoleArn=arn, RoleSessionName="night-shift")
    session = Keys.of(answer)
    server.iam(session).list_users()
    (assumed,) = lookup(server, **by("EventName", "AssumeRole"))
    found = record(assumed)
    assert found["readOnly"] is True and found["userIdentity"]["userName"] == name
    assert found["requestParameters"] == {"roleArn": arn, "roleSessionName": "night-shift"}
    (listed,) = lookup(server, **by("Username", "night-shift"))
    identity = record(listed)["userIdentity"]
    assert listed["AccessKeyId"] == session.access_key_id == identity["accessKeyId"]
    assert identity["type"] == "AssumedRole"
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert (issuer["type"], issuer["arn"], issuer["userName"]) == ("Role", arn, role)
    assert identity["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"


def test_who_proves_nothing_leaves_no_record(server):
    before = len(lookup(server, **by("EventName", "GetCallerIdentity")))
    with pytest.raises(ClientError):
        server.sts(Keys(server.admin.access_key_id, "wrong")).get_caller_identity()
    with pytest.raises(ClientError):
        server.sts(Keys("AKIAIOSFODNN7EXAMPLE", "wrong")).get_caller_identity()
    assert len(lookup(server, **by("EventName", "GetCallerIdentity"))) == before
    server.sts().get_caller_identity()
    assert len(lookup(server, **by("EventName", "GetCallerIdentity"))) == before + 1


def test_no_secret_is_in_a_record(tmp_path):
    with Server(data=tmp_path / "data") as server:
        name, keys = user_with(server, allow("sts:*"), allow("iam:*"))
        session = Keys.of(server.sts(keys).get_session_token())
        with pytest.raises(ClientError):
            server.iam(keys).create_login_profile(UserName=name, Password="canary-password")
        (created,) = [
            record(event)
            for event in lookup(server, **by("EventName", "CreateAccessKey"))
            if record(event)["requestParameters"] == {"userName": name}
        ]
        assert created["responseElements"]["accessKey"]["secretAccessKey"] == HIDDEN
        secrets = [keys.secret_access_key, session.secret_access_key, session.session_token]
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    for secret in [*secrets, "canary-password", server.admin.secret_access_key]:
        assert secret.encode() not in stored


def test_lookups_are_authorized_and_see_their_own_account_only(server):
    name, keys = user_with(server, allow("iam:*"))
    with pytest.raises(ClientError) as refused:
        lookup(server, keys)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "cloudtrail:LookupEvents" in refused.value.response["Error"]["Message"]
    policy = document(allow("cloudtrail:LookupEvents"))
    server.iam().put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    assert lookup(server, keys, **by("Username", name))
    data = server.facts["data"]
    created = run(
        "account", "create", "--data", data, "--root-email", f"{unique('a')}@example.com", "-o",
        "json",
    )
    other = Keys.of_facts(json.loads(created.stdout))
    server.sts(other).get_caller_identity()
    found = lookup(server, other)
    assert {event["EventName"] for event in found} == {"CreateAccount", "GetCallerIdentity"}
    (founded,) = [record(event) for event in found if event["EventName"] == "CreateAccount"]
    assert founded["userIdentity"] == {"type": "AWSService", "invokedBy": "iamd operator"}
    assert founded["eventType"] == "AwsServiceEvent"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"NextToken": "x"}, "InvalidNextTokenException"),
        ({"StartTime": 2_000_000_000, "EndTime": 1_000_000_000}, "InvalidTimeRangeException"),
        (by("Colour", "red"), "InvalidLookupAttributesException"),
        (
            {"LookupAttributes": by("EventId", "x")["LookupAttributes"] * 2},
            "InvalidLookupAttributesException",
        ),
        ({"EventCategory": "other"}, "InvalidEventCategoryException"),
    ],
)
def test_wrong_lookups_are_refused(server, request_, code):
    with pytest.raises(ClientError) as refused:
        server.client("cloudtrail").lookup_events(**request_)
    assert refused.value.response["Error"]["Code"] == code


def test_pages_join_up_newest_first_and_times_bound_them(server):
    trail = server.client("cloudtrail")
    names = [unique("page") for _ in range(7)]
    for name in names:
        server.iam().create_group(GroupName=name)
    found, token = [], {}
    while True:
        page = trail.lookup_events(**by("EventName", "CreateGroup"), MaxResults=3, **token)
        assert len(page["Events"]) <= 3
        found += [record(event)["requestParameters"]["groupName"] for event in page["Events"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == names[::-1]
    with pytest.raises(ClientError):
        trail.lookup_events(**by("EventName", "DeleteGroup"), **token)
    now = int(time.time())
    assert lookup(server, StartTime=now + 3600) == []
    assert lookup(server, EndTime=now - 3600) == []
    assert len(lookup(server, **by("EventName", "CreateGroup"), StartTime=now - 3600)) >= 7
    assert trail.lookup_events(EventCategory="insight")["Events"] == []


def test_the_cli_looks_up_events(server):
    name = unique("cli")
    server.iam().create_group(GroupName=name)
    code, answer, complaint = server.aws(
        server.admin, "cloudtrail", "lookup-events", "--lookup-attributes",
        f"AttributeKey=ResourceName,AttributeValue={name}",
    )
    assert code == 0, complaint
    assert [event["EventName"] for event in answer["Events"]] == ["CreateGroup"]
    stranger = Keys("AKIAIOSFODNN7EXAMPLE", "wrong")
    code, _, complaint = server.aws(stranger, "cloudtrail", "lookup-events")
    assert code != 0 and "UnrecognizedClientException" in complaint


def test_every_acknowledged_write_has_one_record_after_a_crash(tmp_path):
    folder = tmp_path / "data"
    acknowledged = []
    with Server(data=folder) as server:
        admin = server.admin

        def burst(number):
            iam = server.iam()
            for count in range(10_000):
                name = f"u-{number}-{count}"
                try:
                    iam.create_user(UserName=name)
                except Exception:  # noqa: BLE001 - the server was killed
                    return
                acknowledged.append(name)

        threads = [threading.Thread(target=burst, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        while len(acknowledged) < 200:
            time.sleep(0.01)
        server.kill()
        for thread in threads:
            thread.join()
    assert verify(folder)["breaks"] == []
    with Server(data=folder, admin=admin) as server:
        there = {user["UserName"] for page in
                 server.iam().get_paginator("list_users").paginate() for user in page["Users"]}
        wanted = len(there) - 1
        # Records that were not in the files come there by themselves.
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = lookup(server, **by("EventName", "CreateUser"))
            if len(found) >= wanted:
                break
        names = [record(event)["requestParameters"]["userName"] for event in found]
        assert len(names) == len(set(names)) and set(names) | {"admin"} == there
        assert set(acknowledged) <= set(names)
        assert verify(folder)["breaks"] == []
    assert verify(folder)["breaks"] == []


class Records:
    """The records in the database, and what it takes to make a change look right."""

    def __init__(self, folder, account):
        self.connection = sqlite3.connect(folder / "store.sqlite3", isolation_level=None)
        self.account = int(account)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def read(self):
        query = "SELECT number, bytes FROM records WHERE account = ? ORDER BY number"
        return list(self.connection.execute(query, (self.account,)))

    def write(self, records):
        self.connection.execute("DELETE FROM records WHERE account = ?", (self.account,))
        for number, content in records:
            head = struct.pack("<QQ", self.account, number)
            values = (self.account, number, zlib.crc32(head + content), content)
            insert = "INSERT INTO records (account, number, checksum, bytes) VALUES (?, ?, ?, ?)"
            self.connection.execute(insert, values)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder at rest with some records, and its account."""
    folder = tmp_path_factory.mktemp("audit") / "data"
    with Server(data=folder) as server:
        for _ in range(5):
            server.iam().create_user(UserName=unique("user"))
            server.sts().get_caller_identity()
    report = verify(folder)
    assert report["breaks"] == [] and report["stored"] == 6 and report["lines"] == 11
    return folder, server.account


def flipped(content):
    return content[:60] + bytes([content[60] ^ 1]) + content[61:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda all_: [*all_[:2], (3, flipped(all_[2][1])), *all_[3:]], "record 3 was altered"),
        (lambda all_: all_[:2] + all_[3:], "record"),
        (lambda all_: all_[:-1], "record 6 is missing"),
        (
            lambda all_: [*all_[:1], (2, all_[2][1]), (3, all_[1][1]), *all_[3:]],
            "record 2 was altered or moved",
        ),
        (lambda _: [], "record"),
    ],
    ids=["edited", "removed", "cut", "reordered", "emptied"],
)
def test_what_somebody_changes_in_the_database_is_named(kept, change, said):
    folder, account = kept
    with Records(folder, account) as records:
        before = records.read()
        records.write(change(before))
        try:
            breaks = verify(folder)["breaks"]
        finally:
            records.write(before)
    assert [found["place"] for found in breaks] == [f"log of account {account}"]
    assert said in breaks[0]["reason"]
    assert verify(folder)["breaks"] == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda all_: [*all_[:3], all_[3].replace("127.0.0.1", "127.0.0.2"), *all_[4:]], 4),
        (lambda all_: all_[:3] + all_[4:], 4),
        (lambda all_: [*all_[:3], all_[4], all_[3], *all_[5:]], 4),
        (lambda all_: all_[:-1], 12),
        (lambda all_: all_[:1], 2),
    ],
    ids=["edited", "removed", "reordered", "cut", "emptied"],
)
def test_what_somebody_changes_in_a_file_is_named(kept, change, line):
    folder, _ = kept
    ((path, before),) = lines(folder).items()
    path.write_text("\n".join(change(before)) + "\n")
    try:
        done = run("audit", "verify", "--data", folder, "-o", "table", timeout=60)
        (found,) = verify(folder)["breaks"]
    finally:
        path.write_text("\n".join(before) + "\n")
    assert (found["place"], found["line"]) == (str(path), line)
    assert done.returncode == 1 and f"{path}, line {line}, after record" in done.stdout
    assert verify(folder)["breaks"] == []


def test_show_filters_and_prints_records(kept):
    folder, _ = kept
    done = run("audit", "show", "--data", folder, "--event", "CreateUser", "-o", "json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["eventName"] for record in found] == ["CreateUser"] * 5
    done = run("audit", "show", "--data", folder, "--user", "admin", "-o", "table")
    assert len(done.stdout.splitlines()) == 10
    done = run("audit", "show", "--data", folder, "--since", "2100-01-01T00:00:00Z", "-o", "json")
    assert done.stdout == ""


def test_a_trail_that_is_switched_off_says_so(tmp_path):
    with Server("--no-audit", data=tmp_path / "data") as server:
        server.iam().create_user(UserName="ana")
        with pytest.raises(ClientError) as refused:
            lookup(server)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert not (tmp_path / "data" / "audit").exists()
