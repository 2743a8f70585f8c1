//! Several documents that are in force together.

use std::sync::Arc;

use crate::document::Document;

/// Documents of one policy type, each with a name by which explanations call it.
#[derive(Debug, Clone, Default)]
pub struct PolicySet(Vec<(Arc<str>, Document)>);

impl PolicySet {
    /// Adds a document.
    pub fn push(&mut self, name: Arc<str>, document: Document) {
        self.0.push((name, document));
    }

    /// Names and documents, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &(Arc<str>, Document)> {
        self.0.iter()
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Arc<str>, Document)> for PolicySet {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Document)>>(documents: I) -> PolicySet {
        PolicySet(documents.into_iter().collect())
    }
}
