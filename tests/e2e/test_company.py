"""A company with three teams, contractors and a partner: who may do what, before and after a
restart, by boto3 and by the AWS CLI."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from iamd import (
    Keys,
    Server,
    allow,
    create_account,
    denied,
    deny,
    document,
    explicit_deny,
    no_policy,
    trust,
)

EXTERNAL_ID = "acme-7781"
READ_ONLY = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


class Company:
    """Two accounts in one process, and everybody in them."""

    def __init__(self, folder):
        self.data = folder / "data"
        self.server = Server("--account-id", "111122223333", data=self.data)
        self.admin = self.server.admin
        self.account = self.server.account
        self.keys = {}
        partner = create_account(self.data, "root@partner.example")
        self.partner = partner["account_id"]
        self.partner_admin = Keys(partner["access_key_id"], partner["secret_access_key"])
        self.build_teams()
        self.build_contractors()
        self.build_partner()

    def restart(self):
        """Ends the process and starts it again on what it wrote."""
        self.server.stop()
        self.server = Server(data=self.data, admin=self.admin)
        assert self.server.account == self.account

    def iam(self, who):
        return self.server.iam(self.keys[who])

    def sts(self, who):
        return self.server.sts(self.keys[who])

    def user_arn(self, path_and_name):
        return f"arn:aws:iam::{self.account}:user/{path_and_name}"

    def hire(self, name, path, group=None, iam=None, **more):
        iam = iam or self.server.iam()
        iam.create_user(UserName=name, Path=path, **more)
        if group:
            iam.add_user_to_group(GroupName=group, UserName=name)
        self.keys[name] = Keys.of(iam.create_access_key(UserName=name))

    def build_teams(self):
        iam, users = self.server.iam(), f"arn:aws:iam::{self.account}:user"
        for team in ("developers", "auditors", "platform"):
            iam.create_group(GroupName=team, Path="/teams/")
        own_keys = ["iam:GetUser", "iam:ListAccessKeys", "iam:CreateAccessKey", "iam:DeleteAccessKey"]
        own = iam.create_policy(
            PolicyName="own-keys",
            PolicyDocument=document(allow(own_keys, f"{users}/*/${{aws:username}}")),
        )["Policy"]["Arn"]
        iam.attach_group_policy(GroupName="developers", PolicyArn=own)
        iam.attach_group_policy(GroupName="auditors", PolicyArn=READ_ONLY)
        same_team = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
        only_cost = {"ForAllValues:StringEquals": {"aws:TagKeys": ["cost-center"]}}
        iam.put_group_policy(
            GroupName="platform",
            PolicyName="platform",
            PolicyDocument=document(
                # By path: everything about developers, but never their deletion.
                allow("iam:*", f"{users}/dev/*"),
                deny("iam:DeleteUser", "*"),
                # By tag: groups of users of the own team.
                allow("iam:ListGroupsForUser", "*", Condition=same_team),
                # By the keys of a request.
                allow("iam:TagUser", f"{users}/audit/*", Condition=only_cost),
            ),
        )
        self.hire("dora", "/dev/", "developers", Tags=[{"Key": "team", "Value": "red"}])
        self.hire("dan", "/dev/", "developers", Tags=[{"Key": "team", "Value": "blue"}])
        self.hire("ada", "/audit/", "auditors", Tags=[{"Key": "team", "Value": "red"}])
        self.hire("abe", "/audit/", "auditors", Tags=[{"Key": "team", "Value": "blue"}])
        self.hire("pete", "/platform/", "platform", Tags=[{"Key": "team", "Value": "red"}])

    def build_contractors(self):
        """A lead who may hire, but only whom the boundary holds."""
        iam = self.server.iam()
        contractors = f"arn:aws:iam::{self.account}:user/contractors/*"
        self.boundary = iam.create_policy(
            PolicyName="contractor-boundary",
            PolicyDocument=document(
                allow(["iam:Get*", "iam:List*"]),
                allow(["iam:CreateAccessKey", "iam:DeleteAccessKey"], contractors),
            ),
        )["Policy"]["Arn"]
        bounded = {"StringEquals": {"iam:PermissionsBoundary": self.boundary}}
        self.hire("lena", "/leads/")
        guarded = [
            "iam:CreateUser", "iam:AttachUserPolicy", "iam:DetachUserPolicy",
            "iam:PutUserPolicy", "iam:DeleteUserPolicy", "iam:PutUserPermissionsBoundary",
        ]
        iam.put_user_policy(
            UserName="lena",
            PolicyName="hire-contractors",
            PolicyDocument=document(
                allow(guarded, contractors, Condition=bounded),
                allow(["iam:CreateAccessKey", "iam:GetUser"], contractors),
            ),
        )
        self.hire("carl", "/contractors/", iam=self.iam("lena"), PermissionsBoundary=self.boundary)
        self.iam("lena").attach_user_policy(UserName="carl", PolicyArn=ADMINISTRATOR)

    def build_partner(self):
        """Partner's users reach one role of ours, with the id that was agreed."""
        condition = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
        principal = {"AWS": f"arn:aws:iam::{self.partner}:root"}
        iam = self.server.iam()
        role = iam.create_role(
            RoleName="partner-audit",
            Path="/partners/",
            AssumeRolePolicyDocument=trust(principal, Condition=condition),
        )["Role"]
        self.role = role["Arn"]
        iam.put_role_policy(
            RoleName="partner-audit",
            PolicyName="read-developers",
            PolicyDocument=document(allow("iam:GetUser", f"arn:aws:iam::{self.account}:user/dev/*")),
        )
        theirs = self.server.iam(self.partner_admin)
        for name in ("petra", "paul"):
            theirs.create_user(UserName=name)
            self.keys[name] = Keys.of(theirs.create_access_key(UserName=name))
        theirs.put_user_policy(
            UserName="petra",
            PolicyName="assume",
            PolicyDocument=document(allow("sts:AssumeRole", self.role)),
        )


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    company = Company(tmp_path_factory.mktemp("company"))
    yield company
    company.server.stop()


