//! `iamd policy test`: tables of requests and the decisions that are expected of them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use iamd_policy::Document;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::{OutputFormat, printout};
use super::lint::read;
use super::question::{Question, word};
use super::raw::{reason, repeated_key};
use super::reader::Reader;
use crate::clock::Clock;
use crate::fault::Fault;

#[derive(Args)]
#[command(after_help = "Exit codes: 0 all tests passed, 1 some failed, 2 wrong use.")]
pub(in crate::command) struct Options {
    /// Files of tests, YAML or JSON.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Writes a report in JUnit's form, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// How to print.
    #[arg(short, long, default_value = "table")]
    output: OutputFormat,
}

/// The words for decisions, and for the types of policies that decide.
const DECISIONS: [&str; 3] = ["allowed", "explicitDeny", "implicitDeny"];
const TYPES: [&str; 8] =
    ["identity", "resource", "boundary", "session", "scp", "rcp", "endpoint", "trust"];

/// A file of tests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    /// Documents by name: objects, texts, or `{file: path}`.
    #[serde(default)]
    policies: Map<String, Value>,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: String,
    request: Value,
    /// By type, as `iamd policy eval` reads them; a text that is a name stands for the document.
    #[serde(default)]
    policies: Map<String, Value>,
    /// A decision, or more of it.
    expect: Value,
}

/// What is expected, all parts optional but the decision.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    decision: String,
    #[serde(default)]
    decided_by: Option<String>,
    /// The `Sid` of one of the deciding statements.
    #[serde(default)]
    sid: Option<String>,
}

/// What became of a test.
#[derive(Serialize)]
struct Tested {
    file: String,
    name: String,
    /// What is wrong, in lines.
    failure: Option<String>,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Fault> {
    let mut results = Vec::new();
    for file in &options.files {
        results.extend(tested(file)?);
    }
    match options.output {
        OutputFormat::Table => printout::text(&report(&results))?,
        OutputFormat::Json => printout::json(&results)?,
    }
    if let Some(path) = &options.junit {
        std::fs::write(path, junit(&results)).map_err(|error| {
            Fault::Refused(format!("`{}` cannot be written: {error}", path.display()))
        })?;
    }
    let all_passed = results.iter().all(|result| result.failure.is_none());
    Ok(if all_passed { ExitCode::SUCCESS } else { ExitCode::from(super::super::EXIT_FAILED) })
}

fn tested(file: &Path) -> Result<Vec<Tested>, Fault> {
    let failed =
        |error: &dyn std::fmt::Display| Fault::Refused(format!("{}: {error}", file.display()));
    let text = read(file)?;
    let suite = suite(&text, file.extension().is_some_and(|extension| extension == "json"))
        .map_err(|(line, column, error)| {
            Fault::Refused(format!("{}:{line}:{column}: {error}", file.display()))
        })?;
    // A file that tests nothing must not look like one that passed.
    if suite.tests.is_empty() {
        return Err(failed(&"there are no tests under `tests`"));
    }
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let mut reader = Reader::default();
    let named = named(&suite.policies, folder)?;
    let results = suite.tests.iter().map(|test| {
        Ok(Tested {
            file: file.display().to_string(),
            name: test.name.clone(),
            failure: failure(test, &named, folder, &mut reader)
                .map_err(|error| failed(&format!("test `{}`: {error}", test.name)))?,
        })
    });
    results.collect()
}

/// A file of tests; or line and column of what is wrong, and what.
fn suite(text: &str, is_json: bool) -> Result<Suite, (u64, u64, String)> {
    if !is_json {
        return serde_saphyr::from_str(text).map_err(|error| {
            let error = error.without_snippet();
            let place = error.location().unwrap_or(serde_saphyr::Location::UNKNOWN);
            let message = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            let behind = format!(" at line {}, column {}", place.line(), place.column());
            let message = message.strip_suffix(&behind).unwrap_or(&message).to_owned();
            (place.line(), place.column(), message)
        });
    }
    // JSON is YAML, too, but its own reader's errors are clearer.
    let suite = serde_json::from_str(text)
        .map_err(|error| (error.line() as u64, error.column() as u64, reason(&error)))?;
    match repeated_key(text) {
        Some(key) => Err((1, 1, format!("the key `{key}` occurs twice in one object"))),
        None => Ok(suite),
    }
}

fn named(policies: &Map<String, Value>, folder: &Path) -> Result<Map<String, Value>, Fault> {
    let each = policies.iter().map(|(name, value)| Ok((name.clone(), from_file(value, folder)?)));
    each.collect()
}

/// The document in a file, where a value names one.
fn from_file(value: &Value, folder: &Path) -> Result<Value, Fault> {
    let Some(file) = value
        .as_object()
        .filter(|members| members.len() == 1)
        .and_then(|members| members.get("file")?.as_str())
    else {
        return Ok(value.clone());
    };
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path);
    text.map(Value::from).map_err(|error| Fault::Refused(format!("{}: {error}", path.display())))
}

