//! When principals last tried to use services and their actions: what reports of last access are made
//! of. Gathered in memory and merged into the store's side table, like all facts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};

use iamd_core::account_id::AccountId;
use iamd_core::operation::Access;
use iamd_policy::service_data;
use iamd_store::{Fact, FactRef, Store};
use iamd_wire::Timestamp;

use super::facts::WINDOW_SECONDS;
use super::load::store_fault;
use crate::fault::Fault;

/// How long a use is remembered. IAM API Reference, GenerateServiceLastAccessedDetails: at least 400
/// days.
const KEPT_SECONDS: i64 = 400 * 24 * 60 * 60;

/// Most uses that an account may have: principals times actions.
// CHOICE: 13 actions for each of 5,000 users; about 10 MB.
const USES_PER_ACCOUNT_MAX: usize = 65_536;

/// Longest name of a service. IAM API Reference, `serviceNamespaceType`.
const SERVICE_LENGTH_MAX: usize = 64;

/// What stands between principal and action in the key of a fact; no unique id contains it.
const SEPARATOR: char = '@';

/// The table of uses.
#[derive(Default)]
pub(super) struct AccessTable {
    accounts: RwLock<HashMap<AccountId, Accesses>>,
    /// Keys of facts that gave way, which the store is to forget.
    forgotten: Mutex<Vec<(AccountId, Box<str>)>>,
}

/// The uses of one account.
#[derive(Default)]
struct Accesses {
    /// By principal, then by action.
    principals: HashMap<Box<str>, HashMap<Box<str>, Use>>,
    count: usize,
}

struct Use {
    time: Timestamp,
    region: Box<str>,
    /// Whether the store does not know it yet.
    fresh: bool,
}

/// Principal and action in the key of a fact; none if it is of something else.
pub(super) fn parts(key: &str) -> Option<(&str, &str)> {
    key.split_once(SEPARATOR)
}

impl AccessTable {
    /// Notes that a principal tried to use an action such as `s3:GetObject`, in a region, at a time.
    ///
    /// An action that the data do not know counts for its service alone.
    pub(super) fn note(
        &self,
        account: AccountId,
        principal: &str,
        action: &str,
        region: &str,
        now: Timestamp,
    ) {
        if self.is_recent(account, principal, action, now) {
            return;
        }
        let Some(name) = counted_as(action) else { return };
        if *name != *action && self.is_recent(account, principal, &name, now) {
            return;
        }
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        let accesses = accounts.entry(account).or_default();
        let used = Use { time: now, region: region.into(), fresh: true };
        accesses.put(principal, name, used);
        if accesses.count > USES_PER_ACCOUNT_MAX {
            let dropped = accesses.drop_oldest();
            let mut forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
            forgotten.extend(dropped.into_iter().map(|key| (account, key)));
        }
    }

    /// Takes in a fact of the store; whether it is one of these.
    pub(super) fn load(&self, account: AccountId, fact: FactRef<'_>, now: Timestamp) -> bool {
        let Some((principal, action)) = parts(fact.key) else { return false };
        let time = Timestamp::from_seconds(fact.at);
        if is_old(time, now) {
            let mut forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
            forgotten.push((account, fact.key.into()));
            return true;
        }
        // A fact that cannot be read is not worth refusing to start.
        if let Ok(region) = std::str::from_utf8(fact.bytes) {
            let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
            let used = Use { time, region: region.into(), fresh: false };
            accounts.entry(account).or_default().put(principal, action.into(), used);
        }
        true
    }

