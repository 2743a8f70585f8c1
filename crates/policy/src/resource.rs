//! The elements `Resource` and `NotResource`.

use crate::PolicyType;
use crate::arn::Arn;
use crate::context::ConditionKeys;
use crate::index::ResourceKey;
use crate::pattern::{Glob, Meaning, Part, Template};
use crate::service_data::is_without_types;

/// The resource of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Resource<'a> {
    /// `*`: the action knows no resources.
    None,
    /// An ARN.
    Arn(Arn<'a>),
    /// Something else, which only `*` covers.
    Unknown,
}

impl<'a> Resource<'a> {
    pub(crate) fn parse(text: &'a str) -> Resource<'a> {
        match (text, Arn::parse(text)) {
            ("*", _) => Resource::None,
            (_, Some(arn)) => Resource::Arn(arn),
            (_, None) => Resource::Unknown,
        }
    }
}

/// The element `Resource` or `NotResource`.
#[derive(Debug, Clone)]
pub(crate) struct ResourceClause {
    /// Whether it is `NotResource`.
    pub(crate) negated: bool,
    pub(crate) patterns: Box<[ResourcePattern]>,
}

/// A value of the element.
#[derive(Debug, Clone)]
pub(crate) enum ResourcePattern {
    /// `*`
    Everything,
    /// An ARN with wildcards and variables, perhaps incomplete.
    Arn(Box<ArnPattern>),
    /// Neither: it names nothing.
    Nothing,
}

#[derive(Debug, Clone)]
pub(crate) struct ArnPattern {
    key: ResourceKey,
    /// Partition, service, region and account; what was not written is anything.
    fields: [Glob; 4],
    resource: ResourcePart,
    /// Whether a `*` stands where the type of a resource should, before a concrete id.
    type_is_wild: bool,
    complete: bool,
    /// Whether a written field holds a wildcard.
    wild: bool,
    /// Whether the last written field ends in `*`.
    ends_wild: bool,
}

#[derive(Debug, Clone)]
enum ResourcePart {
    Fixed(Glob),
    /// Has variables.
    Variable(Template),
}

/// Whether a pattern covers a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cover {
    Yes,
    No,
    /// The whole statement applies to nothing.
    Void,
}

impl ResourceClause {
    /// The keys under which the index files the clause.
    pub(crate) fn keys(&self) -> Vec<ResourceKey> {
        if self.negated {
            return vec![ResourceKey::ANY];
        }
        let key = |pattern: &ResourcePattern| match pattern {
            ResourcePattern::Everything => Some(ResourceKey::ANY),
            ResourcePattern::Arn(pattern) => Some(pattern.key),
            ResourcePattern::Nothing => None,
        };
        self.patterns.iter().filter_map(key).collect()
    }

    /// Whether the statement applies to a resource.
    pub(crate) fn applies(
        &self,
        resource: &Resource<'_>,
        kind: PolicyType,
        keys: &dyn ConditionKeys,
    ) -> bool {
        self.cover(resource, kind, keys) == Cover::Yes
    }

    /// The same, and whether a value makes the whole statement void.
    pub(crate) fn cover(
        &self,
        resource: &Resource<'_>,
        kind: PolicyType,
        keys: &dyn ConditionKeys,
    ) -> Cover {
        let mut covered = false;
        for pattern in &*self.patterns {
            match pattern.covers(resource, kind, keys, self.negated) {
                Cover::Yes => covered = true,
                Cover::No => {}
                Cover::Void => return Cover::Void,
            }
        }
        if covered == self.negated { Cover::No } else { Cover::Yes }
    }
}

impl ResourcePattern {
    pub(crate) fn parse(text: &str, variables: bool) -> ResourcePattern {
        if text == "*" {
            return ResourcePattern::Everything;
        }
        let template = Template::parse(text, Meaning { wildcards: true, variables });
        let fields = template.split_at_colons(6);
        let Some((first, rest)) = fields.split_first() else { return ResourcePattern::Nothing };
        if first.literal().as_deref() != Some("arn") || rest.is_empty() {
            return ResourcePattern::Nothing;
        }
        // Variables may stand only after the fifth colon. IAM User Guide, "Variables and tags".
        if rest.iter().take(4).any(Template::has_variables) {
            return ResourcePattern::Nothing;
        }
        let field = |place: usize| rest.get(place).map_or_else(Glob::anything, Glob::of);
        let is_wild = |part: &Part| matches!(part, Part::AnyRun | Part::AnyOne);
        let resource = rest.get(4);
        ResourcePattern::Arn(Box::new(ArnPattern {
            key: ResourceKey::of_literal(template.literal_start()),
            fields: [field(0), field(1), field(2), field(3)],
            resource: match resource {
                None => ResourcePart::Fixed(Glob::anything()),
                Some(template) if template.has_variables() => {
                    ResourcePart::Variable(template.clone())
                }
                Some(template) => ResourcePart::Fixed(Glob::of(template)),
            },
            type_is_wild: resource.is_some_and(type_is_wild),
            complete: resource.is_some(),
            wild: rest.iter().any(|field| field.parts().iter().any(is_wild)),
            ends_wild: rest.last().is_some_and(|field| field.parts().last() == Some(&Part::AnyRun)),
        }))
    }

