"""`iamd init` and `iamd serve`, started as an operator would start them."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess

from iamd import Keys, Server, exchange, program, run

PASSWORD = "correct horse battery staple"


def init(data, *arguments, environment=None, stdin=None):
    """Runs `iamd init`; gives the finished process."""
    command = [program(), "init", "--data", str(data), "--root-email", "root@example.com"]
    command += [str(argument) for argument in arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=30,
        env={**os.environ, **(environment or {})},
    )


def made(data, *arguments, environment=None):
    """A fresh data folder with an administrator's key; gives what `iamd init` told."""
    done = init(data, "--with-access-key", "-o", "json", *arguments, environment=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Serve(Server):
    """One life of `iamd serve`."""

    def __init__(self, data, *arguments, admin=None, environment=None, logs=None, listen=True):
        self.data = data
        self.arguments = [str(argument) for argument in arguments]
        self.listen = ["--listen", "127.0.0.1:0"] if listen else []
        self._given_admin = admin
        super().__init__(data=data, environment=environment, logs=logs, admin=admin)

    def _command(self, _arguments, _data, _wrapper):
        where = ["--data", str(self.data), "-o", "json"]
        return [program(), "serve", *where, *self.listen, *self.arguments]

    @property
    def authority(self):
        """The certificate that clients trust."""
        return self.facts["ca_bundle"]

    @property
    def host_and_port(self):
        host, port = self.endpoint.split("://")[1].rsplit(":", 1)
        return host, int(port)

    def context(self, authority=None):
        """TLS settings of a client that trusts the server's authority, or another."""
        return ssl.create_default_context(cafile=str(authority or self.authority))

    def http(self, method, path, body=None, headers=None):
        """One request on a connection of its own."""
        host, port = self.host_and_port
        if self.endpoint.startswith("https"):
            connection = http.client.HTTPSConnection(host, port, timeout=10, context=self.context())
        else:
            connection = http.client.HTTPConnection(host, port, timeout=10)
        return exchange(connection, method, path, body, headers)

    def presented(self):
        """The certificate that a new connection sees, in DER."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(self.host_and_port, timeout=10) as plain:
            with context.wrap_socket(plain) as secure:
                return secure.getpeercert(binary_form=True)


def started(tmp_path, *arguments, **more):
    """A fresh folder, served; the administrator's keys are the server's."""
    data = tmp_path / "data"
    facts = made(data)
    return Serve(data, *arguments, admin=Keys.of_facts(facts), **more)


def refused_start(data, *arguments, environment=None):
    """`iamd serve` must end by itself; gives its complaint."""
    done = run("serve", "--data", data, "--listen", "127.0.0.1:0", *arguments, environment=environment)
    assert done.returncode == 1 and done.stdout == "", done
    assert "panicked" not in done.stderr
    return done.stderr


def certificate(folder, name):
    """A self-signed certificate for localhost; gives the paths of certificate and key."""
    assert shutil.which("openssl")
    pem, key = folder / f"{name}.pem", folder / f"{name}.key"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", f"/CN={name}", "-addext", names, "-days", "30",
         "-keyout", str(key), "-out", str(pem)],
        check=True, capture_output=True,
    )
    return pem, key
