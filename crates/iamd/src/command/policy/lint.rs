//! `iamd policy lint`: what is wrong, dangerous or useless in policy documents.

use std::collections::BTreeSet;
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
    /// Leaves out findings of these codes, such as REDUNDANT_ACTION; separated by commas.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    ignore: Vec<String>,
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
        let kind = options.kind.unwrap_or_else(|| guessed(&text));
        let mut findings = iamd_policy::lint(&text, kind.grammar());
        findings.retain(|finding| !options.ignore.iter().any(|code| code == finding.code));
        let file = file.display().to_string();
        found.extend(findings.into_iter().map(|finding| Found {
            file: file.clone(),
            kind,
            finding,
        }));
    }
    let on_terminal = std::io::stdout().is_terminal();
    let format = if on_terminal { OutputFormat::Table } else { OutputFormat::Json };
    match options.output.unwrap_or(format) {
        OutputFormat::Table => printout::text(&table(&found, options.kind.is_none()))?,
        OutputFormat::Json => printout::json(&found.iter().map(as_json).collect::<Vec<_>>())?,
    }
    let least = options.fail_on.severity();
    let fails = found.iter().any(|found| found.finding.severity <= least);
    Ok(if fails { ExitCode::from(super::super::EXIT_FAILED) } else { ExitCode::SUCCESS })
}

/// A finding, the file it is in, and what kind of policy that was read as.
struct Found {
    file: String,
    kind: Kind,
    finding: Finding,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Identity => "identity",
            Kind::Trust => "trust",
            Kind::Session => "session",
            Kind::Resource => "resource",
            Kind::Scp => "scp",
            Kind::Rcp => "rcp",
        }
    }

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
fn guessed(text: &str) -> Kind {
    let Ok(document) = Document::parse(text) else { return Kind::Identity };
    let mut principals = document.principals().peekable();
    let names = principals.peek().is_some() || text.contains("\"Principal\"");
    let federated = principals.any(|principal| principal.kind == PrincipalKind::Federated);
    match names {
        true if federated || text.contains("\"sts:AssumeRole") => Kind::Trust,
        true => Kind::Resource,
        false => Kind::Identity,
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

/// A line for each finding and its fix, and at last how many there are.
fn table(found: &[Found], is_guessed: bool) -> String {
    let mut text = String::new();
    for Found { file, finding, .. } in found {
        let Finding { severity, code, message, fix, line, column } = finding;
        text.push_str(&format!("{file}:{line}:{column}: {severity} {code}: {message}\n"));
        if let Some(fix) = fix {
            text.push_str(&format!("    {fix}\n"));
        }
    }
    text.push_str(&summary(found, is_guessed));
    text
}

/// How many findings there are, and what the policies were taken for if that was guessed: it decides
/// what is found.
fn summary(found: &[Found], is_guessed: bool) -> String {
    let counted = [
        (Severity::Error, "error"),
        (Severity::SecurityWarning, "security warning"),
        (Severity::Warning, "warning"),
        (Severity::Suggestion, "suggestion"),
    ]
    .into_iter()
    .filter_map(|(severity, name)| {
        let count = found.iter().filter(|found| found.finding.severity == severity).count();
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} {name}{plural}"))
    });
    let counted: Vec<String> = counted.collect();
    if counted.is_empty() {
        return "nothing found\n".to_owned();
    }
    let kinds: BTreeSet<&str> = found.iter().map(|found| found.kind.as_str()).collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    let guess = match is_guessed {
        true => format!(" (taken for: {}; see --type)", kinds.join(", ")),
        false => String::new(),
    };
    format!("{}{guess}\n", counted.join(", "))
}

fn as_json(Found { file, kind, finding }: &Found) -> serde_json::Value {
    json!({
        "file": file,
        "type": kind.as_str(),
        "line": finding.line,
        "column": finding.column,
        "severity": finding.severity.as_str(),
        "code": finding.code,
        "message": finding.message,
        "fix": finding.fix,
    })
}
