"""`iamd policy generate`: the smallest policy that covers what was used."""

import json
import pathlib
import re
import resource

import pytest
from policy_command import ANA, document, evaluated, policy, request, says

ROOT = pathlib.Path(__file__).parent.parent.parent
ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/apps/web"


def record(name, parameters=None, source="s3.amazonaws.com", arn=ANA, **more):
    """A record of a call that was carried out."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": arn, "accountId": ACCOUNT},
        "eventTime": "2026-01-31T12:00:00Z",
        "eventSource": source,
        "eventName": name,
        "awsRegion": "eu-central-1",
        "requestParameters": parameters,
        "eventType": "AwsApiCall",
        **more,
    }


def iam(name, **parameters):
    return record(name, parameters, source="iam.amazonaws.com")


def get(key, bucket="b", **more):
    return record("GetObject", {"bucketName": bucket, "key": key}, **more)


def session(name, issuer=ROLE):
    """The identity of a session of a role."""
    identity = {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/web/{name}"}
    if issuer:
        identity["sessionContext"] = {"sessionIssuer": {"type": "Role", "arn": issuer}}
    return {"userIdentity": identity}


def generated(tmp_path, records, *arguments, principal=ANA, code=0):
    """What is made of these records, as `-o json` prints it."""
    trail = tmp_path / "trail.jsonl"
    trail.write_text("".join(json.dumps(each) + "\n" for each in records))
    done = policy("generate", "--principal", principal, "--from", trail, "-o", "json", *arguments)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def decisions(documents, *questions, principal=ANA):
    """Whether these documents allow these actions on these resources."""
    lines = [
        {"request": request(action, arn, principal=principal), "policies": {"identity": documents}}
        for action, arn in questions
    ]
    return [answer["decision"] == "allowed" for answer in evaluated(lines)[0]]


def linted(tmp_path, documents):
    for number, each in enumerate(documents):
        file = tmp_path / f"generated-{number}.json"
        file.write_text(json.dumps(each))
        done = policy("lint", "--type", "identity", file)
        assert done.returncode == 0, done.stdout


def test_the_guide_shows_what_comes_out():
    guide = (ROOT / "docs" / "policy.md").read_text()
    section = guide.split("## `iamd policy generate`")[1].split("\n## ")[0]
    command, printed = re.search(r"```console\n\$ iamd ((?:[^\n]*\\\n)*[^\n]*)\n(.*?)```", section, re.S).groups()
    words = command.replace("\\\n", " ").split()
    done = policy(*words[1:], cwd=ROOT)
    assert (done.stdout + done.stderr).decode() == printed
    assert done.returncode == 0


def test_what_was_used_is_allowed_and_what_is_beside_it_is_not(tmp_path):
    records = [get(f"logs/{day}/{hour}") for day in range(9) for hour in range(9)]
    records += [get("readme"), record("ListObjectsV2", {"bucketName": "b"})]
    records += [iam("CreateUser", userName="bob", path="/x/"), iam("AttachUserPolicy", userName="bob")]
    report = generated(tmp_path, records)
    documents = report["documents"]
    linted(tmp_path, documents)
    bob = f"arn:aws:iam::{ACCOUNT}:user/x/bob"
    used = [
        ("s3:GetObject", "arn:aws:s3:::b/logs/3/4"),
        ("s3:GetObject", "arn:aws:s3:::b/readme"),
        ("s3:ListBucket", "arn:aws:s3:::b"),
        ("iam:CreateUser", bob),
        ("iam:AttachUserPolicy", bob),
    ]
    assert decisions(documents, *used) == [True] * len(used)
    near = [
        ("s3:GetObject", "arn:aws:s3:::b/other"),
        ("s3:GetObject", "arn:aws:s3:::b2/logs/3/4"),
        ("s3:PutObject", "arn:aws:s3:::b/readme"),
        ("s3:ListBucket", "arn:aws:s3:::b2"),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/bob"),
        ("iam:AttachUserPolicy", ANA),
        ("iam:DeleteUser", bob),
    ]
    assert decisions(documents, *near) == [False] * len(near)


def test_all_sessions_of_a_role_count_and_nobody_else(tmp_path):
    records = [
        get("1", **session("one")),
        get("2", **session("two")),
        # A record may leave out whose session it is; another role may have the same name.
        get("3", **session("three", issuer=None)),
        get("4", **session("four", issuer=f"arn:aws:iam::{ACCOUNT}:role/web")),
        get("5"),
    ]
    report = generated(tmp_path, records, principal=ROLE)
    assert report["records_of_principal"] == 3
    keys = [("s3:GetObject", f"arn:aws:s3:::b/{key}") for key in range(1, 6)]
    assert decisions(report["documents"], *keys, principal=ROLE) == [True] * 3 + [False] * 2


def test_denied_failed_and_unknown_calls_are_told_and_not_covered(tmp_path):
    decided = [
        {"action": "s3:DeleteObject", "resource": "arn:aws:s3:::b/1", "decision": "allowed"},
        {"action": "s3:DeleteObject", "resource": "arn:aws:s3:::b/2", "decision": "implicitDeny"},
    ]
    records = [
        get("1"),
        get("2", errorCode="AccessDenied"),
        get("3", errorCode="NoSuchKey"),
        record("DeleteObjects", {"bucketName": "b"}, additionalEventData={"decisions": decided}),
        record("ConsoleLogin", None, source="signin.amazonaws.com", eventType="AwsConsoleSignIn"),
        record("GetCallerIdentity", None, source="sts.amazonaws.com"),
    ]
    report = generated(tmp_path, records)
    questions = [(f"s3:{action}Object", f"arn:aws:s3:::b/{key}") for action in ("Get", "Delete") for key in (1, 2, 3)]
    assert decisions(report["documents"], *questions) == [True, False, False] * 2
    assert [line["action"] for line in report["denied"]] == ["s3:DeleteObject", "s3:GetObject"]
    assert [line["action"] for line in report["unknown"]] == ["signin:ConsoleLogin"]
    assert (report["failed"], report["free"]) == (1, 1)


def test_what_is_dangerous_is_not_granted_and_fails_the_command(tmp_path):
    records = [iam("PutUserPolicy", policyName="p"), record("PutRolePolicy", None, "iam.amazonaws.com")]
    # A user's own name is taken where the request says none; a role's is not known.
    report = generated(tmp_path, records, code=1)
    assert [line["action"] for line in report["not_covered"]] == ["iam:PutRolePolicy"]
    assert "PRIVILEGE_ESCALATION" in report["not_covered"][0]["reason"]
    assert not any(decisions(report["documents"], ("iam:PutRolePolicy", ROLE)))


def test_nothing_used_is_no_policy(tmp_path):
    report = generated(tmp_path, [get("1", arn=ANA + "x")], code=1)
    assert (report["documents"], report["records"], report["records_of_principal"]) == ([], 1, 0)


def test_a_time_can_be_chosen(tmp_path):
    records = [get("old", eventTime="2026-01-01T00:00:00Z"), get("new", eventTime="2026-02-01T00:00:00Z")]
    for option, expected in (("--since", [False, True]), ("--until", [True, False])):
        report = generated(tmp_path, records, option, "2026-01-15T00:00:00Z")
        questions = [("s3:GetObject", f"arn:aws:s3:::b/{key}") for key in ("old", "new")]
        assert decisions(report["documents"], *questions) == expected


def test_files_of_cloudtrail_and_folders_are_read(tmp_path):
    folder = tmp_path / "AWSLogs" / ACCOUNT / "CloudTrail"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(json.dumps({"Records": [get("1"), get("2")]}, indent=2))
    (folder / "2.json").write_text(json.dumps({"Records": [get("3")]}))
    (folder / "trail.jsonl").write_text('{"trail":{"file":1}}\n' + json.dumps(get("4")) + "\n" + '{"event')
    (folder / "digest.index").write_bytes(b"\x00")
    done = policy("generate", "--principal", ANA, "--from", tmp_path, "-o", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["records_of_principal"] == 4
    again = policy("generate", "--principal", ANA, "--from", folder / "trail.jsonl", folder / "2.json", folder / "1.json", "-o", "json")
    assert json.loads(again.stdout)["documents"] == report["documents"]
    piped = policy("generate", "--principal", ANA, "--from", "-", given=json.dumps(get("1")).encode())
    assert json.loads(piped.stdout)["Statement"][0]["Resource"] == "arn:aws:s3:::b/1"
    (folder / "3.json.gz").write_bytes(b"\x1f\x8b")
    refused = policy("generate", "--principal", ANA, "--from", tmp_path)
    assert refused.returncode == 2 and b"unpack it first" in refused.stderr


@pytest.mark.parametrize(
    ("principal", "trail", "words"),
    [
        (f"arn:aws:iam::{ACCOUNT}:root", "", b"not the ARN of a user or a role"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/web/s", "", b"not the ARN of a user or a role"),
        (ANA, "nonsense", b"is no audit trail"),
        (ANA, '{"a":1}', b"is no audit trail"),
        (ANA, json.dumps(get("1")) + "\n[]\n", b"is no audit trail"),
        (ANA, '{"eventName":"' + "x" * 5_000_000 + '"}', b"a record is longer than"),
    ],
)
def test_wrong_use_is_refused(tmp_path, principal, trail, words):
    file = tmp_path / "trail.json"
    file.write_text(trail)
    done = policy("generate", "--principal", principal, "--from", file)
    assert done.returncode == 2 and words in done.stderr and not done.stdout
    missing = policy("generate", "--principal", ANA, "--from", tmp_path / "none.json")
    assert missing.returncode == 2


def test_what_present_policies_never_used_is_told(tmp_path):
    present = tmp_path / "present.json"
    present.write_text(json.dumps(document(
        says("Allow", ["s3:Get*", "s3:PutObject"], "arn:aws:s3:::b/*", Sid="Used"),
        says("Allow", "s3:GetObject", "arn:aws:s3:::other/*", Sid="Unused"),
    )))
    report = generated(tmp_path, [get("1")], "--policy", present)
    used, unused = report["present"]
    assert (used["sid"], used["used"], used["unused_actions"]) == ("Used", True, ["s3:PutObject"])
    assert used["wildcards"] == [{"action": "s3:Get*", "used": ["s3:GetObject"]}]
    assert (unused["sid"], unused["used"]) == ("Unused", False)


def test_a_long_trail_takes_no_more_memory(tmp_path):
    trail = tmp_path / "trail.json"
    with trail.open("w") as file:
        file.write('{"Records":[')
        for number in range(100_000):
            file.write(("," if number else "") + json.dumps(get(f"logs/{number % 977}/{number}")))
        file.write("]}")
    bound = 600 * 1024 * 1024
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    done = policy("generate", "--principal", ANA, "--from", trail, preexec_fn=limit)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Statement"][0]["Resource"] == "arn:aws:s3:::b/logs/*"
