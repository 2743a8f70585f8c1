//! From JSON to statements: by meaning where there is one, void where there is none.

use crate::action::{ActionClause, ActionPattern};
use crate::condition::{Condition, Operator};
use crate::document::{Body, Effect, NamedPrincipal, PlacedPrincipal, Statement};
use crate::json::{Member, Node, Value};
use crate::principal::{Name, PrincipalClause, PrincipalKind};
use crate::resource::{ResourceClause, ResourcePattern};

/// What a document holds.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) statements: Box<[Statement]>,
    pub(crate) principals: Box<[PlacedPrincipal]>,
}

/// Reads the members of a document.
pub(crate) fn document(members: &[Member]) -> Read {
    let (mut statements, mut principals) = (Vec::new(), Vec::new());
    // Any other version, or none, has the rules of 2008-10-17: no variables.
    let variables = member(members, "Version").and_then(text) == Some("2012-10-17");
    let nodes = member(members, "Statement").map_or(&[][..], one_or_many);
    for node in nodes {
        let Value::Map(members) = &node.value else { continue };
        let sid = member(members, "Sid").and_then(text).map(Into::into);
        let body = body(members, variables, &mut principals);
        statements.push(Statement { sid, span: node.span, body });
    }
    Read { statements: statements.into(), principals: principals.into() }
}

fn member<'a>(members: &'a [Member], name: &str) -> Option<&'a Node> {
    members.iter().find(|member| *member.name == *name).map(|member| &member.value)
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) => Some(text),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
    }
}

fn one_or_many(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(nodes) => nodes,
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::Map(_) => {
            std::slice::from_ref(node)
        }
    }
}

/// The body of a statement; none if an element is unknown, missing or doubled in its negation.
fn body(
    members: &[Member],
    variables: bool,
    principals: &mut Vec<PlacedPrincipal>,
) -> Option<Body> {
    // The principals are noted even where the statement is void, for whoever resolves them.
    let principal = principal(members, principals);
    const KNOWN: [&str; 9] = [
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
    if !members.iter().all(|member| KNOWN.contains(&&*member.name)) {
        return None;
    }
    let effect = match member(members, "Effect").and_then(text)? {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        _ => return None,
    };
    let (negated, actions) = either(members, "Action", "NotAction")??;
    let patterns = one_or_many(actions).iter().filter_map(text).map(ActionPattern::parse);
    let action = ActionClause { negated, patterns: patterns.collect() };
    let resource = either(members, "Resource", "NotResource")?.map(|(negated, resources)| {
        let patterns = one_or_many(resources).iter().filter_map(text);
        let patterns = patterns.map(|pattern| ResourcePattern::parse(pattern, variables)).collect();
        ResourceClause { negated, patterns }
    });
    let conditions = match member(members, "Condition") {
        None => Box::default(),
        Some(node) => conditions(node, variables)?.into(),
    };
    Some(Body { effect, principal, action, resource, conditions })
}

/// The element or its negation; the outer none stands for both at once.
fn either<'a>(
    members: &'a [Member],
    plain: &str,
    negated: &str,
) -> Option<Option<(bool, &'a Node)>> {
    match (member(members, plain), member(members, negated)) {
        (Some(_), Some(_)) => None,
        (Some(node), None) => Some(Some((false, node))),
        (None, Some(node)) => Some(Some((true, node))),
        (None, None) => Some(None),
    }
}

fn principal(members: &[Member], principals: &mut Vec<PlacedPrincipal>) -> Option<PrincipalClause> {
    let (negated, node) = match either(members, "Principal", "NotPrincipal") {
        Some(Some(found)) => found,
        Some(None) => return None,
        // Both at once name nobody; where neither belongs, they are as good as one of them.
        None => return Some(PrincipalClause { negated: false, names: Box::default() }),
    };
    let mut names = Vec::new();
    match &node.value {
        Value::Map(kinds) => {
            for kind in kinds {
                if let Some(parsed) = PrincipalKind::parse(&kind.name) {
                    add_names(parsed, &kind.value, &mut names, principals);
                }
            }
        }
        // A bare text is read as an AWS principal.
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::List(_) => {
            add_names(PrincipalKind::Aws, node, &mut names, principals);
        }
    }
    Some(PrincipalClause { negated, names: names.into() })
}

fn add_names(
    kind: PrincipalKind,
    node: &Node,
    names: &mut Vec<Name>,
    principals: &mut Vec<PlacedPrincipal>,
) {
    for node in one_or_many(node) {
        let Some(value) = text(node) else { continue };
        names.push(Name::parse(kind, value));
        let principal = NamedPrincipal { kind, value: value.to_owned() };
        principals.push(PlacedPrincipal { principal, span: node.span });
    }
}

/// The conditions of a statement; none if an operator is unknown or the element has another form.
fn conditions(node: &Node, variables: bool) -> Option<Vec<Condition>> {
    let Value::Map(operators) = &node.value else { return None };
    let mut conditions = Vec::new();
    for operator in operators {
        let Value::Map(keys) = &operator.value.value else { return None };
        let parsed = Operator::parse(&operator.name)?;
        for key in keys {
            let values: Option<Vec<&str>> = one_or_many(&key.value).iter().map(scalar).collect();
            conditions.push(Condition::new(parsed, &key.name, &values?, variables));
        }
    }
    Some(conditions)
}

/// Numbers and booleans are read in the form in which they are written.
fn scalar(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) | Value::Number(text) => Some(text),
        Value::Boolean(true) => Some("true"),
        Value::Boolean(false) => Some("false"),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}
