"""Limits: each with the nearest request that passes."""

import concurrent.futures
import socket
import time
from contextlib import ExitStack
from select import select

import pytest
from iamd import Keys, Server, create_account, create_user, refused, run, unique
from production import Serve, made, started
from wire import Connection, assert_identity, identity_body, post, signed_headers, sts_body

PLAIN = ("--set", "tls.enabled=false")


def served(tmp_path, *settings):
    """A server on plain HTTP with these settings."""
    options = [word for setting in settings for word in ("--set", setting)]
    return started(tmp_path, *PLAIN, *options)


def connect(server):
    return socket.create_connection(server.host_and_port, timeout=20)


def alive(connection):
    """Whether a connection is answered; closed by the far side otherwise."""
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try:
        return connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    except ConnectionError:
        return False


def until_closed(connection):
    """Reads to the end; gives what came."""
    answer = b""
    try:
        while piece := connection.recv(65536):
            answer += piece
    except ConnectionError:
        pass
    return answer


def test_connections_of_one_address_are_bounded(tmp_path):
    with served(tmp_path, "server.connections_per_address_max=3") as server, ExitStack() as stack:
        held = [stack.enter_context(connect(server)) for _ in range(3)]
        assert all(alive(connection) for connection in held)
        with connect(server) as fourth:
            assert not alive(fourth)
        # Another address has its own share.
        with socket.create_connection(server.host_and_port, 20, ("127.0.0.2", 0)) as other:
            assert alive(other)
        held[0].close()
        assert wait_for(lambda: alive(stack.enter_context(connect(server))))


def wait_for(check, seconds=10):
    end = time.monotonic() + seconds
    while not (result := check()) and time.monotonic() < end:
        time.sleep(0.05)
    return result


def test_connections_of_a_named_proxy_are_not_counted_by_address(tmp_path):
    settings = ("server.connections_per_address_max=1", "server.proxies=127.0.0.1")
    with served(tmp_path, *settings) as server, ExitStack() as stack:
        held = [stack.enter_context(connect(server)) for _ in range(5)]
        assert all(alive(connection) for connection in held)


def test_connections_are_bounded_and_health_checks_still_answered(tmp_path):
    with served(tmp_path, "server.connections_max=2") as server, ExitStack() as stack:
        for _ in range(2):
            assert alive(stack.enter_context(connect(server)))
        for path in ("/livez", "/readyz"):
            assert server.http("GET", path).status == 200
        with Connection(server) as connection:
            answer = connection.post(server, identity_body())
            assert answer.status == 503 and answer.headers["Connection"] == "close"
        stack.close()
        assert wait_for(lambda: post(server, identity_body()).status == 200)


def test_a_connection_ends_after_its_requests(tmp_path):
    with served(tmp_path, "server.requests_per_connection_max=3") as server:
        with Connection(server) as connection:
            answers = [connection.send("GET", "/livez", {"Host": "localhost"}) for _ in range(3)]
        closing = [answer.headers.get("Connection") for answer in answers]
        assert closing == [None, None, "close"]


def test_heads_are_bounded(tmp_path):
    with served(tmp_path, "server.head_bytes_max=8192") as server:
        def status(length):
            with connect(server) as connection:
                start = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-A: "
                connection.sendall(start + b"a" * length + b"\r\n\r\n")
                return until_closed(connection)[:12]

        assert status(8_000) == b"HTTP/1.1 200"
        # The answer may be lost behind what was never read.
        assert status(9_000) in (b"HTTP/1.1 431", b"")


def test_slow_heads_and_idle_connections_are_given_up(tmp_path):
    with served(tmp_path, "server.head_seconds_max=1", "server.idle_seconds_max=3") as server:
        with connect(server) as slow, connect(server) as idle, connect(server) as patient:
            start = time.monotonic()
            slow.sendall(b"GET / HT")
            assert until_closed(slow) == b""
            assert 0.9 < time.monotonic() - start < 2.5
            # Idle for longer than a head may take, and still good.
            assert alive(patient)
            time.sleep(max(0, start + 2 - time.monotonic()))
            assert alive(patient)
            assert until_closed(idle) == b""
            assert 2.9 < time.monotonic() - start


