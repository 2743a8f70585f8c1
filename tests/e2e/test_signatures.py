"""Who signs, and whether he really does: nothing passes without a whole and fresh signature."""

import pytest
from iamd import Keys, Server, advance_clock, create_user, refused, trust, unique
from wire import (
    Connection,
    assert_error,
    assert_identity,
    iam_body,
    identity_body,
    post,
    presigned_path,
    signed_headers,
)

INVALID_TOKEN = "The security token included in the request is invalid."
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)


@pytest.fixture
def connection(server):
    """A connection that every test uses for more than one request."""
    with Connection(server) as connection:
        yield connection
        # Whatever was refused before, the connection still serves.
        assert_identity(connection.post(server, identity_body()))


def send(connection, server, headers, body=None):
    return connection.send("POST", "/", headers, identity_body() if body is None else body)


def test_a_signed_request_is_answered_and_an_unsigned_one_is_not(server, connection):
    assert_identity(connection.post(server, identity_body()))
    headers = signed_headers(server, identity_body())
    del headers["Authorization"]
    assert_error(send(connection, server, headers), "MissingAuthenticationToken", 403)


def test_a_wrong_secret_is_a_mismatch(server, connection):
    keys = Keys(server.admin.access_key_id, "x" * 40)
    answer = connection.post(server, identity_body(), keys=keys)
    assert_error(answer, "SignatureDoesNotMatch", 403, starts=MISMATCH)


def test_an_unknown_key_is_an_invalid_token(server, connection):
    keys = Keys("AKIAIOSFODNN7EXAMPLE", server.admin.secret_access_key)
    answer = connection.post(server, identity_body(), keys=keys)
    assert_error(answer, "InvalidClientTokenId", 403, INVALID_TOKEN)


def test_an_inactive_or_deleted_key_is_an_invalid_token(server, iam, connection):
    user, keys = create_user(server)
    names = {"UserName": user["UserName"], "AccessKeyId": keys.access_key_id}
    assert_identity(connection.post(server, identity_body(), keys=keys))
    iam.update_access_key(**names, Status="Inactive")
    answer = connection.post(server, identity_body(), keys=keys)
    assert_error(answer, "InvalidClientTokenId", 403, INVALID_TOKEN)
    iam.update_access_key(**names, Status="Active")
    assert_identity(connection.post(server, identity_body(), keys=keys))
    iam.delete_access_key(**names)
    answer = connection.post(server, identity_body(), keys=keys)
    assert_error(answer, "InvalidClientTokenId", 403, INVALID_TOKEN)


def test_any_changed_part_of_a_signed_request_is_a_mismatch(server, connection):
    body = identity_body()
    good = signed_headers(server, body)
    assert_identity(send(connection, server, good))
    date = good["X-Amz-Date"]
    changes = {
        "another body": (good, body + b"&Extra=1"),
        "another host": ({**good, "Host": "iam.amazonaws.com"}, body),
        "another date": ({**good, "X-Amz-Date": date[:-2] + ("1Z" if date[-2] != "1" else "2Z")}, body),
        "another content type": (
            {**good, "Content-Type": "application/x-www-form-urlencoded"}, body,
        ),
    }
    signature = good["Authorization"].rsplit("=", 1)[1]
    for place in (0, 31, 63):
        digit = "0" if signature[place] != "0" else "1"
        bent = signature[:place] + digit + signature[place + 1 :]
        authorization = good["Authorization"].replace(signature, bent)
        changes[f"digit {place}"] = ({**good, "Authorization": authorization}, body)
    for name, (headers, sent) in changes.items():
        error = assert_error(send(connection, server, headers, sent), status=403)
        assert error["Code"] == "SignatureDoesNotMatch", (name, error)


def test_a_header_of_aws_that_is_not_signed_is_refused(server, connection):
    headers = {**signed_headers(server, identity_body()), "X-Amz-Foo": "1"}
    assert_error(send(connection, server, headers), "SignatureDoesNotMatch", 403)
    signed = signed_headers(server, identity_body(), headers={"X-Amz-Foo": "1"})
    assert_identity(send(connection, server, signed))


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/sts/aws4_request",
        "AWS4-HMAC-SHA256 Signature=abc, SignedHeaders=host",
        "AWS4-HMAC-SHA256 nonsense",
        "Basic YWRtaW46YWRtaW4=",
        "Bearer abc",
        "AWS AKIAIOSFODNN7EXAMPLE:signature",
    ],
)
def test_a_malformed_authorization_header_is_refused(server, connection, authorization):
    headers = {**signed_headers(server, identity_body()), "Authorization": authorization}
    error = assert_error(send(connection, server, headers))
    codes = ("IncompleteSignature", "MissingAuthenticationToken", "SignatureDoesNotMatch")
    assert error["Code"] in codes, error


