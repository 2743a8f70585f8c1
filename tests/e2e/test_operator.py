"""Operators' work on accounts and credentials: beside a running server, at rest, and from afar."""

import datetime
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from iamd import (
    Keys, Server, advance_clock, create_account, create_user, allow, denied, eventually, http,
    program, refused, run, trust,
)
from production import Serve, made

DEAD = "The security token included in the request is invalid."


@pytest.fixture
def data(tmp_path):
    """A data folder that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def running(data):
    """A server on that folder."""
    with Server(data=data) as server:
        yield server


def command(*arguments, environment=None, stdin=None):
    """A command that must go well; gives what it says in JSON."""
    words = [program(), *[str(argument) for argument in arguments], "-o", "json"]
    done = subprocess.run(
        words, input=stdin or "", capture_output=True, text=True, timeout=30,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def complaint(*arguments, environment=None):
    """What a command that must fail says."""
    done = run(*arguments, environment=environment)
    assert done.returncode in (1, 2) and done.stdout == "", done
    assert "panicked" not in done.stderr
    return done.stderr


def dead():
    """The block must be refused as with a key that does not exist."""
    return refused("InvalidClientTokenId", DEAD, 403)


def role_of(server, name="app"):
    """A role of the server's account that the account trusts, and its ARN."""
    arn = f"arn:aws:iam::{server.account}:role/{name}"
    server.iam().create_role(
        RoleName=name, AssumeRolePolicyDocument=trust({"AWS": server.account})
    )
    return arn


def session_of(server, arn, keys=None):
    answer = server.sts(keys).assume_role(RoleArn=arn, RoleSessionName="one")
    return Keys.of(answer)


def works(server, keys):
    return server.sts(keys).get_caller_identity()["Arn"]


# Accounts


def test_a_closed_account_is_refused_at_once_and_can_be_reopened(running, data):
    server = running
    session = session_of(server, role_of(server))
    own = Keys.of(server.sts().get_session_token())
    server.iam().create_account_alias(AccountAlias="taken")
    other = create_account(data, "second@example.com")
    other_keys = Keys.of_facts(other)
    works(server, session), works(server, own), works(server, other_keys)

    assert "--yes" in complaint("account", "close", server.account, "--data", data)
    works(server, session)
    facts = command("account", "close", server.account, "--yes", "--data", data)
    assert facts["state"] == "SUSPENDED" and facts["reopen_until"]
    for keys in (server.admin, session, own):
        with dead():
            works(server, keys)
    works(server, other_keys)
    with refused("EntityAlreadyExists"):
        server.iam(other_keys).create_account_alias(AccountAlias="taken")
    taken = complaint("account", "create", "--root-email", "root@example.com", "--data", data)
    assert "belongs to another account" in taken
    states = {line["account_id"]: line["state"] for line in command("account", "list", "--data", data)}
    assert states == {server.account: "SUSPENDED", other["account_id"]: "ACTIVE"}
    assert "closed already" in complaint(
        "account", "close", server.account, "--yes", "--data", data
    )

    command("account", "reopen", server.account, "--data", data)
    works(server, server.admin)
    for keys in (session, own):
        with dead():
            works(server, keys)
    assert "is not closed" in complaint("account", "reopen", server.account, "--data", data)


def test_after_90_days_a_closed_account_stays_closed(running, data):
    command("account", "close", running.account, "--yes", "--data", data)
    advance_clock(running, 90 * 86_400 + 60)
    assert "stays closed" in complaint("account", "reopen", running.account, "--data", data)
    assert command("account", "list", "--data", data)[0]["state"] == "CLOSED"


def test_roles_of_a_closed_account_trust_nobody(running, data):
    other = create_account(data, "second@example.com")
    keys, other_id = Keys.of_facts(other), other["account_id"]
    running.iam(keys).create_role(
        RoleName="guest", AssumeRolePolicyDocument=trust({"AWS": running.account})
    )
    arn = f"arn:aws:iam::{other_id}:role/guest"
    session = session_of(running, arn)
    command("account", "close", other_id, "--yes", "--data", data)
    with denied():
        session_of(running, arn)
    with dead():
        works(running, session)


