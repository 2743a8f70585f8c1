"""TLS: the own authority, given certificates, and where a request came from."""

import shutil
import socket
import ssl

import pytest
from botocore.exceptions import SSLError
from iamd import Keys, create_user, denied, eventually, run
from production import Serve, certificate, made, refused_start, started


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with its own authority, shared by the tests of this file."""
    with started(tmp_path_factory.mktemp("tls"), "--hostname", "iam.example.com") as server:
        server.endpoint = server.endpoint.replace("iam.example.com", "localhost")
        yield server


def test_the_sdk_and_the_command_line_trust_the_authority(server):
    assert server.endpoint.startswith("https://")
    arn = server.sts().get_caller_identity()["Arn"]
    code, answer, complaint = server.aws(server.admin, "sts", "get-caller-identity")
    assert code == 0, complaint
    assert answer["Arn"] == arn


def test_without_the_authority_clients_refuse(server, tmp_path):
    foreign, _ = certificate(tmp_path, "foreign")
    for authority in (foreign, None):
        distrusting = Foreign(server, authority)
        with pytest.raises(SSLError):
            distrusting.sts().get_caller_identity()
    code, _, complaint = Foreign(server, foreign).aws(server.admin, "sts", "get-caller-identity")
    assert code != 0 and "SSL" in complaint


class Foreign(Serve):
    """The same server as a client sees it who trusts another authority."""

    authority = None

    def __init__(self, server, authority):
        self.endpoint = server.endpoint
        self._admin = server.admin
        self.authority = authority


@pytest.mark.parametrize("name", ["localhost", "iam.example.com", "127.0.0.1"])
def test_the_certificate_has_the_names(server, name):
    with socket.create_connection(server.host_and_port, timeout=10) as plain:
        with server.context().wrap_socket(plain, server_hostname=name) as secure:
            assert secure.version() == "TLSv1.3"


def test_another_name_is_not_in_it(server):
    with socket.create_connection(server.host_and_port, timeout=10) as plain:
        with pytest.raises(ssl.SSLCertVerificationError):
            server.context().wrap_socket(plain, server_hostname="other.example.com")


def test_tls_1_2_is_spoken_and_1_1_is_not(server):
    def handshake(version):
        context = server.context()
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection(server.host_and_port, timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                return secure.version()

    assert handshake(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    with pytest.warns(DeprecationWarning), pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(ssl.TLSVersion.TLSv1_1)


def test_plain_http_gets_a_readable_answer(server):
    with socket.create_connection(server.host_and_port, timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while piece := plain.recv(1000):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400 ") and b"https://" in answer


def test_secure_transport_is_true_over_tls_whatever_headers_say(server):
    condition = {"Bool": {"aws:SecureTransport": "true"}}
    statement = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}
    _, keys = create_user(server, statements=[{**statement, "Condition": condition}])
    client = with_headers(server.iam(keys), {"X-Forwarded-Proto": "http"})
    assert client.list_users()["Users"]
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    _, keys = create_user(server, statements=[{**statement, "Condition": condition}])
    with denied():
        with_headers(server.iam(keys), {"X-Forwarded-Proto": "http"}).list_users()


def with_headers(client, headers):
    """A client that adds headers after signing, as a proxy does."""

    def add(request, **_):
        for name, value in headers.items():
            request.headers[name] = value

    client.meta.events.register("before-send.*", add)
    return client


PLAIN = ("--set", "tls.enabled=false")


def may_list_from(server, condition):
    """A user who may list users under a condition."""
    statement = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}
    return create_user(server, statements=[{**statement, "Condition": condition}])[1]


def from_address(address):
    return {"IpAddress": {"aws:SourceIp": address}}


def test_forwarded_headers_of_a_named_proxy_count(tmp_path):
    with started(tmp_path, *PLAIN, "--set", "server.proxies=127.0.0.0/8") as server:
        keys = may_list_from(server, from_address("203.0.113.9"))
        forwarded = lambda value: with_headers(server.iam(keys), {"X-Forwarded-For": value})
        assert forwarded("203.0.113.9").list_users()["Users"]
        assert forwarded("1.1.1.1, 203.0.113.9, 127.0.0.5").list_users()["Users"]
        for other in ("203.0.113.10", "203.0.113.9, 1.1.1.1", "127.0.0.5"):
            with denied():
                forwarded(other).list_users()
        with denied():
            server.iam(keys).list_users()
        secure = may_list_from(server, {"Bool": {"aws:SecureTransport": "true"}})
        way = lambda proto: with_headers(
            server.iam(secure), {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": proto}
        )
        assert way("https").list_users()["Users"]
        with denied():
            way("http").list_users()
        for wrong in ("unknown", "", "203.0.113.9,"):
            answer = server.http("POST", "/", "", {"X-Forwarded-For": wrong})
            assert answer.status == 400 and b"X-Forwarded-For" in answer.body
        assert server.http("GET", "/livez", headers={"X-Forwarded-For": "?"}).status == 200


def test_forged_forwarded_headers_are_without_effect(tmp_path):
    with started(tmp_path, *PLAIN, "--set", "server.proxies=10.0.0.0/8") as server:
        forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        keys = may_list_from(server, from_address("203.0.113.9"))
        with denied():
            with_headers(server.iam(keys), forged).list_users()
        secure = may_list_from(server, {"Bool": {"aws:SecureTransport": "true"}})
        with denied():
            with_headers(server.iam(secure), forged).list_users()
        # Who he really is still counts, and garbage is not even read.
        keys = may_list_from(server, from_address("127.0.0.1"))
        assert with_headers(server.iam(keys), forged).list_users()["Users"]
        assert with_headers(server.iam(keys), {"X-Forwarded-For": "?"}).list_users()["Users"]


def given(pair):
    certificate_path, key = pair
    return ("--set", f"tls.certificate={certificate_path}", "--set", f"tls.key={key}")


def test_given_certificates_are_read_again_when_they_change(tmp_path):
    one, two = certificate(tmp_path, "one"), certificate(tmp_path, "two")
    used = tmp_path / "used.pem", tmp_path / "used.key"

    def use(pair):
        for source, target in zip(pair, used):
            shutil.copy(source, target)

    use(one)
    der = lambda pair: ssl.PEM_cert_to_DER_cert(pair[0].read_text())
    log = tmp_path / "log"
    with started(tmp_path, *given(used), logs=log) as server:
        assert server.facts["ca_bundle"] is None
        assert server.presented() == der(one)
        listen = ("--set", "server.listen={}:{}".format(*server.host_and_port))
        assert run("health", "--data", server.data, *given(used), *listen).returncode == 0
        use(two)
        assert eventually(lambda: server.presented() == der(two), 10)
        # A key that does not fit keeps the old pair, and is told of.
        shutil.copy(one[1], used[1])
        assert eventually(lambda: "do not belong together" in server.log_text(), 10)
        assert "ERROR" in server.log_text()
        assert server.presented() == der(two)
        use(one)
        assert eventually(lambda: server.presented() == der(one), 10)
        assert run("health", "--data", server.data, *given(two), *listen).returncode == 1


def test_bad_given_certificates_stop_the_start(tmp_path):
    made(tmp_path / "data")
    one, two = certificate(tmp_path, "one"), certificate(tmp_path, "two")
    start = lambda pair: refused_start(tmp_path / "data", *given(pair))
    assert "do not belong together" in start((one[0], two[1]))
    assert "cannot be read" in start((tmp_path / "absent", one[1]))
    alone = refused_start(tmp_path / "data", "--set", f"tls.certificate={one[0]}")
    assert "needs its key" in alone


def test_a_lost_authority_is_not_replaced_silently(tmp_path):
    data = tmp_path / "data"
    facts = made(data)
    bundle = data / "tls" / "ca.pem"
    before = bundle.read_bytes()
    bundle.unlink()
    assert "--new-authority" in refused_start(data)
    done = run("init", "--data", data, "--new-authority")
    assert done.returncode == 0 and f"AWS_CA_BUNDLE={bundle}" in done.stdout, done
    assert bundle.read_bytes() != before
    with Serve(data, admin=Keys.of_facts(facts)) as server:
        assert server.sts().get_caller_identity()["Account"] == facts["account_id"]


def test_a_handshake_may_not_take_long(tmp_path):
    with started(tmp_path, "--set", "tls.handshake_seconds_max=1") as server:
        with socket.create_connection(server.host_and_port, timeout=10) as silent:
            assert silent.recv(1) == b""
        with socket.create_connection(server.host_and_port, timeout=10) as half:
            half.sendall(b"\x16\x03\x01")
            assert half.recv(100) == b""
        assert server.sts().get_caller_identity()
