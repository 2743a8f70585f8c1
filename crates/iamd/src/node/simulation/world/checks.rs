//! What must hold after each step.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::operator::{OrderedRevocation, Revocation};

use super::super::client::{Findings, Heard};
use super::super::command::Command;
use super::super::effect::Effect;
use super::super::picture::{self, Picture, RevokedKeys};
use super::process::Shown;
use super::{BEGINNING, Fate, Portrait, Sent, World};
use crate::node::load::{self, Loaded};
use crate::node::{Node, Snapshot};

impl World {
    /// What a node that starts now would know.
    pub(super) async fn rebuilt(&self) -> Result<Snapshot, String> {
        let loaded = load::everything(&*self.durable, &self.master, BEGINNING).await;
        loaded
            .map(|Loaded { snapshot, .. }| snapshot)
            .map_err(|fault| format!("what is durable does not open: {fault}"))
    }

    /// Compares what is durable with what must be there after these commands.
    pub(super) fn expect(&mut self, sent: &[Sent], durable: Snapshot) -> Result<(), String> {
        let commands: Vec<Command> = sent.iter().map(|sent| sent.command.clone()).collect();
        let alone = touched_once(&commands);
        let now = picture::picture(&durable.state, &self.revoked_keys);
        let mut explained: BTreeSet<&str> = BTreeSet::new();
        for Sent { command, fate } in sent {
            let effects: Vec<&Effect> = command.effects.iter().collect();
            let fits = |effect: &&&Effect| {
                let (old, new) = (self.expected.get(&effect.key), now.get(&effect.key));
                effect.fits(old.map(String::as_str), new.map(String::as_str))
            };
            let stays = |effect: &&&Effect| self.expected.get(&effect.key) == now.get(&effect.key);
            let own: Vec<&Effect> =
                effects.iter().copied().filter(|effect| alone.contains(&effect.key)).collect();
            let what = format!("{} ({fate:?})", command.operation);
            match fate {
                Fate::Acknowledged(revision, _) => {
                    if let Some(lost) = own.iter().find(|effect| !fits(effect)) {
                        return Err(format!("an acknowledged write is lost: {what}: {}", lost.key));
                    }
                    let at = durable.revision(command.account);
                    if revision.is_some_and(|revision| revision > at) {
                        return Err(format!("{what} was answered, and the store is at {at}"));
                    }
                }
                Fate::Refused(_) => {
                    if let Some(changed) = own.iter().find(|effect| !stays(effect)) {
                        return Err(format!(
                            "a refused write has happened: {what}: {}",
                            changed.key
                        ));
                    }
                }
                Fate::Unknown(_) => {
                    let whole = own.iter().all(|effect| fits(&effect))
                        || own.iter().all(|effect| stays(&effect));
                    if !whole {
                        return Err(format!("a write is half applied: {what}"));
                    }
                }
            }
            explained.extend(effects.iter().map(|effect| effect.key.as_str()));
        }
        let keys = self.expected.keys().chain(now.keys());
        for key in keys.filter(|key| !explained.contains(key.as_str())) {
            if self.expected.get(key) != now.get(key) {
                let (old, new) = (self.expected.get(key), now.get(key));
                return Err(format!("nobody asked for this: {key} was {old:?}, is {new:?}"));
            }
        }
        self.expected = now;
        self.rebuilt = Some(durable);
        Ok(())
    }

    /// What must hold at any moment.
    pub(super) async fn check(&mut self) -> Result<(), String> {
        let durable = match self.rebuilt.take() {
            Some(rebuilt) => rebuilt,
            None => {
                let rebuilt = self.rebuilt().await?;
                if picture::picture(&rebuilt.state, &self.revoked_keys) != self.expected {
                    return Err("the store has changed with nobody asking".to_owned());
                }
                rebuilt
            }
        };
        if let Some(finding) = self.findings.take().into_iter().next() {
            return Err(finding);
        }
        if let Some(excess) = picture::excess(&durable.state, &self.quotas) {
            return Err(excess);
        }
        if let Some(disagreement) = picture::disagreement(&durable.state) {
            return Err(disagreement);
        }
        let mut accounts = self.accounts.clone();
        accounts.extend([AccountId::DIRECTORY, AccountId::KEYS, AccountId::OPERATORS]);
        for id in accounts {
            let revision = durable.revision(id);
            if self.revisions.insert(id, revision).is_some_and(|before| before > revision) {
                return Err(format!("account {id} has gone back to {revision}"));
            }
            self.portraits.entry((id, revision)).or_insert_with(|| Portrait {
                lines: picture::portrait(&durable.state, id),
                state: durable.state.clone(),
            });
        }
        self.check_revocations(&durable)?;
        for place in 0..self.processes.len() {
            self.check_node(place).map_err(|what| format!("node {place}: {what}"))?;
        }
        self.tally.steps += 1;
        Ok(())
    }

