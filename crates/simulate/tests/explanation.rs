//! Explanations of random cases: what each type says beside the plain evaluator, and whether the
//! changes that they name are enough and none of them is too many.

use iamd_policy::{ChangeKind, Document, PolicyType, Step, Verdict};
use iamd_simulate::case::{Compiled, Question, Texts};
use iamd_simulate::plain::{Documents, verdicts};
use iamd_simulate::random::Random;
use iamd_simulate::{generate, plain};
use serde_json::Value;

/// Policies, with eight questions each.
const CASES: u32 = 600;

fn cases(mut judge: impl FnMut(&Texts, &Question)) {
    let mut random = Random::new(11);
    for _ in 0..CASES {
        let (texts, questions) = generate::case(&mut random, 8);
        questions.iter().for_each(|question| judge(&texts, question));
    }
}

#[test]
fn every_type_says_what_the_plain_evaluator_says() {
    let mut told = 0;
    cases(|texts, question| {
        let plain = verdicts(question, &Documents::of(texts));
        let explained = Compiled::of(texts).explanation(question);
        let compiled: Vec<(&str, Option<&str>)> = explained
            .types
            .iter()
            .map(|it| {
                let says = match it.verdict {
                    Verdict::Absent | Verdict::DoNotApply => None,
                    Verdict::Allow | Verdict::DenyExplicitly | Verdict::DoNotAllow => {
                        Some(it.verdict.as_str())
                    }
                };
                (it.policy_type.as_str(), says)
            })
            .collect();
        assert_eq!(compiled, plain, "{question:?}\n{texts}");
        told += plain.iter().filter(|(_, says)| says.is_some()).count();
    });
    assert!(told > 5_000, "{told}");
}

/// With all steps taken the request is allowed; with one of them left out it is not.
#[test]
fn the_changes_are_enough_and_each_is_needed() {
    let (mut enough, mut several) = (0, 0);
    cases(|texts, question| {
        let explained = Compiled::of(texts).explanation(question);
        if explained.decision.is_allowed() {
            assert_eq!(explained.steps, []);
            return;
        }
        let mut types: Vec<(PolicyType, bool)> =
            explained.steps.iter().map(|step| (step.policy_type, is_denial(step))).collect();
        types.dedup();
        let allowed = |opened: &[(PolicyType, bool)]| {
            let texts = opened.iter().fold(texts.clone(), opened_type);
            plain::decide(question, &Documents::of(&texts)).decision == "allowed"
        };
        if types.is_empty() {
            let all = PolicyType::ALL.map(|kind| (kind, false));
            assert!(!allowed(&all), "nothing would help, yet this does: {question:?}");
            return;
        }
        assert!(allowed(&types), "{types:?} are not enough: {question:?}\n{texts}");
        enough += 1;
        several += usize::from(types.len() > 1);
        for left_out in &types {
            let rest: Vec<(PolicyType, bool)> =
                types.iter().copied().filter(|step| step.0 != left_out.0).collect();
            assert!(
                !allowed(&rest),
                "{left_out:?} of {types:?} is too many: {question:?}\n{texts}"
            );
        }
    });
    assert!(enough > 1_000 && several > 300, "{enough} {several}");
}

/// Whether a step is about a statement that denies.
fn is_denial(step: &Step) -> bool {
    step.changes.iter().any(|change| change.kind == ChangeKind::NarrowDeny)
}

/// The texts with policies of one type that deny nothing; and, unless that is all, allow everything.
fn opened_type(mut texts: Texts, (kind, is_denial): &(PolicyType, bool)) -> Texts {
    if *is_denial {
        each_text(&mut texts, *kind, |text| *text = without_denials(text));
        return texts;
    }
    let all = || statement(r#""Resource":"*""#);
    let everybody = || statement(r#""Resource":"*","Principal":"*""#);
    let level = || vec![vec![all()]];
    match kind {
        PolicyType::Identity => texts.identity = vec![all()],
        PolicyType::Boundary => texts.boundary = Some(all()),
        PolicyType::Session => texts.session = Some(vec![all()]),
        PolicyType::Resource => texts.resource = Some(everybody()),
        PolicyType::Trust => texts.trust = Some(statement(r#""Principal":"*""#)),
        PolicyType::Scp => texts.scp = Some(level()),
        PolicyType::Rcp => texts.rcp = Some(level()),
        PolicyType::Endpoint => texts.endpoint = Some(everybody()),
    }
    texts
}

fn each_text(texts: &mut Texts, kind: PolicyType, change: impl FnMut(&mut String)) {
    match kind {
        PolicyType::Identity => texts.identity.iter_mut().for_each(change),
        PolicyType::Boundary => texts.boundary.iter_mut().for_each(change),
        PolicyType::Session => texts.session.iter_mut().flatten().for_each(change),
        PolicyType::Resource => texts.resource.iter_mut().for_each(change),
        PolicyType::Trust => texts.trust.iter_mut().for_each(change),
        PolicyType::Scp => texts.scp.iter_mut().flatten().flatten().for_each(change),
        PolicyType::Rcp => texts.rcp.iter_mut().flatten().flatten().for_each(change),
        PolicyType::Endpoint => texts.endpoint.iter_mut().for_each(change),
    }
}

fn without_denials(text: &str) -> String {
    let document = Document::parse(text).ok().and_then(|_| serde_json::from_str(text).ok());
    // A document that holds nothing keeps doing so.
    let Some(Value::Object(mut members)) = document else { return text.to_owned() };
    let statements = match members.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        one => one.into_iter().collect(),
    };
    let denies = |statement: &Value| statement.get("Effect").is_some_and(|it| it == "Deny");
    let kept = statements.into_iter().filter(|statement| !denies(statement));
    members.insert("Statement".to_owned(), kept.collect());
    Value::from(members).to_string()
}

fn statement(what: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*",{what}}}}}"#)
}
