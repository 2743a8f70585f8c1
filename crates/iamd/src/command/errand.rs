//! What an operator wants, on a running node or on a folder at rest.

use std::path::Path;
use std::sync::Arc;

use iamd_core::operator::Operator;
use iamd_core::quota::Quotas;
use indicatif::{ProgressBar, ProgressStyle};

use super::folder;
use crate::fault::Fault;
use crate::node::Node;
use crate::operator::{self, Granted, Output, Progress, Site, StatusFacts, Steps, Wish};

/// Through the running node, if there is one; else on the folder itself. Long work shows on a
/// terminal how far it is.
///
/// # Errors
/// [`Fault::Refused`] with the reason; [`Fault::Folder`] without a folder.
pub(super) async fn carry_out(data: &Path, wish: Wish) -> Result<Granted, Fault> {
    carry_out_with(data, "", wish).await
}

/// The same with the master key from where the settings say.
///
/// # Errors
/// As [`carry_out`].
pub(super) async fn carry_out_with(
    data: &Path,
    master_key: &str,
    wish: Wish,
) -> Result<Granted, Fault> {
    carry_out_into(data, master_key, wish, &Output::none()).await
}

/// The same with a place for bytes that are asked for.
///
/// # Errors
/// As [`carry_out`], and when the bytes cannot be written.
pub(super) async fn carry_out_into(
    data: &Path,
    master_key: &str,
    wish: Wish,
    output: &Output,
) -> Result<Granted, Fault> {
    shown(async |progress| {
        if let Some(granted) = operator::ask(data, &wish, progress, output).await? {
            return Ok(granted);
        }
        folder::check_exists(data)?;
        let node = folder::open_with(data, master_key, Quotas::default()).await?;
        let granted = at_rest(&node, data, wish, progress, output).await;
        node.close().await?;
        granted
    })
    .await
}

/// Does work that says how far it is, and shows that on a terminal.
///
/// # Errors
/// Those of the work.
pub(super) async fn shown<T>(
    work: impl AsyncFnOnce(&Progress) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let (progress, steps) = Progress::channel();
    let bar = tokio::spawn(show(steps));
    let outcome = work(&progress).await;
    // Its end is the end of the steps.
    drop(progress);
    let _ = bar.await;
    outcome
}

async fn at_rest(
    node: &Arc<Node>,
    folder: &Path,
    wish: Wish,
    progress: &Progress,
    output: &Output,
) -> Result<Granted, Fault> {
    operator::take_up(node, folder).await?;
    let operator = &Operator::Machine;
    let site = Site { node, folder, progress, output, operator };
    Ok(match operator::grant(&site, wish).await? {
        // Nobody is served.
        Granted::Status(facts) => Granted::Status(StatusFacts { uptime_seconds: None, ..facts }),
        granted => granted,
    })
}

/// Draws a bar on standard error while there are steps; nothing where that is no terminal.
async fn show(mut steps: Steps) {
    let mut bar = None;
    while steps.changed().await.is_ok() {
        let Some(step) = *steps.borrow_and_update() else { continue };
        let bar = bar.get_or_insert_with(|| ProgressBar::new(step.total).with_style(style()));
        bar.set_length(step.total);
        bar.set_position(step.done);
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
