//! A store that fails as stores do: what one node sees of a store in memory that others share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use iamd_simulate::random::Random;
use iamd_store::{
    AccountCommit, AccountId, AccountRows, Answer, ChangeSet, Changes, ClaimKey, Claimed,
    CommitError, Committed, CopyVisitor, Cursor, Fact, FactVisitor, Identity, Imported, Memory,
    Record, RowVisitor, Store, StoreError,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// The shared store as one node sees it.
pub(super) struct FaultyStore {
    durable: Arc<Memory>,
    weather: Mutex<Weather>,
    /// Never signalled: the hints of a store that loses them.
    silence: watch::Sender<()>,
}

/// What may go wrong now, in percent of the calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Odds {
    /// Nothing is written, and the engine says why not.
    pub(super) error: usize,
    /// A commit is durable, and its answer is lost.
    pub(super) lost_answer: usize,
    pub(super) slow: usize,
    pub(super) slow_most: Duration,
    /// Changes that the feed leaves out, repeats, tells too early, tells later.
    pub(super) change_lost: usize,
    pub(super) change_repeated: usize,
    pub(super) changes_reordered: usize,
    pub(super) changes_delayed: usize,
    /// The feed says that it does not reach back that far.
    pub(super) feed_lost: usize,
}

struct Weather {
    random: Random,
    odds: Odds,
    /// The process dies at this call from now on; the first is 0.
    crash_in: Option<usize>,
    is_dead: bool,
    away_until: Instant,
    paused_until: Instant,
    /// Answers to this call come so late.
    late: Option<(&'static str, Duration)>,
    /// What happened since it was last asked.
    events: Vec<String>,
    /// Whether the feed has told anything but the whole truth since it was last asked.
    has_lied: bool,
}

/// What happens to a call.
enum Fate {
    Happens,
    /// It happens, and nobody hears of it.
    AnswerLost,
    Fails(StoreError),
}

impl FaultyStore {
    pub(super) fn new(durable: Arc<Memory>, seed: u64) -> FaultyStore {
        let weather = Weather {
            random: Random::new(seed),
            odds: Odds::default(),
            crash_in: None,
            is_dead: false,
            away_until: Instant::now(),
            paused_until: Instant::now(),
            late: None,
            events: Vec::new(),
            has_lied: false,
        };
        FaultyStore { durable, weather: Mutex::new(weather), silence: watch::Sender::new(()) }
    }

    pub(super) fn set_odds(&self, odds: Odds) {
        self.lock().odds = odds;
    }

    /// The process dies at the call after `calls` others.
    pub(super) fn crash_in(&self, calls: usize) {
        self.lock().crash_in = Some(calls);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.lock().is_dead
    }

    /// The store cannot be reached for so long.
    pub(super) fn go_away(&self, time: Duration) {
        self.lock().away_until = Instant::now() + time;
    }

    /// The process stands still for so long, whatever it was about to ask.
    pub(super) fn pause(&self, time: Duration) {
        self.lock().paused_until = Instant::now() + time;
    }

    /// Answers to this call come so late from now on; what it does, it does at once.
    pub(super) fn answer_late(&self, call: &'static str, time: Duration) {
        self.lock().late = Some((call, time));
    }

    /// Everything works from now on.
    pub(super) fn heal(&self) {
        let mut weather = self.lock();
        weather.odds = Odds::default();
        weather.crash_in = None;
        weather.away_until = Instant::now();
        weather.paused_until = Instant::now();
    }

    pub(super) fn take_events(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().events)
    }

    pub(super) fn has_lied(&self) -> bool {
        self.lock().has_lied
    }

    pub(super) fn forget_lies(&self) {
        self.lock().has_lied = false;
    }

    /// Runs a call under the present weather.
    async fn call<T, E: From<StoreError>>(
        &self,
        name: &'static str,
        call: Answer<'_, Result<T, E>>,
    ) -> Result<T, E> {
        let (fate, before, after) = self.draw(name);
        sleep(before).await;
        // A paused process does nothing; what it then does, it does late.
        let paused_until = self.lock().paused_until;
        sleep_until(paused_until).await;
        if self.is_dead() && !matches!(fate, Fate::AnswerLost) {
            return Err(dead().into());
        }
        let answer = match fate {
            Fate::Fails(error) => return Err(error.into()),
            Fate::AnswerLost => call.await.and(Err(dead().into())),
            Fate::Happens => call.await,
        };
        sleep(after).await;
        // A process that has died in the meantime hears nothing.
        if self.is_dead() { Err(dead().into()) } else { answer }
    }

    fn draw(&self, name: &'static str) -> (Fate, Duration, Duration) {
        let mut weather = self.lock();
        let weather = &mut *weather;
        let odds = weather.odds.clone();
        let mut delay = || {
            let is_slow = weather.random.percent(odds.slow) && !odds.slow_most.is_zero();
            let most = odds.slow_most.as_millis() as usize + 1;
            if is_slow { weather.random.below(most) as u64 } else { 0 }
        };
        let (before, mut after) = (Duration::from_millis(delay()), Duration::from_millis(delay()));
        after += weather.late.filter(|(call, _)| *call == name).map_or(Duration::ZERO, |it| it.1);
        let fate = weather.fate(name);
        (fate, before, after)
    }

