"""One far side and one client of each kind for all tests, and nothing of the machine's settings."""

import os

import pytest
from client import TOKEN, Client
from far_side import FarSide
from models import NAMES


@pytest.fixture(scope="session")
def far_side():
    with FarSide() as far_side:
        yield far_side


@pytest.fixture(autouse=True, scope="session")
def no_aws_settings_of_this_machine(tmp_path_factory):
    """No profiles, no endpoints, no keys but those of the tests."""
    folder = tmp_path_factory.mktemp("aws")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
        yield


@pytest.fixture(scope="session")
def clients(no_aws_settings_of_this_machine):
    """A client for each service, with and without a session token."""
    return {
        (service, token): Client(service, token) for service in NAMES for token in (None, TOKEN)
    }
