"""`iamd dev`: what it prints, what it takes, what it refuses, and what it never says twice."""

import json
import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from iamd import (
    PATIENCE_SECONDS,
    Keys,
    Server,
    advance_clock,
    create_account,
    create_user,
    http,
    program,
    refused,
    run,
    unique,
)
from wire import Connection, assert_error, assert_identity, identity_body, post

PREDICTABLE = ("AKIAPREDICTABLEKEY00", "predictable/secret+of/forty/characters00")
DATABASE = "store.sqlite3"
MASTER_KEY = "master.key"


def predictable(*more):
    return ("--access-key-id", PREDICTABLE[0], "--secret-access-key", PREDICTABLE[1], *more)


@pytest.fixture
def data(tmp_path):
    """A data folder that does not exist yet."""
    return tmp_path / "data"


def whoami(server, keys=None):
    return server.sts(keys).get_caller_identity()["Arn"].split(":", 5)[5]


def test_the_json_line_has_everything_that_scripts_need():
    with Server() as server:
        facts = server.facts
        members = {
            "account_id", "endpoint", "console", "root_email", "root_password",
            "access_key_id", "secret_access_key", "gateway", "metadata",
        }
        assert facts.keys() >= members
        assert re.fullmatch(r"\d{12}", facts["account_id"])
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*/?", facts["endpoint"])
        assert "@" in facts["root_email"] and len(facts["root_password"]) >= 12
        assert re.fullmatch(r"AKIA[A-Z2-7]{16}", facts["access_key_id"])
        assert whoami(server) == "user/admin"
        attached = server.iam().list_attached_user_policies(UserName="admin")["AttachedPolicies"]
        assert [policy["PolicyName"] for policy in attached] == ["AdministratorAccess"]
        assert len(server.iam().list_users()["Users"]) == 1


def test_two_first_starts_have_nothing_in_common():
    with Server() as one, Server() as other:
        for member in ("account_id", "endpoint", "root_password", "access_key_id"):
            assert one.facts[member] != other.facts[member], member
        assert one.facts["secret_access_key"] != other.facts["secret_access_key"]
        assert_error(post(one, identity_body(), keys=other.admin), "InvalidClientTokenId", 403)


class Printed:
    """A start without `--json`, as a person sees it."""

    def __init__(self, *arguments):
        command = [program(), "dev", "--listen", "127.0.0.1:0", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            bufsize=0,
        )

    def text(self):
        """Everything that it printed until it was told to end."""
        self._wait_for_port()
        self.process.terminate()
        stdout, stderr = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == 0, stderr
        return self.start + stdout.decode(), stderr.decode()

    def _wait_for_port(self):
        self.start = ""
        while not re.search(r"http://127\.0\.0\.1:\d+", self.start):
            line = self.process.stdout.readline().decode()
            assert line, "it ended without an address"
            self.start += line


def test_the_first_start_prints_what_a_person_needs(data):
    stdout, _ = Printed("--data", data).text()
    for line in (
        r"export AWS_ENDPOINT_URL='?http://127\.0\.0\.1:\d+/?'?",
        r"export AWS_ACCESS_KEY_ID='?AKIA[A-Z2-7]{16}'?",
        r"export AWS_SECRET_ACCESS_KEY='?[A-Za-z0-9+/]{40}'?",
        r"export AWS_REGION=\S+",
        r"export AWS_DEFAULT_REGION=\S+",
    ):
        assert re.search(rf"^\s*{line}$", stdout, re.M), (line, stdout)
    assert re.search(r"\b\d{12}\b", stdout) and "@" in stdout
    assert "endpoint_url" in stdout, "a snippet for the AWS configuration file"
    assert "\x1b[" not in stdout, "no colours where nobody looks"
    assert max(len(line) for line in stdout.splitlines()) <= 120


