//! One queue per account: commands are planned each on its predecessor's outcome, and committed
//! together.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use iamd_core::account_id::AccountId;
use iamd_core::audit::{Event, Outcome};
use iamd_core::state::{AccountChanges, Change, EntityKey};
use iamd_store::{AccountCommit, CommitError, Revision, Row, RowKey};
use iamd_wire::shown::Shown;
use tokio::sync::oneshot;

use super::load::store_fault;
use super::snapshot::Snapshot;
use super::{Done, Drafted, Failure, Node, Plan, Published};
use crate::audit::{Note, Recorded, recorded};
use crate::fault::Fault;
use crate::keys::{Entry, Keyring, LogHead, Step};

/// Most commands in one batch, so that the first of them does not wait for ever more.
const BATCH_COMMANDS_MAX: usize = 512;
/// Most commands that may wait in one queue, or for the directory; more are refused at once.
pub(super) const QUEUE_COMMANDS_MAX: usize = 16_384;
/// How often a batch is planned again after another node was faster.
const RACES_MAX: usize = 16;

/// The commands that wait for one account.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// Held by whoever plans and commits for this account.
    turn: tokio::sync::Mutex<()>,
}

impl Queue {
    /// Waits until nobody plans or commits for this account, and keeps others from it.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// How many commands wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).commands.len()
    }
}

#[derive(Default)]
struct Waiting {
    commands: VecDeque<Box<dyn Command>>,
    /// Whether a task is draining the queue.
    drained: bool,
}

/// A command whose type of answer is known no longer.
trait Command: Send {
    /// Plans on a state; keeps the answer.
    fn plan(&mut self, snapshot: &Snapshot, node: &Node) -> Result<Vec<AccountChanges>, Failure>;
    /// The record of the command that was just planned.
    fn record(&mut self, account: AccountId, node: &Node) -> Result<Recorded, Fault>;
    /// Answers: with what was planned, or with the fault of the whole batch.
    fn answer(
        self: Box<Self>,
        node: &Arc<Node>,
        account: AccountId,
        outcome: Result<Revision, Failure>,
    );
}

struct Waiter<T> {
    event: Event,
    plan: Plan<T>,
    /// What the record shows of a success.
    elements: Option<Shown>,
    planned: Option<Result<T, Failure>>,
    answer: oneshot::Sender<Result<Done<T>, Failure>>,
}

impl<T: Send> Waiter<T> {
    fn new(
        event: Event,
        plan: Plan<T>,
        answer: oneshot::Sender<Result<Done<T>, Failure>>,
    ) -> Waiter<T> {
        Waiter { event, plan, elements: None, planned: None, answer }
    }
}

impl<T: Send + 'static> Command for Waiter<T> {
    fn plan(&mut self, snapshot: &Snapshot, node: &Node) -> Result<Vec<AccountChanges>, Failure> {
        match (self.plan)(snapshot, node) {
            Ok(Drafted { changes, answer, elements }) => {
                self.planned = Some(Ok(answer));
                self.elements = elements;
                Ok(changes)
            }
            Err(failure) => {
                self.planned = Some(Err(failure.clone()));
                Err(failure)
            }
        }
    }

    fn record(&mut self, account: AccountId, node: &Node) -> Result<Recorded, Fault> {
        let outcome = Outcome::Done(self.elements.take());
        recorded(&self.event, &outcome, account, node.clock().now())
    }

    fn answer(
        self: Box<Self>,
        node: &Arc<Node>,
        account: AccountId,
        outcome: Result<Revision, Failure>,
    ) {
        let answer = match (outcome, self.planned) {
            (Err(failure), _) => Err(failure),
            (Ok(revision), Some(Ok(answer))) => Ok(Done { answer, revision }),
            (Ok(_), Some(Err(failure))) => Err(failure),
            (Ok(_), None) => Err(Fault::Bug("a command was not planned".to_owned()).into()),
        };
        note_failure(node, account, self.event, self.answer, answer);
    }
}

/// Answers a command; one that failed is noted before.
fn note_failure<T: Send + 'static>(
    node: &Arc<Node>,
    account: AccountId,
    event: Event,
    asked: oneshot::Sender<Result<Done<T>, Failure>>,
    answer: Result<Done<T>, Failure>,
) {
    let failure = match &answer {
        Err(failure) if node.audit().takes_notes() => failure,
        // Who asked may have gone away; what was committed stays.
        Err(_) | Ok(_) => return drop(asked.send(answer)),
    };
    let (outcome, time) = (failure.outcome(), node.clock().now());
    match node.audit().note(&Note { event: &event, outcome: &outcome, account, time }) {
        Ok(()) => drop(asked.send(answer)),
        Err(record) => {
            // The others of the batch do not wait for the place in the trail.
            let node = Arc::clone(node);
            tokio::spawn(async move {
                let noted = node.audit().wait(record).await;
                drop(asked.send(noted.map_err(Failure::from).and(answer)));
            });
        }
    }
}

