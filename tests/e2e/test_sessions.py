"""Temporary credentials: what they may do, what they carry, and when they end."""

from datetime import datetime, timedelta, timezone

from iamd import (
    Keys,
    Server,
    allow,
    create_user,
    denied,
    deny,
    document,
    eventually,
    explicit_deny,
    no_policy,
    refused,
    trust,
    unique,
)
from wire import assert_error, assert_identity, iam_body, identity_body, post, sts_body

SECOND = timedelta(seconds=5)


class Role:
    """A role and what a test needs of it."""

    def __init__(self, server, principal=None, trust_policy=None, statements=(), **more):
        self.server, self.iam = server, server.iam()
        principal = principal or {"AWS": server.account}
        self.created = self.iam.create_role(
            RoleName=more.pop("RoleName", unique("role")),
            AssumeRolePolicyDocument=trust_policy or trust(principal),
            **more,
        )["Role"]
        self.name, self.arn = self.created["RoleName"], self.created["Arn"]
        if statements:
            self.allow(*statements)

    def allow(self, *statements):
        """Replaces the role's only policy."""
        self.iam.put_role_policy(
            RoleName=self.name, PolicyName="inline", PolicyDocument=document(*statements)
        )

    def trust(self, policy):
        """Replaces the trust policy."""
        self.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=policy)

    def assume(self, sts=None, name="session", **more):
        """A session; by the administrator unless told otherwise."""
        sts = sts or self.server.sts()
        return sts.assume_role(RoleArn=self.arn, RoleSessionName=name, **more)

    def delete(self):
        """Deletes the role and its policy."""
        for policy in self.iam.list_role_policies(RoleName=self.name)["PolicyNames"]:
            self.iam.delete_role_policy(RoleName=self.name, PolicyName=policy)
        self.iam.delete_role(RoleName=self.name)

    @property
    def session_arn(self):
        return f"arn:aws:sts::{self.server.account}:assumed-role/{self.name}/session"


def lifetime(answer):
    return answer["Credentials"]["Expiration"] - datetime.now(timezone.utc)


def test_a_session_shows_who_it_is(server):
    role = Role(server, Path="/deep/path/")
    answer = role.assume()
    assert answer["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role.created['RoleId']}:session",
        "Arn": role.session_arn,
    }
    assert "PackedPolicySize" not in answer
    credentials = answer["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert len(credentials["SecretAccessKey"]) == 40
    assert abs(lifetime(answer) - timedelta(hours=1)) < SECOND
    identity = server.sts(Keys.of(answer)).get_caller_identity()
    assert identity["Arn"] == role.session_arn
    assert identity["UserId"] == f"{role.created['RoleId']}:session"
    assert identity["Account"] == server.account


def test_a_session_may_do_what_its_role_may(server):
    role = Role(server, statements=[allow("iam:ListUsers")])
    session = server.iam(Keys.of(role.assume()))
    session.list_users()
    shown = f"arn:aws:iam::{server.account}:group/"
    with denied(no_policy(role.session_arn, "iam:ListGroups", shown)):
        session.list_groups()
    # Policies act on sessions that are under way.
    role.allow(allow("iam:ListGroups"))
    session.list_groups()
    with denied():
        session.list_users()


def test_a_session_policy_only_narrows(server):
    role = Role(server, statements=[allow(["iam:ListUsers", "iam:ListGroups"])])
    narrow = document(allow(["iam:ListUsers", "iam:ListRoles"]))
    answer = role.assume(Policy=narrow)
    assert 0 < answer["PackedPolicySize"] <= 100
    session = server.iam(Keys.of(answer))
    session.list_users()
    shown = f"arn:aws:iam::{server.account}:group/"
    with denied(no_policy(role.session_arn, "iam:ListGroups", shown, "session policy")):
        session.list_groups()
    with denied():
        session.list_roles()


def test_managed_session_policies_narrow_as_inline_ones_do(server, iam):
    role = Role(server, statements=[allow(["iam:ListUsers", "iam:ListGroups"])])
    policy = iam.create_policy(
        PolicyName=unique("policy"), PolicyDocument=document(allow("iam:ListUsers"))
    )["Policy"]["Arn"]
    session = server.iam(Keys.of(role.assume(PolicyArns=[{"arn": policy}])))
    session.list_users()
    with denied():
        session.list_groups()
    both = role.assume(
        PolicyArns=[{"arn": policy}], Policy=document(allow("iam:ListGroups"))
    )
    session = server.iam(Keys.of(both))
    session.list_users()
    session.list_groups()


def test_session_policies_must_be_policies_and_fit(server):
    role = Role(server)
    with refused("MalformedPolicyDocument", status=400):
        role.assume(Policy="{")
    absent = f"arn:aws:iam::{server.account}:policy/{unique('absent')}"
    with refused("MalformedPolicyDocument", status=400):
        role.assume(PolicyArns=[{"arn": absent}])
    large = document(*[allow("s3:GetObject", f"arn:aws:s3:::{'b' * 60}{n}/*") for n in range(20)])
    assert len(large) > 2048
    with refused("PackedPolicyTooLarge", status=400):
        role.assume(Policy=large)


def test_external_id(server):
    condition = {"StringEquals": {"sts:ExternalId": "deal-42"}}
    role = Role(server, trust_policy=trust({"AWS": server.account}, Condition=condition))
    role.assume(ExternalId="deal-42")
    caller = server.sts().get_caller_identity()["Arn"]
    text = (
        f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role.arn} "
        "because no role trust policy allows the sts:AssumeRole action"
    )
    with denied(text):
        role.assume()
    with denied(text):
        role.assume(ExternalId="deal-43")


