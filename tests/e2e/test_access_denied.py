"""Every operation is denied to who has no policy, and allowed by its one action on its resource."""

import json
import re
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import ClientError
from certificate_files import certificate, public_key, rsa_key
from saml_files import metadata
from totp import Device
from iamd import (
    Keys,
    allow,
    create_user,
    denied,
    deny,
    document,
    explicit_deny,
    no_policy,
    refused,
    trust,
    unique,
)

POLICY = document(allow("s3:GetObject"))
TRUST = trust({"Service": "ec2.amazonaws.com"})
PASSWORD = "Correct-horse-1"
TAGS = [{"Key": "k", "Value": "v"}]
NOT_IMPLEMENTED = Path(__file__).parents[2] / "crates" / "core" / "src" / "not_implemented.rs"


class Things:
    """One of everything, fresh for each use."""

    def __init__(self, server):
        self.server, self.iam, self.account = server, server.iam(), server.account
        self.new = unique("new")

    def arn(self, kind, name):
        return f"arn:aws:iam::{self.account}:{kind}/{name}"

    def user(self):
        return self.iam.create_user(UserName=unique("user"))["User"]["UserName"]

    def group(self):
        return self.iam.create_group(GroupName=unique("group"))["Group"]["GroupName"]

    def role(self):
        answer = self.iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=TRUST)
        return answer["Role"]["RoleName"]

    def profile(self):
        answer = self.iam.create_instance_profile(InstanceProfileName=unique("profile"))
        return answer["InstanceProfile"]["InstanceProfileName"]

    def policy(self):
        answer = self.iam.create_policy(PolicyName=unique("policy"), PolicyDocument=POLICY)
        return answer["Policy"]["Arn"]


# One function an operation: it makes what the operation needs and gives the request and the
# resource that a policy must name. `also` holds what the operation needs beside its own action.
OPERATIONS = {}


def operation(name, also=()):
    def register(build):
        OPERATIONS[name] = (build, also)
        return build

    return register


def on_user(name, **more):
    def build(t):
        user = t.user()
        return {"UserName": user, **more}, t.arn("user", user)

    OPERATIONS[name] = (build, ())


def on_group(name, **more):
    def build(t):
        group = t.group()
        return {"GroupName": group, **more}, t.arn("group", group)

    OPERATIONS[name] = (build, ())


def on_role(name, **more):
    def build(t):
        role = t.role()
        return {"RoleName": role, **more}, t.arn("role", role)

    OPERATIONS[name] = (build, ())


def on_policy(name, **more):
    def build(t):
        arn = t.policy()
        return {"PolicyArn": arn, **more}, arn

    OPERATIONS[name] = (build, ())


def on_profile(name, **more):
    def build(t):
        profile = t.profile()
        return {"InstanceProfileName": profile, **more}, t.arn("instance-profile", profile)

    OPERATIONS[name] = (build, ())


def on_all(name, shown, **more):
    """An action without resource-level permissions; a denial shows `shown`."""
    OPERATIONS[name] = (lambda t: (dict(more), ("*", shown.format(account=t.account))), ())


for name in ("CreateAccessKey", "DeleteUser", "GetUser", "ListAccessKeys", "ListGroupsForUser"):
    on_user(name)
for name in ("ListAttachedUserPolicies", "ListUserPolicies", "ListUserTags"):
    on_user(name)
on_user("PutUserPolicy", PolicyName="p", PolicyDocument=POLICY)
on_user("TagUser", Tags=TAGS)
on_user("UntagUser", TagKeys=["k"])
on_user("DeleteUserPermissionsBoundary")
on_user("UpdateUser", NewPath="/")
for name in ("DeleteGroup", "GetGroup", "ListAttachedGroupPolicies", "ListGroupPolicies"):
    on_group(name)
on_group("PutGroupPolicy", PolicyName="p", PolicyDocument=POLICY)
on_group("UpdateGroup", NewPath="/")
for name in ("DeleteRole", "GetRole", "ListAttachedRolePolicies", "ListRolePolicies"):
    on_role(name)
