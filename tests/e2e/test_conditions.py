"""What policies see of a request: each condition key beside the nearest value that it has not."""

from datetime import datetime, timedelta, timezone

import pytest
from iamd import (
    Keys,
    Server,
    advance_clock,
    allow,
    create_user,
    denied,
    deny,
    document,
    refused,
    trust,
    unique,
)
from wire import Connection, assert_error, iam_body, post

TEAM = [{"Key": "Team", "Value": "Red"}]


class Asker:
    """A user who asks for himself, under a policy that each row sets anew."""

    def __init__(self, server):
        self.server = server
        self.user, self.keys = create_user(server, name=unique("asker"), Tags=TEAM)
        self.name = self.user["UserName"]
        self.iam = server.iam(self.keys)

    def put(self, *statements):
        self.server.iam().put_user_policy(
            UserName=self.name, PolicyName="only", PolicyDocument=document(*statements)
        )

    def may(self):
        """Whether the user may ask for himself."""
        body = iam_body("GetUser", UserName=self.name)
        answer = post(self.server, body, keys=self.keys, service="iam", region="eu-west-1")
        if answer.status == 200:
            return True
        assert_error(answer, "AccessDenied", 403)
        return False


@pytest.fixture(scope="module")
def asker(server):
    return Asker(server)


# (condition, whether it holds). `{name}`, `{arn}` and so on stand for what the asker has.
CONDITIONS = [
    ({"StringEquals": {"aws:username": "{name}"}}, True),
    ({"StringEquals": {"aws:username": "{name}x"}}, False),
    ({"StringEquals": {"AWS:UserName": "{name}"}}, True),
    ({"StringNotEquals": {"aws:username": "{name}"}}, False),
    ({"StringEqualsIgnoreCase": {"aws:username": "{NAME}"}}, True),
    ({"StringEquals": {"aws:username": "{NAME}"}}, False),
    ({"StringEquals": {"aws:userid": "{id}"}}, True),
    ({"StringEquals": {"aws:PrincipalAccount": "{account}"}}, True),
    ({"StringEquals": {"aws:PrincipalAccount": "999999999999"}}, False),
    ({"StringEquals": {"aws:ResourceAccount": "{account}"}}, True),
    ({"ArnEquals": {"aws:PrincipalArn": "{arn}"}}, True),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/asker-*"}}, True),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, False),
    ({"StringEquals": {"aws:PrincipalType": "User"}}, True),
    ({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}, False),
    ({"StringEquals": {"aws:PrincipalTag/Team": "Red"}}, True),
    ({"StringEquals": {"aws:PrincipalTag/team": "Red"}}, True),
    ({"StringEquals": {"aws:PrincipalTag/Team": "red"}}, False),
    ({"StringEquals": {"aws:ResourceTag/Team": "Red"}}, True),
    ({"StringEquals": {"iam:ResourceTag/Team": "Red"}}, True),
    ({"StringEquals": {"aws:ResourceTag/Team": "${{aws:PrincipalTag/Team}}"}}, True),
    ({"StringEquals": {"aws:ResourceTag/Other": "Red"}}, False),
    ({"StringEqualsIfExists": {"aws:ResourceTag/Other": "Red"}}, True),
    ({"StringNotEquals": {"aws:ResourceTag/Other": "Red"}}, True),
    ({"Null": {"aws:ResourceTag/Other": "true"}}, True),
    ({"Null": {"aws:ResourceTag/Team": "true"}}, False),
    ({"Null": {"aws:TagKeys": "true"}}, True),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, True),
    ({"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}, False),
    ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
    ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
    ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
    ({"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}}, False),
    ({"Bool": {"aws:SecureTransport": "false"}}, True),
    ({"Bool": {"aws:SecureTransport": "true"}}, False),
    ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
    ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, False),
    ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
    ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
    ({"NumericGreaterThan": {"aws:EpochTime": "1577836800"}}, True),
    ({"Null": {"aws:TokenIssueTime": "true"}}, True),
    # A long-term key has no MFA facts at all: `Bool` does not match, `BoolIfExists` does.
    ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, False),
    ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, True),
    ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, True),
    # Several keys and several operators must all hold.
    ({"StringEquals": {"aws:username": "{name}", "aws:PrincipalAccount": "1"}}, False),
    ({"StringEquals": {"aws:username": "{name}"}, "Bool": {"aws:SecureTransport": "true"}}, False),
    # Several values: one of them is enough.
    ({"StringEquals": {"aws:username": ["nobody", "{name}"]}}, True),
    ({"StringNotEquals": {"aws:username": ["nobody", "{name}"]}}, False),
    # The server's own keys cannot come from the request.
    ({"StringEquals": {"aws:PrincipalOrgID": "o-forged"}}, False),
]


