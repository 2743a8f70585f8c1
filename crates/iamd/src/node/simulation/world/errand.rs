//! What operators and the node itself do beside the commands of clients.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use iamd_core::audit::Event;
use iamd_core::operator::{Operator, OrderedRevocation};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::client::Findings;
use super::copies::Copy;
use super::revocations::Known;
use super::{PATIENCE, World};
use crate::backup;
use crate::fault::Fault;
use crate::keys::SealingKey;
use crate::node::{Failure, Node};
use crate::operator::{self, Progress};

/// A day: how long a session ring key seals.
const PERIOD: i64 = 86_400;
const DELAY: i64 = 600;

/// Something that is done on a node.
pub(super) struct Errand {
    pub(super) place: usize,
    pub(super) work: Work,
}

pub(super) enum Work {
    Revoke {
        known: Known,
        is_stored_at_once: bool,
    },
    RotateData,
    RotateSession,
    ReplaceMaster(SealingKey),
    /// What a node does by itself; the ring only if the clocks agree.
    Tend {
        is_ring_tended: bool,
    },
    Backup,
}

/// What came of it.
pub(super) enum Done {
    Nothing,
    Revoked(Known),
    /// Everything is under this data key or a newer one.
    Sealed(u32),
    Backup(Vec<u8>, Arc<SealingKey>),
}

/// An errand that goes on.
pub(super) struct UnderWay {
    place: usize,
    name: &'static str,
    /// What a backup would be one of.
    copy: Copy,
    task: JoinHandle<Result<Done, Fault>>,
}

impl Work {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Work::Revoke { .. } => "(revoke)",
            Work::RotateData => "(rotate the data key)",
            Work::RotateSession => "(rotate the session key)",
            Work::ReplaceMaster(_) => "(replace the master key)",
            Work::Tend { .. } => "(tend)",
            Work::Backup => "(back up)",
        }
    }

    pub(super) async fn done(self, node: Arc<Node>, findings: Findings) -> Result<Done, Fault> {
        match self {
            Work::Revoke { known, is_stored_at_once } => {
                revoked(&node, known, is_stored_at_once, &findings).await
            }
            Work::RotateData => {
                let rotation = node.rotate_data_key(&deed(), &|_, _| {}).await?;
                Ok(Done::Sealed(rotation.version))
            }
            Work::RotateSession => node.rotate_session_key(&deed(), 0).await.map(|_| Done::Nothing),
            Work::ReplaceMaster(new) => {
                node.rotate_master_key(&deed(), new).await.map(|_| Done::Nothing)
            }
            Work::Tend { is_ring_tended } => tended(&node, is_ring_tended, &findings).await,
            Work::Backup => backed_up(&node).await,
        }
    }
}

fn deed() -> Event {
    Event::operator("RotateKey", &(), "a request of the simulation")
}

async fn revoked(
    node: &Arc<Node>,
    known: Known,
    is_stored_at_once: bool,
    findings: &Findings,
) -> Result<Done, Fault> {
    let ordered = OrderedRevocation {
        revocation: known.revocation.clone(),
        operator: Operator::Named("olga".into()),
    };
    let in_force = match node.revoke(ordered).await {
        Ok(in_force) => in_force,
        Err(Failure::Refused(_)) => return Ok(Done::Nothing),
        Err(Failure::Fault(fault)) => return Err(fault),
    };
    known.victims.iter().for_each(|id| findings.end(id));
    if let Some(fault) = in_force.not_journalled {
        findings.add(format!("a revocation is not journalled: {fault}"));
    }
    if is_stored_at_once {
        operator::replay(node).await;
    }
    Ok(Done::Revoked(known))
}

