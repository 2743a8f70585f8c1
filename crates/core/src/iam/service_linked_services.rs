//! The services that have service-linked roles: a table of facts.
//!
//! Source: the guides of the services, "Using service-linked roles"; ARNs and `iam:AWSServiceName` in
//! AWS managed policies.

/// Service principal without its end, name of the role without its beginning, the AWS managed policy
/// that comes with it or `-`, and whether the name takes a suffix.
const TABLE: &str = include_str!("service_linked_services.tsv");

/// What every service principal in the table ends with.
const SERVICE_END: &str = ".amazonaws.com";
/// What the names of service-linked roles begin with. IAM User Guide, "Service-linked roles".
pub(super) const NAME_BEGINNING: &str = "AWSServiceRoleFor";

/// A service that has service-linked roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LinkedService {
    name: &'static str,
    /// The name of its managed policy, if AWS attaches one.
    pub(super) policy: Option<&'static str>,
    /// Whether there may be several roles, told apart by suffixes.
    pub(super) takes_suffix: bool,
}

impl LinkedService {
    /// The service of this principal; letter case counts.
    pub(super) fn find(principal: &str) -> Option<LinkedService> {
        let service = principal.strip_suffix(SERVICE_END)?;
        entries().find(|(name, _)| *name == service).map(|(_, service)| service)
    }

    /// The name of its role.
    pub(super) fn role_name(&self, suffix: Option<&str>) -> String {
        match suffix {
            Some(suffix) => format!("{NAME_BEGINNING}{}_{suffix}", self.name),
            None => format!("{NAME_BEGINNING}{}", self.name),
        }
    }
}

fn entries() -> impl Iterator<Item = (&'static str, LinkedService)> {
    TABLE.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let (service, name) = (fields.next()?, fields.next()?);
        let policy = fields.next().filter(|policy| *policy != "-");
        Some((service, LinkedService { name, policy, takes_suffix: fields.next()? == "suffix" }))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::managed_policies;

    #[test]
    fn the_table_is_sound() {
        let names: Vec<&str> = entries().map(|(service, _)| service).collect();
        assert_eq!(names.len(), TABLE.lines().count());
        assert!(names.is_sorted_by(|one, next| one < next));
        let mut roles = HashSet::new();
        for (service, linked) in entries() {
            let principal = format!("{service}{SERVICE_END}");
            assert_eq!(LinkedService::find(&principal), Some(linked));
            assert!(linked.role_name(None).len() <= 64, "{service}");
            assert!(roles.insert(linked.role_name(None)), "{service}");
            let Some(policy) = linked.policy else { continue };
            let policy = managed_policies::find(policy);
            assert!(policy.is_some_and(|policy| !policy.attachable), "{service}");
        }
    }

    #[test]
    fn what_is_no_service_is_not_found() {
        for principal in
            ["", "ecs", "ecs.amazonaws.com.cn", "ECS.amazonaws.com", "s3.amazonaws.com"]
        {
            assert_eq!(LinkedService::find(principal), None);
        }
    }

    /// AWS managed policies name roles by their ARNs.
    #[test]
    fn names_are_those_in_managed_policies() {
        let mut seen = 0;
        for record in managed_policies::all() {
            let document = record.document();
            for place in document.split("role/aws-service-role/").skip(1) {
                let arn = place.split('"').next().unwrap();
                let Some((principal, role)) = arn.split_once('/') else { continue };
                let Some(linked) = LinkedService::find(principal) else { continue };
                if role.contains('*') || EARLIER_NAMES.contains(&role) {
                    continue;
                }
                assert_eq!(linked.role_name(None), role, "{principal}");
                seen += 1;
            }
        }
        assert!(seen > 100);
    }

    /// Roles that policies name in the place of others, or that a service has had before.
    const EARLIER_NAMES: [&str; 1] = ["AWSServiceRoleForElasticBeanstalk"];
}
