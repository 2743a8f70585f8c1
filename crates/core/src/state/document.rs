//! Policy documents as the state keeps them.

use std::fmt;

use iamd_policy::Document;

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
        PolicyDocument(document)
    }
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
        Document::parse(decoder.str()?)
            .map(PolicyDocument)
            .map_err(|_| minicbor::decode::Error::message("not a policy document"))
    }
}
