"""Scripts of other origins: what owners set for a bucket, preflights, and who may read an answer."""

import http.client

import pytest
from iamd import allow, create_user, denied, refused
from s3_wire import raw
from store import arn, gateway, make_bucket

ORIGIN = "https://app.example.com"
RULE = {
    "ID": "the app",
    "AllowedOrigins": ["https://*.example.com"],
    "AllowedMethods": ["GET", "PUT"],
    "AllowedHeaders": ["x-amz-*", "Content-Type"],
    "ExposeHeaders": ["ETag", "x-amz-request-id"],
    "MaxAgeSeconds": 600,
}


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with gateway(tmp_path_factory.mktemp("cors")) as gate:
        yield gate


def allow_origins(gate, bucket, *rules):
    gate.s3().put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules or [RULE]})


def request(gate, method, path, **headers):
    """An unsigned request; gives its status, its headers in lower case, and its body."""
    connection = http.client.HTTPConnection(*gate.host_and_port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    connection.request(method, path, headers=named)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def preflight(gate, path, origin=ORIGIN, method="PUT", headers=None):
    """A preflight, which the store never hears of."""
    with gate.unseen():
        return request(
            gate, "OPTIONS", path, Origin=origin,
            Access_Control_Request_Method=method, Access_Control_Request_Headers=headers,
        )


def opened(headers):
    """What an answer says to a browser."""
    return {
        name.removeprefix("access-control-"): value
        for name, value in headers.items() if name.startswith("access-control-")
    }


OPEN = {
    "allow-origin": ORIGIN,
    "allow-credentials": "true",
    "allow-methods": "GET, PUT",
    "expose-headers": "ETag, x-amz-request-id",
    "max-age": "600",
}


def test_rules_are_kept_and_who_may_set_them_is_decided(gate):
    bucket, s3 = make_bucket(gate), gate.s3()
    other = {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]}
    _, keys = create_user(
        gate.server, statements=[allow("s3:GetBucketCORS", arn(bucket)), allow("s3:PutObject")]
    )
    user = gate.s3(keys)
    with gate.unseen():
        with refused("NoSuchCORSConfiguration", status=404):
            s3.get_bucket_cors(Bucket=bucket)
        with denied():
            user.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [RULE]})
        allow_origins(gate, bucket, RULE, other)
        assert user.get_bucket_cors(Bucket=bucket)["CORSRules"] == [RULE, other]
        with denied():
            user.delete_bucket_cors(Bucket=bucket)
        with denied():
            gate.anonymous().get_bucket_cors(Bucket=bucket)
        s3.delete_bucket_cors(Bucket=bucket)
        with refused("NoSuchCORSConfiguration", status=404):
            user.get_bucket_cors(Bucket=bucket)
        s3.delete_bucket_cors(Bucket=bucket)


@pytest.mark.parametrize(("changed", "code", "words"), [
    ({"AllowedMethods": ["PATCH"]}, "InvalidRequest", "Unsupported method is PATCH"),
    ({"AllowedOrigins": ["https://*.*"]}, "InvalidRequest", "more than one wildcard"),
    ({"AllowedHeaders": ["x-*-*"]}, "InvalidRequest", "more than one wildcard"),
    ({"ExposeHeaders": ["*"]}, "InvalidRequest", "wildcard for ExposeHeader"),
    ({"ID": "a" * 256}, "InvalidRequest", "255"),
    ({"AllowedOrigins": []}, "MalformedXML", "not well-formed"),
])
def test_rules_that_cannot_be_are_refused(gate, changed, code, words):
    bucket = make_bucket(gate)
    with refused(code, status=400) as caught:
        allow_origins(gate, bucket, {**RULE, **changed})
    assert words in caught.value.response["Error"]["Message"]
    with refused("NoSuchCORSConfiguration"):
        gate.s3().get_bucket_cors(Bucket=bucket)


def test_a_bucket_has_100_rules_at_most(gate):
    bucket = make_bucket(gate)
    allow_origins(gate, bucket, *[RULE] * 100)
    with refused("InvalidRequest", status=400):
        allow_origins(gate, bucket, *[RULE] * 101)
    assert len(gate.s3().get_bucket_cors(Bucket=bucket)["CORSRules"]) == 100