@pytest.mark.parametrize("part", ["Credential", "SignedHeaders", "Signature"])
def test_each_part_of_the_authorization_header_is_required(server, connection, part):
    headers = signed_headers(server, identity_body())
    scheme, parts = headers["Authorization"].split(" ", 1)
    kept = [piece for piece in parts.split(", ") if not piece.startswith(part + "=")]
    assert len(kept) == 2
    headers["Authorization"] = f"{scheme} {', '.join(kept)}"
    error = assert_error(send(connection, server, headers), "IncompleteSignature", 400)
    assert error["Message"].startswith(f"Authorization header requires '{part}' parameter.")


def test_the_credential_scope_must_fit(server, connection):
    body = identity_body()
    answer = connection.post(server, body, service="s3")
    assert_error(
        answer, "SignatureDoesNotMatch", 403,
        starts="Credential should be scoped to correct service: 'sts'.",
    )
    headers = signed_headers(server, body)
    headers["Authorization"] = headers["Authorization"].replace("aws4_request", "aws5_request")
    assert_error(
        send(connection, server, headers), "SignatureDoesNotMatch", 403,
        starts="Credential should be scoped with a valid terminator: 'aws4_request'",
    )
    headers = signed_headers(server, body)
    day = headers["X-Amz-Date"][:8]
    headers["Authorization"] = headers["Authorization"].replace(f"/{day}/", "/20150830/")
    assert_error(
        send(connection, server, headers), "SignatureDoesNotMatch", 403,
        starts="Date in Credential scope does not match",
    )


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "local", "us-gov-west-1"])
def test_any_region_is_accepted_for_iam_and_sts(server, connection, region):
    assert_identity(connection.post(server, identity_body(), region=region))
    answer = connection.post(server, iam_body("ListUsers"), service="iam", region=region)
    assert answer.status == 200


def test_a_signature_is_good_for_fifteen_minutes_in_both_directions(server, connection):
    for seconds in (-14 * 60, 14 * 60):
        assert_identity(connection.post(server, identity_body(), age_seconds=seconds))
    old = connection.post(server, identity_body(), age_seconds=16 * 60)
    assert_error(old, "SignatureDoesNotMatch", 403, starts="Signature expired: ")
    early = connection.post(server, identity_body(), age_seconds=-16 * 60)
    assert_error(early, "SignatureDoesNotMatch", 403, starts="Signature not yet current: ")


def test_the_mismatch_text_tells_what_should_have_been_signed_and_no_secret(server, connection):
    headers = signed_headers(server, identity_body(), keys=Keys(server.admin.access_key_id, "y" * 40))
    error = assert_error(send(connection, server, headers), "SignatureDoesNotMatch")
    assert "The Canonical String for this request should have been\n'POST\n/\n" in error["Message"]
    assert "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n" in error["Message"]
    assert server.admin.secret_access_key not in error["Message"]


def test_a_query_request_may_come_as_a_signed_get(server, connection):
    path = "/?" + identity_body().decode()
    headers = signed_headers(server, None, method="GET", path=path, content_type=None)
    assert_identity(connection.send("GET", path, headers))
    bent = path.replace("GetCallerIdentity", "GetSessionToken")
    assert_error(connection.send("GET", bent, headers), "SignatureDoesNotMatch", 403)


def host(server):
    return {"Host": "{}:{}".format(*server.host_and_port)}


def test_a_presigned_request_is_answered_and_a_bent_one_is_not(server, connection):
    path = presigned_path(server, identity_body().decode())
    assert_identity(connection.send("GET", path, host(server)))
    for bent in (
        path.replace("GetCallerIdentity", "GetSessionToken"),
        path.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"),
        path + "&Extra=1",
        path[:-1] + ("0" if path[-1] != "0" else "1"),
    ):
        assert_error(connection.send("GET", bent, host(server)), "SignatureDoesNotMatch", 403)


def test_a_presigned_request_does_not_outlive_its_expiry(server, connection):
    query = "Action=ListUsers&Version=2010-05-08"
    fresh = presigned_path(server, query, service="iam", expires=60, age_seconds=30)
    assert connection.send("GET", fresh, host(server)).status == 200
    over = presigned_path(server, query, service="iam", expires=60, age_seconds=90)
    assert_error(connection.send("GET", over, host(server)), "RequestExpired", 400)


