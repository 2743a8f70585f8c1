//! iam-rs: the same documents.

use std::hint::black_box;

use iam_rs::{
    Arn, Context, Decision, EvaluationOptions, IAMPolicy, IAMRequest, PolicyEvaluator, Principal,
    PrincipalId,
};

use crate::{Engine, workload};

pub(crate) struct Iam {
    evaluator: PolicyEvaluator,
}

impl Iam {
    pub(crate) fn new(policies: &[Vec<workload::Statement>]) -> Result<Iam, String> {
        let parsed: Result<Vec<IAMPolicy>, _> = policies
            .iter()
            .map(|policy| serde_json::from_str(&workload::to_json(policy)))
            .collect();
        let policies = parsed.map_err(|error| format!("iam-rs: {error}"))?;
        // Above its own number of statements it answers an error.
        let options = EvaluationOptions { max_statements: usize::MAX, ..Default::default() };
        Ok(Iam { evaluator: PolicyEvaluator::with_policies(policies).with_options(options) })
    }
}

impl Engine for Iam {
    fn is_allowed(&self) -> bool {
        let principal = Principal::Aws(PrincipalId::String(workload::PRINCIPAL.to_owned()));
        let Ok(resource) = Arn::parse(black_box(workload::RESOURCE)) else { return false };
        let context = Context::new()
            .with_string("aws:PrincipalArn", workload::PRINCIPAL)
            .with_boolean("aws:SecureTransport", true);
        let request =
            IAMRequest::new_with_context(principal, black_box(workload::ACTION), resource, context);
        self.evaluator.evaluate(&request).is_ok_and(|result| result.decision == Decision::Allow)
    }
}