def test_a_preflight_is_answered_by_the_rules_of_the_bucket(gate):
    bucket = make_bucket(gate)
    path = f"/{bucket}/dir/a%20b?X-Amz-Signature=0&x-id=PutObject"
    status, headers, body = preflight(gate, path)
    assert (status, opened(headers)) == (403, {})
    assert "<Code>AccessForbidden</Code>" in body
    assert "CORSResponse: CORS is not enabled for this bucket." in body
    allow_origins(gate, bucket)
    for asked in (None, "content-type", "content-type,x-amz-meta-a"):
        status, headers, body = preflight(gate, path, headers=asked)
        expected = OPEN if asked is None else {**OPEN, "allow-headers": asked}
        assert (status, opened(headers), body) == (200, expected, "")
        assert "Origin" in headers["vary"]
    # The nearest that is not allowed: another origin, another method, a header more.
    for asked in (
        {"origin": "https://app.example.com.evil.org"},
        {"origin": "http://app.example.com"},
        {"origin": "null"},
        {"method": "DELETE"},
        {"headers": "content-type,authorization"},
    ):
        status, headers, body = preflight(gate, path, **asked)
        assert (status, opened(headers)) == (403, {}), asked
        assert "CORSResponse: This CORS request is not allowed." in body, asked
    # What is no preflight, and what is not there.
    for path, asked, status, code in (
        (path, {"origin": None}, 400, "BadRequest"),
        (path, {"method": None}, 400, "BadRequest"),
        (path, {"method": "TRACE"}, 400, "BadRequest"),
        (f"/{bucket}/a/../b", {}, 400, "InvalidURI"),
        ("/", {}, 403, "AccessForbidden"),
        ("/another-bucket-of-nobody/a", {}, 404, "NoSuchBucket"),
    ):
        answered, headers, body = preflight(gate, path, **asked)
        assert (answered, opened(headers)) == (status, {}), (path, asked)
        assert f"<Code>{code}</Code>" in body, (path, asked)
    assert preflight(gate, f"/{bucket}")[0] == 200
    with gate.unseen():
        head = f"OPTIONS /{bucket}/a HTTP/1.1\r\nHost: x\r\nAccess-Control-Request-Method: PUT\r\n"
        two = f"Origin: {ORIGIN}\r\nOrigin: https://evil.org\r\n"
        assert raw(gate, f"{head}{two}\r\n".encode()).code == "BadRequest"


def test_answers_say_which_origin_may_read_them_denials_included(gate):
    bucket = make_bucket(gate, "a")
    allow_origins(gate, bucket)
    url = gate.s3().generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    path = url.removeprefix(gate.endpoint)
    status, headers, body = request(gate, "GET", path, Origin=ORIGIN)
    assert (status, opened(headers), body) == (200, OPEN, "a")
    assert "Origin" in headers["vary"]
    # Caches between must keep apart what nobody's script asked for.
    status, headers, _ = request(gate, "GET", path)
    assert (status, opened(headers)) == (200, {})
    assert "Origin" in headers["vary"]
    status, headers, body = request(gate, "GET", path, Origin="https://evil.org")
    assert (status, opened(headers), body) == (200, {}, "a")
    # A denial can be read where the object could be; being let in by a rule opens nothing.
    status, headers, body = request(gate, "GET", f"/{bucket}/a", Origin=ORIGIN)
    assert (status, opened(headers)) == (403, OPEN)
    assert "<Code>AccessDenied</Code>" in body
    status, headers, _ = request(gate, "GET", path.replace("/a?", "/b?"), Origin=ORIGIN)
    assert (status, opened(headers)) == (403, OPEN)
    status, headers, _ = request(gate, "DELETE", f"/{bucket}/a", Origin=ORIGIN)
    assert (status, opened(headers)) == (403, {})
    allow_origins(gate, bucket, {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]})
    _, headers, _ = request(gate, "GET", path, Origin=ORIGIN)
    assert opened(headers) == {"allow-origin": "*", "allow-methods": "GET"}


def test_what_a_store_says_of_origins_is_left_out(tmp_path):
    """A store with rules of its own, which somebody has set past the gateway."""
    with gateway(tmp_path, "moto") as gate:
        bucket = make_bucket(gate, "a")
        rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
        gate.store.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
        url = gate.s3().generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
        path = url.removeprefix(gate.endpoint)
        status, headers, _ = request(gate, "GET", path, Origin=ORIGIN)
        assert (status, opened(headers)) == (200, {})
        allow_origins(gate, bucket)
        _, headers, _ = request(gate, "GET", path, Origin=ORIGIN)
        assert opened(headers) == OPEN
        assert gate.store.s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [rule]


def test_rules_end_with_their_bucket(gate):
    bucket = make_bucket(gate)
    allow_origins(gate, bucket)
    gate.s3().delete_bucket(Bucket=bucket)
    gate.s3().create_bucket(Bucket=bucket)
    assert preflight(gate, f"/{bucket}/a")[0] == 403
