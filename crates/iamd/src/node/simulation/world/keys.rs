//! Keys: whichever are in force, everything opens, and nothing opens that was put back.

use std::sync::Arc;

use iamd_store::{AccountId, Row, Store};

use super::World;
use crate::fault::Fault;
use crate::keys::{MasterKey, SealingKey, anchor};
use crate::node::{key_store, load, survey};

/// Most old rows that are kept.
const KEPT_MAX: usize = 24;

impl World {
    /// A master key that may be in force from now on.
    pub(super) fn new_master(&mut self) -> Option<SealingKey> {
        let master = MasterKey::fresh().ok()?;
        self.new_masters.push(Arc::new(master.sealing().ok()?));
        master.sealing().ok()
    }

    /// Finds out under which master key the stored keys are. Processes that have another one, and have
    /// not tried this one, are started again with it, as their operators would.
    pub(super) async fn find_master(&mut self) -> Result<(), String> {
        let mut candidates = vec![Arc::clone(&self.master)];
        candidates.append(&mut self.new_masters);
        let mut found = None;
        for master in candidates {
            if key_store::open(&*self.durable, &master, 0).await.is_ok() {
                found = Some(master);
            }
        }
        self.master = found.ok_or("no master key opens the stored keys")?;
        let version = self.master.version();
        for place in 0..self.processes.len() {
            let node = &self.processes[place].node;
            let is_tried = node.anchor.candidate().is_some_and(|it| it.version() == version);
            if node.master().version() == version || is_tried {
                continue;
            }
            // As the refusal of an anchor under another key says.
            let folder = self.folders[place].path();
            if anchor::Anchor::read(folder, &self.master).is_err() {
                anchor::forget(folder).map_err(|fault| fault.to_string())?;
            }
            self.restart(place).await?;
        }
        Ok(())
    }

    /// After a rotation nothing is under an older key.
    pub(super) async fn check_sealed(&self, version: u32) -> Result<(), String> {
        let survey = survey::of_store(&*self.durable, version).await;
        let survey = survey.map_err(|fault| fault.to_string())?;
        let oldest = survey.rows.keys().chain(survey.ledgers.keys()).min();
        match oldest.filter(|oldest| **oldest < version) {
            Some(oldest) => {
                let needed = format!("key {oldest} is still needed after {version}");
                Err(format!("{needed}, by {:?}", survey.behind))
            }
            None => Ok(()),
        }
    }

    /// Keeps a row of an account as it is now.
    pub(super) async fn keep_row(&mut self) -> Result<(), String> {
        let account = AccountId(self.random.pick(&self.accounts).number());
        let read = self.durable.read_account(account).await.map_err(|error| error.to_string())?;
        if !read.rows.is_empty() {
            let row = self.random.pick(&read.rows);
            self.old_rows.push_back((account, row));
            if self.old_rows.len() > KEPT_MAX {
                self.old_rows.pop_front();
            }
        }
        Ok(())
    }

    /// Puts a row back that was kept, and takes it away again; nobody may take it for what is there.
    pub(super) async fn put_row_back(&mut self) -> Result<(), String> {
        if self.old_rows.is_empty() {
            return Ok(());
        }
        let place = self.random.below(self.old_rows.len());
        let (account, old) = self.old_rows[place].clone();
        let read = self.durable.read_account(account).await.map_err(|error| error.to_string())?;
        if read.rows.contains(&old) {
            return Ok(());
        }
        self.durable.tamper(account, |rows| {
            rows.rows.retain(|row| row.key != old.key);
            rows.rows.push(Row::new(old.key.clone(), old.bytes.clone()));
        });
        let opened = load::everything(&*self.durable, &self.master, 0).await;
        self.durable.tamper(account, |rows| *rows = read);
        self.tally.old_rows += 1;
        match opened {
            Err(Fault::Damaged(_)) => Ok(()),
            Err(fault) => Err(format!("an old row was put back, and the store says: {fault}")),
            Ok(_) => {
                Err(format!("row {:?} of account {account} was put back, and counts", old.key))
            }
        }
    }
}
