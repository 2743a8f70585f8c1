"""`iamd init`, `iamd serve` and `iamd config`: a production server from its first minute."""

import json
import os
import re
import socket
import stat

import pytest
from iamd import Keys, Server, create_account, refused, run, unique
from production import PASSWORD, Serve, init, made, refused_start


@pytest.fixture
def data(tmp_path):
    """A data folder that does not exist yet."""
    return tmp_path / "data"


def test_a_folder_is_made_served_and_served_again(data):
    facts = made(data)
    admin = Keys.of_facts(facts)
    name = unique("user")
    with Serve(data, admin=admin) as server:
        identity = server.sts().get_caller_identity()
        assert identity["Arn"] == f"arn:aws:iam::{facts['account_id']}:user/admin"
        server.iam().create_user(UserName=name)
        server.kill()
    with Serve(data, admin=admin) as again:
        assert again.iam().get_user(UserName=name)["User"]["UserName"] == name
        other = create_account(data, "second@example.com")
        with refused("NoSuchEntity"):
            again.iam(Keys.of_facts(other)).get_user(UserName=name)


def test_init_tells_secrets_once_and_keeps_the_folder_private(data):
    done = init(data, "-o", "json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert len(facts["root_password"]) == 24
    assert facts["access_key_id"] is None and facts["secret_access_key"] is None
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for private in ("master.key", "tls/ca.key"):
        assert stat.S_IMODE((data / private).stat().st_mode) == 0o600
    content = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert facts["root_password"].encode() not in content
    # No key: nobody can sign, and no user was made for one.
    with Serve(data, "--set", "server.idle_seconds_max=5") as server:
        assert server.http("GET", "/readyz").status == 200
    listed = run("account", "list", "--data", data, "-o", "json")
    assert json.loads(listed.stdout)[0]["users"] == 0


@pytest.mark.parametrize("way", ["file", "stdin"])
def test_a_password_of_ones_own_is_read_and_never_printed(data, tmp_path, way):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    source = path if way == "file" else "-"
    for output in ("json", "table"):
        folder = data.with_name(output)
        done = init(folder, "--root-password-file", source, "-o", output, stdin=path.read_text())
        assert done.returncode == 0, done.stderr
        assert PASSWORD not in done.stdout + done.stderr
    done = init(data, "--root-password-file", tmp_path / "absent")
    assert done.returncode == 1 and "absent" in done.stderr and not data.exists()


def test_init_for_people_shows_what_to_do_next(data):
    done = init(data, "-o", "table", "--with-access-key")
    assert f"export AWS_CA_BUNDLE={data}/tls/ca.pem" in done.stdout
    assert f"iamd serve --data {data}" in done.stdout
    assert re.search(r"Secret access key +\S{40}\n", done.stdout)


def test_init_leaves_a_folder_with_data_alone(data):
    facts = made(data)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    done = init(data)
    assert done.returncode == 1 and "holds data already" in done.stderr, done
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    with Serve(data, admin=Keys.of_facts(facts)) as server:
        assert server.sts().get_caller_identity()["Account"] == facts["account_id"]


def test_serve_starts_only_what_init_has_made(data, tmp_path):
    assert "iamd init" in refused_start(data)
    assert not data.exists()
    with Server(data=data):
        pass
    assert "was not made by `iamd init`" in refused_start(data)
    assert init(data).returncode == 1
    # And development keeps its hands off production.
    facts = made(tmp_path / "production")
    done = run("dev", "--listen", "127.0.0.1:0", "--data", tmp_path / "production")
    assert done.returncode == 1 and "iamd serve" in done.stderr
    with Serve(tmp_path / "production", admin=Keys.of_facts(facts)) as server:
        assert server.http("POST", "/_dev/reset").status >= 400
        assert server.sts().get_caller_identity()["Account"] == facts["account_id"]


def test_an_unfinished_init_is_not_served(data):
    made(data)
    (data / "initialized").unlink()
    assert "did not come to its end" in refused_start(data)


def test_settings_come_from_the_file_the_environment_and_the_command_line(data, tmp_path):
    facts = made(data)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = tmp_path / "iamd.toml"
    file.write_text(
        f'data = "/nonexistent"\n[server]\nlisten = "127.0.0.1:{port}"\n[quotas]\nusers = 2\n'
    )
    environment = {"IAMD_QUOTAS_USERS": "3", "IAMD_CONFIG": str(file)}
    with Serve(data, admin=Keys.of_facts(facts), environment=environment, listen=False) as server:
        assert server.host_and_port[1] == port
        summary = server.iam().get_account_summary()["SummaryMap"]
        assert summary["UsersQuota"] == 3


def test_wrong_settings_are_all_told_with_their_places(data, tmp_path):
    made(data)
    file = tmp_path / "iamd.toml"
    file.write_text('[server]\nlisen = "127.0.0.1:1"\n[log]\nformat = "xml"\n')
    environment = {"IAMD_TLS_ENABLED": "maybe"}
    for command in (("serve",), ("config", "validate")):
        done = run(
            *command, "--config", file, "--set", "body.bytes_max=1", environment=environment
        )
        assert done.returncode == 1 and done.stdout == ""
        for line in (
            f"{file}:2: there is no key `server.lisen`; did you mean `server.listen`?",
            f"{file}:4: `log.format` is `text` or `json`, and not `xml`",
            "IAMD_TLS_ENABLED: `tls.enabled` is true or false, and not `maybe`",
            "--set body.bytes_max: `body.bytes_max` is from 65536 to 16777216, and not 1",
        ):
            assert f"  {line}\n" in done.stderr, done.stderr


def test_validate_says_where_settings_come_from(tmp_path):
    file = tmp_path / "iamd.toml"
    file.write_text("[server]\nidle_seconds_max = 7\n")
    done = run("config", "validate", "--config", file, environment={"IAMD_DATA": "/x"})
    assert done.returncode == 0, done.stderr
    assert f"  server.idle_seconds_max = 7  ({file}:2)\n" in done.stdout
    assert '  data = "/x"  (IAMD_DATA)\n' in done.stdout


def test_printed_defaults_are_valid(tmp_path):
    printed = run("config", "print-defaults")
    file = tmp_path / "iamd.toml"
    file.write_text(printed.stdout)
    done = run("config", "validate", "--config", file)
    assert done.returncode == 0, done.stderr
    assert "IAMD_SERVER_LISTEN" in printed.stdout


def test_another_place_of_the_master_key_is_refused_without_repeating_it(data):
    made(data)
    complaint = refused_start(data, environment={"IAMD_MASTER_KEY": "0123456789abcdef"})
    assert "`master_key` can only be" in complaint and "0123456789abcdef" not in complaint


def test_the_master_key_can_come_from_a_variable_or_a_command(data, tmp_path):
    key = os.urandom(32).hex()
    program = tmp_path / "print-key"
    program.write_text(f"#!/bin/sh\necho {key}\n")
    program.chmod(0o700)
    from_variable = {"IAMD_MASTER_KEY": "env:OUR_KEY", "OUR_KEY": key}
    made(data, environment=from_variable)
    assert not (data / "master.key").exists()
    from_command = {"IAMD_MASTER_KEY": f"exec:{program}"}
    for environment in (from_variable, from_command):
        with Serve(data, environment=environment):
            pass
    wrong = {"IAMD_MASTER_KEY": "env:OUR_KEY", "OUR_KEY": os.urandom(32).hex()}
    complaint = refused_start(data, environment=wrong)
    assert "the master key is not the one" in complaint and wrong["OUR_KEY"] not in complaint
    complaint = refused_start(data, environment={"IAMD_MASTER_KEY": "env:OUR_KEY"})
    assert "`OUR_KEY`" in complaint and "is not set" in complaint


def test_plain_http_stays_on_loopback_or_behind_proxies(data):
    made(data)
    plain = ("--set", "tls.enabled=false")
    done = run("serve", "--data", data, *plain, "--listen", "0.0.0.0:0")
    assert done.returncode == 1 and "server.proxies" in done.stderr, done
    with Serve(data, *plain) as server:
        assert server.endpoint.startswith("http://")
        assert server.http("GET", "/livez").status == 200
    proxied = (*plain, "--set", "server.proxies=10.0.0.0/8")
    with Serve(data, *proxied, "--listen", "0.0.0.0:0", listen=False) as server:
        assert server.http("GET", "/livez").status == 200


def test_the_service_manager_is_told(data, tmp_path):
    made(data)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        with Serve(data, environment=environment) as server:
            assert manager.recv(100) == b"READY=1"
            server.stop()
            assert manager.recv(100) == b"STOPPING=1"


def test_health_is_asked_over_the_same_door(data):
    made(data)
    with Serve(data) as server:
        listen = ("--set", "server.listen={}:{}".format(*server.host_and_port))
        well = run("health", "--data", data, *listen)
        assert (well.returncode, well.stdout) == (0, "ok\n"), well
        server.stop()
    sick = run("health", "--data", data, *listen)
    assert sick.returncode == 1 and "not ready" in sick.stderr


def test_manual_pages_and_completions_are_written(tmp_path):
    assert run("manual", tmp_path).returncode == 0
    pages = {path.name for path in tmp_path.iterdir()}
    assert {"iamd.1", "iamd-serve.1", "iamd-init.1", "iamd-policy-eval.1"} <= pages
    assert "serve" in run("completions", "bash").stdout
    assert run("manual", tmp_path / "absent").returncode == 1
