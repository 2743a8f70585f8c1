//! The plain evaluator: every rule as the documentation states it, one after the other.
//!
//! Sources: IAM User Guide, "Policy evaluation logic", "How AWS enforcement code logic evaluates
//! requests", "Cross-account policy evaluation logic", "IAM JSON policy elements"; Organizations User
//! Guide, "SCP evaluation", "RCP syntax".

mod condition;
mod statement;
mod text;

use serde_json::Value;

use crate::case::{Caller, Outcome, Question, Texts};
use statement::{Kind, Said, says};

/// How a resource-based policy allowed the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    /// Through his account.
    Account,
    /// Through the role of his session, or the user behind him.
    Parent,
    /// Himself, or everyone.
    Himself,
}

/// The account of an ARN.
pub(crate) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or("")
}

impl Caller {
    /// The caller's account.
    pub(crate) fn account(&self) -> Option<&str> {
        match self {
            Caller::Root(account) => Some(account),
            Caller::User(arn, _) | Caller::Session(arn, ..) | Caller::FederatedUser(arn, _) => {
                Some(account_of(arn))
            }
            Caller::Service(_) | Caller::Outsider(_) | Caller::Anonymous => None,
        }
    }

    fn is_service_linked(&self) -> bool {
        match self {
            Caller::Session(session, role, _) => {
                role.contains(":role/aws-service-role/")
                    || session.contains(":assumed-role/AWSServiceRoleFor")
            }
            _ => false,
        }
    }
}

/// What every type says that applies.
struct Sides {
    scp: Option<Vec<Said>>,
    rcp: Vec<Said>,
    endpoint: Option<Said>,
    resource: Option<Said>,
    trust: Option<Said>,
    identity: Said,
    boundary: Option<Said>,
    session: Option<Said>,
}

/// Decides a question.
pub fn decide(question: &Question, texts: &Texts) -> Outcome {
    let action = question.action.to_lowercase();
    // Of the vocabulary here, these know no resources: theirs is `*`.
    let without = ["s3:listallmybuckets", "sts:getcalleridentity", "sts:getsessiontoken"];
    let question = &Question {
        resource: if without.contains(&action.as_str()) {
            "*".to_owned()
        } else {
            question.resource.clone()
        },
        ..question.clone()
    };
    let caller = &question.caller;
    if action == "sts:getcalleridentity" && !matches!(caller, Caller::Anonymous) {
        return outcome("allowed", "identity");
    }
    if action == "sts:getsessiontoken" && matches!(caller, Caller::Root(_) | Caller::User(..)) {
        return outcome("allowed", "identity");
    }
    let sides = Sides::of(question, texts, &action);
    if let Some(kind) = sides.denying() {
        return outcome("explicitDeny", kind);
    }
    if beyond(caller, &action, &question.resource) {
        return outcome("implicitDeny", "identity");
    }
    let scp = sides.scp.as_ref();
    if scp.is_some_and(|levels| levels.is_empty() || levels.contains(&Said::Nothing)) {
        return outcome("implicitDeny", "scp");
    }
    if sides.endpoint == Some(Said::Nothing) {
        return outcome("implicitDeny", "endpoint");
    }
    let (side, word) = match (sides.trust, sides.resource) {
        (Some(said), _) => (Some(said), "trust"),
        // A role without a trust policy trusts nobody.
        (None, None) if action.starts_with("sts:assumerole") => (None, "trust"),
        (None, said) => (said, "resource"),
    };
    let granted = match side {
        Some(Said::Allow(by)) => Some(by),
        _ => None,
    };
    if caller.account().is_none() {
        let decision = if granted.is_some() { "allowed" } else { "implicitDeny" };
        return outcome(decision, word);
    }
    let needs_trust =
        sides.trust.is_some() || is_key(&question.resource) || action.starts_with("sts:assumerole");
    match (granted, is_own(question)) {
        (Some(By::Himself), true) => outcome("allowed", word),
        (Some(By::Parent), true) => sides.limited(caller, word),
        (None, true) if needs_trust => outcome("implicitDeny", word),
        (None, false) => outcome("implicitDeny", word),
        _ => sides.identity_side(caller),
    }
}

impl Sides {
    fn of(question: &Question, texts: &Texts, action: &str) -> Sides {
        let caller = &question.caller;
        let bounded = texts.boundary.is_some();
        let ask = |texts: &[String], kind: Kind| {
            let documents: Vec<Value> =
                texts.iter().filter_map(|text| text::document(text)).collect();
            says(&documents, kind, question, bounded)
        };
        let one = |text: &Option<String>, kind| {
            text.as_ref().map(|text| ask(std::slice::from_ref(text), kind))
        };
        let has_side = caller.account().is_some();
        let has_policies = has_side && !matches!(caller, Caller::Root(_));
        let levels =
            |levels: &[Vec<String>], kind| levels.iter().map(|level| ask(level, kind)).collect();
        let scp = texts.scp.as_ref().filter(|_| has_side && !caller.is_service_linked());
        let rcp =
            texts.rcp.as_ref().filter(|_| is_under_rcp(action) && !caller.is_service_linked());
        Sides {
            scp: scp.map(|texts| levels(texts, Kind::Scp)),
            rcp: rcp.map(|texts| levels(texts, Kind::Rcp)).unwrap_or_default(),
            endpoint: one(&texts.endpoint, Kind::Endpoint),
            resource: one(&texts.resource, Kind::Resource),
            trust: one(&texts.trust, Kind::Trust),
            identity: if has_policies {
                ask(&texts.identity, Kind::Identity)
            } else {
                Said::Nothing
            },
            boundary: one(&texts.boundary, Kind::Identity).filter(|_| has_policies),
            session: texts
                .session
                .as_ref()
                .filter(|_| has_side)
                .map(|texts| ask(texts, Kind::Identity)),
        }
    }