def test_trust_in_the_account_needs_an_identity_policy_and_trust_in_the_user_does_not(server):
    user, keys = create_user(server)
    sts = server.sts(keys)
    account_role = Role(server)
    with denied(no_policy(user["Arn"], "sts:AssumeRole", account_role.arn)):
        account_role.assume(sts)
    user_role = Role(server, principal={"AWS": user["Arn"]})
    user_role.assume(sts)
    other, other_keys = create_user(server)
    with denied():
        user_role.assume(server.sts(other_keys))


def test_root_assumes_no_role():
    root = ("--access-key-id", "AKIAROOTROOTROOTROOT", "--secret-access-key", "r" * 40)
    with Server(*root) as server:
        role = Role(server, principal={"AWS": "*"})
        with denied("Roles may not be assumed by root accounts."):
            role.assume()


def test_session_tags_are_principal_tags_over_the_role_tags(server, iam):
    role = Role(
        server,
        trust_policy=trust({"AWS": server.account}, ["sts:AssumeRole", "sts:TagSession"]),
        Tags=[{"Key": "team", "Value": "role"}, {"Key": "site", "Value": "prague"}],
        statements=[
            allow("iam:GetUser", "arn:aws:iam::*:user/${aws:PrincipalTag/team}-*"),
            allow("iam:GetGroup", "arn:aws:iam::*:group/${aws:PrincipalTag/site}-*"),
        ],
    )
    red, blue = unique("red"), unique("role")
    iam.create_user(UserName=red)
    iam.create_user(UserName=blue)
    prague = unique("prague")
    iam.create_group(GroupName=prague)
    plain = server.iam(Keys.of(role.assume()))
    plain.get_user(UserName=blue)
    with denied():
        plain.get_user(UserName=red)
    tagged = role.assume(Tags=[{"Key": "Team", "Value": "red"}])
    assert 0 <= tagged["PackedPolicySize"] <= 100
    session = server.iam(Keys.of(tagged))
    session.get_user(UserName=red)
    with denied():
        session.get_user(UserName=blue)
    session.get_group(GroupName=prague)


def test_tags_need_tag_session_in_the_trust_policy(server):
    role = Role(server)
    with denied():
        role.assume(Tags=[{"Key": "team", "Value": "red"}])
    role.trust(trust({"AWS": server.account}, ["sts:AssumeRole", "sts:TagSession"]))
    role.assume(Tags=[{"Key": "team", "Value": "red"}])
    # The trust policy may say which tags.
    condition = {"StringEquals": {"aws:RequestTag/team": "blue"}}
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": server.account}, "Action": "sts:AssumeRole"},
        {
            "Effect": "Allow",
            "Principal": {"AWS": server.account},
            "Action": "sts:TagSession",
            "Condition": condition,
        },
    ]
    role.trust(document(*statements))
    role.assume(Tags=[{"Key": "team", "Value": "blue"}])
    with denied():
        role.assume(Tags=[{"Key": "team", "Value": "red"}])


