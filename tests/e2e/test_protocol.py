"""Requests that no client would send: each gets an AWS-shaped answer, and harms nothing."""

import json
import socket
import time
from contextlib import suppress

import pytest
from iamd import http, refused, unique
from wire import (
    REQUEST_ID,
    STS_VERSION,
    Connection,
    assert_error,
    assert_identity,
    iam_body,
    identity_body,
    parse,
    post,
    signed_headers,
    sts_body,
)


@pytest.fixture
def connection(server):
    """A connection that still serves when the test is over."""
    with Connection(server) as connection:
        yield connection
        assert_identity(connection.post(server, identity_body()))


@pytest.fixture
def untouched(iam):
    """The account is afterwards what it was before."""
    before = iam.get_account_summary()["SummaryMap"]
    yield
    assert iam.get_account_summary()["SummaryMap"] == before


def iam_post(connection, server, body, **signing):
    return connection.post(server, body, service="iam", **signing)


def test_answers_name_the_request_in_header_and_body(server, connection):
    answers = [connection.post(server, identity_body()) for _ in range(3)]
    ids = {answer.headers[REQUEST_ID] for answer in answers}
    assert len(ids) == 3
    for answer in answers:
        assert_identity(answer)
        assert answer.headers["Content-Type"].startswith("text/xml")
    assert f'xmlns="https://sts.amazonaws.com/doc/{STS_VERSION}/"' in answers[0].text


def test_write_answers_without_output_carry_metadata_only(server, connection, iam):
    name = unique("user")
    iam.create_user(UserName=name)
    answer = iam_post(connection, server, iam_body("DeleteUser", UserName=name))
    assert answer.status == 200
    assert parse(answer.body).keys() == {"ResponseMetadata"}
    assert "<DeleteUserResponse xmlns=" in answer.text


def test_sts_answers_json_where_it_is_asked_for(server, connection):
    headers = {"Accept": "application/json"}
    answer = connection.post(server, identity_body(), headers=headers)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    response = json.loads(answer.body)["GetCallerIdentityResponse"]
    assert response["GetCallerIdentityResult"]["Account"] == server.account
    assert response["ResponseMetadata"]["RequestId"] == answer.headers[REQUEST_ID]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"Action=NoSuchOperation&Version=2010-05-08", "InvalidAction"),
        (b"Action=ListUsers&Version=1999-01-01", "InvalidAction"),
        (b"Action=listusers&Version=2010-05-08", "InvalidAction"),
        (b"Action=GetCallerIdentity&Version=2010-05-08", "InvalidAction"),
        (b"Version=2010-05-08", "MissingAction"),
        (b"", "MissingAction"),
        (b"&&&", "MissingAction"),
    ],
)
def test_unknown_and_missing_actions(server, connection, untouched, body, code):
    assert_error(iam_post(connection, server, body), code, 400)


def test_an_operation_that_is_not_built_yet_says_so(server, connection, untouched):
    body = sts_body("GetFederationToken", Name="app")
    error = assert_error(connection.post(server, body), "InvalidAction", 400)
    assert error["Message"] == "sts:GetFederationToken is not implemented by iamd yet"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "multipart/form-data; boundary=x", "application/xml"],
)
def test_a_body_that_is_no_form_is_refused(server, connection, untouched, content_type):
    body = iam_body("CreateUser", UserName=unique("ghost"))
    assert_error(iam_post(connection, server, body, content_type=content_type))


@pytest.mark.parametrize(
    "body",
    [
        b"Action=CreateUser&Version=2010-05-08&UserName=%FF%FE",
        b"Action=CreateUser&Version=2010-05-08&UserName=\xff\xfe",
        b"Action=CreateUser&Version=2010-05-08&UserName=a%00b",
        b"Action=CreateUser&Version=2010-05-08&UserName=%ZZ",
        b"Action=CreateUser&Version=2010-05-08&UserName=%F",
        b"\x00\x01\x02\x03",
        b"Action=%FF&Version=2010-05-08",
    ],
)
def test_bytes_that_are_no_text_are_refused(server, connection, untouched, body):
    assert_error(iam_post(connection, server, body))


