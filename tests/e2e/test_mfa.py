"""MFA devices: whose they are, when their codes count, and what they open."""

import base64
import concurrent.futures
import json
import os
import stat
import struct
import zlib

import boto3
import pytest
from iamd import (
    Keys, Server, allow, create_user, denied, document, refused, run, trust, unique,
)
from totp import Device

WRONG_CODES = "Authentication code for device is not valid."
WRONG_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
NOT_HIS = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  "
    "Please verify your MFA serial number is valid and associated with this user."
)


@pytest.fixture
def user(server):
    """A user who may do everything, and his keys."""
    return create_user(server, statements=[allow("*")])


@pytest.fixture
def name(user):
    """His name."""
    return user[0]["UserName"]


@pytest.fixture
def sts(server, user):
    """His STS client."""
    return server.sts(user[1])


@pytest.fixture
def device(iam):
    """A virtual device that is nobody's."""
    return Device.of(iam.create_virtual_mfa_device(VirtualMFADeviceName=unique("phone")))


@pytest.fixture
def phone(server, iam, device, name):
    """His device, enabled a while ago."""
    iam.enable_mfa_device(UserName=name, **device.pair(-3))
    iam.resync_mfa_device(UserName=name, **device.pair(-1))
    return device


def test_a_device_becomes_a_users_and_is_given_back(iam, device, name):
    with refused("InvalidAuthenticationCode", WRONG_CODES, 403):
        codes = device.pair()
        iam.enable_mfa_device(
            UserName=name, **{**codes, "AuthenticationCode2": codes["AuthenticationCode1"]}
        )
    with refused("NoSuchEntity", status=404):
        iam.enable_mfa_device(UserName=name, **{**device.pair(), "SerialNumber": "GAHT00000000"})
    iam.enable_mfa_device(UserName=name, **device.pair())
    with refused("EntityAlreadyExists", status=409):
        iam.enable_mfa_device(UserName=name, **device.pair(2))
    answer = iam.list_mfa_devices(UserName=name)
    assert answer["IsTruncated"] is False
    listed, = answer["MFADevices"]
    assert listed.keys() == {"UserName", "SerialNumber", "EnableDate"}
    assert (listed["UserName"], listed["SerialNumber"]) == (name, device.serial)
    shown = iam.get_mfa_device(UserName=name, SerialNumber=device.serial)
    assert {key: shown[key] for key in listed} == listed
    with refused("DeleteConflict", status=409):
        iam.delete_virtual_mfa_device(SerialNumber=device.serial)
    new = unique("renamed")
    iam.update_user(UserName=name, NewUserName=new)
    assert iam.list_mfa_devices(UserName=new)["MFADevices"] == [{**listed, "UserName": new}]
    iam.deactivate_mfa_device(UserName=new, SerialNumber=device.serial)
    with refused("NoSuchEntity", status=404):
        iam.deactivate_mfa_device(UserName=new, SerialNumber=device.serial)
    iam.delete_virtual_mfa_device(SerialNumber=device.serial)


def test_a_qr_code_is_an_image(iam):
    answer = iam.create_virtual_mfa_device(
        VirtualMFADeviceName=unique("phone"), Path="/x/", Tags=[{"Key": "k", "Value": "v"}]
    )["VirtualMFADevice"]
    assert answer.keys() == {"SerialNumber", "Base32StringSeed", "QRCodePNG", "Tags"}
    assert len(base64.b32decode(answer["Base32StringSeed"])) == 40
    image = answer["QRCodePNG"]
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    kinds, place = [], 8
    while place < len(image):
        length, kind = struct.unpack(">I4s", image[place : place + 8])
        content = image[place + 8 : place + 8 + length]
        crc, = struct.unpack(">I", image[place + 8 + length : place + 12 + length])
        assert zlib.crc32(kind + content) == crc
        kinds.append(kind)
        place += 12 + length
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND"


