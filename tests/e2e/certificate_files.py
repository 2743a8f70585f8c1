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
