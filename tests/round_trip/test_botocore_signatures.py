"""Signatures of botocore, in the header and in the query, and what becomes of them when bent."""

import copy
import time

import pytest
from client import ACCESS_KEY_ID, SECRET, TOKEN, Sent

WINDOW_SECONDS = 15 * 60
MISMATCH, INCOMPLETE = "SignatureDoesNotMatch", "IncompleteSignature"

CALLS = [
    ("iam", "ListUsers", {}),
    ("iam", "CreateUser", {"UserName": "a+b=c@d", "Path": "/a+b%/", "Tags": [{"Key": "k/ é", "Value": "あ =+"}]}),
    ("sts", "GetCallerIdentity", {}),
    ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::111122223333:role/r", "RoleSessionName": "s@=,."}),
]
EMPTY = {
    "ListUsers": {"Users": []},
    "CreateUser": {},
    "GetCallerIdentity": {},
    "AssumeRole": {},
}

each_call = pytest.mark.parametrize(("service", "operation", "parameters"), CALLS)
with_and_without_token = pytest.mark.parametrize("token", [None, TOKEN])


def in_header(far_side, clients, service, operation, parameters, token):
    client = clients[service, token]

    def answer(_):
        return 200, far_side.encode(service, operation, EMPTY[operation], "r")["xml"]

    client.call(operation, parameters, answer)
    return client.sent


def in_query(clients, service, operation, parameters, token, expires=3_600, method="GET"):
    name = {
        "ListUsers": "list_users",
        "CreateUser": "create_user",
        "GetCallerIdentity": "get_caller_identity",
        "AssumeRole": "assume_role",
    }[operation]
    boto = clients[service, token].boto
    url = boto.generate_presigned_url(
        name, Params=parameters, ExpiresIn=expires, HttpMethod=method
    )
    return Sent(method, url, [], b"")


def bent(sent, **changes):
    other = copy.deepcopy(sent)
    for name, value in changes.items():
        setattr(other, name, value)
    return other


def with_header(sent, name, value):
    headers = [header for header in sent.headers if header[0] != name]
    return bent(sent, headers=[*headers, [name, value]] if value is not None else headers)


def code(far_side, service, sent, now=None):
    answer = far_side.verify(service, sent, SECRET, int(time.time()) if now is None else now)
    return answer.get("code", answer.get("access_key_id"))


@each_call
@with_and_without_token
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_signature_in_the_query_is_accepted(
    far_side, clients, service, operation, parameters, token, method
):
    sent = in_query(clients, service, operation, parameters, token, method=method)
    assert far_side.verify(service, sent, SECRET, int(time.time())) == {
        "access_key_id": ACCESS_KEY_ID,
        "region": "us-east-1",
        "session_token": token,
        "is_presigned": True,
    }
    assert far_side.decode(service, sent.form())["operation"] == operation


@each_call
@with_and_without_token
def test_a_bent_request_is_refused(far_side, clients, service, operation, parameters, token):
    sent = in_header(far_side, clients, service, operation, parameters, token)
    assert code(far_side, service, sent) == ACCESS_KEY_ID
    authorization = sent.header("authorization")
    signature = authorization.rsplit("=", 1)[1]
    date = sent.header("x-amz-date")
    cases = {
        MISMATCH: [
            bent(sent, method="PUT"),
            bent(sent, path="/x"),
            bent(sent, query="a=b"),
            bent(sent, body=sent.body + b"&Extra=1"),
            bent(sent, body=b""),
            with_header(sent, "host", "example.com"),
            with_header(sent, "content-type", "text/plain"),
            with_header(sent, "x-amz-date", date[:-3] + f"{(int(date[-3:-1]) + 1) % 60:02}Z"),
            with_header(sent, "x-amz-security-token", "another"),
            with_header(sent, "x-amz-extra", "1"),
            with_header(sent, "authorization", authorization.replace(signature, "0" * 64)),
            with_header(sent, "authorization", authorization.replace("us-east-1", "us-east-2")),
            with_header(sent, "authorization", authorization.replace(f"/{service}/", "/s3/")),
            with_header(sent, "authorization", authorization.replace("aws4_request", "aws5_request")),
            with_header(sent, "authorization", authorization.replace("host;", "")),
            with_header(sent, "content-type", None),
        ],
        INCOMPLETE: [
            bent(sent, query="X-Amz-Signature=" + signature),
            bent(sent, headers=[*sent.headers, ["authorization", authorization]]),
            bent(sent, headers=[*sent.headers, ["x-amz-date", date]]),
            with_header(sent, "authorization", "Basic YTpi"),
            with_header(sent, "authorization", authorization.replace(signature, signature[:-1])),
            with_header(sent, "authorization", authorization.replace("Signature=", "Other=")),
            with_header(sent, "authorization", authorization.replace("host;", "Host;")),
            with_header(sent, "x-amz-date", None),
            with_header(sent, "x-amz-date", "yesterday"),
        ],
        "MissingAuthenticationToken": [with_header(sent, "authorization", None)],
        "InvalidClientTokenId": [
            with_header(sent, "authorization", authorization.replace(ACCESS_KEY_ID, "not/a-key"[4:]))
        ],
    }
    for expected, requests in cases.items():
        for number, request in enumerate(requests):
            assert code(far_side, service, request) == expected, (expected, number)
    if token is not None:
        assert code(far_side, service, with_header(sent, "x-amz-security-token", None)) == MISMATCH
    other = {"iam": "sts", "sts": "iam"}[service]
    assert code(far_side, other, sent) == MISMATCH
    assert code(far_side, service, sent) == ACCESS_KEY_ID, "nothing was bent in place"