def test_virtual_devices_are_listed_by_their_state(server, iam, device, user, name):
    def listed(**request):
        devices, marker = [], {}
        while True:
            answer = iam.list_virtual_mfa_devices(**request, **marker)
            devices += answer["VirtualMFADevices"]
            if not answer["IsTruncated"]:
                return {one["SerialNumber"]: one for one in devices}
            marker = {"Marker": answer["Marker"]}

    assert listed()[device.serial] == {"SerialNumber": device.serial}
    assert device.serial in listed(AssignmentStatus="Unassigned", MaxItems=1)
    assert device.serial not in listed(AssignmentStatus="Assigned")
    iam.enable_mfa_device(UserName=name, **device.pair())
    shown = listed(AssignmentStatus="Assigned", MaxItems=1)[device.serial]
    assert shown.keys() == {"SerialNumber", "User", "EnableDate"}
    assert shown["User"] == iam.get_user(UserName=name)["User"]
    assert device.serial not in listed(AssignmentStatus="Unassigned")


def test_tags_of_a_device(iam, device):
    serial = {"SerialNumber": device.serial}
    tags = [{"Key": "a", "Value": "1"}, {"Key": "B", "Value": "2"}]
    iam.tag_mfa_device(**serial, Tags=tags)
    assert iam.list_mfa_device_tags(**serial)["Tags"] == tags[::-1]
    iam.untag_mfa_device(**serial, TagKeys=["a"])
    assert iam.list_mfa_device_tags(**serial)["Tags"] == tags[1:]


def test_a_code_opens_a_session_once(server, phone, sts):
    shown = phone.shown(1)
    session = Keys.of(sts.get_session_token(**shown))
    server.iam(session).list_users()
    for _ in range(2):
        with denied(WRONG_CODE):
            sts.get_session_token(**shown)
    # Codes before the one that was used are as good as used.
    with denied(WRONG_CODE):
        sts.get_session_token(**phone.shown())


def test_a_used_code_stays_used_after_a_crash(tmp_path):
    with Server(data=tmp_path / "data") as first:
        user, keys = create_user(first, statements=[allow("*")])
        iam = first.iam()
        phone = Device.of(iam.create_virtual_mfa_device(VirtualMFADeviceName="phone"))
        iam.enable_mfa_device(UserName=user["UserName"], **phone.pair(-1))
        shown = phone.shown(1)
        first.sts(keys).get_session_token(**shown)
        admin = first.admin
        first.kill()
    with Server(data=tmp_path / "data", admin=admin) as second:
        with denied(WRONG_CODE):
            second.sts(keys).get_session_token(**shown)


def test_codes_of_another_time_or_form_are_none(server, phone, sts):
    for steps in (-3, -2, 3, 60):
        with denied(WRONG_CODE):
            sts.get_session_token(**phone.shown(steps))
    code = phone.shown(1)["TokenCode"]
    wide = "".join(chr(ord(digit) - 0x30 + 0xFF10) for digit in code)
    for variant in (
        f" {code}", f"{code} ", f"{code[:3]} {code[3:]}", f"+{code}", f"0{code}", code[:5], wide,
        f"{code}\n", f"{code}\0", "",
    ):
        with refused("ValidationError", status=400):
            sts.get_session_token(SerialNumber=phone.serial, TokenCode=variant)
    sts.get_session_token(SerialNumber=phone.serial, TokenCode=code)


def test_parameters_that_do_not_go_together(server, phone, sts):
    message = (
        "MultiFactorAuthentication failed, "
        "must provide both MFA serial number and one time pass code."
    )
    for part in ({"SerialNumber": phone.serial}, {"TokenCode": "123456"}):
        with denied(message):
            sts.get_session_token(**part)
    with denied(NOT_HIS):
        sts.get_session_token(SerialNumber=phone.serial + "x", TokenCode="123456")
    _, other = create_user(server, statements=[allow("*")])
    with denied(NOT_HIS):
        server.sts(other).get_session_token(**phone.shown(1))


def test_guessing_codes_comes_to_an_end(server, phone, user, sts):
    right = phone.shown(1)
    for _ in range(10):
        with denied(WRONG_CODE):
            sts.get_session_token(SerialNumber=phone.serial, TokenCode="000000")
    with refused("Throttling", "Rate exceeded", 400):
        sts.get_session_token(**right)
    # No other operation is a way round, and nobody else is concerned.
    role = {"RoleArn": f"arn:aws:iam::{server.account}:role/r", "RoleSessionName": "work"}
    with refused("Throttling", status=400):
        sts.assume_role(**role, **right)
    with refused("Throttling", status=400):
        server.iam().resync_mfa_device(UserName=user[0]["UserName"], **phone.pair(3))
    sts.get_session_token()
    server.sts().get_session_token()


