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
