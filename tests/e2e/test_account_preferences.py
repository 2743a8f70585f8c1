"""What accounts choose: outbound federation, the version of session tokens, properties."""

import pytest
from iamd import Keys, Server, refused
from production import Serve, made, refused_start


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of this file's own: an account has each choice once."""
    with Server(logs=tmp_path_factory.mktemp("server") / "log") as server:
        yield server


def without_metadata(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_outbound_federation_is_switched_on_and_off(server, iam):
    off = "Outbound identity federation is disabled for your AWS account."
    with refused("FeatureDisabled", off, 404):
        iam.get_outbound_web_identity_federation_info()
    with refused("FeatureDisabled", off, 404):
        iam.disable_outbound_web_identity_federation()
    issuer = f"{server.endpoint}/issuer/{server.account}"
    answer = iam.enable_outbound_web_identity_federation()
    assert without_metadata(answer) == {"IssuerIdentifier": issuer}
    on = "Outbound identity federation is already enabled for your AWS account."
    with refused("FeatureEnabled", on, 409):
        iam.enable_outbound_web_identity_federation()
    answer = iam.get_outbound_web_identity_federation_info()
    assert without_metadata(answer) == {"IssuerIdentifier": issuer, "JwtVendingEnabled": True}
    iam.disable_outbound_web_identity_federation()
    with refused("FeatureDisabled", off, 404):
        iam.get_outbound_web_identity_federation_info()


def test_the_version_of_session_tokens_is_in_the_summary(iam):
    def version():
        return iam.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"]

    assert version() == 1
    for number in (2, 1):
        name = f"v{number}Token"
        iam.set_security_token_service_preferences(GlobalEndpointTokenVersion=name)
        assert version() == number


def test_properties(iam):
    name = "RoleManager/Enabled"
    assert iam.get_account_properties()["Properties"] == {name: "false"}
    assert without_metadata(iam.put_account_properties(Properties={name: "true"})) == {}
    assert iam.get_account_properties()["Properties"] == {name: "true"}
    with refused("InvalidInput"):
        iam.put_account_properties(Properties={name: "perhaps"})
    with refused("InvalidInput", "Other/Thing is not a known account property.", 400):
        iam.put_account_properties(Properties={"Other/Thing": "true"})
    assert iam.get_account_properties()["Properties"] == {name: "true"}


def test_choices_outlive_a_restart(tmp_path):
    data, logs = tmp_path / "data", tmp_path / "log"
    with Server(data=data, logs=logs) as server:
        iam = server.iam()
        iam.enable_outbound_web_identity_federation()
        iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
        admin = server.admin
    with Server(data=data, logs=logs, admin=admin) as server:
        iam = server.iam()
        assert iam.get_outbound_web_identity_federation_info()["JwtVendingEnabled"] is True
        summary = iam.get_account_summary()["SummaryMap"]
        assert summary["GlobalEndpointTokenVersion"] == 2


def test_the_issuer_is_under_the_external_url(tmp_path):
    data = tmp_path / "data"
    facts = made(data)
    where = ("--set", "external_url=https://iam.example.com/")
    with Serve(data, *where, admin=Keys.of_facts(facts)) as server:
        answer = server.iam().enable_outbound_web_identity_federation()
        expected = f"https://iam.example.com/issuer/{facts['account_id']}"
        assert answer["IssuerIdentifier"] == expected
    # The same key with what is no address.
    message = refused_start(data, "--set", "external_url=iam.example.com")
    assert "`external_url` is an address such as https://iam.example.com" in message
