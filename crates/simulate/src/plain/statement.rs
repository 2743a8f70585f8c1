//! Statements: which of them apply, and what a set of documents says.

use serde_json::{Map, Value};

use super::text::{Mark, expanded, fields, fits, marks, strings};
use super::{By, account_of, condition};
use crate::case::{Caller, Question};

/// What kind of policy a document is, as far as the rules differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Identity-based, boundary, session.
    Identity,
    Scp,
    Rcp,
    Resource,
    Trust,
    Endpoint,
}

/// What a set says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Deny,
    Allow(By),
    Nothing,
}

pub(super) fn says(documents: &[Value], kind: Kind, question: &Question, bounded: bool) -> Said {
    let mut best: Option<By> = None;
    for document in documents {
        let variables = document.get("Version").and_then(Value::as_str) == Some("2012-10-17");
        let statements = match document.get("Statement") {
            Some(Value::Array(all)) => all.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        for statement in statements.iter().filter_map(Value::as_object) {
            match applies(statement, variables, kind, question, bounded) {
                Some((true, by)) => best = best.max(Some(by)),
                Some((false, _)) => return Said::Deny,
                None => {}
            }
        }
    }
    best.map_or(Said::Nothing, Said::Allow)
}

/// Whether a statement applies: does it allow, and how did it name the caller.
fn applies(
    statement: &Map<String, Value>,
    variables: bool,
    kind: Kind,
    question: &Question,
    bounded: bool,
) -> Option<(bool, By)> {
    let known = [
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    if !statement.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let allows = match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return None,
    };
    let by = reached(statement, allows, kind, question, bounded)?;
    let (actions, not_action) = either(statement, "Action", "NotAction")??;
    let action_matches =
        strings(actions).iter().any(|pattern| action_fits(pattern, &question.action));
    if action_matches == not_action {
        return None;
    }
    match either(statement, "Resource", "NotResource")? {
        None if kind == Kind::Trust => {}
        None => return None,
        Some((resources, not_resource)) => {
            let mut covered = false;
            for pattern in strings(resources) {
                match resource_fits(pattern, variables, kind, question, not_resource) {
                    Some(fits) => covered |= fits,
                    None => return None,
                }
            }
            if covered == not_resource {
                return None;
            }
        }
    }
    condition::holds(statement.get("Condition"), variables, question).then_some((allows, by))
}

/// The element or its negation; the outer none for both at once.
fn either<'s>(
    statement: &'s Map<String, Value>,
    plain: &str,
    negated: &str,
) -> Option<Option<(&'s Value, bool)>> {
    match (statement.get(plain), statement.get(negated)) {
        (Some(_), Some(_)) => None,
        (Some(value), None) => Some(Some((value, false))),
        (None, Some(value)) => Some(Some((value, true))),
        (None, None) => Some(None),
    }
}

fn action_fits(pattern: &str, action: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
    let (Some((service, name)), Some((own_service, own_name))) =
        (pattern.split_once(':'), action.split_once(':'))
    else {
        return false;
    };
    !service.is_empty()
        && !name.is_empty()
        && !name.contains(':')
        && fits(&marks(service, true), own_service)
        && fits(&marks(name, true), own_name)
}

/// Whether a resource pattern covers the resource; none if it makes the statement void.
fn resource_fits(
    pattern: &str,
    variables: bool,
    kind: Kind,
    question: &Question,
    not_resource: bool,
) -> Option<bool> {
    if pattern == "*" {
        return Some(true);
    }
    if !pattern.starts_with("arn:") {
        return Some(false);
    }
    // Cut before variables are replaced, at colons outside of them.
    let written = colons_outside(pattern, variables);
    let early = written.iter().take(5).any(|field| variables && has_variable(field));
    if early {
        return Some(false);
    }
    let complete = written.len() == 6;
    let wild = written.iter().any(|field| has_wildcard(field, variables));
    let ends_wild = written
        .last()
        .is_some_and(|field| field.ends_with('*') && !(variables && field.ends_with("${*")));
    match kind {
        Kind::Scp if !complete && !ends_wild => return None,
        Kind::Rcp if !complete => return None,
        _ => {}
    }
    let own: Vec<&str> = question.resource.splitn(6, ':').collect();
    if own.len() < 6 || own[0] != "arn" {
        return Some(false);
    }
    let mut globs = Vec::new();
    for field in &written {
        match expanded(field, true, variables, question) {
            Some(glob) => globs.push(glob),
            None if not_resource => return None,
            None => return Some(false),
        }
    }
    let names_nothing =
        matches!(kind, Kind::Resource | Kind::Trust | Kind::Endpoint) && !complete && !wild;
    while globs.len() < 6 {
        globs.push(vec![Mark::Star]);
    }
    let type_is_wild = match written.get(5) {
        Some(last) => {
            let id = last.strip_prefix("*/").or_else(|| last.strip_prefix("*:"));
            id.is_some_and(|id| !id.starts_with('*'))
        }
        None => false,
    };
    let typeless =
        ["apigateway", "codecommit", "execute-api", "s3", "s3-object-lambda", "sns", "sqs"];
    if names_nothing || (type_is_wild && !typeless.contains(&own[2])) {
        return Some(false);
    }
    Some(globs.iter().zip(own).all(|(glob, field)| fits(glob, field)))
}

