"""Answers about service-specific credentials: members and wording as AWS gives them."""

import base64

import pytest
from iamd import refused, unique

GIT = "codecommit.amazonaws.com"
LISTED = {
    "UserName",
    "Status",
    "ServiceUserName",
    "CreateDate",
    "ServiceSpecificCredentialId",
    "ServiceName",
}


@pytest.fixture
def user(iam):
    """The name of a user who has nothing."""
    return iam.create_user(UserName=unique("user"))["User"]["UserName"]


def create(iam, user, service=GIT, **more):
    answer = iam.create_service_specific_credential(UserName=user, ServiceName=service, **more)
    return answer["ServiceSpecificCredential"]


def listed(iam, **of):
    answer = iam.list_service_specific_credentials(**of)
    assert answer["IsTruncated"] is False
    return answer["ServiceSpecificCredentials"]


def test_a_credential_lives_from_creation_to_deletion(server, iam, user):
    assert listed(iam, UserName=user) == []
    created = create(iam, user)
    assert created.keys() == LISTED | {"ServicePassword"}
    password = created.pop("ServicePassword")
    assert created["ServiceUserName"] == f"{user}-at-{server.account}"
    assert listed(iam, UserName=user) == [created]
    named = {
        "UserName": user,
        "ServiceSpecificCredentialId": created["ServiceSpecificCredentialId"],
    }
    iam.update_service_specific_credential(**named, Status="Inactive")
    assert listed(iam, UserName=user) == [{**created, "Status": "Inactive"}]
    answer = iam.reset_service_specific_credential(**named)["ServiceSpecificCredential"]
    assert answer.pop("ServicePassword") != password
    assert answer == {**created, "Status": "Inactive"}
    iam.delete_service_specific_credential(**named)
    assert listed(iam, UserName=user) == []


def test_a_renamed_user_keeps_the_name_for_the_service(server, iam, user):
    before = create(iam, user)
    renamed = unique("renamed")
    iam.update_user(UserName=user, NewUserName=renamed)
    del before["ServicePassword"]
    assert listed(iam, UserName=renamed) == [{**before, "UserName": renamed}]
    assert before["ServiceUserName"] == f"{user}-at-{server.account}"


def test_an_api_key_has_an_alias_and_an_end(server, iam, user):
    created = create(iam, user, "bedrock.amazonaws.com", CredentialAgeDays=7)
    assert (created["ExpirationDate"] - created["CreateDate"]).days == 7
    secret = base64.b64decode(created["ServiceCredentialSecret"].removeprefix("ABSK"))
    assert secret.startswith(created["ServiceCredentialAlias"].encode() + b":")
    (shown,) = listed(iam, UserName=user)
    assert shown.keys() == LISTED - {"ServiceUserName"} | {
        "ServiceCredentialAlias",
        "ExpirationDate",
    }
    service = {"ServiceName": "bedrock.amazonaws.com", "AllUsers": True}
    assert shown in listed(iam, **service)


def test_errors(iam, user):
    missing = "ACCAAAAAAAAAAAAAAAAAA"
    for call, more in (
        (iam.update_service_specific_credential, {"Status": "Inactive"}),
        (iam.reset_service_specific_credential, {}),
        (iam.delete_service_specific_credential, {}),
    ):
        with refused("NoSuchEntity", f"No such credential {missing} exists", 404):
            call(UserName=user, ServiceSpecificCredentialId=missing, **more)
    message = "No such service nonsense is supported for Service Specific Credentials"
    with refused("NoSuchEntity", message, 404):
        create(iam, user, "nonsense")
    with refused("NoSuchEntity", "The user with name nonexistent-user cannot be found.", 404):
        create(iam, "nonexistent-user")
    for _ in range(2):
        create(iam, user)
    message = "Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2"
    with refused("LimitExceeded", message, 409):
        create(iam, user)
    message = "Cannot delete entity, must remove referenced objects first."
    with refused("DeleteConflict", message, 409):
        iam.delete_user(UserName=user)
