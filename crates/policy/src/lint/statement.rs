//! A statement and what is judged in it.

use super::findings::{Findings, Severity};
use super::reach::Reach;
use super::{
    Text, absence, action, condition, escalation, grant, is_empty_list, member, members_of,
    principal, redundancy, support, text_of, texts, trust,
};
use crate::json::{Member, Node};

/// A statement, read once.
pub(super) struct Statement<'n> {
    pub(super) place: usize,
    pub(super) members: &'n [Member],
    pub(super) denies: bool,
    /// Whether the document's version knows variables.
    pub(super) variables: bool,
    pub(super) actions: Vec<Text<'n>>,
    pub(super) not_actions: Vec<Text<'n>>,
    pub(super) resources: Vec<Text<'n>>,
    pub(super) not_resources: Vec<Text<'n>>,
    pub(super) conditions: Vec<Condition<'n>>,
    /// The prefixes of `Action`, each once.
    pub(super) services: Vec<&'n str>,
}

/// An operator, a key, and the values that they compare.
#[derive(Clone, Copy)]
pub(super) struct Condition<'n> {
    /// As written.
    pub(super) operator: &'n str,
    /// `ForAllValues`, `ForAnyValue` or nothing.
    pub(super) quantifier: &'n str,
    /// The operator without quantifier and `IfExists`.
    pub(super) base: &'n str,
    pub(super) if_exists: bool,
    pub(super) key: &'n str,
    pub(super) place: usize,
    pub(super) values: &'n Node,
}

impl<'n> Statement<'n> {
    /// Reads a statement; none if it is no object.
    pub(super) fn read(node: &'n Node, variables: bool) -> Option<Statement<'n>> {
        let members = Some(members_of(node)).filter(|members| !members.is_empty())?;
        let actions = texts(member(members, "Action"));
        Some(Statement {
            services: services(&actions),
            place: node.span.start,
            members,
            denies: member(members, "Effect").and_then(text_of) == Some("Deny"),
            variables,
            actions,
            not_actions: texts(member(members, "NotAction")),
            resources: texts(member(members, "Resource")),
            not_resources: texts(member(members, "NotResource")),
            conditions: member(members, "Condition").map(conditions).unwrap_or_default(),
        })
    }

    pub(super) fn member(&self, name: &str) -> Option<&'n Node> {
        member(self.members, name)
    }

    /// Whether a condition, whatever it asks, is on this key; letter case does not count.
    pub(super) fn asks_for(&self, key: &str) -> bool {
        self.conditions.iter().any(|condition| condition.key.eq_ignore_ascii_case(key))
    }

    /// Whether a condition is on a key that begins like this.
    pub(super) fn asks_for_any(&self, start: &str) -> bool {
        self.conditions.iter().any(|condition| {
            condition.key.get(..start.len()).is_some_and(|key| key.eq_ignore_ascii_case(start))
        })
    }
}

impl Condition<'_> {
    /// Whether it holds of a request without the key.
    pub(super) fn holds_without_key(&self) -> bool {
        match self.quantifier {
            "ForAllValues" => true,
            "ForAnyValue" => self.if_exists,
            _ => self.if_exists || self.is_negated(),
        }
    }

    pub(super) fn is_negated(&self) -> bool {
        self.base.contains("Not")
    }
}

fn services<'n>(actions: &[Text<'n>]) -> Vec<&'n str> {
    let prefix = |(action, _): &Text<'n>| action.split_once(':').map(|(prefix, _)| prefix);
    let mut services: Vec<&str> = actions.iter().filter_map(prefix).collect();
    services.sort_unstable();
    services.dedup();
    services
}

fn conditions(node: &Node) -> Vec<Condition<'_>> {
    let mut conditions = Vec::new();
    for operator in members_of(node) {
        let (quantifier, rest) = operator.name.split_once(':').unwrap_or(("", &operator.name));
        let base = rest.strip_suffix("IfExists");
        for key in members_of(&operator.value) {
            conditions.push(Condition {
                operator: &operator.name,
                quantifier,
                base: base.unwrap_or(rest),
                if_exists: base.is_some(),
                key: &key.name,
                place: key.name_span.start,
                values: &key.value,
            });
        }
    }
    conditions
}

pub(super) fn judge(findings: &mut Findings, statement: &Statement<'_>) {
    judge_emptiness(findings, statement);
    action::judge(findings, &statement.actions);
    action::judge(findings, &statement.not_actions);
    redundancy::judge_resources(findings, statement);
    let reach = Reach::of(&statement.actions, &findings.budget);
    support::judge(findings, statement, reach.as_ref());
    condition::judge(findings, statement, reach.as_ref());
    absence::judge(findings, statement);
    principal::judge(findings, statement);
    trust::judge(findings, statement);
    if !statement.denies {
        grant::judge(findings, statement);
        escalation::judge(findings, statement);
    }
}

fn judge_emptiness(findings: &mut Findings, statement: &Statement<'_>) {
    for (name, code) in [
        ("Action", "EMPTY_ARRAY_ACTION"),
        ("NotAction", "EMPTY_ARRAY_ACTION"),
        ("Resource", "EMPTY_ARRAY_RESOURCE"),
        ("NotResource", "EMPTY_ARRAY_RESOURCE"),
    ] {
        if let Some(node) = statement.member(name).filter(|node| is_empty_list(node)) {
            let message = format!("`{name}` is empty, so the statement concerns nothing");
            findings.add((Severity::Suggestion, code), node.span.start, message, None);
        }
    }
    if let Some(sid) = statement.member("Sid").filter(|node| text_of(node) == Some("")) {
        findings.add(
            (Severity::Suggestion, "EMPTY_SID_VALUE"),
            sid.span.start,
            "an empty `Sid` names nothing".to_owned(),
            Some("leave the `Sid` out, or give the statement a name".to_owned()),
        );
    }
}
