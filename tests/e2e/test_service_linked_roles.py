"""Service-linked roles: made by name of the service, changed by nobody, deleted by a task."""

import pytest
from iamd import create_user, document, allow, denied, refused, unique

LEX = "channels.lexv2.amazonaws.com"


@pytest.fixture
def role(iam):
    """A role of a service that takes suffixes; it goes after the test."""
    created = iam.create_service_linked_role(AWSServiceName=LEX, CustomSuffix=unique("bot"))
    role = created["Role"]
    yield role
    iam.delete_service_linked_role(RoleName=role["RoleName"])


def test_a_role_is_that_of_its_service(server, iam, role):
    path = f"/aws-service-role/{LEX}/"
    assert role["Path"] == path
    name = role["RoleName"]
    assert name.startswith("AWSServiceRoleForLexV2Channels_bot")
    assert role["Arn"] == f"arn:aws:iam::{server.account}:role{path}{name}"
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Action": ["sts:AssumeRole"],
            "Effect": "Allow",
            "Principal": {"Service": [LEX]},
        }
    ]
    (attached,) = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached["PolicyName"] == "AmazonLexChannelsAccess"


def test_names_that_are_taken_and_services_without_suffixes(iam):
    service = {"AWSServiceName": "es.amazonaws.com"}
    iam.create_service_linked_role(**service)
    message = (
        "Service role name AWSServiceRoleForAmazonElasticsearchService has been taken in this "
        "account, please try a different suffix."
    )
    with refused("InvalidInput", message, 400):
        iam.create_service_linked_role(**service)
    with refused("InvalidInput", "Custom suffix is not allowed for es.amazonaws.com", 400):
        iam.create_service_linked_role(**service, CustomSuffix="a")
    iam.delete_service_linked_role(RoleName="AWSServiceRoleForAmazonElasticsearchService")


def test_a_role_of_a_service_is_protected(server, iam, role):
    name = role["RoleName"]
    message = (
        f"Cannot perform the operation on the protected role '{name}' - this role is only "
        "modifiable by AWS"
    )
    policy = document(allow("s3:GetObject"))
    for change in (
        lambda iam: iam.delete_role(RoleName=name),
        lambda iam: iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy),
        lambda iam: iam.tag_role(RoleName=name, Tags=[{"Key": "k", "Value": "v"}]),
    ):
        with refused("UnmodifiableEntity", message, 400):
            change(iam)
        _, keys = create_user(server)
        with denied():
            change(server.iam(keys))
    iam.update_role_description(RoleName=name, Description="ours")
    assert iam.get_role(RoleName=name)["Role"]["Description"] == "ours"


def test_a_deletion_is_a_task(iam):
    created = iam.create_service_linked_role(AWSServiceName="batch.amazonaws.com")
    name = created["Role"]["RoleName"]
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert task.startswith(f"task/aws-service-role/batch.amazonaws.com/{name}/")
    status = iam.get_service_linked_role_deletion_status(DeletionTaskId=task)
    assert status["Status"] == "SUCCEEDED"
    with refused("NoSuchEntity", f"The role with name {name} cannot be found.", 404):
        iam.get_role(RoleName=name)
