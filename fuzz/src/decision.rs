//! Decisions: any document, as every type of policy, beside any request.
//!
//! Input: a line with the action, a line with the resource, a line with the value of a condition key,
//! and the document.

use std::sync::Arc;

use iamd_policy::{
    Context, Decision, Document, Policies, PolicySet, PolicyType, Principal, Request, decide,
    explain,
};
use serde_json::Value;

use crate::input::lines;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let ([action, resource, value], text) = lines(text);
    let Ok(document) = Document::parse(text) else { return };
    let mut context = Context::default();
    context.set("aws:RequestTag/k", value);
    context.set_list("aws:TagKeys", value.split('\t'));
    for principal in &principals() {
        let mut context = context.clone();
        context.add_principal_keys(principal);
        let request =
            Request { principal, action, resource, resource_account: None, context: &context };
        indexed_alike(&request, &document);
        in_every_place(&request, &document);
    }
}

fn principals() -> [Principal; 4] {
    let user = "arn:aws:iam::111122223333:user/ana".to_owned();
    let session = "arn:aws:sts::111122223333:assumed-role/role/session".to_owned();
    let role = "arn:aws:iam::111122223333:role/role".to_owned();
    [
        Principal::User { arn: user, unique_id: "AIDAX".to_owned(), has_boundary: false },
        Principal::RoleSession {
            session_arn: session,
            role_arn: role,
            role_id: "AROAX".to_owned(),
            has_boundary: false,
        },
        Principal::Service { name: "ec2.amazonaws.com".to_owned() },
        Principal::Anonymous,
    ]
}

/// INVARIANT: the index leaves out no statement that applies, and adds none.
///
/// Documents of one statement each have no index; together with four others they have one.
fn indexed_alike(request: &Request<'_>, document: &Document) {
    let Some(alone) = split(document.source()) else { return };
    let others = OTHERS.map(|text| Document::parse(text).expect("the document is well-formed"));
    let apart: Vec<PolicySet> =
        alone.iter().chain(&others).map(|document| set([document.clone()])).collect();
    let apart: Vec<&PolicySet> = apart.iter().collect();
    let together = set(alone.iter().chain(&others).cloned());
    let plain = Policies { identity: Some(&apart), ..Policies::default() };
    let indexed = Policies { identity: Some(&[&together]), ..Policies::default() };
    assert_eq!(decide(request, &plain), decide(request, &indexed), "the index decides");
    let whole = set([document.clone()]);
    let whole = Policies { identity: Some(&[&whole]), ..Policies::default() };
    assert_eq!(decide(request, &plain), decide(request, &whole), "statements depend on others");
}

/// Statements about nothing, so that there are enough for an index.
const OTHERS: [&str; 4] = [
    r#"{"Statement":{"Effect":"Allow","Action":"none:A","Resource":"arn:aws:none:::a"}}"#,
    r#"{"Statement":{"Effect":"Allow","Action":"none:B","Resource":"arn:aws:none:::b"}}"#,
    r#"{"Statement":{"Effect":"Deny","Action":"none:C","Resource":"arn:aws:none:::c"}}"#,
    r#"{"Statement":{"Effect":"Deny","Action":"none:D","Resource":"arn:aws:none:::d"}}"#,
];

/// A document for each statement; none where numbers, which this would spell otherwise, are in it.
fn split(text: &str) -> Option<Vec<Document>> {
    let mut whole: Value = serde_json::from_str(text).ok()?;
    let statements = match whole.as_object_mut()?.remove("Statement")? {
        Value::Array(statements) => statements,
        one => vec![one],
    };
    if statements.iter().any(has_number) {
        return None;
    }
    let document = |statement| {
        whole["Statement"] = statement;
        Document::parse(&whole.to_string()).ok()
    };
    statements.into_iter().map(document).collect()
}

fn has_number(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Array(values) => values.iter().any(has_number),
        Value::Object(members) => members.values().any(has_number),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn set(documents: impl IntoIterator<Item = Document>) -> PolicySet {
    documents.into_iter().map(|document| (Arc::from("p"), document)).collect()
}

/// The document as each type of policy, alone and under an identity policy that allows everything.
fn in_every_place(request: &Request<'_>, document: &Document) {
    let set = set([document.clone()]);
    let everything = [&everything()];
    let levels = [set.clone()];
    let identity = [&set];
    let policies = |identity| Policies { identity: Some(identity), ..Policies::default() };
    agree(request, &policies(&identity));
    let all = policies(&everything);
    for policies in [
        Policies { boundary: Some(&set), ..all },
        Policies { session: Some(&set), ..all },
        Policies { resource: Some(&set), ..all },
        Policies { trust: Some(&set), ..all },
        Policies { scp: Some(&levels), ..all },
        Policies { rcp: Some(&levels), ..all },
        Policies { endpoint: Some(&set), ..all },
    ] {
        agree(request, &policies);
        agree(request, &Policies { identity: None, ..policies });
    }
}

fn everything() -> PolicySet {
    let text = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    set([Document::parse(text).expect("the document is well-formed")])
}

/// The explanation, which looks at every statement, is of the decision, which looks at few.
fn agree(request: &Request<'_>, policies: &Policies<'_>) {
    let decision = decide(request, policies);
    let explanation = explain(request, policies);
    assert_eq!(explanation.decision, decision, "the explanation is of another decision");
    let is_implicit = matches!(decision, Decision::DenyImplicitly(_));
    // Some actions need no policy.
    let is_free = decision == Decision::Allow(PolicyType::Identity);
    assert!(
        explanation.statements.is_empty() == is_implicit || is_free,
        "{decision:?} by {:?}",
        explanation.statements
    );
}
