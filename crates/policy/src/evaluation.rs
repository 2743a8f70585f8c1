//! Whether statements apply to a request.

use std::ops::ControlFlow;

use crate::action::RequestActionKeys;
use crate::context::ConditionKeys;
use crate::decision::{PolicyType, Request};
use crate::document::{Body, Effect, Statement};
use crate::lowered::Lowered;
use crate::policy_set::PolicySet;
use crate::principal::{Naming, Principal};
use crate::resource::Resource;
use crate::service_data::is_without_resources;

/// A request, taken apart once for all statements.
pub(crate) struct Evaluation<'a> {
    principal: &'a Principal,
    action: Lowered,
    action_keys: RequestActionKeys,
    resource_text: &'a str,
    resource: Resource<'a>,
    keys: &'a dyn ConditionKeys,
}

/// What the documents of one type say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A statement denies.
    Deny,
    /// A statement allows, and none denies; in the most direct way of naming the caller.
    Allow(Naming),
    /// No statement applies.
    NoMatch,
}

/// How far a statement applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Wholly.
    Applies(Effect, Naming),
    /// But for its conditions.
    AllButConditions,
    /// Not.
    No,
}

/// What keeps a statement from applying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Its resources do not cover the request's.
    Resource,
    /// It does not name the caller.
    Principal,
    /// Conditions on these keys, as written, do not hold.
    Conditions(Vec<String>),
}

impl Obstacle {
    /// The word for it: `resource`, `principal` or `conditions`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Obstacle::Resource => "resource",
            Obstacle::Principal => "principal",
            Obstacle::Conditions(_) => "conditions",
        }
    }

    /// The keys of the conditions that do not hold; none for another obstacle.
    pub fn keys(&self) -> &[String] {
        match self {
            Obstacle::Conditions(keys) => keys,
            Obstacle::Resource | Obstacle::Principal => &[],
        }
    }
}

impl Outcome {
    /// What two parts of a type say together.
    fn with(self, other: Outcome) -> Outcome {
        match (self, other) {
            (Outcome::Deny, _) | (_, Outcome::Deny) => Outcome::Deny,
            (Outcome::Allow(one), Outcome::Allow(other)) => Outcome::Allow(one.max(other)),
            (Outcome::Allow(naming), Outcome::NoMatch)
            | (Outcome::NoMatch, Outcome::Allow(naming)) => Outcome::Allow(naming),
            (Outcome::NoMatch, Outcome::NoMatch) => Outcome::NoMatch,
        }
    }
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(request: &Request<'a>) -> Evaluation<'a> {
        let action = Lowered::new(request.action);
        // Whatever such an action touches, policies see `*`.
        let without = is_without_resources(action.as_str());
        let resource_text = if without { "*" } else { request.resource };
        Evaluation {
            principal: request.principal,
            action_keys: RequestActionKeys::of(action.as_str()),
            action,
            resource_text,
            resource: Resource::parse(resource_text),
            keys: request.context,
        }
    }

    /// The action, in lower case.
    pub(crate) fn action(&self) -> &str {
        self.action.as_str()
    }

    pub(crate) fn resource(&self) -> &Resource<'a> {
        &self.resource
    }

    pub(crate) fn keys(&self) -> &'a dyn ConditionKeys {
        self.keys
    }

    /// What these sets say together.
    pub(crate) fn outcome<'s>(
        &self,
        sets: impl IntoIterator<Item = &'s PolicySet>,
        kind: PolicyType,
    ) -> Outcome {
        let mut outcome = Outcome::NoMatch;
        for set in sets {
            outcome = outcome.with(self.outcome_of_set(set, kind));
            if outcome == Outcome::Deny {
                break;
            }
        }
        outcome
    }

    fn outcome_of_set(&self, set: &PolicySet, kind: PolicyType) -> Outcome {
        let mut outcome = Outcome::NoMatch;
        let _ = set.candidates(&self.action_keys, self.resource_text, |statement| {
            outcome = match self.fit(statement, kind) {
                Fit::Applies(Effect::Deny, _) => Outcome::Deny,
                Fit::Applies(Effect::Allow, naming) => outcome.with(Outcome::Allow(naming)),
                Fit::AllButConditions | Fit::No => outcome,
            };
            if outcome == Outcome::Deny {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        outcome
    }

    /// How far a statement applies as part of a policy of this type.
    pub(crate) fn fit(&self, statement: &Statement, kind: PolicyType) -> Fit {
        let Some(body) = &statement.body else { return Fit::No };
        if !body.action.covers(self.action.as_str()) || !self.covers_resource(body, kind) {
            return Fit::No;
        }
        let Some(naming) = self.naming(body, kind) else { return Fit::No };
        if body.conditions.iter().all(|condition| condition.holds(self.keys)) {
            Fit::Applies(body.effect, naming)
        } else {
            Fit::AllButConditions
        }
    }

    /// The one thing that keeps a statement from applying; none if it applies, or more is amiss.
    pub(crate) fn obstacle(&self, statement: &Statement, kind: PolicyType) -> Option<Obstacle> {
        let body = statement.body.as_ref()?;
        if !body.action.covers(self.action.as_str()) {
            return None;
        }
        let fits_resource = self.covers_resource(body, kind);
        let fits_principal = self.naming(body, kind).is_some();
        let failed = body.conditions.iter().filter(|condition| !condition.holds(self.keys));
        let failed: Vec<String> =
            failed.map(|condition| condition.shown_key().to_owned()).collect();
        match (fits_resource, fits_principal, failed.is_empty()) {
            (false, true, true) => Some(Obstacle::Resource),
            (true, false, true) => Some(Obstacle::Principal),
            (true, true, false) => Some(Obstacle::Conditions(failed)),
            _ => None,
        }
    }

    fn covers_resource(&self, body: &Body, kind: PolicyType) -> bool {
        match &body.resource {
            Some(clause) => clause.applies(&self.resource, kind, self.keys),
            // A trust policy speaks of its role.
            None => kind == PolicyType::Trust,
        }
    }

    /// How a statement reaches the caller, if it does.
    fn naming(&self, body: &Body, kind: PolicyType) -> Option<Naming> {
        let reaches = |clause: &crate::principal::PrincipalClause| match body.effect {
            Effect::Allow => clause.allows(self.principal),
            Effect::Deny => clause.denies(self.principal).then_some(Naming::Direct),
        };
        match kind {
            PolicyType::Resource | PolicyType::Trust => body.principal.as_ref().and_then(reaches),
            PolicyType::Rcp => match body.effect {
                // Only Denies count: every level allows everything already.
                Effect::Allow => None,
                Effect::Deny => body.principal.as_ref().and_then(reaches),
            },
            PolicyType::Endpoint => body.principal.as_ref().map_or(Some(Naming::Direct), reaches),
            PolicyType::Identity | PolicyType::Boundary | PolicyType::Session | PolicyType::Scp => {
                // The element does not belong here: a Deny counts without it, an Allow is void.
                (body.principal.is_none() || body.effect == Effect::Deny).then_some(Naming::Direct)
            }
        }
    }
}
