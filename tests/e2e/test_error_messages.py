"""Every error code of IAM, and every message that is known: call, code, status and words."""

import pytest
from botocore.exceptions import ClientError
from certificate_files import openssl, public_key, rsa_key, self_signed
from iamd import Keys, allow, document, trust, unique
from saml_files import metadata
from totp import Device

POLICY = document(allow("s3:ListBucket"))
TRUST = trust({"Service": "ec2.amazonaws.com"})
PASSWORD = "Correct-horse-1"
MISSING = "nonexistent"
MISSING_KEY = "AKIAIOSFODNN7EXAMPLE"
MISSING_PUBLIC_KEY = "APKAXXXXXXXXXXXXXXXXX"
MISSING_CERTIFICATE = "NONEXISTENTCERTID12345678901"
MISSING_CREDENTIAL = "ACCAAAAAAAAAAAAAAAAAA"
TAG = [{"Key": "k", "Value": "v"}]
TAGS = [{"Key": f"key-{number}", "Value": "v"} for number in range(50)]
THUMBPRINT = "a" * 40
MANAGED = "arn:aws:iam::aws:policy/"
BOUND = "failed to satisfy constraint: Member must"
ONE = "1 validation error detected: Value"
FIRST = "Cannot delete entity, must"
ELASTICSEARCH = "AWSServiceRoleForAmazonElasticsearchService"
PROTECTED = (
    f"Cannot perform the operation on the protected role '{ELASTICSEARCH}' - this role is only "
    "modifiable by AWS"
)

# Codes of the service model that iamd has no reason to answer, and why.
NEVER = {
    "AccountNotManagementOrDelegatedAdministratorException": "there are no organizations",
    "CallerIsNotManagementAccountException": "there are no organizations",
    "OrganizationNotInAllFeaturesModeException": "there are no organizations",
    "ServiceAccessNotEnabledException": "there are no organizations",
    "EntityTemporarilyUnmodifiable": "an entity is whole once it is there; a race only",
    "ConcurrentModification": "writes of an account stand in one queue; a race only",
    "NameConflict": "there are no role templates",
    "RoleModified": "there are no role templates",
    "RoleTemplateDisabled": "there are no role templates",
    "OpenIdIdpCommunicationError": "no provider is asked for its certificate",
    "PolicyEvaluation": "the simulator does not fail",
    "ReportGenerationLimitExceeded": "access reports are made at once",
    "ReportInProgress": "credential reports are made at once",
    "NotSupportedService": "AWS itself answers NoSuchEntity",
    "ServiceFailure": "faults are InternalFailure",
}


