"""The pages that a user walks through, run as they stand there."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import store
from iamd import program

DOCS = Path(__file__).parents[2] / "docs"
PATIENCE_SECONDS = 240
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


def script(page, section=None):
    """The commands of a page, or of a section of it, as one script."""
    text = (DOCS / page).read_text()
    if section:
        text = text.split(section)[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
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


def walked(tmp_path, commands, **variables):
    """What the commands print; they must all succeed."""
    place = tmp_path / "place"
    place.mkdir()
    # Background processes end with the script, also when a command fails.
    prelude = "set -euo pipefail -o monitor\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\nset -x\n"
    environment = {**os.environ, "PATH": on_path(tmp_path / "programs"), **variables}
    done = subprocess.run(
        ["bash", "-c", prelude + commands],
        cwd=place, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_walk_of_the_operator_works(tmp_path):
    port = str(free_port())
    # What the page says it listens on; the test takes a free port instead.
    commands = script("operations.md", "## A walk: ").replace("4260", port)
    said = walked(tmp_path, commands, IAMD_SERVER_LISTEN=f"127.0.0.1:{port}")
    assert '"Arn"' in said and "iamd_decisions_total" in said


def test_the_guide_to_a_guarded_store_works(tmp_path):
    api, gateway, edge = str(free_port()), str(free_port()), str(free_port())
    with store.moto_store(tmp_path) as back_end:
        commands = script("guides/guard-an-s3-store.md")
        commands = commands.replace("http://127.0.0.1:9000", back_end.endpoint)
        commands = commands.replace("4260", api).replace("4261", gateway).replace("4262", edge)
        said = walked(tmp_path, commands, IAMD_LISTEN=f"127.0.0.1:{api}")
    assert said.count("AccessDenied") >= 8
    assert "explicit deny in an identity-based policy" in said
