"""Session keys on a clock that is moved: they rotate by themselves, and a session lasts as long as it was
made for, whichever key it is under."""

import json

import pytest
from iamd import Keys, Server, advance_clock, eventually, run
from wire import assert_error, assert_identity, identity_body, parse, post, sts_body

MINUTE, HOUR = 60, 3600
# Defaults of `keys.session_seconds` and `keys.session_delay_seconds`.
PERIOD, DELAY = 24 * HOUR, 10 * MINUTE
# The longest session, and the time that its key stays for it: an hour more.
LONGEST, STAY = 36 * HOUR, 37 * HOUR


class Ahead:
    """A server whose clock is moved, as somebody sees it whose clock moves along."""

    def __init__(self, server):
        self.server, self.seconds = server, 0

    def go_to(self, seconds):
        """Moves the clock to so many seconds after the start."""
        advance_clock(self.server, seconds - self.seconds)
        self.seconds = seconds

    def post(self, body, keys=None):
        """Sends a form that is signed at the server's time."""
        return post(self.server, body, keys=keys, age_seconds=-self.seconds)

    def session(self, seconds):
        """A session of the administrator."""
        answer = self.post(sts_body("GetSessionToken", DurationSeconds=seconds))
        assert answer.status == 200, answer.body
        return Keys.of(parse(answer.body)["GetSessionTokenResult"])

    def is_good(self, session):
        """The session must be who made it."""
        assert assert_identity(self.post(identity_body(), session))["Arn"].endswith(":user/admin")

    def is_refused(self, session, *codes):
        """The session must be refused with one of these codes."""
        error = assert_error(self.post(identity_body(), session), status=403)
        assert error["Code"] in codes, error


def ring(data):
    """The session keys by number, each with its state."""
    done = run("key", "list", "--data", data, "-o", "json")
    assert done.returncode == 0, done.stderr
    lines = json.loads(done.stdout)
    return {key["id"]: key["state"] for key in lines if key["kind"] == "session"}


def becomes(data, expected):
    """The node looks after its keys once its clock has moved."""
    eventually(lambda: ring(data) == expected)
    assert ring(data) == expected


@pytest.fixture
def data(tmp_path):
    """A data folder that does not exist yet."""
    return tmp_path / "data"


def test_session_keys_rotate_and_sessions_last_as_long_as_they_were_made_for(data):
    with Server(data=data) as server:
        ahead = Ahead(server)
        assert ring(data) == {"1": "current"}
        longest, short = ahead.session(LONGEST), ahead.session(HOUR)

        ahead.go_to(HOUR - MINUTE)
        ahead.is_good(short)
        ahead.go_to(HOUR + MINUTE)
        ahead.is_refused(short, "ExpiredToken")
        ahead.is_good(longest)

        # The next key is known before it seals.
        ahead.go_to(PERIOD - DELAY - MINUTE)
        assert ring(data) == {"1": "current"}
        ahead.go_to(PERIOD - DELAY + MINUTE)
        becomes(data, {"1": "current", "2": "waiting"})
        last = ahead.session(LONGEST)
        ahead.go_to(PERIOD + 2 * MINUTE)
        becomes(data, {"1": "retired", "2": "current"})
        first = ahead.session(LONGEST)
        for session in (longest, last, first):
            ahead.is_good(session)

        # Made before the rotation, and good to the end.
        ahead.go_to(LONGEST - MINUTE)
        ahead.is_good(longest)
        ahead.go_to(LONGEST + MINUTE)
        ahead.is_refused(longest, "ExpiredToken")
        ahead.go_to(PERIOD - DELAY + LONGEST - MINUTE)
        becomes(data, {"1": "retired", "2": "current", "3": "waiting"})
        for session in (last, first):
            ahead.is_good(session)

        # Their key goes once they are over.
        ahead.go_to(PERIOD + STAY + 3 * MINUTE)
        becomes(data, {"2": "retired", "3": "current"})
        ahead.is_refused(longest, "InvalidClientTokenId")
        # Of one that was used on the same day the server may still know when it was over.
        ahead.is_refused(last, "ExpiredToken", "InvalidClientTokenId")
        ahead.is_refused(first, "ExpiredToken")
        ahead.is_good(ahead.session(HOUR))


def test_a_clock_that_goes_back_leaves_a_key_that_seals(data):
    with Server(data=data) as server:
        admin, ahead = server.admin, Ahead(server)
        ahead.go_to(PERIOD)
        becomes(data, {"1": "current", "2": "waiting"})
        ahead.go_to(PERIOD + DELAY + STAY + MINUTE)
        becomes(data, {"2": "current", "3": "waiting"})
        late = ahead.session(LONGEST)
    # The next life begins at the machine's time, at which neither key seals yet.
    with Server(data=data, admin=admin) as server:
        becomes(data, {"2": "waiting", "3": "waiting", "4": "current"})
        now = Ahead(server)
        session = now.session(HOUR)
        now.is_good(session)
        now.is_good(late)
        now.go_to(HOUR + MINUTE)
        now.is_refused(session, "ExpiredToken")
        now.is_good(late)
