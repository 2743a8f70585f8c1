//! The element `Condition`.
//!
//! Source: IAM User Guide, "Conditions with multiple context keys or values": operators and keys
//! are joined by AND, the values of one key by OR (NOR under a negated operator).

mod date;
mod number;
mod operand;
mod operator;
mod value_kind;

pub(crate) use date::Date;
pub(crate) use number::Number;
pub(crate) use operator::Operator;
pub use value_kind::ValueKind;

use crate::context::{ConditionKeys, present};
use crate::united::United;
use operand::{Operand, Test};
use operator::{Quantifier, Relation};

/// One operator on one key, with its values.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    operator: Operator,
    /// In lower case.
    key: Box<str>,
    operand: Operand,
}

impl Condition {
    /// A condition on a key; `variables` tells whether the document's version knows them.
    pub(crate) fn new(
        operator: Operator,
        key: &str,
        values: &[&str],
        variables: bool,
    ) -> Condition {
        Condition {
            operator,
            key: key.to_lowercase().into(),
            operand: Operand::new(operator.relation, values, variables),
        }
    }

    /// The key, in lower case.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether a request has no value for the key, and the condition does not merely ask that.
    pub(crate) fn misses_key(&self, keys: &dyn ConditionKeys) -> bool {
        self.operator.relation != Relation::Null && present(keys, &self.key).is_none()
    }

    /// Whether the condition is true of a request.
    pub(crate) fn holds(&self, keys: &dyn ConditionKeys) -> bool {
        let value = present(keys, &self.key);
        if self.operator.relation == Relation::Null {
            return self.operand.asks_for(value.is_none());
        }
        let Some(value) = value else { return self.holds_without_value() };
        // Once for all values of the request.
        let operand = self.operand.resolved(keys);
        let united = operand.united(&value);
        let holds = |value| self.holds_for(value, &operand, united.as_ref());
        match self.operator.quantifier {
            // A multivalued key without a set operator: any of its values may match a positive
            // operator, none may match a negated one.
            // CHOICE: undocumented.
            Quantifier::None if self.operator.negated => value.iter().all(holds),
            Quantifier::None => value.iter().any(holds),
            Quantifier::ForAllValues => value.is_null() || value.iter().all(holds),
            // An empty text is no value: as if the key were not there.
            Quantifier::ForAnyValue if value.is_null() => self.operator.if_exists,
            Quantifier::ForAnyValue => value.iter().any(holds),
        }
    }

    fn holds_without_value(&self) -> bool {
        match self.operator.quantifier {
            Quantifier::None => self.operator.if_exists || self.operator.negated,
            Quantifier::ForAllValues => true,
            Quantifier::ForAnyValue => self.operator.if_exists,
        }
    }

    fn holds_for(&self, value: &str, operand: &Operand, united: Option<&United>) -> bool {
        match operand.test(self.operator.relation, value, united) {
            Test::Matches => !self.operator.negated,
            Test::Differs => self.operator.negated,
            // What cannot be read is no missing key: false under a negated operator, too.
            Test::Unreadable => false,
        }
    }
}

#[cfg(test)]
mod tests;
