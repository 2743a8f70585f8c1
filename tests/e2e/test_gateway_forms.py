"""Forms that upload a file through the gateway: what a policy lets pass, beside the nearest that it
does not."""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import pytest
import requests
from http_2 import Http2
from iamd import (
    REGION,
    Keys,
    allow,
    create_user,
    deny,
    document,
    program,
    run,
    trust,
    unique,
)
from s3_wire import Signed, raw
from store import arn, gateway, grant, make_bucket, read

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
MEBIBYTE = 1024 * 1024
# A form of this size is handed on as it comes.
LONG = 9 * MEBIBYTE


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """A gateway in front of a store that verifies signatures."""
    with gateway(tmp_path_factory.mktemp("forms"), "files", "--gateway-domain", "s3.test") as gate:
        yield gate


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A gateway in front of a store that knows tags, versions and more."""
    with gateway(tmp_path_factory.mktemp("wide"), "moto") as gate:
        yield gate


@pytest.fixture(scope="module")
def bucket(gate):
    return make_bucket(gate)


def part(name, value, more="", head=""):
    """A field as it goes over the wire."""
    value = value if isinstance(value, bytes) else value.encode()
    lines = f'Content-Disposition: form-data; name="{name}"{more}\r\n{head}\r\n'
    return f"--{BOUNDARY}\r\n{lines}".encode() + value + b"\r\n"


def file_part(content, name="cat.jpg"):
    return part("file", content, f'; filename="{name}"', "Content-Type: image/jpeg\r\n")


def body_of(fields, content=b"content", name="cat.jpg", after=(), end="--\r\n"):
    """A form: its fields, and its file behind them."""
    pairs = fields.items() if isinstance(fields, dict) else fields
    parts = [part(*pair) for pair in pairs]
    parts += [file_part(content, name)] if content is not None else []
    return b"".join([*parts, *after, f"--{BOUNDARY}{end}".encode()])


def send(gate, bucket, body, target=None, more=(), host=None, boundary=BOUNDARY):
    """Uploads a form; gives the answer."""
    address, port = gate.host_and_port
    lines = [
        f"POST {target or f'/{bucket}'} HTTP/1.1",
        f"Host: {host or address}:{port}",
        f"Content-Type: multipart/form-data; boundary={boundary}",
        f"Content-Length: {len(body)}",
        *more,
    ]
    return raw(gate, "\r\n".join([*lines, "", ""]).encode() + body, method="POST")


def signed(keys, conditions, expires=600, date=None, service="s3", region=REGION):
    """The fields of a policy and its signature. `conditions` are the author's; those of the
    signature's own fields come on top."""
    now = date or datetime.datetime.now(datetime.UTC)
    time_text, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    fields = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"{keys.access_key_id}/{day}/{region}/{service}/aws4_request",
        "x-amz-date": time_text,
        **({"x-amz-security-token": keys.session_token} if keys.session_token else {}),
    }
    expiration = now + datetime.timedelta(seconds=expires)
    policy = {
        "expiration": expiration.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "conditions": [*conditions, *({name: value} for name, value in fields.items())],
    }
    fields["policy"] = base64.b64encode(json.dumps(policy).encode()).decode()
    key = f"AWS4{keys.secret_access_key}".encode()
    for text in (day, region, service, "aws4_request"):
        key = hmac.new(key, text.encode(), hashlib.sha256).digest()
    text = fields["policy"].encode()
    return {**fields, "x-amz-signature": hmac.new(key, text, hashlib.sha256).hexdigest()}


def upload(gate, bucket, fields, conditions=(), keys=None, content=b"content", **more):
    """Uploads a form whose policy names the bucket and lets every key pass."""
    conditions = [{"bucket": bucket}, ["starts-with", "$key", ""], *conditions]
    of_policy = signed(keys or gate.admin, conditions)
    return send(gate, bucket, body_of({**of_policy, **fields}, content, **more))


def refused(reply, code, message=None, status=None):
    """The answer is this refusal."""
    assert reply.code == code, reply
    assert status is None or reply.status == status, reply
    assert message is None or message in reply.message, reply


def stored(gate, bucket, key):
    return read(gate.store.s3.get_object(Bucket=bucket, Key=key))


# What is allowed, and the nearest that is not


