"""Every operation, there and back: what botocore writes is read, and what is written botocore reads.

Run by `IAMD_ROUND_TRIP_BIN=<the example round_trip of iamd-wire> pytest tests/round_trip`.
"""

import json
import random
import time

import botocore
import pytest
import strict_xml
from botocore.exceptions import ClientError
from client import ACCESS_KEY_ID, SECRET, TOKEN, Client
from models import COMMON_ERRORS, OPERATIONS, SERVICES, SOURCES, fact
from values import Fill, Values, as_json, without_nulls

REQUEST_ID = "7a62c49f-347e-4fc4-9331-6e8eEXAMPLE"
ODD_MESSAGE = "not <allowed> & \"quoted\" 'é あ 😀'\r\n\tnext line ]]> "
SEEDS = range(4)

each_operation = pytest.mark.parametrize(("service", "operation"), OPERATIONS)


def maker(service, fill, constrained, *seed):
    return Values(random.Random(f"{service}{seed}{fill}"), service, fill, constrained)


def fills():
    return [(fill, seed) for fill in Fill for seed in (SEEDS if fill is Fill.SOME else [0])]


def test_the_model_is_that_of_the_client():
    assert set(SOURCES.values()) == {f"botocore {botocore.__version__}"}


def test_both_sides_know_the_same_operations(far_side):
    known = {
        (it["service"], it["name"]): (it["has_output"], it["unsigned"])
        for it in far_side.operations()
    }
    models = {(service, name): SERVICES[service].operation_model(name) for service, name in OPERATIONS}
    assert known == {
        name: (model.output_shape is not None, model.auth_type == "none")
        for name, model in models.items()
    }
    assert len(known) == 180 + 11


def round_trip(far_side, client, operation, parameters, output):
    """Calls the operation, and returns how the far side read it and how botocore read the answer."""
    read = {}

    def answer(sent):
        read.update(far_side.decode(client.service, sent.form()))
        answer = far_side.encode(client.service, operation, as_json(output), REQUEST_ID)["xml"]
        assert strict_xml.read(answer, client.model(operation), REQUEST_ID) == output
        return 200, answer

    return read, client.call(operation, parameters, answer)


@each_operation
def test_requests_are_read_as_they_were_written(far_side, clients, service, operation):
    client = clients[service, None]
    shape = client.model(operation).input_shape
    output = an_output(client, operation, Fill.REQUIRED, 0)
    for fill, seed in fills():
        values = maker(service, fill, True, operation, "input", seed)
        parameters = values.of(shape) if shape else {}
        read, _ = round_trip(far_side, client, operation, parameters, output)
        assert "code" not in read, (read, parameters)
        assert read["operation"] == operation
        assert without_nulls(read["request"]) == as_json(parameters), fill


@each_operation
def test_answers_are_read_as_they_were_written(far_side, clients, service, operation):
    client = clients[service, None]
    shape = client.model(operation).input_shape
    parameters = maker(service, Fill.REQUIRED, True, operation).of(shape) if shape else {}
    for fill, seed in fills():
        output = an_output(client, operation, fill, seed)
        _, answer = round_trip(far_side, client, operation, parameters, output)
        metadata = answer.pop("ResponseMetadata")
        assert metadata["RequestId"] == REQUEST_ID
        assert metadata["HTTPStatusCode"] == 200
        assert answer == (output or {}), fill


@each_operation
def test_answers_in_json_say_the_same(far_side, clients, service, operation):
    client = clients[service, None]
    for fill, seed in fills():
        output = as_json(an_output(client, operation, fill, seed))
        answer = json.loads(far_side.encode(service, operation, output, REQUEST_ID)["json"])
        content = {"ResponseMetadata": {"RequestId": REQUEST_ID}}
        if output is not None:
            content[f"{operation}Result"] = output
        assert answer == {f"{operation}Response": content}, fill


def test_the_identity_in_json_has_the_form_of_aws(far_side):
    """As `Accept: application/json` gets it; members and their order as AWS's answer has them."""
    output = {"UserId": "AIDA", "Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/é"}
    answer = far_side.encode("sts", "GetCallerIdentity", output, REQUEST_ID)["json"]
    assert answer == (
        '{"GetCallerIdentityResponse":{"GetCallerIdentityResult":'
        '{"UserId":"AIDA","Account":"111122223333","Arn":"arn:aws:iam::111122223333:user/é"},'
        f'"ResponseMetadata":{{"RequestId":"{REQUEST_ID}"}}}}}}'
    )


