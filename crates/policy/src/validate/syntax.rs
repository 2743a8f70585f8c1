//! The shape of a policy: which elements there are, and which JSON types they hold.
//!
//! Everything that is wrong here is AWS's `Syntax errors in policy.`

use super::complaint::Complaint;
use super::{VERSION_CURRENT, VERSION_OLD, condition};
use crate::json::{Member, Node, Span, Value};
use crate::principal::PrincipalKind;

/// A string of the document, or another scalar in its string form, and where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) value: &'a str,
    pub(super) offset: usize,
}

/// A document of the right shape.
#[derive(Debug)]
pub(super) struct Policy<'a> {
    pub(super) offset: usize,
    pub(super) version: Option<Text<'a>>,
    pub(super) id: Option<Text<'a>>,
    pub(super) statements: Vec<Statement<'a>>,
}

/// A statement of the right shape.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub(super) offset: usize,
    pub(super) sid: Option<Text<'a>>,
    /// `Allow` or `Deny`, in any letter case.
    pub(super) effect: Text<'a>,
    pub(super) principals: Option<Principals<'a>>,
    pub(super) actions: Option<Element<'a>>,
    pub(super) resources: Option<Element<'a>>,
    /// The values of the operators that compare dates.
    pub(super) dates: Vec<Text<'a>>,
}

/// Whether an element lists what is meant, or what is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// `Action`, `Resource`, `Principal`.
    Listed,
    /// `NotAction`, `NotResource`, `NotPrincipal`.
    Excluded,
}

/// `Action`, `NotAction`, `Resource` or `NotResource`.
#[derive(Debug)]
pub(super) struct Element<'a> {
    pub(super) sense: Sense,
    pub(super) offset: usize,
    pub(super) values: Vec<Text<'a>>,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug)]
pub(super) struct Principals<'a> {
    pub(super) sense: Sense,
    pub(super) offset: usize,
    pub(super) who: Who<'a>,
}

/// The value of `Principal` or `NotPrincipal`.
#[derive(Debug)]
pub(super) enum Who<'a> {
    /// The bare string `*`.
    Everyone,
    /// The values of an object, in the order of the document.
    Named(Vec<(PrincipalKind, Text<'a>)>),
}

impl<'a> Policy<'a> {
    /// # Errors
    /// `Syntax errors in policy.`
    pub(super) fn read(span: Span, members: &'a [Member]) -> Result<Policy<'a>, Complaint> {
        let mut policy =
            Policy { offset: span.start, version: None, id: None, statements: Vec::new() };
        for member in members {
            match &*member.name {
                "Version" => policy.version = Some(version(&member.value)?),
                // CHOICE: the grammar has `Id` in resource-based policies only. It is taken in all that
                // IAM stores, where it has no meaning.
                "Id" => policy.id = Some(string(&member.name, &member.value)?),
                "Statement" => policy.statements = statements(&member.value)?,
                // CHOICE: AWS takes the name `Conditions` here, without a meaning. It is held to
                // the shape of a condition.
                "Conditions" => {
                    condition::read(&member.value)?;
                }
                _ => return Err(unknown_element(member)),
            }
        }
        if policy.statements.is_empty() {
            return Err(Complaint::syntax(span.start, "the policy has no `Statement`"));
        }
        Ok(policy)
    }
}

fn version(node: &Node) -> Result<Text<'_>, Complaint> {
    let version = string("Version", node)?;
    if [VERSION_CURRENT, VERSION_OLD].contains(&version.value) {
        return Ok(version);
    }
    let reason = format!("`Version` must be `{VERSION_CURRENT}` or `{VERSION_OLD}`");
    Err(Complaint::syntax(version.offset, reason))
}

fn statements(node: &Node) -> Result<Vec<Statement<'_>>, Complaint> {
    match &node.value {
        Value::Map(members) => Ok(vec![statement(node.span, members)?]),
        Value::List(items) => items.iter().map(listed_statement).collect(),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) => {
            Err(wrong_type(node, "`Statement` must be an object or a list of objects"))
        }
    }
}

fn listed_statement(node: &Node) -> Result<Statement<'_>, Complaint> {
    match &node.value {
        Value::Map(members) => statement(node.span, members),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::List(_) => {
            Err(wrong_type(node, "a statement must be an object"))
        }
    }
}

