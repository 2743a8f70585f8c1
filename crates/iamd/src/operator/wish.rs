//! What an operator can ask for, and what he gets.

use std::path::Path;
use std::sync::Arc;

use iamd_core::audit::Event;
use iamd_core::operator::{Operator, Reach};
use iamd_wire::Secret;
use serde::{Deserialize, Serialize};

use super::accounts::{self, AccountLine, MfaFacts, PasswordFacts, StandingFacts};
use super::buckets::{self, BucketOrder, BucketsImported};
use super::calls;
use super::credentials::{self, OperatorFacts, Purpose};
use super::examination::{self, NodeFacts};
use super::following::{self, FollowAnswer, FollowWish};
use super::keys::{self, KeyLine, KeyOrder, RotationFacts};
use super::output::Output;
use super::policies::{self, PolicyText};
use super::progress::Progress;
use super::revoke::{self, RevocationFacts, RevokeOrder};
use super::status::{self, StatusFacts};
use super::traces::{self, Traces};
use super::transfer::{self, ExportFacts, ImportFacts, ImportOrder};
use super::usage::{self, UsageLine, UsageOrder};
use crate::audit;
use crate::backup;
use crate::fault::Fault;
use crate::founder::{self, NewAccountFacts, Order};
use crate::mfa_tokens::{self, TokenOrder, TokensImported};
use crate::node::Node;

/// What an operator asks for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Wish {
    /// Found an account.
    CreateAccount(Order),
    /// List the accounts.
    ListAccounts,
    /// List the keys.
    ListKeys,
    /// Rotate a key.
    RotateKey(KeyOrder),
    /// Prove the audit trail.
    VerifyAudit,
    /// Make hardware tokens known.
    ImportMfaTokens(TokenOrder),
    /// Write a backup into the output.
    Backup,
    /// Close an account.
    CloseAccount {
        /// Its number.
        account_id: String,
    },
    /// Open a closed account again.
    ReopenAccount {
        /// Its number.
        account_id: String,
    },
    /// Give root another password.
    ResetRootPassword {
        /// The account.
        account_id: String,
        /// The password; drawn if absent.
        root_password: Option<Secret>,
    },
    /// Take MFA devices away.
    RecoverMfa {
        /// The account.
        account_id: String,
        /// The user; root if absent.
        user: Option<String>,
    },
    /// End credentials before their time.
    Revoke {
        /// Which ones.
        what: RevokeOrder,
    },
    /// Give buckets that a store has already to an account.
    ImportBuckets(BucketOrder),
    /// Write calls through the gateway into the output as they end, until nobody reads it.
    WatchCalls,
    /// Say what accounts have used of what the gateway guards.
    ReadUsage(UsageOrder),
    /// Say how the node is.
    Status,
    /// Look at everything that `iamd doctor` judges.
    Examine,
    /// Make a credential of an operator.
    CreateOperator {
        /// The operator's name.
        name: String,
        /// What it is for, if not for all that operators do from afar.
        #[serde(default)]
        purpose: Option<Purpose>,
    },
    /// List the operators.
    ListOperators,
    /// Read the identity-based policies of a user or role.
    ReadPolicies {
        /// Its ARN.
        principal: String,
    },
    /// Take a credential of an operator away.
    DeleteOperator {
        /// The operator's name.
        name: String,
    },
    /// Bring users, groups, roles and policies into an account.
    ImportAccount(ImportOrder),
    /// Carry those of an account out.
    ExportAccount {
        /// The account; the only one, if absent.
        account_id: Option<String>,
    },
    /// Tell a process that follows the node what it asks.
    Follow(FollowWish),
}

