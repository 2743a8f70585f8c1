//! The elements `Action` and `NotAction`.

use crate::pattern::{Glob, Meaning, Template};

/// The element `Action` or `NotAction`.
#[derive(Debug, Clone)]
pub(crate) struct ActionClause {
    /// Whether it is `NotAction`.
    pub(crate) negated: bool,
    pub(crate) patterns: Vec<ActionPattern>,
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
        /// What precedes the colon.
        service: Glob,
        /// What follows it.
        name: Glob,
    },
    /// Something that names no action.
    Nothing,
}

impl ActionClause {
    /// Whether the clause covers an action given in lower case.
    pub(crate) fn covers(&self, action: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(action)) != self.negated
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
        ActionPattern::Wild { service: glob(service), name: glob(name) }
    }

    fn matches(&self, action: &str) -> bool {
        match self {
            ActionPattern::Everything => true,
            ActionPattern::Exact(exact) => **exact == *action,
            ActionPattern::Wild { service, name } => action
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