def sent_slowly(server, length, piece, pause):
    """A signed request whose body comes in pieces; gives what is answered."""
    body = sts_body("GetCallerIdentity", Filler="a" * length)
    headers = signed_headers(server, body)
    head = "POST / HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    if "Content-Length" not in headers:
        head += f"Content-Length: {len(body)}\r\n"
    with connect(server) as connection:
        connection.sendall(head.encode() + b"Connection: close\r\n\r\n")
        for start in range(0, len(body), piece):
            try:
                connection.sendall(body[start : start + piece])
            except ConnectionError:
                break
            time.sleep(pause)
        return until_closed(connection)


def test_bodies_must_come_at_a_rate(tmp_path):
    with served(tmp_path, "body.grace_seconds=1", "body.bytes_per_second_min=1000") as server:
        # Longer than the grace, and fast enough.
        assert sent_slowly(server, 6_000, 1_000, 0.3).startswith(b"HTTP/1.1 200 ")
        answer = sent_slowly(server, 6_000, 50, 0.3)
        assert b"RequestTimeoutException" in answer and b"connection: close" in answer.lower()


def padded(length):
    """A request to STS with a body of exactly this length."""
    body = sts_body("GetCallerIdentity", Filler="")
    return body + b"a" * (length - len(body))


def test_bodies_are_bounded(tmp_path):
    with served(tmp_path, "body.bytes_max=1000000") as server:
        assert_identity(post(server, padded(1_000_000)))
        answer = post(server, padded(1_000_001))
        assert answer.status == 413 and "at most 1000000 bytes" in answer.text
        assert answer.headers["Connection"] == "close"


def test_long_bodies_are_read_only_of_those_who_may_have_signed(tmp_path):
    with served(tmp_path) as server:
        limit = 512 * 1024
        long = padded(limit + 1)
        assert_identity(post(server, long))

        def status(headers, body):
            with Connection(server) as connection:
                return connection.send("POST", "/", headers, body)

        host = {"Host": "localhost", "Content-Type": "application/x-www-form-urlencoded"}
        signed = signed_headers(server, long)
        old = signed_headers(server, long, age_seconds=16 * 60)
        garbled = {**signed, "Authorization": signed["Authorization"][:-1]}
        for headers in (host, old, garbled):
            answer = status(headers, long)
            assert answer.status == 413 and "without a valid signature" in answer.text, headers
        # Up to there the body is read, and the answer says what is wrong.
        short = padded(limit)
        assert status(host, short).status == 403
        assert "MissingAuthenticationToken" in status(host, short).text
        # Nothing is said of whether a key exists before the body is in.
        stranger = Keys("AKIAAAAAAAAAAAAAAAAA", "x" * 40)
        assert "InvalidClientTokenId" in post(server, long, keys=stranger).text


def test_memory_for_bodies_is_bounded_and_comes_back(tmp_path):
    settings = ("body.bytes_max=262144", "body.memory_bytes_max=1048576", "body.grace_seconds=30")
    with served(tmp_path, *settings) as server, ExitStack() as stack:
        body = padded(262_144)
        head = "POST / HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in signed_headers(server, body).items()
        ) + f"Content-Length: {len(body)}\r\n\r\n"

        def hold():
            connection = stack.enter_context(connect(server))
            connection.sendall(head.encode() + body[:-1])
            return connection

        # Three quarters of the memory are for long bodies: three of these fill it.
        held = [hold() for _ in range(3)]

        def full():
            # A probe that came before all three were read may have taken the memory of one.
            for refused in select(held, [], [], 0)[0]:
                held[held.index(refused)] = hold()
            return post(server, body).status == 503 and not select(held, [], [], 0)[0]

        assert wait_for(full)
        answer = post(server, body)
        assert answer.status == 503 and "ServiceUnavailable" in answer.text
        assert_identity(post(server, identity_body()))
        assert server.http("GET", "/readyz").status == 200
        for connection in held:
            connection.sendall(body[-1:])
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert_identity(post(server, body))


def rates(**values):
    names = ("principal_requests", "principal_writes", "account_requests", "account_writes")
    lines = []
    for name in names:
        burst = values.get(name, 0)
        lines += [f"rates.{name}_per_second={1 if burst else 0}", f"rates.{name}_burst={burst or 1}"]
    return lines


def tries(call, count):
    """How many of these calls pass; the others must be throttled as AWS does."""
    passed = 0
    for _ in range(count):
        try:
            call()
            passed += 1
        except Exception as error:
            answer = error.response
            assert answer["Error"]["Code"] == "Throttling", answer
            assert answer["Error"]["Message"] == "Rate exceeded"
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    return passed


ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def creator(server, keys):
    iam = server.iam(keys)
    return lambda: iam.create_user(UserName=unique("u"))


