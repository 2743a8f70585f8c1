//! Making a request for delegation.

use iamd_wire::ErrorCode;
use iamd_wire::iam::{
    CreateDelegationRequestRequest, CreateDelegationRequestResponse, PolicyParameter,
    PolicyParameterTypeEnum,
};

use super::request::TYPE;
use crate::account_id::AccountId;
use crate::arn;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{
    AccountChanges, Change, DelegationParameter, DelegationRequest, DelegationState, Entity,
    EntityKey,
};
use crate::text;

/// Makes a request, to an account or to whoever takes it on.
impl Operation for CreateDelegationRequestRequest {
    const ACTION: &'static str = "iam:CreateDelegationRequest";
    const EFFECT: Effect = Effect::WriteDirectory;
    type Output = CreateDelegationRequestResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        // Its id is not drawn yet.
        let mut target = Target::new(Self::ACTION, arn::iam(scene.account.id(), TYPE, "/", "*"));
        target.context.set("iam:DelegationDuration", self.session_duration.to_string());
        target.context.set("iam:NotificationChannel", self.notification_channel.as_str());
        if let Some(template) = &self.permissions.policy_template_arn {
            target.context.set("iam:TemplateArn", template.as_str());
        }
        Ok(vec![target])
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (directory, account) = (scene.state.directory(), scene.account.id());
        let workflow = self.requestor_workflow_id.as_str();
        let known = directory.delegation_request_of_workflow(account, workflow);
        if known.is_some_and(|known| !known.is_gone(scene.now)) {
            // CHOICE: AWS documents the code alone.
            let message =
                format!("A delegation request with workflow id {workflow} already exists.");
            return Err(Refusal::new(ErrorCode::EntityAlreadyExists, message));
        }
        let own: Vec<_> = directory.delegation_requests_of(account).collect();
        let gone = own.iter().filter(|request| request.is_gone(scene.now));
        let mut changes: Vec<Change> = gone
            .map(|request| Change::Remove(EntityKey::DelegationRequest(request.id.clone())))
            .collect();
        if own.len() - changes.len() >= quota::DELEGATION_REQUESTS as usize {
            let limit = quota::DELEGATION_REQUESTS;
            return Err(text::quota_exceeded("DelegationRequestsPerAccount", limit));
        }
        let request = self.request(account, draw)?;
        let output = CreateDelegationRequestResponse {
            console_deep_link: None,
            delegation_request_id: Some(request.id.to_string()),
        };
        changes.push(Change::Put(Entity::DelegationRequest(request)));
        let changes = vec![AccountChanges { account: AccountId::DIRECTORY, changes }];
        Ok(Planned { changes, output })
    }
}

impl RequestParts for CreateDelegationRequestRequest {
    fn request(&self, requestor: AccountId, draw: &mut Draw) -> Result<DelegationRequest, Refusal> {
        let owner_account = self.owner_account_id.as_deref().map(|id| {
            let no_account = format!("Invalid OwnerAccountId: {id}.");
            id.parse().map_err(|_| Refusal::new(ErrorCode::InvalidInput, no_account))
        });
        let parameters = self.permissions.parameters.as_deref().unwrap_or_default();
        Ok(DelegationRequest {
            id: format!("{:032x}", draw.random()).into(),
            requestor,
            owner_account: owner_account.transpose()?,
            owner: None,
            approver: None,
            state: DelegationState::Unassigned,
            created: draw.now(),
            updated: draw.now(),
            description: self.description.as_str().into(),
            message: self.request_message.as_deref().map(Into::into),
            template: self.permissions.policy_template_arn.as_deref().map(Into::into),
            parameters: checked_parameters(parameters)?,
            workflow: self.requestor_workflow_id.as_str().into(),
            redirect_url: self.redirect_url.as_deref().map(Into::into),
            channel: self.notification_channel.as_str().into(),
            session_seconds: u32::try_from(self.session_duration).unwrap_or_default(),
            only_send_by_owner: self.only_send_by_owner.unwrap_or(false),
            notes: None,
            rejection_reason: None,
        })
    }
}

/// The request that a message describes.
trait RequestParts {
    fn request(&self, requestor: AccountId, draw: &mut Draw) -> Result<DelegationRequest, Refusal>;
}

fn checked_parameters(parameters: &[PolicyParameter]) -> Result<Vec<DelegationParameter>, Refusal> {
    let length = |parameter: &PolicyParameter| {
        let values = parameter.values.iter().flatten().map(String::len).sum::<usize>();
        values + parameter.name.as_ref().map_or(0, String::len)
    };
    if parameters.iter().map(length).sum::<usize>() > quota::DELEGATION_PARAMETERS_SIZE {
        let limit = u32::try_from(quota::DELEGATION_PARAMETERS_SIZE).unwrap_or(u32::MAX);
        return Err(text::quota_exceeded("DelegationParametersSize", limit));
    }
    let kept = |parameter: &PolicyParameter| DelegationParameter {
        name: parameter.name.as_deref().map(Into::into),
        values: parameter
            .values
            .as_ref()
            .map(|values| values.iter().map(|value| value.as_str().into()).collect()),
        is_list: parameter.r#type.map(|kind| kind == PolicyParameterTypeEnum::StringList),
    };
    Ok(parameters.iter().map(kept).collect())
}
