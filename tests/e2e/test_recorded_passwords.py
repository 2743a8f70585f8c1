"""Answers about passwords and the rules for them: members and wording as AWS gives them."""

import pytest
from iamd import refused, unique

PROFILE = {"UserName", "CreateDate", "PasswordResetRequired"}
PASSWORD = "Correct-horse-1"


@pytest.fixture
def no_policy(iam):
    """An account without rules of its own, before and after."""
    clear(iam)
    yield
    clear(iam)


def clear(iam):
    """Takes the rules away, whether there are any or not."""
    try:
        iam.delete_account_password_policy()
    except iam.exceptions.NoSuchEntityException:
        pass


@pytest.fixture
def user(iam):
    """The name of a user without a password."""
    return iam.create_user(UserName=unique("user"))["User"]["UserName"]


def test_a_policy_that_is_not_there(server, iam, no_policy):
    message = f"The Password Policy with domain name {server.account} cannot be found."
    with refused("NoSuchEntity", message, 404):
        iam.get_account_password_policy()
    message = "The account policy with name PasswordPolicy cannot be found."
    with refused("NoSuchEntity", message, 404):
        iam.delete_account_password_policy()
    iam.update_account_password_policy()
    iam.delete_account_password_policy()
    message = f"The Password Policy with domain name {server.account} cannot be found."
    with refused("NoSuchEntity", message, 404):
        iam.get_account_password_policy()


def test_a_policy_of_defaults_shows_seven_members(iam, no_policy):
    iam.update_account_password_policy()
    assert iam.get_account_password_policy()["PasswordPolicy"] == {
        "AllowUsersToChangePassword": False,
        "ExpirePasswords": False,
        "MinimumPasswordLength": 6,
        "RequireLowercaseCharacters": False,
        "RequireNumbers": False,
        "RequireSymbols": False,
        "RequireUppercaseCharacters": False,
    }


def test_a_policy_shows_all_that_was_set(iam, no_policy):
    custom = {
        "AllowUsersToChangePassword": True,
        "HardExpiry": True,
        "MaxPasswordAge": 60,
        "MinimumPasswordLength": 10,
        "PasswordReusePrevention": 3,
        "RequireLowercaseCharacters": True,
        "RequireNumbers": True,
        "RequireSymbols": True,
        "RequireUppercaseCharacters": True,
    }
    iam.update_account_password_policy(**custom)
    shown = iam.get_account_password_policy()["PasswordPolicy"]
    assert shown == {**custom, "ExpirePasswords": True}


def test_all_values_out_of_range_are_named_in_aws_order(iam, no_policy):
    message = (
        "3 validation errors detected: "
        "Value at 'minimumPasswordLength' failed to satisfy constraint: "
        "Member must have value less than or equal to 128; "
        "Value at 'passwordReusePrevention' failed to satisfy constraint: "
        "Member must have value less than or equal to 24; "
        "Value at 'maxPasswordAge' failed to satisfy constraint: "
        "Member must have value less than or equal to 1095"
    )
    with refused("ValidationError", message, 400):
        iam.update_account_password_policy(
            MinimumPasswordLength=256, PasswordReusePrevention=50, MaxPasswordAge=2000
        )


def test_a_login_profile_lives_from_creation_to_deletion(iam, user):
    created = iam.create_login_profile(UserName=user, Password=PASSWORD)["LoginProfile"]
    assert created.keys() == PROFILE
    assert (created["UserName"], created["PasswordResetRequired"]) == (user, False)
    assert iam.get_login_profile(UserName=user)["LoginProfile"] == created
    iam.update_login_profile(UserName=user, PasswordResetRequired=True)
    updated = iam.get_login_profile(UserName=user)["LoginProfile"]
    assert updated == {**created, "PasswordResetRequired": True}
    iam.delete_login_profile(UserName=user)
    with refused("NoSuchEntity", f"Login Profile for User {user} cannot be found.", 404):
        iam.get_login_profile(UserName=user)


def test_login_profile_errors(iam, user):
    message = "The user with name nonexistent-user cannot be found."
    with refused("NoSuchEntity", message, 404):
        iam.create_login_profile(UserName="nonexistent-user", Password=PASSWORD)
    with refused("NoSuchEntity", message, 404):
        iam.delete_login_profile(UserName="nonexistent-user")
    with refused("NoSuchEntity", f"Login Profile for User {user} cannot be found.", 404):
        iam.delete_login_profile(UserName=user)
    iam.create_login_profile(UserName=user, Password=PASSWORD)
    with refused("EntityAlreadyExists", f"Login Profile for user {user} already exists.", 409):
        iam.create_login_profile(UserName=user, Password=PASSWORD)


def test_a_login_profile_follows_a_new_name(iam, user):
    iam.create_login_profile(UserName=user, Password=PASSWORD)
    before = iam.get_login_profile(UserName=user)["LoginProfile"]
    new = unique("renamed")
    iam.update_user(UserName=user, NewUserName=new)
    assert iam.get_login_profile(UserName=new)["LoginProfile"] == {**before, "UserName": new}
    with refused("NoSuchEntity", status=404):
        iam.get_login_profile(UserName=user)
