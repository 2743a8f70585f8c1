//! Why a decision came out as it did; computed only when somebody asks.

mod change;
mod message;
mod outline;
mod written;

use std::sync::Arc;

use crate::context::present;
use crate::decision::{Decider, Decision, Policies, PolicyType, Request, decide};
use crate::document::{Document, Effect, Statement};
use crate::evaluation::{Fit, Lack};
use crate::json::{Span, line_and_column};
use crate::policy_set::PolicySet;
use crate::principal::Naming;

pub use change::{CHANGES_MAX, Change, ChangeKind, Step};
pub use outline::{Outline, StatementBounds, outline};
use written::Written;

/// A decision and what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// The statements that decided: those that allow in the granting type, or those that deny in
    /// the denying one; none for an implicit denial.
    pub statements: Vec<DecidingStatement>,
    /// What every type of policy says, in the order in which AWS looks for a denial.
    pub types: Vec<TypeResult>,
    /// The condition keys that were looked at: those in statements of which action, resource and
    /// principal are the request's; at most [`KEYS_MAX`].
    pub keys: Vec<KeyResult>,
    /// Of an implicit denial: statements of the deciding type that would allow the request but for one
    /// thing, at most [`NEAR_MISSES_MAX`]; those that lack least come first.
    pub near_misses: Vec<NearMiss>,
    /// Condition keys that statements asked for and the request did not have, as written.
    pub missing_keys: Vec<String>,
    /// Of a denial: the least that would have to change, all of it. Empty where no policy can allow
    /// the request.
    pub steps: Vec<Step>,
    message: String,
}

/// What one type of policy says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeResult {
    /// The type.
    pub policy_type: PolicyType,
    /// What it says.
    pub verdict: Verdict,
    /// The statements that say so: those that deny, else those that allow.
    pub statements: Vec<DecidingStatement>,
}

/// What the policies of one type say together, beside what other types say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A statement allows, for service control policies one on every level, and none denies.
    /// Resource control policies allow what they do not deny.
    Allow,
    /// A statement denies.
    DenyExplicitly,
    /// No statement allows or denies.
    DoNotAllow,
    /// There are such policies, and they do not reach this caller or this resource.
    DoNotApply,
    /// There are no policies of the type.
    Absent,
}

impl Verdict {
    /// The word for it, as in the answers of `iamd policy explain`.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Allow => "allows",
            Verdict::DenyExplicitly => "explicitDeny",
            Verdict::DoNotAllow => "doesNotAllow",
            Verdict::DoNotApply => "doesNotApply",
            Verdict::Absent => "notPresent",
        }
    }
}

/// A condition key that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyResult {
    /// Its name, as the first statement writes it.
    pub name: String,
    /// The values that the request had; none if it did not have the key.
    pub values: Option<Vec<String>>,
}

/// A statement that would allow a request but for one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The statement.
    pub statement: DecidingStatement,
    /// The one thing.
    pub obstacle: Obstacle,
    /// How much a change of it changes; less is nearer.
    weight: u8,
    /// Whether the element that is in the way is a negation, such as `NotResource`.
    is_negated: bool,
    /// The conditions that do not hold.
    unmet: Vec<Written>,
}

/// What keeps a statement from applying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Conditions on these keys, as written, do not hold.
    Conditions(Vec<String>),
    /// Its resources do not cover the request's.
    Resource,
    /// It does not name the caller.
    Principal,
    /// Its actions, of the same service, do not cover the request's.
    Action,
}

impl Obstacle {
    /// The word for it: `conditions`, `resource`, `principal` or `action`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Obstacle::Conditions(_) => "conditions",
            Obstacle::Resource => "resource",
            Obstacle::Principal => "principal",
            Obstacle::Action => "action",
        }
    }

    /// The keys of the conditions that do not hold; none for another obstacle.
    pub fn keys(&self) -> &[String] {
        match self {
            Obstacle::Conditions(keys) => keys,
            Obstacle::Resource | Obstacle::Principal | Obstacle::Action => &[],
        }
    }
}

