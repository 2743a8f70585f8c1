//! What an operator commands: no API of AWS does this.
//!
//! Each command is one `impl Command`. [`perform`] is the one way in: it asks first whether this
//! operator may, and nothing is planned that was not allowed.

mod closing;
mod creation;
mod credential;
mod import_buckets;
mod recovery;
mod revocation;

use iamd_wire::ErrorCode;
use minicbor::{Decode, Encode};

pub use closing::{CloseAccount, REOPEN_SECONDS_MAX, ReopenAccount, Standing};
pub use creation::CreateAccount;
pub use credential::{CreateOperator, DeleteOperator};
pub use import_buckets::ImportBuckets;
pub use recovery::{MfaOwner, RecoverMfa, ResetRootPassword, RootPasswordReset};
pub use revocation::{OrderedRevocation, Revocable, Revocation, Revoked};

use crate::account_id::AccountId;
use crate::draw::Draw;
use crate::operation::Planned;
use crate::refusal::Refusal;
use crate::state::{AccountSettings, Change, Entity, State};

/// Who commands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Operator {
    /// Whoever can open the socket in the data folder, or the folder itself.
    #[n(0)]
    Machine,
    /// Whoever signed with the credential of this name.
    #[n(1)]
    Named(#[n(0)] Box<str>),
    /// A process that follows the node, and signed with the credential of this name.
    #[n(2)]
    Follower(#[n(0)] Box<str>),
}

/// From where a command may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From every operator.
    Anywhere,
    /// From the machine itself only.
    Machine,
    /// From processes that follow the node, on the machine itself or with a credential for that.
    Followers,
}

impl Operator {
    /// Refuses what this operator may not do.
    ///
    /// # Errors
    /// `AccessDenied`
    pub fn permit(&self, action: &str, reach: Reach) -> Result<(), Refusal> {
        match (self, reach) {
            (Operator::Machine, _)
            | (Operator::Named(_), Reach::Anywhere)
            | (Operator::Follower(_), Reach::Followers) => Ok(()),
            // What followers hear is more than an operator may read from afar, and they command
            // nothing: neither credential is good for what the other is for.
            (Operator::Named(name), Reach::Followers) => Err(Refusal::new(
                ErrorCode::AccessDenied,
                format!(
                    "operator {name} is not authorized to perform {action}: that takes a credential made with `iamd operator create --for follower`"
                ),
            )),
            (Operator::Follower(name), Reach::Anywhere | Reach::Machine) => Err(Refusal::new(
                ErrorCode::AccessDenied,
                format!(
                    "operator {name} is not authorized to perform {action}: the credential is for following only"
                ),
            )),
            (Operator::Named(name), Reach::Machine) => Err(Refusal::new(
                ErrorCode::AccessDenied,
                format!(
                    "operator {name} is not authorized to perform {action}: it is done on the machine of the data folder only"
                ),
            )),
        }
    }
}

/// In whose queue a command is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// In that of an account, or of a pseudo-account.
    Of(AccountId),
    /// In that of an account and in that of the directory.
    WithDirectory(AccountId),
}

/// A command of an operator that writes.
pub trait Command: Send + 'static {
    /// Its name in records.
    const ACTION: &'static str;
    /// From where it may come.
    const REACH: Reach;
    /// The answer.
    type Output: Send + 'static;

    /// In whose queue it is planned.
    fn queue(&self) -> Queue;

    /// What its record shows of it: a JSON object without secrets.
    fn shown(&self) -> serde_json::Value;

    /// What happens; pure, and repeated on a newer state when another write came first.
    ///
    /// # Errors
    /// A refusal that says why not.
    fn plan(&self, state: &State, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal>;
}

/// Authorizes a command and plans what it does.
///
/// # Errors
/// `AccessDenied`, or what the command refuses.
pub fn perform<C: Command>(
    command: &C,
    operator: &Operator,
    state: &State,
    draw: &mut Draw,
) -> Result<Planned<C::Output>, Refusal> {
    operator.permit(C::ACTION, C::REACH)?;
    command.plan(state, draw)
}

/// The settings of an account.
///
/// # Errors
/// `NoSuchEntity`
fn settings(state: &State, account: AccountId) -> Result<&AccountSettings, Refusal> {
    let settings = state.account(account).and_then(|account| account.settings());
    settings
        .map(|settings| &**settings)
        .ok_or_else(|| absent(format!("there is no account {account}")))
}

fn put(settings: AccountSettings) -> Vec<Change> {
    vec![Change::Put(Entity::Settings(settings))]
}

fn absent(message: String) -> Refusal {
    Refusal::new(ErrorCode::NoSuchEntity, message)
}

#[cfg(test)]
mod tests;