class World:
    """An account with one of everything."""

    def __init__(self, server, folder):
        self.server, self.account = server, server.account
        iam = self.iam = server.iam()
        self.sts = server.sts()
        self.body, self.key = self_signed(folder, "one.example")
        self.other_body, self.other_key = self_signed(folder, "two.example")
        self.third_body, _ = self_signed(folder, "three.example")
        self.past_body = over(self.key, folder)
        self.public_key = public_key(rsa_key())
        self.user, self.group, self.role = "ana", "crew", "app"
        self.arn = lambda rest: f"arn:aws:iam::{self.account}:{rest}"
        iam.create_user(UserName=self.user)
        iam.create_user(UserName="empty")
        iam.create_group(GroupName=self.group)
        iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=trust({"AWS": self.account}))
        iam.put_role_policy(RoleName=self.role, PolicyName="p", PolicyDocument=document(allow("*")))
        self.policy = iam.create_policy(PolicyName="pol", PolicyDocument=POLICY)["Policy"]["Arn"]
        self.loose = iam.create_policy(PolicyName="loose", PolicyDocument=POLICY)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=self.role, PolicyArn=self.policy)
        iam.create_instance_profile(InstanceProfileName="web")
        iam.create_instance_profile(InstanceProfileName="bare")
        iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName=self.role)
        iam.create_login_profile(UserName=self.user, Password=PASSWORD)
        self.keys = [Keys.of(iam.create_access_key(UserName=self.user)) for _ in range(2)]
        for body in (self.body, self.other_body):
            iam.upload_signing_certificate(UserName=self.user, CertificateBody=body)
        iam.upload_ssh_public_key(UserName=self.user, SSHPublicKeyBody=self.public_key)
        iam.upload_server_certificate(
            ServerCertificateName="tls", CertificateBody=self.body, PrivateKey=self.key
        )
        url = "https://oidc.example.com"
        self.provider = iam.create_open_id_connect_provider(Url=url, Tags=TAGS)
        self.provider = self.provider["OpenIDConnectProviderArn"]
        self.metadata = metadata()
        iam.create_saml_provider(Name="saml", SAMLMetadataDocument=self.metadata)
        self.device = Device.of(iam.create_virtual_mfa_device(VirtualMFADeviceName="phone"))
        iam.enable_mfa_device(UserName=self.user, **self.device.pair())
        iam.create_service_linked_role(AWSServiceName="es.amazonaws.com")
        answer = self.sts.assume_role(RoleArn=self.arn("role/app"), RoleSessionName="session")
        self.session_arn = answer["AssumedRoleUser"]["Arn"]
        self.session = server.iam(Keys.of(answer))

    def holding(self, kind, give):
        """The name of a new user, group or role that holds something."""
        name = unique(kind)
        more = {"AssumeRolePolicyDocument": TRUST} if kind == "role" else {}
        getattr(self.iam, f"create_{kind}")(**{f"{kind.capitalize()}Name": name}, **more)
        give(name)
        return name


@pytest.fixture(scope="module")
def world(server, tmp_path_factory):
    """One account for the whole table: none of its calls succeeds."""
    return World(server, tmp_path_factory.mktemp("certificates"))


def policies_on(kind):
    """A deletion of a user, group or role that has an inline policy."""
    def call(w):
        put = getattr(w.iam, f"put_{kind}_policy")
        member = f"{kind.capitalize()}Name"
        name = w.holding(kind, lambda name: put(
            **{member: name}, PolicyName="p", PolicyDocument=POLICY
        ))
        getattr(w.iam, f"delete_{kind}")(**{member: name})
    return call


def attachments_on(kind):
    """A deletion of a user, group or role that has a managed policy."""
    def call(w):
        attach = getattr(w.iam, f"attach_{kind}_policy")
        member = f"{kind.capitalize()}Name"
        name = w.holding(kind, lambda name: attach(
            **{member: name}, PolicyArn=MANAGED + "ReadOnlyAccess"
        ))
        getattr(w.iam, f"delete_{kind}")(**{member: name})
    return call


def having(give):
    """A deletion of a user who has something."""
    return lambda w: w.iam.delete_user(UserName=w.holding("user", lambda name: give(w, name)))


def member_of_group(w, name):
    w.iam.add_user_to_group(GroupName=w.group, UserName=name)


def versions(w, count):
    """A policy with so many versions more."""
    arn = w.iam.create_policy(PolicyName=unique("pol"), PolicyDocument=POLICY)["Policy"]["Arn"]
    for _ in range(count):
        w.iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY)
    return arn


def long_policy(length):
    """A policy document of at least this length without its white space."""
    return document(allow("s3:GetObject", f"arn:aws:s3:::bucket/{'x' * length}"))


def twenty_certificates(w):
    for number in range(20):
        w.iam.upload_server_certificate(
            ServerCertificateName=f"many-{number}", CertificateBody=w.body, PrivateKey=w.key
        )


def over(key, folder):
    """A certificate of this key that has expired."""
    (folder / "over.key").write_text(key)
    subject = ["-subj", "/CN=over.example", "-key", str(folder / "over.key")]
    request = openssl("req", "-new", *subject)
    signer = ["-signkey", str(folder / "over.key"), "-set_serial", "9"]
    return openssl("x509", "-req", "-days", "-1", *signer, data=request)


def federation_twice(w):
    w.iam.enable_outbound_web_identity_federation()
    try:
        w.iam.enable_outbound_web_identity_federation()
    finally:
        w.iam.disable_outbound_web_identity_federation()