/// Most near misses that an explanation names.
// CHOICE: more are no help to a reader.
pub const NEAR_MISSES_MAX: usize = 20;

/// Most condition keys that an explanation names.
// CHOICE: more than a policy of the greatest size that AWS stores has in practice.
pub const KEYS_MAX: usize = 100;

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
    /// Where it stands, as AWS's simulator counts.
    pub fn bounds(&self) -> StatementBounds {
        outline::bounds(&self.document, self.span)
    }

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
    let mut explanation = Explanation {
        decision,
        statements: Vec::new(),
        types: Vec::new(),
        keys: Vec::new(),
        near_misses: Vec::new(),
        missing_keys: Vec::new(),
        steps: Vec::new(),
        message: message::message(request, decision),
    };
    let found: Vec<Found> =
        PolicyType::ALL.into_iter().map(|kind| explanation.looked_at(&decider, kind)).collect();
    // What would have to change is nobody's question after an allow.
    if !decision.is_allowed() {
        explanation.steps = change::steps(request, &decider, &found);
    }
    for found in found {
        explanation.tell(&decider, found);
    }
    explanation
}

/// What was found in the policies of one type.
struct Found {
    kind: PolicyType,
    /// For each set, which for service control policies is a level, whether a statement allows.
    levels: Vec<bool>,
    /// The most direct way in which a statement that allows names the caller.
    naming: Option<Naming>,
    allowing: Vec<DecidingStatement>,
    denying: Vec<DecidingStatement>,
    near_misses: Vec<NearMiss>,
}

impl Found {
    fn of(kind: PolicyType) -> Found {
        Found {
            kind,
            levels: Vec::new(),
            naming: None,
            allowing: Vec::new(),
            denying: Vec::new(),
            near_misses: Vec::new(),
        }
    }

    /// The verdict with the statements that led to it.
    fn into_result(self, verdict: Verdict) -> TypeResult {
        let statements = match verdict {
            Verdict::DenyExplicitly => self.denying,
            Verdict::Allow | Verdict::DoNotAllow => self.allowing,
            Verdict::DoNotApply | Verdict::Absent => Vec::new(),
        };
        TypeResult { policy_type: self.kind, verdict, statements }
    }

    /// What the type says.
    fn verdict(&self, decider: &Decider<'_>) -> Verdict {
        let all_levels_allow = !self.levels.is_empty() && !self.levels.contains(&false);
        match self.kind {
            kind if !decider.policies.has(kind) => Verdict::Absent,
            kind if !decider.applies(kind) => Verdict::DoNotApply,
            _ if !self.denying.is_empty() => Verdict::DenyExplicitly,
            // AWS's own RCP, which is attached everywhere, allows everything.
            PolicyType::Rcp => Verdict::Allow,
            PolicyType::Scp if all_levels_allow => Verdict::Allow,
            PolicyType::Scp => Verdict::DoNotAllow,
            _ if self.naming.is_some() => Verdict::Allow,
            _ => Verdict::DoNotAllow,
        }
    }
}

/// A statement, the document that it is in, and the document's name.
type Placed<'a> = (&'a Arc<str>, &'a Document, &'a Statement);

impl Explanation {
    fn looked_at(&mut self, decider: &Decider<'_>, kind: PolicyType) -> Found {
        let mut found = Found::of(kind);
        for set in decider.sets(kind) {
            let mut level_allows = false;
            for placed in statements(set) {
                match decider.evaluation.fit(placed.2, kind) {
                    Fit::Applies(Effect::Allow, naming) => {
                        level_allows = true;
                        found.naming = found.naming.max(Some(naming));
                        found.allowing.push(place(placed));
                        self.add_keys(decider, placed);
                    }
                    Fit::Applies(Effect::Deny, _) => {
                        found.denying.push(place(placed));
                        self.add_keys(decider, placed);
                    }
                    Fit::AllButConditions => {
                        self.add_keys(decider, placed);
                        self.add_missing(decider, placed);
                        self.add_near_miss(decider, placed, &mut found);
                    }
                    Fit::No => self.add_near_miss(decider, placed, &mut found),
                }
            }
            found.levels.push(level_allows);
        }
        found.near_misses.sort_by_key(|miss| miss.weight);
        found.near_misses.truncate(NEAR_MISSES_MAX);
        found
    }