for name in ("ListInstanceProfilesForRole", "ListRoleTags", "DeleteRolePermissionsBoundary"):
    on_role(name)
on_role("PutRolePolicy", PolicyName="p", PolicyDocument=POLICY)
on_role("TagRole", Tags=TAGS)
on_role("UntagRole", TagKeys=["k"])
on_role("UpdateRole", Description="d")
on_role("UpdateRoleDescription", Description="d")
on_role("UpdateAssumeRolePolicy", PolicyDocument=TRUST)
for name in ("DeletePolicy", "GetPolicy", "ListEntitiesForPolicy", "ListPolicyTags"):
    on_policy(name)
on_policy("ListPolicyVersions")
on_policy("GetPolicyVersion", VersionId="v1")
on_policy("SetDefaultPolicyVersion", VersionId="v1")
on_policy("CreatePolicyVersion", PolicyDocument=POLICY)
on_policy("TagPolicy", Tags=TAGS)
on_policy("UntagPolicy", TagKeys=["k"])
for name in ("DeleteInstanceProfile", "GetInstanceProfile", "ListInstanceProfileTags"):
    on_profile(name)
on_profile("TagInstanceProfile", Tags=TAGS)
on_profile("UntagInstanceProfile", TagKeys=["k"])
on_all("ListUsers", "arn:aws:iam::{account}:user/")
on_all("ListGroups", "arn:aws:iam::{account}:group/")
on_all("ListRoles", "arn:aws:iam::{account}:role/")
on_all("ListInstanceProfiles", "arn:aws:iam::{account}:instance-profile/")
on_all("ListPolicies", "policy path /")
on_all("ListAccountAliases", "*")
on_all("GetAccountSummary", "*")


@operation("CreateUser")
def create_a_user(t):
    return {"UserName": t.new}, t.arn("user", t.new)


@operation("CreateGroup")
def create_a_group(t):
    return {"GroupName": t.new}, t.arn("group", t.new)


@operation("CreateRole")
def create_a_role(t):
    request = {"RoleName": t.new, "AssumeRolePolicyDocument": TRUST}
    return request, t.arn("role", t.new)


@operation("CreatePolicy")
def create_a_policy(t):
    return {"PolicyName": t.new, "PolicyDocument": POLICY}, t.arn("policy", t.new)


@operation("CreateInstanceProfile")
def create_an_instance_profile(t):
    return {"InstanceProfileName": t.new}, t.arn("instance-profile", t.new)


@operation("CreateAccountAlias")
def create_an_alias(t):
    return {"AccountAlias": t.new}, ("*", "*")


@operation("DeleteAccountAlias")
def delete_an_alias(t):
    t.iam.create_account_alias(AccountAlias=t.new)
    return {"AccountAlias": t.new}, ("*", "*")


@operation("AddUserToGroup")
def add_user_to_group(t):
    group = t.group()
    return {"GroupName": group, "UserName": t.user()}, t.arn("group", group)


@operation("RemoveUserFromGroup")
def remove_user_from_group(t):
    return add_user_to_group(t)


def attachment(name, holder, attached):
    def build(t):
        entity, arn = getattr(t, holder)(), t.policy()
        request = {f"{holder.title()}Name": entity, "PolicyArn": arn}
        if attached:
            getattr(t.iam, f"attach_{holder}_policy")(**request)
        return request, t.arn(holder, entity)

    OPERATIONS[name] = (build, ())


def inline(name, holder):
    def build(t):
        entity = getattr(t, holder)()
        request = {f"{holder.title()}Name": entity, "PolicyName": "p"}
        put = getattr(t.iam, f"put_{holder}_policy")
        put(**request, PolicyDocument=POLICY)
        return request, t.arn(holder, entity)

    OPERATIONS[name] = (build, ())


def boundary(name, holder):
    def build(t):
        entity = getattr(t, holder)()
        request = {f"{holder.title()}Name": entity, "PermissionsBoundary": t.policy()}
        return request, t.arn(holder, entity)

    OPERATIONS[name] = (build, ())


