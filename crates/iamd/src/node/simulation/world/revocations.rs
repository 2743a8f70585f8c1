//! Revocations: in force where they were said at once and for good, everywhere once they are stored.

use std::sync::Arc;

use iamd_core::caller::Caller;
use iamd_core::operator::{Revocable, Revocation};
use iamd_core::session::Subject;
use iamd_core::state::{AccessKeyStatus, KeyOwner, State};
use iamd_core::unique_id::AccessKeyId;
use iamd_store::Revision;

use super::super::client::Credential;
use super::super::picture;
use super::World;
use super::errand::{Errand, Work};
use crate::node::{Node, Snapshot};

/// A revocation that was in force somewhere.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) revocation: Revocation,
    /// The credentials that it has ended, of those that the run knows.
    pub(super) victims: Vec<AccessKeyId>,
    /// The machine where it was said; none in another life of the store.
    pub(super) machine: Option<usize>,
    /// From which revision of its account on the store has it.
    pub(super) stored_at: Option<Revision>,
}

impl World {
    /// Revokes something on a node; none if there is nothing to be revoked.
    pub(super) fn revocation(&mut self, place: usize) -> Option<Errand> {
        let account = self.random.pick(&self.accounts);
        let node = Arc::clone(&self.processes[place].node);
        let (snapshot, now) = (node.snapshot(), node.clock().now());
        let state = &snapshot.state;
        let of_account = self.credentials.iter().filter(|(owner, _)| *owner == account);
        // The administrator came first, and is needed.
        let others: Vec<&Credential> = of_account.skip(1).map(|(_, held)| held).collect();
        let revocation = match (self.random.below(4), others.is_empty()) {
            (0, _) => Revocation::of_account(state, account, Revocable::Sessions, now),
            (_, true) => return None,
            (1, _) => match self.random.pick(&others) {
                Credential::Key(id) => {
                    let (_, key) = state.access_key(id)?;
                    Ok(Revocation { account, what: of_owner(key.owner), at: now })
                }
                Credential::Session { id, .. } => {
                    let what = of_subject(&self.sessions.get(id)?.subject);
                    Ok(Revocation { account, what, at: now })
                }
            },
            _ => match self.random.pick(&others) {
                Credential::Key(id) => Revocation::of_access_key(state, id.as_str(), now),
                Credential::Session { id, .. } => Revocation::of_session(state, id.as_str(), now),
            },
        };
        let revocation = revocation.ok()?;
        let victims = self.victims(&revocation);
        if let Revocable::AccessKey(id) = &revocation.what {
            self.revoked_keys.insert(id.to_string());
            picture::forget_status(&mut self.expected, &self.revoked_keys);
        }
        let known = Known { revocation, victims, machine: Some(place), stored_at: None };
        let is_stored_at_once = self.random.percent(50);
        Some(Errand { place, work: Work::Revoke { known, is_stored_at_once } })
    }

    fn victims(&self, revocation: &Revocation) -> Vec<AccessKeyId> {
        let of_account = self.sessions.iter().filter(|(_, session)| {
            session.account == revocation.account && session.issued <= revocation.at
        });
        let sessions = |is_hit: &dyn Fn(&Subject) -> bool| {
            let hit = of_account.clone().filter(|(_, session)| is_hit(&session.subject));
            hit.map(|(id, _)| id.clone()).collect()
        };
        match &revocation.what {
            Revocable::AccessKey(id) | Revocable::Session { id, .. } => vec![id.clone()],
            Revocable::Sessions | Revocable::SessionsAndKeys => sessions(&|_| true),
            // It makes no sessions.
            Revocable::ServiceCredential(_) => Vec::new(),
            Revocable::Root => sessions(&|subject| *subject == Subject::Root),
            Revocable::User(user) => sessions(&|subject| *subject == Subject::User(*user)),
            Revocable::Role(of) => {
                sessions(&|subject| matches!(subject, Subject::Role { role, .. } if role == of))
            }
        }
    }

    /// What is stored stays, and what is not stored is not forgotten.
    pub(super) fn check_revocations(&mut self, durable: &Snapshot) -> Result<(), String> {
        for place in 0..self.revocations.len() {
            let known = &self.revocations[place];
            match (self.accepted(&durable.state, known), known.stored_at) {
                (None, None) => {
                    let stored_at = durable.revision(known.revocation.account);
                    self.revocations[place].stored_at = Some(stored_at);
                }
                (Some(id), Some(_)) if !self.is_over(&id) => {
                    return Err(format!("{id} was revoked, and the store has it no more"));
                }
                (_, Some(_)) | (Some(_), None) => {}
            }
        }
        Ok(())
    }

    /// What was revoked here, or is stored and known here, is refused.
    pub(super) fn check_revoked(&self, place: usize, snapshot: &Snapshot) -> Result<(), String> {
        let findings = self.findings.on(place);
        for known in &self.revocations {
            let revision = snapshot.revision(known.revocation.account);
            let is_known = known.stored_at.is_some_and(|stored| stored <= revision);
            if !is_known && known.machine != Some(place) {
                continue;
            }
            match self.accepted(&snapshot.state, known) {
                Some(id) if self.is_over(&id) => {}
                Some(id) => {
                    let what = &known.revocation;
                    return Err(format!("{id} is accepted, and was revoked: {what:?}"));
                }
                None => known.victims.iter().for_each(|id| findings.end(id)),
            }
        }
        let is_good =
            |(id, token): &&(AccessKeyId, String)| snapshot.keys.sessions.open(token, id).is_ok();
        match self.ended_sessions.iter().find(is_good) {
            Some((id, _)) => Err(format!("the session {id} of another life is accepted")),
            None => Ok(()),
        }
    }

    /// Whether everything that was revoked is stored, and nothing waits any more.
    pub(super) fn check_all_stored(&self) -> Result<(), String> {
        if let Some(known) = self.revocations.iter().find(|known| known.stored_at.is_none()) {
            return Err(format!("{:?} was never stored", known.revocation));
        }
        let waits = |node: &Node| !node.pending_revocations().is_empty();
        if self.processes.iter().any(|process| waits(&process.node)) {
            return Err("a revocation still waits for the store".to_owned());
        }
        Ok(())
    }

    /// Whether a session had ended by itself when something else was revoked: then nobody needs to
    /// know any more that it was revoked.
    fn is_over(&self, id: &AccessKeyId) -> bool {
        let latest = self.revocations.iter().map(|known| known.revocation.at).max();
        self.sessions.get(id).is_some_and(|session| latest >= Some(session.expires))
    }

    /// A credential that this has ended, and that is good in this state.
    fn accepted(&self, state: &State, known: &Known) -> Option<AccessKeyId> {
        let is_accepted = |id: &&AccessKeyId| match self.sessions.get(*id) {
            Some(session) => Caller::of_session(state, id, session).is_some(),
            None => {
                state.access_key(id).is_some_and(|(_, key)| key.status == AccessKeyStatus::Active)
            }
        };
        known.victims.iter().find(is_accepted).cloned()
    }
}

fn of_owner(owner: KeyOwner) -> Revocable {
    match owner {
        KeyOwner::Root => Revocable::Root,
        KeyOwner::User(id) => Revocable::User(id),
    }
}

fn of_subject(subject: &Subject) -> Revocable {
    match subject {
        Subject::Root => Revocable::Root,
        Subject::User(id) => Revocable::User(*id),
        Subject::Role { role, .. } => Revocable::Role(*role),
    }
}
