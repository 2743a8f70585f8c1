//! What a simulation answers.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use iamd_policy::{
    Arn, DecidingStatement, Decision, Document, Outline, Policies, PolicySet, PolicyType, Request,
    Verdict, outline, service_data,
};
use iamd_wire::iam::{
    EvaluationResult, OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail,
    PolicyEvaluationDecisionType, PolicySourceType, Position, ResourceSpecificResult, Statement,
};

use super::caller::SimulatedCaller;
use super::inputs::{Inputs, Label, Question};
use super::invalid;
use super::keys::SimulatedKeys;
use super::resources::Resources;
use crate::marker::{Page, PageRequest};
use crate::operation::Scene;
use crate::refusal::Refusal;

/// What a page may cost, in characters of policy times decisions.
// CHOICE: AWS says that a page may hold fewer results than asked for, not when.
const PAGE_WEIGHT_MAX: usize = 16 << 20;

/// A page of results, one for each action.
///
/// # Errors
/// `InvalidInput` for what the simulator does not take.
pub(super) fn results(
    scene: &Scene<'_>,
    question: &Question<'_>,
    inputs: Inputs,
    mut caller: SimulatedCaller,
) -> Result<Page<EvaluationResult>, Refusal> {
    if inputs.has_resource_policy() {
        caller.require_user()?;
    }
    caller.set_boundary(inputs.boundary.is_some());
    question.actions.iter().try_for_each(|action| check_action(action))?;
    let resources = Resources::read(question)?;
    let weight = inputs.weight().saturating_mul(resources.len()).max(1);
    if weight > PAGE_WEIGHT_MAX {
        let message =
            "The simulation is too large: simulate fewer resources or policies at a time.";
        return Err(invalid(message));
    }
    let keys = SimulatedKeys::read(question.context, &caller)?;
    let missing = keys.missing(inputs.keys());
    let simulation = Simulation::new(inputs, &caller, &keys, &resources, missing);
    let account = scene.account.id();
    let list = format!("simulation:{account}:{:?}:{:?}", question.actions, question.resources);
    let request =
        PageRequest { list: &list, marker: question.marker, max_items: question.max_items };
    // A page ends with the item that makes it heavier than this.
    let most = PAGE_WEIGHT_MAX / weight - 1;
    scene.marker_key.page_within(request, (most, |_| 1), |behind| {
        let from = behind.and_then(|place| place.parse::<usize>().ok()).map_or(0, |it| it + 1);
        let actions = question.actions.iter().enumerate().skip(from);
        actions.map(|(place, action)| (place, simulation.result(action)))
    })
}

/// Actions are named whole.
fn check_action(action: &str) -> Result<(), Refusal> {
    let parts = action.split_once(':');
    let is_name = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !text.is_empty() && text.bytes().all(fits)
    };
    if parts.is_some_and(|(service, name)| is_name(service) && is_name(name)) {
        return Ok(());
    }
    // CHOICE: that wildcards are not supported is documented, the text is ours.
    Err(invalid(format!("Invalid Input Actions: \"{action}\" is not the name of an action.")))
}

/// Policies, caller and context of a simulation, ready for decisions.
struct Simulation<'a> {
    inputs: Inputs,
    identity: PolicySet,
    resource: Option<PolicySet>,
    /// What stands for the policies of roles and keys, which are not simulated.
    delegation: PolicySet,
    caller: &'a SimulatedCaller,
    keys: &'a SimulatedKeys<'a>,
    resources: &'a Resources<'a>,
    missing: Vec<String>,
}