@pytest.mark.parametrize(
    "tail",
    [
        b"&UserName=one&UserName=two",
        b"&UserName=one&Action=DeleteUser",
        b"&UserName=one&Version=2010-05-08",
        b"&UserName=one&Tags.member.1.Key=a&Tags.member.1.Key=b&Tags.member.1.Value=c",
    ],
)
def test_a_parameter_given_twice_is_refused(server, connection, untouched, tail):
    body = b"Action=CreateUser&Version=2010-05-08" + tail
    assert_error(iam_post(connection, server, body), status=400)


@pytest.mark.parametrize(
    "index", ["4000000000", "18446744073709551616", "-1", "0", "x", "1.1.1.1", "", "99999"]
)
def test_absurd_list_indexes_neither_hang_nor_crash(server, connection, index):
    name = unique("user")
    body = (
        f"Action=CreateUser&Version=2010-05-08&UserName={name}"
        f"&Tags.member.{index}.Key=a&Tags.member.{index}.Value=b"
    ).encode()
    start = time.monotonic()
    answer = iam_post(connection, server, body)
    assert time.monotonic() - start < 2
    if answer.status != 200:
        assert_error(answer)


def test_gaps_in_list_indexes_are_tolerated(server, connection, iam):
    name = unique("user")
    body = (
        f"Action=CreateUser&Version=2010-05-08&UserName={name}"
        "&Tags.member.7.Key=b&Tags.member.7.Value=2&Tags.member.2.Key=a&Tags.member.2.Value=1"
    ).encode()
    assert iam_post(connection, server, body).status == 200
    expected = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert iam.list_user_tags(UserName=name)["Tags"] == expected


@pytest.mark.parametrize("depth", [20, 1_000, 20_000])
def test_deeply_nested_names_are_read_in_no_time(server, connection, untouched, depth):
    name = b"Tags" + b".member.1" * depth
    body = b"Action=ListUsers&Version=2010-05-08&" + name + b"=x"
    start = time.monotonic()
    answer = iam_post(connection, server, body)
    assert time.monotonic() - start < 2
    if answer.status != 200:
        assert_error(answer)


def test_a_deeply_nested_policy_is_refused(server, connection, iam):
    name = unique("user")
    iam.create_user(UserName=name)
    for text in ("[" * 50_000, '{"a":' * 20_000 + "1" + "}" * 20_000):
        with refused("MalformedPolicyDocument", status=400):
            iam.put_user_policy(UserName=name, PolicyName="deep", PolicyDocument=text)
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == []


def test_many_parameters_are_refused(server, connection, untouched):
    body = b"Action=CreateUser&Version=2010-05-08&UserName=ghost" + b"".join(
        b"&Tags.member.%d.Key=k%d&Tags.member.%d.Value=v" % (n, n, n) for n in range(1, 20_001)
    )
    assert_error(iam_post(connection, server, body))


def test_a_body_past_the_limit_is_refused(server, untouched):
    body = b"Action=CreateUser&Version=2010-05-08&UserName=ghost&X=" + b"a" * (17 * 1024 * 1024)
    headers = signed_headers(server, body, service="iam")
    with Connection(server) as connection:
        try:
            answer = connection.send("POST", "/", headers, body)
        except (BrokenPipeError, ConnectionResetError):
            # The server may hang up on a body that it will not read.
            answer = None
    if answer:
        assert_error(answer)
    # A length that is only claimed is refused without waiting for the body.
    answer = raw(
        server,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n",
    )
    assert answer.split(b" ")[1].startswith(b"4")
    assert_identity(post(server, identity_body()))


def raw(server, data, shut=False):
    """Sends bytes and gives what comes back until the connection closes or rests."""
    with socket.create_connection(server.host_and_port, timeout=10) as connection:
        connection.sendall(data)
        if shut:
            with suppress(OSError):  # The server may have hung up already.
                connection.shutdown(socket.SHUT_WR)
        connection.settimeout(3)
        received = b""
        try:
            while chunk := connection.recv(65_536):
                received += chunk
                if b"</ErrorResponse>" in received:
                    break
        except (TimeoutError, ConnectionResetError):
            pass
        return received


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_harms_nobody(server, data):
    try:
        answer = raw(server, data, shut=True)
    except (BrokenPipeError, ConnectionResetError):
        answer = b""
    assert b"<html" not in answer.lower() and not answer.startswith(b"HTTP/1.1 2")
    assert_identity(post(server, identity_body()))