def test_tag_errors_in_the_words_of_aws(server):
    role = Role(
        server, trust_policy=trust({"AWS": server.account}, ["sts:AssumeRole", "sts:TagSession"])
    )
    twice = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    with refused("InvalidParameterValue", twice, 400):
        role.assume(Tags=[{"Key": "team", "Value": "1"}, {"Key": "TEAM", "Value": "2"}])
    absent = "The specified transitive tag key must be included in the requested tags."
    with refused("InvalidParameterValue", absent, 400):
        role.assume(Tags=[{"Key": "team", "Value": "1"}], TransitiveTagKeys=["site"])


def chain(server):
    """Two roles, the second of which trusts the account, tags and all."""
    everything = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    first = Role(
        server,
        trust_policy=trust({"AWS": server.account}, everything),
        statements=[allow(everything)],
    )
    second = Role(server, trust_policy=trust({"AWS": server.account}, everything))
    return first, second


def test_transitive_tags_pass_on_and_others_end(server, iam):
    first, second = chain(server)
    second.allow(
        allow("iam:GetUser", "arn:aws:iam::*:user/${aws:PrincipalTag/team}-*"),
        allow("iam:GetUser", "arn:aws:iam::*:user/${aws:PrincipalTag/site}-*"),
    )
    red, prague = unique("red"), unique("prague")
    iam.create_user(UserName=red)
    iam.create_user(UserName=prague)
    answer = first.assume(
        Tags=[{"Key": "team", "Value": "red"}, {"Key": "site", "Value": "prague"}],
        TransitiveTagKeys=["team"],
    )
    first_sts = server.sts(Keys.of(answer))
    session = server.iam(Keys.of(second.assume(first_sts)))
    session.get_user(UserName=red)
    with denied():
        session.get_user(UserName=prague)
    clash = (
        "One of the specified transitive tag keys can't be set because it conflicts with a "
        "transitive tag key from the calling session."
    )
    with refused("InvalidParameterValue", clash, 400):
        second.assume(first_sts, Tags=[{"Key": "TEAM", "Value": "blue"}])
    second.assume(first_sts, Tags=[{"Key": "site", "Value": "brno"}])


def test_a_source_identity_is_kept_and_never_changed(server):
    first, second = chain(server)
    answer = first.assume(SourceIdentity="ana")
    assert answer["SourceIdentity"] == "ana"
    sts = server.sts(Keys.of(answer))
    assert second.assume(sts)["SourceIdentity"] == "ana"
    assert second.assume(sts, SourceIdentity="ana")["SourceIdentity"] == "ana"
    with denied():
        second.assume(sts, SourceIdentity="bob")
    # Policies see it.
    second.allow(
        allow("iam:ListUsers", Condition={"StringEquals": {"aws:SourceIdentity": "ana"}})
    )
    server.iam(Keys.of(second.assume(sts))).list_users()
    with denied():
        server.iam(Keys.of(second.assume(server.sts(Keys.of(first.assume()))))).list_users()


def test_a_source_identity_must_be_allowed_by_the_trust_policy(server):
    role = Role(server)
    with denied():
        role.assume(SourceIdentity="ana")
    role.assume()
    role.trust(trust({"AWS": server.account}, ["sts:AssumeRole", "sts:SetSourceIdentity"]))
    role.assume(SourceIdentity="ana")


def test_a_session_of_a_session_lasts_an_hour_at_most(server):
    first, second = chain(server)
    server.iam().update_role(RoleName=second.name, MaxSessionDuration=43_200)
    sts = server.sts(Keys.of(first.assume()))
    assert abs(lifetime(second.assume(sts, DurationSeconds=3_600)) - timedelta(hours=1)) < SECOND
    text = (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
        "role chaining."
    )
    with refused("ValidationError", text, 400):
        second.assume(sts, DurationSeconds=3_601)
    # The limit is that of the chain, not of the role.
    assert lifetime(second.assume(DurationSeconds=43_200)) > timedelta(hours=11)


