//! The copy of the state: loaded once, then followed for as long as the process runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_core::state::{AccountChanges, Change, Entity, EntityKey};
use iamd_store::Revision;
use iamd_wire::Secret;
use tokio::time::{Instant, sleep, timeout};

use super::{Leader, Unanswered};
use crate::entropy;
use crate::node::{News, Node};
use crate::operator::{
    AuditTerms, FollowAnswer, FollowWish, Line, Place, Portion, PortionOrder, Told,
};

/// How long the node may hold back an answer that nothing is new, in seconds. The age of the copy is
/// not less than that.
const PATIENCE_SECONDS: u32 = 5;
/// How much longer an answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Least time between two questions: a burst of changes is one answer.
const PAUSE: Duration = Duration::from_millis(10);
/// Least and most time before the node is asked again that did not answer.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How often a copy is begun again that was not finished, before it counts as not answered.
const BEGINNINGS_MAX: usize = 5;

/// How far the copy goes.
#[derive(Debug, Clone, Default)]
pub struct Copy {
    place: Option<Place>,
    keys_revision: u64,
    /// How records are kept until the node has them; none if it wants none.
    pub audit: Option<AuditTerms>,
}

/// Makes the first copy.
///
/// # Errors
/// [`Unanswered::Refused`]; a node that is away is asked until it answers.
pub async fn begin(node: &Node, leader: &Leader) -> Result<Copy, Unanswered> {
    let mut copy = Copy::default();
    let mut wait = BACKOFF.0;
    loop {
        match step(node, leader, &mut copy).await {
            Ok(_) => return Ok(copy),
            Err(Unanswered::Refused(reason)) => return Err(Unanswered::Refused(reason)),
            Err(Unanswered::Away(reason)) => {
                if wait == BACKOFF.0 {
                    tracing::warn!("the node does not answer, and is asked again: {reason}");
                }
                sleep(wait).await;
                wait = (wait * 2).min(BACKOFF.1);
            }
        }
    }
}

/// Follows the node for as long as the process runs. `forget` is called when what was known of
/// sessions may not be true any more.
pub async fn follow(
    node: Arc<Node>,
    leader: Arc<Leader>,
    mut copy: Copy,
    forget: impl Fn() + Send + Sync,
) {
    let mut wait = None;
    loop {
        match step(&node, &leader, &mut copy).await {
            Ok(Step { has_other_keys }) => {
                if has_other_keys {
                    forget();
                }
                if wait.take().is_some() {
                    tracing::info!("the node is followed again");
                }
                sleep(PAUSE).await;
            }
            Err(unanswered) => {
                let (age_seconds, bound) =
                    (node.snapshot_age().as_secs(), leader.age_max().as_secs());
                if wait.is_none() {
                    tracing::warn!(
                        age_seconds,
                        "the node cannot be followed, and decisions go on for {bound} s: {unanswered}"
                    );
                }
                let pause = wait.unwrap_or(BACKOFF.0);
                sleep(pause).await;
                wait = Some((pause * 2).min(BACKOFF.1));
            }
        }
    }
}

struct Step {
    /// Whether the node's keys are others now.
    has_other_keys: bool,
}

/// Brings the copy up to what the node has.
async fn step(node: &Node, leader: &Leader, copy: &mut Copy) -> Result<Step, Unanswered> {
    for _ in 0..BEGINNINGS_MAX {
        let asked = Instant::now();
        let mut order = PortionOrder {
            known: copy.place.clone(),
            patience_seconds: PATIENCE_SECONDS.min(patience_of(leader)),
            ..PortionOrder::default()
        };
        let mut gathered = Gathered::default();
        loop {
            let Some(mut portion) = portion(leader, &order).await? else {
                copy.place = None;
                break;
            };
            if portion.is_whole {
                order.known = None;
            }
            order.skip = order.skip.saturating_add(portion.lines.len() as u64);
            order.toward = Some(portion.toward.clone());
            gathered.take(std::mem::take(&mut portion.lines)).ok_or_else(unreadable)?;
            if portion.is_last {
                return take(node, copy, &portion, gathered, asked);
            }
        }
    }
    Err(Unanswered::Away("pictures are gone before they are copied".to_owned()))
}

