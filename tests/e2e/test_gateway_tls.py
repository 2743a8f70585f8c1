"""The gateway's own TLS: server certificates of IAM, chosen by name, renewed while connections stand."""

import http.client
import json
import socket
import ssl
from contextlib import contextmanager

import pytest
from botocore.exceptions import SSLError
from certificate_files import Authority
from iamd import (
    Keys,
    Server,
    advance_clock,
    allow,
    create_user,
    denied,
    eventually,
    refused,
    run,
)
from production import Serve, made
from s3_wire import Signed
from store import arn, gateway, make_bucket, moto_store, read, s3_client
from test_metrics import numbers

FIRST = ("localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def upload(server, name, issued, path="/"):
    """Uploads a certificate and its key; gives the ARN."""
    body, key = issued
    answer = server.iam().upload_server_certificate(
        Path=path, ServerCertificateName=name, CertificateBody=body, PrivateKey=key
    )
    return answer["ServerCertificateMetadata"]["Arn"]


@contextmanager
def guarded(folder, authority, certificates):
    """A gateway that serves certificates of these names and hosts."""
    with Server(data=folder / "data") as server:
        issued = [(name, authority.issue(*hosts)) for name, hosts in certificates.items()]
        arns = [upload(server, name, pair) for name, pair in issued]
        admin = server.admin
    options = [part for arn in arns for part in ("--tls-certificate", arn)]
    with gateway(folder, "files", *options, admin=admin) as gate:
        gate.authority, gate.arns = authority.path, arns
        yield gate


@pytest.fixture(scope="module")
def gate(tmp_path_factory, authority):
    """Three certificates: the first for the address, and two for names."""
    certificates = {
        "first": FIRST,
        "wild": ["*.s3.example.com", "s3.example.com"],
        "own": ["own.s3.example.com"],
    }
    with guarded(tmp_path_factory.mktemp("tls"), authority, certificates) as gate:
        yield gate


def shake(gate, name, verify=True):
    """A connection of TLS, by a client that asks for a name."""
    context = ssl.create_default_context(cafile=str(gate.authority))
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(gate.host_and_port, timeout=10)
    return context.wrap_socket(plain, server_hostname=name)


def shown(gate, name=None):
    """The names in the certificate that a client sees, its own being verified where it asks for one."""
    context = ssl.create_default_context(cafile=str(gate.authority))
    context.check_hostname = False
    with socket.create_connection(gate.host_and_port, timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secure:
            found = secure.getpeercert()
    return found["subjectAltName"][0][1], found["serialNumber"]


def test_the_sdk_speaks_with_it_and_trusts_its_authority_alone(gate):
    assert gate.endpoint.startswith("https://")
    bucket = make_bucket(gate, "a")
    assert read(gate.s3().get_object(Bucket=bucket, Key="a")) == "a"
    _, keys = create_user(gate.server, statements=[allow("s3:GetObject", arn(bucket, "b"))])
    with gate.unseen(), denied():
        gate.s3(keys).get_object(Bucket=bucket, Key="a")
    gate.authority, trusted = None, gate.authority
    try:
        with pytest.raises(SSLError):
            gate.s3().get_object(Bucket=bucket, Key="a")
    finally:
        gate.authority = trusted


def test_a_connection_of_tls_is_secure_transport(gate):
    bucket = make_bucket(gate, "a")
    secure = lambda word: {"Bool": {"aws:SecureTransport": word}}
    for word, outcome in (("true", None), ("false", "denied")):
        statement = allow("s3:GetObject", arn(bucket, "*"), Condition=secure(word))
        _, keys = create_user(gate.server, statements=[statement])
        if outcome is None:
            gate.s3(keys).get_object(Bucket=bucket, Key="a")
        else:
            with denied():
                gate.s3(keys).get_object(Bucket=bucket, Key="a")


@pytest.mark.parametrize(
    "asked, first_name",
    [
        (None, "localhost"),
        ("localhost", "localhost"),
        ("other.example", "localhost"),
        ("s3.example.com", "*.s3.example.com"),
        ("bucket.s3.example.com", "*.s3.example.com"),
        ("BUCKET.s3.example.com", "*.s3.example.com"),
        ("own.s3.example.com", "own.s3.example.com"),
        ("a.b.s3.example.com", "localhost"),
    ],
)
def test_a_client_gets_the_certificate_for_the_name_that_it_asks_for(gate, asked, first_name):
    assert shown(gate, asked)[0] == first_name


def test_clients_verify_the_names(gate):
    for name in ("localhost", "bucket.s3.example.com", "own.s3.example.com"):
        with shake(gate, name) as secure:
            assert secure.version() == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(gate, "other.example")


def test_plain_http_gets_a_readable_answer(gate):
    with socket.create_connection(gate.host_and_port, timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert plain.recv(1000).startswith(b"HTTP/1.1 400 ")


class OpenLine:
    """A connection that stands, and answers for as long as it does."""

    def __init__(self, gate):
        host, port = gate.host_and_port
        context = ssl.create_default_context(cafile=str(gate.authority))
        self.connection = http.client.HTTPSConnection(host, port, timeout=10, context=context)
        self.connection.connect()
        self.socket = self.connection.sock
        self.gate = gate

    def status(self, target):
        signed = Signed(self.gate, "GET", target)
        self.connection.request("GET", target, headers=signed.headers)
        with self.connection.getresponse() as response:
            response.read()
            assert self.connection.sock is self.socket, "another connection"
            return response.status


def test_a_certificate_is_renewed_while_connections_stand(tmp_path, authority):
    with guarded(tmp_path, authority, {"www": FIRST}) as gate:
        bucket = make_bucket(gate, "a")
        line, iam = OpenLine(gate), gate.server.iam()
        assert line.status(f"/{bucket}/a") == 200
        _, old = shown(gate)
        # In use, whatever its name: nobody can delete it.
        with refused("DeleteConflict", status=409) as caught:
            iam.delete_server_certificate(ServerCertificateName="www")
        host, port = gate.host_and_port
        ending = (
            f"is currently in use by gateway {host}:{port}. "
            "Please remove it first before deleting it from IAM."
        )
        message = caught.value.response["Error"]["Message"]
        assert message.startswith("Certificate: ASCA") and message.endswith(ending)
        upload(gate.server, "www-next", authority.issue(*FIRST, days=60))
        rename = lambda old, new: iam.update_server_certificate(
            ServerCertificateName=old, NewServerCertificateName=new
        )
        rename("www", "www-last")
        assert shown(gate)[1] == old, "nothing has its ARN: it goes on"
        with refused("DeleteConflict"):
            iam.delete_server_certificate(ServerCertificateName="www-last")
        rename("www-next", "www")
        # The next handshake has the new one, and the connection that stands goes on.
        assert shown(gate)[1] != old
        assert line.status(f"/{bucket}/a") == 200
        assert read(gate.s3().get_object(Bucket=bucket, Key="a")) == "a"
        iam.delete_server_certificate(ServerCertificateName="www-last")
        with refused("DeleteConflict"):
            iam.delete_server_certificate(ServerCertificateName="www")
        assert line.status(f"/{bucket}/a") == 200
        assert eventually(lambda: "a new TLS certificate is in force" in gate.server.log_text())


def test_a_certificate_that_nobody_serves_can_be_deleted(gate):
    upload(gate.server, "spare", Authority(gate.server.data / "spare").issue("spare.example"))
    gate.server.iam().delete_server_certificate(ServerCertificateName="spare")


def test_the_end_of_a_certificate_is_told(tmp_path, authority):
    with guarded(tmp_path, authority, {"www": FIRST}) as gate:
        server, metric = gate.server, "iamd_gateway_certificate_end_timestamp_seconds"
        listed = server.iam().list_server_certificates()["ServerCertificateMetadataList"]
        end = listed[0]["Expiration"].timestamp()
        assert numbers(server)[(metric, ("certificate", gate.arns[0]))] == end
        asked = lambda what: json.loads(run(what, "--data", server.data, "-o", "json").stdout)
        served = asked("status")["gateway_certificates"]
        assert [fact["arn"] for fact in served] == gate.arns
        about = lambda: [
            finding for finding in asked("doctor") if finding["check"] == "gateway certificates"
        ]
        assert about() == []
        days = lambda count: advance_clock(server, count * 86_400)
        days(61)
        assert [finding["severity"] for finding in about()] == ["warning"]
        assert eventually(lambda: "the TLS certificate ends at" in server.log_text())
        assert "clients refuse it" not in server.log_text()
        days(30)
        [finding] = about()
        assert finding["severity"] == "error" and "ended at" in finding["what"]
        assert eventually(lambda: "clients refuse it" in server.log_text())
        # It is still served: clients say what is wrong with it.
        assert shown(gate)[0] == FIRST[0]


def test_a_certificate_that_cannot_be_served_is_refused_at_the_start(tmp_path, authority):
    with Server(data=tmp_path / "data") as server:
        there = upload(server, "www", authority.issue(*FIRST), path="/web/")
        account = server.account
    of = lambda rest: f"arn:aws:iam::{account}:server-certificate/{rest}"
    for named, complaint in (
        ([of("www")], f"is not there; there is {there}"),
        ([of("web/other")], "upload it with `aws iam upload-server-certificate`"),
        ([there.replace(account, "999999999999")], "belongs to an account that is not there"),
        (["www"], "is none of a server certificate"),
        ([there, there], "is named twice"),
    ):
        options = [part for arn in named for part in ("--tls-certificate", arn)]
        done = run(
            "dev", "--listen", "127.0.0.1:0", "--data", tmp_path / "data",
            "--gateway", "127.0.0.1:0", "--upstream", "s3=http://127.0.0.1:9", *options,
        )
        assert done.returncode == 1 and complaint in done.stderr, done
    without = run("dev", "--ephemeral", "--tls-certificate", there)
    assert without.returncode == 2 and "--gateway" in without.stderr


def test_a_server_in_production_serves_them_beside_its_own(tmp_path, authority):
    data = tmp_path / "data"
    facts = made(data)
    admin = Keys.of_facts(facts)
    with Serve(data, admin=admin) as server:
        certificate = upload(server, "www", authority.issue("localhost", "127.0.0.1"))
    with moto_store(tmp_path) as behind, socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
        free.close()
        settings = {
            "gateway.listen": listen,
            "gateway.upstream": f"s3={behind.endpoint}",
            "gateway.tls_certificates": certificate,
        }
        options = [part for pair in settings.items() for part in ("--set", "=".join(pair))]
        with Serve(data, *options, admin=admin) as server:
            # The API has the certificate of its own authority, the gateway the uploaded one.
            assert server.sts().get_caller_identity()["Account"]
            s3 = s3_client(f"https://{listen}", admin, authority.path)
            s3.create_bucket(Bucket="photos")
            with pytest.raises(SSLError):
                s3_client(f"https://{listen}", admin, server.authority).list_buckets()
