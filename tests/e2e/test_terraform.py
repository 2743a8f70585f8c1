"""Terraform manages an account: apply, nothing to do, change, destroy; and takes over an export."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from certificate_files import certificate, public_key, rsa_key, self_signed
from iamd import Keys, Server, run
from saml_files import metadata

needs_terraform = pytest.mark.skipif(
    not shutil.which("terraform"), reason="SKIPPED: terraform is not installed"
)

# A folder with the provider, where the registry cannot be reached.
PLUGINS = os.environ.get("IAMD_TERRAFORM_PLUGINS")

# Every kind of resource and data source whose operations are built.
CONFIGURATION = Path(__file__).parent / "terraform" / "main.tf"

# Where an export is taken over.
PROVIDER = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }

provider "aws" {
  region = "us-east-1"
  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }
}
"""


class Terraform:
    """A working folder."""

    def __init__(self, folder, server, configuration, variables):
        self.folder = folder
        (folder / "main.tf").write_text(configuration)
        self.environment = {
            **os.environ,
            **server.admin.environment(),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
            "TF_VAR_endpoint": server.endpoint,
            **{f"TF_VAR_{name}": value for name, value in variables.items()},
        }

    def init(self):
        """Skips the test, and says why, where the provider cannot be had."""
        plugins = [f"-plugin-dir={PLUGINS}"] if PLUGINS else []
        start = self.run("init", "-no-color", *plugins)
        if start.returncode != 0:
            reason = re.search(r"Error: (.*)", start.stderr)
            reason = reason.group(1) if reason else start.stderr.strip()[:200]
            pytest.skip(f"SKIPPED: terraform cannot get its provider: {reason}")

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
def data(tmp_path_factory):
    """The folder of the server, where its operator asks for an export."""
    return tmp_path_factory.mktemp("terraform") / "data"


@pytest.fixture(scope="module")
def server(data):
    with Server(data=data) as server:
        yield server


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Keys and certificates, as variables of the configuration."""
    key = rsa_key()
    body, private_key = self_signed(tmp_path_factory.mktemp("certificates"), key=key)
    return {
        "team": "red",
        "certificate": body,
        "private_key": private_key,
        "signing_certificate": certificate(key),
        "ssh_key": ssh_form(public_key(key)),
    }


def ssh_form(pem):
    """A public RSA key as OpenSSH writes it."""
    done = subprocess.run(
        ["ssh-keygen", "-i", "-m", "PKCS8", "-f", "/dev/stdin"],
        input=pem, capture_output=True, text=True, check=True, timeout=60,
    )
    return done.stdout.strip()


def kinds(word):
    """The kinds of resources or data sources of IAM in the configuration."""
    return set(re.findall(rf'^{word} "(aws_iam_\w+)"', CONFIGURATION.read_text(), re.M))


def test_the_configuration_has_every_kind():
    assert len(kinds("resource")) >= 25
    assert len(kinds("data")) >= 15


@needs_terraform
def test_terraform_can_read_the_configuration():
    """Also where the provider cannot be had."""
    command = ["terraform", "fmt", "-check", "-diff", "-no-color", str(CONFIGURATION.parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_terraform
def test_apply_plan_change_destroy(server, files, tmp_path):
    terraform = Terraform(tmp_path, server, CONFIGURATION.read_text(), files)
    terraform.init()
    iam = server.iam()
    terraform.must("apply", "-auto-approve", "-no-color")
    outputs = json.loads(terraform.must("output", "-json"))
    check_applied(server, outputs)

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
    check_empty(iam)


def check_applied(server, outputs):
    iam = server.iam()
    assert outputs["account"]["value"] == server.account
    keys = Keys(outputs["key"]["value"], outputs["secret"]["value"])
    assert server.sts(keys).get_caller_identity()["Arn"].endswith(":user/dev/dora")
    assert outputs["looked_up"]["value"] == {
        "user": f"arn:aws:iam::{server.account}:user/dev/dora",
        "users": ["dora"],
        "keys": [keys.access_key_id],
        "members": ["dora"],
        "role": 7200,
        "roles": ["worker"],
        "profile": "worker",
        "alias": "terraformed",
        "clients": ["red", "sts.amazonaws.com"],
        "server": "/certificates/",
    }
    assert iam.get_group(GroupName="readers")["Users"][0]["UserName"] == "emil"
    profile = iam.get_instance_profile(InstanceProfileName="worker")["InstanceProfile"]
    assert profile["Roles"][0]["RoleName"] == "worker"
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["MaxPasswordAge"]) == (12, 90)
    assert len(iam.list_signing_certificates(UserName="dora")["Certificates"]) == 1


def check_empty(iam):
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["admin"]
    assert iam.list_roles()["Roles"] == [] and iam.list_groups()["Groups"] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    assert iam.list_account_aliases()["AccountAliases"] == []
    assert iam.list_server_certificates()["ServerCertificateMetadataList"] == []
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []


@needs_terraform
def test_an_export_is_taken_over_without_a_change(server, data, tmp_path):
    """`terraform plan` finds that the account is what `iamd export terraform` says."""
    iam = server.iam()
    iam.create_group(GroupName="exported", Path="/x/")
    iam.create_user(UserName="exported", Tags=[{"Key": "a", "Value": "b"}])
    iam.add_user_to_group(GroupName="exported", UserName="exported")
    iam.create_account_alias(AccountAlias="exported")
    iam.update_account_password_policy(MinimumPasswordLength=12, MaxPasswordAge=90)
    iam.create_open_id_connect_provider(
        Url="https://exported.example.com/x", ClientIDList=["b", "a"], ThumbprintList=["a" * 40]
    )
    iam.create_saml_provider(Name="exported", SAMLMetadataDocument=metadata())
    done = run("export", "terraform", "--data", data, "--account-id", server.account)
    assert done.returncode == 0, done.stderr
    terraform = Terraform(tmp_path, server, PROVIDER + done.stdout, {})
    terraform.init()
    plan = terraform.must("plan", "-no-color")
    assert re.search(r"Plan: \d+ to import, 0 to add, 0 to change, 0 to destroy", plan), plan