fn statement(span: Span, members: &[Member]) -> Result<Statement<'_>, Complaint> {
    let (mut sid, mut effect, mut dates) = (None, None, Vec::new());
    let (mut principals, mut actions, mut resources) = (None, None, None);
    for member in members {
        let sense = if member.name.starts_with("Not") { Sense::Excluded } else { Sense::Listed };
        match &*member.name {
            "Sid" => sid = Some(string(&member.name, &member.value)?),
            "Effect" => effect = Some(read_effect(&member.value)?),
            "Principal" | "NotPrincipal" => {
                let who = read_who(&member.value)?;
                let offset = member.name_span.start;
                fill(&mut principals, Principals { sense, offset, who }, member)?;
            }
            "Action" | "NotAction" => fill(&mut actions, element(sense, member)?, member)?,
            "Resource" | "NotResource" => fill(&mut resources, element(sense, member)?, member)?,
            "Condition" => dates = condition::read(&member.value)?,
            _ => return Err(unknown_element(member)),
        }
    }
    let effect =
        effect.ok_or_else(|| Complaint::syntax(span.start, "the statement has no `Effect`"))?;
    Ok(Statement { offset: span.start, sid, effect, principals, actions, resources, dates })
}

/// An element and its negation exclude each other.
fn fill<T>(place: &mut Option<T>, element: T, member: &Member) -> Result<(), Complaint> {
    if place.replace(element).is_none() {
        return Ok(());
    }
    let name = member.name.trim_start_matches("Not");
    let reason = format!("the statement has both `{name}` and `Not{name}`");
    Err(Complaint::syntax(member.name_span.start, reason))
}

fn read_effect(node: &Node) -> Result<Text<'_>, Complaint> {
    let effect = string("Effect", node)?;
    if ["allow", "deny"].iter().any(|word| effect.value.eq_ignore_ascii_case(word)) {
        return Ok(effect);
    }
    Err(Complaint::syntax(effect.offset, "`Effect` must be `Allow` or `Deny`"))
}

fn element(sense: Sense, member: &Member) -> Result<Element<'_>, Complaint> {
    let values = strings(&member.name, &member.value)?;
    Ok(Element { sense, offset: member.name_span.start, values })
}

/// Source: IAM User Guide, "AWS JSON policy elements: Principal".
// CHOICE: a string other than `*`, and a key other than the four, are a matter of shape.
fn read_who(node: &Node) -> Result<Who<'_>, Complaint> {
    match &node.value {
        Value::String(everyone) if &**everyone == "*" => Ok(Who::Everyone),
        Value::Map(members) => {
            let mut named = Vec::new();
            for member in members {
                let kind =
                    PrincipalKind::parse(&member.name).ok_or_else(|| unknown_element(member))?;
                let values = strings(&member.name, &member.value)?;
                named.extend(values.into_iter().map(|value| (kind, value)));
            }
            Ok(Who::Named(named))
        }
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) | Value::List(_) => {
            Err(wrong_type(node, "principals must be `\"*\"` or an object"))
        }
    }
}

fn strings<'a>(name: &str, node: &'a Node) -> Result<Vec<Text<'a>>, Complaint> {
    match &node.value {
        Value::String(value) => Ok(vec![Text { value, offset: node.span.start }]),
        Value::List(items) => items.iter().map(|item| string(name, item)).collect(),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Map(_) => {
            Err(wrong_type(node, &format!("`{name}` must be a string or a list of strings")))
        }
    }
}

fn string<'a>(name: &str, node: &'a Node) -> Result<Text<'a>, Complaint> {
    match &node.value {
        Value::String(value) => Ok(Text { value, offset: node.span.start }),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
            Err(wrong_type(node, &format!("`{name}` must hold a string here")))
        }
    }
}

fn unknown_element(member: &Member) -> Complaint {
    let reason = format!("the element `{}` does not belong here", member.name);
    Complaint::syntax(member.name_span.start, reason)
}

pub(super) fn wrong_type(node: &Node, reason: &str) -> Complaint {
    Complaint::syntax(node.span.start, reason)
}