def test_the_printed_export_lines_work_as_they_are(data):
    server = Printed("--data", data)
    try:
        lines = ""
        while "AWS_DEFAULT_REGION" not in lines:
            line = server.process.stdout.readline().decode()
            assert line, lines
            lines += line
        exports = "\n".join(re.findall(r"^\s*(export .*)$", lines, re.M))
        aws = Path(sys.executable).with_name("aws")
        script = f"{exports}\nexec '{aws}' sts get-caller-identity --output json"
        done = subprocess.run(
            ["bash", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["Arn"].endswith(":user/admin")
    finally:
        server.process.terminate()
        server.process.communicate(timeout=PATIENCE_SECONDS)


def test_the_second_start_prints_no_secret(data):
    with Server(data=data) as first:
        secret, password = first.facts["secret_access_key"], first.facts["root_password"]
        account = first.account
    stdout, stderr = Printed("--data", data).text()
    assert account in stdout
    for hidden in (secret, password):
        assert hidden not in stdout and hidden not in stderr
    with Server(data=data, admin=first.admin) as again:
        text = json.dumps(again.facts)
        assert again.account == account
        assert secret not in text and password not in text
        assert whoami(again) == "user/admin"


def test_secrets_are_not_in_logs(tmp_path, data):
    logs = tmp_path / "log"
    environment = {"IAMD_LOG": "trace", "RUST_LOG": "trace"}
    with Server(data=data, logs=logs, environment=environment) as server:
        _, keys = create_user(server)
        token = Keys.of(server.sts(keys).get_session_token())
        whoami(server, token)
        wrong = Keys(keys.access_key_id, "w" * 40)
        assert_error(post(server, identity_body(), keys=wrong), "SignatureDoesNotMatch")
        secrets = [
            server.facts["root_password"], server.facts["secret_access_key"],
            keys.secret_access_key, token.secret_access_key, token.session_token,
        ]
    text = server.log_text()
    for secret in secrets:
        assert secret not in text
    assert "panicked" not in text


def test_secrets_are_not_in_the_database_as_they_are(data):
    with Server(data=data) as server:
        _, keys = create_user(server)
    content = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    for secret in (keys.secret_access_key, server.facts["root_password"]):
        assert secret.encode() not in content


def test_predictable_credentials_belong_to_root_unless_told_otherwise():
    with Server(*predictable("--account-id", "123456789012")) as server:
        assert server.account == "123456789012"
        assert (server.admin.access_key_id, server.admin.secret_access_key) == PREDICTABLE
        assert whoami(server) == "root"
        assert server.iam().list_users()["Users"] == []
    with Server(*predictable("--key-owner", "root")) as server:
        assert whoami(server) == "root"


def test_predictable_credentials_may_belong_to_a_user():
    with Server(*predictable("--key-owner", "tester")) as server:
        assert whoami(server) == "user/tester"
        users = [user["UserName"] for user in server.iam().list_users()["Users"]]
        assert users == ["tester"]
        attached = server.iam().list_attached_user_policies(UserName="tester")
        names = [policy["PolicyName"] for policy in attached["AttachedPolicies"]]
        assert names == ["AdministratorAccess"]


def test_a_folder_is_reopened_with_its_contents(data):
    with Server(*predictable(), data=data) as server:
        name = unique("user")
        user = server.iam().create_user(UserName=name)["User"]
        account = server.account
    with Server(*predictable(), data=data) as server:
        assert server.account == account
        assert server.iam().get_user(UserName=name)["User"] == user


def assert_start_refused(*arguments, says=()):
    """The start must fail with a message for people: no success, no panic, no secret."""
    done = run("dev", "--listen", "127.0.0.1:0", "--json", *arguments)
    assert done.returncode not in (0, 101) and done.returncode > 0, done
    assert done.stdout == ""
    assert "panicked" not in done.stderr and "RUST_BACKTRACE" not in done.stderr
    assert 0 < len(done.stderr.strip().splitlines()) <= 12, done.stderr
    for word in says:
        assert re.search(word, done.stderr, re.I), (word, done.stderr)
    return done


def test_other_credentials_for_an_existing_folder_are_refused(data):
    with Server(*predictable(), data=data):
        pass
    before = database_bytes(data)
    other = "o" * 40
    done = assert_start_refused(
        "--data", data, "--access-key-id", PREDICTABLE[0], "--secret-access-key", other,
        says=["differ|other|does not match|another"],
    )
    assert other not in done.stderr and PREDICTABLE[1] not in done.stderr
    assert_start_refused(
        "--data", data, "--access-key-id", "AKIAOTHEROTHEROTHER0",
        "--secret-access-key", PREDICTABLE[1],
    )
    assert_start_refused("--data", data, "--account-id", "999999999999", says=["account"])
    assert database_bytes(data) == before
    with Server(*predictable(), data=data) as server:
        assert whoami(server) == "root"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--account-id", "12345"),
        ("--account-id", "abcdefghijkl"),
        ("--access-key-id", "AKIAPREDICTABLEKEY00"),
        ("--secret-access-key", "s" * 40),
        ("--access-key-id", "short", "--secret-access-key", "s" * 40),
        ("--key-owner", "bad name", *predictable()),
        ("--no-such-option",),
    ],
)
def test_wrong_use_is_refused_with_a_message(arguments):
    assert_start_refused("--ephemeral", *arguments)


