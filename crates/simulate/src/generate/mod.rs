//! Random cases, biased towards near misses: policies are written about a question, most of their
//! statements right but for one thing, and what is asked is that question and others beside it.

mod condition;
mod near;
mod principal;
mod request;

use serde_json::{Map, Value, json};

use crate::case::{Caller, Question, Texts};
use crate::random::Random;

pub use request::question;

/// Policies, and questions that they concern.
pub fn case(random: &mut Random, questions: usize) -> (Texts, Vec<Question>) {
    let focus = question(random);
    let texts = texts_about(random, &focus);
    let mut all = vec![focus];
    while all.len() < questions {
        all.push(request::beside(random, &all[0]));
    }
    (texts, all)
}

/// Policies of all types.
pub fn texts(random: &mut Random) -> Texts {
    let focus = question(random);
    texts_about(random, &focus)
}

/// What kind of policy a document is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Identity,
    Scp,
    Rcp,
    Resource,
    Trust,
    Endpoint,
}

fn texts_about(random: &mut Random, focus: &Question) -> Texts {
    let is_federated = matches!(focus.caller, Caller::FederatedUser { .. });
    let asks_for_role = focus.action.to_lowercase().starts_with("sts:");
    let own = |random: &mut Random| document(random, focus, Style::Identity);
    let level = |style| move |random: &mut Random| random.many(0, 3, |r| document(r, focus, style));
    let mut texts = Texts { identity: random.many(0, 4, own), ..Texts::default() };
    if random.percent(28) {
        texts.boundary = Some(own(random));
    }
    if random.percent(if is_federated { 75 } else { 25 }) {
        texts.session = Some(random.many(0, 3, own));
    }
    if random.percent(50) {
        texts.resource = Some(document(random, focus, Style::Resource));
    }
    if random.percent(if asks_for_role { 60 } else { 6 }) {
        texts.trust = Some(document(random, focus, Style::Trust));
    }
    if random.percent(20) {
        texts.scp = Some(random.many(0, 4, level(Style::Scp)));
    }
    if random.percent(25) {
        texts.rcp = Some(random.many(0, 4, level(Style::Rcp)));
    }
    if random.percent(10) {
        texts.endpoint = Some(document(random, focus, Style::Endpoint));
    }
    texts
}

fn document(random: &mut Random, focus: &Question, style: Style) -> String {
    let version = match random.below(20) {
        0 => None,
        1 => Some("2008-10-17"),
        2 if random.percent(20) => Some("2026-10-17"),
        _ => Some("2012-10-17"),
    };
    let full = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
    let mut statements = match random.below(20) {
        0 => return (random.pick(&["[]", "{", "", "7", "{}"])).to_owned(),
        // Enough of them for an index.
        1..=5 => random.many(4, 12, |random| statement(random, focus, style)),
        _ => random.many(0, 4, |random| statement(random, focus, style)),
    };
    let open = if matches!(style, Style::Scp | Style::Endpoint) { 65 } else { 25 };
    if random.percent(open) {
        let mut full = full;
        if let Some(full) = full.as_object_mut()
            && !matches!(style, Style::Resource | Style::Trust | Style::Rcp)
        {
            full.remove("Principal");
        }
        statements.push(full);
    }
    if random.percent(2) {
        statements.push(random.pick(&[json!(7), json!(null), json!([]), json!({})]));
    }
    let mut document = Map::new();
    if let Some(version) = version {
        document.insert("Version".to_owned(), version.into());
    }
    let statements = match statements.pop() {
        Some(one) if statements.is_empty() && random.percent(50) => one,
        Some(last) => {
            statements.push(last);
            Value::from(statements)
        }
        None => Value::Array(Vec::new()),
    };
    document.insert("Statement".to_owned(), statements);
    let text = Value::Object(document).to_string();
    // A key twice, at some depth.
    match random.below(400) {
        0 => text.replacen("\"Effect\":", "\"Effect\":\"Allow\",\"Effect\":", 1),
        1 => text.replacen("\"Statement\":", "\"Statement\":[],\"Statement\":", 1),
        _ => text,
    }
}

/// Which part of a statement does not fit; the others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Miss {
    None,
    Principal,
    Action,
    Resource,
    Condition,
    All,
}

fn statement(random: &mut Random, focus: &Question, style: Style) -> Value {
    let miss = random.pick(&[
        Miss::None,
        Miss::None,
        Miss::None,
        Miss::Principal,
        Miss::Action,
        Miss::Resource,
        Miss::Resource,
        Miss::Condition,
        Miss::Condition,
        Miss::All,
    ]);
    let misses = |part| miss == part || miss == Miss::All;
    let mut statement = Map::new();
    let mut put = |name: &str, value: Value| drop(statement.insert(name.to_owned(), value));
    let denies = if style == Style::Rcp { 75 } else { 18 };
    match random.below(100) {
        0 => put("Effect", random.pick(&[json!("allow"), json!("DENY"), json!(["Deny"])])),
        1 => {}
        _ => put("Effect", if random.percent(denies) { "Deny" } else { "Allow" }.into()),
    }
    let with_principal = match style {
        Style::Identity | Style::Scp => 3,
        Style::Resource | Style::Trust | Style::Rcp => 97,
        Style::Endpoint => 40,
    };
    if random.percent(with_principal) {
        let value = principal::element(random, &focus.caller, misses(Miss::Principal));
        put(if random.percent(14) { "NotPrincipal" } else { "Principal" }, value);
        if random.percent(2) {
            put("NotPrincipal", principal::element(random, &focus.caller, true));
        }
    }
    pair(random, &mut put, "Action", 2, |random| {
        near::action(random, &focus.action, misses(Miss::Action))
    });
    let without = if style == Style::Trust { 92 } else { 2 };
    pair(random, &mut put, "Resource", without, |random| {
        near::resource(random, focus, misses(Miss::Resource))
    });
    if random.percent(55) || miss == Miss::Condition {
        put("Condition", condition::element(random, focus, misses(Miss::Condition)));
    }
    match random.below(100) {
        0 => put("Other", 1.into()),
        1..6 => put("Sid", "S".into()),
        6 => put("Sid", 5.into()),
        _ => {}
    }
    Value::Object(statement)
}

/// An element or its negation, neither or both; `absent` is the share of neither.
fn pair(
    random: &mut Random,
    put: &mut impl FnMut(&str, Value),
    name: &str,
    absent: usize,
    mut one: impl FnMut(&mut Random) -> String,
) {
    if random.percent(absent) {
        return;
    }
    let mut list = |random: &mut Random| -> Value {
        match random.below(24) {
            0 => json!([]),
            1 if random.percent(30) => random.pick(&[json!(7), json!([7]), json!({})]),
            1..6 => random.many(1, 4, &mut one).into(),
            _ => one(random).into(),
        }
    };
    let negation = format!("Not{name}");
    if random.percent(2) {
        put(name, list(random));
        put(&negation, list(random));
    } else {
        let value = list(random);
        put(if random.percent(16) { &negation } else { name }, value);
    }
}
