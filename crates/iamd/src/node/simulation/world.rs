//! One run: nodes on a store that fails, clients that send commands, and what must hold after each
//! step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use iamd_core::account_id::AccountId;
use iamd_core::quota::Quotas;
use iamd_core::unique_id::{AccessKeyId, IdPrefix};
use iamd_simulate::random::Random;
use iamd_store::{Memory, Revision, Store};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::Tally;
use super::client::{self, Credential, Findings, Heard};
use super::command::{self, After, Command, Effect};
use super::faults::{FaultyStore, Odds};
use super::picture::{self, Picture};
use crate::clock::Clock;
use crate::keys::{MasterKey, SealingKey};
use crate::node::load::{self, Loaded};
use crate::node::{Failure, Node, Snapshot, follow};

/// When runs begin: 2026-01-31T12:00:00Z.
const BEGINNING: i64 = 1_769_860_800;
/// Longer than whatever the weather brings: a command that takes more hangs.
const PATIENCE: Duration = Duration::from_secs(4 * 60 * 60);

/// A process.
struct Process {
    node: Arc<Node>,
    store: Arc<FaultyStore>,
    follower: JoinHandle<()>,
    shown: Shown,
}

/// The revisions that a process has shown, to look at it again and again.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<BTreeMap<AccountId, Revision>>>);

impl Shown {
    /// What has gone back since somebody looked.
    fn look(&self, node: &Node) -> Result<(), String> {
        let snapshot = node.snapshot();
        let accounts = (1..=picture::ACCOUNTS_MAX).filter_map(picture::account);
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in accounts.chain([AccountId::DIRECTORY, AccountId::KEYS]) {
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
        self.follower.abort();
    }
}

/// What became of a command, as its client knows.
#[derive(Clone, Debug)]
enum Fate {
    Acknowledged(Option<Revision>, Value),
    Refused(String),
    /// An error, or no answer at all: it may have happened.
    Unknown(String),
}

/// A command, where it went, and its end.
struct Sent {
    command: Command,
    fate: Fate,
}

/// The world of one seed.
pub(super) struct World {
    random: Random,
    durable: Arc<Memory>,
    master: Arc<SealingKey>,
    quotas: Quotas,
    began: Instant,
    processes: Vec<Process>,
    /// Stores of processes that have died, whose calls may still be under way.
    graveyard: Vec<Arc<FaultyStore>>,
    accounts: Vec<AccountId>,
    credentials: Vec<(AccountId, Credential)>,
    /// What must be there: the last state that was checked, with what was acknowledged since.
    expected: Picture,
    revisions: BTreeMap<AccountId, Revision>,
    portraits: BTreeMap<(AccountId, Revision), Vec<String>>,
    /// What is durable, if nothing has been sent since it was read.
    rebuilt: Option<Snapshot>,
    findings: Findings,
    pub(super) trace: Vec<String>,
    pub(super) tally: Tally,
}

impl World {
    pub(super) async fn new(seed: u64) -> Result<World, String> {
        let mut random = Random::new(seed);
        let durable = Arc::new(Memory::with_change_log(random.pick(&[4, 64, 4_096])));
        let master = MasterKey::fresh().and_then(|key| key.sealing());
        let quotas = Quotas {
            users: 4,
            groups: 2,
            roles: 2,
            policies: 2,
            attached_policies_per_user: 2,
            attached_policies_per_role: 1,
            attached_policies_per_group: 1,
            ..Quotas::default()
        };
        let processes = 1 + random.below(2);
        let mut world = World {
            random,
            durable,
            master: Arc::new(master.map_err(|fault| fault.to_string())?),
            quotas,
            began: Instant::now(),
            processes: Vec::new(),
            graveyard: Vec::new(),
            accounts: Vec::new(),
            credentials: Vec::new(),
            expected: Picture::new(),
            revisions: BTreeMap::new(),
            portraits: BTreeMap::new(),
            rebuilt: None,
            findings: Findings::default(),
            trace: Vec::new(),
            tally: Tally::default(),
        };
        for _ in 0..processes {
            let process = world.start().await?;
            world.processes.push(process);
        }
        // Without an account there is nobody to ask anything.
        while world.accounts.is_empty() {
            world.found(0).await?;
            world.check().await?;
        }
        if let Some(account) = world.accounts.first().copied() {
            let World { random, accounts, expected, .. } = &mut world;
            let beginnings = command::beginnings(random, account, accounts, expected);
            world.send_all(beginnings).await?;
            world.check().await?;
        }
        Ok(world)
    }

