//! The policy of a form: what its signer lets others upload.
//!
//! Source: S3 API Reference, "POST Policy": "Expiration", "Condition matching", "Conditions".

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Form;
use crate::Timestamp;
use crate::route::S3Error;

/// Fields that no condition needs to name. The file is not among the fields.
const EXCEPTED: [&str; 2] = ["policy", "x-amz-signature"];
/// What names of further fields begin with that no condition needs to name.
const IGNORED: &str = "x-ignore-";
/// The bucket, which a condition has to name as if it were a field.
const BUCKET: &str = "bucket";

/// A policy as its author signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostPolicy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Equals { field: String, value: String },
    StartsWith { field: String, value: String },
    LengthRange { min: u64, max: u64 },
}

impl PostPolicy {
    /// Reads the field `policy`: JSON in Base64.
    ///
    /// # Errors
    /// `InvalidPolicyDocument`.
    pub fn parse(field: &str) -> Result<PostPolicy, S3Error> {
        let json = STANDARD.decode(field).map_err(|_| invalid("Invalid Base64 encoding."))?;
        let document: Document = serde_json::from_slice(&json).map_err(|error| {
            let error = error.to_string();
            let known = ["Invalid ", "Unexpected"].iter().any(|start| error.starts_with(start));
            invalid(if known { &error } else { "Invalid JSON." })
        })?;
        let is_basic = document.expiration.ends_with('Z') && document.expiration.contains('T');
        let expiration = document.expiration.parse().ok().filter(|_| is_basic);
        let message = format!("Invalid 'expiration' value: '{}'", document.expiration);
        let expiration = expiration.ok_or_else(|| invalid(&message))?;
        Ok(PostPolicy { expiration, conditions: document.conditions })
    }

    /// Whether a form for this bucket is one that the policy lets pass, but for its length.
    ///
    /// # Errors
    /// `AccessDenied`, with what does not hold.
    pub fn check(&self, form: &Form, bucket: &str, now: Timestamp) -> Result<(), S3Error> {
        if self.expiration <= now {
            return Err(denied("Policy expired."));
        }
        let claimed = form.field(BUCKET).unwrap_or(bucket);
        let value = |field: &str| match field {
            BUCKET => Some(bucket).filter(|bucket| *bucket == claimed),
            field => form.field(field),
        };
        if let Some(failed) = self.conditions.iter().find(|condition| !condition.holds(value)) {
            return Err(denied(&format!("Policy Condition failed: {failed}")));
        }
        let is_named = |name: &str| self.conditions.iter().any(|one| one.field() == Some(name));
        let is_excepted = |name: &str| EXCEPTED.contains(&name) || name.starts_with(IGNORED);
        let names = form.fields().map(|(name, _)| name).filter(|name| *name != BUCKET);
        let extra: Vec<&str> =
            names.chain([BUCKET]).filter(|name| !is_named(name) && !is_excepted(name)).collect();
        if extra.is_empty() {
            return Ok(());
        }
        Err(denied(&format!("Extra input fields: {}", extra.join(", "))))
    }

    /// Whether a file may have this many bytes.
    ///
    /// # Errors
    /// `EntityTooLarge`, `EntityTooSmall`.
    pub fn check_length(&self, length: u64) -> Result<(), S3Error> {
        for condition in &self.conditions {
            let Condition::LengthRange { min, max } = condition else { continue };
            if length > *max {
                let message = "Your proposed upload exceeds the maximum allowed size";
                return Err(S3Error::new("EntityTooLarge", message));
            }
            if length < *min {
                let message = "Your proposed upload is smaller than the minimum allowed size";
                return Err(S3Error::new("EntityTooSmall", message));
            }
        }
        Ok(())
    }
}

impl Condition {
    /// The field that it is about, in lower case.
    fn field(&self) -> Option<&str> {
        match self {
            Condition::Equals { field, .. } | Condition::StartsWith { field, .. } => Some(field),
            Condition::LengthRange { .. } => None,
        }
    }

    /// Whether it holds. The length of the file is not known yet.
    fn holds<'f>(&self, value: impl Fn(&str) -> Option<&'f str>) -> bool {
        match self {
            Condition::Equals { field, value: wanted } => value(field) == Some(wanted.as_str()),
            // A list of types has to hold in each of them.
            Condition::StartsWith { field, value: start } if field == "content-type" => {
                let all = |types: &str| types.split(',').all(|one| one.trim().starts_with(start));
                value(field).is_some_and(all)
            }
            Condition::StartsWith { field, value: start } => {
                value(field).is_some_and(|value| value.starts_with(start.as_str()))
            }
            Condition::LengthRange { .. } => true,
        }
    }
}

/// As policies write it.
impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, field, value) = match self {
            Condition::Equals { field, value } => ("eq", field, value),
            Condition::StartsWith { field, value } => ("starts-with", field, value),
            Condition::LengthRange { min, max } => {
                return write!(formatter, "[\"content-length-range\", {min}, {max}]");
            }
        };
        let value = serde_json::Value::from(value.as_str());
        write!(formatter, "[\"{word}\", \"${field}\", {value}]")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    expiration: String,
    conditions: Vec<Condition>,
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Condition, D::Error> {
        deserializer.deserialize_any(ConditionVisitor)
    }
}

struct ConditionVisitor;

impl<'de> Visitor<'de> for ConditionVisitor {
    type Value = Condition;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a condition")
    }

    /// `{"acl": "private"}`
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Condition, A::Error> {
        let one = || {
            let message = "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.";
            de::Error::custom(message)
        };
        let (field, value) = map.next_entry::<String, String>()?.ok_or_else(one)?;
        if map.next_entry::<String, String>()?.is_some() {
            return Err(one());
        }
        Ok(Condition::Equals { field: field.to_ascii_lowercase(), value })
    }

    /// `["eq", "$acl", "private"]`, `["starts-with", "$key", "a/"]`, `["content-length-range", 1, 9]`
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Condition, A::Error> {
        let invalid = || de::Error::custom("Invalid Condition.");
        let word: String = list.next_element()?.ok_or_else(invalid)?;
        let condition = if word == "content-length-range" {
            let mut number = || list.next_element::<Number>()?.ok_or_else(invalid);
            Condition::LengthRange { min: number()?.0, max: number()?.0 }
        } else {
            let mut text = || list.next_element::<String>()?.ok_or_else(invalid);
            let (field, value) = (text()?, text()?);
            let field = field.strip_prefix('$').ok_or_else(invalid)?.to_ascii_lowercase();
            match &*word {
                "eq" => Condition::Equals { field, value },
                "starts-with" => Condition::StartsWith { field, value },
                _ => return Err(invalid()),
            }
        };
        match list.next_element::<de::IgnoredAny>()? {
            None => Ok(condition),
            Some(_) => Err(invalid()),
        }
    }
}

/// A length, which some write as a text.
struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a length")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse().ok().filter(|_| is_decimal);
                number.map(Number).ok_or_else(|| E::custom("Invalid Condition."))
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}

fn invalid(what: &str) -> S3Error {
    // Where in the text it is, the author of the policy need not tell others.
    let what = what.split(" at line ").next().unwrap_or_default();
    S3Error::new("InvalidPolicyDocument", format!("Invalid Policy: {what}"))
}

fn denied(what: &str) -> S3Error {
    S3Error::new("AccessDenied", format!("Invalid according to Policy: {what}"))
}
