//! Temporary delegation: a provider asks to act in an account for a while, and somebody there decides.
//!
//! Source: IAM API Reference, CreateDelegationRequest and its relatives; IAM User Guide, "IAM temporary
//! delegation", "Understanding the Request Lifecycle".

mod creation;
mod request;
mod summary;

use iamd_wire::iam::{
    AcceptDelegationRequestRequest, AssociateDelegationRequestRequest,
    DelegationRequest as WireDelegationRequest, GetDelegationRequestRequest,
    GetDelegationRequestResponse, ListDelegationRequestsRequest, ListDelegationRequestsResponse,
    PermissionCheckResultType, PermissionCheckStatusType, RejectDelegationRequestRequest,
    SendDelegationTokenRequest, UpdateDelegationRequestRequest,
};
use iamd_wire::{ErrorCode, NoOutput};

use crate::authorize::authorize_granting;
use crate::caller::Identity;
use crate::draw::Draw;
use crate::marker::PageRequest;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::state::{DelegationParty, DelegationRequest, DelegationState};
use request::{changed, default_permission, find, party, require_state, shown, target};

/// Shows a request to those whom it concerns: everybody, until it is addressed to an account.
impl Operation for GetDelegationRequestRequest {
    const ACTION: &'static str = "iam:GetDelegationRequest";
    const EFFECT: Effect = Effect::Read;
    type Output = GetDelegationRequestResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.delegation_request_id)])
    }

    fn permit(&self, scene: &Scene<'_>) -> Result<(), Refusal> {
        let granted = default_permission(scene, &self.delegation_request_id);
        authorize_granting(scene, &self.targets(scene)?, granted)
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let request = find(scene, &self.delegation_request_id)?;
        let is_checked = self.delegation_permission_check == Some(true);
        Ok(Planned::read(GetDelegationRequestResponse {
            delegation_request: Some(shown(scene, request)),
            permission_check_status: is_checked.then_some(PermissionCheckStatusType::Complete),
            // What a policy template says is known to its provider alone.
            permission_check_result: is_checked.then_some(PermissionCheckResultType::Unsure),
        }))
    }
}

/// Lists the requests that somebody in the account has taken on.
impl Operation for ListDelegationRequestsRequest {
    const ACTION: &'static str = "iam:ListDelegationRequests";
    const EFFECT: Effect = Effect::Read;
    type Output = ListDelegationRequestsResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = Target::wildcard(Self::ACTION, None);
        if let Some(owner) = &self.owner_id {
            target.context.set("iam:DelegationRequestOwner", owner.as_str());
        }
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let account = scene.account.id();
        let list = format!("delegations:{account}:{:?}", self.owner_id);
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let is_wanted = |request: &DelegationRequest| {
            let owner = request.owner.as_ref().map(|owner| &*owner.arn);
            !request.is_gone(scene.now)
                && self.owner_id.as_deref().is_none_or(|wanted| owner == Some(wanted))
        };
        let page = scene.marker_key.page(request, |behind| {
            let all =
                scene.state.directory().delegation_requests_owned_by(account, behind.as_deref());
            let wanted: Vec<(String, WireDelegationRequest)> = all
                .filter(|request| is_wanted(request))
                .take(LISTED_MAX)
                .map(|request| (request.id.to_string(), shown(scene, request)))
                .collect();
            wanted.into_iter()
        })?;
        Ok(Planned::read(ListDelegationRequestsResponse {
            delegation_requests: Some(page.items),
            marker: page.marker,
            is_truncated: Some(page.is_truncated),
        }))
    }
}

/// One more than a page may hold.
const LISTED_MAX: usize = 1_001;

/// Takes a request on: the caller becomes its owner.
impl Operation for AssociateDelegationRequestRequest {
    const ACTION: &'static str = "iam:AssociateDelegationRequest";
    const EFFECT: Effect = Effect::WriteDirectory;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.delegation_request_id)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let request = find(scene, &self.delegation_request_id)?;
        require_state(scene, request, &[DelegationState::Unassigned])?;
        Ok(changed(DelegationRequest {
            owner_account: Some(scene.account.id()),
            owner: Some(party(scene)),
            state: DelegationState::Assigned,
            updated: draw.now(),
            ..request.clone()
        }))
    }
}

