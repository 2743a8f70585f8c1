//! The values on the policy's side of a condition, read once.

use std::borrow::Cow;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;

use super::date::Date;
use super::number::Number;
use super::operator::Relation;
use crate::arn::Arn;
use crate::context::{ConditionKeys, Value};
use crate::fold;
use crate::pattern::{Glob, Meaning, Template};
use crate::united::United;

/// The values of one key; what cannot be read is none.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Texts(Box<[Text]>),
    Arns(Box<[ArnText]>),
    Numbers(Box<[Option<Number>]>),
    Dates(Box<[Option<Date>]>),
    Binaries(Box<[Option<Vec<u8>>]>),
    Networks(Box<[Option<IpNet>]>),
    Absences(Box<[Option<bool>]>),
}

/// A text, as literal or wild as its operator lets it be.
#[derive(Debug, Clone)]
pub(super) enum Text {
    Literal(Box<str>),
    Pattern(Glob),
    Variable(Template),
}

/// An ARN with wildcards.
#[derive(Debug, Clone)]
pub(super) enum ArnText {
    Fixed(Option<Box<[Glob; 6]>>),
    Variable(Template),
}

/// What comes of a request's value beside the policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// One of the policy's values fits.
    Matches,
    /// None of them does.
    Differs,
    /// One side cannot be read as what the operator compares.
    Unreadable,
}

impl Operand {
    pub(super) fn new(relation: Relation, values: &[&str], variables: bool) -> Operand {
        let values = values.iter().copied();
        match relation {
            Relation::StringEquals | Relation::StringEqualsIgnoreCase | Relation::Bool => {
                let meaning = Meaning { wildcards: false, variables };
                Operand::Texts(values.map(|value| Text::new(value, meaning)).collect())
            }
            Relation::StringLike => {
                let meaning = Meaning { wildcards: true, variables };
                Operand::Texts(values.map(|value| Text::new(value, meaning)).collect())
            }
            Relation::Arn => {
                Operand::Arns(values.map(|value| ArnText::new(value, variables)).collect())
            }
            Relation::Numeric(_) => Operand::Numbers(values.map(Number::parse).collect()),
            Relation::Date(_) => Operand::Dates(values.map(Date::parse).collect()),
            Relation::Binary => {
                Operand::Binaries(values.map(|value| STANDARD.decode(value).ok()).collect())
            }
            Relation::IpAddress => Operand::Networks(values.map(network).collect()),
            Relation::Null => Operand::Absences(values.map(truth).collect()),
        }
    }

    /// The same with the variables of this request replaced; those without a value stay.
    pub(super) fn resolved(&self, keys: &dyn ConditionKeys) -> Cow<'_, Operand> {
        match self {
            Operand::Texts(texts) if texts.iter().any(|it| matches!(it, Text::Variable(_))) => {
                Cow::Owned(Operand::Texts(texts.iter().map(|text| text.resolved(keys)).collect()))
            }
            Operand::Arns(arns) if arns.iter().any(|it| matches!(it, ArnText::Variable(_))) => {
                Cow::Owned(Operand::Arns(arns.iter().map(|arn| arn.resolved(keys)).collect()))
            }
            Operand::Texts(_)
            | Operand::Arns(_)
            | Operand::Numbers(_)
            | Operand::Dates(_)
            | Operand::Binaries(_)
            | Operand::Networks(_)
            | Operand::Absences(_) => Cow::Borrowed(self),
        }
    }

    /// The patterns among the values as one, if that is quicker for these values of a request.
    pub(super) fn united(&self, value: &Value<'_>) -> Option<United> {
        let Operand::Texts(texts) = self else { return None };
        let patterns = texts.iter().filter_map(|text| match text {
            Text::Pattern(glob) => Some(glob),
            Text::Literal(_) | Text::Variable(_) => None,
        });
        let (count, length) =
            value.iter().fold((0, 0), |(count, length), it| (count + 1, length + it.len()));
        // Most conditions have no pattern at all, and most requests one value.
        if count * texts.len() < 2 {
            return None;
        }
        United::if_quicker(&patterns.collect::<Vec<_>>(), count, length)
    }

    /// For `Null`: whether one of the values asks for this absence or presence.
    pub(super) fn asks_for(&self, absence: bool) -> bool {
        match self {
            Operand::Absences(values) => values.contains(&Some(absence)),
            Operand::Texts(_)
            | Operand::Arns(_)
            | Operand::Numbers(_)
            | Operand::Dates(_)
            | Operand::Binaries(_)
            | Operand::Networks(_) => false,
        }
    }

    /// Compares a value of the request with the policy's values, their variables replaced.
    ///
    /// `united` are all patterns among them, if they are to be matched together.
    pub(super) fn test(&self, relation: Relation, value: &str, united: Option<&United>) -> Test {
        match (self, relation) {
            (Operand::Texts(texts), Relation::Bool) => {
                let Some(value) = truth(value) else { return Test::Unreadable };
                any(texts.iter().map(|text| {
                    let rendered = text.literal().and_then(truth);
                    rendered.map_or(Test::Unreadable, |wanted| matching(wanted == value))
                }))
            }
            (Operand::Texts(texts), Relation::StringEqualsIgnoreCase) => {
                let same = |text: &Text| text.literal().is_some_and(|text| fold::same(text, value));
                any(texts.iter().map(|text| matching(same(text))))
            }
            (Operand::Texts(texts), Relation::StringLike) if united.is_some() => {
                let is_literal = |text: &Text| text.literal() == Some(value);
                let is_wild = united.is_some_and(|united| united.matches(value));
                matching(is_wild || texts.iter().any(is_literal))
            }
            (Operand::Texts(texts), _) => {
                any(texts.iter().map(|text| matching(text.matches(value))))
            }
            (Operand::Arns(arns), _) => {
                let Some(value) = Arn::parse(value) else { return Test::Unreadable };
                any(arns.iter().map(|arn| arn.test(&value)))
            }
            (Operand::Numbers(numbers), Relation::Numeric(order)) => {
                compare(numbers, Number::parse(value), |own, value| order.holds(value.cmp(own)))
            }
            (Operand::Dates(dates), Relation::Date(order)) => {
                compare(dates, Date::parse(value), |own, value| order.holds(value.cmp(own)))
            }
            (Operand::Binaries(binaries), _) => {
                compare(binaries, STANDARD.decode(value).ok(), |own, value| own == value)
            }
            (Operand::Networks(networks), _) => {
                compare(networks, value.parse::<IpAddr>().ok(), |own, value| own.contains(value))
            }
            (Operand::Numbers(_) | Operand::Dates(_) | Operand::Absences(_), _) => Test::Unreadable,
        }
    }
}

