"""The page /metrics, read as a monitoring system reads it."""

import concurrent.futures
import json
import socket
import sqlite3
import time

import pytest
from iamd import Keys, Server, create_user, denied, deny, http, refused
from production import Serve, made
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from totp import Device
from wire import identity_body, signed_headers


def page(server, headers=None):
    """Status and text of the page."""
    ask = server.http if isinstance(server, Serve) else lambda *what, **how: http(server, *what, **how)
    answer = ask("GET", "/metrics", headers=headers)
    return answer.status, answer.body.decode()


def numbers(server):
    """Every sample, by name and labels."""
    status, text = page(server)
    assert status == 200, text
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def number(server, name, **labels):
    """One sample; 0 where there is none."""
    return numbers(server).get((name, *sorted(labels.items())), 0)


def requests(server, service, operation, code):
    """How many requests came to this end."""
    labels = {"service": service, "operation": operation, "code": code}
    return number(server, "iamd_requests_total", **labels)


def test_requests_are_counted_by_operation_and_code():
    with Server() as server:
        iam, sts = server.iam(), server.sts()
        iam.create_user(UserName="ana")
        for _ in range(3):
            sts.get_caller_identity()
        with refused("NoSuchEntity"):
            iam.get_user(UserName="bob")
        assert requests(server, "sts", "GetCallerIdentity", "OK") == 3
        assert requests(server, "iam", "CreateUser", "OK") == 1
        assert requests(server, "iam", "GetUser", "NoSuchEntity") == 1
        count = "iamd_request_duration_seconds_count"
        assert number(server, count, service="sts", operation="GetCallerIdentity") == 3


def test_a_signature_that_is_wrong_is_counted():
    with Server() as server:
        with refused("SignatureDoesNotMatch"):
            server.sts(Keys(server.admin.access_key_id, "wrong")).get_caller_identity()
        assert requests(server, "sts", "GetCallerIdentity", "SignatureDoesNotMatch") == 1
        assert requests(server, "sts", "GetCallerIdentity", "OK") == 0


def test_decisions_are_counted_by_what_decided():
    with Server() as server:
        _, ana = create_user(server, "ana")

        def decisions(decision):
            labels = {"decision": decision, "policy_type": "identity"}
            return number(server, "iamd_decisions_total", **labels)

        assert decisions("allow") == 2 and decisions("implicit_deny") == 0
        with denied():
            server.iam(ana).list_users()
        assert decisions("implicit_deny") == 1 and decisions("explicit_deny") == 0
        _, bob = create_user(server, "bob", [deny("iam:ListUsers")])
        with denied():
            server.iam(bob).list_users()
        assert decisions("implicit_deny") == 1 and decisions("explicit_deny") == 1


def test_what_a_client_makes_up_is_no_label():
    with Server() as server:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        http(server, "POST", "/", b"Action=Inv%0A%22ented&Version=2010-05-08", form)
        http(server, "POST", "/", b"x", {"Content-Type": "application/x-made-up"})
        _, text = page(server)
        assert "ented" not in text and "made-up" not in text
        assert requests(server, "", "", "InvalidAction") == 1


