//! Closing an account, and opening it again.
//!
//! Source: AWS Account Management Reference Guide, "Close an AWS account": a closed account is
//! suspended, can be reopened within 90 days, and then ends for good; its root e-mail address cannot
//! be used for another.

use iamd_wire::{ErrorCode, Timestamp};

use super::{Command, Queue, Reach, put, settings};
use crate::account_id::AccountId;
use crate::draw::Draw;
use crate::operation::Planned;
use crate::refusal::Refusal;
use crate::state::{AccountChanges, AccountSettings, State};

/// How long a closed account can be reopened, in seconds: 90 days.
pub const REOPEN_SECONDS_MAX: i64 = 90 * 86_400;

/// The state of an account, in the words of AWS Organizations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is in use.
    Active,
    /// It is closed, and can be reopened.
    Suspended,
    /// It is closed for good.
    Closed,
}

impl Standing {
    /// The state of an account now.
    pub fn of(settings: &AccountSettings, now: Timestamp) -> Standing {
        match settings.closed {
            None => Standing::Active,
            Some(closed) => {
                let age = now.seconds().saturating_sub(closed.seconds());
                if age <= REOPEN_SECONDS_MAX { Standing::Suspended } else { Standing::Closed }
            }
        }
    }

    /// The word. Source: AWS Organizations API Reference, `Account`, `State`.
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Active => "ACTIVE",
            Standing::Suspended => "SUSPENDED",
            Standing::Closed => "CLOSED",
        }
    }
}

/// Closes an account: every credential of it is refused from then on, root and sessions included.
/// What is in it stays, and so do its number, alias and e-mail address.
#[derive(Debug, Clone)]
pub struct CloseAccount {
    /// The account.
    pub account: AccountId,
}

impl Command for CloseAccount {
    const ACTION: &'static str = "iamd:CloseAccount";
    const REACH: Reach = Reach::Anywhere;
    /// Until when it can be reopened.
    type Output = Timestamp;

    fn queue(&self) -> Queue {
        Queue::Of(self.account)
    }

    fn shown(&self) -> serde_json::Value {
        serde_json::json!({"accountId": self.account.to_string()})
    }

    fn plan(&self, state: &State, draw: &mut Draw) -> Result<Planned<Timestamp>, Refusal> {
        let settings = settings(state, self.account)?;
        let now = draw.now();
        if let Some(closed) = settings.closed {
            return Err(conflict(format!(
                "the account {} is closed already, since {closed}",
                self.account
            )));
        }
        let closed = AccountSettings {
            closed: Some(now),
            // CHOICE: sessions do not come back with the account.
            sessions_not_before: settings.sessions_not_before.max(Some(after(now))),
            ..settings.clone()
        };
        let until = Timestamp::from_seconds(now.seconds().saturating_add(REOPEN_SECONDS_MAX));
        Ok(planned(self.account, closed, until))
    }
}

/// Opens a closed account again: its long-term credentials are good as before, its old sessions
/// are not.
#[derive(Debug, Clone)]
pub struct ReopenAccount {
    /// The account.
    pub account: AccountId,
}

impl Command for ReopenAccount {
    const ACTION: &'static str = "iamd:ReopenAccount";
    const REACH: Reach = Reach::Anywhere;
    type Output = ();

    fn queue(&self) -> Queue {
        Queue::Of(self.account)
    }

    fn shown(&self) -> serde_json::Value {
        serde_json::json!({"accountId": self.account.to_string()})
    }

    fn plan(&self, state: &State, draw: &mut Draw) -> Result<Planned<()>, Refusal> {
        let settings = settings(state, self.account)?;
        match Standing::of(settings, draw.now()) {
            Standing::Active => {
                Err(conflict(format!("the account {} is not closed", self.account)))
            }
            Standing::Suspended => {
                let open = AccountSettings { closed: None, ..settings.clone() };
                Ok(planned(self.account, open, ()))
            }
            Standing::Closed => Err(conflict(format!(
                "the account {} was closed more than 90 days ago, and stays closed",
                self.account
            ))),
        }
    }
}

/// The least time that is later than now: what was issued in this very second is void, too.
pub(super) fn after(now: Timestamp) -> Timestamp {
    Timestamp::from_seconds(now.seconds().saturating_add(1))
}

fn planned<T>(account: AccountId, settings: AccountSettings, output: T) -> Planned<T> {
    Planned { changes: vec![AccountChanges { account, changes: put(settings) }], output }
}

fn conflict(message: String) -> Refusal {
    Refusal::new(ErrorCode::UnmodifiableEntity, message)
}
