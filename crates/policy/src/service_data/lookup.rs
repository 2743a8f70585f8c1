//! What is known of AWS's services: actions, resource types, condition keys.
//!
//! Nothing is read before it is asked for: the first question finds where each service begins in
//! the pack, and a service's own lines are read when somebody asks about that service.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::OnceLock;

use memchr::memmem;

use super::PACK;

/// A service as the Service Authorization Reference describes it.
#[derive(Debug, Default)]
pub struct Service {
    prefix: &'static str,
    name: &'static str,
    is_under_resource_control: bool,
    actions: Vec<Action>,
    /// The places of the actions by their names in lower case.
    places: BTreeMap<String, usize>,
    resource_types: Vec<ResourceType>,
    condition_keys: Vec<ConditionKey>,
}

#[derive(Debug)]
struct Action {
    name: &'static str,
    access_level: AccessLevel,
    /// Places among the resource types, and whether one of that type is required.
    resource_types: Vec<(usize, bool)>,
    condition_keys: Vec<usize>,
}

/// A type of resource.
#[derive(Debug)]
pub struct ResourceType {
    /// Its name, such as `bucket`.
    pub name: &'static str,
    /// Its ARN with `${...}` where something is to be filled in, such as
    /// `arn:${Partition}:s3:::${BucketName}`.
    pub arn: &'static str,
    condition_keys: Vec<usize>,
}

/// A condition key.
#[derive(Debug)]
pub struct ConditionKey {
    /// Its name; `${...}` stands where something is to be filled in.
    pub name: &'static str,
    /// Its type: `String`, `Bool`, `Numeric`, `Date`, `IPAddress`, `ARN` or `Binary`, with `ArrayOf`
    /// before it if the key has several values.
    pub kind: &'static str,
    lower: String,
}

/// What an action does, as far as it matters to whoever allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLevel {
    /// Names what there is.
    List,
    /// Reads content.
    Read,
    /// Creates, changes or deletes.
    Write,
    /// Changes tags.
    Tagging,
    /// Changes who may do what.
    PermissionsManagement,
}

/// An action and the service that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct ActionFacts {
    service: &'static Service,
    action: &'static Action,
}

/// The facts about an action such as `s3:GetObject`; letter case does not count.
///
/// None if the data do not know it: it may be misspelt, newer than the data, or not AWS's.
///
/// ```
/// use iamd_policy::service_data::{AccessLevel, action};
///
/// let action = action("s3:getobject").unwrap();
/// assert_eq!(action.name(), "GetObject");
/// assert_eq!(action.access_level(), AccessLevel::Read);
/// assert!(action.resource_types().any(|(kind, _)| kind.name == "object"));
/// assert!(action.supports_key("aws:ResourceTag/team") || action.supports_key("s3:authType"));
/// ```
pub fn action(name: &str) -> Option<ActionFacts> {
    let (prefix, name) = name.split_once(':')?;
    service(prefix)?.action(name)
}

/// Whether an action can be allowed or denied for single resources; none if it is not known.
///
/// Source: Service Authorization Reference, "Actions table": an action without resource types is
/// allowed or denied with the resource `*`.
pub fn has_resource_level_permissions(name: &str) -> Option<bool> {
    action(name).map(|action| action.has_resource_level_permissions())
}

/// The service of a prefix such as `s3`; letter case does not count.
pub fn service(prefix: &str) -> Option<&'static Service> {
    let prefix = prefix.to_ascii_lowercase();
    let index = index();
    let place = index.binary_search_by(|entry| entry.prefix.cmp(&prefix)).ok()?;
    let entry = index.get(place)?;
    Some(entry.service.get_or_init(|| Service::read(entry)))
}

/// The prefixes of all services, in order.
pub fn prefixes() -> impl Iterator<Item = &'static str> {
    index().iter().map(|entry| entry.prefix)
}

/// The type of a global condition key such as `aws:SourceIp`; letter case does not count.
///
/// Source: IAM User Guide, "AWS global condition context keys".
pub fn global_key_type(key: &str) -> Option<&'static str> {
    let lower = key.to_ascii_lowercase();
    global_names().iter().find(|known| fits(&known.lower, &lower)).map(|known| known.kind)
}

/// The global condition keys in lower case and as they are spelt.
pub(crate) fn global_key_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    global_names().iter().map(|known| (known.lower.as_str(), known.name))
}

/// The global condition keys, read once. Memory of a constant, not state.
fn global_names() -> &'static [ConditionKey] {
    static NAMES: OnceLock<Vec<ConditionKey>> = OnceLock::new();
    NAMES.get_or_init(|| global_keys().map(|(name, kind)| ConditionKey::new(name, kind)).collect())
}

