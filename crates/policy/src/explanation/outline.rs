//! What every type of policy says of a request: less than an explanation, and cheaper.

use super::{Found, TypeResult, Verdict, place, statements};
use crate::decision::{Decider, Decision, Policies, PolicyType, Request, decide};
use crate::document::{Document, Effect};
use crate::evaluation::Fit;
use crate::json::{Span, line_and_column};

/// A decision beside what every type of policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The decision.
    pub decision: Decision,
    /// What every type says, in the order in which AWS looks for a denial.
    pub types: Vec<TypeResult>,
}

impl Outline {
    /// What one type says, with the statements that say so.
    pub fn of(&self, kind: PolicyType) -> Option<&TypeResult> {
        self.types.iter().find(|result| result.policy_type == kind)
    }

    /// Whether a type allows, or does not take part.
    pub fn lets_pass(&self, kind: PolicyType) -> bool {
        self.of(kind).is_none_or(|result| match result.verdict {
            Verdict::Allow | Verdict::DoNotApply | Verdict::Absent => true,
            Verdict::DenyExplicitly | Verdict::DoNotAllow => false,
        })
    }
}

/// Decides a request and tells what every type of policy says of it.
///
/// Every statement is looked at once, so that the cost grows with the policies' length.
pub fn outline(request: &Request<'_>, policies: &Policies<'_>) -> Outline {
    let decider = Decider::new(request, policies);
    let results = PolicyType::ALL.into_iter().map(|kind| type_result(&decider, kind));
    Outline { types: results.collect(), decision: decide(request, policies) }
}

fn type_result(decider: &Decider<'_>, kind: PolicyType) -> TypeResult {
    let mut found = Found::of(kind);
    for set in decider.sets(kind) {
        let mut level_allows = false;
        for placed in statements(set) {
            match decider.evaluation.fit(placed.2, kind) {
                Fit::Applies(Effect::Allow, naming) => {
                    level_allows = true;
                    found.naming = found.naming.max(Some(naming));
                    found.allowing.push(place(placed));
                }
                Fit::Applies(Effect::Deny, _) => found.denying.push(place(placed)),
                Fit::AllButConditions | Fit::No => {}
            }
        }
        found.levels.push(level_allows);
    }
    let verdict = found.verdict(decider);
    found.into_result(verdict)
}

/// Where a statement stands in its document, as AWS's simulator counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatementBounds {
    /// Line and column, from 1, behind what comes before the statement: the bracket that opens the
    /// list, or the statement before it. Of a statement that stands alone, behind its own brace.
    pub start: (u32, u32),
    /// Line and column behind the statement's last brace.
    pub end: (u32, u32),
}

/// Source: examples of the AWS CLI, simulate-custom-policy and simulate-principal-policy.
pub(super) fn bounds(document: &Document, span: Span) -> StatementBounds {
    let before = document.statements().map(|statement| statement.span.end);
    let before = before.take_while(|end| *end <= span.start).last();
    let start = before.unwrap_or_else(|| {
        let text = document.source().get(..span.start).unwrap_or_default();
        let text = text.trim_end_matches([' ', '\t', '\r', '\n']);
        if text.ends_with('[') { text.len() } else { span.start + 1 }
    });
    StatementBounds {
        start: line_and_column(document.source(), start),
        end: line_and_column(document.source(), span.end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, PolicySet, Principal};

    fn set(name: &str, text: &str) -> PolicySet {
        [(name.into(), Document::parse(text).unwrap())].into_iter().collect()
    }

    fn outlined(action: &str, policies: &Policies<'_>) -> Outline {
        let principal = Principal::User {
            arn: "arn:aws:iam::111122223333:user/ana".to_owned(),
            unique_id: String::new(),
            has_boundary: false,
        };
        let context = Context::default();
        let request = Request {
            principal: &principal,
            action,
            resource: "arn:aws:s3:::b/k",
            resource_account: Some("111122223333"),
            context: &context,
        };
        let outline = outline(&request, policies);
        assert_eq!(outline.decision, decide(&request, policies));
        outline
    }

    fn found(outline: &Outline, kind: PolicyType) -> Vec<StatementBounds> {
        outline.of(kind).unwrap().statements.iter().map(|it| it.bounds()).collect()
    }

    /// The example of the CLI, and answers of AWS about lists of statements.
    #[test]
    fn bounds_are_those_of_aws() {
        let alone = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
        let listed = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow", "Action": "s3:*", "Resource": "*"
    } , {"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}
  ]
}"#;
        for (text, bounds) in [
            (alone, vec![((1, 38), (1, 86))]),
            (listed, vec![((3, 17), (6, 6)), ((6, 6), (6, 66))]),
        ] {
            let set = set("p", text);
            let policies = Policies { identity: Some(&[&set]), ..Policies::default() };
            let outline = outlined("s3:GetObject", &policies);
            let expected: Vec<StatementBounds> =
                bounds.into_iter().map(|(start, end)| StatementBounds { start, end }).collect();
            assert_eq!(found(&outline, PolicyType::Identity), expected);
            assert!(outline.decision.is_allowed());
        }
    }

    #[test]
    fn types_say_what_they_say_beside_each_other() {
        let identity = set(
            "i",
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},
                {"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}]}"#,
        );
        let boundary = set(
            "b",
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#,
        );
        let sets = [&identity];
        let policies =
            Policies { identity: Some(&sets), boundary: Some(&boundary), ..Policies::default() };
        for (action, decision, identity, boundary) in [
            ("s3:GetObject", Decision::Allow(PolicyType::Identity), (true, 1), (true, 1)),
            (
                "s3:PutObject",
                Decision::DenyExplicitly(PolicyType::Identity),
                (false, 1),
                (false, 0),
            ),
            (
                "s3:DeleteObject",
                Decision::DenyImplicitly(PolicyType::Boundary),
                (true, 1),
                (false, 0),
            ),
            ("ec2:Run", Decision::DenyImplicitly(PolicyType::Identity), (false, 0), (false, 0)),
        ] {
            let outline = outlined(action, &policies);
            assert_eq!(outline.decision, decision, "{action}");
            let of = |kind| (outline.lets_pass(kind), found(&outline, kind).len());
            assert_eq!(of(PolicyType::Identity), identity, "{action}");
            assert_eq!(of(PolicyType::Boundary), boundary, "{action}");
            assert_eq!(of(PolicyType::Scp), (true, 0), "{action}");
        }
    }
}
