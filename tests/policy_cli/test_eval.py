"""The contract of `iamd policy eval`, beyond single decisions."""

import json
import random
import resource
import subprocess
import time

import pytest
from policy_command import ANA, BINARY, READ, document, evaluated, policy, request, says

LINE_BYTES_MAX = 16 * 1024 * 1024
MEMORY_BYTES_MAX = 256 * 1024 * 1024


def limited(limit=MEMORY_BYTES_MAX):
    """Called in the child: allocations past the limit fail."""
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def test_members_come_in_the_order_of_the_contract():
    condition = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
    lines = [
        {"id": {"any": [1.50, None]}, "request": request(), "policies": {"identity": [READ]}},
        {
            "id": "denied",
            "request": request(),
            "policies": {"identity": [document(says("Allow", "*", Condition=condition))]},
        },
    ]
    answers, code = evaluated(lines)
    assert code == 0
    allowed, denied = answers
    assert list(allowed) == ["id", "decision", "decided_by", "statements", "missing_keys"]
    assert list(allowed["statements"][0]) == ["policy", "sid", "line", "column"]
    assert list(denied) == ["id", "decision", "decided_by", "statements", "missing_keys", "message"]
    assert denied["missing_keys"] == ["aws:PrincipalTag/team"]
    assert denied["message"] == (
        f"User: {ANA} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k "
        "because no identity-based policy allows the s3:GetObject action"
    )


ALL = document(says("Allow", "*"))
NO_DELETE = document(says("Deny", "s3:Delete*", Sid="Keep"))


@pytest.mark.parametrize(
    ("policies", "decision", "decided_by", "name"),
    [
        ({"identity": [ALL, NO_DELETE]}, "explicitDeny", "identity", "identity[1]"),
        ({"identity": [ALL], "boundary": [NO_DELETE]}, "explicitDeny", "boundary", "boundary[0]"),
        ({"identity": [ALL], "session": [ALL, NO_DELETE]}, "explicitDeny", "session", "session[1]"),
        ({"identity": [ALL], "scp": [[ALL], [ALL, NO_DELETE]]}, "explicitDeny", "scp", "scp[1][1]"),
        ({"identity": [ALL], "endpoint": [NO_DELETE]}, "explicitDeny", "endpoint", "endpoint[0]"),
        (
            {"identity": [ALL], "resource": document(says("Deny", "*", Principal="*"))},
            "explicitDeny",
            "resource",
            "resource",
        ),
        (
            {"identity": [ALL], "rcp": [[document(says("Deny", "s3:*", Principal="*"))]]},
            "explicitDeny",
            "rcp",
            "rcp[0][0]",
        ),
        ({"resource": document(says("Allow", "*", Principal={"AWS": ANA}))}, "allowed", "resource", "resource"),
    ],
)
def test_every_type_names_the_document_that_decided(policies, decision, decided_by, name):
    question = {"request": request("s3:DeleteObject"), "policies": policies}
    [answer], code = evaluated([question])
    assert (answer["decision"], answer["decided_by"], code) == (decision, decided_by, 0)
    assert [statement["policy"] for statement in answer["statements"]] == [name]


def test_a_role_is_assumed_by_its_trust_policy():
    role = "arn:aws:iam::111122223333:role/app"
    trust = document({"Effect": "Allow", "Principal": {"AWS": ANA}, "Action": "sts:AssumeRole"})
    lines = [
        {"request": request("sts:AssumeRole", role), "policies": {"trust": trust}},
        {"request": request("sts:AssumeRole", role, ANA + "2"), "policies": {"trust": trust}},
    ]
    (allowed, denied), _ = evaluated(lines)
    assert (allowed["decision"], allowed["decided_by"]) == ("allowed", "trust")
    assert (denied["decision"], denied["decided_by"]) == ("implicitDeny", "trust")


def test_strings_and_objects_have_their_own_lines_and_columns():
    text = json.dumps(READ, indent=4)
    lines = [{"request": request(), "policies": {"identity": [form]}} for form in (text, READ)]
    (as_text, as_object), _ = evaluated(lines)
    place = as_text["statements"][0]
    assert text.splitlines()[place["line"] - 1][place["column"] - 1 :] == "{"
    compact = json.dumps(READ, separators=(",", ":"))
    assert as_object["statements"][0]["line"] == 1
    assert compact[as_object["statements"][0]["column"] - 1 :].startswith('{"Effect"')