NO_SUCH_ENTITY = [
    (lambda w: w.iam.get_user(UserName=MISSING), "The user with name nonexistent cannot be found."),
    (lambda w: w.iam.get_role(RoleName=MISSING), "The role with name nonexistent cannot be found."),
    (
        lambda w: w.iam.get_group(GroupName=MISSING),
        "The group with name nonexistent cannot be found.",
    ),
    (
        lambda w: w.iam.get_group_policy(GroupName=w.group, PolicyName=MISSING),
        "The group policy with name nonexistent cannot be found.",
    ),
    (
        lambda w: w.iam.get_role_policy(RoleName=w.role, PolicyName=MISSING),
        "The role policy with name nonexistent cannot be found.",
    ),
    (
        lambda w: w.iam.get_user_policy(UserName=w.user, PolicyName=MISSING),
        "The user policy with name nonexistent cannot be found.",
    ),
    (
        lambda w: w.iam.update_access_key(
            UserName=w.user, AccessKeyId=MISSING_KEY, Status="Inactive"
        ),
        f"The Access Key with id {MISSING_KEY} cannot be found.",
    ),
    (
        lambda w: w.iam.get_ssh_public_key(
            UserName=w.user, SSHPublicKeyId=MISSING_PUBLIC_KEY, Encoding="SSH"
        ),
        f"The Public Key with id {MISSING_PUBLIC_KEY} cannot be found.",
    ),
    (
        lambda w: w.iam.delete_signing_certificate(
            UserName=w.user, CertificateId=MISSING_CERTIFICATE
        ),
        f"The Certificate with id {MISSING_CERTIFICATE} cannot be found.",
    ),
    (
        lambda w: w.iam.get_server_certificate(ServerCertificateName=MISSING),
        "The Server Certificate with name nonexistent cannot be found.",
    ),
    (
        lambda w: w.iam.get_login_profile(UserName="empty"),
        "Login Profile for User empty cannot be found.",
    ),
    (
        lambda w: w.iam.get_login_profile(UserName=MISSING),
        "The user with name nonexistent cannot be found.",
    ),
    (
        lambda w: w.iam.get_instance_profile(InstanceProfileName=MISSING),
        "Instance Profile nonexistent cannot be found.",
    ),
    (
        lambda w: w.iam.tag_instance_profile(InstanceProfileName=MISSING, Tags=TAG),
        "Instance Profile nonexistent cannot be found.",
    ),
    (
        lambda w: w.iam.remove_role_from_instance_profile(
            InstanceProfileName="bare", RoleName=w.role
        ),
        "Role app in Instance Profile bare cannot be found.",
    ),
    (
        lambda w: w.iam.detach_user_policy(UserName=w.user, PolicyArn=w.loose),
        "Policy arn:aws:iam::{account}:policy/loose was not found.",
    ),
    (
        lambda w: w.iam.attach_user_policy(UserName=w.user, PolicyArn=w.arn("policy/none")),
        "Policy arn:aws:iam::{account}:policy/none does not exist or is not attachable.",
    ),
    (
        lambda w: w.iam.get_policy_version(PolicyArn=w.policy, VersionId="v9"),
        "Policy arn:aws:iam::{account}:policy/pol version v9 does not exist or is not attachable.",
    ),
    (
        lambda w: w.iam.delete_account_password_policy(),
        "The account policy with name PasswordPolicy cannot be found.",
    ),
    (
        lambda w: w.iam.get_account_password_policy(),
        "The Password Policy with domain name {account} cannot be found.",
    ),
    (
        lambda w: w.iam.get_saml_provider(SAMLProviderArn=w.arn("saml-provider/none")),
        "Manifest not found for arn arn:aws:iam::{account}:saml-provider/none",
    ),
    (
        lambda w: w.iam.delete_saml_provider(SAMLProviderArn=w.arn("saml-provider/none")),
        "Manifest not found for arn arn:aws:iam::{account}:saml-provider/none",
    ),
    (
        lambda w: w.iam.get_open_id_connect_provider(
            OpenIDConnectProviderArn=w.arn("oidc-provider/none.example.com")
        ),
        "OpenIDConnect Provider not found for arn "
        "arn:aws:iam::{account}:oidc-provider/none.example.com",
    ),
    (
        lambda w: w.iam.delete_open_id_connect_provider(
            OpenIDConnectProviderArn=w.arn("oidc-provider/none.example.com")
        ),
        "OpenId connect Provider arn:aws:iam::{account}:oidc-provider/none.example.com "
        "cannot be found.",
    ),
    (
        lambda w: w.iam.create_service_specific_credential(UserName=w.user, ServiceName="none"),
        "No such service none is supported for Service Specific Credentials",
    ),
    (
        lambda w: w.iam.delete_service_specific_credential(
            UserName=w.user, ServiceSpecificCredentialId=MISSING_CREDENTIAL
        ),
        f"No such credential {MISSING_CREDENTIAL} exists",
    ),
    # Both are missing: the user is named.
    (
        lambda w: w.iam.remove_user_from_group(GroupName=MISSING, UserName="nobody"),
        "The user with name nobody cannot be found.",
    ),
]

