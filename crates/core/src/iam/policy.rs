//! Managed policies. Source: IAM API Reference; IAM User Guide, "Managed policies and inline policies".

use std::sync::Arc;

use iamd_policy::Grammar;
use iamd_wire::iam::{
    CreatePolicyRequest, CreatePolicyResponse, DeletePolicyRequest, GetPolicyRequest,
    GetPolicyResponse, ListPoliciesRequest, ListPoliciesResponse, Policy as WirePolicy,
    PolicyScopeType, PolicyUsageType,
};
use iamd_wire::{ErrorCode, NoOutput, Timestamp};

use super::attachment::require_arn;
use super::document;
use super::resource;
use super::tag::{KeyCase, checked_tags, shown_tags};
use crate::arn;
use crate::draw::Draw;
use crate::managed;
use crate::managed_policies::{self, ManagedPolicyRecord};
use crate::marker::PageRequest;
use crate::name::FoldedName;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::quota;
use crate::refusal::Refusal;
use crate::state::{
    Account, Change, Entity, EntityKey, Policy, PolicyDocument, PolicyUse, PolicyVersion,
};
use crate::text;
use crate::unique_id::IdPrefix;

/// Creates a customer managed policy with one version.
impl Operation for CreatePolicyRequest {
    const ACTION: &'static str = "iam:CreatePolicy";
    const EFFECT: Effect = Effect::Write;
    type Output = CreatePolicyResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let path = self.path.as_deref().unwrap_or("/");
        let arn = arn::iam(scene.account.id(), "policy", path, &self.policy_name);
        let create = Target::new(Self::ACTION, arn);
        Ok(resource::with_request_tags(create, "iam:TagPolicy", self.tags.as_deref()))
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let tags = checked_tags(self.tags.as_deref(), KeyCase::Counts)?;
        let document = checked_document(&self.policy_document)?;
        if scene.account.policies().named(&self.policy_name).is_some() {
            return Err(text::policy_already_exists(&self.policy_name));
        }
        if scene.account.policies().len() >= scene.quotas.policies as usize {
            return Err(text::quota_exceeded("PoliciesPerAccount", scene.quotas.policies));
        }
        let policy = Policy {
            id: resource::fresh_id(scene, scene.account.policies(), IdPrefix::ManagedPolicy, draw),
            name: self.policy_name.as_str().into(),
            path: self.path.as_deref().unwrap_or("/").into(),
            created: draw.now(),
            updated: draw.now(),
            description: self.description.as_deref().map(Into::into),
            tags,
            default_version: 1,
            next_version: 2,
            versions: vec![PolicyVersion { number: 1, created: draw.now(), document }],
        };
        // AWS leaves the description out of this answer.
        let shown = WirePolicy {
            tags: (!policy.tags.is_empty()).then(|| shown_tags(&policy.tags)),
            ..listed(scene.account, &policy)
        };
        let output = CreatePolicyResponse { policy: Some(shown) };
        Ok(Planned::write(scene.account, vec![Change::Put(Entity::Policy(policy))], output))
    }
}

/// Shows a managed policy, a customer's or AWS's.
impl Operation for GetPolicyRequest {
    const ACTION: &'static str = "iam:GetPolicy";
    const EFFECT: Effect = Effect::Read;
    type Output = GetPolicyResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.policy_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let policy = match find(scene.account, &self.policy_arn)? {
            Found::Customer(policy) => WirePolicy {
                description: policy.description.as_deref().map(str::to_owned),
                tags: Some(shown_tags(&policy.tags)),
                ..listed(scene.account, policy)
            },
            Found::Aws(record) => {
                WirePolicy { tags: Some(Vec::new()), ..listed_aws(scene.account, &record) }
            }
        };
        Ok(Planned::read(GetPolicyResponse { policy: Some(policy) }))
    }
}

