//! The elements `Action` and `Resource` and their negations, and what covers what in them.

use iamd_policy::covers;
use serde_json::value::{RawValue, to_raw_value};

/// `Action`, `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Element<P> {
    /// Whether it is the negation.
    pub(super) is_negated: bool,
    /// In order, none needless.
    patterns: Vec<P>,
}

/// A value of an element.
pub(super) trait Pattern: Clone + PartialEq {
    fn parse(text: &str) -> Self;
    /// As it was written.
    fn text(&self) -> &str;
    /// Whether two are the same pattern.
    fn is_same(&self, other: &Self) -> bool;
    /// Whether every request that the other one names is named by this one.
    fn covers(&self, other: &Self) -> bool;
    /// Whether it names every request.
    fn is_everything(&self) -> bool;
    /// Whether it does no more than name requests, in every type of policy and for every request:
    /// there are values that make the whole statement void.
    fn only_names(&self, is_negated: bool) -> bool;
}

impl<P: Pattern> Element<P> {
    /// Reads an element; none unless it is a string or a list of strings with something in it.
    pub(super) fn read(value: &RawValue, is_negated: bool) -> Option<Element<P>> {
        let texts: Vec<String> = match value.get().starts_with('"') {
            true => vec![serde_json::from_str(value.get()).ok()?],
            false => serde_json::from_str(value.get()).ok()?,
        };
        let mut element = Element { is_negated, patterns: Vec::new() };
        texts.iter().for_each(|text| element.add(P::parse(text)));
        (!element.patterns.is_empty()).then_some(element)
    }

    /// As JSON: a string if there is one value.
    pub(super) fn written(&self) -> Result<Box<RawValue>, serde_json::Error> {
        match self.patterns.as_slice() {
            [one] => to_raw_value(one.text()),
            many => to_raw_value(&many.iter().map(Pattern::text).collect::<Vec<_>>()),
        }
    }

    /// Adds a value, and leaves out what becomes needless.
    fn add(&mut self, new: P) {
        let is_negated = self.is_negated;
        let makes_needless = |one: &P, other: &P| {
            one.is_same(other) || (other.only_names(is_negated) && one.covers(other))
        };
        if !self.patterns.iter().any(|known| makes_needless(known, &new)) {
            self.patterns.retain(|known| !makes_needless(&new, known));
            self.patterns.push(new);
        }
    }

    /// Whether the statement that this one stands in may concern every request that the other concerns.
    pub(super) fn concerns_all_of(&self, other: &Element<P>) -> bool {
        if self.is_equal(other) {
            return true;
        }
        // A void statement concerns nothing, so that this one must be sure not to be.
        let is_sure = self.patterns.iter().all(|own| own.only_names(self.is_negated));
        let all_covered = |by: &[P], patterns: &[P]| {
            patterns.iter().all(|pattern| by.iter().any(|wider| wider.covers(pattern)))
        };
        is_sure
            && match (self.is_negated, other.is_negated) {
                (false, false) => all_covered(&self.patterns, &other.patterns),
                (true, true) => all_covered(&other.patterns, &self.patterns),
                (false, true) => self.patterns.iter().any(Pattern::is_everything),
                (true, false) => false,
            }
    }

    /// Whether both say the same, in whatever order.
    pub(super) fn is_equal(&self, other: &Element<P>) -> bool {
        let has = |element: &Element<P>, pattern: &P| {
            element.patterns.iter().any(|known| known.is_same(pattern))
        };
        self.is_negated == other.is_negated
            && self.patterns.len() == other.patterns.len()
            && self.patterns.iter().all(|pattern| has(other, pattern))
            && other.patterns.iter().all(|pattern| has(self, pattern))
    }

    /// Whether two statements that differ in this element alone are one with the values of both.
    pub(super) fn can_take_in(&self, other: &Element<P>) -> bool {
        let both = || self.patterns.iter().chain(&other.patterns);
        !self.is_negated && !other.is_negated && both().all(|pattern| pattern.only_names(false))
    }

    /// Adds the values of another element.
    pub(super) fn take_in(&mut self, other: &Element<P>) {
        other.patterns.iter().for_each(|pattern| self.add(pattern.clone()));
    }
}

/// A value of `Action` or `NotAction`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ActionPattern {
    text: String,
    meaning: ActionMeaning,
}

#[derive(Debug, Clone, PartialEq)]
enum ActionMeaning {
    Everything,
    /// What precedes the colon and what follows it, in lower case: letter case does not count.
    Actions(String, String),
    /// Names no action.
    Nothing,
}

