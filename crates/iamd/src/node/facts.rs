//! When keys and roles were last used: gathered in memory, merged into a side table now and then,
//! never a revision.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use iamd_core::account_id::AccountId;
use iamd_core::operation::{Access, Facts, LastUse};
use iamd_core::state::{Account, ServerCertificate, State};
use iamd_core::unique_id::{AccessKeyId, UniqueId};
use iamd_store::{Fact, FactRef, FactVisitor, Store};
use iamd_wire::Timestamp;

use super::accesses::{self, AccessTable};
use super::load::store_fault;
use super::usage::{self, UsageTable};
use crate::fault::Fault;
use crate::tls::ServedCertificates;

/// A use is noted once in this many seconds. IAM User Guide, "Getting credential reports".
pub(super) const WINDOW_SECONDS: i64 = 15 * 60;

/// Most things that are forgotten at one time; the others are the next time.
const FORGOTTEN_MAX: usize = 10_000;

/// The table of facts.
#[derive(Default)]
pub struct FactTable {
    uses: RwLock<HashMap<Box<str>, Use>>,
    accesses: AccessTable,
    usage: UsageTable,
    served: OnceLock<Arc<ServedCertificates>>,
}

struct Use {
    account: AccountId,
    last: LastUse,
    /// Whether the store does not know it yet.
    fresh: bool,
}

impl FactTable {
    pub(super) async fn load(store: &dyn Store, now: Timestamp) -> Result<FactTable, Fault> {
        let mut loader = Loader {
            uses: HashMap::new(),
            accesses: AccessTable::default(),
            usage: UsageTable::default(),
            now,
        };
        store.read_facts(&mut loader).await.map_err(store_fault)?;
        Ok(FactTable {
            uses: RwLock::new(loader.uses),
            accesses: loader.accesses,
            usage: loader.usage,
            served: OnceLock::new(),
        })
    }

    /// Says which server certificates the gateway of this process serves. The first ones stay.
    pub fn serve_certificates(&self, served: Arc<ServedCertificates>) {
        self.served.get_or_init(|| served);
    }

    /// The server certificates that the gateway of this process serves, if it does.
    pub fn served_certificates(&self) -> Option<&ServedCertificates> {
        self.served.get().map(|served| &**served)
    }

    /// Notes that a principal tried to use an action such as `s3:GetObject`, whether it was allowed
    /// or not: for reports of last access. He is named by his unique id, a session by its role's,
    /// root by [`Identity::access_id`](iamd_core::caller::Identity::access_id).
    pub fn note_access(
        &self,
        account: AccountId,
        principal: &str,
        action: &str,
        region: &str,
        now: Timestamp,
    ) {
        self.accesses.note(account, principal, action, region, now);
    }

