//! `iamd policy explain`: why one request is allowed or denied.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use super::super::{OutputFormat, printout};
use super::lint::read;
use super::question::Question;
use super::raw::reason;
use super::reader::Reader;
use super::story::Story;
use crate::clock::Clock;
use crate::fault::Fault;

#[derive(Args)]
#[command(after_help = "Exit codes: 0 allowed, 1 denied, 2 wrong use.")]
pub(in crate::command) struct Options {
    /// A whole request as `iamd policy eval` reads it, in a file or, with `-`, on standard input.
    #[arg(long, conflicts_with_all = ["principal", "action", "resource"])]
    request: Option<PathBuf>,
    /// Who asks: an ARN, a service such as `ec2.amazonaws.com`, or, as in requests, a JSON object such
    /// as `{"anonymous":true}`.
    #[arg(long, required_unless_present = "request")]
    principal: Option<String>,
    /// The ARN of the role of a session, if it has a path.
    #[arg(long, conflicts_with = "request")]
    role: Option<String>,
    /// What he wants to do, such as `s3:GetObject`.
    #[arg(long, required_unless_present = "request")]
    action: Option<String>,
    /// To what: an ARN, or `*`.
    #[arg(long, required_unless_present = "request")]
    resource: Option<String>,
    /// The account that owns the resource.
    #[arg(long, conflicts_with = "request")]
    resource_account: Option<String>,
    /// A condition key, such as `aws:SourceIp=10.0.0.1`; given twice, it has several values.
    #[arg(long, value_name = "KEY=VALUE")]
    context: Vec<String>,
    /// Files with identity-based policies.
    #[arg(long, visible_alias = "policy", value_name = "FILE")]
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
    /// Files with policies of the VPC endpoint that the request came through.
    #[arg(long, value_name = "FILE")]
    endpoint: Vec<PathBuf>,
    /// How to print.
    #[arg(short, long, default_value = "table")]
    output: OutputFormat,
}

/// Names of policies in answers, and the files that they came from.
pub(super) type Files = Vec<(String, PathBuf)>;

pub(super) fn run(options: &Options) -> Result<ExitCode, Fault> {
    let mut files = Files::new();
    let text = match &options.request {
        Some(path) => read(path)?,
        None => asked(options, &mut files)?.to_string(),
    };
    let question: Question = serde_json::from_str(&text).map_err(|error| wrong(options, &error))?;
    let explained =
        question.answer(&mut Reader::default(), Clock::default().now()).map_err(Fault::Refused)?;
    let story = Story::new(&explained, &question, &files);
    match options.output {
        OutputFormat::Table => printout::text(&story.text())?,
        OutputFormat::Json => printout::json(&story.json())?,
    }
    let is_allowed = explained.decision.is_allowed();
    Ok(if is_allowed { ExitCode::SUCCESS } else { ExitCode::from(super::super::EXIT_FAILED) })
}

/// What is wrong with a request, and where, if somebody has written it.
fn wrong(options: &Options, error: &serde_json::Error) -> Fault {
    let place = options
        .request
        .as_ref()
        .map(|path| format!("{}:{}:{}: ", path.display(), error.line(), error.column()));
    let place = place.unwrap_or_default();
    Fault::Refused(format!("{place}this is no request: {}", reason(error)))
}

/// The request that the flags stand for.
fn asked(options: &Options, files: &mut Files) -> Result<Value, Fault> {
    let principal = options.principal.as_deref().unwrap_or_default();
    let principal = match principal {
        arn if arn.starts_with("arn:") => json!(arn),
        object if object.starts_with('{') => serde_json::from_str(object)
            .map_err(|error| Fault::Refused(format!("`{object}` is no principal: {error}")))?,
        service => json!({ "service": service }),
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
    for (name, paths) in [("session", &options.session), ("endpoint", &options.endpoint)] {
        if !paths.is_empty() {
            policies.insert(name.to_owned(), list(name, paths)?.into());
        }
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
            "role": options.role,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_given_twice_has_several_values() {
        let settings = ["a=1", "b=x=y", "a=2", "a=3", "c="].map(str::to_owned);
        let expected = json!({ "a": ["1", "2", "3"], "b": "x=y", "c": "" });
        assert_eq!(Value::from(context(&settings).unwrap()), expected);
        assert!(context(&["a".to_owned()]).is_err());
    }
}
