//! Several documents that are in force together.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use crate::action::RequestActionKeys;
use crate::document::{Document, Statement};
use crate::index::{Index, Place};

/// Documents of one policy type, each with a name by which explanations call it.
///
/// Copies share everything, the index included, which is made when the set first decides.
#[derive(Debug, Clone, Default)]
pub struct PolicySet(Option<Arc<Content>>);

#[derive(Debug, Default)]
struct Content {
    documents: Box<[(Arc<str>, Document)]>,
    index: OnceLock<Option<Index>>,
}

impl PolicySet {
    /// The documents of several sets together, as one set with one index.
    pub fn union<'s>(sets: impl IntoIterator<Item = &'s PolicySet>) -> PolicySet {
        sets.into_iter().flat_map(|set| set.iter().cloned()).collect()
    }

    /// Names and documents, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &(Arc<str>, Document)> {
        self.documents().iter()
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether both are copies of one set: cheap, and never true of sets that differ.
    pub fn is_same(&self, other: &PolicySet) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Makes the index now, so that no decision has to.
    pub fn prepare(&self) {
        let _ = self.index();
    }

    /// Memory that the index takes, in bytes; the documents not included.
    pub fn index_size(&self) -> usize {
        self.index().map_or(0, Index::size)
    }

    /// Calls `visit` with every statement that can concern a request, until it says stop.
    pub(crate) fn candidates(
        &self,
        actions: &RequestActionKeys,
        resource: &str,
        mut visit: impl FnMut(&Statement) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self.index() {
            Some(index) => index.candidates(actions, resource, |place| match self.at(place) {
                Some(statement) => visit(statement),
                None => ControlFlow::Continue(()),
            }),
            None => self.iter().flat_map(|(_, document)| document.statements()).try_for_each(visit),
        }
    }

    fn documents(&self) -> &[(Arc<str>, Document)] {
        self.0.as_ref().map_or(&[], |content| &content.documents)
    }

    fn at(&self, place: Place) -> Option<&Statement> {
        let (_, document) = self.documents().get(place.document as usize)?;
        document.statement(place.statement as usize)
    }

    fn index(&self) -> Option<&Index> {
        self.0.as_ref()?.index.get_or_init(|| Index::of(self.placed())).as_ref()
    }

    fn placed(&self) -> impl Iterator<Item = (Place, &crate::document::Body)> {
        let number = |number: usize| u32::try_from(number).ok();
        let documents = self.documents().iter().enumerate();
        documents.flat_map(move |(document, (_, content))| {
            content.statements().enumerate().filter_map(move |(statement, content)| {
                let place = Place { document: number(document)?, statement: number(statement)? };
                Some((place, content.body.as_ref()?))
            })
        })
    }
}

impl FromIterator<(Arc<str>, Document)> for PolicySet {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Document)>>(documents: I) -> PolicySet {
        let documents: Box<[_]> = documents.into_iter().collect();
        let content = Content { documents, index: OnceLock::new() };
        PolicySet((!content.documents.is_empty()).then(|| Arc::new(content)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Context, Policies, Principal, Request, decide};

    fn statement() -> impl Strategy<Value = String> {
        let element = |plain: &'static str, negated: &'static str| prop_oneof![4 => Just(plain), 1 => Just(negated)];
        let action = prop::sample::select(vec![
            "*",
            "s3:*",
            "s3:Get*",
            "s3:GetObject",
            "s3:G*",
            "s?:GetObject",
            "s3:PutObject",
            "ec2:*",
            "*:GetObject",
            "S3:getobject",
            "s3:",
            "iam:GetUser",
        ]);
        let resource = prop::sample::select(vec![
            "*",
            "arn:aws:s3:::bucket/key",
            "arn:aws:s3:::bucket/*",
            "arn:aws:s3:::bucket/a/long/enough/prefix/to/count/*",
            "arn:aws:s3:::*/key",
            "arn:aws:s3",
            "arn:aws:s3:::other/*",
            "arn:aws:s3:::bucket/${aws:username}/*",
            "arn:*:s3:::bucket/a/long/enough/prefix/to/count/x",
            "bucket",
        ]);
        let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
        (
            effect,
            element("Action", "NotAction"),
            action,
            element("Resource", "NotResource"),
            resource,
        )
            .prop_map(|(effect, actions, action, resources, resource)| {
                format!(
                    r#"{{"Effect":"{effect}","{actions}":"{action}","{resources}":"{resource}"}}"#
                )
            })
    }

    proptest! {
        /// INVARIANT: the index leaves out no statement that applies.
        #[test]
        fn an_index_never_changes_a_decision(
            statements in prop::collection::vec(statement(), 1..40),
            action in prop::sample::select(vec!["s3:GetObject", "S3:getobject", "ec2:Run", "s3:G", "iam:GetUser", "x"]),
            resource in prop::sample::select(vec![
                "*", "arn:aws:s3:::bucket/key", "arn:aws:s3:::bucket/a/long/enough/prefix/to/count/x",
                "arn:aws:s3:::bucket/ana/x", "arn:aws:s3:::b", "nothing",
            ]),
        ) {
            let one_by_one: Vec<PolicySet> = statements.iter().map(|statement| {
                let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
                [(Arc::from("p"), Document::parse(&text).unwrap())].into_iter().collect()
            }).collect();
            let together = PolicySet::union(&one_by_one);
            prop_assert_eq!(together.index().is_some(), statements.len() >= 4);
            let principal = Principal::User {
                arn: "arn:aws:iam::111122223333:user/ana".to_owned(),
                unique_id: String::new(),
                has_boundary: false,
            };
            let mut context = Context::default();
            context.add_principal_keys(&principal);
            let request =
                Request { principal: &principal, action, resource, resource_account: None, context: &context };
            let references: Vec<&PolicySet> = one_by_one.iter().collect();
            let plain = Policies { identity: Some(&references), ..Policies::default() };
            let indexed = Policies { identity: Some(&[&together]), ..Policies::default() };
            prop_assert_eq!(decide(&request, &plain), decide(&request, &indexed));
        }
    }
}
