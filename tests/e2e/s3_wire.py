"""Requests of S3 as bytes, signed by botocore's own signer and then bent as a test wants."""

import hashlib
import http.client
import io
import socket
import xml.etree.ElementTree as ElementTree
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from iamd import REGION

UNSIGNED = "UNSIGNED-PAYLOAD"
CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
CHUNKS_WITH_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()


class _Signer(S3SigV4Auth):
    """Says of the body what a test wants said."""

    def __init__(self, keys, said):
        credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
        super().__init__(credentials, "s3", REGION)
        self.said = said

    def payload(self, request):
        return self.said


class Signed:
    """A signed request; its chunks can be signed after it."""

    def __init__(self, gate, method, target, said=EMPTY_HASH, headers=None, keys=None):
        host, port = gate.host_and_port
        self.method, self.target = method, target
        self.signer = _Signer(keys or gate.admin, said)
        self.request = AWSRequest(method, f"http://{host}:{port}{target}")
        # Exactly the path that goes over the wire.
        assert urlsplit(self.request.url).path == target.partition("?")[0]
        for name, value in (headers or {}).items():
            self.request.headers[name] = value
        self.signer.add_auth(self.request)
        self.headers = {"Host": f"{host}:{port}", **dict(self.request.headers.items())}
        self.signature = self.headers["Authorization"].rpartition("Signature=")[2]

    def chunk(self, data):
        """A chunk with its signature; of no data, the last."""
        hashed = hashlib.sha256(data).hexdigest()
        signature = self._sign("AWS4-HMAC-SHA256-PAYLOAD", EMPTY_HASH, hashed)
        return b"%x;chunk-signature=%s\r\n" % (len(data), signature.encode()) + data + b"\r\n"

    def last_chunk(self):
        """The last chunk, behind which trailers may come."""
        return self.chunk(b"").removesuffix(b"\r\n")

    def trailer(self, name, value):
        """A trailer, its signature, and the end."""
        hashed = hashlib.sha256(f"{name}:{value}\n".encode()).hexdigest()
        signature = self._sign("AWS4-HMAC-SHA256-TRAILER", hashed)
        return f"{name}:{value}\r\nx-amz-trailer-signature:{signature}\r\n\r\n".encode()

    def _sign(self, algorithm, *hashes):
        scope = self.signer.credential_scope(self.request)
        parts = [algorithm, self.request.context["timestamp"], scope, self.signature, *hashes]
        self.signature = self.signer.signature("\n".join(parts), self.request)
        return self.signature

    def head(self, length=None, more=()):
        """The bytes before the body; `more` are lines that nobody signed."""
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {length}"] if length is not None else []
        return "\r\n".join([*lines, *more, "", ""]).encode()

    def send(self, gate, body=b"", more=()):
        """Sends it with a body of its own length; gives the answer."""
        return raw(gate, self.head(len(body), more) + body)


class Reply:
    """An answer of the gateway."""

    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def code(self):
        """The code of an error."""
        return ElementTree.fromstring(self.body).findtext("Code") if self.body else None

    @property
    def message(self):
        """The message of an error."""
        return ElementTree.fromstring(self.body).findtext("Message")

    def __repr__(self):
        return f"{self.status} {self.body[:300]}"


def raw(gate, data, method="GET"):
    """Sends bytes; gives the answer to them."""
    with socket.create_connection(gate.host_and_port, timeout=10) as connection:
        _send(connection, data)
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        return Reply(response)


class Line:
    """A connection for many requests, one after the other."""

    def __init__(self, gate):
        self.connection = socket.create_connection(gate.host_and_port, timeout=10)

    def send(self, signed, body=b""):
        """Sends a signed request; gives the answer."""
        self.connection.sendall(signed.head(len(body)) + body)
        response = http.client.HTTPResponse(self.connection, method=signed.method)
        response.begin()
        return Reply(response)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def raw_all(gate, data, shut=False):
    """Sends bytes, and the end of them if it is to; gives all answers until the gateway closes the
    connection or says nothing more."""
    with socket.create_connection(gate.host_and_port, timeout=10) as connection:
        _send(connection, data)
        if shut:
            connection.shutdown(socket.SHUT_WR)
        received = io.BytesIO(_all(connection))
    replies = []
    while received.tell() < len(received.getvalue()):
        response = http.client.HTTPResponse(_Stream(received))
        response.begin()
        replies.append(Reply(response))
    return replies


def _send(connection, data):
    try:
        connection.sendall(data)
    except OSError:
        # It has heard enough.
        pass


def _all(connection):
    data = bytearray()
    try:
        while piece := connection.recv(1 << 16):
            data += piece
            # An answer more would be there at once.
            connection.settimeout(0.1)
    except (ConnectionResetError, TimeoutError):
        pass
    return bytes(data)


class _Stream:
    """What HTTPResponse takes for a socket; it stays open behind each answer."""

    def __init__(self, data):
        self.data = data

    def makefile(self, _):
        return _Open(self.data)


class _Open:
    def __init__(self, data):
        self.data = data

    def __getattr__(self, name):
        return getattr(self.data, name)

    def close(self):
        pass