/// Lists managed policies by name: the account's, AWS's, or both.
impl Operation for ListPoliciesRequest {
    const ACTION: &'static str = "iam:ListPolicies";
    const EFFECT: Effect = Effect::Read;
    type Output = ListPoliciesResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let path = self.path_prefix.as_deref().unwrap_or("/");
        Ok(vec![Target::wildcard(Self::ACTION, Some(format!("policy path {path}")))])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let filter = Filter::of(self);
        let list = format!("policies:{}:{filter:?}", scene.account.id());
        let request =
            PageRequest { list: &list, marker: self.marker.as_deref(), max_items: self.max_items };
        let page =
            scene.marker_key.page(request, |behind| listed_after(scene.account, filter, behind))?;
        Ok(Planned::read(ListPoliciesResponse {
            policies: Some(page.items),
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

/// Deletes a customer managed policy that nobody uses and that has one version left.
impl Operation for DeletePolicyRequest {
    const ACTION: &'static str = "iam:DeletePolicy";
    const EFFECT: Effect = Effect::Write;
    type Output = NoOutput;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(scene, Self::ACTION, &self.policy_arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let policy = find_customer(scene.account, &self.policy_arn)?;
        if uses(scene.account, &self.policy_arn).is_some_and(|uses| !uses.is_empty()) {
            return Err(Refusal::new(
                ErrorCode::DeleteConflict,
                "Cannot delete a policy attached to entities.",
            ));
        }
        if policy.versions.len() > 1 {
            return Err(Refusal::new(
                ErrorCode::DeleteConflict,
                "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
            ));
        }
        let changes = vec![Change::Remove(EntityKey::Policy(policy.id))];
        Ok(Planned::write(scene.account, changes, NoOutput))
    }
}

/// A managed policy that was found.
pub(super) enum Found<'a> {
    /// A customer's.
    Customer(&'a Arc<Policy>),
    /// AWS's.
    Aws(ManagedPolicyRecord),
}

impl<'a> Found<'a> {
    /// The customer's policy, if it is one.
    pub(super) fn customer(&self) -> Option<&'a Policy> {
        match self {
            Found::Customer(policy) => Some(policy),
            Found::Aws(_) => None,
        }
    }
}

/// The managed policy of this ARN.
///
/// # Errors
/// `ValidationError` for what is no ARN, `NoSuchEntity`.
pub(super) fn find<'a>(account: &'a Account, arn: &str) -> Result<Found<'a>, Refusal> {
    require_arn(arn)?;
    if let Some(record) = managed_policies::find(arn) {
        return Ok(Found::Aws(record));
    }
    managed::customer_policy(account, arn)
        .map(Found::Customer)
        .ok_or_else(|| text::policy_not_found(arn))
}

/// The customer managed policy of this ARN, for operations that change it.
///
/// # Errors
/// `ValidationError` for what is no ARN, `NoSuchEntity`.
pub(super) fn find_customer<'a>(
    account: &'a Account,
    arn: &str,
) -> Result<&'a Arc<Policy>, Refusal> {
    match find(account, arn)? {
        Found::Customer(policy) => Ok(policy),
        // No policy can allow this: authorization has refused it before.
        Found::Aws(_) => Err(text::no_such_policy(arn)),
    }
}

/// The target of an action on the managed policy of this ARN.
pub(super) fn target(scene: &Scene<'_>, action: &'static str, arn: &str) -> Target {
    let mut target = Target::new(action, arn.to_owned());
    if let Some(policy) = managed::customer_policy(scene.account, arn) {
        resource::add_resource_tags(&mut target.context, &policy.tags);
    }
    target
}

/// A document for a managed policy.
///
/// # Errors
/// `MalformedPolicyDocument`; `LimitExceeded` past 6,144 characters.
pub(super) fn checked_document(text: &str) -> Result<PolicyDocument, Refusal> {
    let document = document::checked(text, Grammar::Identity)?;
    if iamd_policy::size_without_white_space(text) > quota::MANAGED_POLICY_SIZE as usize {
        return Err(text::quota_exceeded("PolicySize", quota::MANAGED_POLICY_SIZE));
    }
    Ok(document)
}

/// Who uses the managed policy of this ARN.
pub(super) fn uses<'a>(account: &'a Account, arn: &str) -> Option<&'a PolicyUse> {
    account.policy_use(arn)
}