def filled(condition, asker):
    """The condition with what the asker has in place of the marks."""
    if isinstance(condition, dict):
        return {key: filled(value, asker) for key, value in condition.items()}
    if isinstance(condition, list):
        return [filled(value, asker) for value in condition]
    return condition.format(
        name=asker.name,
        NAME=asker.name.upper(),
        id=asker.user["UserId"],
        account=asker.server.account,
        arn=asker.user["Arn"],
    )


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS, ids=lambda value: str(value)[:60])
def test_a_condition_guards_allows_and_denials_alike(asker, condition, holds):
    condition = filled(condition, asker)
    asker.put(allow("iam:GetUser", Condition=condition))
    assert asker.may() is holds
    asker.put(allow("iam:GetUser"), deny("iam:GetUser", Condition=condition))
    assert asker.may() is not holds


@pytest.mark.parametrize(
    ("resource", "covers"),
    [
        ("*", True),
        ("arn:aws:iam::*:user/*", True),
        ("arn:aws:iam::*:user/asker-*", True),
        ("arn:aws:iam::*:user/asker-????????", True),
        ("arn:aws:iam::*:user/asker-???????", False),
        ("arn:aws:iam::*:user/${aws:username}", True),
        ("arn:aws:iam::*:user/${aws:PrincipalTag/Team}", False),
        ("arn:aws:iam::*:user/${aws:PrincipalTag/Absent}*", False),
        ("arn:aws:iam::*:user/${aws:PrincipalTag/Absent, 'asker-'}*", True),
        ("arn:aws:iam::*:role/*", False),
        ("arn:aws:iam::999999999999:user/*", False),
        ("arn:aws:iam::*:user/ASKER-*", False),
    ],
)
def test_resources_are_matched_with_wildcards_and_variables(asker, resource, covers):
    asker.put(allow("iam:GetUser", resource))
    assert asker.may() is covers


@pytest.mark.parametrize(
    ("element", "covers"),
    [
        ({"Action": "*"}, True),
        ({"Action": "iam:*"}, True),
        ({"Action": "iam:Get*"}, True),
        ({"Action": "IAM:getuser"}, True),
        ({"Action": "iam:Get?ser"}, True),
        ({"Action": "iam:GetUserPolicy"}, False),
        ({"Action": ["iam:ListUsers", "iam:GetUser"]}, True),
        ({"Action": "s3:*"}, False),
        ({"NotAction": "iam:ListUsers"}, True),
        ({"NotAction": "iam:Get*"}, False),
    ],
)
def test_actions_are_matched_with_wildcards(asker, element, covers):
    asker.put({"Effect": "Allow", "Resource": "*", **element})
    assert asker.may() is covers


def test_documents_of_the_old_version_are_not_taken(asker):
    """In them variables would be mere text; whoever writes one is told so."""
    text = document(allow("iam:GetUser")).replace("2012-10-17", "2008-10-17")
    message = "Policy document must be version 2012-10-17 or greater."
    with refused("MalformedPolicyDocument", message, 400):
        asker.server.iam().put_user_policy(
            UserName=asker.name, PolicyName="only", PolicyDocument=text
        )