def test_an_account_is_closed_on_a_folder_at_rest(data):
    with Server(data=data) as server:
        pass
    command("account", "close", server.account, "--yes", "--data", data)
    with Server(data=data, admin=server.admin) as again:
        with dead():
            works(again, again.admin)


def test_a_root_password_is_reset_and_ends_roots_sessions(data):
    root = ("--access-key-id", "AKIAROOTKEYOFTESTS00", "--secret-access-key", "s" * 40)
    with Server(*root, data=data, admin=Keys("AKIAROOTKEYOFTESTS00", "s" * 40)) as server:
        session = Keys.of(server.sts().get_session_token())
        works(server, session)
        facts = command("account", "reset-root-password", server.account, "--data", data)
        assert len(facts["root_password"]) == 24
        assert facts["root_access_keys"] == ["AKIAROOTKEYOFTESTS00"]
        with dead():
            works(server, session)
        works(server, Keys.of(server.sts().get_session_token()))
        given = command(
            "account", "reset-root-password", server.account, "--root-password-file", "-",
            "--data", data, stdin="a password of my own\n",
        )
        assert given["root_password"] is None
        content = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
        assert facts["root_password"].encode() not in content
        assert b"a password of my own" not in content
    empty = subprocess.run(
        [program(), "account", "reset-root-password", server.account, "--root-password-file", "-",
         "--data", str(data)],
        input="\n", capture_output=True, text=True, timeout=30,
    )
    assert empty.returncode == 1 and "1 to 128 characters" in empty.stderr


def test_who_has_no_mfa_device_is_told_so(running, data):
    facts = command("account", "recover-mfa", running.account, "--yes", "--data", data)
    assert facts == {"account_id": running.account, "owner": "root", "removed": []}
    of_user = ("account", "recover-mfa", running.account, "--yes", "--data", data, "--user")
    assert command(*of_user, "admin")["removed"] == []
    assert "has no user eve" in complaint(*of_user, "eve")


# Revocation


def test_sessions_of_a_principal_end_and_new_ones_begin(running, data):
    server = running
    app, other = role_of(server), role_of(server, "other")
    old, kept = session_of(server, app), session_of(server, other)
    own = Keys.of(server.sts().get_session_token())
    facts = command("revoke", "--principal", app, "--yes", "--data", data)
    assert facts["stored"] and facts["journalled"] and facts["problem"] is None
    assert facts["sessions_ended"] is None, "nobody can know"
    with dead():
        works(server, old)
    works(server, kept), works(server, own)
    works(server, session_of(server, app))
    admin = f"arn:aws:iam::{server.account}:user/admin"
    command("revoke", "--principal", admin, "--yes", "--data", data)
    with dead():
        works(server, own)
    works(server, server.admin), works(server, kept)


def test_one_session_ends_by_its_id_or_its_token(running, data):
    server = running
    arn = role_of(server)
    by_id, by_token, kept = (session_of(server, arn) for _ in range(3))
    command("revoke", "--session", by_id.access_key_id, "--yes", "--data", data)
    command("revoke", "--token", "-", "--yes", "--data", data, stdin=by_token.session_token + "\n")
    for keys in (by_id, by_token):
        with dead():
            works(server, keys)
    works(server, kept)
    assert command("status", "--data", data)["counts"]["revoked_sessions"] == 2


