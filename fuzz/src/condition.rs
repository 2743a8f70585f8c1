//! Conditions: an operator, what the policy wants and what the request has.
//!
//! Input: a line with the operator, a line with the policy's values, a line with the request's values;
//! values are separated by tabs. Without the third line the request does not have the key.

use iamd_policy::{Context, Decision, Document, Policies, PolicySet, Principal, Request, decide};
use iamd_simulate::case::{Caller, Held, Question, Texts};
use iamd_simulate::plain::{self, Documents};

use crate::input::{lines, quoted};

const CALLER: &str = "arn:aws:iam::111122223333:user/ana";
const KEY: &str = "aws:RequestTag/k";

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let ([operator, wanted], rest) = lines(text);
    let wanted: Vec<&str> = wanted.split('\t').collect();
    let has_key = text.split('\n').nth(2).is_some();
    let held: Option<Vec<&str>> = has_key.then(|| rest.split('\t').collect());

    let allow = statement("Allow", operator, &wanted);
    let allowed = decision(&[&allow], held.as_deref()).is_allowed();
    // INVARIANT: what a statement applies to has nothing to do with its effect.
    let everything = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let deny = statement("Deny", operator, &wanted);
    let denied = !decision(&[everything, &deny], held.as_deref()).is_allowed();
    if !denied {
        assert!(!allowed, "a condition holds that does not hold in a denial");
    }
    if is_plain(operator) && is_short(&wanted) {
        let plain = plainly(&allow, held.as_deref());
        assert_eq!(allowed, plain, "the plain evaluator decides otherwise");
    }
}

fn statement(effect: &str, operator: &str, wanted: &[&str]) -> String {
    let (operator, wanted) = (quoted(operator), serde_json::Value::from(wanted));
    format!(
        r#"{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{{{operator}:{{"{KEY}":{wanted}}}}}}}"#
    )
}

fn document(statements: &[&str]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn decision(statements: &[&str], held: Option<&[&str]>) -> Decision {
    let document = Document::parse(&document(statements)).expect("the document is well-formed");
    let set: PolicySet = [("p".into(), document)].into_iter().collect();
    let principal =
        Principal::User { arn: CALLER.to_owned(), unique_id: String::new(), has_boundary: false };
    let mut context = Context::default();
    context.set("aws:username", "ana");
    match held {
        None => {}
        Some([one]) => context.set(KEY, *one),
        Some(many) => context.set_list(KEY, many.iter().copied()),
    }
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::bucket/key",
        resource_account: Some("111122223333"),
        context: &context,
    };
    decide(&request, &Policies { identity: Some(&[&set]), ..Policies::default() })
}

fn plainly(statement: &str, held: Option<&[&str]>) -> bool {
    let texts = Texts { identity: vec![document(&[statement])], ..Texts::default() };
    let mut context = vec![("aws:username".to_owned(), Held::One("ana".to_owned()))];
    match held {
        None => {}
        Some([one]) => context.push((KEY.to_owned(), Held::One((*one).to_owned()))),
        Some(many) => {
            let many = many.iter().map(|value| (*value).to_owned());
            context.push((KEY.to_owned(), Held::Many(many.collect())));
        }
    }
    let question = Question {
        caller: Caller::User { arn: CALLER.to_owned(), id: String::new() },
        action: "s3:GetObject".to_owned(),
        resource: "arn:aws:s3:::bucket/key".to_owned(),
        owner: Some("111122223333".to_owned()),
        context,
        principal_keys: false,
    };
    plain::decide(&question, &Documents::of(&texts)).decision == "allowed"
}

/// The families that the plain evaluator knows for any text; for numbers, dates, addresses and ARNs
/// it knows only well-formed ones.
fn is_plain(operator: &str) -> bool {
    ["String", "Bool", "Null"].iter().any(|family| operator.contains(family))
}

/// The plain evaluator tries everything, which takes long with many stars, and knows defaults of
/// variables only where they are well-formed.
fn is_short(wanted: &[&str]) -> bool {
    let stars = |text: &str| text.matches('*').count();
    let has_default = |text: &str| text.contains("${") && text.contains([',', '\'']);
    wanted.iter().all(|text| stars(text) <= 3 && !has_default(text))
}
