"""What AWS's own examples need before they can be sent, and where no answer can agree with them."""

from certificate_files import certificate, rsa_key, self_signed
from iamd import Keys, document, allow, trust
from totp import Device

ACCOUNT = "123456789012"
TRUST = trust({"Service": "ec2.amazonaws.com"})
POLICY = document(allow("s3:GetObject"))
TAGS = [{"Key": "Dept", "Value": "12345"}, {"Key": "Team", "Value": "Accounting"}]
PATH = "/division_abc/subdivision_xyz/"

# Reasons, each for one kind of difference.
PLACEHOLDER = "the example has a placeholder here"
DRAWN = "the example has an id here that its account has drawn"
OTHER_ACCOUNT = "the example speaks of another account than the rest of them"
LATER_MEMBER = "the example is older than this member, which AWS sends today"
CONTRADICTION = "the example contradicts itself"
NO_SIGN_IN = "nobody has signed in with a password"
LATER_QUOTA = "the quota was raised after the example was written"
OWN_PACKING = "AWS does not publish how it packs policies (docs/differences.md)"
NO_HEX = "no thumbprint has such letters (docs/differences.md)"
NO_ORGANIZATION = "the account is in no organization"
NO_EVENTS = "the services of the example do not run here"


class Case:
    """How an example is sent.

    `setup` makes what it needs and may give members that stand in for those of the example;
    `stands_in` says why they do. `differs` says why members of the answer do not agree, by their
    paths. `by` makes the caller, who is root otherwise. `refused` holds the codes of the refusal
    when no answer can be had, and why. `needs` names other operations that must be built first.
    """

    def __init__(
        self, setup=None, stands_in=None, differs=None, by=None, refused=None, needs=()
    ):
        self.setup, self.by, self.refused, self.needs = setup, by, refused, needs
        self.stands_in, self.differs = stands_in or {}, differs or {}


CASES = {}


def case(name, **more):
    """Names the setup of an example; the number counts the examples of one operation."""

    def register(setup):
        CASES[name] = Case(setup, **more)
        return setup

    return register


def plain(name, setup=None, **more):
    """An example whose setup is a list of requests."""

    def send_all(world):
        for operation, members in setup or ():
            getattr(world.iam, operation)(**members)

    CASES[name] = Case(send_all, **more)


def user(name, **more):
    return ("create_user", {"UserName": name, **more})


def group(name, **more):
    return ("create_group", {"GroupName": name, **more})


def role(name, **more):
    return ("create_role", {"RoleName": name, "AssumeRolePolicyDocument": TRUST, **more})


def profile(name):
    return ("create_instance_profile", {"InstanceProfileName": name})


def filled_profile(name, role_name):
    members = {"InstanceProfileName": name, "RoleName": role_name}
    return [role(role_name), profile(name), ("add_role_to_instance_profile", members)]


def inline(kind, holder, *names):
    members = {f"{kind.title()}Name": holder, "PolicyDocument": POLICY}
    return [(f"put_{kind}_policy", {**members, "PolicyName": name}) for name in names]


BOB = user("Bob")
TEST_PROFILE = filled_profile("ExampleInstanceProfile", "Test-Role")
PROVIDER = (
    "create_open_id_connect_provider",
    {"Url": "https://server.example.com", "ThumbprintList": ["a" * 40]},
)
BOB_WITH_PASSWORD = [
    BOB,
    ("create_login_profile", {"UserName": "Bob", "Password": "h]6EszR}vJ*m"}),
]

