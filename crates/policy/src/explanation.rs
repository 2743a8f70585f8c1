//! Why a decision came out as it did; computed only when somebody asks.

use std::sync::Arc;

use crate::decision::{Decider, Decision, Policies, PolicyType, Request, decide};
use crate::document::{Document, Effect, Statement};
use crate::evaluation::{Fit, Obstacle};
use crate::json::{Span, line_and_column};
use crate::principal::Principal;

/// A decision and what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// The statements that decided: those that allow in the granting type, or those that deny in
    /// the denying one; none for an implicit denial.
    pub statements: Vec<DecidingStatement>,
    /// Of an implicit denial: statements of the deciding type that would allow the request but for one
    /// thing, at most [`NEAR_MISSES_MAX`].
    pub near_misses: Vec<NearMiss>,
    /// Condition keys that statements asked for and the request did not have, as written.
    pub missing_keys: Vec<String>,
    message: String,
}

/// A statement that would allow a request but for one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The statement.
    pub statement: DecidingStatement,
    /// The one thing.
    pub obstacle: Obstacle,
}

/// Most near misses that an explanation names.
// CHOICE: more are no help to a reader.
pub const NEAR_MISSES_MAX: usize = 20;

/// A statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidingStatement {
    /// The name of its policy in the set.
    pub policy: Arc<str>,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// Line of its opening brace, from 1.
    pub line: u32,
    /// Column of its opening brace in characters, from 1.
    pub column: u32,
    document: Document,
    span: Span,
}

impl DecidingStatement {
    /// The statement, as its document has it.
    pub fn text(&self) -> &str {
        self.document.source().get(self.span.start..self.span.end).unwrap_or_default()
    }
}

impl Explanation {
    /// AWS's words for a denial; empty for an allow.
    ///
    /// Source: IAM User Guide, "Troubleshoot access denied error messages".
    pub fn message(&self) -> String {
        self.message.clone()
    }
}

/// Decides a request and says why.
pub fn explain(request: &Request<'_>, policies: &Policies<'_>) -> Explanation {
    let decision = decide(request, policies);
    let decider = Decider::new(request, policies);
    let wanted = match decision {
        Decision::Allow(_) => Some(Effect::Allow),
        Decision::DenyExplicitly(_) => Some(Effect::Deny),
        Decision::DenyImplicitly(_) => None,
    };
    let mut explanation = Explanation {
        decision,
        statements: Vec::new(),
        near_misses: Vec::new(),
        missing_keys: Vec::new(),
        message: message(request, decision),
    };
    for kind in PolicyType::ALL {
        for (name, document) in decider.sets(kind).flat_map(|set| set.iter()) {
            for statement in document.statements() {
                let fit = decider.evaluation.fit(statement, kind);
                match fit {
                    Fit::Applies(effect, _)
                        if kind == decision.decided_by() && Some(effect) == wanted =>
                    {
                        explanation.statements.push(place(name, document, statement));
                    }
                    Fit::AllButConditions => {
                        explanation.add_missing(&decider, statement);
                        explanation.add_near_miss(&decider, kind, (name, document, statement));
                    }
                    Fit::No => {
                        explanation.add_near_miss(&decider, kind, (name, document, statement));
                    }
                    Fit::Applies(_, _) => {}
                }
            }
        }
    }
    explanation
}

impl Explanation {
    fn add_near_miss(
        &mut self,
        decider: &Decider<'_>,
        kind: PolicyType,
        (name, document, statement): (&Arc<str>, &Document, &Statement),
    ) {
        let wanted = self.decision == Decision::DenyImplicitly(kind)
            && statement.effect() == Some(Effect::Allow)
            && self.near_misses.len() < NEAR_MISSES_MAX;
        if !wanted {
            return;
        }
        if let Some(obstacle) = decider.evaluation.obstacle(statement, kind) {
            let statement = place(name, document, statement);
            self.near_misses.push(NearMiss { statement, obstacle });
        }
    }

    fn add_missing(&mut self, decider: &Decider<'_>, statement: &Statement) {
        let conditions = statement.body.iter().flat_map(|body| &body.conditions);
        for condition in
            conditions.filter(|condition| condition.misses_key(decider.evaluation.keys()))
        {
            let known =
                self.missing_keys.iter().any(|key| key.eq_ignore_ascii_case(condition.shown_key()));
            if !known {
                self.missing_keys.push(condition.shown_key().to_owned());
            }
        }
    }
}

fn place(name: &Arc<str>, document: &Document, statement: &Statement) -> DecidingStatement {
    let (line, column) = line_and_column(document.source(), statement.span.start);
    DecidingStatement {
        policy: Arc::clone(name),
        sid: statement.sid().map(str::to_owned),
        line,
        column,
        document: document.clone(),
        span: statement.span,
    }
}

fn message(request: &Request<'_>, decision: Decision) -> String {
    let action = request.action;
    let reason = match decision {
        Decision::Allow(_) => return String::new(),
        Decision::DenyExplicitly(kind) => {
            format!("with an explicit deny in {}", explicit_phrase(kind))
        }
        Decision::DenyImplicitly(kind) => {
            format!("because no {} allows the {action} action", implicit_phrase(kind))
        }
    };
    match request.principal {
        // Outsiders have no name here. IAM User Guide, "Troubleshoot SAML federation".
        Principal::Federated { .. } => format!("Not authorized to perform {action}"),
        Principal::Service { name } => denied(name, action, request.resource, &reason),
        Principal::Anonymous => denied("anonymous", action, request.resource, &reason),
        Principal::Root { .. }
        | Principal::User { .. }
        | Principal::RoleSession { .. }
        | Principal::FederatedUser { .. } => {
            let arn = request.principal.arn().unwrap_or_default();
            denied(&arn, action, request.resource, &reason)
        }
    }
}

fn denied(user: &str, action: &str, resource: &str, reason: &str) -> String {
    format!("User: {user} is not authorized to perform: {action} on resource: {resource} {reason}")
}

fn implicit_phrase(kind: PolicyType) -> &'static str {
    match kind {
        PolicyType::Identity => "identity-based policy",
        PolicyType::Resource => "resource-based policy",
        PolicyType::Boundary => "permissions boundary",
        PolicyType::Session => "session policy",
        PolicyType::Scp => "service control policy",
        PolicyType::Rcp => "resource control policy",
        PolicyType::Endpoint => "VPC endpoint policy",
        PolicyType::Trust => "role trust policy",
    }
}

fn explicit_phrase(kind: PolicyType) -> &'static str {
    match kind {
        PolicyType::Identity => "an identity-based policy",
        PolicyType::Resource => "a resource-based policy",
        PolicyType::Boundary => "a permissions boundary",
        PolicyType::Session => "a session policy",
        PolicyType::Scp => "a service control policy",
        PolicyType::Rcp => "a resource control policy",
        PolicyType::Endpoint => "a VPC endpoint policy",
        PolicyType::Trust => "the role trust policy",
    }
}