    /// Takes over what was found.
    fn tell(&mut self, decider: &Decider<'_>, mut found: Found) {
        let verdict = found.verdict(decider);
        if found.kind == self.decision.decided_by() {
            self.statements = match self.decision {
                Decision::Allow(_) => found.allowing.clone(),
                Decision::DenyExplicitly(_) => found.denying.clone(),
                Decision::DenyImplicitly(_) => Vec::new(),
            };
            if let Decision::DenyImplicitly(_) = self.decision {
                self.near_misses = std::mem::take(&mut found.near_misses);
            }
        }
        self.types.push(found.into_result(verdict));
    }

    fn add_near_miss(&self, decider: &Decider<'_>, placed: Placed<'_>, found: &mut Found) {
        if self.decision.is_allowed() || placed.2.effect() != Some(Effect::Allow) {
            return;
        }
        let Some((lack, is_negated)) = decider.evaluation.lack(placed.2, found.kind) else {
            return;
        };
        // So many that none of them can come among the first.
        let weight = lack.weight();
        let as_near = found.near_misses.iter().filter(|miss| miss.weight <= weight);
        if as_near.count() >= NEAR_MISSES_MAX {
            return;
        }
        let statement = place(placed);
        let (obstacle, unmet) = match lack {
            Lack::Resource => (Obstacle::Resource, Vec::new()),
            Lack::Principal => (Obstacle::Principal, Vec::new()),
            Lack::Action => (Obstacle::Action, Vec::new()),
            Lack::Conditions(numbers) => {
                let all = written::conditions(statement.text());
                let unmet: Vec<Written> =
                    numbers.into_iter().filter_map(|number| all.get(number).cloned()).collect();
                (Obstacle::Conditions(unmet.iter().map(|it| it.key.clone()).collect()), unmet)
            }
        };
        found.near_misses.push(NearMiss { statement, obstacle, weight, is_negated, unmet });
    }

    fn add_keys(&mut self, decider: &Decider<'_>, placed: Placed<'_>) {
        for (condition, written) in conditions(placed) {
            let known = self.keys.iter().any(|key| key.name.eq_ignore_ascii_case(&written.key));
            if known || self.keys.len() >= KEYS_MAX {
                continue;
            }
            let value = present(decider.evaluation.keys(), condition.key());
            let values = value.map(|value| value.iter().map(str::to_owned).collect());
            self.keys.push(KeyResult { name: written.key, values });
        }
    }

    fn add_missing(&mut self, decider: &Decider<'_>, placed: Placed<'_>) {
        for (condition, written) in conditions(placed) {
            let known = self.missing_keys.iter().any(|key| key.eq_ignore_ascii_case(&written.key));
            if !known && condition.misses_key(decider.evaluation.keys()) {
                self.missing_keys.push(written.key);
            }
        }
    }
}

fn statements(set: &PolicySet) -> impl Iterator<Item = Placed<'_>> {
    set.iter().flat_map(|(name, document)| {
        document.statements().map(move |statement| (name, document, statement))
    })
}

/// The conditions of a statement, each beside its text.
fn conditions(
    (_, document, statement): Placed<'_>,
) -> impl Iterator<Item = (&crate::condition::Condition, Written)> {
    let conditions = statement.body.as_ref().map_or(&[][..], |body| &body.conditions);
    let source = document.source().get(statement.span.start..statement.span.end);
    let written = match conditions {
        [] => Vec::new(),
        _ => written::conditions(source.unwrap_or_default()),
    };
    conditions.iter().zip(written)
}

fn place((name, document, statement): Placed<'_>) -> DecidingStatement {
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

#[cfg(test)]
mod tests;