impl Pattern for ActionPattern {
    /// Source: IAM User Guide, "IAM JSON policy elements: Action".
    fn parse(text: &str) -> ActionPattern {
        let lower = text.to_ascii_lowercase();
        let meaning = match lower.split_once(':') {
            None if lower == "*" => ActionMeaning::Everything,
            Some((service, name))
                if !service.is_empty() && !name.is_empty() && !name.contains(':') =>
            {
                ActionMeaning::Actions(service.to_owned(), name.to_owned())
            }
            Some(_) | None => ActionMeaning::Nothing,
        };
        ActionPattern { text: text.to_owned(), meaning }
    }

    fn text(&self) -> &str {
        &self.text
    }

    fn is_same(&self, other: &ActionPattern) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }

    fn covers(&self, other: &ActionPattern) -> bool {
        match (&self.meaning, &other.meaning) {
            // What names nothing stays, so that whoever wrote it sees it.
            (_, ActionMeaning::Nothing) | (ActionMeaning::Nothing, _) => self.is_same(other),
            (ActionMeaning::Everything, _) => true,
            (ActionMeaning::Actions(service, name), ActionMeaning::Actions(others, other)) => {
                covers(service, others) && covers(name, other)
            }
            (ActionMeaning::Actions(..), ActionMeaning::Everything) => false,
        }
    }

    fn is_everything(&self) -> bool {
        self.meaning == ActionMeaning::Everything
    }

    fn only_names(&self, _is_negated: bool) -> bool {
        true
    }
}

/// A value of `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ResourcePattern {
    text: String,
    meaning: ResourceMeaning,
}

#[derive(Debug, Clone, PartialEq)]
enum ResourceMeaning {
    Everything,
    /// A complete ARN.
    Arn {
        /// Partition, service, region and account.
        fields: [String; 4],
        /// What follows the fifth colon, or more than that where there are policy variables.
        resource: String,
        has_variables: bool,
        /// Whether a `*` may stand for the type of a resource, which narrows what is named.
        may_have_wild_type: bool,
    },
    /// An incomplete ARN, of which the meaning differs by type of policy, or none at all.
    Other,
}

impl Pattern for ResourcePattern {
    /// Source: IAM User Guide, "IAM ARNs" and "IAM JSON policy elements: Resource".
    fn parse(text: &str) -> ResourcePattern {
        let meaning = match text {
            "*" => ResourceMeaning::Everything,
            arn => ResourceMeaning::of_arn(arn).unwrap_or(ResourceMeaning::Other),
        };
        ResourcePattern { text: text.to_owned(), meaning }
    }

    fn text(&self) -> &str {
        &self.text
    }

    fn is_same(&self, other: &ResourcePattern) -> bool {
        self.text == other.text
    }

    fn covers(&self, other: &ResourcePattern) -> bool {
        match (&self.meaning, &other.meaning) {
            (ResourceMeaning::Everything, _) => true,
            (
                ResourceMeaning::Arn {
                    fields,
                    resource,
                    has_variables: false,
                    may_have_wild_type: false,
                },
                ResourceMeaning::Arn { fields: other_fields, resource: other_resource, .. },
            ) => {
                covers(resource, other_resource)
                    && fields.iter().zip(other_fields).all(|(own, other)| covers(own, other))
            }
            (ResourceMeaning::Arn { .. } | ResourceMeaning::Other, _) => false,
        }
    }

    fn is_everything(&self) -> bool {
        self.meaning == ResourceMeaning::Everything
    }

    /// An incomplete ARN may void the statement in a control policy. So may a variable without a value
    /// in `NotResource`. Source: IAM User Guide, "Variables and tags".
    fn only_names(&self, is_negated: bool) -> bool {
        match &self.meaning {
            ResourceMeaning::Everything => true,
            ResourceMeaning::Arn { has_variables, .. } => !(is_negated && *has_variables),
            ResourceMeaning::Other => false,
        }
    }
}

impl ResourceMeaning {
    /// None unless all six fields are there and only the last one has a `$`, which may begin a
    /// variable, in which colons may stand.
    fn of_arn(text: &str) -> Option<ResourceMeaning> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next();
        let (arn, fields, resource) = (next()?, [next()?, next()?, next()?, next()?], next()?);
        if arn != "arn" || fields.iter().any(|field| field.contains('$')) {
            return None;
        }
        let (fixed, has_variables) = match resource.split_once('$') {
            Some((before, _)) => (format!("{before}*"), true),
            None => (resource.to_owned(), false),
        };
        Some(ResourceMeaning::Arn {
            fields: fields.map(str::to_owned),
            resource: fixed,
            has_variables,
            may_have_wild_type: resource.starts_with('*') && resource != "*",
        })
    }
}
