"""The AWS SDK for Rust as a client of iamd and of the gateway."""

import os
import subprocess

import pytest
from store import gateway

# What the program says when all of it was as it should be.
DONE = [
    "a user has a key",
    "objects are stored, read and copied",
    "checksums are checked",
    "an object of two parts is stored",
    "a presigned request is good for one object",
    "objects are listed",
    "a session of a role reads",
    "objects are deleted",
    "a deleted key opens nothing",
]


def test_a_program_with_the_sdk_may_what_policies_allow_and_no_more(tmp_path):
    if "IAMD_RUST_CLIENT_BIN" not in os.environ:
        pytest.skip("IAMD_RUST_CLIENT_BIN is not set: run `cargo xtask test --only build` first")
    with gateway(tmp_path / "gateway") as gate:
        command = [
            os.environ["IAMD_RUST_CLIENT_BIN"], gate.server.endpoint.rstrip("/"),
            gate.endpoint.rstrip("/"), gate.account,
        ]
        done = subprocess.run(
            command,
            env={**os.environ, **gate.admin.environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines() == DONE
        kept = gate.store.keys("rust-bucket")
        assert "own/a" in kept and not [key for key in kept if not key.startswith("own/")]