/// The names and types of the global condition keys; tag keys end in `${TagKey}`.
pub fn global_keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    PACK.lines().map_while(|line| line.strip_prefix("g\t")?.split_once('\t'))
}

/// The ARNs of all types of resources whose ARNs name this service; those whose service is filled
/// in are among them. Empty if none names it.
pub fn arns_of(service: &str) -> &'static [&'static str] {
    arns().get(service).map_or(&[], Vec::as_slice)
}

/// The services that ARNs of resource types name, in order.
pub fn arn_services() -> impl Iterator<Item = &'static str> {
    arns().keys().copied()
}

impl Service {
    /// The prefix of its actions.
    pub fn prefix(&self) -> &'static str {
        self.prefix
    }

    /// Its name, such as `Amazon S3`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether resource control policies reach it.
    ///
    /// Source: Organizations User Guide, "List of AWS services that support RCPs".
    pub fn is_under_resource_control(&self) -> bool {
        self.is_under_resource_control
    }

    /// The facts about an action of this service, by its name alone; letter case does not count.
    pub fn action(&'static self, name: &str) -> Option<ActionFacts> {
        let place = *self.places.get(&name.to_ascii_lowercase())?;
        self.actions.get(place).map(|action| ActionFacts { service: self, action })
    }

    /// All actions, in the order of their names.
    pub fn actions(&'static self) -> impl Iterator<Item = ActionFacts> {
        self.actions.iter().map(move |action| ActionFacts { service: self, action })
    }

    /// The names of all actions, in lower case and as they are spelt.
    pub fn action_names(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let name = |place: usize| self.actions.get(place).map(|action| action.name);
        self.places.iter().filter_map(move |(lower, place)| Some((lower.as_str(), name(*place)?)))
    }

    /// The actions whose names in lower case begin with this.
    pub(crate) fn actions_from(
        &'static self,
        start: &str,
    ) -> impl Iterator<Item = (&'static str, ActionFacts)> {
        let bounds = (Bound::Included(start), Bound::Unbounded);
        let from = self.places.range::<str, _>(bounds);
        let start = start.to_owned();
        let named = from.take_while(move |(lower, _)| lower.starts_with(&start));
        named.filter_map(move |(lower, place)| {
            let action = self.actions.get(*place)?;
            Some((lower.as_str(), ActionFacts { service: self, action }))
        })
    }

    /// All types of resources.
    pub fn resource_types(&self) -> &[ResourceType] {
        &self.resource_types
    }

    /// All condition keys, global ones that the service names included.
    pub fn condition_keys(&self) -> &[ConditionKey] {
        &self.condition_keys
    }

    /// A condition key by name; letter case does not count, and what is to be filled in may be
    /// anything.
    pub fn condition_key(&self, name: &str) -> Option<&ConditionKey> {
        let lower = name.to_ascii_lowercase();
        let exact = self.condition_keys.iter().find(|key| key.lower == lower);
        exact.or_else(|| self.condition_keys.iter().find(|key| key.fits(&lower)))
    }

    fn read(entry: &Entry) -> Service {
        let mut service = Service {
            prefix: entry.prefix,
            name: entry.name,
            is_under_resource_control: entry.control == "rcp",
            ..Service::default()
        };
        let mut kinds = BTreeMap::new();
        for line in entry.lines.lines() {
            let mut fields = line.split('\t');
            let mut field = || fields.next().unwrap_or_default();
            match field() {
                "k" => service.condition_keys.push(ConditionKey::new(field(), field())),
                "t" => {
                    let (name, arn, keys) = (field(), field(), numbers(field()));
                    kinds.insert(name, service.resource_types.len());
                    service.resource_types.push(ResourceType { name, arn, condition_keys: keys });
                }
                "a" => {
                    let (name, level, marked) = (field(), field(), field());
                    let place = |marked: &str| {
                        let name = marked.trim_end_matches('*');
                        kinds.get(name).map(|place| (*place, name.len() < marked.len()))
                    };
                    let action = Action {
                        name,
                        access_level: AccessLevel::of(level),
                        resource_types: marked.split('|').filter_map(place).collect(),
                        condition_keys: numbers(field()),
                    };
                    service.places.insert(name.to_ascii_lowercase(), service.actions.len());
                    service.actions.push(action);
                }
                _ => {}
            }
        }
        service
    }
}

