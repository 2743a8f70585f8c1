"""`iamd policy explain`: why."""

import json

from policy_command import ANA, READ, document, policy, says

FLAGS = ["--principal", ANA, "--action", "s3:GetObject", "--resource", "arn:aws:s3:::b/k"]


def test_the_statement_is_quoted_as_it_is_written(tmp_path):
    file = tmp_path / "read.json"
    file.write_text(json.dumps(READ, indent=2))
    done = policy("explain", *FLAGS, "--policy", file)
    assert done.returncode == 0
    quoted = "\n".join("      " + line for line in json.dumps(READ["Statement"][0], indent=2).splitlines())
    told = done.stdout.decode()
    assert told.startswith(f"allowed by identity\n\nDecided by:\n  {file}:4:5 (Sid Read)\n{quoted}\n")
    assert f"\n  identity allows: {file}:4:5 (Sid Read)\n" in told and "smallest change" not in told


def test_programs_get_json(tmp_path):
    file = tmp_path / "read.json"
    condition = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
    file.write_text(json.dumps(document(says("Allow", "*", Condition=condition))))
    done = policy("explain", *FLAGS, "--identity", file, "-o", "json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["decision"], told["decided_by"]) == ("implicitDeny", "identity")
    assert told["missing_keys"] == ["aws:PrincipalTag/team"]
    [miss] = told["near_misses"]
    assert (miss["file"], miss["obstacle"], miss["keys"]) == (str(file), "conditions", ["aws:PrincipalTag/team"])
    assert json.loads(miss["text"])["Condition"] == condition
    assert told["message"].endswith("because no identity-based policy allows the s3:GetObject action")
    met = policy("explain", *FLAGS, "--identity", file, "--context", "aws:PrincipalTag/team=blue", "-o", "json")
    assert met.returncode == 0 and "message" not in json.loads(met.stdout)


def test_every_type_can_be_given(tmp_path):
    allow, deny, bucket = (tmp_path / name for name in ("allow.json", "deny.json", "bucket.json"))
    allow.write_text(json.dumps(document(says("Allow", "*"))))
    deny.write_text(json.dumps(document(says("Deny", "*"))))
    bucket.write_text(json.dumps(document(says("Deny", "*", Principal="*"))))
    for flag, by, file in [
        ("--identity", "identity", deny),
        ("--boundary", "boundary", deny),
        ("--session", "session", deny),
        ("--scp", "scp", deny),
        ("--endpoint", "endpoint", deny),
        ("--rcp", "rcp", bucket),
        ("--resource-policy", "resource", bucket),
        ("--trust", "trust", bucket),
    ]:
        done = policy("explain", *FLAGS, "--identity", allow, flag, file)
        if by == "trust":
            # Its statement names a resource, which is not a role's.
            assert done.returncode == 1
        assert done.stdout.decode().startswith(f"explicitDeny by {by}\n"), done.stdout
        assert f"  {file}:1:" in done.stdout.decode()


def test_a_whole_request_is_read_from_a_file_or_standard_input(tmp_path):
    question = {
        "request": {"principal": {"anonymous": True}, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"},
        "policies": {"resource": document(says("Allow", "s3:*", Principal="*", Sid="Public"))},
    }
    done = policy("explain", "--request", "-", given=json.dumps(question, indent=1).encode())
    assert done.returncode == 0
    assert "resource:1:" in done.stdout.decode() and '"Sid":"Public"' in done.stdout.decode()
    flags = ["--principal", '{"anonymous":true}', *FLAGS[2:]]
    assert policy("explain", *flags).returncode == 1


def test_documents_that_hold_nothing_are_named(tmp_path):
    file = tmp_path / "broken.json"
    file.write_text('{\n  "Statement": [}')
    done = policy("explain", *FLAGS, "--identity", file)
    assert done.returncode == 1
    assert f"  {file}:2:17: " in done.stdout.decode()


def test_wrong_use_says_what_is_wrong(tmp_path):
    broken = tmp_path / "request.json"
    broken.write_text('{\n  "request": 7\n}')
    for arguments, complaint in [
        ([], "--principal"),
        ([*FLAGS, "--context", "nonsense"], "`nonsense` is no condition key"),
        ([*FLAGS, "--identity", tmp_path / "missing"], "missing` cannot be read"),
        (["--principal", "arn:aws:s3:::b", *FLAGS[2:]], "`arn:aws:s3:::b` is no caller"),
        (["--principal", "{", *FLAGS[2:]], "is no principal"),
        (["--request", broken], f"{broken}:2:14: this is no request"),
        (["--request", broken, "--action", "a:b"], "cannot be used with"),
    ]:
        done = policy("explain", *arguments)
        assert done.returncode == 2 and complaint in done.stderr.decode(), done.stderr
