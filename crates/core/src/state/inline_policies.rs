//! The policies that live inside a user, group or role.
//!
//! The numbers in the attributes are the row format, as in the other entities.

use std::fmt;
use std::sync::{Arc, OnceLock};

use iamd_policy::PolicySet;
use minicbor::{Decode, Encode};

use super::document::PolicyDocument;

/// A policy that lives inside a user, group or role.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct InlinePolicy {
    /// The name, unique inside its holder.
    #[n(0)]
    pub name: Box<str>,
    /// The document.
    #[n(1)]
    pub document: PolicyDocument,
}

/// The inline policies of one holder, sorted by name, with their set.
#[derive(Clone, Default)]
pub struct InlinePolicies {
    policies: Box<[InlinePolicy]>,
    /// Made when something is first decided by it: most holders of very many never ask.
    set: OnceLock<PolicySet>,
}

impl InlinePolicies {
    /// The policies, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &InlinePolicy> {
        self.policies.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// The policy of this name.
    pub fn named(&self, name: &str) -> Option<&InlinePolicy> {
        self.policies.iter().find(|policy| &*policy.name == name)
    }

    /// All documents, for a decision.
    pub fn set(&self) -> &PolicySet {
        self.set.get_or_init(|| {
            let documents = self.policies.iter();
            documents.map(|it| (Arc::from(&*it.name), it.document.compiled().clone())).collect()
        })
    }

    /// The policies with this one added, or in the place of its namesake.
    #[must_use]
    pub fn with(&self, added: InlinePolicy) -> InlinePolicies {
        let others = self.policies.iter().filter(|policy| policy.name != added.name).cloned();
        let mut policies: Vec<InlinePolicy> = others.collect();
        let place = policies.partition_point(|policy| policy.name < added.name);
        policies.insert(place, added);
        InlinePolicies::from(policies)
    }

    /// The policies without the one of this name.
    #[must_use]
    pub fn without(&self, name: &str) -> InlinePolicies {
        let others = self.policies.iter().filter(|policy| &*policy.name != name).cloned();
        InlinePolicies::from(others.collect::<Vec<_>>())
    }
}

impl From<Vec<InlinePolicy>> for InlinePolicies {
    fn from(policies: Vec<InlinePolicy>) -> InlinePolicies {
        InlinePolicies { policies: policies.into(), set: OnceLock::new() }
    }
}

impl fmt::Debug for InlinePolicies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whether the set is made already is nobody's business.
        formatter.debug_list().entries(&self.policies).finish()
    }
}

impl PartialEq for InlinePolicies {
    fn eq(&self, other: &InlinePolicies) -> bool {
        self.policies == other.policies
    }
}

impl<C> Encode<C> for InlinePolicies {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        context: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.policies.encode(encoder, context)
    }
}

impl<'b, C> Decode<'b, C> for InlinePolicies {
    fn decode(
        decoder: &mut minicbor::Decoder<'b>,
        context: &mut C,
    ) -> Result<InlinePolicies, minicbor::decode::Error> {
        Vec::<InlinePolicy>::decode(decoder, context).map(InlinePolicies::from)
    }
}
