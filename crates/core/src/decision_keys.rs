//! The condition keys of one decision, each computed when a policy asks for it.

use std::borrow::Cow;
use std::net::IpAddr;

use iamd_policy::{ConditionKeys, Principal, Value};
use iamd_wire::Timestamp;

use crate::account_id::AccountId;
use crate::caller::{Caller, Identity};
use crate::operation::{Environment, Scene, Target};
use crate::session::Session;
use crate::state::{Account, Tag};

/// What a key begins with that stands for a tag of the caller, in lower case.
const PRINCIPAL_TAG: &str = "aws:principaltag/";

/// The keys that any request may have, as they are spelt.
const GENERAL_KEYS: [&str; 19] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:SecureTransport",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "aws:ViaAWSService",
];

/// The keys of a request, whoever makes it: those of an anonymous one are all there are.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Where it came from.
    pub environment: &'a Environment,
    /// The present time.
    pub now: Timestamp,
    /// What it is about.
    pub target: &'a Target,
    /// The account that owns that.
    pub resource_account: Option<AccountId>,
}

/// The keys of one decision: of the target, the caller, his session and the request.
///
/// Source: IAM User Guide, "AWS global condition context keys".
#[derive(Clone, Copy)]
pub struct DecisionKeys<'a> {
    scene: &'a Scene<'a>,
    request: Surroundings<'a>,
}

impl<'a> DecisionKeys<'a> {
    /// The keys for a target that this account owns.
    pub fn new(
        scene: &'a Scene<'a>,
        target: &'a Target,
        resource_account: AccountId,
    ) -> DecisionKeys<'a> {
        let Scene { environment, now, .. } = *scene;
        let resource_account = Some(resource_account);
        DecisionKeys { scene, request: Surroundings { environment, now, target, resource_account } }
    }

    /// All keys that the request has, in order of their names, with their values.
    pub fn all(&self) -> Vec<(String, Vec<String>)> {
        let of_target = self.request.target.context.iter().map(|(name, _)| name.to_owned());
        let tags = principal_tags(self.scene.account, self.scene.caller);
        let of_tags = tags.map(|tag| format!("aws:PrincipalTag/{}", tag.key));
        let general = GENERAL_KEYS.iter().map(|key| (*key).to_owned());
        let mut keys: Vec<(String, Vec<String>)> = Vec::new();
        for name in general.chain(of_tags).chain(of_target) {
            let is_known = keys.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name));
            if let (false, Some(value)) = (is_known, self.value(&name.to_lowercase())) {
                let values = value.iter().map(str::to_owned).collect();
                keys.push((name, values));
            }
        }
        keys.sort();
        keys
    }

    fn of_session(&self, session: &'a Session, key: &str) -> Option<Value<'_>> {
        match key {
            "aws:tokenissuetime" => Some(session.issued.to_string().into()),
            // Sessions made with AssumeRole carry no MFA facts: they say `false`.
            "aws:multifactorauthpresent" => Some(truth(session.mfa.is_some()).into()),
            "aws:multifactorauthage" => {
                let age = self.scene.now.seconds().saturating_sub(session.mfa?.seconds()).max(0);
                Some(age.to_string().into())
            }
            "aws:sourceidentity" => session.source_identity.as_deref().map(Value::from),
            _ => None,
        }
    }
}

impl<'a> Surroundings<'a> {
    fn of_request(&self, key: &str) -> Option<Value<'a>> {
        let (environment, now) = (self.environment, self.now);
        let text = |text: &'a str| Some(Value::from(text));
        match key {
            "aws:currenttime" => Some(now.to_string().into()),
            "aws:epochtime" => Some(now.seconds().to_string().into()),
            "aws:securetransport" => text(truth(environment.secure_transport)),
            "aws:viaawsservice" => text("false"),
            "aws:sourceip" => environment.source_ip.map(|ip| unmapped(ip).to_string().into()),
            "aws:useragent" => environment.user_agent.as_deref().and_then(text),
            "aws:referer" => environment.referer.as_deref().and_then(text),
            "aws:requestedregion" => match requested_region(environment, self.target.action) {
                "" => None,
                region => text(region),
            },
            "aws:resourceaccount" | "s3:resourceaccount" => {
                self.resource_account.map(|account| account.to_string().into())
            }
            _ => None,
        }
    }
}

impl ConditionKeys for Surroundings<'_> {
    fn value(&self, key: &str) -> Option<Value<'_>> {
        let of_target = self.target.context.value(key);
        let of_nobody = || Principal::Anonymous.value(key).map(|value| value.into_owned().into());
        of_target.or_else(|| self.of_request(key)).or_else(of_nobody)
    }
}

impl ConditionKeys for DecisionKeys<'_> {
    fn value(&self, key: &str) -> Option<Value<'_>> {
        let caller = self.scene.caller;
        if let Some(value) = self.request.target.context.value(key) {
            return Some(value);
        }
        if let Some(tag) = key.strip_prefix(PRINCIPAL_TAG) {
            return principal_tag(self.scene.account, caller, tag).map(Value::from);
        }
        let of_session = caller.session().and_then(|session| self.of_session(session, key));
        let of_caller = || caller.principal.value(key).map(Value::One);
        of_session.or_else(|| self.request.of_request(key)).or_else(of_caller)
    }
}

/// The region that a request is for: IAM has one, wherever the client signs for.
pub(crate) fn requested_region<'e>(environment: &'e Environment, action: &str) -> &'e str {
    if action.starts_with("iam:") { "us-east-1" } else { &environment.region }
}

/// The value of a tag behind `aws:PrincipalTag`, its key in lower case: the session's, else the
/// user's or role's.
fn principal_tag<'a>(account: &'a Account, caller: &'a Caller, key: &str) -> Option<&'a str> {
    principal_tags(account, caller).find(|tag| is_key(tag, key)).map(|tag| &*tag.value)
}

/// The tags of the session, the last one first, then those of the user or role.
fn principal_tags<'a>(account: &'a Account, caller: &'a Caller) -> impl Iterator<Item = &'a Tag> {
    let session_tags = caller.session().map_or(&[][..], |session| &session.tags);
    let own_tags = match &caller.identity {
        Identity::Root => &[][..],
        Identity::User(id) => account.users().with_id(*id).map_or(&[][..], |user| &user.tags),
        Identity::RoleSession { role, .. } => {
            account.roles().with_id(*role).map_or(&[][..], |role| &role.tags)
        }
    };
    session_tags.iter().rev().map(|session_tag| &session_tag.tag).chain(own_tags)
}

fn is_key(tag: &Tag, lower: &str) -> bool {
    let folded = match tag.key.is_ascii() {
        true => return tag.key.eq_ignore_ascii_case(lower),
        false => tag.key.to_lowercase(),
    };
    Cow::Owned::<str>(folded) == lower
}

fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// An IPv4 address that arrives in IPv6 clothes is an IPv4 address to policies.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
    }
}
