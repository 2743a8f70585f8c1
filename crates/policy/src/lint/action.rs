//! Actions that are not there, or that another one covers.

use super::{Findings, Severity};
use crate::pattern::{Glob, Meaning, Template};
use crate::service_data::{self, Service};

/// Judges the values of `Action` or `NotAction`.
pub(super) fn judge(findings: &mut Findings<'_>, actions: &[(&str, usize)]) {
    for (action, place) in actions {
        judge_one(findings, action, *place);
    }
    let compared: Vec<Compared<'_>> = actions
        .iter()
        .take(ACTIONS_COMPARED_MAX)
        .map(|(action, _)| Compared::new(action))
        .collect();
    for (number, ((action, place), own)) in actions.iter().zip(&compared).enumerate() {
        let covering = compared.iter().enumerate().find(|(other, pattern)| {
            *other != number && pattern.covers(own) && !(own.covers(pattern) && *other > number)
        });
        if let Some((_, pattern)) = covering {
            findings.add(
                (Severity::Suggestion, "REDUNDANT_ACTION"),
                *place,
                format!("`{action}` is covered by `{}`", pattern.shown),
                Some(format!("remove `{action}`")),
            );
        }
    }
}

/// Most actions of a statement that are compared with each other; the quota of a managed policy has
/// room for fewer real ones.
const ACTIONS_COMPARED_MAX: usize = 500;

fn judge_one(findings: &mut Findings<'_>, action: &str, place: usize) {
    let lower = action.to_ascii_lowercase();
    let Some((prefix, name)) = lower.split_once(':') else { return };
    if prefix.contains(['*', '?']) {
        return;
    }
    let Some(service) = service_data::service(prefix) else {
        let near =
            findings.nearest(prefix, service_data::prefixes().map(|prefix| (prefix, prefix)));
        findings.add(
            (Severity::Warning, "INVALID_SERVICE_IN_ACTION"),
            place,
            format!("there is no service `{prefix}` among AWS's"),
            near.map(|near| format!("did you mean `{near}`?")),
        );
        return;
    };
    if exists(service, name) {
        return;
    }
    let near = findings.nearest(name, service.action_names());
    findings.add(
        (Severity::Error, "INVALID_ACTION"),
        place,
        format!("`{action}` is no action of `{prefix}`"),
        near.map(|near| format!("did you mean `{prefix}:{near}`?")),
    );
}

/// Whether a name, perhaps with wildcards, is that of an action.
fn exists(service: &'static Service, name: &str) -> bool {
    if !name.contains(['*', '?']) {
        return service.action(name).is_some();
    }
    let pattern = glob(name);
    service.action_names().any(|(action, _)| pattern.matches(action))
}

/// An action, perhaps with wildcards, beside others.
struct Compared<'a> {
    shown: &'a str,
    lower: String,
    glob: Glob,
}

impl Compared<'_> {
    fn new(action: &str) -> Compared<'_> {
        let lower = action.to_ascii_lowercase();
        Compared { shown: action, glob: glob(&lower), lower }
    }

    /// Whether it covers everything that another one does.
    fn covers(&self, other: &Compared<'_>) -> bool {
        // A `?` of the covered pattern stands for any character, which no pattern here could exclude.
        self.shown == "*" || (!other.shown.contains('?') && self.glob.matches(&other.lower))
    }
}

fn glob(text: &str) -> Glob {
    Glob::of(&Template::parse(text, Meaning { wildcards: true, variables: false }))
}

/// Whether one of some actions, perhaps wild, covers this one given in lower case.
pub(super) fn any_covers(actions: &[(&str, usize)], action: &str) -> bool {
    let action = Compared::new(action);
    actions.iter().any(|(pattern, _)| Compared::new(pattern).covers(&action))
}

/// Whether every one of some actions is spelled out and knows no resources.
pub(super) fn all_without_resources(actions: &[(&str, usize)]) -> bool {
    let without = |(action, _): &(&str, usize)| {
        service_data::has_resource_level_permissions(action) == Some(false)
    };
    !actions.is_empty() && actions.iter().all(without)
}
