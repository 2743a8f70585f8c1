//! The condition keys of a simulation.

use std::collections::BTreeMap;

use iamd_policy::{ConditionKeys, Value, ValueKind};
use iamd_wire::iam::{ContextEntry, ContextKeyTypeEnum};

use super::caller::SimulatedCaller;
use super::invalid;
use crate::refusal::Refusal;

/// What the request says of the context, then what follows from the caller.
#[derive(Debug)]
pub(super) struct SimulatedKeys<'a> {
    /// By names in lower case.
    given: BTreeMap<String, Box<[Box<str>]>>,
    caller: &'a SimulatedCaller,
}

impl<'a> SimulatedKeys<'a> {
    /// Reads the entries of a request.
    ///
    /// # Errors
    /// `InvalidInput` for an entry without a name, or a value that is not of its type.
    pub(super) fn read(
        entries: &[ContextEntry],
        caller: &'a SimulatedCaller,
    ) -> Result<SimulatedKeys<'a>, Refusal> {
        let mut given = BTreeMap::new();
        for entry in entries {
            let Some(name) = &entry.context_key_name else {
                return Err(invalid("Invalid Context Entry: ContextKeyName is missing."));
            };
            let values = entry.context_key_values.as_deref().unwrap_or_default();
            let kind = entry.context_key_type.map_or(ValueKind::String, kind_of);
            if let Some(wrong) = values.iter().find(|value| !kind.reads(value)) {
                // CHOICE: AWS documents no text.
                let message = format!("Invalid Context Entry: {wrong} is no value for {name}.");
                return Err(invalid(message));
            }
            let values = values.iter().map(|value| value.as_str().into()).collect();
            given.insert(name.to_lowercase(), values);
        }
        Ok(SimulatedKeys { given, caller })
    }

    /// Which of these keys have no value.
    pub(super) fn missing(&self, keys: Vec<String>) -> Vec<String> {
        let has_value = |key: &String| {
            self.value(&key.to_lowercase()).is_some_and(|value| value.iter().next().is_some())
        };
        keys.into_iter().filter(|key| !has_value(key)).collect()
    }
}

impl ConditionKeys for SimulatedKeys<'_> {
    fn value(&self, key: &str) -> Option<Value<'_>> {
        match self.given.get(key).map(|values| &**values) {
            Some([value]) => Some(Value::from(&**value)),
            Some(values) => Some(Value::Many(values.into())),
            None => self.caller.value(key).map(Value::from),
        }
    }
}

fn kind_of(kind: ContextKeyTypeEnum) -> ValueKind {
    use ContextKeyTypeEnum as Type;
    match kind {
        Type::String | Type::StringList => ValueKind::String,
        Type::Numeric | Type::NumericList => ValueKind::Numeric,
        Type::Boolean | Type::BooleanList => ValueKind::Boolean,
        Type::Ip | Type::IpList => ValueKind::Ip,
        Type::Binary | Type::BinaryList => ValueKind::Binary,
        Type::Date | Type::DateList => ValueKind::Date,
    }
}