impl Text {
    fn new(text: &str, meaning: Meaning) -> Text {
        let template = Template::parse(text, meaning);
        if template.has_variables() { Text::Variable(template) } else { Text::of(&template) }
    }

    /// Of a template without variables.
    fn of(template: &Template) -> Text {
        match template.literal() {
            Some(literal) => Text::Literal(literal.into()),
            None => Text::Pattern(Glob::of(template)),
        }
    }

    fn resolved(&self, keys: &dyn ConditionKeys) -> Text {
        match self {
            Text::Variable(template) => {
                template.resolved(keys).map_or_else(|| self.clone(), |template| Text::of(&template))
            }
            Text::Literal(_) | Text::Pattern(_) => self.clone(),
        }
    }

    fn matches(&self, value: &str) -> bool {
        match self {
            Text::Literal(literal) => **literal == *value,
            Text::Pattern(glob) => glob.matches(value),
            // One of its variables has no value.
            Text::Variable(_) => false,
        }
    }

    /// The text without wildcards; none if a variable has no value.
    fn literal(&self) -> Option<&str> {
        match self {
            Text::Literal(literal) => Some(literal),
            Text::Pattern(_) | Text::Variable(_) => None,
        }
    }
}

impl ArnText {
    fn new(text: &str, variables: bool) -> ArnText {
        let template = Template::parse(text, Meaning { wildcards: true, variables });
        if template.has_variables() {
            ArnText::Variable(template)
        } else {
            ArnText::Fixed(six_fields(&template))
        }
    }

    fn resolved(&self, keys: &dyn ConditionKeys) -> ArnText {
        match self {
            ArnText::Variable(template) => match template.resolved(keys) {
                Some(template) => ArnText::Fixed(six_fields(&template)),
                None => self.clone(),
            },
            ArnText::Fixed(_) => self.clone(),
        }
    }

    fn test(&self, value: &Arn<'_>) -> Test {
        match self {
            ArnText::Fixed(None) => Test::Unreadable,
            ArnText::Fixed(Some(globs)) => {
                matching(globs.iter().zip(value.fields()).all(|(glob, field)| glob.matches(field)))
            }
            // One of its variables has no value: it matches nothing, like any text.
            ArnText::Variable(_) => Test::Differs,
        }
    }
}

/// The fields of an ARN with wildcards; none if it can be no ARN.
fn six_fields(template: &Template) -> Option<Box<[Glob; 6]>> {
    let fields: Vec<Glob> = template.split_at_colons(6).iter().map(Glob::of).collect();
    let fields: Box<[Glob; 6]> = fields.try_into().ok().map(Box::new)?;
    let [first, ..] = &*fields;
    first.matches("arn").then_some(fields)
}

fn compare<T, V>(own: &[Option<T>], value: Option<V>, fits: impl Fn(&T, &V) -> bool) -> Test {
    let Some(value) = value else { return Test::Unreadable };
    any(own.iter().map(|own| match own {
        Some(own) => matching(fits(own, &value)),
        None => Test::Unreadable,
    }))
}

fn matching(fits: bool) -> Test {
    if fits { Test::Matches } else { Test::Differs }
}

/// A match anywhere counts; without one, a value that cannot be read spoils the difference.
fn any(tests: impl Iterator<Item = Test>) -> Test {
    let mut outcome = Test::Differs;
    for test in tests {
        match test {
            Test::Matches => return Test::Matches,
            Test::Unreadable => outcome = Test::Unreadable,
            Test::Differs => {}
        }
    }
    outcome
}

fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A network in CIDR form; an address alone is a network of one.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