/// A pattern cut at its first five colons outside of variables.
fn colons_outside(pattern: &str, variables: bool) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut depth = false;
    let characters: Vec<char> = pattern.chars().collect();
    for (at, c) in characters.iter().enumerate() {
        if variables && *c == '$' && characters.get(at + 1) == Some(&'{') {
            depth = true;
        }
        if *c == ':' && !depth && fields.len() < 6 {
            fields.push(String::new());
        } else if let Some(last) = fields.last_mut() {
            last.push(*c);
        }
        if *c == '}' {
            depth = false;
        }
    }
    fields
}

fn has_variable(field: &str) -> bool {
    field.contains("${")
        && !field.contains("${*}")
        && !field.contains("${?}")
        && !field.contains("${$}")
}

fn has_wildcard(field: &str, variables: bool) -> bool {
    let field =
        if variables { field.replace("${*}", "").replace("${?}", "") } else { field.to_owned() };
    field.contains('*') || field.contains('?')
}

/// How a statement reaches the caller, if it does.
fn reached(
    statement: &Map<String, Value>,
    allows: bool,
    kind: Kind,
    question: &Question,
    bounded: bool,
) -> Option<By> {
    let principal = either(statement, "Principal", "NotPrincipal")?;
    match (kind, principal) {
        (Kind::Identity | Kind::Scp, None) => Some(By::Himself),
        (Kind::Identity | Kind::Scp, Some(_)) => (!allows).then_some(By::Himself),
        (Kind::Rcp, _) if allows => None,
        (Kind::Endpoint, None) => Some(By::Himself),
        (_, None) => None,
        (_, Some((element, negated))) => {
            let names = names(element);
            let caller = &question.caller;
            let named =
                names.iter().filter_map(|(key, value)| names_caller(key, value, caller)).max();
            match (negated, allows) {
                (false, true) => named,
                (false, false) => named.map(|_| By::Himself),
                (true, true) => named.is_none().then_some(By::Himself),
                (true, false) => {
                    let has_boundary = bounded
                        && matches!(
                            caller,
                            Caller::User(..) | Caller::Session(..) | Caller::FederatedUser(..)
                        );
                    let spared = names.iter().any(|(key, value)| spares(key, value, caller));
                    (has_boundary || !spared).then_some(By::Himself)
                }
            }
        }
    }
}

fn names(element: &Value) -> Vec<(String, String)> {
    match element {
        Value::Object(keys) => {
            let each = keys.iter().flat_map(|(key, values)| {
                strings(values).into_iter().map(move |value| (key.clone(), value.to_owned()))
            });
            each.collect()
        }
        other => {
            strings(other).into_iter().map(|value| ("AWS".to_owned(), value.to_owned())).collect()
        }
    }
}

fn names_caller(key: &str, value: &str, caller: &Caller) -> Option<By> {
    if key == "AWS" && value == "*" {
        return Some(By::Himself);
    }
    let is_account = value.len() == 12 && value.chars().all(|c| c.is_ascii_digit());
    let is_root_arn =
        value.starts_with("arn:") && value.contains(":iam::") && value.ends_with(":root");
    if key == "AWS" && (is_account || is_root_arn) {
        let account = if is_account { value } else { account_of(value) };
        return (caller.account() == Some(account)).then_some(By::Account);
    }
    match (key, caller) {
        ("AWS", Caller::User(arn, id)) => (value == *arn || value == *id).then_some(By::Himself),
        ("AWS", Caller::Session(session, role, id)) => {
            if value == *session {
                Some(By::Himself)
            } else {
                (value == *role || value == *id).then_some(By::Parent)
            }
        }
        ("AWS", Caller::FederatedUser(arn, user)) => {
            if value == *arn {
                Some(By::Himself)
            } else {
                (value == *user).then_some(By::Parent)
            }
        }
        ("Service", Caller::Service(name)) => (value == *name).then_some(By::Himself),
        ("Federated", Caller::Outsider(provider)) => (value == *provider).then_some(By::Himself),
        _ => None,
    }
}

fn spares(key: &str, value: &str, caller: &Caller) -> bool {
    match names_caller(key, value, caller) {
        Some(By::Himself) => true,
        Some(By::Account) => matches!(caller, Caller::Root(_)),
        Some(By::Parent) | None => false,
    }
}

/// Six fields of an ARN pattern after its variables are replaced.
pub(super) fn arn_fields(pattern: &[Mark]) -> Option<Vec<Vec<Mark>>> {
    let fields = fields(pattern, 6);
    (fields.len() == 6).then_some(fields)
}
