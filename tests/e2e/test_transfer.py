"""`iamd import-aws` and `iamd export`: out of an account, into another, and the same decisions."""

import json
import shutil
import subprocess

import pytest
from botocore.exceptions import ClientError
from certificate_files import self_signed
from iamd import (
    Keys, Server, allow, create_account, create_user, document, program, run, trust, unique,
)
from saml_files import metadata

# What AWS tells by operations of their own, and only an export has.
BESIDE = (
    "InstanceProfiles", "OpenIDConnectProviderList", "SAMLProviderList", "ServerCertificates",
    "AccountAliases", "PasswordPolicy",
)
# AWS's own policies, shown beside the account's.
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
FROM = "111122223333"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("transfer") / "data"


@pytest.fixture(scope="module")
def source(data, tmp_path_factory):
    """A server with an account that holds one of everything."""
    with Server("--account-id", FROM, data=data) as server:
        fill(server.iam())
        fill_beside(server.iam(), tmp_path_factory.mktemp("certificates"))
        yield server


def fill(iam):
    reader = iam.create_policy(
        PolicyName="reader",
        Path="/x/",
        Description="Reads users",
        PolicyDocument=document(allow("iam:GetUser", f"arn:aws:iam::{FROM}:user/people/*")),
        Tags=[{"Key": "team", "Value": "blue"}],
    )["Policy"]["Arn"]
    iam.create_policy_version(
        PolicyArn=reader,
        PolicyDocument=document(allow(["iam:GetUser", "iam:ListGroups"])),
        SetAsDefault=True,
    )
    iam.create_group(GroupName="staff", Path="/teams/")
    iam.attach_group_policy(GroupName="staff", PolicyArn=reader)
    own = allow("iam:ListUserTags", "arn:aws:iam::*:user/people/${aws:username}")
    iam.put_group_policy(GroupName="staff", PolicyName="own", PolicyDocument=document(own))
    iam.create_user(UserName="ana", Path="/people/", PermissionsBoundary=reader)
    iam.create_user(UserName="bob", Path="/people/", Tags=[{"Key": "a", "Value": "b c"}])
    for name in ("ana", "bob"):
        iam.add_user_to_group(GroupName="staff", UserName=name)
    assume = allow("sts:AssumeRole", f"arn:aws:iam::{FROM}:role/*")
    iam.put_user_policy(UserName="bob", PolicyName="assume", PolicyDocument=document(assume))
    by_bob = trust({"AWS": f"arn:aws:iam::{FROM}:user/people/bob"})
    iam.create_role(RoleName="one", AssumeRolePolicyDocument=by_bob, MaxSessionDuration=7200)
    by_one = trust({"AWS": f"arn:aws:iam::{FROM}:role/one"})
    iam.create_role(RoleName="two", AssumeRolePolicyDocument=by_one, Description="second")
    # They trust each other: neither can be made first.
    by_two = trust({"AWS": [f"arn:aws:iam::{FROM}:role/two", f"arn:aws:iam::{FROM}:user/people/bob"]})
    iam.update_assume_role_policy(RoleName="one", PolicyDocument=by_two)
    iam.attach_role_policy(RoleName="two", PolicyArn=READ_ONLY)
    iam.create_instance_profile(InstanceProfileName="two", Path="/p/")
    iam.add_role_to_instance_profile(InstanceProfileName="two", RoleName="two")


def fill_beside(iam, folder):
    """What is neither user nor group, role nor policy."""
    tags = [{"Key": "team", "Value": "green"}]
    iam.create_instance_profile(InstanceProfileName="bare", Path="/p/", Tags=tags)
    iam.create_open_id_connect_provider(
        Url="https://oidc.example.com/x", ClientIDList=["two", "one"], ThumbprintList=["a" * 40],
        Tags=tags,
    )
    iam.create_saml_provider(Name="corp", SAMLMetadataDocument=metadata(), Tags=tags)
    body, key = self_signed(folder)
    iam.upload_server_certificate(
        ServerCertificateName="tls", Path="/t/", CertificateBody=body, PrivateKey=key, Tags=tags
    )
    iam.create_account_alias(AccountAlias="transfer-source")
    iam.update_account_password_policy(
        MinimumPasswordLength=12, RequireNumbers=True, MaxPasswordAge=90, HardExpiry=False
    )


@pytest.fixture
def target(data, source):
    """A second account on the same server, with an administrator."""
    facts = create_account(data, f"{unique('root')}@example.com")
    return facts["account_id"], Keys.of_facts(facts)


