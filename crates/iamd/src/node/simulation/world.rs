//! One run: nodes on a store that fails, clients that send commands, and what must hold after each
//! step.

mod checks;
mod copies;
mod errand;
mod keys;
mod process;
mod revocations;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use iamd_core::account_id::AccountId;
use iamd_core::quota::Quotas;
use iamd_core::session::Session;
use iamd_core::state::State;
use iamd_core::unique_id::{AccessKeyId, IdPrefix};
use iamd_simulate::random::Random;
use iamd_store::{Memory, Revision, Row};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::Tally;
use super::client::{self, Credential, Findings, Heard};
use super::command::{self, Command};
use super::effect::{After, Effect};
use super::picture::{self, Picture, RevokedKeys};
use crate::fault::Fault;
use crate::keys::{MasterKey, SealingKey};
use crate::node::{Failure, Node, Snapshot};
use checks::{Visible, touched_once};
use copies::Copy;
use errand::{Errand, Work};
use process::Process;
use revocations::Known;

/// When runs begin: 2026-01-31T12:00:00Z.
const BEGINNING: i64 = 1_769_860_800;
/// Longer than whatever the weather brings: a command that takes more hangs.
const PATIENCE: Duration = Duration::from_secs(4 * 60 * 60);

/// Most sessions of earlier lives that are tried.
const ENDED_SESSIONS_MAX: usize = 8;
/// By how much all clocks go on when time passes: more than old data keys stay; than a session ring
/// key seals; than it stays.
const PASSES: [i64; 3] = [3_700, 90_000, 140_000];

/// A data folder. Thousands of runs need no disk where there is a place in memory.
fn folder() -> Result<TempDir, String> {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.map_err(|error| format!("no data folder can be made: {error}"))
}

