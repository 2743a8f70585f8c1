//! Tests of patterns.

use super::*;
use crate::context::Context;

const WILDCARDS: Meaning = Meaning { wildcards: true, variables: false };
const ALL: Meaning = Meaning { wildcards: true, variables: true };

fn matches(pattern: &str, text: &str) -> bool {
    Glob::of(&Template::parse(pattern, WILDCARDS)).matches(text)
}

/// Obviously right, and slow.
fn matches_plainly(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skip| matches_plainly(rest, &text[skip..])),
        Some(('?', rest)) => !text.is_empty() && matches_plainly(rest, &text[1..]),
        Some((character, rest)) => {
            text.first() == Some(character) && matches_plainly(rest, &text[1..])
        }
    }
}

#[test]
fn wildcards_match_as_documented() {
    let cases = [
        ("*", "", true),
        ("*", "a/b:c", true),
        ("?", "", false),
        ("?", "é", true),
        ("a*", "a", true),
        ("a*b*c", "axxbyyc", true),
        ("a*b*c", "axxcyyb", false),
        ("*/test/*", "1/2/test/3/o", true),
        ("*/test/*", "//test/", true),
        ("*/test/*", "test/o", false),
        ("ab*ba", "aba", false),
        ("*a?c*", "xxabcxx", true),
        ("*aa?b*", "aaaxb", true),
        ("*aa?b*", "aaxxb", false),
        ("1*22?33*", "12222333", true),
        ("*??", "a", false),
        ("*?é", "aé", true),
        ("**", "anything", true),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}

/// A piece that begins with text and goes on with `?` was once searched only at places that do not
/// overlap.
#[test]
fn a_match_is_found_where_beginnings_overlap() {
    assert!(matches("*aa?b*", "aaaxb"));
    assert!(matches("*aba?c*", "ababaxc"));
    assert!(!matches("*aa?b*", "aaaxxb"));
}

#[test]
fn a_variable_ends_within_its_limit() {
    let length = |text: &str| Template::parse(text, ALL).literal().map(|text| text.len());
    let longest = format!("${{a{}}}", "b".repeat(VARIABLE_LENGTH_MAX - 2));
    assert_eq!(length(&longest), None);
    let longer = format!("${{a{}}}", "b".repeat(VARIABLE_LENGTH_MAX - 1));
    assert_eq!(length(&longer), Some(longer.len()));
}

#[test]
fn the_worst_pattern_ends_quickly() {
    let pattern = "*a".repeat(1_000) + "*b";
    assert!(!matches(&pattern, &"a".repeat(100_000)));
    assert!(!matches("*aaaaaaaa?b*", &"a".repeat(100_000)));
}

proptest::proptest! {
    // Few letters, so that pieces often overlap.
    #![proptest_config(proptest::test_runner::Config::with_cases(4_000))]
    #[test]
    fn matching_agrees_with_plain_matching(
        pattern in r"[ab*?é]{0,8}|\*?[ab]{1,3}\?[ab]{1,2}\*[ab]?",
        text in "[ab]{0,8}|[abé]{0,10}",
    ) {
        let plain: Vec<char> = pattern.chars().collect();
        let characters: Vec<char> = text.chars().collect();
        proptest::prop_assert_eq!(matches(&pattern, &text), matches_plainly(&plain, &characters));
    }

    #[test]
    fn pieces_are_found_as_by_plain_matching(pattern in "\\*[ab?]{1,6}\\*", text in "[ab]{0,12}") {
        let plain: Vec<char> = pattern.chars().collect();
        let characters: Vec<char> = text.chars().collect();
        proptest::prop_assert_eq!(matches(&pattern, &text), matches_plainly(&plain, &characters));
    }

    #[test]
    fn taking_apart_never_panics(text in "\\PC{0,40}") {
        let template = Template::parse(&text, ALL);
        let _ = template.split_at_colons(6);
    }
}

fn resolved(text: &str) -> Option<String> {
    let mut context = Context::default();
    context.set("aws:username", "ana");
    context.set("aws:PrincipalTag/Team", "blue*");
    context.set_list("aws:TagKeys", ["a"]);
    Some(
        Template::parse(text, Meaning { wildcards: false, variables: true })
            .resolved(&context)?
            .literal()?
            .into_owned(),
    )
}

#[test]
fn variables_are_replaced() {
    assert_eq!(resolved("x/${aws:UserName}/y").as_deref(), Some("x/ana/y"));
    assert_eq!(resolved("${aws:principaltag/team}").as_deref(), Some("blue*"));
    assert_eq!(resolved("${aws:PrincipalTag/none, 'com}pany'}!").as_deref(), Some("com}pany!"));
    assert_eq!(resolved("${aws:username, 'x'}").as_deref(), Some("ana"));
    assert_eq!(resolved("${*}${?}${$}").as_deref(), Some("*?$"));
    assert_eq!(resolved("${aws:PrincipalTag/none}"), None);
    assert_eq!(resolved("${aws:TagKeys}"), None, "multivalued keys are no variables");
    assert_eq!(resolved("${open and ${}").as_deref(), None);
    assert_eq!(resolved("$ {a} ${}").as_deref(), Some("$ {a} ${}"));
}

#[test]
fn what_is_no_variable_is_literal() {
    for text in [
        "${a'b}",
        "${a, b}",
        "${a, 'b}",
        "${a, 'b'c'}",
        "${a, 'b' c}",
        "${a, x'b'}",
        "${",
        "${a",
        "${'a'}",
    ] {
        assert_eq!(resolved(text).as_deref(), Some(text));
    }
    assert_eq!(resolved("${a', ${aws:username}").as_deref(), Some("${a', ana"));
    assert_eq!(resolved("${a ,\t'b}${' }c").as_deref(), Some("b}${c"));
    assert_eq!(resolved("${, 'b'}").as_deref(), Some("b"));
}

#[test]
fn fields_end_at_colons_of_literal_text() {
    let template = Template::parse("arn:aws:s3:::${aws:username}/a:b", ALL);
    let fields = template.split_at_colons(6);
    assert_eq!(fields.len(), 6);
    assert_eq!(fields[1].literal().as_deref(), Some("aws"));
    assert_eq!(fields[3].literal().as_deref(), Some(""));
    assert_eq!(fields[5].parts().len(), 2);
}
