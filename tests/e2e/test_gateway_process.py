"""A gateway as a process of its own: it decides on a copy of a node's state that has no secrets."""

import json
import time
import urllib.request
from contextlib import ExitStack, contextmanager

import pytest
from botocore.exceptions import ClientError
from iamd import (
    Keys,
    Server,
    allow,
    create_user,
    denied,
    deny,
    document,
    eventually,
    no_policy,
    program,
    refused,
    run,
    trust,
    unique,
)
from production import Serve, made
from store import STORE_KEYS, STORES, Gateway, Witness, arn, make_bucket, read

# How long a change may take to be in force at a gateway that follows.
SOON = 1
# How long decisions go on without a node, where a test waits for the end of that.
BOUND = 3


class GatewayProcess(Server):
    """One life of `iamd gateway`."""

    def _command(self, arguments, _data, _wrapper):
        where = ["--listen", "127.0.0.1:0", "--health", "127.0.0.1:0", "-o", "json"]
        return [program(), "gateway", *where, *[str(argument) for argument in arguments]]

    def __init__(self, *arguments, environment=None, logs=None):
        super().__init__(*arguments, environment=environment, logs=logs)

    def _first_line(self):
        facts = json.loads(super()._first_line())
        return json.dumps({**facts, "endpoint": facts["gateway"]})

    def ready(self):
        """The status and text of its health."""
        try:
            with urllib.request.urlopen(self.facts["health"] + "/readyz", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()


class ServerAt(Server):
    """A server on a port that was another's before."""

    def __init__(self, port, **more):
        self.port = port
        super().__init__(**more)

    def _command(self, arguments, data, wrapper):
        command = super()._command(arguments, data, wrapper)
        return [f"127.0.0.1:{self.port}" if one == "127.0.0.1:0" else one for one in command]


class Recorder(Witness):
    """Hands bytes to a node and back, and remembers those of both directions."""

    hears_answers = True

    @property
    def text(self):
        return b"\n".join(bytes(stream) for stream in self.streams)


def follower_of(data, name="gateway", purpose="follower"):
    """The variables of a credential for a process that follows a node."""
    purpose = ["--for", purpose] if purpose else []
    done = run("operator", "create", name, *purpose, "--data", data, "-o", "json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    return {
        "IAMD_OPERATOR_ACCESS_KEY_ID": facts["access_key_id"],
        "IAMD_OPERATOR_SECRET_ACCESS_KEY": facts["secret_access_key"],
    }


def of_store(witness):
    """The options that name a store."""
    return (
        "--upstream", f"s3={witness.endpoint}",
        "--upstream-access-key-id", STORE_KEYS.access_key_id,
        "--upstream-secret-access-key", STORE_KEYS.secret_access_key,
    )


@contextmanager
def following(folder, way="socket", *arguments, server=None):
    """A node, a gateway process that follows it, a store, and the witness between the two."""
    with ExitStack() as stack:
        behind = stack.enter_context(STORES["moto"](folder / "store"))
        witness = stack.enter_context(Witness(behind))
        node = server or stack.enter_context(Server(data=folder / "data", logs=folder / "log"))
        environment = None
        where = ("--data", node.data)
        if way == "network":
            environment = follower_of(node.data)
            where = ("--iam", node.endpoint)
        process = GatewayProcess(
            *where, *of_store(witness), *arguments,
            environment=environment, logs=folder / "gateway.log",
        )
        stack.enter_context(process)
        node.facts["gateway"] = process.endpoint
        gate = Gateway(node, behind, witness)
        gate.process = process
        yield gate


@pytest.fixture(scope="module", params=["socket", "network"])
def gate(request, tmp_path_factory):
    """A gateway that follows a node in this way."""
    with following(tmp_path_factory.mktemp(request.param), request.param) as gate:
        yield gate


def soon(check):
    """Whether it is so within the time that a change may take."""
    return eventually(check, SOON)


def is_refused(code, call, **parameters):
    """Whether a call is refused with this code."""
    try:
        call(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return True
    return False


def is_done(call, **parameters):
    return not is_refused("AccessDenied", call, **parameters)


def known_user(gate, *statements):
    """A user with a key, once the gateway knows both: his ARN, his keys, a client of S3."""
    user, keys = create_user(gate.server, statements=statements)
    s3 = gate.s3(keys)

    def is_known():
        try:
            s3.list_buckets()
        except ClientError as error:
            return error.response["Error"]["Code"] != "InvalidAccessKeyId"
        return True

    assert soon(is_known), "a new key is not known in time"
    return user, keys, s3


def test_a_user_may_what_his_policy_allows(gate):
    bucket = make_bucket(gate, "in/a", "out/a")
    user, _, s3 = known_user(
        gate, allow(["s3:GetObject", "s3:PutObject"], arn(bucket, "in/*")),
        allow("s3:ListBucket", arn(bucket), Condition={"StringLike": {"s3:prefix": "in/*"}}),
    )
    assert soon(lambda: is_done(s3.get_object, Bucket=bucket, Key="in/a"))
    assert read(s3.get_object(Bucket=bucket, Key="in/a")) == "in/a"
    s3.put_object(Bucket=bucket, Key="in/b", Body=b"new")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="in/")["Contents"]
    assert [item["Key"] for item in listed] == ["in/a", "in/b"]
    message = no_policy(user["Arn"], "s3:GetObject", f'"{arn(bucket, "out/a")}"')
    with gate.unseen(), denied(message):
        s3.get_object(Bucket=bucket, Key="out/a")
    with gate.unseen(), denied():
        s3.list_objects_v2(Bucket=bucket)
    with gate.unseen(), denied():
        s3.delete_object(Bucket=bucket, Key="in/a")


def test_signatures_are_proven(gate):
    bucket = make_bucket(gate, "a")
    _, keys, _ = known_user(gate, allow("s3:*"))
    wrong = gate.s3(Keys(keys.access_key_id, keys.secret_access_key[:-1] + "x"))
    empty = gate.s3(Keys(keys.access_key_id, "x"))
    for s3 in (wrong, empty):
        with gate.unseen(), refused("SignatureDoesNotMatch"):
            s3.get_object(Bucket=bucket, Key="a")
    unknown = gate.s3(Keys("AKIA3XFRBF535PLBIFPI", keys.secret_access_key))
    with gate.unseen(), refused("InvalidAccessKeyId"):
        unknown.get_object(Bucket=bucket, Key="a")
    forged = gate.s3(Keys("ASIA3XFRBF535PLBIFPI", keys.secret_access_key, "AAAA" * 40))
    for _ in range(2):
        with gate.unseen(), refused("InvalidToken"):
            forged.get_object(Bucket=bucket, Key="a")


def test_links_and_strangers(gate):
    bucket = make_bucket(gate, "a", "b")
    _, keys, s3 = known_user(gate, allow("s3:GetObject", arn(bucket, "a")))

    def status(key):
        url = gate.s3(keys, signature_version="s3v4").generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60
        )
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as answer:
            return answer.code

    assert soon(lambda: status("a") == 200)
    assert status("b") == 403
    with gate.unseen(), denied():
        gate.anonymous().get_object(Bucket=bucket, Key="a")