ENTITY_ALREADY_EXISTS = [
    (lambda w: w.iam.create_user(UserName=w.user), "User with name ana already exists."),
    (
        lambda w: w.iam.update_user(UserName="empty", NewUserName="ana"),
        "User with name ana already exists.",
    ),
    (lambda w: w.iam.create_group(GroupName=w.group), "Group with name crew already exists."),
    (
        lambda w: w.iam.create_role(RoleName=w.role, AssumeRolePolicyDocument=TRUST),
        "Role with name app already exists.",
    ),
    (
        lambda w: w.iam.create_policy(PolicyName="pol", PolicyDocument=POLICY),
        "A policy called pol already exists. Duplicate names are not allowed.",
    ),
    (
        lambda w: w.iam.create_login_profile(UserName=w.user, Password=PASSWORD),
        "Login Profile for user ana already exists.",
    ),
    (
        lambda w: w.iam.create_instance_profile(InstanceProfileName="web"),
        "Instance Profile web already exists.",
    ),
    (
        lambda w: w.iam.upload_server_certificate(
            ServerCertificateName="tls", CertificateBody=w.body, PrivateKey=w.key
        ),
        "The Server Certificate with name tls already exists.",
    ),
    (
        lambda w: w.iam.create_open_id_connect_provider(Url="https://oidc.example.com"),
        "Provider with url https://oidc.example.com already exists.",
    ),
    (
        lambda w: w.iam.create_virtual_mfa_device(VirtualMFADeviceName="phone"),
        "MFADevice entity at the same path and name already exists.",
    ),
]

INVALID_INPUT = [
    (
        lambda w: w.iam.create_service_linked_role(
            AWSServiceName="es.amazonaws.com", CustomSuffix="a"
        ),
        "Custom suffix is not allowed for es.amazonaws.com",
    ),
    (
        lambda w: w.iam.create_service_linked_role(AWSServiceName="es.amazonaws.com"),
        f"Service role name {ELASTICSEARCH} has been taken in this account, please try a different "
        "suffix.",
    ),
    (
        lambda w: w.iam.create_open_id_connect_provider(
            Url="https://more.example.com", ThumbprintList=[THUMBPRINT] * 6
        ),
        "Thumbprint list must contain fewer than 5 entries.",
    ),
    (
        lambda w: w.iam.tag_user(UserName=w.user, Tags=[*TAG, {"Key": "K", "Value": "v"}]),
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    ),
]

