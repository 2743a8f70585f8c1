"""Stores that speak S3, a witness of what reaches them, and a gateway in front of both."""

import os
import select
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from iamd import PATIENCE_SECONDS, REGION, Keys, Server, create_account, unique

# The store's own key: only the gateway and the tests' direct look into the store have it.
STORE_KEYS = Keys("STOREKEYOFTHEGATEWAY", "the secret that only the gateway and the store know")
# A server of moto without its account of every request.
MOTO = """
import logging, sys
logging.getLogger("werkzeug").disabled = True
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
sys.stdin.read()
"""
# One session: the model of S3 is read once.
_SESSION = boto3.session.Session(region_name=REGION)


def s3_client(endpoint, keys, authority=None, **config):
    """A client of S3 without retries; without keys it signs nothing."""
    from botocore import UNSIGNED

    settings = {
        "retries": {"total_max_attempts": 1},
        "connect_timeout": 5,
        "read_timeout": 30,
        "s3": {"addressing_style": "path"},
        **({} if keys else {"signature_version": UNSIGNED}),
        **config,
    }
    keys = keys or Keys(None, None)
    return _SESSION.client(
        "s3",
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token,
        config=Config(**settings),
        **({"verify": str(authority)} if authority else {}),
    )


class Store:
    """A store on a port of its own, which ends with its input."""

    # Where its buckets are folders, if they are.
    folder = None

    def __init__(self, *command):
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_SECONDS)
        self.endpoint = self.process.stdout.readline().strip() if ready else ""
        if not self.endpoint.startswith("http://"):
            self.process.kill()
            self.process.wait()
            raise AssertionError("the store does not start")
        # A look into the store itself, past the gateway.
        self.s3 = s3_client(self.endpoint, STORE_KEYS)

    def keys(self, bucket):
        """The keys of all objects of a bucket."""
        if self.folder:
            root = self.folder / bucket
            return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()


def files_store(folder):
    """A store of files, by crates of others; it verifies signatures."""
    if "IAMD_STORE_BIN" not in os.environ:
        pytest.skip("IAMD_STORE_BIN is not set: run `cargo xtask test --only build` first")
    folder.mkdir(parents=True, exist_ok=True)
    keys = (STORE_KEYS.access_key_id, STORE_KEYS.secret_access_key)
    store = Store(os.environ["IAMD_STORE_BIN"], folder, *keys)
    store.folder = folder
    return store


def moto_store(_):
    """A store in memory that knows nearly all operations; it verifies nothing."""
    return Store(sys.executable, "-c", MOTO)


STORES = {"files": files_store, "moto": moto_store}


class Seen:
    """A request that reached the store, as its bytes were; the body may be cut off."""

    def __init__(self, head, body):
        line, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = line.split(" ")
        self.path, _, self.query = self.target.partition("?")
        pairs = (line.partition(":") for line in lines)
        self.headers = [(name.lower(), value.strip()) for name, _, value in pairs]
        self.body = body

    def header(self, name):
        """The value of a header that stands once at most."""
        values = [value for other, value in self.headers if other == name]
        assert len(values) <= 1, values
        return values[0] if values else None

    def __repr__(self):
        return f"{self.method} {self.target}"


class Witness:
    """Hands bytes to a store and back, unaltered, and remembers what went to the store."""

    # Whether what comes back is remembered, too.
    hears_answers = False

    def __init__(self, store):
        host, port = store.endpoint.removeprefix("http://").split(":")
        self.store = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "http://127.0.0.1:{}".format(self.listener.getsockname()[1])
        self.streams = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            store = socket.create_connection(self.store)
            for one in (client, store):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, target, is_heard in (
                (client, store, True),
                (store, client, self.hears_answers),
            ):
                note = bytearray() if is_heard else None
                if is_heard:
                    self.streams.append(note)
                threading.Thread(target=_pour, args=(source, target, note), daemon=True).start()

    def forget(self):
        """What has been seen so far does not count, once what is on its way has arrived."""
        count = -1
        while count != self.byte_count:
            count = self.byte_count
            time.sleep(0.02)
        for stream in self.streams:
            stream.clear()

    @property
    def requests(self):
        """All requests since, in the order of their connections."""
        return [seen for stream in list(self.streams) for seen in _requests(bytes(stream))]

    @property
    def byte_count(self):
        """How many bytes went to the store since."""
        return sum(map(len, self.streams))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def _pour(source, target, note):
    """Hands bytes on until they end, and says that they have."""
    try:
        while data := source.recv(1 << 16):
            if note is not None:
                note += data
            target.sendall(data)
    except OSError:
        # Broken off: so is the other side.
        for one in (source, target):
            _quietly(one.close)
        return
    _quietly(lambda: target.shutdown(socket.SHUT_WR))