def test_forms_are_proven(gate):
    bucket = make_bucket(gate)
    _, keys, s3 = known_user(gate, allow("s3:PutObject", arn(bucket, "in/*")))

    def posted(key, secret=None):
        signer = gate.s3(Keys(keys.access_key_id, secret) if secret else keys)
        form = signer.generate_presigned_post(bucket, key)
        fields = {**form["fields"], "file": "content"}
        boundary = "a-boundary"
        parts = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        request = urllib.request.Request(
            f"{gate.endpoint}/{bucket}", (parts + f"--{boundary}--\r\n").encode(),
            {"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as answer:
            return answer.code

    assert soon(lambda: posted("in/a") == 204)
    assert gate.store.keys(bucket) == ["in/a"]
    with gate.unseen():
        assert posted("out/a") == 403
        assert posted("in/b", secret="x" * 40) == 403


def session_of(gate, statements):
    """A session of a new role: the name of the role, and its keys."""
    role = unique("role")
    iam = gate.server.iam()
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust({"AWS": gate.account}))
    iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document(*statements))
    keys = Keys.of(
        gate.server.sts().assume_role(
            RoleArn=f"arn:aws:iam::{gate.account}:role/{role}", RoleSessionName="today",
            Policy=document(deny("s3:DeleteObject"), allow("*")),
        )
    )
    return role, keys