    /// One step, and what must hold after it.
    pub(super) async fn step(&mut self) -> Result<(), String> {
        self.change_weather();
        match self.random.below(20) {
            0 => {
                let process = self.random.below(self.processes.len());
                self.found(process).await?;
            }
            1 => {
                let account = self.random.pick(&self.accounts);
                let rename = command::rename_user(&mut self.random, account, &self.expected);
                self.send_all(vec![rename]).await?;
            }
            _ => {
                let mut commands = self.random.many(1, 6, |random| {
                    let account = random.pick(&self.accounts);
                    command::draw(random, account, &self.accounts, &self.expected)
                });
                // Each takes the place of another alias: of two, the model would not know which.
                let mut aliases = 0;
                commands.retain(|command| {
                    aliases += usize::from(command.operation.ends_with("AccountAlias"));
                    aliases < 2 || !command.operation.ends_with("AccountAlias")
                });
                self.send_all(commands).await?;
            }
        }
        self.check().await
    }

    /// Everything works again; what was left out is found, and all agree.
    pub(super) async fn finish(&mut self) -> Result<(), String> {
        self.processes.iter().for_each(|process| process.store.heal());
        if self.random.percent(10) {
            // By itself, some time.
            sleep(Duration::from_secs(65 * 60)).await;
        } else {
            for process in &self.processes {
                process.node.reconcile().await.map_err(|fault| fault.to_string())?;
                process.node.catch_up().await.map_err(|fault| fault.to_string())?;
            }
        }
        self.settle().await?;
        self.check().await?;
        self.write_everywhere().await?;
        for process in &self.processes {
            let snapshot = process.node.snapshot();
            let behind =
                self.revisions.iter().find(|(id, newest)| snapshot.revision(**id) != **newest);
            if let Some((account, newest)) = behind {
                let at = snapshot.revision(*account);
                return Err(format!("account {account} stays at {at}; the store is at {newest}"));
            }
            if process.node.snapshot_age() > Duration::from_secs(5) {
                return Err("a node does not hear of the store any more".to_owned());
            }
        }
        Ok(())
    }

    /// Every node takes writes again, and they reach the others.
    async fn write_everywhere(&mut self) -> Result<(), String> {
        let writes = self.accounts.iter().copied().map(command::unseen_write);
        for command in writes.collect::<Vec<_>>() {
            for place in 0..self.processes.len() {
                let (node, command) = (Arc::clone(&self.processes[place].node), command.clone());
                let administrator = self.credentials.iter().find(|(of, _)| *of == command.account);
                let credential = administrator.ok_or("no administrator")?.1.clone();
                let heard = client::send(node, command, credential, self.findings.clone());
                if let Err(failure) = heard.await {
                    return Err(format!("node {place} takes no writes any more: {failure:?}"));
                }
                sleep(Duration::from_secs(2)).await;
            }
        }
        self.rebuilt = None;
        self.check().await
    }

    fn note(&mut self, line: String) {
        let time = self.began.elapsed().as_millis();
        self.trace.push(format!("{time:>10} {line}"));
    }