def test_throttled_requests_are_counted(tmp_path):
    facts = made(tmp_path / "data")
    slow = {"IAMD_RATES_PRINCIPAL_WRITES_PER_SECOND": "1", "IAMD_RATES_PRINCIPAL_WRITES_BURST": "1"}
    admin = Keys.of_facts(facts)
    with Serve(tmp_path / "data", admin=admin, environment=slow) as server:
        server.iam().create_user(UserName="ana")
        with refused("Throttling"):
            server.iam().create_user(UserName="bob")
        assert number(server, "iamd_requests_throttled_total") == 1


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A production server, shared by the tests that only read."""
    data = tmp_path_factory.mktemp("metrics") / "data"
    facts = made(data)
    with Serve(data, admin=Keys.of_facts(facts)) as server:
        yield server


def test_the_process_and_the_store_are_measured(served):
    served.iam().create_user(UserName="ana")
    assert number(served, "process_resident_memory_bytes") > 1_000_000
    assert number(served, "process_cpu_seconds_total") > 0
    assert number(served, "process_open_fds") > 3
    assert number(served, "iamd_accounts") == 1
    assert number(served, "iamd_connections") >= 1
    assert number(served, "iamd_store_call_duration_seconds_count", call="commit") >= 1
    assert number(served, "iamd_store_call_failures_total", call="commit") == 0


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_a_proxy_that_nobody_named_reads_nothing(served, header):
    assert page(served)[0] == 200
    assert page(served, {header: "127.0.0.1"})[0] == 403


def test_readers_are_who_the_setting_says(tmp_path):
    facts = made(tmp_path / "data")
    readers = {"IAMD_METRICS_READERS": "192.0.2.0/24", "IAMD_SERVER_PROXIES": "127.0.0.1/32"}
    admin = Keys.of_facts(facts)
    with Serve(tmp_path / "data", admin=admin, environment=readers) as server:
        status, text = page(server)
        assert status == 403 and "metrics.readers" in text
        assert page(server, {"X-Forwarded-For": "192.0.2.7"})[0] == 200
        assert page(server, {"X-Forwarded-For": "192.0.2.7, 198.51.100.1"})[0] == 403


def test_the_age_of_data_and_the_end_of_the_certificate_are_told(served):
    assert 0 <= number(served, "iamd_snapshot_age_seconds") < 60
    end = "iamd_tls_certificate_end_timestamp_seconds"
    assert time.time() < number(served, end) < time.time() + 400 * 86_400
    with Server() as plain:
        assert (end,) not in numbers(plain), "there is no certificate"


def flooded(server, count=400):
    """Sends that many requests on one connection, without waiting for answers in between."""
    body = identity_body()
    headers = {**signed_headers(server, body), "Content-Length": len(body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body
    with socket.create_connection(server.host_and_port, timeout=30) as plain:
        with server.context().wrap_socket(plain, server_hostname="localhost") as stream:
            stream.sendall(request * count)
            answers, seen = b"", 0
            while seen < count:
                part = stream.recv(65_536)
                assert part, "the connection was closed"
                # Also of those over the limit of their principal: they are noted as well.
                seen += (answers + part).count(b"HTTP/1.1 ")
                # A status line may be cut in two.
                answers = part[-8:]


def test_records_that_found_no_place_are_counted(tmp_path):
    data = tmp_path / "data"
    admin = Keys.of_facts(made(data))
    narrow = {"IAMD_AUDIT_WAITING_MAX": "16", "IAMD_AUDIT_WHEN_FULL": "count"}
    with Serve(data, admin=admin, environment=narrow) as server:
        assert number(server, "iamd_audit_records_lost_total") == 0

        def is_full():
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda _: flooded(server), range(8)))
            return number(server, "iamd_audit_records_lost_total") > 0

        assert any(is_full() for _ in range(20))
        assert number(server, "iamd_audit_waiting") <= 16
        assert number(server, "iamd_audit_waiting_bytes") < 1_000_000
        lost = number(server, "iamd_audit_records_lost_total")
    lines = [
        json.loads(line)
        for file in (data / "audit").glob("trail-*.jsonl")
        for line in file.read_text().splitlines()
    ]
    gaps = [line for line in lines if line.get("eventName") == "LostAuditRecords"]
    assert sum(gap["requestParameters"]["lost"] for gap in gaps) == lost


def test_one_time_codes_are_counted(tmp_path):
    data = tmp_path / "data"
    with Server(data=data) as server:

        def claims():
            outcomes = ("made", "refused", "failed")
            return [number(server, "iamd_claims_total", outcome=it) for it in outcomes]

        assert claims() == [0, 0, 0]
        iam = server.iam()
        device = Device.of(iam.create_virtual_mfa_device(VirtualMFADeviceName="phone"))
        iam.enable_mfa_device(UserName="admin", **device.pair(-3))
        iam.resync_mfa_device(UserName="admin", **device.pair(-1))
        shown = device.shown()
        before = claims()
        assert before[0] > 0 and before[1:] == [0, 0]
        server.sts().get_session_token(**shown)
        made_one = claims()
        assert made_one[0] > before[0] and made_one[1:] == [0, 0]
        with refused("AccessDenied", status=403):
            server.sts().get_session_token(**shown)
        assert claims()[1] > 0 and claims()[2] == 0, "a code counts once"
        # Another process holds the database: no code can be used up, so that none counts.
        other = sqlite3.connect(data / "store.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with refused("ServiceUnavailable", status=503):
            server.sts().get_session_token(**device.shown(1))
        assert claims()[2] > 0
        other.execute("ROLLBACK")
        other.close()
