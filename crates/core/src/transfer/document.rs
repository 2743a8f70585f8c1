//! Policy documents in files.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

/// A policy document as text; two that say the same are equal, however they are laid out.
#[derive(Debug, Clone)]
pub struct Document(pub(super) Box<str>);

impl Document {
    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// From a file: an object, or a string with a document, which may be percent-encoded as answers
    /// of AWS have it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(raw: &RawValue) -> Result<Document, String> {
        let text = raw.get();
        if !text.starts_with('"') {
            return Ok(Document(text.into()));
        }
        let text: String = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if !text.starts_with('%') {
            return Ok(Document(text.into()));
        }
        let decoded = percent_decoded(&text).ok_or("the document is not percent-encoded UTF-8")?;
        Ok(Document(decoded.into()))
    }

    /// For a file: the document itself.
    pub(super) fn written(&self) -> Box<RawValue> {
        // What does not read as JSON cannot be stored; it would be shown as the text that it is.
        let raw = RawValue::from_string(self.0.to_string());
        raw.unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Document) -> bool {
        let value = |document: &Document| serde_json::from_str::<Value>(&document.0).ok();
        self.0 == other.0 || value(self).is_some_and(|one| value(other) == Some(one))
    }
}

/// Puts one account in the place of another, where a text names it: as the account of an ARN, or as
/// a whole string of JSON. Digits inside other words, such as names of buckets, stay.
pub(super) fn moved<'a>(text: &'a str, from: &str, to: &str) -> Cow<'a, str> {
    if from == to || !text.contains(from) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.replace(&format!(":{from}:"), &format!(":{to}:"))
            .replace(&format!("\"{from}\""), &format!("\"{to}\"")),
    )
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}
