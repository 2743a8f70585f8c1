//! AssumeRoot. Source: STS API Reference; IAM User Guide, "Perform a privileged task on a member
//! account".

use iamd_policy::Request;
use iamd_wire::ErrorCode;
use iamd_wire::sts::{AssumeRootRequest, AssumeRootResponse};

use crate::account_id::AccountId;
use crate::arn;
use crate::authorize::{self, CallerPolicies, decided, permit_credential};
use crate::caller::Identity;
use crate::decision_keys::DecisionKeys;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;

/// Where the policies are that scope a session of root.
const TASK_POLICY_PATH: &str = "arn:aws:iam::aws:policy/root-task/";
/// Their names; no other policy will do. STS API Reference, AssumeRoot.
const TASK_POLICIES: [&str; 5] = [
    "IAMAuditRootUserCredentials",
    "IAMCreateRootUserPassword",
    "IAMDeleteRootUserCredentials",
    "S3UnlockBucketPolicy",
    "SQSUnlockQueuePolicy",
];

/// Would give the caller a short session of a member account's root. Members are those of an
/// organization, and no account is in one: so everybody is denied, whatever policies say.
impl Operation for AssumeRootRequest {
    const ACTION: &'static str = "sts:AssumeRoot";
    const EFFECT: Effect = Effect::Read;
    type Output = AssumeRootResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut target = Target::new(Self::ACTION, arn::root(account(self)?));
        target.context.set("sts:TaskPolicyArn", task_policy(self)?);
        Ok(vec![target])
    }

    fn permit(&self, scene: &Scene<'_>) -> Result<(), Refusal> {
        let (account, targets) = (account(self)?, self.targets(scene)?);
        if scene.caller.identity == Identity::Root {
            return Err(denial(scene, account));
        }
        // The caller's side decides alone: roots have no policies that could be asked.
        let own_side = scene.account.id().to_string();
        CallerPolicies::of(scene).with(|policies| {
            for target in &targets {
                permit_credential(scene.caller, target.action)?;
                let request = Request {
                    principal: &scene.caller.principal,
                    action: target.action,
                    resource: &target.resource,
                    resource_account: Some(&own_side),
                    context: &DecisionKeys::new(scene, target, account),
                };
                if !decided(scene, &request, &policies) {
                    return Err(authorize::denial(scene, &request, &policies, target));
                }
            }
            Ok(())
        })
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        Err(denial(scene, account(self)?))
    }
}

/// The account whose root is meant: its number, or the ARN of its root.
fn account(request: &AssumeRootRequest) -> Result<AccountId, Refusal> {
    let text = request.target_principal.as_str();
    let number = text.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"));
    // CHOICE: the text; AWS documents none.
    number.unwrap_or(text).parse().map_err(|_| invalid(text))
}

fn task_policy(request: &AssumeRootRequest) -> Result<&str, Refusal> {
    let arn = request.task_policy_arn.arn.as_deref().unwrap_or_default();
    let name = arn.strip_prefix(TASK_POLICY_PATH);
    match name.is_some_and(|name| TASK_POLICIES.contains(&name)) {
        true => Ok(arn),
        false => Err(invalid(arn)),
    }
}

fn invalid(arn: &str) -> Refusal {
    Refusal::new(ErrorCode::ValidationError, format!("{arn} is invalid"))
}

/// The denial that names no policy, for none is the reason.
fn denial(scene: &Scene<'_>, account: AccountId) -> Refusal {
    Refusal::new(
        ErrorCode::AccessDenied,
        format!(
            "User: {} is not authorized to perform: sts:AssumeRoot on resource: {}",
            scene.caller.arn(),
            arn::root(account)
        ),
    )
}
