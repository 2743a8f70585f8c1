//! A node that has no store of its own accounts: it follows another one.

use std::sync::Arc;

use iamd_core::account_id::AccountId;
use iamd_core::state::{AccountChanges, State};
use iamd_store::Revision;
use tokio::time::Instant;

use super::{Node, Snapshot};
use crate::follower::Leader;

/// What a followed node has told since the last time.
pub struct News {
    /// Whether it is everything, and nothing else is there any more.
    pub is_whole: bool,
    /// The changes, of each account at most once.
    pub changes: Vec<AccountChanges>,
    /// The revisions of the accounts that it is about.
    pub revisions: Vec<(AccountId, Revision)>,
    /// When it was asked for.
    pub asked: Instant,
}

impl Node {
    /// Says whom this node follows, before anything is asked of it. The first one stays.
    pub fn set_leader(&self, leader: &Arc<Leader>) {
        self.leader.get_or_init(|| Arc::clone(leader));
    }

    /// The node that this one follows; none if it has a store.
    pub fn leader(&self) -> Option<&Arc<Leader>> {
        self.leader.get()
    }

    /// Takes in what the followed node has told, whole.
    pub fn take_news(&self, news: News) {
        let _publishing = self.lock_publishing();
        let current = self.snapshot();
        let keys = Arc::clone(&current.keys);
        let base = match news.is_whole {
            true => Snapshot::new(State::default(), imbl::HashMap::new(), keys),
            false => Snapshot::clone(&current),
        };
        self.put_in_force(base.after(&news.changes, &news.revisions));
        self.feed.heard_at(news.asked);
    }

    /// The followed node has said that nothing is new.
    pub fn note_no_news(&self, asked: Instant) {
        self.feed.heard_at(asked);
    }
}
