//! What is not built yet: an honest answer for each, and a list that only shrinks.
//!
//! Taking an operation off this list breaks the build until its `impl Operation` exists.

use iamd_wire::{ErrorCode, NoOutput};

use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;

macro_rules! not_implemented {
    ($service:literal, $module:ident: $($operation:ident $request:ident,)*) => {
        $(
            impl Operation for iamd_wire::$module::$request {
                const ACTION: &'static str = concat!($service, ":", stringify!($operation));
                const EFFECT: Effect = Effect::Read;
                type Output = NoOutput;

                fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                    Ok(vec![Target::wildcard(Self::ACTION, None)])
                }

                fn plan(&self, _: &Scene<'_>, _: &mut Draw) -> Result<Planned<NoOutput>, Refusal> {
                    Err(refusal(Self::ACTION))
                }
            }
        )*
        #[cfg(test)]
        pub(crate) mod $module {
            /// The names on the list.
            pub(crate) const NAMES: &[&str] = &[$(stringify!($operation)),*];
        }
    };
}

fn refusal(action: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidAction, format!("{action} is not implemented by iamd yet"))
}

not_implemented! {
    "iam", iam:
    AcceptDelegationRequest AcceptDelegationRequestRequest,
    AcquireRole AcquireRoleRequest,
    AddClientIDToOpenIDConnectProvider AddClientIDToOpenIDConnectProviderRequest,
    AssociateDelegationRequest AssociateDelegationRequestRequest,
    CreateDelegationRequest CreateDelegationRequestRequest,
    CreateOpenIDConnectProvider CreateOpenIDConnectProviderRequest,
    CreateSAMLProvider CreateSAMLProviderRequest,
    CreateServiceLinkedRole CreateServiceLinkedRoleRequest,
    CreateServiceSpecificCredential CreateServiceSpecificCredentialRequest,
    CreateVirtualMFADevice CreateVirtualMFADeviceRequest,
    DeactivateMFADevice DeactivateMFADeviceRequest,
    DeleteOpenIDConnectProvider DeleteOpenIDConnectProviderRequest,
    DeleteSAMLProvider DeleteSAMLProviderRequest,
    DeleteSSHPublicKey DeleteSSHPublicKeyRequest,
    DeleteServerCertificate DeleteServerCertificateRequest,
    DeleteServiceLinkedRole DeleteServiceLinkedRoleRequest,
    DeleteServiceSpecificCredential DeleteServiceSpecificCredentialRequest,
    DeleteSigningCertificate DeleteSigningCertificateRequest,
    DeleteVirtualMFADevice DeleteVirtualMFADeviceRequest,
    DisableOrganizationsRootCredentialsManagement DisableOrganizationsRootCredentialsManagementRequest,
    DisableOrganizationsRootSessions DisableOrganizationsRootSessionsRequest,
    DisableOutboundWebIdentityFederation DisableOutboundWebIdentityFederationRequest,
    EnableMFADevice EnableMFADeviceRequest,
    EnableOrganizationsRootCredentialsManagement EnableOrganizationsRootCredentialsManagementRequest,
    EnableOrganizationsRootSessions EnableOrganizationsRootSessionsRequest,
    EnableOutboundWebIdentityFederation EnableOutboundWebIdentityFederationRequest,
    GenerateCredentialReport GenerateCredentialReportRequest,
    GenerateOrganizationsAccessReport GenerateOrganizationsAccessReportRequest,
    GenerateServiceLastAccessedDetails GenerateServiceLastAccessedDetailsRequest,
    GetAccountAuthorizationDetails GetAccountAuthorizationDetailsRequest,
    GetAccountProperties GetAccountPropertiesRequest,
    GetContextKeysForCustomPolicy GetContextKeysForCustomPolicyRequest,
    GetContextKeysForPrincipalPolicy GetContextKeysForPrincipalPolicyRequest,
    GetCredentialReport GetCredentialReportRequest,
    GetDelegationRequest GetDelegationRequestRequest,
    GetHumanReadableSummary GetHumanReadableSummaryRequest,
    GetMFADevice GetMFADeviceRequest,
    GetOpenIDConnectProvider GetOpenIDConnectProviderRequest,
    GetOrganizationsAccessReport GetOrganizationsAccessReportRequest,
    GetOutboundWebIdentityFederationInfo GetOutboundWebIdentityFederationInfoRequest,
    GetRoleTemplateVersion GetRoleTemplateVersionRequest,
    GetSAMLProvider GetSAMLProviderRequest,
    GetSSHPublicKey GetSSHPublicKeyRequest,
    GetServerCertificate GetServerCertificateRequest,
    GetServiceLastAccessedDetails GetServiceLastAccessedDetailsRequest,
    GetServiceLastAccessedDetailsWithEntities GetServiceLastAccessedDetailsWithEntitiesRequest,
    GetServiceLinkedRoleDeletionStatus GetServiceLinkedRoleDeletionStatusRequest,
    ListDelegationRequests ListDelegationRequestsRequest,
    ListMFADeviceTags ListMFADeviceTagsRequest,
    ListMFADevices ListMFADevicesRequest,
    ListOpenIDConnectProviderTags ListOpenIDConnectProviderTagsRequest,
    ListOpenIDConnectProviders ListOpenIDConnectProvidersRequest,
    ListOrganizationsFeatures ListOrganizationsFeaturesRequest,
    ListPoliciesGrantingServiceAccess ListPoliciesGrantingServiceAccessRequest,
    ListSAMLProviderTags ListSAMLProviderTagsRequest,
    ListSAMLProviders ListSAMLProvidersRequest,
    ListSSHPublicKeys ListSSHPublicKeysRequest,
    ListServerCertificateTags ListServerCertificateTagsRequest,
    ListServerCertificates ListServerCertificatesRequest,
    ListServiceSpecificCredentials ListServiceSpecificCredentialsRequest,
    ListSigningCertificates ListSigningCertificatesRequest,
    ListVirtualMFADevices ListVirtualMFADevicesRequest,
    PutAccountProperties PutAccountPropertiesRequest,
    RejectDelegationRequest RejectDelegationRequestRequest,
    RemoveClientIDFromOpenIDConnectProvider RemoveClientIDFromOpenIDConnectProviderRequest,
    ResetServiceSpecificCredential ResetServiceSpecificCredentialRequest,
    ResyncMFADevice ResyncMFADeviceRequest,
    SendDelegationToken SendDelegationTokenRequest,
    SetSecurityTokenServicePreferences SetSecurityTokenServicePreferencesRequest,
    SimulateCustomPolicy SimulateCustomPolicyRequest,
    SimulatePrincipalPolicy SimulatePrincipalPolicyRequest,
    TagMFADevice TagMFADeviceRequest,
    TagOpenIDConnectProvider TagOpenIDConnectProviderRequest,
    TagSAMLProvider TagSAMLProviderRequest,
    TagServerCertificate TagServerCertificateRequest,
    UntagMFADevice UntagMFADeviceRequest,
    UntagOpenIDConnectProvider UntagOpenIDConnectProviderRequest,
    UntagSAMLProvider UntagSAMLProviderRequest,
    UntagServerCertificate UntagServerCertificateRequest,
    UpdateDelegationRequest UpdateDelegationRequestRequest,
    UpdateOpenIDConnectProviderThumbprint UpdateOpenIDConnectProviderThumbprintRequest,
    UpdateSAMLProvider UpdateSAMLProviderRequest,
    UpdateSSHPublicKey UpdateSSHPublicKeyRequest,
    UpdateServerCertificate UpdateServerCertificateRequest,
    UpdateServiceSpecificCredential UpdateServiceSpecificCredentialRequest,
    UpdateSigningCertificate UpdateSigningCertificateRequest,
    UploadSSHPublicKey UploadSSHPublicKeyRequest,
    UploadServerCertificate UploadServerCertificateRequest,
    UploadSigningCertificate UploadSigningCertificateRequest,
}

not_implemented! {
    "sts", sts:
    AssumeRoleWithSAML AssumeRoleWithSAMLRequest,
    AssumeRoleWithWebIdentity AssumeRoleWithWebIdentityRequest,
    AssumeRoot AssumeRootRequest,
    GetDelegatedAccessToken GetDelegatedAccessTokenRequest,
    GetFederationToken GetFederationTokenRequest,
    GetWebIdentityToken GetWebIdentityTokenRequest,
}