def test_dev_listens_on_loopback_only():
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0", "nonsense"):
        done = run("dev", "--listen", address, "--ephemeral", "--json")
        assert done.returncode > 0 and done.stdout == "", address
        assert "panicked" not in done.stderr


def test_a_port_in_use_is_refused_with_a_message():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:{}".format(taken.getsockname()[1])
        done = run("dev", "--listen", address, "--ephemeral", "--json")
    assert done.returncode > 0 and "panicked" not in done.stderr
    assert address in done.stderr


def test_a_folder_in_use_is_refused(data):
    with Server(data=data) as server:
        assert_start_refused("--data", data, says=["in use", str(server.process.pid)])
        assert whoami(server) == "user/admin"


def test_a_folder_of_something_else_is_refused(data):
    data.mkdir()
    (data / DATABASE).write_text("this is a shopping list, not a database\n" * 100)
    assert_start_refused("--data", data, says=[DATABASE])
    assert (data / DATABASE).read_text().startswith("this is a shopping list")
    other = data.parent / "file"
    other.write_text("a file where a folder should be")
    assert_start_refused("--data", other)


def test_a_foreign_sqlite_database_is_refused_and_left_alone(data):
    data.mkdir()
    connection = sqlite3.connect(data / DATABASE)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.execute("INSERT INTO recipes VALUES ('soup')")
    connection.commit()
    connection.close()
    assert_start_refused("--data", data)
    connection = sqlite3.connect(data / DATABASE)
    assert connection.execute("SELECT name FROM recipes").fetchall() == [("soup",)]
    connection.close()


def filled(data):
    """A folder with something in it, closed in good order."""
    with Server(data=data) as server:
        for _ in range(20):
            server.iam().create_user(UserName=unique("user"))
    return server.admin


def database_bytes(data):
    return (data / DATABASE).read_bytes()