for holder in ("user", "group", "role"):
    attachment(f"Attach{holder.title()}Policy", holder, attached=False)
    attachment(f"Detach{holder.title()}Policy", holder, attached=True)
    inline(f"Get{holder.title()}Policy", holder)
    inline(f"Delete{holder.title()}Policy", holder)
for holder in ("user", "role"):
    boundary(f"Put{holder.title()}PermissionsBoundary", holder)


@operation("DeletePolicyVersion")
def delete_policy_version(t):
    arn = t.policy()
    t.iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY)
    return {"PolicyArn": arn, "VersionId": "v2"}, arn


def on_key(name, **more):
    def build(t):
        user = t.user()
        key = t.iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
        return {"UserName": user, "AccessKeyId": key, **more}, t.arn("user", user)

    OPERATIONS[name] = (build, ())


on_key("UpdateAccessKey", Status="Inactive")
on_key("DeleteAccessKey")


@operation("GetAccessKeyLastUsed")
def get_access_key_last_used(t):
    user = t.user()
    key = t.iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
    return {"AccessKeyId": key}, t.arn("user", user)


@operation("AddRoleToInstanceProfile", also=("iam:PassRole",))
def add_role_to_instance_profile(t):
    profile = t.profile()
    request = {"InstanceProfileName": profile, "RoleName": t.role()}
    return request, t.arn("instance-profile", profile)


@operation("RemoveRoleFromInstanceProfile")
def remove_role_from_instance_profile(t):
    request, arn = add_role_to_instance_profile(t)
    t.iam.add_role_to_instance_profile(**request)
    return request, arn


@operation("CreateLoginProfile")
def create_login_profile(t):
    user = t.user()
    return {"UserName": user, "Password": PASSWORD}, t.arn("user", user)


@operation("GetLoginProfile")
@operation("DeleteLoginProfile")
def one_login_profile(t):
    request, arn = create_login_profile(t)
    t.iam.create_login_profile(**request)
    return {"UserName": request["UserName"]}, arn


@operation("UpdateLoginProfile")
def update_login_profile(t):
    request, arn = one_login_profile(t)
    return {**request, "Password": PASSWORD}, arn


@operation("ChangePassword")
def change_password(t):
    def resource(user):
        t.iam.create_login_profile(UserName=user["UserName"], Password=PASSWORD)
        return user["Arn"]

    return {"OldPassword": PASSWORD, "NewPassword": PASSWORD + "2"}, resource


@operation("CreateVirtualMFADevice")
def create_virtual_mfa_device(t):
    return {"VirtualMFADeviceName": t.new}, t.arn("mfa", t.new)


def device(t):
    name = unique("phone")
    return Device.of(t.iam.create_virtual_mfa_device(VirtualMFADeviceName=name))


def on_device(name, **more):
    def build(t):
        serial = device(t).serial
        return {"SerialNumber": serial, **more}, serial

    OPERATIONS[name] = (build, ())


@operation("GenerateCredentialReport")
@operation("GetCredentialReport")
@operation("GetAccountAuthorizationDetails")
def reports(t):
    t.iam.generate_credential_report()
    return {}, "*"


on_device("DeleteVirtualMFADevice")
on_device("ListMFADeviceTags")
on_device("TagMFADevice", Tags=TAGS)
on_device("UntagMFADevice", TagKeys=["k"])
on_user("ListMFADevices")
on_all("ListVirtualMFADevices", "arn:aws:iam::{account}:mfa/")


@operation("EnableMFADevice")
def enable_mfa_device(t):
    user = t.user()
    return {"UserName": user, **device(t).pair()}, t.arn("user", user)


@operation("DeactivateMFADevice")
@operation("GetMFADevice")
def one_mfa_device(t):
    request, arn = enable_mfa_device(t)
    t.iam.enable_mfa_device(**request)
    return {"UserName": request["UserName"], "SerialNumber": request["SerialNumber"]}, arn


@operation("ResyncMFADevice")
def resync_mfa_device(t):
    user, phone = t.user(), device(t)
    t.iam.enable_mfa_device(UserName=user, **phone.pair(-2))
    return {"UserName": user, **phone.pair()}, t.arn("user", user)


