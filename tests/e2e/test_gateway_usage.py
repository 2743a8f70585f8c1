"""What accounts use of a guarded store: counted exactly, kept, and told; and the gateway's metrics."""

import json
import os
import socket
from datetime import datetime, timedelta, timezone

import pytest
from iamd import Server, advance_clock, create_user, denied, document, refused, run, unique
from s3_wire import CHUNKS, Signed
from store import arn, gateway, grant, make_bucket, read, s3_client
from test_metrics import number, numbers


def usage(gate, *arguments):
    """The lines of `iamd gateway usage`, by account and operation."""
    done = run("gateway", "usage", "--data", gate.server.data, "-o", "json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def tallies(lines, account):
    """Requests, denied ones, bytes in and bytes out of an account, by operation."""
    members = ("requests", "denied", "bytes_in", "bytes_out")
    own = [line for line in lines if line["account_id"] == account]
    assert len({line["operation"] for line in own}) == len(own)
    return {line["operation"]: tuple(line[name] for name in members) for line in own}


def use(gate, keys, puts, gets, size):
    """Makes a bucket, writes and reads so many objects of a size."""
    s3, bucket = gate.s3(keys), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    for number in range(puts):
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=os.urandom(size))
    for _ in range(gets):
        assert len(s3.get_object(Bucket=bucket, Key="k0")["Body"].read()) == size
    return bucket


def test_two_accounts_are_counted_exactly_through_two_lives(tmp_path):
    with gateway(tmp_path) as gate:
        other, keys = gate.second_account()
        use(gate, None, puts=3, gets=5, size=1_000)
        use(gate, keys, puts=2, gets=1, size=70_000)
        first, admin = gate.account, gate.admin
        lines = usage(gate)
        assert {line["service"] for line in lines} == {"s3"}
        of_first = tallies(lines, first)
        assert of_first["PutObject"][:3] == (3, 0, 3_000)
        assert of_first["GetObject"] == (5, 0, 0, 5_000)
        assert of_first["CreateBucket"][:2] == (1, 0)
        assert tallies(lines, other)["PutObject"][:3] == (2, 0, 140_000)
        assert tallies(lines, other)["GetObject"] == (1, 0, 0, 70_000)
        # What was told is kept, whatever ends the process.
        gate.server.kill()
    lines_at_rest = usage(gate)
    assert lines_at_rest == lines
    with gateway(tmp_path, admin=admin) as gate:
        assert usage(gate) == lines
        use(gate, None, puts=1, gets=2, size=10)
        of_first = tallies(usage(gate), first)
        assert of_first["PutObject"][:3] == (4, 0, 3_010)
        assert of_first["GetObject"] == (7, 0, 0, 5_020)
        gate.server.stop()
    # An end as it should be loses nothing.
    assert tallies(usage(gate), first) == of_first
    assert tallies(usage(gate), other) == tallies(lines, other)


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with gateway(tmp_path_factory.mktemp("usage")) as gate:
        yield gate


class Difference:
    """What a block adds to the usage of an account."""

    def __init__(self, gate, account=None):
        self.gate, self.account = gate, account or gate.account

    def _now(self):
        return tallies(usage(self.gate), self.account)

    def __enter__(self):
        self.before = self._now()
        return self

    def __exit__(self, *_):
        nothing = (0, 0, 0, 0)
        after = self._now()
        each = {
            name: tuple(b - a for a, b in zip(self.before.get(name, nothing), tally))
            for name, tally in after.items()
        }
        self.added = {name: tally for name, tally in each.items() if tally != nothing}


def test_denials_count_for_those_whose_own_they_are(gate):
    bucket = make_bucket(gate, "a")
    other, foreign = gate.second_account()
    _, own = create_user(gate.server)
    with Difference(gate) as mine, Difference(gate, other) as theirs:
        with denied():
            gate.s3(own).get_object(Bucket=bucket, Key="a")
        # Whoever is not of the account makes nobody pay by what he may not.
        with denied():
            gate.s3(foreign).get_object(Bucket=bucket, Key="a")
        with denied():
            gate.anonymous().get_object(Bucket=bucket, Key="a")
        with refused("InvalidAccessKeyId"):
            gate.s3(type(own)("AKIAIOSFODNN7EXAMPLE", "x")).get_object(Bucket=bucket, Key="a")
    [(name, tally)] = mine.added.items()
    assert (name, tally[:3]) == ("GetObject", (1, 1, 0)) and tally[3] > 0
    assert theirs.added == {}


