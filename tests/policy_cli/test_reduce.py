"""`iamd policy reduce`: smaller documents that mean the same."""

import itertools
import json

import pytest
from policy_command import document, evaluated, policy, request, says


def reduced(given):
    """The document reduced, from standard input."""
    done = policy("reduce", "-", given=json.dumps(given).encode())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


LARGE = document(
    says("Allow", ["s3:GetObject", "s3:Get*", "s3:getobject"], "arn:aws:s3:::a/*", Sid="Get"),
    says("Allow", "s3:PutObject", "arn:aws:s3:::a/*", Sid="Put"),
    says("Allow", ["s3:PutObject", "s3:Get*"], ["arn:aws:s3:::b/*", "arn:aws:s3:::b/logs/*"]),
    says("Allow", "s3:GetObject", "arn:aws:s3:::a/x", Condition={"Bool": {"aws:SecureTransport": True}}),
    says("Deny", "s3:GetObject", "arn:aws:s3:::a/secret"),
)
SMALL = document(
    says("Allow", ["s3:Get*", "s3:PutObject"], ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"], Sid="Get"),
    says("Deny", "s3:GetObject", "arn:aws:s3:::a/secret"),
)


def test_everything_needless_goes():
    assert reduced(LARGE) == SMALL
    assert reduced(SMALL) == SMALL


def test_every_request_is_decided_as_before():
    actions = ["s3:GetObject", "s3:GetBucketAcl", "s3:PutObject", "s3:DeleteObject"]
    resources = ["a/x", "a/secret", "a/logs/1", "b/x", "b/logs/1", "c/x"]
    lines = [
        {"request": request(action, f"arn:aws:s3:::{key}", context={"aws:SecureTransport": secure}),
         "policies": {"identity": [policies]}}
        for action, key, secure in itertools.product(actions, resources, [True, False])
        for policies in (LARGE, SMALL)
    ]
    answers, _ = evaluated(lines)
    decisions = [(answer["decision"], answer["decided_by"]) for answer in answers]
    assert decisions[::2] == decisions[1::2]
    assert {decision for decision, _ in decisions} == {"allowed", "explicitDeny", "implicitDeny"}


@pytest.mark.parametrize(
    "kept",
    [
        document(says("Allow", "s3:Get*", "arn:aws:s3:::a"), says("Allow", "s3:Put*", "arn:aws:s3:::b")),
        document(says("Allow", "s3:*"), says("Deny", "s3:Get*")),
        document(says("Allow", "*", ["*", "arn:aws:s3"])),
        document({"Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}),
        document({"Effect": "Allow", "Action": "a:b", "Resource": "*", "Unknown": ["x", "x"]}),
        {**document(says("Allow", "a:b")), "Comment": ["x", "x"]},
    ],
)
def test_what_is_needed_or_unknown_stays(kept):
    assert reduced(kept) == kept
    done = policy("reduce", "--check", "-", given=json.dumps(kept).encode())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_check_and_write(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(LARGE))
    check = policy("reduce", "--check", file)
    assert (check.returncode, check.stdout.decode()) == (1, f"{file}\n")
    assert json.loads(file.read_text()) == LARGE
    write = policy("reduce", "--write", file)
    assert (write.returncode, write.stdout) == (0, b"")
    assert f"{file}: statements 5 -> 2" in write.stderr.decode()
    assert json.loads(file.read_text()) == SMALL
    assert policy("reduce", "--check", file).returncode == 0
    # What cannot be smaller is left as it is, layout included.
    file.write_text(json.dumps(SMALL))
    policy("reduce", "--write", file)
    assert file.read_text() == json.dumps(SMALL)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        (b"{", "-:1:2: "),
        (b"[]", "-:1:1: "),
        (b'{"Statement":[],\n "Statement":[]}', "-:2:2: "),
        (b"{" * 100_000, "-:1:2: "),
        (b"\xff", "`-` is not UTF-8"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(given, place):
    for command in ("reduce", "fmt"):
        done = policy(command, "-", given=given)
        assert done.returncode == 2
        assert place in done.stderr.decode()
