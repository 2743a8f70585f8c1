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
    /// One of each hash: another text with the same hash is not shared, which is all that it lacks.
    by_hash: HashMap<u64, Weak<Content>>,
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

    /// The document of a text that was parsed before it was stored: the one that is in use, or one
    /// that is read when it is first asked, as [`Document::deferred`].
    pub fn deferred(&self, text: &str) -> Document {
        let mut known = self.lock();
        known.find(text).unwrap_or_else(|| {
            let document = Document::deferred(text);
            known.insert(&document);
            document
        })
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
        let document = same_hash.upgrade().map(Document::of_content);
        document.filter(|document| document.source() == text)
    }

    fn insert(&mut self, document: &Document) {
        if self.by_hash.len() >= self.entries_max.max(ENTRIES_MIN) {
            self.by_hash.retain(|_, document| document.strong_count() > 0);
            self.entries_max = self.by_hash.len() * 2;
        }
        let key = hash(document.source().as_bytes());
        let known = self.by_hash.entry(key).or_default();
        if known.strong_count() == 0 {
            *known = document.weak();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Policies, PolicySet, Principal, Request, decide};

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
    fn a_deferred_document_says_what_its_text_says() {
        let pool = DocumentPool::default();
        let source = r#"{"Statement":{"Sid":"one","Effect":"Allow","Action":"*","Resource":"*"}}"#;
        let deferred = pool.deferred(source);
        assert!(pool.parse(source).unwrap().is_same(&deferred));
        let sids: Vec<_> = deferred.statements().map(|statement| statement.sid()).collect();
        assert_eq!(sids, [Some("one")]);
    }

    /// Whoever has this identity policy beside one that allows everything: is he allowed, as a user
    /// and by a resource's policy?
    fn allowed_beside(document: Document) -> [bool; 2] {
        let all = r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let everybody =
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
        let principal = Principal::User {
            arn: "arn:aws:iam::111122223333:user/ana".to_owned(),
            unique_id: String::new(),
            has_boundary: false,
        };
        let mut context = Context::default();
        context.add_principal_keys(&principal);
        let request = Request {
            principal: &principal,
            action: "s3:GetObject",
            resource: "arn:aws:s3:::bucket/key",
            resource_account: None,
            context: &context,
        };
        let with = |text| -> PolicySet {
            let other = Document::parse(text).unwrap();
            [("it".into(), document.clone()), ("other".into(), other)].into_iter().collect()
        };
        let (identity, resource) = (with(all), with(everybody));
        let references = [&identity];
        let by_identity = Policies { identity: Some(&references), ..Policies::default() };
        let by_resource = Policies { resource: Some(&resource), ..Policies::default() };
        [by_identity, by_resource].map(|policies| decide(&request, &policies).is_allowed())
    }

    #[test]
    fn a_deferred_document_without_a_meaning_denies() {
        assert_eq!(allowed_beside(Document::deferred(r#"{"Statement":[]}"#)), [true; 2]);
        assert_eq!(allowed_beside(Document::deferred("{")), [false; 2]);
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