def _quietly(action):
    try:
        action()
    except OSError:
        pass


def _requests(stream):
    """The requests of one connection."""
    while stream:
        head, _, rest = stream.partition(b"\r\n\r\n")
        seen = Seen(head, b"")
        assert seen.header("transfer-encoding") is None, "the gateway gives lengths"
        length = int(seen.header("content-length") or 0)
        seen.body, stream = rest[:length], rest[length:]
        yield seen


class Gateway:
    """A server with a gateway, the store behind it, and the witness between them.

    It has the members of a server that signed requests are built from, for its own address."""

    # The certificate of an authority that clients are to trust; none on plain HTTP.
    authority = None

    def __init__(self, server, store, witness):
        self.server, self.store, self.witness = server, store, witness
        self.endpoint = server.facts["gateway"]
        self.admin, self.account = server.admin, server.account

    @property
    def host_and_port(self):
        host, port = self.endpoint.partition("://")[2].rsplit(":", 1)
        return host, int(port)

    def s3(self, keys=None, **config):
        """A client of S3; the administrator's without keys."""
        return s3_client(self.endpoint, keys or self.admin, self.authority, **config)

    def anonymous(self):
        """A client that signs nothing."""
        return s3_client(self.endpoint, None, self.authority)

    def second_account(self):
        """Another account on the same server; gives its id and its administrator's keys."""
        data = self.server.data
        facts = create_account(data, f"{os.urandom(4).hex()}@example.com")
        return facts["account_id"], Keys.of_facts(facts)

    def aws(self, keys, *arguments):
        """Runs the AWS CLI against the gateway; gives its exit code and all that it says."""
        environment = {
            **os.environ,
            **keys.environment(),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }
        command = [str(Path(sys.executable).with_name("aws")), *map(str, arguments)]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    @contextmanager
    def unseen(self):
        """Nothing of the block may reach the store, not one byte."""
        self.witness.forget()
        yield
        assert self.witness.byte_count == 0, self.witness.requests

    @contextmanager
    def seen(self):
        """The requests of the block that reached the store, once it is over."""
        self.witness.forget()
        requests = []
        yield requests
        requests += self.witness.requests


@contextmanager
def gateway(folder, store="files", *arguments, admin=None):
    """A gateway in front of a store, on a folder that lasts as long as both; with the keys of an
    administrator where an earlier life has made him."""
    with ExitStack() as stack:
        behind = stack.enter_context(STORES[store](folder / "store"))
        witness = stack.enter_context(Witness(behind))
        server = Server(
            "--gateway", "127.0.0.1:0",
            "--upstream", f"s3={witness.endpoint}",
            "--upstream-access-key-id", STORE_KEYS.access_key_id,
            "--upstream-secret-access-key", STORE_KEYS.secret_access_key,
            *arguments,
            data=folder / "data",
            logs=folder / "log",
            admin=admin,
        )
        stack.enter_context(server)
        yield Gateway(server, behind, witness)


def make_bucket(gate, *keys, owner=None):
    """A new bucket of the administrator with objects of these keys, each holding its own key."""
    name = unique("bucket")
    s3 = gate.s3(owner)
    s3.create_bucket(Bucket=name)
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    return name


def arn(bucket, key=None):
    """The ARN of a bucket, or of objects in it."""
    return f"arn:aws:s3:::{bucket}" + (f"/{key}" if key is not None else "")


def grant(principal, actions, resources, effect="Allow", **more):
    """A statement of a bucket policy."""
    named = principal if principal == "*" else {"AWS": principal}
    return {
        "Effect": effect, "Principal": named, "Action": actions, "Resource": resources, **more
    }


def read(answer):
    """The body of a GetObject."""
    return answer["Body"].read().decode()
