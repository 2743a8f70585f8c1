//! A case: who asks what, under which policies; and how the compiled evaluator is asked.

use std::fmt;
use std::slice::from_ref;
use std::sync::Arc;

use iamd_policy::{
    Context, Decision, Document, DocumentPool, Explanation, ParseError, Policies, PolicySet,
    PolicyType, Principal, Request,
};
use serde_json::Value;

/// A caller, in the words of both evaluators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The root user of an account.
    Root {
        /// The account.
        account: String,
    },
    /// An IAM user.
    User {
        /// `arn:aws:iam::ACCOUNT:user/...`
        arn: String,
        /// `AIDA...`; empty when it is not known.
        id: String,
    },
    /// A role session.
    Session {
        /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`
        arn: String,
        /// The role's ARN.
        role: String,
        /// `AROA...`; empty when it is not known.
        role_id: String,
    },
    /// A session from GetFederationToken.
    FederatedUser {
        /// `arn:aws:sts::ACCOUNT:federated-user/NAME`
        arn: String,
        /// The ARN of the user who made the session, when it is known.
        user: Option<String>,
    },
    /// A service.
    Service {
        /// Such as `ec2.amazonaws.com`.
        name: String,
    },
    /// Whoever a SAML or OpenID Connect provider vouches for.
    Outsider {
        /// ARN of the provider, or the host name of a built-in one.
        provider: String,
    },
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
    /// The account that owns it; absent, the one that the ARN names, else the caller's.
    pub owner: Option<String>,
    /// Condition keys, in whatever letter case; of a key given twice the last counts.
    pub context: Vec<(String, Held)>,
    /// Whether the keys that follow from who asks are there as well.
    pub principal_keys: bool,
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

impl fmt::Display for Texts {
    /// All documents, one a line, in order of their types; what is absent is left out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, text: &str| writeln!(formatter, "{name:10}{text}");
        for text in &self.identity {
            line("identity", text)?;
        }
        let single = [
            ("boundary", &self.boundary),
            ("resource", &self.resource),
            ("trust", &self.trust),
            ("endpoint", &self.endpoint),
        ];
        for (name, text) in single {
            text.as_ref().map_or(Ok(()), |text| line(name, text))?;
        }
        if let Some(texts) = &self.session {
            line("session", &format!("{} documents", texts.len()))?;
            texts.iter().try_for_each(|text| line("session", text))?;
        }
        for (name, levels) in [("scp", &self.scp), ("rcp", &self.rcp)] {
            let Some(levels) = levels else { continue };
            line(name, &format!("{} levels", levels.len()))?;
            for (number, level) in levels.iter().enumerate() {
                let name = format!("{name} {number}");
                line(&name, &format!("{} documents", level.len()))?;
                level.iter().try_for_each(|text| line(&name, text))?;
            }
        }
        Ok(())
    }
}

impl Caller {
    /// Whether a permissions boundary is set on the caller is part of the policies, not of him.
    pub(crate) fn principal(&self, has_boundary: bool) -> Principal {
        match self.clone() {
            Caller::Root { account } => Principal::Root { account },
            Caller::User { arn, id } => Principal::User { arn, unique_id: id, has_boundary },
            Caller::Session { arn, role, role_id } => {
                Principal::RoleSession { session_arn: arn, role_arn: role, role_id, has_boundary }
            }
            Caller::FederatedUser { arn, user } => {
                Principal::FederatedUser { arn, user_arn: user, has_boundary }
            }
            Caller::Service { name } => Principal::Service { name },
            Caller::Outsider { provider } => Principal::Federated { provider },
            Caller::Anonymous => Principal::Anonymous,
        }
    }
}

/// Policies as the compiled evaluator holds them.
pub struct Compiled {
    /// More than one set: those of groups are sets of their own.
    identity: Vec<PolicySet>,
    boundary: Option<PolicySet>,
    session: Option<PolicySet>,
    resource: Option<PolicySet>,
    trust: Option<PolicySet>,
    scp: Option<Vec<PolicySet>>,
    rcp: Option<Vec<PolicySet>>,
    endpoint: Option<PolicySet>,
}

impl Compiled {
    /// Reads all texts; what cannot be read holds nothing. Identity-based policies are several sets,
    /// as those of a user and his groups are.
    pub fn of(texts: &Texts) -> Compiled {
        let identity = texts.identity.chunks(2).map(|texts| set(texts, Document::parse));
        Compiled::with(texts, identity.collect(), Document::parse)
    }

    /// With documents from a pool, and all identity-based policies as one set with one index, as the
    /// memory of recent callers holds them.
    pub fn united(texts: &Texts, pool: &DocumentPool) -> Compiled {
        let parse = |text: &str| pool.parse(text);
        let parts: Vec<PolicySet> =
            texts.identity.iter().map(|text| set(from_ref(text), parse)).collect();
        Compiled::with(texts, vec![PolicySet::union(&parts)], parse)
    }

    /// With a set for every statement of identity-based policies, so that none has an index.
    pub fn one_by_one(texts: &Texts) -> Compiled {
        let statements = texts.identity.iter().flat_map(|text| single_statements(text));
        let identity = statements.map(|text| set(&[text], Document::parse)).collect();
        Compiled::with(texts, identity, Document::parse)
    }

    /// Identity-based policies alone, as they are held somewhere.
    pub fn of_identity(identity: Vec<PolicySet>) -> Compiled {
        Compiled::with(&Texts::default(), identity, Document::parse)
    }

    fn with(
        texts: &Texts,
        identity: Vec<PolicySet>,
        parse: impl Fn(&str) -> Result<Document, ParseError> + Copy,
    ) -> Compiled {
        let one = |text: &Option<String>| text.as_ref().map(|text| set(from_ref(text), parse));
        let levels = |levels: &Option<Vec<Vec<String>>>| {
            levels.as_ref().map(|levels| levels.iter().map(|level| set(level, parse)).collect())
        };
        Compiled {
            identity,
            boundary: one(&texts.boundary),
            session: texts.session.as_ref().map(|texts| set(texts, parse)),
            resource: one(&texts.resource),
            trust: one(&texts.trust),
            scp: levels(&texts.scp),
            rcp: levels(&texts.rcp),
            endpoint: one(&texts.endpoint),
        }
    }

    /// The compiled evaluator's outcome; its explanation must agree with its decision.
    pub fn outcome(&self, question: &Question) -> Outcome {
        let decision = self.asked(question, |request, policies| {
            let decision = iamd_policy::decide(request, policies);
            let explained = iamd_policy::explain(request, policies);
            assert_eq!(explained.decision, decision, "the explanation is of another decision");
            let names_statements = !matches!(decision, Decision::DenyImplicitly(_));
            let is_free = decision == Decision::Allow(PolicyType::Identity);
            assert!(
                explained.statements.is_empty() != names_statements || is_free,
                "deciding statements do not fit the decision"
            );
            decision
        });
        Outcome {
            decision: match decision {
                Decision::Allow(_) => "allowed",
                Decision::DenyExplicitly(_) => "explicitDeny",
                Decision::DenyImplicitly(_) => "implicitDeny",
            },
            decided_by: decision.decided_by().as_str(),
        }
    }

    /// The compiled evaluator's explanation.
    pub fn explanation(&self, question: &Question) -> Explanation {
        self.asked(question, iamd_policy::explain)
    }

    fn asked<T>(
        &self,
        question: &Question,
        ask: impl FnOnce(&Request<'_>, &Policies<'_>) -> T,
    ) -> T {
        let principal = question.caller.principal(self.boundary.is_some());
        let mut context = Context::default();
        for (key, value) in &question.context {
            match value {
                Held::One(value) => context.set(key, value.as_str()),
                Held::Many(values) => context.set_list(key, values.iter().map(String::as_str)),
            }
        }
        if question.principal_keys {
            context.add_principal_keys(&principal);
        }
        let request = Request {
            principal: &principal,
            action: &question.action,
            resource: &question.resource,
            resource_account: question.owner.as_deref(),
            context: &context,
        };
        let identity: Vec<&PolicySet> = self.identity.iter().collect();
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
        ask(&request, &policies)
    }
}

fn set(texts: &[String], parse: impl Fn(&str) -> Result<Document, ParseError>) -> PolicySet {
    let documents = texts.iter().filter_map(|text| parse(text).ok());
    documents.map(|document| (Arc::from("p"), document)).collect()
}

/// A document as several, with a statement each; the text as it is where that cannot be.
fn single_statements(text: &str) -> Vec<String> {
    let whole = || vec![text.to_owned()];
    let Ok(mut document) = serde_json::from_str::<Value>(text) else { return whole() };
    let Some(Value::Array(statements)) = document.get_mut("Statement").map(Value::take) else {
        return whole();
    };
    // A key twice would be lost, and with it the reason why the document holds nothing.
    if Document::parse(text).is_err() {
        return whole();
    }
    let mut all = Vec::new();
    for statement in statements {
        document["Statement"] = statement;
        all.push(document.to_string());
    }
    all
}
