"""Answers about SAML providers: members, order and wording as AWS gives them."""

from datetime import datetime, timezone

import pytest
from certificate_files import rsa_key
from iamd import refused, unique
from saml_files import metadata


@pytest.fixture(scope="module")
def documents():
    """Two metadata documents; the second one says when it ends."""
    return metadata(), metadata(attributes=' validUntil="2040-05-06T07:08:09Z"')


@pytest.fixture
def arn(iam, documents):
    """The ARN of a provider; it goes after the test."""
    answer = iam.create_saml_provider(SAMLMetadataDocument=documents[0], Name=unique("saml"))
    arn = answer["SAMLProviderArn"]
    yield arn
    if arn in [entry["Arn"] for entry in listed(iam)]:
        iam.delete_saml_provider(SAMLProviderArn=arn)


def listed(iam):
    return iam.list_saml_providers()["SAMLProviderList"]


def without_metadata(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def shown(iam, arn):
    return without_metadata(iam.get_saml_provider(SAMLProviderArn=arn))


def test_creation_answers_the_arn(server, iam, documents):
    name = unique("saml")
    answer = iam.create_saml_provider(SAMLMetadataDocument=documents[0], Name=name)
    expected = f"arn:aws:iam::{server.account}:saml-provider/{name}"
    assert without_metadata(answer) == {"SAMLProviderArn": expected}
    assert without_metadata(iam.delete_saml_provider(SAMLProviderArn=expected)) == {}


def test_a_provider_is_shown_and_updated(iam, arn, documents):
    before = shown(iam, arn)
    uuid, created = before.pop("SAMLProviderUUID"), before.pop("CreateDate")
    assert len(uuid) == 32 and uuid.isalnum() and uuid == uuid.upper()
    assert before.pop("ValidUntil").year == created.year + 100
    assert before == {
        "AssertionEncryptionMode": "Allowed",
        "PrivateKeyList": [],
        "SAMLMetadataDocument": documents[0],
        "Tags": [],
    }
    answer = iam.update_saml_provider(SAMLMetadataDocument=documents[1], SAMLProviderArn=arn)
    assert without_metadata(answer) == {"SAMLProviderArn": arn}
    valid_until = datetime(2040, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
    assert shown(iam, arn) == {
        **before,
        "SAMLMetadataDocument": documents[1],
        "SAMLProviderUUID": uuid,
        "CreateDate": created,
        "ValidUntil": valid_until,
    }
    entry = {"Arn": arn, "ValidUntil": valid_until, "CreateDate": created}
    assert entry in listed(iam)


def test_a_provider_that_does_not_exist(server, iam, documents):
    arn = f"arn:aws:iam::{server.account}:saml-provider/NonExistentProvider"
    for call, more in (
        (iam.get_saml_provider, {}),
        (iam.delete_saml_provider, {}),
        (iam.update_saml_provider, {"SAMLMetadataDocument": documents[0]}),
        (iam.list_saml_provider_tags, {}),
    ):
        with refused("NoSuchEntity", f"Manifest not found for arn {arn}", 404):
            call(SAMLProviderArn=arn, **more)


def test_refused_metadata(iam, arn, documents):
    name = arn.split("/")[-1]
    with refused("EntityAlreadyExists", f"Provider with name {name} already exists.", 409):
        iam.create_saml_provider(SAMLMetadataDocument=documents[0], Name=name)
    short = (
        "1 validation error detected: Value at 'sAMLMetadataDocument' failed to satisfy "
        "constraint: Member must have length greater than or equal to 1000"
    )
    with refused("ValidationError", short, 400):
        iam.create_saml_provider(SAMLMetadataDocument="<a/>", Name=unique("saml"))
    entities = documents[0].replace("?>", "?><!DOCTYPE a [<!ENTITY b 'c'>]>", 1)
    for wrong, reason in (
        (documents[0][:-4], "it is not well-formed XML"),
        (entities, "it has a DOCTYPE"),
        (documents[0].replace("IDPSSO", "SPSSO"), "it describes no identity provider of SAML 2.0"),
    ):
        with refused("InvalidInput", f"Could not parse metadata: {reason}.", 400):
            iam.create_saml_provider(SAMLMetadataDocument=wrong, Name=unique("saml"))
        with refused("InvalidInput", f"Could not parse metadata: {reason}.", 400):
            iam.update_saml_provider(SAMLMetadataDocument=wrong, SAMLProviderArn=arn)
    assert shown(iam, arn)["SAMLMetadataDocument"] == documents[0]


def test_private_keys_rotate(iam, arn):
    def update(**members):
        return iam.update_saml_provider(SAMLProviderArn=arn, **members)

    update(AddPrivateKey=rsa_key(), AssertionEncryptionMode="Required")
    update(AddPrivateKey=rsa_key())
    with refused("LimitExceeded", "Private key limit of 2 is reached.", 409):
        update(AddPrivateKey=rsa_key())
    provider = shown(iam, arn)
    assert provider["AssertionEncryptionMode"] == "Required"
    assert [entry.keys() for entry in provider["PrivateKeyList"]] == [{"KeyId", "Timestamp"}] * 2
    first, second = (entry["KeyId"] for entry in provider["PrivateKeyList"])
    update(RemovePrivateKey=first)
    with refused("InvalidInput", "Failed to remove private key.", 400):
        update(RemovePrivateKey=second)
    assert [entry["KeyId"] for entry in shown(iam, arn)["PrivateKeyList"]] == [second]


def test_tags(iam, arn):
    tags = [{"Key": f"k{number}", "Value": f"v{number}"} for number in (2, 1)]
    iam.tag_saml_provider(SAMLProviderArn=arn, Tags=tags)
    expected = sorted(tags, key=lambda tag: tag["Key"])
    assert shown(iam, arn)["Tags"] == expected
    first = iam.list_saml_provider_tags(SAMLProviderArn=arn, MaxItems=1)
    assert (first["Tags"], first["IsTruncated"]) == (expected[:1], True)
    rest = iam.list_saml_provider_tags(SAMLProviderArn=arn, Marker=first["Marker"])
    assert (rest["Tags"], rest["IsTruncated"]) == (expected[1:], False)
    iam.untag_saml_provider(SAMLProviderArn=arn, TagKeys=["k1"])
    assert shown(iam, arn)["Tags"] == expected[1:]
