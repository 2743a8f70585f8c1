//! Carrying the permissions of a whole account out, and in.

use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::transfer::{Content, ImportContent, Imported};
use serde::{Deserialize, Serialize};

use super::carry::{carry_out, refused};
use super::progress::{Progress, Step};
use super::wish::Site;
use crate::fault::Fault;
use crate::mfa_tokens::account;
use crate::node::Node;

/// What is to be imported.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ImportOrder {
    /// The account; the only one, if absent.
    pub account_id: Option<String>,
    /// The file, as `aws iam get-account-authorization-details` prints it.
    pub file: String,
    /// Whether things that are there already, and differ, are left as they are.
    pub keep_existing: bool,
    /// Whether it is only said what would be.
    pub dry_run: bool,
}

/// What an import came to.
#[derive(Debug, Deserialize, Serialize)]
pub struct ImportFacts {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Whether it was done, or would be.
    pub is_possible: bool,
    /// The lines.
    #[serde(flatten)]
    pub imported: Imported,
}

/// The permissions of an account.
#[derive(Debug, Deserialize, Serialize)]
pub struct ExportFacts {
    /// The account.
    pub account_id: String,
    /// The file.
    pub file: String,
}

/// Tries the whole import first, saying how far it is; then it is one change, or nothing.
pub(super) async fn import(site: &Site<'_>, order: ImportOrder) -> Result<ImportFacts, Fault> {
    let ImportOrder { account_id, file, keep_existing, dry_run } = order;
    let account = account(&site.node.snapshot(), account_id.as_deref())?;
    let quotas = site.node.quotas().clone();
    let content = Content::read(&file, account).map_err(Fault::Refused)?;
    let command = ImportContent { account, content, keep_existing, quotas };
    let (command, tried) = tried(site.node, site.progress, command).await?;
    let possible = tried.require_whole(keep_existing).map_err(refused);
    if dry_run {
        return Ok(ImportFacts { dry_run, is_possible: possible.is_ok(), imported: tried });
    }
    possible?;
    let imported = carry_out(site.node, site.operator, command).await?;
    Ok(ImportFacts { dry_run, is_possible: true, imported })
}

/// What would be; planned beside the requests that the node serves meanwhile.
async fn tried(
    node: &Arc<Node>,
    progress: &Progress,
    command: ImportContent,
) -> Result<(ImportContent, Imported), Fault> {
    let (node, progress) = (Arc::clone(node), progress.clone());
    let work = move || {
        let mut step = |done: usize, total: usize| {
            progress.report(Step { done: done as u64, total: total as u64 });
        };
        let tried = command.dry_run(&node.snapshot().state, &mut node.draw()?, &mut step);
        Ok((command, tried.map_err(refused)?))
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| Fault::Bug(super::BROKEN_OFF.to_owned()))?
}

/// The permissions of an account, in the form that [`import`] reads.
pub(super) fn export(node: &Node, account_id: Option<&str>) -> Result<ExportFacts, Fault> {
    let snapshot = node.snapshot();
    let id: AccountId = account(&snapshot, account_id)?;
    let held = snapshot.state.account(id);
    let held = held.ok_or_else(|| Fault::Refused(format!("there is no account {id}")))?;
    let file = Content::of(&snapshot.state, held)
        .to_file(id)
        .map_err(|error| Fault::Bug(error.to_string()))?;
    Ok(ExportFacts { account_id: id.to_string(), file })
}
