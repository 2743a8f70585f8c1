//! Role templates, from which AWS's services have roles made. Source: IAM API Reference,
//! GetRoleTemplateVersion and AcquireRole; Service Authorization Reference, resource type
//! `role-template`.
//!
//! Templates are AWS's services' own: their ARNs name no account, and no operation makes one. No
//! service has any here, so that none is ever found.

use iamd_wire::ErrorCode;
use iamd_wire::iam::{
    AcquireRoleRequest, AcquireRoleResponse, GetRoleTemplateVersionRequest,
    GetRoleTemplateVersionResponse,
};

use super::policy_source::unclear;
use crate::arn::IamArn;
use crate::draw::Draw;
use crate::operation::{Effect, Operation, Planned, Scene, Target};
use crate::refusal::Refusal;

/// Shows a version of a template.
impl Operation for GetRoleTemplateVersionRequest {
    const ACTION: &'static str = "iam:GetRoleTemplateVersion";
    const EFFECT: Effect = Effect::Read;
    type Output = GetRoleTemplateVersionResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(Self::ACTION, &self.template_arn)])
    }

    fn plan(&self, _: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        Err(not_found(&self.template_arn))
    }
}

/// Makes a role from a template.
impl Operation for AcquireRoleRequest {
    const ACTION: &'static str = "iam:AcquireRole";
    const EFFECT: Effect = Effect::Write;
    type Output = AcquireRoleResponse;

    fn targets(&self, _: &Scene<'_>) -> Result<Vec<Target>, Refusal> {
        Ok(vec![target(Self::ACTION, &self.template_arn)])
    }

    fn plan(&self, _: &Scene<'_>, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        Err(not_found(&self.template_arn))
    }
}

fn target(action: &'static str, arn: &str) -> Target {
    let mut target = Target::new(action, arn.to_owned());
    target.context.set("iam:RoleTemplateARN", arn);
    target
}

/// `InvalidInput` for what is no ARN of a template, `NoSuchEntity` for any other.
fn not_found(arn: &str) -> Refusal {
    let is_template = |parts: &IamArn<'_>| {
        let version = parts.name.rsplit_once(':').map(|(_, version)| version);
        parts.account == "aws"
            && parts.resource_type == "role-template"
            && version.is_some_and(|version| version.parse::<u32>().is_ok())
    };
    if IamArn::parse(arn).filter(is_template).is_none() {
        return unclear(arn);
    }
    // CHOICE: AWS documents the code alone.
    let message = format!("The role template with ARN {arn} cannot be found.");
    Refusal::new(ErrorCode::NoSuchEntity, message)
}

#[cfg(test)]
mod tests {
    use crate::test_support::World;

    #[test]
    fn templates_that_nobody_has_are_not_found() {
        let mut world = World::new();
        let root = world.root();
        let template = "arn:aws:iam::aws:role-template/lambda.amazonaws.com/Basic:1";
        for operation in ["GetRoleTemplateVersion", "AcquireRole"] {
            let refusal = world.refusal(&root, &format!("{operation}&TemplateArn={template}"));
            let expected =
                format!("NoSuchEntity: The role template with ARN {template} cannot be found.");
            assert_eq!(refusal, expected);
            for wrong in [
                "arn:aws:iam::aws:role-template/lambda.amazonaws.com/Basic",
                "arn:aws:iam::111122223333:role-template/a/b:1",
                "arn:aws:iam::aws:policy/AdministratorAccess",
            ] {
                let refusal = world.refusal(&root, &format!("{operation}&TemplateArn={wrong}"));
                assert!(refusal.starts_with("InvalidInput: Invalid Entity Arn: "), "{refusal}");
            }
        }
    }
}