plain("AddClientIDToOpenIDConnectProvider", [PROVIDER])
plain("AddRoleToInstanceProfile", [role("S3Access"), profile("Webserver")])
plain("AddUserToGroup", [BOB, group("Admins")])
plain("AttachGroupPolicy", [group("Finance")])
plain("AttachRolePolicy", [role("ReadOnlyRole")])
plain("AttachUserPolicy", [user("Alice")])
plain("CreateAccessKey", [BOB])
plain("CreateAccountAlias")
plain("CreateGroup")
plain("CreateInstanceProfile")
plain("CreateLoginProfile", [BOB])
plain("CreateUser")
plain("DeleteAccountAlias", [("create_account_alias", {"AccountAlias": "mycompany"})])
plain("DeleteAccountPasswordPolicy", [("update_account_password_policy", {})])
plain("DeleteGroupPolicy", [group("Admins"), *inline("group", "Admins", "ExamplePolicy")])
plain("DeleteInstanceProfile", [profile("ExampleInstanceProfile")])
plain("DeleteLoginProfile", BOB_WITH_PASSWORD)
plain("DeleteRole", [role("Test-Role")])
plain("DeleteRolePolicy", [role("Test-Role"), *inline("role", "Test-Role", "ExamplePolicy")])
plain("DeleteUser", [BOB])
plain("DeleteUserPolicy", [user("Juan"), *inline("user", "Juan", "ExamplePolicy")])
plain(
    "DeleteVirtualMFADevice",
    [("create_virtual_mfa_device", {"VirtualMFADeviceName": "ExampleName"})],
)
plain(
    "GetInstanceProfile",
    TEST_PROFILE,
    differs={
        "InstanceProfile.Arn": OTHER_ACCOUNT,
        "InstanceProfile.Roles.0.Arn": OTHER_ACCOUNT,
        "InstanceProfile.Tags": LATER_MEMBER,
    },
)
plain("GetUser", [BOB])
plain("ListAccountAliases", [("create_account_alias", {"AccountAlias": "exmaple-corporation"})])
plain("ListGroupPolicies", [group("Admins"), *inline("group", "Admins", "AdminRoot", "KeyPolicy")])
plain("ListRoleTags", [role("taggedrole1", Tags=TAGS)])
plain("ListUserTags", [user("anika", Tags=TAGS)])
plain(
    "ListUsers",
    # Juan comes first in the example; here the order is that of names.
    [user(name, Path=f"{PATH}engineering/") for name in ("Juan", "Anika")],
    differs={
        "Users.0.Arn": "AWS promises no order of users; here it is that of their names",
        "Users.0.UserName": "as above",
        "Users.1.Arn": "as above",
        "Users.1.UserName": "as above",
        "Users.0.PasswordLastUsed": NO_SIGN_IN,
        "Users.1.PasswordLastUsed": NO_SIGN_IN,
    },
)
plain(
    "ListVirtualMFADevices",
    [
        ("create_virtual_mfa_device", {"VirtualMFADeviceName": name})
        for name in ("ExampleMFADevice", "Juan")
    ],
)
plain("PutGroupPolicy", [group("Admins")])
plain("PutRolePolicy", [role("S3Access")])
plain("PutUserPolicy", [BOB])
plain("RemoveRoleFromInstanceProfile", TEST_PROFILE)
plain(
    "RemoveUserFromGroup",
    [BOB, group("Admins"), ("add_user_to_group", {"GroupName": "Admins", "UserName": "Bob"})],
)
plain("SetSecurityTokenServicePreferences")
plain("TagRole", [role("taggedrole")])
plain("TagUser", [user("anika")])
plain("UntagRole", [role("taggedrole", Tags=TAGS)])
plain("UntagUser", [user("anika", Tags=TAGS)])
plain("UpdateAccountPasswordPolicy")
plain("UpdateAssumeRolePolicy", [role("S3AccessForEC2Instances")])
plain("UpdateGroup", [group("Test")])
plain("UpdateLoginProfile", BOB_WITH_PASSWORD)
plain("UpdateUser", [BOB])
plain(
    "GetAccountPasswordPolicy",
    [
        (
            "update_account_password_policy",
            {
                "MinimumPasswordLength": 8,
                "RequireNumbers": True,
                "RequireSymbols": True,
                "MaxPasswordAge": 90,
                "PasswordReusePrevention": 12,
                "HardExpiry": False,
            },
        )
    ],
    differs={
        "PasswordPolicy.ExpirePasswords": f"{CONTRADICTION}: passwords of a maximum age expire"
    },
)
plain(
    "GetLoginProfile",
    [user("Anika"), ("create_login_profile", {"UserName": "Anika", "Password": "h]6EszR}vJ*m"})],
    differs={"LoginProfile.PasswordResetRequired": LATER_MEMBER},
)

