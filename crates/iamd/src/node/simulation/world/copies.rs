//! Backups: what is restored is what was there, in a life of its own.

use std::io::Cursor;
use std::sync::Arc;

use iamd_store::{Memory, Store};

use super::super::client::Credential;
use super::super::picture::{self, Picture};
use super::revocations::Known;
use super::{BEGINNING, World};
use crate::backup;
use crate::keys::SealingKey;
use crate::node::load::{self, Loaded};

/// A backup, and what is known of what is in it.
pub(super) struct Copy {
    pub(super) bytes: Vec<u8>,
    pub(super) master: Arc<SealingKey>,
    /// What was there, if nothing else happened at the time.
    pub(super) picture: Option<Picture>,
    /// What had been revoked by then, and stored.
    pub(super) revocations: Vec<Known>,
}

impl World {
    /// Everything ends, and begins anew with what the last backup holds.
    pub(super) async fn restore(&mut self) -> Result<(), String> {
        let Some(copy) = self.copy.take() else { return Ok(()) };
        self.note("a backup is restored".to_owned());
        self.tally.restores += 1;
        let incarnation = self.incarnation().await?;
        let count = self.processes.len();
        self.processes.clear();
        self.durable = Arc::new(Memory::with_change_log(64));
        self.master = Arc::clone(&copy.master);
        self.folders.clear();
        let store: Arc<dyn Store> = Arc::clone(&self.durable) as Arc<dyn Store>;
        let (input, now) = (Box::new(Cursor::new(copy.bytes)), BEGINNING + self.passed);
        let folder = super::folder()?;
        let restored =
            backup::restore_into(&store, input, (&self.master, now), folder.path()).await;
        restored.map_err(|fault| format!("a backup cannot be restored: {fault}"))?;
        if self.incarnation().await? == incarnation {
            return Err("the restored store goes on with the life of another".to_owned());
        }
        self.begin_anew(copy.picture, copy.revocations).await?;
        for _ in 0..count {
            self.folders.push(super::folder()?);
            let process = self.start(self.folders.len() - 1).await?;
            self.processes.push(process);
        }
        Ok(())
    }

    async fn incarnation(&self) -> Result<u64, String> {
        let loaded = load::everything(&*self.durable, &self.master, BEGINNING).await;
        let Loaded { cursor, .. } = loaded.map_err(|fault| fault.to_string())?;
        Ok(cursor.incarnation())
    }

    async fn begin_anew(
        &mut self,
        expected: Option<Picture>,
        revocations: Vec<Known>,
    ) -> Result<(), String> {
        let restored = self.rebuilt().await?;
        let now = picture::picture(&restored.state, &self.revoked_keys);
        if let Some(mut expected) = expected {
            picture::forget_status(&mut expected, &self.revoked_keys);
            if expected != now {
                return Err("what was restored is not what was there".to_owned());
            }
        }
        for ((account, revision), portrait) in &self.portraits {
            let is_this = restored.revision(*account) == *revision;
            if is_this && picture::portrait(&restored.state, *account) != portrait.lines {
                return Err(format!("account {account} is not what it was at {revision}"));
            }
        }
        if let Some(disagreement) = picture::disagreement(&restored.state) {
            return Err(disagreement);
        }
        self.expected = now;
        self.revisions.clear();
        self.portraits.clear();
        self.old_rows.clear();
        self.findings.forget_ended();
        self.accounts.retain(|account| restored.state.account(*account).is_some());
        let mut ended = Vec::new();
        self.credentials.retain(|(account, credential)| match credential {
            Credential::Key(_) => restored.state.account(*account).is_some(),
            Credential::Session { id, token, .. } => {
                ended.push((id.clone(), token.clone()));
                false
            }
        });
        self.ended_sessions.extend(ended);
        let excess = self.ended_sessions.len().saturating_sub(super::ENDED_SESSIONS_MAX);
        self.ended_sessions.drain(..excess);
        self.sessions.clear();
        let of_keys = |mut known: Known| {
            known.victims.retain(|id| restored.state.access_key(id).is_some());
            known.machine = None;
            known.stored_at = Some(restored.revision(known.revocation.account));
            known
        };
        self.revocations = revocations.into_iter().map(of_keys).collect();
        self.rebuilt = Some(restored);
        Ok(())
    }
}
