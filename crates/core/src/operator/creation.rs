//! Creating an account.

use super::{Command, Queue, Reach};
use crate::account_id::AccountId;
use crate::draw::Draw;
use crate::founding::{self, FirstKeyOwner, Founded, NewAccount};
use crate::operation::Planned;
use crate::refusal::Refusal;
use crate::state::State;

/// Creates an account, with root and a first access key.
#[derive(Debug, Clone)]
pub struct CreateAccount {
    id: AccountId,
    new: NewAccount,
}

impl CreateAccount {
    /// The account of this number: it must be known before the queues are taken.
    pub fn new(id: AccountId, new: NewAccount) -> CreateAccount {
        CreateAccount { id, new: NewAccount { id: Some(id), ..new } }
    }
}

impl Command for CreateAccount {
    const ACTION: &'static str = "iamd:CreateAccount";
    const REACH: Reach = Reach::Anywhere;
    type Output = Founded;

    fn queue(&self) -> Queue {
        Queue::WithDirectory(self.id)
    }

    fn shown(&self) -> serde_json::Value {
        let owner = self.new.first_key.as_ref().map(|key| match &key.owner {
            FirstKeyOwner::Root => "root",
            FirstKeyOwner::Administrator(name) => name,
        });
        serde_json::json!({
            "accountId": self.id.to_string(), "rootEmail": self.new.root_email, "keyOwner": owner,
        })
    }

    fn plan(&self, state: &State, draw: &mut Draw) -> Result<Planned<Founded>, Refusal> {
        let founded = founding::found(state, &self.new, draw)?;
        Ok(Planned { changes: founded.changes.clone(), output: founded })
    }
}
