"""Errors of requests whose signature, session or form is wrong: code, status and words of AWS.

Refusals under load (`Throttling`, `ServiceUnavailable`, `RequestEntityTooLargeException`,
`RequestTimeoutException`) are in test_limits.py.
"""

import base64
import hashlib
import re

import pytest
from iamd import Keys, Server, advance_clock
from wire import (
    Connection, assert_error, iam_body, identity_body, presigned_path, signed_headers,
)

NO_PAIR = "AWS4-HMAC-SHA256 nonsense"
MISSING_KEY = "AKIAIOSFODNN7EXAMPLE"
INVALID_TOKEN = "The security token included in the request is invalid."
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details."
)


def sent(server, body, change=lambda headers: headers, **signing):
    """A signed request with its headers changed afterwards."""
    headers = change(signed_headers(server, body, **signing))
    with Connection(server) as connection:
        return connection.send("POST", "/", headers, body)


def with_authorization(change):
    """What changes the header in which the signature stands."""
    return lambda headers: {**headers, "Authorization": change(headers["Authorization"])}


def without(part):
    """Takes a part out of that header."""
    def change(header):
        scheme, parts = header.split(" ", 1)
        return f"{scheme} {', '.join(it for it in parts.split(', ') if not it.startswith(part))}"
    return with_authorization(change)


def hashed(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def other_day(headers):
    day = headers["X-Amz-Date"][:8]
    return with_authorization(lambda it: it.replace(f"/{day}/", "/20150830/"))(headers)


PATTERN_OF_TIME = "[0-9]{8}T[0-9]{6}Z"
# Code, status, a pattern of the message, and the request.
SIGNATURES = [
    (
        "MissingAuthenticationToken", 403, "Request is missing Authentication Token",
        lambda server: sent(server, identity_body(), lambda headers: {
            name: value for name, value in headers.items() if name != "Authorization"
        }),
    ),
    *(
        (
            "IncompleteSignature", 400,
            f"Authorization header requires '{part}' parameter\\. .* ?Authorization=.*",
            lambda server, part=part: sent(server, identity_body(), without(part)),
        )
        for part in ("Credential", "SignedHeaders", "Signature")
    ),
    (
        "IncompleteSignature", 400, "Authorization header cannot be empty\\.",
        lambda server: sent(server, identity_body(), with_authorization(lambda _: "")),
    ),
    (
        "IncompleteSignature", 400,
        "Invalid key=value pair \\(missing equal-sign\\) in Authorization header \\(hashed with "
        f"SHA-256 and encoded with Base64\\): '{re.escape(hashed(NO_PAIR))}'\\.",
        lambda server: sent(
            server, identity_body(), with_authorization(lambda _: NO_PAIR)
        ),
    ),
    (
        "InvalidClientTokenId", 403, re.escape(INVALID_TOKEN),
        lambda server: sent(server, identity_body(), keys=Keys(MISSING_KEY, "x" * 40)),
    ),
    (
        "SignatureDoesNotMatch", 403,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP",
        lambda server: sent(server, identity_body(), other_day),
    ),
    (
        "SignatureDoesNotMatch", 403,
        "Credential should be scoped to correct service: 'sts'\\. ",
        lambda server: sent(server, identity_body(), service="s3"),
    ),
    (
        "SignatureDoesNotMatch", 403,
        "Credential should be scoped with a valid terminator: 'aws4_request'",
        lambda server: sent(server, identity_body(), with_authorization(
            lambda header: header.replace("aws4_request", "aws5_request")
        )),
    ),
    (
        "SignatureDoesNotMatch", 403,
        f"Signature expired: {PATTERN_OF_TIME} is now earlier than {PATTERN_OF_TIME} "
        f"\\({PATTERN_OF_TIME} - 15 min\\.\\)",
        lambda server: sent(server, identity_body(), age_seconds=960),
    ),
    (
        "SignatureDoesNotMatch", 403,
        f"Signature not yet current: {PATTERN_OF_TIME} is still later than {PATTERN_OF_TIME} "
        f"\\({PATTERN_OF_TIME} \\+ 15 min\\.\\)",
        lambda server: sent(server, identity_body(), age_seconds=-960),
    ),
    (
        "SignatureDoesNotMatch", 403,
        f"{re.escape(MISMATCH)}\n\nThe Canonical String for this request should have been\n'POST\n/"
        "\n.*'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n.*'\n",
        lambda server: sent(
            server, identity_body(), keys=Keys(server.admin.access_key_id, "x" * 40)
        ),
    ),
    ("RequestExpired", 400, None, lambda server: presigned(server, age_seconds=960, expires=60)),
    ("InvalidAction", 400, None, lambda server: sent(server, iam_body("Nothing"), service="iam")),
    ("InvalidAction", 400, None, lambda server: sent(
        server, b"Action=ListUsers&Version=1999-01-01", service="iam"
    )),
    ("MissingAction", 400, None, lambda server: sent(server, b"", service="iam")),
    (
        "MalformedQueryString", 404, "The query string contains a syntax error\\.",
        lambda server: sent(
            server, b"Action=GetUser&Version=2010-05-08&UserName=%ZZ", service="iam"
        ),
    ),
    ("MalformedHttpRequestException", 400, None, lambda server: sent(
        server, iam_body("ListUsers"), service="iam", content_type="application/json"
    )),
    ("UnknownOperationException", 404, None, lambda server: elsewhere(server, "/nothing")),
]


def elsewhere(server, path):
    headers = signed_headers(server, identity_body(), path=path)
    with Connection(server) as connection:
        return connection.send("POST", path, headers, identity_body())


def presigned(server, **signing):
    path = presigned_path(server, identity_body().decode(), **signing)
    with Connection(server) as connection:
        return connection.send("GET", path, {"Host": "{}:{}".format(*server.host_and_port)})


@pytest.mark.parametrize(("code", "status", "pattern", "request_of"), SIGNATURES)
def test_errors_of_signatures_and_requests(server, code, status, pattern, request_of):
    error = assert_error(request_of(server), code, status)
    assert pattern is None or re.fullmatch(pattern, error["Message"], re.DOTALL), error["Message"]


def test_an_expired_session_and_a_wrong_token():
    with Server() as server:
        answer = server.sts().get_session_token(DurationSeconds=900)
        keys = Keys.of(answer)
        wrong = Keys(keys.access_key_id, keys.secret_access_key, keys.session_token[:-4])
        assert_error(
            sent(server, identity_body(), keys=wrong), "InvalidClientTokenId", 403, INVALID_TOKEN
        )
        advance_clock(server, 1000)
        late = sent(server, identity_body(), keys=keys, age_seconds=-1000)
        expired = "The security token included in the request is expired"
        assert_error(late, "ExpiredToken", 403, expired)

def test_a_report_that_is_too_old():
    four_hours = 4 * 60 * 60
    with Server() as server:
        server.iam().generate_credential_report()
        advance_clock(server, four_hours)
        body = iam_body("GetCredentialReport")
        answer = sent(server, body, age_seconds=-four_hours, service="iam")
        # AWS sends no message.
        assert "Message" not in assert_error(answer, "ReportExpired", 410)