impl ActionFacts {
    /// The service.
    pub fn service(&self) -> &'static Service {
        self.service
    }

    /// The name as it is spelt, without the service.
    pub fn name(&self) -> &'static str {
        self.action.name
    }

    /// What it does.
    pub fn access_level(&self) -> AccessLevel {
        self.action.access_level
    }

    /// The types of resources that a request may name, and whether it must name one of that type.
    pub fn resource_types(&self) -> impl Iterator<Item = (&'static ResourceType, bool)> {
        let service = self.service;
        let kinds = self.action.resource_types.iter();
        kinds.filter_map(move |(place, required)| {
            Some((service.resource_types.get(*place)?, *required))
        })
    }

    /// Whether it can be allowed or denied for single resources.
    pub fn has_resource_level_permissions(&self) -> bool {
        !self.action.resource_types.is_empty()
    }

    /// The condition keys that its requests may have, those of its types of resources included;
    /// global keys that every request has are not among them.
    pub fn condition_keys(&self) -> impl Iterator<Item = &'static ConditionKey> {
        let mut places: BTreeSet<usize> = self.action.condition_keys.iter().copied().collect();
        places.extend(self.resource_types().flat_map(|(kind, _)| kind.condition_keys.iter()));
        let service = self.service;
        places.into_iter().filter_map(move |place| service.condition_keys.get(place))
    }

    /// Whether a key is among [`ActionFacts::condition_keys`]; letter case does not count.
    pub fn supports_key(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        let of_types = self.resource_types().flat_map(|(kind, _)| kind.condition_keys.iter());
        let mut places = self.action.condition_keys.iter().chain(of_types);
        let keys = &self.service.condition_keys;
        places.any(|place| keys.get(*place).is_some_and(|key| key.fits(&lower)))
    }
}

impl AccessLevel {
    fn of(letter: &str) -> AccessLevel {
        match letter {
            "L" => AccessLevel::List,
            "R" => AccessLevel::Read,
            "T" => AccessLevel::Tagging,
            "P" => AccessLevel::PermissionsManagement,
            _ => AccessLevel::Write,
        }
    }
}

impl ConditionKey {
    fn new(name: &'static str, kind: &'static str) -> ConditionKey {
        ConditionKey { name, kind, lower: name.to_ascii_lowercase() }
    }

    fn fits(&self, lower: &str) -> bool {
        fits(&self.lower, lower)
    }
}

/// Whether a key in lower case is the known one, or fills in what stands open in it.
fn fits(known: &str, key: &str) -> bool {
    let Some((before, open)) = known.split_once(['$', '<']) else {
        // Some tag keys have no placeholder, or another one.
        let open = known.strip_suffix("tag-key").unwrap_or(known);
        return known == key
            || (open.ends_with('/') && key.len() > open.len() && key.starts_with(open));
    };
    let Some(rest) = key.strip_prefix(before) else { return false };
    let after = open.rsplit_once(['}', '>']).map_or("", |(_, after)| after);
    rest.len() > after.len() && rest.ends_with(after)
}

/// Where a service stands in the pack.
struct Entry {
    prefix: &'static str,
    control: &'static str,
    name: &'static str,
    lines: &'static str,
    service: OnceLock<Service>,
}

/// The services by their prefixes. Memory of a constant, not state.
fn index() -> &'static [Entry] {
    static INDEX: OnceLock<Vec<Entry>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let starts: Vec<usize> =
            memmem::find_iter(PACK.as_bytes(), b"\ns\t").map(|place| place + 1).collect();
        let ends = starts.iter().skip(1).copied().chain([PACK.len()]);
        let entry = |(start, end): (usize, usize)| {
            let (head, lines) = PACK.get(start..end)?.split_once('\n')?;
            let mut fields = head.split('\t').skip(1);
            let (prefix, control) = (fields.next()?, fields.next().unwrap_or_default());
            let name = fields.next().unwrap_or_default();
            Some(Entry { prefix, control, name, lines, service: OnceLock::new() })
        };
        starts.iter().copied().zip(ends).filter_map(entry).collect()
    })
}

/// The ARNs of the resource types by the services that they name.
fn arns() -> &'static BTreeMap<&'static str, Vec<&'static str>> {
    static ARNS: OnceLock<BTreeMap<&'static str, Vec<&'static str>>> = OnceLock::new();
    ARNS.get_or_init(|| {
        let mut arns: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
        let mut open = Vec::new();
        for line in PACK.lines().filter(|line| line.starts_with("t\t")) {
            let Some(arn) = line.split('\t').nth(2) else { continue };
            match arn.split(':').nth(2) {
                Some(service) if service.contains('$') => open.push(arn),
                Some(service) => arns.entry(service).or_default().push(arn),
                None => {}
            }
        }
        for known in arns.values_mut() {
            known.extend(&open);
        }
        arns
    })
}

