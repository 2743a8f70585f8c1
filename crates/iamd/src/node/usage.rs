//! How much accounts use of what the gateway guards: requests and bytes, by operation and day. What bills
//! are made of.
//!
//! Counted in memory and merged into the store's side table now and then, like all facts. Each node counts
//! for itself, under its own name; what an account has used is the sum over nodes. A count only grows, and
//! of two states of one count the greater stays, so that nodes may merge in any order, and repeatedly.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use iamd_core::account_id::AccountId;
use iamd_store::{Fact, FactRef, FactVisitor, Store};
use iamd_wire::Timestamp;

use super::load::store_fault;
use crate::fault::Fault;

/// What the keys of these facts begin with; no unique id does.
const PREFIX: &str = "usage/";
/// How long counts are kept, in days.
// CHOICE: as long as AWS's Cost Explorer shows, and a month more for the bill of the last one.
const KEPT_DAYS: i64 = 430;
const DAY_SECONDS: i64 = 86_400;
/// Longest name of a node, in characters.
const NAME_LENGTH_MAX: usize = 64;
/// Most operations of one fact that are read.
const OPERATIONS_MAX: usize = 1_000;
/// Most facts that are forgotten at one time; the others are the next day.
const FORGOTTEN_MAX: usize = 10_000;

/// A day, in days since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    /// The first day that there is.
    pub const FIRST: Day = Day(0);
    /// The last one.
    pub const LAST: Day = Day(i64::MAX);

    /// The day of a moment.
    pub fn of(time: Timestamp) -> Day {
        Day(time.seconds().div_euclid(DAY_SECONDS))
    }

    /// Reads `2026-01-31`.
    pub fn parse(text: &str) -> Option<Day> {
        let time: Timestamp = format!("{text}T00:00:00Z").parse().ok()?;
        let day = Day::of(time);
        // Other spellings of the same day, such as 2026-02-31, are none.
        (day.to_string() == text).then_some(day)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = Timestamp::from_seconds(self.0.saturating_mul(DAY_SECONDS)).to_string();
        formatter.write_str(time.split('T').next().unwrap_or_default())
    }
}

/// What was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests.
    pub requests: u64,
    /// Those of them that were denied.
    pub denied: u64,
    /// Bytes of data in the bodies of requests, without frames of chunks.
    pub bytes_in: u64,
    /// Bytes in the bodies of answers.
    pub bytes_out: u64,
}

impl Tally {
    /// Adds another one.
    pub fn add(&mut self, other: Tally) {
        self.requests = self.requests.saturating_add(other.requests);
        self.denied = self.denied.saturating_add(other.denied);
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
    }
}

/// What one account used of one operation on one day, on all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The account.
    pub account: AccountId,
    /// The day.
    pub day: Day,
    /// The service, such as `s3`.
    pub service: Box<str>,
    /// The operation, such as `GetObject`.
    pub operation: Box<str>,
    /// How much.
    pub tally: Tally,
}

/// What this node has counted, and the store perhaps does not know yet.
#[derive(Debug, Default)]
pub struct UsageTable(Mutex<Own>);

#[derive(Debug, Default)]
struct Own {
    /// The node's name; nothing is counted without one.
    name: Option<Box<str>>,
    /// Earlier days may have been forgotten here: what is counted for them counts for this one.
    floor: Option<Day>,
    days: BTreeMap<(Day, AccountId), Counted>,
    /// Counts of whatever nodes, as the store had them when this node began.
    found: Vec<Found>,
    /// The day on which old counts were last looked for.
    swept: Option<Day>,
}

/// By service and operation.
type Operations = BTreeMap<(Box<str>, Box<str>), Tally>;

#[derive(Debug, Default)]
struct Counted {
    operations: Operations,
    /// Whether the store does not know it yet.
    fresh: bool,
}

/// A fact of the store.
#[derive(Debug)]
struct Found {
    account: AccountId,
    day: Day,
    node: Box<str>,
    operations: Operations,
}