def test_a_presigned_post_of_boto3_uploads_a_file(gate, bucket):
    post = gate.s3().generate_presigned_post(
        bucket, "in/${filename}", Fields={"x-amz-meta-a": "1"},
        Conditions=[{"x-amz-meta-a": "1"}, ["content-length-range", 1, 100]],
    )
    with gate.seen() as seen:
        answer = requests.post(
            post["url"], data=post["fields"], files={"file": ("cat.jpg", b"hello")}, timeout=30
        )
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["location"] == f"{gate.endpoint}/{bucket}/in/cat.jpg"
    assert answer.headers["etag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    # The store got a plain PutObject, and nothing of the form.
    [put] = seen
    assert (put.method, put.target, put.body) == ("PUT", f"/{bucket}/in/cat.jpg", b"hello")
    assert put.header("content-length") == "5"
    assert put.header("x-amz-meta-a") == "1"
    assert put.header("content-type") is None
    assert "AWS4-HMAC-SHA256 Credential=STOREKEY" in put.header("authorization")
    assert not {"policy", "x-amz-signature", "x-amz-security-token"} & dict(put.headers).keys()
    assert stored(gate, bucket, "in/cat.jpg") == "hello"


def test_a_form_is_allowed_what_put_object_would_be(gate, bucket):
    _, keys = create_user(gate.server, statements=[allow("s3:PutObject", arn(bucket, "own/*"))])
    assert upload(gate, bucket, {"key": "own/a"}, keys=keys).status == 204
    with gate.unseen():
        refused(upload(gate, bucket, {"key": "other/a"}, keys=keys), "AccessDenied",
                "is not authorized to perform: s3:PutObject on resource", 403)
    # The name of the file cannot lead out of the folder.
    with gate.unseen():
        refused(upload(gate, bucket, {"key": "own/${filename}"}, keys=keys, name=".."), "InvalidURI")
    _, other = create_user(gate.server, statements=[allow("s3:GetObject", arn(bucket, "*"))])
    with gate.unseen():
        refused(upload(gate, bucket, {"key": "own/a"}, keys=other), "AccessDenied", status=403)
    with gate.unseen():
        refused(upload(gate, unique("nothing"), {"key": "a"}), "NoSuchBucket", status=404)


def test_the_decision_is_made_when_the_form_comes(gate, bucket):
    user, keys = create_user(gate.server, statements=[allow("s3:PutObject", arn(bucket, "*"))])
    fields = signed(keys, [{"bucket": bucket}, {"key": "late"}])
    body = body_of({**fields, "key": "late"})
    assert send(gate, bucket, body).status == 204
    iam, name = gate.server.iam(), user["UserName"]
    iam.update_access_key(UserName=name, AccessKeyId=keys.access_key_id, Status="Inactive")
    with gate.unseen():
        refused(send(gate, bucket, body), "InvalidAccessKeyId", status=403)
    iam.update_access_key(UserName=name, AccessKeyId=keys.access_key_id, Status="Active")
    iam.put_user_policy(
        UserName=name, PolicyName="deny", PolicyDocument=document(deny("s3:PutObject", "*"))
    )
    with gate.unseen():
        refused(send(gate, bucket, body), "AccessDenied", "explicit deny", 403)


def test_condition_keys_say_how_a_form_was_signed(gate, bucket):
    def user(conditions):
        statement = allow("s3:PutObject", arn(bucket, "*"), Condition=conditions)
        return create_user(gate.server, statements=[statement])[1]

    post = user({
        "StringEquals": {"s3:authType": "POST", "s3:signatureversion": "AWS4-HMAC-SHA256"},
        "NumericLessThan": {"s3:signatureAge": "600000"},
    })
    assert upload(gate, bucket, {"key": "a"}, keys=post).status == 204
    with gate.unseen():
        reply = Signed(gate, "PUT", f"/{bucket}/a", keys=post).send(gate)
        refused(reply, "AccessDenied")
    old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=700)
    fields = signed(post, [{"bucket": bucket}, {"key": "a"}], 3600, old)
    with gate.unseen():
        refused(send(gate, bucket, body_of({**fields, "key": "a"})), "AccessDenied")
    header = user({"StringEquals": {"s3:authType": "REST-HEADER"}})
    with gate.unseen():
        refused(upload(gate, bucket, {"key": "a"}, keys=header), "AccessDenied")
    cold = user({"StringEquals": {"s3:x-amz-storage-class": "GLACIER"}})
    fields = {"key": "a", "x-amz-storage-class": "STANDARD"}
    with gate.unseen():
        conditions = [["starts-with", "$x-amz-storage-class", ""]]
        refused(upload(gate, bucket, fields, conditions, cold), "AccessDenied")


