//! Takes in what was used, and makes documents of it.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{self, Grant};
use super::event::entity_of;
use super::folder::Resources;
use super::{Use, Used, escaped};
use crate::json::quoted;
use crate::lint::lint;
use crate::{Grammar, Severity, covers};

/// Most names in one folder that a policy lists one by one, unless told otherwise.
// CHOICE: five fit on a screen and are read; more are a folder that somebody works in.
pub const SIBLINGS_MAX: usize = 5;

/// Memory for what was used, in bytes, about.
// CHOICE: some 200,000 resources of common length, far more than documents have room for.
pub const USED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Entities of IAM whose paths are remembered.
const PATHS_MAX: usize = 100_000;

/// The variable that stands for a user's name.
const USER_NAME: &str = "${aws:username}";

/// Gathers uses, and makes the smallest policy that covers them.
///
/// The order in which uses come does not matter.
///
/// ```
/// use iamd_policy::generate::{Generator, Use};
///
/// let mut generator = Generator::new("arn:aws:iam::111122223333:user/ana", 5, 1 << 20);
/// for key in ["ana/1.jpg", "ana/2.jpg"] {
///     let used = Use::of("s3:GetObject", &format!("arn:aws:s3:::photos/{key}")).unwrap();
///     generator.add(&used, "2026-01-31T12:00:00Z");
/// }
/// let generated = generator.finish();
/// assert!(generated.documents[0].contains("arn:aws:s3:::photos/${aws:username}/1.jpg"));
/// ```
#[derive(Debug)]
pub struct Generator {
    /// The name of the user, of whom `${aws:username}` may be said.
    user_name: Option<String>,
    siblings_max: usize,
    bytes_left: usize,
    actions: BTreeMap<String, Usage>,
    /// The paths of entities of IAM, by their ARNs up to the type, and their names.
    paths: BTreeMap<(String, String), BTreeSet<String>>,
    /// Those that were moved from one path to another.
    moved: BTreeSet<(String, String)>,
    left_out: u64,
}

#[derive(Debug)]
struct Usage {
    tally: Tally,
    /// Whether it was used without a resource, or with one that is not known.
    is_open: bool,
    resources: Resources,
    /// Entities of IAM whose paths are not known.
    named: BTreeSet<(String, String)>,
}

/// How often and when an action was used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// When first, as the records write it.
    pub first: String,
    /// When last.
    pub last: String,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, time: &str) {
        if self.count == 0 || time < self.first.as_str() {
            time.clone_into(&mut self.first);
        }
        if time > self.last.as_str() {
            time.clone_into(&mut self.last);
        }
        self.count = self.count.saturating_add(1);
    }
}

/// What came of uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generated {
    /// Policy documents, none greater than a managed policy may be; all together cover what was used.
    pub documents: Vec<String>,
    /// The actions that were used.
    pub actions: BTreeMap<String, Tally>,
    /// What was used and is not covered.
    pub ungranted: Vec<Ungranted>,
    /// How many uses found no more room in memory, and are not covered.
    pub left_out: u64,
}

/// What was used and is not covered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ungranted {
    /// The action.
    pub action: String,
    /// The resource, as the policy would have named it.
    pub resource: String,
    /// Why not.
    pub reason: String,
}

impl Generator {
    /// For a user or a role of this ARN. Of more than `siblings_max` names in one folder the whole
    /// folder is allowed; uses take up to `bytes_max` bytes of memory, about.
    pub fn new(principal: &str, siblings_max: usize, bytes_max: usize) -> Generator {
        let mut generator = Generator {
            user_name: None,
            siblings_max,
            bytes_left: bytes_max,
            actions: BTreeMap::new(),
            paths: BTreeMap::new(),
            moved: BTreeSet::new(),
            left_out: 0,
        };
        generator.know(principal);
        let user = entity_of(principal).filter(|(start, ..)| start.ends_with(":user/"));
        generator.user_name = user.map(|(_, _, name)| name.to_owned());
        generator
    }

    /// Learns the path of an entity of IAM from its ARN: records of later requests say its name only.
    pub fn know(&mut self, arn: &str) {
        let Some((start, path, name)) = entity_of(arn) else { return };
        let key = (start, name.to_owned());
        if self.paths.len() < PATHS_MAX || self.paths.contains_key(&key) {
            self.paths.entry(key).or_default().insert(path.to_owned());
        }
    }

    /// Adds a use. When it was is a text that sorts by time.
    pub fn add(&mut self, used: &Use, time: &str) {
        let siblings_max = self.siblings_max;
        let usage = self.actions.entry(used.action.clone()).or_insert_with(|| Usage {
            tally: Tally::default(),
            is_open: false,
            resources: Resources::of(&used.action, siblings_max),
            named: BTreeSet::new(),
        });
        usage.tally.add(time);
        let cost = match &used.resource {
            Used::None | Used::Unknown => {
                usage.is_open = true;
                Some(0)
            }
            Used::Arn(arn) => usage.resources.add(&escaped(arn), self.bytes_left),
            Used::Pattern(pattern) => usage.resources.add(pattern, self.bytes_left),
            Used::Named(start, name) => usage.name(start, name, self.bytes_left),
        };
        match cost {
            Some(cost) => self.bytes_left = self.bytes_left.saturating_sub(cost),
            None => self.left_out = self.left_out.saturating_add(1),
        }
        self.witness(used);
    }