    /// What goes wrong from now on, at each process for itself.
    fn change_weather(&mut self) {
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

    /// Founds one more account, if there may be one.
    async fn found(&mut self, place: usize) -> Result<(), String> {
        let number = self.accounts.len() as u64 + 1;
        if number > picture::ACCOUNTS_MAX {
            return Ok(());
        }
        let account = picture::account(number).ok_or("no account number")?;
        let key = AccessKeyId::from_entropy(IdPrefix::LongTermKey, account, u128::from(number));
        let node = Arc::clone(&self.processes[place].node);
        let heard = tokio::spawn(client::found(node, account, key.clone()));
        let heard = self.waited_for(heard).await?;
        let email = client::root_email(account);
        let is = |key: String, value: String| Effect { key, after: After::Is(Some(value)) };
        let effects = vec![
            is(format!("{account}/account"), email.clone()),
            is(format!("email/{email}"), account.to_string()),
            is(format!("{account}/user/admin"), "0 tags".to_owned()),
            is(
                format!(
                    "{account}/attached-user/admin/arn:aws:iam::aws:policy|AdministratorAccess"
                ),
                String::new(),
            ),
            is(format!("{account}/keys/admin"), format!("{key}:Active")),
        ];
        let command = Command {
            account,
            service: iamd_wire::Service::Iam,
            operation: "(found)",
            body: String::new(),
            effects,
        };
        let sent = self.noted(place, command, heard);
        self.settle().await?;
        // Whether or not somebody heard of it.
        let durable = self.rebuilt().await?;
        if durable.state.account(account).is_some() {
            self.accounts.push(account);
            self.credentials.push((account, Credential::Key(key)));
        }
        self.expect(&[sent], durable)
    }

    /// Sends commands at one time, each to one of the nodes, and waits for all of them.
    async fn send_all(&mut self, commands: Vec<Command>) -> Result<(), String> {
        let mut under_way = Vec::new();
        let alone = touched_once(&commands);
        for command in commands {
            let place = self.random.below(self.processes.len());
            let credential = self.credential_of(command.account);
            let start = Duration::from_millis(self.random.pick(&[0, 0, 0, 1, 40]));
            let patience = self.random.percent(10).then(|| self.random.below(300) as u64);
            let node = Arc::clone(&self.processes[place].node);
            let (findings, sent) = (self.findings.clone(), command.clone());
            let check = Visible {
                effects: command
                    .effects
                    .iter()
                    .filter(|it| alone.contains(&it.key))
                    .cloned()
                    .collect(),
                before: self.expected.clone(),
                shown: self.processes[place].shown.clone(),
                findings: self.findings.clone(),
            };
            let task = tokio::spawn(async move {
                sleep(start).await;
                let answer = client::send(Arc::clone(&node), sent.clone(), credential, findings);
                match patience {
                    None => {
                        let heard = answer.await;
                        check.after(&node, &sent, &heard);
                        heard
                    }
                    // The client goes away; the command does not.
                    Some(millis) => match timeout(Duration::from_millis(millis), answer).await {
                        Ok(heard) => heard,
                        Err(_) => {
                            Err(crate::fault::Fault::Unavailable("nobody waited".into()).into())
                        }
                    },
                }
            });
            under_way.push((place, command, task));
        }
        let mut sent = Vec::new();
        for (place, command, task) in under_way {
            let heard = self.waited_for(task).await?;
            sent.push(self.noted(place, command, heard));
        }
        self.settle().await?;
        let durable = self.rebuilt().await?;
        self.expect(&sent, durable)
    }

    async fn waited_for(&mut self, task: JoinHandle<Heard>) -> Result<Heard, String> {
        match timeout(PATIENCE, task).await {
            Ok(Ok(heard)) => Ok(heard),
            Ok(Err(panic)) => Err(format!("a command panicked: {panic}")),
            Err(_) => Err("a command hangs".to_owned()),
        }
    }

    fn credential_of(&mut self, account: AccountId) -> Credential {
        let of_account = self.credentials.iter().filter(|(owner, _)| *owner == account);
        let all: Vec<&Credential> = of_account.map(|(_, credential)| credential).collect();
        // The administrator came first, and does most of the work.
        let place = if self.random.percent(70) { 0 } else { self.random.below(all.len()) };
        all[place].clone()
    }

    /// Writes down what a client heard, and keeps credentials that it got.
    fn noted(&mut self, place: usize, command: Command, heard: Heard) -> Sent {
        let fate = match heard {
            Ok((answer, revision)) => Fate::Acknowledged(revision, answer),
            Err(Failure::Refused(refusal)) => Fate::Refused(refusal.code.code().to_owned()),
            Err(Failure::Fault(fault)) => Fate::Unknown(fault.to_string()),
        };
        let (word, count) = match &fate {
            Fate::Acknowledged(Some(revision), _) => {
                (format!("done at {revision}"), &mut self.tally.acknowledged)
            }
            Fate::Acknowledged(None, _) => ("answered".to_owned(), &mut self.tally.answered),
            Fate::Refused(code) => (code.clone(), &mut self.tally.refused),
            Fate::Unknown(fault) => (fault.clone(), &mut self.tally.unknown),
        };
        *count += 1;
        if let Fate::Acknowledged(_, answer) = &fate {
            self.keep_credentials(command.account, answer);
        }
        let Command { account, operation, .. } = &command;
        let about = command.effects.first().map_or("", |effect| effect.key.as_str());
        self.note(format!("node {place}: {account} {operation} {about}: {word}"));
        Sent { command, fate }
    }

    fn keep_credentials(&mut self, account: AccountId, answer: &Value) {
        if let Some(id) = answer["AccessKey"]["AccessKeyId"].as_str() {
            self.credentials.push((account, Credential::Key(id.parse().unwrap())));
        }
        let Some(token) = answer["Credentials"]["SessionToken"].as_str() else { return };
        let id = answer["Credentials"]["AccessKeyId"].as_str().unwrap().parse().unwrap();
        let arn = answer["AssumedRoleUser"]["Arn"].as_str().unwrap();
        let owner = arn.split(':').nth(4).unwrap().parse().unwrap();
        self.credentials.push((owner, Credential::Session { id, token: token.to_owned() }));
        self.tally.sessions += 1;
    }

    /// Waits until nothing is under way any more, and puts processes in the place of dead ones.
    async fn settle(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            sleep(Duration::from_millis(50)).await;
            self.processes.iter().try_for_each(|process| process.shown.look(&process.node))?;
            let stores = self.processes.iter().map(|process| &process.store);
            let is_busy = stores.chain(&self.graveyard).any(|store| store.is_busy());
            if !is_busy {
                break;
            }
            if Instant::now() > deadline {
                return Err("the store is busy for ever".to_owned());
            }
        }
        for place in 0..self.processes.len() {
            for event in self.processes[place].store.take_events() {
                self.note(format!("node {place}: {event}"));
                self.tally.events += 1;
            }
            if self.processes[place].store.is_dead() {
                self.tally.crashes += 1;
                self.graveyard.push(Arc::clone(&self.processes[place].store));
                self.processes[place] = self.start().await?;
                self.note(format!("node {place} starts again"));
            }
        }
        Ok(())
    }

