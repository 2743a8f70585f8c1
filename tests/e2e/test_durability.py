"""What was acknowledged stays, whatever happens to the process; and nothing is there by halves."""

import random
import re
import shutil
import threading
import time

import pytest
from iamd import Keys, Server, allow, document, unique
from wire import Connection, assert_error, assert_identity, iam_body, identity_body, parse, post

KILLS = 200
WRITERS = 4
TAGS = {f"Tags.member.{n}.{part}": f"{part.lower()}{n}" for n in (1, 2, 3) for part in ("Key", "Value")}


class Burst:
    """Concurrent writers, each of which remembers what was acknowledged to it."""

    def __init__(self, server, path, policy):
        self.server, self.path, self.policy = server, path, policy
        self.users, self.keys, self.attached = [], [], []
        self.sent = set()
        self.stop = False
        self.unexpected = []
        self.threads = [threading.Thread(target=self._write, args=(n,)) for n in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def _write(self, number):
        count = 0
        try:
            with Connection(self.server) as connection:
                while not self.stop:
                    name = f"{self.path[1:-1]}-{number}-{count}"
                    count += 1
                    self._one_user(connection, name)
        except (OSError, EOFError, ValueError):
            pass  # The server is gone: that is what this is about.
        except Exception as error:  # http.client has errors of its own for a broken answer.
            if type(error).__module__ != "http.client":
                self.unexpected.append(error)

    def _one_user(self, connection, name):
        self.sent.add(name)
        self._call(connection, "CreateUser", UserName=name, Path=self.path, **TAGS)
        self.users.append(name)
        self._call(connection, "AttachUserPolicy", UserName=name, PolicyArn=self.policy)
        self.attached.append(name)
        key = self._call(connection, "CreateAccessKey", UserName=name)
        self.keys.append((name, Keys.of(key["CreateAccessKeyResult"])))

    def _call(self, connection, action, **parameters):
        answer = connection.post(self.server, iam_body(action, **parameters), service="iam")
        assert answer.status == 200, answer.body
        return parse(answer.body)

    def join(self):
        self.stop = True
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()
        assert not self.unexpected, self.unexpected


def check_burst(server, burst):
    """Everything acknowledged is there; everything that is there is whole."""
    iam = server.iam()
    pages = iam.get_paginator("list_users").paginate(PathPrefix=burst.path, MaxItems=1000)
    there = {user["UserName"] for page in pages for user in page["Users"]}
    assert there >= set(burst.users) and there <= burst.sent
    pages = iam.get_paginator("list_entities_for_policy").paginate(
        PolicyArn=burst.policy, PathPrefix=burst.path, MaxItems=1000
    )
    attached = {user["UserName"] for page in pages for user in page["PolicyUsers"]}
    assert set(burst.attached) <= attached <= there
    # What was under way at the moment of death: one user per writer at most.
    doubtful = there - {name for name, _ in burst.keys}
    assert len(there - set(burst.users)) <= WRITERS and len(doubtful) <= WRITERS
    for name in doubtful:
        user = iam.get_user(UserName=name)["User"]
        assert [tag["Key"] for tag in user["Tags"]] == ["key1", "key2", "key3"]
        shown = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
        assert (len(shown) == 1) is (name in attached)
        assert len(iam.list_access_keys(UserName=name)["AccessKeyMetadata"]) <= 1
    with Connection(server) as connection:
        for name, key in burst.keys[-3:] + burst.keys[:1]:
            identity = assert_identity(connection.post(server, identity_body(), keys=key))
            assert identity["Arn"].endswith(f"{burst.path}{name}")


def test_acknowledged_writes_survive_200_kills_at_random_points(tmp_path):
    seed = random.randrange(2**32)
    print("seed", seed)
    draw = random.Random(seed)
    data = tmp_path / "data"
    server = Server(data=data)
    admin = server.admin
    policy = server.iam().create_policy(
        PolicyName="policy", PolicyDocument=document(allow("s3:GetObject"))
    )["Policy"]["Arn"]
    acknowledged, last = 0, None
    for cycle in range(KILLS):
        burst = Burst(server, f"/cycle{cycle}/", policy)
        time.sleep(draw.uniform(0.01, 0.12))
        server.kill()
        burst.join()
        acknowledged += len(burst.users) + len(burst.attached) + len(burst.keys)
        server = Server(data=data, admin=admin)
        check_burst(server, burst)
        last = burst
        if cycle % 20 == 19:
            # A folder that grows without bounds would make this about something else.
            server.stop()
            shutil.rmtree(data)
            server = Server(data=data)
            admin = server.admin
            policy = server.iam().create_policy(
                PolicyName="policy", PolicyDocument=document(allow("s3:GetObject"))
            )["Policy"]["Arn"]
    server.stop()
    assert last and acknowledged > KILLS * 5, acknowledged


def test_counts_agree_after_a_kill(tmp_path):
    """Indexes and summaries are those of the rows that are there."""
    data = tmp_path / "data"
    server = Server(data=data)
    policy = server.iam().create_policy(
        PolicyName="policy", PolicyDocument=document(allow("s3:GetObject"))
    )["Policy"]["Arn"]
    burst = Burst(server, "/burst/", policy)
    time.sleep(1)
    server.kill()
    burst.join()
    with Server(data=data, admin=server.admin) as again:
        check_burst(again, burst)
        iam = again.iam()
        pages = iam.get_paginator("list_users").paginate(MaxItems=1000)
        users = sum(len(page["Users"]) for page in pages)
        assert iam.get_account_summary()["SummaryMap"]["Users"] == users
        pages = iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=policy)
        attached = sum(len(page["PolicyUsers"]) for page in pages)
        assert iam.get_policy(PolicyArn=policy)["Policy"]["AttachmentCount"] == attached


