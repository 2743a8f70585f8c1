//! AssumeRole. Source: STS API Reference; IAM User Guide, "Policy evaluation logic".

use std::sync::Arc;

use iamd_policy::{Context, Grammar, Policies, PolicySet, Request};
use iamd_wire::sts::{AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser};
use iamd_wire::{ErrorCode, Timestamp};

use super::credentials::issue;
use super::mfa;
use super::session_tag::{inherited_tags, session_tags};
use crate::arn::{self, IamArn};
use crate::authorize::{self, CallerPolicies, decided, permit_credential};
use crate::caller::Identity;
use crate::decision_keys::DecisionKeys;
use crate::draw::Draw;
use crate::iam::checked_document;
use crate::managed::require_attachable;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::preparation::CodeUse;
use crate::quota;
use crate::refusal::Refusal;
use crate::session::{Session, SessionPolicies, SessionTag, Subject};
use crate::state::{Account, PolicyDocument, Role};

/// Length of a session when the request does not say, in seconds.
const SECONDS_DEFAULT: i32 = 3_600;
/// Longest session that a session of a role may start, in seconds.
const CHAINED_SECONDS_MAX: i32 = 3_600;

/// Gives the caller a session of a role that trusts him.
impl Operation for AssumeRoleRequest {
    const ACTION: &'static str = "sts:AssumeRole";
    const EFFECT: Effect = Effect::Read;
    type Output = AssumeRoleResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        let mut assume = Target::new(Self::ACTION, self.role_arn.clone());
        self.add_keys(scene, &mut assume.context);
        let also = |wanted: bool, action| wanted.then(|| Target { action, ..assume.clone() });
        let tag = also(!self.tags().is_empty(), "sts:TagSession");
        let identify = also(self.source_identity.is_some(), "sts:SetSourceIdentity");
        let context = also(self.provided_contexts.is_some(), "sts:SetContext");
        Ok([Some(assume), tag, identify, context].into_iter().flatten().collect())
    }

    fn is_prepared(&self) -> bool {
        self.serial_number.is_some() || self.token_code.is_some()
    }

    fn shown_code(&self, scene: &Scene<'_>) -> Result<Option<CodeUse>, Refusal> {
        self.role_parts()?;
        refuse_root(scene)?;
        mfa::shown_code(scene, self.serial_number.as_deref(), self.token_code.as_deref())
    }

    fn permit(&self, scene: &Scene<'_>) -> Result<(), Refusal> {
        self.check_caller(scene)?;
        self.session_tags(scene)?;
        self.check_source_identity(scene)?;
        self.inline_session_policy()?;
        let role = self.role(scene);
        let trust: PolicySet = role
            .map(|(account, role)| {
                (Arc::from(arn::role(account.id(), role)), role.trust.compiled().clone())
            })
            // A role that does not exist answers like one that trusts nobody.
            .into_iter()
            .collect();
        let parts = self.role_parts()?;
        // A role that cannot be is refused by its missing trust; whose it would be does not matter.
        let owner = parts.account.parse().unwrap_or_else(|_| scene.account.id());
        let targets = self.targets(scene)?;
        CallerPolicies::of(scene).with(|policies| {
            let policies = Policies { trust: Some(&trust), ..policies };
            for target in &targets {
                permit_credential(scene.caller, target.action)?;
                let request = Request {
                    principal: &scene.caller.principal,
                    action: target.action,
                    resource: &target.resource,
                    resource_account: Some(parts.account),
                    context: &DecisionKeys::new(scene, target, owner),
                };
                if !decided(scene, &request, &policies) {
                    return Err(self.denial(scene, &request, &policies, target));
                }
            }
            Ok(())
        })
    }

    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let (account, role) = self.role(scene).ok_or_else(|| self.plain_denial(scene))?;
        let code = self.shown_code(scene)?;
        code.iter().try_for_each(|code| mfa::require_claimed(scene, code))?;
        if self.provided_contexts.is_some() {
            // An assertion that nobody can verify yet is refused, not ignored.
            return Err(Refusal::new(
                ErrorCode::InvalidParameterValue,
                "ProvidedContexts are not implemented by iamd yet",
            ));
        }
        let seconds = self.duration_seconds.unwrap_or(SECONDS_DEFAULT);
        let most = role.session_seconds_max.unwrap_or(crate::iam::SESSION_SECONDS_MAX_DEFAULT);
        if i64::from(seconds) > i64::from(most) {
            return Err(Refusal::new(
                ErrorCode::ValidationError,
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let inherited = scene.caller.session().and_then(|session| session.source_identity.clone());
        let session_name = self.role_session_name.as_str().into();
        let subject = Subject::Role { role: role.id, session_name };
        let session = Session {
            account: account.id(),
            issued: account.issue_time(&subject, draw.now()),
            subject,
            expires: Timestamp::from_seconds(draw.now().seconds() + i64::from(seconds)),
            policies: self.session_policies(account)?,
            tags: self.session_tags(scene)?,
            source_identity: inherited.or(self.source_identity.as_deref().map(Into::into)),
            // The role's session does not carry the second factor of who assumed it.
            mfa: None,
        };
        let issued = issue(scene, &session, self.minimum_session_token_size, draw)?;
        Ok(Planned::read(AssumeRoleResponse {
            credentials: Some(issued.credentials),
            assumed_role_user: Some(AssumedRoleUser {
                assumed_role_id: format!("{}:{}", role.id, self.role_session_name),
                arn: arn::role_session(account.id(), &role.name, &self.role_session_name),
            }),
            packed_policy_size: self.packed_policy_size(),
            source_identity: session.source_identity.map(String::from),
            session_token_utilization: issued.token_utilization,
            session_token_size: issued.token_size,
        }))
    }
}

fn refuse_root(scene: &Scene<'_>) -> Result<(), Refusal> {
    if scene.caller.identity == Identity::Root {
        let message = "Roles may not be assumed by root accounts.";
        return Err(Refusal::new(ErrorCode::AccessDenied, message));
    }
    Ok(())
}

/// The steps of AssumeRole.
trait Steps {
    fn tags(&self) -> &[iamd_wire::sts::Tag];
    fn role_parts(&self) -> Result<IamArn<'_>, Refusal>;
    fn role<'a>(&self, scene: &Scene<'a>) -> Option<(&'a Account, &'a Role)>;
    fn check_caller(&self, scene: &Scene<'_>) -> Result<(), Refusal>;
    fn check_source_identity(&self, scene: &Scene<'_>) -> Result<(), Refusal>;
    fn session_tags(&self, scene: &Scene<'_>) -> Result<Vec<SessionTag>, Refusal>;
    fn inline_session_policy(&self) -> Result<Option<PolicyDocument>, Refusal>;
    fn session_policies(&self, account: &Account) -> Result<Option<SessionPolicies>, Refusal>;
    fn add_keys(&self, scene: &Scene<'_>, context: &mut Context);
    fn policy_size(&self) -> usize;
    fn packed_policy_size(&self) -> Option<i32>;
    fn denial(
        &self,
        scene: &Scene<'_>,
        request: &Request<'_>,
        policies: &Policies<'_>,
        target: &Target,
    ) -> Refusal;
    fn plain_denial(&self, scene: &Scene<'_>) -> Refusal;
}

impl Steps for AssumeRoleRequest {
    fn tags(&self) -> &[iamd_wire::sts::Tag] {
        self.tags.as_deref().unwrap_or_default()
    }

    fn role_parts(&self) -> Result<IamArn<'_>, Refusal> {
        let parts = IamArn::parse(&self.role_arn).filter(|parts| parts.resource_type == "role");
        parts.ok_or_else(|| {
            Refusal::new(ErrorCode::ValidationError, format!("{} is invalid", self.role_arn))
        })
    }

    fn role<'a>(&self, scene: &Scene<'a>) -> Option<(&'a Account, &'a Role)> {
        let parts = self.role_parts().ok()?;
        let account = scene.state.account(parts.account.parse().ok()?)?;
        let role = account.roles().named(parts.name).filter(|_| account.is_open())?;
        (*role.name == *parts.name && *role.path == *parts.path).then_some((account, role))
    }

    fn check_caller(&self, scene: &Scene<'_>) -> Result<(), Refusal> {
        if self.shown_code(scene)?.is_some_and(|code| !code.is_right()) {
            return Err(mfa::wrong_code());
        }
        let is_chained = matches!(scene.caller.identity, Identity::RoleSession { .. });
        if is_chained && self.duration_seconds.is_some_and(|seconds| seconds > CHAINED_SECONDS_MAX)
        {
            return Err(Refusal::new(
                ErrorCode::ValidationError,
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        Ok(())
    }

    /// A source identity cannot change once it is set.
    fn check_source_identity(&self, scene: &Scene<'_>) -> Result<(), Refusal> {
        let Some(wanted) = self.source_identity.as_deref() else { return Ok(()) };
        if wanted.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(Refusal::new(
                ErrorCode::ValidationError,
                format!("Value '{wanted}' at 'sourceIdentity' must not begin with aws:"),
            ));
        }
        let set = scene.caller.session().and_then(|session| session.source_identity.as_deref());
        match set {
            Some(set) if set != wanted => Err(Refusal::new(
                ErrorCode::AccessDenied,
                format!(
                    "User: {} is not authorized to perform: sts:SetSourceIdentity on resource: {}",
                    scene.caller.arn(),
                    self.role_arn
                ),
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn session_tags(&self, scene: &Scene<'_>) -> Result<Vec<SessionTag>, Refusal> {
        let transitive = self.transitive_tag_keys.as_deref().unwrap_or_default();
        session_tags(scene.caller, self.tags(), transitive)
    }

    /// The document passed with the request, checked, and the size of all session policies.
    fn inline_session_policy(&self) -> Result<Option<PolicyDocument>, Refusal> {
        let arns = self.policy_arns.as_deref().unwrap_or_default();
        if arns.len() > quota::SESSION_POLICY_ARNS
            || self.policy_size() > quota::SESSION_POLICY_SIZE
        {
            return Err(Refusal::new(
                ErrorCode::PackedPolicyTooLarge,
                "The size of the session policies exceeds the limit of 2048 characters.",
            ));
        }
        let inline = self.policy.as_deref();
        inline.map(|text| checked_document(text, Grammar::Session)).transpose()
    }

    /// What narrows the session: managed policies are looked for in the account of the role, and
    /// only for callers who may assume it, so that nobody else learns which ones exist.
    fn session_policies(&self, account: &Account) -> Result<Option<SessionPolicies>, Refusal> {
        let inline = self.inline_session_policy()?;
        let arns = self.policy_arns.as_deref().unwrap_or_default();
        if inline.is_none() && arns.is_empty() {
            return Ok(None);
        }
        let mut managed = Vec::with_capacity(arns.len());
        for arn in arns.iter().filter_map(|descriptor| descriptor.arn.as_deref()) {
            // CHOICE: the code; AWS documents none for a policy that does not exist.
            require_attachable(account, arn).map_err(|refusal| Refusal {
                code: ErrorCode::MalformedPolicyDocument,
                ..refusal
            })?;
            managed.push(arn.into());
        }
        Ok(Some(SessionPolicies { inline, managed }))
    }

    fn add_keys(&self, scene: &Scene<'_>, context: &mut Context) {
        if let Ok(Some(code)) = self.shown_code(scene)
            && code.is_right()
        {
            let age = scene.now.seconds().saturating_sub(code.at.seconds()).max(0);
            context.set("aws:MultiFactorAuthPresent", "true");
            context.set("aws:MultiFactorAuthAge", age.to_string());
        }
        context.set("sts:RoleSessionName", self.role_session_name.as_str());
        if let Some(external_id) = &self.external_id {
            context.set("sts:ExternalId", external_id.as_str());
        }
        if let Some(identity) = &self.source_identity {
            context.set("sts:SourceIdentity", identity.as_str());
        }
        if !self.tags().is_empty() {
            for tag in self.tags() {
                context.set(format!("aws:RequestTag/{}", tag.key), tag.value.as_str());
            }
            context.set_list("aws:TagKeys", self.tags().iter().map(|tag| tag.key.as_str()));
        }
        if let Some(keys) = self.transitive_tag_keys.as_deref().filter(|keys| !keys.is_empty()) {
            context.set_list("sts:TransitiveTagKeys", keys.iter().map(String::as_str));
        }
        let role_tags = self.role(scene).map_or(&[][..], |(_, role)| &role.tags);
        // A tag that the calling session passes on stands in the place of the role's own.
        let inherited = inherited_tags(scene.caller).map(|tag| &tag.tag);
        for tag in role_tags.iter().chain(inherited) {
            context.set(format!("aws:ResourceTag/{}", tag.key), &*tag.value);
            context.set(format!("iam:ResourceTag/{}", tag.key), &*tag.value);
        }
    }

    fn policy_size(&self) -> usize {
        let arns = self.policy_arns.as_deref().unwrap_or_default();
        let arns = arns.iter().filter_map(|descriptor| descriptor.arn.as_deref());
        let characters = |text: &str| text.chars().count();
        self.policy.as_deref().map_or(0, characters) + arns.map(characters).sum::<usize>()
    }

    /// Percentage of the space that policies and tags take; absent when none were passed.
    fn packed_policy_size(&self) -> Option<i32> {
        if self.policy_size() == 0 && self.tags().is_empty() {
            return None;
        }
        // CHOICE: AWS's packing is not published; ours is the share of the plain limits.
        let tags: usize = self.tags().iter().map(|tag| tag.key.len() + tag.value.len()).sum();
        let most = quota::SESSION_POLICY_SIZE + quota::TAGS_PER_ENTITY * (128 + 256);
        i32::try_from((self.policy_size() + tags).saturating_mul(100).div_ceil(most)).ok()
    }

    /// Names the reason only inside one account; across accounts it would tell about the other.
    fn denial(
        &self,
        scene: &Scene<'_>,
        request: &Request<'_>,
        policies: &Policies<'_>,
        target: &Target,
    ) -> Refusal {
        let own_account =
            self.role_parts().is_ok_and(|parts| parts.account == scene.account.id().to_string());
        if own_account {
            return authorize::denial(scene, request, policies, target);
        }
        Refusal::new(
            ErrorCode::AccessDenied,
            format!(
                "User: {} is not authorized to perform: {} on resource: {}",
                scene.caller.arn(),
                request.action,
                self.role_arn
            ),
        )
    }

    fn plain_denial(&self, scene: &Scene<'_>) -> Refusal {
        Refusal::new(
            ErrorCode::AccessDenied,
            format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                scene.caller.arn(),
                self.role_arn
            ),
        )
    }
}