/// Forwards a request to whoever may accept it.
impl Operation for UpdateDelegationRequestRequest {
    const ACTION: &'static str = "iam:UpdateDelegationRequest";
    const EFFECT: Effect = Effect::WriteDirectory;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.delegation_request_id)])
    }

    fn permit(&self, scene: &Scene<'_>) -> Result<(), Refusal> {
        let granted = default_permission(scene, &self.delegation_request_id);
        authorize_granting(scene, &self.targets(scene)?, granted)
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let request = find(scene, &self.delegation_request_id)?;
        let states = [DelegationState::Assigned, DelegationState::PendingApproval];
        require_state(scene, request, &states)?;
        let notes = self.notes.as_deref().map(Into::into);
        Ok(changed(DelegationRequest {
            notes: notes.or_else(|| request.notes.clone()),
            state: DelegationState::PendingApproval,
            updated: draw.now(),
            ..request.clone()
        }))
    }
}

/// Longest delegation that root may accept. IAM User Guide, "IAM temporary delegation": four hours.
const ROOT_SESSION_SECONDS_MAX: u32 = 4 * 60 * 60;

/// Accepts a request; the provider would act with what the caller and the request both allow.
impl Operation for AcceptDelegationRequestRequest {
    const ACTION: &'static str = "iam:AcceptDelegationRequest";
    const EFFECT: Effect = Effect::WriteDirectory;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.delegation_request_id)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let request = find(scene, &self.delegation_request_id)?;
        let states = [DelegationState::Assigned, DelegationState::PendingApproval];
        require_state(scene, request, &states)?;
        let is_root = scene.caller.identity == Identity::Root;
        if is_root && request.session_seconds > ROOT_SESSION_SECONDS_MAX {
            // CHOICE: the rule is documented, neither code nor text is.
            let message = "Root users can accept delegation requests of at most 4 hours.";
            return Err(Refusal::new(ErrorCode::InvalidInput, message));
        }
        Ok(changed(DelegationRequest {
            approver: Some(party(scene)),
            state: DelegationState::Accepted,
            updated: draw.now(),
            ..request.clone()
        }))
    }
}

/// Rejects a request, also one that is accepted and whose token was not sent yet.
impl Operation for RejectDelegationRequestRequest {
    const ACTION: &'static str = "iam:RejectDelegationRequest";
    const EFFECT: Effect = Effect::WriteDirectory;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.delegation_request_id)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let request = find(scene, &self.delegation_request_id)?;
        let states = [
            DelegationState::Assigned,
            DelegationState::PendingApproval,
            DelegationState::Accepted,
        ];
        require_state(scene, request, &states)?;
        Ok(changed(DelegationRequest {
            rejection_reason: self.notes.as_deref().map(Into::into),
            state: DelegationState::Rejected,
            updated: draw.now(),
            ..request.clone()
        }))
    }
}

/// Releases the token of an accepted request, which cannot be taken back.
impl Operation for SendDelegationTokenRequest {
    const ACTION: &'static str = "iam:SendDelegationToken";
    const EFFECT: Effect = Effect::WriteDirectory;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.delegation_request_id)])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let request = find(scene, &self.delegation_request_id)?;
        require_state(scene, request, &[DelegationState::Accepted])?;
        if request.only_send_by_owner && !request::is_owner(scene, request) {
            // CHOICE: the rule is documented, neither code nor text is.
            let message = "Only the owner of this delegation request can send its token.";
            return Err(Refusal::new(ErrorCode::InvalidInput, message));
        }
        Ok(changed(DelegationRequest {
            state: DelegationState::Finalized,
            updated: draw.now(),
            ..request.clone()
        }))
    }
}

impl DelegationParty {
    /// Whether this is who asks in a scene.
    fn is_caller(&self, scene: &Scene<'_>) -> bool {
        let caller = scene.caller;
        *self.access_id == *caller.identity.access_id() && *self.arn == *caller.arn()
    }
}

#[cfg(test)]
mod tests;
