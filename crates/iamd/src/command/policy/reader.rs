//! Policy documents inside of questions, each read once.

use std::collections::HashMap;
use std::sync::Arc;

use iamd_policy::{DOCUMENT_CHARACTERS_MAX, Document, PolicySet};
use serde_json::value::RawValue;

use super::raw::compact;

/// Texts of documents that are kept so that a repeated one is not read again, in bytes.
// CHOICE: a thousand policies of the greatest size that AWS stores fit.
const KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a document that is kept costs beside its text, in bytes, so that empty ones count, too.
const KEPT_BYTES_EACH: usize = 256;

/// Documents by their text, each read once.
#[derive(Default)]
pub(super) struct Reader {
    known: HashMap<Box<str>, Option<Document>>,
    kept_bytes: usize,
}

impl Reader {
    /// The documents of a list; those that are none hold nothing.
    pub(super) fn list(
        &mut self,
        name: &str,
        documents: Option<&[Box<RawValue>]>,
    ) -> Option<PolicySet> {
        documents.map(|documents| self.set(name, documents))
    }

    /// A document that stands alone; none if it is not there.
    pub(super) fn one(&mut self, name: &str, document: Option<&RawValue>) -> Option<PolicySet> {
        let document = self.document(document?);
        Some(document.map(|document| (Arc::from(name), document)).into_iter().collect())
    }

    /// The documents of levels.
    pub(super) fn levels(&mut self, name: &str, levels: &[Vec<Box<RawValue>>]) -> Vec<PolicySet> {
        let numbered = levels.iter().enumerate();
        numbered
            .map(|(level, documents)| self.set(&format!("{name}[{level}]"), documents))
            .collect()
    }

    fn set(&mut self, name: &str, documents: &[Box<RawValue>]) -> PolicySet {
        let named = numbered(name, documents)
            .filter_map(|(name, raw)| Some((Arc::from(name), self.document(raw)?)));
        named.collect()
    }

    /// The document in a JSON value; none if it holds nothing.
    fn document(&mut self, value: &RawValue) -> Option<Document> {
        let raw = value.get();
        if let Some(known) = self.known.get(raw) {
            return known.clone();
        }
        let text = document_text(raw)?;
        let document = Document::parse(&text).ok();
        if raw.len() <= DOCUMENT_CHARACTERS_MAX {
            self.keep(raw, document.clone());
        }
        document
    }

    fn keep(&mut self, raw: &str, document: Option<Document>) {
        let bytes = raw.len() + KEPT_BYTES_EACH;
        if self.kept_bytes + bytes > KEPT_BYTES_MAX {
            self.known.clear();
            self.kept_bytes = 0;
        }
        self.kept_bytes += bytes;
        self.known.insert(raw.into(), document);
    }
}

/// The documents of a list with their names in answers, such as `identity[0]`.
pub(super) fn numbered<'a>(
    name: &str,
    documents: &'a [Box<RawValue>],
) -> impl Iterator<Item = (String, &'a RawValue)> {
    let name = name.to_owned();
    let numbered = documents.iter().enumerate();
    numbered.map(move |(number, raw)| (format!("{name}[{number}]"), &**raw))
}

/// The text of the document in a JSON value, to which lines and columns refer: a string holds it, an
/// object is it, without white space. None for anything else, which is no document.
pub(super) fn document_text(raw: &str) -> Option<String> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok(),
        b'{' => Some(compact(raw)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_kept_is_bounded_and_right() {
        let mut reader = Reader::default();
        let filler = "x".repeat(100_000);
        for number in 0..300 {
            let text = format!(r#"{{"Id":"{number}{filler}","Statement":[{{"Effect":"Allow"}}]}}"#);
            for _ in 0..2 {
                let document = reader.document(&raw(&text)).unwrap();
                assert!(document.source().contains(&format!("\"{number}x")));
            }
            assert!(reader.kept_bytes <= KEPT_BYTES_MAX);
        }
        let lengths: usize = reader.known.keys().map(|raw| raw.len() + KEPT_BYTES_EACH).sum();
        assert_eq!(lengths, reader.kept_bytes);
        assert!(
            reader
                .document(&raw(&format!("\"{}\"", "x".repeat(DOCUMENT_CHARACTERS_MAX))))
                .is_none()
        );
        assert_eq!(lengths, reader.kept_bytes, "a text that is too long is kept");
    }

    #[test]
    fn objects_keep_the_digits_of_numbers_and_strings_their_layout() {
        let text = |json: &str| document_text(raw(json).get());
        assert_eq!(text(r#"{ "a" : [1.50, 2] }"#).as_deref(), Some(r#"{"a":[1.50,2]}"#));
        assert_eq!(text(r#"" {\n}""#).as_deref(), Some(" {\n}"));
        assert_eq!(text("[]"), None);
        assert_eq!(text("7"), None);
    }
}
