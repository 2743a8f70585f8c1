"""`iamd policy`, run as anyone would run it."""

import json
import os
import subprocess

BINARY = os.environ["IAMD_BIN"]
ANA = "arn:aws:iam::111122223333:user/ana"


def policy(*arguments, given=b"", **more):
    """Runs a command to its end; it must not panic."""
    done = subprocess.run(
        [BINARY, "policy", *[str(argument) for argument in arguments]],
        input=given,
        capture_output=True,
        timeout=120,
        check=False,
        **more,
    )
    assert b"panicked" not in done.stderr, done.stderr
    return done


def evaluated(lines, *arguments):
    """The answers to these lines, and the exit code."""
    given = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    done = policy("eval", *arguments, given=given)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def request(action="s3:GetObject", resource="arn:aws:s3:::b/k", principal=ANA, **more):
    """The member `request` of a question."""
    return {"principal": principal, "action": action, "resource": resource, **more}


def document(*statements, version="2012-10-17"):
    """A policy document."""
    return {"Version": version, "Statement": list(statements)}


def says(effect, action, resource="*", **more):
    """A statement."""
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


READ = document(says("Allow", "s3:Get*", Sid="Read"))
