//! A record of an audit trail, as far as it says who used what.
//!
//! Source: CloudTrail User Guide, "CloudTrail record contents" and "CloudTrail userIdentity element".

use iamd_policy::generate::Parameter;
use serde::de::{IgnoredAny, MapAccess};
use serde_json::Value;

/// Deepest value of `requestParameters` that is looked at.
const DEPTH_MAX: usize = 8;
/// Most values of one record.
const PARAMETERS_MAX: usize = 10_000;

/// A record.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) event_name: String,
    pub(super) event_source: String,
    pub(super) event_time: String,
    pub(super) event_type: String,
    pub(super) region: String,
    pub(super) error_code: Option<String>,
    user_identity: Value,
    request_parameters: Value,
    resources: Value,
    additional: Value,
}

/// A decision that a gateway has written into its record.
pub(super) struct Decision<'r> {
    pub(super) action: &'r str,
    pub(super) resource: &'r str,
    pub(super) is_allowed: bool,
}

impl Record {
    /// Takes in a member; what does not matter is passed over.
    pub(super) fn take<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match name {
            "eventName" => self.event_name = map.next_value()?,
            "eventSource" => self.event_source = map.next_value()?,
            "eventTime" => self.event_time = map.next_value()?,
            "eventType" => self.event_type = map.next_value()?,
            "awsRegion" => self.region = map.next_value()?,
            "errorCode" => self.error_code = map.next_value()?,
            "userIdentity" => self.user_identity = map.next_value()?,
            "requestParameters" => self.request_parameters = map.next_value()?,
            "resources" => self.resources = map.next_value()?,
            "additionalEventData" => self.additional = map.next_value()?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    /// Whether nothing was taken in that a record has.
    pub(super) fn is_empty(&self) -> bool {
        self.event_name.is_empty() && self.user_identity.is_null()
    }

    /// Whether it says what was done.
    pub(super) fn is_named(&self) -> bool {
        !self.event_name.is_empty()
    }

    /// The ARN of whoever called.
    pub(super) fn caller(&self) -> Option<&str> {
        self.user_identity.get("arn").and_then(Value::as_str)
    }

    /// The ARN of the role or user whose session called.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.user_identity.pointer("/sessionContext/sessionIssuer/arn").and_then(Value::as_str)
    }

    /// What the request said, by the names in lower case.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        add("", &self.request_parameters, 0, &mut parameters);
        parameters
    }

    /// The ARNs of the resources that the record names.
    pub(super) fn resources(&self) -> Vec<String> {
        let resources = self.resources.as_array().into_iter().flatten();
        let arns = resources.filter_map(|resource| {
            let arn = resource.get("ARN").or_else(|| resource.get("arn"))?;
            arn.as_str().map(str::to_owned)
        });
        arns.take(PARAMETERS_MAX).collect()
    }

    /// The decisions that led to the request, where the record has them.
    pub(super) fn decisions(&self) -> Vec<Decision<'_>> {
        let decisions = self.additional.get("decisions").and_then(Value::as_array);
        let read = |decision| {
            let text = |name| Value::get(decision, name).and_then(Value::as_str);
            Some(Decision {
                action: text("action")?,
                resource: text("resource")?,
                is_allowed: text("decision")? == "allowed",
            })
        };
        decisions.into_iter().flatten().filter_map(read).collect()
    }

    /// A text of `requestParameters`.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.request_parameters.get(name).and_then(Value::as_str)
    }
}

/// Adds a value and all in it. Of lists in objects, the names are those of the objects' members.
///
/// INVARIANT: not deeper than `DEPTH_MAX`.
fn add(name: &str, value: &Value, depth: usize, parameters: &mut Vec<Parameter>) {
    if depth > DEPTH_MAX || parameters.len() >= PARAMETERS_MAX {
        return;
    }
    let mut push = |value: String| {
        let depth = depth.saturating_sub(1);
        parameters.push(Parameter { name: name.to_ascii_lowercase(), value, depth });
    };
    match value {
        Value::Null => {}
        Value::Bool(truth) => push(truth.to_string()),
        Value::Number(number) => push(number.to_string()),
        Value::String(text) => push(text.clone()),
        Value::Array(values) if !values.is_empty() => {
            push(String::new());
            values.iter().for_each(|value| add(name, value, depth + 1, parameters));
        }
        Value::Object(members) if !members.is_empty() => {
            if depth > 0 {
                push(String::new());
            }
            for (name, value) in members {
                add(name, value, depth + 1, parameters);
            }
        }
        Value::Array(_) | Value::Object(_) => {}
    }
}
