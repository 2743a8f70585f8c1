"""Certificates and keys that tests upload, made by OpenSSL."""

import subprocess


def openssl(*arguments, data=None):
    """What OpenSSL prints."""
    done = subprocess.run(
        ["openssl", *arguments], input=data, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def rsa_key(bits=2048):
    """A private RSA key."""
    return openssl("genrsa", str(bits))


def public_key(key):
    """Its public half in PEM."""
    return openssl("rsa", "-pubout", data=key)


def certificate(key):
    """A certificate of this key, unlike any other."""
    arguments = ["-key", "/dev/stdin", "-days", "30", "-subj", "/CN=server.example"]
    return openssl("req", "-x509", *arguments, data=key)


def self_signed(folder, name="server.example", key=None):
    """A certificate that is valid for a month, and its key."""
    path = folder / f"{name}.key"
    path.write_text(key or rsa_key())
    subject = f"/CN={name}"
    body = openssl("req", "-x509", "-key", str(path), "-days", "30", "-subj", subject)
    return body, path.read_text()


def issued(folder, name="leaf.example"):
    """A certificate, its key, and the certificate of its issuer."""
    issuer, _ = self_signed(folder, "issuer.example")
    (folder / "issuer.pem").write_text(issuer)
    key = rsa_key()
    (folder / "leaf.key").write_text(key)
    request = openssl("req", "-new", "-key", str(folder / "leaf.key"), "-subj", f"/CN={name}")
    by = ["-CA", str(folder / "issuer.pem"), "-CAkey", str(folder / "issuer.example.key")]
    body = openssl("x509", "-req", "-days", "30", "-set_serial", "7", *by, data=request)
    return body, key, issuer


class Authority:
    """An authority that clients can trust, and certificates for hosts that it issues."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.key = folder / "authority.pem", folder / "authority.key"
        self.certificate = openssl(
            "req", "-x509", *self._new_key(self.key), "-days", "3650", "-subj", "/CN=authority",
        )
        self.path.write_text(self.certificate)

    def issue(self, *names, days=90):
        """A certificate for names of hosts and addresses; gives it and its key."""
        kinds = ((name, "IP" if name.replace(".", "").isdigit() else "DNS") for name in names)
        alternatives = ",".join(f"{kind}:{name}" for name, kind in kinds)
        key = self.folder / "leaf.key"
        request = openssl(
            "req", *self._new_key(key), "-subj", "/CN=leaf",
            "-addext", f"subjectAltName={alternatives}",
        )
        certificate = openssl(
            "x509", "-req", "-days", str(days), "-copy_extensions", "copy",
            "-CA", str(self.path), "-CAkey", str(self.key), data=request,
        )
        return certificate, key.read_text()

    @staticmethod
    def _new_key(path):
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        return (*curve, "-nodes", "-keyout", str(path))
