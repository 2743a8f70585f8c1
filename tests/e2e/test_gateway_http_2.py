"""HTTP/2 at the gateway: the same decisions, and connections that cannot be abused."""

import hashlib
import os
import socket
import time
from contextlib import contextmanager

import pytest
from certificate_files import Authority
from h2.settings import SettingCodes
from http_2 import Broken, Http2
from iamd import Keys, Server, allow, create_user
from production import Serve, made
from s3_wire import CHUNKS, Signed
from store import STORE_KEYS, arn, gateway, make_bucket, moto_store, read, s3_client
from test_gateway_tls import FIRST, upload

MIB = 1 << 20


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A gateway that speaks TLS."""
    folder = tmp_path_factory.mktemp("secure")
    authority = Authority(folder / "authority")
    with Server(data=folder / "data") as server:
        certificate, admin = upload(server, "www", authority.issue(*FIRST)), server.admin
    options = ("--tls-certificate", certificate)
    with gateway(folder, "files", *options, admin=admin) as gate:
        gate.authority = authority.path
        yield gate


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A gateway that speaks plain HTTP, and knows a domain."""
    options = ("--gateway-domain", "s3.example.com")
    with gateway(tmp_path_factory.mktemp("plain"), "files", *options) as gate:
        yield gate


@pytest.fixture(params=["secure", "plain"])
def gate(request):
    return request.getfixturevalue(request.param)


def get(gate, target, keys=None):
    return Signed(gate, "GET", target, keys=keys)


def put(gate, target, body, said=None, **more):
    said = said or hashlib.sha256(body).hexdigest()
    return Signed(gate, "PUT", target, said, **more)


def test_what_policies_allow_passes_and_the_rest_does_not(gate):
    bucket = make_bucket(gate, "in/a", "out/a")
    _, keys = create_user(gate.server, statements=[allow("s3:GetObject", arn(bucket, "in/*"))])
    with Http2(gate) as line:
        answer = line.send(get(gate, f"/{bucket}/in/a", keys))
        assert (answer.status, answer.body) == (200, b"in/a")
        with gate.unseen():
            answer = line.send(get(gate, f"/{bucket}/out/a", keys))
            assert (answer.status, answer.code) == (403, "AccessDenied")
            answer = line.send(put(gate, f"/{bucket}/in/a", b"other", keys=keys), b"other")
            assert (answer.status, answer.code) == (403, "AccessDenied")
            # A stranger, who has no signature.
            signed = get(gate, f"/{bucket}/in/a")
            signed.headers = {"Host": signed.headers["Host"]}
            assert line.send(signed).status == 403
        # What was denied ended requests, not the connection.
        assert line.send(get(gate, f"/{bucket}/in/a", keys)).status == 200
    assert read(gate.store.s3.get_object(Bucket=bucket, Key="in/a")) == "in/a"


def test_bodies_stream_both_ways(gate):
    bucket, body = make_bucket(gate), os.urandom(5 * MIB)
    with Http2(gate) as line:
        assert line.send(put(gate, f"/{bucket}/large", body), body).status == 200
        assert line.send(get(gate, f"/{bucket}/large")).body == body
        assert line.send(put(gate, f"/{bucket}/empty", b""), b"").status == 200
        answer = line.send(Signed(gate, "HEAD", f"/{bucket}/large"))
        assert (answer.status, answer.headers["content-length"]) == (200, str(len(body)))
    assert gate.store.s3.get_object(Bucket=bucket, Key="large")["Body"].read() == body


def test_a_body_proves_itself(gate):
    bucket = make_bucket(gate, "a")
    with Http2(gate) as line:
        for key, body in (("a", b"forged"), ("b", os.urandom(MIB))):
            signed = put(gate, f"/{bucket}/{key}", b"declared")
            answer = line.send(signed, body)
            assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    assert read(gate.store.s3.get_object(Bucket=bucket, Key="a")) == "a"
    assert gate.store.keys(bucket) == ["a"]


def test_chunks_are_signed_one_by_one(gate):
    bucket, data = make_bucket(gate), os.urandom(100_000)
    headers = {"x-amz-decoded-content-length": str(len(data)), "content-encoding": "aws-chunked"}
    sign = lambda key: put(gate, f"/{bucket}/{key}", data, said=CHUNKS, headers=headers)
    with Http2(gate) as line:
        signed = sign("good")
        body = signed.chunk(data) + signed.chunk(b"")
        assert line.send(signed, body).status == 200
        signed = sign("bent")
        body = signed.chunk(data).replace(data[:100], bytes(100)) + signed.chunk(b"")
        assert line.send(signed, body).code == "SignatureDoesNotMatch"
    assert gate.store.keys(bucket) == ["good"]


def test_a_body_without_a_length_is_refused(gate):
    bucket = make_bucket(gate)
    with Http2(gate) as line, gate.unseen():
        number = line.open(line.head(put(gate, f"/{bucket}/a", b"body")), is_all=False)
        line.pour(number, b"body")
        assert line.answer(number).reply().code == "MissingContentLength"