def test_a_damaged_database_is_noticed_and_not_served(data, tmp_path):
    admin = filled(data)
    whole = database_bytes(data)
    with Server(data=data, admin=admin) as server:
        users = server.iam().list_users()["Users"]
    refusals = 0
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        copy = tmp_path / f"copy{place}"
        shutil.copytree(data, copy)
        damaged = bytearray(whole)
        for offset in range(place, min(place + 200, len(whole))):
            damaged[offset] ^= 0xFF
        (copy / DATABASE).write_bytes(damaged)
        try:
            server = Server(data=copy, admin=admin)
        except AssertionError:
            assert_start_refused("--data", copy)
            refusals += 1
        else:
            # It was the empty part of a page: everything must be as it was.
            with server:
                assert server.iam().list_users()["Users"] == users
                assert whoami(server) == "user/admin"
        shutil.rmtree(copy)
    assert refusals >= 3
    truncated = tmp_path / "truncated"
    shutil.copytree(data, truncated)
    (truncated / DATABASE).write_bytes(whole[: len(whole) // 2])
    assert_start_refused("--data", truncated, says=["damaged|restore"])
    with Server(data=data, admin=admin) as server:
        assert len(server.iam().list_users()["Users"]) == 21


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE rows SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'00' AS BLOB) "
        "WHERE id = ?",
        "UPDATE rows SET id = id || 'X' WHERE id = ?",
        "UPDATE rows SET kind = kind + 1 WHERE id = ?",
        "DELETE FROM rows WHERE id = ?",
        "INSERT INTO rows SELECT account, kind, id || 'X', checksum, bytes FROM rows WHERE id = ?",
        "UPDATE rows SET bytes = (SELECT bytes FROM rows AS other WHERE other.kind = rows.kind "
        "AND other.id != rows.id LIMIT 1) WHERE id = ?",
    ],
    ids=["altered", "renamed", "turned", "deleted", "doubled", "swapped"],
)
def test_a_row_that_was_changed_behind_our_back_is_noticed(data, change):
    """Who can write to the database still cannot grant, or take, anything."""
    admin = filled(data)
    with Server(data=data, admin=admin) as server:
        user = server.iam().list_users()["Users"][-1]["UserId"]
    connection = sqlite3.connect(data / DATABASE)
    place = connection.execute("SELECT id FROM rows WHERE id LIKE ?", (f"%{user}%",)).fetchone()
    assert place, "the row of a user is known by his id"
    assert connection.execute(change, place).rowcount == 1
    connection.commit()
    connection.close()
    assert_start_refused("--data", data, says=["damaged"])


def test_a_newer_layout_is_refused_and_left_alone(data):
    filled(data)
    connection = sqlite3.connect(data / DATABASE)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    assert version > 0
    connection.execute(f"PRAGMA user_version = {version + 1}")
    connection.commit()
    connection.close()
    assert_start_refused("--data", data, says=["newer"])
    connection = sqlite3.connect(data / DATABASE)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == version + 1
    connection.close()


def test_a_missing_or_wrong_master_key_is_refused_and_never_replaced(data, tmp_path):
    admin = filled(data)
    key = (data / MASTER_KEY).read_bytes()
    (data / MASTER_KEY).unlink()
    assert_start_refused("--data", data, says=["master key", "missing"])
    assert not (data / MASTER_KEY).exists()
    with Server(data=tmp_path / "other"):
        pass
    shutil.copy(tmp_path / "other" / MASTER_KEY, data / MASTER_KEY)
    assert_start_refused("--data", data, says=["key"])
    for wrong in (b"", b"nonsense\n", key[:-10], key + b"more\n"):
        (data / MASTER_KEY).write_bytes(wrong)
        done = assert_start_refused("--data", data, says=["key"])
        assert key.decode().split()[-1] not in done.stderr
    (data / MASTER_KEY).write_bytes(key)
    with Server(data=data, admin=admin) as server:
        assert whoami(server) == "user/admin"


def test_the_folder_is_nobody_elses_business(data):
    filled(data)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for path in data.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


def test_a_key_that_others_can_read_is_refused(data):
    admin = filled(data)
    (data / MASTER_KEY).chmod(0o644)
    assert_start_refused("--data", data, says=["key"])
    (data / MASTER_KEY).chmod(0o600)
    with Server(data=data, admin=admin) as server:
        assert whoami(server) == "user/admin"


def test_it_may_be_told_to_stop_as_soon_as_it_has_spoken(tmp_path):
    for number in range(5):
        server = Server(data=tmp_path / f"data{number}")
        server.stop()


def test_a_data_folder_may_have_a_long_path(tmp_path):
    """Longer than the system allows for the name of a socket."""
    data = tmp_path / ("long" * 20) / ("path" * 20) / "data"
    with Server(data=data) as server:
        assert whoami(server) == "user/admin"
        create_account(data, "second@example.com")


def test_an_ephemeral_server_leaves_nothing_behind(tmp_path):
    before = set(os.listdir("."))
    with Server(environment={"HOME": str(tmp_path)}) as server:
        create_user(server)
    assert set(os.listdir(".")) == before and os.listdir(tmp_path) == []


