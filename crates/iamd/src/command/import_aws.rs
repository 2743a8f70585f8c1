//! `iamd import-aws`: users, groups, roles and policies from an account of AWS.

use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use iamd_core::transfer::{FILE_LENGTH_MAX, Sign, missing_credentials};
use serde::Serialize;

use super::errand::carry_out;
use super::{OutputFormat, printout};
use crate::fault::Fault;
use crate::operator::{Granted, ImportFacts, ImportOrder, Wish};

/// Longest credential report, in bytes: its 5,002 lines at their longest.
const REPORT_LENGTH_MAX: usize = 8 * 1024 * 1024;

#[derive(Args)]
pub(super) struct Options {
    /// What `aws iam get-account-authorization-details` or `iamd export json` has printed; - reads
    /// standard input.
    file: PathBuf,
    /// What `aws iam get-credential-report` gives, decoded: names the users who need a password, keys
    /// or a device anew. No secret can be imported.
    #[arg(long, value_name = "FILE")]
    credential_report: Option<PathBuf>,
    /// Says what would be done, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// Leaves things as they are that are there already and differ; without it, they stop the import.
    #[arg(long)]
    keep_existing: bool,
    /// The account; needed where there is more than one.
    #[arg(long)]
    account_id: Option<String>,
    /// The data folder of the node, which may be running.
    #[arg(long, env = "IAMD_DATA", default_value = "./iamd-data")]
    data: PathBuf,
    /// How to print; a table on a terminal, JSON otherwise.
    #[arg(short, long)]
    output: Option<OutputFormat>,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    facts: ImportFacts,
    /// What users had in the credential report, and need anew.
    missing_credentials: Vec<Missing>,
}

#[derive(Debug, Serialize)]
struct Missing {
    user: String,
    needs: Vec<&'static str>,
}

pub(super) async fn run(options: Options) -> Result<(), Fault> {
    let file = content(&options.file, FILE_LENGTH_MAX)?;
    let report = options.credential_report.as_deref();
    let report = report.map(|report| content(report, REPORT_LENGTH_MAX)).transpose()?;
    let missing = report.as_deref().map(missing_credentials).transpose().map_err(Fault::Refused)?;
    let order = ImportOrder {
        account_id: options.account_id,
        file,
        keep_existing: options.keep_existing,
        dry_run: options.dry_run,
    };
    let facts = match carry_out(&options.data, Wish::ImportAccount(order)).await? {
        Granted::Imported(facts) => facts,
        other => return Err(Fault::Bug(format!("the node has answered {other:?}"))),
    };
    let missing = missing.unwrap_or_default().into_iter();
    let missing_credentials = missing.map(|(user, needs)| Missing { user, needs }).collect();
    let report = Report { facts, missing_credentials };
    match OutputFormat::or_what_fits(options.output) {
        OutputFormat::Json => printout::json(&report)?,
        OutputFormat::Table => printout::text(&text(&report))?,
    }
    if report.facts.is_possible {
        return Ok(());
    }
    Err(Fault::Refused("the import would be refused".to_owned()))
}

fn content(file: &Path, length_max: usize) -> Result<String, Fault> {
    let name = file.display();
    let unreadable =
        |error: std::io::Error| Fault::Refused(format!("`{name}` cannot be read: {error}"));
    let mut text = String::new();
    let most = length_max as u64 + 1;
    let read = match file == Path::new("-") {
        true => std::io::stdin().take(most).read_to_string(&mut text),
        false => {
            std::fs::File::open(file).and_then(|file| file.take(most).read_to_string(&mut text))
        }
    };
    if read.map_err(unreadable)? > length_max {
        return Err(Fault::Refused(format!("`{name}` has more than {length_max} bytes")));
    }
    Ok(text)
}

fn text(report: &Report) -> String {
    let imported = &report.facts.imported;
    let mut text = String::new();
    for line in &imported.lines {
        let sign = match line.sign {
            Sign::Create => '+',
            Sign::Same => '=',
            Sign::Differs => '~',
            Sign::LeftOut => '-',
            Sign::Refused => '!',
        };
        let what = format!("{sign} {:<16} {}", line.kind, line.name);
        let _ = writeln!(text, "{}", format!("{what:<48} {}", line.detail).trim_end());
    }
    for Missing { user, needs } in &report.missing_credentials {
        let _ = writeln!(text, "* {:<16} {user:<29} needs anew: {}", "user", needs.join(", "));
    }
    let count = |sign| imported.count(sign);
    let (would, were) = if report.facts.dry_run { ("would be ", "Dry run: ") } else { ("", "") };
    let _ = writeln!(
        text,
        "{were}{} {would}created in account {}, {} there already, {} there and different, \
         {} left out, {} refused.",
        count(Sign::Create),
        imported.account_id,
        count(Sign::Same),
        count(Sign::Differs),
        count(Sign::LeftOut),
        count(Sign::Refused)
    );
    text
}
