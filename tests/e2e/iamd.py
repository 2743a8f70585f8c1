"""The program under test, started as anyone would start it, and the clients that talk to it."""

import json
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

# How long the program may take to say that it listens, and to end when it is told to.
PATIENCE_SECONDS = 20
REGION = "eu-central-1"

# One session: the service models are read once.
_SESSION = boto3.session.Session(region_name=REGION)
_CONFIG = Config(
    retries={"total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=30,
    parameter_validation=False,
)


def program():
    """The path of the built program; the suite sets it."""
    return os.environ["IAMD_BIN"]


class Keys:
    """An access key, long-term or temporary."""

    def __init__(self, access_key_id, secret_access_key, session_token=None):
        self.access_key_id = access_key_id
        self.secret_access_key = secret_access_key
        self.session_token = session_token

    @staticmethod
    def of(answer):
        """From what CreateAccessKey or an STS operation answers."""
        part = answer.get("AccessKey") or answer.get("Credentials") or answer
        return Keys(part["AccessKeyId"], part["SecretAccessKey"], part.get("SessionToken"))

    @staticmethod
    def of_facts(facts):
        """From what a command of iamd has printed."""
        return Keys(facts["access_key_id"], facts["secret_access_key"])

    def environment(self):
        """As environment variables of AWS's tools."""
        variables = {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }
        if self.session_token:
            variables["AWS_SESSION_TOKEN"] = self.session_token
        return variables


class Server:
    """One life of `iamd dev`."""

    def __init__(
        self, *arguments, data=None, environment=None, logs=None, admin=None, wrapper=()
    ):
        command = self._command(arguments, data, wrapper)
        self.data = data
        # A later life on the same folder does not print the secret again.
        self._admin = admin
        self.logs = Path(logs) if logs else None
        stderr = open(self.logs, "ab") if self.logs else subprocess.DEVNULL
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **(environment or {})},
            )
        finally:
            if self.logs:
                stderr.close()
        line = self._first_line()
        self.facts = json.loads(line)
        self.endpoint = self.facts["endpoint"]
        self.account = self.facts.get("account_id")

    def _command(self, arguments, data, wrapper):
        command = [*wrapper, program(), "dev", "--listen", "127.0.0.1:0", "--json"]
        command += ["--data", str(data)] if data else ["--ephemeral"]
        return command + [str(argument) for argument in arguments]

    def _first_line(self):
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_SECONDS)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"no JSON line from iamd; exit code {self.process.returncode}")
        return line

    @property
    def host_and_port(self):
        """The listening address as a pair."""
        host, port = self.endpoint.rstrip("/").removeprefix("http://").rsplit(":", 1)
        return host, int(port)

    @property
    def admin(self):
        """The keys that the program printed, in this life or in the one before."""
        return self._admin or Keys(self.facts["access_key_id"], self.facts["secret_access_key"])

    # The certificate of an authority that clients are to trust; none on plain HTTP.
    authority = None

    def client(self, service, keys=None, region=REGION):
        """A boto3 client without retries."""
        keys = keys or self.admin
        trust = {"verify": str(self.authority)} if self.authority else {}
        return _SESSION.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
            config=_CONFIG,
            **trust,
        )

    def iam(self, keys=None):
        """A client of IAM."""
        return self.client("iam", keys)

    def sts(self, keys=None):
        """A client of STS."""
        return self.client("sts", keys)

    def aws(self, keys, *arguments):
        """Runs the AWS CLI; gives its exit code, its answer and its complaint."""
        environment = {
            **os.environ,
            **keys.environment(),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }
        if self.authority:
            environment["AWS_CA_BUNDLE"] = str(self.authority)
        command = [str(Path(sys.executable).with_name("aws")), *arguments, "--output", "json"]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        answer = json.loads(done.stdout) if done.stdout.strip() else None
        return done.returncode, answer, done.stderr.strip()

    def stop(self):
        """Ends it as an operator would; it must end well."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()
        assert code == 0, f"iamd ended with {code} on SIGTERM"

    def kill(self):
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def log_text(self):
        """All that it has logged."""
        return self.logs.read_text(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.kill() if kind else self.stop()
        else:
            self.process.stdout.close()


def run(*arguments, environment=None, timeout=PATIENCE_SECONDS):
    """Runs the program to its end; for commands that answer and for starts that must fail."""
    return subprocess.run(
        [program(), *[str(argument) for argument in arguments]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **(environment or {})},
    )


def unique(word):
    """A name that nothing else in this server has."""
    return f"{word}-{uuid.uuid4().hex[:8]}"


def document(*statements):
    """A policy document as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resources="*", **more):
    """An allowing statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions, resources="*", **more):
    """A denying statement."""
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


def trust(principal, actions="sts:AssumeRole", **more):
    """A role trust policy as text."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions, **more}
    return document(statement)


def no_policy(arn, action, resource, kind="identity-based policy"):
    """What AWS says when nothing allows."""
    return (
        f"User: {arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no {kind} allows the {action} action"
    )


def explicit_deny(arn, action, resource, kind="an identity-based policy"):
    """What AWS says when something denies."""
    return (
        f"User: {arn} is not authorized to perform: {action} on resource: {resource} "
        f"with an explicit deny in {kind}"
    )


@contextmanager
def refused(code, message=None, status=None):
    """The block must be refused with this code, and this very message where one is given."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if message is not None:
        assert error.get("Message") == message
    if status is not None:
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def denied(message=None):
    """The block must be refused with `AccessDenied`."""
    return refused("AccessDenied", message, 403)


def create_user(server, name=None, statements=(), **more):
    """A user with an access key and, if statements are given, an inline policy."""
    iam = server.iam()
    name = name or unique("user")
    user = iam.create_user(UserName=name, **more)["User"]
    if statements:
        iam.put_user_policy(
            UserName=name, PolicyName="inline", PolicyDocument=document(*statements)
        )
    keys = Keys.of(iam.create_access_key(UserName=name))
    return user, keys


def advance_clock(server, seconds):
    """Moves the server's time."""
    answer = http(server, "POST", "/_dev/clock", json.dumps({"advance_seconds": seconds}))
    assert answer.status == 200, answer.body


def http(server, method, path, body=None, headers=None):
    """One plain HTTP request, on a connection of its own."""
    import http.client

    return exchange(
        http.client.HTTPConnection(*server.host_and_port, timeout=10), method, path, body, headers
    )


def exchange(connection, method, path, body=None, headers=None):
    """One request on a connection, which is closed then; the answer has its body."""
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        answer.body = answer.read()
        return answer
    finally:
        connection.close()


def eventually(check, seconds=5):
    """Waits until `check` gives something true; its last result otherwise."""
    end = time.monotonic() + seconds
    while not (result := check()) and time.monotonic() < end:
        time.sleep(0.02)
    return result


def create_account(data, email):
    """A second account on a running server; gives its facts, with an administrator's keys."""
    done = run("account", "create", "--data", data, "--root-email", email, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