fn numbers(text: &str) -> Vec<usize> {
    text.split(' ').filter_map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_in_order_and_whole() {
        let prefixes: Vec<&str> = prefixes().collect();
        assert!(prefixes.is_sorted() && prefixes.len() > 450);
        assert_eq!(service("s3").unwrap().name(), "Amazon S3");
        assert!(prefixes.iter().all(|prefix| !service(prefix).unwrap().name().is_empty()));
        assert_eq!(prefixes.len(), PACK.lines().filter(|line| line.starts_with("s\t")).count());
        let actions: usize =
            prefixes.iter().map(|prefix| service(prefix).unwrap().actions().count()).sum();
        assert_eq!(actions, PACK.lines().filter(|line| line.starts_with("a\t")).count());
    }

    #[test]
    fn actions_are_found_whatever_their_letter_case() {
        assert_eq!(action("S3:GETOBJECT").unwrap().name(), "GetObject");
        assert!(action("s3:GetObjct").is_none() && action("s4:GetObject").is_none());
        assert!(action("s3").is_none() && action("").is_none());
        assert_eq!(has_resource_level_permissions("s3:ListAllMyBuckets"), Some(false));
        assert_eq!(has_resource_level_permissions("s3:GetObject"), Some(true));
        assert_eq!(has_resource_level_permissions("own:Thing"), None);
    }

    #[test]
    fn the_two_readers_of_the_pack_agree() {
        for prefix in prefixes() {
            let control = super::super::is_under_resource_control(prefix);
            assert_eq!(service(prefix).unwrap().is_under_resource_control(), control, "{prefix}");
            for action in service(prefix).unwrap().actions() {
                let name = format!("{prefix}:{}", action.name()).to_ascii_lowercase();
                let without = super::super::is_without_resources(&name);
                assert_eq!(without, !action.has_resource_level_permissions(), "{name}");
            }
        }
    }

    #[test]
    fn access_levels_are_known() {
        for (name, level) in [
            ("s3:ListBucket", AccessLevel::List),
            ("s3:GetObject", AccessLevel::Read),
            ("s3:PutObject", AccessLevel::Write),
            ("s3:PutObjectTagging", AccessLevel::Tagging),
            ("s3:PutBucketPolicy", AccessLevel::PermissionsManagement),
        ] {
            assert_eq!(action(name).unwrap().access_level(), level, "{name}");
        }
    }

    #[test]
    fn keys_are_found_with_what_is_filled_in() {
        let ec2 = service("ec2").unwrap();
        assert_eq!(ec2.condition_key("EC2:resourcetag/Team").unwrap().kind, "String");
        assert!(ec2.condition_key("ec2:ResourceTag/").is_none());
        assert!(ec2.condition_key("ec2:nothing").is_none());
        assert!(action("ec2:RunInstances").unwrap().supports_key("aws:RequestTag/team"));
        assert!(!action("ec2:DescribeInstances").unwrap().supports_key("ec2:InstanceType"));
        assert!(fits("codebuild:x/${name}.value", "codebuild:x/a.value"));
        assert!(!fits("codebuild:x/${name}.value", "codebuild:x/.value"));
        assert!(!fits("codebuild:x/${name}.value", "codebuild:x/a.type"));
        assert!(fits("glacier:resourcetag/", "glacier:resourcetag/team"));
        assert!(fits("ssm:resourcetag/tag-key", "ssm:resourcetag/team"));
        assert!(!fits("ssm:resourcetag/tag-key", "ssm:resourcetag/"));
    }

    #[test]
    fn global_keys_have_types() {
        for (key, kind) in [
            ("aws:SourceIp", Some("IPAddress")),
            ("aws:sourceip", Some("IPAddress")),
            ("aws:PrincipalTag/team", Some("String")),
            ("aws:TagKeys", Some("ArrayOfString")),
            ("aws:PrincipalTag", None),
            ("aws:SourceIpp", None),
        ] {
            assert_eq!(global_key_type(key), kind, "{key}");
        }
        assert!(global_keys().count() > 50);
    }

    #[test]
    fn arns_are_found_by_the_service_they_name() {
        assert!(arns_of("s3").contains(&"arn:${Partition}:s3:::${BucketName}"));
        assert!(arns_of("nothing").is_empty());
        assert!(arn_services().any(|service| service == "execute-api"));
    }
}