def test_headers_cannot_pretend_what_the_server_knows(asker):
    """Forwarded addresses and headers that are named like condition keys have no effect."""
    forged = {
        "X-Forwarded-For": "10.1.1.1",
        "X-Real-IP": "10.1.1.1",
        "Forwarded": "for=10.1.1.1;proto=https",
        "X-Forwarded-Proto": "https",
        "aws-username": "root",
        "X-Forwarded-Host": "iam.amazonaws.com",
    }
    body = iam_body("GetUser", UserName=asker.name)
    for condition in (
        {"IpAddress": {"aws:SourceIp": "10.1.1.1"}},
        {"Bool": {"aws:SecureTransport": "true"}},
    ):
        asker.put(allow("iam:GetUser", Condition=condition))
        with Connection(asker.server) as connection:
            answer = connection.post(
                asker.server, body, keys=asker.keys, service="iam", headers=forged
            )
            assert_error(answer, "AccessDenied", 403)
    asker.put(allow("iam:GetUser", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.1"}}))
    answer = post(asker.server, body, keys=asker.keys, service="iam", headers=forged)
    assert answer.status == 200


def test_parameters_cannot_pretend_what_the_server_knows(asker):
    asker.put(allow("iam:GetUser", Condition={"StringEquals": {"aws:PrincipalTag/Role": "boss"}}))
    parameters = {"aws:PrincipalTag/Role": "boss", "Tags.member.1.Key": "Role"}
    body = iam_body("GetUser", UserName=asker.name, **parameters)
    answer = post(asker.server, body, keys=asker.keys, service="iam")
    assert_error(answer, "AccessDenied", 403)


def test_changes_act_on_the_next_request(asker):
    """Attachments, versions, groups and boundaries: nothing of them is kept in a cache."""
    iam, name = asker.server.iam(), asker.name
    asker.put(allow("s3:*"))
    assert not asker.may()
    yes, no = document(allow("iam:GetUser")), document(allow("s3:*"))
    arn = iam.create_policy(PolicyName=unique("p"), PolicyDocument=no)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    assert not asker.may()
    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=yes)
    assert version["PolicyVersion"]["IsDefaultVersion"] is False and not asker.may()
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    assert asker.may()
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert not asker.may()
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=yes, SetAsDefault=True)
    assert asker.may()
    iam.detach_user_policy(UserName=name, PolicyArn=arn)
    assert not asker.may()
    group = unique("group")
    iam.create_group(GroupName=group)
    iam.attach_group_policy(GroupName=group, PolicyArn=arn)
    iam.add_user_to_group(GroupName=group, UserName=name)
    assert asker.may()
    boundary = iam.create_policy(PolicyName=unique("b"), PolicyDocument=no)["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=boundary)
    assert not asker.may()
    iam.delete_user_permissions_boundary(UserName=name)
    assert asker.may()
    iam.remove_user_from_group(GroupName=group, UserName=name)
    assert not asker.may()


def test_a_boundary_does_not_grant(asker):
    iam = asker.server.iam()
    asker.put(allow("s3:*"))
    iam.put_user_permissions_boundary(
        UserName=asker.name, PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    assert not asker.may()
    asker.put(allow("iam:GetUser"))
    assert asker.may()
    iam.delete_user_permissions_boundary(UserName=asker.name)


def test_times_in_policies_follow_the_clock_of_the_server():
    with Server() as server:
        asker = Asker(server)
        asker.put(
            allow("iam:GetUser", Condition={"DateLessThan": {"aws:CurrentTime": in_minutes(10)}})
        )
        assert asker.may()
        advance_clock(server, 660)
        assert not asker.may()


def in_minutes(minutes):
    return (datetime.now(timezone.utc) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_conditions_on_sessions(server):
    """Sessions know when they were issued, and say that no second factor was shown."""
    iam = server.iam()
    role = iam.create_role(
        RoleName=unique("role"), AssumeRolePolicyDocument=trust({"AWS": server.account})
    )["Role"]
    session = Keys.of(server.sts().assume_role(RoleArn=role["Arn"], RoleSessionName="session"))
    for condition, holds in (
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
        ({"Null": {"aws:TokenIssueTime": "false"}}, True),
        # The principal of a session is its role, also in this key.
        ({"ArnEquals": {"aws:PrincipalArn": role["Arn"]}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:sts::*:assumed-role/*"}}, False),
        ({"StringEquals": {"aws:userid": f"{role['RoleId']}:session"}}, True),
        ({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}, True),
        ({"Null": {"aws:username": "true"}}, True),
    ):
        iam.put_role_policy(
            RoleName=role["RoleName"],
            PolicyName="only",
            PolicyDocument=document(allow("iam:ListUsers", Condition=condition)),
        )
        if holds:
            server.iam(session).list_users()
        else:
            with denied():
                server.iam(session).list_users()