/// A copy must hear in time that nothing is new.
fn patience_of(leader: &Leader) -> u32 {
    u32::try_from(leader.age_max().as_secs() / 2).unwrap_or(u32::MAX).max(1)
}

/// One portion; none if the node has forgotten what it is a part of.
async fn portion(leader: &Leader, order: &PortionOrder) -> Result<Option<Portion>, Unanswered> {
    let patience = Duration::from_secs(order.patience_seconds.into()) + ANSWER_TIME_MAX;
    let answer = timeout(patience, leader.ask(FollowWish::Changes(order.clone()))).await;
    match answer.map_err(|_| Unanswered::Away("no answer in time".to_owned()))?? {
        FollowAnswer::Changes(Told::Portion(portion)) => Ok(Some(*portion)),
        FollowAnswer::Changes(Told::Gone) => Ok(None),
        _ => Err(Unanswered::Refused("the node answers something else".to_owned())),
    }
}

fn take(
    node: &Node,
    copy: &mut Copy,
    last: &Portion,
    gathered: Gathered,
    asked: Instant,
) -> Result<Step, Unanswered> {
    let changes = gathered.changes().ok_or_else(unreadable)?;
    let is_whole = last.is_whole;
    let revisions = last.revisions.iter();
    let revisions: Option<Vec<(AccountId, Revision)>> = revisions
        .map(|(account, revision)| Some((AccountId::from_stored(*account)?, Revision(*revision))))
        .collect();
    let revisions = revisions.ok_or_else(unreadable)?;
    if is_whole || !changes.is_empty() || !revisions.is_empty() {
        node.take_news(News { is_whole, changes, revisions, asked });
    } else {
        node.note_no_news(asked);
    }
    let is_first = copy.place.is_none();
    let has_other_keys = is_whole || copy.keys_revision != last.keys_revision;
    if is_whole && !is_first {
        tracing::info!("everything was copied again");
    }
    *copy = Copy {
        place: Some(last.toward.clone()),
        keys_revision: last.keys_revision,
        audit: last.audit.clone(),
    };
    Ok(Step { has_other_keys })
}

fn unreadable() -> Unanswered {
    Unanswered::Refused("the node tells of what this version cannot read".to_owned())
}

/// What the lines so far come to, by account.
#[derive(Default)]
struct Gathered(BTreeMap<u64, OfAccount>);

#[derive(Default)]
struct OfAccount {
    /// Everything goes away before anything comes, or two users who changed names would get in each
    /// other's way.
    removes: Vec<Change>,
    puts: Vec<Change>,
}

impl Gathered {
    /// Takes lines; none if one cannot be read.
    fn take(&mut self, lines: Vec<Line>) -> Option<()> {
        for line in lines {
            let key = RecordKey { kind: line.kind, id: line.id };
            let of_account = self.0.entry(line.account).or_default();
            of_account.removes.push(Change::Remove(EntityKey::from_record(&key).ok()?));
            if let Some(content) = line.content {
                let bytes = STANDARD.decode(content).ok()?;
                let entity = without_secret(Entity::from_bytes(&key, &bytes).ok()?)?;
                of_account.puts.push(Change::Put(entity));
            }
        }
        Some(())
    }

    fn changes(self) -> Option<Vec<AccountChanges>> {
        let of_account = |(account, OfAccount { removes: mut changes, mut puts })| {
            changes.append(&mut puts);
            Some(AccountChanges { account: AccountId::from_stored(account)?, changes })
        };
        self.0.into_iter().map(of_account).collect()
    }
}

/// An access key has a secret here that nobody has ever seen: whatever is derived from it by mistake
/// proves nothing.
fn without_secret(entity: Entity) -> Option<Entity> {
    let Entity::AccessKey(mut key) = entity else { return Some(entity) };
    let unknowable: [u8; 32] = entropy::bytes().ok()?;
    key.secret = Secret::from(STANDARD.encode(unknowable));
    Some(Entity::AccessKey(key))
}