def test_what_others_may_counts_for_the_account_that_lets_them(gate):
    bucket = make_bucket(gate, "open/a")
    other, foreign = gate.second_account()
    gate.s3().delete_public_access_block(Bucket=bucket)
    gate.s3().put_bucket_policy(
        Bucket=bucket, Policy=document(grant("*", "s3:GetObject", arn(bucket, "open/*")))
    )
    with Difference(gate) as mine, Difference(gate, other) as theirs:
        assert read(gate.anonymous().get_object(Bucket=bucket, Key="open/a")) == "open/a"
        assert read(gate.s3(foreign).get_object(Bucket=bucket, Key="open/a")) == "open/a"
    assert mine.added == {"GetObject": (2, 0, 0, 12)}
    assert theirs.added == {}


def test_data_counts_and_frames_of_chunks_do_not(gate):
    bucket, data = make_bucket(gate), os.urandom(100_000)
    headers = {"x-amz-decoded-content-length": str(len(data)), "content-encoding": "aws-chunked"}
    with Difference(gate) as mine:
        signed = Signed(gate, "PUT", f"/{bucket}/a", CHUNKS, headers)
        body = signed.chunk(data[:40_000]) + signed.chunk(data[40_000:]) + signed.chunk(b"")
        assert signed.send(gate, body).status == 200
    assert mine.added["PutObject"][:3] == (1, 0, 100_000)
    batch = {"Objects": [{"Key": "a"}]}
    with Difference(gate) as mine:
        gate.s3().delete_objects(Bucket=bucket, Delete=batch)
    assert mine.added["DeleteObjects"][0] == 1 and mine.added["DeleteObjects"][2] > 0


def test_counting_is_no_revision(gate):
    bucket, s3 = make_bucket(gate, "a"), gate.s3()
    status = lambda: json.loads(run("status", "--data", gate.server.data, "-o", "json").stdout)
    usage(gate)
    before = status()["store"]["revisions"]
    with Difference(gate) as mine:
        for _ in range(10):
            s3.get_object(Bucket=bucket, Key="a")["Body"].read()
    assert mine.added == {"GetObject": (10, 0, 0, 10)}
    assert status()["store"]["revisions"] == before


def test_days_and_months_are_told_apart(tmp_path):
    # A store that does not ask for the time.
    with gateway(tmp_path, "moto") as gate:
        bucket = make_bucket(gate, "a")
        other, keys = gate.second_account()
        today = datetime.now(timezone.utc).date()
        later = today + timedelta(days=40)
        # What the public may read needs no signature, which would be of another time.
        gate.s3().delete_public_access_block(Bucket=bucket)
        gate.s3().put_bucket_policy(
            Bucket=bucket, Policy=document(grant("*", "s3:GetObject", arn(bucket, "a")))
        )
        gate.s3().get_object(Bucket=bucket, Key="a")["Body"].read()
        advance_clock(gate.server, 40 * 86_400)
        assert read(gate.anonymous().get_object(Bucket=bucket, Key="a")) == "a"
        own = lambda *arguments: [
            line for line in usage(gate, "--account", gate.account, *arguments)
            if line["operation"] == "GetObject"
        ]
        days = [line["period"] for line in own()]
        assert len(days) == 2 and days[1] >= later.isoformat()
        assert [line["requests"] for line in own()] == [1, 1]
        assert [line["period"] for line in own("--from", days[1])] == days[1:]
        assert [line["period"] for line in own("--to", days[0])] == days[:1]
        assert own("--from", days[1], "--to", days[1]) == own("--from", days[1])
        months = [line["period"] for line in own("--by-month")]
        assert months == [day[:7] for day in days]
        assert usage(gate, "--account", other) == []
        for arguments, complaint in (
            (("--from", "2026-02-31"), "is no day"),
            (("--from", "yesterday"), "is no day"),
            (("--from", days[1], "--to", days[0]), "is after"),
            (("--account", "1"), "account"),
        ):
            done = run("gateway", "usage", "--data", gate.server.data, *arguments)
            assert done.returncode == 1 and complaint in done.stderr, done
        table = run("gateway", "usage", "--data", gate.server.data, "-o", "table").stdout
        assert table.startswith("ACCOUNT") and "GetObject" in table


