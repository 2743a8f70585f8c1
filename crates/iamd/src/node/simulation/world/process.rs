//! Processes: they start, live through all weathers, die, and start again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use iamd_core::account_id::AccountId;
use iamd_core::state::Account;
use iamd_store::{Revision, Store};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::super::faults::{FaultyStore, Odds};
use super::super::picture;
use super::{BEGINNING, PATIENCE, World};
use crate::clock::Clock;
use crate::node::{Node, follow};
use crate::operator::keep_replaying;

/// A process.
pub(super) struct Process {
    pub(super) node: Arc<Node>,
    pub(super) store: Arc<FaultyStore>,
    /// What goes on as long as it lives; each task holds the node.
    pub(super) tasks: [JoinHandle<()>; 2],
    pub(super) shown: Shown,
    /// What was compared with the store already: it cannot have changed since.
    pub(super) compared: BTreeMap<AccountId, Compared>,
}

/// An account at a revision, as a node holds it.
pub(super) type Compared = (Revision, Option<Arc<Account>>);

impl Process {
    /// Whether this very account was compared at this revision.
    pub(super) fn is_compared(
        &self,
        id: AccountId,
        revision: Revision,
        account: Option<&Arc<Account>>,
    ) -> bool {
        let Some((at, Some(held))) = self.compared.get(&id) else { return false };
        *at == revision && account.is_some_and(|account| Arc::ptr_eq(account, held))
    }
}

/// The revisions that a process has shown, to look at it again and again.
#[derive(Clone, Default)]
pub(super) struct Shown(Arc<Mutex<BTreeMap<AccountId, Revision>>>);

impl Shown {
    /// What has gone back since somebody looked.
    pub(super) fn look(&self, node: &Node) -> Result<(), String> {
        let snapshot = node.snapshot();
        let accounts = (1..=picture::ACCOUNTS_MAX).filter_map(picture::account);
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in accounts.chain([AccountId::DIRECTORY, AccountId::KEYS, AccountId::OPERATORS]) {
            let revision = snapshot.revision(id);
            if shown.insert(id, revision).is_some_and(|before| before > revision) {
                return Err(format!("a node has gone back to {revision} of account {id}"));
            }
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl World {
    /// What goes wrong from now on, at each process for itself.
    pub(super) fn change_weather(&mut self) {
        for place in 0..self.processes.len() {
            let odds = if self.random.percent(40) { Odds::default() } else { self.odds() };
            self.processes[place].store.set_odds(odds);
            match self.random.below(30) {
                0..=3 => {
                    let calls = self.random.below(6);
                    self.processes[place].store.crash_in(calls);
                    self.note(format!("node {place} will die after {calls} calls"));
                }
                4 => {
                    let minutes = self.random.pick(&[1, 1, 1, 1, 1, 1, 1, 30]);
                    self.processes[place].store.go_away(Duration::from_secs(60 * minutes));
                    self.note(format!("node {place} cannot reach the store for {minutes} min"));
                    self.tally.outages += 1;
                }
                5 => {
                    self.processes[place].store.pause(Duration::from_secs(60));
                    self.note(format!("node {place} stands still for 60 s"));
                    self.tally.pauses += 1;
                }
                6 => {
                    let seconds = self.random.pick(&[-86_400, -3_600, -1, 1, 3_600, 86_400]);
                    self.processes[place].node.clock().advance(seconds);
                    self.note(format!("the clock of node {place} jumps by {seconds} s"));
                    self.tally.clock_jumps += 1;
                }
                _ => {}
            }
        }
    }

    fn odds(&mut self) -> Odds {
        let random = &mut self.random;
        let mut odds = |of: &[usize]| random.pick(of);
        Odds {
            error: odds(&[0, 0, 10, 50]),
            lost_answer: odds(&[0, 0, 20]),
            slow: odds(&[0, 30, 100]),
            slow_most: Duration::from_millis(odds(&[5, 200, 20_000]) as u64),
            change_lost: odds(&[0, 0, 30]),
            change_repeated: odds(&[0, 30]),
            changes_reordered: odds(&[0, 0, 30]),
            changes_delayed: odds(&[0, 50]),
            feed_lost: odds(&[0, 0, 10, 60]),
        }
    }

    /// Waits until nothing is under way any more, and puts processes in the place of dead ones.
    pub(super) async fn settle(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            sleep(Duration::from_millis(50)).await;
            self.processes.iter().try_for_each(|process| process.shown.look(&process.node))?;
            // A process and its tasks hold the node; whatever else does is a command under way.
            let is_busy = self.processes.iter().any(|process| Arc::strong_count(&process.node) > 3)
                || self.graveyard.iter().any(|node| node.strong_count() > 0);
            if !is_busy {
                break;
            }
            if Instant::now() > deadline {
                return Err("the store is busy for ever".to_owned());
            }
        }
        self.find_master().await?;
        for place in 0..self.processes.len() {
            for event in self.processes[place].store.take_events() {
                self.note(format!("node {place}: {event}"));
                self.tally.events += 1;
            }
            if self.processes[place].store.is_dead() {
                self.tally.crashes += 1;
                self.restart(place).await?;
            }
        }
        Ok(())
    }

    /// Puts another process in the place of one.
    pub(super) async fn restart(&mut self, place: usize) -> Result<(), String> {
        self.graveyard.push(Arc::downgrade(&self.processes[place].node));
        self.processes[place] = self.start(place).await?;
        self.note(format!("node {place} starts again"));
        Ok(())
    }

    /// A process on what is durable; it may die while it starts, and is then started again.
    pub(super) async fn start(&mut self, place: usize) -> Result<Process, String> {
        for attempt in 0..5 {
            let seed = self.random.number();
            let store = Arc::new(FaultyStore::new(Arc::clone(&self.durable), seed));
            if attempt < 3 && self.random.percent(20) {
                store.crash_in(self.random.below(6));
            }
            let clock = Clock::of_timers((self.began, BEGINNING + self.passed));
            let seen: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
            let master = Arc::clone(&self.master);
            let opened = Node::open_with_clock(seen, master, self.quotas.clone(), clock).await;
            match opened {
                Ok(node) => {
                    let folder = self.folders[place].path();
                    let kept = node.keep_anchor(folder).await;
                    kept.and_then(|()| node.open_journal(folder))
                        .map_err(|fault| format!("node {place} does not start: {fault}"))?;
                    let tasks = [
                        tokio::spawn(follow(Arc::clone(&node))),
                        tokio::spawn(keep_replaying(Arc::clone(&node))),
                    ];
                    return Ok(Process {
                        node,
                        store,
                        tasks,
                        shown: Shown::default(),
                        compared: BTreeMap::new(),
                    });
                }
                Err(fault) if store.is_dead() => {
                    self.note(format!("a node dies while it starts: {fault}"));
                    self.tally.crashes += 1;
                }
                Err(fault) => return Err(format!("a node does not start: {fault}")),
            }
        }
        Err("no node starts".to_owned())
    }
}