def test_reset_puts_everything_back_to_the_start():
    with Server() as server:
        _, keys = create_user(server)
        server.iam().create_group(GroupName="group")
        assert http(server, "POST", "/_dev/reset").status == 200
        assert whoami(server) == "user/admin"
        assert [user["UserName"] for user in server.iam().list_users()["Users"]] == ["admin"]
        assert server.iam().list_groups()["Groups"] == []
        assert_error(post(server, identity_body(), keys=keys), "InvalidClientTokenId", 403)
        server.iam().create_group(GroupName="group")


def test_reset_is_as_lasting_as_any_other_write(data):
    with Server(data=data) as server:
        create_user(server)
        assert http(server, "POST", "/_dev/reset").status == 200
        server.iam().create_group(GroupName="after")
        server.kill()
    with Server(data=data, admin=server.admin) as again:
        assert [user["UserName"] for user in again.iam().list_users()["Users"]] == ["admin"]
        assert [group["GroupName"] for group in again.iam().list_groups()["Groups"]] == ["after"]


def test_the_clock_moves_on_request():
    with Server() as server:
        now = datetime.now(timezone.utc)
        created = server.iam().create_user(UserName="before")["User"]["CreateDate"]
        assert abs(created - now) < timedelta(seconds=5)
        advance_clock(server, 600)
        created = server.iam().create_user(UserName="after")["User"]["CreateDate"]
        assert abs(created - now - timedelta(seconds=600)) < timedelta(seconds=5)
        # Past a quarter of an hour, what is signed with the real time is too old.
        advance_clock(server, 600)
        assert_error(post(server, identity_body()), "SignatureDoesNotMatch", 403)
        assert post(server, identity_body(), age_seconds=-1200).status == 200


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"advance_seconds":"x"}', '{"advance_seconds":1e99}'])
def test_the_clock_takes_nothing_but_seconds(server, body):
    answer = http(server, "POST", "/_dev/clock", body)
    assert 400 <= answer.status < 500
    assert post(server, identity_body()).status == 200


@pytest.mark.parametrize("path", ["/_dev/reset", "/_dev/clock"])
def test_web_pages_of_others_cannot_reach_the_doors_of_dev(path):
    body = json.dumps({"advance_seconds": 3600})
    with Server() as server:
        create_user(server)
        port = server.host_and_port[1]
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": f"http://127.0.0.1:{port}"},
            {"Origin": "null"},
            {"Host": "evil.example"},
            {"Host": f"evil.example:{port}"},
            {"Host": "127.0.0.1.evil.example"},
        ):
            answer = http(server, "POST", path, body, headers)
            assert answer.status == 403, (headers, answer.status)
        assert http(server, "GET", path).status in (403, 404, 405)
        # Nothing has moved, nothing has gone.
        assert post(server, identity_body()).status == 200
        assert len(server.iam().list_users()["Users"]) == 2
        for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
            assert http(server, "POST", path, body, {"Host": host}).status == 200, host


def test_health_is_told_to_anybody():
    with Server() as server:
        for path in ("/livez", "/readyz"):
            answer = http(server, "GET", path)
            assert answer.status == 200, path
            assert b"<html" not in answer.body.lower()


def test_help_and_version():
    done = run("--version")
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout)
    for arguments in (("--help",), ("dev", "--help")):
        done = run(*arguments)
        assert done.returncode == 0 and "Usage" in done.stdout
    for option in ("--listen", "--data", "--ephemeral", "--account-id", "--key-owner", "--json"):
        assert option in run("dev", "--help").stdout
    assert run("no-such-command").returncode == 2


def test_it_ends_at_once_although_clients_keep_connections_open():
    with Server() as server:
        idle = [socket.create_connection(server.host_and_port) for _ in range(5)]
        used = [Connection(server) for _ in range(5)]
        for connection in used:
            assert_identity(connection.post(server, identity_body()))
        start = time.monotonic()
        server.stop()
        assert time.monotonic() - start < 2
        for connection in idle:
            connection.close()


def test_refusals_of_users_do_not_look_like_failures_in_the_log(tmp_path):
    logs = tmp_path / "log"
    with Server(logs=logs) as server:
        with refused("NoSuchEntity"):
            server.iam().get_user(UserName="nobody")
    assert "ERROR" not in server.log_text() and "panicked" not in server.log_text()