def test_writes_of_a_principal_are_limited_and_nobody_elses(tmp_path):
    with served(tmp_path, *rates(principal_writes=12)) as server:
        _, ana = create_user(server, statements=[ALL])
        _, ben = create_user(server, statements=[ALL])
        passed = tries(creator(server, ana), 40)
        assert 12 <= passed <= 30, passed
        with refused("Throttling", "Rate exceeded", 400):
            for _ in range(30):
                creator(server, ana)()
        # Reads and others go on; another key of the same user is the same user.
        assert server.iam(ana).list_users()["Users"]
        creator(server, ben)()
        name = server.iam(ana).get_user()["User"]["UserName"]
        second = Keys.of(server.iam(ben).create_access_key(UserName=name))
        assert tries(creator(server, second), 20) < 20


def test_writes_of_an_account_are_limited_and_other_accounts_are_not(tmp_path):
    with served(tmp_path, *rates(account_writes=9)) as server:
        other = Keys.of_facts(create_account(server.data, "second@example.com"))
        _, ana = create_user(server, statements=[ALL])
        _, ben = create_user(server, statements=[ALL])
        passed = tries(creator(server, ana), 20) + tries(creator(server, ben), 20)
        assert 3 <= passed <= 30, passed
        assert server.iam(ben).list_users()["Users"]
        assert tries(creator(server, other), 5) == 5


def test_requests_are_limited_and_health_checks_are_not(tmp_path):
    with served(tmp_path, *rates(principal_requests=5)) as server:
        sts = server.sts()
        assert 5 <= tries(sts.get_caller_identity, 40) <= 20
        for _ in range(30):
            assert server.http("GET", "/livez").status == 200
            assert server.http("GET", "/readyz").status == 200


def test_sdks_wait_and_try_again(tmp_path):
    import boto3
    from botocore.config import Config

    with served(tmp_path, *rates(principal_writes=2)) as server:
        iam = boto3.client(
            "iam", region_name="us-east-1", endpoint_url=server.endpoint,
            aws_access_key_id=server.admin.access_key_id,
            aws_secret_access_key=server.admin.secret_access_key,
            config=Config(retries={"mode": "standard", "total_max_attempts": 10}),
        )
        answers = [iam.create_user(UserName=unique("u")) for _ in range(4)]
        assert sum(answer["ResponseMetadata"]["RetryAttempts"] for answer in answers) > 0


def test_a_forged_caller_takes_no_tokens(tmp_path):
    with served(tmp_path, *rates(principal_requests=3, account_requests=3)) as server:
        thief = Keys(server.admin.access_key_id, "x" * 40)
        for _ in range(20):
            assert post(server, identity_body(), keys=thief).status == 403
        assert_identity(post(server, identity_body()))


def test_development_is_not_throttled():
    with Server() as server:
        iam = server.iam()
        assert tries(lambda: iam.create_user(UserName=unique("u")), 300) == 300


def test_passwords_that_wait_are_bounded(tmp_path):
    settings = ("passwords.hashing_max=1", "passwords.waiting_max=1")
    with served(tmp_path, *settings) as server:
        def create(number):
            email = f"{number}@example.com"
            return run("account", "create", "--data", server.data, "--root-email", email, timeout=60)

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            done = list(pool.map(create, range(12)))
        turned_away = [one for one in done if one.returncode != 0]
        assert 2 <= len(done) - len(turned_away)
        for one in turned_away:
            assert "too many passwords wait" in one.stderr, one.stderr
        assert create("again").returncode == 0


def test_requests_under_way_are_finished_at_a_stop(tmp_path):
    with served(tmp_path) as server:
        body = identity_body()
        headers = signed_headers(server, body)
        head = "POST / HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items())
        with connect(server) as busy, connect(server) as idle:
            assert alive(idle)
            busy.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-1])
            time.sleep(0.3)
            server.process.terminate()
            assert until_closed(idle) == b""
            with pytest.raises(ConnectionRefusedError):
                wait_for(lambda: connect(server).close())
            busy.sendall(body[-1:])
            assert until_closed(busy).startswith(b"HTTP/1.1 200 ")
        server.stop()
