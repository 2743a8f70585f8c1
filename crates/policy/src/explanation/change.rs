//! The least that would have to change for a denied request to be allowed.
//!
//! The decision is made again and again, each time with what stood in the way out of it: what was
//! taken out are the steps, and each of them is needed.

use super::written::{self, Mood, Written};
use super::{DecidingStatement, Found, NearMiss, Obstacle};
use crate::context::ConditionKeys;
use crate::context::present;
use crate::decision::{Decider, Decision, Outcomes, PolicyType, Request};
use crate::evaluation::Outcome;
use crate::principal::{Naming, Principal};

/// Something that stands in the way of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The type of policy that stands in the way.
    pub policy_type: PolicyType,
    /// What would take it out of the way; one of these is enough, and the smallest comes first. At
    /// most [`CHANGES_MAX`].
    pub changes: Vec<Change>,
}

/// Most changes that a step offers.
// CHOICE: more are no help to a reader.
pub const CHANGES_MAX: usize = 5;

/// A change of a policy or of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// The statement that it is about; none if it is about a new one.
    pub statement: Option<DecidingStatement>,
    /// The sentence around the place of the statement.
    words: (String, String),
}

/// The kinds of [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// Another request, for which the conditions of a statement that allows hold.
    MeetConditions,
    /// Another request, for which a condition of a statement that denies does not hold.
    AvoidDeny,
    /// A statement that denies, removed or narrowed.
    NarrowDeny,
    /// The resource, in a statement that allows everything else.
    AddResource,
    /// The caller, in a statement that allows everything else.
    AddPrincipal,
    /// The action, in a statement that allows everything else.
    AddAction,
    /// A new statement.
    AddAllow,
}

impl ChangeKind {
    /// The word for it, as in the answers of `iamd policy explain`.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::MeetConditions => "meetConditions",
            ChangeKind::AvoidDeny => "avoidDeny",
            ChangeKind::NarrowDeny => "narrowDeny",
            ChangeKind::AddResource => "addResource",
            ChangeKind::AddPrincipal => "addPrincipal",
            ChangeKind::AddAction => "addAction",
            ChangeKind::AddAllow => "addAllow",
        }
    }
}

impl Change {
    /// The change in words; `place` says where a statement stands.
    pub fn sentence(&self, place: impl Fn(&DecidingStatement) -> String) -> String {
        let (before, after) = &self.words;
        let place = self.statement.as_ref().map(place).unwrap_or_default();
        format!("{before}{place}{after}")
    }

    fn at(kind: ChangeKind, statement: &DecidingStatement, before: &str, after: &str) -> Change {
        let words = (before.to_owned(), after.to_owned());
        Change { kind, statement: Some(statement.clone()), words }
    }
}

/// What stands in the way of a denied request, all of it; nothing where no policy can allow it.
pub(super) fn steps(request: &Request<'_>, decider: &Decider<'_>, found: &[Found]) -> Vec<Step> {
    if decider.is_beyond_policies() {
        return Vec::new();
    }
    let mut steps: Vec<Step> = found
        .iter()
        .flat_map(|found| found.denying.iter().map(|deny| (found.kind, deny)))
        .map(|(policy_type, deny)| Step { policy_type, changes: without_deny(deny) })
        .collect();
    let mut outcomes = outcomes(decider, found);
    // Each round opens one type, and no type denies twice.
    for _ in PolicyType::ALL {
        match decider.without_denials(&outcomes) {
            Decision::Allow(_) | Decision::DenyExplicitly(_) => break,
            Decision::DenyImplicitly(policy_type) => {
                let found = found.iter().find(|found| found.kind == policy_type);
                let changes = found.map_or_else(Vec::new, |found| allows(request, decider, found));
                steps.push(Step { policy_type, changes });
                open(&mut outcomes, policy_type);
            }
        }
    }
    steps
}

/// What the types say without their denials.
fn outcomes(decider: &Decider<'_>, found: &[Found]) -> Outcomes {
    let of = |kind| found.iter().find(|found| found.kind == kind);
    let outcome = |kind| match of(kind).and_then(|found| found.naming) {
        Some(naming) => Outcome::Allow(naming),
        None => Outcome::NoMatch,
    };
    let limits = |kind| decider.policies.has(kind) && decider.applies(kind);
    let all_levels_allow = of(PolicyType::Scp)
        .is_some_and(|found| !found.levels.is_empty() && !found.levels.contains(&false));
    let has_trust = decider.policies.has(PolicyType::Trust);
    Outcomes {
        scps_allow: !limits(PolicyType::Scp) || all_levels_allow,
        endpoint: limits(PolicyType::Endpoint).then(|| outcome(PolicyType::Endpoint)),
        resource: outcome(if has_trust { PolicyType::Trust } else { PolicyType::Resource }),
        identity: outcome(PolicyType::Identity),
        boundary: outcome(PolicyType::Boundary),
        session: outcome(PolicyType::Session),
    }
}

/// Lets a type allow.
fn open(outcomes: &mut Outcomes, kind: PolicyType) {
    let allow = Outcome::Allow(Naming::Direct);
    match kind {
        PolicyType::Scp => outcomes.scps_allow = true,
        PolicyType::Endpoint => outcomes.endpoint = Some(allow),
        PolicyType::Resource | PolicyType::Trust => outcomes.resource = allow,
        PolicyType::Identity => outcomes.identity = allow,
        PolicyType::Boundary => outcomes.boundary = allow,
        PolicyType::Session => outcomes.session = allow,
        // It never denies implicitly.
        PolicyType::Rcp => {}
    }
}

