//! Credentials of operators: what they sign with from another machine.

use iamd_wire::ErrorCode;

use super::{Command, Queue, Reach, absent};
use crate::account_id::AccountId;
use crate::draw::Draw;
use crate::operation::Planned;
use crate::refusal::Refusal;
use crate::state::{
    AccountChanges, Change, Entity, EntityKey, OperatorCredential, OperatorPurpose, State,
};
use crate::unique_id::{AccessKeyId, IdPrefix};

/// Most credentials.
// CHOICE: a person or a program each; nobody has so many who may do everything.
const OPERATORS_MAX: usize = 100;
/// Longest name. The same as that of a user.
const NAME_LENGTH_MAX: usize = 64;

/// Makes a credential; only the machine itself does that, so that one that was stolen makes no
/// others.
#[derive(Debug, Clone)]
pub struct CreateOperator {
    /// The name.
    pub name: String,
    /// What it is for, if not for all that operators do from afar.
    pub purpose: Option<OperatorPurpose>,
}

impl Command for CreateOperator {
    const ACTION: &'static str = "iamd:CreateOperator";
    const REACH: Reach = Reach::Machine;
    type Output = OperatorCredential;

    fn queue(&self) -> Queue {
        Queue::Of(AccountId::OPERATORS)
    }

    fn shown(&self) -> serde_json::Value {
        match self.purpose {
            None => serde_json::json!({"name": self.name}),
            Some(OperatorPurpose::Follower) => {
                serde_json::json!({"name": self.name, "purpose": "follower"})
            }
        }
    }

    fn plan(&self, state: &State, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let name = &self.name;
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if !(1..=NAME_LENGTH_MAX).contains(&name.len()) || !name.bytes().all(is_legal) {
            return Err(Refusal::new(
                ErrorCode::InvalidInput,
                format!(
                    "`{name}` is not the name of an operator: 1 to {NAME_LENGTH_MAX} letters, digits or any of _+=,.@-"
                ),
            ));
        }
        if state.operators().named(name).is_some() {
            return Err(Refusal::new(
                ErrorCode::EntityAlreadyExists,
                format!("the operator {name} already exists"),
            ));
        }
        if state.operators().iter().len() >= OPERATORS_MAX {
            return Err(Refusal::new(
                ErrorCode::LimitExceeded,
                format!("there are {OPERATORS_MAX} operators already; delete one first"),
            ));
        }
        let credential = OperatorCredential {
            id: AccessKeyId::draw(IdPrefix::OperatorKey, AccountId::OPERATORS, draw),
            name: name.as_str().into(),
            secret: draw.secret_access_key(),
            created: draw.now(),
            purpose: self.purpose,
        };
        let changes = vec![Change::Put(Entity::OperatorCredential(credential.clone()))];
        Ok(planned(changes, credential))
    }
}

/// Takes a credential away; what is signed with it is refused at once.
#[derive(Debug, Clone)]
pub struct DeleteOperator {
    /// The name.
    pub name: String,
}

impl Command for DeleteOperator {
    const ACTION: &'static str = "iamd:DeleteOperator";
    const REACH: Reach = Reach::Machine;
    /// The access key id that is no more.
    type Output = AccessKeyId;

    fn queue(&self) -> Queue {
        Queue::Of(AccountId::OPERATORS)
    }

    fn shown(&self) -> serde_json::Value {
        serde_json::json!({"name": self.name})
    }

    fn plan(&self, state: &State, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let credential = state.operators().named(&self.name);
        let credential =
            credential.ok_or_else(|| absent(format!("there is no operator {}", self.name)))?;
        let changes = vec![Change::Remove(EntityKey::OperatorCredential(credential.id.clone()))];
        Ok(planned(changes, credential.id.clone()))
    }
}

fn planned<T>(changes: Vec<Change>, output: T) -> Planned<T> {
    let changes = vec![AccountChanges { account: AccountId::OPERATORS, changes }];
    Planned { changes, output }
}