    /// The type that denies, in AWS's order.
    fn denying(&self) -> Option<&'static str> {
        let denies = [
            ("scp", self.scp.iter().flatten().any(|said| *said == Said::Deny)),
            ("rcp", self.rcp.contains(&Said::Deny)),
            ("endpoint", self.endpoint == Some(Said::Deny)),
            ("resource", self.resource == Some(Said::Deny)),
            ("trust", self.trust == Some(Said::Deny)),
            ("identity", self.identity == Said::Deny),
            ("boundary", self.boundary == Some(Said::Deny)),
            ("session", self.session == Some(Said::Deny)),
        ];
        denies.into_iter().find(|(_, denies)| *denies).map(|(kind, _)| kind)
    }

    fn identity_side(&self, caller: &Caller) -> Outcome {
        if !matches!(caller, Caller::Root(_)) && self.identity == Said::Nothing {
            return outcome("implicitDeny", "identity");
        }
        self.limited(caller, "identity")
    }

    fn limited(&self, caller: &Caller, granted_by: &'static str) -> Outcome {
        if self.boundary == Some(Said::Nothing) {
            return outcome("implicitDeny", "boundary");
        }
        match self.session {
            Some(Said::Nothing) => outcome("implicitDeny", "session"),
            // Without a session policy a federated user has no permissions of his own.
            None if matches!(caller, Caller::FederatedUser(..)) => {
                outcome("implicitDeny", "session")
            }
            _ => outcome("allowed", granted_by),
        }
    }
}

fn is_under_rcp(action: &str) -> bool {
    let services = [
        "s3",
        "s3express",
        "sts",
        "kms",
        "sqs",
        "secretsmanager",
        "dynamodb",
        "ecr",
        "logs",
        "cognito-idp",
        "cognito-identity",
        "aoss",
    ];
    services.contains(&action.split(':').next().unwrap_or("")) && action != "kms:retiregrant"
}

fn is_key(resource: &str) -> bool {
    let fields: Vec<&str> = resource.splitn(6, ':').collect();
    matches!(fields.as_slice(), ["arn", _, "kms", _, _, path] if path.starts_with("key/"))
}

/// Whether the resource is the caller's account's, as far as anybody knows.
fn is_own(question: &Question) -> bool {
    let named = account_of(&question.resource);
    let named = (named.len() == 12 && named.chars().all(|c| c.is_ascii_digit())).then_some(named);
    let owner = question.owner.or(named);
    owner.is_none() || owner == question.caller.account()
}

fn outcome(decision: &'static str, decided_by: &'static str) -> Outcome {
    Outcome { decision, decided_by }
}

/// What no policy opens.
fn beyond(caller: &Caller, action: &str, resource: &str) -> bool {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    let of_caller = match caller {
        Caller::Root(_) => action == "sts:assumerole",
        Caller::Session(..) => name == "getsessiontoken" || name == "getfederationtoken",
        Caller::FederatedUser(..) => service == "iam" || service == "sts",
        _ => false,
    };
    let fields: Vec<&str> = resource.splitn(6, ':').collect();
    let of_resource = match fields.as_slice() {
        ["arn", _, "iam", _, account, path] if service == "iam" => {
            let managed = [
                "createpolicy",
                "deletepolicy",
                "tagpolicy",
                "untagpolicy",
                "createpolicyversion",
                "deletepolicyversion",
                "setdefaultpolicyversion",
            ];
            let linked = [
                "attachrolepolicy",
                "detachrolepolicy",
                "putrolepolicy",
                "deleterolepolicy",
                "putrolepermissionsboundary",
                "deleterolepermissionsboundary",
                "updateassumerolepolicy",
                "createrole",
                "deleterole",
                "tagrole",
                "untagrole",
            ];
            let reads = name.starts_with("get")
                || name.starts_with("list")
                || name.starts_with("simulate")
                || name == "generateservicelastaccesseddetails";
            (*account == "aws" && path.starts_with("policy/") && managed.contains(&name))
                || (path.starts_with("role/aws-service-role/") && linked.contains(&name))
                || (path.starts_with("role/aws-reserved/") && !reads)
        }
        ["arn", _, "kms", _, _, path] if service == "kms" => {
            path.starts_with("alias/aws/")
                && ["createalias", "updatealias", "deletealias"].contains(&name)
        }
        _ => false,
    };
    of_caller || of_resource
}
