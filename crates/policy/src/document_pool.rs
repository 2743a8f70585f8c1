//! One compiled document for every text, however many principals have it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use crate::document::{Content, Document};
use crate::hash::hash;
use crate::json::ParseError;

/// Documents that are in use somewhere, found by their text. What nobody uses any more is forgotten.
#[derive(Default)]
pub struct DocumentPool {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by_hash: HashMap<u64, Vec<Weak<Content>>>,
    /// How many entries there may be before those of unused documents are cleared out.
    entries_max: usize,
}

/// Fewer entries are never cleared out.
const ENTRIES_MIN: usize = 1_024;

impl fmt::Debug for DocumentPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DocumentPool(..)")
    }
}

impl DocumentPool {
    /// The document of a text: the one that is in use, or a new one.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse(&self, text: &str) -> Result<Document, ParseError> {
        if let Some(document) = self.lock().find(text) {
            return Ok(document);
        }
        // Read without the lock: two threads may do it twice, and one of them is kept.
        Document::parse(text).map(|document| self.share(document))
    }

    /// The document in use that has the same text, or this one from now on.
    pub fn share(&self, document: Document) -> Document {
        let mut known = self.lock();
        if let Some(earlier) = known.find(document.source()) {
            return earlier;
        }
        known.insert(&document);
        document
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn find(&self, text: &str) -> Option<Document> {
        let same_hash = self.by_hash.get(&hash(text.as_bytes()))?;
        let documents = same_hash.iter().filter_map(Weak::upgrade).map(Document::of_content);
        documents.into_iter().find(|document| document.source() == text)
    }

    fn insert(&mut self, document: &Document) {
        if self.by_hash.len() >= self.entries_max.max(ENTRIES_MIN) {
            self.by_hash.retain(|_, documents| {
                documents.retain(|document| document.strong_count() > 0);
                !documents.is_empty()
            });
            self.entries_max = self.by_hash.len() * 2;
        }
        let key = hash(document.source().as_bytes());
        self.by_hash.entry(key).or_default().push(document.weak());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: usize) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":[],"Id":"{number}"}}"#)
    }

    #[test]
    fn one_text_is_one_document() {
        let pool = DocumentPool::default();
        let (one, other) = (pool.parse(&text(1)).unwrap(), pool.parse(&text(2)).unwrap());
        let again = pool.share(Document::parse(&text(1)).unwrap());
        assert!(one.is_same(&again) && !one.is_same(&other));
        assert!(pool.parse("{").is_err());
    }

    #[test]
    fn what_nobody_uses_is_forgotten() {
        let pool = DocumentPool::default();
        let kept = pool.parse(&text(0)).unwrap();
        for number in 1..5_000 {
            pool.parse(&text(number)).unwrap();
        }
        assert!(pool.lock().by_hash.len() <= ENTRIES_MIN + 1);
        assert!(pool.parse(&text(0)).unwrap().is_same(&kept));
    }
}