impl<'a> Simulation<'a> {
    fn new(
        inputs: Inputs,
        caller: &'a SimulatedCaller,
        keys: &'a SimulatedKeys<'a>,
        resources: &'a Resources<'a>,
        missing: Vec<String>,
    ) -> Simulation<'a> {
        let account = caller.principal.account().unwrap_or_default();
        Simulation {
            identity: inputs.identity_set(),
            resource: inputs.resource_set(),
            delegation: delegation_to(account),
            inputs,
            caller,
            keys,
            resources,
            missing,
        }
    }

    /// The result of an action on all resources.
    fn result(&self, action: &str) -> EvaluationResult {
        let specific: Vec<Specific> =
            self.resources.iter().map(|resource| self.decide(action, resource)).collect();
        let decision = specific.iter().map(|it| it.decision).max_by_key(|it| severity(*it));
        let decision = decision.unwrap_or(PolicyEvaluationDecisionType::ImplicitDeny);
        let are_named = self.resources.are_named();
        EvaluationResult {
            eval_action_name: action.to_owned(),
            eval_resource_name: Some(self.resource_name(action)),
            eval_decision: decision,
            matched_statements: Some(matched(&specific, decision)),
            missing_context_values: Some(self.missing.clone()),
            organizations_decision_detail: self.inputs.levels.as_ref().map(|_| {
                let allowed = specific.iter().all(|it| it.allowed_by_organizations);
                OrganizationsDecisionDetail { allowed_by_organizations: Some(allowed) }
            }),
            permissions_boundary_decision_detail: self.boundary_detail(&specific),
            eval_decision_details: are_named.then(|| details(&specific)).flatten(),
            resource_specific_results: are_named
                .then(|| specific.into_iter().map(|it| self.specific(it)).collect()),
        }
    }

    /// How the result for all resources calls them.
    fn resource_name(&self, action: &str) -> String {
        let named = self.resources.iter().find(|name| *name != "*");
        named.and_then(|name| template(action, name)).unwrap_or("*").to_owned()
    }

    fn specific(&self, specific: Specific) -> ResourceSpecificResult {
        ResourceSpecificResult {
            permissions_boundary_decision_detail: self
                .boundary_detail(std::slice::from_ref(&specific)),
            eval_resource_name: specific.resource,
            eval_resource_decision: specific.decision,
            matched_statements: Some(specific.matched),
            missing_context_values: Some(self.missing.clone()),
            eval_decision_details: specific.details.filter(|details| !details.is_empty()),
        }
    }

    fn boundary_detail(&self, specific: &[Specific]) -> Option<PermissionsBoundaryDecisionDetail> {
        self.inputs.boundary.as_ref().map(|_| {
            let allowed = specific.iter().all(|it| it.allowed_by_boundary);
            PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(allowed) }
        })
    }

    fn decide(&self, action: &str, resource: &str) -> Specific {
        let (owner, is_foreign) = self.resources.owner(resource, self.caller);
        let request = Request {
            principal: &self.caller.principal,
            action,
            resource,
            resource_account: Some(&owner),
            context: self.keys,
        };
        let delegation = Some(&self.delegation);
        let identity = [&self.identity];
        let policies = Policies {
            identity: Some(&identity),
            boundary: self.inputs.boundary.as_ref(),
            resource: match &self.resource {
                None if is_key(resource) && !is_foreign => delegation,
                resource => resource.as_ref(),
            },
            trust: delegation.filter(|_| is_role_session(action)),
            scp: self.inputs.levels.as_deref(),
            ..Policies::default()
        };
        let outline = outline(&request, &policies);
        let allowed_by_organizations = outline.lets_pass(PolicyType::Scp);
        let details = match (allowed_by_organizations, is_foreign) {
            (false, _) => None,
            (true, false) => Some(BTreeMap::new()),
            (true, true) => Some(type_decisions(&outline)),
        };
        Specific {
            resource: resource.to_owned(),
            decision: decision_type(outline.decision),
            matched: self.matched(&outline),
            allowed_by_boundary: outline.lets_pass(PolicyType::Boundary),
            allowed_by_organizations,
            details,
        }
    }

    /// The statements of identity-based and resource-based policies that decided.
    fn matched(&self, outline: &Outline) -> Vec<Statement> {
        let verdict = match outline.decision {
            Decision::Allow(_) => Verdict::Allow,
            Decision::DenyExplicitly(_) => Verdict::DenyExplicitly,
            Decision::DenyImplicitly(_) => return Vec::new(),
        };
        let mut matched = Vec::new();
        for kind in [PolicyType::Identity, PolicyType::Resource] {
            let result = outline.of(kind).filter(|result| result.verdict == verdict);
            for statement in result.iter().flat_map(|result| &result.statements) {
                matched.extend(self.label(kind, statement).map(|label| shown(label, statement)));
            }
        }
        matched
    }

    fn label(&self, kind: PolicyType, statement: &DecidingStatement) -> Option<Label> {
        match kind {
            PolicyType::Identity => self.inputs.label(&statement.policy).cloned(),
            _ if self.resource.is_some() => {
                Some(Label { id: "ResourcePolicy".to_owned(), kind: PolicySourceType::Resource })
            }
            _ => None,
        }
    }
}

/// What comes out for one resource.
struct Specific {
    resource: String,
    decision: PolicyEvaluationDecisionType,
    matched: Vec<Statement>,
    allowed_by_boundary: bool,
    allowed_by_organizations: bool,
    details: Option<BTreeMap<String, PolicyEvaluationDecisionType>>,
}

/// The statements behind the decision for all resources, each once.
fn matched(specific: &[Specific], decision: PolicyEvaluationDecisionType) -> Vec<Statement> {
    let mut seen = HashSet::new();
    let deciding = specific.iter().filter(|it| it.decision == decision);
    let statements = deciding.flat_map(|it| &it.matched);
    let place = |statement: &Statement| {
        let start = statement.start_position.as_ref().map(|start| (start.line, start.column));
        (statement.source_policy_id.clone(), statement.source_policy_type, start)
    };
    statements.filter(|statement| seen.insert(place(statement))).cloned().collect()
}