def test_a_huge_line_is_one_error_and_costs_no_memory():
    good = json.dumps({"id": "good", "request": request(), "policies": {"identity": [READ]}}).encode()
    huge = b'{"id":"huge","request":"' + b"x" * (10 * LINE_BYTES_MAX) + b'"}'
    done = policy("eval", given=huge + b"\n" + good + b"\n", preexec_fn=limited)
    first, second = [json.loads(line) for line in done.stdout.splitlines()]
    assert first["id"] == "huge" and str(LINE_BYTES_MAX) in first["error"]
    assert second["decision"] == "allowed"
    assert done.returncode == 1


def test_documents_that_never_repeat_take_no_more_memory(tmp_path):
    """What is kept of documents is bounded by their size, not only by their number."""
    file = tmp_path / "requests.jsonl"
    count, padding = 2_000, "x" * 40_000
    with file.open("w") as lines:
        for number in range(count):
            statement = says("Allow", "s3:Get*", f"arn:aws:s3:::b{number}/*", Sid=padding)
            question = {
                "id": number,
                "request": request(resource=f"arn:aws:s3:::b{number}/k"),
                "policies": {"identity": [document(statement)]},
            }
            lines.write(json.dumps(question) + "\n")
    done = policy("eval", file, preexec_fn=lambda: limited(96 * 1024 * 1024))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b'"decision":"allowed"') == count


def test_a_hundred_thousand_lines_take_seconds(tmp_path):
    file = tmp_path / "requests.jsonl"
    question = {"id": 0, "request": request(), "policies": {"identity": [READ] * 3, "scp": [[ALL], [ALL]]}}
    line = json.dumps(question) + "\n"
    file.write_text(line * 100_000)
    start = time.monotonic()
    done = policy("eval", file)
    assert done.stdout.count(b'"decision":"allowed"') == 100_000
    # Far above what it takes, for slow machines; far below what anything quadratic takes.
    assert time.monotonic() - start < 60


def test_noise_gives_an_error_per_line_and_nothing_worse():
    noise = random.Random(7)
    good = json.dumps({"id": 1, "request": request(), "policies": {"identity": [READ]}}).encode()
    lines = []
    for _ in range(500):
        spoiled = bytearray(good)
        for _ in range(noise.randint(1, 4)):
            spoiled[noise.randrange(len(spoiled))] = noise.randrange(256)
        lines.append(bytes(byte for byte in spoiled if byte != 10))
        lines.append(noise.randbytes(noise.randint(1, 80)).replace(b"\n", b"") + b"!")
        lines.append(good)
    done = policy("eval", given=b"\n".join(lines))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(lines)
    assert all("decision" in answer for answer in answers[2::3])
    assert all("error" in answer for answer in answers[1::3])
    assert done.returncode == 1


def test_who_stops_reading_ends_the_run_quietly():
    line = json.dumps({"id": 1, "request": request()}).encode() + b"\n"
    with subprocess.Popen(
        [BINARY, "policy", "eval"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(line)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        process.stdout.close()
        try:
            while process.poll() is None:
                process.stdin.write(line * 1_000)
                process.stdin.flush()
        except BrokenPipeError:
            pass
        assert process.wait(30) == 0
        assert process.stderr.read() == b""
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass


def test_nothing_asked_is_nothing_answered():
    for given in (b"", b"\n\n", b" \r\n\t\n"):
        done = policy("eval", "-", given=given)
        assert (done.returncode, done.stdout) == (0, b"")


def test_a_last_line_without_its_end_and_lines_of_windows_are_lines():
    line = json.dumps({"id": 1, "request": request()}).encode()
    done = policy("eval", given=line + b"\r\n" + line)
    assert len(done.stdout.splitlines()) == 2 and done.returncode == 0


@pytest.mark.parametrize("change", ["principal", "action", "resource", "unknown", "policies", "context", "boundary"])
def test_what_is_no_request_is_an_error_with_its_id(change):
    question = {"id": "q", "request": request(), "policies": {"identity": [READ]}}
    if change in ("principal", "action", "resource"):
        del question["request"][change]
    elif change == "unknown":
        question["polices"] = {}
    elif change == "policies":
        question["policies"] = [READ]
    elif change == "context":
        question["request"]["context"] = {"a": {"b": 1}}
    else:
        question["policies"]["boundary"] = READ
    [answer], code = evaluated([question])
    assert answer["id"] == "q" and answer["error"] and list(answer) == ["id", "error"]
    assert code == 1


def test_wrong_use_is_exit_code_2(tmp_path):
    for arguments in (["a", "b"], [tmp_path], [tmp_path / "missing"], ["-o"]):
        done = policy("eval", *arguments)
        assert done.returncode == 2 and done.stderr and not done.stdout