def test_temporary_credentials_upload_until_they_end(gate, bucket):
    iam, name = gate.server.iam(), unique("role")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": gate.account}))
    statement = allow("s3:PutObject", arn(bucket, "*"))
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(statement))
    session = gate.server.sts().assume_role(
        RoleArn=role["Role"]["Arn"], RoleSessionName="form", DurationSeconds=900
    )
    keys = Keys.of(session)
    assert upload(gate, bucket, {"key": "s"}, keys=keys).status == 204
    for token, code in ((keys.session_token[:-1], "InvalidToken"), ("", "InvalidToken")):
        bent = Keys(keys.access_key_id, keys.secret_access_key, token)
        with gate.unseen():
            refused(upload(gate, bucket, {"key": "s"}, keys=bent), "InvalidAccessKeyId"
                    if not token else code)


def test_a_form_without_a_signature_needs_the_policy_of_the_bucket(gate):
    bucket, s3 = make_bucket(gate), gate.s3()
    body = body_of({"key": "drop/a"})
    with gate.unseen():
        refused(send(gate, bucket, body), "AccessDenied", "Access Denied", 403)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(
        Bucket=bucket, Policy=document(grant("*", "s3:PutObject", arn(bucket, "drop/*")))
    )
    assert send(gate, bucket, body).status == 204
    assert stored(gate, bucket, "drop/a") == "content"
    with gate.unseen():
        refused(send(gate, bucket, body_of({"key": "other/a"})), "AccessDenied", status=403)
    with gate.unseen():
        xml = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
        refused(send(gate, bucket, body_of({"key": "drop/a", "tagging": xml})), "AccessDenied")


# The policy


def test_every_condition_must_hold_and_every_field_be_named(gate, bucket):
    denied = "Invalid according to Policy: "
    for conditions, fields, message in (
        ([{"key": "a"}], {"key": "a"}, None),
        ([["eq", "$key", "a"]], {"key": "a"}, None),
        ([{"key": "a"}], {"key": "b"}, 'Policy Condition failed: ["eq", "$key", "a"]'),
        ([["starts-with", "$key", "in/"]], {"key": "in/${filename}"}, None),
        ([["starts-with", "$key", "in/"]], {"key": "out/a"}, "Policy Condition failed"),
        ([["starts-with", "$key", "in/"]], {"key": "In/a"}, "Policy Condition failed"),
        ([{"key": "a"}], {"key": "a", "x-amz-meta-b": "c"}, "Extra input fields: x-amz-meta-b"),
        ([{"key": "a"}], {"key": "a", "x-ignore-b": "c"}, None),
        ([{"key": "a"}], {"key": "a", "success_action_status": "201"}, "Extra input fields"),
        ([{"key": "a"}, {"acl": "private"}], {"key": "a"}, "Policy Condition failed"),
        ([["starts-with", "$key", "b"]], {"key": "${filename}"}, "Policy Condition failed"),
    ):
        of_policy = signed(gate.admin, [{"bucket": bucket}, *conditions])
        body = body_of({**of_policy, **fields})
        if message is None:
            assert send(gate, bucket, body).status == 204, fields
            continue
        with gate.unseen():
            refused(send(gate, bucket, body), "AccessDenied", denied + message, 403)


def test_a_policy_is_for_one_bucket(gate, bucket):
    other = make_bucket(gate)
    fields = {**signed(gate.admin, [{"bucket": bucket}, {"key": "a"}]), "key": "a"}
    assert send(gate, bucket, body_of(fields)).status == 204
    for body in (body_of(fields), body_of({**fields, "bucket": bucket})):
        with gate.unseen():
            refused(send(gate, other, body), "AccessDenied", "Policy Condition failed", 403)
    nameless = {**signed(gate.admin, [{"key": "a"}]), "key": "a"}
    with gate.unseen():
        refused(send(gate, bucket, body_of(nameless)), "AccessDenied", "Extra input fields: bucket")


def test_a_policy_ends(gate, bucket):
    now = datetime.datetime.now(datetime.UTC)
    conditions, key = [{"bucket": bucket}, {"key": "a"}], {"key": "a"}

    def sent(**when):
        return send(gate, bucket, body_of({**signed(gate.admin, conditions, **when), **key}))

    assert sent(expires=30).status == 204
    with gate.unseen():
        refused(sent(expires=0), "AccessDenied", "Invalid according to Policy: Policy expired.", 403)
    week = datetime.timedelta(days=7)
    assert sent(date=now - week + datetime.timedelta(minutes=1), expires=10**6).status == 204
    with gate.unseen():
        refused(sent(date=now - week - datetime.timedelta(minutes=1), expires=10**6),
                "AccessDenied", "Request has expired", 403)
    with gate.unseen():
        refused(sent(date=now + datetime.timedelta(minutes=16)), "RequestTimeTooSkewed", status=403)