/// What ListPolicies leaves out.
#[derive(Debug, Clone, Copy)]
struct Filter<'a> {
    scope: PolicyScopeType,
    only_attached: bool,
    path_prefix: &'a str,
    usage: Option<PolicyUsageType>,
}

impl<'a> Filter<'a> {
    fn of(request: &'a ListPoliciesRequest) -> Filter<'a> {
        Filter {
            scope: request.scope.unwrap_or(PolicyScopeType::All),
            only_attached: request.only_attached.unwrap_or(false),
            path_prefix: request.path_prefix.as_deref().unwrap_or("/"),
            usage: request.policy_usage_filter,
        }
    }

    fn lets_pass(&self, path: &str, uses: Option<&PolicyUse>) -> bool {
        let attached = uses.is_some_and(|uses| uses.attachments() > 0);
        let bounding = uses.is_some_and(|uses| uses.boundaries() > 0);
        let usage_fits = match self.usage {
            None => true,
            Some(PolicyUsageType::PermissionsPolicy) => attached,
            Some(PolicyUsageType::PermissionsBoundary) => bounding,
        };
        path.starts_with(self.path_prefix)
            && usage_fits
            && (!self.only_attached || attached || bounding)
    }
}

/// Customer policies by name, then AWS policies by name, from behind a place; places say which.
fn listed_after<'a>(
    account: &'a Account,
    filter: Filter<'a>,
    behind: Option<String>,
) -> impl Iterator<Item = (String, WirePolicy)> + 'a {
    let (local_behind, aws_behind) = match behind.as_deref().and_then(|place| place.split_once(':'))
    {
        Some(("local", name)) => (Some(FoldedName::of(name)), None),
        Some((_, name)) => (None, Some(name)),
        None => (None, None),
    };
    let local_wanted = filter.scope != PolicyScopeType::Aws && aws_behind.is_none();
    let local = local_wanted.then(|| account.policies().after(local_behind.as_ref()));
    let local = local.into_iter().flatten().filter_map(move |(name, policy)| {
        let uses = uses(account, &arn::policy(account.id(), policy));
        let shown = filter.lets_pass(&policy.path, uses).then(|| listed(account, policy))?;
        Some((format!("local:{name}"), shown))
    });
    let aws_wanted = filter.scope != PolicyScopeType::Local;
    let aws = aws_wanted.then(|| managed_policies::after(aws_behind));
    let aws = aws.into_iter().flatten().filter_map(move |record| {
        let passes = filter.lets_pass(record.path, uses(account, record.arn));
        passes.then(|| (format!("aws:{}", record.name), listed_aws(account, &record)))
    });
    local.chain(aws)
}

/// A customer policy as lists show it: without tags and description.
pub(super) fn listed(account: &Account, policy: &Policy) -> WirePolicy {
    let arn = arn::policy(account.id(), policy);
    WirePolicy {
        policy_name: Some(policy.name.to_string()),
        policy_id: Some(policy.id.to_string()),
        path: Some(policy.path.to_string()),
        default_version_id: Some(format!("v{}", policy.default_version)),
        create_date: Some(policy.created),
        update_date: Some(policy.updated),
        ..counted(account, arn)
    }
}

pub(super) fn listed_aws(account: &Account, record: &ManagedPolicyRecord) -> WirePolicy {
    WirePolicy {
        policy_name: Some(record.name.to_string()),
        policy_id: Some(record.policy_id.to_string()),
        path: Some(record.path.to_string()),
        default_version_id: Some(record.version_id.to_string()),
        create_date: Some(Timestamp::from_seconds(record.create_date)),
        update_date: Some(Timestamp::from_seconds(record.update_date)),
        is_attachable: Some(record.attachable),
        ..counted(account, record.arn.to_string())
    }
}

/// The members that say how much a policy is used.
fn counted(account: &Account, arn: String) -> WirePolicy {
    let uses = uses(account, &arn);
    let count = |count: usize| i32::try_from(count).ok();
    WirePolicy {
        attachment_count: count(uses.map_or(0, PolicyUse::attachments)),
        permissions_boundary_usage_count: count(uses.map_or(0, PolicyUse::boundaries)),
        is_attachable: Some(true),
        arn: Some(arn),
        ..WirePolicy::default()
    }
}
