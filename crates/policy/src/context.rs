//! Condition keys of a request and their values.

use crate::principal::Principal;

/// The condition keys of one request. Letter case of key names does not count.
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
    value: Value,
}

/// The value of a condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of a single-valued key.
    One(Box<str>),
    /// Of a multivalued key; empty is as good as absent.
    Many(Vec<Box<str>>),
}

impl Value {
    /// The values, one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Value::One(value) => (Some(&**value), &[][..]),
            Value::Many(values) => (None, values.as_slice()),
        };
        one.into_iter().chain(many.iter().map(|value| &**value))
    }

    /// Whether the value is an empty text or an empty list.
    pub(crate) fn is_null(&self) -> bool {
        match self {
            Value::One(value) => value.is_empty(),
            Value::Many(values) => values.iter().all(|value| value.is_empty()),
        }
    }
}

impl Context {
    /// Gives a single-valued key its value, in place of an earlier one.
    pub fn set(&mut self, key: impl AsRef<str>, value: impl Into<Box<str>>) {
        self.put(key.as_ref(), Value::One(value.into()));
    }

    /// Gives a multivalued key its values, in place of earlier ones.
    pub fn set_list<'v>(
        &mut self,
        key: impl AsRef<str>,
        values: impl IntoIterator<Item = &'v str>,
    ) {
        self.put(key.as_ref(), Value::Many(values.into_iter().map(Into::into).collect()));
    }

    /// Whether the key has a value.
    pub fn contains(&self, key: &str) -> bool {
        self.get(&key.to_lowercase()).is_some()
    }

    /// The keys, in lower case, and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|entry| (&*entry.key, &entry.value))
    }

    /// Adds the keys that follow from who asks, unless they are there already.
    ///
    /// Source: IAM User Guide, "Principal key values".
    pub fn add_principal_keys(&mut self, principal: &Principal) {
        principal.each_key(|key, value| {
            if !self.contains(key) {
                self.set(key, value);
            }
        });
    }

    /// The value of a key given in lower case; an empty list is no value.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        let entry = self.entries.iter().find(|entry| *entry.key == *key)?;
        match &entry.value {
            Value::Many(values) if values.is_empty() => None,
            value => Some(value),
        }
    }

    /// The value of a single-valued key given in lower case.
    pub(crate) fn single(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::One(value) => Some(value),
            Value::Many(_) => None,
        }
    }

    fn put(&mut self, key: &str, value: Value) {
        let key = key.to_lowercase();
        match self.entries.iter_mut().find(|entry| *entry.key == *key) {
            Some(entry) => entry.value = value,
            None => self.entries.push(Entry { key: key.into(), value }),
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
        assert_eq!(context.single("aws:resourcetag/team"), Some("b"));
        assert!(context.contains("aws:RESOURCETAG/TEAM") && !context.contains("aws:ResourceTag/x"));
        assert_eq!(context.iter().count(), 1);
    }

    #[test]
    fn an_empty_list_is_no_value() {
        let mut context = Context::default();
        context.set_list("aws:TagKeys", []);
        assert_eq!(context.get("aws:tagkeys"), None);
        context.set_list("aws:TagKeys", ["a"]);
        assert!(context.get("aws:tagkeys").is_some());
        assert_eq!(context.single("aws:tagkeys"), None);
    }
}