/// The most restrictive decision of each type; none if an organization ended the simulation.
fn details(specific: &[Specific]) -> Option<BTreeMap<String, PolicyEvaluationDecisionType>> {
    let mut all: BTreeMap<String, PolicyEvaluationDecisionType> = BTreeMap::new();
    for of_resource in specific {
        for (source, decision) in of_resource.details.as_ref()? {
            let known = all.entry(source.clone()).or_insert(*decision);
            if severity(*decision) > severity(*known) {
                *known = *decision;
            }
        }
    }
    Some(all)
}

/// What each type says where caller and resource belong to different accounts.
// CHOICE: the names of the types are not documented.
fn type_decisions(outline: &Outline) -> BTreeMap<String, PolicyEvaluationDecisionType> {
    let names = [
        (PolicyType::Identity, "IAM Policy"),
        (PolicyType::Resource, "Resource Policy"),
        (PolicyType::Boundary, "Permissions Boundary Policy"),
    ];
    let mut decisions = BTreeMap::new();
    for (kind, name) in names {
        let verdict = outline.of(kind).map_or(Verdict::Absent, |result| result.verdict);
        let decision = match verdict {
            Verdict::Allow => PolicyEvaluationDecisionType::Allowed,
            Verdict::DenyExplicitly => PolicyEvaluationDecisionType::ExplicitDeny,
            Verdict::Absent | Verdict::DoNotApply if kind == PolicyType::Boundary => continue,
            Verdict::DoNotAllow | Verdict::Absent | Verdict::DoNotApply => {
                PolicyEvaluationDecisionType::ImplicitDeny
            }
        };
        decisions.insert(name.to_owned(), decision);
    }
    decisions
}

fn decision_type(decision: Decision) -> PolicyEvaluationDecisionType {
    match decision {
        Decision::Allow(_) => PolicyEvaluationDecisionType::Allowed,
        Decision::DenyExplicitly(_) => PolicyEvaluationDecisionType::ExplicitDeny,
        Decision::DenyImplicitly(_) => PolicyEvaluationDecisionType::ImplicitDeny,
    }
}

/// The more restrictive, the greater.
fn severity(decision: PolicyEvaluationDecisionType) -> u8 {
    match decision {
        PolicyEvaluationDecisionType::Allowed => 0,
        PolicyEvaluationDecisionType::ImplicitDeny => 1,
        PolicyEvaluationDecisionType::ExplicitDeny => 2,
    }
}

fn shown(label: Label, statement: &DecidingStatement) -> Statement {
    let bounds = statement.bounds();
    let position = |(line, column): (u32, u32)| Position {
        line: i32::try_from(line).ok(),
        column: i32::try_from(column).ok(),
    };
    Statement {
        source_policy_id: Some(label.id),
        source_policy_type: Some(label.kind),
        start_position: Some(position(bounds.start)),
        end_position: Some(position(bounds.end)),
    }
}

/// The form of ARNs such as this one that an action is about, or of the first kind that it is about;
/// none if it knows no resources, or is not known.
fn template(action: &str, resource: &str) -> Option<&'static str> {
    let action = service_data::action(action)?;
    let arns = || action.resource_types().map(|(kind, _)| kind.arn);
    arns().find(|form| has_form(resource, form)).or_else(|| arns().next())
}

/// Whether an ARN has a form, as far as the beginnings of its fields tell.
fn has_form(resource: &str, form: &str) -> bool {
    let (Some(arn), Some(form)) = (Arn::parse(resource), Arn::parse(form)) else { return false };
    let fits = |field: &str, form: &str| match form.split_once("${") {
        Some((before, _)) => field.strip_prefix(before).is_some_and(|rest| !rest.is_empty()),
        None => field == form,
    };
    fits(arn.service, form.service)
        && fits(arn.region, form.region)
        && fits(arn.account, form.account)
        && fits(arn.resource, form.resource)
}

/// A policy that leaves everything to the policies of the caller's account.
///
/// Decisions ask the trust policy of a role, and the policy of a key, also in the same account. The
/// simulator looks at permissions alone.
fn delegation_to(account: &str) -> PolicySet {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{account}"}},"Action":"*","Resource":"*"}}}}"#
    );
    Document::parse(&text)
        .ok()
        .map(|document| (Arc::from("delegation"), document))
        .into_iter()
        .collect()
}

/// Whether an action assumes a role, or goes with that.
fn is_role_session(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let companions = ["sts:tagsession", "sts:setsourceidentity", "sts:setcontext"];
    action.starts_with("sts:assumerole") || companions.contains(&action.as_str())
}

fn is_key(resource: &str) -> bool {
    Arn::parse(resource).is_some_and(|arn| arn.service == "kms" && arn.resource.starts_with("key/"))
}