    /// A process on what is durable; it may die while it starts, and is then started again.
    async fn start(&mut self) -> Result<Process, String> {
        for attempt in 0..5 {
            let seed = self.random.number();
            let store = Arc::new(FaultyStore::new(Arc::clone(&self.durable), seed));
            if attempt < 3 && self.random.percent(20) {
                store.crash_in(self.random.below(6));
            }
            let clock = Clock::of_timers((self.began, BEGINNING));
            let seen: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
            let master = Arc::clone(&self.master);
            let opened = Node::open_with_clock(seen, master, self.quotas.clone(), clock).await;
            match opened {
                Ok(node) => {
                    let follower = tokio::spawn(follow(Arc::clone(&node)));
                    return Ok(Process { node, store, follower, shown: Shown::default() });
                }
                Err(fault) if store.is_dead() => {
                    self.note(format!("a node dies while it starts: {fault}"));
                    self.tally.crashes += 1;
                    self.graveyard.push(store);
                }
                Err(fault) => return Err(format!("a node does not start: {fault}")),
            }
        }
        Err("no node starts".to_owned())
    }

    /// What a node that starts now would know.
    async fn rebuilt(&self) -> Result<Snapshot, String> {
        let loaded = load::everything(&*self.durable, &self.master, BEGINNING).await;
        loaded
            .map(|Loaded { snapshot, .. }| snapshot)
            .map_err(|fault| format!("what is durable does not open: {fault}"))
    }

