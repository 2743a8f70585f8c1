//! The plain evaluator: every rule as the documentation states it, one after the other, nothing
//! prepared and nothing remembered.
//!
//! Sources: IAM User Guide, "Policy evaluation logic", "How AWS enforcement code logic evaluates
//! requests to allow or deny access", "Cross-account policy evaluation logic", "Permissions
//! boundaries", "IAM JSON policy elements"; Organizations User Guide, "SCP evaluation", "RCP syntax".

mod condition;
mod document;
mod limit;
mod operand;
mod pattern;
mod principal;
mod resource;
mod statement;

use std::slice::from_ref;

use crate::case::{Caller, Held, Outcome, Question, Texts};
use document::{Document, document};
use principal::Grant;
use statement::{Answer, Kind, evaluate};

/// Policies as JSON.
pub struct Documents {
    identity: Vec<Document>,
    boundary: Option<Vec<Document>>,
    session: Option<Vec<Document>>,
    resource: Option<Vec<Document>>,
    trust: Option<Vec<Document>>,
    scp: Option<Vec<Vec<Document>>>,
    rcp: Option<Vec<Vec<Document>>>,
    endpoint: Option<Vec<Document>>,
}

impl Documents {
    /// The documents in the texts; what cannot be read holds nothing.
    pub fn of(texts: &Texts) -> Documents {
        let list = |texts: &[String]| texts.iter().filter_map(|text| document(text)).collect();
        let one = |text: &Option<String>| text.as_ref().map(|text| list(from_ref(text)));
        let levels = |levels: &Option<Vec<Vec<String>>>| {
            levels.as_ref().map(|levels| levels.iter().map(|level| list(level)).collect())
        };
        Documents {
            identity: list(&texts.identity),
            boundary: one(&texts.boundary),
            session: texts.session.as_ref().map(|texts| list(texts)),
            resource: one(&texts.resource),
            trust: one(&texts.trust),
            scp: levels(&texts.scp),
            rcp: levels(&texts.rcp),
            endpoint: one(&texts.endpoint),
        }
    }
}

/// Decides a question.
///
/// Source: IAM User Guide, "Policy evaluation logic".
pub fn decide(question: &Question, documents: &Documents) -> Outcome {
    let question = &prepared(question);
    // Calls that need no permission: even an explicit deny does not stop them.
    if limit::needs_no_permission(&question.caller, &question.action) {
        return Outcome { decision: "allowed", decided_by: "identity" };
    }
    let answers = Answers::of(question, documents);
    match answers.refusal(question) {
        Some(refusal) => refusal,
        None => answers.granted(question),
    }
}

/// What every type of policy says by itself: `allows`, `explicitDeny` or `doesNotAllow`; none where
/// there are no such policies or they do not reach the caller or the resource.
///
/// Source: IAM User Guide, "Policy evaluation logic"; Organizations User Guide, "SCP evaluation",
/// "RCP evaluation".
pub fn verdicts(
    question: &Question,
    documents: &Documents,
) -> Vec<(&'static str, Option<&'static str>)> {
    let question = &prepared(question);
    let answers = Answers::of(question, documents);
    let one = |answer: &Option<Answer>| {
        answer.as_ref().map(|answer| match answer {
            Answer::Deny => "explicitDeny",
            Answer::Allow(_) => "allows",
            Answer::Nothing => "doesNotAllow",
        })
    };
    let denies = |levels: &[Answer]| levels.contains(&Answer::Deny);
    // Every level must allow, and there must be one.
    let scp = answers.scp.as_ref().map(|levels| match levels.iter().all(Answer::allows) {
        _ if denies(levels) => "explicitDeny",
        true if !levels.is_empty() => "allows",
        _ => "doesNotAllow",
    });
    // AWS's own policy, attached to every level, allows everything.
    let rcp =
        answers.rcp.as_ref().map(|levels| if denies(levels) { "explicitDeny" } else { "allows" });
    vec![
        ("scp", scp),
        ("rcp", rcp),
        ("endpoint", one(&answers.endpoint)),
        ("resource", one(&answers.resource)),
        ("trust", one(&answers.trust)),
        ("identity", one(&answers.identity)),
        ("boundary", one(&answers.boundary)),
        ("session", one(&answers.session)),
    ]
}