async fn tended(
    node: &Arc<Node>,
    is_ring_tended: bool,
    findings: &Findings,
) -> Result<Done, Fault> {
    node.renew_ring().await?;
    if is_ring_tended {
        findings.note_tended(node.clock().now());
        node.tend_ring(PERIOD, DELAY).await?;
    }
    node.finish_rotation().await?;
    // Records keep the keys that they are under.
    for (account, log) in node.logs() {
        node.forget_records(account, log.last.saturating_sub(1)).await?;
    }
    node.remove_data_keys().await?;
    node.forget_facts().await?;
    node.write_anchor().await?;
    Ok(Done::Nothing)
}

async fn backed_up(node: &Arc<Node>) -> Result<Done, Fault> {
    let (progress, _steps) = Progress::channel();
    let (master, bytes) = (node.master(), Kept::default());
    let nowhere = std::path::Path::new("/nonexistent");
    backup::copied(node, nowhere, &progress, Box::new(bytes.clone())).await?;
    let bytes = std::mem::take(&mut *bytes.0.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Done::Backup(bytes, master))
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl World {
    /// Begins an errand; beside it may be commands.
    pub(super) fn begun(&mut self, errand: Errand, is_alone: bool) -> UnderWay {
        let Errand { place, work } = errand;
        let is_stored = |known: &&Known| known.stored_at.is_some();
        let copy = Copy {
            bytes: Vec::new(),
            master: Arc::clone(&self.master),
            picture: is_alone.then(|| self.expected.clone()),
            revocations: self.revocations.iter().filter(is_stored).cloned().collect(),
        };
        let node = Arc::clone(&self.processes[place].node);
        let (name, findings) = (work.name(), self.findings.on(place));
        UnderWay { place, name, copy, task: tokio::spawn(work.done(node, findings)) }
    }

    /// Waits for an errand; gives the data key that everything is under by then, if that is known.
    pub(super) async fn ended(&mut self, under_way: UnderWay) -> Result<Option<u32>, String> {
        let UnderWay { place, name, copy, task } = under_way;
        let done = match timeout(PATIENCE, task).await {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => return Err(format!("{name} panicked: {panic}")),
            Err(_) => return Err(format!("{name} hangs")),
        };
        self.tally.errands += 1;
        let mut sealed = None;
        match done {
            Ok(Done::Nothing) => self.note(format!("node {place}: {name}: done")),
            Ok(Done::Revoked(known)) => {
                self.note(format!("node {place}: {name} {:?}: done", known.revocation.what));
                self.tally.revocations += 1;
                self.revocations.push(known);
            }
            Ok(Done::Sealed(version)) => {
                self.note(format!("node {place}: {name}: {version}"));
                self.tally.rotations += 1;
                sealed = Some(version);
            }
            Ok(Done::Backup(bytes, master)) => {
                self.note(format!("node {place}: {name}: {} bytes", bytes.len()));
                self.copy = Some(Copy { bytes, master, ..copy });
            }
            Err(fault @ (Fault::Damaged(_) | Fault::Bug(_))) => {
                return Err(format!("{name} on node {place}: {fault}"));
            }
            Err(fault) => {
                self.note(format!("node {place}: {name}: {fault}"));
                self.tally.unknown += 1;
            }
        }
        Ok(sealed)
    }

    /// Something to be done beside the commands; often nothing.
    pub(super) fn errand(&mut self) -> Option<Errand> {
        let place = self.random.below(self.processes.len());
        let work = match self.random.below(40) {
            0..=8 => return self.revocation(place),
            9..=11 => Work::RotateData,
            12 => Work::RotateSession,
            13 => Work::ReplaceMaster(self.new_master()?),
            14..=17 => Work::Tend { is_ring_tended: self.clocks_agree() },
            18..=20 => Work::Backup,
            _ => return None,
        };
        Some(Errand { place, work })
    }

    /// Within what the ring has room for.
    fn clocks_agree(&self) -> bool {
        let times = self.processes.iter().map(|process| process.node.clock().now().seconds());
        let (least, most) = times
            .fold((i64::MAX, i64::MIN), |(least, most), time| (least.min(time), most.max(time)));
        most.saturating_sub(least) <= 3_600
    }
}