def test_sessions_end_when_they_are_revoked(gate):
    bucket = make_bucket(gate, "a")
    _, keys = session_of(gate, [allow("s3:*")])
    s3 = gate.s3(keys)

    def is_in():
        try:
            return read(s3.get_object(Bucket=bucket, Key="a")) == "a"
        except ClientError:
            return False

    assert soon(is_in)
    with gate.unseen(), denied():
        s3.delete_object(Bucket=bucket, Key="a")
    other = gate.s3(session_of(gate, [allow("s3:*")])[1])
    assert soon(lambda: is_done(other.get_object, Bucket=bucket, Key="a"))
    done = run("revoke", "--session", keys.access_key_id, "--yes", "--data", gate.server.data)
    assert done.returncode == 0, done.stderr
    assert soon(lambda: is_refused("InvalidToken", s3.get_object, Bucket=bucket, Key="a"))
    other.get_object(Bucket=bucket, Key="a")


def test_changes_are_in_force_at_once(gate):
    bucket = make_bucket(gate, "a")
    user, keys, s3 = known_user(gate)
    name = user["UserName"]
    iam = gate.server.iam()
    get = {"Bucket": bucket, "Key": "a"}
    with denied():
        s3.get_object(**get)
    iam.put_user_policy(
        UserName=name, PolicyName="p", PolicyDocument=document(allow("s3:GetObject"))
    )
    assert soon(lambda: is_done(s3.get_object, **get))
    iam.put_user_policy(
        UserName=name, PolicyName="p", PolicyDocument=document(deny("s3:GetObject"))
    )
    assert soon(lambda: is_refused("AccessDenied", s3.get_object, **get))
    iam.delete_user_policy(UserName=name, PolicyName="p")
    group = unique("group")
    iam.create_group(GroupName=group)
    iam.put_group_policy(
        GroupName=group, PolicyName="p", PolicyDocument=document(allow("s3:GetObject"))
    )
    iam.add_user_to_group(GroupName=group, UserName=name)
    assert soon(lambda: is_done(s3.get_object, **get))
    key = {"UserName": name, "AccessKeyId": keys.access_key_id}
    iam.update_access_key(**key, Status="Inactive")
    assert soon(lambda: is_refused("InvalidAccessKeyId", s3.get_object, **get))
    iam.update_access_key(**key, Status="Active")
    assert eventually(lambda: not is_refused("InvalidAccessKeyId", s3.get_object, **get), SOON)
    iam.delete_access_key(**key)
    assert soon(lambda: is_refused("InvalidAccessKeyId", s3.get_object, **get))