def test_a_role_says_how_long_its_sessions_may_last(server, iam):
    role = Role(server)
    text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    role.assume(DurationSeconds=3_600)
    with refused("ValidationError", text, 400):
        role.assume(DurationSeconds=3_601)
    iam.update_role(RoleName=role.name, MaxSessionDuration=7_200)
    assert abs(lifetime(role.assume(DurationSeconds=7_200)) - timedelta(hours=2)) < SECOND
    with refused("ValidationError", text, 400):
        role.assume(DurationSeconds=7_201)
    role.assume(DurationSeconds=900)
    with refused("ValidationError", status=400):
        role.assume(DurationSeconds=899)


def test_a_deleted_role_ends_its_sessions_also_when_it_comes_back(server):
    role = Role(server, statements=[allow("iam:ListUsers")])
    keys = Keys.of(role.assume())
    server.iam(keys).list_users()
    role.delete()
    answer = post(server, iam_body("ListUsers"), keys=keys, service="iam")
    assert_error(answer, "InvalidClientTokenId", 403)
    again = Role(server, RoleName=role.name, statements=[allow("iam:ListUsers")])
    assert again.arn == role.arn
    answer = post(server, iam_body("ListUsers"), keys=keys, service="iam")
    assert_error(answer, "InvalidClientTokenId", 403)
    assert_error(post(server, identity_body(), keys=keys), "InvalidClientTokenId", 403)
    server.iam(Keys.of(again.assume())).list_users()


def test_trust_in_a_recreated_principal_is_gone(server, iam):
    first = Role(server, statements=[allow("sts:AssumeRole")])
    second = Role(server, principal={"AWS": first.arn})
    second.assume(server.sts(Keys.of(first.assume())))
    first.delete()
    # What is left of the name is the unique id that it stood for.
    shown = iam.get_role(RoleName=second.name)["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": first.created["RoleId"]}
    again = Role(server, RoleName=first.name, statements=[allow("sts:AssumeRole")])
    sts = server.sts(Keys.of(again.assume()))
    with denied():
        second.assume(sts)
    second.trust(trust({"AWS": again.arn}))
    second.assume(sts)


def test_a_deleted_user_ends_his_keys_and_sessions(server, iam):
    user, keys = create_user(server, statements=[allow("sts:AssumeRole")])
    name = user["UserName"]
    token = Keys.of(server.sts(keys).get_session_token())
    assert_identity(post(server, identity_body(), keys=token))
    iam.delete_user_policy(UserName=name, PolicyName="inline")
    iam.delete_access_key(UserName=name, AccessKeyId=keys.access_key_id)
    iam.delete_user(UserName=name)
    for dead in (keys, token):
        assert_error(post(server, identity_body(), keys=dead), "InvalidClientTokenId", 403)
    iam.create_user(UserName=name)
    assert_error(post(server, identity_body(), keys=token), "InvalidClientTokenId", 403)


def test_a_deactivated_key_leaves_its_sessions_alive(server, iam):
    user, keys = create_user(server)
    token = Keys.of(server.sts(keys).get_session_token())
    iam.update_access_key(
        UserName=user["UserName"], AccessKeyId=keys.access_key_id, Status="Inactive"
    )
    assert_error(post(server, identity_body(), keys=keys), "InvalidClientTokenId", 403)
    assert_identity(post(server, identity_body(), keys=token))


def test_a_session_token_without_mfa_neither_manages_iam_nor_issues_more(server):
    user, keys = create_user(server, statements=[allow("*")])
    server.iam(keys).list_users()
    answer = server.sts(keys).get_session_token()
    assert abs(lifetime(answer) - timedelta(hours=12)) < SECOND
    token = Keys.of(answer)
    identity = server.sts(token).get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (user["Arn"], user["UserId"])
    with refused("InvalidClientTokenId", status=403):
        server.iam(token).list_users()
    text = "Cannot call GetSessionToken with session credentials"
    with denied(text):
        server.sts(token).get_session_token()
    with denied():
        server.sts(token).get_access_key_info(AccessKeyId=keys.access_key_id)
    role = Role(server, statements=[allow("iam:ListUsers")])
    server.iam(Keys.of(role.assume(server.sts(token)))).list_users()


def test_sessions_of_a_role_issue_no_session_tokens(server):
    role = Role(server, statements=[allow("*")])
    session = server.sts(Keys.of(role.assume()))
    with denied("Cannot call GetSessionToken with session credentials"):
        session.get_session_token()


