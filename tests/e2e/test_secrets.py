"""No secret is anywhere but in the answer that gives it: canaries through every flow, then a search
of logs, answers, metrics and the whole data folder."""

import base64
import json
import subprocess
import urllib.parse

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from iamd import Keys, allow, document, program, trust
from production import Serve, made
from totp import Device

ROOT_PASSWORD = "Canary-root-password-7Qx!"
PASSWORDS = ["Canary-login-password-1Zz!", "Canary-old-password-2Yy!", "Canary-new-password-3Xx!"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Canaries:
    """Secrets that were handed out, each with the ways in which it could be written."""

    def __init__(self):
        self.known = {}

    def add(self, name, secret):
        """One more secret."""
        raw = secret.encode()
        self.known[name] = {
            raw,
            raw.hex().encode(),
            base64.b64encode(raw).rstrip(b"=")[:-1],
            urllib.parse.quote(secret, safe="").encode(),
            json.dumps(secret)[1:-1].encode(),
        }
        return secret

    def found_in(self, content):
        """The names of those that stand in some bytes."""
        return sorted(
            name for name, ways in self.known.items() if any(way in content for way in ways)
        )


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    """A server that logs everything, after all flows; with all that it has said."""
    folder = tmp_path_factory.mktemp("secrets")
    canaries, said = Canaries(), []
    canaries.add("root password", ROOT_PASSWORD)
    facts = made(folder / "data", environment={"IAMD_ROOT_PASSWORD": ROOT_PASSWORD})
    canaries.add("administrator's key", facts["secret_access_key"])
    canaries.add("master key", (folder / "data/master.key").read_text().split()[-1])
    log = {"IAMD_LOG_FILTER": "trace", "IAMD_LOG_FORMAT": "json"}
    admin = Keys.of_facts(facts)
    with Serve(folder / "data", admin=admin, environment=log, logs=folder / "log") as server:
        for flow in (keys_and_sessions, passwords, devices, wrong_requests, operator):
            flow(server, canaries, said)
        said.append(("metrics", server.http("GET", "/metrics").body))
        server.http("GET", "/readyz")
    return folder, canaries, said


def failing(said, call, **arguments):
    """A call that is refused; what it says is kept."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    said.append((str(arguments)[:40], json.dumps(caught.value.response, default=str).encode()))


def keys_and_sessions(server, canaries, said):
    """Every way of getting a key, and of using it rightly and wrongly."""
    iam = server.iam()
    iam.create_user(UserName="ana")
    iam.put_user_policy(
        UserName="ana", PolicyName="p", PolicyDocument=document(allow(["sts:*", "iam:List*"]))
    )
    key = Keys.of(iam.create_access_key(UserName="ana"))
    canaries.add("ana's key", key.secret_access_key)
    arn = iam.get_user(UserName="ana")["User"]["Arn"]
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": arn}))["Role"]
    sts = server.sts(key)
    for name, answer in [
        ("ana's session", sts.get_session_token()),
        ("role session", sts.assume_role(RoleArn=role["Arn"], RoleSessionName="work")),
    ]:
        session = Keys.of(answer)
        canaries.add(name + ", secret", session.secret_access_key)
        canaries.add(name + ", token", session.session_token)
        server.sts(session).get_caller_identity()
        failing(said, server.iam(session).create_user, UserName="bob")
        cut = Keys(session.access_key_id, session.secret_access_key, session.session_token[:-8])
        failing(said, server.sts(cut).get_caller_identity)
        mixed = Keys(key.access_key_id, key.secret_access_key, session.session_token)
        failing(said, server.sts(mixed).get_caller_identity)
    failing(said, server.iam(key).create_user, UserName="bob")
    swapped = Keys(key.access_key_id, server.admin.secret_access_key)
    failing(said, server.sts(swapped).get_caller_identity)
    presigned(server, key, said)


def presigned(server, keys, said):
    """A request signed in its query, rightly and with one character changed."""
    request = AWSRequest(
        "GET", f"{server.endpoint}/?Action=GetCallerIdentity&Version=2011-06-15"
    )
    credentials = Credentials(keys.access_key_id, keys.secret_access_key)
    SigV4QueryAuth(credentials, "sts", "eu-central-1").add_auth(request)
    path = request.url.removeprefix(server.endpoint)
    assert server.http("GET", path).status == 200
    said.append(("presigned", server.http("GET", path[:-1] + "0").body))


def passwords(server, canaries, said):
    """Passwords where they belong and where they do not fit."""
    iam = server.iam()
    login, old, new = PASSWORDS
    for number, password in enumerate(PASSWORDS):
        canaries.add(f"password {number}", password)
        canaries.add(f"long password {number}", password * 20)
    for call, arguments in [
        (iam.create_login_profile, {"UserName": "ana", "Password": login}),
        (iam.create_login_profile, {"UserName": "ana", "Password": login * 20}),
        (iam.create_login_profile, {"UserName": "no!", "Password": login}),
        (iam.create_login_profile, {"UserName": "nobody", "Password": login}),
        (iam.update_login_profile, {"UserName": "ana", "Password": new}),
        (iam.update_login_profile, {"UserName": "ana", "Password": new * 20}),
        (iam.change_password, {"OldPassword": old, "NewPassword": new}),
        (iam.change_password, {"OldPassword": old * 20, "NewPassword": new * 20}),
    ]:
        try:
            said.append(("password", json.dumps(call(**arguments), default=str).encode()))
        except ClientError as error:
            said.append(("password", json.dumps(error.response, default=str).encode()))


def devices(server, canaries, said):
    """Seeds of devices, and codes rightly and wrongly shown."""
    iam = server.iam()
    answer = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")
    phone = Device.of(answer)
    canaries.add("seed", answer["VirtualMFADevice"]["Base32StringSeed"].decode())
    wrong = {**phone.pair(), "AuthenticationCode1": "000000"}
    failing(said, iam.enable_mfa_device, UserName="ana", **wrong)
    iam.enable_mfa_device(UserName="ana", **phone.pair())
    key = Keys.of(iam.create_access_key(UserName="ana"))
    canaries.add("ana's second key", key.secret_access_key)
    sts = server.sts(key)
    canaries.add("session with a code", Keys.of(sts.get_session_token(**phone.shown(1))).session_token)
    failing(said, sts.get_session_token, **phone.shown(1))
    failing(said, sts.get_session_token, SerialNumber=phone.serial, TokenCode="no code")
    for call in (iam.list_mfa_devices, iam.list_virtual_mfa_devices, iam.get_credential_report):
        iam.generate_credential_report()
        said.append(("devices", json.dumps(call(), default=str).encode()))
    seed = canaries.add("hardware seed", base64.b32encode(b"a seed of a token 20").decode())
    for line in (f"GAHT12345678,{seed}", f"GAHT12345678,{seed}", f"GAHT {seed}", f"GAHT,{seed}"):
        done = subprocess.run(
            [program(), "mfa", "import", "-", "--data", server.data, "-o", "json"],
            input=line, capture_output=True, text=True, timeout=30,
        )
        said.append(("import", (done.stdout + done.stderr).encode()))


def wrong_requests(server, canaries, said):
    """Secrets at places where a client in a hurry may put them, or where nothing is expected."""
    secret = server.admin.secret_access_key
    for method, path, body, headers in [
        ("POST", "/", f"Action=ChangePassword&NewPassword={PASSWORDS[0]}", FORM),
        ("POST", "/", f"Action=ChangePassword&Version=2010-05-08&OldPassword={PASSWORDS[0]}", FORM),
        ("POST", "/", f"{{\"password\":\"{PASSWORDS[0]}\"}}", {"Content-Type": "application/json"}),
        ("GET", f"/?Action=GetUser&Version=2010-05-08&X-Amz-Security-Token={PASSWORDS[1]}", None, {}),
        ("POST", "/", "Action=GetUser&Version=2010-05-08", {**FORM, "Authorization": f"Bearer {secret}"}),
        ("POST", "/", "Action=GetUser&Version=2010-05-08",
         {**FORM, "Authorization": "Basic " + base64.b64encode(f"x:{secret}".encode()).decode()}),
        ("POST", "/", "Action=GetUser&Version=2010-05-08", {
            **FORM,
            "X-Amz-Date": "20260101T000000Z",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={server.admin.access_key_id}/20260101/"
            f"eu-central-1/iam/aws4_request, SignedHeaders=host, Signature={secret}",
        }),
    ]:
        answer = server.http(method, path, body, headers)
        assert answer.status >= 400
        said.append((f"{method} {path[:20]}", answer.body))


def operator(server, canaries, said):
    """An account that is made while the server runs."""
    password = canaries.add("second root password", "Canary-second-root-9Ww!")
    done = subprocess.run(
        [program(), "account", "create", "--data", server.data, "--root-email", "b@example.com",
         "--root-password", password, "-o", "json"],
        capture_output=True, text=True, timeout=30,
    )
    assert done.returncode == 0, done.stderr
    canaries.add("second administrator's key", json.loads(done.stdout)["secret_access_key"])
    said.append(("operator", done.stderr.encode()))
    taken = subprocess.run(
        [program(), "account", "create", "--data", server.data, "--root-email", "b@example.com",
         "--root-password", password, "-o", "json"],
        capture_output=True, timeout=30,
    )
    assert taken.returncode == 1
    said.append(("operator", taken.stdout + taken.stderr))


def test_the_search_finds_what_is_there(life):
    _, canaries, _ = life
    for name, ways in canaries.known.items():
        for way in ways:
            assert name in canaries.found_in(b"before " + way + b" after"), name


def test_logs_hold_no_secret(life):
    folder, canaries, _ = life
    log = (folder / "log").read_bytes()
    assert log.count(b"\n") > 30 and b'"level":"DEBUG"' in log, "the log says everything"
    assert canaries.found_in(log) == []


def test_answers_hold_no_secret_of_a_request(life):
    _, canaries, said = life
    assert len(said) > 20
    for name, text in said:
        assert canaries.found_in(text) == [], (name, text)


def test_nothing_in_the_data_folder_is_readable(life):
    folder, canaries, _ = life
    files = [path for path in (folder / "data").rglob("*") if path.is_file()]
    assert any(path.stat().st_size > 10_000 for path in files), "the database is among them"
    for path in files:
        found = canaries.found_in(path.read_bytes())
        expected = ["master key"] if path.name == "master.key" else []
        assert found == expected, path