    fn covers(
        &self,
        resource: &Resource<'_>,
        kind: PolicyType,
        keys: &dyn ConditionKeys,
        negated: bool,
    ) -> Cover {
        match (self, resource) {
            (ResourcePattern::Everything, _) => Cover::Yes,
            (ResourcePattern::Nothing, _) => Cover::No,
            (ResourcePattern::Arn(pattern), Resource::Arn(arn)) => {
                pattern.covers(arn, kind, keys, negated)
            }
            // Only `*` covers these, but what voids a statement voids it for them, too.
            (ResourcePattern::Arn(pattern), Resource::None | Resource::Unknown) => {
                let is_void = pattern.is_void(kind) || (negated && pattern.is_valueless(keys));
                if is_void { Cover::Void } else { Cover::No }
            }
        }
    }
}

impl ArnPattern {
    /// Source: IAM User Guide, "IAM ARNs"; the rules of incomplete ARNs differ by policy type.
    fn is_void(&self, kind: PolicyType) -> bool {
        match kind {
            PolicyType::Scp => !self.complete && !self.ends_wild,
            PolicyType::Rcp => !self.complete,
            PolicyType::Identity
            | PolicyType::Boundary
            | PolicyType::Session
            | PolicyType::Resource
            | PolicyType::Endpoint
            | PolicyType::Trust => false,
        }
    }

    /// Whether a variable has no value.
    fn is_valueless(&self, keys: &dyn ConditionKeys) -> bool {
        match &self.resource {
            ResourcePart::Fixed(_) => false,
            ResourcePart::Variable(template) => template.resolved(keys).is_none(),
        }
    }

    fn names_nothing(&self, kind: PolicyType) -> bool {
        match kind {
            PolicyType::Resource | PolicyType::Endpoint | PolicyType::Trust => {
                !self.complete && !self.wild
            }
            PolicyType::Identity
            | PolicyType::Boundary
            | PolicyType::Session
            | PolicyType::Scp
            | PolicyType::Rcp => false,
        }
    }

    fn covers(
        &self,
        arn: &Arn<'_>,
        kind: PolicyType,
        keys: &dyn ConditionKeys,
        negated: bool,
    ) -> Cover {
        if self.is_void(kind) {
            return Cover::Void;
        }
        let resolved = match &self.resource {
            ResourcePart::Fixed(_) => None,
            ResourcePart::Variable(template) => match template.resolved(keys) {
                Some(template) => Some(Glob::of(&template)),
                // `NotResource` is not inverted into everything. IAM User Guide, "Variables and tags".
                None if negated => return Cover::Void,
                None => return Cover::No,
            },
        };
        let resource = match (&self.resource, &resolved) {
            (_, Some(glob)) | (ResourcePart::Fixed(glob), None) => glob,
            (ResourcePart::Variable(_), None) => return Cover::No,
        };
        let fields = [arn.partition, arn.service, arn.region, arn.account];
        let type_is_named = !self.type_is_wild || is_without_types(arn.service);
        let covered = type_is_named
            && !self.names_nothing(kind)
            && resource.matches(arn.resource)
            && self.fields.iter().zip(fields).all(|(glob, field)| glob.matches(field));
        if covered { Cover::Yes } else { Cover::No }
    }
}

/// `*/12345` and `*:12345` name nothing where resources have types; `*/*` names all of them.
fn type_is_wild(resource: &Template) -> bool {
    match resource.parts() {
        [Part::AnyRun, Part::Text(text), rest @ ..] => {
            let id = text.strip_prefix(['/', ':']);
            id.is_some_and(|id| !(id.is_empty() && rest.first() == Some(&Part::AnyRun)))
        }
        _ => false,
    }
}