@operation("UpdateAccountPasswordPolicy")
@operation("GetAccountPasswordPolicy")
@operation("DeleteAccountPasswordPolicy")
def password_policy(t):
    t.iam.update_account_password_policy()
    return {}, "*"


KEY = rsa_key()
SSH_KEY = public_key(KEY)


def on_ssh_key(name, **more):
    def build(t):
        user = t.user()
        key = t.iam.upload_ssh_public_key(UserName=user, SSHPublicKeyBody=SSH_KEY)["SSHPublicKey"]
        request = {"UserName": user, "SSHPublicKeyId": key["SSHPublicKeyId"], **more}
        return request, t.arn("user", user)

    OPERATIONS[name] = (build, ())


on_user("UploadSSHPublicKey", SSHPublicKeyBody=SSH_KEY)
on_user("ListSSHPublicKeys")
on_ssh_key("GetSSHPublicKey", Encoding="SSH")
on_ssh_key("UpdateSSHPublicKey", Status="Inactive")
on_ssh_key("DeleteSSHPublicKey")


@operation("UploadSigningCertificate")
def upload_signing_certificate(t):
    user = t.user()
    return {"UserName": user, "CertificateBody": certificate(KEY)}, t.arn("user", user)


def on_signing_certificate(name, **more):
    def build(t):
        request, arn = upload_signing_certificate(t)
        uploaded = t.iam.upload_signing_certificate(**request)["Certificate"]
        named = {"UserName": uploaded["UserName"], "CertificateId": uploaded["CertificateId"]}
        return {**named, **more}, arn

    OPERATIONS[name] = (build, ())


on_user("ListSigningCertificates")
on_signing_certificate("UpdateSigningCertificate", Status="Inactive")
on_signing_certificate("DeleteSigningCertificate")


@operation("UploadServerCertificate")
def upload_server_certificate(t):
    # There may be twenty of them: those of other tests go.
    for old in t.iam.list_server_certificates()["ServerCertificateMetadataList"]:
        t.iam.delete_server_certificate(ServerCertificateName=old["ServerCertificateName"])
    members = {"CertificateBody": certificate(KEY), "PrivateKey": KEY}
    return {"ServerCertificateName": t.new, **members}, t.arn("server-certificate", t.new)


def on_server_certificate(name, **more):
    def build(t):
        request, arn = upload_server_certificate(t)
        t.iam.upload_server_certificate(**request)
        return {"ServerCertificateName": t.new, **more}, arn

    OPERATIONS[name] = (build, ())


on_all("ListServerCertificates", "arn:aws:iam::{account}:server-certificate/")
for name in ("GetServerCertificate", "DeleteServerCertificate", "ListServerCertificateTags"):
    on_server_certificate(name)
on_server_certificate("UpdateServerCertificate", NewPath="/")
on_server_certificate("TagServerCertificate", Tags=TAGS)
on_server_certificate("UntagServerCertificate", TagKeys=["k"])


@operation("CreateOpenIDConnectProvider")
def create_open_id_connect_provider(t):
    host = f"{unique('oidc')}.example"
    return {"Url": f"https://{host}"}, t.arn("oidc-provider", host)


def on_oidc_provider(name, **more):
    def build(t):
        request, arn = create_open_id_connect_provider(t)
        t.iam.create_open_id_connect_provider(**request)
        return {"OpenIDConnectProviderArn": arn, **more}, arn

    OPERATIONS[name] = (build, ())


on_all("ListOpenIDConnectProviders", "arn:aws:iam::{account}:oidc-provider/")
for name in ("GetOpenIDConnectProvider", "DeleteOpenIDConnectProvider"):
    on_oidc_provider(name)
on_oidc_provider("ListOpenIDConnectProviderTags")
on_oidc_provider("AddClientIDToOpenIDConnectProvider", ClientID="c")
on_oidc_provider("RemoveClientIDFromOpenIDConnectProvider", ClientID="c")
on_oidc_provider("UpdateOpenIDConnectProviderThumbprint", ThumbprintList=["a" * 40])
on_oidc_provider("TagOpenIDConnectProvider", Tags=TAGS)
on_oidc_provider("UntagOpenIDConnectProvider", TagKeys=["k"])


