//! The elements `Action` and `NotAction`.

use crate::hash::{hash, mixed};
use crate::pattern::{Glob, Meaning, Template};

/// The element `Action` or `NotAction`.
#[derive(Debug, Clone)]
pub(crate) struct ActionClause {
    /// Whether it is `NotAction`.
    pub(crate) negated: bool,
    pub(crate) patterns: Box<[ActionPattern]>,
}

/// A value of the element, in lower case: letter case of actions does not count.
#[derive(Debug, Clone)]
pub(crate) enum ActionPattern {
    /// `*`
    Everything,
    /// An action spelt out.
    Exact(Box<str>),
    /// With wildcards.
    Wild {
        key: ActionKey,
        /// What precedes the colon.
        service: Glob,
        /// What follows it.
        name: Glob,
    },
    /// Something that names no action.
    Nothing,
}

/// How many bytes of an action's name count when a pattern is filed by what it begins with.
const NAME_PREFIX_LENGTH: usize = 3;

/// What an action pattern begins with, as the index files it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActionKey(u64);

impl ActionKey {
    /// For patterns that may cover any action.
    const ANY: ActionKey = ActionKey(1);

    fn exact(action: &str) -> ActionKey {
        ActionKey(mixed(2, hash(action.as_bytes())))
    }

    fn service(service: &str) -> ActionKey {
        ActionKey(mixed(3, hash(service.as_bytes())))
    }

    fn name_prefix(service: &str, prefix: &[u8]) -> ActionKey {
        ActionKey(mixed(hash(service.as_bytes()), hash(prefix)))
    }

    /// For a pattern of which service and name begin with these literal texts.
    fn of_wild(service: &str, name: &str) -> ActionKey {
        let wild = |text: &str| text.contains(['*', '?']);
        let literal = name.split(['*', '?']).next().unwrap_or_default();
        match literal.as_bytes().get(..NAME_PREFIX_LENGTH) {
            _ if wild(service) => ActionKey::ANY,
            Some(prefix) => ActionKey::name_prefix(service, prefix),
            None => ActionKey::service(service),
        }
    }

    /// The hash; never zero.
    pub(crate) fn hash(self) -> u64 {
        self.0
    }
}

/// All keys under which patterns may be filed that cover one action.
pub(crate) struct RequestActionKeys {
    keys: [ActionKey; 4],
    count: usize,
}

impl RequestActionKeys {
    /// The keys of an action in lower case.
    pub(crate) fn of(action: &str) -> RequestActionKeys {
        let (service, name) = action.split_once(':').unwrap_or((action, ""));
        let mut keys =
            [ActionKey::ANY, ActionKey::exact(action), ActionKey::service(service), ActionKey::ANY];
        let Some(prefix) = name.as_bytes().get(..NAME_PREFIX_LENGTH) else {
            return RequestActionKeys { keys, count: 3 };
        };
        keys[3] = ActionKey::name_prefix(service, prefix);
        RequestActionKeys { keys, count: 4 }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ActionKey> {
        self.keys.into_iter().take(self.count)
    }
}

impl ActionClause {
    /// Whether the clause covers an action given in lower case.
    pub(crate) fn covers(&self, action: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(action)) != self.negated
    }

    /// Whether a value spells out the service of an action given in lower case.
    pub(crate) fn concerns_service_of(&self, action: &str) -> bool {
        let service = action.split(':').next().unwrap_or_default();
        self.patterns.iter().any(|pattern| match pattern {
            ActionPattern::Exact(exact) => exact.split(':').next() == Some(service),
            ActionPattern::Wild { service: own, .. } => own.is_literal(service),
            ActionPattern::Everything | ActionPattern::Nothing => false,
        })
    }

    /// Whether the clause can cover an action of a service given in lower case.
    pub(crate) fn can_concern(&self, prefix: &str) -> bool {
        self.negated
            || self.patterns.iter().any(|pattern| match pattern {
                ActionPattern::Everything => true,
                ActionPattern::Exact(exact) => exact.split(':').next() == Some(prefix),
                ActionPattern::Wild { service, .. } => service.matches(prefix),
                ActionPattern::Nothing => false,
            })
    }

    /// How many values are to be compared with the actions of every service.
    pub(crate) fn patterns_for_every_service(&self) -> usize {
        let is_wide = |pattern: &&ActionPattern| match pattern {
            ActionPattern::Everything => true,
            ActionPattern::Wild { key, .. } => *key == ActionKey::ANY,
            ActionPattern::Exact(_) | ActionPattern::Nothing => false,
        };
        match self.negated {
            true => self.patterns.len(),
            false => self.patterns.iter().filter(is_wide).count(),
        }
    }

    /// The keys under which the index files the clause.
    pub(crate) fn keys(&self) -> Vec<ActionKey> {
        if self.negated {
            return vec![ActionKey::ANY];
        }
        let key = |pattern: &ActionPattern| match pattern {
            ActionPattern::Everything => Some(ActionKey::ANY),
            ActionPattern::Exact(action) => Some(ActionKey::exact(action)),
            ActionPattern::Wild { key, .. } => Some(*key),
            ActionPattern::Nothing => None,
        };
        self.patterns.iter().filter_map(key).collect()
    }
}

impl ActionPattern {
    /// Source: IAM User Guide, "IAM JSON policy elements: Action".
    pub(crate) fn parse(text: &str) -> ActionPattern {
        if text == "*" {
            return ActionPattern::Everything;
        }
        let lower = text.to_ascii_lowercase();
        let Some((service, name)) = lower.split_once(':') else { return ActionPattern::Nothing };
        if service.is_empty() || name.is_empty() || name.contains(':') {
            return ActionPattern::Nothing;
        }
        if !lower.contains(['*', '?']) {
            return ActionPattern::Exact(lower.into());
        }
        let glob =
            |text| Glob::of(&Template::parse(text, Meaning { wildcards: true, variables: false }));
        let key = ActionKey::of_wild(service, name);
        ActionPattern::Wild { key, service: glob(service), name: glob(name) }
    }

    fn matches(&self, action: &str) -> bool {
        match self {
            ActionPattern::Everything => true,
            ActionPattern::Exact(exact) => **exact == *action,
            ActionPattern::Wild { service, name, .. } => action
                .split_once(':')
                .is_some_and(|(prefix, rest)| service.matches(prefix) && name.matches(rest)),
            ActionPattern::Nothing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_match_as_documented() {
        for (pattern, action, expected) in [
            ("*", "s3:getobject", true),
            ("IAM:ListAccessKeys", "iam:listaccesskeys", true),
            ("s3:DeleteObject*", "s3:deleteobject", true),
            ("s3:Get?bject", "s3:getobject", true),
            ("s3:*", "s3:getobject", true),
            ("s*:getobject", "s3:getobject", true),
            ("s3:*", "s3-outposts:getobject", false),
            ("s3:GetObject,PutObject", "s3:getobject", false),
            ("s3:", "s3:getobject", false),
            ("s3", "s3:getobject", false),
            (" s3:GetObject", "s3:getobject", false),
            ("s3:Get:Object", "s3:get:object", false),
            ("*:*", "s3:getobject", true),
            ("**", "s3:getobject", false),
        ] {
            assert_eq!(ActionPattern::parse(pattern).matches(action), expected, "{pattern}");
        }
    }
}