GROUP_PATHS = [
    ("Admins", PATH),
    ("Managers", f"{PATH}product_1234/"),
    ("Test", f"{PATH}product_1234/engineering/"),
]
PATH_LOST = f"{CONTRADICTION}: ARN and path do not belong together"
GROUP_ORDER = "AWS promises no order of groups; here it is that of their names"


def in_order_of_names(members, places):
    return {
        f"Groups.{place}.{member}": GROUP_ORDER for place in places for member in members
    }


plain(
    "ListGroups",
    [group(name, Path=path) for name, path in GROUP_PATHS],
    differs={
        "Groups.0.Arn": PATH_LOST,
        **in_order_of_names(("Arn", "GroupName", "Path"), (1, 2)),
    },
)
plain(
    "ListGroupsForUser",
    [
        BOB,
        *[group(name, Path=path) for name, path in GROUP_PATHS[1:]],
        *[
            ("add_user_to_group", {"GroupName": name, "UserName": "Bob"})
            for name, _ in GROUP_PATHS[1:]
        ],
    ],
    differs=in_order_of_names(("Arn", "GroupName", "Path"), (0, 1)),
)


@case(
    "CreateOpenIDConnectProvider",
    stands_in={"ThumbprintList": NO_HEX},
)
def create_open_id_connect_provider(world):
    return {"ThumbprintList": ["3768084dfb3d2b68b7897bf5f565da8ef0000000"]}


@case("CreateRole", stands_in={"AssumeRolePolicyDocument": PLACEHOLDER})
def create_role(world):
    return {"AssumeRolePolicyDocument": TRUST}


def person(world, name, password=None):
    """A user who may do everything, with his keys."""
    world.iam.create_user(UserName=name)
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    world.iam.attach_user_policy(UserName=name, PolicyArn=administrator)
    if password:
        world.iam.create_login_profile(UserName=name, Password=password)
    return Keys.of(world.iam.create_access_key(UserName=name))


CASES["ChangePassword"] = Case(by=lambda world: person(world, "Bob", "3s0K_;xh4~8XXI"))


def with_key(name):
    @case(name, stands_in={"AccessKeyId": DRAWN})
    def setup(world):
        world.iam.create_user(UserName="Bob")
        key = world.iam.create_access_key(UserName="Bob")["AccessKey"]
        return {"AccessKeyId": key["AccessKeyId"]}


with_key("DeleteAccessKey")
with_key("UpdateAccessKey")
plain(
    "ListAccessKeys",
    [user("Alice"), *[("create_access_key", {"UserName": "Alice"})] * 2],
)


def with_certificate(name, holder):
    @case(name, stands_in={"CertificateId": DRAWN})
    def setup(world):
        world.iam.create_user(UserName=holder)
        uploaded = world.iam.upload_signing_certificate(
            UserName=holder, CertificateBody=certificate(rsa_key())
        )
        return {"CertificateId": uploaded["Certificate"]["CertificateId"]}


with_certificate("DeleteSigningCertificate", "Anika")
with_certificate("UpdateSigningCertificate", "Bob")


@case("ListSigningCertificates")
def list_signing_certificates(world):
    world.iam.create_user(UserName="Bob")
    world.iam.upload_signing_certificate(
        UserName="Bob", CertificateBody=certificate(rsa_key())
    )


@case("UploadSigningCertificate", stands_in={"CertificateBody": PLACEHOLDER})
def upload_signing_certificate(world):
    world.iam.create_user(UserName="Bob")
    return {"CertificateBody": certificate(rsa_key())}


@case(
    "UploadServerCertificate",
    stands_in={"CertificateBody": PLACEHOLDER, "PrivateKey": PLACEHOLDER},
)
def upload_server_certificate(world):
    body, key = self_signed(world.folder)
    return {"CertificateBody": body, "PrivateKey": key}