    /// All uses of a principal that are remembered.
    pub(super) fn of(&self, account: AccountId, principal: &str) -> Vec<Access> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        let uses = accounts.get(&account).and_then(|own| own.principals.get(principal));
        let uses = uses.into_iter().flatten();
        let access = uses.map(|(action, used)| Access {
            action: action.clone(),
            time: used.time,
            region: used.region.clone(),
        });
        access.collect()
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.accounts.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Writes to the store what it does not know, and has it forget what gave way.
    pub(super) async fn flush(&self, store: &dyn Store) -> Result<(), Fault> {
        let forgotten = {
            let mut forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *forgotten)
        };
        if !forgotten.is_empty() {
            let keys = forgotten.iter().map(|(account, key)| (stored(*account), key.clone()));
            if let Err(error) = store.forget_facts(keys.collect()).await {
                let mut kept = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(forgotten);
                return Err(store_fault(error));
            }
        }
        let facts = self.fresh();
        if facts.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = facts.iter().map(|fact| (fact.account, fact.key.clone())).collect();
        store.merge_facts(facts).await.map_err(|error| {
            self.refresh(&keys);
            store_fault(error)
        })
    }

    fn is_recent(&self, account: AccountId, principal: &str, action: &str, now: Timestamp) -> bool {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        let own = accounts.get(&account).and_then(|own| own.principals.get(principal));
        own.and_then(|uses| uses.get(action)).is_some_and(|used| {
            let age = now.seconds().saturating_sub(used.time.seconds());
            (0..WINDOW_SECONDS).contains(&age)
        })
    }

    /// What the store does not know, taken for known.
    fn fresh(&self) -> Vec<Fact> {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        let mut facts = Vec::new();
        for (account, own) in accounts.iter_mut() {
            for (principal, uses) in &mut own.principals {
                for (action, used) in uses.iter_mut().filter(|(_, used)| used.fresh) {
                    used.fresh = false;
                    facts.push(Fact {
                        account: stored(*account),
                        key: key(principal, action),
                        at: used.time.seconds(),
                        bytes: used.region.as_bytes().to_vec(),
                    });
                }
            }
        }
        facts
    }

    /// Takes uses for unknown to the store again.
    fn refresh(&self, keys: &[(iamd_store::AccountId, Box<str>)]) {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        for (account, key) in keys {
            let account = AccountId::from_stored(account.0);
            let own = account.and_then(|account| accounts.get_mut(&account));
            let parts = key.split_once(SEPARATOR);
            if let (Some(own), Some((principal, action))) = (own, parts) {
                let uses = own.principals.get_mut(principal);
                if let Some(used) = uses.and_then(|uses| uses.get_mut(action)) {
                    used.fresh = true;
                }
            }
        }
    }
}

impl Accesses {
    fn put(&mut self, principal: &str, action: Box<str>, used: Use) {
        // The principal is there already but for his first use.
        let uses = match self.principals.get_mut(principal) {
            Some(uses) => uses,
            None => self.principals.entry(principal.into()).or_default(),
        };
        if uses.insert(action, used).is_none() {
            self.count += 1;
        }
    }

    /// Drops the oldest quarter and gives the keys of what went.
    fn drop_oldest(&mut self) -> Vec<Box<str>> {
        let all = self.principals.values().flat_map(HashMap::values);
        let mut times: Vec<Timestamp> = all.map(|used| used.time).collect();
        times.sort_unstable();
        let Some(limit) = times.get(times.len() / 4).copied() else { return Vec::new() };
        let mut dropped = Vec::new();
        let most = self.count / 2;
        for (principal, uses) in &mut self.principals {
            uses.retain(|action, used| {
                // Many may be of one moment.
                let stays = used.time > limit || dropped.len() >= most;
                if !stays {
                    dropped.push(key(principal, action));
                }
                stays
            });
        }
        self.principals.retain(|_, uses| !uses.is_empty());
        self.count -= dropped.len();
        dropped
    }
}

/// The name under which an action counts: as the data spell it, or its service's alone.
fn counted_as(action: &str) -> Option<Box<str>> {
    if let Some(known) = service_data::action(action) {
        return Some(format!("{}:{}", known.service().prefix(), known.name()).into());
    }
    let service = action.split(':').next()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_name =
        !service.is_empty() && service.len() <= SERVICE_LENGTH_MAX && service.bytes().all(fits);
    is_name.then(|| service.to_ascii_lowercase().into())
}

fn is_old(time: Timestamp, now: Timestamp) -> bool {
    now.seconds().saturating_sub(time.seconds()) > KEPT_SECONDS
}

fn key(principal: &str, action: &str) -> Box<str> {
    format!("{principal}{SEPARATOR}{action}").into()
}