@pytest.fixture(params=["at first", "after a restart"], scope="module")
def lived(request, company):
    """Everything is proved twice: the second time on what the process read back."""
    if request.param == "after a restart":
        company.restart()
    return company


def test_everybody_is_who_he_is(lived):
    for who, arn in {
        "dora": lived.user_arn("dev/dora"),
        "carl": lived.user_arn("contractors/carl"),
        "petra": f"arn:aws:iam::{lived.partner}:user/petra",
    }.items():
        assert lived.sts(who).get_caller_identity()["Arn"] == arn
    assert lived.server.sts().get_caller_identity()["Account"] == lived.account
    theirs = lived.server.sts(lived.partner_admin).get_caller_identity()
    assert theirs["Account"] == lived.partner != lived.account


def test_developers_manage_their_own_keys_and_nobody_elses(lived):
    dora = lived.iam("dora")
    assert dora.get_user()["User"]["UserName"] == "dora"
    new = dora.create_access_key(UserName="dora")["AccessKey"]["AccessKeyId"]
    dora.delete_access_key(UserName="dora", AccessKeyId=new)
    me, dan = lived.user_arn("dev/dora"), lived.user_arn("dev/dan")
    for call, action in (
        (dora.get_user, "iam:GetUser"),
        (dora.create_access_key, "iam:CreateAccessKey"),
        (dora.list_access_keys, "iam:ListAccessKeys"),
    ):
        with denied(no_policy(me, action, dan)):
            call(UserName="dan")
    with denied(no_policy(me, "iam:ListUsers", lived.user_arn(""))):
        dora.list_users()
    with denied(no_policy(me, "iam:AttachUserPolicy", me)):
        dora.attach_user_policy(UserName="dora", PolicyArn=ADMINISTRATOR)


