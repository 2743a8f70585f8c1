//! The state for followers: everything once, then what has changed, in portions of bounded size.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_core::state::{Difference, State};
use serde::{Deserialize, Serialize};

use crate::config::{AuditSettings, WhenFull};
use crate::fault::Fault;
use crate::node::{Node, Snapshot};

/// Most lines of a portion.
const LINES_MAX: usize = 8_192;
/// Bytes of rows after which a portion ends.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a question waits for something new.
const PATIENCE_MAX: Duration = Duration::from_secs(20);

/// Which portion is asked for.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct PortionOrder {
    /// The picture that the follower has; none if it has none, and then it is told everything.
    pub known: Option<Place>,
    /// The picture that it is on the way to; none at the beginning of that.
    pub toward: Option<Place>,
    /// How many lines it has of those on the way.
    pub skip: u64,
    /// How long it waits for something new, in seconds.
    pub patience_seconds: u32,
}

/// A picture of the state: of a life of a node, by number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Place {
    /// The life of the node.
    pub life: String,
    /// The number of the picture.
    pub number: u64,
}

/// What a follower is told.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// A portion.
    Portion(Box<Portion>),
    /// The picture that it was on the way to is gone: it begins again.
    Gone,
}

/// A portion of the changes from a picture to another.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Portion {
    /// The picture that they lead to, once all of them are there.
    pub toward: Place,
    /// Whether they are everything that there is.
    pub is_whole: bool,
    /// Whether there are no more of them.
    pub is_last: bool,
    /// The changes.
    pub lines: Vec<Line>,
    /// With the last ones: the revisions that are others now, by account, of accounts that exist.
    pub revisions: Vec<(u64, u64)>,
    /// The revision of the node's keys: session tokens that opened under others may not under these.
    pub keys_revision: u64,
    /// How records are to be kept until the node has them; none if it wants none.
    pub audit: Option<AuditTerms>,
}

/// A row that is another now.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Line {
    /// The account.
    pub account: u64,
    /// The kind of the row.
    pub kind: u16,
    /// Its id.
    pub id: String,
    /// Its content in Base64; none if it is no more.
    pub content: Option<String>,
}

/// How the node keeps records that wait.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct AuditTerms {
    /// Whether requests wait when there is no place, instead of their records being counted.
    pub waits_when_full: bool,
    /// Most records that wait.
    pub waiting_max: u32,
}

impl AuditTerms {
    fn of(settings: &AuditSettings) -> AuditTerms {
        let waits_when_full = settings.when_full == WhenFull::Wait;
        AuditTerms { waits_when_full, waiting_max: settings.waiting_max }
    }
}

impl PortionOrder {
    pub(super) fn begins_a_copy(&self) -> bool {
        self.known.is_none() && self.toward.is_none()
    }
}

pub(super) async fn told(node: &Arc<Node>, order: PortionOrder) -> Result<Told, Fault> {
    let life = node.life()?;
    let picture = |place: &Place| (place.life == life).then(|| node.held(place.number)).flatten();
    let known = order.known.as_ref().and_then(picture);
    let toward = match &order.toward {
        Some(place) => {
            let is_known_gone = order.known.is_some() && known.is_none();
            match picture(place).filter(|_| !is_known_gone) {
                Some(toward) => toward,
                None => return Ok(Told::Gone),
            }
        }
        None => match &known {
            Some(known) => {
                let patience = Duration::from_secs(order.patience_seconds.into());
                node.snapshot_after(known, patience.min(PATIENCE_MAX)).await
            }
            None => node.snapshot(),
        },
    };
    let place = Place { life: life.to_owned(), number: node.hold(&toward) };
    Ok(Told::Portion(Box::new(portion(node, known.as_deref(), &toward, place, order.skip))))
}

fn portion(
    node: &Node,
    known: Option<&Snapshot>,
    toward: &Snapshot,
    place: Place,
    skip: u64,
) -> Portion {
    let nothing = State::default();
    let older = known.map_or(&nothing, |known| &known.state);
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let mut rest = toward.state.differences(older).skip(skip).peekable();
    let (mut lines, mut bytes) = (Vec::new(), 0);
    while lines.len() < LINES_MAX && bytes < BYTES_MAX {
        let Some((account, difference)) = rest.next() else { break };
        let line = line(account, &difference);
        bytes += line.id.len() + line.content.as_ref().map_or(0, String::len);
        lines.push(line);
    }
    let is_last = rest.peek().is_none();
    let revisions = if is_last { revisions(known, toward) } else { Vec::new() };
    Portion {
        toward: place,
        is_whole: known.is_none(),
        is_last,
        lines,
        revisions,
        keys_revision: toward.revision(AccountId::KEYS).0,
        audit: node.audit().settings().map(|settings| AuditTerms::of(&settings)),
    }
}

fn line(account: AccountId, difference: &Difference<'_>) -> Line {
    let (key, content) = match difference {
        Difference::Put(told) => {
            let entity = told.entity();
            (entity.key(), Some(STANDARD.encode(entity.to_bytes())))
        }
        Difference::Remove(key) => (key.clone(), None),
    };
    let RecordKey { kind, id } = key.to_record();
    Line { account: account.number(), kind, id, content }
}

/// The revisions of accounts that differ.
fn revisions(known: Option<&Snapshot>, toward: &Snapshot) -> Vec<(u64, u64)> {
    let changed = toward.revisions().iter().filter(|(account, revision)| {
        known.is_none_or(|known| known.revision(**account) != **revision)
    });
    changed.map(|(account, revision)| (account.number(), revision.0)).collect()
}
