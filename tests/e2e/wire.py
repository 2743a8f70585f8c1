"""Requests as bytes, signed by botocore's own signer and then bent as a test wants."""

import http.client
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

IAM_VERSION = "2010-05-08"
STS_VERSION = "2011-06-15"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
REQUEST_ID = "x-amzn-requestid"


def identity_body():
    """A request that every proven caller may make."""
    return urlencode({"Action": "GetCallerIdentity", "Version": STS_VERSION}).encode()


def iam_body(action, **parameters):
    """The body of a request to IAM."""
    return urlencode({"Action": action, "Version": IAM_VERSION, **parameters}).encode()


def sts_body(action, **parameters):
    """The body of a request to STS."""
    return urlencode({"Action": action, "Version": STS_VERSION, **parameters}).encode()


def signed_headers(
    server, body, keys=None, service="sts", method="POST", path="/", region="us-east-1",
    content_type=FORM, headers=None, age_seconds=0,
):
    """The headers of a signed request; `age_seconds` lets it look older, or younger, than it is."""
    keys = keys or server.admin
    request = AWSRequest(method, server.endpoint.rstrip("/") + path, data=body)
    if content_type:
        request.headers["Content-Type"] = content_type
    for name, value in (headers or {}).items():
        request.headers[name] = value
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    with _time_moved(-age_seconds):
        SigV4Auth(credentials, service, region).add_auth(request)
    signed = dict(request.headers.items())
    signed.setdefault("Host", "{}:{}".format(*server.host_and_port))
    return signed


def presigned_path(server, query, keys=None, service="sts", expires=3600, age_seconds=0):
    """The path with query of a presigned GET."""
    keys = keys or server.admin
    request = AWSRequest("GET", f"{server.endpoint.rstrip('/')}/?{query}")
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    with _time_moved(-age_seconds):
        SigV4QueryAuth(credentials, service, "us-east-1", expires=expires).add_auth(request)
    return request.url.removeprefix(server.endpoint.rstrip("/"))


class _time_moved:
    """Lets botocore's signer see another time."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        import botocore.auth

        self.module = botocore.auth
        self.original = botocore.auth.get_current_datetime
        moved = datetime.now(timezone.utc) + timedelta(seconds=self.seconds)
        naive = moved.replace(tzinfo=None)
        botocore.auth.get_current_datetime = lambda remove_tzinfo=True: (
            naive if remove_tzinfo else moved
        )

    def __exit__(self, *_):
        self.module.get_current_datetime = self.original


class Answer:
    """An answer with its whole body."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        """The body as text."""
        return self.body.decode()


class Connection:
    """One kept-open connection."""

    def __init__(self, server):
        self.http = http.client.HTTPConnection(*server.host_and_port, timeout=20)

    def send(self, method, path, headers, body=None):
        """Sends exactly these headers and this body."""
        self.http.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            self.http.putheader(name, value)
        if body is not None and not any(name.lower() == "content-length" for name in headers):
            self.http.putheader("Content-Length", str(len(body)))
        self.http.endheaders(body)
        return Answer(self.http.getresponse())

    def post(self, server, body, **signing):
        """Signs and sends a form."""
        return self.send("POST", "/", signed_headers(server, body, **signing), body)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()


def post(server, body, **signing):
    """Signs and sends a form on a connection of its own."""
    with Connection(server) as connection:
        return connection.post(server, body, **signing)


def parse(text):
    """An XML answer without its namespaces, as nested dicts; repeated names become lists."""
    return _element(ElementTree.fromstring(text))


def _element(element):
    if len(element) == 0:
        return element.text or ""
    members = {}
    for child in element:
        name = child.tag.split("}")[-1]
        value = _element(child)
        if name in members:
            members[name] = [members[name]] if not isinstance(members[name], list) else members[name]
            members[name].append(value)
        else:
            members[name] = value
    return members


def assert_error(answer, code=None, status=None, message=None, starts=None):
    """The answer must be an error as AWS writes one."""
    assert answer.headers["Content-Type"].startswith("text/xml"), answer.body
    root = ElementTree.fromstring(answer.body)
    namespace, _, name = root.tag[1:].partition("}")
    assert name == "ErrorResponse" and namespace.startswith("https://"), root.tag
    error = parse(answer.body)
    assert error["RequestId"] == answer.headers[REQUEST_ID]
    assert error["Error"]["Type"] == ("Receiver" if answer.status >= 500 else "Sender")
    assert answer.status < 500, error
    shown = (answer.status, error["Error"])
    if code:
        assert error["Error"]["Code"] == code, shown
    if status:
        assert answer.status == status, shown
    if message is not None:
        assert error["Error"].get("Message") == message, shown
    if starts is not None:
        assert error["Error"].get("Message", "").startswith(starts), shown
    return error["Error"]


def assert_identity(answer):
    """The answer must be that of GetCallerIdentity."""
    assert answer.status == 200, answer.body
    result = parse(answer.body)
    assert result["ResponseMetadata"]["RequestId"] == answer.headers[REQUEST_ID]
    return result["GetCallerIdentityResult"]
