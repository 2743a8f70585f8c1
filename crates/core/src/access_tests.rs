//! Every implemented operation is refused to whom no policy allows it, and allowed to whom a policy
//! allows exactly what it needs.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_wire::{Secret, Service};

use crate::caller::Caller;
use crate::iam::{certificate_tests, saml_tests};
use crate::not_implemented;
use crate::operation::Operation;
use crate::perform::{Visitor, with_operation};
use crate::test_support::{ACCOUNT, ALLOW_ALL, TRUST_EC2, World, parsed};
use crate::totp::{Seed, step_at};

/// A request of each operation, and what its caller must be allowed: actions on resources, IAM's
/// without the beginning of their ARNs; behind `as`, what a denial shows instead, behind `after`, what
/// root sends before. Behind `but`, the error of a request that is refused also when it is allowed.
///
/// Source: Service Authorization Reference, IAM and STS.
const SAMPLES: &str = "
AcceptDelegationRequest&DelegationRequestId={TAKEN} -> iam:AcceptDelegationRequest delegation-request/{TAKEN}
AcquireRole&TemplateArn={TEMPLATE} -> iam:AcquireRole {TEMPLATE} but NoSuchEntity
AssociateDelegationRequest&DelegationRequestId={FREE} -> iam:AssociateDelegationRequest delegation-request/{FREE}
CreateDelegationRequest&Description=x&Permissions.PolicyTemplateArn={TEMPLATE}&RequestorWorkflowId=third&NotificationChannel=topic&SessionDuration=300 -> iam:CreateDelegationRequest delegation-request/*
GetDelegationRequest&DelegationRequestId={FREE} -> iam:GetDelegationRequest delegation-request/{FREE}
GetHumanReadableSummary&EntityArn=arn:aws:iam::111122223333:delegation-request/{FREE} -> iam:GetHumanReadableSummary delegation-request/{FREE}
GetRoleTemplateVersion&TemplateArn={TEMPLATE} -> iam:GetRoleTemplateVersion {TEMPLATE} but NoSuchEntity
ListDelegationRequests -> iam:ListDelegationRequests *
RejectDelegationRequest&DelegationRequestId={TAKEN} -> iam:RejectDelegationRequest delegation-request/{TAKEN}
SendDelegationToken&DelegationRequestId={ACCEPTED} -> iam:SendDelegationToken delegation-request/{ACCEPTED}
UpdateDelegationRequest&DelegationRequestId={TAKEN} -> iam:UpdateDelegationRequest delegation-request/{TAKEN}
AddRoleToInstanceProfile&InstanceProfileName=vacant&RoleName=app -> iam:AddRoleToInstanceProfile instance-profile/vacant; iam:PassRole role/service/app
AddUserToGroup&GroupName=empty&UserName=bob -> iam:AddUserToGroup group/empty
AttachGroupPolicy&GroupName=staff&PolicyArn={POLICY} -> iam:AttachGroupPolicy group/staff
AttachRolePolicy&RoleName=idle&PolicyArn={POLICY} -> iam:AttachRolePolicy role/idle
AttachUserPolicy&UserName=gone&PolicyArn={POLICY} -> iam:AttachUserPolicy user/gone
ChangePassword&OldPassword=Hunter22&NewPassword=Hunter23 -> iam:ChangePassword user/nobody
CreateAccessKey&UserName=bob -> iam:CreateAccessKey user/people/bob
CreateAccountAlias&AccountAlias=other-name -> iam:CreateAccountAlias *
CreateGroup&GroupName=new&Path=/x/ -> iam:CreateGroup group/x/new
CreateInstanceProfile&InstanceProfileName=new -> iam:CreateInstanceProfile instance-profile/new
CreateInstanceProfile&InstanceProfileName=new&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:CreateInstanceProfile instance-profile/new; iam:TagInstanceProfile instance-profile/new
CreateLoginProfile&UserName=gone&Password=Hunter22 -> iam:CreateLoginProfile user/gone
CreatePolicy&PolicyName=new&PolicyDocument={ALL} -> iam:CreatePolicy policy/new
CreatePolicy&PolicyName=new&Path=/x/&PolicyDocument={ALL}&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:CreatePolicy policy/x/new; iam:TagPolicy policy/x/new
CreatePolicyVersion&PolicyArn={POLICY}&PolicyDocument={ALL}&SetAsDefault=true -> iam:CreatePolicyVersion policy/reader
CreateRole&RoleName=new&AssumeRolePolicyDocument={TRUST} -> iam:CreateRole role/new
CreateRole&RoleName=new&AssumeRolePolicyDocument={TRUST}&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:CreateRole role/new; iam:TagRole role/new
CreateVirtualMFADevice&VirtualMFADeviceName=new&Path=/x/ -> iam:CreateVirtualMFADevice mfa/x/new
CreateVirtualMFADevice&VirtualMFADeviceName=new&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:CreateVirtualMFADevice mfa/new; iam:TagMFADevice mfa/new
DeactivateMFADevice&UserName=bob&SerialNumber={PHONE} -> iam:DeactivateMFADevice user/people/bob
DeleteVirtualMFADevice&SerialNumber={SPARE} -> iam:DeleteVirtualMFADevice mfa/x/spare
EnableMFADevice&UserName=gone&SerialNumber={SPARE}&{SPARE_CODES} -> iam:EnableMFADevice user/gone
GetMFADevice&UserName=bob&SerialNumber={PHONE} -> iam:GetMFADevice user/people/bob
ListMFADeviceTags&SerialNumber={SPARE} -> iam:ListMFADeviceTags mfa/x/spare
ListMFADevices -> iam:ListMFADevices user/nobody
ListMFADevices&UserName=bob -> iam:ListMFADevices user/people/bob
ListVirtualMFADevices -> iam:ListVirtualMFADevices * as mfa/
ResyncMFADevice&UserName=bob&SerialNumber={PHONE}&{PHONE_CODES} -> iam:ResyncMFADevice user/people/bob
TagMFADevice&SerialNumber={SPARE}&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:TagMFADevice mfa/x/spare
UntagMFADevice&SerialNumber={SPARE}&TagKeys.member.1=a -> iam:UntagMFADevice mfa/x/spare
CreateUser&UserName=new&Path=/x/ -> iam:CreateUser user/x/new
CreateUser&UserName=new&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:CreateUser user/new; iam:TagUser user/new
DeleteAccessKey&UserName=bob&AccessKeyId={KEY} -> iam:DeleteAccessKey user/people/bob
DeleteAccountAlias&AccountAlias=the-alias -> iam:DeleteAccountAlias *
DeleteAccountPasswordPolicy -> iam:DeleteAccountPasswordPolicy *
DeleteGroup&GroupName=empty -> iam:DeleteGroup group/empty
DeleteGroupPolicy&GroupName=staff&PolicyName=inline -> iam:DeleteGroupPolicy group/staff
DeleteInstanceProfile&InstanceProfileName=vacant -> iam:DeleteInstanceProfile instance-profile/vacant
DeleteLoginProfile&UserName=bob -> iam:DeleteLoginProfile user/people/bob
DeletePolicy&PolicyArn={UNUSED} -> iam:DeletePolicy policy/unused
DeletePolicyVersion&PolicyArn={POLICY}&VersionId=v2 -> iam:DeletePolicyVersion policy/reader
DeleteRole&RoleName=idle -> iam:DeleteRole role/idle
DeleteRolePermissionsBoundary&RoleName=app -> iam:DeleteRolePermissionsBoundary role/service/app
DeleteRolePolicy&RoleName=app&PolicyName=inline -> iam:DeleteRolePolicy role/service/app
DeleteUser&UserName=gone -> iam:DeleteUser user/gone
DeleteUserPermissionsBoundary&UserName=bob -> iam:DeleteUserPermissionsBoundary user/people/bob
DeleteUserPolicy&UserName=bob&PolicyName=inline -> iam:DeleteUserPolicy user/people/bob
DetachGroupPolicy&GroupName=staff&PolicyArn={READ_ONLY} -> iam:DetachGroupPolicy group/staff
DetachRolePolicy&RoleName=app&PolicyArn={READ_ONLY} -> iam:DetachRolePolicy role/service/app
DetachUserPolicy&UserName=bob&PolicyArn={READ_ONLY} -> iam:DetachUserPolicy user/people/bob
GetAccessKeyLastUsed&AccessKeyId={KEY} -> iam:GetAccessKeyLastUsed user/people/bob
GenerateCredentialReport -> iam:GenerateCredentialReport *
GenerateOrganizationsAccessReport&EntityPath=o-abcdefghij/r-abcd -> iam:GenerateOrganizationsAccessReport access-report/o-abcdefghij/r-abcd but OrganizationNotFoundException
GenerateServiceLastAccessedDetails&Arn={BOB} -> iam:GenerateServiceLastAccessedDetails user/people/bob
GenerateServiceLastAccessedDetails&Arn={POLICY} -> iam:GenerateServiceLastAccessedDetails policy/reader
GetOrganizationsAccessReport&JobId={JOB} -> iam:GetOrganizationsAccessReport * but NoSuchEntity
GetServiceLastAccessedDetails&JobId={JOB} -> iam:GetServiceLastAccessedDetails * but NoSuchEntity
GetServiceLastAccessedDetailsWithEntities&JobId={JOB}&ServiceNamespace=s3 -> iam:GetServiceLastAccessedDetailsWithEntities * but NoSuchEntity
GetAccountAuthorizationDetails -> iam:GetAccountAuthorizationDetails *
GetAccountPasswordPolicy -> iam:GetAccountPasswordPolicy *
GetAccountSummary -> iam:GetAccountSummary *
GetCredentialReport -> iam:GetCredentialReport *
GetContextKeysForCustomPolicy&PolicyInputList.member.1={ALL} -> iam:GetContextKeysForCustomPolicy *
GetContextKeysForPrincipalPolicy&PolicySourceArn={BOB} -> iam:GetContextKeysForPrincipalPolicy user/people/bob
GetGroup&GroupName=staff -> iam:GetGroup group/staff
GetGroupPolicy&GroupName=staff&PolicyName=inline -> iam:GetGroupPolicy group/staff
GetInstanceProfile&InstanceProfileName=full -> iam:GetInstanceProfile instance-profile/full
GetLoginProfile -> iam:GetLoginProfile user/nobody
GetLoginProfile&UserName=bob -> iam:GetLoginProfile user/people/bob
GetPolicy&PolicyArn={POLICY} -> iam:GetPolicy policy/reader
GetPolicyVersion&PolicyArn={POLICY}&VersionId=v1 -> iam:GetPolicyVersion policy/reader
GetRole&RoleName=app -> iam:GetRole role/service/app
GetRolePolicy&RoleName=app&PolicyName=inline -> iam:GetRolePolicy role/service/app
GetUser -> iam:GetUser user/nobody
GetUser&UserName=BOB -> iam:GetUser user/people/bob
GetUserPolicy&UserName=bob&PolicyName=inline -> iam:GetUserPolicy user/people/bob
ListAccessKeys -> iam:ListAccessKeys user/nobody
ListAccessKeys&UserName=bob -> iam:ListAccessKeys user/people/bob
ListAccountAliases -> iam:ListAccountAliases *
ListAttachedGroupPolicies&GroupName=staff -> iam:ListAttachedGroupPolicies group/staff
ListAttachedRolePolicies&RoleName=app -> iam:ListAttachedRolePolicies role/service/app
ListAttachedUserPolicies&UserName=bob -> iam:ListAttachedUserPolicies user/people/bob
ListEntitiesForPolicy&PolicyArn={POLICY} -> iam:ListEntitiesForPolicy policy/reader
ListGroupPolicies&GroupName=staff -> iam:ListGroupPolicies group/staff
ListGroups -> iam:ListGroups * as group/
ListGroupsForUser&UserName=bob -> iam:ListGroupsForUser user/people/bob
ListInstanceProfileTags&InstanceProfileName=full -> iam:ListInstanceProfileTags instance-profile/full
ListInstanceProfiles -> iam:ListInstanceProfiles * as instance-profile/
ListInstanceProfilesForRole&RoleName=app -> iam:ListInstanceProfilesForRole role/service/app
ListPolicies&Scope=Local -> iam:ListPolicies * as policy path /
ListPoliciesGrantingServiceAccess&Arn={BOB}&ServiceNamespaces.member.1=s3 -> iam:ListPoliciesGrantingServiceAccess user/people/bob
ListPolicyTags&PolicyArn={POLICY} -> iam:ListPolicyTags policy/reader
ListPolicyVersions&PolicyArn={POLICY} -> iam:ListPolicyVersions policy/reader
ListRolePolicies&RoleName=app -> iam:ListRolePolicies role/service/app
ListRoleTags&RoleName=app -> iam:ListRoleTags role/service/app
ListRoles -> iam:ListRoles * as role/
ListUserPolicies&UserName=bob -> iam:ListUserPolicies user/people/bob
ListUserTags&UserName=bob -> iam:ListUserTags user/people/bob
ListUsers -> iam:ListUsers * as user/
PutGroupPolicy&GroupName=staff&PolicyName=more&PolicyDocument={ALL} -> iam:PutGroupPolicy group/staff
PutRolePermissionsBoundary&RoleName=idle&PermissionsBoundary={POLICY} -> iam:PutRolePermissionsBoundary role/idle
PutRolePolicy&RoleName=app&PolicyName=more&PolicyDocument={ALL} -> iam:PutRolePolicy role/service/app
PutUserPermissionsBoundary&UserName=gone&PermissionsBoundary={POLICY} -> iam:PutUserPermissionsBoundary user/gone
PutUserPolicy&UserName=bob&PolicyName=more&PolicyDocument={ALL} -> iam:PutUserPolicy user/people/bob
RemoveRoleFromInstanceProfile&InstanceProfileName=full&RoleName=app -> iam:RemoveRoleFromInstanceProfile instance-profile/full
RemoveUserFromGroup&GroupName=staff&UserName=bob -> iam:RemoveUserFromGroup group/staff
SetDefaultPolicyVersion&PolicyArn={POLICY}&VersionId=v2 -> iam:SetDefaultPolicyVersion policy/reader
SimulateCustomPolicy&PolicyInputList.member.1={ALL}&ActionNames.member.1=s3:GetObject -> iam:SimulateCustomPolicy *
SimulatePrincipalPolicy&PolicySourceArn={BOB}&ActionNames.member.1=s3:GetObject -> iam:SimulatePrincipalPolicy user/people/bob
TagInstanceProfile&InstanceProfileName=full&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:TagInstanceProfile instance-profile/full
TagPolicy&PolicyArn={POLICY}&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:TagPolicy policy/reader
TagRole&RoleName=app&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:TagRole role/service/app
TagUser&UserName=bob&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:TagUser user/people/bob
UntagInstanceProfile&InstanceProfileName=full&TagKeys.member.1=team -> iam:UntagInstanceProfile instance-profile/full
UntagPolicy&PolicyArn={POLICY}&TagKeys.member.1=team -> iam:UntagPolicy policy/reader
UntagRole&RoleName=app&TagKeys.member.1=team -> iam:UntagRole role/service/app
UntagUser&UserName=bob&TagKeys.member.1=team -> iam:UntagUser user/people/bob
DeleteSSHPublicKey&UserName=bob&SSHPublicKeyId={SSH_ID} -> iam:DeleteSSHPublicKey user/people/bob
DeleteServerCertificate&ServerCertificateName=web -> iam:DeleteServerCertificate server-certificate/x/web
DeleteSigningCertificate&UserName=bob&CertificateId={CERTIFICATE_ID} -> iam:DeleteSigningCertificate user/people/bob
GetSSHPublicKey&UserName=bob&SSHPublicKeyId={SSH_ID}&Encoding=PEM -> iam:GetSSHPublicKey user/people/bob
GetServerCertificate&ServerCertificateName=web -> iam:GetServerCertificate server-certificate/x/web
ListSSHPublicKeys -> iam:ListSSHPublicKeys user/nobody
ListSSHPublicKeys&UserName=bob -> iam:ListSSHPublicKeys user/people/bob
ListServerCertificateTags&ServerCertificateName=web -> iam:ListServerCertificateTags server-certificate/x/web
ListServerCertificates -> iam:ListServerCertificates * as server-certificate/
ListSigningCertificates -> iam:ListSigningCertificates user/nobody
ListSigningCertificates&UserName=bob -> iam:ListSigningCertificates user/people/bob
TagServerCertificate&ServerCertificateName=web&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:TagServerCertificate server-certificate/x/web
UntagServerCertificate&ServerCertificateName=web&TagKeys.member.1=team -> iam:UntagServerCertificate server-certificate/x/web
AddClientIDToOpenIDConnectProvider&OpenIDConnectProviderArn={OIDC}&ClientID=b -> iam:AddClientIDToOpenIDConnectProvider oidc-provider/id.example/a
CreateOpenIDConnectProvider&Url=https://New.example/b -> iam:CreateOpenIDConnectProvider oidc-provider/new.example/b
CreateOpenIDConnectProvider&Url=https://new.example&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:CreateOpenIDConnectProvider oidc-provider/new.example; iam:TagOpenIDConnectProvider oidc-provider/new.example
DeleteOpenIDConnectProvider&OpenIDConnectProviderArn={OIDC} -> iam:DeleteOpenIDConnectProvider oidc-provider/id.example/a
GetOpenIDConnectProvider&OpenIDConnectProviderArn={OIDC} -> iam:GetOpenIDConnectProvider oidc-provider/id.example/a
ListOpenIDConnectProviderTags&OpenIDConnectProviderArn={OIDC} -> iam:ListOpenIDConnectProviderTags oidc-provider/id.example/a
ListOpenIDConnectProviders -> iam:ListOpenIDConnectProviders * as oidc-provider/
RemoveClientIDFromOpenIDConnectProvider&OpenIDConnectProviderArn={OIDC}&ClientID=a -> iam:RemoveClientIDFromOpenIDConnectProvider oidc-provider/id.example/a
TagOpenIDConnectProvider&OpenIDConnectProviderArn={OIDC}&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:TagOpenIDConnectProvider oidc-provider/id.example/a
UntagOpenIDConnectProvider&OpenIDConnectProviderArn={OIDC}&TagKeys.member.1=team -> iam:UntagOpenIDConnectProvider oidc-provider/id.example/a
UpdateOpenIDConnectProviderThumbprint&OpenIDConnectProviderArn={OIDC}&ThumbprintList.member.1=9e99a48a9960b14926bb7f3b02e22da2b0ab7280 -> iam:UpdateOpenIDConnectProviderThumbprint oidc-provider/id.example/a
CreateSAMLProvider&Name=new&SAMLMetadataDocument={METADATA} -> iam:CreateSAMLProvider saml-provider/new
CreateSAMLProvider&Name=new&SAMLMetadataDocument={METADATA}&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:CreateSAMLProvider saml-provider/new; iam:TagSAMLProvider saml-provider/new
DeleteSAMLProvider&SAMLProviderArn={SAML} -> iam:DeleteSAMLProvider saml-provider/idp
GetSAMLProvider&SAMLProviderArn={SAML} -> iam:GetSAMLProvider saml-provider/idp
ListSAMLProviderTags&SAMLProviderArn={SAML} -> iam:ListSAMLProviderTags saml-provider/idp
ListSAMLProviders -> iam:ListSAMLProviders * as saml-provider/
TagSAMLProvider&SAMLProviderArn={SAML}&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:TagSAMLProvider saml-provider/idp
UntagSAMLProvider&SAMLProviderArn={SAML}&TagKeys.member.1=team -> iam:UntagSAMLProvider saml-provider/idp
UpdateSAMLProvider&SAMLProviderArn={SAML}&SAMLMetadataDocument={METADATA} -> iam:UpdateSAMLProvider saml-provider/idp
EnableOutboundWebIdentityFederation after DisableOutboundWebIdentityFederation -> iam:EnableOutboundWebIdentityFederation *
DisableOutboundWebIdentityFederation -> iam:DisableOutboundWebIdentityFederation *
GetAccountProperties -> iam:GetAccountProperties *
GetOutboundWebIdentityFederationInfo -> iam:GetOutboundWebIdentityFederationInfo *
PutAccountProperties&Properties.entry.1.key=RoleManager/Enabled&Properties.entry.1.value=true -> iam:PutAccountProperties *
SetSecurityTokenServicePreferences&GlobalEndpointTokenVersion=v2Token -> iam:SetSecurityTokenServicePreferences *
CreateServiceLinkedRole&AWSServiceName=ecs.amazonaws.com -> iam:CreateServiceLinkedRole role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS
DeleteServiceLinkedRole&RoleName=AWSServiceRoleForSupport -> iam:DeleteServiceLinkedRole role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport
GetServiceLinkedRoleDeletionStatus&DeletionTaskId={TASK} -> iam:GetServiceLinkedRoleDeletionStatus role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch
CreateServiceSpecificCredential&UserName=gone&ServiceName=codecommit.amazonaws.com -> iam:CreateServiceSpecificCredential user/gone
DeleteServiceSpecificCredential&UserName=bob&ServiceSpecificCredentialId={SERVICE_ID} -> iam:DeleteServiceSpecificCredential user/people/bob
ListServiceSpecificCredentials -> iam:ListServiceSpecificCredentials user/nobody
ListServiceSpecificCredentials&UserName=bob -> iam:ListServiceSpecificCredentials user/people/bob
ListServiceSpecificCredentials&AllUsers=true -> iam:ListServiceSpecificCredentials * as user/
ResetServiceSpecificCredential&UserName=bob&ServiceSpecificCredentialId={SERVICE_ID} -> iam:ResetServiceSpecificCredential user/people/bob
UpdateServiceSpecificCredential&UserName=bob&ServiceSpecificCredentialId={SERVICE_ID}&Status=Inactive -> iam:UpdateServiceSpecificCredential user/people/bob
UpdateSSHPublicKey&UserName=bob&SSHPublicKeyId={SSH_ID}&Status=Inactive -> iam:UpdateSSHPublicKey user/people/bob
UpdateServerCertificate&ServerCertificateName=web&NewServerCertificateName=net -> iam:UpdateServerCertificate server-certificate/x/web; iam:UpdateServerCertificate server-certificate/x/net
UpdateSigningCertificate&UserName=bob&CertificateId={CERTIFICATE_ID}&Status=Inactive -> iam:UpdateSigningCertificate user/people/bob
UploadSSHPublicKey&UserName=gone&SSHPublicKeyBody={SSH_KEY} -> iam:UploadSSHPublicKey user/gone
UploadServerCertificate&ServerCertificateName=new&Path=/x/&{SERVER_CERTIFICATE} -> iam:UploadServerCertificate server-certificate/x/new
UploadServerCertificate&ServerCertificateName=new&{SERVER_CERTIFICATE}&Tags.member.1.Key=a&Tags.member.1.Value=b -> iam:UploadServerCertificate server-certificate/new; iam:TagServerCertificate server-certificate/new
UploadSigningCertificate&UserName=gone&CertificateBody={CERTIFICATE} -> iam:UploadSigningCertificate user/gone
UpdateAccessKey&UserName=bob&AccessKeyId={KEY}&Status=Inactive -> iam:UpdateAccessKey user/people/bob
UpdateAccountPasswordPolicy -> iam:UpdateAccountPasswordPolicy *
UpdateAssumeRolePolicy&RoleName=app&PolicyDocument={TRUST} -> iam:UpdateAssumeRolePolicy role/service/app
UpdateGroup&GroupName=staff&NewGroupName=crew&NewPath=/x/ -> iam:UpdateGroup group/staff; iam:UpdateGroup group/x/crew
UpdateLoginProfile&UserName=bob&Password=Hunter23 -> iam:UpdateLoginProfile user/people/bob
UpdateRole&RoleName=app&Description=new -> iam:UpdateRole role/service/app
UpdateRoleDescription&RoleName=app&Description=new -> iam:UpdateRoleDescription role/service/app
DisableOrganizationsRootCredentialsManagement -> iam:DisableOrganizationsRootCredentialsManagement *
DisableOrganizationsRootSessions -> iam:DisableOrganizationsRootSessions *
EnableOrganizationsRootCredentialsManagement -> iam:EnableOrganizationsRootCredentialsManagement *
EnableOrganizationsRootSessions -> iam:EnableOrganizationsRootSessions *
ListOrganizationsFeatures -> iam:ListOrganizationsFeatures *
UpdateUser&UserName=bob&NewUserName=rob -> iam:UpdateUser user/people/bob; iam:UpdateUser user/people/rob
AssumeRole&RoleArn={TARGET}&RoleSessionName=one -> sts:AssumeRole role/target
AssumeRole&RoleArn={TARGET}&RoleSessionName=one&Tags.member.1.Key=a&Tags.member.1.Value=b&SourceIdentity=ana -> sts:AssumeRole role/target; sts:TagSession role/target; sts:SetSourceIdentity role/target
AssumeRoot&TargetPrincipal=111122223333&TaskPolicyArn.arn={AUDIT_TASK} -> sts:AssumeRoot root
DecodeAuthorizationMessage&EncodedMessage={ENCODED} -> sts:DecodeAuthorizationMessage *
GetAccessKeyInfo&AccessKeyId={KEY} -> sts:GetAccessKeyInfo *
GetCallerIdentity -> nothing
GetSessionToken -> nothing
";

const TRUST_ACCOUNT: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}"#;

const AUDIT_TASK: &str = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials";
const NO_ORGANIZATION: &str = "OrganizationNotFoundException: The request was rejected because no organization is associated with your account.";

#[test]
fn every_implemented_operation_has_a_sample_and_its_own_action() {
    let sampled: BTreeSet<String> = samples(&Drawn::default()).map(|it| it.operation()).collect();
    let mut implemented = BTreeSet::new();
    for service in Service::ALL {
        let waiting = match service {
            Service::Iam => not_implemented::iam::NAMES,
            Service::Sts => not_implemented::sts::NAMES,
        };
        for operation in service.operations().iter().map(|operation| operation.name) {
            let action = with_operation(*service, operation, Action).unwrap();
            assert_eq!(action, format!("{service}:{operation}"));
            if !waiting.contains(&operation) {
                implemented.insert(operation.to_owned());
            }
        }
        assert!(waiting.iter().all(|name| service.operation(name).is_some()));
    }
    assert_eq!(sampled, implemented);
}

#[test]
fn operations_are_refused_without_a_policy() {
    let (world, nobody, drawn) = full_world();
    for sample in samples(&drawn) {
        let mut world = sample.world(&world);
        match sample.needs.first() {
            Some(need) => {
                let refusal = world.refusal(&nobody, &sample.request);
                assert_eq!(refusal, need.implicit("identity-based policy"), "{}", sample.request);
            }
            None => {
                deny_everything(&mut world);
                sample.assert_allowed("user/nobody", world.send(&nobody, &sample.request));
            }
        }
    }
}

#[test]
fn operations_are_allowed_with_what_they_need_and_nothing_less() {
    let (world, _, drawn) = full_world();
    for sample in samples(&drawn) {
        let needs = &sample.needs;
        let send = |policy: &str, boundary: Option<&str>| {
            let mut world = sample.world(&world);
            grant(&mut world, policy, boundary);
            // The boundary is a fact of the caller, too.
            let nobody = world.user("nobody");
            world.send(&nobody, &sample.request)
        };
        let exactly = policy(needs.iter().map(Need::allow));
        sample.assert_allowed("user/nobody", send(&exactly, None));
        sample.assert_allowed("user/nobody", send(ALLOW_ALL, Some(&exactly)));
        for (place, need) in needs.iter().enumerate() {
            let others = || needs.iter().enumerate().filter(|(other, _)| *other != place);
            let without = policy(others().map(|(_, need)| need.allow()));
            let implicit = need.implicit("identity-based policy");
            assert_eq!(send(&without, None), Err(implicit.clone()), "without {need:?}");
            let beside = others().map(|(_, need)| need.allow()).chain([need.allow_beside()]);
            assert_eq!(send(&policy(beside), None), Err(implicit), "beside {need:?}");
            let bounded = need.implicit("permissions boundary");
            assert_eq!(send(ALLOW_ALL, Some(&without)), Err(bounded), "{need:?}");
            let denied = policy([Need::everything(), need.deny()].into_iter());
            assert_eq!(send(&denied, None), Err(need.explicit()), "{need:?}");
        }
        if let Some(first) = needs.first() {
            let refusal = Err(first.implicit("identity-based policy"));
            assert_eq!(send(&other_actions(needs), None), refusal, "{}", sample.request);
        }
    }
}

#[test]
fn root_needs_no_policy_and_is_bound_by_none() {
    let (world, _, drawn) = full_world();
    for sample in samples(&drawn) {
        let mut world = sample.world(&world);
        let root = world.root();
        match sample.operation().as_str() {
            "AssumeRole" => assert_eq!(
                world.refusal(&root, &sample.request),
                "AccessDenied: Roles may not be assumed by root accounts."
            ),
            // Root has no user's password; without a name, the request is about his own.
            "ChangePassword" => assert_eq!(
                world.refusal(&root, &sample.request),
                "InvalidUserType: Only IAM users can change their own password."
            ),
            "GetLoginProfile" if sample.request == "GetLoginProfile" => assert_eq!(
                world.refusal(&root, &sample.request),
                "ValidationError: Must specify userName when calling with non-User credentials"
            ),
            _ => sample.assert_allowed("root", world.send(&root, &sample.request)),
        }
    }
}

/// What is not implemented says so, to those who would be allowed.
#[test]
fn waiting_operations_answer_honestly_but_not_to_everybody() {
    let (mut world, nobody, _) = full_world();
    let root = world.root();
    for operation in not_implemented::iam::NAMES {
        let refusal = world.refusal(&root, operation);
        // Some must be told more than their names.
        if refusal.starts_with("ValidationError: ") {
            continue;
        }
        let expected = format!("InvalidAction: iam:{operation} is not implemented by iamd yet");
        assert_eq!(refusal, expected);
        assert!(world.refusal(&nobody, operation).starts_with("AccessDenied: "));
    }
}

struct Action;

impl Visitor for Action {
    type Outcome = &'static str;
    fn visit<O: Operation>(self) -> &'static str {
        O::ACTION
    }
}

#[derive(Debug)]
struct Sample {
    request: String,
    /// What root has sent before.
    before: Option<String>,
    needs: Vec<Need>,
    refusal: Option<String>,
}

impl Sample {
    fn operation(&self) -> String {
        parsed(&self.request).1.to_owned()
    }

    /// A world of its own for the request.
    fn world(&self, full: &World) -> World {
        let mut world = full.fork();
        let root = world.root();
        self.before.iter().for_each(|before| {
            world.ok(&root, before);
        });
        world
    }

    /// What follows once the caller is allowed: an answer, but where there must be an organization.
    fn assert_allowed(&self, caller: &str, outcome: Result<serde_json::Value, String>) {
        let operation = self.operation();
        let refused = if operation == "AssumeRoot" {
            let caller = format!("arn:aws:iam::{ACCOUNT}:{caller}");
            let target = format!("arn:aws:iam::{ACCOUNT}:root");
            Some(format!(
                "AccessDenied: User: {caller} is not authorized to perform: sts:AssumeRoot on resource: {target}"
            ))
        } else if let Some(code) = &self.refusal {
            let refusal = outcome.expect_err(&self.request);
            return assert_eq!(refusal.split(':').next(), Some(code.as_str()), "{refusal}");
        } else if operation.contains("Organizations") {
            Some(NO_ORGANIZATION.to_owned())
        } else {
            None
        };
        assert_eq!(outcome.err(), refused, "{}", self.request);
    }
}

#[derive(Debug)]
struct Need {
    action: String,
    resource: String,
    shown: String,
}

impl Need {
    fn parse(text: &str) -> Need {
        let (action, resource) = text.split_once(' ').unwrap();
        let (resource, shown) = resource.split_once(" as ").unwrap_or((resource, resource));
        let arn = |text: &str| match text {
            "*" | "policy path /" => text.to_owned(),
            _ if text.starts_with("arn:") => text.to_owned(),
            _ => format!("arn:aws:iam::{ACCOUNT}:{text}"),
        };
        Need { action: action.to_owned(), resource: arn(resource), shown: arn(shown) }
    }

    fn statement(effect: &str, action: &str, resource: &str) -> String {
        format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}"#)
    }

    fn everything() -> String {
        Need::statement("Allow", "*", "*")
    }

    fn allow(&self) -> String {
        Need::statement("Allow", &self.action, &self.resource)
    }

    fn deny(&self) -> String {
        Need::statement("Deny", &self.action, &self.resource)
    }

    /// Allows the action on the nearest other resource: for one that knows none, on any that has
    /// a name.
    fn allow_beside(&self) -> String {
        let resource = match self.resource.as_str() {
            "*" => format!("arn:aws:iam::{ACCOUNT}:*"),
            // No resource but root itself has this name, so it is the root of another account.
            resource if resource.ends_with(":root") => resource.replace(ACCOUNT, "999999999999"),
            resource => format!("{resource}x"),
        };
        Need::statement("Allow", &self.action, &resource)
    }

    fn implicit(&self, kind: &str) -> String {
        let Need { action, shown, .. } = self;
        format!(
            "AccessDenied: User: arn:aws:iam::{ACCOUNT}:user/nobody is not authorized to perform: {action} on resource: {shown} because no {kind} allows the {action} action"
        )
    }

    fn explicit(&self) -> String {
        let Need { action, shown, .. } = self;
        format!(
            "AccessDenied: User: arn:aws:iam::{ACCOUNT}:user/nobody is not authorized to perform: {action} on resource: {shown} with an explicit deny in an identity-based policy"
        )
    }
}

/// What samples name and nobody can foresee.
#[derive(Default)]
struct Drawn {
    key: String,
    /// An encoded authorization message.
    encoded: String,
    /// Codes of the phone, which is bob's, and of the spare one, which is nobody's.
    phone_codes: String,
    spare_codes: String,
    ssh_id: String,
    service_id: String,
    deletion_task: String,
    certificate_id: String,
    /// Requests for delegation: one that nobody has taken on, one that root has, one accepted.
    delegations: [String; 3],
}

fn samples(drawn: &Drawn) -> impl Iterator<Item = Sample> {
    let lines = SAMPLES.lines().filter(|line| !line.is_empty());
    lines.map(move |line| {
        let line = line
            .replace("{FREE}", &drawn.delegations[0])
            .replace("{TAKEN}", &drawn.delegations[1])
            .replace("{ACCEPTED}", &drawn.delegations[2])
            .replace("{TEMPLATE}", "arn:aws:iam::aws:role-template/lambda.amazonaws.com/basic:1");
        let (request, needs) = line.split_once(" -> ").unwrap();
        let (needs, refusal) = match needs.split_once(" but ") {
            Some((needs, code)) => (needs, Some(code.to_owned())),
            None => (needs, None),
        };
        let request = request
            .replace("{POLICY}", "arn:aws:iam::111122223333:policy/reader")
            .replace("{JOB}", "00000000-0000-0000-0000-000000000000")
            .replace("{BOB}", "arn:aws:iam::111122223333:user/people/bob")
            .replace("{UNUSED}", "arn:aws:iam::111122223333:policy/unused")
            .replace("{READ_ONLY}", "arn:aws:iam::aws:policy/ReadOnlyAccess")
            .replace("{TARGET}", "arn:aws:iam::111122223333:role/target")
            .replace("{AUDIT_TASK}", AUDIT_TASK)
            .replace("{ALL}", ALLOW_ALL)
            .replace("{TRUST}", TRUST_EC2)
            .replace("{PHONE}", "arn:aws:iam::111122223333:mfa/phone")
            .replace("{SPARE}", "arn:aws:iam::111122223333:mfa/x/spare")
            .replace("{PHONE_CODES}", &drawn.phone_codes)
            .replace("{SPARE_CODES}", &drawn.spare_codes)
            .replace("{ENCODED}", &drawn.encoded)
            .replace("{OIDC}", "arn:aws:iam::111122223333:oidc-provider/id.example/a")
            .replace("{SAML}", "arn:aws:iam::111122223333:saml-provider/idp")
            .replace("{METADATA}", &saml_tests::metadata(""))
            .replace("{TASK}", &drawn.deletion_task)
            .replace("{SERVICE_ID}", &drawn.service_id)
            .replace("{SSH_ID}", &drawn.ssh_id)
            .replace("{CERTIFICATE_ID}", &drawn.certificate_id)
            .replace("{SSH_KEY}", &certificate_tests::escaped(certificate_tests::SSH_KEY))
            .replace("{CERTIFICATE}", &certificate_tests::escaped(&certificate_tests::web().body))
            .replace("{SERVER_CERTIFICATE}", &certificate_tests::web().members())
            .replace("{KEY}", &drawn.key);
        let needs = needs.split("; ").filter(|need| *need != "nothing").map(Need::parse);
        let (request, before) = match request.split_once(" after ") {
            Some((request, before)) => (request.to_owned(), Some(before.to_owned())),
            None => (request, None),
        };
        Sample { request, before, needs: needs.collect(), refusal }
    })
}

/// A key and a certificate of bob, and a server certificate.
fn certificates(world: &mut World) -> (String, String) {
    let root = world.root();
    let key = certificate_tests::escaped(certificate_tests::SSH_KEY);
    let key = world.ok(&root, &format!("UploadSSHPublicKey&UserName=bob&SSHPublicKeyBody={key}"));
    let body = certificate_tests::escaped(&certificate_tests::issuer().body);
    let request = format!("UploadSigningCertificate&UserName=bob&CertificateBody={body}");
    let certificate = world.ok(&root, &request);
    let web = certificate_tests::web().members();
    let tag = "Tags.member.1.Key=team&Tags.member.1.Value=blue";
    let request = format!("UploadServerCertificate&ServerCertificateName=web&Path=/x/&{web}&{tag}");
    world.ok(&root, &request);
    let id = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (id(&key["SSHPublicKey"]["SSHPublicKeyId"]), id(&certificate["Certificate"]["CertificateId"]))
}

/// Something of everything, a user with no rights, and the key of another one.
fn full_world() -> (World, Caller, Drawn) {
    let tag = "Tags.member.1.Key=team&Tags.member.1.Value=blue";
    let read_only = "PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess";
    let reader = "arn:aws:iam::111122223333:policy/reader";
    let requests = [
        format!("CreatePolicy&PolicyName=reader&PolicyDocument={ALLOW_ALL}&{tag}"),
        format!("CreatePolicyVersion&PolicyArn={reader}&PolicyDocument={ALLOW_ALL}"),
        format!("CreatePolicy&PolicyName=unused&PolicyDocument={ALLOW_ALL}"),
        format!("CreateUser&UserName=bob&Path=/people/&{tag}&PermissionsBoundary={reader}"),
        "CreateUser&UserName=gone".to_owned(),
        "CreateUser&UserName=nobody".to_owned(),
        "CreateGroup&GroupName=staff".to_owned(),
        "CreateGroup&GroupName=empty".to_owned(),
        "AddUserToGroup&GroupName=staff&UserName=bob".to_owned(),
        format!(
            "CreateRole&RoleName=app&Path=/service/&AssumeRolePolicyDocument={TRUST_EC2}&{tag}&PermissionsBoundary={reader}"
        ),
        format!("CreateRole&RoleName=idle&AssumeRolePolicyDocument={TRUST_EC2}"),
        format!("CreateRole&RoleName=target&AssumeRolePolicyDocument={TRUST_ACCOUNT}"),
        format!("CreateInstanceProfile&InstanceProfileName=full&{tag}"),
        "CreateInstanceProfile&InstanceProfileName=vacant".to_owned(),
        "AddRoleToInstanceProfile&InstanceProfileName=full&RoleName=app".to_owned(),
        format!("PutUserPolicy&UserName=bob&PolicyName=inline&PolicyDocument={ALLOW_ALL}"),
        format!("PutGroupPolicy&GroupName=staff&PolicyName=inline&PolicyDocument={ALLOW_ALL}"),
        format!("PutRolePolicy&RoleName=app&PolicyName=inline&PolicyDocument={ALLOW_ALL}"),
        format!("AttachUserPolicy&UserName=bob&{read_only}"),
        format!("AttachGroupPolicy&GroupName=staff&{read_only}"),
        format!("AttachRolePolicy&RoleName=app&{read_only}"),
        "CreateAccountAlias&AccountAlias=the-alias".to_owned(),
        "UpdateAccountPasswordPolicy&MinimumPasswordLength=8".to_owned(),
        "CreateLoginProfile&UserName=bob&Password=Hunter22".to_owned(),
        "GenerateCredentialReport".to_owned(),
        format!("CreateOpenIDConnectProvider&Url=https://id.example/a&{tag}"),
        format!("{}&{tag}", saml_tests::create("idp")),
        "EnableOutboundWebIdentityFederation".to_owned(),
        "CreateServiceLinkedRole&AWSServiceName=support.amazonaws.com".to_owned(),
        "CreateServiceLinkedRole&AWSServiceName=batch.amazonaws.com".to_owned(),
        "CreateLoginProfile&UserName=nobody&Password=Hunter22".to_owned(),
    ];
    let mut world = World::with(&requests.each_ref().map(String::as_str));
    let root = world.root();
    let key = world.ok(&root, "CreateAccessKey&UserName=bob");
    let key = key["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned();
    let nobody = world.user("nobody");
    let encoded = world.encoded_denial(&nobody, "ListUsers");
    let (phone_codes, spare_codes) = devices(&mut world);
    let (ssh_id, certificate_id) = certificates(&mut world);
    let delegations = delegations(&mut world);
    let request =
        "CreateServiceSpecificCredential&UserName=bob&ServiceName=codecommit.amazonaws.com";
    let credential = &world.ok(&root, request)["ServiceSpecificCredential"];
    let service_id = credential["ServiceSpecificCredentialId"].as_str().unwrap().to_owned();
    let task = world.ok(&root, "DeleteServiceLinkedRole&RoleName=AWSServiceRoleForBatch");
    let deletion_task = task["DeletionTaskId"].as_str().unwrap().to_owned();
    let drawn = Drawn {
        key,
        encoded,
        phone_codes,
        spare_codes,
        ssh_id,
        service_id,
        deletion_task,
        certificate_id,
        delegations,
    };
    (world, nobody, drawn)
}

fn delegations(world: &mut World) -> [String; 3] {
    let root = world.root();
    let made = |world: &mut World, workflow: &str, steps: &[&str]| {
        let rest = "NotificationChannel=topic&SessionDuration=300";
        let request = format!(
            "CreateDelegationRequest&Description=x&RequestorWorkflowId={workflow}&Permissions.PolicyTemplateArn=arn:aws:iam::aws:policy-template/x/y&{rest}"
        );
        let id = world.ok(&root, &request)["DelegationRequestId"].as_str().unwrap().to_owned();
        for step in steps {
            world.ok(&root, &format!("{step}&DelegationRequestId={id}"));
        }
        id
    };
    let accepted = ["AssociateDelegationRequest", "AcceptDelegationRequest"];
    [
        made(world, "first", &[]),
        made(world, "second", &["AssociateDelegationRequest"]),
        made(world, "accepted", &accepted),
    ]
}

/// Makes a device that is bob's and a spare one; gives two consecutive codes of each.
fn devices(world: &mut World) -> (String, String) {
    let root = world.root();
    let mut made = |request: &str, steps_ahead: i64| {
        let answer = world.ok(&root, request);
        let seed = answer["VirtualMFADevice"]["Base32StringSeed"].as_str().unwrap();
        let seed = String::from_utf8(STANDARD.decode(seed).unwrap()).unwrap();
        let seed = Seed::of_base32(&Secret::from(seed)).unwrap();
        let codes = |steps_ahead: i64| {
            let last = step_at(world.now) + steps_ahead;
            let (first, second) = (seed.shown_at(last - 1), seed.shown_at(last));
            format!("AuthenticationCode1={first}&AuthenticationCode2={second}")
        };
        (codes(0), codes(steps_ahead))
    };
    let (enable, phone_codes) = made("CreateVirtualMFADevice&VirtualMFADeviceName=phone", 2);
    let (spare_codes, _) = made("CreateVirtualMFADevice&VirtualMFADeviceName=spare&Path=/x/", 0);
    let phone = "arn:aws:iam::111122223333:mfa/phone";
    world.ok(&root, &format!("EnableMFADevice&UserName=bob&SerialNumber={phone}&{enable}"));
    (phone_codes, spare_codes)
}

fn policy(statements: impl Iterator<Item = String>) -> String {
    let statements: Vec<String> = statements.collect();
    if statements.is_empty() {
        // No policy may be without statements.
        return policy([Need::statement("Allow", "s3:GetObject", "*")].into_iter());
    }
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn other_actions(needs: &[Need]) -> String {
    let actions: Vec<String> = needs.iter().map(|need| format!("\"{}\"", need.action)).collect();
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","NotAction":[{}],"Resource":"*"}}}}"#,
        actions.join(",")
    )
}

fn grant(world: &mut World, policy: &str, boundary: Option<&str>) {
    let root = world.root();
    world.ok(&root, &format!("PutUserPolicy&UserName=nobody&PolicyName=p&PolicyDocument={policy}"));
    if let Some(boundary) = boundary {
        world.ok(&root, &format!("CreatePolicy&PolicyName=bound&PolicyDocument={boundary}"));
        let arn = "arn:aws:iam::111122223333:policy/bound";
        let put = "PutUserPermissionsBoundary&UserName=nobody";
        world.ok(&root, &format!("{put}&PermissionsBoundary={arn}"));
    }
}

fn deny_everything(world: &mut World) {
    grant(world, &policy([Need::statement("Deny", "*", "*")].into_iter()), None);
}
