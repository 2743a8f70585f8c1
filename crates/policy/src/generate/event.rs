//! What an event of an audit trail needed to be allowed.
//!
//! Source: Service Authorization Reference, tables of actions and of resource types; CloudTrail User
//! Guide, "CloudTrail record contents".

use super::{Use, Used, fill};
use crate::arn::Arn;
use crate::service_data::{self, ActionFacts, ResourceType};

/// An event, as far as it says what was used.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// `eventSource`, such as `iam.amazonaws.com`.
    pub source: &'a str,
    /// `eventName`, such as `CreateUser`.
    pub name: &'a str,
    /// `awsRegion`.
    pub region: &'a str,
    /// The partition of the caller, such as `aws`.
    pub partition: &'a str,
    /// The account of the caller.
    pub account: &'a str,
    /// The ARN of the user who called; none for a role.
    pub user: Option<&'a str>,
    /// What `requestParameters` says.
    pub parameters: &'a [Parameter],
    /// The ARNs of `resources`.
    pub resources: &'a [String],
    /// The actions that the operation needs, where the caller of this function knows them better than
    /// the data; empty otherwise.
    pub actions: &'a [&'a str],
}

/// A value of `requestParameters`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in lower case, without those of the objects that it stands in.
    pub name: String,
    /// The value; empty for a list or an object that holds something.
    pub value: String,
    /// In how many lists and objects it stands.
    pub depth: usize,
}

/// What an event needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NeededBy {
    /// These permissions.
    Uses(Vec<Use>),
    /// None: every caller may do it.
    Nothing,
    /// What it needs is not known.
    Unknown,
}

/// Services whose events have another name than their actions.
// CHOICE: those that CloudTrail's own examples show; events of others whose name is not that of a
// service are reported and not guessed.
const SOURCES: [(&str, &str); 3] =
    [("email", "ses"), ("monitoring", "cloudwatch"), ("tagging", "tag")];

/// Events whose action has another name.
const RENAMED: [(&str, &str, &str); 1] = [("lambda", "Invoke", "InvokeFunction")];

/// What everybody may do. STS API Reference, GetCallerIdentity and GetSessionToken: "No permissions
/// are required".
const FREE: [(&str, &str); 2] = [("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")];

/// Services in which one of several types of an action is enough.
const ONE_TYPE_IS_ENOUGH: [&str; 3] = ["iam", "s3", "sts"];