GIT = "codecommit.amazonaws.com"


def on_service_credential(name, **more):
    def build(t):
        user = t.user()
        answer = t.iam.create_service_specific_credential(UserName=user, ServiceName=GIT)
        id = answer["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
        request = {"UserName": user, "ServiceSpecificCredentialId": id, **more}
        return request, t.arn("user", user)

    OPERATIONS[name] = (build, ())


on_user("CreateServiceSpecificCredential", ServiceName=GIT)
on_user("ListServiceSpecificCredentials")
for name in ("ResetServiceSpecificCredential", "DeleteServiceSpecificCredential"):
    on_service_credential(name)
on_service_credential("UpdateServiceSpecificCredential", Status="Inactive")


LEX = "lexv2.amazonaws.com"


def linked_role(t):
    answer = t.iam.create_service_linked_role(AWSServiceName=LEX, CustomSuffix=unique("bot"))
    return answer["Role"]


@operation("CreateServiceLinkedRole")
def create_a_service_linked_role(t):
    name = f"aws-service-role/{LEX}/AWSServiceRoleForLexV2Bots_{t.new}"
    return {"AWSServiceName": LEX, "CustomSuffix": t.new}, t.arn("role", name)


@operation("DeleteServiceLinkedRole")
def delete_a_service_linked_role(t):
    role = linked_role(t)
    return {"RoleName": role["RoleName"]}, role["Arn"]


@operation("GetServiceLinkedRoleDeletionStatus")
def look_at_a_deletion(t):
    role = linked_role(t)
    task = t.iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    return {"DeletionTaskId": task}, role["Arn"]


def outbound_federation(iam, is_on):
    """Switches it, where it is not so already."""
    try:
        iam.get_outbound_web_identity_federation_info()
    except ClientError:
        if is_on:
            iam.enable_outbound_web_identity_federation()
    else:
        if not is_on:
            iam.disable_outbound_web_identity_federation()


def on_outbound_federation(name, is_on):
    def build(t):
        outbound_federation(t.iam, is_on)
        return {}, ("*", "*")

    OPERATIONS[name] = (build, ())


on_outbound_federation("EnableOutboundWebIdentityFederation", False)
on_outbound_federation("DisableOutboundWebIdentityFederation", True)
on_outbound_federation("GetOutboundWebIdentityFederationInfo", True)
on_all("GetAccountProperties", "*")
on_all("PutAccountProperties", "*", Properties={"RoleManager/Enabled": "false"})
on_all("SetSecurityTokenServicePreferences", "*", GlobalEndpointTokenVersion="v1Token")


METADATA = metadata()


@operation("CreateSAMLProvider")
def create_a_saml_provider(t):
    return {"Name": t.new, "SAMLMetadataDocument": METADATA}, t.arn("saml-provider", t.new)


def on_saml_provider(name, **more):
    def build(t):
        answer = t.iam.create_saml_provider(Name=unique("saml"), SAMLMetadataDocument=METADATA)
        arn = answer["SAMLProviderArn"]
        return {"SAMLProviderArn": arn, **more}, arn

    OPERATIONS[name] = (build, ())


on_all("ListSAMLProviders", "arn:aws:iam::{account}:saml-provider/")
for name in ("GetSAMLProvider", "DeleteSAMLProvider", "ListSAMLProviderTags"):
    on_saml_provider(name)
on_saml_provider("UpdateSAMLProvider", SAMLMetadataDocument=METADATA)
on_saml_provider("TagSAMLProvider", Tags=TAGS)
on_saml_provider("UntagSAMLProvider", TagKeys=["k"])

on_all("GetContextKeysForCustomPolicy", "*", PolicyInputList=[POLICY])
on_all("SimulateCustomPolicy", "*", PolicyInputList=[POLICY], ActionNames=["s3:GetObject"])
on_all("ListDelegationRequests", "*")


def on_source(name, member, **more):
    """An action on a user by his ARN."""

    def build(t):
        arn = t.arn("user", t.user())
        return {member: arn, **more}, arn

    OPERATIONS[name] = (build, ())


on_source("GetContextKeysForPrincipalPolicy", "PolicySourceArn")
on_source("SimulatePrincipalPolicy", "PolicySourceArn", ActionNames=["s3:GetObject"])
on_source("ListPoliciesGrantingServiceAccess", "Arn", ServiceNamespaces=["s3"])
on_source("GenerateServiceLastAccessedDetails", "Arn")


def delegation(t, *steps):
    """The id of a request for delegation that the administrator has led so far."""
    request = t.iam.create_delegation_request(**delegation_wish())["DelegationRequestId"]
    for step in steps:
        getattr(t.iam, step)(DelegationRequestId=request)
    return request


def delegation_wish():
    return {
        "Description": "Set up",
        "Permissions": {"PolicyTemplateArn": "arn:aws:iam::aws:policy-template/x/y"},
        "RequestorWorkflowId": unique("workflow"),
        "NotificationChannel": "topic",
        "SessionDuration": 300,
    }


@operation("CreateDelegationRequest")
def create_a_delegation_request(t):
    return delegation_wish(), t.arn("delegation-request", "*")


@operation("GetHumanReadableSummary")
def get_a_summary(t):
    arn = t.arn("delegation-request", delegation(t))
    return {"EntityArn": arn}, arn


def on_delegation(name, *steps):
    def build(t):
        request = delegation(t, *steps)
        return {"DelegationRequestId": request}, t.arn("delegation-request", request)

    OPERATIONS[name] = (build, ())


TAKEN_ON = "associate_delegation_request"
for name in ("GetDelegationRequest", "AssociateDelegationRequest"):
    on_delegation(name)
for name in ("Accept", "Reject", "Update"):
    on_delegation(f"{name}DelegationRequest", TAKEN_ON)
on_delegation("SendDelegationToken", TAKEN_ON, "accept_delegation_request")

# What follows for who is allowed where no answer can be: the code of the refusal.
REFUSED_ANYWAY = {}
TEMPLATE = "arn:aws:iam::aws:role-template/lambda.amazonaws.com/basic:1"
for name in ("GetRoleTemplateVersion", "AcquireRole"):
    OPERATIONS[name] = (lambda t: ({"TemplateArn": TEMPLATE}, TEMPLATE), ())
    REFUSED_ANYWAY[name] = "NoSuchEntity"
# A job is for whom it was made.
for name, more in (
    ("GetServiceLastAccessedDetails", {}),
    ("GetServiceLastAccessedDetailsWithEntities", {"ServiceNamespace": "s3"}),
    ("GetOrganizationsAccessReport", {}),
):
    on_all(name, "*", JobId="0" * 36, **more)
    REFUSED_ANYWAY[name] = "NoSuchEntity"


@operation("GenerateOrganizationsAccessReport")
def generate_a_report_on_an_organization(t):
    path = "o-abcdefghij/r-abcd"
    return {"EntityPath": path}, t.arn("access-report", path)


REFUSED_ANYWAY["GenerateOrganizationsAccessReport"] = "OrganizationNotFoundException"
for name in (
    "DisableOrganizationsRootCredentialsManagement",
    "DisableOrganizationsRootSessions",
    "EnableOrganizationsRootCredentialsManagement",
    "EnableOrganizationsRootSessions",
    "ListOrganizationsFeatures",
):
    on_all(name, "*")
    REFUSED_ANYWAY[name] = "OrganizationNotFoundException"


def once_allowed(name):
    """What the block of an allowed request meets: an answer, or a refusal for another reason."""
    code = REFUSED_ANYWAY.get(name)
    return refused(code) if code else nullcontext()


def snake(name):
    return botocore.xform_name(name)


def test_the_table_has_every_implemented_operation_of_iam():
    """What is neither in the table nor on the list of what is not built yet has no such test."""
    model = botocore.session.get_session().get_service_model("iam")
    names = re.findall(r"^    ([A-Z]\w+) [A-Z]\w+Request,$", NOT_IMPLEMENTED.read_text(), re.M)
    implemented = set(model.operation_names) - set(names)
    assert implemented == OPERATIONS.keys()


def resources(built, user):
    """The resource for a policy, and what a denial shows; of the caller, where it is about him."""
    built = built(user) if callable(built) else built
    return built if isinstance(built, tuple) else (built, built)


@pytest.mark.parametrize("name", OPERATIONS)
def test_denied_without_a_policy_and_allowed_by_its_action(server, name):
    build, also = OPERATIONS[name]
    request, built = build(Things(server))
    action = f"iam:{name}"
    user, keys = create_user(server)
    resource, shown = resources(built, user)
    iam = server.iam(keys)
    call = getattr(iam, snake(name))

    # Nothing: denied, and the text names caller, action, resource and reason.
    with denied(no_policy(user["Arn"], action, shown)):
        call(**request)

    def put(*statements):
        server.iam().put_user_policy(
            UserName=user["UserName"], PolicyName="only", PolicyDocument=document(*statements)
        )

    # Everything but this action: denied still.
    put({"Effect": "Allow", "NotAction": action, "Resource": "*"})
    with denied(no_policy(user["Arn"], action, shown)):
        call(**request)
    # This action on another resource: denied still.
    other = "arn:aws:iam::999999999999:user/other"
    put(allow([action, *also], other))
    with denied(no_policy(user["Arn"], action, shown)):
        call(**request)
    # Allowed, and denied by another statement: the denial wins.
    put(allow("iam:*"), deny(action, resource))
    with denied(explicit_deny(user["Arn"], action, shown)):
        call(**request)
    # This action on this resource: allowed.
    put(allow(action, resource), *[allow(more) for more in also])
    with once_allowed(name):
        call(**request)


def test_a_second_action_that_an_operation_needs_is_needed(server):
    things = Things(server)
    user, keys = create_user(server)
    iam = server.iam(keys)

    def put(*statements):
        server.iam().put_user_policy(
            UserName=user["UserName"], PolicyName="only", PolicyDocument=document(*statements)
        )

    request, profile = add_role_to_instance_profile(things)
    role = things.arn("role", request["RoleName"])
    put(allow("iam:AddRoleToInstanceProfile"))
    with denied(no_policy(user["Arn"], "iam:PassRole", role)):
        iam.add_role_to_instance_profile(**request)
    passes = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    put(allow("iam:AddRoleToInstanceProfile"), allow("iam:PassRole", role, Condition=passes))
    with denied():
        iam.add_role_to_instance_profile(**request)
    passes = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    put(allow("iam:AddRoleToInstanceProfile"), allow("iam:PassRole", role, Condition=passes))
    iam.add_role_to_instance_profile(**request)

    creations = {
        "User": {"UserName": unique("tagged")},
        "Role": {"RoleName": unique("tagged"), "AssumeRolePolicyDocument": TRUST},
        "Policy": {"PolicyName": unique("tagged"), "PolicyDocument": POLICY},
        "InstanceProfile": {"InstanceProfileName": unique("tagged")},
    }
    for kind, creation in creations.items():
        create = getattr(iam, snake(f"Create{kind}"))
        put(allow(f"iam:Create{kind}"))
        with refused("AccessDenied"):
            create(**creation, Tags=TAGS)
        put(allow([f"iam:Create{kind}", f"iam:Tag{kind}"]))
        create(**creation, Tags=TAGS)


def test_operations_on_what_does_not_exist_are_denied_before_they_are_missed(server):
    """Who may not look learns nothing about what is there."""
    user, keys = create_user(server)
    there = Things(server).user()
    for name in (there, unique("nobody")):
        arn = f"arn:aws:iam::{server.account}:user/{name}"
        with denied(no_policy(user["Arn"], "iam:GetUser", arn)):
            server.iam(keys).get_user(UserName=name)


def test_what_is_not_built_yet_is_denied_like_everything_else(server):
    """The honest answer is for those who may ask."""
    user, keys = create_user(server)
    call = partial(server.sts(keys).get_federation_token, Name="app")
    with denied():
        call()
    server.iam().put_user_policy(
        UserName=user["UserName"],
        PolicyName="only",
        PolicyDocument=document(allow("sts:GetFederationToken")),
    )
    with refused("InvalidAction", "sts:GetFederationToken is not implemented by iamd yet", 400):
        call()


def test_aws_managed_policies_can_be_changed_by_nobody(server, iam):
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.get_policy(PolicyArn=arn)
    changes = (
        lambda: iam.delete_policy(PolicyArn=arn),
        lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY),
        lambda: iam.set_default_policy_version(PolicyArn=arn, VersionId="v1"),
        lambda: iam.delete_policy_version(PolicyArn=arn, VersionId="v1"),
        lambda: iam.tag_policy(PolicyArn=arn, Tags=TAGS),
        lambda: iam.untag_policy(PolicyArn=arn, TagKeys=["k"]),
    )
    for change in changes:
        with denied():
            change()


