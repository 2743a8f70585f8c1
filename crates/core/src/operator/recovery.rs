//! Helping a root user, or any other, who has lost what he signs in with.

use super::closing::after;
use super::{Command, Queue, Reach, absent, put, settings};
use crate::account_id::AccountId;
use crate::draw::Draw;
use crate::operation::Planned;
use crate::refusal::Refusal;
use crate::state::{AccountChanges, AccountSettings, Change, Entity, KeyOwner, MfaDevice, State};

/// Gives root another password, and ends root's sessions.
#[derive(Clone)]
pub struct ResetRootPassword {
    /// The account.
    pub account: AccountId,
    /// The new password, hashed.
    pub password_hash: String,
}

/// A password that was reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPasswordReset {
    /// The address by which root signs in.
    pub root_email: String,
    /// Root's access keys, which are as good as before.
    pub access_keys: Vec<String>,
}

impl Command for ResetRootPassword {
    const ACTION: &'static str = "iamd:ResetRootPassword";
    const REACH: Reach = Reach::Anywhere;
    type Output = RootPasswordReset;

    fn queue(&self) -> Queue {
        Queue::Of(self.account)
    }

    fn shown(&self) -> serde_json::Value {
        serde_json::json!({"accountId": self.account.to_string()})
    }

    fn plan(&self, state: &State, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        let settings = settings(state, self.account)?;
        let keys = state
            .account(self.account)
            .into_iter()
            .flat_map(|account| account.keys_of(KeyOwner::Root).map(|key| key.id.to_string()));
        let output = RootPasswordReset {
            root_email: settings.root_email.to_string(),
            access_keys: keys.collect(),
        };
        let not_before = settings.root_sessions_not_before.max(Some(after(draw.now())));
        let reset = AccountSettings {
            root_password_hash: Some(self.password_hash.as_str().into()),
            root_sessions_not_before: not_before,
            ..settings.clone()
        };
        let changes = vec![AccountChanges { account: self.account, changes: put(reset) }];
        Ok(Planned { changes, output })
    }
}

/// Whose second factors are lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MfaOwner {
    /// Root's.
    Root,
    /// Those of the user of this name.
    User(String),
}

/// Takes the MFA devices of root or of a user away.
#[derive(Debug, Clone)]
pub struct RecoverMfa {
    /// The account.
    pub account: AccountId,
    /// Whose they are.
    pub owner: MfaOwner,
}

impl Command for RecoverMfa {
    const ACTION: &'static str = "iamd:RecoverMfa";
    const REACH: Reach = Reach::Anywhere;
    /// The serial numbers of the devices that were removed.
    type Output = Vec<String>;

    fn queue(&self) -> Queue {
        Queue::Of(self.account)
    }

    fn shown(&self) -> serde_json::Value {
        let user = match &self.owner {
            MfaOwner::Root => None,
            MfaOwner::User(name) => Some(name),
        };
        serde_json::json!({"accountId": self.account.to_string(), "userName": user})
    }

    /// The devices stay known, and are nobody's: hardware can be enabled again.
    fn plan(&self, state: &State, _: &mut Draw) -> Result<Planned<Self::Output>, Refusal> {
        settings(state, self.account)?;
        let no_account = || absent(format!("there is no account {}", self.account));
        let account = state.account(self.account).ok_or_else(no_account)?;
        let owner = match &self.owner {
            MfaOwner::Root => KeyOwner::Root,
            MfaOwner::User(name) => {
                let absent = || absent(format!("the account {} has no user {name}", self.account));
                KeyOwner::User(account.users().named(name).ok_or_else(absent)?.id)
            }
        };
        let devices: Vec<MfaDevice> = account
            .mfa_devices()
            .of(owner)
            .map(|device| MfaDevice { assignment: None, ..MfaDevice::clone(device) })
            .collect();
        let serials = devices.iter().map(|device| device.serial.to_string()).collect();
        let changes = devices.into_iter().map(|device| Change::Put(Entity::MfaDevice(device)));
        Ok(Planned::write(account, changes.collect(), serials))
    }
}