def test_what_is_signed_cannot_be_altered(gate, bucket):
    fields = {**signed(gate.admin, [{"bucket": bucket}, {"key": "a"}]), "key": "a"}
    assert send(gate, bucket, body_of(fields)).status == 204
    wider = base64.b64encode(
        base64.b64decode(fields["policy"]).replace(b'{"key": "a"}', b'["starts-with","$key",""]')
    ).decode()
    first = fields["x-amz-signature"][0]
    signature = ("1" if first == "0" else "0") + fields["x-amz-signature"][1:]
    stranger = Keys(gate.admin.access_key_id, "not the secret")
    forged = {**signed(stranger, [{"bucket": bucket}, {"key": "a"}]), "key": "a"}
    for bent in (
        {**fields, "policy": wider},
        {**fields, "policy": fields["policy"] + "="},
        {**fields, "policy": fields["policy"] + "\r\n"},
        {**fields, "x-amz-signature": signature},
        forged,
    ):
        with gate.unseen():
            refused(send(gate, bucket, body_of(bent)), "SignatureDoesNotMatch", status=403)
    other = {**fields, "x-amz-credential": fields["x-amz-credential"].replace("AKIA", "AKIB")}
    with gate.unseen():
        refused(send(gate, bucket, body_of(other)), "InvalidAccessKeyId", status=403)
    for service in ("iam", "sts", "s3-object-lambda"):
        wrong = {**signed(gate.admin, [{"bucket": bucket}, {"key": "a"}], service=service), "key": "a"}
        with gate.unseen():
            refused(send(gate, bucket, body_of(wrong)), "InvalidArgument")


def test_half_a_signature_is_none(gate, bucket):
    fields = {**signed(gate.admin, [{"bucket": bucket}, {"key": "a"}]), "key": "a"}
    for name in ("policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"):
        less = {other: value for other, value in fields.items() if other != name}
        with gate.unseen():
            refused(send(gate, bucket, body_of(less)), "InvalidArgument",
                    f"Bucket POST must contain a field named '{name}'", 400)
    with gate.unseen():
        old = {**fields, "AWSAccessKeyId": gate.admin.access_key_id, "signature": "a"}
        refused(send(gate, bucket, body_of(old)), "InvalidRequest", "AWS4-HMAC-SHA256", 400)
    with gate.unseen():
        more = ["Authorization: AWS4-HMAC-SHA256 Credential=a"]
        refused(send(gate, bucket, body_of(fields), more=more), "InvalidArgument", status=400)
    algorithm = {**fields, "x-amz-algorithm": "AWS4-ECDSA-P256-SHA256"}
    with gate.unseen():
        refused(send(gate, bucket, body_of(algorithm)), "InvalidArgument", status=400)


def test_a_policy_that_is_none_is_refused(gate, bucket):
    for conditions in (
        [["eq", "key", "a"]], [["ends-with", "$key", "a"]], [{"key": "a", "acl": "b"}], [[]], ["a"],
    ):
        fields = {**signed(gate.admin, [{"bucket": bucket}, *conditions]), "key": "a"}
        with gate.unseen():
            refused(send(gate, bucket, body_of(fields)), "InvalidPolicyDocument", "Invalid Policy", 400)


def test_the_length_of_the_file_is_bounded(gate, bucket):
    def sent(low, high, length):
        return upload(
            gate, bucket, {"key": "long"}, [["content-length-range", low, high]],
            content=b"x" * length,
        )

    assert sent(3, 5, 3).status == 204
    assert sent(3, 5, 5).status == 204
    with gate.unseen():
        refused(sent(3, 5, 2), "EntityTooSmall", status=400)
    with gate.unseen():
        refused(sent(3, 5, 6), "EntityTooLarge", status=400)
    assert sent(LONG, LONG, LONG).status == 204
    with gate.unseen():
        refused(sent(0, LONG - 1, LONG), "EntityTooLarge", status=400)
    with gate.unseen():
        refused(sent(LONG + 1, 10 * LONG, LONG), "EntityTooSmall", status=400)


