//! The actions that a statement spells out or covers, where all of them are known.

use std::collections::BTreeSet;

use super::Text;
use super::budget::Budget;
use super::form::Form;
use crate::pattern::{Glob, Meaning, Template};
use crate::service_data::{self, ActionFacts, Service};

/// Most actions that are looked at; the greatest service has about 800.
const ACTIONS_MAX: usize = 4_096;

/// The facts about all actions of a statement.
pub(super) struct Reach {
    /// For each value of `Action`, in order, what it covers.
    by_value: Vec<Vec<ActionFacts>>,
}

impl Reach {
    /// None if one of the actions is not wholly known, or covers every service.
    pub(super) fn of(actions: &[Text<'_>], budget: &Budget) -> Option<Reach> {
        let mut count = 0;
        let mut by_value = Vec::with_capacity(actions.len());
        for (action, _) in actions {
            let covered = covered(action, budget)?;
            count += covered.len();
            if covered.is_empty() || count > ACTIONS_MAX {
                return None;
            }
            by_value.push(covered);
        }
        (count > 0).then_some(Reach { by_value })
    }

    /// All actions.
    pub(super) fn actions(&self) -> impl Iterator<Item = ActionFacts> {
        self.by_value.iter().flatten().copied()
    }

    /// The forms of the resources that the actions know; none if the budget is spent.
    pub(super) fn forms(&self, budget: &Budget) -> Option<Vec<Form>> {
        let mut arns = BTreeSet::new();
        for covered in &self.by_value {
            let service = covered.first().map(ActionFacts::service);
            if let Some(service) = service.filter(|all| all.actions().count() == covered.len()) {
                arns.extend(service.resource_types().iter().map(|kind| kind.arn));
                continue;
            }
            for action in covered {
                if !budget.take(TYPE_STEPS) {
                    return None;
                }
                arns.extend(action.resource_types().map(|(kind, _)| kind.arn));
            }
        }
        Some(arns.into_iter().filter_map(Form::read).collect())
    }

    /// What each value of `Action` covers, in order.
    pub(super) fn by_value(&self) -> impl Iterator<Item = &[ActionFacts]> {
        self.by_value.iter().map(Vec::as_slice)
    }

    /// Whether requests of one of the actions may have a key; true too if that is too much to find out.
    pub(super) fn supports_key(&self, key: &str, budget: &Budget) -> bool {
        self.actions().any(|action| !budget.take(KEY_STEPS) || action.supports_key(key))
    }
}

/// Prefixes that several services share, or that have changed: the data know an action of one of them
/// only, where others have an action of the same name.
const KNOWN_IN_PART: [&str; 9] = [
    "apigateway",
    "aws-marketplace",
    "codeconnections",
    "codestar-connections",
    "elasticloadbalancing",
    "greengrass",
    "kinesisanalytics",
    "lex",
    "ses",
];

/// Steps for looking at the types of an action.
const TYPE_STEPS: usize = 50;

/// Steps for finding out whether an action knows a key.
const KEY_STEPS: usize = 500;

/// The actions that a value covers; none if the service is not known.
fn covered(action: &str, budget: &Budget) -> Option<Vec<ActionFacts>> {
    let (prefix, name) = action.split_once(':')?;
    let service = service_data::service(prefix)?;
    if KNOWN_IN_PART.contains(&service.prefix()) {
        return None;
    }
    if !name.contains(['*', '?']) {
        return Some(service.action(name).into_iter().collect());
    }
    Some(matching(service, name, budget)?.collect())
}

/// Steps for matching the name of an action.
const MATCH_STEPS: usize = 8;

/// The actions of a service that a name with wildcards covers; none if the budget is spent.
pub(super) fn matching(
    service: &'static Service,
    name: &str,
    budget: &Budget,
) -> Option<impl Iterator<Item = ActionFacts>> {
    let name = name.to_ascii_lowercase();
    let start = name.split(['*', '?']).next().unwrap_or_default().to_owned();
    let meaning = Meaning { wildcards: true, variables: false };
    let pattern = Glob::of(&Template::parse(&name, meaning));
    let mut found = Vec::new();
    for (lower, action) in service.actions_from(&start) {
        if !budget.take(MATCH_STEPS) {
            return None;
        }
        if pattern.matches(lower) {
            found.push(action);
        }
    }
    Some(found.into_iter())
}
