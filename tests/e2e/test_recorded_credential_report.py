"""The credential report: states, columns and values as AWS gives them."""

import csv
import io

import pytest
from iamd import Server, advance_clock, create_user, refused
from totp import Device

COLUMNS = """
user arn user_creation_time password_enabled password_last_used password_last_changed
password_next_rotation mfa_active
access_key_1_active access_key_1_last_rotated access_key_1_last_used_date
access_key_1_last_used_region access_key_1_last_used_service
access_key_2_active access_key_2_last_rotated access_key_2_last_used_date
access_key_2_last_used_region access_key_2_last_used_service
cert_1_active cert_1_last_rotated cert_2_active cert_2_last_rotated
""".split()
FOUR_HOURS = 4 * 60 * 60


@pytest.fixture
def server(tmp_path):
    """A server of one's own: an account has one report."""
    with Server(data=tmp_path / "data") as server:
        yield server


def report(iam):
    """The rows of the report by user."""
    answer = iam.get_credential_report()
    assert answer["ReportFormat"] == "text/csv"
    reader = csv.DictReader(io.StringIO(answer["Content"].decode()))
    assert reader.fieldnames == COLUMNS
    return {row["user"]: row for row in reader}


def iso(time):
    """A time as the report writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_report_that_was_not_asked_for(iam):
    with refused("ReportNotPresent", status=410) as caught:
        iam.get_credential_report()
    # AWS sends no message; the client makes an empty one of that.
    assert not caught.value.response["Error"].get("Message")


def test_the_report_of_a_user_with_a_password_and_two_keys(server, iam):
    user = iam.create_user(UserName="ana")["User"]
    profile = iam.create_login_profile(UserName="ana", Password="Correct-horse-1")["LoginProfile"]
    # Made in one second: they stand in the order in which they were made.
    first = iam.create_access_key(UserName="ana")["AccessKey"]
    second = iam.create_access_key(UserName="ana")["AccessKey"]
    iam.update_access_key(
        UserName="ana", AccessKeyId=second["AccessKeyId"], Status="Inactive"
    )
    answer = iam.generate_credential_report()
    assert answer["State"] == "STARTED"
    assert answer["Description"] == "No report exists. Starting a new report generation task"
    answer = iam.generate_credential_report()
    assert answer["State"] == "COMPLETE" and "Description" not in answer
    rows = report(iam)
    assert list(rows) == ["<root_account>", "admin", "ana"]
    assert rows["ana"] == {
        "user": "ana",
        "arn": user["Arn"],
        "user_creation_time": iso(user["CreateDate"]),
        "password_enabled": "true",
        "password_last_used": "no_information",
        "password_last_changed": iso(profile["CreateDate"]),
        "password_next_rotation": "N/A",
        "mfa_active": "false",
        "access_key_1_active": "true",
        "access_key_1_last_rotated": iso(first["CreateDate"]),
        "access_key_1_last_used_date": "N/A",
        "access_key_1_last_used_region": "N/A",
        "access_key_1_last_used_service": "N/A",
        "access_key_2_active": "false",
        "access_key_2_last_rotated": iso(second["CreateDate"]),
        "access_key_2_last_used_date": "N/A",
        "access_key_2_last_used_region": "N/A",
        "access_key_2_last_used_service": "N/A",
        "cert_1_active": "false",
        "cert_1_last_rotated": "N/A",
        "cert_2_active": "false",
        "cert_2_last_rotated": "N/A",
    }
    root = rows["<root_account>"]
    assert root["arn"] == f"arn:aws:iam::{server.account}:root"
    assert (root["password_enabled"], root["password_next_rotation"]) == ("true", "not_supported")
    admin = rows["admin"]
    assert (admin["password_enabled"], admin["password_last_used"]) == ("false", "N/A")
    assert (admin["access_key_1_active"], admin["access_key_1_last_used_service"]) == ("true", "iam")


def test_a_report_is_kept_for_four_hours(server, iam):
    iam.generate_credential_report()
    generated = iam.get_credential_report()["GeneratedTime"]
    _, keys = create_user(server, "ana")
    server.sts(keys).get_caller_identity()
    device = Device.of(iam.create_virtual_mfa_device(VirtualMFADeviceName="phone"))
    iam.enable_mfa_device(UserName="ana", **device.pair())
    iam.update_account_password_policy(MaxPasswordAge=30)
    iam.create_login_profile(UserName="ana", Password="Correct-horse-1")
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    assert "ana" not in report(iam)
    # The clock moves on, and requests are signed by it.
    with moved(server, FOUR_HOURS):
        with refused("ReportExpired", status=410):
            iam.get_credential_report()
        assert iam.generate_credential_report()["State"] == "STARTED"
        assert iam.get_credential_report()["GeneratedTime"] > generated
        ana = report(iam)["ana"]
    assert ana["mfa_active"] == "true"
    assert ana["access_key_1_last_used_service"] == "sts"
    assert ana["access_key_1_last_used_region"] == "eu-central-1"
    assert ana["password_next_rotation"] > ana["password_last_changed"]


class moved:
    """Lets the server's time, and that of botocore's signer, be another."""

    def __init__(self, server, seconds):
        self.server, self.seconds = server, seconds

    def __enter__(self):
        import datetime

        import botocore.auth

        self.module, self.original = botocore.auth, botocore.auth.get_current_datetime
        ahead = datetime.timedelta(seconds=self.seconds)
        botocore.auth.get_current_datetime = lambda *args, **more: (
            self.original(*args, **more) + ahead
        )
        advance_clock(self.server, self.seconds)

    def __exit__(self, *_):
        self.module.get_current_datetime = self.original
        advance_clock(self.server, -self.seconds)
