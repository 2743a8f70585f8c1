//! What a node does by itself, now and then: keys are rotated and removed when they are due, facts of
//! what is no more are forgotten, and the anchor is written.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Node;
use crate::config::KeySettings;
use crate::fault::Fault;

/// Time between two looks at what is due.
const PAUSE: Duration = Duration::from_secs(60);

/// How many times as long as it took to write the anchor nothing is written again.
const ANCHOR_PAUSES: u32 = 500;

/// How long a data key is left alone that records of a log are under.
const RECORDS_PAUSE: Duration = Duration::from_secs(86_400);

/// How often facts of what is no more are looked for.
const FACTS_PAUSE: Duration = Duration::from_secs(3_600);

/// Looks after a node until the task is aborted.
pub async fn run(node: Arc<Node>, settings: KeySettings) {
    let mut upkeep = Upkeep { node, settings, anchor_after: None, facts_after: None, kept: None };
    loop {
        upkeep.tend().await;
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = upkeep.node.clock().moved() => {}
        }
    }
}

struct Upkeep {
    node: Arc<Node>,
    settings: KeySettings,
    /// When the anchor may be written again.
    anchor_after: Option<Instant>,
    /// When facts may be looked through again.
    facts_after: Option<Instant>,
    /// Data keys that records keep, and since when that is known.
    kept: Option<(Instant, BTreeSet<u32>)>,
}

impl Upkeep {
    /// Does what is due; what fails is told and tried again the next time.
    async fn tend(&mut self) {
        let node = Arc::clone(&self.node);
        let period = i64::from(self.settings.session_seconds);
        let delay = i64::from(self.settings.session_delay_seconds);
        told("the session ring was not renewed", node.renew_ring().await);
        told("session keys were not rotated", node.tend_ring(period, delay).await);
        told("a rotation was not brought to its end", node.finish_rotation().await);
        told("old data keys were not removed", self.remove_data_keys().await);
        told("facts of what is no more were not forgotten", self.forget_facts().await);
        told("the anchor was not written", self.write_anchor().await);
    }

    async fn remove_data_keys(&mut self) -> Result<(), Fault> {
        let due = self.node.removable();
        let is_known = |(since, kept): &(Instant, BTreeSet<u32>)| {
            since.elapsed() < RECORDS_PAUSE && due.is_subset(kept)
        };
        if due.is_empty() || self.kept.as_ref().is_some_and(is_known) {
            return Ok(());
        }
        let kept = self.node.remove_data_keys().await?;
        self.kept = Some((Instant::now(), kept));
        Ok(())
    }

    async fn forget_facts(&mut self) -> Result<(), Fault> {
        if self.facts_after.is_some_and(|after| Instant::now() < after) {
            return Ok(());
        }
        self.node.forget_facts().await?;
        self.facts_after = Instant::now().checked_add(FACTS_PAUSE);
        Ok(())
    }

    /// The more accounts there are, the longer it takes, and the seldomer it happens.
    async fn write_anchor(&mut self) -> Result<(), Fault> {
        if self.anchor_after.is_some_and(|after| Instant::now() < after) {
            return Ok(());
        }
        self.node.write_anchor().await?;
        let pause = self.node.anchor_duration().await.saturating_mul(ANCHOR_PAUSES);
        self.anchor_after = Instant::now().checked_add(pause);
        Ok(())
    }
}

fn told(what: &str, outcome: Result<(), Fault>) {
    if let Err(fault) = outcome {
        tracing::warn!("{what}: {fault}");
    }
}
