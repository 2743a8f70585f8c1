//! What an operator wants, on a running node or on a folder at rest.

use std::path::Path;

use iamd_core::quota::Quotas;
use indicatif::{ProgressBar, ProgressStyle};

use super::folder;
use crate::fault::Fault;
use crate::operator::{self, Granted, Progress, Site, Steps, Wish};

/// Through the running node, if there is one; else on the folder itself. Long work shows on a
/// terminal how far it is.
///
/// # Errors
/// [`Fault::Refused`] with the reason; [`Fault::Folder`] without a folder.
pub(super) async fn carry_out(data: &Path, wish: Wish) -> Result<Granted, Fault> {
    carry_out_with(data, "", wish).await
}

/// The same with what the settings say of the master key, for a folder at rest.
///
/// # Errors
/// As [`carry_out`].
pub(super) async fn carry_out_with(
    data: &Path,
    master_key: &str,
    wish: Wish,
) -> Result<Granted, Fault> {
    let (progress, steps) = Progress::channel();
    let bar = tokio::spawn(show(steps));
    let outcome = done(data, master_key, wish, &progress).await;
    // Its end is the end of the steps.
    drop(progress);
    let _ = bar.await;
    outcome
}

async fn done(
    data: &Path,
    master_key: &str,
    wish: Wish,
    progress: &Progress,
) -> Result<Granted, Fault> {
    if let Some(granted) = operator::ask(data, &wish, progress).await? {
        return Ok(granted);
    }
    if !data.is_dir() {
        return Err(Fault::Folder(format!(
            "there is no data folder `{}`; name the one of your node with --data",
            data.display()
        )));
    }
    let node = folder::open_with(data, master_key, Quotas::default()).await?;
    let granted = operator::grant(&Site { node: &node, folder: data, progress }, wish).await;
    node.close().await?;
    granted
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