    /// What the feed tells of what there is.
    fn told(&self, changes: Changes) -> Changes {
        let Changes::List(mut sets) = changes else { return changes };
        let mut weather = self.lock();
        let weather = &mut *weather;
        let odds = weather.odds.clone();
        if sets.is_empty() {
            return Changes::List(sets);
        }
        if weather.random.percent(odds.feed_lost) {
            weather.events.push("the feed does not reach back".to_owned());
            return Changes::Lost;
        }
        if weather.random.percent(odds.changes_delayed) {
            let kept = weather.random.below(sets.len());
            weather.events.push(format!("{} changes come later", sets.len() - kept));
            sets.truncate(kept);
            weather.has_lied = true;
        }
        if sets.len() > 1 && weather.random.percent(odds.change_lost) {
            let lost = weather.random.below(sets.len() - 1);
            weather.events.push(format!("change {} is lost", described(&sets.remove(lost))));
            weather.has_lied = true;
        }
        if !sets.is_empty() && weather.random.percent(odds.change_repeated) {
            let repeated = weather.random.below(sets.len());
            weather.events.push(format!("change {} comes twice", described(&sets[repeated])));
            sets.push(sets[repeated].clone());
        }
        if sets.len() > 1 && weather.random.percent(odds.changes_reordered) {
            let early = 1 + weather.random.below(sets.len() - 1);
            weather.events.push(format!("change {} comes early", described(&sets[early])));
            sets.swap(early - 1, early);
            weather.has_lied = true;
        }
        Changes::List(sets)
    }

    fn lock(&self) -> MutexGuard<'_, Weather> {
        self.weather.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn described(set: &ChangeSet) -> String {
    let change = |change: &iamd_store::Change| format!("{}@{}", change.account, change.revision);
    set.changes.iter().map(change).collect::<Vec<_>>().join("+")
}

fn dead() -> StoreError {
    StoreError::Unavailable { reason: "the process has died".to_owned() }
}

impl Weather {
    fn fate(&mut self, name: &'static str) -> Fate {
        if self.is_dead {
            return Fate::Fails(dead());
        }
        if let Some(calls) = &mut self.crash_in {
            if *calls == 0 {
                self.is_dead = true;
                // In the middle of a call: nobody can say whether it still happens.
                let happens = self.random.percent(50);
                self.events.push(format!("crash at `{name}`, which happens: {happens}"));
                return if happens { Fate::AnswerLost } else { Fate::Fails(dead()) };
            }
            *calls -= 1;
        }
        if self.away_until > Instant::now() {
            let reason = "no connection".to_owned();
            return Fate::Fails(StoreError::Unavailable { reason });
        }
        if name == "commit" && self.random.percent(self.odds.lost_answer) {
            self.events.push("the answer to a commit is lost".to_owned());
            return Fate::AnswerLost;
        }
        if self.random.percent(self.odds.error) {
            let reason = self.random.pick(&["database or disk is full", "disk I/O error"]);
            self.events.push(format!("`{name}` fails: {reason}"));
            return Fate::Fails(StoreError::Unavailable { reason: reason.to_owned() });
        }
        Fate::Happens
    }
}

impl Store for FaultyStore {
    fn identity(&self) -> Identity {
        self.durable.identity()
    }

    fn load_all<'a>(
        &'a self,
        visitor: &'a mut dyn RowVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>> {
        Box::pin(self.call("load_all", self.durable.load_all(visitor)))
    }

    fn forget_changes(&self) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.call("forget_changes", self.durable.forget_changes()))
    }

    fn read_account(&self, account: AccountId) -> Answer<'_, Result<AccountRows, StoreError>> {
        Box::pin(self.call("read_account", self.durable.read_account(account)))
    }

    fn commit(&self, list: Vec<AccountCommit>) -> Answer<'_, Result<Committed, CommitError>> {
        Box::pin(self.call("commit", self.durable.commit(list)))
    }

    fn changes(&self, after: Cursor) -> Answer<'_, Result<Changes, StoreError>> {
        Box::pin(async move {
            let changes = self.call("changes", self.durable.changes(after)).await?;
            Ok(self.told(changes))
        })
    }

    fn hint(&self) -> watch::Receiver<()> {
        let loses_hints = self.lock().random.percent(30);
        if loses_hints { self.silence.subscribe() } else { self.durable.hint() }
    }

    fn claim<'a>(
        &'a self,
        key: &'a ClaimKey,
        expiry: i64,
        now: i64,
    ) -> Answer<'a, Result<Claimed, StoreError>> {
        Box::pin(self.call("claim", self.durable.claim(key, expiry, now)))
    }

    fn merge_facts(&self, facts: Vec<Fact>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.call("merge_facts", self.durable.merge_facts(facts)))
    }

    fn forget_facts(&self, keys: Vec<(AccountId, Box<str>)>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.call("forget_facts", self.durable.forget_facts(keys)))
    }

    fn read_facts<'a>(
        &'a self,
        visitor: &'a mut dyn FactVisitor,
    ) -> Answer<'a, Result<(), StoreError>> {
        Box::pin(self.call("read_facts", self.durable.read_facts(visitor)))
    }

    fn read_records(
        &self,
        account: AccountId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Record>, StoreError>> {
        Box::pin(self.call("read_records", self.durable.read_records(account, after, most)))
    }

    fn forget_records(&self, account: AccountId, up_to: u64) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.call("forget_records", self.durable.forget_records(account, up_to)))
    }

    fn copy_all<'a>(
        &'a self,
        first: AccountId,
        visitor: &'a mut dyn CopyVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>> {
        Box::pin(self.call("copy_all", self.durable.copy_all(first, visitor)))
    }

    fn import(&self, list: Vec<Imported>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.call("import", self.durable.import(list)))
    }

    fn close(&self) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