def test_auditors_read_everything_and_write_nothing(lived):
    ada, me = lived.iam("ada"), lived.user_arn("audit/ada")
    assert {user["UserName"] for user in ada.list_users()["Users"]} >= {"dora", "carl", "admin"}
    ada.get_group_policy(GroupName="platform", PolicyName="platform")
    ada.get_policy_version(PolicyArn=lived.boundary, VersionId="v1")
    with denied(no_policy(me, "iam:CreateUser", lived.user_arn("eve"))):
        ada.create_user(UserName="eve")
    group = f"arn:aws:iam::{lived.account}:group/teams/platform"
    with denied(no_policy(me, "iam:AddUserToGroup", group)):
        ada.add_user_to_group(GroupName="platform", UserName="ada")


def test_platform_works_by_path_and_may_not_delete(lived):
    pete, me = lived.iam("pete"), lived.user_arn("platform/pete")
    pete.update_user(UserName="dan", NewPath="/dev/")
    pete.create_user(UserName="temp", Path="/dev/temp/")
    with denied(explicit_deny(me, "iam:DeleteUser", lived.user_arn("dev/temp/temp"))):
        pete.delete_user(UserName="temp")
    lived.server.iam().delete_user(UserName="temp")
    with denied(no_policy(me, "iam:CreateUser", lived.user_arn("temp"))):
        pete.create_user(UserName="temp")
    # Out of the path is as forbidden as into another one.
    with denied(no_policy(me, "iam:UpdateUser", lived.user_arn("leads/dan"))):
        pete.update_user(UserName="dan", NewPath="/leads/")
    with denied(no_policy(me, "iam:CreateAccessKey", lived.user_arn("audit/ada"))):
        pete.create_access_key(UserName="ada")


def test_platform_works_by_tags_of_both_sides(lived):
    pete, me = lived.iam("pete"), lived.user_arn("platform/pete")
    groups = pete.list_groups_for_user(UserName="ada")["Groups"]
    assert [group["GroupName"] for group in groups] == ["auditors"]
    with denied(no_policy(me, "iam:ListGroupsForUser", lived.user_arn("audit/abe"))):
        pete.list_groups_for_user(UserName="abe")
    pete.tag_user(UserName="ada", Tags=[{"Key": "cost-center", "Value": "7"}])
    for tags in (
        [{"Key": "team", "Value": "blue"}],
        [{"Key": "cost-center", "Value": "7"}, {"Key": "team", "Value": "blue"}],
    ):
        with denied(no_policy(me, "iam:TagUser", lived.user_arn("audit/ada"))):
            pete.tag_user(UserName="ada", Tags=tags)


def test_a_contractor_with_all_permissions_stays_inside_his_boundary(lived):
    carl, me = lived.iam("carl"), lived.user_arn("contractors/carl")
    carl.list_users()
    carl.get_user(UserName="dora")
    new = carl.create_access_key(UserName="carl")["AccessKey"]["AccessKeyId"]
    carl.delete_access_key(UserName="carl", AccessKeyId=new)
    boundary = "permissions boundary"
    for call, action, resource in (
        (lambda: carl.create_user(UserName="eve"), "iam:CreateUser", lived.user_arn("eve")),
        (lambda: carl.create_access_key(UserName="dora"), "iam:CreateAccessKey",
         lived.user_arn("dev/dora")),
        (lambda: carl.delete_user_permissions_boundary(UserName="carl"),
         "iam:DeleteUserPermissionsBoundary", me),
        (lambda: carl.put_user_permissions_boundary(
            UserName="carl", PermissionsBoundary=ADMINISTRATOR),
         "iam:PutUserPermissionsBoundary", me),
        (lambda: carl.create_policy_version(
            PolicyArn=lived.boundary, PolicyDocument=document(allow("*")), SetAsDefault=True),
         "iam:CreatePolicyVersion", lived.boundary),
    ):
        with denied(no_policy(me, action, resource, boundary)):
            call()


