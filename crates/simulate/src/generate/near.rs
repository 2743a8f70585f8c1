//! Patterns of actions and resources: such as cover a given one, and such as nearly do.

use super::request::{ACTIONS, RESOURCES};
use crate::case::{Held, Question};
use crate::random::Random;

/// A pattern for an action.
pub(super) fn action(random: &mut Random, action: &str, misses: bool) -> String {
    if misses {
        let near = match random.below(7) {
            0 => (random.pick(ACTIONS)).to_owned(),
            1 => action.replace(':', ""),
            2 => format!("{action},Other"),
            3 => format!("{} ", action),
            4 => (random.pick(&["", "s3:", ":GetObject", "**", "?", "s3", "*:"])).to_owned(),
            5 => action.replacen(':', ":*:", 1),
            _ => changed(random, action),
        };
        return if random.percent(30) { wildcards(random, &near) } else { near };
    }
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    match random.below(12) {
        0 | 1 => "*".to_owned(),
        2 => format!("{service}:*"),
        3 => format!("{}:*", service.to_uppercase()),
        4 => action.to_uppercase(),
        5 => action.to_lowercase(),
        6 => format!("{}*", &action[..random.below(action.len() + 1)]),
        7 => format!("{service}:*{}", &name[random.below(name.len() + 1)..]),
        8 => random.pick(&["*:*", "?*:*", "s*:*", "*s:*"]).to_string(),
        9 => wildcards(random, action),
        _ => action.to_owned(),
    }
}

/// A pattern for the resource of a question; variables are filled in from its context.
pub(super) fn resource(random: &mut Random, focus: &Question, misses: bool) -> String {
    let resource = focus.resource.as_str();
    if misses {
        let near = match random.below(8) {
            0 => (random.pick(RESOURCES)).to_owned(),
            1 => (random.pick(ODD)).to_owned(),
            2 => {
                format!("{resource}{}", random.pick(&["?", "/", "0", "/*", "${aws:none}", "${*}"]))
            }
            3 => cut(random, resource),
            4 => with_variable(random, focus, true),
            5 => typed_by_star(random, resource),
            _ => changed(random, resource),
        };
        return if random.percent(30) { wildcards(random, &near) } else { near };
    }
    match random.below(12) {
        0 | 1 => "*".to_owned(),
        2 | 3 => format!("{}*", beginning(random, resource)),
        4 => wildcards(random, resource),
        5 => fields_wild(random, resource),
        6 | 7 => with_variable(random, focus, false),
        8 => cut(random, resource),
        9 => typed_by_star(random, resource),
        _ => resource.to_owned(),
    }
}

const ODD: &[&str] = &[
    "",
    "**",
    "?",
    "arn",
    "arn:",
    "arn:*",
    "arn*",
    "ARN:aws:s3:::bucket/key",
    "*:aws:s3:::bucket/key",
    "a?n:aws:s3:::bucket/key",
    "arn:*:*:*:*:*",
    "arn:aws:s3:::*",
    "arn:aws:${aws:username}:::bucket/key",
    "arn:aws:s3:${*}::bucket/key",
    "arn:aws:${?}",
    "arn:aws:s3:::${}",
    "arn:aws:s3:::bucket/${aws:PrincipalTag/none}",
    "arn:aws:s3:::bucket/${x:Texts}",
    "arn:aws:s3:::bucket/${x:Texts, 'key'}",
    "arn:aws:s3:::bucket/${aws:none, key}",
    "arn:aws:s3:::bucket/${aws:none, 'k}y'}",
    "arn:aws:s3:::bucket/${aws:none,'key'}*",
    "bucket",
];

/// Like the text, but for one character or its letter case.
fn changed(random: &mut Random, text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    if characters.is_empty() {
        return "x".to_owned();
    }
    let at = random.below(characters.len());
    let own = characters[at];
    match random.below(4) {
        0 => drop(characters.remove(at)),
        1 => characters.insert(at, random.pick(&['x', ':', '/', '0'])),
        2 if own.is_lowercase() => characters[at] = own.to_ascii_uppercase(),
        2 => characters[at] = own.to_ascii_lowercase(),
        _ => characters[at] = random.pick(&['x', '1', '/', ':']),
    }
    characters.into_iter().collect()
}