def an_output(client, operation, fill, seed):
    shape = client.model(operation).output_shape
    if shape is None:
        return None
    return maker(client.service, fill, False, operation, "output", seed).of(shape)


@each_operation
def test_modelled_errors_are_raised_as_such(far_side, clients, service, operation):
    client = clients[service, None]
    shape = client.model(operation).input_shape
    parameters = maker(service, Fill.REQUIRED, True, operation).of(shape) if shape else {}
    for error in client.model(operation).error_shapes:
        facts = fact(service, error, "error")
        code = facts["code"]
        rendered = {}

        def answer(_, code=code, rendered=rendered):
            rendered.update(far_side.error(service, code, ODD_MESSAGE, REQUEST_ID))
            return rendered["status"], rendered["xml"]

        with pytest.raises(getattr(client.boto.exceptions, error.name)) as raised:
            client.call(operation, parameters, answer)
        assert_error(raised.value, code, ODD_MESSAGE, facts["httpStatusCode"])
        in_json = json.loads(rendered["json"])
        kind = "Receiver" if rendered["status"] >= 500 else "Sender"
        assert in_json == {
            "Error": {"Code": code, "Message": ODD_MESSAGE, "Type": kind},
            "RequestId": REQUEST_ID,
        }


def assert_error(error, code, message, status):
    answer = error.response
    assert answer["Error"]["Code"] == code
    assert answer["Error"].get("Message") == message
    assert answer["Error"]["Type"] == ("Receiver" if status >= 500 else "Sender")
    assert answer["ResponseMetadata"]["RequestId"] == REQUEST_ID
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize("service", SERVICES)
def test_common_errors_are_read(far_side, clients, service):
    client = clients[service, None]
    operation = {"iam": "ListUsers", "sts": "GetCallerIdentity"}[service]
    assert "AccessDenied" in COMMON_ERRORS
    for code, status in COMMON_ERRORS.items():
        for message in (ODD_MESSAGE, "", None):

            rendered = far_side.error(service, code, message, REQUEST_ID)
            said = {} if message is None else {"Message": message}
            kind = "Receiver" if status >= 500 else "Sender"
            in_json = {"Error": {"Code": code, **said, "Type": kind}, "RequestId": REQUEST_ID}
            assert json.loads(rendered["json"]) == in_json

            def answer(_, rendered=rendered):
                return rendered["status"], rendered["xml"]

            with pytest.raises(ClientError) as raised:
                client.call(operation, {}, answer)
            # Botocore reads an empty element as none.
            assert_error(raised.value, code, message or None, status)


@pytest.mark.parametrize(
    ("operation", "parameters", "wrong"),
    [
        ("CreateUser", {"UserName": ""}, "userName"),
        ("CreateUser", {"UserName": "a b"}, "userName"),
        ("CreateUser", {"UserName": "a" * 65}, "userName"),
        ("CreateUser", {"UserName": "a", "Tags": [{"Key": "k" * 129, "Value": "v"}]}, "tags.1.member.key"),
        ("UpdateAccessKey", {"AccessKeyId": "A" * 20, "Status": "Sleeping"}, "status"),
    ],
)
def test_illegal_values_are_refused(far_side, operation, parameters, wrong):
    """The nearest illegal neighbours of what the other tests send."""
    client = Client("iam", parameter_validation=False)
    read = {}

    def answer(sent):
        read.update(far_side.decode("iam", sent.form()))
        return 400, far_side.error("iam", read["code"], read["message"], REQUEST_ID)["xml"]

    with pytest.raises(ClientError):
        client.call(operation, parameters, answer)
    assert read["code"] == "ValidationError"
    assert f"'{wrong}'" in read["message"]


def proven(far_side, service, sent, now=None):
    return far_side.verify(service, sent, SECRET, int(time.time()) if now is None else now)


@each_operation
def test_signed_requests_are_accepted(far_side, clients, service, operation):
    for token in (None, TOKEN):
        client = clients[service, token]
        shape = client.model(operation).input_shape
        values = maker(service, Fill.ALL, True, operation, "signed")
        output = an_output(client, operation, Fill.REQUIRED, 0)
        round_trip(far_side, client, operation, values.of(shape) if shape else {}, output)
        answer = proven(far_side, service, client.sent)
        if client.model(operation).auth_type == "none":
            assert answer["code"] == "MissingAuthenticationToken"
            continue
        assert answer == {
            "access_key_id": ACCESS_KEY_ID,
            "region": "us-east-1",
            "session_token": token,
            "is_presigned": False,
        }