def test_an_operator_elsewhere_reads_it_with_his_credential_and_nobody_without(gate):
    make_bucket(gate, "a")
    made = run("operator", "create", unique("biller"), "--data", gate.server.data, "-o", "json")
    facts = json.loads(made.stdout)
    ask = lambda id, secret: run(
        "gateway", "usage", "--endpoint", gate.server.endpoint, "-o", "json",
        environment={"IAMD_OPERATOR_ACCESS_KEY_ID": id, "IAMD_OPERATOR_SECRET_ACCESS_KEY": secret},
    )
    told = ask(facts["access_key_id"], facts["secret_access_key"])
    assert json.loads(told.stdout) == usage(gate)
    # An administrator of an account is no operator.
    admin = gate.admin
    for id, secret in (
        (facts["access_key_id"], "wrong"), (admin.access_key_id, admin.secret_access_key)
    ):
        refusal = ask(id, secret)
        assert refusal.returncode == 1 and refusal.stdout == "", refusal


def test_calls_are_in_the_metrics(gate):
    bucket = make_bucket(gate, "a")
    _, own = create_user(gate.server)
    ended = lambda kind, outcome: number(
        gate.server, "iamd_gateway_requests_total", service="s3", kind=kind, outcome=outcome
    )
    of_service = lambda name: number(gate.server, name, service="s3")
    took = lambda kind: number(
        gate.server, "iamd_gateway_store_duration_seconds_count", service="s3", kind=kind
    )
    before = {
        "read": ended("read", "allowed"), "denied": ended("read", "denied"),
        "write": ended("write", "allowed"), "list": ended("list", "allowed"),
        "refused": ended("read", "refused"), "unknown": ended("unknown", "refused"),
        "took": took("read"), "in": of_service("iamd_gateway_received_bytes_total"),
        "out": of_service("iamd_gateway_sent_bytes_total"),
    }
    gate.s3().put_object(Bucket=bucket, Key="b", Body=bytes(1_000))
    gate.s3().get_object(Bucket=bucket, Key="b")["Body"].read()
    gate.s3().list_objects_v2(Bucket=bucket)
    with denied():
        gate.s3(own).get_object(Bucket=bucket, Key="b")
    with refused("SignatureDoesNotMatch"):
        gate.s3(type(own)(own.access_key_id, "x")).get_object(Bucket=bucket, Key="b")
    assert Signed(gate, "PATCH", f"/{bucket}/b").send(gate).status == 405
    assert ended("read", "allowed") == before["read"] + 1
    assert ended("write", "allowed") == before["write"] + 1
    assert ended("list", "allowed") == before["list"] + 1
    assert ended("read", "denied") == before["denied"] + 1
    assert ended("read", "refused") == before["refused"] + 1
    assert ended("unknown", "refused") == before["unknown"] + 1
    assert took("read") == before["took"] + 1
    assert of_service("iamd_gateway_received_bytes_total") >= before["in"] + 1_000
    assert of_service("iamd_gateway_sent_bytes_total") >= before["out"] + 1_000


def test_a_store_that_is_away_is_in_the_metrics():
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        away = "s3=http://127.0.0.1:{}".format(nobody.getsockname()[1])
    with Server("--gateway", "127.0.0.1:0", "--upstream", away) as server:
        failures = lambda: number(
            server, "iamd_gateway_store_failures_total", service="s3", failure="unreachable"
        )
        assert failures() == 0
        with refused("ServiceUnavailable"):
            s3_client(server.facts["gateway"], server.admin).create_bucket(Bucket="photos")
        assert failures() == 1
        labels = {"service": "s3", "kind": "write", "outcome": "failed"}
        assert number(server, "iamd_gateway_requests_total", **labels) == 1


def test_the_page_does_not_grow_by_what_clients_send(gate):
    size = lambda: sum(name[0].startswith("iamd_gateway_requests") for name in numbers(gate.server))
    make_bucket(gate, "a")
    Signed(gate, "GET", "/?unknown-0=1").send(gate)
    before = size()
    for number_ in range(20):
        Signed(gate, "GET", f"/bucket-{number_}?unknown-{number_}=1").send(gate)
    assert size() == before