VALIDATION_ERROR = [
    (
        lambda w: w.session.delete_access_key(AccessKeyId=MISSING_KEY),
        "Must specify userName when calling with non-User credentials",
    ),
    (
        lambda w: w.iam.create_open_id_connect_provider(Url="nonsense"),
        "Invalid Open ID Connect Provider URL",
    ),
    (lambda w: w.iam.list_users(Marker="nonsense"), "Invalid Marker."),
    (
        lambda w: w.iam.update_account_password_policy(
            MinimumPasswordLength=129, PasswordReusePrevention=25, MaxPasswordAge=1096
        ),
        f"3 validation errors detected: Value at 'minimumPasswordLength' {BOUND} have value less "
        f"than or equal to 128; Value at 'passwordReusePrevention' {BOUND} have value less than or "
        f"equal to 24; Value at 'maxPasswordAge' {BOUND} have value less than or equal to 1095",
    ),
    (
        lambda w: w.iam.update_account_password_policy(MinimumPasswordLength=5),
        f"{ONE} at 'minimumPasswordLength' {BOUND} have value greater than or equal to 6",
    ),
    (
        lambda w: w.iam.create_user(UserName="a/b"),
        f"{ONE} at 'userName' {BOUND} satisfy regular expression pattern: [\\w+=,.@-]+",
    ),
    (
        lambda w: w.iam.create_group(GroupName="g" * 129),
        f"{ONE} at 'groupName' {BOUND} have length less than or equal to 128",
    ),
    (
        lambda w: w.iam.delete_access_key(UserName=w.user, AccessKeyId="A" * 15),
        f"{ONE} at 'accessKeyId' {BOUND} have length greater than or equal to 16",
    ),
    (
        lambda w: w.iam.update_access_key(
            UserName=w.user, AccessKeyId=MISSING_KEY, Status="Sleeping"
        ),
        f"{ONE} at 'status' {BOUND} satisfy enum value set: [Active, Inactive, Expired]",
    ),
    (lambda w: w.iam.get_role(), f"{ONE} null at 'roleName' {BOUND} not be null"),
    (
        lambda w: w.iam.tag_user(UserName=w.user, Tags=[*TAG, {"Key": "k" * 129, "Value": "v"}]),
        f"{ONE} at 'tags.2.member.key' {BOUND} have length less than or equal to 128",
    ),
    (
        lambda w: w.iam.create_open_id_connect_provider(
            Url="https://more.example.com", ClientIDList=["c" * 256]
        ),
        f"{ONE} at 'clientIDList' {BOUND} satisfy constraint: [Member must have length less than "
        "or equal to 255, Member must have length greater than or equal to 1]",
    ),
]

DELETE_CONFLICT = [
    (policies_on("user"), f"{FIRST} delete policies first."),
    (policies_on("group"), f"{FIRST} delete policies first."),
    (policies_on("role"), f"{FIRST} delete policies first."),
    (attachments_on("user"), f"{FIRST} detach all policies first."),
    (attachments_on("group"), f"{FIRST} detach all policies first."),
    (attachments_on("role"), f"{FIRST} detach all policies first."),
    (
        having(lambda w, name: w.iam.create_access_key(UserName=name)),
        f"{FIRST} delete access keys first.",
    ),
    (having(member_of_group), f"{FIRST} remove users from group first."),
    (
        having(lambda w, name: w.iam.upload_ssh_public_key(
            UserName=name, SSHPublicKeyBody=public_key(rsa_key())
        )),
        f"{FIRST} remove referenced objects first.",
    ),
    (
        lambda w: w.iam.delete_group(GroupName=w.holding("group", lambda name: (
            w.iam.add_user_to_group(GroupName=name, UserName="empty")
        ))),
        f"{FIRST} remove users from group first.",
    ),
    (
        lambda w: w.iam.delete_role(RoleName=w.holding("role", lambda name: (
            w.iam.add_role_to_instance_profile(
                InstanceProfileName=w.iam.create_instance_profile(
                    InstanceProfileName=unique("profile")
                )["InstanceProfile"]["InstanceProfileName"],
                RoleName=name,
            )
        ))),
        f"{FIRST} remove roles from instance profile first.",
    ),
    (
        lambda w: w.iam.delete_instance_profile(InstanceProfileName="web"),
        f"{FIRST} remove roles from instance profile first.",
    ),
    (
        lambda w: w.iam.delete_policy(PolicyArn=w.policy),
        "Cannot delete a policy attached to entities.",
    ),
    (
        lambda w: w.iam.delete_policy(PolicyArn=versions(w, 1)),
        "This policy has more than one version. Before you delete a policy, you must delete the "
        "policy's versions. The default version is deleted with the policy.",
    ),
    (
        lambda w: w.iam.delete_policy_version(PolicyArn=w.policy, VersionId="v1"),
        "Cannot delete the default version of a policy.",
    ),
    (lambda w: w.iam.delete_virtual_mfa_device(SerialNumber=w.device.serial), None),
]

