"""Calls through a gateway as they are told: to whoever watches, and in the audit trail."""

import json
import select
import subprocess

from iamd import program
from s3_wire import raw


class Tail:
    """`iamd gateway tail` of a running gateway."""

    def __init__(self, gate, *arguments):
        self.process = subprocess.Popen(
            [program(), "gateway", "tail", "--data", str(gate.server.data), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        # It watches once it has told of a call.
        while not self._ready():
            raw(gate, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def _ready(self):
        return bool(select.select([self.process.stdout], [], [], 0.1)[0])

    def until(self, *words):
        """The first line that has all these words."""
        for line in self.process.stdout:
            if all(word in line for word in words):
                return line
        raise AssertionError("the gateway has stopped")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


def recorded(data, **wanted):
    """The records of calls of S3 in a data folder whose parameters are these."""
    found = []
    for path in sorted(data.glob("audit/trail-*.jsonl")):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            parameters = record.get("requestParameters") or {}
            is_wanted = all(parameters.get(name) == value for name, value in wanted.items())
            if record.get("eventSource") == "s3.amazonaws.com" and is_wanted:
                found.append(record)
    return found