/// The question as it is decided: an action that knows no resources has the resource `*`; keys that
/// follow from the caller are there unless the question brings its own.
///
/// Source: IAM User Guide, "IAM JSON policy elements: Resource", note; "Principal key values".
fn prepared(question: &Question) -> Question {
    let mut prepared = question.clone();
    if limit::knows_no_resources(&question.action) {
        prepared.resource = "*".to_owned();
    }
    if question.principal_keys {
        let missing = |(key, _): &(String, Held)| condition::held(question, key).is_none();
        prepared.context.extend(principal::keys(&question.caller).into_iter().filter(missing));
    }
    prepared
}

/// What each type of policy says; none where a type does not apply.
struct Answers {
    scp: Option<Vec<Answer>>,
    rcp: Option<Vec<Answer>>,
    endpoint: Option<Answer>,
    resource: Option<Answer>,
    trust: Option<Answer>,
    identity: Option<Answer>,
    boundary: Option<Answer>,
    session: Option<Answer>,
}

impl Answers {
    /// Source: IAM User Guide, "Policy types"; Organizations User Guide, "SCP effects on
    /// permissions", "Resources and entities not restricted by RCPs".
    fn of(question: &Question, documents: &Documents) -> Answers {
        let caller = &question.caller;
        let bounded = documents.boundary.is_some();
        let ask = |set: &Vec<Document>, kind| evaluate(set, kind, question, bounded);
        let ask_one =
            |set: &Option<Vec<Document>>, kind| set.as_ref().map(|documents| ask(documents, kind));
        let ask_levels = |levels: &Option<Vec<Vec<Document>>>, kind| {
            levels.as_ref().map(|levels| levels.iter().map(|level| ask(level, kind)).collect())
        };
        // Services, outsiders and the anonymous have no identity side.
        let has_identity_side = principal::account(caller).is_some();
        // Neither identity-based policies nor boundaries attach to the root user.
        let is_root = matches!(caller, Caller::Root { .. });
        let has_policies = has_identity_side && !is_root;
        let under_scp = has_identity_side && !principal::is_service_linked(caller);
        let session = ask_one(&documents.session, Kind::Identity);
        Answers {
            scp: ask_levels(&documents.scp, Kind::Scp).filter(|_| under_scp),
            rcp: ask_levels(&documents.rcp, Kind::Rcp).filter(|_| limit::is_under_rcp(question)),
            endpoint: ask_one(&documents.endpoint, Kind::Endpoint),
            resource: ask_one(&documents.resource, Kind::Resource),
            trust: ask_one(&documents.trust, Kind::Trust),
            identity: has_policies.then(|| ask(&documents.identity, Kind::Identity)),
            boundary: ask_one(&documents.boundary, Kind::Identity).filter(|_| has_policies),
            session: session.filter(|_| has_identity_side),
        }
    }

    /// A denial that no grant can help: an explicit one, a hard limit, or a guardrail of the
    /// organization or the endpoint that does not allow.
    fn refusal(&self, question: &Question) -> Option<Outcome> {
        if let Some(decided_by) = self.denying_type() {
            return Some(Outcome { decision: "explicitDeny", decided_by });
        }
        let implicit = |decided_by| Some(Outcome { decision: "implicitDeny", decided_by });
        if limit::is_beyond_policies(question) {
            return implicit("identity");
        }
        // Every level must allow; a list without levels holds nothing that would.
        if let Some(levels) = &self.scp
            && (levels.is_empty() || levels.iter().any(|answer| !answer.allows()))
        {
            return implicit("scp");
        }
        // RCPs: RCPFullAWSAccess is attached everywhere, so that no level lacks an allow.
        if self.endpoint.as_ref().is_some_and(|answer| !answer.allows()) {
            return implicit("endpoint");
        }
        None
    }