def test_many_guesses_at_once_gain_nothing(server, phone, sts):
    def guess(number):
        try:
            sts.get_session_token(SerialNumber=phone.serial, TokenCode=f"{number:06}")
            return None
        except sts.exceptions.ClientError as error:
            return error.response["Error"]["Code"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(40)))
    assert answers.count("AccessDenied") <= 10
    assert answers.count("Throttling") >= 30 - answers.count(None)


def test_mfa_is_a_fact_of_conditions(server, iam, phone, user, sts):
    name = user[0]["UserName"]
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    recent = {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}
    iam.put_user_policy(
        UserName=name,
        PolicyName="inline",
        PolicyDocument=document(
            allow("iam:ListUsers", Condition={**condition, **recent}), allow("sts:AssumeRole")
        ),
    )
    arn = user[0]["Arn"]
    role = iam.create_role(
        RoleName=unique("role"),
        AssumeRolePolicyDocument=trust({"AWS": arn}, Condition={**condition, **recent}),
    )["Role"]["Arn"]
    with denied():
        server.iam(user[1]).list_users()
    with denied():
        sts.assume_role(RoleArn=role, RoleSessionName="work")
    # A code that is shown to the role is a fact of this one decision.
    sts.assume_role(RoleArn=role, RoleSessionName="work", **phone.shown(0))
    with denied():
        sts.assume_role(RoleArn=role, RoleSessionName="work")
    # One that a session was made with is a fact of the session.
    session = Keys.of(sts.get_session_token(**phone.shown(1)))
    server.iam(session).list_users()
    server.sts(session).assume_role(RoleArn=role, RoleSessionName="work")


