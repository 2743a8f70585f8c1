"""Passwords as users and administrators set them, and the rules that they meet."""

import concurrent.futures

import pytest
from iamd import (
    Keys, Server, advance_clock, allow, create_user, denied, refused, trust, unique,
)

OLD, NEW, OTHER = "Correct-horse-1", "Battery-staple-2", "Another-one-3"
VIOLATION = "Password does not conform to the account password policy."
MISMATCH = "The old password was incorrect"


@pytest.fixture
def server(tmp_path):
    """A server of one's own: the rules are the account's, and the clock is moved."""
    with Server(data=tmp_path / "data") as server:
        yield server


@pytest.fixture
def ana(server):
    """A user with a password who may change it, and an IAM client of hers."""
    user, keys = create_user(server, "ana", [allow("iam:ChangePassword")])
    server.iam().create_login_profile(UserName="ana", Password=OLD)
    return server.iam(keys)


def test_a_user_changes_her_password_with_the_old_one(iam, ana):
    with denied(MISMATCH):
        ana.change_password(OldPassword=NEW, NewPassword=NEW)
    ana.change_password(OldPassword=OLD, NewPassword=NEW)
    with denied(MISMATCH):
        ana.change_password(OldPassword=OLD, NewPassword=OTHER)
    # An administrator needs no old one.
    iam.update_login_profile(UserName="ana", Password=OTHER)
    with denied(MISMATCH):
        ana.change_password(OldPassword=NEW, NewPassword=OLD)
    ana.change_password(OldPassword=OTHER, NewPassword=OLD)


def test_a_password_survives_the_end_of_the_process(tmp_path):
    with Server(data=tmp_path / "data") as first:
        _, keys = create_user(first, "ana", [allow("iam:ChangePassword")])
        first.iam().create_login_profile(UserName="ana", Password=OLD)
        admin = first.admin
    with Server(data=tmp_path / "data", admin=admin) as second:
        ana = second.iam(keys)
        with denied(MISMATCH):
            ana.change_password(OldPassword=NEW, NewPassword=NEW)
        ana.change_password(OldPassword=OLD, NewPassword=NEW)


def test_only_whom_it_is_allowed(server, iam, ana):
    _, keys = create_user(server, "bob")
    iam.create_login_profile(UserName="bob", Password=OLD)
    bob = server.iam(keys)
    with denied():
        bob.change_password(OldPassword=OLD, NewPassword=NEW)
    iam.update_account_password_policy(AllowUsersToChangePassword=True)
    bob.change_password(OldPassword=OLD, NewPassword=NEW)
    assert bob.get_account_password_policy()["PasswordPolicy"]["AllowUsersToChangePassword"]
    with denied():
        bob.update_login_profile(UserName="bob", Password=OTHER)
    with denied():
        bob.create_login_profile(UserName="carl", Password=OTHER)
    iam.update_account_password_policy()
    with denied():
        bob.change_password(OldPassword=NEW, NewPassword=OTHER)


def test_who_is_no_user_has_no_password(server, iam):
    role = iam.create_role(
        RoleName="r", AssumeRolePolicyDocument=trust({"AWS": server.account})
    )["Role"]
    iam.attach_role_policy(
        RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    session = Keys.of(server.sts().assume_role(RoleArn=role["Arn"], RoleSessionName="work"))
    with refused("InvalidUserType", status=400):
        server.iam(session).change_password(OldPassword=OLD, NewPassword=NEW)
    with refused("ValidationError", status=400):
        server.iam(session).get_login_profile()


def test_rules_bite_at_the_next_change(iam, ana):
    iam.update_account_password_policy(MinimumPasswordLength=15, RequireSymbols=True)
    with refused("PasswordPolicyViolation", VIOLATION, 400):
        ana.change_password(OldPassword=OLD, NewPassword="Short-enough-1")
    with refused("PasswordPolicyViolation", VIOLATION, 400):
        iam.update_login_profile(UserName="ana", Password="Long1enough1but1plain")
    ana.change_password(OldPassword=OLD, NewPassword="Long-enough-and-symbols")
    iam.delete_account_password_policy()
    # The rules of AWS hold where the account has none.
    for password in ("Hunter2", "hunter22", "HUNTER!!", "root@example.com"):
        with refused("PasswordPolicyViolation", VIOLATION, 400):
            iam.update_login_profile(UserName="ana", Password=password)


def test_the_last_passwords_are_not_used_again(iam, ana):
    iam.update_account_password_policy(PasswordReusePrevention=2)
    for old, refused_one in ((OLD, OLD), (OLD, OLD)):
        with refused("PasswordPolicyViolation", VIOLATION, 400):
            ana.change_password(OldPassword=old, NewPassword=refused_one)
    ana.change_password(OldPassword=OLD, NewPassword=NEW)
    with refused("PasswordPolicyViolation", VIOLATION, 400):
        ana.change_password(OldPassword=NEW, NewPassword=OLD)
    ana.change_password(OldPassword=NEW, NewPassword=OTHER)
    ana.change_password(OldPassword=OTHER, NewPassword=OLD)


def test_an_expired_password_blocks_no_key(server, iam, ana):
    iam.update_account_password_policy(MaxPasswordAge=1, HardExpiry=True)
    advance_clock(server, 600)
    ana.change_password(OldPassword=OLD, NewPassword=NEW)


def test_wrong_guesses_are_counted_and_come_to_an_end(server, iam, ana):
    for _ in range(10):
        with denied(MISMATCH):
            ana.change_password(OldPassword="Wrong-guess-1", NewPassword=NEW)
    # Now the right one is not even looked at.
    with refused("Throttling", "Rate exceeded", 400):
        ana.change_password(OldPassword=OLD, NewPassword=NEW)
    # Others are not concerned, and neither is what an administrator does.
    _, keys = create_user(server, "bob", [allow("iam:ChangePassword")])
    iam.create_login_profile(UserName="bob", Password=OLD)
    server.iam(keys).change_password(OldPassword=OLD, NewPassword=NEW)
    iam.update_login_profile(UserName="ana", PasswordResetRequired=True)


def test_of_two_changes_at_once_one_wins(server, iam, ana):
    passwords = [f"Correct-horse-{number}" for number in range(2, 8)]

    def change(password):
        try:
            ana.change_password(OldPassword=OLD, NewPassword=password)
            return password
        except ana.exceptions.ClientError as error:
            # Who was late has verified a password that was no longer the one.
            assert error.response["Error"]["Code"] in (
                "AccessDenied", "EntityTemporarilyUnmodifiable",
            )
            return None

    with concurrent.futures.ThreadPoolExecutor(len(passwords)) as pool:
        winners = [password for password in pool.map(change, passwords) if password]
    assert len(winners) == 1
    ana.change_password(OldPassword=winners[0], NewPassword=NEW)


def test_a_user_with_a_password_is_not_deleted(iam):
    name = unique("user")
    iam.create_user(UserName=name)
    iam.create_login_profile(UserName=name, Password=OLD)
    message = "Cannot delete entity, must delete login profile first."
    with refused("DeleteConflict", message, 409):
        iam.delete_user(UserName=name)
    iam.delete_login_profile(UserName=name)
    iam.delete_user(UserName=name)
