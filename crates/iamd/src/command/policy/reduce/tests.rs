//! Tests of `iamd policy reduce`.

use std::cell::Cell;

use iamd_simulate::case::{Compiled, Question, Texts};
use iamd_simulate::random::Random;
use iamd_simulate::{generate, shrink};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use super::*;

/// The statements of a reduced document that has these.
fn statements(statements: &str) -> Value {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#);
    let reduced: Value = serde_json::from_str(&reduced(&text).unwrap()).unwrap();
    reduced["Statement"].clone()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// One statement with an element, and what becomes of the element.
fn check_element(name: &str, cases: &[(&str, &str)]) {
    for (given, expected) in cases {
        let other = if name.ends_with("Action") { "Resource" } else { "Action" };
        let statement = format!(r#"{{"Effect":"Allow","{name}":{given},"{other}":"*"}}"#);
        assert_eq!(statements(&statement)[name], json(expected), "{name} {given}");
    }
}

#[test]
fn needless_actions_go() {
    for name in ["Action", "NotAction"] {
        check_element(
            name,
            &[
                (r#"["s3:GetObject","S3:getobject"]"#, r#""s3:GetObject""#),
                (r#"["s3:GetObject","s3:Get*","s3:PutObject"]"#, r#"["s3:Get*","s3:PutObject"]"#),
                (r#"["s3:Get*","s3:GetO*","s3:G?t*"]"#, r#""s3:G?t*""#),
                (r#"["s3:*","*"]"#, r#""*""#),
                (r#"["*","ec2:Run*"]"#, r#""*""#),
                // Near misses.
                (r#"["s3:GetObject?","s3:GetObject"]"#, r#"["s3:GetObject?","s3:GetObject"]"#),
                (r#"["s3:*","s3-outposts:Get*"]"#, r#"["s3:*","s3-outposts:Get*"]"#),
                (r#"["*:*","*"]"#, r#""*""#),
                (r#"["**","s3:Get*"]"#, r#"["**","s3:Get*"]"#),
                (r#"["*","GetObject"]"#, r#"["*","GetObject"]"#),
                (r#"["s3:*","s3:Get:Object"]"#, r#"["s3:*","s3:Get:Object"]"#),
                // Nothing is claimed of other forms.
                (r#"["s3:*",1,"s3:Get*"]"#, r#"["s3:*",1,"s3:Get*"]"#),
                ("[]", "[]"),
                ("7", "7"),
            ],
        );
    }
}

#[test]
fn needless_resources_go() {
    let both = [
        (r#"["arn:aws:s3:::a/*","arn:aws:s3:::a/b","arn:aws:s3:::a/*"]"#, r#""arn:aws:s3:::a/*""#),
        (r#"["arn:aws:s3:::a/b","*"]"#, r#""*""#),
        (
            r#"["arn:aws:ec2:*:*:instance/*","arn:aws:ec2:eu-west-1:1?3:instance/i-1"]"#,
            r#""arn:aws:ec2:*:*:instance/*""#,
        ),
        // Letter case counts, and so does every field.
        (
            r#"["arn:aws:s3:::A/*","arn:aws:s3:::a/b"]"#,
            r#"["arn:aws:s3:::A/*","arn:aws:s3:::a/b"]"#,
        ),
        (
            r#"["arn:aws:s3:::a/*","arn:aws:s3:eu-west-1::a/b"]"#,
            r#"["arn:aws:s3:::a/*","arn:aws:s3:eu-west-1::a/b"]"#,
        ),
        // Incomplete ARNs void statements of control policies.
        (r#"["*","arn:aws:s3"]"#, r#"["*","arn:aws:s3"]"#),
        (r#"["arn:aws:s3:::a","arn:aws:s3*"]"#, r#"["arn:aws:s3:::a","arn:aws:s3*"]"#),
        // A wildcard for the type of a resource names nothing where resources have types.
        (
            r#"["arn:aws:ec2:*:*:*/i-1","arn:aws:ec2:*:*:instance/i-1"]"#,
            r#"["arn:aws:ec2:*:*:*/i-1","arn:aws:ec2:*:*:instance/i-1"]"#,
        ),
        (
            r#"["arn:aws:s3:::${x}*","arn:aws:s3:::a"]"#,
            r#"["arn:aws:s3:::${x}*","arn:aws:s3:::a"]"#,
        ),
        (
            r#"["arn:aws:s3:::a/*","arn:aws:${x}:::a/b"]"#,
            r#"["arn:aws:s3:::a/*","arn:aws:${x}:::a/b"]"#,
        ),
        (
            r#"["arn:aws:s3:::*b","arn:aws:s3:::${x, '}b'}c"]"#,
            r#"["arn:aws:s3:::*b","arn:aws:s3:::${x, '}b'}c"]"#,
        ),
        (r#"["*","nonsense"]"#, r#"["*","nonsense"]"#),
    ];
    check_element("Resource", &both);
    check_element("NotResource", &both);
    // A variable without a value voids a statement with `NotResource`.
    let variables = r#"["arn:aws:s3:::a/*","arn:aws:s3:::a/${aws:username}/*"]"#;
    check_element("Resource", &[(variables, r#""arn:aws:s3:::a/*""#)]);
    check_element("NotResource", &[(variables, variables)]);
}

/// A statement: effect, actions, resource, and more.
fn says(effect: &str, action: &str, resource: &str, more: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":{action},"Resource":{resource}{more}}}"#)
}

#[test]
fn statements_that_others_make_needless_go_and_their_near_misses_stay() {
    let narrow = says("Allow", r#""s3:GetObject""#, r#""arn:aws:s3:::a/b""#, "");
    let wide = says("Allow", r#""s3:*""#, r#""arn:aws:s3:::a/*""#, "");
    let conditional = says(
        "Allow",
        r#""s3:*""#,
        r#""arn:aws:s3:::a/*""#,
        r#","Condition":{"Bool":{"x:y":"true"}}"#,
    );
    let stricter = says(
        "Allow",
        r#""s3:GetObject""#,
        r#""arn:aws:s3:::a/b""#,
        r#","Condition":{"StringEquals":{"x:z":["1","2"]},"Bool":{"x:y":["true"]}}"#,
    );
    let denying = says("Deny", r#""s3:GetObject""#, r#""arn:aws:s3:::a/b""#, "");
    let perhaps_void = says("Allow", r#""s3:*""#, r#"["*","arn:aws:s3"]"#, "");
    for (one, other, expected) in [
        (&narrow, &narrow, vec![&narrow]),
        (&wide, &narrow, vec![&wide]),
        (&narrow, &wide, vec![&wide]),
        (&conditional, &stricter, vec![&conditional]),
        (&stricter, &conditional, vec![&conditional]),
        (&wide, &conditional, vec![&wide]),
        (&conditional, &narrow, vec![&conditional, &narrow]),
        (&wide, &denying, vec![&wide, &denying]),
        (&perhaps_void, &narrow, vec![&perhaps_void, &narrow]),
    ] {
        let expected: Vec<Value> = expected.into_iter().map(|text| json(text)).collect();
        assert_eq!(statements(&format!("[{one},{other}]")), Value::from(expected), "{one} {other}");
    }
}

#[test]
fn negations_narrow_the_other_way_round() {
    let not = |actions: &str, resources: &str| {
        format!(r#"{{"Effect":"Deny","NotAction":{actions},"NotResource":{resources}}}"#)
    };
    let wide = not(r#""iam:Get*""#, r#""arn:aws:s3:::a/b""#);
    let narrow = not(r#"["iam:*","s3:*"]"#, r#""arn:aws:s3:::a/*""#);
    assert_eq!(statements(&format!("[{narrow},{wide}]")), json(&format!("[{wide}]")));
    let all = says("Deny", r#""*""#, r#""*""#, "");
    assert_eq!(statements(&format!("[{wide},{all}]")), json(&format!("[{all}]")));
    // With a variable the wide one may apply to nothing.
    let unsure = not(r#""iam:Get*""#, r#"["arn:aws:s3:::a/b","arn:aws:s3:::a/${x}"]"#);
    let kept = format!("[{narrow},{unsure}]");
    assert_eq!(statements(&kept), json(&kept));
}

#[test]
fn statements_that_differ_in_one_element_become_one() {
    let get = says("Allow", r#""s3:Get*""#, r#""arn:aws:s3:::a""#, r#","Sid":"Get""#);
    let put =
        says("Allow", r#"["s3:Put*","s3:GetObject"]"#, r#""arn:aws:s3:::a""#, r#","Sid":"Put""#);
    let other = says("Allow", r#"["s3:Put*","s3:Get*"]"#, r#""arn:aws:s3:::b""#, "");
    let expected = says(
        "Allow",
        r#"["s3:Get*","s3:Put*"]"#,
        r#"["arn:aws:s3:::a","arn:aws:s3:::b"]"#,
        r#","Sid":"Get""#,
    );
    assert_eq!(statements(&format!("[{get},{put},{other}]")), json(&format!("[{expected}]")));
    for near_miss in [
        says("Allow", r#""s3:Put*""#, r#""arn:aws:s3:::b""#, ""),
        says("Deny", r#""s3:Put*""#, r#""arn:aws:s3:::a""#, ""),
        says(
            "Allow",
            r#""s3:Put*""#,
            r#""arn:aws:s3:::a""#,
            r#","Condition":{"Bool":{"x:y":"true"}}"#,
        ),
        says("Allow", r#""s3:Put*""#, r#""arn:aws:s3:::a""#, r#","Principal":"*""#),
        says("Allow", r#""s3:Get*""#, r#""arn:aws:s3""#, ""),
        r#"{"Effect":"Allow","NotAction":"s3:Put*","Resource":"arn:aws:s3:::a"}"#.to_owned(),
        r#"{"Effect":"Allow","Action":"s3:Get*","NotResource":"arn:aws:s3:::b"}"#.to_owned(),
        r#"{"Effect":"Allow","Action":"s3:Put*"}"#.to_owned(),
    ] {
        let both = format!("[{get},{near_miss}]");
        assert_eq!(statements(&both), json(&both));
    }
}

#[test]
fn principals_must_be_the_same_in_whatever_order() {
    let with = |action: &str, principal: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"{action}"}}"#)
    };
    let one = with("sts:AssumeRole", r#"{"AWS":["1","2"],"Service":"x"}"#);
    let same = with("sts:TagSession", r#"{"Service":["x"],"AWS":["2","1","2"]}"#);
    assert_eq!(
        statements(&format!("[{one},{same}]"))[0]["Action"],
        json(r#"["sts:AssumeRole","sts:TagSession"]"#)
    );
    let twice = with("sts:AssumeRole", r#"{"AWS":"1"},"NotPrincipal":{"AWS":"2"}"#);
    let both = format!("[{twice},{}]", with("sts:AssumeRole", r#"{"AWS":"1"}"#));
    assert_eq!(statements(&both), json(&both));
    for other in [r#"{"AWS":"1","Service":"x"}"#, r#""*""#, r#"{"AWS":[["1","2"]],"Service":"x"}"#]
    {
        let both = format!("[{one},{}]", with("sts:TagSession", other));
        assert_eq!(statements(&both), json(&both));
    }
}

#[test]
fn what_never_applies_and_what_is_unknown_stays() {
    let text = r#"{"Other":[1.50],"Id":"x","Statement":[7,{"Effect":"allow","Action":["a:b","a:b"],"Resource":"*"},{"Effect":"Allow","Action":["a:b","a:b"],"Resource":"*","More":1}]}"#;
    assert_eq!(reduced(text).unwrap(), iamd_policy::format(text).unwrap());
    for text in ["{}", r#"{"Statement":[]}"#, r#"{"Statement":7}"#] {
        assert_eq!(reduced(text).unwrap(), iamd_policy::format(text).unwrap());
    }
    assert!(reduced("[]").is_err() && reduced("{").is_err());
}

#[test]
fn a_statement_that_stands_alone_stays_alone() {
    let statement = says(
        "Allow",
        r#"["s3:*","s3:Get*"]"#,
        r#"["*"]"#,
        r#","Condition":{"NumericEquals":{"x:y":1.50}}"#,
    );
    let text = reduced(&format!(r#"{{"Statement":{statement}}}"#)).unwrap();
    assert!(text.contains("\"Statement\": {\n"), "{text}");
    assert!(text.contains(r#""Action": "s3:*""#) && text.contains("1.50"), "{text}");
}

/// What is asked of each set of policies.
const QUESTIONS: usize = 24;

/// Statements of so few words that many make others needless.
fn statement() -> impl Strategy<Value = String> {
    let actions = || {
        select(
            &[
                "*",
                "s3:*",
                "s3:Get*",
                "s3:GetObject",
                "S3:getobject",
                "s3:?etObject",
                "s3:*Object",
                "iam:*",
                "ec2:Stop*",
                "sts:*",
                "GetObject",
            ][..],
        )
    };
    let resources = || {
        select(
            &[
                "*",
                "*",
                "arn:aws:s3:::bucket/*",
                "arn:aws:s3:::bucket/key",
                "arn:aws:s3:::bucket/key0",
                "arn:aws:s3:::*",
                "arn:aws:s3:::*/key",
                "arn:aws:s3",
                "arn:aws:s3:*",
                "arn:aws:s3:::bucket/${aws:username}/*",
                "arn:aws:s3:::bucket/${aws:PrincipalTag/none}/*",
                "arn:aws:ec2:*:*:*/12345",
                "arn:aws:ec2:*:*:instance/12345",
                "arn:aws:ec2:*:*:instance/*",
                "arn:aws:iam::*:role/*",
                "arn:aws:iam::111122223333:role/app",
            ][..],
        )
    };
    let element = |name: &'static str, values: BoxedStrategy<&'static str>| {
        let list =
            prop::collection::vec(values, 1..4).prop_map(|values| Value::from(values).to_string());
        let not = prop_oneof![5 => Just(""), 1 => Just("Not")];
        (not, list).prop_map(move |(not, list)| format!(r#","{not}{name}":{list}"#))
    };
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    let principal = prop_oneof![
        6 => Just(""),
        2 => Just(r#","Principal":"*""#),
        1 => Just(r#","Principal":{"AWS":["111122223333"]}"#),
        1 => Just(r#","Principal":{"AWS":"111122223333"}"#),
        1 => Just(r#","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/ana"}"#),
    ];
    let condition = prop_oneof![
        6 => Just(""),
        1 => Just(r#","Condition":{}"#),
        1 => Just(r#","Condition":{"Bool":{"aws:SecureTransport":true}}"#),
        1 => Just(r#","Condition":{"StringEquals":{"aws:username":["ana","bob"]}}"#),
        1 => Just(r#","Condition":{"StringEquals":{"aws:username":["bob","ana"]},"Bool":{"aws:SecureTransport":[true]}}"#),
    ];
    let resource =
        prop_oneof![12 => element("Resource", resources().boxed()), 1 => Just(String::new())];
    (effect, principal, element("Action", actions().boxed()), resource, condition).prop_map(
        |(effect, principal, action, resource, condition)| {
            format!(r#"{{"Effect":"{effect}"{principal}{action}{resource}{condition}}}"#)
        },
    )
}

/// What the generator of the comparison makes of a seed; smaller seeds are no smaller cases.
fn generated<T: std::fmt::Debug>(make: fn(&mut Random) -> T) -> impl Strategy<Value = T> {
    any::<u64>().no_shrink().prop_map(move |seed| make(&mut Random::new(seed)))
}

/// One such document beside others, as a policy of every type in turn.
fn similar_statements() -> impl Strategy<Value = Texts> {
    let version = select(&[r#""Version":"2012-10-17","#, ""][..]);
    let document =
        (version, prop::collection::vec(statement(), 1..6)).prop_map(|(version, statements)| {
            format!(r#"{{{version}"Statement":[{}]}}"#, statements.join(","))
        });
    (generated(generate::texts), document, 0..8).prop_map(|(mut texts, document, kind)| {
        match kind {
            0 => texts.identity = vec![document],
            1 => texts.boundary = Some(document),
            2 => texts.session = Some(vec![document]),
            3 => texts.resource = Some(document),
            4 => texts.trust = Some(document),
            5 => texts.scp = Some(vec![vec![document]]),
            6 => texts.rcp = Some(vec![vec![document]]),
            _ => texts.endpoint = Some(document),
        }
        texts
    })
}

/// The policies with every document reduced, and how many documents became smaller.
fn all_reduced(texts: &Texts) -> (Texts, usize) {
    let count = Cell::new(0);
    let each = |text: &String| {
        let Ok(formatted) = iamd_policy::format(text) else { return text.clone() };
        let reduced = reduced(text).unwrap();
        assert!(reduced.len() <= formatted.len(), "{text}");
        assert_eq!(super::reduced(&reduced).unwrap(), reduced, "not done at once: {text}");
        count.set(count.get() + usize::from(reduced != formatted));
        reduced
    };
    let list = |texts: &Vec<String>| texts.iter().map(each).collect::<Vec<_>>();
    let levels = |levels: &Vec<Vec<String>>| levels.iter().map(list).collect::<Vec<_>>();
    let reduced = Texts {
        identity: list(&texts.identity),
        boundary: texts.boundary.as_ref().map(each),
        session: texts.session.as_ref().map(list),
        resource: texts.resource.as_ref().map(each),
        trust: texts.trust.as_ref().map(each),
        scp: texts.scp.as_ref().map(levels),
        rcp: texts.rcp.as_ref().map(levels),
        endpoint: texts.endpoint.as_ref().map(each),
    };
    (reduced, count.get())
}

fn decides_otherwise(texts: &Texts, question: &Question) -> bool {
    let reduced = Compiled::of(&all_reduced(texts).0);
    Compiled::of(texts).outcome(question) != reduced.outcome(question)
}

/// 3,000 cases unless `IAMD_REDUCE_CASES` says otherwise; `IAMD_REDUCE_SEED` gives other ones.
#[test]
fn reduced_policies_decide_every_request_as_before() {
    let number = |name: &str, default: u32| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let config = Config {
        cases: number("IAMD_REDUCE_CASES", 3_000),
        failure_persistence: None,
        ..Config::default()
    };
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&number("IAMD_REDUCE_SEED", 1).to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let strategy = (
        prop_oneof![4 => similar_statements().boxed(), 1 => generated(generate::texts).boxed()],
        prop::collection::vec(generated(generate::question), QUESTIONS),
    );
    let (all, smaller, allowed) = (Cell::new(0), Cell::new(0), Cell::new(0));
    TestRunner::new_with_rng(config, random)
        .run(&strategy, |(texts, questions)| {
            let (reduced, count) = all_reduced(&texts);
            let (before, after) = (Compiled::of(&texts), Compiled::of(&reduced));
            all.set(all.get() + 1);
            smaller.set(smaller.get() + usize::from(count > 0));
            for question in questions {
                let (before, after) = (before.outcome(&question), after.outcome(&question));
                if before != after {
                    let (texts, question) = shrink::smallest(&texts, &question, decides_otherwise);
                    prop_assert!(false, "{before}, reduced {after}: {question:?}\n{texts}");
                }
                allowed.set(allowed.get() + usize::from(before.decision == "allowed"));
            }
            Ok(())
        })
        .unwrap();
    // The comparison is worth what it meets.
    assert!(
        smaller.get() * 2 > all.get(),
        "{} of {} cases became smaller",
        smaller.get(),
        all.get()
    );
    assert!(allowed.get() > all.get(), "hardly anything is allowed");
}