def test_a_profile_with_mfa_serial_works_unchanged(server, iam, phone, user, tmp_path, monkeypatch):
    """What everybody has in ~/.aws/config: role_arn, source_profile and mfa_serial."""
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    role = iam.create_role(
        RoleName=unique("role"),
        AssumeRolePolicyDocument=trust({"AWS": user[0]["Arn"]}, Condition=condition),
    )["Role"]
    config = tmp_path / "config"
    config.write_text(
        f"[profile base]\naws_access_key_id = {user[1].access_key_id}\n"
        f"aws_secret_access_key = {user[1].secret_access_key}\n"
        f"[profile work]\nrole_arn = {role['Arn']}\nsource_profile = base\n"
        f"mfa_serial = {phone.serial}\nregion = eu-central-1\n"
        f"endpoint_url = {server.endpoint}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    session = boto3.session.Session(profile_name="work")
    resolver = session._session.get_component("credential_provider")
    asked = []

    def prompt(text):
        asked.append(text)
        return phone.shown(1)["TokenCode"]

    resolver.get_provider("assume-role")._prompter = prompt
    identity = session.client("sts").get_caller_identity()
    assert f":assumed-role/{role['RoleName']}/" in identity["Arn"]
    assert len(asked) == 1 and phone.serial in asked[0]


def test_a_clock_that_drifts_is_found_out(server, iam, device, name, sts):
    # Enabled with codes of half an hour ago: associated, and out of sync.
    iam.enable_mfa_device(UserName=name, **device.pair(-60))
    with denied(WRONG_CODE):
        sts.get_session_token(**device.shown())
    sts.get_session_token(**device.shown(-59))
    for far in (-130, 130):
        with refused("InvalidAuthenticationCode", WRONG_CODES, 403):
            iam.resync_mfa_device(UserName=name, **device.pair(far))
    iam.resync_mfa_device(UserName=name, **device.pair())
    sts.get_session_token(**device.shown(1))


def test_a_user_has_eight_devices(server, iam, name):
    for number in range(9):
        device = Device.of(iam.create_virtual_mfa_device(VirtualMFADeviceName=unique("phone")))
        if number < 8:
            iam.enable_mfa_device(UserName=name, **device.pair())
    with refused("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8", 409):
        iam.enable_mfa_device(UserName=name, **device.pair())
    assert len(iam.list_mfa_devices(UserName=name, MaxItems=5)["MFADevices"]) == 5
    assert len(iam.list_mfa_devices(UserName=name)["MFADevices"]) == 8


def test_a_user_with_a_device_is_not_deleted(iam):
    name = unique("user")
    iam.create_user(UserName=name)
    device = Device.of(iam.create_virtual_mfa_device(VirtualMFADeviceName=unique("phone")))
    iam.enable_mfa_device(UserName=name, **device.pair())
    message = "Cannot delete entity, must delete MFA device first."
    with refused("DeleteConflict", message, 409):
        iam.delete_user(UserName=name)
    iam.deactivate_mfa_device(UserName=name, SerialNumber=device.serial)
    iam.delete_user(UserName=name)


def test_the_summary_counts_devices(iam, device, name):
    before = iam.get_account_summary()["SummaryMap"]
    iam.enable_mfa_device(UserName=name, **device.pair())
    Device.of(iam.create_virtual_mfa_device(VirtualMFADeviceName=unique("phone")))
    after = iam.get_account_summary()["SummaryMap"]
    changed = {key: after[key] - before[key] for key in after if after[key] != before[key]}
    assert changed == {"MFADevices": 1, "MFADevicesInUse": 1}


def test_roots_device(tmp_path):
    keys = ("AKIAROOTROOTROOTROOT", "r" * 40)
    arguments = ("--access-key-id", keys[0], "--secret-access-key", keys[1])
    with Server(*arguments) as server:
        root = server.iam()
        device = Device.of(root.create_virtual_mfa_device(VirtualMFADeviceName="root-account-mfa"))
        root.enable_mfa_device(UserName=server.account, **device.pair())
        assert root.get_account_summary()["SummaryMap"]["AccountMFAEnabled"] == 1
        listed, = root.list_mfa_devices()["MFADevices"]
        assert listed["SerialNumber"] == device.serial
        shown, = root.list_virtual_mfa_devices()["VirtualMFADevices"]
        assert shown["User"]["Arn"] == f"arn:aws:iam::{server.account}:root"
        # Root has no API protected by MFA.
        with denied(NOT_HIS):
            server.sts().get_session_token(**device.shown(1))
        root.deactivate_mfa_device(SerialNumber=device.serial)
        assert root.get_account_summary()["SummaryMap"]["AccountMFAEnabled"] == 0


HARDWARE_SEED = base64.b32encode(b"12345678901234567890").decode()


def test_hardware_tokens_come_from_a_file(tmp_path):
    folder = tmp_path / "data"
    file = tmp_path / "tokens.csv"
    file.write_text(f"# serial, seed\nGAHT12345678,{HARDWARE_SEED}\nGAHT87654321, {HARDWARE_SEED}\n")
    with Server(data=folder) as server:
        done = run("mfa", "import", file, "--data", folder, "-o", "json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"account_id": server.account, "imported": 2}
        again = run("mfa", "import", file, "--data", folder)
        assert again.returncode == 1 and "`GAHT12345678` is known already" in again.stderr
        user, keys = create_user(server, statements=[allow("*")])
        token = Device("GAHT12345678", HARDWARE_SEED)
        iam = server.iam()
        iam.enable_mfa_device(UserName=user["UserName"], **token.pair())
        server.sts(keys).get_session_token(**token.shown(1))
        listed, = iam.list_mfa_devices(UserName=user["UserName"])["MFADevices"]
        assert listed["SerialNumber"] == "GAHT12345678"
        assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
        admin = server.admin
    # The seed is nowhere to be read.
    for path in folder.rglob("*"):
        if stat.S_ISREG(os.stat(path).st_mode):
            assert HARDWARE_SEED.encode() not in path.read_bytes(), path
    with Server(data=folder, admin=admin) as server:
        assert server.iam().list_mfa_devices(UserName=user["UserName"])["MFADevices"] == [listed]


def test_a_file_that_cannot_be_taken_is_named_and_not_shown(tmp_path):
    folder, file = tmp_path / "data", tmp_path / "tokens.csv"
    with Server(data=folder):
        for content, complaint in [
            (f"GAHT12345678 {HARDWARE_SEED}\n", "line 1 is not a serial number, a comma and a seed"),
            (f"short,{HARDWARE_SEED}\n", "the serial number `short`"),
            (f"GAHT12345678,{HARDWARE_SEED[:8]}\n", "has no seed of 16 to 64 bytes in Base32"),
        ]:
            file.write_text(content)
            done = run("mfa", "import", file, "--data", folder)
            assert done.returncode == 1
            assert complaint in done.stderr and HARDWARE_SEED[:8] not in done.stderr
    assert run("mfa", "import", tmp_path / "none", "--data", folder).returncode == 1
