//! The commands of a run: drawn from a weighted list, each with what it changes if it is done.

use std::collections::BTreeMap;

use iamd_core::account_id::AccountId;
use iamd_simulate::random::Random;
use iamd_wire::Service;

use super::effect::{After, Effect};
use super::picture::Picture;

/// Names are few, so that commands meet, and more than the quotas allow.
const USERS: [&str; 5] = ["ana", "ben", "cid", "dan", "eva"];
const GROUPS: [&str; 3] = ["staff", "ops", "guests"];
const ROLES: [&str; 3] = ["reader", "writer", "auditor"];
const POLICIES: [&str; 3] = ["one", "two", "three"];
/// Aliases that accounts may want.
pub(super) const ALIASES: [&str; 3] = ["north", "south", "west"];
const AWS_POLICY: &str = "arn:aws:iam::aws:policy/IAMReadOnlyAccess";

/// A request, and what it does.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) account: AccountId,
    pub(super) service: Service,
    pub(super) operation: &'static str,
    /// The parameters, as clients write them.
    pub(super) body: String,
    pub(super) effects: Vec<Effect>,
}

type Draw<'d> = &'d mut Random;

type Kind = fn(&mut Drawing<'_>) -> Command;

/// How often each kind of command comes.
const KINDS: [(usize, Kind); 32] = [
    (10, |it| it.create_user()),
    (6, |it| it.delete_user()),
    (3, |it| it.create_named("CreateGroup", "group", &GROUPS)),
    (2, |it| it.delete_named("DeleteGroup", "group", &GROUPS)),
    (4, |it| it.create_role()),
    (2, |it| it.delete_named("DeleteRole", "role", &ROLES)),
    (4, |it| it.create_policy()),
    (2, |it| it.delete_policy()),
    (4, |it| it.create_version()),
    (2, |it| it.set_default_version()),
    (6, |it| it.attach("AttachUserPolicy", "user", &USERS, true)),
    (6, |it| it.attach("DetachUserPolicy", "user", &USERS, false)),
    (3, |it| it.attach("AttachGroupPolicy", "group", &GROUPS, true)),
    (2, |it| it.attach("DetachGroupPolicy", "group", &GROUPS, false)),
    (3, |it| it.attach("AttachRolePolicy", "role", &ROLES, true)),
    (2, |it| it.attach("DetachRolePolicy", "role", &ROLES, false)),
    (4, |it| it.member("AddUserToGroup", true)),
    (3, |it| it.member("RemoveUserFromGroup", false)),
    (6, |it| it.create_key()),
    (4, |it| it.delete_key()),
    (3, |it| it.update_key()),
    (6, |it| it.put_inline()),
    (3, |it| it.delete_inline()),
    (2, |it| it.boundary(true)),
    (1, |it| it.boundary(false)),
    (2, |it| it.alias(true)),
    (1, |it| it.alias(false)),
    (4, |it| it.read_named("GetUser", "user", &USERS)),
    (2, |it| it.read_named("GetRole", "role", &ROLES)),
    (3, |it| it.command(Service::Sts, "GetCallerIdentity", "", Vec::new())),
    (9, |it| it.assume_role()),
    (3, |it| it.command(Service::Sts, "GetSessionToken", "", Vec::new())),
];

/// Draws a command for an account.
pub(super) fn draw(
    random: Draw<'_>,
    account: AccountId,
    accounts: &[AccountId],
    known: &Picture,
) -> Command {
    let total: usize = KINDS.iter().map(|(weight, _)| weight).sum();
    let mut place = random.below(total);
    let mut drawing = Drawing { random, account, accounts, known };
    for (weight, kind) in KINDS {
        if place < weight {
            return kind(&mut drawing);
        }
        place -= weight;
    }
    drawing.create_user()
}

/// A write that pictures do not show.
pub(super) fn unseen_write(account: AccountId) -> Command {
    let document = escaped(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
    );
    let body = format!(
        "Action=PutUserPolicy&Version=2010-05-08&UserName=admin&PolicyName=last&PolicyDocument={document}"
    );
    Command {
        account,
        service: Service::Iam,
        operation: "PutUserPolicy",
        body,
        effects: Vec::new(),
    }
}

/// What an account has before anything goes wrong, so that there is something to work with.
pub(super) fn beginnings(
    random: Draw<'_>,
    account: AccountId,
    accounts: &[AccountId],
    known: &Picture,
) -> Vec<Command> {
    let mut drawing = Drawing { random, account, accounts, known };
    let mut commands: Vec<Command> = (0..3).map(|_| drawing.create_user()).collect();
    commands.push(drawing.create_named("CreateGroup", "group", &GROUPS));
    commands.extend((0..2).map(|_| drawing.create_role()));
    commands.extend((0..2).map(|_| drawing.create_policy()));
    commands
}

/// A user's new name. What is his moves with him, so nothing else may happen at the same time.
pub(super) fn rename_user(random: Draw<'_>, account: AccountId, known: &Picture) -> Command {
    let (old, new) = (random.pick(&USERS), random.pick(&USERS));
    let mut moved: BTreeMap<String, Option<String>> = BTreeMap::new();
    let prefix = format!("{account}/");
    for (key, value) in
        known.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix))
    {
        let renamed: Vec<&str> =
            key.split('/').map(|part| if part == old { new } else { part }).collect();
        let renamed = renamed.join("/");
        if renamed != *key {
            moved.entry(key.clone()).or_insert(None);
            moved.insert(renamed, Some(value.clone()));
        }
    }
    let is = |(key, value)| Effect { key, after: After::Is(value) };
    let mut drawing = Drawing { random, account, accounts: &[], known };
    let body = format!("UserName={old}&NewUserName={new}");
    drawing.command(Service::Iam, "UpdateUser", &body, moved.into_iter().map(is).collect())
}

