"""Requests for temporary delegation between two accounts, summaries and role templates."""

import pytest
from iamd import Keys, Server, allow, create_account, create_user, denied, refused, unique

TEMPLATE = "arn:aws:iam::aws:role-template/lambda.amazonaws.com/basic:1"


@pytest.fixture(scope="module")
def accounts(tmp_path_factory):
    """A server with two accounts: the one that asks, and the one that is asked."""
    data = tmp_path_factory.mktemp("delegation") / "data"
    with Server(data=data) as server:
        provider = create_account(data, "provider@example.com")
        yield server, server.iam(Keys.of_facts(provider)), provider["account_id"]


def ask(provider, **more):
    wanted = {
        "Description": "Set up",
        "Permissions": {
            "PolicyTemplateArn": "arn:aws:iam::aws:policy-template/x/y",
            "Parameters": [{"Name": "region", "Values": ["eu-west-1"], "Type": "string"}],
        },
        "RequestorWorkflowId": unique("workflow"),
        "NotificationChannel": "arn:aws:sns:eu-west-1:111122223333:topic",
        "SessionDuration": 3600,
    }
    return provider.create_delegation_request(**(wanted | more))["DelegationRequestId"]


def test_a_request_is_taken_on_accepted_and_sent(accounts):
    server, provider, provider_id = accounts
    request = ask(provider, OwnerAccountId=server.account)
    user, keys = create_user(server, statements=[allow("iam:AssociateDelegationRequest")])
    owner, iam = server.iam(keys), server.iam()
    owner.associate_delegation_request(DelegationRequestId=request)
    owner.update_delegation_request(DelegationRequestId=request, Notes="please")
    shown = owner.get_delegation_request(DelegationRequestId=request)["DelegationRequest"]
    assert shown["State"] == "PENDING_APPROVAL"
    assert shown["OwnerId"] == user["Arn"]
    assert shown["RequestorId"] == provider_id
    assert shown["Permissions"]["Parameters"][0]["Values"] == ["eu-west-1"]
    with denied():
        owner.accept_delegation_request(DelegationRequestId=request)
    iam.accept_delegation_request(DelegationRequestId=request)
    iam.send_delegation_token(DelegationRequestId=request)
    with refused("InvalidInput", status=400):
        iam.reject_delegation_request(DelegationRequestId=request)
    listed = iam.list_delegation_requests(OwnerId=user["Arn"])
    assert [it["State"] for it in listed["DelegationRequests"]] == ["FINALIZED"]
    assert listed["isTruncated"] is False
    summary = iam.get_human_readable_summary(
        EntityArn=f"arn:aws:iam::{server.account}:delegation-request/{request}"
    )
    assert summary["SummaryState"] == "NOT_AVAILABLE"
    with refused("NoSuchEntity", status=404):
        provider.get_delegation_request(DelegationRequestId=request)


def test_a_request_is_made_once_and_rejected_with_a_reason(accounts):
    server, provider, _ = accounts
    workflow = unique("workflow")
    request = ask(provider, RequestorWorkflowId=workflow)
    with refused("EntityAlreadyExists", status=409):
        ask(provider, RequestorWorkflowId=workflow)
    iam = server.iam()
    iam.associate_delegation_request(DelegationRequestId=request)
    iam.reject_delegation_request(DelegationRequestId=request, Notes="too much")
    shown = iam.get_delegation_request(
        DelegationRequestId=request, DelegationPermissionCheck=True
    )
    assert shown["DelegationRequest"]["State"] == "REJECTED"
    assert shown["DelegationRequest"]["RejectionReason"] == "too much"
    assert shown["PermissionCheckResult"] == "UNSURE"


def test_role_templates_are_not_found(iam):
    message = f"The role template with ARN {TEMPLATE} cannot be found."
    with refused("NoSuchEntity", message, 404):
        iam.get_role_template_version(TemplateArn=TEMPLATE)
    with refused("NoSuchEntity", message, 404):
        iam.acquire_role(TemplateArn=TEMPLATE)


def test_the_command_line_client_lists_requests(server):
    code, answer, complaint = server.aws(server.admin, "iam", "list-delegation-requests")
    assert code == 0, complaint
    assert answer["DelegationRequests"] == []
