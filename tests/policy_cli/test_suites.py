"""`iamd policy test`: tables of requests and decisions."""

import json
import xml.etree.ElementTree

import pytest
from policy_command import ANA, READ, document, policy, request, says


def table(*tests, **policies):
    """A file of tests."""
    return json.dumps({"policies": policies, "tests": list(tests)})


def a_test(expect, name="t", **policies):
    """One test."""
    return {"name": name, "request": request(), "policies": policies, "expect": expect}


def run(tmp_path, text, *arguments, name="tests.json"):
    """Runs a file of tests."""
    file = tmp_path / name
    file.write_text(text)
    return file, policy("test", file, *arguments)


def test_documents_come_by_name_by_file_as_text_and_in_place(tmp_path):
    (tmp_path / "read.json").write_text(json.dumps(READ))
    expect = {"decision": "allowed", "decided_by": "identity", "sid": "Read"}
    forms = ["named", {"file": "read.json"}, json.dumps(READ), READ]
    tests = [a_test(expect, identity=[form]) for form in forms]
    _, done = run(tmp_path, table(*tests, named=READ))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.decode().endswith("4 passed, 0 failed\n")


def test_several_files_make_one_report(tmp_path):
    files = []
    for name, expect in (("a.yaml", "allowed"), ("b.yaml", "implicitDeny")):
        file = tmp_path / name
        file.write_text(table(a_test(expect, identity=[READ])))
        files.append(file)
    report = tmp_path / "report.xml"
    done = policy("test", *files, "--junit", report)
    assert done.returncode == 1
    assert done.stdout.decode().endswith("1 passed, 1 failed\n")
    suite = xml.etree.ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("classname") for case in suite] == [str(file) for file in files]


def test_the_report_is_xml_whatever_tests_are_called(tmp_path):
    name = "<&\"'>]]> \u0001\u0000 é \U0001f600 \n end"
    report = tmp_path / "report.xml"
    run(tmp_path, table(a_test("explicitDeny", name=name)), "--junit", report)
    [case] = xml.etree.ElementTree.parse(report).getroot()
    assert case.get("name").startswith("<&\"'>]]> ") and "é \U0001f600" in case.get("name")
    [failure] = case
    assert "expected explicitDeny" in failure.text


def test_programs_get_json(tmp_path):
    file, done = run(tmp_path, table(a_test("allowed", name="no"), a_test("implicitDeny", name="yes")), "-o", "json")
    no, yes = json.loads(done.stdout)
    assert (no["file"], no["name"]) == (str(file), "no") and "got      implicitDeny" in no["failure"]
    assert (yes["name"], yes["failure"]) == ("yes", None)
    assert done.returncode == 1


@pytest.mark.parametrize(
    "expect",
    [
        "explicitDeny",
        {"decision": "implicitDeny", "decided_by": "boundary"},
        {"decision": "allowed", "sid": "Other"},
    ],
)
def test_every_part_of_an_expectation_counts(tmp_path, expect):
    _, done = run(tmp_path, table(a_test(expect, identity=[READ])))
    assert done.returncode == 1
    wanted = expect if isinstance(expect, str) else expect["decision"]
    assert f"expected {wanted}" in done.stdout.decode()
    assert "got      allowed by identity (Sid Read)" in done.stdout.decode()


BROKEN = '{"Statement":'
TWICE = '{"tests":[{"name":"t","request":{"principal":"%s","action":"a","action":"b","resource":"*"},"expect":"allowed"}]}'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (table(a_test("allow")), "test `t`: `allow` cannot be expected"),
        (table(a_test({"decision": "allowed", "decided_by": "identities"})), "`identities` cannot be expected"),
        (table(a_test({"decison": "allowed"})), "unknown field `decison`"),
        (table(a_test(7)), "`expect`"),
        (table(a_test("allowed", identity=["nobody"])), "there is no policy `nobody`"),
        (table(a_test("implicitDeny", identity=[BROKEN])), "test `t`: identity[0]: "),
        (table(a_test("implicitDeny", identity=[{"file": "missing.json"}])), "missing.json"),
        (table(a_test("implicitDeny", identities=[READ])), "unknown field `identities`"),
        (table(), "there are no tests"),
        ('{"tests":\n [}', "tests.json:2:3: "),
        (TWICE % ANA, "the key `action` occurs twice"),
        ("", "tests.json:1:0: "),
    ],
)
def test_a_table_that_tests_nothing_is_no_success(tmp_path, text, complaint):
    _, done = run(tmp_path, text)
    assert done.returncode == 2
    assert complaint in done.stderr.decode()
    assert done.stdout == b""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tests: [", "tests.yaml:1:8: "),
        ("tests:\n  - name: t\n    name: t\n", "tests.yaml:3:5: "),
        ("tests: &a [*a, *a]", "tests.yaml:1:"),
        ("\tx", "tests.yaml:1:"),
    ],
)
def test_yaml_that_cannot_be_read_has_a_place(tmp_path, text, complaint):
    _, done = run(tmp_path, text, name="tests.yaml")
    assert done.returncode == 2
    assert complaint in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1


def test_aliases_that_multiply_are_refused(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 12):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    text = "policies:\n" + "\n".join("  " + line for line in lines) + "\ntests: []\n"
    _, done = run(tmp_path, text, name="tests.yaml")
    assert done.returncode == 2 and done.stderr


def test_yaml_and_json_say_the_same(tmp_path):
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    tests = [
        {**a_test(expect, identity=["net"]), "request": request(context={"aws:SourceIp": ip})}
        for ip, expect in (("10.1.2.3", "allowed"), ("11.1.2.3", "implicitDeny"))
    ]
    text = table(*tests, net=document(says("Allow", "*", Condition=condition)))
    for name in ("tests.json", "tests.yaml"):
        _, done = run(tmp_path, text, name=name)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, b"2 passed, 0 failed")