def race(count, act):
    """Runs `act(n)` in `count` threads at one moment; the results in order."""
    barrier, results = threading.Barrier(count), [None] * count

    def runner(number):
        barrier.wait()
        results[number] = act(number)

    threads = [threading.Thread(target=runner, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def statuses(server, bodies):
    """Sends all bodies at one moment, each on its own connection."""
    connections = [Connection(server) for _ in bodies]

    def send(number):
        return connections[number].post(server, bodies[number], service="iam")

    answers = race(len(bodies), send)
    for connection in connections:
        connection.http.close()
    return answers


@pytest.fixture(params=["on disk", "in memory"])
def any_server(request, tmp_path):
    """Both engines."""
    data = tmp_path / "data" if request.param == "on disk" else None
    with Server(data=data) as server:
        yield server


def test_of_racing_creates_of_one_name_exactly_one_succeeds(any_server):
    for _ in range(10):
        name = unique("race")
        bodies = [
            iam_body("CreateUser", UserName=name.upper() if n % 2 else name) for n in range(12)
        ]
        answers = statuses(any_server, bodies)
        assert sorted(answer.status for answer in answers) == [200] + [409] * 11
        for answer in answers:
            if answer.status == 409:
                assert_error(answer, "EntityAlreadyExists", 409)


def test_racing_requests_never_pass_a_quota(any_server):
    iam = any_server.iam()
    for _ in range(5):
        name = unique("race")
        iam.create_user(UserName=name)
        answers = statuses(any_server, [iam_body("CreateAccessKey", UserName=name)] * 10)
        assert sorted(answer.status for answer in answers) == [200] * 2 + [409] * 8
        assert len(iam.list_access_keys(UserName=name)["AccessKeyMetadata"]) == 2


def test_of_racing_deletes_exactly_one_succeeds(any_server):
    iam = any_server.iam()
    for _ in range(5):
        name = unique("race")
        iam.create_user(UserName=name)
        answers = statuses(any_server, [iam_body("DeleteUser", UserName=name)] * 8)
        assert sorted(answer.status for answer in answers) == [200] + [404] * 7


def test_a_write_is_seen_by_the_next_request_on_any_connection(any_server):
    with Connection(any_server) as one, Connection(any_server) as other:
        for _ in range(50):
            name = unique("seen")
            body = iam_body("CreateUser", UserName=name)
            assert one.post(any_server, body, service="iam").status == 200
            body = iam_body("GetUser", UserName=name)
            assert other.post(any_server, body, service="iam").status == 200


@pytest.mark.skipif(not shutil.which("strace"), reason="SKIPPED: strace is not installed")
def test_a_write_is_on_disk_before_its_answer_is_sent(tmp_path):
    trace = tmp_path / "trace"
    calls = "fdatasync,fsync,write,writev,pwrite64,pwritev,sendto,sendmsg"
    # With -D the traced program stays our child.
    strace = ["strace", "-D", "-f", "-y", "-s", "2000", "-e", f"trace={calls}", "-o", str(trace)]
    try:
        server = Server(data=tmp_path / "data", wrapper=strace)
    except AssertionError:
        pytest.skip("SKIPPED: strace may not trace here")
    names = [unique("durable") for _ in range(5)]
    with server:
        for name in names:
            body = iam_body("CreateUser", UserName=name)
            assert post(server, body, service="iam").status == 200
    time.sleep(0.2)
    events = list(trace_events(trace.read_text(errors="replace")))
    for name in names:
        answer = next(
            place
            for place, (kind, text) in enumerate(events)
            if kind == "send" and f"<UserName>{name}</UserName>" in text
        )
        before = [kind for kind, _ in events[:answer] if kind != "send"]
        # The last thing done to the database before the answer is that it was synced.
        assert "write" in before and before[-1] == "sync", (name, before[-5:])
        previous = max(
            (place for place, (kind, text) in enumerate(events[:answer])
             if kind == "send" and "<CreateUserResponse" in text),
            default=0,
        )
        between = [kind for kind, _ in events[previous:answer]]
        assert between.index("write") < len(between) - 1 - between[::-1].index("sync")


def trace_events(text):
    """What was written to the database, synced (when it was done), and sent, in order."""
    database = re.compile(r"<[^>]*store\.sqlite3[^>]*>")
    syncing = {}
    for line in text.splitlines():
        process, _, call = line.partition(" ")
        call = call.strip()
        if re.match(r"(fdatasync|fsync)\(", call) and database.search(call):
            if "unfinished" in call:
                syncing[process] = True
            elif call.endswith("= 0"):
                yield "sync", call
        elif re.match(r"<\.\.\. (fdatasync|fsync) resumed>", call):
            if syncing.pop(process, False) and call.endswith("= 0"):
                yield "sync", call
        elif re.match(r"(write|writev|pwrite64|pwritev)\(", call) and database.search(call):
            yield "write", call
        elif re.match(r"(write|writev|sendto|sendmsg)\(\d+<(socket|TCP)", call):
            yield "send", call
