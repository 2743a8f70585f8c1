//! Statements side by side.

use std::collections::{BTreeMap, BTreeSet};

use iamd_policy::{Document, Effect};
use serde_json::value::RawValue;

use super::super::raw::{Members, compact};
use super::element::{ActionPattern, Element, ResourcePattern};

/// A statement that may apply to something.
pub(super) struct Statement {
    members: Members,
    effect: Effect,
    principal: Option<Principal>,
    conditions: BTreeSet<Condition>,
    action: Element<ActionPattern>,
    /// Trust policies have none.
    resource: Option<Element<ResourcePattern>>,
}

/// `Principal` or `NotPrincipal`: its name, and its values by kind, or as they were written.
#[derive(PartialEq, Eq)]
struct Principal {
    name: &'static str,
    values: Result<BTreeMap<String, BTreeSet<String>>, String>,
}

/// An operator, a key and its values.
type Condition = (String, String, BTreeSet<String>);

impl Statement {
    /// Reads a statement; none if it never applies, or has a form of which nothing is claimed.
    pub(super) fn read(raw: &RawValue, version: Option<&str>) -> Option<Statement> {
        let effect = effect(raw, version)?;
        let members: Members = serde_json::from_str(raw.get()).ok()?;
        // Both at once count for some types of policies, and for others not.
        if members.value("Principal").is_some() && members.value("NotPrincipal").is_some() {
            return None;
        }
        let resource = match (members.value("Resource"), members.value("NotResource")) {
            (None, None) => None,
            (value, negated) => Some(either(value, negated, Element::read)?),
        };
        Some(Statement {
            effect,
            principal: principal(&members),
            conditions: conditions(&members)?,
            action: either(members.value("Action"), members.value("NotAction"), Element::read)?,
            resource,
            members,
        })
    }

    /// As JSON.
    pub(super) fn written(mut self) -> Result<Box<RawValue>, serde_json::Error> {
        let action = if self.action.is_negated { "NotAction" } else { "Action" };
        self.members.set(action, self.action.written()?);
        if let Some(resource) = &self.resource {
            let name = if resource.is_negated { "NotResource" } else { "Resource" };
            self.members.set(name, resource.written()?);
        }
        serde_json::value::to_raw_value(&self.members)
    }

    /// Whether one of two statements makes the other one needless; it then stands here.
    pub(super) fn subsumes_either(&mut self, other: &Statement) -> bool {
        if self.subsumes(other) {
            return true;
        }
        if !other.subsumes(self) {
            return false;
        }
        self.members = other.members.clone();
        self.conditions = other.conditions.clone();
        self.action = other.action.clone();
        self.resource = other.resource.clone();
        true
    }

    /// Whether it applies, with the same effect, whenever the other one does.
    fn subsumes(&self, other: &Statement) -> bool {
        let concerns_all_resources = match (&self.resource, &other.resource) {
            (None, None) => true,
            (Some(own), Some(others)) => own.concerns_all_of(others),
            (None, Some(_)) | (Some(_), None) => false,
        };
        concerns_all_resources
            && self.reaches_as(other)
            // All conditions must hold, so fewer of them ask for less.
            && self.conditions.is_subset(&other.conditions)
            && self.action.concerns_all_of(&other.action)
    }

    /// Makes one statement of two that differ in their actions or in their resources alone; tells
    /// whether it did.
    pub(super) fn takes_in(&mut self, other: &Statement) -> bool {
        if !self.reaches_as(other) || self.conditions != other.conditions {
            return false;
        }
        let same_actions = self.action.is_equal(&other.action);
        let same_resources = match (&self.resource, &other.resource) {
            (None, None) => true,
            (Some(own), Some(others)) => own.is_equal(others),
            (None, Some(_)) | (Some(_), None) => false,
        };
        match (&mut self.resource, &other.resource) {
            (_, _) if same_resources && self.action.can_take_in(&other.action) => {
                self.action.take_in(&other.action);
            }
            (Some(own), Some(others)) if same_actions && own.can_take_in(others) => {
                own.take_in(others);
            }
            _ => return false,
        }
        if let (None, Some(sid)) = (self.members.value("Sid"), other.members.value("Sid")) {
            self.members.set("Sid", sid.to_owned());
        }
        true
    }

    /// Whether both do the same to the same callers.
    fn reaches_as(&self, other: &Statement) -> bool {
        self.effect == other.effect && self.principal == other.principal
    }
}

/// The effect of a statement; none if it never applies.
fn effect(raw: &RawValue, version: Option<&str>) -> Option<Effect> {
    let version = version.map(|version| format!("\"Version\":{version},")).unwrap_or_default();
    let document = format!("{{{version}\"Statement\":{}}}", raw.get());
    let document = Document::parse(&document).ok()?;
    let mut statements = document.statements();
    match (statements.next(), statements.next()) {
        (Some(only), None) => only.effect(),
        _ => None,
    }
}

/// An element or its negation, read; none if both or neither are there.
fn either<T>(
    value: Option<&RawValue>,
    negated: Option<&RawValue>,
    read: impl Fn(&RawValue, bool) -> Option<T>,
) -> Option<T> {
    match (value, negated) {
        (Some(value), None) => read(value, false),
        (None, Some(value)) => read(value, true),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

fn principal(members: &Members) -> Option<Principal> {
    let (name, value) = ["Principal", "NotPrincipal"]
        .into_iter()
        .find_map(|name| members.value(name).map(|value| (name, value)))?;
    let by_kind = || -> Option<BTreeMap<String, BTreeSet<String>>> {
        let kinds: Members = serde_json::from_str(value.get()).ok()?;
        kinds.0.into_iter().map(|(kind, names)| Some((kind, scalars(&names)?))).collect()
    };
    Some(Principal { name, values: by_kind().ok_or_else(|| compact(value.get())) })
}

fn conditions(members: &Members) -> Option<BTreeSet<Condition>> {
    let Some(value) = members.value("Condition") else { return Some(BTreeSet::new()) };
    let operators: Members = serde_json::from_str(value.get()).ok()?;
    let mut conditions = BTreeSet::new();
    for (operator, keys) in &operators.0 {
        let keys: Members = serde_json::from_str(keys.get()).ok()?;
        for (key, values) in keys.0 {
            conditions.insert((operator.clone(), key, scalars(&values)?));
        }
    }
    Some(conditions)
}

/// A value or the values of a list, of which order and repetition do not count.
fn scalars(value: &RawValue) -> Option<BTreeSet<String>> {
    let values: Vec<Box<RawValue>> = match value.get().starts_with('[') {
        true => serde_json::from_str(value.get()).ok()?,
        false => vec![value.to_owned()],
    };
    let is_scalar = |value: &RawValue| !value.get().starts_with(['[', '{']);
    let texts = values.iter().map(|value| is_scalar(value).then(|| compact(value.get())));
    texts.collect()
}
