//! Decisions: all policy types of a request, combined.
//!
//! Source: IAM User Guide, "Policy evaluation logic", with its pages on enforcement code,
//! cross-account evaluation and permissions boundaries; Organizations User Guide, "SCP evaluation".

use crate::context::ConditionKeys;
use crate::evaluation::{Evaluation, Outcome};
use crate::hard_limit::is_beyond_policies;
use crate::policy_set::PolicySet;
use crate::principal::{Naming, Principal};
use crate::resource::Resource;
use crate::service_data::is_under_resource_control;

/// A question: may this caller do this to that?
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// What he wants to do, such as `s3:GetObject`.
    pub action: &'a str,
    /// To what: an ARN, or `*` for an action without resource-level permissions.
    pub resource: &'a str,
    /// The account that owns the resource; absent, the one that the ARN names, else the caller's.
    pub resource_account: Option<&'a str>,
    /// The condition keys of the request.
    pub context: &'a dyn ConditionKeys,
}

/// The policies that apply, by type. An absent type does not apply; a present and empty one
/// applies and holds nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'a> {
    /// Identity-based policies of the user and his groups, or of the role.
    pub identity: Option<&'a [&'a PolicySet]>,
    /// The permissions boundary of the user or role.
    pub boundary: Option<&'a PolicySet>,
    /// Session policies.
    pub session: Option<&'a PolicySet>,
    /// The resource-based policy of the resource.
    pub resource: Option<&'a PolicySet>,
    /// The trust policy of the role that is to be assumed.
    pub trust: Option<&'a PolicySet>,
    /// Service control policies of the caller's account: one set per level, root first.
    pub scp: Option<&'a [PolicySet]>,
    /// Resource control policies of the resource's account: one set per level, root first.
    pub rcp: Option<&'a [PolicySet]>,
    /// The policy of the VPC endpoint that the request came through.
    pub endpoint: Option<&'a PolicySet>,
}

impl Policies<'_> {
    /// Whether there are policies of a type, be they empty.
    pub(crate) fn has(&self, kind: PolicyType) -> bool {
        match kind {
            PolicyType::Identity => self.identity.is_some(),
            PolicyType::Boundary => self.boundary.is_some(),
            PolicyType::Session => self.session.is_some(),
            PolicyType::Resource => self.resource.is_some(),
            PolicyType::Trust => self.trust.is_some(),
            PolicyType::Scp => self.scp.is_some(),
            PolicyType::Rcp => self.rcp.is_some(),
            PolicyType::Endpoint => self.endpoint.is_some(),
        }
    }
}

/// A type of policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyType {
    /// Identity-based policies.
    Identity,
    /// A resource-based policy.
    Resource,
    /// A permissions boundary.
    Boundary,
    /// Session policies.
    Session,
    /// Service control policies.
    Scp,
    /// Resource control policies.
    Rcp,
    /// A VPC endpoint policy.
    Endpoint,
    /// A role trust policy.
    Trust,
}

impl PolicyType {
    /// All of them, in the order in which AWS looks for a denial.
    pub const ALL: [PolicyType; 8] = [
        PolicyType::Scp,
        PolicyType::Rcp,
        PolicyType::Endpoint,
        PolicyType::Resource,
        PolicyType::Trust,
        PolicyType::Identity,
        PolicyType::Boundary,
        PolicyType::Session,
    ];

    /// Whether statements of the type name whom they concern.
    pub(crate) fn names_principals(self) -> bool {
        match self {
            PolicyType::Resource | PolicyType::Trust | PolicyType::Endpoint | PolicyType::Rcp => {
                true
            }
            PolicyType::Identity | PolicyType::Boundary | PolicyType::Session | PolicyType::Scp => {
                false
            }
        }
    }

    /// The type in the words of `iamd policy eval`.
    pub fn as_str(self) -> &'static str {
        match self {
            PolicyType::Identity => "identity",
            PolicyType::Resource => "resource",
            PolicyType::Boundary => "boundary",
            PolicyType::Session => "session",
            PolicyType::Scp => "scp",
            PolicyType::Rcp => "rcp",
            PolicyType::Endpoint => "endpoint",
            PolicyType::Trust => "trust",
        }
    }
}