SUMMARY_NAMES_OF_TODAY = (
    "AccountPasswordPresent",
    "AssumeRolePolicySizeQuota",
    "InstanceProfiles",
    "InstanceProfilesQuota",
    "Providers",
    "RolePolicySizeQuota",
    "Roles",
    "RolesQuota",
)


@case(
    "GetAccountSummary",
    differs={
        **{f"SummaryMap.{name}": LATER_MEMBER for name in SUMMARY_NAMES_OF_TODAY},
        "SummaryMap.GroupsQuota": LATER_QUOTA,
        "SummaryMap.PoliciesQuota": LATER_QUOTA,
        "SummaryMap.PolicySizeQuota": LATER_QUOTA,
        "SummaryMap.GlobalEndpointTokenVersion": "the example's account has asked for version 2",
    },
)
def get_account_summary(world):
    """As many of everything as the example counts; root has its one key."""
    iam = world.iam
    for number in range(27):
        iam.create_user(UserName=f"user-{number}")
    for number in range(15):
        iam.create_group(GroupName=f"group-{number}")
    # Eight policies that have 22 versions in all.
    for number in range(8):
        made = iam.create_policy(PolicyName=f"policy-{number}", PolicyDocument=POLICY)["Policy"]
        for _ in range(2 if number < 6 else 1):
            iam.create_policy_version(PolicyArn=made["Arn"], PolicyDocument=POLICY)
    for number in range(6):
        device = Device.of(iam.create_virtual_mfa_device(VirtualMFADeviceName=f"phone-{number}"))
        if number < 3:
            iam.enable_mfa_device(UserName=f"user-{number}", **device.pair())
    body, key = self_signed(world.folder)
    iam.upload_server_certificate(
        ServerCertificateName="web", CertificateBody=body, PrivateKey=key
    )


def assumable(world, name, actions="sts:AssumeRole", **more):
    """A role that every principal of the account may assume who is allowed to."""
    document = trust({"AWS": ACCOUNT}, actions, **more)
    world.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def session(world, role_name, session_name):
    """The keys of a session of this role, which may do everything."""
    arn = assumable(world, role_name)
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    world.iam.attach_role_policy(RoleName=role_name, PolicyArn=administrator)
    alice = world.server.sts(person(world, "Alice"))
    return Keys.of(alice.assume_role(RoleArn=arn, RoleSessionName=session_name))


@case("GetRole")
def get_role(world):
    keys = session(world, "Test-Role", "use")
    world.server.client("sts", keys, "us-east-1").get_caller_identity()


@case(
    "AssumeRole",
    by=lambda world: person(world, "Ann"),
    differs={
        "AssumedRoleUser.Arn": f"{CONTRADICTION}: the session has another name",
        "PackedPolicySize": OWN_PACKING,
    },
)
def assume_role(world):
    condition = {"StringEquals": {"sts:ExternalId": "123ABC"}}
    document = trust(
        {"AWS": ACCOUNT}, ["sts:AssumeRole", "sts:TagSession"], Condition=condition
    )
    world.iam.create_role(RoleName="demo", AssumeRolePolicyDocument=document)


@case(
    "GetSessionToken",
    stands_in={"SerialNumber": PLACEHOLDER, "TokenCode": "the code of this moment"},
    by=lambda world: world.keys["Alice"],
)
def get_session_token(world):
    world.keys["Alice"] = person(world, "Alice")
    device = Device.of(world.iam.create_virtual_mfa_device(VirtualMFADeviceName="phone"))
    world.iam.enable_mfa_device(UserName="Alice", **device.pair(-1))
    return device.shown()


@case("DecodeAuthorizationMessage", stands_in={"EncodedMessage": PLACEHOLDER}, differs={
    "DecodedMessage": "the example is an excerpt, about another denial, and no JSON"
})
def decode_authorization_message(world):
    world.iam.create_user(UserName="Bob")
    keys = Keys.of(world.iam.create_access_key(UserName="Bob"))
    denial = world.denial(keys)
    return {"EncodedMessage": denial["HTTPHeaders"]["x-iamd-authorization-message"]}