def test_sts_operations_that_need_permission_are_denied_without(server):
    user, keys = create_user(server)
    iam, sts = server.iam(), server.sts(keys)
    role = iam.create_role(
        RoleName=unique("role"), AssumeRolePolicyDocument=trust({"AWS": server.account})
    )["Role"]
    with denied(no_policy(user["Arn"], "sts:AssumeRole", role["Arn"])):
        sts.assume_role(RoleArn=role["Arn"], RoleSessionName="session")
    with denied():
        sts.get_access_key_info(AccessKeyId=keys.access_key_id)
    iam.put_user_policy(
        UserName=user["UserName"],
        PolicyName="only",
        PolicyDocument=document(
            allow("sts:AssumeRole", role["Arn"]), allow("sts:GetAccessKeyInfo")
        ),
    )
    sts.assume_role(RoleArn=role["Arn"], RoleSessionName="session")
    assert sts.get_access_key_info(AccessKeyId=keys.access_key_id)["Account"] == server.account


def test_who_signs_may_always_ask_who_he_is(server):
    user, keys = create_user(server, statements=[deny("*")])
    assert server.sts(keys).get_caller_identity()["Arn"] == user["Arn"]
    assert Keys.of(server.sts(keys).get_session_token()).session_token
    with denied(explicit_deny(user["Arn"], "iam:GetUser", user["Arn"])):
        server.iam(keys).get_user()


