//! Requests for delegation as operations find, show and change them.

use std::sync::LazyLock;

use iamd_policy::{Grammar, PolicySet};
use iamd_wire::iam::{
    DelegationPermission, DelegationRequest as WireDelegationRequest, PolicyParameter,
    PolicyParameterTypeEnum, StateType,
};
use iamd_wire::{ErrorCode, NoOutput};

use crate::account_id::AccountId;
use crate::arn;
use crate::iam::document;
use crate::operation::{Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{
    AccountChanges, Change, DelegationParty, DelegationRequest, DelegationState, Entity,
};

/// The word in ARNs of requests.
pub(super) const TYPE: &str = "delegation-request";

/// What its owner may do with a request whatever his policies do not say.
///
/// Source: IAM API Reference, GetDelegationRequest and UpdateDelegationRequest, "default permission".
// CHOICE: it counts like one more identity-based policy: explicit denies and boundaries hold.
const GRANT: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:GetDelegationRequest","iam:UpdateDelegationRequest","iam:GetHumanReadableSummary"],"Resource":"*"}}"#;

static GRANT_SET: LazyLock<PolicySet> = LazyLock::new(|| {
    let document = document::checked(GRANT, Grammar::Identity).ok();
    let named = document.map(|document| ("delegation".into(), document.compiled().clone()));
    named.into_iter().collect()
});

/// The request of this id, as far as the caller's account may see it.
///
/// # Errors
/// `NoSuchEntity`
pub(super) fn find<'a>(scene: &Scene<'a>, id: &str) -> Result<&'a DelegationRequest, Refusal> {
    known(scene, id).ok_or_else(|| {
        // CHOICE: AWS documents the code alone.
        let message = format!("The delegation request with id {id} cannot be found.");
        Refusal::new(ErrorCode::NoSuchEntity, message)
    })
}

/// A request without an owner's account is everybody's, any other one that account's.
fn known<'a>(scene: &Scene<'a>, id: &str) -> Option<&'a DelegationRequest> {
    let request = &**scene.state.directory().delegation_request(id)?;
    let is_visible = request.owner_account.is_none_or(|owner| owner == scene.account.id());
    (is_visible && !request.is_gone(scene.now)).then_some(request)
}

/// The target of an action on the request of this id, whether it exists or not.
pub(super) fn target(scene: &Scene<'_>, action: &'static str, id: &str) -> Target {
    let mut target = Target::new(action, arn::iam(scene.account.id(), TYPE, "/", id));
    if let Some(owner) = known(scene, id).and_then(|request| request.owner.as_ref()) {
        target.context.set("iam:DelegationRequestOwner", &*owner.arn);
    }
    target
}

/// What the owner of a request is granted; nobody else is.
pub(super) fn default_permission(scene: &Scene<'_>, id: &str) -> Option<&'static PolicySet> {
    known(scene, id).is_some_and(|request| is_owner(scene, request)).then_some(&*GRANT_SET)
}

/// Whether the caller has taken a request on.
pub(super) fn is_owner(scene: &Scene<'_>, request: &DelegationRequest) -> bool {
    let own_account = request.owner_account == Some(scene.account.id());
    own_account && request.owner.as_ref().is_some_and(|owner| owner.is_caller(scene))
}

/// The caller, as a request keeps him.
pub(super) fn party(scene: &Scene<'_>) -> DelegationParty {
    DelegationParty {
        arn: scene.caller.arn().into(),
        access_id: scene.caller.identity.access_id().into(),
    }
}

/// Requires that a request has not expired and is in one of these states.
///
/// # Errors
/// `InvalidInput`
pub(super) fn require_state(
    scene: &Scene<'_>,
    request: &DelegationRequest,
    states: &[DelegationState],
) -> Result<(), Refusal> {
    if !request.has_expired(scene.now) && states.contains(&request.state) {
        return Ok(());
    }
    // CHOICE: that only some states lead on is documented, the text is ours.
    let state = serde_json::to_value(state_type(scene, request)).ok();
    let state = state.as_ref().and_then(|state| state.as_str()).unwrap_or_default();
    let id = &request.id;
    let message = format!("The delegation request {id} does not allow this in its state {state}.");
    Err(Refusal::new(ErrorCode::InvalidInput, message))
}

/// The request in a new form.
pub(super) fn changed(request: DelegationRequest) -> Planned<NoOutput> {
    let changes = vec![Change::Put(Entity::DelegationRequest(request))];
    Planned {
        changes: vec![AccountChanges { account: AccountId::DIRECTORY, changes }],
        output: NoOutput,
    }
}

/// A request as answers show it.
pub(super) fn shown(scene: &Scene<'_>, request: &DelegationRequest) -> WireDelegationRequest {
    let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    WireDelegationRequest {
        delegation_request_id: Some(request.id.to_string()),
        owner_account_id: request.owner_account.map(|account| account.to_string()),
        description: Some(request.description.to_string()),
        request_message: text(&request.message),
        permissions: Some(permissions(request)),
        permission_policy: None,
        role_permission_restriction_arns: None,
        owner_id: request.owner.as_ref().map(|owner| owner.arn.to_string()),
        approver_id: request.approver.as_ref().map(|approver| approver.arn.to_string()),
        state: Some(state_type(scene, request)),
        expiration_time: Some(request.expires()),
        requestor_id: Some(request.requestor.to_string()),
        requestor_name: requestor_name(scene, request.requestor),
        create_date: Some(request.created),
        session_duration: i32::try_from(request.session_seconds).ok(),
        redirect_url: text(&request.redirect_url),
        notes: text(&request.notes),
        rejection_reason: text(&request.rejection_reason),
        only_send_by_owner: Some(request.only_send_by_owner),
        updated_time: Some(request.updated),
    }
}

/// Longest name of a requestor. IAM model, `requestorNameType`.
const REQUESTOR_NAME_LENGTH_MAX: usize = 30;

/// The alias of the account that asks.
// CHOICE: AWS shows the name that a provider has registered.
fn requestor_name(scene: &Scene<'_>, requestor: AccountId) -> Option<String> {
    let alias = scene.state.account(requestor)?.settings()?.alias.clone()?;
    (alias.len() <= REQUESTOR_NAME_LENGTH_MAX).then(|| alias.into())
}

fn permissions(request: &DelegationRequest) -> DelegationPermission {
    let parameter = |parameter: &crate::state::DelegationParameter| PolicyParameter {
        name: parameter.name.as_deref().map(str::to_owned),
        values: parameter
            .values
            .as_ref()
            .map(|values| values.iter().map(|it| it.to_string()).collect()),
        r#type: parameter.is_list.map(|is_list| match is_list {
            true => PolicyParameterTypeEnum::StringList,
            false => PolicyParameterTypeEnum::String,
        }),
    };
    let parameters: Vec<PolicyParameter> = request.parameters.iter().map(parameter).collect();
    DelegationPermission {
        policy_template_arn: request.template.as_deref().map(str::to_owned),
        parameters: (!parameters.is_empty()).then_some(parameters),
    }
}

fn state_type(scene: &Scene<'_>, request: &DelegationRequest) -> StateType {
    if request.has_expired(scene.now) {
        return StateType::Expired;
    }
    match request.state {
        DelegationState::Unassigned => StateType::Unassigned,
        DelegationState::Assigned => StateType::Assigned,
        DelegationState::PendingApproval => StateType::PendingApproval,
        DelegationState::Accepted => StateType::Accepted,
        DelegationState::Finalized => StateType::Finalized,
        DelegationState::Rejected => StateType::Rejected,
    }
}