def test_a_presigned_call_of_sts_is_good_for_a_quarter_of_an_hour(server, connection):
    """As tokens of EKS need it: they ask for a minute and are used for longer."""
    query = identity_body().decode()
    token = presigned_path(server, query, expires=60, age_seconds=840)
    assert_identity(connection.send("GET", token, host(server)))
    over = presigned_path(server, query, expires=60, age_seconds=960)
    assert_error(connection.send("GET", over, host(server)), "RequestExpired", 400)


@pytest.mark.parametrize("expires", ["0", "-1", "604801", "99999999999999999999", "abc", ""])
def test_a_presigned_request_needs_a_legal_expiry(server, connection, expires):
    path = presigned_path(server, identity_body().decode(), expires=expires)
    assert_error(connection.send("GET", path, host(server)))


def test_two_signatures_at_once_are_refused(server, connection):
    path = presigned_path(server, identity_body().decode())
    headers = signed_headers(server, None, method="GET", path=path, content_type=None)
    assert_error(connection.send("GET", path, headers))


def test_headers_that_matter_must_not_come_twice(server):
    body = identity_body()
    headers = signed_headers(server, body)
    for name in ("Authorization", "X-Amz-Date", "Host"):
        with Connection(server) as connection:
            connection.http.putrequest("POST", "/", skip_host=True, skip_accept_encoding=True)
            for header, value in [*headers.items(), (name, headers[name])]:
                connection.http.putheader(header, value)
            connection.http.putheader("Content-Length", str(len(body)))
            connection.http.endheaders(body)
            response = connection.http.getresponse()
            assert 400 <= response.status < 500, name


def session_keys(server):
    role = server.iam().create_role(
        RoleName=unique("role"), AssumeRolePolicyDocument=trust({"AWS": server.account})
    )["Role"]
    answer = server.sts().assume_role(RoleArn=role["Arn"], RoleSessionName="session")
    return Keys.of(answer)


def test_a_temporary_key_works_only_with_its_own_whole_token(server, connection):
    keys = session_keys(server)
    assert keys.access_key_id.startswith("ASIA")
    assert_identity(connection.post(server, identity_body(), keys=keys))

    def answer(token):
        bent = Keys(keys.access_key_id, keys.secret_access_key, token)
        return connection.post(server, identity_body(), keys=bent)

    token = keys.session_token
    wrong = [None, "x", token[:-1], token + "A", token[1:], session_keys(server).session_token]
    for place in range(0, len(token), max(1, len(token) // 40)):
        other = "A" if token[place] != "A" else "B"
        wrong.append(token[:place] + other + token[place + 1 :])
    for bent in wrong:
        assert_error(answer(bent), "InvalidClientTokenId", 403)


def test_a_token_does_not_widen_a_long_term_key(server, connection):
    token = session_keys(server).session_token
    keys = Keys(server.admin.access_key_id, server.admin.secret_access_key, token)
    assert_error(connection.post(server, identity_body(), keys=keys), "InvalidClientTokenId", 403)


def test_a_presigned_request_carries_its_session_token(server, connection):
    keys = session_keys(server)
    path = presigned_path(server, identity_body().decode(), keys=keys)
    identity = assert_identity(connection.send("GET", path, host(server)))
    assert identity["Arn"].endswith("/session")


def test_an_expired_token_is_refused_as_expired():
    with Server() as server:
        keys = session_keys(server)
        # Both clocks move: the client signs with the time that the server now has.
        advance_clock(server, 3_500)
        assert_identity(post(server, identity_body(), keys=keys, age_seconds=-3_500))
        advance_clock(server, 200)
        answer = post(server, identity_body(), keys=keys, age_seconds=-3_700)
        assert_error(
            answer, "ExpiredToken", 403, "The security token included in the request is expired"
        )
        assert_identity(post(server, identity_body(), age_seconds=-3_700))


def test_denials_come_after_proof_and_leave_no_trace(server, iam, connection):
    """A request that is not proven changes nothing, also where its key could do anything."""
    name = unique("ghost")
    body = iam_body("CreateUser", UserName=name)
    keys = Keys(server.admin.access_key_id, "z" * 40)
    answer = connection.post(server, body, keys=keys, service="iam")
    assert_error(answer, "SignatureDoesNotMatch", 403)
    with refused("NoSuchEntity"):
        iam.get_user(UserName=name)
    assert connection.post(server, body, service="iam").status == 200
    iam.get_user(UserName=name)
