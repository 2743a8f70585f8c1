//! Centralised root access: what an organization's management account may do with the root users of
//! its members.
//!
//! Source: IAM API Reference; IAM User Guide, "Centralize root access for member accounts".

use iamd_wire::ErrorCode;
use iamd_wire::iam::{
    DisableOrganizationsRootCredentialsManagementRequest,
    DisableOrganizationsRootCredentialsManagementResponse, DisableOrganizationsRootSessionsRequest,
    DisableOrganizationsRootSessionsResponse, EnableOrganizationsRootCredentialsManagementRequest,
    EnableOrganizationsRootCredentialsManagementResponse, EnableOrganizationsRootSessionsRequest,
    EnableOrganizationsRootSessionsResponse, ListOrganizationsFeaturesRequest,
    ListOrganizationsFeaturesResponse,
};

use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;

/// Operations on the features of the caller's organization. No account is in an organization, so
/// there is nothing that they could show or switch, and they say so to who may ask.
macro_rules! on_features_of_organization {
    ($($action:literal, $request:ident, $response:ident;)*) => {
        $(
            impl Operation for $request {
                const ACTION: &'static str = $action;
                const EFFECT: Effect = Effect::Read;
                type Output = $response;

                fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
                    Ok(vec![Target::wildcard(Self::ACTION, None)])
                }

                fn plan(
                    &self,
                    _: &Scene<'_>,
                    _: &mut Draw,
                ) -> Result<Planned<Self::Output>, Refusal> {
                    Err(no_organization())
                }
            }
        )*
    };
}

on_features_of_organization! {
    "iam:DisableOrganizationsRootCredentialsManagement",
        DisableOrganizationsRootCredentialsManagementRequest,
        DisableOrganizationsRootCredentialsManagementResponse;
    "iam:DisableOrganizationsRootSessions",
        DisableOrganizationsRootSessionsRequest, DisableOrganizationsRootSessionsResponse;
    "iam:EnableOrganizationsRootCredentialsManagement",
        EnableOrganizationsRootCredentialsManagementRequest,
        EnableOrganizationsRootCredentialsManagementResponse;
    "iam:EnableOrganizationsRootSessions",
        EnableOrganizationsRootSessionsRequest, EnableOrganizationsRootSessionsResponse;
    "iam:ListOrganizationsFeatures",
        ListOrganizationsFeaturesRequest, ListOrganizationsFeaturesResponse;
}

/// The answer to whom an organization would have to have. The text is the documentation of the error.
pub(super) fn no_organization() -> Refusal {
    Refusal::new(
        ErrorCode::OrganizationNotFoundException,
        "The request was rejected because no organization is associated with your account.",
    )
}
