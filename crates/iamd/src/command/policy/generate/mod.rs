//! `iamd policy generate`: the smallest policy that covers what a principal has used.

mod evidence;
mod files;
mod record;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use iamd_policy::generate::{Generator, PresentPolicies, SIBLINGS_MAX, USED_BYTES_MAX};
use iamd_policy::{Arn, Document};
use iamd_wire::Timestamp;

use super::super::{EXIT_FAILED, OutputFormat, errand, printout, runtime};
use super::lint::read;
use crate::fault::Fault;
use crate::operator::{Granted, Wish};
use evidence::Evidence;
use report::Report;

/// The folder of the trail inside of a data folder.
const TRAIL_FOLDER: &str = "audit";

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 the policy covers all that was used, 1 not all, or nothing was used, 2 wrong use."
)]
pub(in crate::command) struct Options {
    /// The ARN of the user or role.
    #[arg(long, value_name = "ARN")]
    principal: String,
    /// Files of an audit trail, or folders of such: as iamd writes them, or as CloudTrail does; `-`
    /// reads standard input. The trail of --data if absent.
    #[arg(long, value_name = "AUDIT", num_args = 1.., required_unless_present = "data")]
    from: Vec<PathBuf>,
    /// Policies that the principal has, to say what of them was never used.
    #[arg(long = "policy", value_name = "FILE")]
    policies: Vec<PathBuf>,
    /// The data folder of the node, which may be running: takes the policies from there.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Only records from this time on, such as 2026-01-31T12:00:00Z.
    #[arg(long)]
    since: Option<Timestamp>,
    /// Only records up to this time.
    #[arg(long)]
    until: Option<Timestamp>,
    /// Most names in one folder that are listed one by one; of more, the whole folder is allowed.
    #[arg(long, value_name = "COUNT", default_value_t = SIBLINGS_MAX)]
    siblings: usize,
    /// How to print: the policy alone, or one JSON document with all that is known.
    #[arg(short, long, default_value = "table")]
    output: OutputFormat,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Fault> {
    check_principal(&options.principal)?;
    let present = PresentPolicies::new(&options.principal, present(options)?);
    let generator = Generator::new(&options.principal, options.siblings, USED_BYTES_MAX);
    let mut evidence = Evidence::new(&options.principal, generator, present).between(
        options.since.map(|time| time.to_string()),
        options.until.map(|time| time.to_string()),
    );
    let trail = options.data.iter().map(|data| data.join(TRAIL_FOLDER));
    let from = if options.from.is_empty() { trail.collect() } else { options.from.clone() };
    for path in files::of(&from)? {
        files::read(&path, &mut |record| evidence.take(record))?;
    }
    let report = Report::of(&options.principal, evidence);
    match options.output {
        OutputFormat::Json => printout::json(&report)?,
        OutputFormat::Table => printout::text(&report.documents_text())?,
    }
    eprint!("{}", report.summary());
    Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILED) })
}

/// # Errors
/// [`Fault::Refused`] for whoever has no identity-based policies.
fn check_principal(principal: &str) -> Result<(), Fault> {
    let is_holder = Arn::parse(principal).is_some_and(|arn| {
        let named = arn.resource.strip_prefix("user/").or(arn.resource.strip_prefix("role/"));
        arn.service == "iam" && arn.owner().is_some() && named.is_some_and(|name| !name.is_empty())
    });
    if is_holder {
        return Ok(());
    }
    Err(Fault::Refused(format!(
        "`{principal}` is not the ARN of a user or a role, such as arn:aws:iam::111122223333:user/ana or arn:aws:iam::111122223333:role/app"
    )))
}

/// The policies that the principal has, with their names.
fn present(options: &Options) -> Result<Vec<(String, Document)>, Fault> {
    let mut present = Vec::new();
    for path in &options.policies {
        present.push((path.display().to_string(), read(path)?));
    }
    if let Some(data) = &options.data {
        let wish = Wish::ReadPolicies { principal: options.principal.clone() };
        let Granted::Policies(texts) = runtime()?.block_on(errand::carry_out(data, wish))? else {
            return Err(Fault::Bug("the node answers something else".to_owned()));
        };
        present.extend(texts.into_iter().map(|policy| (policy.name, policy.document)));
    }
    let parsed = present.into_iter().map(|(name, text)| match Document::parse(&text) {
        Ok(document) => Ok((name, document)),
        Err(error) => Err(Fault::Refused(format!(
            "{name}:{}:{}: {}",
            error.line, error.column, error.message
        ))),
    });
    parsed.collect()
}