def imported(data, account, file, *more, code=0):
    done = run("import-aws", file, "--data", data, "--account-id", account, "-o", "json", *more)
    assert done.returncode == code, done.stdout + done.stderr
    assert "panicked" not in done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def exported(data, account, form="json"):
    done = run("export", form, "--data", data, "--account-id", account)
    assert done.returncode == 0, done.stderr
    return done.stdout


def of_account(text, account):
    return text.replace(f":{FROM}:", f":{account}:").replace(f'"{FROM}"', f'"{account}"')


def without_admin(text):
    """The export without the administrator that each account begins with."""
    content = json.loads(text)
    users = content["UserDetailList"]
    content["UserDetailList"] = [user for user in users if user["UserName"] != "admin"]
    return content


def signs(report):
    return {(line["kind"], line["name"]): line["sign"] for line in report["lines"]}


def outcomes(server, admin, account):
    """What users of an account are answered, by request."""
    found = {}

    def note(name, call, **members):
        try:
            call(**members)
            found[name, call.__name__, str(members)] = "allowed"
        except ClientError as refused:
            error = refused.response["Error"]
            found[name, call.__name__, str(members)] = (error["Code"], error["Message"])

    for name in ("ana", "bob"):
        keys = Keys.of(server.iam(admin).create_access_key(UserName=name))
        iam, sts = server.iam(keys), server.sts(keys)
        note(name, iam.get_user, UserName="bob")
        note(name, iam.list_groups)
        note(name, iam.list_user_tags, UserName=name)
        note(name, iam.list_user_tags, UserName="admin")
        note(name, iam.list_roles)
        for role in ("one", "two"):
            arn = f"arn:aws:iam::{account}:role/{role}"
            note(name, sts.assume_role, RoleArn=arn, RoleSessionName="s")
            note(name, sts.assume_role, RoleArn=arn, RoleSessionName="s", DurationSeconds=7200)
    text = json.dumps({str(key): value for key, value in found.items()})
    return json.loads(text.replace(account, "ACCOUNT"))


def test_out_and_in_and_the_same_decisions(data, source, target, tmp_path):
    account, keys = target
    file = tmp_path / "account.json"
    file.write_text(exported(data, FROM))
    report = imported(data, account, file, "--keep-existing")
    assert signs(report) == {
        ("policy", "reader"): "create", ("group", "staff"): "create",
        ("user", "admin"): "same", ("user", "ana"): "create", ("user", "bob"): "create",
        ("role", "one"): "create", ("role", "two"): "create", ("instance-profile", "two"): "create",
        ("instance-profile", "bare"): "create", ("oidc-provider", "oidc.example.com/x"): "create",
        ("saml-provider", "corp"): "create", ("password-policy", "account"): "create",
        # Its key stays where it is; and the alias is taken as long as the source has it.
        ("server-certificate", "tls"): "left-out", ("account-alias", "account"): "left-out",
    }
    again = json.loads(exported(data, account))
    expected = json.loads(of_account(file.read_text(), account))
    assert set(BESIDE) < expected.keys()
    assert [len(expected.pop(name)) for name in ("ServerCertificates", "AccountAliases")] == [1, 1]
    assert again == expected
    here, there = outcomes(source, source.admin, FROM), outcomes(source, keys, account)
    assert here == there
    verdicts = [value == "allowed" for value in here.values()]
    assert any(verdicts) and not all(verdicts)
    # The instance profile and the description came along.
    iam = source.iam(keys)
    profile = iam.get_instance_profile(InstanceProfileName="two")["InstanceProfile"]
    assert (profile["Path"], profile["Roles"][0]["RoleName"]) == ("/p/", "two")
    assert iam.get_role(RoleName="two")["Role"]["Description"] == "second"
    versions = iam.list_policy_versions(PolicyArn=f"arn:aws:iam::{account}:policy/x/reader")
    assert [it["IsDefaultVersion"] for it in versions["Versions"]] == [True, False]


def test_what_the_command_line_of_aws_prints_is_read(data, source, target, tmp_path):
    account, _ = target
    code, details, complaint = source.aws(source.admin, "iam", "get-account-authorization-details")
    assert code == 0, complaint
    file = tmp_path / "aws.json"
    file.write_text(json.dumps(details))
    report = imported(data, account, file)
    assert set(signs(report).values()) == {"create", "same"}
    # AWS does not tell description and duration of roles.
    expected = without_admin(of_account(exported(data, FROM), account))
    for name in BESIDE:
        del expected[name]
    for role in expected["RoleDetailList"]:
        role.pop("Description", None), role.pop("MaxSessionDuration", None)
    expected["Policies"][0].pop("Description"), expected["Policies"][0].pop("Tags")
    assert without_admin(exported(data, account)) == expected