impl Wish {
    /// Its name in records.
    pub(super) fn name(&self) -> &'static str {
        let action = self.action();
        action.strip_prefix("iamd:").unwrap_or(action)
    }

    /// What records show of it.
    pub(super) fn shown(&self) -> serde_json::Value {
        match self {
            Wish::RotateKey(order) => order.shown(),
            _ => serde_json::json!({}),
        }
    }

    /// Which records it leaves.
    pub(super) fn traces(&self) -> Traces {
        match self {
            Wish::CreateAccount(_)
            | Wish::ImportMfaTokens(_)
            | Wish::CloseAccount { .. }
            | Wish::ReopenAccount { .. }
            | Wish::ResetRootPassword { .. }
            | Wish::RecoverMfa { .. }
            | Wish::Revoke { .. }
            | Wish::CreateOperator { .. }
            | Wish::ImportBuckets(_)
            | Wish::DeleteOperator { .. } => Traces::Command,
            Wish::ImportAccount(order) if order.dry_run => Traces::Read,
            Wish::RotateKey(_) | Wish::ImportAccount(_) => Traces::Keys,
            Wish::Backup => Traces::Copy,
            Wish::Follow(wish) if !wish.begins_a_copy() => Traces::Elsewhere,
            Wish::Follow(_) => Traces::Read,
            Wish::ListAccounts
            | Wish::ListKeys
            | Wish::ListOperators
            | Wish::VerifyAudit
            | Wish::WatchCalls
            | Wish::ReadUsage(_)
            | Wish::ExportAccount { .. }
            | Wish::Status
            | Wish::ReadPolicies { .. }
            | Wish::Examine => Traces::Read,
        }
    }

    /// Its name in denials.
    pub(super) fn action(&self) -> &'static str {
        match self {
            Wish::CreateAccount(_) => "iamd:CreateAccount",
            Wish::ListAccounts => "iamd:ListAccounts",
            Wish::ImportMfaTokens(_) => "iamd:ImportMfaTokens",
            Wish::VerifyAudit => "iamd:VerifyAudit",
            Wish::Backup => "iamd:Backup",
            Wish::ListKeys => "iamd:ListKeys",
            Wish::RotateKey(_) => "iamd:RotateKey",
            Wish::CloseAccount { .. } => "iamd:CloseAccount",
            Wish::ReopenAccount { .. } => "iamd:ReopenAccount",
            Wish::ResetRootPassword { .. } => "iamd:ResetRootPassword",
            Wish::RecoverMfa { .. } => "iamd:RecoverMfa",
            Wish::Revoke { .. } => "iamd:Revoke",
            Wish::ImportBuckets(_) => "iamd:ImportBuckets",
            Wish::WatchCalls => "iamd:WatchCalls",
            Wish::ReadUsage(_) => "iamd:ReadUsage",
            Wish::Status => "iamd:Status",
            Wish::Examine => "iamd:Examine",
            Wish::CreateOperator { .. } => "iamd:CreateOperator",
            Wish::ListOperators => "iamd:ListOperators",
            Wish::ReadPolicies { .. } => "iamd:ReadPolicies",
            Wish::DeleteOperator { .. } => "iamd:DeleteOperator",
            Wish::ImportAccount(_) => "iamd:ImportAccount",
            Wish::ExportAccount { .. } => "iamd:ExportAccount",
            Wish::Follow(_) => "iamd:Follow",
        }
    }

    /// From where it may come. A new wish has to say so here: nothing is allowed from afar unless
    /// somebody has thought about it.
    pub(super) fn reach(&self) -> Reach {
        match self {
            Wish::CreateAccount(_)
            | Wish::ListAccounts
            | Wish::CloseAccount { .. }
            | Wish::ReopenAccount { .. }
            | Wish::ResetRootPassword { .. }
            | Wish::RecoverMfa { .. }
            | Wish::Revoke { .. }
            | Wish::ImportBuckets(_)
            | Wish::ReadUsage(_)
            | Wish::Status
            | Wish::Examine
            | Wish::ListOperators => Reach::Anywhere,
            Wish::Follow(_) => Reach::Followers,
            // Seeds and backups stay on the machine; proving the trail reads all of it. A credential
            // that was stolen makes no others, takes none away, gives nobody permissions, and reads no
            // account's policies.
            Wish::ImportMfaTokens(_)
            | Wish::VerifyAudit
            | Wish::Backup
            | Wish::WatchCalls
            | Wish::ListKeys
            | Wish::RotateKey(_)
            | Wish::ReadPolicies { .. }
            | Wish::CreateOperator { .. }
            | Wish::DeleteOperator { .. }
            | Wish::ImportAccount(_)
            | Wish::ExportAccount { .. } => Reach::Machine,
        }
    }
}

