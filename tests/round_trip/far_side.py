"""The codecs and the verifier of iamd-wire, as a process that answers line by line."""

import json
import os
import subprocess
from base64 import b64encode

VARIABLE = "IAMD_ROUND_TRIP_BIN"
# Read before any test can change the environment.
BINARY = os.environ.get(VARIABLE)
PATIENCE_SECONDS = 30


class FarSide:
    """Starts the binary that `IAMD_ROUND_TRIP_BIN` names; ends it when left."""

    def __init__(self):
        if not BINARY:
            raise RuntimeError(
                f"set {VARIABLE} to the binary that "
                "`cargo build -p iamd-wire --features round-trip --example round_trip` built"
            )
        self.process = subprocess.Popen(
            [BINARY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()

    def ask(self, do, **task):
        self.process.stdin.write(json.dumps({"do": do, **task}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the far side ended at {do} {task}"
        return json.loads(answer)

    def operations(self):
        return self.ask("operations")

    def decode(self, service, body):
        return self.ask("decode", service=service, body=body)

    def encode(self, service, operation, output, request_id):
        return self.ask(
            "encode", service=service, operation=operation, output=output, request_id=request_id
        )

    def error(self, service, code, message, request_id):
        return self.ask(
            "error", service=service, code=code, message=message, request_id=request_id
        )

    def verify(self, service, sent, secret, now):
        return self.ask(
            "verify",
            service=service,
            method=sent.method,
            path=sent.path,
            query=sent.query,
            headers=sent.headers,
            body=b64encode(sent.body).decode(),
            secret=secret,
            now=now,
        )
