//! `iamd policy test`: tables of requests and the decisions that are expected of them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::printout;
use super::question::{Question, Reader, word};
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
}

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
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Decision(String),
    More(Details),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    decision: String,
    #[serde(default)]
    decided_by: Option<String>,
    /// The `Sid` of one of the deciding statements.
    #[serde(default)]
    sid: Option<String>,
}

/// What became of a test.
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
    printout::text(&report(&results))?;
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
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    // JSON is YAML, too, but its own reader's errors are clearer.
    let suite: Suite = match file.extension().is_some_and(|extension| extension == "json") {
        true => serde_json::from_str(&text).map_err(|error| failed(&error))?,
        false => serde_saphyr::from_str(&text).map_err(|error| failed(&error))?,
    };
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let mut reader = Reader::default();
    let named = named(&suite.policies, folder)?;
    let results = suite.tests.iter().map(|test| {
        Ok(Tested {
            file: file.display().to_string(),
            name: test.name.clone(),
            failure: failure(test, &named, folder, &mut reader)?,
        })
    });
    results.collect()
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
    let wrong =
        |error: &dyn std::fmt::Display| Fault::Refused(format!("test `{}`: {error}", test.name));
    let mut policies = Map::new();
    for (kind, value) in &test.policies {
        let value = resolved(value, named, folder).map_err(|error| wrong(&error))?;
        policies.insert(kind.clone(), value);
    }
    let question = serde_json::json!({ "request": test.request, "policies": policies }).to_string();
    let question: Question = serde_json::from_str(&question).map_err(|error| wrong(&error))?;
    let explained =
        question.answer(reader, Clock::default().now()).map_err(|error| wrong(&error))?;
    let (decision, by) = (word(explained.decision), explained.decision.decided_by().as_str());
    let expected = test.expect.details();
    let sids: Vec<&str> =
        explained.statements.iter().filter_map(|statement| statement.sid.as_deref()).collect();
    let fits = expected.decision == decision
        && expected.decided_by.is_none_or(|expected| expected == by)
        && expected.sid.is_none_or(|sid| sids.contains(&sid));
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

/// What is expected, all parts optional but the decision.
struct Wanted<'a> {
    decision: &'a str,
    decided_by: Option<&'a str>,
    sid: Option<&'a str>,
}

impl Expected {
    fn details(&self) -> Wanted<'_> {
        match self {
            Expected::Decision(decision) => Wanted { decision, decided_by: None, sid: None },
            Expected::More(details) => Wanted {
                decision: &details.decision,
                decided_by: details.decided_by.as_deref(),
                sid: details.sid.as_deref(),
            },
        }
    }
}

impl Wanted<'_> {
    fn words(&self) -> String {
        let by = self.decided_by.map(|by| format!(" by {by}")).unwrap_or_default();
        let sid = self.sid.map(|sid| format!(" (Sid {sid})")).unwrap_or_default();
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
