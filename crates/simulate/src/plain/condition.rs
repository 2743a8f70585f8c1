//! Conditions, by the tables of the guide.

use serde_json::Value;

use super::statement::arn_fields;
use super::text::{expanded, fits, held};
use crate::case::{Held, Question};

/// Whether the element is true; one that is malformed never is.
pub(super) fn holds(element: Option<&Value>, variables: bool, question: &Question) -> bool {
    let Some(element) = element else { return true };
    let Value::Object(operators) = element else { return false };
    let well_formed = operators.iter().all(|(operator, keys)| {
        is_operator(operator)
            && keys.as_object().is_some_and(|keys| keys.values().all(|v| scalars(v).is_some()))
    });
    well_formed
        && operators.iter().all(|(operator, keys)| {
            keys.as_object().into_iter().flatten().all(|(key, values)| {
                one_holds(operator, key, &scalars(values).unwrap_or_default(), variables, question)
            })
        })
}

fn scalars(value: &Value) -> Option<Vec<String>> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(one).collect(),
        value => one(value).map(|text| vec![text]),
    }
}

const BASES: [&str; 27] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

fn parts(operator: &str) -> (&str, &str, bool) {
    let (quantifier, rest) = operator.split_once(':').unwrap_or(("", operator));
    match rest.strip_suffix("IfExists") {
        Some(base) => (quantifier, base, true),
        None => (quantifier, rest, false),
    }
}

fn is_operator(operator: &str) -> bool {
    let (quantifier, base, if_exists) = parts(operator);
    ["", "ForAllValues", "ForAnyValue"].contains(&quantifier)
        && !(operator.contains(':') && quantifier.is_empty())
        && BASES.contains(&base)
        && (base != "Null" || (quantifier.is_empty() && !if_exists))
}

fn one_holds(
    operator: &str,
    key: &str,
    wanted: &[String],
    variables: bool,
    question: &Question,
) -> bool {
    let (quantifier, base, if_exists) = parts(operator);
    let negated = base.contains("Not");
    let value = held(question, key);
    if base == "Null" {
        return wanted.iter().any(|wanted| {
            wanted.eq_ignore_ascii_case(if value.is_none() { "true" } else { "false" })
        });
    }
    let Some(value) = value else {
        return match quantifier {
            "ForAllValues" => true,
            "ForAnyValue" => if_exists,
            _ => if_exists || negated,
        };
    };
    let values: Vec<&String> = match value {
        Held::One(value) => vec![value],
        Held::Many(values) => values.iter().collect(),
    };
    let item = |value: &String| {
        // None: one side cannot be read.
        let tests: Vec<Option<bool>> =
            wanted.iter().map(|wanted| test(base, value, wanted, variables, question)).collect();
        if negated {
            readable(base, value) && tests.iter().all(|test| *test == Some(false))
        } else {
            readable(base, value) && tests.contains(&Some(true))
        }
    };
    match quantifier {
        "ForAllValues" if values.iter().all(|value| value.is_empty()) => true,
        "ForAllValues" => values.iter().all(|value| item(value)),
        "ForAnyValue" if values.iter().all(|value| value.is_empty()) => if_exists,
        "ForAnyValue" => values.iter().any(|value| item(value)),
        _ if negated => values.iter().all(|value| item(value)),
        _ => values.iter().any(|value| item(value)),
    }
}

fn readable(base: &str, value: &str) -> bool {
    if base.starts_with("Numeric") {
        number(value).is_some()
    } else if base.starts_with("Date") {
        date(value).is_some()
    } else if base.contains("IpAddress") {
        value.parse::<std::net::IpAddr>().is_ok()
    } else if base.starts_with("Arn") {
        value.starts_with("arn:") && value.split(':').count() >= 6
    } else if base == "Bool" {
        value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
    } else {
        true
    }
}

/// Whether a value fits what the operator wants, negation aside; none if the policy's side cannot
/// be read.
fn test(
    base: &str,
    value: &str,
    wanted: &str,
    variables: bool,
    question: &Question,
) -> Option<bool> {
    let positive = base.replace("Not", "");
    let text = |wild| expanded(wanted, wild, variables, question);
    let literal = || {
        text(false).map(|marks| {
            marks
                .iter()
                .map(|mark| match mark {
                    super::text::Mark::Plain(c) => *c,
                    _ => ' ',
                })
                .collect::<String>()
        })
    };
    match positive.as_str() {
        "StringEquals" => Some(literal().as_deref() == Some(value)),
        "StringEqualsIgnoreCase" => {
            Some(literal().is_some_and(|text| text.to_lowercase() == value.to_lowercase()))
        }
        "StringLike" => Some(text(true).is_some_and(|pattern| fits(&pattern, value))),
        "Bool" => {
            let wanted = literal()?;
            let is_truth =
                wanted.eq_ignore_ascii_case("true") || wanted.eq_ignore_ascii_case("false");
            is_truth.then(|| wanted.eq_ignore_ascii_case(value))
        }
        "ArnEquals" | "ArnLike" => {
            let Some(pattern) = text(true) else { return Some(false) };
            let fields = arn_fields(&pattern)?;
            Some(fields.iter().zip(value.splitn(6, ':')).all(|(field, own)| fits(field, own)))
        }
        "IpAddress" => network(wanted).map(|(base, bits)| contains(base, bits, value)),
        // The generator writes Base64 in canonical form only.
        "BinaryEquals" => Some(value == wanted),
        _ => {
            let (ordering, name) = if let Some(name) = positive.strip_prefix("Numeric") {
                let wanted = number(wanted)?;
                (number(value)?.partial_cmp(&wanted)?, name.to_owned())
            } else {
                let wanted = date(wanted)?;
                (date(value)?.cmp(&wanted), positive.strip_prefix("Date")?.to_owned())
            };
            Some(match name.as_str() {
                "Equals" => ordering.is_eq(),
                "LessThan" => ordering.is_lt(),
                "LessThanEquals" => ordering.is_le(),
                "GreaterThan" => ordering.is_gt(),
                "GreaterThanEquals" => ordering.is_ge(),
                _ => return None,
            })
        }
    }
}

/// The generator's numbers are short: floating point is exact for them.
fn number(text: &str) -> Option<f64> {
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    text.parse().ok().filter(|_| plain)
}

/// The generator's dates: epoch seconds, days, or times in UTC.
fn date(text: &str) -> Option<i64> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (day, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let day: Vec<i64> = day.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let time: Vec<i64> =
        time.strip_suffix('Z')?.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let ([year, month, day], [hour, minute, second]) = (day.as_slice(), time.as_slice()) else {
        return None;
    };
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let lengths = [31, if leap(*year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut days: i64 = (1970..*year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    days += lengths.iter().take(usize::try_from(month - 1).ok()?).sum::<i64>() + day - 1;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn network(text: &str) -> Option<(u32, u32)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, bits.parse().ok()?),
        None => (text, 32),
    };
    let address: std::net::Ipv4Addr = address.parse().ok()?;
    (bits <= 32).then_some((u32::from(address), bits))
}

fn contains(base: u32, bits: u32, value: &str) -> bool {
    let Ok(address) = value.parse::<std::net::Ipv4Addr>() else { return false };
    let mask = if bits == 0 { 0 } else { u32::MAX << (32 - bits) };
    u32::from(address) & mask == base & mask
}
