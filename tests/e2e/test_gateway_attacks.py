"""Requests that want more of the gateway than they may: refused, and the store hears nothing."""

import hashlib
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from iamd import Keys, allow, create_user, document, unique
from s3_wire import (
    CHUNKS,
    CHUNKS_WITH_TRAILER,
    EMPTY_HASH,
    UNSIGNED,
    UNSIGNED_CHUNKS,
    Line,
    Signed,
    raw,
    raw_all,
)
from store import arn, gateway, grant, make_bucket, read


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """A gateway in front of a store of files."""
    with gateway(tmp_path_factory.mktemp("attacks")) as gate:
        yield gate


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A gateway in front of a store that takes all keys."""
    with gateway(tmp_path_factory.mktemp("wide"), "moto") as gate:
        yield gate


@pytest.fixture(scope="module")
def bucket(gate):
    """A bucket with a few objects, which none of these tests changes."""
    return make_bucket(gate, "a", "dir/b", "secret")


def said_of(body):
    """The hash of a body, as its header has it."""
    return hashlib.sha256(body).hexdigest()


# Paths


PATHS = {
    "//{bucket}/a": "InvalidURI",
    "///": "InvalidURI",
    "/{bucket}//a": "InvalidURI",
    "/{bucket}/dir//b": "InvalidURI",
    "/{bucket}/./a": "InvalidURI",
    "/{bucket}/dir/./b": "InvalidURI",
    "/{bucket}/dir/../a": "InvalidURI",
    "/{bucket}/..": "InvalidURI",
    "/{bucket}/%2e%2e/{bucket}/a": "InvalidURI",
    "/{bucket}/dir/%2E%2e/a": "InvalidURI",
    "/{bucket}/dir%2F..%2Fa": "InvalidURI",
    "/{bucket}/dir%2F%2Fb": "InvalidURI",
    "/{bucket}/%2Fa": "InvalidURI",
    "/{bucket}/%2e": "InvalidURI",
    "/{bucket}/a%00": "InvalidURI",
    "/{bucket}/a%00/../secret": "InvalidURI",
    "/{bucket}/%FF": "InvalidURI",
    "/{bucket}/%C0%AE%C0%AE/a": "InvalidURI",
    "/{bucket}/%ED%A0%80": "InvalidURI",
    "/{bucket}/a%": "InvalidURI",
    "/{bucket}/a%2": "InvalidURI",
    "/{bucket}/a%zz": "InvalidURI",
    "/%2e%2e/{bucket}/a": "InvalidBucketName",
    "/../{bucket}/a": "InvalidBucketName",
    "/./{bucket}/a": "InvalidBucketName",
    "/{bucket}%2Fa": "InvalidBucketName",
    "/{bucket}%00/a": "InvalidBucketName",
    "/127.0.0.1/a": "InvalidBucketName",
    "/ab/a": "InvalidBucketName",
    "/-{bucket}/a": "InvalidBucketName",
    "/{bucket}.../a": "InvalidBucketName",
    "/" + "b" * 64 + "/a": "InvalidBucketName",
    "/{bucket}/" + "k" * 1025: "KeyTooLongError",
    "/{bucket}/" + "%C3%BC" * 513: "KeyTooLongError",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_could_be_read_in_two_ways_is_refused(gate, bucket, path):
    code, path = PATHS[path], path.format(bucket=bucket)
    for method in ("GET", "PUT", "DELETE"):
        with gate.unseen():
            reply = Signed(gate, method, path).send(gate)
        assert (reply.status, reply.code) == (400, code), reply
        # Who does not sign hears no more.
        with gate.unseen():
            reply = raw(gate, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (reply.status, reply.code) == (400, code), reply


def test_a_key_in_a_copy_source_or_a_body_is_read_as_strictly(gate, bucket):
    for source in (
        "{0}/../{0}/a", "{0}/dir/../a", "{0}//a", "//{0}/a", "{0}/%2e%2e/a", "{0}/a%00", "{0}/%FF",
        "{0}", "{0}/", "{0}/a?versionId=1&versionId=2", "{0}/a?acl", "{0}/a?versionId=a+b",
        "arn:aws:s3:::{0}/a", "arn:aws:s3:eu-central-1:111122223333:accesspoint/x/object/a", "",
    ):
        source = source.format(bucket)
        signed = Signed(gate, "PUT", f"/{bucket}/copy", headers={"x-amz-copy-source": source})
        with gate.unseen():
            reply = signed.send(gate)
        assert reply.status == 400, (source, reply)
    for key in ("../a", "dir/../a", "/a", "dir//b", "a\0", "k" * 1025):
        with gate.unseen(), pytest.raises(ClientError) as caught:
            gate.s3().delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400, key


def test_the_longest_key_passes_and_a_longer_one_does_not(wide):
    bucket, s3 = make_bucket(wide), wide.s3()
    for letter, count in (("k", 1024), ("ü", 512)):
        key = letter * count
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        with wide.unseen(), pytest.raises(ClientError) as caught:
            s3.put_object(Bucket=bucket, Key=key + "k", Body=b"x")
        assert caught.value.response["Error"]["Code"] == "KeyTooLongError"
    assert wide.store.keys(bucket) == ["k" * 1024, "ü" * 512]


def odd_keys():
    """Keys that are legal and that somebody could read otherwise."""
    printable = [chr(code) for code in range(0x20, 0x7F) if chr(code) not in "/"]
    keys = [f"x{letter}y" for letter in printable]
    keys += [letter for letter in printable if letter != "."]
    keys += [f"%{code:02x}" for code in range(0x20, 0x40)]
    keys += [f"dir{letter}/file" for letter in "+%?#&=;:@!$'()*, \\\"<>[]^`{|}~"]
    keys += [
        "...", "....", "..a", "a..", "a/..b/c", ".hidden", "a.", "a/.b", "a/...", "%2e%2e/a",
        "%2E%2E%2Fa", "%252e%252e", "..%2f", "a%2Fb", "a%00b", "a%", "a+b c", "a%20b", "a%2Bb",
        "+", "++", "a=b&c=d", "?versionId=1", "a?acl", "a?uploadId=1&partNumber=2", "#", "a#b",
        "..\\a", "C:\\a", "a;jsessionid=1", "a//b".replace("//", "/ /"), " a", "a ", "  ", "a/ /b",
        "${aws:username}", "*", "a*", "?", "a/*/b", "http://example.com".replace("//", "/-/"),
        "ü", "u\u0308", "Å", "A\u030a", "\u212b", "ß", "İ", "ı", "日本語", "\U0001f600",
        "\u202eabc", "\u200d", "\ufeffa", "\uff0e\uff0e", "\u2215", "\u2025", "\u00a0", "a\u0301",
        "\ud7ff", "\ue000", "\ufffd", "\U0010ffff", "dir/", "dir/sub/", "a/b/c/d/e/f/g/h",
        "index.html", "favicon.ico", "crossdomain.xml", "robots.txt", "bucket", "a|b", "'a'", '"a"',
        "<Key>a</Key>", "&amp;", "&#x2e;", "a,b", "aws-chunked", "x-amz-acl", "soap", "WEB-INF/a",
    ]
    keys += [f"{word}/{number}" for word in ("a+", "a%2B", "a ") for number in range(8)]
    return list(dict.fromkeys(keys))


def test_the_object_that_is_decided_is_the_object_that_is_touched(wide):
    bucket, s3, odd = make_bucket(wide), wide.s3(), odd_keys()
    _, nobody = create_user(wide.server)
    assert len(odd) > 300
    with Line(wide) as line:
        for key in odd:
            content, target = key.encode(), f"/{bucket}/{quote(key, safe='/~')}"
            with wide.unseen():
                reply = line.send(Signed(wide, "PUT", target, UNSIGNED, keys=nobody), content)
            # The name that was decided, word for word.
            assert (reply.status, reply.code) == (403, "AccessDenied"), (key, reply)
            assert f'on resource: "{arn(bucket, key)}" because' in reply.message
            reply = line.send(Signed(wide, "PUT", target, UNSIGNED), content)
            assert reply.status == 200, (key, reply)
    # Each object holds the name that it was written under.
    pages = wide.store.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    stored = {item["Key"]: item["ETag"] for page in pages for item in page["Contents"]}
    assert stored == {key: f'"{hashlib.md5(key.encode()).hexdigest()}"' for key in odd}
    for key in odd[::7]:
        assert read(s3.get_object(Bucket=bucket, Key=key)) == key
        s3.delete_object(Bucket=bucket, Key=key)
    assert sorted(wide.store.keys(bucket)) == sorted(set(odd) - set(odd[::7]))


def test_a_copy_is_of_the_object_that_was_decided(wide):
    """A `+` is a plus here; whoever reads it as a space gets it escaped."""
    bucket = make_bucket(wide, "a+b", "a b", "a%2Bb", "a#b", "a;b")
    _, keys = create_user(
        wide.server,
        statements=[
            allow("s3:GetObject", [arn(bucket, key) for key in ("a+b", "a#b", "a%2Bb")]),
            allow("s3:PutObject", arn(bucket, "copy")),
        ],
    )
    for source, key, written in (
        ("/{}/a+b", "a+b", "{}/a%2Bb"),
        ("{}/a%2Bb", "a+b", "{}/a%2Bb"),
        ("{}/a#b", "a#b", "{}/a%23b"),
        ("{}/%61%252Bb", "a%2Bb", "{}/a%252Bb"),
    ):
        headers = {"x-amz-copy-source": source.format(bucket)}
        with wide.seen() as seen:
            reply = Signed(wide, "PUT", f"/{bucket}/copy", headers=headers, keys=keys).send(wide)
        assert reply.status == 200, (source, reply)
        assert seen[0].header("x-amz-copy-source") == written.format(bucket)
        assert read(wide.store.s3.get_object(Bucket=bucket, Key="copy")) == key
    for source in ("{}/a%20b", "{}/a b", "{}/a;b"):
        headers = {"x-amz-copy-source": source.format(bucket)}
        with wide.unseen():
            reply = Signed(wide, "PUT", f"/{bucket}/copy", headers=headers, keys=keys).send(wide)
        assert (reply.status, reply.code) == (403, "AccessDenied"), (source, reply)


# Headers


def test_two_requests_in_the_bytes_of_one_are_not_served(gate, bucket):
    hidden = Signed(gate, "PUT", f"/{bucket}/ghost", UNSIGNED)
    inner = hidden.head(1) + b"x"
    outer = f"GET /{bucket}/a HTTP/1.1\r\nHost: x\r\n"
    chunked = "Transfer-Encoding: chunked\r\n"
    plain = f"Content-Length: {len(inner)}\r\n"
    frame = b"%x\r\n" % len(inner) + inner + b"\r\n0\r\n\r\n"
    for head, body in (
        # One reads the length, the other the chunks.
        (f"{outer}Content-Length: {len(inner) + 5}\r\n{chunked}", b"0\r\n\r\n" + inner),
        (f"{outer}Content-Length: 4\r\n{chunked}", frame),
        (f"{outer}{plain}Content-Length: 0\r\n", inner),
        (f"{outer}Content-Length: 0\r\n{plain}", inner),
        (f"{outer}Content-Length: 0, {len(inner)}\r\n", inner),
        (f"{outer}Content-Length: +0\r\n", inner),
        (f"{outer}Content-Length: 0x0\r\n", inner),
        (f"{outer}Content-Length: -1\r\n", inner),
        (f"{outer}Transfer-Encoding: chunked, identity\r\n{plain}", inner),
        (f"{outer}Transfer-Encoding : chunked\r\n{plain}", inner),
        (f"{outer}Transfer-Encoding: xchunked\r\n{plain}", inner),
        (f"{outer}X: y\r\n Transfer-Encoding: chunked\r\n{plain}", inner),
        (f"{outer}X: y\0\r\n{plain}", inner),
        (f"{outer}X\0: y\r\n{plain}", inner),
        (f"{outer}X y: z\r\n{plain}", inner),
        (f"{outer}: y\r\n{plain}", inner),
    ):
        with gate.unseen():
            replies = raw_all(gate, head.encode() + b"\r\n" + body)
        assert all(reply.status in (400, 403, 501) for reply in replies), (head, replies)
        assert len(replies) <= 1, (head, replies)
    assert "ghost" not in gate.store.keys(bucket)
    # The hidden one is good where it does not hide.
    own = make_bucket(gate)
    assert raw(gate, Signed(gate, "PUT", f"/{own}/ghost", UNSIGNED).head(1) + b"x").status == 200
    assert gate.store.keys(own) == ["ghost"]


def test_headers_that_are_folded_or_broken_are_refused(gate, bucket):
    good = Signed(gate, "GET", f"/{bucket}/a")
    head = good.head().decode()
    assert good.send(gate).status == 200
    authorization = f"Authorization: {good.headers['Authorization']}"
    assert authorization in head
    for bent in (
        authorization.replace(", SignedHeaders", ",\r\n SignedHeaders"),
        authorization.replace(", SignedHeaders", ",\n SignedHeaders"),
        authorization.replace(", SignedHeaders", ",\0 SignedHeaders"),
        authorization.replace("Authorization:", "Authorization :"),
        authorization + "\r\n" + authorization,
        authorization + "\r\nAUTHORIZATION: AWS4-HMAC-SHA256 x",
    ):
        with gate.unseen():
            replies = raw_all(gate, head.replace(authorization, bent).encode())
        assert all(reply.status in (400, 403) for reply in replies), (bent, replies)


@pytest.mark.parametrize("name", ["x-amz-date", "x-amz-content-sha256", "host"])
def test_a_header_that_matters_stands_once(gate, bucket, name):
    good = Signed(gate, "GET", f"/{bucket}/a")
    value = next(value for other, value in good.headers.items() if other.lower() == name)
    for twice in (f"{name}: {value}", f"{name.upper()}: other"):
        with gate.unseen():
            reply = good.send(gate, more=[twice])
        assert reply.status in (400, 403), reply


def test_what_belongs_to_a_connection_stays_on_it(gate):
    """`Connection` may name headers that others then take away: it takes none away here."""
    bucket = make_bucket(gate, "a")
    names = "close, authorization, x-amz-date, x-amz-content-sha256, x-amz-meta-a, content-length"
    headers = {"x-amz-meta-a": "1"}
    signed = Signed(gate, "PUT", f"/{bucket}/b", UNSIGNED, headers=headers)
    with gate.seen() as seen:
        more = [f"Connection: {names}", "Keep-Alive: 5", "TE: trailers", "Proxy-Connection: close"]
        assert signed.send(gate, b"content", more).status == 200
    (request,) = seen
    assert request.header("x-amz-meta-a") == "1" and request.body == b"content"
    passed = {name for name, _ in request.headers}
    assert not passed & {"connection", "keep-alive", "te", "proxy-connection", "upgrade"}
    # What a signature covers cannot be taken away by it either.
    signed = Signed(gate, "PUT", f"/{bucket}/c", UNSIGNED, headers=headers)
    del signed.headers["x-amz-meta-a"]
    with gate.unseen():
        reply = signed.send(gate, b"content", [f"Connection: {names}"])
    assert (reply.status, reply.code) == (403, "SignatureDoesNotMatch"), reply


def test_only_headers_of_s3_reach_the_store(gate):
    bucket = make_bucket(gate)
    signed = Signed(gate, "PUT", f"/{bucket}/a", UNSIGNED)
    more = [
        "Cookie: a=b", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Host: other", "Forwarded: for=x",
        "X-Original-URL: /other/secret", "X-Rewrite-URL: /other/secret", "X-HTTP-Method: DELETE",
        "X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE", "X-Minio-Extract: true",
        "X_Amz_Copy_Source: other/secret", "Proxy: http://192.0.2.1", "Origin: http://example.com",
        "Access-Control-Request-Method: PUT", "Via: 1.1 x", "X-Container-Meta: a", "Destination: b",
    ]
    with gate.seen() as seen:
        assert signed.send(gate, b"x", more).status == 200
    (request,) = seen
    passed = sorted({name for name, _ in request.headers})
    assert passed == [
        "authorization", "content-length", "host", "x-amz-content-sha256", "x-amz-date"
    ]
    text = str(request.headers)
    assert gate.admin.access_key_id not in text and gate.admin.secret_access_key not in text


def test_the_clients_token_does_not_reach_the_store(gate):
    bucket = make_bucket(gate, "a")
    keys = Keys.of(gate.server.sts().get_session_token())
    with gate.seen() as seen:
        assert Signed(gate, "GET", f"/{bucket}/a", keys=keys).send(gate).status == 200
    text = str(seen[0].headers)
    assert keys.session_token not in text and keys.access_key_id not in text
    stripped = Signed(gate, "GET", f"/{bucket}/a", keys=keys)
    del stripped.headers["X-Amz-Security-Token"]
    with gate.unseen():
        assert stripped.send(gate).status == 403


def test_a_header_with_another_spelling_makes_no_copy(gate):
    """For some stores `_` and `-` are the same in names."""
    bucket = make_bucket(gate, "secret")
    _, keys = create_user(gate.server, statements=[allow("s3:PutObject", arn(bucket, "mine"))])
    for name in ("x-amz-copy_source", "x-amz_copy-source", "x_amz_copy_source"):
        headers = {name: f"{bucket}/secret"}
        signed = Signed(gate, "PUT", f"/{bucket}/mine", UNSIGNED, headers=headers, keys=keys)
        with gate.seen() as seen:
            reply = signed.send(gate, b"own")
        assert reply.status == 200, reply
        assert not any("copy" in name for name, _ in seen[0].headers), seen[0].headers
        assert read(gate.store.s3.get_object(Bucket=bucket, Key="mine")) == "own"
    # Names of metadata are as they are.
    gate.s3(keys).put_object(Bucket=bucket, Key="mine", Body=b"x", Metadata={"a_b": "1"})
    assert gate.store.s3.head_object(Bucket=bucket, Key="mine")["Metadata"] == {"a_b": "1"}


def test_no_archive_is_unpacked_into_other_objects(gate, bucket):
    for name in ("x-amz-meta-snowball-auto-extract", "X-Amz-Meta-Snowball_Auto-Extract"):
        signed = Signed(gate, "PUT", f"/{bucket}/t.tar", UNSIGNED, headers={name: "true"})
        with gate.unseen():
            reply = signed.send(gate, b"x")
        assert (reply.status, reply.code) == (501, "NotImplemented"), reply


def test_a_forged_address_is_without_effect(gate):
    bucket = make_bucket(gate, "a", "b")
    far = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    secure = {"Bool": {"aws:SecureTransport": "true"}}
    _, keys = create_user(
        gate.server,
        statements=[
            allow("s3:GetObject", arn(bucket, "a"), Condition=far),
            allow("s3:GetObject", arn(bucket, "b"), Condition=secure),
        ],
    )
    for key in "ab":
        for more in (
            ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"],
            ["Forwarded: for=192.0.2.1;proto=https"],
            ["X-Real-IP: 192.0.2.1", "X-Client-IP: 192.0.2.1", "True-Client-IP: 192.0.2.1"],
            ["X-Amz-Source-Ip: 192.0.2.1"],
            ["aws:SourceIp: 192.0.2.1"],
            ["Front-End-Https: on", "X-Forwarded-Ssl: on"],
        ):
            with gate.unseen():
                replies = raw_all(gate, Signed(gate, "GET", f"/{bucket}/{key}", keys=keys).head(0, more))
            assert [reply.status for reply in replies] in ([403], [400]), (more, replies)


def test_who_waits_for_leave_to_send_hears_that_the_connection_ends(gate, bucket):
    """He may send his body or not: what came behind would be read as a request, or not."""
    expect = "Expect: 100-continue"
    refused = f"PUT /{bucket}/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n{expect}\r\n\r\n"
    empty = Signed(gate, "PUT", f"/{make_bucket(gate)}/empty", UNSIGNED).head(0, [expect])
    for head, status in ((refused.encode(), 403), (empty, 200)):
        (reply,) = raw_all(gate, head)
        assert (reply.status, reply.headers["connection"]) == (status, "close"), reply


# Bodies


def test_a_body_is_what_its_hash_says(gate):
    bucket = make_bucket(gate)
    good = Signed(gate, "PUT", f"/{bucket}/good", said_of(b"content"))
    assert good.send(gate, b"content").status == 200
    for said, body, status, code in (
        (said_of(b"content"), b"contenu", 400, "XAmzContentSHA256Mismatch"),
        (said_of(b"content"), b"", 400, "XAmzContentSHA256Mismatch"),
        (EMPTY_HASH, b"content", 400, "XAmzContentSHA256Mismatch"),
        (said_of(b"content").upper(), b"content", 400, "InvalidRequest"),
        ("0" * 63, b"content", 400, "InvalidRequest"),
        ("", b"content", 400, "InvalidRequest"),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", b"content", 400, "InvalidRequest"),
        ("unsigned-payload", b"content", 400, "InvalidRequest"),
    ):
        reply = Signed(gate, "PUT", f"/{bucket}/a", said).send(gate, body)
        assert (reply.status, reply.code) == (status, code), (said, reply)
    # What was said cannot be changed afterwards.
    for said in (UNSIGNED, said_of(b"contenu")):
        bent = Signed(gate, "PUT", f"/{bucket}/a", said_of(b"content"))
        bent.headers["X-Amz-Content-SHA256"] = said
        with gate.unseen():
            reply = bent.send(gate, b"contenu")
        assert (reply.status, reply.code) == (403, "SignatureDoesNotMatch"), reply
    assert gate.store.keys(bucket) == ["good"]


def test_a_wrong_hash_of_a_large_body_leaves_nothing(gate):
    bucket = make_bucket(gate)
    body = bytes(range(256)) * 4096
    with gate.seen() as seen:
        reply = Signed(gate, "PUT", f"/{bucket}/a", said_of(body)).send(gate, body[:-1] + b"x")
    assert (reply.status, reply.code) == (400, "XAmzContentSHA256Mismatch"), reply
    assert_cut_off(seen)
    assert gate.store.keys(bucket) == []
    assert Signed(gate, "PUT", f"/{bucket}/a", said_of(body)).send(gate, body).status == 200
    assert gate.store.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == body


def test_a_wrong_hash_of_a_bucket_policy_changes_nothing(gate):
    bucket = make_bucket(gate)
    public = document(grant(gate.account, "s3:GetObject", arn(bucket, "*"))).encode()
    with gate.unseen():
        reply = Signed(gate, "PUT", f"/{bucket}?policy=", EMPTY_HASH).send(gate, public)
    assert (reply.status, reply.code) == (400, "XAmzContentSHA256Mismatch"), reply
    with pytest.raises(ClientError) as caught:
        gate.s3().get_bucket_policy(Bucket=bucket)
    assert caught.value.response["Error"]["Code"] == "NoSuchBucketPolicy"


def assert_cut_off(seen):
    """The store may have heard of it, but not all of any body."""
    for request in seen:
        assert len(request.body) < int(request.header("content-length")), request


def test_a_body_that_ends_early_leaves_nothing(gate):
    bucket = make_bucket(gate)
    body = b"x" * 100_000
    for said in (UNSIGNED, said_of(body)):
        signed = Signed(gate, "PUT", f"/{bucket}/a", said)
        with gate.seen() as seen:
            replies = raw_all(gate, signed.head(len(body)) + body[:-1], shut=True)
        assert [reply.status for reply in replies] in ([], [400]), replies
        assert_cut_off(seen)
    assert gate.store.keys(bucket) == []


DATA = [b"a" * 9000, b"b" * 8192, b"c" * 10]
LENGTH = sum(map(len, DATA))
TRAILER = ("x-amz-checksum-crc32", "NhCmhg==")


def in_chunks(signed, data=DATA):
    """The parts of a body: chunks, and the last one."""
    return [signed.chunk(piece) for piece in data] + [signed.chunk(b"")]


def swapped(parts, one, other):
    parts = list(parts)
    parts[one], parts[other] = parts[other], parts[one]
    return parts


def forged(part):
    """The same chunk with the first digit of its signature changed."""
    head, _, rest = part.partition(b"chunk-signature=")
    digit = b"0" if rest[:1] != b"0" else b"1"
    return head + b"chunk-signature=" + digit + rest[1:]


BENT_CHUNKS = {
    "altered data": (lambda p: [p[0].replace(b"aa\r", b"ab\r"), *p[1:]], "SignatureDoesNotMatch"),
    "a forged signature": (lambda p: [p[0], forged(p[1]), *p[2:]], "SignatureDoesNotMatch"),
    "a forged last signature": (lambda p: [*p[:3], forged(p[3])], "SignatureDoesNotMatch"),
    "another order": (lambda p: swapped(p, 0, 1), "SignatureDoesNotMatch"),
    "one left out": (lambda p: [p[0], *p[2:]], "SignatureDoesNotMatch"),
    "one twice": (lambda p: [p[0], *p], "IncompleteBody"),
    "no last one": (lambda p: p[:3], "IncompleteBody"),
    "cut off": (lambda p: [*p[:2], p[2][:-5]], "IncompleteBody"),
    "only the last one": (lambda p: p[3:], "IncompleteBody"),
    "nothing": (lambda p: [], "IncompleteBody"),
    "something behind": (lambda p: [*p, b"x"], "InvalidRequest"),
    "another request behind": (lambda p: [*p, *p], "InvalidRequest"),
    "no signature": (lambda p: [b"2328\r\n", p[0].partition(b"\r\n")[2], *p[1:]], "InvalidRequest"),
    "another extension": (
        lambda p: [p[0].replace(b"chunk-signature", b"chunk-extension"), *p[1:]], "InvalidRequest"
    ),
    "a signature in capitals": (
        lambda p: [p[0].partition(b"\r\n")[0].upper() + b"\r\n", *p[1:]], "InvalidRequest"
    ),
    "a length with a sign": (lambda p: [b"+" + p[0], *p[1:]], "InvalidRequest"),
    "a length with 0x": (lambda p: [b"0x" + p[0], *p[1:]], "InvalidRequest"),
    "an overflowing length": (lambda p: [b"f" * 16 + p[0], *p[1:]], "InvalidRequest"),
    "bare line feeds": (lambda p: [part.replace(b"\r\n", b"\n") for part in p], "InvalidRequest"),
    "trailers that nobody announced": (
        lambda p: [*p[:3], p[3][:-2], b"x-amz-checksum-crc32:NhCmhg==\r\n\r\n"], "InvalidRequest"
    ),
}


def chunked(gate, bucket, said=CHUNKS, length=LENGTH, **more):
    """A signed request with a body in chunks."""
    headers = {"x-amz-decoded-content-length": str(length), "Content-Encoding": "aws-chunked", **more}
    return Signed(gate, "PUT", f"/{bucket}/a", said, headers=headers)


@pytest.fixture(scope="module")
def empty(gate):
    """A bucket that stays empty."""
    bucket = make_bucket(gate)
    yield bucket
    assert gate.store.keys(bucket) == []


def test_signed_chunks_are_stored_without_their_frames(gate):
    bucket = make_bucket(gate)
    signed = chunked(gate, bucket)
    with gate.seen() as seen:
        assert signed.send(gate, b"".join(in_chunks(signed))).status == 200
    assert seen[0].body == b"".join(DATA)
    assert seen[0].header("content-encoding") is None
    assert seen[0].header("x-amz-decoded-content-length") is None
    assert gate.store.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"".join(DATA)


@pytest.mark.parametrize("name", BENT_CHUNKS)
def test_bent_chunks_are_not_stored(gate, empty, name):
    bend, code = BENT_CHUNKS[name]
    signed = chunked(gate, empty)
    with gate.seen() as seen:
        reply = signed.send(gate, b"".join(bend(in_chunks(signed))))
    assert reply.code == code and reply.status == (403 if "Signature" in code else 400), reply
    assert_cut_off(seen)
    assert gate.store.keys(empty) == []


@pytest.mark.parametrize("length", [LENGTH - 1, LENGTH + 1, 1 << 62])
def test_chunks_are_as_long_as_they_say(gate, empty, length):
    signed = chunked(gate, empty, length=length)
    reply = signed.send(gate, b"".join(in_chunks(signed)))
    assert (reply.status, reply.code) == (400, "IncompleteBody"), reply
    assert gate.store.keys(empty) == []


@pytest.mark.parametrize("said", [CHUNKS, CHUNKS_WITH_TRAILER, UNSIGNED_CHUNKS])
def test_chunks_of_nothing_are_proven_too(gate, said):
    bucket = make_bucket(gate)
    bent = chunked(gate, bucket, said, 0)
    for body in (b"x" * 100, b"5\r\nhello\r\n0\r\n\r\n", b"x" * 100_000, b"", b"0\r\n"):
        with gate.unseen():
            assert bent.send(gate, body).status == 400, body[:9]
    if said == CHUNKS:
        with gate.unseen():
            reply = bent.send(gate, forged(bent.chunk(b"")))
        assert (reply.status, reply.code) == (403, "SignatureDoesNotMatch"), reply
        good = chunked(gate, bucket, said, 0)
        assert good.send(gate, good.chunk(b"")).status == 200
        assert gate.store.keys(bucket) == ["a"]


@pytest.mark.parametrize("length", ["", "-1", "+5", "0x5", "5 5", "1e3", str(1 << 64)])
def test_a_length_of_chunks_is_a_number(gate, empty, length):
    signed = chunked(gate, empty, length=length)
    with gate.unseen():
        reply = signed.send(gate, b"".join(in_chunks(signed)))
    assert (reply.status, reply.code) == (400, "InvalidRequest"), reply


def with_trailer(signed):
    """The parts of a body with a signed trailer."""
    return [*(signed.chunk(piece) for piece in DATA), signed.last_chunk(), signed.trailer(*TRAILER)]


BENT_TRAILERS = {
    "another value": (lambda t: t.replace(b"NhCmhg==", b"NhCmhQ=="), "SignatureDoesNotMatch"),
    "another name": (lambda t: t.replace(b"crc32", b"sha1"), "SignatureDoesNotMatch"),
    "no signature": (lambda t: t.partition(b"x-amz-trailer")[0] + b"\r\n", "SignatureDoesNotMatch"),
    "no trailer": (lambda t: b"\r\n", "SignatureDoesNotMatch"),
    "a forged signature": (
        lambda t: t.replace(b"signature:", b"signature:00")[:-6] + b"\r\n\r\n",
        "SignatureDoesNotMatch",
    ),
    "a further trailer": (lambda t: b"x-amz-meta-a:1\r\n" + t, "SignatureDoesNotMatch"),
    "a trailer twice": (lambda t: b"x-amz-checksum-crc32:NhCmhg==\r\n" + t, "InvalidRequest"),
    "something behind": (lambda t: t + b"x", "InvalidRequest"),
    "no end": (lambda t: t[:-2], "IncompleteBody"),
    "no colon": (lambda t: t.replace(b"crc32:", b"crc32 "), "InvalidRequest"),
}


def test_a_signed_trailer_is_taken(gate):
    bucket = make_bucket(gate)
    signed = chunked(gate, bucket, CHUNKS_WITH_TRAILER, **{"x-amz-trailer": TRAILER[0]})
    body = b"".join(with_trailer(signed))
    # The checksum is not that of the body: a store that is told of it says so, and keeps nothing.
    assert signed.send(gate, body).status in (200, 400)


@pytest.mark.parametrize("name", BENT_TRAILERS)
def test_bent_trailers_are_not_taken(gate, empty, name):
    bend, code = BENT_TRAILERS[name]
    signed = chunked(gate, empty, CHUNKS_WITH_TRAILER, **{"x-amz-trailer": TRAILER[0]})
    *chunks, trailer = with_trailer(signed)
    reply = signed.send(gate, b"".join([*chunks, bend(trailer)]))
    assert reply.code == code, reply
    assert gate.store.keys(empty) == []


def test_unsigned_chunks_keep_to_their_frames(gate, empty):
    for body in (
        b"5\r\nhello\r\n0\r\n",
        b"5\r\nhello\r\n",
        b"5\r\nhell\r\n0\r\n\r\n",
        b"4\r\nhello\r\n0\r\n\r\n",
        b"5;chunk-signature=" + b"0" * 64 + b"\r\nhello\r\n0\r\n\r\n",
        b"hello",
        b"5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ):
        reply = chunked(gate, empty, UNSIGNED_CHUNKS, 5).send(gate, body)
        assert reply.status == 400 and reply.code in ("IncompleteBody", "InvalidRequest"), reply
    assert gate.store.keys(empty) == []


def test_chunks_that_nobody_signed_are_refused(gate, empty):
    gate.s3().delete_public_access_block(Bucket=empty)
    public = document(grant("*", "s3:PutObject", arn(empty, "*")))
    gate.s3().put_bucket_policy(Bucket=empty, Policy=public)
    for said in (UNSIGNED_CHUNKS, CHUNKS, CHUNKS_WITH_TRAILER):
        body = b"5\r\nhello\r\n0\r\n\r\n"
        head = (
            f"PUT /{empty}/a HTTP/1.1\r\nHost: x\r\nx-amz-content-sha256: {said}\r\n"
            f"x-amz-decoded-content-length: 5\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with gate.unseen():
            reply = raw(gate, head.encode() + body)
        assert (reply.status, reply.code) == (400, "InvalidRequest"), reply
    gate.s3().delete_bucket_policy(Bucket=empty)


@pytest.mark.parametrize(
    "body",
    [
        "<Delete><Object><Key>a<!-- x --></Key></Object></Delete>",
        "<Delete><Object><Key>a</Key><Key>secret</Key></Object></Delete>",
        "<Delete><Object><Key>a</Key><s:Key xmlns:s='x'>secret</s:Key></Object></Delete>",
        "<Delete><Object><Key><![CDATA[secret]]></Key></Object></Delete>",
        "<!DOCTYPE d [<!ENTITY e 'secret'>]><Delete><Object><Key>&e;</Key></Object></Delete>",
        "<Delete><Object><Key>&#1;</Key></Object></Delete>",
        "<Delete><Object><Key>a</Key></Object></Delete><Delete/>",
        "<Delete>" + "<Object><Key>a</Key></Object>" * 1001 + "</Delete>",
        "<Delete></Delete>",
        "",
    ],
)
def test_a_batch_that_could_be_read_in_two_ways_is_refused(gate, bucket, body):
    body = body.encode()
    with gate.unseen():
        reply = Signed(gate, "POST", f"/{bucket}?delete=", said_of(body)).send(gate, body)
    assert (reply.status, reply.code) == (400, "MalformedXML"), reply


# Signatures


def test_a_signature_is_of_one_request(gate, bucket):
    other = make_bucket(gate, "a")
    good = Signed(gate, "GET", f"/{bucket}/a")
    assert good.send(gate).status == 200
    for method, target in (
        ("HEAD", f"/{bucket}/a"),
        ("DELETE", f"/{bucket}/a"),
        ("PUT", f"/{bucket}/a"),
        ("GET", f"/{bucket}/secret"),
        ("GET", f"/{other}/a"),
        ("GET", f"/{bucket}/a?acl="),
        ("GET", f"/{bucket}/a?versionId=1"),
        ("GET", f"/{bucket}"),
    ):
        bent = Signed(gate, "GET", f"/{bucket}/a")
        bent.method, bent.target = method, target
        with gate.unseen():
            reply = raw(gate, bent.head(), method)
        assert reply.status == 403, (method, target, reply)
        assert method == "HEAD" or reply.code == "SignatureDoesNotMatch", reply
    for keys, code in (
        (Keys(gate.admin.access_key_id, "x" * 40), "SignatureDoesNotMatch"),
        (Keys("AKIAIOSFODNN7EXAMPLE", "x" * 40), "InvalidAccessKeyId"),
        (Keys(gate.admin.access_key_id, gate.admin.secret_access_key, "token"), "InvalidToken"),
    ):
        with gate.unseen():
            reply = Signed(gate, "GET", f"/{bucket}/a", keys=keys).send(gate)
        assert reply.code == code, reply


def test_a_header_that_is_not_signed_is_refused(gate, bucket):
    for more in ("x-amz-meta-a: 1", "x-amz-tagging: a=b", "x-amz-copy-source: /x/y", "x-amz-acl: private"):
        with gate.unseen():
            reply = Signed(gate, "PUT", f"/{bucket}/new", UNSIGNED).send(gate, b"x", [more])
        assert reply.status == 403, (more, reply)


def presigned_target(gate, bucket, operation="get_object", **more):
    s3 = gate.s3(signature_version="s3v4")
    url = s3.generate_presigned_url(
        operation, Params={"Bucket": bucket, "Key": "a", **more}, ExpiresIn=600
    )
    return url.removeprefix(gate.endpoint.rstrip("/"))


def plain(gate, method, target, *more):
    """An unsigned request, or one that is signed in its query."""
    host = "{}:{}".format(*gate.host_and_port)
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *more, "", ""]
    return raw(gate, "\r\n".join(lines).encode(), method)


def test_a_presigned_request_is_good_as_it_was_signed(gate, bucket):
    target = presigned_target(gate, bucket)
    assert plain(gate, "GET", target).status == 200
    credential = f"{gate.admin.access_key_id}%2F"
    assert credential in target
    mismatch, malformed = "SignatureDoesNotMatch", "AuthorizationQueryParametersError"
    for bent, code in (
        (target.replace("/a?", "/secret?"), mismatch),
        (target.replace(f"/{bucket}/", f"/{bucket}/dir/"), mismatch),
        (target.replace("Expires=600", "Expires=6000"), mismatch),
        (target.replace("Expires=600", "Expires=604801"), malformed),
        (target.replace("Expires=600", "Expires=-1"), malformed),
        (target.replace("Expires=600", "Expires=18446744073709551617"), malformed),
        (target.replace("Expires=600", "Expires="), malformed),
        (target.replace("&X-Amz-Expires=600", ""), mismatch),
        (target.replace("SignedHeaders=host", "SignedHeaders="), malformed),
        (target.replace("SignedHeaders=host", "SignedHeaders=date"), mismatch),
        (target.replace(credential, "AKIAIOSFODNN7EXAMPLE%2F"), "InvalidAccessKeyId"),
        (target[:-1] + ("0" if target[-1] != "0" else "1"), mismatch),
        (target + "&versionId=1", mismatch),
        (target + "&response-content-type=text%2Fhtml", mismatch),
        (target.replace("%2Fs3%2F", "%2Fiam%2F"), malformed),
        (target.replace("HMAC-SHA256", "HMAC-SHA1"), malformed),
    ):
        assert bent != target
        with gate.unseen():
            reply = plain(gate, "GET", bent)
        assert (reply.code, reply.status in (400, 403)) == (code, True), bent.partition("Date=")[2]
    with gate.unseen():
        reply = plain(gate, "GET", target + "&X-Amz-Expires=600")
    assert reply.status == 400, reply
    for method in ("PUT", "DELETE", "HEAD", "POST"):
        with gate.unseen():
            assert plain(gate, method, target, "Content-Length: 0").status in (403, 501), method
    for more in ("x-amz-meta-a: 1", "x-amz-security-token: x", "x-amz-date: 20260101T000000Z"):
        with gate.unseen():
            assert plain(gate, "GET", target, more).status in (400, 403), more


def test_a_presigned_request_keeps_its_signed_headers(gate, bucket):
    target = presigned_target(gate, bucket, "put_object", Metadata={"team": "red"})
    assert "x-amz-meta-team" in target
    for more in ((), ("x-amz-meta-team: blue",), ("x-amz-meta-team: red", "x-amz-meta-team: red")):
        with gate.unseen():
            reply = plain(gate, "PUT", target, *more, "Content-Length: 0")
        assert reply.status in (400, 403), (more, reply)


def test_two_kinds_of_authentication_at_once_are_refused(gate, bucket):
    target = presigned_target(gate, bucket)
    header = Signed(gate, "GET", target).headers
    lines = [f"{name}: {value}" for name, value in header.items() if name != "Host"]
    with gate.unseen():
        reply = plain(gate, "GET", target, *lines)
    assert reply.status == 400, reply
    for query in ("AWSAccessKeyId=x&Signature=y&Expires=1", "Signature=y", "AWSAccessKeyId=x"):
        with gate.unseen():
            reply = Signed(gate, "GET", f"/{bucket}/a?{query}").send(gate)
        assert reply.status in (400, 501), (query, reply)
        with gate.unseen():
            reply = plain(gate, "GET", f"{target}&{query}")
        assert reply.status in (400, 403, 501), (query, reply)


def test_other_ways_to_authenticate_are_refused(gate, bucket):
    key = gate.admin.access_key_id
    for authorization in (
        f"AWS {key}:frJIUN8DYpKDtOLCwo//yllqDzg=",
        "Basic YTpi",
        "Bearer token",
        "AWS4-ECDSA-P256-SHA256 Credential=x",
        "AWS4-HMAC-SHA256",
        "",
    ):
        with gate.unseen():
            reply = plain(gate, "GET", f"/{bucket}/a", f"Authorization: {authorization}")
        assert reply.status == 400, (authorization, reply)
    version_2 = f"AWSAccessKeyId={key}&Expires=9999999999&Signature=x%3D"
    with gate.unseen():
        reply = plain(gate, "GET", f"/{bucket}/a?{version_2}")
    assert (reply.status, reply.code) == (400, "InvalidRequest"), reply
    for query in ("X-Amz-Signature=x", "x-amz-signature=x", "X%2DAmz-Algorithm=AWS4-HMAC-SHA256"):
        with gate.unseen():
            assert plain(gate, "GET", f"/{bucket}/a?{query}").status in (400, 403, 501), query


# Operations


UNKNOWN = {
    ("GET", "/{bucket}/a?foo=bar"): 501,
    ("GET", "/{bucket}/a?acl=&tagging="): 501,
    ("GET", "/{bucket}/a?ACL="): 501,
    ("GET", "/{bucket}/a?acl=x"): 501,
    ("GET", "/{bucket}?list-type=3"): 501,
    ("GET", "/{bucket}?policy=&versions="): 501,
    ("GET", "/{bucket}?session="): 501,
    ("GET", "/{bucket}?prefix=a&Prefix=b"): 400,
    ("GET", "/{bucket}?prefix=a&prefix=b"): 400,
    ("GET", "/{bucket}?prefix=a+b"): 400,
    ("GET", "/{bucket}?prefix=%FF"): 400,
    ("GET", "/{bucket}?prefix=%zz"): 400,
    ("GET", "/{bucket}?" + "&".join(f"p{number}=" for number in range(65))): 400,
    ("GET", "/?Action=ListUsers"): 501,
    ("GET", "/minio/admin/v3/info"): 404,
    ("GET", "/{bucket}/a?X-Amz-Acl=public-read"): 501,
    ("PUT", "/{bucket}/new?uploadId=1"): 501,
    ("PUT", "/{bucket}/new?partNumber=1"): 501,
    ("PUT", "/{bucket}/new?renameObject="): 501,
    ("PUT", "/{bucket}/new?append=&position=0"): 501,
    ("PUT", "/{bucket}?unknown="): 501,
    ("DELETE", "/{bucket}?unknown="): 501,
    ("DELETE", "/{bucket}/a?unknown="): 501,
    ("DELETE", "/"): 405,
    ("POST", "/{bucket}/a"): 501,
    ("POST", "/{bucket}/a?delete="): 501,
    ("PATCH", "/{bucket}/a"): 405,
    ("PROPFIND", "/{bucket}"): 405,
    ("MOVE", "/{bucket}/a"): 405,
    ("COPY", "/{bucket}/a"): 405,
    ("TRACE", "/{bucket}/a"): 405,
    ("get", "/{bucket}/a"): 405,
}


@pytest.mark.parametrize(("method", "target"), UNKNOWN)
def test_what_is_no_operation_is_refused(gate, bucket, method, target):
    status, target = UNKNOWN[method, target], target.format(bucket=bucket)
    with gate.unseen():
        reply = Signed(gate, method, target).send(gate)
    assert reply.status in (status, 400), reply
    assert reply.code in ("NotImplemented", "MethodNotAllowed", "InvalidURI", "NoSuchBucket",
                          "InvalidRequest", "AuthorizationQueryParametersError"), reply


def test_nothing_was_changed_by_all_of_this(gate, bucket):
    assert gate.store.keys(bucket) == ["a", "dir/b", "secret"]
    for key in ("a", "dir/b", "secret"):
        assert read(gate.store.s3.get_object(Bucket=bucket, Key=key)) == key
    assert "panicked" not in gate.server.log_text()
