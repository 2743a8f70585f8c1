"""Whoever can write to the database file: what he alters, moves or puts back is named and not served.

The file's own checksums are no secret, so he makes them right again here, as he would.
"""

import shutil
import sqlite3
import struct
import subprocess
import zlib

import pytest
from iamd import Server, program

USER = 2


def row_checksum(account, kind, identifier, content):
    identifier = identifier.encode()
    head = struct.pack("<QHQ", account, kind, len(identifier))
    return zlib.crc32(head + identifier + content)


def account_checksum(account, revision, rows, total, records, seal):
    return zlib.crc32(struct.pack("<QQQQQ", account, revision, rows, total, records) + seal)


class Database:
    """The file, and what it takes to make a change look right."""

    def __init__(self, folder):
        self.connection = sqlite3.connect(folder / "store.sqlite3", isolation_level=None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def rows(self, account):
        query = "SELECT kind, id, bytes FROM rows WHERE account = ? ORDER BY kind, id"
        return list(self.connection.execute(query, (account,)))

    def write(self, account, rows):
        """Replaces all rows of an account; the checksums are those of the new content."""
        self.connection.execute("DELETE FROM rows WHERE account = ?", (account,))
        sums = []
        for kind, identifier, content in rows:
            sums.append(row_checksum(account, kind, identifier, content))
            values = (account, kind, identifier, sums[-1], content)
            self.connection.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", values)
        query = "SELECT revision, record_count, seal FROM accounts WHERE account = ?"
        revision, records, seal = self.connection.execute(query, (account,)).fetchone()
        checksum = account_checksum(account, revision, len(sums), sum(sums), records, seal)
        self.connection.execute(
            "UPDATE accounts SET row_count = ?, row_sum = ?, checksum = ? WHERE account = ?",
            (len(sums), sum(sums), checksum, account),
        )


def start(folder):
    """Whether a start on the folder succeeds, and what it says if not."""
    command = [program(), "dev", "--listen", "127.0.0.1:0", "--json", "--data", str(folder)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    # A server that runs says so in one line; one that refuses ends without a word there.
    started = process.stdout.readline() != ""
    if started:
        process.terminate()
    _, said = process.communicate(timeout=30)
    return started, said


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with two users, one of them changed later, and the rows before the change."""
    folder = tmp_path_factory.mktemp("tampering") / "data"
    with Server(data=folder) as server:
        account, iam = int(server.account), server.iam()
        iam.create_user(UserName="ana")
        iam.create_user(UserName="gone")
    before = folder.parent / "before"
    shutil.copytree(folder, before)
    with Server(data=folder, admin=server.admin) as server:
        server.iam().update_user(UserName="ana", NewPath="/moved/")
        server.iam().delete_user(UserName="gone")
    return folder, before, account


@pytest.fixture
def copy(folder, tmp_path):
    copied = tmp_path / "data"
    shutil.copytree(folder[0], copied)
    return copied


def old_and_new(folder):
    now, before, account = folder
    with Database(before) as database:
        old = {(kind, name): content for kind, name, content in database.rows(account)}
    with Database(now) as database:
        new = {(kind, name): content for kind, name, content in database.rows(account)}
    return old, new, account


def refused(copy, account, rows, *expected):
    with Database(copy) as database:
        database.write(account, [(*key, content) for key, content in sorted(rows.items())])
    started, said = start(copy)
    assert not started
    assert all(text in said for text in expected), said


def test_an_untouched_copy_starts(copy):
    started, said = start(copy)
    assert started, said


def test_rewriting_the_same_rows_with_right_checksums_is_no_damage(folder, copy):
    """The checksums made here are right: what is refused below is refused for another reason."""
    _, new, account = old_and_new(folder)
    with Database(copy) as database:
        database.write(account, [(*key, content) for key, content in sorted(new.items())])
    started, said = start(copy)
    assert started, said


def test_an_altered_byte_is_named(folder, copy):
    _, new, account = old_and_new(folder)
    key = next(key for key in new if key[0] == USER)
    new[key] = new[key][:-1] + bytes([new[key][-1] ^ 1])
    refused(copy, account, new, f"row {USER}/{key[1]} of account", "was altered")


def test_a_row_under_another_name_is_named(folder, copy):
    _, new, account = old_and_new(folder)
    key = next(key for key in new if key[0] == USER)
    forged = (USER, "AIDAFORGEDFORGEDFORGE")
    new[forged] = new.pop(key)
    refused(copy, account, new, f"row {USER}/{forged[1]} of account")


def test_an_older_version_of_a_row_is_named(folder, copy):
    old, new, account = old_and_new(folder)
    key = next(key for key in new if key[0] == USER and old.get(key) not in (None, new[key]))
    new[key] = old[key]
    refused(copy, account, new, f"row {USER}/{key[1]} of account", "is an older version")


def test_a_removed_row_that_is_there_again_is_named(folder, copy):
    old, new, account = old_and_new(folder)
    key = next(key for key in old if key[0] == USER and key not in new)
    new[key] = old[key]
    refused(copy, account, new, f"row {USER}/{key[1]} of account", "was removed and is there again")


def test_a_row_that_is_missing_is_noticed(folder, copy):
    _, new, account = old_and_new(folder)
    new.pop(next(key for key in new if key[0] == USER))
    refused(copy, account, new, f"account {account:012d} lacks rows")


def test_another_master_key_is_refused_and_nothing_is_changed(copy):
    key = copy / "master.key"
    kept = key.read_text()
    key.write_text("iamd-master-key-1 " + "ab" * 32 + "\n")
    started, said = start(copy)
    assert not started and "master key is not the one" in said
    key.write_text(kept)
    started, said = start(copy)
    assert started, said