CASES["GetCallerIdentity"] = Case(by=lambda world: person(world, "Alice"))
CASES["GetCallerIdentity 2"] = Case(
    by=lambda world: session(world, "my-role-name", "my-role-session-name")
)
CASES["GetCallerIdentity 3"] = Case(
    by=lambda world: Keys.of(
        world.server.sts(person(world, "Alice")).get_federation_token(
            Name="my-federated-user-name", Policy=document(allow("*"))
        )
    ),
    needs=("GetFederationToken",),
)
CASES["GetFederationToken"] = Case(
    by=lambda world: person(world, "Ann"),
    differs={
        "FederatedUser.Arn": f"{CONTRADICTION}: the session has another name",
        "FederatedUser.FederatedUserId": f"{CONTRADICTION}: the session has another name",
        "PackedPolicySize": OWN_PACKING,
    },
)
CASES["AssumeRoleWithSAML"] = Case(
    refused=(
        ("InvalidIdentityToken", "AccessDenied", "ExpiredToken"),
        "the assertion of the example is none; real ones are in the tests of SAML",
    ),
)
CASES["AssumeRoleWithWebIdentity"] = Case(
    refused=(
        ("InvalidIdentityToken", "AccessDenied", "ExpiredToken"),
        "the token of the example is cut, and its provider must be asked; real ones are elsewhere",
    ),
)
CASES["GenerateOrganizationsAccessReport"] = Case(
    refused=(("InvalidInput", "OrganizationNotFoundException", "AccessDenied"), NO_ORGANIZATION)
)
CASES["GetOrganizationsAccessReport"] = Case(
    refused=(("NoSuchEntity", "OrganizationNotFoundException"), NO_ORGANIZATION)
)


@case("GenerateServiceLastAccessedDetails")
def generate_service_last_accessed_details(world):
    world.iam.create_policy(PolicyName="ExamplePolicy1", PolicyDocument=POLICY)


def with_job(name, **more):
    @case(name, stands_in={"JobId": DRAWN}, needs=("GenerateServiceLastAccessedDetails",), **more)
    def setup(world):
        world.iam.create_policy(
            PolicyName="ExamplePolicy1", PolicyDocument=document(allow(["iam:*", "s3:*"]))
        )
        arn = f"arn:aws:iam::{ACCOUNT}:policy/ExamplePolicy1"
        return {"JobId": world.iam.generate_service_last_accessed_details(Arn=arn)["JobId"]}


with_job(
    "GetServiceLastAccessedDetails",
    differs={
        "JobType": LATER_MEMBER,
        "ServicesLastAccessed.0.ServiceName": "named as in the Service Authorization Reference",
        "ServicesLastAccessed.1.ServiceName": "named as in the Service Authorization Reference",
        "ServicesLastAccessed.0.LastAuthenticated": NO_EVENTS,
        "ServicesLastAccessed.0.LastAuthenticatedEntity": NO_EVENTS,
        "ServicesLastAccessed.0.TotalAuthenticatedEntities": NO_EVENTS,
    },
)
with_job(
    "GetServiceLastAccessedDetailsWithEntities",
    differs={"EntityDetailsList": "nobody of this account has used the service"},
)


@case("ListPoliciesGrantingServiceAccess")
def list_policies_granting_service_access(world):
    iam = world.iam
    iam.create_user(UserName="ExampleUser01")
    iam.create_group(GroupName="AWSExampleGroup1")
    iam.add_user_to_group(GroupName="AWSExampleGroup1", UserName="ExampleUser01")
    iam.put_group_policy(
        GroupName="AWSExampleGroup1",
        PolicyName="ExampleGroup1Policy",
        PolicyDocument=document(allow("iam:GetUser")),
    )
    for name, action in (("ExampleIamPolicy", "iam:*"), ("ExampleEc2Policy", "ec2:*")):
        policy = document(allow(action))
        arn = iam.create_policy(PolicyName=name, PolicyDocument=policy)["Policy"]["Arn"]
        iam.attach_user_policy(UserName="ExampleUser01", PolicyArn=arn)