impl UsageTable {
    /// Begins to count under a name that no other node has, from where the node stood when it last wrote.
    ///
    /// # Errors
    /// [`Fault::Bug`] for a name that cannot be one.
    pub fn begin(&self, name: &str, now: Timestamp) -> Result<(), Fault> {
        let is_name = (1..=NAME_LENGTH_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_name {
            return Err(Fault::Bug(format!("`{name}` is no name of a node")));
        }
        let mut own = self.lock();
        let own = &mut *own;
        own.name = Some(name.into());
        own.floor = Some(floor(now));
        for found in std::mem::take(&mut own.found) {
            if *found.node == *name {
                let counted = Counted { operations: found.operations, fresh: false };
                own.days.insert((found.day, found.account), counted);
            }
        }
        Ok(())
    }

    /// Counts what an account has used.
    pub fn count(
        &self,
        account: AccountId,
        service: &str,
        operation: &str,
        tally: Tally,
        now: Timestamp,
    ) {
        let mut own = self.lock();
        let (Some(_), Some(floor)) = (&own.name, own.floor) else { return };
        let counted = own.days.entry((Day::of(now).max(floor), account)).or_default();
        counted.fresh = true;
        counted.operations.entry((service.into(), operation.into())).or_default().add(tally);
    }

    /// Takes in a fact of the store; whether it is one of these.
    pub(super) fn load(&self, account: AccountId, fact: FactRef<'_>, now: Timestamp) -> bool {
        if !fact.key.starts_with(PREFIX) {
            return false;
        }
        // A fact that cannot be read is not worth refusing to start.
        if let Some(found) = read(account, fact).filter(|found| found.day >= floor(now)) {
            self.lock().found.push(found);
        }
        true
    }

    /// Writes to the store what it does not know.
    pub(super) async fn flush(&self, store: &dyn Store, now: Timestamp) -> Result<(), Fault> {
        let facts = self.fresh();
        if !facts.is_empty() {
            let keys: Vec<_> = facts.iter().map(|fact| (fact.account, fact.key.clone())).collect();
            store.merge_facts(facts).await.map_err(|error| {
                self.refresh(&keys);
                store_fault(error)
            })?;
        }
        self.forget_past(now);
        self.sweep(store, now).await
    }

    /// What accounts have used from a day to a day, on all nodes, as the store knows it.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]
    pub(super) async fn read(
        store: &dyn Store,
        account: Option<AccountId>,
        (from, to): (Day, Day),
    ) -> Result<Vec<Used>, Fault> {
        let is_wanted = |found: &Found| {
            (from..=to).contains(&found.day)
                && account.is_none_or(|account| account == found.account)
        };
        let mut sums = BTreeMap::new();
        let mut reader = Reader(|account, fact: FactRef<'_>| {
            let Some(found) = read(account, fact).filter(is_wanted) else { return };
            for ((service, operation), tally) in found.operations {
                let place = (found.account, found.day, service, operation);
                let sum: &mut Tally = sums.entry(place).or_default();
                sum.add(tally);
            }
        });
        store.read_facts(&mut reader).await.map_err(store_fault)?;
        let used = |((account, day, service, operation), tally)| Used {
            account,
            day,
            service,
            operation,
            tally,
        };
        Ok(sums.into_iter().map(used).collect())
    }

    /// What the store does not know, taken for known.
    fn fresh(&self) -> Vec<Fact> {
        let mut own = self.lock();
        let Some(name) = own.name.clone() else { return Vec::new() };
        let fresh = own.days.iter_mut().filter(|(_, counted)| counted.fresh);
        fresh
            .map(|((day, account), counted)| {
                counted.fresh = false;
                fact(*account, *day, &name, &counted.operations)
            })
            .collect()
    }

    /// Takes counts for unknown to the store again.
    fn refresh(&self, keys: &[(iamd_store::AccountId, Box<str>)]) {
        let mut own = self.lock();
        for (account, key) in keys {
            let place = AccountId::from_stored(account.0).zip(parts(key));
            let Some((account, (day, _))) = place else { continue };
            if let Some(counted) = own.days.get_mut(&(day, account)) {
                counted.fresh = true;
            }
        }
    }