    /// Compares what is durable with what must be there after these commands.
    fn expect(&mut self, sent: &[Sent], durable: Snapshot) -> Result<(), String> {
        let commands: Vec<Command> = sent.iter().map(|sent| sent.command.clone()).collect();
        let alone = touched_once(&commands);
        let now = picture::picture(&durable.state);
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
    async fn check(&mut self) -> Result<(), String> {
        let durable = match self.rebuilt.take() {
            Some(rebuilt) => rebuilt,
            None => self.rebuilt().await?,
        };
        if let Some(finding) = self.findings.take().into_iter().next() {
            return Err(finding);
        }
        if picture::picture(&durable.state) != self.expected {
            return Err("the store has changed with nobody asking".to_owned());
        }
        if let Some(excess) = picture::excess(&durable.state, &self.quotas) {
            return Err(excess);
        }
        if let Some(disagreement) = picture::disagreement(&durable.state) {
            return Err(disagreement);
        }
        let mut accounts = self.accounts.clone();
        accounts.extend([AccountId::DIRECTORY, AccountId::KEYS]);
        for id in accounts {
            let revision = durable.revision(id);
            if self.revisions.insert(id, revision).is_some_and(|before| before > revision) {
                return Err(format!("account {id} has gone back to {revision}"));
            }
            let portrait = picture::portrait(&durable.state, id);
            self.portraits.insert((id, revision), portrait);
        }
        for place in 0..self.processes.len() {
            self.check_node(place, &durable).map_err(|what| format!("node {place}: {what}"))?;
        }
        self.tally.steps += 1;
        Ok(())
    }

    fn check_node(&mut self, place: usize, durable: &Snapshot) -> Result<(), String> {
        let process = &self.processes[place];
        process.shown.look(&process.node)?;
        let snapshot = process.node.snapshot();
        let mut is_current = true;
        for (id, newest) in &self.revisions {
            let revision = snapshot.revision(*id);
            if revision > *newest {
                return Err(format!("account {id} is at {revision}, the store at {newest}"));
            }
            is_current &= revision == *newest;
            let Some(rebuilt) = self.portraits.get(&(*id, revision)) else { continue };
            let held = picture::portrait(&snapshot.state, *id);
            if held != *rebuilt {
                let differs = |line: &&String| !rebuilt.contains(line);
                return Err(format!(
                    "account {id} at {revision} is not what the store has: {:?}",
                    held.iter().find(differs)
                ));
            }
        }
        if is_current {
            process.store.forget_lies();
            if picture::picture(&snapshot.state) != picture::picture(&durable.state) {
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
        Ok(())
    }
}

/// What the node that has acknowledged must show at once.
struct Visible {
    effects: Vec<Effect>,
    before: Picture,
    shown: Shown,
    findings: Findings,
}

impl Visible {
    fn after(&self, node: &Node, command: &Command, heard: &Heard) {
        if let Err(finding) = self.shown.look(node) {
            self.findings.add(finding);
        }
        let Ok((_, Some(revision))) = heard else { return };
        let snapshot = node.snapshot();
        if snapshot.revision(command.account) < *revision {
            let operation = command.operation;
            self.findings.add(format!("{operation} was answered before it was visible"));
        }
        let now = picture::picture(&snapshot.state);
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
fn touched_once(commands: &[Command]) -> BTreeSet<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for effect in commands.iter().flat_map(|command| &command.effects) {
        *counts.entry(&effect.key).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count == 1).map(|(key, _)| key.to_owned()).collect()
}
