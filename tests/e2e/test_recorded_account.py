"""Answers about the account itself: its alias and its summary."""

from certificate_files import self_signed
from iamd import Server, allow, document, refused, trust, unique
from saml_files import metadata
from totp import Device

# The quotas that AWS reports for a new account.
QUOTAS = {
    "AccessKeysPerUserQuota": 2,
    "AssumeRolePolicySizeQuota": 2048,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "AttachedPoliciesPerUserQuota": 10,
    "GlobalEndpointTokenVersion": 1,
    "GroupPolicySizeQuota": 5120,
    "GroupsPerUserQuota": 10,
    "GroupsQuota": 300,
    "InstanceProfilesQuota": 1000,
    "PoliciesQuota": 1500,
    "PolicySizeQuota": 6144,
    "PolicyVersionsInUseQuota": 10000,
    "RolePolicySizeQuota": 10240,
    "RolesQuota": 1000,
    "ServerCertificatesQuota": 20,
    "SigningCertificatesPerUserQuota": 2,
    "UserPolicySizeQuota": 2048,
    "UsersQuota": 5000,
    "VersionsPerPolicyQuota": 5,
}
FLAGS = {
    "AccountAccessKeysPresent": 0,
    "AccountMFAEnabled": 0,
    "AccountSigningCertificatesPresent": 0,
}
COUNTS = {
    "Groups",
    "InstanceProfiles",
    "MFADevices",
    "MFADevicesInUse",
    "Policies",
    "PolicyVersionsInUse",
    "Providers",
    "Roles",
    "ServerCertificates",
    "Users",
}


def test_the_summary_has_exactly_the_entries_of_aws(iam):
    summary = iam.get_account_summary()["SummaryMap"]
    assert summary.keys() == QUOTAS.keys() | FLAGS.keys() | COUNTS | {"AccountPasswordPresent"}
    assert {key: summary[key] for key in QUOTAS} == QUOTAS
    assert {key: summary[key] for key in FLAGS} == FLAGS
    assert summary["AccountPasswordPresent"] in (0, 1)


def test_the_summary_counts_what_is_made(iam, tmp_path):
    before = iam.get_account_summary()["SummaryMap"]
    user = unique("user")
    iam.create_user(UserName=user)
    iam.create_group(GroupName=unique("group"))
    iam.create_role(
        RoleName=unique("role"), AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"})
    )
    iam.create_policy(PolicyName=unique("policy"), PolicyDocument=document(allow("s3:*")))
    iam.create_instance_profile(InstanceProfileName=unique("profile"))
    device = Device.of(iam.create_virtual_mfa_device(VirtualMFADeviceName=unique("phone")))
    iam.enable_mfa_device(UserName=user, **device.pair())
    body, key = self_signed(tmp_path)
    iam.upload_server_certificate(
        ServerCertificateName=unique("tls"), CertificateBody=body, PrivateKey=key
    )
    iam.create_open_id_connect_provider(Url=f"https://{unique('oidc')}.example.com")
    iam.create_saml_provider(Name=unique("saml"), SAMLMetadataDocument=metadata())
    after = iam.get_account_summary()["SummaryMap"]
    changed = {key: after[key] - before[key] for key in after if after[key] != before[key]}
    assert changed == {
        "Users": 1,
        "Groups": 1,
        "Roles": 1,
        "Policies": 1,
        "PolicyVersionsInUse": 1,
        "InstanceProfiles": 1,
        "MFADevices": 1,
        "MFADevicesInUse": 1,
        "ServerCertificates": 1,
        "Providers": 2,
    }


def test_root_has_an_access_key_where_the_start_gave_it_one():
    keys = ("AKIAROOTROOTROOTROOT", "r" * 40)
    arguments = ("--access-key-id", keys[0], "--secret-access-key", keys[1])
    with Server(*arguments) as server:
        summary = server.iam().get_account_summary()["SummaryMap"]
        assert summary["AccountAccessKeysPresent"] == 1


def test_an_account_alias_lives_from_creation_to_deletion(iam):
    alias = unique("alias")
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.create_account_alias(AccountAlias=alias)
    answer = iam.list_account_aliases()
    assert (answer["AccountAliases"], answer["IsTruncated"]) == ([alias], False)
    # A new alias takes the place of the old one.
    other = unique("alias")
    iam.create_account_alias(AccountAlias=other)
    assert iam.list_account_aliases()["AccountAliases"] == [other]
    with refused("NoSuchEntity", status=404):
        iam.delete_account_alias(AccountAlias=alias)
    iam.delete_account_alias(AccountAlias=other)
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_aliases_that_aws_does_not_take(iam):
    for alias in ("ab", "Upper-Case", "-begins", "ends-", "double--dash", "a" * 64):
        with refused("ValidationError", status=400):
            iam.create_account_alias(AccountAlias=alias)
    with refused("InvalidInput", status=400):
        iam.create_account_alias(AccountAlias="123456789012")
    assert iam.list_account_aliases()["AccountAliases"] == []
