//! Decisions on requests of S3.

use std::cell::Cell;

use iamd_policy::{
    ConditionKeys, Decision, Explanation, Policies, PolicySet, Principal, Request, Value,
};
use iamd_wire::Timestamp;

use super::S3Target;
use crate::account_id::AccountId;
use crate::authorization_message::AuthorizationMessage;
use crate::authorize::{CallerPolicies, attempted};
use crate::caller::Identity;
use crate::decision_keys::{DecisionKeys, Surroundings};
use crate::operation::{Environment, Scene, Target, Witness};
use crate::state::{Account, Bucket, State};

/// What the owner's root may do whatever the bucket policy says, so that nobody locks himself out.
///
/// Source: S3 API Reference, PutBucketPolicy, GetBucketPolicy, DeleteBucketPolicy.
const ROOT_ACTIONS: [&str; 3] =
    ["s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy"];

/// What keys begin with that stand for tags of an object that is there, in lower case.
const OBJECT_TAG: &str = "s3:existingobjecttag/";

/// A request that nobody signed.
#[derive(Clone, Copy)]
pub struct Stranger<'a> {
    /// All accounts, at one moment.
    pub state: &'a State,
    /// Where the request came from.
    pub environment: &'a Environment,
    /// Who is told of decisions.
    pub witness: &'a dyn Witness,
    /// The present time.
    pub now: Timestamp,
}

/// Who asks.
#[derive(Clone, Copy)]
pub enum Asker<'a> {
    /// Whoever signed the request.
    Caller(&'a Scene<'a>),
    /// Nobody in particular.
    Stranger(Stranger<'a>),
}

impl<'a> Asker<'a> {
    /// All accounts.
    pub fn state(&self) -> &'a State {
        match self {
            Asker::Caller(scene) => scene.state,
            Asker::Stranger(stranger) => stranger.state,
        }
    }

    /// The account of whoever asks.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Asker::Caller(scene) => Some(scene.account.id()),
            Asker::Stranger(_) => None,
        }
    }

    fn witness(&self) -> &'a dyn Witness {
        match self {
            Asker::Caller(scene) => scene.witness,
            Asker::Stranger(stranger) => stranger.witness,
        }
    }
}

/// What came of one target.
#[derive(Debug, Clone)]
pub struct Ruling {
    /// The action.
    pub action: &'static str,
    /// The resource.
    pub resource: String,
    /// The account that owns it; none if nobody does.
    pub owner: Option<AccountId>,
    /// Whether it may be done.
    pub verdict: Verdict,
    /// Whether a policy asked for tags of the object that is there, `s3:ExistingObjectTag`, which the
    /// request did not have.
    pub asks_for_object_tags: bool,
}

/// Whether something may be done.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Policies of the decision's type allow it.
    Allowed(Decision),
    /// No account here owns the bucket.
    NoSuchBucket,
    /// The account of the bucket is closed.
    OwnerClosed,
    /// The bucket's policy is public, and its owner restricts it to his own account.
    Restricted,
    /// The policies do not allow it.
    Denied(Box<Denial>),
}

/// A denial with what led to it.
#[derive(Debug, Clone)]
pub struct Denial {
    /// The decision.
    pub decision: Decision,
    /// What every policy said.
    pub explanation: Explanation,
    /// The same for whoever may decode it; none for strangers.
    pub authorization: Option<AuthorizationMessage>,
}

impl Ruling {
    /// Whether it may be done.
    pub fn is_allowed(&self) -> bool {
        matches!(self.verdict, Verdict::Allowed(_))
    }
}

/// Decides, with the policies of whoever asks at hand.
pub struct Judge<'a> {
    asker: &'a Asker<'a>,
    policies: Option<CallerPolicies>,
    /// Whether a policy asked for tags that are not known.
    asked: Cell<bool>,
}

/// Condition keys that note whether tags of objects were asked for in vain.
struct Noting<'a> {
    keys: &'a dyn ConditionKeys,
    asked: &'a Cell<bool>,
}

impl ConditionKeys for Noting<'_> {
    fn value(&self, key: &str) -> Option<Value<'_>> {
        let value = self.keys.value(key);
        if value.is_none() && key.starts_with(OBJECT_TAG) {
            self.asked.set(true);
        }
        value
    }
}