impl Event<'_> {
    /// The permissions that the event needed.
    ///
    /// What the request named is filled into the ARNs of the resource types that the action knows;
    /// where it named nothing, the resource is not known.
    pub fn uses(&self) -> NeededBy {
        let Some(prefix) = self.prefix() else { return NeededBy::Unknown };
        if FREE.contains(&(prefix, self.name)) {
            return NeededBy::Nothing;
        }
        let known: Vec<ActionFacts> = match self.actions {
            [] => self.action(prefix).into_iter().collect(),
            named => named.iter().filter_map(|action| service_data::action(action)).collect(),
        };
        if known.is_empty() || known.len() < self.actions.len() {
            return NeededBy::Unknown;
        }
        let mut uses: Vec<Use> = known.iter().flat_map(|facts| self.uses_of(*facts)).collect();
        uses.extend(self.accompanying(prefix, &uses));
        uses.sort_unstable();
        uses.dedup();
        NeededBy::Uses(uses)
    }

    /// Whether it makes something new.
    pub(super) fn creates(&self) -> bool {
        self.name.starts_with("Create") || self.name.starts_with("Upload")
    }

    /// The prefix of the service's actions.
    fn prefix(&self) -> Option<&'static str> {
        let name = self.source.strip_suffix(".amazonaws.com")?;
        let renamed = SOURCES.iter().find(|(source, _)| *source == name);
        let name = renamed.map_or(name, |(_, prefix)| prefix);
        service_data::service(name).map(service_data::Service::prefix)
    }

    fn action(&self, prefix: &str) -> Option<ActionFacts> {
        let service = service_data::service(prefix)?;
        let renamed = RENAMED.iter().find(|(own, name, _)| (*own, *name) == (prefix, self.name));
        let name = renamed.map_or(self.name, |(_, _, action)| action);
        // Some services write the version of their API behind the name: GetFunction20150331v2.
        let unversioned = name
            .trim_end_matches("v2")
            .trim_end_matches(|end: char| end.is_ascii_digit() || end == '_');
        service.action(name).or_else(|| service.action(unversioned))
    }

    fn uses_of(&self, facts: ActionFacts) -> Vec<Use> {
        let used = |resource| Use::new(facts, resource);
        let types: Vec<(&ResourceType, bool)> = facts.resource_types().collect();
        if types.is_empty() {
            return vec![used(Used::None)];
        }
        if let Some(resource) = self.special(facts) {
            return vec![used(resource)];
        }
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for (kind, is_required) in &types {
            let by_arn = fill::by_arn(self, kind);
            let named = if by_arn.is_empty() { fill::by_name(self, kind) } else { by_arn };
            if named.is_empty() && *is_required {
                missing.push(*kind);
            }
            found.extend(named);
        }
        if found.is_empty() {
            let own = self.user.filter(|_| types.iter().all(|(kind, _)| kind.name == "user"));
            return vec![used(own.map_or(Used::Unknown, |arn| Used::Arn(arn.to_owned())))];
        }
        if !ONE_TYPE_IS_ENOUGH.contains(&facts.service().prefix()) {
            found.extend(missing.into_iter().filter_map(|kind| fill::whole_type(self, kind)));
        }
        found.into_iter().map(used).collect()
    }

    /// The resource where the request does not name it as the type does.
    fn special(&self, facts: ActionFacts) -> Option<Used> {
        if facts.service().prefix() != "iam" {
            return None;
        }
        match facts.name() {
            // The key may be anybody's.
            "GetAccessKeyLastUsed" => Some(Used::Unknown),
            "CreateServiceLinkedRole" => {
                let service = self.value("awsservicename")?;
                let is_plain = service
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
                let (partition, account) = (self.partition, self.account);
                is_plain.then(|| {
                    Used::Pattern(format!(
                        "arn:{partition}:iam::{account}:role/aws-service-role/{service}/*"
                    ))
                })
            }
            _ => None,
        }
    }

    /// What a request needs beside its own action.
    fn accompanying(&self, prefix: &str, uses: &[Use]) -> Vec<Use> {
        let on_the_same = |action: String| {
            let facts = service_data::action(&action)?;
            uses.first().map(|first| Use::new(facts, first.resource.clone()))
        };
        let mut more = Vec::new();
        let mut add = |condition: bool, action: &str| {
            if condition {
                more.extend(on_the_same(format!("{prefix}:{action}")));
            }
        };
        match (prefix, self.name) {
            ("sts", "AssumeRole") => {
                add(self.has("tags"), "TagSession");
                add(self.has("sourceidentity"), "SetSourceIdentity");
                add(self.has("providedcontexts"), "SetContext");
            }
            ("iam", name) if self.creates() && self.has("tags") => {
                let made = name.trim_start_matches("Create").trim_start_matches("Upload");
                add(true, &format!("Tag{}", made.trim_start_matches("Virtual")));
            }
            // Source: IAM User Guide, "Renaming a user": both names are needed.
            ("iam", "UpdateUser" | "UpdateGroup" | "UpdateServerCertificate") => {
                more.extend(uses.iter().filter_map(|used| self.renamed(used)));
            }
            // The role is handed to EC2.
            ("iam", "AddRoleToInstanceProfile") => more.extend(self.passed_role()),
            _ => {}
        }
        more
    }

    fn renamed(&self, used: &Use) -> Option<Use> {
        let Used::Named(before, old) = &used.resource else { return None };
        let new = ["newusername", "newgroupname", "newservercertificatename"];
        let name = new.iter().find_map(|name| self.value(name));
        let name = name.unwrap_or(old);
        let resource = match self.value("newpath") {
            Some(path) => Used::Arn(format!("{before}{}{name}", path.trim_start_matches('/'))),
            None => Used::Named(before.clone(), name.to_owned()),
        };
        Some(Use { action: used.action.clone(), resource })
    }

    fn passed_role(&self) -> Option<Use> {
        let facts = service_data::action("iam:PassRole")?;
        let before = format!("arn:{}:iam::{}:role/", self.partition, self.account);
        let name = self.value("rolename")?;
        Some(Use::new(facts, Used::Named(before, name.to_owned())))
    }

    fn value(&self, name: &str) -> Option<&str> {
        let own = self.parameters.iter().filter(|parameter| parameter.name == name);
        own.filter(|own| !own.value.is_empty())
            .min_by_key(|own| own.depth)
            .map(|own| own.value.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.name == name && parameter.depth == 0)
    }
}

/// The type, `/` included, the path and the name of an entity of IAM that has a path.
pub(super) fn entity_of(arn: &str) -> Option<(String, &str, &str)> {
    let parsed = Arn::parse(arn)?;
    let (kind, path_and_name) = parsed.resource.split_once('/')?;
    if parsed.service != "iam" {
        return None;
    }
    let start = arn.get(..arn.len() - parsed.resource.len())?;
    let name_at = path_and_name.rfind('/').map_or(0, |slash| slash + 1);
    let (path, name) = path_and_name.split_at_checked(name_at)?;
    Some((format!("{start}{kind}/"), path, name))
}
