//! `iamd policy lint`: what is wrong, dangerous or useless in policy documents.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use iamd_policy::{Document, Finding, Grammar, PrincipalKind, Severity};
use serde_json::json;

use super::super::{OutputFormat, printout};
use crate::fault::Fault;

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 no finding of the severity of --fail-on or graver, 1 some, 2 wrong use."
)]
pub(in crate::command) struct Options {
    /// Policy documents; `-` reads standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What kind of policies they are; guessed from each document if absent.
    #[arg(long = "type", value_enum)]
    kind: Option<Kind>,
    /// The least grave finding that makes the command fail.
    #[arg(long, value_enum, default_value = "warning")]
    fail_on: Level,
    /// How to print; a table on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Identity,
    Trust,
    Session,
    Resource,
    Scp,
    Rcp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Error,
    SecurityWarning,
    Warning,
    Suggestion,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Fault> {
    let mut found = Vec::new();
    for file in &options.files {
        let text = read(file)?;
        let grammar = options.kind.map_or_else(|| guessed(&text), Kind::grammar);
        let findings = iamd_policy::lint(&text, grammar);
        found.extend(findings.into_iter().map(|finding| (file.display().to_string(), finding)));
    }
    let on_terminal = std::io::stdout().is_terminal();
    let format = if on_terminal { OutputFormat::Table } else { OutputFormat::Json };
    match options.output.unwrap_or(format) {
        OutputFormat::Table => printout::text(&table(&found))?,
        OutputFormat::Json => printout::json(&found.iter().map(as_json).collect::<Vec<_>>())?,
    }
    let least = options.fail_on.severity();
    let fails = found.iter().any(|(_, finding)| finding.severity <= least);
    Ok(if fails { ExitCode::from(super::super::EXIT_FAILED) } else { ExitCode::SUCCESS })
}

impl Kind {
    fn grammar(self) -> Grammar {
        match self {
            Kind::Identity => Grammar::Identity,
            Kind::Trust => Grammar::Trust,
            Kind::Session => Grammar::Session,
            Kind::Resource => Grammar::Resource,
            Kind::Scp => Grammar::Scp,
            Kind::Rcp => Grammar::Rcp,
        }
    }
}

impl Level {
    fn severity(self) -> Severity {
        match self {
            Level::Error => Severity::Error,
            Level::SecurityWarning => Severity::SecurityWarning,
            Level::Warning => Severity::Warning,
            Level::Suggestion => Severity::Suggestion,
        }
    }
}

/// A document that names principals is a trust policy if it lets roles be assumed, else one of a
/// resource; any other is an identity-based one.
fn guessed(text: &str) -> Grammar {
    let Ok(document) = Document::parse(text) else { return Grammar::Identity };
    let mut principals = document.principals().peekable();
    let names = principals.peek().is_some() || text.contains("\"Principal\"");
    let federated = principals.any(|principal| principal.kind == PrincipalKind::Federated);
    match names {
        true if federated || text.contains("\"sts:AssumeRole") => Grammar::Trust,
        true => Grammar::Resource,
        false => Grammar::Identity,
    }
}

/// The text of a file, or of standard input for `-`.
pub(super) fn read(path: &Path) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().read_to_end(&mut bytes).map(|_| ()),
        false => std::fs::read(path).map(|content| bytes = content),
    };
    read.map_err(|error| Fault::Refused(format!("`{}` cannot be read: {error}", path.display())))?;
    String::from_utf8(bytes)
        .map_err(|_| Fault::Refused(format!("`{}` is not UTF-8 text", path.display())))
}

fn table(found: &[(String, Finding)]) -> String {
    let mut text = String::new();
    for (file, finding) in found {
        let Finding { severity, code, message, fix, line, column } = finding;
        text.push_str(&format!("{file}:{line}:{column}: {severity} {code}: {message}\n"));
        if let Some(fix) = fix {
            text.push_str(&format!("    {fix}\n"));
        }
    }
    if found.is_empty() {
        text.push_str("nothing found\n");
    }
    text
}

fn as_json((file, finding): &(String, Finding)) -> serde_json::Value {
    json!({
        "file": file,
        "line": finding.line,
        "column": finding.column,
        "severity": finding.severity.as_str(),
        "code": finding.code,
        "message": finding.message,
        "fix": finding.fix,
    })
}
