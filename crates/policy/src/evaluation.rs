//! Whether statements apply to a request.

use crate::context::Context;
use crate::decision::{PolicyType, Request};
use crate::document::{Body, Effect, Statement};
use crate::policy_set::PolicySet;
use crate::principal::{Naming, Principal};
use crate::resource::Resource;

/// A request, taken apart once for all statements.
pub(crate) struct Evaluation<'a> {
    principal: &'a Principal,
    /// In lower case.
    action: String,
    resource: Resource<'a>,
    context: &'a Context,
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

impl<'a> Evaluation<'a> {
    pub(crate) fn new(request: &Request<'a>) -> Evaluation<'a> {
        Evaluation {
            principal: request.principal,
            action: request.action.to_ascii_lowercase(),
            resource: Resource::parse(request.resource),
            context: request.context,
        }
    }

    /// The action, in lower case.
    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    pub(crate) fn resource(&self) -> &Resource<'a> {
        &self.resource
    }

    pub(crate) fn context(&self) -> &'a Context {
        self.context
    }

    /// What these sets say together.
    pub(crate) fn outcome<'s>(
        &self,
        sets: impl IntoIterator<Item = &'s PolicySet>,
        kind: PolicyType,
    ) -> Outcome {
        let mut allowed: Option<Naming> = None;
        for set in sets {
            for statement in set.iter().flat_map(|(_, document)| document.statements()) {
                match self.fit(statement, kind) {
                    Fit::Applies(Effect::Deny, _) => return Outcome::Deny,
                    Fit::Applies(Effect::Allow, naming) => allowed = allowed.max(Some(naming)),
                    Fit::AllButConditions | Fit::No => {}
                }
            }
        }
        allowed.map_or(Outcome::NoMatch, Outcome::Allow)
    }

    /// How far a statement applies as part of a policy of this type.
    pub(crate) fn fit(&self, statement: &Statement, kind: PolicyType) -> Fit {
        let Some(body) = &statement.body else { return Fit::No };
        if !body.action.covers(&self.action) || !self.covers_resource(body, kind) {
            return Fit::No;
        }
        let Some(naming) = self.naming(body, kind) else { return Fit::No };
        if body.conditions.iter().all(|condition| condition.holds(self.context)) {
            Fit::Applies(body.effect, naming)
        } else {
            Fit::AllButConditions
        }
    }

    fn covers_resource(&self, body: &Body, kind: PolicyType) -> bool {
        match &body.resource {
            Some(clause) => clause.applies(&self.resource, kind, self.context),
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