@each_call
@with_and_without_token
def test_a_bent_presigned_request_is_refused(far_side, clients, service, operation, parameters, token):
    sent = in_query(clients, service, operation, parameters, token)
    query = sent.query
    signature = query.rsplit("=", 1)[1]
    cases = {
        MISMATCH: [
            bent(sent, method="POST"),
            bent(sent, path="/x"),
            bent(sent, body=b"Action=DeleteUser"),
            bent(sent, query=query + "&Extra=1"),
            bent(sent, query=query.replace("Version=", "Version=1")),
            bent(sent, query=query.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601")),
            bent(sent, query=query.replace(signature, "f" * 64)),
            bent(sent, query=query.replace("us-east-1", "us-east-2")),
            with_header(sent, "host", "example.com"),
            with_header(sent, "x-amz-extra", "1"),
        ],
        INCOMPLETE: [
            bent(sent, query=query + "&X-Amz-Signature=" + signature),
            bent(sent, query=query + "&x-amz-expires=604800"),
            bent(sent, query=query + "&X%2DAmz-Expires=604800"),
            bent(sent, query=query.replace("X-Amz-Expires=3600", "X-Amz-Expires=604801")),
            bent(sent, query=query.replace("X-Amz-Expires=3600", "X-Amz-Expires=-1")),
            bent(sent, query=query.replace("X-Amz-Algorithm=AWS4", "X-Amz-Algorithm=AWS5")),
            with_header(sent, "authorization", "AWS4-HMAC-SHA256 Credential=x"),
            with_header(sent, "x-amz-security-token", TOKEN),
            with_header(sent, "x-amz-date", "20150830T123600Z"),
        ],
    }
    if token is not None:
        piece = next(it for it in query.split("&") if it.startswith("X-Amz-Security-Token"))
        cases[MISMATCH].append(bent(sent, query=query.replace("&" + piece, "")))
        cases[MISMATCH].append(bent(sent, query=query.replace(piece, piece + "x")))
    for expected, requests in cases.items():
        for number, request in enumerate(requests):
            assert code(far_side, service, request) == expected, (expected, number)
    assert code(far_side, service, sent) == ACCESS_KEY_ID, "nothing was bent in place"


@each_call
def test_time_is_kept(far_side, clients, service, operation, parameters):
    before = int(time.time())
    sent = in_header(far_side, clients, service, operation, parameters, None)
    presigned = in_query(clients, service, operation, parameters, None, expires=60)
    after = int(time.time())
    for now in (after - WINDOW_SECONDS, before + WINDOW_SECONDS):
        assert code(far_side, service, sent, now) == ACCESS_KEY_ID
    for now in (before - WINDOW_SECONDS - 1, after + WINDOW_SECONDS + 1):
        assert code(far_side, service, sent, now) == MISMATCH
    # STS takes presigned calls for a quarter of an hour, whatever they say.
    seconds = 60 if service == "iam" else WINDOW_SECONDS
    assert code(far_side, service, presigned, before + seconds) == ACCESS_KEY_ID
    assert code(far_side, service, presigned, after + seconds + 1) == "RequestExpired"
    assert code(far_side, service, presigned, before - WINDOW_SECONDS - 1) == MISMATCH


def test_the_wrong_secret_is_a_mismatch(far_side, clients):
    sent = in_header(far_side, clients, *CALLS[0], None)
    answer = far_side.verify("iam", sent, SECRET[::-1], int(time.time()))
    assert answer["code"] == MISMATCH
    assert SECRET not in answer["message"] and SECRET[::-1] not in answer["message"]


def test_the_message_of_a_mismatch_names_what_botocore_signed(far_side, clients, caplog):
    """Compared with what botocore itself logs of its canonical request and string to sign."""
    caplog.set_level("DEBUG", logger="botocore.auth")
    sent = in_header(far_side, clients, *CALLS[1], None)
    logged = [record.getMessage() for record in caplog.records if record.name == "botocore.auth"]
    answer = far_side.verify("iam", sent, "wrong", int(time.time()))
    for title in ("CanonicalRequest:\n", "StringToSign:\n"):
        text = next(line.removeprefix(title) for line in logged if line.startswith(title))
        assert f"'{text}'" in answer["message"], answer["message"]
