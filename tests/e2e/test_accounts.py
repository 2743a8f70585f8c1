"""`iamd account`: more than one account, made beside a running server or on a folder at rest."""

import json
import re

import pytest
from iamd import Keys, Server, create_account, run
from wire import identity_body, post


@pytest.fixture
def data(tmp_path):
    """A data folder that does not exist yet."""
    return tmp_path / "data"


def keys_of(facts):
    return Keys(facts["access_key_id"], facts["secret_access_key"])


def listed(data):
    done = run("account", "list", "--data", data, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_account_is_made_while_the_server_runs(data):
    with Server(data=data) as server:
        facts = create_account(data, "second@example.com")
        assert re.fullmatch(r"\d{12}", facts["account_id"])
        assert facts["account_id"] != server.account
        # Both accounts serve at once, without a restart.
        identity = server.sts(keys_of(facts)).get_caller_identity()
        assert identity["Arn"] == f"arn:aws:iam::{facts['account_id']}:user/admin"
        assert {line["account_id"] for line in listed(data)} == {server.account, facts["account_id"]}


def test_an_account_is_made_on_a_folder_at_rest(data):
    with Server(data=data) as server:
        pass
    facts = create_account(data, "second@example.com")
    assert {line["account_id"] for line in listed(data)} == {server.account, facts["account_id"]}
    with Server(data=data, admin=server.admin) as again:
        assert again.account == server.account, "the first account stays the one that dev tells of"
        assert post(again, identity_body(), keys=keys_of(facts)).status == 200
        assert post(again, identity_body()).status == 200


def test_what_an_order_says_is_kept(data):
    secret = "predictable/secret+of/forty/characters00"
    order = (
        "--account-id", "222233334444", "--root-email", "Boss@Example.com",
        "--access-key-id", "AKIAPREDICTABLEKEY00", "--secret-access-key", secret,
        "--key-owner", "root",
    )
    with Server(data=data) as server:
        done = run("account", "create", "--data", data, *order, "-o", "json")
        assert done.returncode == 0, done.stderr
        facts = json.loads(done.stdout)
        assert facts["account_id"] == "222233334444"
        arn = server.sts(keys_of(facts)).get_caller_identity()["Arn"]
        assert arn == "arn:aws:iam::222233334444:root"


def refused_order(data, *arguments, says):
    done = run("account", "create", "--data", data, *arguments)
    assert done.returncode in (1, 2) and done.stdout == "", done
    assert "panicked" not in done.stderr
    assert re.search(says, done.stderr, re.I), done.stderr


def test_what_is_taken_is_refused_and_nothing_is_made(data):
    with Server("--root-email", "root@example.com", data=data) as server:
        account = server.account
        refused_order(data, "--root-email", "ROOT@example.com", says="e-mail")
        refused_order(
            data, "--root-email", "new@example.com", "--account-id", account, says=account
        )
        refused_order(
            data, "--root-email", "new@example.com", "--access-key-id", server.admin.access_key_id,
            "--secret-access-key", "s" * 40, says="key",
        )
        assert [line["account_id"] for line in listed(data)] == [account]
        create_account(data, "new@example.com")
        assert len(listed(data)) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--root-email", ""),
        ("--root-email", "nobody"),
        ("--root-email", "a@example.com", "--account-id", "12"),
        ("--root-email", "a@example.com", "--access-key-id", "AKIAPREDICTABLEKEY00"),
        ("--root-email", "a@example.com", "--key-owner", "no name"),
    ],
)
def test_wrong_orders_are_refused_with_a_message(data, arguments):
    with Server(data=data):
        refused_order(data, *arguments, says=".")
        assert len(listed(data)) == 1


def test_no_folder_is_made_by_asking_for_one(tmp_path):
    absent = tmp_path / "absent"
    for command in (("create", "--root-email", "a@example.com"), ("list",)):
        done = run("account", *command, "--data", absent)
        assert done.returncode == 1 and "absent" in done.stderr
    assert not absent.exists()


def test_secrets_of_an_account_are_told_once(data):
    with Server(data=data):
        facts = create_account(data, "second@example.com")
        for output in ("json", "table"):
            done = run("account", "list", "--data", data, "-o", output)
            assert facts["account_id"] in done.stdout
            assert facts["secret_access_key"] not in done.stdout
            assert facts["root_password"] not in done.stdout
    content = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert facts["secret_access_key"].encode() not in content
    assert facts["root_password"].encode() not in content
