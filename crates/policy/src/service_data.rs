//! Facts about AWS's services: a data pack, not code.
//!
//! The file is written by `cargo xtask data`. What decisions depend on is read once, when a decision
//! first needs it; the public lookups read single services when they are asked about them.

mod lookup;

pub(crate) use lookup::global_key_names;
pub use lookup::{
    AccessLevel, ActionFacts, ConditionKey, ResourceType, Service, action, arn_services, arns_of,
    global_key_type, global_keys, has_resource_level_permissions, prefixes, service,
};

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;

use crate::hash::hash;

/// Services with their condition keys, resource types and actions; the form is described where it
/// is written.
pub(crate) const PACK: &str = include_str!("../data/services.tsv");

/// Whether an action, in lower case, knows no resources: its request's resource is `*`, whatever it
/// touches. Actions that the data do not know have resources.
///
/// Source: Service Authorization Reference, tables of actions; IAM User Guide, "IAM JSON policy
/// elements: Resource".
pub(crate) fn is_without_resources(action: &str) -> bool {
    let known = facts().without_resources.get(&hash(action.as_bytes()));
    known.is_some_and(|(service, name)| {
        let own = action.split_once(':');
        own.is_some_and(|(own_service, own_name)| {
            own_service == *service && own_name.eq_ignore_ascii_case(name)
        })
    })
}

/// Whether resource control policies reach a service. Organizations User Guide, "Resource control
/// policies", list of supported services.
pub(crate) fn is_under_resource_control(service: &str) -> bool {
    facts().under_resource_control.contains(service)
}

/// Whether ARNs of a service begin their resource part not with its type, as `instance/i-1` does, but
/// with an id, as `bucket/key`, or with nothing, as `/restapis/id`: for one of its types suffices.
///
/// Source: Service Authorization Reference, tables of resource types.
// CHOICE: the documentation says what stands in place of a type, but not for which services.
pub(crate) fn is_without_types(service: &str) -> bool {
    facts().without_types.contains(service)
}

/// The service of the ARN of a resource type, if the ARN begins its resource part without a type.
fn service_without_type(arn: &'static str) -> Option<&'static str> {
    let mut fields = arn.splitn(6, ':');
    let (service, resource) = (fields.nth(2)?, fields.nth(2)?);
    let placeholder = resource.strip_prefix("${").and_then(|rest| rest.split('}').next());
    // `${StreamType}/...` is a type that is filled in.
    let is_id = placeholder.is_some_and(|name| !name.ends_with("Type"));
    (is_id || resource.starts_with('/')).then_some(service)
}

struct Facts {
    without_resources: HashMap<u64, (&'static str, &'static str), BuildHasherDefault<AsItIs>>,
    under_resource_control: HashSet<&'static str>,
    without_types: HashSet<&'static str>,
}

/// The pack, read once. Memory of a constant, not state.
fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(|| {
        let mut facts = Facts {
            without_resources: HashMap::default(),
            under_resource_control: HashSet::new(),
            without_types: HashSet::new(),
        };
        let mut service = "";
        for line in PACK.lines() {
            let mut fields = line.split('\t');
            match (fields.next(), fields.next(), fields.next(), fields.next()) {
                (Some("s"), Some(name), control, _) => {
                    service = name;
                    if control == Some("rcp") {
                        facts.under_resource_control.insert(service);
                    }
                }
                (Some("t"), Some(_), Some(arn), _) => {
                    facts.without_types.extend(service_without_type(arn));
                }
                (Some("a"), Some(name), _, Some("")) => {
                    let action = format!("{service}:{name}").to_ascii_lowercase();
                    facts.without_resources.insert(hash(action.as_bytes()), (service, name));
                }
                _ => {}
            }
        }
        facts
    })
}

/// The keys are hashes already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(bytes);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_without_resources_are_known() {
        for action in ["s3:listallmybuckets", "sts:getcalleridentity", "iam:listusers"] {
            assert!(is_without_resources(action), "{action}");
        }
        for action in ["s3:getobject", "sts:assumerole", "iam:createuser", "own:thing", "s3", ""] {
            assert!(!is_without_resources(action), "{action}");
        }
    }

    #[test]
    fn no_two_actions_share_a_hash() {
        let without = |line: &&str| line.starts_with("a\t") && line.split('\t').nth(3) == Some("");
        let count = PACK.lines().filter(without).count();
        assert_eq!(facts().without_resources.len(), count);
        assert!(count > 5_000);
    }

    #[test]
    fn services_without_types_are_known() {
        for service in ["apigateway", "codecommit", "execute-api", "s3", "sns", "sqs", "wafv2"] {
            assert!(is_without_types(service), "{service}");
        }
        for service in ["ec2", "iam", "kinesis", "kms", "lambda", "s3-object-lambda", "own", ""] {
            assert!(!is_without_types(service), "{service}");
        }
    }

    #[test]
    fn services_under_resource_control_are_known() {
        for service in ["s3", "sts", "kms", "sqs", "secretsmanager", "dynamodb"] {
            assert!(is_under_resource_control(service), "{service}");
        }
        assert!(!is_under_resource_control("iam") && !is_under_resource_control("ec2"));
    }
}
