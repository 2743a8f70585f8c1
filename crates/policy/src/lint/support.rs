//! Resources that none of a statement's actions knows, and actions that know none of its resources.
//!
//! Source: Service Authorization Reference, tables of actions and of resource types.

use std::collections::BTreeSet;

use super::findings::{Findings, Severity, shown};
use super::form::{Fit, Form, Written, listed};
use super::reach::Reach;
use super::statement::Statement;
use super::{Text, arn};
use crate::service_data::ActionFacts;

pub(super) fn judge(findings: &mut Findings, statement: &Statement<'_>, reach: Option<&Reach>) {
    for resource in &statement.not_resources {
        arn::judge(findings, statement, *resource);
    }
    let forms = reach
        .filter(|_| statement.resources.iter().any(|(text, _)| *text != "*"))
        .and_then(|reach| reach.forms(&findings.budget));
    let mut known = Known { forms: BTreeSet::new(), is_whole: true };
    for resource in &statement.resources {
        let is_sound = arn::judge(findings, statement, *resource);
        let written = Written::read(resource.0, statement.variables);
        match (&forms, written) {
            (Some(forms), Some(written)) if is_sound && !written.resource.begins_with('/') => {
                judge_resource(findings, forms, (&written, *resource), &mut known);
            }
            _ => known.is_whole = false,
        }
    }
    if let Some(reach) = reach.filter(|_| known.is_whole) {
        judge_actions(findings, statement, reach, &known);
    }
}

/// The types of resources that the values of `Resource` may name.
struct Known {
    /// By their ARNs.
    forms: BTreeSet<&'static str>,
    /// Whether there is no value that may name still others.
    is_whole: bool,
}

/// Whether one of the actions knows a resource like this.
fn judge_resource(
    findings: &mut Findings,
    forms: &[Form],
    (written, (text, place)): (&Written<'_>, Text<'_>),
    known: &mut Known,
) {
    let fitting = forms.iter().filter(|form| written.fit(form, &findings.budget) == Fit::Whole);
    let mut fits = false;
    for form in fitting {
        fits = true;
        known.forms.insert(form.arn);
    }
    if !fits {
        let forms: Vec<&str> = forms.iter().map(|form| form.arn).collect();
        findings.add(
            (Severity::Warning, "UNSUPPORTED_RESOURCE_FOR_ACTIONS"),
            place,
            format!(
                "none of the actions knows resources like `{}`, so it matches no request",
                shown(text)
            ),
            Some(match forms.as_slice() {
                [] => "use \"*\"".to_owned(),
                forms => format!("theirs are {}", listed(forms)),
            }),
        );
    }
}

/// Actions that know none of the resources, beside others that do.
fn judge_actions(findings: &mut Findings, statement: &Statement<'_>, reach: &Reach, known: &Known) {
    if known.forms.is_empty() {
        return;
    }
    for ((action, place), covered) in statement.actions.iter().zip(reach.by_value()) {
        let knows = |action: &ActionFacts| {
            action.resource_types().any(|(kind, _)| known.forms.contains(kind.arn))
        };
        let [single] = covered else { continue };
        if action.contains(['*', '?']) || knows(single) {
            continue;
        }
        let forms: Vec<&str> = single.resource_types().map(|(kind, _)| kind.arn).collect();
        findings.add(
            (Severity::Warning, "UNSUPPORTED_ACTION_FOR_RESOURCES"),
            *place,
            format!(
                "`{}` knows none of the resources, so the statement does not concern it",
                shown(action)
            ),
            Some(match forms.as_slice() {
                [] => "give it a statement of its own with the resource \"*\"".to_owned(),
                forms => format!("its resources are {}", listed(forms)),
            }),
        );
    }
}