    fn check_node(&mut self, place: usize) -> Result<(), String> {
        let process = &self.processes[place];
        process.shown.look(&process.node)?;
        let snapshot = process.node.snapshot();
        self.check_revoked(place, &snapshot)?;
        let pending = process.node.pending_revocations();
        let (mut is_current, mut is_news) = (true, false);
        let mut compared = BTreeMap::new();
        for (id, newest) in &self.revisions {
            let revision = snapshot.revision(*id);
            if revision > *newest {
                return Err(format!("account {id} is at {revision}, the store at {newest}"));
            }
            is_current &= revision == *newest;
            let Some(portrait) = self.portraits.get(&(*id, revision)) else { continue };
            let account = snapshot.state.account(*id).map(Arc::clone);
            if process.is_compared(*id, revision, account.as_ref()) && pending.is_empty() {
                compared.insert(*id, (revision, account));
                continue;
            }
            is_news = true;
            let rebuilt = portrait.with(*id, &pending);
            let held = picture::portrait(&snapshot.state, *id);
            if held != *rebuilt {
                let differs = |line: &&String| !rebuilt.contains(line);
                return Err(format!(
                    "account {id} at {revision} is not what the store has: {:?}",
                    held.iter().find(differs)
                ));
            }
            if pending.is_empty() {
                compared.insert(*id, (revision, account));
            }
        }
        if is_current {
            process.store.forget_lies();
            let picture = is_news.then(|| picture::picture(&snapshot.state, &self.revoked_keys));
            if picture.is_some_and(|picture| picture != self.expected) {
                return Err("a snapshot is not what a rebuild gives".to_owned());
            }
        } else {
            self.tally.lags += 1;
        }
        // What comes in commits of several accounts is there whole, unless the feed lied.
        if !process.store.has_lied()
            && let Some(disagreement) = picture::disagreement(&snapshot.state)
        {
            return Err(disagreement);
        }
        self.processes[place].compared = compared;
        Ok(())
    }
}

impl Portrait {
    /// The same with what a node has in force that the store does not know yet.
    fn with(&self, id: AccountId, pending: &[OrderedRevocation]) -> Cow<'_, [String]> {
        let revocations = pending.iter().map(|ordered| &ordered.revocation);
        let of_account: Vec<&Revocation> =
            revocations.filter(|revocation| revocation.account == id).collect();
        if of_account.is_empty() {
            return Cow::Borrowed(&self.lines);
        }
        let mut state = self.state.clone();
        for revocation in of_account {
            for changes in revocation.in_force(&state).map(|it| it.changes).unwrap_or_default() {
                state.apply(&changes);
            }
        }
        Cow::Owned(picture::portrait(&state, id))
    }
}

/// What the node that has acknowledged must show at once.
pub(super) struct Visible {
    pub(super) effects: Vec<Effect>,
    pub(super) before: Picture,
    pub(super) revoked_keys: RevokedKeys,
    pub(super) shown: Shown,
    pub(super) findings: Findings,
}

impl Visible {
    pub(super) fn after(&self, node: &Node, command: &Command, heard: &Heard) {
        if let Err(finding) = self.shown.look(node) {
            self.findings.add(finding);
        }
        let Ok((_, Some(revision))) = heard else { return };
        let snapshot = node.snapshot();
        if snapshot.revision(command.account) < *revision {
            let operation = command.operation;
            self.findings.add(format!("{operation} was answered before it was visible"));
        }
        let now = picture::picture(&snapshot.state, &self.revoked_keys);
        for effect in &self.effects {
            let (old, new) = (self.before.get(&effect.key), now.get(&effect.key));
            if !effect.fits(old.map(String::as_str), new.map(String::as_str)) {
                self.findings.add(format!(
                    "{} was answered, and its node does not show it: {} was {old:?}, is {new:?}",
                    command.operation, effect.key
                ));
            }
        }
    }
}

/// The things that one of the commands alone touches.
pub(super) fn touched_once(commands: &[Command]) -> BTreeSet<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for effect in commands.iter().flat_map(|command| &command.effects) {
        *counts.entry(&effect.key).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count == 1).map(|(key, _)| key.to_owned()).collect()
}
