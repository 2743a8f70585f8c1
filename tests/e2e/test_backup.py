"""Backups: made while writes go on, proven, restored whole or not at all, and never from a wrong file."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
import threading

import pytest
from iamd import Keys, allow, create_account, document, program, refused, run, trust
from production import Serve, init, made, refused_start

CHUNK = 64 * 1024
TAG = 16
NO_RATES = [
    word
    for rate in ("principal_requests", "principal_writes", "account_requests", "account_writes")
    for word in ("--set", f"rates.{rate}_per_second=0")
]


class Made:
    """A served folder with content, its backup, and what the API said when it was made."""

    def __init__(self, folder):
        self.data = folder / "data"
        self.key = self.data / "master.key"
        self.admin = Keys.of_facts(made(self.data))
        self.file = folder / "backup"
        with Serve(self.data, *NO_RATES, admin=self.admin) as server:
            fill(server)
            second = create_account(self.data, "second@example.com")
            self.second = Keys.of_facts(second)
            self.session = session(server)
            server.iam(self.session).get_user(UserName="user-0")
            self.listed = listing(server, [self.admin, self.second])
            done = backup(self.data, self.file)
            assert done.returncode == 0, done.stderr
            self.summary = json.loads(done.stdout)
        self.content = self.file.read_bytes()


def backup(data, file, *arguments):
    return run("backup", "--data", data, file, *arguments, timeout=120)


def restore(file, data, key, *arguments, stdin=None):
    where = ["--data", str(data), "--set", f"master_key=file:{key}"]
    command = [program(), "restore", *where, str(file), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120)


def verify(file, key):
    """What a backup holds; it must open."""
    done = restore(file, "/nowhere", key, "--verify")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(done):
    """The words of a command that must have been refused."""
    said = done.stderr if isinstance(done.stderr, str) else done.stderr.decode()
    assert done.returncode == 1 and not done.stdout, (done.returncode, said)
    assert said.startswith("iamd: ") and "panicked" not in said
    return said


def fill(server):
    iam = server.iam()
    iam.create_group(GroupName="people")
    for number in range(40):
        name = f"user-{number}"
        iam.create_user(UserName=name, Path="/staff/", Tags=[{"Key": "n", "Value": str(number)}])
        iam.add_user_to_group(GroupName="people", UserName=name)
        resource = f"arn:aws:s3:::b/{number:04}"
        iam.put_user_policy(
            UserName=name, PolicyName="inline", PolicyDocument=document(allow("s3:*", resource))
        )
    # More than what fits into all buffers between a node and who reads.
    for number in range(130):
        resources = [f"arn:aws:s3:::b/{number}/{'x' * 900}/{part}" for part in range(6)]
        large = document(allow("s3:*", resources))
        iam.create_policy(PolicyName=f"large-{number}", PolicyDocument=large)
    iam.delete_user_policy(UserName="user-39", PolicyName="inline")
    iam.remove_user_from_group(GroupName="people", UserName="user-39")
    iam.delete_user(UserName="user-39")
    iam.create_account_alias(AccountAlias="restored-company")


def session(server):
    """A session of the role, which is made if it is not there."""
    iam = server.iam()
    account = server.sts().get_caller_identity()["Account"]
    if not iam.list_roles()["Roles"]:
        trusted = trust({"AWS": f"arn:aws:iam::{account}:root"})
        iam.create_role(RoleName="role", AssumeRolePolicyDocument=trusted)
        iam.put_role_policy(RoleName="role", PolicyName="all", PolicyDocument=document(allow("iam:*")))
    arn = f"arn:aws:iam::{account}:role/role"
    return Keys.of(server.sts().assume_role(RoleArn=arn, RoleSessionName="before"))


def listing(server, keys):
    """All that the API tells of what these keys administer, in one text."""
    told = []
    for key in keys:
        iam = server.iam(key)
        told.append(iam.list_account_aliases()["AccountAliases"])
        for user in iam.get_paginator("list_users").paginate().build_full_result()["Users"]:
            name = user["UserName"]
            told.append([
                user,
                iam.list_user_tags(UserName=name)["Tags"],
                iam.list_groups_for_user(UserName=name)["Groups"],
                iam.list_access_keys(UserName=name)["AccessKeyMetadata"],
                [
                    iam.get_user_policy(UserName=name, PolicyName=policy)["PolicyDocument"]
                    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]
                ],
                iam.list_attached_user_policies(UserName=name)["AttachedPolicies"],
            ])
        for policy in iam.list_policies(Scope="Local", MaxItems=1000)["Policies"]:
            version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId="v1")
            told.append([policy, version["PolicyVersion"]])
        told.append(iam.list_roles()["Roles"])
        told.append(iam.list_groups()["Groups"])
        told.append(iam.get_account_summary()["SummaryMap"])
    return json.dumps(told, default=str, sort_keys=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("backup"))


def contents(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_backup_is_private_sealed_and_says_what_it_holds(world):
    assert world.file.stat().st_mode & 0o777 == 0o600
    assert contents(world.file.parent) == ["backup", "data"]
    found = verify(world.file, world.key)
    assert found["accounts"] == 2 and found["users"] == 41
    assert found["files"] == ["tls/ca.pem", "tls/ca.key", "initialized"]
    assert found["records"] > 200, "the audit trail belongs to it"
    assert found["bytes"] == len(world.content) == world.summary["bytes"]
    assert found["rows"] == world.summary["rows"]
    by_backup = json.loads(
        run("backup", "--data", world.data, "--verify", world.file).stdout
    )
    assert by_backup == found
    for secret in (b"user-0", b"PRIVATE KEY", b"second@example.com", b"restored-company"):
        assert secret not in world.content


def test_a_restored_folder_holds_the_same_and_ends_sessions(world, tmp_path):
    data = tmp_path / "restored"
    done = restore(world.file, data, world.key)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts == verify(world.file, world.key)
    assert "restoring" not in contents(data) and "master.key" not in contents(data)
    assert all(path.stat().st_mode & 0o077 == 0 for path in data.rglob("*"))
    key = ["--set", f"master_key=file:{world.key}"]
    with Serve(data, *key, admin=world.admin) as server:
        # Clients trust the same authority, long-term keys work, and everything is there.
        assert listing(server, [world.admin, world.second]) == world.listed
        with refused("InvalidClientTokenId"):
            server.iam(world.session).get_user(UserName="user-0")
        server.iam(session(server)).get_user(UserName="user-0")
        # The logs of the accounts came along, and go on.
        audit = run("audit", "verify", "--data", data, "-o", "json")
        assert audit.returncode == 0, audit.stdout + audit.stderr
        assert json.loads(audit.stdout)["stored"] >= facts["records"]
        again = tmp_path / "again"
        done = backup(data, again)
        assert done.returncode == 0, done.stderr
    # Byte for byte what it was, although sealed anew.
    first, second = verify(world.file, world.key), verify(again, world.key)
    assert second["content_sha256"] == first["content_sha256"]
    with Serve(data, *key, admin=world.admin) as server:
        server.iam().create_user(UserName="later")
        changed = tmp_path / "changed"
        assert backup(data, changed).returncode == 0
    assert verify(changed, world.key)["content_sha256"] != first["content_sha256"]


def test_a_backup_while_writes_go_on_is_of_one_moment(world, tmp_path):
    """Users are created in pairs of commits; a restored account has no second without its first."""
    data = tmp_path / "data"
    admin = Keys.of_facts(made(data))
    stop = threading.Event()
    created = []
    with Serve(data, *NO_RATES, admin=admin) as server:

        def write():
            iam = server.iam()
            while not stop.is_set():
                name = f"user-{len(created):06}"
                iam.create_user(UserName=name)
                created.append(name)

        writer = threading.Thread(target=write)
        writer.start()
        files = []
        for number in range(4):
            before = len(created)
            files.append((tmp_path / f"backup-{number}", before))
            done = backup(data, files[-1][0])
            assert done.returncode == 0, done.stderr
            while len(created) < before + 20:
                stop.wait(0.01)
        stop.set()
        writer.join()
    counts = [verify(file, data / "master.key")["users"] for file, _ in files]
    assert counts == sorted(set(counts)), "writes went on between the backups"
    restored = tmp_path / "restored"
    file, before = files[-1]
    assert restore(file, restored, data / "master.key").returncode == 0
    with Serve(restored, "--set", f"master_key=file:{data / 'master.key'}", admin=admin) as server:
        pages = server.iam().get_paginator("list_users").paginate()
        names = [user["UserName"] for page in pages for user in page["Users"]]
    names = [name for name in names if name != "admin"]
    # Every write that was answered before, and of the later ones a beginning without gaps.
    assert len(names) >= before
    assert names == created[: len(names)]


def test_a_terminal_shows_how_far_it_is(world):
    near, far = pty.openpty()
    command = [program(), "restore", "--set", f"master_key=file:{world.key}", "--verify", str(world.file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=far, timeout=60)
    os.close(far)
    shown = b""
    try:
        while part := os.read(near, 4096):
            shown += part
    except OSError:
        pass  # What a terminal says at its end.
    os.close(near)
    assert done.returncode == 0 and json.loads(done.stdout)["users"] == 41
    assert "\u2588".encode() in shown or "\u2591".encode() in shown, shown


def test_a_folder_at_rest_and_standard_streams(world, tmp_path):
    command = [program(), "backup", "--data", str(world.data), "-"]
    done = subprocess.run(command, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    data = tmp_path / "restored"
    restored = restore("-", data, world.key, stdin=done.stdout)
    assert restored.returncode == 0, restored.stderr
    same = verify(world.file, world.key)["content_sha256"]
    assert json.loads(restored.stdout)["content_sha256"] == same


def test_no_file_is_replaced_unless_it_is_said(world, tmp_path):
    file = tmp_path / "there"
    file.write_text("something of worth")
    assert "--force" in refusal(backup(world.data, file))
    assert file.read_text() == "something of worth"
    assert backup(world.data, file, "--force").returncode == 0
    assert verify(file, world.key)["users"] == 41
    assert contents(tmp_path) == ["there"]
    assert "cannot be written" in refusal(backup(world.data, tmp_path / "no" / "where"))
    said = refusal(backup(tmp_path / "nothing", tmp_path / "new"))
    assert "holds no data" in said
    assert contents(tmp_path) == ["there"]


def test_another_master_key_is_refused_with_both_fingerprints(world, tmp_path):
    other = tmp_path / "other.key"
    other.write_text("iamd-master-key-1 " + "ab" * 32 + "\n")
    other.chmod(0o600)
    data = tmp_path / "data"
    for arguments in ([], ["--verify"]):
        said = refusal(restore(world.file, data, other, *arguments))
        assert world.summary["master_key"] in said
        assert said.count("fingerprint") == 1 and "nothing was changed" in said
    assert "is missing" in refusal(restore(world.file, data, tmp_path / "none"))
    assert not data.exists()


def test_nothing_is_restored_over_anything(world, tmp_path):
    data = tmp_path / "data"
    made(data)
    before = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    said = refusal(restore(world.file, data, world.key))
    assert "holds data already" in said or "is not empty" in said
    assert {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()} == before
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    (stranger / "notes.txt").write_text("mine")
    assert "`notes.txt`" in refusal(restore(world.file, stranger, world.key))
    assert contents(stranger) == ["notes.txt"]
    # The key in its usual place is no obstacle.
    usual = tmp_path / "usual"
    usual.mkdir(mode=0o700)
    (usual / "master.key").write_bytes(world.key.read_bytes())
    (usual / "master.key").chmod(0o600)
    done = run("restore", "--data", usual, world.file)
    assert done.returncode == 0, done.stderr
    with Serve(usual, admin=world.admin) as server:
        server.iam().get_user(UserName="user-0")


def damaged(world):
    """Files that differ from the backup, and a word for each."""
    content = world.content
    head = 20 + int.from_bytes(content[16:20], "big")
    borders = list(range(head, len(content), CHUNK + TAG))
    assert len(borders) >= 8, "there are several chunks"
    borders = [*borders[:2], *borders[-2:]]
    places = [*range(0, head, 7), *borders, *(border + 70 for border in borders)]
    places += [*range(head, len(content), len(content) // 16), len(content) - 1]
    for place in places:
        yield f"bit at {place}", content[:place] + bytes([content[place] ^ 4]) + content[place + 1:]
    for end in [0, 11, 19, head - 1, *borders, *(border - 1 for border in borders), len(content) - 1]:
        yield f"cut at {end}", content[:end]
    first, second = borders[0], borders[1]
    one, two = content[first:second], content[second:second + CHUNK + TAG]
    rest = content[second + CHUNK + TAG:]
    yield "two chunks in another order", content[:first] + two + one + rest
    yield "a chunk twice", content[:second] + one + content[second:]
    yield "a chunk left out", content[:first] + content[second:]
    yield "a byte more", content + b"\0"
    yield "twice", content + content[head:]


def test_what_is_not_the_file_that_was_written_is_refused(world, tmp_path):
    data = tmp_path / "data"
    file = tmp_path / "damaged"
    kinds = set()
    for number, (word, content) in enumerate(damaged(world)):
        file.write_bytes(content)
        said = refusal(restore(file, data, world.key, *(["--verify"] if number % 3 else [])))
        assert not contents(data), (word, said)
        kinds.add("chunk" if "chunk " in said and "at byte " in said else "other")
    assert kinds == {"chunk", "other"}


def test_chunks_of_another_backup_do_not_fit(world, tmp_path):
    other = tmp_path / "other"
    assert backup(world.data, other).returncode == 0
    head = 20 + int.from_bytes(world.content[16:20], "big")
    mixed = tmp_path / "mixed"
    border = head + CHUNK + TAG
    mixed.write_bytes(world.content[:border] + other.read_bytes()[border:])
    said = refusal(restore(mixed, tmp_path / "data", world.key))
    assert f"chunk 1 of the backup (at byte {border})" in said
    mixed.write_bytes(world.content[:head] + other.read_bytes()[head:])
    assert f"chunk 0 of the backup (at byte {head})" in refusal(restore(mixed, tmp_path / "data", world.key))


def test_a_newer_form_is_refused_by_version(world, tmp_path):
    newer = tmp_path / "newer"
    newer.write_bytes(world.content[:12] + (2).to_bytes(4, "big") + world.content[16:])
    said = refusal(restore(newer, tmp_path / "data", world.key))
    assert "format 2" in said and "restore it with iamd 0." in said
    assert not contents(tmp_path / "data")


@pytest.mark.parametrize("share", [0.05, 0.4, 0.8, 0.999])
def test_a_restore_that_is_killed_is_noticed_and_can_be_run_again(world, tmp_path, share):
    data = tmp_path / "data"
    key = ["--set", f"master_key=file:{world.key}"]
    process = subprocess.Popen(
        [program(), "restore", "--data", str(data), *key, "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    process.stdin.write(world.content[: int(len(world.content) * share)])
    process.stdin.flush()
    # It waits for the rest now, or soon will.
    while not (data / "store.sqlite3").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert "restoring" in contents(data)
    assert "run `iamd restore` again" in refused_start(data, *key)
    assert "run `iamd restore` again" in refusal(run("account", "list", "--data", data))
    assert init(data).returncode == 1
    # A failure leaves nothing; another attempt succeeds.
    if share == 0.4:
        assert restore("-", data, world.key, stdin=world.content[:-5]).returncode == 1
        assert contents(data) == []
    done = restore(world.file, data, world.key)
    assert done.returncode == 0, done.stderr
    with Serve(data, *key, admin=world.admin) as server:
        assert listing(server, [world.admin, world.second]) == world.listed


def test_two_restores_do_not_meet(world, tmp_path):
    data = tmp_path / "data"
    first = subprocess.Popen(
        [program(), "restore", "--data", str(data), "--set", f"master_key=file:{world.key}", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    first.stdin.write(world.content[:CHUNK])
    first.stdin.flush()
    while not (data / "store.sqlite3").exists():
        assert first.poll() is None
    assert "goes on now" in refusal(restore(world.file, data, world.key))
    out, said = first.communicate(world.content[CHUNK:], timeout=60)
    assert first.returncode == 0, said
    assert json.loads(out)["users"] == 41


def test_a_backup_that_is_killed_leaves_no_file_of_that_name(world, tmp_path):
    """Through a pipe, so that it is surely in the middle; then into a file."""
    with Serve(world.data, admin=world.admin) as server:
        process = subprocess.Popen(
            [program(), "backup", "--data", str(world.data), "-"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        part = process.stdout.read(CHUNK // 2)
        process.kill()
        rest = process.communicate()[0]
        cut = tmp_path / "cut"
        cut.write_bytes(part + rest)
        assert cut.stat().st_size < len(world.content)
        refusal(restore(cut, tmp_path / "data", world.key))
        # The node is none the worse for it, and neither is the next backup.
        server.iam().get_user(UserName="user-0")
        file = tmp_path / "whole"
        process = subprocess.Popen(
            [program(), "backup", "--data", str(world.data), str(file)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and not list(tmp_path.glob("whole*")):
            pass
        process.kill()
        process.wait()
        if file.exists():
            verify(file, world.key)
        else:
            assert backup(world.data, file).returncode == 0
            verify(file, world.key)


def test_a_reader_that_stalls_does_not_keep_a_node_from_writing_and_stopping(world):
    with Serve(world.data, admin=world.admin) as server:
        process = subprocess.Popen(
            [program(), "backup", "--data", str(world.data), "-"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        process.stdout.read(1000)
        server.iam().tag_user(UserName="user-0", Tags=[{"Key": "n", "Value": "0"}])
        server.stop()
        _, said = process.communicate(timeout=20)
        assert process.returncode == 1 and b"does not answer" in said, said


def test_older_programs_refuse_newer_data_with_the_number(world, tmp_path):
    data = tmp_path / "data"
    assert restore(world.file, data, world.key).returncode == 0
    with sqlite3.connect(data / "store.sqlite3") as database:
        (known,) = database.execute("PRAGMA user_version").fetchone()
        database.execute(f"PRAGMA user_version = {known + 1}")
    database.close()
    said = refused_start(data, "--set", f"master_key=file:{world.key}")
    assert f"layout {known + 1}, this one knows {known}" in said
    with sqlite3.connect(data / "store.sqlite3") as database:
        database.execute(f"PRAGMA user_version = {known}")
    database.close()
    with Serve(data, "--set", f"master_key=file:{world.key}", admin=world.admin) as server:
        server.iam().get_user(UserName="user-0")


def test_a_full_disk_or_a_closed_pipe_is_said(world):
    if os.path.exists("/dev/full"):
        command = f"'{program()}' backup --data '{world.data}' - > /dev/full"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "cannot be written" in done.stderr
