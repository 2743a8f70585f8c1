"""The walk of docs/operations.md, run as it stands there."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from iamd import program

PAGE = Path(__file__).parents[2] / "docs/operations.md"
SECTION = "## A walk: "
# What the page says it listens on; the test takes a free port instead.
PORT = "4260"
PATIENCE_SECONDS = 120
# jq for machines that have none: the one filter of the page.
JQ = """#!{python}
import json, sys
_, flag, path, file = sys.argv
assert flag == "-r"
value = json.load(open(file))
for part in path.strip(".").split("."):
    value = value[part]
print(value)
"""


def script():
    """The commands of the section, as one script."""
    text = PAGE.read_text()
    section = text.split(SECTION)[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)
    assert len(blocks) >= 5
    return "".join(blocks)


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def on_path(folder):
    """A folder with the programs that the page names."""
    folder.mkdir()
    (folder / "iamd").symlink_to(program())
    (folder / "aws").symlink_to(Path(sys.executable).with_name("aws"))
    if not shutil.which("jq"):
        (folder / "jq").write_text(JQ.format(python=sys.executable))
        (folder / "jq").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_the_walk_of_the_operator_works(tmp_path):
    port = str(free_port())
    place = tmp_path / "place"
    place.mkdir()
    # The background process ends with the script, also when a command fails.
    prelude = "set -euo pipefail -o monitor\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\nset -x\n"
    environment = {
        **os.environ,
        "PATH": on_path(tmp_path / "programs"),
        "IAMD_SERVER_LISTEN": f"127.0.0.1:{port}",
    }
    done = subprocess.run(
        ["bash", "-c", prelude + script().replace(PORT, port)],
        cwd=place, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"Arn"' in done.stdout and "iamd_decisions_total" in done.stdout
