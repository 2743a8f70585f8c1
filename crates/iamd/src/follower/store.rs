//! The store of a process that follows a node: keys of its own in memory, and nothing else. Facts go
//! to the node.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_store::{
    AccountCommit, AccountId, AccountRows, Answer, Changes, ClaimKey, Claimed, CommitError,
    Committed, CopyVisitor, Cursor, Fact, FactVisitor, Identity, Imported, Memory, Record,
    RowVisitor, Store, StoreError,
};
use tokio::sync::watch;
use tokio::time::timeout;

use super::Leader;
use crate::operator::{FactLine, FollowAnswer, FollowWish};

/// Most facts in one message.
const FACTS_MAX: usize = 1_000;

/// How long the node may take for one.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// The store.
pub struct FollowersStore {
    memory: Memory,
    leader: Arc<Leader>,
}

impl FollowersStore {
    /// A store that is empty.
    pub fn new(leader: &Arc<Leader>) -> FollowersStore {
        FollowersStore { memory: Memory::new(), leader: Arc::clone(leader) }
    }

    async fn hand_over(&self, facts: Vec<Fact>) -> Result<(), StoreError> {
        let unavailable = |reason: String| StoreError::Unavailable { reason };
        for facts in facts.chunks(FACTS_MAX) {
            let facts = facts.iter().map(|fact| FactLine {
                account: fact.account.0,
                key: fact.key.to_string(),
                at: fact.at,
                content: STANDARD.encode(&fact.bytes),
            });
            let asked = self.leader.ask(FollowWish::Uses { facts: facts.collect() });
            let answer = timeout(ANSWER_TIME_MAX, asked).await;
            match answer.map_err(|_| unavailable("no answer in time".to_owned()))? {
                Ok(FollowAnswer::Taken) => {}
                Ok(_) => return Err(unavailable("the node answers something else".to_owned())),
                Err(unanswered) => return Err(unavailable(unanswered.to_string())),
            }
        }
        Ok(())
    }
}

impl Store for FollowersStore {
    fn merge_facts(&self, facts: Vec<Fact>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(self.hand_over(facts))
    }

    fn identity(&self) -> Identity {
        self.memory.identity()
    }

    fn load_all<'a>(
        &'a self,
        visitor: &'a mut dyn RowVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>> {
        self.memory.load_all(visitor)
    }

    fn read_account(&self, account: AccountId) -> Answer<'_, Result<AccountRows, StoreError>> {
        self.memory.read_account(account)
    }

    fn commit(&self, list: Vec<AccountCommit>) -> Answer<'_, Result<Committed, CommitError>> {
        self.memory.commit(list)
    }

    fn changes(&self, after: Cursor) -> Answer<'_, Result<Changes, StoreError>> {
        self.memory.changes(after)
    }

    fn hint(&self) -> watch::Receiver<()> {
        self.memory.hint()
    }

    fn claim<'a>(
        &'a self,
        key: &'a ClaimKey,
        expiry: i64,
        now: i64,
    ) -> Answer<'a, Result<Claimed, StoreError>> {
        self.memory.claim(key, expiry, now)
    }

    fn forget_facts(&self, keys: Vec<(AccountId, Box<str>)>) -> Answer<'_, Result<(), StoreError>> {
        self.memory.forget_facts(keys)
    }

    fn read_facts<'a>(
        &'a self,
        visitor: &'a mut dyn FactVisitor,
    ) -> Answer<'a, Result<(), StoreError>> {
        self.memory.read_facts(visitor)
    }

    fn read_records(
        &self,
        account: AccountId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Record>, StoreError>> {
        self.memory.read_records(account, after, most)
    }

    fn forget_records(&self, account: AccountId, up_to: u64) -> Answer<'_, Result<(), StoreError>> {
        self.memory.forget_records(account, up_to)
    }

    fn copy_all<'a>(
        &'a self,
        first: AccountId,
        visitor: &'a mut dyn CopyVisitor,
    ) -> Answer<'a, Result<Cursor, StoreError>> {
        self.memory.copy_all(first, visitor)
    }

    fn import(&self, list: Vec<Imported>) -> Answer<'_, Result<(), StoreError>> {
        self.memory.import(list)
    }

    fn forget_changes(&self) -> Answer<'_, Result<(), StoreError>> {
        self.memory.forget_changes()
    }

    fn close(&self) -> Answer<'_, Result<(), StoreError>> {
        self.memory.close()
    }
}