/// What he gets.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granted {
    /// The account that was founded.
    Account(NewAccountFacts),
    /// The accounts, by number.
    Accounts(Vec<AccountLine>),
    /// What was proven of the audit trail.
    Audit(audit::Report),
    /// The hardware tokens that are known now.
    MfaTokens(TokensImported),
    /// The backup that was written.
    Backup(backup::Summary),
    /// The account that was closed or reopened.
    Standing(StandingFacts),
    /// The password that was reset.
    Password(PasswordFacts),
    /// The devices that were removed.
    Mfa(MfaFacts),
    /// What was revoked.
    Revocation(RevocationFacts),
    /// The buckets that were imported.
    Buckets(BucketsImported),
    /// Nobody reads any more.
    Watched,
    /// What was used.
    Usage(Vec<UsageLine>),
    /// How the node is.
    Status(StatusFacts),
    /// What it knows of itself.
    Examination(NodeFacts),
    /// The operator who was made or deleted.
    Operator(OperatorFacts),
    /// The operators.
    Operators(Vec<OperatorFacts>),
    /// Policies.
    Policies(Vec<PolicyText>),
    /// The keys.
    Keys(Vec<KeyLine>),
    /// What a rotation came to.
    Rotation(RotationFacts),
    /// What an import came to.
    Imported(ImportFacts),
    /// The permissions of an account.
    Exported(ExportFacts),
    /// What a follower has asked.
    Followed(FollowAnswer),
}

/// Where a wish is carried out, and whose it is.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The node.
    pub node: &'a Arc<Node>,
    /// Its data folder.
    pub folder: &'a Path,
    /// Where long work says how far it is.
    pub progress: &'a Progress,
    /// Where bytes go that are asked for.
    pub output: &'a Output,
    /// Whose wish it is.
    pub operator: &'a Operator,
}

/// Carries out a wish on a node, and leaves the records of that.
///
/// # Errors
/// [`Fault::Refused`] and what the node answers.
pub async fn grant(site: &Site<'_>, wish: Wish) -> Result<Granted, Fault> {
    traces::permit(site.node, site.operator, &wish).await?;
    let (traces, event) = (wish.traces(), traces::event(site.operator, &wish)?);
    let outcome = carried_out(site, wish, &event).await;
    traces::leave(site.node, traces, event, &outcome).await?;
    outcome
}

async fn carried_out(site: &Site<'_>, wish: Wish, event: &Event) -> Result<Granted, Fault> {
    match wish {
        Wish::ImportMfaTokens(order) => {
            mfa_tokens::import(site.node, order).await.map(Granted::MfaTokens)
        }
        Wish::VerifyAudit => {
            audit::verify(site.node, site.folder, site.progress).await.map(Granted::Audit)
        }
        Wish::Backup => {
            let out = site.output.take()?;
            backup::write(site.node, site.folder, site.progress, out).await.map(Granted::Backup)
        }
        Wish::CreateAccount(order) => {
            founder::found_by(site.node, site.operator, order).await.map(Granted::Account)
        }
        Wish::ListAccounts => Ok(Granted::Accounts(accounts::lines(site.node))),
        Wish::CloseAccount { account_id } => {
            accounts::close(site, &account_id).await.map(Granted::Standing)
        }
        Wish::ReopenAccount { account_id } => {
            accounts::reopen(site, &account_id).await.map(Granted::Standing)
        }
        Wish::ResetRootPassword { account_id, root_password } => {
            accounts::reset_root_password(site, &account_id, root_password)
                .await
                .map(Granted::Password)
        }
        Wish::RecoverMfa { account_id, user } => {
            accounts::recover_mfa(site, &account_id, user).await.map(Granted::Mfa)
        }
        Wish::Revoke { what } => revoke::revoke(site, what).await.map(Granted::Revocation),
        Wish::ImportBuckets(order) => buckets::import(site, order).await.map(Granted::Buckets),
        Wish::WatchCalls => calls::watch(site).await.map(|()| Granted::Watched),
        Wish::ReadUsage(order) => usage::lines(site, order).await.map(Granted::Usage),
        Wish::Status => status::status(site).await.map(Granted::Status),
        Wish::Examine => examination::examine(site).await.map(Granted::Examination),
        Wish::CreateOperator { name, purpose } => {
            credentials::create(site, name, purpose).await.map(Granted::Operator)
        }
        Wish::ListOperators => Ok(Granted::Operators(credentials::lines(site.node))),
        Wish::ReadPolicies { principal } => {
            policies::of_principal(site.node, &principal).map(Granted::Policies)
        }
        Wish::DeleteOperator { name } => {
            credentials::delete(site, name).await.map(Granted::Operator)
        }
        Wish::ImportAccount(order) => transfer::import(site, order).await.map(Granted::Imported),
        Wish::ExportAccount { account_id } => {
            transfer::export(site.node, account_id.as_deref()).map(Granted::Exported)
        }
        Wish::Follow(wish) => following::answered(site, wish).await.map(Granted::Followed),
        Wish::ListKeys => keys::lines(site.node).await.map(Granted::Keys),
        Wish::RotateKey(order) => keys::rotate(site, order, event).await.map(Granted::Rotation),
    }
}