fn without_deny(deny: &DecidingStatement) -> Vec<Change> {
    let conditions = written::conditions(deny.text());
    let told: Vec<String> = conditions.iter().map(|it| it.phrase(Mood::Tell)).collect();
    let avoided = (!told.is_empty()).then(|| {
        let after = format!(" does not apply, which it does where {}", told.join(" and "));
        Change::at(ChangeKind::AvoidDeny, deny, "make a request to which the deny at ", &after)
    });
    let narrowed = Change::at(
        ChangeKind::NarrowDeny,
        deny,
        "remove the deny at ",
        ", or narrow it so that it does not cover this request",
    );
    avoided.into_iter().chain([narrowed]).collect()
}

/// The ways in which a type would allow.
fn allows(request: &Request<'_>, decider: &Decider<'_>, found: &Found) -> Vec<Change> {
    let asked = Asked {
        action: request.action,
        resource: decider.evaluation.resource_text(),
        caller: caller(request.principal),
        keys: request.context,
    };
    // A statement counts for its own level alone.
    let closed = found.levels.iter().filter(|allows| !**allows).count();
    let by_statement = found.kind != PolicyType::Scp || closed == 1;
    let misses = found.near_misses.iter().take(CHANGES_MAX - 1).filter(|_| by_statement);
    let new = Change {
        kind: ChangeKind::AddAllow,
        statement: None,
        words: (asked.new_statement(decider, found), String::new()),
    };
    misses.map(|miss| asked.by_statement(miss)).chain([new]).collect()
}

/// How policies name a caller.
fn caller(principal: &Principal) -> String {
    match principal {
        Principal::Service { name } => name.clone(),
        Principal::Federated { provider } => provider.clone(),
        Principal::Anonymous => "*".to_owned(),
        Principal::Root { .. }
        | Principal::User { .. }
        | Principal::RoleSession { .. }
        | Principal::FederatedUser { .. } => principal.arn().unwrap_or_default().into_owned(),
    }
}

/// What a statement would have to allow.
struct Asked<'a> {
    action: &'a str,
    resource: &'a str,
    caller: String,
    keys: &'a dyn ConditionKeys,
}

impl Asked<'_> {
    fn by_statement(&self, miss: &NearMiss) -> Change {
        let at = &miss.statement;
        let Asked { action, resource, caller, .. } = self;
        let (kind, what, element) = match &miss.obstacle {
            Obstacle::Conditions(_) => {
                let asked: Vec<String> = miss.unmet.iter().map(|it| self.condition(it)).collect();
                let after = format!(": {}", asked.join("; "));
                let before = "make a request that meets the statement at ";
                return Change::at(ChangeKind::MeetConditions, at, before, &after);
            }
            Obstacle::Resource => {
                (ChangeKind::AddResource, format!("the resource `{resource}`"), "NotResource")
            }
            Obstacle::Principal => {
                (ChangeKind::AddPrincipal, format!("the principal `{caller}`"), "NotPrincipal")
            }
            Obstacle::Action => {
                (ChangeKind::AddAction, format!("the action `{action}`"), "NotAction")
            }
        };
        if miss.is_negated {
            let after = format!(" so that it does not hold {what}");
            return Change::at(
                kind,
                at,
                &format!("narrow the `{element}` of the statement at "),
                &after,
            );
        }
        Change::at(kind, at, &format!("add {what} to the statement at "), "")
    }

    /// What a condition asks for, and what the request has.
    fn condition(&self, condition: &Written) -> String {
        let value = present(self.keys, &condition.key.to_lowercase());
        let had = value.map(|value| {
            let values: Vec<String> = value.iter().map(|value| format!("`{value}`")).collect();
            values.join(", ")
        });
        let asked = condition.phrase(Mood::Ask);
        match had {
            Some(had) => format!("{asked} (the request has {had})"),
            None => format!("{asked} (the request does not have it)"),
        }
    }

    /// A statement that would allow it, and where it belongs.
    fn new_statement(&self, decider: &Decider<'_>, found: &Found) -> String {
        let Asked { action, resource, caller, .. } = self;
        let allows = format!("allows `{action}` on `{resource}`");
        let is_there = decider.policies.has(found.kind);
        match found.kind {
            PolicyType::Identity => format!("attach an identity-based policy that {allows}"),
            PolicyType::Boundary => {
                format!("add a statement to the permissions boundary that {allows}")
            }
            PolicyType::Session if is_there => {
                format!("add a statement to a session policy that {allows}")
            }
            PolicyType::Session => format!("pass a session policy that {allows}"),
            PolicyType::Scp => {
                let closed = found.levels.iter().enumerate().filter(|(_, allows)| !**allows);
                let levels: Vec<String> =
                    closed.map(|(level, _)| (level + 1).to_string()).collect();
                let levels = match levels.as_slice() {
                    [] => "every level".to_owned(),
                    [one] => format!("level {one}"),
                    many => format!("levels {}", many.join(" and ")),
                };
                format!(
                    "attach to {levels} of the organization, the root being level 1, a service \
                     control policy that {allows}"
                )
            }
            PolicyType::Rcp => format!("attach a resource control policy that {allows}"),
            PolicyType::Endpoint => {
                format!("add a statement to the VPC endpoint policy that {allows}")
            }
            PolicyType::Resource if is_there => {
                format!("add a statement to the resource-based policy that {allows} to `{caller}`")
            }
            PolicyType::Resource => {
                format!("give the resource a policy that {allows} to `{caller}`")
            }
            PolicyType::Trust => {
                format!(
                    "add a statement to the role trust policy that allows `{action}` to `{caller}`"
                )
            }
        }
    }
}