def test_a_body_cut_short_changes_nothing(server, iam):
    name = unique("ghost")
    body = iam_body("CreateUser", UserName=name)
    headers = signed_headers(server, body, service="iam")
    head = "POST / HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    head += f"Content-Length: {len(body)}\r\n\r\n"
    answer = raw(server, head.encode() + body[:-3], shut=True)
    assert b"HTTP/1.1 2" not in answer and b"<html" not in answer.lower()
    with refused("NoSuchEntity"):
        iam.get_user(UserName=name)
    # The same bytes, whole.
    assert raw(server, head.encode() + body).startswith(b"HTTP/1.1 200")
    iam.get_user(UserName=name)


def test_smuggled_requests_are_not_served(server, iam):
    """Two lengths that disagree: what hides behind the shorter one must not be run."""
    name = unique("ghost")
    hidden = iam_body("CreateUser", UserName=name)
    headers = signed_headers(server, hidden, service="iam")
    inner = "POST / HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    inner = inner.encode() + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden
    outer = (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\n" % (len(inner) + 5)
    )
    raw(server, outer + inner)
    with refused("NoSuchEntity"):
        iam.get_user(UserName=name)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_get_an_error_of_aws(server, method):
    answer = http(server, method, "/")
    assert 400 <= answer.status < 500
    assert b"<html" not in answer.body.lower()


@pytest.mark.parametrize("path", ["/nothing", "/etc/passwd", "/..%2f..%2f", "/%00", "//", "/?a=b"])
def test_other_paths_get_an_error_of_aws(server, path):
    answer = http(server, "POST", path)
    assert 400 <= answer.status < 500
    assert b"<html" not in answer.body.lower()
    assert b"<ErrorResponse" in answer.body


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"UserName": "a/b"},
            "1 validation error detected: Value at 'userName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\w+=,.@-]+",
        ),
        (
            {"UserName": "a" * 65},
            "1 validation error detected: Value at 'userName' failed to satisfy constraint: "
            "Member must have length less than or equal to 64",
        ),
    ],
)
def test_constraints_are_checked_in_the_words_of_aws(
    server, connection, untouched, parameters, message
):
    answer = iam_post(connection, server, iam_body("CreateUser", **parameters))
    assert_error(answer, "ValidationError", 400, message)


def test_sts_shows_the_value_that_it_refuses(server, connection):
    body = sts_body(
        "AssumeRole",
        RoleArn=f"arn:aws:iam::{server.account}:role/some",
        RoleSessionName="Session1:2",
    )
    message = (
        "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
    )
    assert_error(connection.post(server, body), "ValidationError", 400, message)


@pytest.mark.parametrize("items", ["0", "1001", "-1", "many", "99999999999999999999"])
def test_page_sizes_have_bounds(server, connection, items):
    answer = iam_post(connection, server, iam_body("ListUsers", MaxItems=items))
    assert_error(answer, status=400)


def test_required_parameters_are_required(server, connection, untouched):
    for action in ("CreateUser", "CreateRole", "PutUserPolicy", "AttachUserPolicy"):
        error = assert_error(iam_post(connection, server, iam_body(action)), status=400)
        assert error["Code"] in ("ValidationError", "MissingParameter"), error


def test_unicode_survives_in_both_directions(server, iam):
    name = unique("user")
    tags = [{"Key": "名前", "Value": "žluťoučký kůň + é"}, {"Key": "z", "Value": ""}]
    iam.create_user(UserName=name, Tags=tags)
    got = iam.list_user_tags(UserName=name)["Tags"]
    assert sorted(got, key=lambda tag: tag["Key"]) == sorted(tags, key=lambda tag: tag["Key"])