def test_a_dry_run_writes_nothing(data, source, target, tmp_path):
    account, keys = target
    file = tmp_path / "account.json"
    file.write_text(exported(data, FROM))
    before = exported(data, account)
    report = imported(data, account, file, "--dry-run")
    assert report["dry_run"] and report["is_possible"]
    assert signs(report)["user", "ana"] == "create"
    details = {line["name"]: line["detail"] for line in report["lines"] if line["kind"] == "user"}
    assert details["bob"] == "CreateUser, PutUserPolicy, AddUserToGroup"
    done = run(
        "import-aws", file, "--data", data, "--account-id", account, "--dry-run", "-o", "table"
    )
    assert done.returncode == 0 and "+ user             bob" in done.stdout
    assert done.stdout.endswith(" 0 there and different, 2 left out, 0 refused.\n")
    assert exported(data, account) == before
    # What differs stops an import, and is named.
    source.iam(keys).create_user(UserName="ana", Path="/else/")
    report = imported(data, account, file, "--dry-run", code=1)
    assert not report["is_possible"] and signs(report)["user", "ana"] == "differs"
    text = imported(data, account, file, code=1)
    assert "user ana: is there, with other path, " in text
    assert [user["UserName"] for user in without_admin(exported(data, account))["UserDetailList"]] == ["ana"]


def test_bad_files_are_refused_and_nothing_is_stored(data, source, target, tmp_path):
    account, _ = target
    good = exported(data, FROM)
    before = exported(data, account)
    file = tmp_path / "bad.json"
    for text, expected in (
        ("", "is not what AWS prints"),
        (good[:-20], "is not what AWS prints"),
        (good.replace('"UserName"', '"UserNames"'), "unknown field `UserNames`"),
        (good.replace('"Effect": "Allow"', '"Effect": "Perhaps"'), "MalformedPolicyDocument"),
        (good.replace('"staff"', '"st aff"'), "Member must satisfy regular expression pattern"),
        (good.replace("iam:GetUser", "iam:Get" + "?" * 7000), "LimitExceeded"),
    ):
        file.write_text(text)
        complaint = imported(data, account, file, code=1)
        assert expected in complaint and len(complaint) < 20_000
    assert exported(data, account) == before
    complaint = run("import-aws", tmp_path / "none.json", "--data", data).stderr
    assert "cannot be read" in complaint
    # Two accounts live here: the one that is meant must be named.
    file.write_text(good)
    assert "--account-id" in run("import-aws", file, "--data", data).stderr


def test_the_credential_report_names_what_must_be_made_anew(data, source, target, tmp_path):
    account, _ = target
    iam = source.iam()
    name = unique("person")
    create_user(source, name)
    iam.create_login_profile(UserName=name, Password="Correct-horse-1")
    iam.generate_credential_report()
    report = tmp_path / "report.csv"
    report.write_bytes(iam.get_credential_report()["Content"])
    file = tmp_path / "account.json"
    file.write_text(exported(data, FROM))
    told = imported(data, account, file, "--dry-run", "--credential-report", report)
    missing = {line["user"]: line["needs"] for line in told["missing_credentials"]}
    assert missing[name] == ["password", "access key"]
    report.write_text("user,other\n")
    assert "has no column" in imported(
        data, account, file, "--credential-report", report, code=1
    )


def test_no_secret_goes_out(data, source):
    iam = source.iam()
    user, keys = create_user(source)
    iam.create_login_profile(UserName=user["UserName"], Password="Correct-horse-1")
    for form in ("json", "terraform"):
        text = exported(data, FROM, form)
        assert user["UserName"] in text
        secrets = (
            keys.secret_access_key, keys.access_key_id, "Correct-horse", "$argon2", "PRIVATE KEY",
        )
        for secret in secrets:
            assert secret not in text


