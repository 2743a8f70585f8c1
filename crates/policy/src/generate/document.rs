//! Grants as documents: few statements, each exact, in documents that AWS takes.

use std::collections::{BTreeMap, BTreeSet};

use crate::json::quoted;
use crate::validate::size_without_white_space;

/// Most characters of a document, white space not counted: a managed policy may have 6,144, and one
/// with more than 95 % of that cannot take much more.
///
/// Source: IAM User Guide, "IAM and AWS STS quotas".
pub const DOCUMENT_SIZE_MAX: usize = 5_836;
/// Longest resource, in characters as JSON writes them; the longest keys of S3 fit, unless they are
/// full of wildcards or of characters that JSON has to escape.
pub const RESOURCE_LENGTH_MAX: usize = 3_000;

/// Room for the resources of one statement, and for its actions, in characters as JSON writes them.
const RESOURCES_SIZE_MAX: usize = 3_200;
const ACTIONS_SIZE_MAX: usize = 2_400;

/// A permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub(super) action: String,
    pub(super) resource: String,
}

/// A statement: each of its actions on each of its resources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Statement<'g> {
    resources: Vec<&'g str>,
    actions: Vec<&'g str>,
}

impl<'g> Statement<'g> {
    pub(super) fn of(grant: &'g Grant) -> Statement<'g> {
        Statement { resources: vec![&grant.resource], actions: vec![&grant.action] }
    }

    fn text(&self) -> String {
        format!(
            r#"{{"Effect":"Allow","Action":{},"Resource":{}}}"#,
            one_or_many(&self.actions),
            one_or_many(&self.resources)
        )
    }

    fn size(&self) -> usize {
        size_without_white_space(&self.text())
    }

    /// The statement in parts that fit into a document each.
    fn parts(self) -> Vec<Statement<'g>> {
        if self.size() <= DOCUMENT_SIZE_MAX - text(&[]).len() {
            return vec![self];
        }
        let mut parts = Vec::new();
        for actions in chunks(&self.actions, ACTIONS_SIZE_MAX) {
            for resources in chunks(&self.resources, RESOURCES_SIZE_MAX) {
                parts.push(Statement { resources, actions: actions.clone() });
            }
        }
        parts
    }
}

/// The documents of some grants; deterministic, whatever their order.
pub(super) fn of(grants: &[Grant]) -> Vec<String> {
    let mut documents: Vec<Vec<Statement<'_>>> = Vec::new();
    let mut size = DOCUMENT_SIZE_MAX;
    for statement in grouped(grants).into_iter().flat_map(Statement::parts) {
        // The comma counts.
        let own = statement.size() + 1;
        match documents.last_mut().filter(|_| size + own <= DOCUMENT_SIZE_MAX) {
            Some(document) => {
                size += own;
                document.push(statement);
            }
            None => {
                size = text(&[]).len() + own;
                documents.push(vec![statement]);
            }
        }
    }
    documents.iter().map(|statements| text(statements)).collect()
}

/// The text of a document without white space.
pub(super) fn text(statements: &[Statement<'_>]) -> String {
    let texts: Vec<String> = statements.iter().map(Statement::text).collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, texts.join(","))
}

/// Statements that say all grants and nothing else: those resources together that the same actions are
/// allowed on, or those actions together that are allowed on the same resources, whichever is shorter.
fn grouped(grants: &[Grant]) -> Vec<Statement<'_>> {
    let pairs = || grants.iter().map(|grant| (grant.action.as_str(), grant.resource.as_str()));
    let by_actions = together(pairs().map(|(action, resource)| (resource, action)));
    let by_actions =
        by_actions.into_iter().map(|(actions, resources)| Statement { resources, actions });
    let by_resources = together(pairs());
    let by_resources =
        by_resources.into_iter().map(|(resources, actions)| Statement { resources, actions });
    let (mut one, mut other): (Vec<_>, Vec<_>) = (by_actions.collect(), by_resources.collect());
    let size = |statements: &[Statement<'_>]| statements.iter().map(Statement::size).sum::<usize>();
    let shorter = if size(&one) <= size(&other) { &mut one } else { &mut other };
    shorter.sort_unstable();
    std::mem::take(shorter)
}

/// The keys that have the same values, with those values.
fn together<'g>(
    pairs: impl Iterator<Item = (&'g str, &'g str)>,
) -> Vec<(Vec<&'g str>, Vec<&'g str>)> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (key, value) in pairs {
        values.entry(key).or_default().insert(value);
    }
    let mut keys: BTreeMap<BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
    for (key, values) in values {
        keys.entry(values).or_default().push(key);
    }
    keys.into_iter().map(|(values, keys)| (values.into_iter().collect(), keys)).collect()
}

/// Runs of values whose texts are not longer than that together; one value at least in each.
fn chunks<'g>(values: &[&'g str], size_max: usize) -> Vec<Vec<&'g str>> {
    let mut chunks: Vec<Vec<&str>> = Vec::new();
    let mut size = 0;
    for value in values {
        let own = quoted(value).chars().count() + 1;
        match chunks.last_mut().filter(|_| size + own <= size_max) {
            Some(chunk) => {
                size += own;
                chunk.push(value);
            }
            None => {
                size = own;
                chunks.push(vec![value]);
            }
        }
    }
    chunks
}

fn one_or_many(values: &[&str]) -> String {
    match values {
        [one] => quoted(one),
        many => {
            let quoted: Vec<String> = many.iter().map(|value| quoted(value)).collect();
            format!("[{}]", quoted.join(","))
        }
    }
}
