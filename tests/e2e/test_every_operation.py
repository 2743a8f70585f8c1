"""Every operation of IAM: what its model refuses is refused in AWS's words, and stores nothing.

Requests that are good come from the table of test_access_denied; what an operation must refuse is
made from its model. So a new operation is here as soon as it is there.
"""

import re
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from iamd import allow, create_user, refused, unique
from test_access_denied import OPERATIONS, Things, once_allowed
from wire import assert_error, iam_body, post

MODEL = botocore.session.get_session().get_service_model("iam")
NOT_IMPLEMENTED = Path(__file__).parents[2] / "crates" / "core" / "src" / "not_implemented.rs"
# Characters that no pattern of IAM lets through; what is no control character is in some of them.
FORBIDDEN = "\u0007"
LONGEST_SENT = 200_000
# The exit code of the command line when a service refuses.
REFUSED = 255
# Texts of which one fits whatever pattern and length.
CANDIDATES = (
    "a", "/", "1", "arn:aws:iam::123456789012:user/x", "v1", "{}", "xx:x", "o-a1b2c3d4e5/r-f6g7",
)
BY_COMMAND_LINE = (
    "CreateUser", "CreateGroup", "CreateRole", "CreatePolicy", "DeleteUser", "GetUser", "ListRoles",
    "ListUsers", "PutUserPolicy", "TagUser", "UpdateAccessKey", "UpdateAccountPasswordPolicy",
)


def waiting():
    """The operations that are not built yet."""
    rows = NOT_IMPLEMENTED.read_text().split('"iam", iam:')[1].split("}")[0]
    return set(re.findall(r"^    ([A-Z]\w+) [A-Z]\w+,$", rows, re.M))


WAITING = waiting()


def lowered(name):
    """The name of a member as refusals write it."""
    return name[0].lower() + name[1:]


def violation(name, tail):
    return f"Value at '{lowered(name)}' failed to satisfy constraint: Member must {tail}"


def bad_values(name, shape):
    """Values of a member that its shape refuses, each with the sentence that says so."""
    facts = shape.metadata
    if shape.type_name in ("integer", "long"):
        for bound, step, word in (("max", 1, "less"), ("min", -1, "greater")):
            if bound in facts:
                tail = f"have value {word} than or equal to {facts[bound]}"
                yield facts[bound] + step, violation(name, tail)
    if shape.type_name != "string":
        return
    is_path = facts.get("pattern", "").startswith(r"(\u002F)|")
    malformed = f"The specified value for {lowered(name)} is invalid. It must begin and end with /"
    if facts.get("max", LONGEST_SENT) < LONGEST_SENT:
        tail = f"have length less than or equal to {facts['max']}"
        yield "a" * (facts["max"] + 1), malformed if is_path else violation(name, tail)
    if facts.get("min", 0) > 0:
        tail = f"have length greater than or equal to {facts['min']}"
        yield "", malformed if is_path else violation(name, tail)
    if "pattern" in facts:
        tail = f"satisfy regular expression pattern: {facts['pattern']}"
        yield FORBIDDEN, malformed if is_path else violation(name, tail)
    if shape.enum:
        tail = f"satisfy enum value set: [{', '.join(shape.enum)}]"
        yield "NoSuchValue", violation(name, tail)


def bad_requests(name):
    """Members to send, and the sentence that the answer has; from the model alone."""
    shape = MODEL.operation_model(name).input_shape
    for member in shape.required_members if shape else ():
        tail = "failed to satisfy constraint: Member must not be null"
        yield {member: None}, f"Value null at '{lowered(member)}' {tail}"
    for member, inner in shape.members.items() if shape else ():
        for value, sentence in bad_values(member, inner):
            yield {member: value}, sentence
        if inner.type_name == "list" and inner.member.type_name == "string":
            for value, _ in bad_values(member, inner.member):
                # Of an item, all constraints are named together.
                yield {member: [value]}, violation(member, "satisfy constraint: [Member must ")


def good_value(shape, depth=6):
    """A value that a shape lets through."""
    assert depth > 0
    facts = shape.metadata
    if shape.type_name == "structure":
        # A structure without members is not sent.
        names = shape.required_members or shape.members
        return {name: good_value(shape.members[name], depth - 1) for name in names}
    if shape.type_name == "list":
        return [good_value(shape.member, depth - 1)] * max(facts.get("min", 0), 1)
    if shape.type_name == "map":
        return {good_value(shape.key, depth - 1): good_value(shape.value, depth - 1)}
    if shape.type_name in ("integer", "long"):
        return facts.get("min", 1)
    if shape.type_name == "boolean":
        return True
    assert shape.type_name == "string", shape
    if shape.enum:
        return shape.enum[0]
    for text in CANDIDATES:
        text = text.ljust(facts.get("min", 0), text[-1])[: facts.get("max", LONGEST_SENT)]
        if fits(facts.get("pattern"), text):
            return text
    raise AssertionError(f"no candidate fits {facts}")