/// The answer. There is no third one: what no policy allows is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Policies of this type granted it, and no other type stood in the way.
    Allow(PolicyType),
    /// A statement of this type denies it.
    DenyExplicitly(PolicyType),
    /// No statement of this type, of which one is needed, allows it.
    DenyImplicitly(PolicyType),
}

impl Decision {
    /// Whether the request is allowed.
    pub fn is_allowed(self) -> bool {
        match self {
            Decision::Allow(_) => true,
            Decision::DenyExplicitly(_) | Decision::DenyImplicitly(_) => false,
        }
    }

    /// The type of policy that decided.
    pub fn decided_by(self) -> PolicyType {
        match self {
            Decision::Allow(kind)
            | Decision::DenyExplicitly(kind)
            | Decision::DenyImplicitly(kind) => kind,
        }
    }
}

/// Decides a request.
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    let decider = Decider::new(request, policies);
    decider.decide()
}

/// Whether policies allow a request, and it is refused all the same: because what it would change is
/// AWS's, or because of who asks. Then the answer may say so.
pub fn is_refused_despite_policies(request: &Request<'_>, policies: &Policies<'_>) -> bool {
    let decider = Decider::new(request, policies);
    let is_allowed = |outcomes: Outcomes| decider.by_policies(&outcomes).is_allowed();
    decider.is_beyond_policies() && decider.outcomes().is_ok_and(is_allowed)
}

/// What the types say of a request; none of them denies.
pub(crate) struct Outcomes {
    pub(crate) scps_allow: bool,
    pub(crate) endpoint: Option<Outcome>,
    /// Of the trust policy where there is one, else of the resource-based policy.
    pub(crate) resource: Outcome,
    pub(crate) identity: Outcome,
    pub(crate) boundary: Outcome,
    pub(crate) session: Outcome,
}

/// A request beside its policies, with what follows from both.
pub(crate) struct Decider<'a> {
    pub(crate) evaluation: Evaluation<'a>,
    pub(crate) policies: &'a Policies<'a>,
    principal: &'a Principal,
    owner: Option<&'a str>,
}

