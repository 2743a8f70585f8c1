"""`iamd policy lint`: what is wrong in documents, and where."""

import json

from policy_command import READ, document, policy, says

MISSPELT = document(says("Allow", "s3:GetObjct"))


def written(folder, name, content):
    """A file with a document."""
    file = folder / name
    file.write_text(json.dumps(content, indent=2))
    return file


def codes(run):
    """The codes of the findings."""
    return [finding["code"] for finding in json.loads(run.stdout)]


def test_people_get_lines_and_a_sum(tmp_path):
    file = written(tmp_path, "policy.json", MISSPELT)
    run = policy("lint", "-o", "table", file)
    assert run.returncode == 1
    assert run.stdout.decode() == (
        f"{file}:6:17: ERROR INVALID_ACTION: `s3:GetObjct` is no action of `s3`\n"
        "    did you mean `s3:GetObject`?\n"
        "1 error (taken for: identity; see --type)\n"
    )
    told = policy("lint", "-o", "table", "--type", "identity", file).stdout.decode()
    assert told.endswith("\n1 error\n")
    assert policy("lint", "-o", "table", written(tmp_path, "read.json", READ)).stdout == b"nothing found\n"


def test_programs_get_json_of_all_files(tmp_path):
    files = [written(tmp_path, name, MISSPELT) for name in ("a.json", "b.json")]
    findings = json.loads(policy("lint", "-o", "json", *files).stdout)
    assert [finding["file"] for finding in findings] == [str(file) for file in files]
    assert findings[0] == {
        "file": str(files[0]),
        "type": "identity",
        "line": 6,
        "column": 17,
        "severity": "ERROR",
        "code": "INVALID_ACTION",
        "message": "`s3:GetObjct` is no action of `s3`",
        "fix": "did you mean `s3:GetObject`?",
    }


def test_the_exit_code_follows_the_severity(tmp_path):
    twice = written(tmp_path, "twice.json", document(says("Allow", ["s3:GetObject", "s3:Get*"])))
    assert codes(policy("lint", twice)) == ["REDUNDANT_ACTION"]
    assert policy("lint", twice).returncode == 0
    assert policy("lint", "--fail-on", "suggestion", twice).returncode == 1
    misspelt = written(tmp_path, "misspelt.json", MISSPELT)
    assert policy("lint", "--fail-on", "error", misspelt).returncode == 1
    assert policy("lint", tmp_path / "nothing.json").returncode == 2


def test_findings_can_be_ignored(tmp_path):
    file = written(tmp_path, "policy.json", MISSPELT)
    run = policy("lint", "--ignore", "REDUNDANT_ACTION,INVALID_ACTION", file)
    assert (run.returncode, codes(run)) == (0, [])
    assert codes(policy("lint", "--ignore", "REDUNDANT_ACTION", file)) == ["INVALID_ACTION"]


def test_the_type_decides_what_is_found(tmp_path):
    file = written(tmp_path, "policy.json", document(says("Allow", "s3:GetObject", Principal={"AWS": "*"})))
    assert codes(policy("lint", file)) == ["PRINCIPAL_STAR_WITHOUT_CONDITION"]
    assert codes(policy("lint", "--type", "identity", file)) == ["MALFORMED_POLICY_DOCUMENT"]
    trust = document({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"})
    assert codes(policy("lint", written(tmp_path, "trust.json", trust))) == []


def test_standard_input_is_read():
    run = policy("lint", "-", given=json.dumps(MISSPELT).encode())
    assert json.loads(run.stdout)[0]["file"] == "-"
