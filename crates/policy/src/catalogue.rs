//! What is known of AWS's services, for whoever judges documents: actions, condition keys.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::service_data::PACK;

/// A service.
#[derive(Debug, Default)]
pub(crate) struct Service {
    /// By name in lower case: the spelling, and whether the action knows resources.
    actions: BTreeMap<String, (&'static str, bool)>,
    /// By name in lower case: the type.
    keys: BTreeMap<String, &'static str>,
}

impl Service {
    /// The spelling of an action, and whether it knows resources; the name in lower case.
    pub(crate) fn action(&self, name: &str) -> Option<(&'static str, bool)> {
        self.actions.get(name).copied()
    }

    /// The names of all actions, in lower case and as they are spelled.
    pub(crate) fn actions(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.actions.iter().map(|(lower, (name, _))| (lower.as_str(), *name))
    }

    /// The type of a condition key in lower case; a key with a variable part is found by its
    /// beginning.
    pub(crate) fn key_type(&self, key: &str) -> Option<&'static str> {
        if let Some(kind) = self.keys.get(key) {
            return Some(kind);
        }
        let fits = |known: &str| {
            let fixed = known.split(['$', '<']).next().unwrap_or_default();
            fixed.len() < known.len() && key.len() > fixed.len() && key.starts_with(fixed)
        };
        self.keys.iter().find(|(known, _)| fits(known)).map(|(_, kind)| *kind)
    }
}

/// The service of a prefix in lower case.
pub(crate) fn service(prefix: &str) -> Option<&'static Service> {
    services().get(prefix)
}

/// The prefixes of all services.
pub(crate) fn prefixes() -> impl Iterator<Item = &'static str> {
    services().keys().copied()
}

/// The pack, read once. Memory of a constant, not state.
fn services() -> &'static BTreeMap<&'static str, Service> {
    static SERVICES: OnceLock<BTreeMap<&'static str, Service>> = OnceLock::new();
    SERVICES.get_or_init(|| {
        let mut services = BTreeMap::new();
        let mut current: Option<(&'static str, Service)> = None;
        for line in PACK.lines() {
            let mut fields = line.split('\t');
            match (fields.next(), fields.next(), fields.next(), fields.next()) {
                (Some("s"), Some(prefix), ..) => {
                    services.extend(current.replace((prefix, Service::default())));
                }
                (Some("k"), Some(key), Some(kind), _) => {
                    if let Some((_, service)) = &mut current {
                        service.keys.insert(key.to_lowercase(), kind);
                    }
                }
                (Some("a"), Some(name), _, Some(kinds)) => {
                    if let Some((_, service)) = &mut current {
                        service.actions.insert(name.to_lowercase(), (name, !kinds.is_empty()));
                    }
                }
                _ => {}
            }
        }
        services.extend(current);
        services
    })
}

/// The type of a global condition key in lower case.
///
/// Source: IAM User Guide, "AWS global condition context keys".
pub(crate) fn global_key_type(key: &str) -> Option<&'static str> {
    const TAGGED: [&str; 3] = ["aws:principaltag/", "aws:resourcetag/", "aws:requesttag/"];
    if TAGGED.iter().any(|prefix| key.len() > prefix.len() && key.starts_with(prefix)) {
        return Some("String");
    }
    let known = GLOBAL_KEYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    known.map(|(_, kind)| *kind)
}

/// The spellings of global condition keys.
pub(crate) fn global_keys() -> impl Iterator<Item = &'static str> {
    GLOBAL_KEYS.iter().map(|(name, _)| *name)
}

const GLOBAL_KEYS: [(&str, &str); 53] = [
    ("aws:AssumedRoot", "Bool"),
    ("aws:CalledVia", "ArrayOfString"),
    ("aws:CalledViaFirst", "String"),
    ("aws:CalledViaLast", "String"),
    ("aws:ChatbotSourceArn", "ARN"),
    ("aws:CurrentTime", "Date"),
    ("aws:Ec2InstanceSourcePrivateIPv4", "IPAddress"),
    ("aws:Ec2InstanceSourceVpc", "String"),
    ("aws:EpochTime", "Date"),
    ("aws:FederatedProvider", "String"),
    ("aws:IsMcpServiceAction", "Bool"),
    ("aws:MultiFactorAuthAge", "Numeric"),
    ("aws:MultiFactorAuthPresent", "Bool"),
    ("aws:PrincipalAccount", "String"),
    ("aws:PrincipalArn", "ARN"),
    ("aws:PrincipalIsAWSService", "Bool"),
    ("aws:PrincipalOrgID", "String"),
    ("aws:PrincipalOrgPaths", "ArrayOfString"),
    ("aws:PrincipalServiceName", "String"),
    ("aws:PrincipalServiceNamesList", "ArrayOfString"),
    ("aws:PrincipalType", "String"),
    ("aws:referer", "String"),
    ("aws:RequestedRegion", "String"),
    ("aws:ResourceAccount", "String"),
    ("aws:ResourceOrgID", "String"),
    ("aws:ResourceOrgPaths", "ArrayOfString"),
    ("aws:SecureTransport", "Bool"),
    ("aws:SourceAccount", "String"),
    ("aws:SourceArn", "ARN"),
    ("aws:SourceIdentity", "String"),
    ("aws:SourceIp", "IPAddress"),
    ("aws:SourceOrgID", "String"),
    ("aws:SourceOrgPaths", "ArrayOfString"),
    ("aws:SourceOwner", "String"),
    ("aws:SourceVpc", "String"),
    ("aws:SourceVpcArn", "ARN"),
    ("aws:SourceVpce", "String"),
    ("aws:TagKeys", "ArrayOfString"),
    ("aws:TokenIssueTime", "Date"),
    ("aws:UserAgent", "String"),
    ("aws:userid", "String"),
    ("aws:username", "String"),
    ("aws:ViaAWSMCPService", "Bool"),
    ("aws:ViaAWSService", "Bool"),
    ("aws:VpceAccount", "String"),
    ("aws:VpceOrgID", "String"),
    ("aws:VpceOrgPaths", "ArrayOfString"),
    ("aws:VpcSourceIp", "IPAddress"),
    ("ec2:RoleDelivery", "Numeric"),
    ("ec2:SourceInstanceArn", "ARN"),
    ("glue:RoleAssumedBy", "String"),
    ("identitystore:UserId", "String"),
    ("lambda:SourceFunctionArn", "ARN"),
];