impl<'a> Decider<'a> {
    pub(crate) fn new(request: &Request<'a>, policies: &'a Policies<'a>) -> Decider<'a> {
        let evaluation = Evaluation::new(request);
        let named = match evaluation.resource() {
            Resource::Arn(arn) => arn.owner(),
            Resource::None | Resource::Unknown => None,
        };
        Decider {
            evaluation,
            policies,
            principal: request.principal,
            owner: request.resource_account.or(named),
        }
    }

    fn decide(&self) -> Decision {
        if self.needs_no_permission() {
            return Decision::Allow(PolicyType::Identity);
        }
        match self.outcomes() {
            Ok(outcomes) => self.without_denials(&outcomes),
            Err(denying) => Decision::DenyExplicitly(denying),
        }
    }

    /// Whether no policy can allow the request.
    pub(crate) fn is_beyond_policies(&self) -> bool {
        let (action, resource) = (self.evaluation.action(), self.evaluation.resource());
        is_beyond_policies(self.principal, action, resource)
    }

    /// The decision where no type denies.
    pub(crate) fn without_denials(&self, outcomes: &Outcomes) -> Decision {
        if self.is_beyond_policies() {
            return Decision::DenyImplicitly(PolicyType::Identity);
        }
        self.by_policies(outcomes)
    }

    fn by_policies(&self, outcomes: &Outcomes) -> Decision {
        if !outcomes.scps_allow {
            return Decision::DenyImplicitly(PolicyType::Scp);
        }
        if outcomes.endpoint == Some(Outcome::NoMatch) {
            return Decision::DenyImplicitly(PolicyType::Endpoint);
        }
        self.granted(outcomes)
    }

    /// What every type says, each looked at once; or the first one that denies, in the order in
    /// which AWS looks.
    fn outcomes(&self) -> Result<Outcomes, PolicyType> {
        let scps_allow = self.scps()?;
        self.of_type(PolicyType::Rcp)?;
        let endpoint = self.policies.endpoint.map(|_| self.of_type(PolicyType::Endpoint));
        let endpoint = endpoint.transpose()?;
        let resource = self.of_type(PolicyType::Resource)?;
        let trust = self.of_type(PolicyType::Trust)?;
        Ok(Outcomes {
            scps_allow,
            endpoint,
            resource: if self.policies.trust.is_some() { trust } else { resource },
            identity: self.of_type(PolicyType::Identity)?,
            boundary: self.of_type(PolicyType::Boundary)?,
            session: self.of_type(PolicyType::Session)?,
        })
    }

    fn of_type(&self, kind: PolicyType) -> Result<Outcome, PolicyType> {
        match self.evaluation.outcome(self.sets(kind), kind) {
            Outcome::Deny => Err(kind),
            outcome => Ok(outcome),
        }
    }

    /// Whether the service control policies allow, where they apply: at every level.
    fn scps(&self) -> Result<bool, PolicyType> {
        let Some(levels) = self.policies.scp.filter(|_| self.scp_applies()) else {
            return Ok(true);
        };
        let mut all_allow = !levels.is_empty();
        for level in levels {
            match self.evaluation.outcome([level], PolicyType::Scp) {
                Outcome::Deny => return Err(PolicyType::Scp),
                Outcome::Allow(_) => {}
                Outcome::NoMatch => all_allow = false,
            }
        }
        Ok(all_allow)
    }

    fn granted(&self, outcomes: &Outcomes) -> Decision {
        if !self.principal.has_identity_side() {
            return match outcomes.resource {
                Outcome::Allow(_) => Decision::Allow(self.resource_type()),
                Outcome::Deny | Outcome::NoMatch => Decision::DenyImplicitly(self.resource_type()),
            };
        }
        let own_account = self.owner.is_none_or(|owner| self.principal.account() == Some(owner));
        match (outcomes.resource, own_account) {
            // Not limited by what identity, boundary and session leave out.
            (Outcome::Allow(Naming::Direct), true) => Decision::Allow(self.resource_type()),
            (Outcome::Allow(Naming::Parent), true) => self.limited(outcomes, self.resource_type()),
            (Outcome::NoMatch | Outcome::Deny, true) if self.requires_resource_policy() => {
                Decision::DenyImplicitly(self.resource_type())
            }
            // Another account's resource needs both sides.
            (Outcome::NoMatch | Outcome::Deny, false) => {
                Decision::DenyImplicitly(self.resource_type())
            }
            (Outcome::Allow(_) | Outcome::NoMatch | Outcome::Deny, _) => {
                self.identity_side(outcomes)
            }
        }
    }

    /// Whether the request is allowed whatever policies say.
    pub(crate) fn needs_no_permission(&self) -> bool {
        match self.evaluation.action() {
            // Whoever signs; outsiders present a token to assume a role, and nothing else.
            "sts:getcalleridentity" => {
                !matches!(self.principal, Principal::Anonymous | Principal::Federated { .. })
            }
            "sts:getsessiontoken" => {
                matches!(self.principal, Principal::User { .. } | Principal::Root { .. })
            }
            _ => false,
        }
    }

    /// Identity-based policies, then what limits them.
    fn identity_side(&self, outcomes: &Outcomes) -> Decision {
        let is_root = matches!(self.principal, Principal::Root { .. });
        if !is_root && !matches!(outcomes.identity, Outcome::Allow(_)) {
            return Decision::DenyImplicitly(PolicyType::Identity);
        }
        self.limited(outcomes, PolicyType::Identity)
    }

    fn limited(&self, outcomes: &Outcomes, granted_by: PolicyType) -> Decision {
        let is_root = matches!(self.principal, Principal::Root { .. });
        let is_bounded = self.policies.boundary.is_some() && !is_root;
        if is_bounded && !matches!(outcomes.boundary, Outcome::Allow(_)) {
            return Decision::DenyImplicitly(PolicyType::Boundary);
        }
        let session_allows = match self.policies.session {
            Some(_) => matches!(outcomes.session, Outcome::Allow(_)),
            // A federated user without a session policy has no permissions of his own.
            None => !matches!(self.principal, Principal::FederatedUser { .. }),
        };
        if session_allows {
            Decision::Allow(granted_by)
        } else {
            Decision::DenyImplicitly(PolicyType::Session)
        }
    }

    /// Whether policies of a type take part for this caller and resource, where there are some.
    pub(crate) fn applies(&self, kind: PolicyType) -> bool {
        let has_side = self.principal.has_identity_side();
        match kind {
            PolicyType::Identity | PolicyType::Boundary => {
                has_side && !matches!(self.principal, Principal::Root { .. })
            }
            PolicyType::Session => has_side,
            PolicyType::Resource | PolicyType::Trust | PolicyType::Endpoint => true,
            PolicyType::Scp => self.scp_applies(),
            PolicyType::Rcp => self.rcp_applies(),
        }
    }

    /// The sets of a type that take part for this caller and resource.
    pub(crate) fn sets(&self, kind: PolicyType) -> impl Iterator<Item = &'a PolicySet> {
        let policies = self.policies;
        let (one, levels, many): (Option<&'a PolicySet>, &'a [PolicySet], &'a [&'a PolicySet]) =
            match kind {
                _ if !self.applies(kind) => (None, &[], &[]),
                PolicyType::Identity => (None, &[], policies.identity.unwrap_or_default()),
                PolicyType::Boundary => (policies.boundary, &[], &[]),
                PolicyType::Session => (policies.session, &[], &[]),
                PolicyType::Resource => (policies.resource, &[], &[]),
                PolicyType::Trust => (policies.trust, &[], &[]),
                PolicyType::Endpoint => (policies.endpoint, &[], &[]),
                PolicyType::Scp => (None, policies.scp.unwrap_or_default(), &[]),
                PolicyType::Rcp => (None, policies.rcp.unwrap_or_default(), &[]),
            };
        one.into_iter().chain(levels).chain(many.iter().copied())
    }

    /// The type on the resource's side. Assuming a role asks its trust policy, also one that is not
    /// there: such a role trusts nobody.
    fn resource_type(&self) -> PolicyType {
        match (self.policies.trust, self.policies.resource) {
            (Some(_), _) => PolicyType::Trust,
            (None, None) if self.asks_for_trust() => PolicyType::Trust,
            (None, _) => PolicyType::Resource,
        }
    }

    /// Whether the request assumes a role, or is what goes with that: tags, a source identity, a
    /// context.
    ///
    /// Source: IAM User Guide, "Pass session tags in AWS STS", "Monitor and control actions taken with
    /// assumed roles".
    fn asks_for_trust(&self) -> bool {
        match self.evaluation.action() {
            "sts:tagsession" | "sts:setsourceidentity" | "sts:setcontext" => self.is_role("role/"),
            action => action.starts_with("sts:assumerole"),
        }
    }

    /// Whether the resource is a role whose ARN goes on like this.
    fn is_role(&self, beginning: &str) -> bool {
        match self.evaluation.resource() {
            Resource::Arn(arn) => arn.service == "iam" && arn.resource.starts_with(beginning),
            Resource::None | Resource::Unknown => false,
        }
    }

    /// Role trust policies and key policies must allow, in the same account too.
    fn requires_resource_policy(&self) -> bool {
        let is_key = match self.evaluation.resource() {
            Resource::Arn(arn) => arn.service == "kms" && arn.resource.starts_with("key/"),
            Resource::None | Resource::Unknown => false,
        };
        self.policies.trust.is_some() || is_key || self.asks_for_trust()
    }

    fn scp_applies(&self) -> bool {
        self.principal.has_identity_side() && !self.principal.is_service_linked()
    }

    /// Source: Organizations User Guide, "Resources and entities not restricted by RCPs": neither what
    /// service-linked roles do nor who assumes them.
    fn rcp_applies(&self) -> bool {
        let action = self.evaluation.action();
        let service = action.split_once(':').map_or("", |(service, _)| service);
        let is_linked_trust = service == "sts" && self.is_role("role/aws-service-role/");
        is_under_resource_control(service)
            && action != "kms:retiregrant"
            && !is_linked_trust
            && !self.principal.is_service_linked()
    }
}

#[cfg(test)]
mod tests;
