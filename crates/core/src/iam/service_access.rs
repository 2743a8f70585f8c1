//! Which policies let somebody use a service. Source: IAM API Reference,
//! ListPoliciesGrantingServiceAccess.

use iamd_policy::ServiceAccess;
use iamd_wire::iam::{
    ListPoliciesGrantingServiceAccessEntry, ListPoliciesGrantingServiceAccessRequest,
    ListPoliciesGrantingServiceAccessResponse, PolicyGrantingServiceAccess, PolicyOwnerEntityType,
    PolicyType,
};

use super::policy_source::{PolicyOrigin, PolicySource, SourcePolicy};
use crate::draw::Draw;
use crate::marker::PageRequest;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;
use crate::text::EntityKind;

/// Lists the policies of a user, his groups included, of a group or of a role that grant access to
/// each of the services.
impl Operation for ListPoliciesGrantingServiceAccessRequest {
    const ACTION: &'static str = "iam:ListPoliciesGrantingServiceAccess";
    const EFFECT: Effect = Effect::Read;
    type Output = ListPoliciesGrantingServiceAccessResponse;

    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![PolicySource::target(scene, Self::ACTION, &self.arn)])
    }

    fn plan(&self, scene: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let policies = PolicySource::find(scene, &self.arn)?.policies(scene.account);
        let all = || policies.iter().map(|policy| &policy.document);
        let granting: Vec<(&SourcePolicy, ServiceAccess<'_>)> = policies
            .iter()
            .map(|policy| (policy, ServiceAccess::of([&policy.document], all())))
            .collect();
        let account = scene.account.id();
        let list = format!("granting:{account}:{}:{:?}", self.arn, self.service_namespaces);
        let request = PageRequest { list: &list, marker: self.marker.as_deref(), max_items: None };
        let page = scene.marker_key.page(request, |behind| {
            let from = behind.and_then(|place| place.parse::<usize>().ok()).map_or(0, |it| it + 1);
            let services = self.service_namespaces.iter().enumerate().skip(from);
            services.map(|(place, service)| (place, entry(service, &granting)))
        })?;
        Ok(Planned::read(ListPoliciesGrantingServiceAccessResponse {
            policies_granting_service_access: page.items,
            is_truncated: Some(page.is_truncated),
            marker: page.marker,
        }))
    }
}

fn entry(
    service: &str,
    granting: &[(&SourcePolicy, ServiceAccess<'_>)],
) -> ListPoliciesGrantingServiceAccessEntry {
    let reaching = granting.iter().filter(|(_, access)| access.reaches(service));
    ListPoliciesGrantingServiceAccessEntry {
        service_namespace: Some(service.to_owned()),
        policies: Some(reaching.map(|(policy, _)| shown(policy)).collect()),
    }
}

fn shown(policy: &SourcePolicy) -> PolicyGrantingServiceAccess {
    let (kind, arn, holder) = match &policy.origin {
        PolicyOrigin::Managed(arn) => (PolicyType::Managed, Some(arn.arn().to_owned()), None),
        PolicyOrigin::Inline(kind, name) => (PolicyType::Inline, None, Some((kind, name))),
    };
    PolicyGrantingServiceAccess {
        policy_name: policy.name.clone(),
        policy_type: kind,
        policy_arn: arn,
        entity_type: holder.map(|(kind, _)| match kind {
            EntityKind::Group => PolicyOwnerEntityType::Group,
            EntityKind::Role => PolicyOwnerEntityType::Role,
            EntityKind::User | EntityKind::InstanceProfile | EntityKind::ServerCertificate => {
                PolicyOwnerEntityType::User
            }
        }),
        entity_name: holder.map(|(_, name)| name.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::test_support::World;

    fn policy(effect: &str, action: &str) -> String {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"{action}","Resource":"*"}}}}"#
        )
    }

    #[test]
    fn policies_are_listed_by_service() {
        let reader = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
        let mut world = World::with(&[
            "CreateUser&UserName=bob",
            "CreateGroup&GroupName=team",
            "AddUserToGroup&GroupName=team&UserName=bob",
            &format!("AttachUserPolicy&UserName=bob&PolicyArn={reader}"),
            &format!(
                "PutUserPolicy&UserName=bob&PolicyName=own&PolicyDocument={}",
                policy("Allow", "codecommit:*")
            ),
            &format!(
                "PutGroupPolicy&GroupName=team&PolicyName=all&PolicyDocument={}",
                policy("Allow", "*")
            ),
            &format!(
                "PutGroupPolicy&GroupName=team&PolicyName=not&PolicyDocument={}",
                policy("Deny", "ec2:*")
            ),
        ]);
        let root = world.root();
        let services = ["codecommit", "s3", "ec2"];
        let list: String = services
            .iter()
            .enumerate()
            .map(|(place, it)| format!("&ServiceNamespaces.member.{}={it}", place + 1))
            .collect();
        let ask = |arn: &str| format!("ListPoliciesGrantingServiceAccess&Arn={arn}{list}");
        let own = json!({"PolicyName": "own", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": "bob"});
        let all = json!({"PolicyName": "all", "PolicyType": "INLINE", "EntityType": "GROUP", "EntityName": "team"});
        let managed = json!({"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyType": "MANAGED", "PolicyArn": reader});
        assert_eq!(
            world.ok(&root, &ask("arn:aws:iam::111122223333:user/bob")),
            json!({"PoliciesGrantingServiceAccess": [
                {"ServiceNamespace": "codecommit", "Policies": [own, all]},
                {"ServiceNamespace": "s3", "Policies": [managed, all]},
                {"ServiceNamespace": "ec2", "Policies": []},
            ], "IsTruncated": false})
        );
        let answer = world.ok(&root, &ask("arn:aws:iam::111122223333:group/team"));
        let entry = json!({"ServiceNamespace": "s3", "Policies": [all]});
        assert_eq!(answer["PoliciesGrantingServiceAccess"][1], entry);
        let refusal = world.refusal(&root, &ask("arn:aws:iam::111122223333:role/none"));
        assert_eq!(refusal, "NoSuchEntity: The role with name none cannot be found.");
    }
}
