"""AWS's own examples of requests and answers: each is sent, and the answer agrees with AWS's."""

import json
import re
from datetime import datetime
from pathlib import Path

import botocore.loaders
import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from example_cases import ACCOUNT, CASES
from iamd import Keys, Server, http, refused

NOT_IMPLEMENTED = Path(__file__).parents[2] / "crates" / "core" / "src" / "not_implemented.rs"
KEY = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY")
# What is drawn, by the names of its members: only its type and form can agree.
DRAWN_FORMS = {
    "AccessKeyId": r"A[KS]IA[A-Z2-7]{16}",
    "AssumedRoleId": r"AROA[A-Z2-7]{17}:[\w=,.@-]+",
    "CertificateId": r"[A-Z2-7]{24,128}",
    "GroupId": r"AGPA[A-Z2-7]{17}",
    "InstanceProfileId": r"AIPA[A-Z2-7]{17}",
    "JobId": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "RoleId": r"AROA[A-Z2-7]{17}",
    "SecretAccessKey": r"[A-Za-z0-9/+]{40}",
    "ServerCertificateId": r"ASCA[A-Z2-7]{17}",
    "SessionToken": r"\S{100,}",
    "UserId": r"(A(IDA|ROA)[A-Z2-7]{17}|\d{12})(:[\w=,.@-]+)?",
    "FederatedUserId": r"\d{12}:[\w=,.@-]+",
}
# Members that AWS sends today and that examples lack, whatever the operation: they are older.
LATER_EVERYWHERE = ("IsTruncated", "SessionTokenSize", "SessionTokenUtilization")


def examples():
    """All of them: service, operation, key of the case, input and output."""
    loader = botocore.loaders.Loader()
    for service, count in (("iam", 68), ("sts", 9)):
        found = []
        version = loader.determine_latest_version(service, "examples-1")
        listed = loader.load_service_model(service, "examples-1", version)["examples"]
        for operation, items in listed.items():
            for number, item in enumerate(items, 1):
                key = operation if number == 1 else f"{operation} {number}"
                sent, expected = item.get("input") or {}, item.get("output")
                found.append(pytest.param(service, operation, key, sent, expected, id=key))
        assert len(found) == count
        yield from found


EXAMPLES = list(examples())


def not_built():
    """The operations that the list names."""
    return set(re.findall(r"^    ([A-Z]\w+) [A-Z]\w+,$", NOT_IMPLEMENTED.read_text(), re.M))


class World:
    """A server of the account that the examples speak of, and root's clients."""

    def __init__(self, server, folder):
        self.server, self.folder, self.keys = server, folder, {}
        self.iam, self.sts = server.iam(), server.sts()

    def denial(self, keys):
        """The metadata of a denial."""
        with pytest.raises(ClientError) as caught:
            self.server.iam(keys).list_users()
        return caught.value.response["ResponseMetadata"]


@pytest.fixture(scope="module")
def server():
    """Root's own key is what it is started with, so that there are no users."""
    arguments = ["--account-id", ACCOUNT, "--access-key-id", KEY.access_key_id]
    arguments += ["--secret-access-key", KEY.secret_access_key]
    with Server(*arguments, admin=KEY) as server:
        yield server


@pytest.fixture
def world(server, tmp_path):
    """The account as it was at the start."""
    assert http(server, "POST", "/_dev/reset", "{}").status == 200
    return World(server, tmp_path)


def test_every_example_has_a_case_and_every_case_an_example():
    keys = {example.values[2] for example in EXAMPLES}
    assert keys == CASES.keys()


@pytest.mark.parametrize(("service", "operation", "key", "sent", "expected"), EXAMPLES)
def test_an_example(world, service, operation, key, sent, expected):
    case, waiting = CASES[key], not_built()
    if operation in waiting:
        with refused("InvalidAction", f"{service}:{operation} is not implemented by iamd yet"):
            call(world.server.client(service), operation, sent)
        return
    if waiting.intersection(case.needs):
        pytest.skip(f"SKIPPED: {case.needs} is not built yet")
    stands_in = (case.setup(world) if case.setup else None) or {}
    assert stands_in.keys() == case.stands_in.keys()
    client = world.server.client(service, case.by(world)) if case.by else getattr(world, service)
    if case.refused:
        with pytest.raises(ClientError) as caught:
            call(client, operation, {**sent, **stands_in})
        assert caught.value.response["Error"]["Code"] in case.refused[0], case.refused[1]
        return
    answer = call(client, operation, {**sent, **stands_in})
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(operation).output_shape
    found = dict(differences(shape, expected or {}, answer, ""))
    unexplained = {path: text for path, text in found.items() if not explained(case, path)}
    assert not unexplained, json.dumps(unexplained, indent=1, default=str)
    # A reason for what agrees would hide the next difference.
    assert case.differs.keys() <= found.keys()


def call(client, operation, members):
    answer = getattr(client, xform_name(operation))(**members)
    answer.pop("ResponseMetadata")
    return answer


def explained(case, path):
    return path in case.differs or path in LATER_EVERYWHERE


def differences(shape, expected, answer, path):
    """Where an answer does not agree: paths, and what is wrong there."""
    kind = shape.type_name if shape else "structure"
    if kind == "structure":
        yield from members_differ(shape, expected, answer, path)
    elif kind == "list":
        if len(expected) != len(answer):
            yield path, f"{len(answer)} items instead of {len(expected)}: {answer}"
        for place, (one, other) in enumerate(zip(expected, answer)):
            yield from differences(shape.member, one, other, under(path, place))
    elif kind == "map":
        for name in expected.keys() | answer.keys():
            if expected.get(name) != answer.get(name) or name not in answer:
                yield under(path, name), f"{answer.get(name)} instead of {expected.get(name)}"
    elif kind == "timestamp":
        if not isinstance(answer, datetime):
            yield path, f"{answer!r} is no time"
    elif (text := value_differs(path.split(".")[-1], expected, answer)) is not None:
        yield path, text


def members_differ(shape, expected, answer, path):
    members = shape.members if shape else {}
    for name in expected.keys() | answer.keys():
        place = under(path, name)
        if name not in answer:
            yield place, "is not there"
        elif name not in expected:
            yield place, f"{answer[name]!r} is not in the example"
        else:
            yield from differences(members[name], expected[name], answer[name], place)


def value_differs(name, expected, answer):
    if name in DRAWN_FORMS:
        return None if re.fullmatch(DRAWN_FORMS[name], answer) else f"{answer!r} has another form"
    if isinstance(expected, str) and "<" in expected:
        # A placeholder stands for something that is there; policies are decoded by the client.
        return None if answer else f"{answer!r} is empty"
    return None if answer == expected else f"{answer!r} instead of {expected!r}"


def under(path, name):
    return f"{path}.{name}" if path else str(name)