def test_session_token_durations(server):
    _, keys = create_user(server)
    sts = server.sts(keys)
    for seconds in (900, 129_600):
        answer = sts.get_session_token(DurationSeconds=seconds)
        assert abs(lifetime(answer) - timedelta(seconds=seconds)) < SECOND
    for seconds in (899, 129_601):
        with refused("ValidationError", status=400):
            sts.get_session_token(DurationSeconds=seconds)


def test_root_gets_session_tokens_of_an_hour_at_most():
    root = ("--access-key-id", "AKIAROOTROOTROOTROOT", "--secret-access-key", "r" * 40)
    with Server(*root) as server:
        answer = server.sts().get_session_token(DurationSeconds=43_200)
        assert abs(lifetime(answer) - timedelta(hours=1)) < SECOND
        arn = server.sts(Keys.of(answer)).get_caller_identity()["Arn"]
        assert arn == f"arn:aws:iam::{server.account}:root"


def test_mfa_parameters_that_prove_nothing_are_refused(server):
    _, keys = create_user(server)
    sts = server.sts(keys)
    serial = f"arn:aws:iam::{server.account}:mfa/none"
    with denied():
        sts.get_session_token(SerialNumber=serial, TokenCode="123456")
    with denied():
        sts.get_session_token(SerialNumber=serial)
    role = Role(
        server,
        trust_policy=trust(
            {"AWS": server.account}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}
        ),
    )
    with denied():
        role.assume()


def test_older_sessions_are_revoked_by_their_time_of_issue(server):
    role = Role(server, statements=[allow("iam:ListUsers")])
    old = server.iam(Keys.of(role.assume()))
    old.list_users()
    moment = (datetime.now(timezone.utc) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    role.allow(
        allow("iam:ListUsers"),
        deny("*", Condition={"DateLessThan": {"aws:TokenIssueTime": moment}}),
    )
    shown = f"arn:aws:iam::{server.account}:user/"
    with denied(explicit_deny(role.session_arn, "iam:ListUsers", shown)):
        old.list_users()
    past = "2020-01-01T00:00:00Z"
    role.allow(
        allow("iam:ListUsers"),
        deny("*", Condition={"DateLessThan": {"aws:TokenIssueTime": past}}),
    )
    old.list_users()


def test_a_role_that_does_not_exist_looks_like_one_that_refuses(server):
    caller = server.sts().get_caller_identity()["Arn"]
    stranger = Role(server, principal={"Service": "ec2.amazonaws.com"})
    texts = set()
    for arn in (stranger.arn, f"arn:aws:iam::{server.account}:role/{unique('absent')}"):
        with denied() as caught:
            server.sts().assume_role(RoleArn=arn, RoleSessionName="session")
        texts.add(caught.value.response["Error"]["Message"].replace(arn, "ROLE"))
    assert len(texts) == 1 and f"User: {caller} is not authorized" in texts.pop()


def test_a_role_arn_must_be_one(server):
    with refused("ValidationError", "arn:a:::something/test-role is invalid", 400):
        server.sts().assume_role(RoleArn="arn:a:::something/test-role", RoleSessionName="session")


def test_the_last_use_of_a_role_is_known(server, iam):
    role = Role(server, statements=[allow("iam:ListUsers")])
    assert not iam.get_role(RoleName=role.name)["Role"]["RoleLastUsed"].get("LastUsedDate")
    server.iam(Keys.of(role.assume())).list_users()
    used = eventually(
        lambda: iam.get_role(RoleName=role.name)["Role"]["RoleLastUsed"].get("LastUsedDate")
    )
    assert used and datetime.now(timezone.utc) - used < timedelta(minutes=1)


def test_minimum_token_sizes_are_kept(server):
    role = Role(server)
    small = role.assume()
    answer = role.assume(MinimumSessionTokenSize=4_096)
    assert len(answer["Credentials"]["SessionToken"]) >= 4_096
    assert answer["SessionTokenSize"] == len(answer["Credentials"]["SessionToken"])
    assert len(small["Credentials"]["SessionToken"]) < 2_048


def test_session_name_rules(server):
    role = Role(server)
    role.assume(name="a" * 64)
    role.assume(name="ab")
    for wrong in ("a", "a" * 65, "a b", "a/b"):
        body = sts_body("AssumeRole", RoleArn=role.arn, RoleSessionName=wrong)
        assert_error(post(server, body), "ValidationError", 400)
