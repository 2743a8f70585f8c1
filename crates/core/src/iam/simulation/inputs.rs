//! The policies and the other inputs of a simulation.

use std::sync::Arc;

use iamd_policy::{Document, Grammar, PolicySet};
use iamd_wire::iam::{ContextEntry, PolicySourceType};

use super::exclusion::Exclusions;
use super::invalid;
use crate::iam::context_keys::{given, keys_of};
use crate::iam::policy_source::{PolicyOrigin, PolicySource};
use crate::managed;
use crate::refusal::Refusal;
use crate::state::Account;
use crate::text::EntityKind;

/// What a request asks, the policies aside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) actions: &'a [String],
    /// None stands for `*`.
    pub(super) resources: &'a [String],
    pub(super) resource_owner: Option<&'a str>,
    pub(super) context: &'a [ContextEntry],
    pub(super) handling: Option<&'a str>,
    pub(super) marker: Option<&'a str>,
    pub(super) max_items: Option<i32>,
}

/// The policies of a simulation.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    identity: Vec<(Label, Document)>,
    pub(super) boundary: Option<PolicySet>,
    pub(super) levels: Option<Vec<PolicySet>>,
    resource: Option<Document>,
}

/// How answers call a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) id: String,
    pub(super) kind: PolicySourceType,
}

impl Inputs {
    /// Adds documents of the request.
    ///
    /// # Errors
    /// `InvalidInput` for what is no identity-based policy.
    pub(super) fn add_given(&mut self, texts: &[String]) -> Result<(), Refusal> {
        for (place, document) in given(texts, Grammar::Identity)?.into_iter().enumerate() {
            let id = format!("PolicyInputList.{}", place + 1);
            self.identity.push((Label { id, kind: PolicySourceType::None }, document));
        }
        Ok(())
    }

    /// Adds the policies of a source, and its boundary.
    pub(super) fn add_source(
        &mut self,
        account: &Account,
        source: &PolicySource,
        excluded: &Exclusions<'_>,
    ) {
        let policies = source.policies(account).into_iter();
        for policy in policies.filter(|policy| !excluded.contain(policy)) {
            let label = Label { id: policy.name, kind: kind_of(&policy.origin) };
            self.identity.push((label, policy.document));
        }
        let boundary = match source {
            PolicySource::User(user) => user.boundary.as_ref(),
            PolicySource::Role(role) => role.boundary.as_ref(),
            PolicySource::Group(_) => None,
        };
        if let Some(boundary) = boundary.filter(|_| !excluded.contain_boundaries()) {
            // As in decisions, a boundary that cannot be found allows nothing.
            self.boundary =
                Some(managed::set(account, boundary.arn()).cloned().unwrap_or_default());
        }
    }

    /// Takes the boundary of the request, if it has one, in place of another.
    ///
    /// # Errors
    /// `InvalidInput` for more than one, or for what is no policy.
    pub(super) fn set_boundary(&mut self, texts: Option<&[String]>) -> Result<(), Refusal> {
        let Some(texts) = texts.filter(|texts| !texts.is_empty()) else { return Ok(()) };
        if texts.len() > 1 {
            // CHOICE: that there may be one is documented, the text is ours.
            return Err(invalid("Only one permissions boundary can be simulated at a time."));
        }
        self.boundary = Some(numbered(given(texts, Grammar::Identity)?));
        Ok(())
    }

    /// Adds a level of an organization, root first.
    pub(super) fn add_level(&mut self, documents: Vec<Document>) {
        self.levels.get_or_insert_default().push(numbered(documents));
    }

    /// Takes the policy of the resources.
    ///
    /// # Errors
    /// `InvalidInput` for what is no resource-based policy.
    pub(super) fn set_resource_policy(&mut self, text: Option<&str>) -> Result<(), Refusal> {
        if let Some(text) = text {
            self.resource = given(&[text.to_owned()], Grammar::Resource)?.pop();
        }
        Ok(())
    }

    /// Whether there is a policy of the resources.
    pub(super) fn has_resource_policy(&self) -> bool {
        self.resource.is_some()
    }

    /// The identity-based policies, each under its number.
    pub(super) fn identity_set(&self) -> PolicySet {
        numbered(self.identity.iter().map(|(_, document)| document.clone()))
    }

    /// The policy of the resources.
    pub(super) fn resource_set(&self) -> Option<PolicySet> {
        self.resource.clone().map(|document| numbered([document]))
    }

    /// How the answer calls the identity-based policy of this number.
    pub(super) fn label(&self, number: &str) -> Option<&Label> {
        self.identity.get(number.parse::<usize>().ok()?).map(|(label, _)| label)
    }

    /// The keys that identity-based and resource-based policies name.
    pub(super) fn keys(&self) -> Vec<String> {
        let identity = self.identity.iter().map(|(_, document)| document);
        keys_of(identity.chain(&self.resource))
    }

    /// What one decision costs at most, in characters of policy to look at.
    pub(super) fn weight(&self) -> usize {
        let identity = self.identity.iter().map(|(_, document)| document);
        let own = identity.chain(&self.resource).map(weight_of);
        let others = self.boundary.iter().chain(self.levels.iter().flatten());
        own.chain(others.flat_map(PolicySet::iter).map(|(_, document)| weight_of(document))).sum()
    }
}

/// Characters that a statement weighs beside its own.
const STATEMENT_WEIGHT: usize = 256;

fn weight_of(document: &Document) -> usize {
    document.source().len() + STATEMENT_WEIGHT * document.statements().count()
}

/// Documents as a set in which each is called by its number.
fn numbered(documents: impl IntoIterator<Item = Document>) -> PolicySet {
    let numbered = documents.into_iter().enumerate();
    numbered.map(|(number, document)| (Arc::from(number.to_string()), document)).collect()
}

fn kind_of(origin: &PolicyOrigin) -> PolicySourceType {
    match origin {
        PolicyOrigin::Inline(EntityKind::Group, _) => PolicySourceType::Group,
        PolicyOrigin::Inline(EntityKind::Role, _) => PolicySourceType::Role,
        PolicyOrigin::Inline(_, _) => PolicySourceType::User,
        PolicyOrigin::Managed(policy) if policy.arn().starts_with("arn:aws:iam::aws:") => {
            PolicySourceType::AwsManaged
        }
        PolicyOrigin::Managed(_) => PolicySourceType::UserManaged,
    }
}