pub(super) async fn write<T: Send + 'static>(
    node: &Arc<Node>,
    account: AccountId,
    event: Event,
    plan: Plan<T>,
) -> Result<Done<T>, Failure> {
    let (answer, answered) = oneshot::channel();
    let queue = node.queue(account);
    let must_drain = {
        let mut waiting = queue.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.commands.len() >= QUEUE_COMMANDS_MAX {
            return Err(too_many());
        }
        waiting.commands.push_back(Box::new(Waiter::new(event, plan, answer)));
        !std::mem::replace(&mut waiting.drained, true)
    };
    if must_drain {
        // A task of its own: a client that goes away does not take the batch with it.
        tokio::spawn(drain(Arc::clone(node), account, queue));
    }
    answered.await.map_err(|_| lost())?
}

/// A command on two accounts takes both turns, in ascending order of the account numbers.
pub(super) async fn write_directory<T: Send + 'static>(
    node: &Arc<Node>,
    account: AccountId,
    event: Event,
    plan: Plan<T>,
) -> Result<Done<T>, Failure> {
    let (answer, answered) = oneshot::channel();
    let node = Arc::clone(node);
    let place = Arc::clone(&node.directory_places).try_acquire_owned().map_err(|_| too_many())?;
    tokio::spawn(async move {
        let (first, second) = (node.queue(account), node.queue(AccountId::DIRECTORY));
        let _first = first.turn.lock().await;
        let _second = second.turn.lock().await;
        drop(place);
        let commands: Vec<Box<dyn Command>> = vec![Box::new(Waiter::new(event, plan, answer))];
        run(&node, account, commands).await;
    });
    answered.await.map_err(|_| lost())?
}

/// Gives the queue back when the task that drains it ends before it is empty, which only a bug
/// makes it do: who waits gets an error, and the next command starts a new task.
struct Drainer(Arc<Queue>);

impl Drop for Drainer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.commands.clear();
            waiting.drained = false;
        }
    }
}

async fn drain(node: Arc<Node>, account: AccountId, queue: Arc<Queue>) {
    let drainer = Drainer(queue);
    let queue = &drainer.0;
    loop {
        let _turn = queue.turn.lock().await;
        let batch: Vec<Box<dyn Command>> = {
            let mut waiting = queue.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let count = waiting.commands.len().min(BATCH_COMMANDS_MAX);
            if count == 0 {
                waiting.drained = false;
                return;
            }
            waiting.commands.drain(..count).collect()
        };
        run(&node, account, batch).await;
    }
}

/// Plans a batch, commits it, publishes it, answers it; plans again when another node was faster.
async fn run(node: &Arc<Node>, account: AccountId, mut batch: Vec<Box<dyn Command>>) {
    for _ in 0..RACES_MAX {
        let outcome = attempt(node, account, &mut batch).await;
        let outcome = match outcome {
            Ok(revision) => Ok(revision),
            Err(Attempt::LostRace(winner)) => match node.catch_up_with(winner).await {
                Ok(()) => continue,
                Err(fault) => Err(Failure::Fault(fault)),
            },
            Err(Attempt::Failed(fault)) => Err(Failure::Fault(fault)),
        };
        batch.into_iter().for_each(|command| command.answer(node, account, outcome.clone()));
        return;
    }
    let fault = Fault::Unavailable("other nodes write to this account all the time".to_owned());
    let outcome: Result<Revision, Failure> = Err(fault.into());
    batch.into_iter().for_each(|command| command.answer(node, account, outcome.clone()));
}

enum Attempt {
    /// Another node has written first: this account, up to this revision, if that is known.
    LostRace(Option<(iamd_store::AccountId, Revision)>),
    /// The store failed.
    Failed(Fault),
}

impl From<Fault> for Attempt {
    fn from(fault: Fault) -> Attempt {
        Attempt::Failed(fault)
    }
}