    /// Notes that the thing of this id was used.
    pub fn note(&self, account: AccountId, id: &str, now: Timestamp, region: &str, service: &str) {
        if let Some(known) = self.uses.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            let age = now.seconds().saturating_sub(known.last.time.seconds());
            if (0..WINDOW_SECONDS).contains(&age) && &*known.last.service == service {
                return;
            }
        }
        let last = LastUse { time: now, region: region.into(), service: service.into() };
        let mut uses = self.uses.write().unwrap_or_else(PoisonError::into_inner);
        uses.insert(id.into(), Use { account, last, fresh: true });
    }

    /// Takes in what another process has noted; gives the counts of usage in it, which are for the
    /// store. What says nothing is left out.
    pub(super) fn receive(&self, state: &State, facts: Vec<Fact>, now: Timestamp) -> Vec<Fact> {
        let mut counts = Vec::new();
        for fact in facts {
            let account = AccountId::from_number(fact.account.0);
            let Some(account) = account.filter(|id| state.account(*id).is_some()) else { continue };
            let view =
                FactRef { account: fact.account, key: &fact.key, at: fact.at, bytes: &fact.bytes };
            if !usage::is_usage(&fact.key) {
                self.receive_use(state, account, view, now);
            } else if usage::is_of_follower(account, view) {
                counts.push(fact);
            }
        }
        counts
    }

    /// Takes a use, unless a later one is known.
    fn receive_use(&self, state: &State, account: AccountId, fact: FactRef<'_>, now: Timestamp) {
        let time = Timestamp::from_seconds(fact.at);
        let Ok(text) = std::str::from_utf8(fact.bytes) else { return };
        // Nothing is used in the future.
        if time > now {
            return;
        }
        if let Some((principal, action)) = accesses::parts(fact.key) {
            let uses = self.accesses.of(account, principal);
            let is_known = uses.iter().any(|known| *known.action == *action && known.time >= time);
            if !is_known {
                self.note_access(account, principal, action, text, time);
            }
            return;
        }
        let Some((region, service)) = text.split_once('\0') else { return };
        let is_later = self.last_use(fact.key).is_none_or(|known| known.time < time);
        if is_later && is_there(state, account, fact.key) {
            self.note(account, fact.key, time, region, service);
        }
    }

    /// What accounts use of what the gateway guards.
    pub fn usage(&self) -> &UsageTable {
        &self.usage
    }

    /// Forgets everything but usage: what was used, was used.
    pub fn clear(&self) {
        self.uses.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.accesses.clear();
    }

    pub(super) async fn flush(&self, store: &dyn Store, now: Timestamp) -> Result<(), Fault> {
        self.usage.flush(store, now).await?;
        self.accesses.flush(store).await?;
        self.flush_uses(store).await
    }

    async fn flush_uses(&self, store: &dyn Store) -> Result<(), Fault> {
        let facts: Vec<Fact> = {
            let mut uses = self.uses.write().unwrap_or_else(PoisonError::into_inner);
            let fresh = uses.iter_mut().filter(|(_, last)| last.fresh);
            fresh
                .map(|(id, last)| {
                    last.fresh = false;
                    fact(id, last)
                })
                .collect()
        };
        if facts.is_empty() {
            return Ok(());
        }
        let keys: Vec<Box<str>> = facts.iter().map(|fact| fact.key.clone()).collect();
        store.merge_facts(facts).await.map_err(|error| {
            let mut uses = self.uses.write().unwrap_or_else(PoisonError::into_inner);
            for key in &keys {
                if let Some(known) = uses.get_mut(key) {
                    known.fresh = true;
                }
            }
            store_fault(error)
        })
    }

    /// Forgets the uses of what is no more, of which there may be more every day.
    pub(super) async fn forget_gone(&self, store: &dyn Store, state: &State) -> Result<(), Fault> {
        let gone: Vec<(iamd_store::AccountId, Box<str>)> = {
            let uses = self.uses.read().unwrap_or_else(PoisonError::into_inner);
            let gone = uses.iter().filter(|(id, known)| !is_there(state, known.account, id));
            let key = |account: AccountId| iamd_store::AccountId(account.number());
            gone.map(|(id, known)| (key(known.account), id.clone())).take(FORGOTTEN_MAX).collect()
        };
        if gone.is_empty() {
            return Ok(());
        }
        let ids: Vec<Box<str>> = gone.iter().map(|(_, id)| id.clone()).collect();
        store.forget_facts(gone).await.map_err(store_fault)?;
        let mut uses = self.uses.write().unwrap_or_else(PoisonError::into_inner);
        ids.iter().for_each(|id| drop(uses.remove(id)));
        Ok(())
    }

    fn last_use(&self, id: &str) -> Option<LastUse> {
        let uses = self.uses.read().unwrap_or_else(PoisonError::into_inner);
        uses.get(id).map(|known| known.last.clone())
    }
}

impl Facts for FactTable {
    fn access_key_last_use(&self, key: &AccessKeyId) -> Option<LastUse> {
        self.last_use(key.as_str())
    }

    fn role_last_use(&self, role: UniqueId) -> Option<LastUse> {
        self.last_use(role.as_str())
    }

    fn accesses(&self, account: AccountId, principal: &str) -> Vec<Access> {
        self.accesses.of(account, principal)
    }

    fn user_of_certificate(
        &self,
        account: &Account,
        certificate: &ServerCertificate,
    ) -> Option<Box<str>> {
        self.served.get()?.user_of(account, certificate)
    }
}

/// Whether there is an access key or a role of this id.
fn is_there(state: &State, account: AccountId, id: &str) -> bool {
    let is_key = id.parse().is_ok_and(|id: AccessKeyId| state.access_key(&id).is_some());
    let account = state.account(account);
    let is_role = |id: UniqueId| account.is_some_and(|it| it.roles().with_id(id).is_some());
    is_key || id.parse().is_ok_and(is_role)
}

/// Region and service stand in the bytes with a zero between; neither can contain one.
fn fact(id: &str, known: &Use) -> Fact {
    Fact {
        account: iamd_store::AccountId(known.account.number()),
        key: id.into(),
        at: known.last.time.seconds(),
        bytes: format!("{}\0{}", known.last.region, known.last.service).into_bytes(),
    }
}

struct Loader {
    uses: HashMap<Box<str>, Use>,
    accesses: AccessTable,
    usage: UsageTable,
    now: Timestamp,
}

impl FactVisitor for Loader {
    fn fact(&mut self, fact: FactRef<'_>) -> ControlFlow<()> {
        let account = AccountId::from_stored(fact.account.0);
        let is_taken = |account| {
            self.usage.load(account, fact, self.now) || self.accesses.load(account, fact, self.now)
        };
        if account.is_some_and(is_taken) {
            return ControlFlow::Continue(());
        }
        let words = std::str::from_utf8(fact.bytes).ok().and_then(|text| text.split_once('\0'));
        // A fact that cannot be read is not worth refusing to start.
        if let (Some((region, service)), Some(account)) = (words, account) {
            let last = LastUse {
                time: Timestamp::from_seconds(fact.at),
                region: region.into(),
                service: service.into(),
            };
            self.uses.insert(fact.key.into(), Use { account, last, fresh: false });
        }
        ControlFlow::Continue(())
    }
}