def test_a_body_of_another_length_than_it_says_is_not_stored(gate):
    bucket = make_bucket(gate)
    for length in (3, 5):
        with Http2(gate) as line:
            fields = line.head(put(gate, f"/{bucket}/a", b"body"), length=length)
            number = line.open(fields, is_all=False)
            line.pour(number, b"body")
            with pytest.raises((AssertionError, Broken)):
                assert line.answer(number).status != 200
                raise Broken("refused")
    assert gate.store.keys(bucket) == []


def test_the_host_that_is_signed_is_the_authority(gate):
    bucket = make_bucket(gate, "a")
    with Http2(gate) as line, gate.unseen():
        signed = get(gate, f"/{bucket}/a")
        answer = line.send(signed, authority="other.example")
        assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
        # Two hosts, of which one is signed.
        for host, authority in (
            (signed.headers["Host"], "other.example"),
            ("other.example", signed.headers["Host"]),
        ):
            answer = line.send(signed, authority=authority, more=[("host", host)])
            assert (answer.status, answer.code) == (400, "InvalidRequest")
        answer = line.send(signed, authority="user@" + signed.headers["Host"])
        assert answer.status in (400, 403)
    with Http2(gate) as line:
        host = signed.headers["Host"]
        assert line.send(signed, more=[("host", host)]).status == 200
        assert line.send(signed).status == 200


def test_the_authority_may_name_the_bucket(plain):
    mine, other = make_bucket(plain, "a"), make_bucket(plain, "a")
    host = f"{mine}.s3.example.com"
    _, keys = create_user(plain.server, statements=[allow("s3:GetObject", arn(mine, "*"))])

    class Named:
        host_and_port, admin = (host, 4261), plain.admin

    with Http2(plain) as line:
        assert line.send(Signed(Named, "GET", "/a", keys=keys)).body == b"a"
        with plain.unseen():
            Named.host_and_port = (f"{other}.s3.example.com", 4261)
            assert line.send(Signed(Named, "GET", "/a", keys=keys)).code == "AccessDenied"


def test_requests_share_a_connection_and_each_gets_its_own_answer(gate):
    keys = [f"k{number}" for number in range(60)]
    bucket = make_bucket(gate, *keys)
    with Http2(gate) as line:
        numbers = {key: line.open(line.head(get(gate, f"/{bucket}/{key}"))) for key in keys}
        for key, number in reversed(numbers.items()):
            assert line.answer(number).body == key.encode()


def test_headers_of_connections_do_not_come_back(gate):
    bucket = make_bucket(gate, "a")
    with Http2(gate) as line:
        headers = line.send(get(gate, f"/{bucket}/a")).headers
    assert not {"connection", "keep-alive", "transfer-encoding"} & set(headers)
    assert headers["x-amz-request-id"]


def test_http_1_1_is_spoken_to_those_who_ask_for_it(gate):
    bucket = make_bucket(gate, "a")
    assert read(gate.s3().get_object(Bucket=bucket, Key="a")) == "a"


def test_the_api_speaks_http_1_1_alone(plain):
    host, port = plain.server.host_and_port
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        answer = connection.recv(1_000)
    assert not answer or answer.startswith(b"HTTP/1.1 4")


# Abuse of a connection


def test_requests_that_are_reset_at_once_end_the_connection(gate):
    """CVE-2023-44487."""
    bucket = make_bucket(gate, "a")
    signed = get(gate, f"/{bucket}/a")
    with Http2(gate) as line, pytest.raises(Broken):
        for _ in range(2_000):
            number = line.h2.get_next_available_stream_id()
            line.h2.send_headers(number, line.head(signed), end_stream=True)
            line.h2.reset_stream(number, error_code=8)
            line.flush()
        while True:
            line.hear()
    assert read(gate.s3().get_object(Bucket=bucket, Key="a")) == "a"


def test_answers_that_are_broken_off_again_and_again_end_the_connection(gate):
    """The same, by a client that waits until each request is under way."""
    bucket, count = make_bucket(gate), 0
    gate.store.s3.put_object(Bucket=bucket, Key="large", Body=bytes(MIB))
    signed = get(gate, f"/{bucket}/large")
    with Http2(gate) as line, pytest.raises(Broken):
        for count in range(1_000):
            number = line.open(line.head(signed))
            while not line.answers[number].headers:
                line.hear()
            line.h2.reset_stream(number, error_code=8)
            line.flush()
    assert 100 < count < 200


def test_a_client_that_breaks_some_requests_off_is_served(gate):
    bucket = make_bucket(gate, "a")
    gate.store.s3.put_object(Bucket=bucket, Key="large", Body=bytes(MIB))
    large, small = get(gate, f"/{bucket}/large"), get(gate, f"/{bucket}/a")
    with Http2(gate) as line:
        for _ in range(150):
            number = line.open(line.head(large))
            while not line.answers[number].headers:
                line.hear()
            line.h2.reset_stream(number, error_code=8)
            line.flush()
            assert line.send(small).status == 200