/// The text with wildcards in place of some of it, or where nothing is.
pub(super) fn wildcards(random: &mut Random, text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(3) {
        let start = random.below(characters.len() + 1);
        let length = random.below(4).min(characters.len() - start);
        match random.below(5) {
            0 if start < characters.len() => characters[start] = '?',
            1 => drop(characters.splice(start..start + length, ['*'])),
            // Only a piece of it, with a gap: such pieces may overlap where letters repeat.
            2 if start > 0 && start + 3 < characters.len() => {
                let end = (start + 3 + random.below(3)).min(characters.len());
                characters.splice(end.., ['*']);
                characters[start + 1 + random.below(2)] = '?';
                let kept = random.below(start.min(30));
                characters.splice(start - kept..start, ['*']);
            }
            // The rest twice: a text that has it once must not count for both.
            3 => {
                let rest: Vec<char> = characters[start..].to_vec();
                characters.push('*');
                characters.extend(rest);
                characters.insert(start, '*');
            }
            _ => characters.insert(start, '*'),
        }
    }
    characters.into_iter().collect()
}

/// Where a prefix may end: anywhere, or next to a length at which prefixes are filed.
fn beginning<'t>(random: &mut Random, text: &'t str) -> &'t str {
    let lengths = [16, 24, 32, 40, 48, 64];
    let near = random.pick(&lengths) + random.below(3) - 1;
    let end = if random.percent(60) { near } else { random.below(text.len() + 1) };
    text.get(..end).unwrap_or(text)
}

fn fields_wild(random: &mut Random, resource: &str) -> String {
    let mut fields: Vec<&str> = resource.splitn(6, ':').collect();
    for field in fields.iter_mut().skip(1) {
        if random.percent(40) {
            *field = random.pick(&["*", "*", "?*", "", "**"]);
        }
    }
    fields.join(":")
}

/// Fewer fields than an ARN has, perhaps with a wildcard.
fn cut(random: &mut Random, resource: &str) -> String {
    let fields: Vec<&str> = resource.splitn(6, ':').collect();
    let kept = fields[..1 + random.below(fields.len().min(5))].join(":");
    match random.below(4) {
        0 => format!("{kept}*"),
        1 => format!("{kept}:*"),
        2 => kept.replacen("aws", random.pick(&["*", "a?s", "aws*"]), 1),
        _ => kept,
    }
}

/// A wildcard for the first segment of the last field, with something behind.
fn typed_by_star(random: &mut Random, resource: &str) -> String {
    let Some((before, last)) = resource.rsplit_once(':') else { return resource.to_owned() };
    let id = last.split_once('/').map_or(last, |(_, id)| id);
    let separator = random.pick(&["/", "/", ":"]);
    let tail = match random.below(6) {
        0 => "*".to_owned(),
        1 => format!("*{}", &id[id.len().min(1)..]),
        2 => format!("?{}", &id[id.len().min(1)..]),
        3 => String::new(),
        _ => id.to_owned(),
    };
    format!("{before}:*{separator}{tail}")
}

/// The resource with a policy variable in place of a text that its key has, or of any text as the
/// default of a key without a value.
fn with_variable(random: &mut Random, focus: &Question, misses: bool) -> String {
    let resource = focus.resource.as_str();
    // Behind the fifth colon; now and then where variables have no place.
    let start = match resource.rfind(':') {
        Some(_) if misses && random.percent(15) => 0,
        Some(at) => at + 1,
        None => 0,
    };
    let (before, last) = resource.split_at(start);
    let held = focus.context.iter().filter_map(|(key, value)| match value {
        Held::One(value) if !value.is_empty() => Some((key, value, last.find(value.as_str())?)),
        Held::One(_) | Held::Many(_) => None,
    });
    let held: Vec<_> = held.collect();
    let default = random.pick(&["", ", 'nobody'", ", '*'"]);
    if !held.is_empty() && random.percent(70) {
        let (key, value, at) = random.pick(&held);
        let key = if random.percent(30) { key.to_uppercase() } else { (*key).clone() };
        let key = if misses { format!("{key}x") } else { key };
        return format!("{before}{}${{{key}{default}}}{}", &last[..at], &last[at + value.len()..]);
    }
    let at = random.below(last.len() + 1);
    let length = random.below(last.len() + 1 - at);
    let end = at + if random.percent(30) { length.min(1) } else { length };
    let (Some(head), Some(middle), Some(tail)) =
        (last.get(..at), last.get(at..end), last.get(end..))
    else {
        return resource.to_owned();
    };
    let variable = match random.below(6) {
        0 if misses => "${aws:PrincipalTag/none}".to_owned(),
        1 if misses => "${x:Texts}".to_owned(),
        2 if misses => "${*}".to_owned(),
        3 if misses => format!("${{aws:none, '{middle}x'}}"),
        _ => format!("${{aws:PrincipalTag/none, '{middle}'}}"),
    };
    format!("{before}{head}{variable}{tail}{}", random.pick(&["", "", "*"]))
}
