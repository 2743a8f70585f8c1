//! Cedar: the same question in its own language, a policy for each statement.
//!
//! Cedar's actions have no wildcards, so patterns of actions and resources are compared with `like`.

use std::hint::black_box;
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet,
    Request, RestrictedExpression,
};

use crate::Engine;
use crate::workload::{self, Condition, Statement};

pub(crate) struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    types: [EntityTypeName; 3],
}

impl Cedar {
    pub(crate) fn new(policies: &[Vec<Statement>]) -> Result<Cedar, String> {
        let text: String = policies.iter().flatten().map(to_cedar).collect();
        let policies = PolicySet::from_str(&text).map_err(|error| format!("Cedar: {error}"))?;
        let name = |text| EntityTypeName::from_str(text).map_err(|error| format!("Cedar: {error}"));
        Ok(Cedar {
            authorizer: Authorizer::new(),
            policies,
            entities: Entities::empty(),
            types: [name("Principal")?, name("Action")?, name("Resource")?],
        })
    }
}

impl Engine for Cedar {
    fn is_allowed(&self) -> bool {
        let [principal, action, resource] = &self.types;
        let entity = |kind: &EntityTypeName, id| {
            EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
        };
        let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
        let context = Context::from_pairs([
            ("action".to_owned(), text(black_box(workload::ACTION))),
            ("resource".to_owned(), text(black_box(workload::RESOURCE))),
            ("principal_arn".to_owned(), text(workload::PRINCIPAL)),
            ("secure_transport".to_owned(), RestrictedExpression::new_bool(true)),
        ]);
        let Ok(context) = context else { return false };
        let request = Request::new(
            entity(principal, workload::PRINCIPAL),
            entity(action, workload::ACTION),
            entity(resource, workload::RESOURCE),
            context,
            None,
        );
        let Ok(request) = request else { return false };
        let response = self.authorizer.is_authorized(&request, &self.policies, &self.entities);
        response.decision() == Decision::Allow
    }
}

fn to_cedar(statement: &Statement) -> String {
    let actions: Vec<String> = statement
        .actions
        .iter()
        .map(|action| match action.contains('*') {
            true => format!(r#"context.action like "{action}""#),
            false => format!(r#"context.action == "{action}""#),
        })
        .collect();
    format!(
        "permit(principal, action, resource) when {{ ({}) && context.resource like \"{}\" && {} }};\n",
        actions.join(" || "),
        statement.resource,
        condition(statement.condition)
    )
}

fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::Team => r#"context has team && context.team == "blue""#,
        Condition::Address => {
            r#"context has source_ip && context.source_ip.isInRange(ip("10.0.0.0/8"))"#
        }
        Condition::Time => r#"context has time && context.time < datetime("2030-01-01T00:00:00Z")"#,
        Condition::Role => r#"context.principal_arn like "arn:aws:iam::*:role/app/*""#,
        Condition::Encrypted => "context.secure_transport",
    }
}
