//! Patterns: wildcards and policy variables, beside a matcher that is slow and obvious.
//!
//! Input: a line with the pattern, a line with the value of `${aws:username}`, and the text.

use iamd_policy::{Context, Document, Policies, PolicySet, Principal, Request, decide};

use crate::input::{lines, quoted};

const KEY: &str = "aws:RequestTag/k";

pub(crate) fn run(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let ([pattern, username], text) = lines(input);
    compare(pattern, username, text);
    // Most texts are nowhere near a match; those of two letters are, again and again.
    if pattern.len() <= FOLDED_LENGTH_MAX && text.len() <= FOLDED_LENGTH_MAX {
        compare(&folded(pattern, &['a', 'b', 'a', '*', '?']), "", &folded(text, &['a', 'b']));
    }
}

/// Longest texts that are folded, in bytes.
const FOLDED_LENGTH_MAX: usize = 64;

/// A text in which every character is replaced by one of these.
fn folded(text: &str, characters: &[char]) -> String {
    text.chars().map(|character| characters[character as usize % characters.len()]).collect()
}

fn compare(pattern: &str, username: &str, text: &str) {
    let condition = format!(r#"{{"StringLike":{{"{KEY}":{}}}}}"#, quoted(pattern));
    let fast = allowed(&format!(r#""Resource":"*","Condition":{condition}"#), username, text);
    let slow = marks(pattern, username).is_some_and(|marks| matches(&marks, text));
    assert_eq!(fast, slow, "`{pattern}` with `{username}` beside `{text}`: a condition");

    // The same as the last field of an ARN, where the index has its say too.
    let resource = quoted(&format!("arn:aws:s3:::{pattern}"));
    let fast = allowed(&format!(r#""Resource":{resource}"#), username, text);
    assert_eq!(fast, slow, "`{pattern}` with `{username}` beside `{text}`: a resource");
}

fn allowed(elements: &str, username: &str, text: &str) -> bool {
    let principal = Principal::User {
        arn: "arn:aws:iam::111122223333:user/ana".to_owned(),
        unique_id: String::new(),
        has_boundary: false,
    };
    let mut context = Context::default();
    context.set("aws:username", username);
    context.set(KEY, text);
    let resource = format!("arn:aws:s3:::{text}");
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: &resource,
        resource_account: Some("111122223333"),
        context: &context,
    };
    // Enough statements for an index.
    let other = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{other},{other},{other},
            {{"Effect":"Allow","Action":"s3:GetObject",{elements}}}]}}"#
    );
    let document = Document::parse(&document).expect("the document is well-formed");
    let set: PolicySet = [("p".into(), document)].into_iter().collect();
    decide(&request, &Policies { identity: Some(&[&set]), ..Policies::default() }).is_allowed()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Plain(char),
    Star,
    Question,
}

/// The pattern with its variables replaced; none if one has no value.
///
/// Source: IAM User Guide, "IAM policy elements: Variables and tags".
fn marks(pattern: &str, username: &str) -> Option<Vec<Mark>> {
    let mut marks = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some((name, default, behind)) = variable(rest) {
            let value = match name.trim().to_lowercase().as_str() {
                "*" | "?" | "$" if default.is_none() && name.len() == 1 => name,
                "aws:username" => username,
                _ => default?,
            };
            marks.extend(value.chars().map(Mark::Plain));
            rest = behind;
            continue;
        }
        marks.push(match first {
            '*' => Mark::Star,
            '?' => Mark::Question,
            other => Mark::Plain(other),
        });
        rest = &rest[first.len_utf8()..];
    }
    Some(marks)
}

/// The name and the default of the variable that a text begins with, and what follows it: up to the
/// first brace before which everything is a name, or a name and a default.
fn variable(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let inside = text.strip_prefix("${")?;
    let mut ends = inside.match_indices('}');
    ends.find_map(|(end, _)| {
        let (name, default) = name_and_default(&inside[..end])?;
        Some((name, default, &inside[end + 1..]))
    })
}

fn name_and_default(content: &str) -> Option<(&str, Option<&str>)> {
    let is_name = |name: &str| !name.contains(['}', ',', '\'']);
    match content.split_once(',') {
        None => (is_name(content) && !content.is_empty()).then_some((content, None)),
        Some((name, default)) => {
            let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (is_name(name) && !default.contains('\'')).then_some((name, Some(default)))
        }
    }
}

/// Whether the marks match the whole text: which prefixes of the text the first marks match, mark by
/// mark.
fn matches(marks: &[Mark], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for mark in marks {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match mark {
                Mark::Star => reached[at] || (at > 0 && next[at - 1]),
                Mark::Question => at > 0 && reached[at - 1],
                Mark::Plain(character) => at > 0 && reached[at - 1] && text[at - 1] == *character,
            };
        }
        reached = next;
    }
    reached[text.len()]
}
