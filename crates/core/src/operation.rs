//! What an operation is: a request that names what it touches and plans what happens.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use iamd_policy::{Context, Decision};
use iamd_wire::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account_id::AccountId;
use crate::authorize::authorize;
use crate::caller::Caller;
use crate::draw::Draw;
use crate::identity_policies::IdentityPolicies;
use crate::marker::MarkerKey;
use crate::preparation::{CodeUse, Preparation, Prepared};
use crate::quota::Quotas;
use crate::refusal::Refusal;
use crate::ring::SessionKeys;
use crate::state::{Account, AccountChanges, Change, ServerCertificate, State};
use crate::unique_id::{AccessKeyId, UniqueId};

/// An operation of a service, implemented by its request type.
///
/// The request's constraints were checked before it was decoded, so required members are there and
/// lengths and patterns hold.
pub trait Operation: DeserializeOwned + Send + Sync + 'static {
    /// The IAM action that must be allowed, such as `iam:CreateUser`.
    const ACTION: &'static str;
    /// Whether the operation writes, and where.
    const EFFECT: Effect;
    /// The answer.
    type Output: Serialize;

    /// What the caller must be allowed to do: action, resource and condition keys, all of them.
    ///
    /// # Errors
    /// A refusal when the request names no target, such as an absent user name from a caller who
    /// is no user.
    fn targets(&self, scene: &Scene<'_>) -> Result<Vec<Target>, Refusal>;

    /// Allows or refuses the request; what the operation does beyond the usual is its own `impl`.
    ///
    /// # Errors
    /// `AccessDenied`, or what `targets` refuses.
    fn permit(&self, scene: &Scene<'_>) -> Result<(), Refusal> {
        authorize(scene, &self.targets(scene)?)
    }

    /// Whether something must be done before the plan of this request.
    fn is_prepared(&self) -> bool {
        false
    }

    /// The one-time code that the request shows, on which the decision itself rests: it is looked
    /// at, and a wrong one counted, before anything is allowed.
    ///
    /// # Errors
    /// A refusal in AWS's words.
    fn shown_code(&self, _: &Scene<'_>) -> Result<Option<CodeUse>, Refusal> {
        Ok(None)
    }

    /// What must be done before the plan, given that the caller is allowed; the plan checks again
    /// whatever this rests on.
    ///
    /// # Errors
    /// A refusal in AWS's words.
    fn prepare(&self, _: &Scene<'_>) -> Result<Option<Preparation>, Refusal> {
        Ok(None)
    }

    /// What happens, given that the caller is allowed; pure, and repeated on a newer state when a
    /// concurrent write came first.
    ///
    /// # Errors
    /// A refusal in AWS's words.
    fn plan(&self, scene: &Scene<'_>, draw: &mut Draw) -> Result<Planned<Self::Output>, Refusal>;
}

/// Whether an operation writes, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It only reads.
    Read,
    /// It writes to the caller's account.
    Write,
    /// It writes to the caller's account and to the directory of accounts.
    WriteDirectory,
}

/// One (action, resource) pair that must be allowed.
#[derive(Debug, Clone)]
pub struct Target {
    /// The action; usually the operation's own.
    pub action: &'static str,
    /// The resource: an ARN, or `*` for an action without resource-level permissions.
    pub resource: Cow<'static, str>,
    /// What a denial names instead of the resource, where AWS does so.
    pub shown: Option<String>,
    /// Condition keys that follow from the request and the resource.
    pub context: Context,
}

impl Target {
    /// A target with no condition keys of its own.
    pub fn new(action: &'static str, resource: impl Into<Cow<'static, str>>) -> Target {
        Target { action, resource: resource.into(), shown: None, context: Context::default() }
    }

    /// A target of an action without resource-level permissions; a denial shows `shown`.
    pub fn wildcard(action: &'static str, shown: Option<String>) -> Target {
        Target { shown, ..Target::new(action, "*") }
    }
}