def test_keys_and_everything_of_an_account(running, data):
    server = running
    _, keys = create_user(server, statements=[allow("*")])
    facts = command("revoke", "--access-key", keys.access_key_id, "--yes", "--data", data)
    assert facts["access_keys"] == [keys.access_key_id]
    with dead():
        works(server, keys)
    iam = server.iam()
    iam.create_user(UserName="git")
    service = "codecommit.amazonaws.com"
    made = [
        iam.create_service_specific_credential(UserName="git", ServiceName=service)
        for _ in range(2)
    ]
    ids = [it["ServiceSpecificCredential"]["ServiceSpecificCredentialId"] for it in made]
    facts = command("revoke", "--service-credential", ids[0], "--yes", "--data", data)
    assert (facts["service_credentials"], facts["access_keys"]) == (ids[:1], [])
    listed = iam.list_service_specific_credentials(UserName="git")["ServiceSpecificCredentials"]
    statuses = {it["ServiceSpecificCredentialId"]: it["Status"] for it in listed}
    assert statuses == {ids[0]: "Inactive", ids[1]: "Active"}
    session = session_of(server, role_of(server))
    command("revoke", "--account", server.account, "--yes", "--data", data)
    with dead():
        works(server, session)
    works(server, server.admin)
    everything = ("revoke", "--account", server.account, "--with-access-keys", "--yes")
    facts = command(*everything, "--data", data)
    assert server.admin.access_key_id in facts["access_keys"]
    assert set(facts["service_credentials"]) == set(ids)
    with dead():
        works(server, server.admin)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--principal", "arn:aws:iam::111122223333:user/eve"), "no account 111122223333"),
        (("--principal", "eve"), "is not the ARN"),
        (("--principal", "arn:aws:sts::111122223333:assumed-role/app/one"), "revoke the role"),
        (("--access-key", "AKIAQAAAAAAAAAAAAAAA"), "no access key"),
        (("--service-credential", "ACCAQAAAAAAAAAAAAAAAA"), "no service-specific credential"),
        (("--session", "AKIAQAAAAAAAAAAAAAAA"), "begin with ASIA"),
        (("--account", "12"), "12 digits"),
        ((), "required"),
        (("--account", "1", "--principal", "x"), "cannot be used with"),
    ],
)
def test_what_names_nothing_is_refused(running, data, arguments, says):
    assert says in complaint("revoke", *arguments, "--yes", "--data", data)


def test_with_the_store_away_a_revocation_is_in_force_and_survives_a_crash(data):
    server = Server(data=data)
    try:
        arn = role_of(server)
        old, late = session_of(server, arn), session_of(server, arn)
        # Another process holds the database: no write gets through.
        other = sqlite3.connect(data / "store.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        facts = command("revoke", "--session", old.access_key_id, "--yes", "--data", data)
        assert not facts["stored"] and facts["journalled"] and "locked" in facts["problem"]
        with dead():
            works(server, old)
        works(server, late)
        status = command("status", "--data", data)
        assert status["revocations_waiting"] == 1
        server.kill()
        other.execute("ROLLBACK")
        other.close()
        with Server(data=data, admin=server.admin) as again:
            with dead():
                works(again, old)
            works(again, late)

            def stored():
                return command("status", "--data", data)["revocations_waiting"] == 0

            assert eventually(stored, seconds=10)
        journal = (data / "revocations.journal").read_bytes()
        assert journal.strip(b"\0") == b""
    finally:
        if server.process.poll() is None:
            server.kill()


def test_a_journal_that_somebody_altered_is_refused(data):
    with Server(data=data) as server:
        pass
    journal = data / "revocations.journal"
    assert journal.stat().st_mode & 0o777 == 0o600
    content = journal.read_bytes()
    journal.write_bytes(b"AAAA\n" + content[5:])
    done = run("dev", "--listen", "127.0.0.1:0", "--json", "--data", data)
    assert done.returncode == 1 and "line 1 of" in done.stderr and "was altered" in done.stderr
    journal.unlink()
    with Server(data=data, admin=server.admin) as again:
        works(again, again.admin)


# Operators on other machines


def credential(data, name="ana"):
    """A new operator's credential: facts and environment."""
    facts = command("operator", "create", name, "--data", data)
    return facts, {
        "IAMD_OPERATOR_ACCESS_KEY_ID": facts["access_key_id"],
        "IAMD_OPERATOR_SECRET_ACCESS_KEY": facts["secret_access_key"],
    }


def sent(server, facts, body=b'{"command":"list-accounts"}', service="iamd-operator", age=0,
         headers=None, alter=None):
    """One request to the operators' door, signed as botocore does; gives its status and answer."""
    keys = Credentials(facts["access_key_id"], facts["secret_access_key"])
    host = "{}:{}".format(*server.host_and_port)
    request = AWSRequest("POST", f"http://{host}/_operator", data=body, headers={"Host": host})
    signer = SigV4Auth(keys, service, "us-east-1")
    time = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age)
    request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ")
    signed = signer
    if age:
        # The signer takes the present time by itself.
        import botocore.auth

        kept = botocore.auth.get_current_datetime
        botocore.auth.get_current_datetime = lambda *_, **__: time.replace(tzinfo=None)
        try:
            signed.add_auth(request)
        finally:
            botocore.auth.get_current_datetime = kept
    else:
        signed.add_auth(request)
    send = {**dict(request.headers.items()), **(headers or {})}
    answer = http(server, "POST", "/_operator", alter or body, send)
    return answer.status, json.loads(answer.body)


