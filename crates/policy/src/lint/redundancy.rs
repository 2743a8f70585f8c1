//! Resources and values of conditions that another one of their list covers.

use std::collections::HashMap;

use super::budget::Budget;
use super::findings::{Findings, Severity, shown};
use super::glob::Glob;
use super::statement::{Condition, Statement};
use super::{Text, network, one_or_many, value};
use crate::condition::Number;

pub(super) fn judge_resources(findings: &mut Findings, statement: &Statement<'_>) {
    for (resources, is_negated) in [(&statement.resources, false), (&statement.not_resources, true)]
    {
        let patterns: Vec<Resource> =
            resources.iter().map(|(text, _)| Resource::parse(text, statement.variables)).collect();
        let covers = |one: usize, other: usize| match (patterns.get(one), patterns.get(other)) {
            // A variable without a value makes a `NotResource` concern nothing at all.
            (Some(one), Some(other)) => {
                !(is_negated && other.has_variables()) && one.covers(other, findings)
            }
            _ => false,
        };
        let wild = |number: usize| patterns.get(number).is_some_and(Resource::is_wild);
        let found = covered(resources, &findings.budget, wild, covers);
        for (number, wider) in found {
            report(findings, "REDUNDANT_RESOURCE", resources, (number, wider));
        }
    }
}

pub(super) fn judge_values(
    findings: &mut Findings,
    statement: &Statement<'_>,
    condition: &Condition<'_>,
) {
    let values: Vec<Text<'_>> =
        one_or_many(condition.values).iter().filter_map(value::written).collect();
    if values.len() < 2 {
        return;
    }
    let base = condition.base;
    if base.starts_with("Numeric") {
        judge_numbers(findings, condition, &values);
        return;
    }
    let budget = &findings.budget;
    let found = if base.ends_with("IpAddress") {
        let ranges: Vec<_> = values.iter().map(|(text, _)| network::parse(text)).collect();
        let covers = |one: usize, other: usize| match (ranges.get(one), ranges.get(other)) {
            (Some(Some(one)), Some(Some(other))) => budget.take(8) && one.contains(other),
            _ => false,
        };
        covered(&values, budget, |_| true, covers)
    } else if base.ends_with("Like") && base.starts_with("String") {
        let globs: Vec<Glob> =
            values.iter().map(|(text, _)| Glob::parse(text, statement.variables)).collect();
        let covers = |one: usize, other: usize| match (globs.get(one), globs.get(other)) {
            (Some(one), Some(other)) => one.covers(other, budget),
            _ => false,
        };
        covered(&values, budget, |number| globs.get(number).is_some_and(Glob::is_wild), covers)
    } else {
        covered(&values, budget, |_| false, |_, _| false)
    };
    for pair in found {
        report(findings, "REDUNDANT_CONDITION_VALUE", &values, pair);
    }
}

/// Of several numbers only the least or the greatest decides.
fn judge_numbers(findings: &mut Findings, condition: &Condition<'_>, values: &[Text<'_>]) {
    let is_order = ["Less", "Greater"].iter().any(|order| condition.base.contains(order));
    let all_numbers = values.iter().all(|(text, _)| Number::parse(text).is_some());
    if let Some((_, place)) = values.get(1).filter(|_| is_order && all_numbers) {
        findings.add(
            (Severity::Suggestion, "REDUNDANT_CONDITION_VALUE_NUM"),
            *place,
            format!("of several values of `{}` one decides", condition.operator),
            Some("keep the one that is meant".to_owned()),
        );
    }
}

fn report(
    findings: &mut Findings,
    code: &'static str,
    values: &[Text<'_>],
    (number, wider): (usize, usize),
) {
    let (Some((text, place)), Some((wider, _))) = (values.get(number), values.get(wider)) else {
        return;
    };
    findings.add(
        (Severity::Suggestion, code),
        *place,
        format!("`{}` is covered by `{}`", shown(text), shown(wider)),
        Some(format!("remove `{}`", shown(text))),
    );
}

/// The places of the values that others cover, with those of the others.
fn covered(
    values: &[Text<'_>],
    budget: &Budget,
    can_cover: impl Fn(usize) -> bool,
    covers: impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (number, (text, _)) in values.iter().enumerate() {
        first.entry(text).or_insert(number);
    }
    let wide: Vec<usize> = (0..values.len()).filter(|number| can_cover(*number)).collect();
    let wider = |number: usize, text: &str| {
        if let Some(earlier) = first.get(text).filter(|earlier| **earlier != number) {
            return Some(*earlier);
        }
        if budget.is_spent() {
            return None;
        }
        let mut others = wide.iter().copied().filter(|other| *other != number);
        // Of two that cover each other, the first stays.
        others.find(|other| covers(*other, number) && !(*other > number && covers(number, *other)))
    };
    let numbered = values.iter().enumerate();
    numbered.filter_map(|(number, (text, _))| Some((number, wider(number, text)?))).collect()
}

/// A value of `Resource` as far as it can be compared.
#[derive(Debug)]
pub(super) enum Resource {
    Everything,
    /// The six fields of an ARN.
    Arn(Vec<Glob>),
    /// An incomplete ARN, whose meaning depends on the type of policy, or none.
    Other,
}

impl Resource {
    pub(super) fn parse(text: &str, variables: bool) -> Resource {
        if text == "*" {
            return Resource::Everything;
        }
        let fields =
            if variables { super::glob::fields(text, 6) } else { text.splitn(6, ':').collect() };
        match fields.as_slice() {
            ["arn", _, _, _, _, _] => {
                Resource::Arn(fields.iter().map(|field| Glob::parse(field, variables)).collect())
            }
            _ => Resource::Other,
        }
    }

    /// Whether all that the other one names is named by this one; a yes is certain.
    pub(super) fn covers(&self, other: &Resource, findings: &Findings) -> bool {
        match (self, other) {
            (Resource::Everything, Resource::Everything | Resource::Arn(_)) => true,
            (Resource::Arn(own), Resource::Arn(others)) => {
                self.is_plain()
                    && own
                        .iter()
                        .zip(others)
                        .all(|(own, other)| own.covers(other, &findings.budget))
            }
            // An incomplete ARN makes a whole statement void in some types of policies.
            (Resource::Everything, Resource::Other)
            | (Resource::Arn(_), Resource::Everything | Resource::Other)
            | (Resource::Other, _) => false,
        }
    }

    /// Whether it names what its wildcards say: a `*` that stands for a type names nothing before an id.
    fn is_plain(&self) -> bool {
        match self {
            Resource::Arn(fields) => {
                fields.last().is_some_and(|part| part.is_everything() || !part.begins_wild())
            }
            Resource::Everything | Resource::Other => true,
        }
    }

    fn is_wild(&self) -> bool {
        match self {
            Resource::Everything => true,
            Resource::Arn(fields) => fields.iter().any(Glob::is_wild),
            Resource::Other => false,
        }
    }

    fn has_variables(&self) -> bool {
        match self {
            Resource::Arn(fields) => fields.iter().any(Glob::has_variables),
            Resource::Everything | Resource::Other => false,
        }
    }
}
