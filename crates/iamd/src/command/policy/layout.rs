//! `iamd policy fmt`: documents in one layout.

use std::process::ExitCode;

use super::rewrite::{self, Rewritten};
use crate::fault::Fault;

pub(super) fn run(options: &rewrite::Options) -> Result<ExitCode, Fault> {
    options.run(|text| {
        let formatted = iamd_policy::format(text)?;
        Ok(Rewritten { is_changed: formatted != text, text: formatted, note: None })
    })
}