/// What an account was like at a revision.
struct Portrait {
    lines: Vec<String>,
    state: State,
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
    /// Others that may be in its place by now.
    new_masters: Vec<Arc<SealingKey>>,
    quotas: Quotas,
    began: Instant,
    /// By how many seconds all clocks were set forward.
    passed: i64,
    /// The data folders, one for each process.
    folders: Vec<TempDir>,
    processes: Vec<Process>,
    /// Nodes of processes that have died, whose commands may still be under way.
    graveyard: Vec<Weak<Node>>,
    accounts: Vec<AccountId>,
    credentials: Vec<(AccountId, Credential)>,
    /// What must be there: the last state that was checked, with what was acknowledged since.
    expected: Picture,
    revisions: BTreeMap<AccountId, Revision>,
    portraits: BTreeMap<(AccountId, Revision), Portrait>,
    /// What temporary credentials stand for.
    sessions: BTreeMap<AccessKeyId, Arc<Session>>,
    /// Those of earlier lives of the store, with their tokens.
    ended_sessions: Vec<(AccessKeyId, String)>,
    revoked_keys: RevokedKeys,
    revocations: Vec<Known>,
    old_rows: VecDeque<(iamd_store::AccountId, Row)>,
    copy: Option<Copy>,
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
            new_masters: Vec::new(),
            quotas,
            passed: 0,
            folders: Vec::new(),
            began: Instant::now(),
            processes: Vec::new(),
            graveyard: Vec::new(),
            accounts: Vec::new(),
            credentials: Vec::new(),
            expected: Picture::new(),
            revisions: BTreeMap::new(),
            portraits: BTreeMap::new(),
            sessions: BTreeMap::new(),
            ended_sessions: Vec::new(),
            revoked_keys: RevokedKeys::new(),
            revocations: Vec::new(),
            old_rows: VecDeque::new(),
            copy: None,
            rebuilt: None,
            findings: Findings::default(),
            trace: Vec::new(),
            tally: Tally::default(),
        };
        for place in 0..processes {
            world.folders.push(folder()?);
            let process = world.start(place).await?;
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
            world.send_all(beginnings, None).await?;
            world.check().await?;
        }
        Ok(world)
    }

    /// One step, and what must hold after it.
    pub(super) async fn step(&mut self) -> Result<(), String> {
        self.change_weather();
        match self.random.below(22) {
            0 => {
                let process = self.random.below(self.processes.len());
                self.found(process).await?;
            }
            1 => {
                let account = self.random.pick(&self.accounts);
                let rename = command::rename_user(&mut self.random, account, &self.expected);
                self.send_all(vec![rename], None).await?;
            }
            2 => self.pass(),
            3 => self.restore().await?,
            _ => {
                let errand = self.errand();
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
                // Nobody can foretell whether it comes before what waits for the store.
                commands.retain(|command| {
                    let is_revoked = |id: &String| command.body.contains(id.as_str());
                    command.operation != "UpdateAccessKey"
                        || !self.revoked_keys.iter().any(is_revoked)
                });
                let is_backup = errand.as_ref().is_some_and(|it| matches!(it.work, Work::Backup));
                if is_backup && self.random.percent(50) {
                    commands.clear();
                }
                self.send_all(commands, errand).await?;
            }
        }
        self.check().await?;
        if self.random.percent(20) {
            self.keep_row().await?;
        }
        if self.random.percent(10) {
            self.put_row_back().await?;
        }
        Ok(())
    }

    /// Time passes, and nobody asks for anything; not so much that a node would not know for a day
    /// that there is another key.
    fn pass(&mut self) {
        let newest = self.revisions.get(&AccountId::KEYS);
        let knows =
            |process: &Process| newest == Some(&process.node.snapshot().revision(AccountId::KEYS));
        if !self.processes.iter().all(knows) {
            return;
        }
        let seconds = self.random.pick(&PASSES);
        self.passed += seconds;
        for process in &self.processes {
            process.node.clock().advance(seconds);
        }
        self.note(format!("{seconds} s pass"));
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
        self.check_all_stored()?;
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
                let findings = self.findings.on(place);
                let heard = client::send(node, command, credential, findings);
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

    /// Sends commands at one time, each to one of the nodes, with an errand beside them, and waits for
    /// all of them.
    async fn send_all(
        &mut self,
        commands: Vec<Command>,
        errand: Option<Errand>,
    ) -> Result<(), String> {
        let errand = errand.map(|errand| self.begun(errand, commands.is_empty()));
        let mut under_way = Vec::new();
        let alone = touched_once(&commands);
        for command in commands {
            let place = self.random.below(self.processes.len());
            let credential = self.credential_of(command.account);
            let start = Duration::from_millis(self.random.pick(&[0, 0, 0, 1, 40]));
            let patience = self.random.percent(10).then(|| self.random.below(300) as u64);
            let node = Arc::clone(&self.processes[place].node);
            let (findings, sent) = (self.findings.on(place), command.clone());
            let check = Visible {
                effects: command
                    .effects
                    .iter()
                    .filter(|it| alone.contains(&it.key))
                    .cloned()
                    .collect(),
                before: self.expected.clone(),
                revoked_keys: self.revoked_keys.clone(),
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
                        Err(_) => Err(Fault::Unavailable("nobody waited".into()).into()),
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
        let sealed = match errand {
            Some(under_way) => self.ended(under_way).await?,
            None => None,
        };
        self.settle().await?;
        if let Some(version) = sealed {
            self.check_sealed(version).await?;
        }
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
            self.keep_credentials(place, command.account, answer);
        }
        let Command { account, operation, .. } = &command;
        let about = command.effects.first().map_or("", |effect| effect.key.as_str());
        self.note(format!("node {place}: {account} {operation} {about}: {word}"));
        Sent { command, fate }
    }

    fn keep_credentials(&mut self, place: usize, account: AccountId, answer: &Value) {
        if let Some(id) = answer["AccessKey"]["AccessKeyId"].as_str() {
            self.credentials.push((account, Credential::Key(id.parse().unwrap())));
        }
        let Some(token) = answer["Credentials"]["SessionToken"].as_str() else { return };
        let id: AccessKeyId =
            answer["Credentials"]["AccessKeyId"].as_str().unwrap().parse().unwrap();
        let snapshot = self.processes[place].node.snapshot();
        let Ok(opened) = snapshot.keys.sessions.open(token, &id) else {
            self.findings.add(format!("node {place} does not know the session {id} of its own"));
            return;
        };
        let session = Arc::new(opened.session);
        let credential = Credential::Session {
            id: id.clone(),
            token: token.to_owned(),
            expires: session.expires,
            keys: snapshot.revision(AccountId::KEYS),
        };
        self.credentials.push((session.account, credential));
        self.sessions.insert(id, session);
        self.tally.sessions += 1;
    }
}