/// A value with names and files replaced by documents, in lists of any depth.
fn resolved(value: &Value, named: &Map<String, Value>, folder: &Path) -> Result<Value, Fault> {
    match value {
        Value::Array(values) => {
            let each = values.iter().map(|value| resolved(value, named, folder));
            each.collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        Value::String(text) => match named.get(text) {
            Some(document) => Ok(document.clone()),
            // A document begins with a brace; anything else is a name that is not there.
            None if text.trim_start().starts_with('{') => Ok(value.clone()),
            None => Err(Fault::Refused(format!("there is no policy `{text}` under `policies`"))),
        },
        value => from_file(value, folder),
    }
}

fn failure(
    test: &Test,
    named: &Map<String, Value>,
    folder: &Path,
    reader: &mut Reader,
) -> Result<Option<String>, Fault> {
    let expected = Expected::read(&test.expect).map_err(Fault::Refused)?;
    let mut policies = Map::new();
    for (kind, value) in &test.policies {
        policies.insert(kind.clone(), resolved(value, named, folder)?);
    }
    let question = serde_json::json!({ "request": test.request, "policies": policies }).to_string();
    let question: Question = serde_json::from_str(&question)
        .map_err(|error| Fault::Refused(format!("this is no request: {}", reason(&error))))?;
    // A document that is none holds nothing: a denial would be no merit of the policies.
    for (name, text) in question.documents() {
        Document::parse(&text).map_err(|error| Fault::Refused(format!("{name}: {error}")))?;
    }
    let explained = question.answer(reader, Clock::default().now()).map_err(Fault::Refused)?;
    let (decision, by) = (word(explained.decision), explained.decision.decided_by().as_str());
    let sids: Vec<&str> =
        explained.statements.iter().filter_map(|statement| statement.sid.as_deref()).collect();
    let fits = expected.decision == decision
        && expected.decided_by.as_ref().is_none_or(|expected| expected == by)
        && expected.sid.as_ref().is_none_or(|sid| sids.contains(&sid.as_str()));
    if fits {
        return Ok(None);
    }
    let mut text = format!("expected {}\ngot      {decision} by {by}", expected.words());
    if !sids.is_empty() {
        text.push_str(&format!(" (Sid {})", sids.join(", ")));
    }
    if !explained.decision.is_allowed() {
        text.push_str(&format!("\n{}", explained.message()));
    }
    if !explained.missing_keys.is_empty() {
        text.push_str(&format!("\nmissing keys: {}", explained.missing_keys.join(", ")));
    }
    Ok(Some(text))
}

impl Expected {
    /// Reads what is expected; a word that no decision has is refused, as no answer could ever be it.
    fn read(value: &Value) -> Result<Expected, String> {
        let expected = match value {
            Value::String(decision) => {
                Expected { decision: decision.clone(), decided_by: None, sid: None }
            }
            other => Expected::deserialize(other).map_err(|error| format!("`expect`: {error}"))?,
        };
        let unknown = |word: &str, words: &[&str]| {
            format!("`{word}` cannot be expected: one of {} can", words.join(", "))
        };
        if !DECISIONS.contains(&expected.decision.as_str()) {
            return Err(unknown(&expected.decision, &DECISIONS));
        }
        match &expected.decided_by {
            Some(word) if !TYPES.contains(&word.as_str()) => Err(unknown(word, &TYPES)),
            Some(_) | None => Ok(expected),
        }
    }

    fn words(&self) -> String {
        let by = self.decided_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        let sid = self.sid.as_deref().map(|sid| format!(" (Sid {sid})")).unwrap_or_default();
        format!("{}{by}{sid}", self.decision)
    }
}

/// The report, for people.
fn report(results: &[Tested]) -> String {
    let mut text = String::new();
    let mut file = "";
    for result in results {
        if result.file != file {
            file = &result.file;
            text.push_str(&format!("{file}\n"));
        }
        match &result.failure {
            None => text.push_str(&format!("  ok      {}\n", result.name)),
            Some(failure) => {
                text.push_str(&format!("  FAILED  {}\n", result.name));
                failure.lines().for_each(|line| text.push_str(&format!("          {line}\n")));
            }
        }
    }
    let failed = results.iter().filter(|result| result.failure.is_some()).count();
    text.push_str(&format!("{} passed, {failed} failed\n", results.len() - failed));
    text
}

/// The report in JUnit's form.
fn junit(results: &[Tested]) -> String {
    let failed = results.iter().filter(|result| result.failure.is_some()).count();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"iamd policy test\" tests=\"{}\" failures=\"{failed}\">\n",
        results.len()
    );
    for result in results {
        let (file, name) = (escaped(&result.file), escaped(&result.name));
        match &result.failure {
            None => text.push_str(&format!("  <testcase classname=\"{file}\" name=\"{name}\"/>\n")),
            Some(failure) => text.push_str(&format!(
                "  <testcase classname=\"{file}\" name=\"{name}\"><failure message=\"another decision\">{}</failure></testcase>\n",
                escaped(failure)
            )),
        }
    }
    text + "</testsuite>\n"
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            control if control.is_control() && control != '\n' => escaped.push('\u{FFFD}'),
            other => escaped.push(other),
        }
    }
    escaped
}