def test_a_denial_can_be_decoded_by_who_may(server):
    """The header of a denial, and what `sts decode-authorization-message` makes of it."""
    user, keys = create_user(server, statements=[allow("sts:DecodeAuthorizationMessage")])
    with pytest.raises(ClientError) as caught:
        server.iam(keys).get_user(UserName="admin")
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    encoded = headers["x-iamd-authorization-message"]
    assert len(encoded) <= 10_240

    def decode(keys, encoded):
        return server.sts(keys).decode_authorization_message(EncodedMessage=encoded)

    decoded = json.loads(decode(keys, encoded)["DecodedMessage"])
    assert decoded["allowed"] is False and decoded["explicitDeny"] is False
    context = decoded["context"]
    assert context["principal"] == {
        "id": user["UserId"],
        "name": user["UserName"],
        "arn": user["Arn"],
    }
    assert context["action"] == "iam:GetUser"
    assert context["resource"] == f"arn:aws:iam::{server.account}:user/admin"
    values = {
        item["key"]: [value["value"] for value in item["values"]["items"]]
        for item in context["conditions"]["items"]
    }
    assert values["aws:SourceIp"] == ["127.0.0.1"]
    assert values["aws:username"] == [user["UserName"]]
    # Who may not decode is denied, and an altered message is none.
    _, other = create_user(server)
    with pytest.raises(ClientError) as caught:
        decode(other, encoded)
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    with pytest.raises(ClientError) as caught:
        decode(keys, encoded[:-4])
    assert caught.value.response["Error"]["Code"] == "InvalidAuthorizationMessageException"
