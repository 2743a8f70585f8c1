"""Terraform manages users, groups, roles and policies: apply, nothing to do, change, destroy."""

import json
import os
import re
import shutil
import subprocess

import pytest
from iamd import Keys, Server

pytestmark = pytest.mark.skipif(
    not shutil.which("terraform"), reason="SKIPPED: terraform is not installed"
)

# A folder with the provider, where the registry cannot be reached.
PLUGINS = os.environ.get("IAMD_TERRAFORM_PLUGINS")

MAIN = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "team" { type = string }

provider "aws" {
  region = "us-east-1"
  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }
}

resource "aws_iam_user" "dora" {
  name                 = "dora"
  path                 = "/dev/"
  tags                 = { team = var.team }
  permissions_boundary = aws_iam_policy.boundary.arn
}

resource "aws_iam_access_key" "dora" {
  user = aws_iam_user.dora.name
}

resource "aws_iam_group" "developers" {
  name = "developers"
  path = "/teams/"
}

resource "aws_iam_user_group_membership" "dora" {
  user   = aws_iam_user.dora.name
  groups = [aws_iam_group.developers.name]
}

resource "aws_iam_policy" "boundary" {
  name   = "boundary"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }]
  })
}

resource "aws_iam_policy" "read" {
  name        = "read-${var.team}"
  path        = "/policies/"
  description = "Reads what belongs to a team"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{
      Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::${var.team}/*"
    }]
  })
  tags = { team = var.team }
}

resource "aws_iam_group_policy_attachment" "read" {
  group      = aws_iam_group.developers.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_group_policy" "own" {
  name   = "own"
  group  = aws_iam_group.developers.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "iam:GetUser", Resource = "*" }]
  })
}

resource "aws_iam_user_policy" "own" {
  name   = "own"
  user   = aws_iam_user.dora.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:ListBucket", Resource = "arn:aws:s3:::${var.team}" }]
  })
}

resource "aws_iam_role" "worker" {
  name                 = "worker"
  description          = "Worker of team ${var.team}"
  max_session_duration = 7200
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{
      Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
  tags = { team = var.team }
}

resource "aws_iam_role_policy" "queue" {
  name   = "queue"
  role   = aws_iam_role.worker.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sqs:*", Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "read" {
  role       = aws_iam_role.worker.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_role_policy_attachment" "managed" {
  role       = aws_iam_role.worker.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
}

resource "aws_iam_instance_profile" "worker" {
  name = "worker"
  role = aws_iam_role.worker.name
  tags = { team = var.team }
}

resource "aws_iam_account_alias" "alias" {
  account_alias = "terraformed"
}

data "aws_caller_identity" "me" {}

output "account" { value = data.aws_caller_identity.me.account_id }
output "secret" {
  value     = aws_iam_access_key.dora.secret
  sensitive = true
}
output "key" { value = aws_iam_access_key.dora.id }
"""


class Terraform:
    """A working folder."""

    def __init__(self, folder, server):
        self.folder = folder
        (folder / "main.tf").write_text(MAIN)
        self.environment = {
            **os.environ,
            **server.admin.environment(),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
            "TF_VAR_endpoint": server.endpoint,
            "TF_VAR_team": "red",
        }

    def run(self, *arguments, **variables):
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def must(self, *arguments, **variables):
        done = self.run(*arguments, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def server():
    with Server() as server:
        yield server


def test_apply_plan_change_destroy(server, tmp_path):
    terraform = Terraform(tmp_path, server)
    plugins = [f"-plugin-dir={PLUGINS}"] if PLUGINS else []
    start = terraform.run("init", "-no-color", *plugins)
    if start.returncode != 0:
        reason = re.search(r"Error: (.*)", start.stderr)
        reason = reason.group(1) if reason else start.stderr.strip()[:200]
        pytest.skip(f"SKIPPED: terraform cannot get its provider: {reason}")
    iam = server.iam()

    terraform.must("apply", "-auto-approve", "-no-color")
    outputs = json.loads(terraform.must("output", "-json"))
    assert outputs["account"]["value"] == server.account
    keys = Keys(outputs["key"]["value"], outputs["secret"]["value"])
    assert server.sts(keys).get_caller_identity()["Arn"].endswith(":user/dev/dora")
    assert iam.get_group(GroupName="developers")["Users"][0]["UserName"] == "dora"
    profile = iam.get_instance_profile(InstanceProfileName="worker")["InstanceProfile"]
    assert profile["Roles"][0]["RoleName"] == "worker"

    # Exit code 2 would mean that there is still something to do.
    again = terraform.run("plan", "-detailed-exitcode", "-no-color")
    assert again.returncode == 0, again.stdout + again.stderr

    terraform.must("apply", "-auto-approve", "-no-color", TF_VAR_team="blue")
    assert iam.list_user_tags(UserName="dora")["Tags"] == [{"Key": "team", "Value": "blue"}]
    attached = iam.list_attached_group_policies(GroupName="developers")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["read-blue"]
    again = terraform.run("plan", "-detailed-exitcode", "-no-color", TF_VAR_team="blue")
    assert again.returncode == 0, again.stdout + again.stderr

    terraform.must("destroy", "-auto-approve", "-no-color", TF_VAR_team="blue")
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["admin"]
    assert iam.list_roles()["Roles"] == [] and iam.list_groups()["Groups"] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    assert iam.list_account_aliases()["AccountAliases"] == []