impl<'a> Judge<'a> {
    /// A judge of the requests of this asker.
    pub fn new(asker: &'a Asker<'a>) -> Judge<'a> {
        let policies = match asker {
            Asker::Caller(scene) => Some(CallerPolicies::of(scene)),
            Asker::Stranger(_) => None,
        };
        Judge { asker, policies, asked: Cell::new(false) }
    }

    /// Decides one target.
    pub fn rule(&self, needed: &S3Target) -> Ruling {
        let owned = match &needed.bucket {
            None => self.asker.account().map(|owner| Owned { owner, bucket: None }),
            Some(name) => match owned(self.asker.state(), name) {
                Some(owned) => Some(owned),
                None => return ruling(needed, None, Verdict::NoSuchBucket),
            },
        };
        let owner = owned.as_ref().map(|owned| owned.owner);
        if owned.as_ref().is_some_and(Owned::is_closed) {
            return ruling(needed, owner, Verdict::OwnerClosed);
        }
        self.asked.set(false);
        let verdict = self.verdict(needed, owned.as_ref());
        Ruling { asks_for_object_tags: self.asked.get(), ..ruling(needed, owner, verdict) }
    }

    fn verdict(&self, needed: &S3Target, owned: Option<&Owned<'_>>) -> Verdict {
        let nothing = PolicySet::default();
        let policy = owned.and_then(|owned| owned.policy());
        let is_restricted = owned.is_some_and(|owned| self.is_restricted(owned));
        let resource = match policy {
            Some(policy) if !self.is_above(&needed.target, owned) => policy,
            Some(_) | None => &nothing,
        };
        let owner = owned.map(|owned| owned.owner);
        let decided = self.decided(&needed.target, owner, resource);
        match decided {
            Verdict::Allowed(_) if is_restricted => Verdict::Restricted,
            decided => decided,
        }
    }

    /// The owner's root is above the bucket policy where it is about that policy.
    fn is_above(&self, target: &Target, owned: Option<&Owned<'_>>) -> bool {
        let Asker::Caller(scene) = self.asker else { return false };
        scene.caller.identity == Identity::Root
            && owned.is_some_and(|owned| owned.owner == scene.account.id())
            && ROOT_ACTIONS.contains(&target.action)
    }

    /// Source: S3 User Guide, "Blocking public access", `RestrictPublicBuckets`.
    fn is_restricted(&self, owned: &Owned<'_>) -> bool {
        self.asker.account() != Some(owned.owner) && owned.restricts_the_public()
    }

    fn decided(&self, target: &Target, owner: Option<AccountId>, resource: &PolicySet) -> Verdict {
        match (self.asker, &self.policies) {
            (Asker::Caller(scene), Some(policies)) => policies.with(|policies| {
                let owner = owner.unwrap_or_else(|| scene.account.id());
                let keys = DecisionKeys::new(scene, target, owner);
                let policies = Policies { resource: Some(resource), ..policies };
                let owner = owner.to_string();
                let request = Request {
                    principal: &scene.caller.principal,
                    action: target.action,
                    resource: &target.resource,
                    resource_account: Some(&owner),
                    context: &keys,
                };
                self.decision(&request, &policies, |explained| {
                    let account = scene.account.id();
                    Some(AuthorizationMessage::new(account, &request, &keys, explained))
                })
            }),
            (Asker::Stranger(_) | Asker::Caller(_), _) => self.of_stranger(target, owner, resource),
        }
    }

    fn of_stranger(
        &self,
        target: &Target,
        owner: Option<AccountId>,
        resource: &PolicySet,
    ) -> Verdict {
        let (environment, now) = match self.asker {
            Asker::Caller(scene) => (scene.environment, scene.now),
            Asker::Stranger(stranger) => (stranger.environment, stranger.now),
        };
        let keys = Surroundings { environment, now, target, resource_account: owner };
        let owner = owner.map(|owner| owner.to_string());
        let request = Request {
            principal: &Principal::Anonymous,
            action: target.action,
            resource: &target.resource,
            resource_account: owner.as_deref(),
            context: &keys,
        };
        let policies = Policies { resource: Some(resource), ..Policies::default() };
        self.decision(&request, &policies, |_| None)
    }

    fn decision(
        &self,
        request: &Request<'_>,
        policies: &Policies<'_>,
        authorization: impl FnOnce(&Explanation) -> Option<AuthorizationMessage>,
    ) -> Verdict {
        let keys = Noting { keys: request.context, asked: &self.asked };
        let decision = iamd_policy::decide(&Request { context: &keys, ..*request }, policies);
        self.asker.witness().decided(decision);
        if let Asker::Caller(scene) = &self.asker {
            attempted(scene, request.action);
        }
        if decision.is_allowed() {
            return Verdict::Allowed(decision);
        }
        let explanation = iamd_policy::explain(request, policies);
        let authorization = authorization(&explanation);
        Verdict::Denied(Box::new(Denial { decision, explanation, authorization }))
    }
}

fn ruling(needed: &S3Target, owner: Option<AccountId>, verdict: Verdict) -> Ruling {
    let resource = needed.target.resource.clone().into_owned();
    let action = needed.target.action;
    Ruling { action, resource, owner, verdict, asks_for_object_tags: false }
}

/// A bucket and its account.
struct Owned<'a> {
    owner: AccountId,
    bucket: Option<(&'a Account, &'a Bucket)>,
}

impl Owned<'_> {
    fn is_closed(&self) -> bool {
        self.bucket.is_some_and(|(account, _)| !account.is_open())
    }

    fn policy(&self) -> Option<&PolicySet> {
        let (account, bucket) = self.bucket?;
        account.bucket_policy(&bucket.name).map(|policy| &policy.set)
    }

    fn restricts_the_public(&self) -> bool {
        self.bucket.is_some_and(|(account, bucket)| {
            bucket.public_access_block.restrict_public_buckets
                && account.bucket_policy(&bucket.name).is_some_and(|policy| policy.is_public)
        })
    }
}

/// The bucket of this name and its account; none if nobody has it.
fn owned<'a>(state: &'a State, name: &str) -> Option<Owned<'a>> {
    let owner = state.directory().owner_of_bucket(name)?;
    let account = state.account(owner)?;
    let bucket = account.buckets().get(name)?;
    Some(Owned { owner, bucket: Some((account, bucket)) })
}