fn stored(account: AccountId) -> iamd_store::AccountId {
    iamd_store::AccountId(account.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_769_860_800);

    fn account() -> AccountId {
        "111122223333".parse().unwrap()
    }

    fn later(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOW.seconds() + seconds)
    }

    fn uses(table: &AccessTable, principal: &str) -> Vec<(String, i64, String)> {
        let mut uses: Vec<_> = table
            .of(account(), principal)
            .into_iter()
            .map(|it| (it.action.into(), it.time.seconds() - NOW.seconds(), it.region.into()))
            .collect();
        uses.sort();
        uses
    }

    #[test]
    fn uses_are_noted_once_in_a_window_under_the_name_that_the_data_know() {
        let table = AccessTable::default();
        let note = |action: &str, region: &str, seconds: i64| {
            table.note(account(), "AIDA1", action, region, later(seconds));
        };
        note("s3:getobject", "eu-west-1", 0);
        note("s3:GetObject", "us-east-1", 60);
        note("S3:GETOBJECT", "us-east-1", 61);
        note("own:Thing", "r", 1);
        note("s3:NoSuchAction", "r", 2);
        note("", "r", 3);
        note("no name:x", "r", 4);
        let noted =
            |seconds: i64, region: &str| ("s3:GetObject".to_owned(), seconds, region.to_owned());
        let others = [("own".to_owned(), 1, "r".to_owned()), ("s3".to_owned(), 2, "r".to_owned())];
        let expected = [others[0].clone(), others[1].clone(), noted(0, "eu-west-1")];
        assert_eq!(uses(&table, "AIDA1"), expected);
        note("s3:GetObject", "us-east-1", WINDOW_SECONDS);
        assert_eq!(uses(&table, "AIDA1")[2], noted(WINDOW_SECONDS, "us-east-1"));
        assert_eq!(uses(&table, "AIDA2"), []);
        assert_eq!(table.of("444455556666".parse().unwrap(), "AIDA1"), []);
    }

    #[test]
    fn an_account_that_is_full_loses_its_oldest_uses_alone() {
        let table = AccessTable::default();
        let other: AccountId = "444455556666".parse().unwrap();
        table.note(other, "AIDA1", "s3:GetObject", "r", NOW);
        for number in 0..=USES_PER_ACCOUNT_MAX {
            let seconds = i64::try_from(number).unwrap();
            table.note(account(), &format!("AIDA{number}"), "s3:GetObject", "r", later(seconds));
        }
        let newest = format!("AIDA{USES_PER_ACCOUNT_MAX}");
        assert_eq!(uses(&table, &newest).len(), 1);
        assert_eq!(uses(&table, "AIDA0"), []);
        let count = table.accounts.read().unwrap()[&account()].count;
        assert!(count > USES_PER_ACCOUNT_MAX / 2 && count <= USES_PER_ACCOUNT_MAX, "{count}");
        let forgotten = table.forgotten.lock().unwrap().len();
        assert_eq!(forgotten + count, USES_PER_ACCOUNT_MAX + 1);
        assert_eq!(table.of(other, "AIDA1").len(), 1);
    }

    #[tokio::test]
    async fn what_was_noted_is_there_after_a_start_and_ends_with_its_time() {
        let store = iamd_store::Memory::default();
        let table = AccessTable::default();
        table.note(account(), "AIDA1", "s3:GetObject", "eu-west-1", NOW);
        table.flush(&store).await.unwrap();
        table.note(account(), "AIDA1", "iam:GetUser", "us-east-1", later(KEPT_SECONDS));
        table.flush(&store).await.unwrap();
        struct Load<'a>(&'a AccessTable, Timestamp);
        impl iamd_store::FactVisitor for Load<'_> {
            fn fact(&mut self, fact: FactRef<'_>) -> std::ops::ControlFlow<()> {
                assert!(self.0.load(account(), fact, self.1));
                std::ops::ControlFlow::Continue(())
            }
        }
        let read = AccessTable::default();
        store.read_facts(&mut Load(&read, later(KEPT_SECONDS))).await.unwrap();
        assert_eq!(uses(&read, "AIDA1"), uses(&table, "AIDA1"));
        let read = AccessTable::default();
        store.read_facts(&mut Load(&read, later(KEPT_SECONDS + 1))).await.unwrap();
        assert_eq!(uses(&read, "AIDA1").len(), 1);
        read.flush(&store).await.unwrap();
        let read = AccessTable::default();
        store.read_facts(&mut Load(&read, NOW)).await.unwrap();
        assert_eq!(uses(&read, "AIDA1").len(), 1, "the store has forgotten the old one");
    }
}