LIMIT_EXCEEDED = [
    (
        lambda w: w.iam.create_access_key(UserName=w.user),
        "Cannot exceed quota for AccessKeysPerUser: 2",
    ),
    (
        lambda w: w.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName=w.role),
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
    ),
    (
        lambda w: w.iam.upload_signing_certificate(UserName=w.user, CertificateBody=w.third_body),
        "Cannot exceed quota for CertificatesPerUser: 2",
    ),
    (
        lambda w: w.iam.create_open_id_connect_provider(
            Url="https://more.example.com", ClientIDList=[f"c{number}" for number in range(101)]
        ),
        "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100",
    ),
    (
        lambda w: w.iam.create_role(
            RoleName="long",
            AssumeRolePolicyDocument=trust({"AWS": w.account}, Condition={
                "StringEquals": {"aws:PrincipalTag/x": "x" * 2048}
            }),
        ),
        "Cannot exceed quota for ACLSizePerRole: 2048",
    ),
    (
        lambda w: w.iam.create_policy(PolicyName="long", PolicyDocument=long_policy(6144)),
        "Cannot exceed quota for PolicySize: 6144",
    ),
    (twenty_certificates, "Cannot exceed quota for ServerCertificates: 20"),
    (
        lambda w: w.iam.tag_open_id_connect_provider(
            OpenIDConnectProviderArn=w.provider, Tags=TAG
        ),
        "The number of tags has reached the maximum limit.",
    ),
    (
        lambda w: versions(w, 5),
        "A managed policy can have up to 5 versions. Before you create a new version, you must "
        "delete an existing version.",
    ),
]

