"""What all end-to-end tests need: a server, and nothing of the machine's own AWS settings."""

import os

import pytest
from iamd import Server

# Variables that are the suite's own.
KEPT = (
    "IAMD_BIN", "IAMD_OTLP_BIN", "IAMD_DIST", "IAMD_RUST_CLIENT_BIN", "IAMD_STORE_BIN",
    "IAMD_TERRAFORM_PLUGINS",
)


@pytest.fixture(autouse=True, scope="session")
def no_aws_settings_of_this_machine(tmp_path_factory):
    """Only what a test says counts: no profiles, no keys, no metadata service, no proxies."""
    for name in list(os.environ):
        is_proxy = name.lower() in ("http_proxy", "https_proxy", "all_proxy")
        is_ours = name.startswith("IAMD_") and name not in KEPT
        if name.startswith("AWS_") or is_ours or is_proxy:
            del os.environ[name]
    folder = tmp_path_factory.mktemp("aws")
    os.environ["AWS_CONFIG_FILE"] = str(folder / "config")
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(folder / "credentials")
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["HOME"] = str(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server in memory, shared by the tests of one file."""
    logs = tmp_path_factory.mktemp("server") / "log"
    with Server(logs=logs) as server:
        yield server


@pytest.fixture
def iam(server):
    """The administrator's IAM client."""
    return server.iam()


@pytest.fixture
def sts(server):
    """The administrator's STS client."""
    return server.sts()