def test_an_operator_works_from_another_machine_over_tls(data):
    facts = made(data)
    with Serve(data, admin=Keys.of_facts(facts)) as server:
        _, environment = credential(data)
        environment |= {"IAMD_ENDPOINT": server.endpoint, "IAMD_CA_BUNDLE": server.authority}
        lines = command("account", "list", environment=environment)
        assert [line["account_id"] for line in lines] == [facts["account_id"]]
        assert command("status", environment=environment)["uptime_seconds"] is not None
        made_there = command(
            "account", "create", "--root-email", "new@example.com", environment=environment
        )
        works(server, Keys.of_facts(made_there))
        command("account", "close", made_there["account_id"], "--yes", environment=environment)
        with dead():
            works(server, Keys.of_facts(made_there))
        # Credentials are made and deleted on the machine itself only.
        for words in (("create", "ben"), ("delete", "ana")):
            said = complaint("operator", *words, environment=environment)
            assert "operator ana is not authorized to perform iamd:" in said
        # A certificate that nobody vouches for is not trusted.
        untrusted = {**environment, "IAMD_CA_BUNDLE": ""}
        del untrusted["IAMD_CA_BUNDLE"]
        assert "cannot be asked" in complaint("account", "list", environment=untrusted)
        command("operator", "delete", "ana", "--data", data)
        said = complaint("account", "list", environment=environment)
        assert "InvalidClientTokenId" in said


def test_the_nearest_requests_are_refused(running, data):
    facts, _ = credential(data)
    assert sent(running, facts)[0] == 200
    account = {
        "access_key_id": running.admin.access_key_id,
        "secret_access_key": running.admin.secret_access_key,
    }
    assert http(running, "POST", "/_operator", b"{}").status == 403
    assert http(running, "GET", "/_operator").status == 405
    for status, answer in (
        sent(running, account),
        sent(running, {**facts, "secret_access_key": "s" * 40}),
        sent(running, facts, service="iam"),
        sent(running, account, service="iam"),
        sent(running, facts, age=20 * 60),
        sent(running, facts, alter=b'{"command":"list-operators"}'),
    ):
        assert status == 403 and "error" in answer, (status, answer)
    assert sent(running, facts, body=b"{}")[0] == 400
    assert sent(running, facts, body=b'{"command":"no-such"}')[0] == 400
    assert sent(running, facts, body=b'{"command":"create-operator","name":"ben"}')[0] == 403
    assert sent(running, facts, body=b" " * (129 * 1024))[0] == 413
    # An operator has no key to the API.
    with dead():
        works(running, Keys(facts["access_key_id"], facts["secret_access_key"]))
    command("operator", "delete", "ana", "--data", data)
    assert sent(running, facts)[0] == 403


def test_too_many_requests_of_one_operator_wait(running, data):
    facts, _ = credential(data)
    statuses = [sent(running, facts)[0] for _ in range(90)]
    assert statuses[0] == 200 and 429 in statuses
    other, _ = credential(data, "ben")
    assert sent(running, other)[0] == 200


def test_nobody_is_served_in_the_clear_from_afar(data):
    made(data)
    proxied = ("--set", "tls.enabled=false", "--set", "server.proxies=127.0.0.0/8")
    with Serve(data, *proxied) as server:
        facts, _ = credential(data)
        assert sent(server, facts)[0] == 200, "on the machine itself"
        far = {"X-Forwarded-For": "203.0.113.9"}
        for scheme, expected in (("http", 403), ("https", 200)):
            assert sent(server, facts, headers={**far, "X-Forwarded-Proto": scheme})[0] == expected
    _, environment = facts, {
        "IAMD_OPERATOR_ACCESS_KEY_ID": facts["access_key_id"],
        "IAMD_OPERATOR_SECRET_ACCESS_KEY": facts["secret_access_key"],
    }
    said = complaint("account", "list", "--endpoint", "http://203.0.113.9", environment=environment)
    assert "use https://" in said
    assert "IAMD_OPERATOR_ACCESS_KEY_ID" in complaint(
        "account", "list", "--endpoint", "https://203.0.113.9"
    )