    /// Learns from a use, be it somebody else's, where entities of IAM are or have been.
    pub fn witness(&mut self, used: &Use) {
        let Used::Arn(arn) = &used.resource else { return };
        let Some((start, _, name)) = entity_of(arn) else { return };
        if used.action.starts_with("iam:Create") || used.action.starts_with("iam:Upload") {
            self.know(arn);
        } else if used.action.starts_with("iam:Update") && self.moved.len() < PATHS_MAX {
            // Where it was before is not known.
            self.moved.insert((start, name.to_owned()));
        }
    }

    /// The documents.
    pub fn finish(mut self) -> Generated {
        self.place_named();
        let renamed = self.own_folders();
        let rename = |path: &str, _: &str| renamed.contains(path).then_some(USER_NAME);
        let mut generated = Generated { left_out: self.left_out, ..Generated::default() };
        let mut grants = Vec::new();
        for (action, usage) in self.actions {
            let resources = match usage.is_open {
                true => vec!["*".to_owned()],
                false => without_covered(usage.resources.patterns(&rename)),
            };
            for resource in resources {
                let grant = Grant { action: action.clone(), resource };
                match objection(&grant) {
                    None => grants.push(grant),
                    Some(reason) => {
                        let Grant { action, resource } = grant;
                        generated.ungranted.push(Ungranted { action, resource, reason });
                    }
                }
            }
            generated.actions.insert(action, usage.tally);
        }
        generated.documents = document::of(&grants);
        generated
    }

    /// Gives entities of IAM the paths that are known by now. Names are unique among entities of one
    /// type, whatever their paths, so that both patterns of an unknown path name that entity alone.
    ///
    /// Source: IAM User Guide, "IAM identifiers": names are unique within an account.
    fn place_named(&mut self) {
        for usage in self.actions.values_mut() {
            for (start, name) in std::mem::take(&mut usage.named) {
                let shown = escaped(&name);
                let key = (start.clone(), name);
                let known = self.paths.get(&key).filter(|_| !self.moved.contains(&key));
                let patterns: Vec<String> = match known {
                    Some(paths) => paths
                        .iter()
                        .map(|path| format!("{start}{}{shown}", escaped(path)))
                        .collect(),
                    None => vec![format!("{start}{shown}"), format!("{start}*/{shown}")],
                };
                for pattern in patterns {
                    // They are as many as were counted when they were named.
                    usage.resources.add(&pattern, usize::MAX);
                }
            }
        }
    }

    /// The folders, by their ARNs, in which nothing but the user's own name was used, by whatever
    /// action.
    fn own_folders(&self) -> BTreeSet<String> {
        let Some(user) = self.user_name.as_deref().map(escaped) else { return BTreeSet::new() };
        let (mut own, mut shared) = (BTreeSet::new(), BTreeSet::new());
        for usage in self.actions.values() {
            usage.resources.contents(&mut |path, name| {
                let folders = if name == Some(&user) { &mut own } else { &mut shared };
                folders.insert(path.to_owned());
            });
        }
        own.retain(|path| !shared.contains(path));
        own
    }
}

impl Usage {
    fn name(&mut self, start: &str, name: &str, bytes_max: usize) -> Option<usize> {
        let key = (start.to_owned(), name.to_owned());
        if self.named.contains(&key) {
            return Some(0);
        }
        // Later on, up to three patterns.
        let cost = 3 * (start.len() + name.len()) + 512;
        (cost <= bytes_max).then(|| {
            self.named.insert(key);
            cost
        })
    }
}

/// Most comparisons of patterns with wider ones; a needless pattern more does no harm.
const COMPARISONS_MAX: usize = 1_000_000;

/// The patterns that no other one covers.
fn without_covered(patterns: Vec<String>) -> Vec<String> {
    let is_wild = |pattern: &&String| pattern.contains('*') && !pattern.contains("${");
    let wild: Vec<String> = patterns.iter().filter(is_wild).cloned().collect();
    if wild.len().saturating_mul(patterns.len()) > COMPARISONS_MAX {
        return patterns;
    }
    let is_covered =
        |pattern: &String| wild.iter().any(|wider| wider != pattern && covers(wider, pattern));
    patterns.into_iter().filter(|pattern| !is_covered(pattern)).collect()
}

/// What speaks against a grant, if anything: a policy that AWS refuses, or one that is known to be
/// wrong or dangerous, is not made.
fn objection(grant: &Grant) -> Option<String> {
    if quoted(&grant.resource).chars().count() > document::RESOURCE_LENGTH_MAX {
        return Some("the resource is too long for a policy".to_owned());
    }
    let text = document::text(&[document::Statement::of(grant)]);
    let findings = lint(&text, Grammar::Identity);
    let grave = findings.into_iter().find(|finding| finding.severity < Severity::Suggestion)?;
    Some(format!("{}: {}", grave.code, grave.message))
}
