"""The policy simulator: what it says of policies, and that it is what happens."""

import json

import pytest
from iamd import allow, create_user, deny, document, refused, unique

DATED = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "dynamodb:*",
            "Resource": "arn:aws:dynamodb:us-west-2:123456789012:table/${aws:username}",
            "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2015-08-16T12:00:00Z"}},
        },
    },
    separators=(",", ":"),
)


def simulated(answer):
    return {result["EvalActionName"]: result["EvalDecision"] for result in answer}


def test_context_keys_are_those_that_policies_name(iam, server):
    answer = iam.get_context_keys_for_custom_policy(PolicyInputList=[DATED])
    assert answer["ContextKeyNames"] == ["aws:username", "aws:CurrentTime"]
    name = unique("user")
    user, _ = create_user(server, name, [allow("s3:*", Condition={"Bool": {"my:key": "true"}})])
    answer = iam.get_context_keys_for_principal_policy(
        PolicySourceArn=user["Arn"], PolicyInputList=[DATED]
    )
    assert answer["ContextKeyNames"] == ["my:key", "aws:username", "aws:CurrentTime"]
    with refused("InvalidInput", "Syntax errors in policy.", 400):
        iam.get_context_keys_for_custom_policy(PolicyInputList=["{"])


def test_a_custom_policy_is_simulated(iam):
    answer = iam.simulate_custom_policy(
        PolicyInputList=[document(allow("s3:*", "arn:aws:s3:::a/*"), deny("s3:PutObject"))],
        ActionNames=["s3:GetObject", "s3:PutObject", "ec2:RunInstances"],
        ResourceArns=["arn:aws:s3:::a/k"],
    )
    assert answer["IsTruncated"] is False
    results = answer["EvaluationResults"]
    assert simulated(results) == {
        "s3:GetObject": "allowed",
        "s3:PutObject": "explicitDeny",
        "ec2:RunInstances": "implicitDeny",
    }
    assert results[0]["EvalDecisionDetails"] == {}
    (statement,) = results[0]["MatchedStatements"]
    assert statement["SourcePolicyId"] == "PolicyInputList.1"
    assert statement["StartPosition"]["Line"] == 1
    (specific,) = results[0]["ResourceSpecificResults"]
    assert specific["EvalResourceName"] == "arn:aws:s3:::a/k"
    assert specific["EvalResourceDecision"] == "allowed"
    assert results[2]["MatchedStatements"] == []


def test_context_boundary_and_organization_count(iam):
    answer = iam.simulate_custom_policy(
        PolicyInputList=[DATED],
        ActionNames=["dynamodb:GetItem"],
        ResourceArns=["arn:aws:dynamodb:us-west-2:123456789012:table/bob"],
        ContextEntries=[
            {"ContextKeyName": "aws:username", "ContextKeyValues": ["bob"], "ContextKeyType": "string"}
        ],
        PermissionsBoundaryPolicyInputList=[document(allow("dynamodb:*"))],
        OrderedOrganizationPolicyInputList=[
            {"ServiceControlPolicyInputList": [document(allow("*"))]}
        ],
    )
    (result,) = answer["EvaluationResults"]
    assert result["EvalDecision"] == "implicitDeny"
    assert result["MissingContextValues"] == ["aws:CurrentTime"]
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": True}
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": True}


def test_the_policies_of_a_user_are_simulated_as_they_are_in_force(iam, server):
    name, group = unique("user"), unique("group")
    user, keys = create_user(server, name, [allow("iam:List*"), deny("iam:ListGroups")])
    iam.create_group(GroupName=group)
    iam.put_group_policy(
        GroupName=group, PolicyName="p", PolicyDocument=document(allow("iam:GetAccountSummary"))
    )
    iam.add_user_to_group(GroupName=group, UserName=name)
    own = server.iam(keys)
    calls = {
        "iam:ListUsers": own.list_users,
        "iam:ListGroups": own.list_groups,
        "iam:GetAccountSummary": own.get_account_summary,
        "iam:GetAccountPasswordPolicy": own.get_account_password_policy,
    }
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=user["Arn"], ActionNames=list(calls), PaginationConfig={"PageSize": 3}
    )
    results = [result for page in pages for result in page["EvaluationResults"]]
    decisions = simulated(results)
    assert list(decisions) == list(calls)
    for action, call in calls.items():
        if decisions[action] == "allowed":
            call()
        else:
            with refused("AccessDenied"):
                call()
    assert results[2]["MatchedStatements"][0]["SourcePolicyType"] == "group"


def test_only_those_who_may_simulate_do(server):
    user, keys = create_user(server, statements=[allow("iam:SimulateCustomPolicy")])
    own = server.iam(keys)
    own.simulate_custom_policy(
        PolicyInputList=[document(allow("*"))], ActionNames=["s3:GetObject"]
    )
    with refused("AccessDenied"):
        own.simulate_principal_policy(PolicySourceArn=user["Arn"], ActionNames=["s3:GetObject"])


@pytest.mark.parametrize("kind", ["role", "user", "group"])
def test_a_missing_source_is_named(iam, server, kind):
    with refused("NoSuchEntity", f"The {kind} with name none cannot be found.", 404):
        iam.simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{server.account}:{kind}/none", ActionNames=["a:b"]
        )


def test_the_command_line_client_simulates(server):
    code, answer, complaint = server.aws(
        server.admin,
        "iam",
        "simulate-custom-policy",
        "--policy-input-list",
        document(allow("codecommit:ListRepositories")),
        "--action-names",
        "codecommit:ListRepositories",
    )
    assert code == 0, complaint
    (result,) = answer["EvaluationResults"]
    assert result["EvalDecision"] == "allowed"
    assert result["EvalResourceName"] == "*"


def test_policies_that_open_a_service_are_listed(iam, server):
    name = unique("user")
    user, _ = create_user(server, name, [allow("codecommit:*")])
    answer = iam.list_policies_granting_service_access(
        Arn=user["Arn"], ServiceNamespaces=["codecommit", "s3"]
    )
    assert answer["IsTruncated"] is False
    assert answer["PoliciesGrantingServiceAccess"] == [
        {
            "ServiceNamespace": "codecommit",
            "Policies": [
                {
                    "PolicyName": "inline",
                    "PolicyType": "INLINE",
                    "EntityType": "USER",
                    "EntityName": name,
                }
            ],
        },
        {"ServiceNamespace": "s3", "Policies": []},
    ]
