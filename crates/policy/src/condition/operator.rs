//! Condition operators. Source: IAM User Guide, "IAM JSON policy elements: Condition operators".

/// A condition operator with its prefix and suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(super) relation: Relation,
    pub(super) negated: bool,
    pub(super) quantifier: Quantifier,
    pub(super) if_exists: bool,
}

/// How a set operator reads several values of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantifier {
    None,
    ForAllValues,
    ForAnyValue,
}

/// What an operator asks, negation aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    IpAddress,
    Arn,
    Null,
}

/// Which order of two values an operator asks for, the request's value on the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    pub(super) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Order::Equal => ordering.is_eq(),
            Order::Less => ordering.is_lt(),
            Order::LessOrEqual => ordering.is_le(),
            Order::Greater => ordering.is_gt(),
            Order::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Operator {
    /// The operator of this name; none if there is no such operator. Letter case counts.
    pub(crate) fn parse(name: &str) -> Option<Operator> {
        let (quantifier, rest) = match name.split_once(':') {
            None => (Quantifier::None, name),
            Some(("ForAllValues", rest)) => (Quantifier::ForAllValues, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::ForAnyValue, rest),
            Some(_) => return None,
        };
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (relation, negated) = relation(base)?;
        let plain = quantifier == Quantifier::None && !if_exists;
        (relation != Relation::Null || plain).then_some(Operator {
            relation,
            negated,
            quantifier,
            if_exists,
        })
    }
}

fn relation(name: &str) -> Option<(Relation, bool)> {
    Some(match name {
        "StringEquals" => (Relation::StringEquals, false),
        "StringNotEquals" => (Relation::StringEquals, true),
        "StringEqualsIgnoreCase" => (Relation::StringEqualsIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => (Relation::StringEqualsIgnoreCase, true),
        "StringLike" => (Relation::StringLike, false),
        "StringNotLike" => (Relation::StringLike, true),
        "ArnEquals" | "ArnLike" => (Relation::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Relation::Arn, true),
        "IpAddress" => (Relation::IpAddress, false),
        "NotIpAddress" => (Relation::IpAddress, true),
        "Bool" => (Relation::Bool, false),
        "BinaryEquals" => (Relation::Binary, false),
        "Null" => (Relation::Null, false),
        _ => {
            let (family, rest): (fn(Order) -> Relation, &str) =
                if let Some(rest) = name.strip_prefix("Numeric") {
                    (Relation::Numeric, rest)
                } else {
                    (Relation::Date, name.strip_prefix("Date")?)
                };
            let (order, negated) = order(rest)?;
            (family(order), negated)
        }
    })
}

fn order(name: &str) -> Option<(Order, bool)> {
    Some(match name {
        "Equals" => (Order::Equal, false),
        "NotEquals" => (Order::Equal, true),
        "LessThan" => (Order::Less, false),
        "LessThanEquals" => (Order::LessOrEqual, false),
        "GreaterThan" => (Order::Greater, false),
        "GreaterThanEquals" => (Order::GreaterOrEqual, false),
        _ => return None,
    })
}
