//! `iamd policy explain`: why one request is allowed or denied.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use iamd_policy::{DecidingStatement, Decision, Explanation, Obstacle};
use serde_json::{Map, Value, json};

use super::super::printout;
use super::lint::read;
use super::question::{Question, Reader, word};
use crate::clock::Clock;
use crate::fault::Fault;

#[derive(Args)]
#[command(after_help = "Exit codes: 0 allowed, 1 denied, 2 wrong use.")]
pub(in crate::command) struct Options {
    /// A whole request as `iamd policy eval` reads it, in a file or, with `-`, on standard input.
    #[arg(long, conflicts_with_all = ["principal", "action", "resource"])]
    request: Option<PathBuf>,
    /// Who asks: an ARN, or a service such as `ec2.amazonaws.com`.
    #[arg(long, required_unless_present = "request")]
    principal: Option<String>,
    /// What he wants to do, such as `s3:GetObject`.
    #[arg(long, required_unless_present = "request")]
    action: Option<String>,
    /// To what: an ARN, or `*`.
    #[arg(long, required_unless_present = "request")]
    resource: Option<String>,
    /// The account that owns the resource.
    #[arg(long)]
    resource_account: Option<String>,
    /// A condition key, such as `aws:SourceIp=10.0.0.1`; given twice, it has several values.
    #[arg(long, value_name = "KEY=VALUE")]
    context: Vec<String>,
    /// Files with identity-based policies.
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// A file with a permissions boundary.
    #[arg(long, value_name = "FILE")]
    boundary: Option<PathBuf>,
    /// Files with session policies.
    #[arg(long, value_name = "FILE")]
    session: Vec<PathBuf>,
    /// A file with a resource-based policy.
    #[arg(long, value_name = "FILE")]
    resource_policy: Option<PathBuf>,
    /// A file with a role trust policy.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Files with service control policies, one per level, root first.
    #[arg(long, value_name = "FILE")]
    scp: Vec<PathBuf>,
    /// Files with resource control policies, one per level, root first.
    #[arg(long, value_name = "FILE")]
    rcp: Vec<PathBuf>,
}

/// Names of policies in answers, and the files that they came from.
type Files = Vec<(String, PathBuf)>;

pub(super) fn run(options: &Options) -> Result<ExitCode, Fault> {
    let mut files = Files::new();
    let text = match &options.request {
        Some(path) => read(path)?,
        None => asked(options, &mut files)?.to_string(),
    };
    let question: Question = serde_json::from_str(&text)
        .map_err(|error| Fault::Refused(format!("this is no request: {error}")))?;
    let explained =
        question.answer(&mut Reader::default(), Clock::default().now()).map_err(Fault::Refused)?;
    printout::text(&told(&explained, &files))?;
    let is_allowed = explained.decision.is_allowed();
    Ok(if is_allowed { ExitCode::SUCCESS } else { ExitCode::from(super::super::EXIT_FAILED) })
}

/// The request that the flags stand for.
fn asked(options: &Options, files: &mut Files) -> Result<Value, Fault> {
    let principal = options.principal.as_deref().unwrap_or_default();
    let principal = match principal.starts_with("arn:") {
        true => json!(principal),
        false => json!({ "service": principal }),
    };
    let mut list = |name: &str, paths: &[PathBuf]| -> Result<Vec<Value>, Fault> {
        let texts = paths.iter().enumerate().map(|(number, path)| {
            files.push((format!("{name}[{number}]"), path.clone()));
            read(path).map(Value::from)
        });
        texts.collect()
    };
    let mut policies = Map::new();
    policies.insert("identity".to_owned(), list("identity", &options.identity)?.into());
    if let Some(boundary) = &options.boundary {
        let boundary = list("boundary", std::slice::from_ref(boundary))?;
        policies.insert("boundary".to_owned(), boundary.into());
    }
    if !options.session.is_empty() {
        policies.insert("session".to_owned(), list("session", &options.session)?.into());
    }
    for (name, paths) in [("scp", &options.scp), ("rcp", &options.rcp)] {
        let levels = paths.iter().enumerate().map(|(level, path)| {
            list(&format!("{name}[{level}]"), std::slice::from_ref(path)).map(Value::from)
        });
        let levels: Vec<Value> = levels.collect::<Result<_, _>>()?;
        if !levels.is_empty() {
            policies.insert(name.to_owned(), levels.into());
        }
    }
    for (name, path) in [("resource", &options.resource_policy), ("trust", &options.trust)] {
        if let Some(path) = path {
            files.push((name.to_owned(), path.clone()));
            policies.insert(name.to_owned(), read(path)?.into());
        }
    }
    Ok(json!({
        "request": {
            "principal": principal,
            "action": options.action,
            "resource": options.resource,
            "resource_account": options.resource_account,
            "context": context(&options.context)?,
        },
        "policies": policies,
    }))
}

fn context(settings: &[String]) -> Result<Map<String, Value>, Fault> {
    let mut context = Map::new();
    for setting in settings {
        let (key, value) = setting.split_once('=').ok_or_else(|| {
            Fault::Refused(format!("`{setting}` is no condition key: KEY=VALUE is"))
        })?;
        match context.get_mut(key) {
            None => {
                context.insert(key.to_owned(), value.into());
            }
            Some(Value::Array(values)) => values.push(value.into()),
            Some(first) => *first = json!([first, value]),
        }
    }
    Ok(context)
}

/// The explanation, for people.
fn told(explained: &Explanation, files: &Files) -> String {
    let by = explained.decision.decided_by().as_str();
    let mut text = format!("{} by {by}\n", word(explained.decision));
    if !explained.decision.is_allowed() {
        text.push_str(&format!("\n  {}\n", explained.message()));
    }
    if !explained.statements.is_empty() {
        text.push_str("\nDecided by:\n");
    }
    for statement in &explained.statements {
        text.push_str(&format!("  {}\n", placed(statement, files)));
    }
    if !explained.missing_keys.is_empty() {
        text.push_str("\nCondition keys that statements asked for and the request did not have:\n");
        explained.missing_keys.iter().for_each(|key| text.push_str(&format!("  {key}\n")));
    }
    if let Decision::DenyImplicitly(_) = explained.decision {
        text.push_str(&format!("\nNo statement of type `{by}` allows the request.\n"));
    }
    if !explained.near_misses.is_empty() {
        text.push_str("These would, but for one thing:\n");
    }
    for miss in &explained.near_misses {
        let obstacle = match &miss.obstacle {
            Obstacle::Resource => "its resources do not cover the request's".to_owned(),
            Obstacle::Principal => "it does not name the caller".to_owned(),
            Obstacle::Conditions(keys) => format!("conditions on {} do not hold", keys.join(", ")),
        };
        text.push_str(&format!("  {}: {obstacle}\n", placed(&miss.statement, files)));
    }
    text
}

/// Where a statement stands: file, line, column and `Sid`.
fn placed(statement: &DecidingStatement, files: &Files) -> String {
    let file = files.iter().find(|(name, _)| **name == *statement.policy);
    let place =
        file.map_or_else(|| statement.policy.to_string(), |(_, path)| path.display().to_string());
    let sid = statement.sid.as_deref().map(|sid| format!(" (Sid {sid})")).unwrap_or_default();
    format!("{place}:{}:{}{sid}", statement.line, statement.column)
}
