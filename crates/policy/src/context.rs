//! Condition keys of a request and their values.

use std::borrow::Cow;

use crate::principal::Principal;

/// Where the condition keys of a request come from.
///
/// Only keys that a policy asks for are looked up, so that an implementation may compute values when
/// they are needed. [`Context`] is the plain one, which holds them all.
pub trait ConditionKeys {
    /// The value of a key, whose name is given in lower case; none if the request has no such key.
    fn value(&self, key: &str) -> Option<Value<'_>>;
}

/// The value of a condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Of a single-valued key.
    One(Cow<'a, str>),
    /// Of a multivalued key; empty is as good as absent.
    Many(Cow<'a, [Box<str>]>),
}

impl Value<'_> {
    /// The values, one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Value::One(value) => (Some(&**value), &[][..]),
            Value::Many(values) => (None, &**values),
        };
        one.into_iter().chain(many.iter().map(|value| &**value))
    }

    /// Whether the value is an empty text, or a list of such.
    pub(crate) fn is_null(&self) -> bool {
        self.iter().all(str::is_empty)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Value<'a> {
        Value::One(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::One(Cow::Owned(text))
    }
}

/// The value of a key that is really there: an empty list is no value.
pub(crate) fn present<'a>(keys: &'a dyn ConditionKeys, key: &str) -> Option<Value<'a>> {
    keys.value(key).filter(|value| match value {
        Value::One(_) => true,
        Value::Many(values) => !values.is_empty(),
    })
}

/// The condition keys of one request, all at hand. Letter case of key names does not count.
///
/// ```
/// let mut context = iamd_policy::Context::default();
/// context.set("aws:SourceIp", "10.0.0.1");
/// context.set_list("aws:TagKeys", ["team", "cost"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Context {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// In lower case.
    key: Box<str>,
    value: Kept,
}

#[derive(Debug, Clone)]
enum Kept {
    One(Box<str>),
    Many(Box<[Box<str>]>),
}

impl Kept {
    fn value(&self) -> Value<'_> {
        match self {
            Kept::One(value) => Value::One(Cow::Borrowed(value)),
            Kept::Many(values) => Value::Many(Cow::Borrowed(values)),
        }
    }
}

impl ConditionKeys for Context {
    fn value(&self, key: &str) -> Option<Value<'_>> {
        let entry = self.entries.iter().find(|entry| *entry.key == *key)?;
        Some(entry.value.value())
    }
}

impl Context {
    /// Gives a single-valued key its value, in place of an earlier one.
    pub fn set(&mut self, key: impl AsRef<str>, value: impl Into<Box<str>>) {
        self.put(key.as_ref(), Kept::One(value.into()));
    }

    /// Gives a multivalued key its values, in place of earlier ones.
    pub fn set_list<'v>(
        &mut self,
        key: impl AsRef<str>,
        values: impl IntoIterator<Item = &'v str>,
    ) {
        self.put(key.as_ref(), Kept::Many(values.into_iter().map(Into::into).collect()));
    }

    /// Whether the key has a value.
    pub fn contains(&self, key: &str) -> bool {
        present(self, &key.to_lowercase()).is_some()
    }

    /// The keys, in lower case, and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.entries.iter().map(|entry| (&*entry.key, entry.value.value()))
    }

    /// Adds the keys that follow from who asks, unless they are there already.
    ///
    /// Source: IAM User Guide, "Principal key values".
    pub fn add_principal_keys(&mut self, principal: &Principal) {
        for key in Principal::KEYS {
            if let Some(value) = principal.value(key).filter(|_| !self.contains(key)) {
                self.set(key, value.into_owned());
            }
        }
    }

    fn put(&mut self, key: &str, value: Kept) {
        // Most keys are in lower case already.
        let is_lower = key.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        let key: Box<str> = if is_lower { key.into() } else { key.to_lowercase().into() };
        match self.entries.iter_mut().find(|entry| *entry.key == *key) {
            Some(entry) => entry.value = value,
            None => self.entries.push(Entry { key, value }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_of_keys_does_not_count() {
        let mut context = Context::default();
        context.set("aws:ResourceTag/Team", "a");
        context.set("AWS:resourcetag/team", "b");
        assert_eq!(present(&context, "aws:resourcetag/team"), Some(Value::from("b")));
        assert!(context.contains("aws:RESOURCETAG/TEAM") && !context.contains("aws:ResourceTag/x"));
        assert_eq!(context.iter().count(), 1);
    }

    #[test]
    fn an_empty_list_is_no_value() {
        let mut context = Context::default();
        context.set_list("aws:TagKeys", []);
        assert_eq!(present(&context, "aws:tagkeys"), None);
        context.set_list("aws:TagKeys", ["a"]);
        assert!(present(&context, "aws:tagkeys").is_some());
    }
}
