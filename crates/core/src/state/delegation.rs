//! Requests of one account to act in another for a while.

use iamd_wire::Timestamp;
use minicbor::{Decode, Encode};

use crate::account_id::AccountId;
use crate::record;

/// A request for temporary delegation; lives in the directory, for its two accounts see it.
///
/// Source: IAM API Reference, DelegationRequest.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DelegationRequest {
    /// The id.
    #[n(0)]
    pub id: Box<str>,
    /// The account that asks.
    #[n(1)]
    pub requestor: AccountId,
    /// The account that is asked; none until somebody takes the request on.
    #[n(2)]
    pub owner_account: Option<AccountId>,
    /// Who has taken the request on.
    #[n(3)]
    pub owner: Option<DelegationParty>,
    /// Who has accepted it.
    #[n(4)]
    pub approver: Option<DelegationParty>,
    /// What has become of it, its time aside.
    #[n(5)]
    pub state: DelegationState,
    /// When it was made.
    #[cbor(n(6), with = "record::timestamp")]
    pub created: Timestamp,
    /// When it was last changed.
    #[cbor(n(7), with = "record::timestamp")]
    pub updated: Timestamp,
    /// What it is for.
    #[n(8)]
    pub description: Box<str>,
    /// What the requestor says beside that.
    #[n(9)]
    pub message: Option<Box<str>>,
    /// The template of the policy that is asked for.
    #[n(10)]
    pub template: Option<Box<str>>,
    /// What is filled in there.
    #[n(11)]
    pub parameters: Vec<DelegationParameter>,
    /// The requestor's own id; unique among his requests.
    #[n(12)]
    pub workflow: Box<str>,
    /// Where the requestor wants whoever decides to go then.
    #[n(13)]
    pub redirect_url: Option<Box<str>>,
    /// Where the requestor wants to hear of it.
    #[n(14)]
    pub channel: Box<str>,
    /// How long he would act, in seconds.
    #[n(15)]
    pub session_seconds: u32,
    /// Whether the owner alone may send the token.
    #[n(16)]
    pub only_send_by_owner: bool,
    /// What was said when the request was forwarded.
    #[n(17)]
    pub notes: Option<Box<str>>,
    /// What was said when it was rejected.
    #[n(18)]
    pub rejection_reason: Option<Box<str>>,
}

/// Who took part in a request.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DelegationParty {
    /// The ARN, a session's its own.
    #[n(0)]
    pub arn: Box<str>,
    /// The unique id of the user or role, or the word for root: names are used again.
    #[n(1)]
    pub access_id: Box<str>,
}

/// A value in the place of a name in a policy template.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DelegationParameter {
    /// The name.
    #[n(0)]
    pub name: Option<Box<str>>,
    /// The values.
    #[n(1)]
    pub values: Option<Vec<Box<str>>>,
    /// Whether it is a list; none if the request did not say.
    #[n(2)]
    pub is_list: Option<bool>,
}

/// What has become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum DelegationState {
    /// Nobody has taken it on.
    #[n(0)]
    Unassigned,
    /// Somebody has.
    #[n(1)]
    Assigned,
    /// He has forwarded it to whoever may accept it.
    #[n(2)]
    PendingApproval,
    /// It is accepted.
    #[n(3)]
    Accepted,
    /// The token was sent.
    #[n(4)]
    Finalized,
    /// It is rejected.
    #[n(5)]
    Rejected,
}

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// How long a request is still shown after it has expired.
// CHOICE: AWS deletes it "after the retention period", and does not say which.
const RETENTION_SECONDS: i64 = 7 * DAY_SECONDS;

impl DelegationRequest {
    /// When the request expires if nothing more happens to it.
    ///
    /// Source: IAM User Guide, "Understanding the Request Lifecycle": a day for one that nobody has
    /// taken on, else seven days.
    pub fn expires(&self) -> Timestamp {
        let days = if self.state == DelegationState::Unassigned { 1 } else { 7 };
        Timestamp::from_seconds(self.updated.seconds().saturating_add(days * DAY_SECONDS))
    }

    /// Whether it has expired.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now >= self.expires()
    }

    /// Whether it is not even shown any more.
    pub fn is_gone(&self, now: Timestamp) -> bool {
        now.seconds() >= self.expires().seconds().saturating_add(RETENTION_SECONDS)
    }
}
