//! Policy variables that are none, or never have a value.

use super::Text;
use super::findings::{Findings, Severity, shown};
use super::nearest::nearest;
use super::statement::Statement;
use crate::service_data;

/// Judges the variables of a text that may have them.
pub(super) fn judge(findings: &mut Findings, statement: &Statement<'_>, (text, place): Text<'_>) {
    if !text.contains("${") {
        return;
    }
    if !statement.variables {
        findings.add(
            (Severity::Warning, "VARIABLE_UNSUPPORTED_IN_VERSION"),
            place,
            "without \"Version\": \"2012-10-17\" this is plain text, not a policy variable"
                .to_owned(),
            Some("set \"Version\": \"2012-10-17\"".to_owned()),
        );
        return;
    }
    let before = findings.count();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        rest = rest.get(start..).unwrap_or_default();
        let variable = meant_at_start(rest);
        judge_one(findings, variable, rest, place);
        // One finding a value is enough, and bounds the work.
        if findings.count() > before {
            return;
        }
        rest = rest.get(variable.map_or(2, str::len)..).unwrap_or_default();
    }
}

fn judge_one(findings: &mut Findings, variable: Option<&str>, rest: &str, place: usize) {
    let Some(variable) = variable else {
        let (code, what) = match rest.strip_prefix("${}") {
            Some(_) => ("EMPTY_VARIABLE", "`${}` names no key"),
            None => ("MISSING_BRACE_IN_VARIABLE", "a policy variable has no closing brace"),
        };
        findings.add((Severity::Error, code), place, what.to_owned(), None);
        return;
    };
    let inside = variable.get(2..variable.len() - 1).unwrap_or_default();
    let (key, default) =
        inside.split_once(',').map_or((inside, None), |(key, rest)| (key, Some(rest)));
    if let Some(default) = default.map(str::trim)
        && (default.len() < 2 || !default.starts_with('\'') || !default.ends_with('\''))
    {
        findings.add(
            (Severity::Error, "MISSING_QUOTE_IN_VARIABLE"),
            place,
            format!("the default of `{}` is not in single quotes", shown(variable)),
            Some(format!("write `${{{key}, '{}'}}`", shown(default.trim_matches('\'')))),
        );
        return;
    }
    if matches!(key, "*" | "?" | "$") {
        return;
    }
    if key.contains(' ') && !key.contains('/') {
        findings.add(
            (Severity::Error, "UNSUPPORTED_SPACE_IN_VARIABLE"),
            place,
            format!("`{}` has a space in its key", shown(variable)),
            Some(format!("write `${{{}}}`", shown(&key.replace(' ', "")))),
        );
        return;
    }
    judge_key(findings, key, place);
}

fn judge_key(findings: &mut Findings, key: &str, place: usize) {
    let is_global = key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"));
    match service_data::global_key_type(key) {
        Some(kind) if kind.starts_with("ArrayOf") => findings.add(
            (Severity::Error, "MULTIVALUED_KEY_IN_VARIABLE"),
            place,
            format!("`{key}` has several values, so that a variable of it has none"),
            Some("use a key with one value".to_owned()),
        ),
        None if is_global => {
            let known = service_data::global_key_names();
            let near = nearest(&key.to_ascii_lowercase(), known, &findings.budget);
            findings.add(
                (Severity::Error, "INVALID_GLOBAL_CONDITION_KEY"),
                place,
                format!(
                    "there is no global condition key `{}`, so the variable has no value",
                    shown(key)
                ),
                near.map(|near| format!("did you mean `${{{near}}}`?")),
            );
        }
        Some(_) | None => {}
    }
}

/// What was meant as a variable at the beginning of a text, `${` and `}` included, be it none.
fn meant_at_start(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("${")?;
    let inside = inside.get(..inside.floor_char_boundary(VARIABLE_LENGTH_MAX)).unwrap_or_default();
    // A default may hold a closing brace.
    let quote = inside.find('\'').unwrap_or(inside.len());
    let end = match inside.find('}')? {
        end if end < quote => end,
        _ => {
            let behind = inside.get(quote + 1..)?;
            let closing = behind.find('\'')?;
            quote + 1 + closing + behind.get(closing..)?.find('}')?
        }
    };
    if end == 0 { None } else { text.get(..end + 3) }
}

/// Longest variable that is looked for, in bytes; keys have 128 characters at most.
const VARIABLE_LENGTH_MAX: usize = 1_024;
