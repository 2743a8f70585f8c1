//! Whether statements apply to a request.

use std::ops::ControlFlow;

use crate::action::RequestActionKeys;
use crate::context::ConditionKeys;
use crate::decision::{PolicyType, Request};
use crate::document::{Body, Effect, Statement};
use crate::lowered::Lowered;
use crate::policy_set::PolicySet;
use crate::principal::{Naming, Principal};
use crate::resource::{Cover, Resource};
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

/// The one thing that keeps a statement from applying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lack {
    /// These of its conditions do not hold, by number.
    Conditions(Vec<usize>),
    /// Its resources do not cover the request's.
    Resource,
    /// It does not name the caller.
    Principal,
    /// Its actions, of the same service, do not cover the request's.
    Action,
}

impl Lack {
    /// How much a change of it changes, as an explanation orders them.
    pub(crate) fn weight(&self) -> u8 {
        match self {
            Lack::Conditions(_) => 0,
            Lack::Resource => 1,
            Lack::Principal => 2,
            Lack::Action => 3,
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

    /// The resource as policies see it.
    pub(crate) fn resource_text(&self) -> &'a str {
        self.resource_text
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

    /// The one thing that keeps a statement from applying, and whether a negation is in the way; none
    /// if it applies, or more is amiss.
    pub(crate) fn lack(&self, statement: &Statement, kind: PolicyType) -> Option<(Lack, bool)> {
        let body = statement.body.as_ref()?;
        let fits_action = body.action.covers(self.action.as_str());
        if !fits_action && !body.action.concerns_service_of(self.action.as_str()) {
            return None;
        }
        let fits_resource = match &body.resource {
            Some(clause) => clause.cover(&self.resource, kind, self.keys),
            None if kind == PolicyType::Trust => Cover::Yes,
            None => Cover::Void,
        };
        let fits_resource = match fits_resource {
            Cover::Yes => true,
            Cover::No => false,
            // No resource more would help.
            Cover::Void => return None,
        };
        let fits_principal = match (self.naming(body, kind), &body.principal) {
            (Some(_), _) => true,
            (None, Some(_)) if kind.names_principals() => false,
            // No principal more would help.
            (None, _) => return None,
        };
        let conditions = body.conditions.iter().enumerate();
        let failed: Vec<usize> = conditions
            .filter(|(_, condition)| !condition.holds(self.keys))
            .map(|(number, _)| number)
            .collect();
        match (fits_action, fits_resource, fits_principal, failed.is_empty()) {
            (false, true, true, true) => Some((Lack::Action, body.action.negated)),
            (true, false, true, true) => {
                Some((Lack::Resource, body.resource.as_ref().is_some_and(|it| it.negated)))
            }
            (true, true, false, true) => {
                Some((Lack::Principal, body.principal.as_ref().is_some_and(|it| it.negated)))
            }
            (true, true, true, false) => Some((Lack::Conditions(failed), false)),
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