def fits(pattern, text):
    """Java's classes of letters, spaces and numbers are not needed for the candidates."""
    pattern = re.sub(r"\\p\{[LZN]\}", r"\\w", pattern or ".*")
    return re.fullmatch(pattern, text, re.DOTALL)


def request_of(server, name):
    """A good request, with whatever it needs made before."""
    if name not in OPERATIONS:
        shape = MODEL.operation_model(name).input_shape
        required = shape.required_members if shape else ()
        return {member: good_value(shape.members[member]) for member in required}
    request, _ = OPERATIONS[name][0](Things(server))
    return request


class Revisions:
    """Tells whether anything was written between two looks."""

    def __init__(self, server):
        self.server, self.user, self.look_count = server, unique("watch"), 0
        server.iam().create_user(UserName=self.user)

    def look(self):
        """Writes something and gives the account's revision after it."""
        self.look_count += 1
        answer = self.server.iam().tag_user(
            UserName=self.user, Tags=[{"Key": "look", "Value": str(self.look_count)}]
        )
        return int(answer["ResponseMetadata"]["HTTPHeaders"]["x-iamd-revision"])


@pytest.fixture(scope="module")
def revisions(server):
    return Revisions(server)


@pytest.fixture(scope="module")
def caller(server):
    """A user, for the operations that are about their caller."""
    _, keys = create_user(server, statements=[allow("*")])
    return server.iam(keys)


def test_every_operation_is_built_or_on_the_list():
    everything = set(MODEL.operation_names)
    assert len(everything) == 180
    assert OPERATIONS.keys() | WAITING == everything
    assert not OPERATIONS.keys() & WAITING


@pytest.mark.parametrize("name", MODEL.operation_names)
def test_bad_requests_are_refused_and_store_nothing(server, caller, revisions, name):
    request = request_of(server, name)
    call = getattr(caller, xform_name(name))
    cases = list(bad_requests(name))
    before = revisions.look()
    for members, sentence in cases:
        sent = {**request, **members}
        sent = {member: value for member, value in sent.items() if value is not None}
        with pytest.raises(ClientError) as caught:
            call(**sent)
        error = caught.value.response["Error"]
        assert error["Code"] == "ValidationError", (members, error)
        assert sentence in error["Message"], members
        assert FORBIDDEN not in error["Message"]
    if not cases:
        # It has no members that could be bad; another version of the interface has none of it.
        body = iam_body(name).replace(b"2010-05-08", b"2010-05-09")
        assert_error(post(server, body, service="iam"), "InvalidAction", 400)
    assert revisions.look() == before + 1


@pytest.mark.parametrize("name", MODEL.operation_names)
def test_good_requests_are_answered(server, name):
    request = request_of(server, name)
    call = getattr(server.iam(), xform_name(name))
    if name in WAITING:
        with refused("InvalidAction", f"iam:{name} is not implemented by iamd yet", 400):
            call(**request)
        return
    if name == "ChangePassword":
        user, keys = create_user(server, statements=[allow("*")])
        named = {"UserName": user["UserName"], "Password": request["OldPassword"]}
        server.iam().create_login_profile(**named)
        call = server.iam(keys).change_password
    with once_allowed(name):
        answer = call(**request)
        assert_members(name, answer)


def assert_members(name, answer):
    expected = MODEL.operation_model(name).output_shape
    required = set(expected.required_members) if expected else set()
    assert required <= answer.keys()


@pytest.mark.parametrize("name", BY_COMMAND_LINE)
def test_the_command_line_of_aws_shows_the_same(server, revisions, name):
    request = request_of(server, name)
    code, _, complaint = server.aws(server.admin, "iam", command(name), *options(request))
    assert code == 0, complaint
    request = request_of(server, name)
    before = revisions.look()
    shape = MODEL.operation_model(name).input_shape
    members, sentence = next(
        (members, sentence)
        for members, sentence in bad_requests(name)
        # The command line itself asks for what is required, and for texts that are not empty.
        if all(value not in (None, "", FORBIDDEN) for value in members.values())
        and not isinstance(next(iter(members.values())), list)
    )
    assert members.keys() <= shape.members.keys()
    shown = options({**request, **members})
    # Paging is the command line's own business, unless it is told to leave it.
    paging = ["--no-paginate"] if "MaxItems" in members else []
    code, answer, complaint = server.aws(server.admin, "iam", command(name), *shown, *paging)
    assert (code, answer) == (REFUSED, None), complaint
    assert "(ValidationError)" in complaint and sentence in complaint
    assert revisions.look() == before + 1


def command(name):
    return xform_name(name, "-")


def options(request):
    """Members as options; lists of structures in the command line's short form."""
    for name, value in request.items():
        option = f"--{xform_name(name, '-')}"
        if value is True or value is False:
            yield option if value else option.replace("--", "--no-", 1)
        elif isinstance(value, list):
            yield option
            for item in value:
                is_text = isinstance(item, str)
                yield item if is_text else ",".join(f"{key}={text}" for key, text in item.items())
        else:
            yield from (option, str(value))
