"""`iamd key`: keys are rotated while requests go on, and nothing is lost."""

import json
import shutil
import threading

import pytest
from iamd import Keys, run
from production import Serve, made, refused_start


def rotate(data, *arguments):
    """Rotates a key; gives the finished process."""
    done = run("key", "rotate", "--data", data, "-o", "json", *arguments, timeout=60)
    assert done.returncode == 0, done.stderr
    return done


def keys(data, *arguments):
    """The keys of a kind, as `iamd key list` tells of them."""
    done = run("key", "list", "--data", data, "-o", "json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def data(tmp_path):
    """A fresh folder, and its administrator."""
    folder = tmp_path / "data"
    return folder, Keys.of_facts(made(folder))


def test_requests_go_on_while_the_data_key_is_rotated(data):
    folder, admin = data
    with Serve(folder, admin=admin) as server:
        iam = server.iam()
        for number in range(60):
            iam.create_user(UserName=f"user{number}")
        session = Keys.of(server.sts().get_session_token())
        done, failures = threading.Event(), []

        def busy():
            number = 0
            while not done.is_set():
                try:
                    server.iam().create_user(UserName=f"busy{number}")
                    server.sts(session).get_caller_identity()
                except Exception as error:  # whatever it is, it must not happen
                    failures.append(error)
                number += 1

        worker = threading.Thread(target=busy)
        worker.start()
        for _ in range(3):
            rotate(folder)
        done.set()
        worker.join()
        assert failures == []
        data_keys = [key for key in keys(folder) if key["kind"] == "data"]
        current = [key for key in data_keys if key["state"] == "current"]
        assert [key["id"] for key in current] == ["4"]
        assert current[0]["rows"] >= 61 and all(key["rows"] == 0 for key in data_keys if key not in current)
        names = [user["UserName"] for user in iam.list_users(MaxItems=1000)["Users"]]
        assert {f"user{number}" for number in range(60)} <= set(names)
    with Serve(folder, admin=admin) as server:
        again = [user["UserName"] for user in server.iam().list_users(MaxItems=1000)["Users"]]
        assert sorted(again) == sorted(names)


def test_sessions_outlive_the_rotation_of_their_key(data):
    folder, admin = data
    with Serve(folder, admin=admin) as server:
        before = Keys.of(server.sts().get_session_token())
        rotate(folder, "--session", "--delay-seconds", "0")
        after = Keys.of(server.sts().get_session_token())
        for session in (before, after):
            server.sts(session).get_caller_identity()
        states = [key["state"] for key in keys(folder) if key["kind"] == "session"]
        assert sorted(states) == ["current", "retired"]


def test_another_master_key_takes_over_and_the_old_one_is_refused(data, tmp_path):
    folder, admin = data
    new = tmp_path / "new.key"
    with Serve(folder, admin=admin) as server:
        server.iam().create_user(UserName="ana")
        rotate(folder, "--master", "--new-master-key", f"file:{new}")
        server.iam().create_user(UserName="bob")
    complaint = refused_start(folder)
    assert "fingerprint" in complaint and "nothing was changed" in complaint
    with Serve(folder, "--set", f"master_key=file:{new}", admin=admin) as server:
        names = {user["UserName"] for user in server.iam().list_users()["Users"]}
        assert {"ana", "bob"} <= names


def test_a_database_that_was_put_back_whole_is_refused(data, tmp_path):
    folder, admin = data
    copy = tmp_path / "copy"
    with Serve(folder, admin=admin) as server:
        server.iam().create_user(UserName="ana")
    shutil.copytree(folder, copy)
    with Serve(folder, admin=admin) as server:
        server.iam().delete_user(UserName="ana")
    anchor = (folder / "anchor").read_bytes()
    for file in folder.glob("store.sqlite3*"):
        file.unlink()
    for file in copy.glob("store.sqlite3*"):
        shutil.copy(file, folder / file.name)
    complaint = refused_start(folder)
    assert "older" in complaint
    # The whole folder as it was, anchor included, is a folder of that time.
    with Serve(copy, admin=admin) as server:
        assert server.iam().get_user(UserName="ana")
    (folder / "anchor").write_bytes(anchor[:-1] + bytes([anchor[-1] ^ 1]))
    assert "anchor" in refused_start(folder)


def shown(folder, event):
    """The records of an event that the trail has."""
    done = run("audit", "show", "--data", folder, "--event", event, "-o", "json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_operators_do_to_keys_and_copies_is_in_the_trail(data, tmp_path):
    folder, admin = data
    new = tmp_path / "new.key"
    with Serve(folder, admin=admin) as server:
        account = server.sts().get_caller_identity()["Account"]
        server.iam().create_user(UserName="before")
        rotate(folder)
        rotate(folder, "--session", "--delay-seconds", "5")
        rotate(folder, "--master", "--new-master-key", f"file:{new}")
        server.iam().create_user(UserName="after")
        assert run("backup", tmp_path / "copy", "--data", folder, timeout=60).returncode == 0
        assert run("audit", "verify", "--data", folder, timeout=60).returncode == 0
    rotations = shown(folder, "RotateKey")
    by_operator = [one for one in rotations if one["eventSource"] == "operator.iamd"]
    asked = [one["requestParameters"] for one in by_operator]
    assert asked == [{"kind": "data"}, {"kind": "session", "delaySeconds": 5}, {"kind": "master"}]
    assert [one["responseElements"]["id"] for one in by_operator[:2]] == ["2", "2"]
    assert all(one["eventType"] == "AwsServiceEvent" for one in rotations)
    digits = new.read_text().strip()
    assert digits not in json.dumps(rotations)
    # Each account is told when nothing of it is under the old key any more.
    own = [one for one in rotations if one["eventSource"] == "iamd"]
    assert account in {one["recipientAccountId"] for one in own}
    for event in ("Backup", "VerifyAudit"):
        (record,) = shown(folder, event)
        assert record["readOnly"] and "errorCode" not in record
    # Lines are under the new data key since it was there, in files of their own.
    files = sorted((folder / "audit").glob("trail-*.jsonl"))
    keys_of_files = [json.loads(file.read_text().splitlines()[0])["trail"]["key"] for file in files]
    assert keys_of_files == [1, 2]
    done = run("audit", "verify", "--data", folder, "--master-key", f"file:{new}", timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