def test_a_credential_is_told_once_and_is_sealed(running, data):
    facts, _ = credential(data)
    assert [line["name"] for line in command("operator", "list", "--data", data)] == ["ana"]
    assert "already exists" in complaint("operator", "create", "ANA", "--data", data)
    assert "is not the name" in complaint("operator", "create", "a b", "--data", data)
    for output in ("json", "table"):
        done = run("operator", "list", "--data", data, "-o", output)
        assert facts["access_key_id"] in done.stdout
        assert facts["secret_access_key"] not in done.stdout
    content = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert facts["secret_access_key"].encode() not in content


# Status and doctor


def test_status_of_a_running_server_and_of_a_folder_at_rest(data):
    with Server(data=data) as server:
        running = command("status", "--data", data)
        assert running["uptime_seconds"] is not None and running["store"]["problem"] is None
        assert (running["counts"]["accounts"], running["counts"]["users"]) == (1, 1)
        before = running["store"]["revisions"]
        create_user(server)
        after = command("status", "--data", data)
        assert after["store"]["revisions"] > before and after["counts"]["users"] == 2
        assert after["counts"]["rows"] == running["counts"]["rows"] + 2
        table = run("status", "--data", data, "-o", "table").stdout
        assert "Rows, all sealed" in table
    resting = command("status", "--data", data)
    assert resting["uptime_seconds"] is None and resting["counts"] == after["counts"]


def doctor(*arguments, code=0):
    done = run("doctor", *arguments, "-o", "json")
    assert done.returncode == code, (done.stdout, done.stderr)
    findings = json.loads(done.stdout)
    assert all(one["what"] and one["why"] and one["todo"] for one in findings)
    # A machine whose own disk is nearly full is told so; on any other it would be a false alarm.
    disk = shutil.disk_usage(tempfile.gettempdir())
    is_nearly_full = disk.free < 2**30 or (disk.free < 2**34 and disk.free < disk.total // 10)
    ours = (one for one in findings if not (is_nearly_full and one["check"] == "disk"))
    return {(one["severity"], one["check"]): one for one in ours}


def test_a_doctor_finds_what_is_wrong_and_says_what_to_do(data):
    made(data)
    quiet = {("warning", "master key"), ("info", "root")}
    assert set(doctor("--data", data)) == quiet, "at rest"
    with Serve(data):
        assert set(doctor("--data", data)) == quiet
    (data / "tls" / "ca.key").chmod(0o644)
    found = doctor("--data", data, code=1)
    assert set(found) - quiet == {("error", "modes")}
    assert found["error", "modes"]["todo"] == f"chmod 0600 {data}/tls/ca.key"
    (data / "tls" / "ca.key").chmod(0o600)
    weak = ("--set", "rates.account_requests_per_second=0", "--set", "log.filter=debug")
    found = doctor("--data", data, *weak)
    assert set(found) - quiet == {("warning", "rates"), ("warning", "log")}
    key = data.parent / "master.key"
    (data / "master.key").rename(key)
    moved = ("--set", f"master_key=file:{key}")
    assert set(doctor("--data", data, *moved)) == {("info", "root")}
    assert ("error", "data") in doctor("--data", data, code=1)


def test_a_doctor_finds_rows_that_were_altered_while_a_node_runs(data):
    with Server(data=data):
        with sqlite3.connect(data / "store.sqlite3") as database:
            database.execute("UPDATE rows SET bytes = zeroblob(length(bytes)) WHERE kind = 2")
        database.close()
        found = doctor("--data", data, code=1)
        assert ("error", "rows") in found
        assert "restore a backup" in found["error", "rows"]["todo"]


def test_a_doctor_makes_no_folder(tmp_path):
    found = doctor("--data", tmp_path / "absent", code=1)
    assert set(found) == {("error", "data")}
    assert list(tmp_path.iterdir()) == []
