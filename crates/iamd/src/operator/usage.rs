//! What accounts have used of what the gateway guards.

use std::collections::BTreeMap;

use iamd_core::account_id::AccountId;
use serde::{Deserialize, Serialize};

use super::wish::Site;
use crate::fault::Fault;
use crate::founder::parse_account_id;
use crate::node::{Day, Tally, Used};

/// Most lines of one answer.
const LINES_MAX: usize = 100_000;

/// Which usage is asked for.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct UsageOrder {
    /// The account; all if absent.
    pub account_id: Option<String>,
    /// The first day, such as `2026-01-31`, UTC; all that are kept if absent.
    pub from: Option<String>,
    /// The last day.
    pub to: Option<String>,
    /// Whether the days of a month are added up.
    pub by_month: bool,
}

/// What an account has used of an operation in a day or month.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct UsageLine {
    /// The account.
    pub account_id: String,
    /// The day, such as `2026-01-31`, or the month, such as `2026-01`, UTC.
    pub period: String,
    /// The service, such as `s3`.
    pub service: String,
    /// The operation, such as `GetObject`.
    pub operation: String,
    /// Requests.
    pub requests: u64,
    /// Those of them that were denied.
    pub denied: u64,
    /// Bytes of data in the bodies of requests.
    pub bytes_in: u64,
    /// Bytes in the bodies of answers.
    pub bytes_out: u64,
}

/// The lines, by account, period, service and operation.
///
/// # Errors
/// [`Fault::Refused`] for days that are none, or for too much at once; [`Fault::Unavailable`].
pub(super) async fn lines(site: &Site<'_>, order: UsageOrder) -> Result<Vec<UsageLine>, Fault> {
    let account = order.account_id.as_deref().map(parse_account_id).transpose()?;
    let days = (day(order.from.as_deref(), Day::FIRST)?, day(order.to.as_deref(), Day::LAST)?);
    if days.0 > days.1 {
        return Err(Fault::Refused(format!("{} is after {}", days.0, days.1)));
    }
    let used = site.node.usage(account, days).await?;
    let sums = added_up(used, order.by_month);
    if sums.len() > LINES_MAX {
        return Err(Fault::Refused(format!(
            "the answer has more than {LINES_MAX} lines: name an account, fewer days, or ask by month"
        )));
    }
    Ok(sums.into_iter().map(line).collect())
}

/// Account, period, service and operation.
type Place = (AccountId, String, Box<str>, Box<str>);

fn added_up(used: Vec<Used>, by_month: bool) -> BTreeMap<Place, Tally> {
    let mut sums: BTreeMap<Place, Tally> = BTreeMap::new();
    for Used { account, day, service, operation, tally } in used {
        let day = day.to_string();
        let period = match day.rsplit_once('-') {
            Some((month, _)) if by_month => month.to_owned(),
            Some(_) | None => day,
        };
        sums.entry((account, period, service, operation)).or_default().add(tally);
    }
    sums
}

fn line(((account, period, service, operation), tally): (Place, Tally)) -> UsageLine {
    UsageLine {
        account_id: account.to_string(),
        period,
        service: service.into(),
        operation: operation.into(),
        requests: tally.requests,
        denied: tally.denied,
        bytes_in: tally.bytes_in,
        bytes_out: tally.bytes_out,
    }
}

fn day(text: Option<&str>, otherwise: Day) -> Result<Day, Fault> {
    let Some(text) = text else { return Ok(otherwise) };
    Day::parse(text)
        .ok_or_else(|| Fault::Refused(format!("`{text}` is no day: write it as 2026-01-31")))
}
