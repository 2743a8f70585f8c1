"""Answers about SSH keys, signing and server certificates: members, order and wording as AWS's."""

import pytest
from certificate_files import issued, public_key, rsa_key, self_signed
from iamd import refused, unique

SSH_KEY = {"UserName", "SSHPublicKeyId", "Fingerprint", "SSHPublicKeyBody", "Status", "UploadDate"}
LISTED_SSH_KEY = SSH_KEY - {"Fingerprint", "SSHPublicKeyBody"}
SIGNING = {"UserName", "CertificateId", "CertificateBody", "Status", "UploadDate"}
METADATA = {
    "Path",
    "ServerCertificateName",
    "ServerCertificateId",
    "Arn",
    "UploadDate",
    "Expiration",
}
NO_KEY = "APKAXXXXXXXXXXXXXXXXX"
NO_CERTIFICATE = "NONEXISTENTCERTID12345678901"


@pytest.fixture(scope="module")
def keys():
    """Public keys in PEM."""
    return [public_key(rsa_key()) for _ in range(2)]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Three certificates, each with its key."""
    folder = tmp_path_factory.mktemp("certificates")
    return [self_signed(folder, f"server{number}.example") for number in range(3)]


@pytest.fixture
def user(iam):
    """The name of a user who has nothing."""
    return iam.create_user(UserName=unique("user"))["User"]["UserName"]


def no_user():
    return refused("NoSuchEntity", "The user with name nonexistent-user cannot be found.", 404)


def no_server_certificate(name):
    message = f"The Server Certificate with name {name} cannot be found."
    return refused("NoSuchEntity", message, 404)


def without_metadata(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_an_ssh_key_lives_from_upload_to_deletion(iam, user, keys):
    empty = {"SSHPublicKeys": [], "IsTruncated": False}
    assert without_metadata(iam.list_ssh_public_keys(UserName=user)) == empty
    key = iam.upload_ssh_public_key(UserName=user, SSHPublicKeyBody=keys[0])["SSHPublicKey"]
    assert key.keys() == SSH_KEY
    assert (key["UserName"], key["Status"]) == (user, "Active")
    # MD5 in pairs of digits.
    assert len(key["Fingerprint"].split(":")) == 16
    named = {"UserName": user, "SSHPublicKeyId": key["SSHPublicKeyId"]}
    assert iam.get_ssh_public_key(**named, Encoding="PEM")["SSHPublicKey"] == key
    shown = iam.get_ssh_public_key(**named, Encoding="SSH")["SSHPublicKey"]
    assert shown["SSHPublicKeyBody"].startswith("ssh-rsa AAAAB3NzaC1yc2E")
    assert shown["Fingerprint"] == key["Fingerprint"]
    listed = iam.list_ssh_public_keys(UserName=user)["SSHPublicKeys"]
    assert [item.keys() for item in listed] == [LISTED_SSH_KEY]
    iam.update_ssh_public_key(**named, Status="Inactive")
    shown = iam.get_ssh_public_key(**named, Encoding="PEM")["SSHPublicKey"]
    assert shown == {**key, "Status": "Inactive"}
    iam.delete_ssh_public_key(**named)
    assert without_metadata(iam.list_ssh_public_keys(UserName=user)) == empty


def test_ssh_key_errors(iam, user):
    named = {"UserName": user, "SSHPublicKeyId": NO_KEY}
    for call, more in (
        (iam.get_ssh_public_key, {"Encoding": "SSH"}),
        (iam.update_ssh_public_key, {"Status": "Inactive"}),
        (iam.delete_ssh_public_key, {}),
    ):
        with refused("NoSuchEntity", f"The Public Key with id {NO_KEY} cannot be found.", 404):
            call(**named, **more)


def test_a_signing_certificate_lives_from_upload_to_deletion(iam, user, certificates):
    body, _ = certificates[0]
    uploaded = iam.upload_signing_certificate(UserName=user, CertificateBody=body)["Certificate"]
    assert uploaded.keys() == SIGNING
    assert (uploaded["CertificateBody"], uploaded["Status"]) == (body, "Active")
    named = {"UserName": user, "CertificateId": uploaded["CertificateId"]}
    for status in ("Inactive", "Active"):
        iam.update_signing_certificate(**named, Status=status)
        listed = without_metadata(iam.list_signing_certificates(UserName=user))
        expected = [{**uploaded, "Status": status}]
        assert listed == {"Certificates": expected, "IsTruncated": False}
    iam.delete_signing_certificate(**named)
    listed = without_metadata(iam.list_signing_certificates(UserName=user))
    assert listed == {"Certificates": [], "IsTruncated": False}


def test_signing_certificate_errors(iam, user, certificates):
    nobody = {"UserName": "nonexistent-user"}
    named = {"CertificateId": NO_CERTIFICATE}
    bodies = [body for body, _ in certificates]
    for call, members in (
        (iam.upload_signing_certificate, {"CertificateBody": bodies[0]}),
        (iam.list_signing_certificates, {}),
        (iam.update_signing_certificate, {**named, "Status": "Inactive"}),
        (iam.delete_signing_certificate, named),
    ):
        with no_user():
            call(**nobody, **members)
    message = f"The Certificate with id {NO_CERTIFICATE} cannot be found."
    with refused("NoSuchEntity", message, 404):
        iam.update_signing_certificate(UserName=user, **named, Status="Inactive")
    with refused("NoSuchEntity", message, 404):
        iam.delete_signing_certificate(UserName=user, **named)
    message = "Certificate invalid-certificate-body is malformed."
    with refused("MalformedCertificate", message, 400):
        iam.upload_signing_certificate(UserName=user, CertificateBody="invalid-certificate-body")
    for body in bodies[:2]:
        iam.upload_signing_certificate(UserName=user, CertificateBody=body)
    message = "Cannot exceed quota for CertificatesPerUser: 2"
    with refused("LimitExceeded", message, 409):
        iam.upload_signing_certificate(UserName=user, CertificateBody=bodies[2])


def test_keys_and_certificates_follow_a_renamed_user(iam, user, keys, certificates):
    iam.upload_ssh_public_key(UserName=user, SSHPublicKeyBody=keys[1])
    iam.upload_signing_certificate(UserName=user, CertificateBody=certificates[2][0])
    lists = (
        (iam.list_ssh_public_keys, "SSHPublicKeys"),
        (iam.list_signing_certificates, "Certificates"),
    )
    before = [call(UserName=user)[name] for call, name in lists]
    renamed = unique("renamed")
    iam.update_user(UserName=user, NewUserName=renamed)
    after = [call(UserName=renamed)[name] for call, name in lists]
    assert after == [[{**entry, "UserName": renamed} for entry in one] for one in before]
    assert [len(entries) for entries in after] == [1, 1]
    # The certificates of this file serve other tests, too.
    certificate = after[1][0]["CertificateId"]
    iam.delete_signing_certificate(UserName=renamed, CertificateId=certificate)


@pytest.mark.parametrize("path", [None, "/", "/test-path/"])
def test_a_server_certificate_lives_from_upload_to_deletion(server, iam, certificates, path):
    name, shown_path = unique("certificate"), path or "/"
    body, key = certificates[0]
    uploaded = iam.upload_server_certificate(
        ServerCertificateName=name,
        CertificateBody=body,
        PrivateKey=key,
        **({"Path": path} if path else {}),
    )
    assert without_metadata(uploaded).keys() == {"ServerCertificateMetadata"}
    metadata = uploaded["ServerCertificateMetadata"]
    assert metadata.keys() == METADATA
    arn = f"arn:aws:iam::{server.account}:server-certificate{shown_path}{name}"
    assert (metadata["Path"], metadata["Arn"]) == (shown_path, arn)
    shown = iam.get_server_certificate(ServerCertificateName=name)["ServerCertificate"]
    expected = {"ServerCertificateMetadata": metadata, "CertificateBody": body, "Tags": []}
    assert shown == expected
    for prefix in {"/", shown_path}:
        listed = without_metadata(iam.list_server_certificates(PathPrefix=prefix))
        assert listed == {"ServerCertificateMetadataList": [metadata], "IsTruncated": False}
    iam.delete_server_certificate(ServerCertificateName=name)
    with no_server_certificate(name):
        iam.get_server_certificate(ServerCertificateName=name)


def test_a_server_certificate_with_its_chain(iam, tmp_path):
    name = unique("certificate")
    body, key, issuer = issued(tmp_path)
    members = {"CertificateBody": body, "PrivateKey": key, "CertificateChain": issuer}
    uploaded = iam.upload_server_certificate(ServerCertificateName=name, **members)
    shown = iam.get_server_certificate(ServerCertificateName=name)["ServerCertificate"]
    assert shown == {
        "ServerCertificateMetadata": uploaded["ServerCertificateMetadata"],
        "CertificateBody": body,
        "CertificateChain": issuer,
        "Tags": [],
    }
    iam.delete_server_certificate(ServerCertificateName=name)


def test_server_certificate_errors(iam, certificates):
    (body, key), (_, other_key), _ = certificates
    name = unique("certificate")
    members = {"ServerCertificateName": name, "CertificateBody": body}
    for call in (iam.get_server_certificate, iam.delete_server_certificate):
        with no_server_certificate("nonexistent-certificate"):
            call(ServerCertificateName="nonexistent-certificate")
    with refused("KeyPairMismatch", status=400):
        iam.upload_server_certificate(**members, PrivateKey=other_key)
    iam.upload_server_certificate(**members, PrivateKey=key)
    message = f"The Server Certificate with name {name} already exists."
    with refused("EntityAlreadyExists", message, 409):
        iam.upload_server_certificate(**members, PrivateKey=key)
    iam.tag_server_certificate(ServerCertificateName=name, Tags=[{"Key": "a", "Value": "b"}])
    tags = iam.list_server_certificate_tags(ServerCertificateName=name)["Tags"]
    assert tags == [{"Key": "a", "Value": "b"}]
    iam.untag_server_certificate(ServerCertificateName=name, TagKeys=["a"])
    iam.delete_server_certificate(ServerCertificateName=name)
