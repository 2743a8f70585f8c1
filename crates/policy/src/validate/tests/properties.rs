//! What holds for any text.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

use super::*;

/// Words that policies consist of, and some that they do not.
const WORDS: [&str; 44] = [
    "Version",
    "Id",
    "Statement",
    "Conditions",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "2012-10-17",
    "2008-10-17",
    "Allow",
    "Deny",
    "allow",
    "*",
    "s3:*",
    "sts:AssumeRole",
    "a:b:c",
    "iam",
    "arn:aws:s3:::b",
    "arn:aws:s3",
    "arn:aws:s3::b",
    "a:b",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:role/r",
    "AWS",
    "Service",
    "Federated",
    "CanonicalUser",
    "ec2.amazonaws.com",
    "111122223333",
    "StringEquals",
    "DateLessThan",
    "Strange",
    "Null",
    "aws:username",
    "2026-01-31",
    "\u{ff}",
    "",
    "arn::",
];

#[derive(Debug, Clone)]
enum Json {
    Word(&'static str),
    Plain(&'static str),
    List(Vec<Json>),
    Map(Vec<(&'static str, Json)>),
}

impl Json {
    fn write(&self, space: &str, out: &mut String) {
        match self {
            Json::Word(word) => out.push_str(&json::quoted(word)),
            Json::Plain(plain) => out.push_str(plain),
            Json::List(items) => {
                enclosed('[', ']', items, space, out, |item, out| item.write(space, out))
            }
            Json::Map(members) => enclosed('{', '}', members, space, out, |(name, value), out| {
                out.push_str(&format!("{}{space}:{space}", json::quoted(name)));
                value.write(space, out);
            }),
        }
    }

    fn text(&self, space: &str) -> String {
        let mut out = String::new();
        self.write(space, &mut out);
        out
    }
}

fn enclosed<T>(
    open: char,
    close: char,
    items: &[T],
    space: &str,
    out: &mut String,
    mut each: impl FnMut(&T, &mut String),
) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(space);
        each(item, out);
        out.push_str(space);
    }
    out.push(close);
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        8 => select(&WORDS[..]).prop_map(Json::Word),
        1 => select(&["null", "true", "1", "-1.5e3"][..]).prop_map(Json::Plain),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Json::List),
            2 => prop::collection::vec((select(&WORDS[..]), inner), 0..6).prop_map(Json::Map),
        ]
    })
}

/// Values that often fit: most documents made of them get past the shape, some are stored.
fn likely_document() -> impl Strategy<Value = Json> {
    let word = |words: &'static [&'static str]| select(words).prop_map(Json::Word);
    let effect = word(&["Allow", "Deny", "Deny", "allow"]);
    let action = word(&["s3:*", "sts:AssumeRole", "sts:*", "*", "x"]);
    let resource = prop::option::of(word(&["*", "arn:aws:s3:::b", "arn:aws:s3", "a:b"]));
    let principal = prop_oneof![
        2 => Just(None),
        2 => Just(Some(Json::Word("*"))),
        1 => (select(&["AWS", "Service"][..]), word(&["*", "ec2.amazonaws.com"])).prop_map(|pair| Some(Json::Map(vec![pair]))),
    ];
    let condition = prop::option::of(any_json());
    let statement = (effect, action, resource, principal, condition).prop_map(
        |(effect, action, resource, principal, condition)| {
            let mut members = vec![("Effect", effect), ("Action", action)];
            members.extend(resource.map(|resource| ("Resource", resource)));
            members.extend(principal.map(|principal| ("Principal", principal)));
            members.extend(condition.map(|condition| ("Condition", condition)));
            Json::Map(members)
        },
    );
    let statements = prop::collection::vec(statement, 1..4).prop_map(Json::List);
    (prop::bool::ANY, statements).prop_map(|(has_version, statements)| {
        let mut members = vec![("Statement", statements)];
        members.extend(has_version.then_some(("Version", Json::Word("2012-10-17"))));
        Json::Map(members)
    })
}

/// Whatever is stored can be parsed, and whatever is refused says why and where.
fn check_verdicts(text: &str) {
    for grammar in Grammar::ALL {
        match validate(text, grammar) {
            Ok(_) => assert!(Document::parse(text).is_ok(), "{text}"),
            Err(malformed) => {
                assert!(!malformed.message.is_empty() && !malformed.reason.is_empty());
                assert!(malformed.line >= 1 && malformed.column >= 1);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_has_a_verdict(text in "\\PC{0,80}") {
        check_verdicts(&text);
    }

    #[test]
    fn any_json_has_a_verdict(json in any_json()) {
        check_verdicts(&json.text(""));
    }

    #[test]
    fn likely_documents_have_a_verdict(json in likely_document()) {
        check_verdicts(&json.text(""));
    }

    #[test]
    fn a_damaged_document_has_a_verdict(json in likely_document(), at in 0_usize..400, with in "\\PC{0,3}") {
        let mut text = json.text("");
        let at = text.floor_char_boundary(at.min(text.len()));
        let end = text.ceil_char_boundary((at + with.len()).min(text.len()));
        text.replace_range(at..end, &with);
        check_verdicts(&text);
    }

    #[test]
    fn any_resource_action_principal_and_date_has_a_verdict(value in "[a-z0-9:*?/.${}-]{0,40}|arn:aws:(iam|s3|sts):[a-z*]{0,3}:[0-9]{0,12}:[a-z/*:]{0,12}|[0-9+:TZ.-]{0,30}") {
        let value = json::quoted(&value);
        let text = document(&format!(r#""Effect":"Deny","Action":{value},"Resource":"*""#));
        check_verdicts(&text);
        check_verdicts(&document(&format!(r#""Effect":"Deny","Action":"s3:*","Resource":{value}"#)));
        check_verdicts(&document(&format!(r#""Effect":"Deny","Action":"sts:AssumeRole","Principal":{{"AWS":{value},"Service":{value},"Federated":{value}}}"#)));
        check_verdicts(&document(&format!(r#""Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{{"DateEquals":{{"a:b":{value}}}}}"#)));
    }

    #[test]
    fn layout_changes_neither_verdict_nor_size(json in likely_document(), space in "[ \t\r\n]{0,3}") {
        let (tight, loose) = (json.text(""), json.text(&space));
        for grammar in Grammar::ALL {
            let verdict = |text: &str| validate(text, grammar).err().map(|malformed| (malformed.message, malformed.reason));
            prop_assert_eq!(verdict(&tight), verdict(&loose));
        }
        prop_assert_eq!(size_without_white_space(&tight), size_without_white_space(&loose));
        prop_assert_eq!(size_without_white_space(&tight), tight.chars().count());
    }

    #[test]
    fn the_size_is_at_most_the_number_of_characters(text in "\\PC{0,80}") {
        prop_assert!(size_without_white_space(&text) <= text.chars().count());
    }
}

/// The generator would be worth nothing if it never got to the end of the checks.
#[test]
fn likely_documents_are_sometimes_stored() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut stored = [0; Grammar::ALL.len()];
    for _ in 0..2_000 {
        let json = likely_document().new_tree(&mut runner).unwrap().current();
        for (count, grammar) in stored.iter_mut().zip(Grammar::ALL) {
            *count += usize::from(validate(&json.text(""), grammar).is_ok());
        }
    }
    assert!(stored.iter().all(|count| *count > 0), "{stored:?}");
}
