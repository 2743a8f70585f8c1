//! Actions that are not there, or that another one covers.

use std::collections::HashMap;

use super::Text;
use super::findings::{Findings, Severity, shown};
use super::glob::Glob;
use super::nearest::nearest;
use super::reach::matching;
use crate::service_data;
use crate::validate::Grammar;

/// Judges the values of `Action` or `NotAction`.
pub(super) fn judge(findings: &mut Findings, actions: &[Text<'_>]) {
    for (action, place) in actions {
        judge_one(findings, action, *place);
    }
    for (action, wider, place) in covered(findings, actions) {
        findings.add(
            (Severity::Suggestion, "REDUNDANT_ACTION"),
            place,
            format!("`{}` is covered by `{}`", shown(action), shown(wider)),
            Some(format!("remove `{}`", shown(action))),
        );
    }
}

fn judge_one(findings: &mut Findings, action: &str, place: usize) {
    let Some((prefix, name)) = action.split_once(':') else { return };
    if prefix.contains(['*', '?']) {
        return;
    }
    let Some(service) = service_data::service(prefix) else {
        let names = service_data::prefixes().map(|prefix| (prefix, prefix));
        let near = nearest(&prefix.to_ascii_lowercase(), names, &findings.budget);
        findings.add(
            (Severity::Warning, "INVALID_SERVICE_IN_ACTION"),
            place,
            format!("there is no service `{}` among AWS's", shown(prefix)),
            near.map(|near| format!("did you mean `{near}`?")),
        );
        return;
    };
    let exists = match name.contains(['*', '?']) {
        true => {
            matching(service, name, &findings.budget).is_none_or(|mut found| found.next().is_some())
        }
        false => service.action(name).is_some(),
    };
    if !exists {
        let near = nearest(&name.to_ascii_lowercase(), service.action_names(), &findings.budget);
        let prefix = service.prefix();
        findings.add(
            (Severity::Error, "INVALID_ACTION"),
            place,
            format!("`{}` is no action of `{prefix}`", shown(action)),
            near.map(|near| format!("did you mean `{prefix}:{near}`?")),
        );
    } else if findings.grammar == Grammar::Rcp
        && !service_data::is_under_resource_control(service.prefix())
    {
        let prefix = service.prefix();
        findings.add(
            (Severity::Warning, "UNSUPPORTED_ACTION_IN_POLICY"),
            place,
            format!("resource control policies do not reach the service `{prefix}`"),
            Some(format!("remove `{}`, or deny it with a service control policy", shown(action))),
        );
    }
}

/// The values that another one of the list covers, with that one.
fn covered<'n>(findings: &Findings, actions: &[Text<'n>]) -> Vec<(&'n str, &'n str, usize)> {
    let lower: Vec<String> =
        actions.iter().map(|(action, _)| action.to_ascii_lowercase()).collect();
    let globs: Vec<Glob> = lower.iter().map(|action| Glob::parse(action, false)).collect();
    // Only what has wildcards can cover something else, and only of its own service.
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut wild: HashMap<&str, Vec<usize>> = HashMap::new();
    for (number, action) in lower.iter().enumerate() {
        first.entry(action).or_insert(number);
        if action.contains(['*', '?']) {
            wild.entry(prefix(action)).or_default().push(number);
        }
    }
    let covers = |one: usize, other: usize| match (globs.get(one), globs.get(other)) {
        (Some(one), Some(other)) => one.covers(other, &findings.budget),
        _ => false,
    };
    let wider = |number: usize, action: &str| {
        if let Some(earlier) = first.get(action).filter(|earlier| **earlier != number) {
            return Some(*earlier);
        }
        if findings.budget.is_spent() {
            return None;
        }
        let near = [prefix(action), "*"].into_iter().filter_map(|service| wild.get(service));
        let mut others = near.flatten().copied().filter(|other| *other != number);
        // Of two that cover each other, the first stays.
        others.find(|other| covers(*other, number) && !(*other > number && covers(number, *other)))
    };
    let found = lower.iter().zip(actions).enumerate().filter_map(|(number, (lower, action))| {
        let wider = actions.get(wider(number, lower)?)?;
        Some((action.0, wider.0, action.1))
    });
    found.collect()
}

fn prefix(action: &str) -> &str {
    action.split_once(':').map_or(action, |(prefix, _)| prefix)
}

/// The first of some actions, perhaps wild, that covers this one given in lower case.
pub(super) fn covering<'a, 'n>(actions: &'a [Text<'n>], action: &str) -> Option<&'a Text<'n>> {
    let service = prefix(action);
    actions.iter().find(|(pattern, _)| {
        let own = prefix(pattern);
        (own.eq_ignore_ascii_case(service) || own == "*") && is_covered(pattern, action)
    })
}

fn is_covered(pattern: &str, action: &str) -> bool {
    use crate::pattern::{Glob, Meaning, Template};
    pattern.eq_ignore_ascii_case(action)
        || (pattern.contains(['*', '?']) && {
            let meaning = Meaning { wildcards: true, variables: false };
            Glob::of(&Template::parse(&pattern.to_ascii_lowercase(), meaning)).matches(action)
        })
}