struct Drawing<'d> {
    random: &'d mut Random,
    account: AccountId,
    accounts: &'d [AccountId],
    known: &'d Picture,
}

impl Drawing<'_> {
    fn command(
        &mut self,
        service: Service,
        operation: &'static str,
        parameters: &str,
        effects: Vec<Effect>,
    ) -> Command {
        let body = format!("Action={operation}&Version={}&{parameters}", service.version());
        Command { account: self.account, service, operation, body, effects }
    }

    fn iam(
        &mut self,
        operation: &'static str,
        parameters: &str,
        key: String,
        after: After,
    ) -> Command {
        let key = format!("{}/{key}", self.account);
        self.command(Service::Iam, operation, parameters, vec![Effect { key, after }])
    }

    /// One of the names, more often one that something of this kind has.
    fn taken(&mut self, kind: &str, names: &[&'static str]) -> &'static str {
        self.named(kind, names, true)
    }

    /// One of the names, more often one that nothing of this kind has.
    fn free(&mut self, kind: &str, names: &[&'static str]) -> &'static str {
        self.named(kind, names, false)
    }

    fn named(&mut self, kind: &str, names: &[&'static str], wanted: bool) -> &'static str {
        let account = self.account;
        let is_taken = |name: &&&str| self.known.contains_key(&format!("{account}/{kind}/{name}"));
        let fitting: Vec<&'static str> =
            names.iter().filter(|name| is_taken(name) == wanted).copied().collect();
        let prefers = self.random.percent(75) && !fitting.is_empty();
        self.random.pick(if prefers { &fitting } else { names })
    }

    fn create_user(&mut self) -> Command {
        let name = self.free("user", &USERS);
        let tags =
            "Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Key=b&Tags.member.2.Value=2";
        let after = After::Is(Some("2 tags".to_owned()));
        self.iam("CreateUser", &format!("UserName={name}&{tags}"), format!("user/{name}"), after)
    }

    fn delete_user(&mut self) -> Command {
        let mut command = self.delete_named("DeleteUser", "user", &USERS);
        // The boundary goes with him.
        let boundary =
            command.effects.first().map(|effect| effect.key.replace("/user/", "/boundary/"));
        let gone = |key| Effect { key, after: After::Is(None) };
        command.effects.extend(boundary.map(gone));
        command
    }

    fn create_named(
        &mut self,
        operation: &'static str,
        kind: &str,
        names: &[&'static str],
    ) -> Command {
        let name = self.free(kind, names);
        let parameters = format!("{}={name}", name_parameter(kind));
        let after = After::Is(Some(String::new()));
        self.iam(operation, &parameters, format!("{kind}/{name}"), after)
    }

    fn delete_named(
        &mut self,
        operation: &'static str,
        kind: &str,
        names: &[&'static str],
    ) -> Command {
        let name = self.taken(kind, names);
        let parameters = format!("{}={name}", name_parameter(kind));
        self.iam(operation, &parameters, format!("{kind}/{name}"), After::Is(None))
    }

    fn read_named(
        &mut self,
        operation: &'static str,
        kind: &str,
        names: &[&'static str],
    ) -> Command {
        let name = self.taken(kind, names);
        let parameters = format!("{}={name}", name_parameter(kind));
        self.command(Service::Iam, operation, &parameters, Vec::new())
    }

    fn create_role(&mut self) -> Command {
        let name = self.free("role", &ROLES);
        let account = self.random.pick(self.accounts);
        let user = self.taken("user", &USERS);
        let principal = self.random.pick(&[
            format!("{account}"),
            format!("{}", self.account),
            format!("arn:aws:iam::{account}:user/{user}"),
            format!("arn:aws:iam::{account}:user/admin"),
        ]);
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}}}"#
        );
        let parameters = format!("RoleName={name}&AssumeRolePolicyDocument={}", escaped(&trust));
        self.iam("CreateRole", &parameters, format!("role/{name}"), After::Is(Some(String::new())))
    }

    fn create_policy(&mut self) -> Command {
        let name = self.free("policy", &POLICIES);
        let document = escaped(&self.document());
        let parameters = format!("PolicyName={name}&PolicyDocument={document}");
        let after = After::Is(Some("1/2/1".to_owned()));
        self.iam("CreatePolicy", &parameters, format!("policy/{name}"), after)
    }

    fn delete_policy(&mut self) -> Command {
        let name = self.taken("policy", &POLICIES);
        let parameters = format!("PolicyArn={}", self.policy_arn(name));
        self.iam("DeletePolicy", &parameters, format!("policy/{name}"), After::Is(None))
    }

    fn create_version(&mut self) -> Command {
        let name = self.taken("policy", &POLICIES);
        let document = escaped(&self.document());
        let arn = self.policy_arn(name);
        let parameters = format!("PolicyArn={arn}&SetAsDefault=true&PolicyDocument={document}");
        let key = format!("policy/{name}");
        self.iam("CreatePolicyVersion", &parameters, key, After::VersionAdded)
    }

    fn set_default_version(&mut self) -> Command {
        let name = self.taken("policy", &POLICIES);
        let version = 1 + self.random.below(3);
        let parameters = format!("PolicyArn={}&VersionId=v{version}", self.policy_arn(name));
        let after = After::DefaultIs(version.to_string());
        self.iam("SetDefaultPolicyVersion", &parameters, format!("policy/{name}"), after)
    }

    fn attach(
        &mut self,
        operation: &'static str,
        kind: &str,
        names: &[&'static str],
        attaches: bool,
    ) -> Command {
        let (mut name, mut policy) = (self.taken(kind, names).to_owned(), self.any_policy());
        let prefix = format!("{}/attached-{kind}/", self.account);
        let held = self.known.keys().filter_map(|key| key.strip_prefix(&prefix)?.split_once('/'));
        let held: Vec<(&str, &str)> = held.filter(|(name, _)| *name != "admin").collect();
        if !attaches && !held.is_empty() && self.random.percent(75) {
            let (of, what) = self.random.pick(&held);
            (name, policy) = (of.to_owned(), what.replace('|', "/"));
        }
        let parameters = format!("{}={name}&PolicyArn={policy}", name_parameter(kind));
        let key = format!("attached-{kind}/{name}/{}", policy.replace('/', "|"));
        let after = After::Is(attaches.then(String::new));
        self.iam(operation, &parameters, key, after)
    }

    fn member(&mut self, operation: &'static str, joins: bool) -> Command {
        let (user, group) = (self.taken("user", &USERS), self.taken("group", &GROUPS));
        let parameters = format!("UserName={user}&GroupName={group}");
        let after = After::Is(joins.then(String::new));
        self.iam(operation, &parameters, format!("member/{user}/{group}"), after)
    }

    fn create_key(&mut self) -> Command {
        let name = self.taken("user", &USERS);
        let key = format!("keys/{name}");
        self.iam("CreateAccessKey", &format!("UserName={name}"), key, After::KeyAdded)
    }

    fn delete_key(&mut self) -> Command {
        let (name, id) = self.any_key();
        let parameters = format!("UserName={name}&AccessKeyId={id}");
        self.iam("DeleteAccessKey", &parameters, format!("keys/{name}"), After::KeyRemoved(id))
    }

    fn update_key(&mut self) -> Command {
        let (name, id) = self.any_key();
        let status = self.random.pick(&["Active", "Inactive"]);
        let parameters = format!("UserName={name}&AccessKeyId={id}&Status={status}");
        let after = After::KeyStatus(id, status);
        self.iam("UpdateAccessKey", &parameters, format!("keys/{name}"), after)
    }

    /// A key of one of the users, or one that nobody has.
    fn any_key(&mut self) -> (String, String) {
        let name = self.taken("keys", &USERS);
        let keys = self.known.get(&format!("{}/keys/{name}", self.account));
        let ids = keys.into_iter().flat_map(|keys| keys.split(','));
        let ids: Vec<&str> = ids.filter_map(|key| key.split(':').next()).collect();
        let id = if ids.is_empty() { "AKIANOBODYHASTHISKEY" } else { self.random.pick(&ids) };
        (name.to_owned(), id.to_owned())
    }

    fn put_inline(&mut self) -> Command {
        let name = self.taken("user", &USERS);
        let document = self.document();
        let parameters =
            format!("UserName={name}&PolicyName=own&PolicyDocument={}", escaped(&document));
        self.iam("PutUserPolicy", &parameters, format!("inline/{name}"), After::Is(Some(document)))
    }

    fn delete_inline(&mut self) -> Command {
        let name = self.taken("user", &USERS);
        let parameters = format!("UserName={name}&PolicyName=own");
        self.iam("DeleteUserPolicy", &parameters, format!("inline/{name}"), After::Is(None))
    }

    fn boundary(&mut self, is_put: bool) -> Command {
        let name = self.taken("user", &USERS);
        let key = format!("boundary/{name}");
        if !is_put {
            let parameters = format!("UserName={name}");
            return self.iam("DeleteUserPermissionsBoundary", &parameters, key, After::Is(None));
        }
        let policy = self.any_policy();
        let parameters = format!("UserName={name}&PermissionsBoundary={policy}");
        self.iam("PutUserPermissionsBoundary", &parameters, key, After::Is(Some(policy)))
    }

    /// An alias lives in the account and in the directory of all accounts.
    fn alias(&mut self, is_created: bool) -> Command {
        let alias = self.random.pick(&ALIASES);
        let of_account = format!("{}/alias", self.account);
        let mut effects = Vec::new();
        let mut is = |key: String, value: Option<String>| {
            effects.push(Effect { key, after: After::Is(value) });
        };
        if let Some(old) = self.known.get(&of_account).filter(|old| *old != alias) {
            is(format!("alias/{old}"), None);
        }
        is(of_account, is_created.then(|| alias.to_owned()));
        is(format!("alias/{alias}"), is_created.then(|| self.account.to_string()));
        let operation = if is_created { "CreateAccountAlias" } else { "DeleteAccountAlias" };
        self.command(Service::Iam, operation, &format!("AccountAlias={alias}"), effects)
    }

    fn assume_role(&mut self) -> Command {
        let account =
            if self.random.percent(60) { self.account } else { self.random.pick(self.accounts) };
        let role = self.taken("role", &ROLES);
        let mut parameters =
            format!("RoleArn=arn:aws:iam::{account}:role/{role}&RoleSessionName=session");
        if self.random.percent(30) {
            let document = self.document();
            parameters.push_str(&format!("&Policy={}", escaped(&document)));
        }
        self.command(Service::Sts, "AssumeRole", &parameters, Vec::new())
    }

    fn policy_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:policy/{name}", self.account)
    }

    fn any_policy(&mut self) -> String {
        let name = self.taken("policy", &POLICIES);
        if self.random.percent(20) { AWS_POLICY.to_owned() } else { self.policy_arn(name) }
    }

    fn document(&mut self) -> String {
        let effect = if self.random.percent(80) { "Allow" } else { "Deny" };
        let action = self.random.pick(&[
            r#""*""#,
            r#""iam:*""#,
            r#"["iam:Get*","iam:List*"]"#,
            r#""sts:AssumeRole""#,
            r#""iam:CreateUser""#,
            r#"["iam:*AccessKey","iam:?ttachUserPolicy"]"#,
        ]);
        let user = self.random.pick(&USERS);
        let account = self.account;
        let resource = self.random.pick(&[
            "*".to_owned(),
            format!("arn:aws:iam::{account}:user/{user}"),
            "arn:aws:iam::*:role/*".to_owned(),
        ]);
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":{action},"Resource":"{resource}"}}}}"#
        )
    }
}

fn name_parameter(kind: &str) -> &'static str {
    match kind {
        "user" => "UserName",
        "group" => "GroupName",
        _ => "RoleName",
    }
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
