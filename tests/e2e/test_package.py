"""What users install: the archive, the Debian package, the unit and the container file."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from iamd import program

PACKAGING = Path(__file__).parents[2] / "packaging"


@pytest.fixture(scope="module")
def dist():
    """The folder with the results of `cargo xtask dist`; the suite sets it."""
    if "IAMD_DIST" not in os.environ:
        pytest.skip("IAMD_DIST is not set: run `cargo xtask test --only package` first")
    return Path(os.environ["IAMD_DIST"])


def output(*command, **more):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=True, **more
    )
    return done.stdout


def test_the_archive_holds_a_program_that_runs(dist, tmp_path):
    [path] = dist.glob("iamd-*.tar.gz")
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        assert {(member.uid, member.gid) for member in members} == {(0, 0)}
        archive.extractall(tmp_path, filter="data")
    tree = tmp_path / path.name.removesuffix(".tar.gz")
    assert output(tree / "bin" / "iamd", "--version").startswith("iamd ")
    for place in (
        "share/man/man1/iamd-serve.1.gz",
        "share/bash-completion/completions/iamd",
        "share/zsh/site-functions/_iamd",
        "share/fish/vendor_completions.d/iamd.fish",
        "lib/systemd/system/iamd.service",
        "lib/systemd/system/iamd-gateway.service",
        "share/doc/iamd/operations.md",
    ):
        assert (tree / place).stat().st_size > 0, place


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not installed")
def test_the_debian_package_is_whole(dist, tmp_path):
    [path] = dist.glob("*.deb")
    facts = output("dpkg-deb", "-I", path)
    for line in ("Package: iamd", "Depends: libc6 (>= 2.", "conffiles", "postinst", "prerm"):
        assert line in facts, facts
    assert "{" not in facts
    listed = output("dpkg-deb", "-c", path)
    assert "root/root" in listed and all("root/root" in line for line in listed.splitlines())
    output("dpkg-deb", "-x", path, tmp_path)
    settings = tmp_path / "etc/iamd/iamd.toml"
    installed = tmp_path / "usr/bin/iamd"
    assert "iamd serve" in (tmp_path / "usr/lib/systemd/system/iamd.service").read_text()
    assert "right" in output(installed, "config", "validate", "--config", settings)
    # The scripts are shell that a shell can read.
    output("dpkg-deb", "-e", path, tmp_path / "DEBIAN")
    for script in ("postinst", "prerm", "postrm"):
        output("sh", "-n", tmp_path / "DEBIAN" / script)


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("dpkg"), reason="installing into a root needs root"
)
def test_the_debian_package_is_unpacked_into_a_root(dist, tmp_path):
    [path] = dist.glob("*.deb")
    root = tmp_path / "root"
    database = root / "var/lib/dpkg"
    for folder in ("updates", "info", "triggers"):
        (database / folder).mkdir(parents=True)
    (database / "status").touch()
    dpkg = ["dpkg", f"--root={root}", "--force-depends", "--log=/dev/null"]
    output(*dpkg, "--unpack", path)
    assert (root / "usr/bin/iamd").stat().st_mode & 0o777 == 0o755
    assert "iamd" in output(*dpkg, "--get-selections")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("name", ["iamd.service", "iamd-gateway.service"])
def test_the_unit_is_well_formed_and_hardened(name, tmp_path):
    unit = tmp_path / name
    text = (PACKAGING / name).read_text()
    unit.write_text(text.replace("/usr/bin/iamd", program()))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True
    )
    assert name not in done.stderr, done.stderr
    rated = output("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    exposure = float(rated.rsplit(f"{name}: ", 1)[1].split()[0])
    assert exposure <= 1.5, rated


def test_the_container_file_runs_as_nobody_special():
    lines = (PACKAGING / "Containerfile").read_text().splitlines()
    words = [line.split() for line in lines if line and not line.startswith((" ", "#"))]
    stages = [line for line in words if line[0] == "FROM"]
    assert len(stages) == 2 and stages[1] == ["FROM", "scratch"]
    last = words[words.index(stages[1]):]
    user = next(line for line in last if line[0] == "USER")
    assert user[1].split(":")[0] not in ("0", "root")
    assert any(line[0] == "HEALTHCHECK" for line in last)
    assert not any(line[0] in ("RUN", "ADD") for line in last)
