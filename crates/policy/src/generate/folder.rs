//! The resources of an action as folders, so that many of one folder become one pattern.

use std::collections::BTreeMap;

use crate::arn::Arn;
use crate::service_data::{self, AccessLevel, is_without_types};

/// Deepest folder that is looked at; what lies deeper counts as one name in it.
pub const SEGMENTS_MAX: usize = 16;

/// What a folder or a resource costs beside its name, in bytes of memory, about.
const NODE_BYTES: usize = 128;

/// The resources that an action was used on.
#[derive(Debug)]
pub(super) struct Resources {
    siblings_max: usize,
    /// Whether what lies in one folder may become one pattern.
    may_fold: bool,
    /// By the beginnings of their ARNs, which never become a pattern: through the bucket, or through
    /// the type of resource.
    heads: BTreeMap<String, Folder>,
}

/// A folder, or a resource, or both.
#[derive(Debug, Default)]
struct Folder {
    is_resource: bool,
    /// Whether it stands for all that is in it.
    is_whole: bool,
    children: BTreeMap<String, Folder>,
}

impl Resources {
    /// Of an action that was not used yet; of more than `siblings_max` names in a folder becomes the
    /// folder.
    ///
    /// Permissions on permissions always name what they are for: whoever may change every policy or
    /// key in a folder may soon do everything.
    pub(super) fn of(action: &str, siblings_max: usize) -> Resources {
        let may_fold =
            service_data::action(action).is_some_and(|facts| match facts.access_level() {
                AccessLevel::List | AccessLevel::Read => true,
                AccessLevel::PermissionsManagement => false,
                AccessLevel::Write | AccessLevel::Tagging => {
                    !matches!(facts.service().prefix(), "iam" | "sts")
                }
            });
        Resources { siblings_max, may_fold, heads: BTreeMap::new() }
    }

    /// Adds a resource, given as a pattern; gives the bytes that it took. None, and nothing is added,
    /// if that would be more than `bytes_max`.
    pub(super) fn add(&mut self, pattern: &str, bytes_max: usize) -> Option<usize> {
        let (head, rest) = split(pattern);
        let segments: Vec<&str> =
            rest.into_iter().flat_map(|rest| rest.splitn(SEGMENTS_MAX, '/')).collect();
        let known = self.heads.get(head);
        let cost = match known {
            Some(folder) => folder.cost(&segments),
            None => head.len() + NODE_BYTES + Folder::default().cost(&segments),
        };
        if cost > bytes_max {
            return None;
        }
        if known.is_none() {
            self.heads.insert(head.to_owned(), Folder::default());
        }
        // What lies directly under a type is one by one; under a bucket it is a folder like others.
        let folds_here = self.may_fold && is_container(head);
        let siblings_max = |folds: bool| if folds { self.siblings_max } else { usize::MAX };
        let (here, below) = (siblings_max(folds_here), siblings_max(self.may_fold));
        if let Some(folder) = self.heads.get_mut(head) {
            folder.add(&segments, here, below);
        }
        Some(cost)
    }

    /// Every folder, with its ARN so far and whatever is directly in it: its names, or everything.
    pub(super) fn contents<'r>(&'r self, visit: &mut dyn FnMut(&str, Option<&'r str>)) {
        for (head, folder) in &self.heads {
            folder.contents(head.clone(), visit);
        }
    }

    /// All patterns; `rename` may give a name in a folder, whose ARN is given, another form.
    pub(super) fn patterns(
        &self,
        rename: &dyn Fn(&str, &str) -> Option<&'static str>,
    ) -> Vec<String> {
        let mut patterns = Vec::new();
        for (head, folder) in &self.heads {
            if folder.is_resource {
                patterns.push(head.clone());
            }
            folder.patterns((head.clone(), head.clone()), rename, &mut patterns);
        }
        patterns
    }
}

/// A pattern's beginning that stays as it is, and what follows: after the bucket or whatever holds
/// resources without a type, or after the type.
fn split(pattern: &str) -> (&str, Option<&str>) {
    let whole = (pattern, None);
    let Some(arn) = Arn::parse(pattern) else { return whole };
    let start = pattern.len() - arn.resource.len();
    // Some resource parts begin with a slash: `/restapis/id`.
    let slash = usize::from(arn.resource.starts_with('/'));
    let separator = arn.resource.get(slash..).and_then(|part| part.find(['/', ':']));
    let Some(separator) = separator else { return whole };
    match pattern.split_at_checked(start + slash + separator + 1) {
        Some((head, rest)) => (head, Some(rest)),
        None => whole,
    }
}

/// Whether a head names one thing that holds others, such as a bucket, and not a type.
fn is_container(head: &str) -> bool {
    Arn::parse(head).is_some_and(|arn| {
        let is_regional_s3 = arn.service == "s3" && !arn.region.is_empty();
        is_without_types(arn.service) && !arn.resource.starts_with('/') && !is_regional_s3
    })
}

impl Folder {
    /// The bytes that a resource in it would take.
    ///
    /// INVARIANT: as deep as there are segments.
    fn cost(&self, segments: &[&str]) -> usize {
        let Some((first, rest)) = segments.split_first() else { return 0 };
        if self.is_whole {
            return 0;
        }
        match self.children.get(*first) {
            Some(child) => child.cost(rest),
            None => segments.iter().map(|segment| segment.len() + NODE_BYTES).sum(),
        }
    }

    /// Adds a resource; of more than `here` names in this folder, or `below` in one in it, becomes the
    /// folder. The order in which resources come does not matter: the names in a folder are only ever
    /// added to.
    ///
    /// INVARIANT: as deep as there are segments.
    fn add(&mut self, segments: &[&str], here: usize, below: usize) {
        let Some((first, rest)) = segments.split_first() else {
            self.is_resource = true;
            return;
        };
        if self.is_whole {
            return;
        }
        if rest.is_empty() && *first == "*" {
            self.fold();
            return;
        }
        self.children.entry((*first).to_owned()).or_default().add(rest, below, below);
        if self.children.len() > here {
            self.fold();
        }
    }

    fn fold(&mut self) {
        self.is_whole = true;
        self.children = BTreeMap::new();
    }

    /// INVARIANT: as deep as there are segments.
    fn contents<'r>(&'r self, path: String, visit: &mut dyn FnMut(&str, Option<&'r str>)) {
        if self.is_whole {
            visit(&path, None);
        }
        for (name, child) in &self.children {
            visit(&path, Some(name));
            child.contents(format!("{path}{name}/"), visit);
        }
    }

    /// `path` and `shown` are the ARN of what is in the folder as it is, and with names renamed.
    ///
    /// INVARIANT: as deep as there are segments.
    fn patterns(
        &self,
        (path, shown): (String, String),
        rename: &dyn Fn(&str, &str) -> Option<&'static str>,
        patterns: &mut Vec<String>,
    ) {
        if self.is_whole {
            patterns.push(format!("{shown}*"));
        }
        for (name, child) in &self.children {
            let shown = format!("{shown}{}", rename(&path, name).unwrap_or(name));
            if child.is_resource {
                patterns.push(shown.clone());
            }
            child.patterns((format!("{path}{name}/"), format!("{shown}/")), rename, patterns);
        }
    }
}
