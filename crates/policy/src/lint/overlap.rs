//! Statements beside each other.

use std::collections::HashMap;

use super::findings::{Findings, Severity};
use super::glob::Glob;
use super::redundancy::Resource;
use super::statement::Statement;
use super::{Text, text_of};
use crate::hash::hash;
use crate::json::{Node, Value};

/// Steps that looking at a pair of statements costs at least.
const PAIR_STEPS: usize = 16;

/// A statement as far as it is compared.
struct Compared {
    denies: bool,
    /// Whether it is for everybody, or for whoever has the policy.
    for_all: bool,
    /// Hashes of what they say, in whatever order.
    principals: u64,
    conditions: Option<u64>,
    not_actions: Option<u64>,
    not_resources: Option<u64>,
    actions: Vec<Glob>,
    resources: Vec<Resource>,
    has_resources: bool,
}

pub(super) fn judge(findings: &mut Findings, statements: &[Statement<'_>]) {
    let mut first: HashMap<u64, usize> = HashMap::new();
    let mut rest = Vec::new();
    for (number, statement) in statements.iter().enumerate() {
        match first.entry(whole(statement)) {
            std::collections::hash_map::Entry::Occupied(_) => findings.add(
                (Severity::Suggestion, "REDUNDANT_STATEMENT"),
                statement.place,
                "an earlier statement says the same".to_owned(),
                Some("remove the statement".to_owned()),
            ),
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(number);
                rest.push((statement, Compared::of(statement)));
            }
        }
    }
    for (number, (statement, narrow)) in rest.iter().enumerate() {
        if findings.budget.is_spent() {
            return;
        }
        let others = || rest.iter().enumerate().filter(|(other, _)| *other != number);
        let denied = others().find(|(_, (_, wide))| {
            wide.denies
                && !narrow.denies
                && wide.conditions.is_none()
                && wide.covers(narrow, findings)
        });
        if let Some((_, (by, _))) = denied {
            let by = named(by, statements);
            findings.add(
                (Severity::Warning, "ALLOW_COVERED_BY_DENY"),
                statement.place,
                format!("nothing of this is ever allowed: {by} denies it all"),
                Some("remove the statement, or narrow the `Deny`".to_owned()),
            );
            continue;
        }
        let wider = others().find(|(other, (_, wide))| {
            wide.denies == narrow.denies
                && wide.covers(narrow, findings)
                && !(*other > number && narrow.covers(wide, findings))
        });
        if let Some((_, (by, _))) = wider {
            let by = named(by, statements);
            findings.add(
                (Severity::Suggestion, "REDUNDANT_STATEMENT"),
                statement.place,
                format!("{by} says all of this"),
                Some("remove the statement".to_owned()),
            );
        }
    }
}

/// A statement by its `Sid` or its number.
fn named(statement: &Statement<'_>, statements: &[Statement<'_>]) -> String {
    let number = statements.iter().position(|other| other.place == statement.place).unwrap_or(0);
    match statement.member("Sid").and_then(text_of).filter(|sid| !sid.is_empty()) {
        Some(sid) => format!("the statement `{}`", super::findings::shown(sid)),
        None => format!("statement {} of the document", number + 1),
    }
}

impl Compared {
    fn of(statement: &Statement<'_>) -> Compared {
        let principal = statement.member("Principal");
        let not_principal = statement.member("NotPrincipal");
        let said = |name: &str| statement.member(name).map(|node| hash(plain(node).as_bytes()));
        let globs = |actions: &[Text<'_>]| {
            actions.iter().map(|(text, _)| Glob::parse(&text.to_ascii_lowercase(), false)).collect()
        };
        Compared {
            denies: statement.denies,
            for_all: not_principal.is_none()
                && principal.is_none_or(|node| matches!(&*plain(node), "\"*\"" | "{AWS=\"*\"}")),
            principals: hash(
                format!("{:?}{:?}", principal.map(plain), not_principal.map(plain)).as_bytes(),
            ),
            conditions: said("Condition"),
            not_actions: said("NotAction"),
            not_resources: said("NotResource"),
            actions: globs(&statement.actions),
            resources: statement
                .resources
                .iter()
                .map(|(text, _)| Resource::parse(text, statement.variables))
                .collect(),
            has_resources: !statement.resources.is_empty(),
        }
    }

    /// Whether this one concerns every request that the other does; a yes is certain.
    fn covers(&self, other: &Compared, findings: &Findings) -> bool {
        // A grant to everybody is not the same as one that names somebody.
        let same_principals = self.principals == other.principals || (self.denies && self.for_all);
        findings.budget.take(PAIR_STEPS)
            && same_principals
            && (self.conditions.is_none() || self.conditions == other.conditions)
            && self.covers_actions(other, findings)
            && self.covers_resources(other, findings)
    }

    fn covers_actions(&self, other: &Compared, findings: &Findings) -> bool {
        if self.not_actions.is_some() {
            return self.not_actions == other.not_actions;
        }
        if other.not_actions.is_some() {
            return self.actions.iter().any(Glob::is_everything);
        }
        let is_covered =
            |action: &Glob| self.actions.iter().any(|wide| wide.covers(action, &findings.budget));
        !other.actions.is_empty() && other.actions.iter().all(is_covered)
    }

    fn covers_resources(&self, other: &Compared, findings: &Findings) -> bool {
        if self.not_resources.is_some() {
            return self.not_resources == other.not_resources;
        }
        // A value that is no whole ARN may make the statement void.
        let is_sure = self.resources.iter().all(|own| !matches!(own, Resource::Other));
        if other.not_resources.is_some() {
            return is_sure && self.resources.iter().any(|own| matches!(own, Resource::Everything));
        }
        let is_covered =
            |resource: &Resource| self.resources.iter().any(|wide| wide.covers(resource, findings));
        is_sure
            && self.has_resources == other.has_resources
            && other.resources.iter().all(is_covered)
    }
}

/// The hash of all that a statement says but for its `Sid`.
fn whole(statement: &Statement<'_>) -> u64 {
    let members = statement.members.iter().filter(|member| *member.name != *"Sid");
    let mut said: Vec<String> =
        members.map(|member| format!("{}={}", member.name, plain(&member.value))).collect();
    said.sort_unstable();
    hash(said.join(",").as_bytes())
}

/// A value without its places and whatever its order; a list of one is its element.
fn plain(node: &Node) -> String {
    match &node.value {
        Value::List(values) => match values.as_slice() {
            [one] => plain(one),
            many => {
                let mut texts: Vec<String> = many.iter().map(plain).collect();
                texts.sort_unstable();
                format!("[{}]", texts.join(","))
            }
        },
        Value::Map(members) => {
            let mut texts: Vec<String> = members
                .iter()
                .map(|member| format!("{}={}", member.name, plain(&member.value)))
                .collect();
            texts.sort_unstable();
            format!("{{{}}}", texts.join(","))
        }
        Value::Null => "null".to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Number(text) | Value::String(text) => format!("{text:?}"),
    }
}