# What becomes of the fields


def test_fields_are_the_headers_of_put_object(wide):
    bucket = make_bucket(wide)
    fields = {
        "key": "dir/a b+c&d",
        "Content-Type": "image/png",
        "Cache-Control": "no-store",
        "Content-Disposition": "attachment",
        "x-amz-meta-Colour": "blue",
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-server-side-encryption": "AES256",
        "tagging": "<Tagging><TagSet><Tag><Key>a b</Key><Value>c=d/&#101;</Value></Tag></TagSet></Tagging>",
    }
    conditions = [["starts-with", f"${name}", ""] for name in fields if name != "key"]
    with wide.seen() as seen:
        assert upload(wide, bucket, fields, conditions).status == 204
    [put] = seen
    assert put.target == f"/{bucket}/dir/a%20b%2Bc%26d"
    for name, value in (
        ("content-type", "image/png"),
        ("cache-control", "no-store"),
        ("content-disposition", "attachment"),
        ("x-amz-meta-colour", "blue"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-tagging", "a%20b=c%3Dd%2Fe"),
    ):
        assert put.header(name) == value, name
    tags = wide.s3().get_object_tagging(Bucket=bucket, Key=fields["key"])["TagSet"]
    assert tags == [{"Key": "a b", "Value": "c=d/e"}]


def test_tags_need_their_own_action(wide):
    bucket = make_bucket(wide)
    xml = "<Tagging><TagSet><Tag><Key>team</Key><Value>{}</Value></Tag></TagSet></Tagging>"
    fields, conditions = {"key": "a", "tagging": xml.format("blue")}, [["starts-with", "$tagging", ""]]
    _, keys = create_user(wide.server, statements=[allow("s3:PutObject", arn(bucket, "*"))])
    with wide.unseen():
        refused(upload(wide, bucket, fields, conditions, keys), "AccessDenied", "s3:PutObjectTagging")
    blue = {"StringEquals": {"s3:RequestObjectTag/team": "blue"}}
    actions = ["s3:PutObject", "s3:PutObjectTagging"]
    statement = allow(actions, arn(bucket, "*"), Condition=blue)
    _, keys = create_user(wide.server, statements=[statement])
    assert upload(wide, bucket, fields, conditions, keys).status == 204
    with wide.unseen():
        red = {**fields, "tagging": xml.format("red")}
        refused(upload(wide, bucket, red, conditions, keys), "AccessDenied")


def test_acls_are_off_in_forms_too(gate, bucket):
    conditions = [["starts-with", "$acl", ""]]
    full = {"key": "a", "acl": "bucket-owner-full-control"}
    assert upload(gate, bucket, full, conditions).status == 204
    for acl in ("public-read", "private"):
        with gate.unseen():
            refused(upload(gate, bucket, {"key": "a", "acl": acl}, conditions),
                    "AccessControlListNotSupported", status=400)
    with gate.unseen():
        fields = {"key": "a", "x-amz-grant-read": "id=1"}
        refused(upload(gate, bucket, fields, [["starts-with", "$x-amz-grant-read", ""]]),
                "AccessControlListNotSupported", status=400)


def test_a_field_is_no_way_to_another_operation(gate, bucket):
    make_bucket(gate, "secret")
    for name, value, code in (
        ("x-amz-copy-source", f"{bucket}/secret", "NotImplemented"),
        ("x-amz-decoded-content-length", "1", "NotImplemented"),
        ("x-amz-meta-snowball-auto-extract", "true", "NotImplemented"),
        ("x-amz-meta-a", "b\r\nx-amz-acl: public-read", "InvalidArgument"),
        ("x-amz-meta-a", "ü", "InvalidArgument"),
    ):
        with gate.unseen():
            reply = upload(gate, bucket, {"key": "a", name: value}, [["starts-with", f"${name}", ""]])
            refused(reply, code)
    # Headers of the request say nothing of the object.
    fields = {**signed(gate.admin, [{"bucket": bucket}, {"key": "plain"}]), "key": "plain"}
    more = [f"x-amz-copy-source: {bucket}/secret", "x-amz-meta-a: 1", "x-amz-acl: public-read"]
    with gate.seen() as seen:
        assert send(gate, bucket, body_of(fields), more=more).status == 204
    [put] = seen
    assert not {"x-amz-copy-source", "x-amz-meta-a", "x-amz-acl"} & dict(put.headers).keys()


def test_another_account_needs_both_sides(gate):
    bucket, (other, keys) = make_bucket(gate), gate.second_account()
    with gate.unseen():
        refused(upload(gate, bucket, {"key": "a"}, keys=keys), "AccessDenied", "Access Denied", 403)
    gate.s3().put_bucket_policy(
        Bucket=bucket, Policy=document(grant(other, "s3:PutObject", arn(bucket, "theirs/*")))
    )
    assert upload(gate, bucket, {"key": "theirs/a"}, keys=keys).status == 204
    with gate.unseen():
        refused(upload(gate, bucket, {"key": "a"}, keys=keys), "AccessDenied", status=403)


# Answers


def test_the_answer_is_the_one_that_the_form_wishes(gate, bucket):
    conditions = [["starts-with", "$success_action_status", ""]]

    def sent(status):
        return upload(gate, bucket, {"key": "dir/a b", "success_action_status": status}, conditions)

    for status in ("200", "204"):
        reply = sent(status)
        assert (reply.status, reply.body) == (int(status), b"")
    assert sent("302").status == 204
    reply = sent("201")
    assert (reply.status, reply.headers["content-type"]) == (201, "application/xml")
    etag = f'"{hashlib.md5(b"content").hexdigest()}"'
    said = {element.tag: element.text for element in ElementTree.fromstring(reply.body)}
    location = reply.headers["location"]
    assert said == {"Location": location, "Bucket": bucket, "Key": "dir/a b", "ETag": etag}
    assert location.endswith(f"/{bucket}/dir/a%20b")
    assert reply.headers["etag"] == etag


def test_a_browser_is_sent_on(gate, bucket):
    conditions = [["starts-with", "$success_action_redirect", ""]]

    def sent(url):
        return upload(gate, bucket, {"key": "dir/a", "success_action_redirect": url}, conditions)

    reply = sent("https://example.com/done?a=b")
    etag = hashlib.md5(b"content").hexdigest()
    made = f"bucket={bucket}&key=dir%2Fa&etag=%22{etag}%22"
    assert (reply.status, reply.headers["location"]) == (303, f"https://example.com/done?a=b&{made}")
    for url in ("javascript:alert(1)", "//example.com/", "/done", "data:text/html,a", ""):
        reply = sent(url)
        assert reply.status == 204, url
        assert reply.headers["location"].startswith("http://127.0.0.1")
    # Who may not upload is not sent on.
    with gate.unseen():
        fields = {"key": "dir/a", "success_action_redirect": "https://example.com/"}
        _, keys = create_user(gate.server)
        refused(upload(gate, bucket, fields, conditions, keys), "AccessDenied", status=403)


def test_the_bucket_may_stand_in_the_host(gate, bucket):
    fields = {**signed(gate.admin, [{"bucket": bucket}, {"key": "host"}]), "key": "host"}
    reply = send(gate, bucket, body_of(fields), target="/", host=f"{bucket}.s3.test")
    assert reply.status == 204, reply
    assert reply.headers["location"] == "http://{}.s3.test:{}/host".format(bucket, gate.host_and_port[1])
    assert stored(gate, bucket, "host") == "content"
    assert send(gate, bucket, body_of(fields), target=f"/{bucket}/").status == 204
    other = make_bucket(gate)
    with gate.unseen():
        reply = send(gate, bucket, body_of(fields), target="/", host=f"{other}.s3.test")
        refused(reply, "AccessDenied", "Policy Condition failed", 403)
    for target in (f"/{bucket}/host", f"/{bucket}?uploads", f"/{bucket}?policy", "/"):
        with gate.unseen():
            assert send(gate, bucket, body_of(fields), target=target).status in (400, 405, 501), target


# Bodies


def test_what_is_no_form_is_refused(gate, bucket):
    fields = {**signed(gate.admin, [{"bucket": bucket}, {"key": "a"}]), "key": "a"}
    whole = body_of(fields)
    malformed = "MalformedPOSTRequest"
    for body, code in (
        (b"", malformed),
        (whole[:-4], malformed),
        (whole[:-6], malformed),
        (b"\r\n" + whole, malformed),
        (b"preamble\r\n" + whole, malformed),
        (whole + b"epilogue", malformed),
        (whole.replace(b"\r\n", b"\n"), malformed),
        (whole.replace(BOUNDARY.encode(), b"other"), malformed),
        (body_of(fields, None), "IncorrectNumberOfFilesInPostRequest"),
        (body_of(fields, after=[file_part(b"2")]), "IncorrectNumberOfFilesInPostRequest"),
        (body_of([*fields.items(), ("Key", "b")]), "InvalidArgument"),
        (body_of([*fields.items(), ("X-Amz-Date", "b")]), "InvalidArgument"),
        (body_of([*fields.items(), ("key", "b", '; name="c"')]), malformed),
        (body_of([*fields.items(), ("a", "b", "; filename*=utf-8''c")]), malformed),
        (body_of([*fields.items(), ("a", "b", "", "Content-Transfer-Encoding: base64\r\n")]), malformed),
        (body_of([*fields.items(), ("a", b"\xff")]), malformed),
        (body_of({**fields, "x-ignore-a": "a" * 20_480}), "MaxPostPreDataLengthExceededError"),
        (body_of([*fields.items(), *((f"x-ignore-{n}", "") for n in range(100))]),
         "MaxPostPreDataLengthExceededError"),
    ):
        with gate.unseen():
            refused(send(gate, bucket, body), code, status=400)
    with gate.unseen():
        refused(send(gate, bucket, whole, boundary="a; boundary=b"), malformed)
    less = {name: value for name, value in fields.items() if name != "key"}
    with gate.unseen():
        fields = {**signed(gate.admin, [{"bucket": bucket}])}
        refused(send(gate, bucket, body_of(fields)), "InvalidArgument", "named 'key'", 400)
        refused(send(gate, bucket, body_of(less)), "AccessDenied", "Policy Condition failed")
    with gate.unseen():
        head = f"POST /{bucket} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"
        refused(raw(gate, head.encode()), "PreconditionFailed", "enclosure-type", 412)
    with gate.unseen():
        kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
        head = f"POST /{bucket} HTTP/1.1\r\nHost: x\r\n{kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        body = f"{len(whole):x}\r\n".encode() + whole + b"\r\n0\r\n\r\n"
        refused(raw(gate, head.encode() + body), "MissingContentLength", status=411)


def test_a_file_may_hold_whatever_looks_like_a_boundary(gate, bucket):
    for content in (
        b"", b"\r\n", b"--", b"\r\n--", f"--{BOUNDARY}--".encode(), f"\r\n--{BOUNDARY[:-1]}".encode(),
        b"\r\n\r\n--" + b"-" * 50, bytes(range(256)) * 100,
    ):
        with gate.seen() as seen:
            assert upload(gate, bucket, {"key": "odd"}, content=content).status == 204
        assert seen[-1].body == content
    # What is a boundary ends the file, whatever follows.
    with gate.unseen():
        content = f"a\r\n--{BOUNDARY}b".encode()
        refused(upload(gate, bucket, {"key": "odd"}, content=content), "MalformedPOSTRequest")


def test_fields_behind_the_file_are_ignored(gate, bucket):
    late = [part("submit", "Upload"), part("acl", "public-read"), part("key", "other")]
    with gate.seen() as seen:
        assert upload(gate, bucket, {"key": "early"}, after=late).status == 204
    [put] = seen
    assert (put.target, put.header("x-amz-acl")) == (f"/{bucket}/early", None)
    assert upload(gate, bucket, {"key": "early"}, end="--").status == 204


def test_a_form_comes_by_http_2_too(gate, bucket):
    host, port = gate.host_and_port

    def sent(body):
        with Http2(gate) as line:
            fields = [
                (":method", "POST"), (":scheme", "http"), (":authority", f"{host}:{port}"),
                (":path", f"/{bucket}"), ("content-length", str(len(body))),
                ("content-type", f"multipart/form-data; boundary={BOUNDARY}"),
            ]
            number = line.open(fields, is_all=False)
            line.pour(number, body)
            return line.answer(number).reply()

    fields = signed(gate.admin, [{"bucket": bucket}, {"key": "two"}])
    for content in (b"content", b"x" * LONG):
        reply = sent(body_of({**fields, "key": "two"}, content))
        assert reply.status == 204
        assert reply.headers["location"] == f"{gate.endpoint}/{bucket}/two"
        assert stored_bytes(gate, bucket, "two") == content
    with gate.unseen():
        refused(sent(body_of({**fields, "key": "three"})), "AccessDenied", status=403)


def test_a_long_file_goes_on_as_it_comes_and_ends_with_its_form(gate, bucket):
    content = bytes(range(256)) * (LONG // 256)
    with gate.seen() as seen:
        assert upload(gate, bucket, {"key": "long"}, content=content).status == 204
    assert seen[-1].body == content
    assert seen[-1].header("content-length") == str(LONG)
    kept = stored_bytes(gate, bucket, "long")
    assert kept == content
    other = b"y" * LONG
    # Fields behind a long file, or no end of the last line: its length was not what it seemed.
    for more in ({"after": [part("submit", "Upload")]}, {"end": "--"}, {"end": "--\r\n\r\n"}):
        reply = upload(gate, bucket, {"key": "long"}, content=other, **more)
        refused(reply, "NotImplemented", "the file must be the last field", 501)
        assert stored_bytes(gate, bucket, "long") == content, "half a file was kept"
    # A boundary in the middle, with what looks like an end behind the rest.
    middle = b"y" * (LONG // 2) + f"\r\n--{BOUNDARY}--\r\n".encode() + b"y" * (LONG // 2)
    refused(upload(gate, bucket, {"key": "long"}, content=middle), "NotImplemented", status=501)
    assert stored_bytes(gate, bucket, "long") == content


def stored_bytes(gate, bucket, key):
    return gate.store.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_a_form_that_breaks_off_stores_nothing(gate, bucket):
    conditions = [{"bucket": bucket}, {"key": "broken"}]
    fields = {**signed(gate.admin, conditions), "key": "broken"}
    for content in (b"x" * 1000, b"x" * LONG):
        body = body_of(fields, content)
        host, port = gate.host_and_port
        connection = http.client.HTTPConnection(host, port, timeout=10)
        connection.putrequest("POST", f"/{bucket}")
        connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        connection.send(body[:-10])
        connection.close()
    gate.s3().head_bucket(Bucket=bucket)
    assert "broken" not in gate.store.keys(bucket)


# Observation and records


def test_observation_lets_a_denied_form_pass_and_no_forged_one(tmp_path):
    with gateway(tmp_path, "files", "--gateway-mode", "s3=observe") as gate:
        bucket, (_, keys) = make_bucket(gate), create_user(gate.server)
        assert upload(gate, bucket, {"key": "a"}, keys=keys).status == 204
        stranger = Keys(keys.access_key_id, "not the secret")
        with gate.unseen():
            refused(upload(gate, bucket, {"key": "a"}, keys=stranger), "SignatureDoesNotMatch")
        with gate.unseen():
            conditions = [["eq", "$key", "b"]]
            refused(upload(gate, bucket, {"key": "a"}, conditions, keys), "AccessDenied")
        with gate.unseen():
            refused(send(gate, bucket, body_of({"key": "a"})), "AccessDenied", status=403)


def test_a_form_is_in_the_trail_and_in_what_is_watched(gate, bucket, tmp_path):
    user, keys = create_user(gate.server, statements=[allow("s3:PutObject", arn(bucket, "seen"))])
    watched = tmp_path / "watched"
    with watched.open("w") as output:
        command = [program(), "gateway", "tail", "--data", gate.server.data, "-o", "json"]
        tail = subprocess.Popen(list(map(str, command)), stdout=output, text=True)
    try:
        lines = []
        deadline = time.monotonic() + 20
        while len(lines) < 2 and time.monotonic() < deadline:
            assert upload(gate, bucket, {"key": "seen"}, keys=keys).status == 204
            refused(upload(gate, bucket, {"key": "other"}, keys=keys), "AccessDenied")
            lines = [json.loads(line) for line in watched.read_text().splitlines() if line.strip()]
    finally:
        tail.terminate()
        tail.wait()
    done = next(line for line in lines if line["status"] == 204)
    not_done = next(line for line in lines if line["status"] == 403)
    assert done["operation"] == not_done["operation"] == "PostObject"
    assert done["principal"] == user["Arn"]
    assert done["decisions"][0]["action"] == "s3:PutObject"
    assert done["bytes_in"] > len(b"content")
    assert not_done["decisions"][0]["decision"] == "implicitDeny"
    text = run("audit", "show", "--data", gate.server.data, "-o", "json").stdout
    records = [json.loads(line) for line in text.splitlines() if '"PostObject"' in line]
    mine = [one for one in records if one["userIdentity"].get("arn") == user["Arn"]]
    assert mine[0]["requestParameters"] == {"bucketName": bucket, "key": "seen"}
    assert "errorCode" not in mine[0]
    assert mine[1]["errorCode"] == "AccessDenied"
    for record in mine:
        assert keys.secret_access_key not in json.dumps(record)
        assert "policy" not in json.dumps(record["requestParameters"])