def test_a_lead_hires_only_inside_the_boundary(lived):
    lena, me = lived.iam("lena"), lived.user_arn("leads/lena")
    eve = lived.user_arn("contractors/eve")
    with denied(no_policy(me, "iam:CreateUser", eve)):
        lena.create_user(UserName="eve", Path="/contractors/")
    with denied(no_policy(me, "iam:CreateUser", eve)):
        lena.create_user(UserName="eve", Path="/contractors/", PermissionsBoundary=ADMINISTRATOR)
    with denied(no_policy(me, "iam:CreateUser", lived.user_arn("eve"))):
        lena.create_user(UserName="eve", PermissionsBoundary=lived.boundary)
    carl = lived.user_arn("contractors/carl")
    with denied(no_policy(me, "iam:DeleteUserPermissionsBoundary", carl)):
        lena.delete_user_permissions_boundary(UserName="carl")
    with denied(no_policy(me, "iam:PutUserPermissionsBoundary", carl)):
        lena.put_user_permissions_boundary(UserName="carl", PermissionsBoundary=ADMINISTRATOR)
    lena.create_user(UserName="eve", Path="/contractors/", PermissionsBoundary=lived.boundary)
    lena.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=document(allow("*")))
    lena.delete_user_policy(UserName="eve", PolicyName="p")
    lived.server.iam().delete_user(UserName="eve")
    # The lead's own permissions do not reach himself.
    with denied(no_policy(me, "iam:AttachUserPolicy", me)):
        lena.attach_user_policy(UserName="lena", PolicyArn=ADMINISTRATOR)


def test_the_partner_comes_in_by_the_agreed_id_only(lived):
    petra = lived.sts("petra")
    answer = petra.assume_role(
        RoleArn=lived.role, RoleSessionName="audit", ExternalId=EXTERNAL_ID
    )
    me = f"arn:aws:sts::{lived.account}:assumed-role/partner-audit/audit"
    assert answer["AssumedRoleUser"]["Arn"] == me
    session = lived.server.iam(Keys.of(answer))
    assert session.get_user(UserName="dora")["User"]["Arn"] == lived.user_arn("dev/dora")
    with denied(no_policy(me, "iam:GetUser", lived.user_arn("audit/ada"))):
        session.get_user(UserName="ada")
    # Across accounts nothing is told about the reason.
    text = (
        f"User: arn:aws:iam::{lived.partner}:user/{{}} is not authorized to perform: "
        f"sts:AssumeRole on resource: {lived.role}"
    )
    for external in ({}, {"ExternalId": "acme-7782"}):
        with denied(text.format("petra")):
            petra.assume_role(RoleArn=lived.role, RoleSessionName="audit", **external)
    with denied(text.format("paul")):
        lived.sts("paul").assume_role(
            RoleArn=lived.role, RoleSessionName="audit", ExternalId=EXTERNAL_ID
        )
    # Our own people are not the partner.
    with denied():
        lived.sts("carl").assume_role(
            RoleArn=lived.role, RoleSessionName="audit", ExternalId=EXTERNAL_ID
        )


def test_accounts_see_nothing_of_each_other(lived):
    theirs = lived.server.iam(lived.partner_admin)
    assert {user["UserName"] for user in theirs.list_users()["Users"]} == {"admin", "petra", "paul"}
    ours = {user["UserName"] for user in lived.server.iam().list_users()["Users"]}
    assert "petra" not in ours and "dora" in ours
    with denied():
        theirs.get_access_key_last_used(AccessKeyId=lived.keys["dora"].access_key_id)
    for call in (
        lambda: theirs.get_policy(PolicyArn=lived.boundary),
        lambda: theirs.attach_user_policy(UserName="paul", PolicyArn=lived.boundary),
        lambda: theirs.delete_policy(PolicyArn=lived.boundary),
        lambda: theirs.create_user(UserName="spy", PermissionsBoundary=lived.boundary),
    ):
        with pytest.raises(theirs.exceptions.ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] in ("NoSuchEntity", "AccessDenied")