    /// The first type that denies explicitly, in the order in which AWS looks.
    fn denying_type(&self) -> Option<&'static str> {
        let denies = |answer: &Option<Answer>| *answer == Some(Answer::Deny);
        let level_denies =
            |levels: &Option<Vec<Answer>>| levels.iter().flatten().any(|a| *a == Answer::Deny);
        let types = [
            ("scp", level_denies(&self.scp)),
            ("rcp", level_denies(&self.rcp)),
            ("endpoint", denies(&self.endpoint)),
            ("resource", denies(&self.resource)),
            ("trust", denies(&self.trust)),
            ("identity", denies(&self.identity)),
            ("boundary", denies(&self.boundary)),
            ("session", denies(&self.session)),
        ];
        types.into_iter().find(|(_, denies)| *denies).map(|(name, _)| name)
    }

    /// Who grants it, if anybody does.
    fn granted(&self, question: &Question) -> Outcome {
        let caller = &question.caller;
        // The policy on the resource's side; of a role that is its trust policy.
        let (side, name) = if self.trust.is_some() {
            (&self.trust, "trust")
        } else if self.resource.is_none() && limit::assumes_role(question) {
            (&None, "trust")
        } else {
            (&self.resource, "resource")
        };
        let grant = side.as_ref().and_then(Answer::grant);
        let Some(account) = principal::account(caller) else {
            let decision = if grant.is_some() { "allowed" } else { "implicitDeny" };
            return Outcome { decision, decided_by: name };
        };
        if limit::owner(question).is_none_or(|owner| owner == account) {
            self.same_account(question, grant, name)
        } else {
            self.cross_account(caller, grant, name)
        }
    }

    /// Source: IAM User Guide, "How AWS enforcement code logic evaluates requests", resource-based
    /// policies; "Permissions boundaries"; "AWS JSON policy elements: Principal".
    fn same_account(
        &self,
        question: &Question,
        grant: Option<Grant>,
        name: &'static str,
    ) -> Outcome {
        let needs_explicit_trust = self.trust.is_some() || limit::needs_explicit_trust(question);
        match grant {
            // The user, the session or everybody is named: no implicit denial limits that.
            Some(Grant::Direct) => Outcome { decision: "allowed", decided_by: name },
            // The role of the session, or the user behind it, is named: boundary and session limit.
            Some(Grant::Parent) => self.limited(&question.caller, name),
            None if needs_explicit_trust => Outcome { decision: "implicitDeny", decided_by: name },
            // The account is named, which delegates to its identities' policies.
            Some(Grant::Account) | None => self.identity_side(&question.caller),
        }
    }

    /// Source: IAM User Guide, "Cross-account policy evaluation logic": both sides must allow.
    fn cross_account(&self, caller: &Caller, grant: Option<Grant>, name: &'static str) -> Outcome {
        match grant {
            None => Outcome { decision: "implicitDeny", decided_by: name },
            Some(_) => self.identity_side(caller),
        }
    }

    /// Identity-based policies, boundary and session policies together; the root user is allowed
    /// everything by nature.
    fn identity_side(&self, caller: &Caller) -> Outcome {
        let is_root = matches!(caller, Caller::Root { .. });
        if !is_root && !self.identity.as_ref().is_some_and(Answer::allows) {
            return Outcome { decision: "implicitDeny", decided_by: "identity" };
        }
        self.limited(caller, "identity")
    }

    /// Boundary and session policies, where they are, must allow what others grant. A federated user
    /// without a session policy has no permissions.
    ///
    /// Source: IAM User Guide, "Permissions for GetFederationToken".
    fn limited(&self, caller: &Caller, granted_by: &'static str) -> Outcome {
        let implicit = |decided_by| Outcome { decision: "implicitDeny", decided_by };
        if self.boundary.as_ref().is_some_and(|answer| !answer.allows()) {
            return implicit("boundary");
        }
        let session_allows = match &self.session {
            Some(answer) => answer.allows(),
            None => !matches!(caller, Caller::FederatedUser { .. }),
        };
        if !session_allows {
            return implicit("session");
        }
        Outcome { decision: "allowed", decided_by: granted_by }
    }
}