def test_what_iamd_keeps_is_written_by_the_node(gate):
    user, _, s3 = known_user(gate, allow(["s3:CreateBucket", "s3:PutObject", "s3:GetObject"]))
    bucket = unique("made")
    assert soon(lambda: is_done(s3.create_bucket, Bucket=bucket))
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    with refused("BucketAlreadyOwnedByYou"):
        s3.create_bucket(Bucket=bucket)
    assert bucket in [item["Name"] for item in gate.s3().list_buckets()["Buckets"]]
    policy = document({
        "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": arn(bucket, "*"),
    })
    with gate.unseen(), denied():
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    with gate.unseen(), denied():
        s3.delete_public_access_block(Bucket=bucket)
    gate.s3().put_bucket_policy(Bucket=bucket, Policy=policy)
    # What was answered is in force here, and nothing has to be waited for.
    with denied():
        s3.get_object(Bucket=bucket, Key="a")
    assert json.loads(gate.s3().get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    with refused("MalformedPolicy"):
        gate.s3().put_bucket_policy(Bucket=bucket, Policy="{}")
    gate.s3().delete_bucket_policy(Bucket=bucket)
    s3.get_object(Bucket=bucket, Key="a")
    gate.s3().delete_public_access_block(Bucket=bucket)
    with refused("NoSuchPublicAccessBlockConfiguration"):
        gate.s3().get_public_access_block(Bucket=bucket)
    rules = [{"AllowedOrigins": ["https://a.example.com"], "AllowedMethods": ["GET"]}]
    cors = {"Bucket": bucket, "CORSConfiguration": {"CORSRules": rules}}
    with gate.unseen(), denied():
        s3.put_bucket_cors(**cors)
    gate.s3().put_bucket_cors(**cors)
    assert gate.s3().get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    gate.s3().delete_bucket_cors(Bucket=bucket)
    with refused("NoSuchCORSConfiguration"):
        gate.s3().get_bucket_cors(Bucket=bucket)
    other, other_keys = gate.second_account()
    theirs = gate.s3(other_keys)
    assert soon(lambda: not is_refused("InvalidAccessKeyId", theirs.list_buckets))
    with refused("BucketAlreadyExists"):
        theirs.create_bucket(Bucket=bucket)
    gate.s3().delete_object(Bucket=bucket, Key="a")
    with denied():
        s3.delete_bucket(Bucket=bucket)
    gate.s3().delete_bucket(Bucket=bucket)
    with refused("NoSuchBucket"):
        gate.s3().list_objects_v2(Bucket=bucket)
    theirs.create_bucket(Bucket=bucket)


def trail(gate):
    done = run("audit", "show", "--data", gate.server.data, "-o", "json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_usage_is_counted_at_the_node_once(tmp_path):
    with following(tmp_path) as gate:
        bucket = make_bucket(gate, "a")
        for _ in range(3):
            gate.s3().get_object(Bucket=bucket, Key="a")
        # What was noted leaves with the process at the latest.
        gate.process.stop()
        done = run("gateway", "usage", "--data", gate.server.data, "-o", "json")
        assert done.returncode == 0, done.stderr
        lines = {line["operation"]: line["requests"] for line in json.loads(done.stdout)}
        assert lines == {"CreateBucket": 1, "PutObject": 1, "GetObject": 3}


def parameter(event, name):
    """A parameter of the request of an event."""
    return (event["requestParameters"] or {}).get(name)


def test_calls_are_in_the_trail_of_the_node(gate):
    bucket = make_bucket(gate, "a")
    _, keys, s3 = known_user(gate, allow("s3:GetObject", arn(bucket, "*")))
    assert soon(lambda: is_done(s3.get_object, Bucket=bucket, Key="a"))
    with denied():
        s3.put_object(Bucket=bucket, Key="b", Body=b"b")

    def of_user():
        mine = [
            (event["eventName"], event.get("errorCode"), parameter(event, "key"))
            for event in trail(gate)
            if event["userIdentity"].get("accessKeyId") == keys.access_key_id
        ]
        return ("GetObject", None, "a") in mine and ("PutObject", "AccessDenied", "b") in mine

    assert eventually(of_user)
    events = [event for event in trail(gate) if event["eventSource"] == "s3.amazonaws.com"]
    made_by = [event for event in events if parameter(event, "bucketName") == bucket]
    names = [event["eventName"] for event in made_by]
    assert names.count("CreateBucket") == 1, names
    ids = [event["eventID"] for event in events]
    assert len(ids) == len(set(ids))
    assert run("audit", "verify", "--data", gate.server.data).returncode == 0


def test_no_secret_crosses_the_wire(tmp_path):
    with Server(data=tmp_path / "data") as node, Recorder(node) as recorder:
        behind = STORES["moto"](tmp_path / "store")
        with behind, Witness(behind) as witness:
            with GatewayProcess(
                "--iam", recorder.endpoint, *of_store(witness),
                environment=follower_of(node.data), logs=tmp_path / "gateway.log",
            ) as process:
                node.facts["gateway"] = process.endpoint
                gate = Gateway(node, behind, witness)
                bucket = make_bucket(gate, "a")
                _, keys, s3 = known_user(gate, allow("s3:*"))
                assert soon(lambda: is_done(s3.get_object, Bucket=bucket, Key="a"))
                role_keys = session_of(gate, [allow("s3:*")])[1]
                s3 = gate.s3(role_keys)
                assert soon(lambda: is_done(s3.get_object, Bucket=bucket, Key="a"))
                seen = recorder.text
                assert keys.access_key_id.encode() in seen, "it was told of the key"
                for secret in (keys, role_keys, node.admin):
                    assert secret.secret_access_key.encode() not in seen
                memory = memory_of(process.process.pid)
                assert keys.access_key_id.encode() in memory
                for secret in (keys, role_keys, node.admin):
                    assert secret.secret_access_key.encode() not in memory
    kept = [path for path in tmp_path.rglob("*") if "data" not in path.parts and path.is_file()]
    assert all("store" in path.parts or path.suffix == ".log" for path in kept), kept


def memory_of(pid):
    """All that a process has in memory that it may write to."""
    parts = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            span, mode = line.split()[:2]
            if not mode.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                parts.append(memory.read(end - start))
            except OSError:
                continue
    return b"".join(parts)


@pytest.mark.parametrize("way", ["socket", "network"])
def test_decisions_go_on_for_a_time_without_the_node(tmp_path, way):
    data = tmp_path / "data"
    node = Server(data=data)
    try:
        with following(tmp_path, way, "--max-staleness", BOUND, server=node) as gate:
            bucket = make_bucket(gate, "a")
            _, _, s3 = known_user(gate, allow("s3:*"))
            get = {"Bucket": bucket, "Key": "a"}
            assert soon(lambda: is_done(s3.get_object, **get))
            assert gate.process.ready()[0] == 200
            port = node.host_and_port[1]
            node.kill()
            since = time.monotonic()
            s3.get_object(**get)
            with refused("ServiceUnavailable", status=503):
                s3.put_bucket_policy(Bucket=bucket, Policy=document(
                    deny("s3:*", arn(bucket), Principal="*")
                ))
            with refused("ServiceUnavailable", status=503):
                s3.create_bucket(Bucket=unique("no"))
            assert eventually(
                lambda: is_refused_at_all(s3.get_object, **get), BOUND + 3
            ), "decisions go on for ever"
            assert time.monotonic() - since > BOUND - 2
            with gate.unseen(), refused("ServiceUnavailable", status=503):
                s3.get_object(**get)
            assert gate.process.ready()[0] == 503
            again = ServerAt(port, data=data, admin=gate.admin)
            with again:
                assert eventually(lambda: not is_refused_at_all(s3.get_object, **get), 10)
                assert gate.process.ready()[0] == 200
                gate.server = again
                again.facts["gateway"] = gate.endpoint
                # Nothing that was noted meanwhile is lost.
                assert eventually(lambda: len(of_bucket(gate, bucket)) >= 3, 10)
                known_user(gate)
    finally:
        if node.process.poll() is None:
            node.kill()


def is_refused_at_all(call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ServiceUnavailable", error.response["Error"]
        return True
    return False


def of_bucket(gate, bucket):
    """The successful reads of a bucket, in the trail."""
    return [
        event for event in trail(gate)
        if event["eventName"] == "GetObject" and "errorCode" not in event
        and parameter(event, "bucketName") == bucket
    ]


def gateway_fails(*arguments, environment=None):
    """A gateway that does not start: what it says."""
    done = run(
        "gateway", "--listen", "127.0.0.1:0", "--upstream", "s3=http://127.0.0.1:9",
        *arguments, environment=environment,
    )
    assert done.returncode == 1, done.stdout
    return done.stderr


def test_only_a_credential_for_followers_is_good(tmp_path):
    with Server(data=tmp_path / "data") as node:
        where = ("--iam", node.endpoint)
        good = follower_of(node.data)
        wrong = {**good, "IAMD_OPERATOR_SECRET_ACCESS_KEY": "wrong"}
        assert "signature" in gateway_fails(*where, environment=wrong)
        person = follower_of(node.data, "ana", purpose=None)
        assert "is not authorized to perform iamd:Follow" in gateway_fails(
            *where, environment=person
        )
        key = {
            "IAMD_OPERATOR_ACCESS_KEY_ID": node.admin.access_key_id,
            "IAMD_OPERATOR_SECRET_ACCESS_KEY": node.admin.secret_access_key,
        }
        assert gateway_fails(*where, environment=key)
        # And it is good for nothing else.
        for command in (("account", "list"), ("status",), ("operator", "list")):
            done = run(*command, "--endpoint", node.endpoint, environment=good)
            assert done.returncode == 1 and "for following only" in done.stderr, done.stderr
        done = run("account", "list", "--endpoint", node.endpoint, environment=person)
        assert done.returncode == 0, done.stderr


def test_what_cannot_be_is_said():
    store = gateway_fails("--store", "sqlite:iamd-data")
    assert "--iam" in store and "--data" in store
    done = run("gateway", "--listen", "0.0.0.0:0", "--upstream", "s3=http://127.0.0.1:9")
    assert done.returncode == 1 and "TLS" in done.stderr, done.stderr
    done = run("gateway", "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "upstream" in done.stderr, done.stderr


def test_over_tls_with_a_production_node(tmp_path):
    facts = made(tmp_path / "data")
    admin = Keys(facts["access_key_id"], facts["secret_access_key"])
    node = Serve(tmp_path / "data", admin=admin)
    behind = STORES["moto"](tmp_path / "store")
    with node, behind, Witness(behind) as witness:
        where = ("--iam", node.endpoint, "--ca-bundle", node.authority, *of_store(witness))
        environment = follower_of(tmp_path / "data")
        with GatewayProcess(*where, environment=environment) as process:
            node.facts["gateway"] = process.endpoint
            gate = Gateway(node, behind, witness)
            bucket = make_bucket(gate, "a")
            assert read(gate.s3().get_object(Bucket=bucket, Key="a")) == "a"
            with denied():
                gate.anonymous().get_object(Bucket=bucket, Key="a")