# Code, status, message where one is known, call.
OTHERS = [
    (
        "InvalidParameterValue", 400,
        "Value (arn:aws:iam::aws:user/x) for parameter PermissionsBoundary is invalid.",
        lambda w: w.iam.put_user_permissions_boundary(
            UserName=w.user, PermissionsBoundary="arn:aws:iam::aws:user/x"
        ),
    ),
    (
        "InvalidParameterValue", 400,
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        lambda w: w.sts.assume_role(
            RoleArn=w.arn("role/app"), RoleSessionName="session",
            Tags=[*TAG, {"Key": "K", "Value": "v"}],
        ),
    ),
    (
        "MalformedCertificate", 400, "Certificate invalid-certificate-body is malformed.",
        lambda w: w.iam.upload_signing_certificate(
            UserName="empty", CertificateBody="invalid-certificate-body"
        ),
    ),
    (
        "DuplicateCertificate", 409, None,
        lambda w: w.iam.upload_signing_certificate(UserName="empty", CertificateBody=w.body),
    ),
    (
        "InvalidCertificate", 400, None,
        lambda w: w.iam.upload_signing_certificate(UserName="empty", CertificateBody=w.past_body),
    ),
    (
        "KeyPairMismatch", 400, None,
        lambda w: w.iam.upload_server_certificate(
            ServerCertificateName="odd", CertificateBody=w.body, PrivateKey=w.other_key
        ),
    ),
    (
        "DuplicateSSHPublicKey", 400, None,
        lambda w: w.iam.upload_ssh_public_key(UserName=w.user, SSHPublicKeyBody=w.public_key),
    ),
    (
        "InvalidPublicKey", 400, None,
        lambda w: w.iam.upload_ssh_public_key(
            UserName=w.user, SSHPublicKeyBody=public_key(rsa_key(1024))
        ),
    ),
    (
        "UnrecognizedPublicKeyEncoding", 400, None,
        lambda w: w.iam.upload_ssh_public_key(
            UserName=w.user, SSHPublicKeyBody="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA=="
        ),
    ),
    (
        "MalformedPolicyDocument", 400, None,
        lambda w: w.iam.put_user_policy(UserName=w.user, PolicyName="p", PolicyDocument="{"),
    ),
    (
        "UnmodifiableEntity", 400, PROTECTED,
        lambda w: w.iam.delete_role(RoleName=ELASTICSEARCH),
    ),
    (
        "PolicyNotAttachable", 400, None,
        lambda w: w.iam.attach_role_policy(
            RoleName=w.role,
            PolicyArn=MANAGED + "aws-service-role/AmazonElasticsearchServiceRolePolicy",
        ),
    ),
    (
        "PasswordPolicyViolation", 400, "Password does not conform to the account password policy.",
        lambda w: w.iam.update_login_profile(UserName=w.user, Password="short"),
    ),
    (
        "InvalidUserType", 400, None,
        lambda w: w.session.change_password(OldPassword=PASSWORD, NewPassword=PASSWORD + "2"),
    ),
    (
        "InvalidAuthenticationCode", 403, "Authentication code for device is not valid.",
        lambda w: w.iam.resync_mfa_device(
            UserName=w.user, SerialNumber=w.device.serial,
            AuthenticationCode1=(codes := w.device.pair())["AuthenticationCode1"],
            AuthenticationCode2=codes["AuthenticationCode1"],
        ),
    ),
    ("ReportNotPresent", 410, "", lambda w: w.iam.get_credential_report()),
    ("FeatureDisabled", 404, None, lambda w: w.iam.disable_outbound_web_identity_federation()),
    ("FeatureEnabled", 409, None, federation_twice),
    (
        "OrganizationNotFoundException", 400, None,
        lambda w: w.iam.list_organizations_features(),
    ),
    (
        "AccessDenied", 403,
        "User: {session} is not authorized to perform iam:GetAccessKeyLastUsed on resource: "
        f"access key {MISSING_KEY}",
        lambda w: w.session.get_access_key_last_used(AccessKeyId=MISSING_KEY),
    ),
    (
        "AccessDenied", 403,
        "User: arn:aws:iam::{account}:user/ana is not authorized to perform: iam:ListUsers on "
        "resource: arn:aws:iam::{account}:user/ because no identity-based policy allows the "
        "iam:ListUsers action",
        lambda w: w.server.iam(w.keys[0]).list_users(),
    ),
]


def gathered():
    """The whole table as code, status, message and call."""
    for code, status, rows in (
        ("NoSuchEntity", 404, NO_SUCH_ENTITY),
        ("EntityAlreadyExists", 409, ENTITY_ALREADY_EXISTS),
        ("InvalidInput", 400, INVALID_INPUT),
        ("ValidationError", 400, VALIDATION_ERROR),
        ("DeleteConflict", 409, DELETE_CONFLICT),
        ("LimitExceeded", 409, LIMIT_EXCEEDED),
    ):
        yield from ((code, status, message, call) for call, message in rows)
    yield from OTHERS


def error_of(call):
    """Status, code and message of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    error = response["Error"]
    assert error["Type"] == "Sender"
    return response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error.get("Message", "")


@pytest.mark.parametrize(("code", "status", "message", "call"), list(gathered()))
def test_errors_of_operations(world, code, status, message, call):
    answered = error_of(lambda: call(world))
    assert answered[:2] == (status, code), answered
    if message is not None:
        expected = message.replace("{account}", world.account)
        assert answered[2] == expected.replace("{session}", world.session_arn)


def test_no_code_of_the_service_model_is_forgotten(iam):
    statuses = {}
    for shape in iam.meta.service_model.error_shapes:
        error = shape.metadata.get("error") or {}
        statuses[error.get("code", shape.name)] = error.get("httpStatusCode", 400)
    answered = {code: status for code, status, *_ in gathered()}
    answered["ReportExpired"] = 410  # With another clock, in test_request_errors.py.
    assert statuses.keys() - answered.keys() == NEVER.keys()
    assert {code: statuses[code] for code in answered.keys() & statuses.keys()} == {
        code: answered[code] for code in answered.keys() & statuses.keys()
    }