def test_what_stands_beside_permissions_comes_along(data, source, target, tmp_path):
    account, keys = target
    file = tmp_path / "account.json"
    file.write_text(exported(data, FROM))
    imported(data, account, file, "--keep-existing")
    here, there = source.iam(), source.iam(keys)
    arn = {it: f"arn:aws:iam::{it}:" for it in (FROM, account)}

    def shown(answer, *fresh):
        return {
            name: value
            for name, value in answer.items()
            if name not in ("ResponseMetadata", "CreateDate", *fresh)
        }

    providers = [
        shown(iam.get_open_id_connect_provider(
            OpenIDConnectProviderArn=arn[it] + "oidc-provider/oidc.example.com/x"
        ))
        for iam, it in ((here, FROM), (there, account))
    ]
    assert providers[0] == providers[1] and providers[0]["ClientIDList"] == ["two", "one"]
    providers = [
        shown(
            iam.get_saml_provider(SAMLProviderArn=arn[it] + "saml-provider/corp"),
            "SAMLProviderUUID", "ValidUntil",
        )
        for iam, it in ((here, FROM), (there, account))
    ]
    assert providers[0] == providers[1]
    rules = [iam.get_account_password_policy()["PasswordPolicy"] for iam in (here, there)]
    assert rules[0] == rules[1] and rules[0]["MaxPasswordAge"] == 90
    # What differs is said, and stays.
    there.update_account_password_policy(MinimumPasswordLength=20)
    there.tag_open_id_connect_provider(
        OpenIDConnectProviderArn=arn[account] + "oidc-provider/oidc.example.com/x",
        Tags=[{"Key": "more", "Value": "tags"}],
    )
    report = imported(data, account, file, "--dry-run", code=1)
    details = {line["kind"]: line["detail"] for line in report["lines"] if line["sign"] == "differs"}
    assert details == {
        "password-policy": "is there, with other rules",
        "oidc-provider": "is there, with other tags",
    }
    imported(data, account, file, "--keep-existing")
    assert there.get_account_password_policy()["PasswordPolicy"]["MinimumPasswordLength"] == 20


def test_a_provider_that_requires_encryption_is_left_out(data, source, target, tmp_path):
    account, keys = target
    content = json.loads(exported(data, FROM))
    content["SAMLProviderList"][0]["AssertionEncryptionMode"] = "Required"
    file = tmp_path / "account.json"
    file.write_text(json.dumps(content))
    report = imported(data, account, file)
    assert signs(report)["saml-provider", "corp"] == "left-out"
    assert source.iam(keys).list_saml_providers()["SAMLProviderList"] == []
    content["SAMLProviderList"][0]["AssertionEncryptionMode"] = "Sometimes"
    file.write_text(json.dumps(content))
    assert "`Sometimes` is no encryption mode" in imported(data, account, file, code=1)


def test_terraform_gets_providers_alias_and_rules(data, source):
    text = exported(data, FROM, "terraform")
    for part in (
        'to = aws_iam_openid_connect_provider.oidc_example_com_x\n'
        '  id = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/x"',
        'client_id_list  = ["two", "one"]',
        'to = aws_iam_saml_provider.corp\n  id = "arn:aws:iam::111122223333:saml-provider/corp"',
        'to = aws_iam_account_alias.alias\n  id = "transfer-source"',
        'to = aws_iam_account_password_policy.passwords\n  id = "iam-account-password-policy"',
        "max_password_age               = 90",
        '# The server certificate "tls" is left out: its private key is not exported.',
    ):
        assert part in text, part


def test_imports_are_on_record(data, source, target, tmp_path):
    account, keys = target
    file = tmp_path / "account.json"
    file.write_text(exported(data, FROM))
    imported(data, account, file, "--keep-existing")
    found = source.client("cloudtrail", keys).lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ImportAccount"}]
    )["Events"]
    assert len(found) == 1
    assert json.loads(found[0]["CloudTrailEvent"])["requestParameters"]["roles"] == 2


def test_a_folder_at_rest_is_exported_too(tmp_path):
    folder = tmp_path / "data"
    with Server("--account-id", FROM, data=folder) as server:
        fill(server.iam())
        running = exported(folder, FROM)
    assert exported(folder, FROM) == running


@pytest.mark.skipif(
    not shutil.which("terraform"), reason="SKIPPED: terraform is not installed"
)
def test_terraform_reads_the_export(data, source, tmp_path):
    """Its own formatter parses the file; with a provider, test_terraform imports it."""
    text = exported(data, FROM, "terraform")
    for part in (
        'to = aws_iam_policy.reader\n  id = "arn:aws:iam::111122223333:policy/x/reader"',
        'resource "aws_iam_user_group_membership" "ana" {',
        "permissions_boundary = aws_iam_policy.reader.arn",
        '"a" = "b c"',
        "user/people/$${aws:username}",
    ):
        assert part in text, part
    (tmp_path / "main.tf").write_text(text)
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "-no-color", str(tmp_path)],
        capture_output=True, text=True, timeout=60,
    )
    assert "Error" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stdout