async fn attempt(
    node: &Arc<Node>,
    account: AccountId,
    batch: &mut [Box<dyn Command>],
) -> Result<Revision, Attempt> {
    let base = node.snapshot();
    let mut working = Snapshot::clone(&base);
    let mut all_changes = Vec::new();
    let mut records = Vec::new();
    for command in batch {
        // A refusal changes nothing; its answer waits for the commit like all others, because it
        // may rest on what its predecessors are about to write.
        if let Ok(changes) = command.plan(&working, node) {
            working = working.after(&changes, &[]);
            all_changes.extend(changes);
            if node.audit().is_on() {
                records.push(command.record(account, node)?);
            }
        }
    }
    if all_changes.is_empty() && records.is_empty() {
        return Ok(base.revision(account));
    }
    let first_record = node.ledgers.log(account).last.saturating_add(1);
    let batch = Batch { account, changes: &all_changes, records: &records };
    let Prepared { commits, steps } = prepared(node, &base, &batch)?;
    let committed = node.store().commit(commits).await.map_err(|error| match error {
        CommitError::Conflict { account, revision } => Attempt::LostRace(Some((account, revision))),
        CommitError::Store(error) => Attempt::Failed(store_fault(error)),
    })?;
    let known = |(account, revision): &(iamd_store::AccountId, Revision)| {
        Some((AccountId::from_stored(account.0)?, *revision))
    };
    let revisions: Vec<(AccountId, Revision)> =
        committed.revisions.iter().filter_map(known).collect();
    node.publish(Published {
        changes: &all_changes,
        revisions: &revisions,
        steps,
        cursor: committed.cursor,
    });
    node.audit().stored(account, first_record, records);
    let revision = revisions.iter().find(|(committed, _)| *committed == account);
    Ok(revision.map_or(base.revision(account), |(_, revision)| *revision))
}

/// What is committed, and what the ledgers take in then.
struct Prepared {
    commits: Vec<AccountCommit>,
    steps: Vec<(AccountId, Step)>,
}

/// What the commands of a batch come to.
struct Batch<'a> {
    /// The account whose queue it is, and whose log takes the records.
    account: AccountId,
    changes: &'a [AccountChanges],
    records: &'a [Recorded],
}

/// One commit per account, each row once, in its last form, sealed; with the records.
fn prepared(node: &Node, base: &Snapshot, batch: &Batch<'_>) -> Result<Prepared, Attempt> {
    let mut last: BTreeMap<AccountId, HashMap<EntityKey, &Change>> = BTreeMap::new();
    if !batch.records.is_empty() {
        last.entry(batch.account).or_default();
    }
    for of_account in batch.changes {
        let rows = last.entry(of_account.account).or_default();
        for change in &of_account.changes {
            let key = match change {
                Change::Put(entity) => entity.key(),
                Change::Remove(key) => key.clone(),
            };
            rows.insert(key, change);
        }
    }
    let mut prepared = Prepared { commits: Vec::new(), steps: Vec::new() };
    for (account, rows) in last {
        let expected = base.revision(account);
        let stored = iamd_store::AccountId(account.number());
        let mut commit = AccountCommit::new(stored, expected);
        let mut keys = Vec::with_capacity(rows.len());
        // In the same order every time.
        let mut rows: Vec<_> =
            rows.into_iter().map(|(key, change)| (key.to_record(), change)).collect();
        rows.sort_by(|(one, _), (other, _)| (one.kind, &one.id).cmp(&(other.kind, &other.id)));
        for (key, change) in rows {
            let row_key = RowKey::new(key.kind, key.id.as_str());
            match change {
                Change::Put(entity) => {
                    let sealed =
                        base.keys.seal(account, &key, expected.next(), entity.to_bytes())?;
                    commit.puts.push(Row::new(row_key, sealed));
                }
                Change::Remove(_) => commit.removes.push(row_key),
            }
            keys.push((key, matches!(change, Change::Remove(_))));
        }
        let entries = keys.iter().map(|(key, is_removed)| Entry { key, is_removed: *is_removed });
        let mut log = node.ledgers.log(account);
        if account == batch.account {
            commit.records = appended(&base.keys, account, &mut log, batch.records)?;
        }
        let step = node.ledgers.step(&base.keys, account, expected, entries, log)?;
        // The ledger moved on: this node has seen a commit that the snapshot has not.
        let mut step = step.ok_or(Attempt::LostRace(None))?;
        commit.seal = std::mem::take(&mut step.seal);
        prepared.commits.push(commit);
        prepared.steps.push((account, step));
    }
    Ok(prepared)
}

/// The records as they are stored, behind those that are there.
fn appended(
    keys: &Keyring,
    account: AccountId,
    log: &mut LogHead,
    records: &[Recorded],
) -> Result<Vec<Vec<u8>>, Fault> {
    let with = keys.sealing(account)?;
    records.iter().map(|record| log.append(with, account, &record.text)).collect()
}

fn too_many() -> Failure {
    Fault::Unavailable("too many writes are waiting".to_owned()).into()
}

/// The task that was to carry the command out is gone: a bug, or the end of the process.
fn lost() -> Failure {
    Fault::Unavailable("the command was dropped".to_owned()).into()
}
