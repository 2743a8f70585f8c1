//! Reads the files of a trail for people, without proving them.

use std::path::Path;

use iamd_wire::Timestamp;

use super::files;
use super::line::record_of;
use super::summary::{Attribute, Facts};

/// What is wanted of the trail.
#[derive(Debug, Default)]
pub struct Filter {
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Not after this time.
    pub until: Option<Timestamp>,
    /// Only of this account.
    pub account: Option<String>,
    /// Only with these values.
    pub values: Vec<(Attribute, String)>,
}

impl Filter {
    fn admits(&self, facts: &Facts<'_>) -> bool {
        self.since.is_none_or(|since| since <= facts.time)
            && self.until.is_none_or(|until| facts.time <= until)
            && self.account.as_ref().is_none_or(|account| *account == facts.account)
            && self.values.iter().all(|(attribute, value)| facts.has(*attribute, value))
    }
}

/// Shows all records that a filter admits, the oldest first.
///
/// # Errors
/// What the folder answers, and what `visit` does.
pub fn show(
    data: &Path,
    filter: &Filter,
    visit: &mut dyn FnMut(&str, &Facts<'_>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let folder = data.join(files::FOLDER);
    let mut outcome = Ok(());
    for number in files::numbers(&folder)? {
        let mut each = |_: &super::line::Trailer, text: &[u8], _: u64| {
            let Some(facts) = Facts::of(text).filter(|facts| filter.admits(facts)) else { return };
            let record = std::str::from_utf8(text).ok().and_then(record_of);
            if let (Some(record), Ok(())) = (record, &outcome) {
                outcome = visit(&record, &facts);
            }
        };
        // Keys are for proving only.
        files::scan(&files::path(&folder, number), &|_| None, &mut each)?;
    }
    outcome
}
