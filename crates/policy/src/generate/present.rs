//! What of the policies in force was never needed.

use std::collections::BTreeSet;

use super::{Use, Used};
use crate::action::{ActionClause, ActionPattern};
use crate::document::Effect;
use crate::json::{self, Node, Value, line_and_column};
use crate::resource::{Cover, Resource, ResourceClause};
use crate::{Context, Document, PolicyType, Principal};

/// The policies that a principal has, watched for what of them is used.
///
/// Conditions are not looked at, and a resource that is not known may be any: what is said to be
/// unused was not used.
///
/// ```
/// use iamd_policy::generate::{PresentPolicies, Use};
///
/// let text = r#"{"Version":"2012-10-17","Statement":{
///     "Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"}}"#;
/// let documents = [("own".to_owned(), iamd_policy::Document::parse(text)?)];
/// let mut present = PresentPolicies::new("arn:aws:iam::111122223333:user/ana", documents);
/// present.note(&Use::of("s3:GetObject", "arn:aws:s3:::b/k").unwrap());
/// assert_eq!(present.statements()[0].unused_actions, ["s3:PutObject"]);
/// # Ok::<(), iamd_policy::ParseError>(())
/// ```
#[derive(Debug)]
pub struct PresentPolicies {
    context: Context,
    documents: Vec<(String, Document, Vec<Watched>)>,
}

/// A statement that allows, and what of it was used.
#[derive(Debug)]
struct Watched {
    /// Its place in the document.
    number: usize,
    /// The values of `Action`, with the actions that each was used for; none for `NotAction`.
    actions: Vec<(String, ActionClause, BTreeSet<String>)>,
    is_used: bool,
}

/// What was used of a statement that allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementUse {
    /// The name of the document.
    pub policy: String,
    /// The statement's `Sid`.
    pub sid: Option<String>,
    /// Its line, from 1.
    pub line: u32,
    /// Its column in characters, from 1.
    pub column: u32,
    /// Whether it was used at all.
    pub is_used: bool,
    /// The values of `Action` that were not used.
    pub unused_actions: Vec<String>,
    /// The values with wildcards that were used, and the actions that they were used for.
    pub wildcards: Vec<(String, Vec<String>)>,
}

impl PresentPolicies {
    /// The documents of a user or role of this ARN, with names by which reports call them.
    pub fn new(
        principal: &str,
        documents: impl IntoIterator<Item = (String, Document)>,
    ) -> PresentPolicies {
        let mut context = Context::default();
        if principal.contains(":user/") {
            context.add_principal_keys(&Principal::User {
                arn: principal.to_owned(),
                unique_id: String::new(),
                has_boundary: false,
            });
        }
        let watched = |(name, document): (String, Document)| {
            let statements = watched(&document);
            (name, document, statements)
        };
        PresentPolicies { context, documents: documents.into_iter().map(watched).collect() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Takes in a use.
    pub fn note(&mut self, used: &Use) {
        let lower = used.action.to_ascii_lowercase();
        for (_, document, statements) in &mut self.documents {
            for watched in statements {
                let Some(statement) = document.statement(watched.number) else { continue };
                let Some(body) = &statement.body else { continue };
                let concerns = body.action.covers(&lower)
                    && body.resource.as_ref().is_some_and(|resources| match &used.resource {
                        Used::Arn(arn) => covers(resources, &Resource::parse(arn), &self.context),
                        Used::None => covers(resources, &Resource::None, &self.context),
                        Used::Pattern(_) | Used::Named(..) | Used::Unknown => true,
                    });
                if concerns {
                    watched.use_for(&used.action, &lower);
                }
            }
        }
    }

    /// The statements that allow, and what of them was used.
    pub fn statements(&self) -> Vec<StatementUse> {
        let mut uses = Vec::new();
        for (name, document, statements) in &self.documents {
            for watched in statements {
                let Some(statement) = document.statement(watched.number) else { continue };
                let (line, column) = line_and_column(document.source(), statement.span.start);
                uses.push(StatementUse {
                    policy: name.clone(),
                    sid: statement.sid().map(str::to_owned),
                    line,
                    column,
                    is_used: watched.is_used,
                    unused_actions: watched.unused_actions(),
                    wildcards: watched.wildcards(),
                });
            }
        }
        uses
    }
}

impl Watched {
    fn use_for(&mut self, action: &str, lower: &str) {
        self.is_used = true;
        for (_, clause, used) in &mut self.actions {
            if clause.covers(lower) && !used.contains(action) {
                used.insert(action.to_owned());
            }
        }
    }

    fn unused_actions(&self) -> Vec<String> {
        let unused = self.actions.iter().filter(|(_, _, used)| used.is_empty());
        unused.map(|(written, ..)| written.clone()).collect()
    }

    fn wildcards(&self) -> Vec<(String, Vec<String>)> {
        let wild = self
            .actions
            .iter()
            .filter(|(written, _, used)| written.contains(['*', '?']) && !used.is_empty());
        wild.map(|(written, _, used)| (written.clone(), used.iter().cloned().collect())).collect()
    }
}

fn covers(resources: &ResourceClause, resource: &Resource<'_>, context: &Context) -> bool {
    resources.cover(resource, PolicyType::Identity, context) == Cover::Yes
}

/// The statements of a document that allow.
fn watched(document: &Document) -> Vec<Watched> {
    let Ok((_, members)) = json::read_object(document.source()) else { return Vec::new() };
    let statements = members.iter().find(|member| &*member.name == "Statement");
    let nodes = statements.map_or(&[][..], |member| many(&member.value));
    // Void statements have a place, too; what is no object has none.
    let objects = nodes.iter().filter_map(|node| match &node.value {
        Value::Map(members) => Some(members),
        _ => None,
    });
    let allows = document.statements().zip(objects).enumerate();
    let allows = allows.filter(|(_, (statement, _))| statement.effect() == Some(Effect::Allow));
    let watched = allows.map(|(number, (_, members))| {
        let actions = members.iter().find(|member| &*member.name == "Action");
        let written = actions.map_or(&[][..], |member| many(&member.value)).iter();
        let written = written.filter_map(|node| match &node.value {
            Value::String(text) => Some(text.to_string()),
            _ => None,
        });
        let clause = |text: String| {
            let patterns = Box::new([ActionPattern::parse(&text)]);
            (text, ActionClause { negated: false, patterns }, BTreeSet::new())
        };
        Watched { number, actions: written.map(clause).collect(), is_used: false }
    });
    watched.collect()
}

fn many(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(nodes) => nodes,
        _ => std::slice::from_ref(node),
    }
}
