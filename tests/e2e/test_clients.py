"""The ways in which AWS's tools are told where to go, and who they are, work unchanged."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from iamd import REGION, Keys, create_user, trust, unique

AWS = str(Path(sys.executable).with_name("aws"))


def whoami(environment, *arguments):
    """What the AWS CLI says of the caller; None if it says nothing."""
    done = subprocess.run(
        [AWS, *arguments, "sts", "get-caller-identity", "--output", "json"],
        env={**os.environ, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)["Arn"] if done.returncode == 0 else None


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"])
def test_endpoints_from_variables(server, variable):
    user, keys = create_user(server)
    environment = {variable: server.endpoint, **keys.environment()}
    assert whoami(environment) == user["Arn"]
    assert whoami({**environment, "AWS_SECRET_ACCESS_KEY": "w" * 40}) is None


def test_session_tokens_from_variables(server):
    role = server.iam().create_role(
        RoleName=unique("role"), AssumeRolePolicyDocument=trust({"AWS": server.account})
    )["Role"]
    answer = server.sts().assume_role(RoleArn=role["Arn"], RoleSessionName="session")
    environment = {"AWS_ENDPOINT_URL": server.endpoint, **Keys.of(answer).environment()}
    assert whoami(environment) == answer["AssumedRoleUser"]["Arn"]


def test_credentials_from_a_process(server, tmp_path):
    user, keys = create_user(server)
    credentials = tmp_path / "credentials.json"
    credentials.write_text(
        json.dumps(
            {
                "Version": 1,
                "AccessKeyId": keys.access_key_id,
                "SecretAccessKey": keys.secret_access_key,
            }
        )
    )
    config = tmp_path / "config"
    config.write_text(
        f"[profile process]\ncredential_process = cat {credentials}\n"
        f"endpoint_url = {server.endpoint}\nregion = {REGION}\n"
    )
    assert whoami({"AWS_CONFIG_FILE": str(config)}, "--profile", "process") == user["Arn"]


def test_the_command_line_client_carries_a_whole_role_through(server, tmp_path):
    """Documents from files, tags, waiters and paging as the AWS CLI does them."""
    policy = tmp_path / "trust.json"
    policy.write_text(trust({"Service": "ec2.amazonaws.com"}))
    name = unique("role")

    def aws(*arguments):
        code, answer, complaint = server.aws(server.admin, "iam", *arguments)
        assert code == 0, complaint
        return answer

    created = aws(
        "create-role", "--role-name", name, "--assume-role-policy-document", f"file://{policy}",
        "--tags", "Key=team,Value=red", "--max-session-duration", "7200",
    )["Role"]
    assert created["MaxSessionDuration"] == 7200
    aws("wait", "role-exists", "--role-name", name)
    shown = aws("get-role", "--role-name", name)["Role"]
    assert shown["Tags"] == [{"Key": "team", "Value": "red"}]
    assert shown["AssumeRolePolicyDocument"] == json.loads(policy.read_text())
    listed = aws("list-roles", "--page-size", "1", "--query", "Roles[].RoleName")
    assert name in listed
    aws("delete-role", "--role-name", name)
    code, _, complaint = server.aws(server.admin, "iam", "get-role", "--role-name", name)
    assert code != 0 and "(NoSuchEntity)" in complaint
    assert f"The role with name {name} cannot be found." in complaint