/// What an allowed operation does.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned<T> {
    /// Changes to commit before the answer is given; none for a read.
    pub changes: Vec<AccountChanges>,
    /// The answer.
    pub output: T,
}

impl<T> Planned<T> {
    /// An answer without changes.
    pub fn read(output: T) -> Planned<T> {
        Planned { changes: Vec::new(), output }
    }

    /// Changes to one account, then the answer.
    pub fn write(account: &Account, changes: Vec<Change>, output: T) -> Planned<T> {
        let changes = if changes.is_empty() {
            Vec::new()
        } else {
            vec![AccountChanges { account: account.id(), changes }]
        };
        Planned { changes, output }
    }
}

/// What surrounds a request when it is authorized and planned.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// All accounts, at one moment.
    pub state: &'a State,
    /// The caller's account in `state`.
    pub account: &'a Arc<Account>,
    /// Who asks.
    pub caller: &'a Caller,
    /// Where the request came from.
    pub environment: &'a Environment,
    /// When things were last used.
    pub facts: &'a dyn Facts,
    /// Keys that seal session tokens.
    pub session_keys: &'a SessionKeys,
    /// The identity-based policies of recent callers.
    pub identity_policies: &'a IdentityPolicies,
    /// Key that authenticates pagination markers.
    pub marker_key: &'a MarkerKey,
    /// Limits on how much there may be of everything.
    pub quotas: &'a Quotas,
    /// The address under which clients reach the server, without a slash at its end.
    pub external_url: &'a str,
    /// What was done for this request before, where something had to be.
    pub prepared: Option<&'a Prepared>,
    /// Who is told of decisions.
    pub witness: &'a dyn Witness,
    /// The present time.
    pub now: Timestamp,
}

/// Where a request came from: the source of environment condition keys.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Address of the client; behind a trusted proxy, the address that proxy names.
    pub source_ip: Option<IpAddr>,
    /// Whether the connection is encrypted.
    pub secure_transport: bool,
    /// The header `User-Agent`.
    pub user_agent: Option<Box<str>>,
    /// The header `Referer`.
    pub referer: Option<Box<str>>,
    /// The region of the credential scope.
    pub region: Box<str>,
}

/// When and for what something was last used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    /// The time.
    pub time: Timestamp,
    /// The region of the credential scope.
    pub region: Box<str>,
    /// The service of the credential scope.
    pub service: Box<str>,
}

/// A principal's last attempt to use an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The action, such as `s3:GetObject`; the service alone where the action is not known.
    pub action: Box<str>,
    /// The time.
    pub time: Timestamp,
    /// The region that the request was for.
    pub region: Box<str>,
}

/// Is told of every decision, and can change none: for counting.
pub trait Witness: Sync {
    /// A decision was made.
    fn decided(&self, decision: Decision);

    /// Somebody tried to use an action, allowed or not: a service has seen his credentials.
    fn attempted(&self, _: &Caller, _action: &str, _region: &str, _: Timestamp) {}
}

/// Nobody is told.
impl Witness for () {
    fn decided(&self, _: Decision) {}
}

/// High-rate facts, which are no part of the state.
pub trait Facts: Sync {
    /// The last use of an access key.
    fn access_key_last_use(&self, key: &AccessKeyId) -> Option<LastUse>;
    /// The last use of a role: when a session of it last made a request.
    fn role_last_use(&self, role: UniqueId) -> Option<LastUse>;
    /// The last attempts of a principal of this account, one for each action; he is named as
    /// [`Identity::access_id`](crate::caller::Identity::access_id) does.
    fn accesses(&self, account: AccountId, principal: &str) -> Vec<Access>;
    /// Who uses a server certificate of this account, which cannot be deleted then.
    fn user_of_certificate(
        &self,
        account: &Account,
        certificate: &ServerCertificate,
    ) -> Option<Box<str>>;
}
