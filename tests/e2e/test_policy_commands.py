"""`iamd policy`: decisions without a server."""

import json
import os
import resource
import subprocess
import xml.etree.ElementTree

import pytest

BINARY = os.environ["IAMD_BIN"]
EXAMPLE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "examples", "photos.yaml")

REQUEST = {
    "principal": "arn:aws:iam::111122223333:user/ana",
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::b/k",
}
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}],
}


def policy(*arguments, given=b""):
    return subprocess.run(
        [BINARY, "policy", *arguments], input=given, capture_output=True, timeout=60, check=False
    )


def question(number, **policies):
    return json.dumps({"id": number, "request": REQUEST, "policies": policies})


def test_a_stream_is_answered_line_by_line():
    lines = [question(1, identity=[READ]), question(2), "nonsense", question(3, identity=[READ], boundary=[])]
    run = policy("eval", given="\n".join(lines).encode())
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert [answer.get("decision") for answer in answers] == ["allowed", "implicitDeny", None, "implicitDeny"]
    assert answers[0]["statements"] == [{"policy": "identity[0]", "sid": "Read", "line": 1, "column": 38}]
    assert answers[2]["id"] is None and "error" in answers[2]
    assert answers[3]["decided_by"] == "boundary"
    assert run.returncode == 1


def test_a_program_may_ask_one_thing_at_a_time():
    with subprocess.Popen([BINARY, "policy", "eval"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for number in range(3):
            process.stdin.write(question(number, identity=[READ]).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_long_stream_takes_no_more_memory(tmp_path):
    lines = tmp_path / "requests.jsonl"
    with lines.open("w") as file:
        for number in range(100_000):
            file.write(question(number, identity=[READ]) + "\n")
    limit = 256 * 1024 * 1024

    def limited():
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    run = subprocess.run(
        [BINARY, "policy", "eval", str(lines)], capture_output=True, timeout=120, preexec_fn=limited, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.count(b'"decision":"allowed"') == 100_000


@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00\n", b"[" * 100_000 + b"\n", b"{}\n", b"\x00" * 10 + b"\n"])
def test_garbage_is_an_error_and_the_run_goes_on(garbage):
    run = policy("eval", given=garbage + question(1, identity=[READ]).encode())
    first, second = [json.loads(line) for line in run.stdout.splitlines()]
    assert "error" in first
    assert second["decision"] == "allowed"
    assert run.returncode == 1


def test_wrong_use_is_exit_code_2(tmp_path):
    assert policy("eval", str(tmp_path / "missing")).returncode == 2
    assert policy("test", str(tmp_path / "missing")).returncode == 2
    assert policy("eval", "--nonsense").returncode == 2


def test_an_explanation_names_file_line_and_column(tmp_path):
    file = tmp_path / "read.json"
    file.write_text(json.dumps(READ, indent=2))
    flags = ["--principal", REQUEST["principal"], "--action", "s3:GetObject", "--resource", REQUEST["resource"]]
    allowed = policy("explain", *flags, "--identity", str(file))
    assert allowed.returncode == 0
    assert f"{file}:4:5 (Sid Read)" in allowed.stdout.decode()
    denied = policy("explain", *flags)
    assert denied.returncode == 1
    assert "because no identity-based policy allows the s3:GetObject action" in denied.stdout.decode()
    narrow = {**READ, "Statement": [{**READ["Statement"][0], "Resource": "arn:aws:s3:::other/*"}]}
    file.write_text(json.dumps(narrow, indent=2))
    near = policy("explain", *flags, "--identity", str(file))
    assert f"{file}:4:5 (Sid Read): its resources do not cover the request's" in near.stdout.decode()


def test_the_example_of_the_guide_passes_and_reports(tmp_path):
    report = tmp_path / "report.xml"
    run = policy("test", EXAMPLE, "--junit", str(report))
    assert run.returncode == 0, run.stdout
    assert run.stdout.decode().endswith("3 passed, 0 failed\n")
    suite = xml.etree.ElementTree.parse(report).getroot()
    assert suite.get("tests") == "3" and suite.get("failures") == "0"


def test_a_failed_expectation_says_what_came_instead(tmp_path):
    (tmp_path / "read.json").write_text(json.dumps(READ))
    tests = tmp_path / "tests.json"
    tests.write_text(
        json.dumps(
            {
                "policies": {"read": {"file": "read.json"}},
                "tests": [
                    {"name": "a & b", "request": REQUEST, "policies": {"identity": ["read"]}, "expect": "implicitDeny"},
                    {"name": "sid", "request": REQUEST, "policies": {"identity": ["read"]}, "expect": {"decision": "allowed", "sid": "Read"}},
                ],
            }
        )
    )
    report = tmp_path / "report.xml"
    run = policy("test", str(tests), "--junit", str(report))
    assert run.returncode == 1
    assert "expected implicitDeny\n          got      allowed by identity (Sid Read)" in run.stdout.decode()
    assert run.stdout.decode().endswith("1 passed, 1 failed\n")
    failures = xml.etree.ElementTree.parse(report).getroot().findall("testcase/failure")
    assert len(failures) == 1


def test_a_name_that_is_not_there_is_an_error_with_its_test(tmp_path):
    tests = tmp_path / "tests.yaml"
    tests.write_text('tests: [{name: lost, request: {}, policies: {identity: [nobody]}, expect: allowed}]\n')
    run = policy("test", str(tests))
    assert run.returncode == 2
    assert "lost" in run.stderr.decode() and "nobody" in run.stderr.decode()


def test_lint_names_the_place_and_a_fix(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObjct","Resource":"*"}}')
    run = policy("lint", str(file))
    [finding] = json.loads(run.stdout)
    assert (finding["line"], finding["column"], finding["code"]) == (1, 64, "INVALID_ACTION")
    assert finding["fix"] == "did you mean `s3:GetObject`?"
    assert run.returncode == 1
    table = policy("lint", "-o", "table", str(file)).stdout.decode()
    assert table.startswith(f"{file}:1:64: ERROR INVALID_ACTION")
    file.write_text(json.dumps(READ))
    clean = policy("lint", str(file))
    assert (clean.returncode, json.loads(clean.stdout)) == (0, [])


def test_lint_takes_garbage_for_what_it_is(tmp_path):
    for garbage in (b"", b"{", b"[" * 1000, b"\xff\xfe"):
        run = policy("lint", "-", given=garbage)
        assert run.returncode in (1, 2), garbage
        assert b"panicked" not in run.stderr


def test_fmt_changes_the_layout_and_nothing_else(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(dict(reversed(READ.items()))))
    assert policy("fmt", "--check", str(file)).returncode == 1
    printed = policy("fmt", str(file)).stdout
    assert json.loads(printed) == READ
    assert policy("fmt", "--write", str(file)).returncode == 0
    assert file.read_bytes() == printed
    assert policy("fmt", "--check", str(file)).returncode == 0
    assert policy("fmt", "-", given=b"{").returncode == 2
