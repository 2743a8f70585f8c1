//! Policy documents as the state keeps them.

use std::fmt;
use std::sync::OnceLock;

use iamd_policy::{Document, DocumentPool};

/// A policy document: the text as sent, and its compiled form.
#[derive(Clone)]
pub struct PolicyDocument(Document);

impl PolicyDocument {
    /// The compiled form.
    pub fn compiled(&self) -> &Document {
        &self.0
    }

    /// The text as sent, white space included.
    pub fn text(&self) -> &str {
        self.0.source()
    }
}

impl From<Document> for PolicyDocument {
    fn from(document: Document) -> PolicyDocument {
        PolicyDocument(pool().share(document))
    }
}

/// All documents in use, so that principals with the same text share one. Memory of a pure function,
/// not state.
fn pool() -> &'static DocumentPool {
    static POOL: OnceLock<DocumentPool> = OnceLock::new();
    POOL.get_or_init(DocumentPool::default)
}

impl PartialEq for PolicyDocument {
    fn eq(&self, other: &PolicyDocument) -> bool {
        self.text() == other.text()
    }
}

impl fmt::Debug for PolicyDocument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl<C> minicbor::Encode<C> for PolicyDocument {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.str(self.text())?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for PolicyDocument {
    fn decode(
        decoder: &mut minicbor::Decoder<'b>,
        _: &mut C,
    ) -> Result<PolicyDocument, minicbor::decode::Error> {
        // Every document was validated before it was stored, and rows are authenticated: reading it
        // can wait until it has a say.
        Ok(PolicyDocument(pool().deferred(decoder.str()?)))
    }
}
