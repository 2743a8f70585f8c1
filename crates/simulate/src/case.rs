//! A case: who asks what, under which policies; and how the compiled evaluator is asked.

use std::fmt;
use std::sync::Arc;

use iamd_policy::{
    Context, Decision, Document, Policies, PolicySet, PolicyType, Principal, Request,
};

/// A caller, in the words of both evaluators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The root user of an account.
    Root(&'static str),
    /// A user: ARN and unique id.
    User(&'static str, &'static str),
    /// A role session: its ARN, the role's ARN and unique id.
    Session(&'static str, &'static str, &'static str),
    /// A federated user: his ARN, and the user's who made the session.
    FederatedUser(&'static str, &'static str),
    /// A service.
    Service(&'static str),
    /// Whoever a provider vouches for.
    Outsider(&'static str),
    /// Nobody in particular.
    Anonymous,
}

/// The value of a condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Of a single-valued key.
    One(String),
    /// Of a multivalued key.
    Many(Vec<String>),
}

/// Policies as texts, by type.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// Identity-based policies.
    pub identity: Vec<String>,
    /// A permissions boundary.
    pub boundary: Option<String>,
    /// Session policies.
    pub session: Option<Vec<String>>,
    /// A resource-based policy.
    pub resource: Option<String>,
    /// A trust policy.
    pub trust: Option<String>,
    /// Service control policies, by level.
    pub scp: Option<Vec<Vec<String>>>,
    /// Resource control policies, by level.
    pub rcp: Option<Vec<Vec<String>>>,
    /// An endpoint policy.
    pub endpoint: Option<String>,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who asks.
    pub caller: Caller,
    /// What he wants to do.
    pub action: String,
    /// To what.
    pub resource: String,
    /// The account that owns it.
    pub owner: Option<&'static str>,
    /// Condition keys, in whatever letter case.
    pub context: Vec<(String, Held)>,
}

/// The outcome in the words of both evaluators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub decision: &'static str,
    /// The policy type that decided.
    pub decided_by: &'static str,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} by {}", self.decision, self.decided_by)
    }
}

impl Caller {
    /// Whether a permissions boundary is set on the caller is part of the policies, not of him.
    fn principal(&self, has_boundary: bool) -> Principal {
        match self {
            Caller::Root(account) => Principal::Root { account: (*account).to_owned() },
            Caller::User(arn, id) => Principal::User {
                arn: (*arn).to_owned(),
                unique_id: (*id).to_owned(),
                has_boundary,
            },
            Caller::Session(session, role, id) => Principal::RoleSession {
                session_arn: (*session).to_owned(),
                role_arn: (*role).to_owned(),
                role_id: (*id).to_owned(),
                has_boundary,
            },
            Caller::FederatedUser(arn, user) => Principal::FederatedUser {
                arn: (*arn).to_owned(),
                user_arn: Some((*user).to_owned()),
                has_boundary,
            },
            Caller::Service(name) => Principal::Service { name: (*name).to_owned() },
            Caller::Outsider(provider) => Principal::Federated { provider: (*provider).to_owned() },
            Caller::Anonymous => Principal::Anonymous,
        }
    }
}

/// Policies as the compiled evaluator holds them.
pub struct Compiled {
    identity: PolicySet,
    boundary: Option<PolicySet>,
    session: Option<PolicySet>,
    resource: Option<PolicySet>,
    trust: Option<PolicySet>,
    scp: Option<Vec<PolicySet>>,
    rcp: Option<Vec<PolicySet>>,
    endpoint: Option<PolicySet>,
}

impl Compiled {
    /// Reads all texts; what cannot be read holds nothing.
    pub fn of(texts: &Texts) -> Compiled {
        let one = |text: &Option<String>| text.as_ref().map(|text| set(std::slice::from_ref(text)));
        let levels = |levels: &Option<Vec<Vec<String>>>| {
            levels.as_ref().map(|levels| levels.iter().map(|level| set(level)).collect())
        };
        Compiled {
            identity: set(&texts.identity),
            boundary: one(&texts.boundary),
            session: texts.session.as_ref().map(|texts| set(texts)),
            resource: one(&texts.resource),
            trust: one(&texts.trust),
            scp: levels(&texts.scp),
            rcp: levels(&texts.rcp),
            endpoint: one(&texts.endpoint),
        }
    }

    /// The compiled evaluator's outcome; its explanation must agree with its decision.
    pub fn outcome(&self, question: &Question) -> Outcome {
        let principal = question.caller.principal(self.boundary.is_some());
        let mut context = Context::default();
        for (key, value) in &question.context {
            match value {
                Held::One(value) => context.set(key, value.as_str()),
                Held::Many(values) => context.set_list(key, values.iter().map(String::as_str)),
            }
        }
        let request = Request {
            principal: &principal,
            action: &question.action,
            resource: &question.resource,
            resource_account: question.owner,
            context: &context,
        };
        let identity = [&self.identity];
        let policies = Policies {
            identity: Some(&identity),
            boundary: self.boundary.as_ref(),
            session: self.session.as_ref(),
            resource: self.resource.as_ref(),
            trust: self.trust.as_ref(),
            scp: self.scp.as_deref(),
            rcp: self.rcp.as_deref(),
            endpoint: self.endpoint.as_ref(),
        };
        let decision = iamd_policy::decide(&request, &policies);
        let explained = iamd_policy::explain(&request, &policies);
        assert_eq!(explained.decision, decision, "the explanation is of another decision");
        let names_statements = !matches!(decision, Decision::DenyImplicitly(_));
        let is_free = decision == Decision::Allow(PolicyType::Identity);
        assert!(
            explained.statements.is_empty() != names_statements || is_free,
            "deciding statements do not fit the decision"
        );
        Outcome {
            decision: match decision {
                Decision::Allow(_) => "allowed",
                Decision::DenyExplicitly(_) => "explicitDeny",
                Decision::DenyImplicitly(_) => "implicitDeny",
            },
            decided_by: decision.decided_by().as_str(),
        }
    }
}

fn set(texts: &[String]) -> PolicySet {
    let documents = texts.iter().filter_map(|text| Document::parse(text).ok());
    documents.map(|document| (Arc::from("p"), document)).collect()
}