def test_session_policies_do_not_tell_what_is_in_a_foreign_account(lived):
    """Whether a role or a policy exists over there must not show before access is granted."""
    paul = lived.sts("paul")
    messages = set()
    for policy in (lived.boundary, f"arn:aws:iam::{lived.account}:policy/absent"):
        for role in (lived.role, f"arn:aws:iam::{lived.account}:role/partners/absent"):
            with denied() as caught:
                paul.assume_role(
                    RoleArn=role, RoleSessionName="probe", PolicyArns=[{"arn": policy}]
                )
            message = caught.value.response["Error"]["Message"]
            messages.add(message.replace(role, "ROLE"))
    assert len(messages) == 1


def cli(lived, who, *arguments):
    keys = lived.keys.get(who) or lived.admin
    return lived.server.aws(keys, *arguments)


def cli_denied(text):
    return f"An error occurred (AccessDenied) when calling the {{}} operation: {text}"


def test_the_command_line_client_sees_the_same(lived):
    code, answer, _ = cli(lived, "dora", "iam", "get-user")
    assert code == 0 and answer["User"]["Arn"] == lived.user_arn("dev/dora")
    code, answer, complaint = cli(lived, "dora", "iam", "get-user", "--user-name", "dan")
    text = no_policy(lived.user_arn("dev/dora"), "iam:GetUser", lived.user_arn("dev/dan"))
    assert code != 0 and cli_denied(text).format("GetUser") in complaint
    code, answer, _ = cli(lived, "ada", "iam", "list-users", "--query", "length(Users)")
    assert code == 0 and answer >= 7
    code, _, complaint = cli(lived, "carl", "iam", "create-user", "--user-name", "eve")
    assert code != 0 and "because no permissions boundary allows the iam:CreateUser" in complaint
    code, answer, _ = cli(lived, "ada", "iam", "list-policies", "--scope", "Local", "--max-items", "1")
    assert code == 0 and len(answer["Policies"]) == 1 and "NextToken" in answer
    code, _, complaint = cli(
        lived, "pete", "iam", "delete-user", "--user-name", "dora"
    )
    assert code != 0 and "with an explicit deny in an identity-based policy" in complaint


def test_the_command_line_client_assumes_roles_by_its_profiles(lived, tmp_path):
    """`role_arn` with `source_profile`, and `endpoint_url` in a `services` section."""
    keys = lived.keys["petra"]
    profile = f"""
[profile petra]
aws_access_key_id = {keys.access_key_id}
aws_secret_access_key = {keys.secret_access_key}
region = eu-central-1
services = ours

[profile partner]
role_arn = {lived.role}
source_profile = petra
external_id = {{external_id}}
role_session_name = cli
region = eu-central-1
services = ours

[services ours]
iam =
  endpoint_url = {lived.server.endpoint}
sts =
  endpoint_url = {lived.server.endpoint}
"""
    config = tmp_path / "config"
    aws = str(Path(sys.executable).with_name("aws"))

    def call(external_id, *arguments):
        config.write_text(profile.format(external_id=external_id))
        return subprocess.run(
            [aws, "--profile", "partner", *arguments, "--output", "json"],
            env={**os.environ, "AWS_CONFIG_FILE": str(config)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    done = call(EXTERNAL_ID, "iam", "get-user", "--user-name", "dora")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["User"]["UserName"] == "dora"
    done = call(EXTERNAL_ID, "iam", "get-user", "--user-name", "ada")
    assert done.returncode != 0 and "(AccessDenied)" in done.stderr
    done = call("acme-0000", "iam", "get-user", "--user-name", "dora")
    assert done.returncode != 0 and "sts:AssumeRole" in done.stderr