    /// Forgets here what the store knows of days that are over.
    fn forget_past(&self, now: Timestamp) {
        let mut own = self.lock();
        let Some(floor) = own.floor.map(|known| known.max(floor(now))) else { return };
        own.floor = Some(floor);
        own.days.retain(|(day, _), counted| *day >= floor || counted.fresh);
    }

    /// Once a day, has the store forget what is too old.
    async fn sweep(&self, store: &dyn Store, now: Timestamp) -> Result<(), Fault> {
        let today = Day::of(now);
        {
            let own = self.lock();
            if own.name.is_none() || own.swept == Some(today) {
                return Ok(());
            }
        }
        let mut old = Vec::new();
        let mut reader = Reader(|account: AccountId, fact: FactRef<'_>| {
            let day = parts(fact.key).map(|(day, _)| day);
            let is_old = day.is_some_and(|day| day.0 < today.0.saturating_sub(KEPT_DAYS));
            if is_old && old.len() < FORGOTTEN_MAX {
                old.push((iamd_store::AccountId(account.number()), Box::from(fact.key)));
            }
        });
        store.read_facts(&mut reader).await.map_err(store_fault)?;
        if !old.is_empty() {
            store.forget_facts(old).await.map_err(store_fault)?;
        }
        self.lock().swept = Some(today);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Own> {
        // Every change is made whole before anything that could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first day that may still be counted for: yesterday, for calls that end about midnight.
fn floor(now: Timestamp) -> Day {
    Day(Day::of(now).0.saturating_sub(1))
}

/// Hands on each fact of an account that is a count.
struct Reader<F>(F);

impl<F: FnMut(AccountId, FactRef<'_>) + Send> FactVisitor for Reader<F> {
    fn fact(&mut self, fact: FactRef<'_>) -> ControlFlow<()> {
        if let Some(account) = AccountId::from_stored(fact.account.0)
            && fact.key.starts_with(PREFIX)
        {
            (self.0)(account, fact);
        }
        ControlFlow::Continue(())
    }
}

/// The count of an account on a day. Its moment is the number of requests, which only grows: so the state
/// that stays is the one with all of them.
fn fact(account: AccountId, day: Day, node: &str, operations: &Operations) -> Fact {
    let mut text = String::new();
    let mut requests: u64 = 0;
    for ((service, operation), tally) in operations {
        let Tally { requests: count, denied, bytes_in, bytes_out } = tally;
        text.push_str(&format!("{service} {operation} {count} {denied} {bytes_in} {bytes_out}\n"));
        requests = requests.saturating_add(*count);
    }
    Fact {
        account: iamd_store::AccountId(account.number()),
        key: format!("{PREFIX}{day}/{node}").into(),
        at: i64::try_from(requests).unwrap_or(i64::MAX),
        bytes: text.into_bytes(),
    }
}

/// What the names of processes begin with that follow a node. Others are drawn of hexadecimal digits.
const FOLLOWER: &str = "follower";

/// The name for a process that follows a node, made of what was drawn.
pub fn follower_name(drawn: u64) -> String {
    format!("{FOLLOWER}{drawn:016x}")
}

/// Whether a fact is a count of a process that follows a node, and not of a node.
pub(super) fn is_of_follower(account: AccountId, fact: FactRef<'_>) -> bool {
    read(account, fact).is_some_and(|found| found.node.starts_with(FOLLOWER))
}

/// Whether a fact is a count.
pub(super) fn is_usage(key: &str) -> bool {
    key.starts_with(PREFIX)
}

/// Day and node in the key of a fact.
fn parts(key: &str) -> Option<(Day, &str)> {
    let (day, node) = key.strip_prefix(PREFIX)?.split_once('/')?;
    Some((Day::parse(day)?, node))
}

fn read(account: AccountId, fact: FactRef<'_>) -> Option<Found> {
    let (day, node) = parts(fact.key)?;
    let text = std::str::from_utf8(fact.bytes).ok()?;
    let operations = text.lines().take(OPERATIONS_MAX).map(|line| {
        let mut words = line.split(' ');
        let place = (words.next()?.into(), words.next()?.into());
        let mut number = || words.next()?.parse().ok();
        let tally = Tally {
            requests: number()?,
            denied: number()?,
            bytes_in: number()?,
            bytes_out: number()?,
        };
        Some((place, tally))
    });
    Some(Found { account, day, node: node.into(), operations: operations.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use iamd_store::Memory;

    use super::*;

    const NOON: Timestamp = Timestamp::from_seconds(1_769_860_800);
    const ONE: &str = "111122223333";
    const OTHER: &str = "444455556666";

    fn later(days: i64) -> Timestamp {
        Timestamp::from_seconds(NOON.seconds() + days * DAY_SECONDS)
    }

    fn of_size(bytes_in: u64) -> Tally {
        Tally { requests: 1, denied: 0, bytes_in, bytes_out: 10 }
    }

    /// A life of a node on a store.
    struct Life<'a> {
        store: &'a Memory,
        table: UsageTable,
    }

    impl<'a> Life<'a> {
        async fn begin(store: &'a Memory, name: &str, now: Timestamp) -> Life<'a> {
            let table = UsageTable::default();
            let mut reader = Reader(|account, fact: FactRef<'_>| {
                assert!(table.load(account, fact, now));
            });
            store.read_facts(&mut reader).await.unwrap();
            table.begin(name, now).unwrap();
            Life { store, table }
        }

        fn count(&self, account: &str, operation: &str, tally: Tally, now: Timestamp) {
            self.table.count(account.parse().unwrap(), "s3", operation, tally, now);
        }

        async fn flush(&self, now: Timestamp) {
            self.table.flush(self.store, now).await.unwrap();
        }
    }

    /// Lines of all that a store knows.
    async fn all(store: &Memory) -> Vec<String> {
        let days = (Day::FIRST, Day::LAST);
        let used = UsageTable::read(store, None, days).await.unwrap();
        let line = |used: Used| {
            let Tally { requests, denied, bytes_in, bytes_out } = used.tally;
            format!(
                "{} {} {}:{} {requests} {denied} {bytes_in} {bytes_out}",
                used.account, used.day, used.service, used.operation
            )
        };
        used.into_iter().map(line).collect()
    }

    #[tokio::test]
    async fn counts_of_nodes_add_up_and_survive_their_lives() {
        let store = Memory::new();
        let (a, b) = (Life::begin(&store, "a", NOON).await, Life::begin(&store, "b", NOON).await);
        a.count(ONE, "PutObject", of_size(5), NOON);
        a.count(ONE, "PutObject", of_size(7), NOON);
        a.count(OTHER, "GetObject", of_size(0), NOON);
        b.count(ONE, "PutObject", of_size(100), NOON);
        b.count(ONE, "GetObject", Tally { denied: 1, ..of_size(0) }, later(1));
        a.flush(NOON).await;
        b.flush(NOON).await;
        // What is written again counts once.
        a.flush(NOON).await;
        let expected = [
            "111122223333 2026-01-31 s3:PutObject 3 0 112 30",
            "111122223333 2026-02-01 s3:GetObject 1 1 0 10",
            "444455556666 2026-01-31 s3:GetObject 1 0 0 10",
        ];
        assert_eq!(all(&store).await, expected);
        // The next life goes on where the last one stood; what it had not written is lost.
        a.count(ONE, "PutObject", of_size(1_000), NOON);
        let again = Life::begin(&store, "a", NOON).await;
        again.flush(NOON).await;
        assert_eq!(all(&store).await, expected);
        again.count(ONE, "PutObject", of_size(1), NOON);
        again.flush(NOON).await;
        assert_eq!(all(&store).await[0], "111122223333 2026-01-31 s3:PutObject 4 0 113 40");
    }

    #[tokio::test]
    async fn an_older_state_of_a_count_never_wins() {
        let store = Memory::new();
        let life = Life::begin(&store, "a", NOON).await;
        life.count(ONE, "PutObject", of_size(5), NOON);
        let early = life.table.fresh();
        life.count(ONE, "GetObject", of_size(5), NOON);
        life.flush(NOON).await;
        let known = all(&store).await;
        assert_eq!(known.len(), 2);
        store.merge_facts(early).await.unwrap();
        assert_eq!(all(&store).await, known);
    }

    #[tokio::test]
    async fn days_that_are_over_leave_memory_and_old_ones_the_store() {
        let store = Memory::new();
        let life = Life::begin(&store, "a", NOON).await;
        life.count(ONE, "PutObject", of_size(5), NOON);
        life.flush(NOON).await;
        life.flush(later(2)).await;
        assert!(life.table.lock().days.is_empty());
        // A clock that is set back does not begin a day anew that the store knows better.
        life.count(ONE, "PutObject", of_size(5), NOON);
        life.flush(later(2)).await;
        let lines = all(&store).await;
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains(" 2026-01-31 s3:PutObject 1 "), "{lines:?}");
        assert!(lines[1].contains(" 2026-02-01 s3:PutObject 1 "), "{lines:?}");
        life.flush(later(KEPT_DAYS)).await;
        assert_eq!(all(&store).await.len(), 2);
        life.flush(later(KEPT_DAYS + 1)).await;
        assert_eq!(all(&store).await.len(), 1);
        life.flush(later(KEPT_DAYS + 2)).await;
        assert!(all(&store).await.is_empty());
    }

    #[tokio::test]
    async fn what_is_asked_for_is_what_is_told() {
        let store = Memory::new();
        let life = Life::begin(&store, "a", NOON).await;
        for day in 0..3 {
            life.count(ONE, "PutObject", of_size(5), later(day));
            life.count(OTHER, "PutObject", of_size(5), later(day));
        }
        life.flush(NOON).await;
        let day = |text| Day::parse(text).unwrap();
        let days = (day("2026-02-01"), day("2026-02-01"));
        let used = UsageTable::read(&store, Some(ONE.parse().unwrap()), days).await.unwrap();
        let [used] = &used[..] else { panic!("{used:?}") };
        assert_eq!((used.account.to_string().as_str(), used.day), (ONE, days.0));
    }

    #[tokio::test]
    async fn without_a_name_nothing_is_counted() {
        let (store, table) = (Memory::new(), UsageTable::default());
        table.count(ONE.parse().unwrap(), "s3", "PutObject", of_size(5), NOON);
        table.flush(&store, NOON).await.unwrap();
        assert!(all(&store).await.is_empty());
        for name in ["", "a/b", "a@b", "a b", &"a".repeat(NAME_LENGTH_MAX + 1)] {
            assert!(table.begin(name, NOON).is_err(), "{name}");
        }
    }

    #[test]
    fn a_fact_that_is_damaged_is_none() {
        let account: AccountId = ONE.parse().unwrap();
        let stored = iamd_store::AccountId(account.number());
        let good = ("usage/2026-01-31/a", "s3 PutObject 1 0 5 10\n");
        let read_of = |(key, text): (&str, &str)| {
            read(account, FactRef { account: stored, key, at: 1, bytes: text.as_bytes() })
        };
        assert!(read_of(good).is_some());
        for (key, text) in [
            ("usage/2026-02-31/a", good.1),
            ("usage/2026-1-31/a", good.1),
            ("usage/2026-01-31", good.1),
            ("user/2026-01-31/a", good.1),
            (good.0, "s3 PutObject 1 0 5\n"),
            (good.0, "s3 PutObject -1 0 5 10\n"),
            (good.0, "s3 PutObject 1 0 5 x\n"),
        ] {
            assert!(read_of((key, text)).is_none(), "{key} {text}");
        }
    }
}