def test_no_more_requests_are_under_way_than_the_gateway_says(gate):
    bucket = make_bucket(gate, "a")
    with Http2(gate) as line:
        assert line.send(get(gate, f"/{bucket}/a")).status == 200
        assert line.h2.remote_settings.max_concurrent_streams == 100
        # Bodies that never come, one more than may be: it is refused, and the others are not.
        fields = line.head(put(gate, f"/{bucket}/b", b"body"), length=4)
        line.h2.remote_settings.max_concurrent_streams = 1_000
        line.h2.remote_settings.acknowledge()
        numbers = [line.open(fields, is_all=False) for _ in range(101)]
        while (reset := line.answers[numbers[-1]].reset) is None:
            line.hear()
        assert reset == 7, "REFUSED_STREAM"
        line.pour(numbers[0], b"body")
        assert line.answer(numbers[0]).status == 200


def test_a_head_that_is_too_long_is_refused(gate):
    bucket = make_bucket(gate, "a")
    with Http2(gate) as line, gate.unseen():
        more = [(f"x-amz-meta-{number}", "a" * 8_000) for number in range(40)]
        number = line.open(line.head(get(gate, f"/{bucket}/a"), more=more))
        assert line.answer(number).status == 431


def test_a_stranger_fills_no_more_than_the_window(gate):
    """A body that nobody reads stops at what HTTP/2 lets one send."""
    bucket = make_bucket(gate)
    _, keys = create_user(gate.server)
    with Http2(gate) as line:
        assert line.send(get(gate, f"/{bucket}/a")).status == 404
        number = line.open(line.head(get(gate, f"/{bucket}/a")), is_all=False)
        assert line.h2.local_flow_control_window(number) <= 256 * 1024
        assert line.h2.outbound_flow_control_window <= MIB


class Served:
    """A gateway of `iamd serve`, as signed requests are built for it."""

    authority = None

    def __init__(self, address, admin):
        self.host_and_port, self.admin = address, admin


@contextmanager
def serving(tmp_path, **limits):
    """A gateway of `iamd serve` on plain HTTP with these limits, and an object `/photos/a` of a MiB."""
    admin = Keys.of_facts(made(tmp_path / "data"))
    secret = tmp_path / "secret"
    secret.write_text(STORE_KEYS.secret_access_key)
    secret.chmod(0o600)
    with moto_store(tmp_path) as behind, socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
        free.close()
        settings = {
            "tls.enabled": "false",
            "gateway.listen": "{}:{}".format(*address),
            "gateway.upstream": f"s3={behind.endpoint}",
            "gateway.upstream_access_key_id": STORE_KEYS.access_key_id,
            "gateway.upstream_secret_access_key_file": str(secret),
            **{f"server.{name}": str(value) for name, value in limits.items()},
        }
        options = [part for pair in settings.items() for part in ("--set", "=".join(pair))]
        with Serve(tmp_path / "data", *options, admin=admin):
            s3 = s3_client("http://{}:{}".format(*address), admin)
            s3.create_bucket(Bucket="photos")
            s3.put_object(Bucket="photos", Key="a", Body=bytes(MIB))
            yield Served(address, admin)


def test_a_client_that_opens_no_window_is_given_up(tmp_path):
    with serving(tmp_path, write_seconds_max=1) as gate:
        signed = get(gate, "/photos/a")
        # Whoever takes it has all the time, also while nothing is asked for.
        with Http2(gate) as line:
            assert len(line.send(signed).body) == MIB
            time.sleep(1.5)
            assert line.send(signed).status == 200
        with Http2(gate) as line:
            line.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
            line.open(line.head(signed))
            with pytest.raises(Broken):
                while True:
                    line.h2.ping(b"still on")
                    line.hear()


def test_an_idle_client_is_told_to_go(tmp_path):
    with serving(tmp_path, idle_seconds_max=1) as gate, Http2(gate) as line:
        assert line.send(get(gate, "/photos/a")).status == 200
        line.rest(None)
        assert line.goodbye == 0


def test_after_its_last_request_a_client_is_told_to_go(tmp_path):
    with serving(tmp_path, requests_per_connection_max=3) as gate, Http2(gate) as line:
        signed = get(gate, "/photos/a")
        for _ in range(2):
            assert line.send(signed).status == 200
        # The last one is answered whole, whenever the word comes.
        line.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 8 * MIB})
        line.h2.increment_flow_control_window(8 * MIB)
        assert line.rest(line.open(line.head(signed))) == bytes(MIB)
        assert line.goodbye == 0


def test_the_gateway_lets_answers_finish_when_it_is_stopped(tmp_path):
    with gateway(tmp_path) as gate:
        bucket, body = make_bucket(gate), os.urandom(4 * MIB)
        gate.s3().put_object(Bucket=bucket, Key="large", Body=body)
        with Http2(gate) as line:
            line.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 8 * MIB})
            line.h2.increment_flow_control_window(8 * MIB)
            number = line.open(line.head(get(gate, f"/{bucket}/large")))
            # As soon as it says anything.
            line.stream.recv(1, socket.MSG_PEEK)
            gate.server.process.terminate()
            assert line.rest(number) == body
            assert line.goodbye == 0
        assert gate.server.process.wait(10) == 0
