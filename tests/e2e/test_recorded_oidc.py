"""Answers about OpenID Connect providers: members, order and wording as AWS gives them."""

import pytest
from iamd import refused, unique

THUMBPRINTS = [letter * 40 for letter in "abcdef"]


@pytest.fixture
def host():
    """A host that no provider has."""
    return f"{unique('oidc')}.example.com"


@pytest.fixture
def arn(iam, host):
    """The ARN of a provider with one client and one thumbprint; it goes after the test."""
    answer = iam.create_open_id_connect_provider(
        Url=f"https://{host}", ClientIDList=["client-id-1"], ThumbprintList=THUMBPRINTS[1:2]
    )
    arn = answer["OpenIDConnectProviderArn"]
    yield arn
    if arn in listed(iam):
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def listed(iam):
    answer = iam.list_open_id_connect_providers()
    return [entry["Arn"] for entry in answer["OpenIDConnectProviderList"]]


def shown(iam, arn):
    answer = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def not_found(arn):
    return refused("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", 404)


@pytest.mark.parametrize("path", ["", "/some/path"])
def test_creation_answers_the_arn(server, iam, host, path):
    answer = iam.create_open_id_connect_provider(Url=f"https://{host}{path}")
    expected = f"arn:aws:iam::{server.account}:oidc-provider/{host}{path}"
    assert answer["OpenIDConnectProviderArn"] == expected
    assert "Tags" not in answer
    assert expected in listed(iam)
    # Whoever gives no clients has none.
    assert shown(iam, expected)["ClientIDList"] == []
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=expected)


def test_a_provider_is_shown_changed_and_deleted(iam, arn, host):
    before = shown(iam, arn)
    assert before.pop("CreateDate")
    assert before == {
        "Url": host,
        "ClientIDList": ["client-id-1"],
        "ThumbprintList": THUMBPRINTS[1:2],
        "Tags": [],
    }
    iam.update_open_id_connect_provider_thumbprint(
        OpenIDConnectProviderArn=arn, ThumbprintList=THUMBPRINTS[2:4]
    )
    assert shown(iam, arn)["ThumbprintList"] == THUMBPRINTS[2:4]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with not_found(arn):
        shown(iam, arn)
    message = f"OpenId connect Provider {arn} cannot be found."
    with refused("NoSuchEntity", message, 404):
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_creation_errors(iam, arn, host):
    create = iam.create_open_id_connect_provider
    url = f"https://{host}"
    with refused("EntityAlreadyExists", f"Provider with url {url} already exists.", 409):
        create(Url=url)
    with refused("ValidationError", "Invalid Open ID Connect Provider URL", 400):
        create(Url="invalid-url")
    other = f"https://other-{host}"
    clients = [f"client-{number}" for number in range(101)]
    message = "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"
    with refused("LimitExceeded", message, 409):
        create(Url=other, ClientIDList=clients)
    message = "Thumbprint list must contain fewer than 5 entries."
    with refused("InvalidInput", message, 400):
        create(Url=other, ThumbprintList=THUMBPRINTS)
    message = (
        "3 validation errors detected: Value at 'clientIDList' failed to satisfy constraint: "
        "Member must satisfy constraint: [Member must have length less than or equal to 255, "
        "Member must have length greater than or equal to 1]; Value at 'thumbprintList' failed "
        "to satisfy constraint: Member must satisfy constraint: [Member must have length less "
        "than or equal to 40, Member must have length greater than or equal to 40]; Value at "
        "'url' failed to satisfy constraint: Member must have length less than or equal to 255"
    )
    with refused("ValidationError", message, 400):
        create(Url="a" * 256, ClientIDList=["c" * 256], ThumbprintList=["d" * 41])


def test_providers_are_listed_by_url_and_with_nothing_but_their_arn(server, iam, host):
    hosts = [f"{letter}-{host}" for letter in "bca"]
    for name in hosts:
        iam.create_open_id_connect_provider(Url=f"https://{name}")
    entries = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    of_these = [entry for entry in entries if host in entry["Arn"]]
    expected = [f"arn:aws:iam::{server.account}:oidc-provider/{name}" for name in sorted(hosts)]
    assert of_these == [{"Arn": arn} for arn in expected]
    for arn in expected:
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_the_last_page_of_tags_has_no_marker(iam, arn):
    tags = [{"Key": f"k{number:02}", "Value": "v"} for number in range(12)]
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=tags)
    list_tags = iam.list_open_id_connect_provider_tags
    first = list_tags(OpenIDConnectProviderArn=arn, MaxItems=10)
    assert (first["Tags"], first["IsTruncated"]) == (tags[:10], True)
    last = list_tags(OpenIDConnectProviderArn=arn, MaxItems=10, Marker=first["Marker"])
    assert (last["Tags"], last["IsTruncated"]) == (tags[10:], False)
    assert "Marker" not in last


def test_a_provider_has_fifty_tags(iam, arn):
    tags = [{"Key": f"k{number:02}", "Value": "v"} for number in range(50)]
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=tags)
    # One that is there already may change.
    changed = [{"Key": "k00", "Value": "other"}]
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=changed)
    message = "The number of tags has reached the maximum limit."
    with refused("LimitExceeded", message, 409):
        iam.tag_open_id_connect_provider(
            OpenIDConnectProviderArn=arn, Tags=[{"Key": "one-more", "Value": "v"}]
        )
    assert shown(iam, arn)["Tags"] == changed + tags[1:]


def test_tags(iam, arn):
    tags = [{"Key": f"k{number}", "Value": f"v{number}"} for number in (2, 1)]
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=tags)
    expected = sorted(tags, key=lambda tag: tag["Key"])
    assert shown(iam, arn)["Tags"] == expected
    answer = iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)
    assert (answer["Tags"], answer["IsTruncated"]) == (expected, False)
    first = iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn, MaxItems=1)
    assert (first["Tags"], first["IsTruncated"]) == (expected[:1], True)
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["k1"])
    assert shown(iam, arn)["Tags"] == expected[1:]
