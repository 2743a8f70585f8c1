//! A small world for tests: an account with a root user, requests as clients write them, answers
//! as clients read them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use iamd_policy::Principal;
use iamd_wire::query::Parameters;
use iamd_wire::{Secret, Service, Timestamp, constraint};
use serde_json::Value;

use crate::account_id::AccountId;
use crate::caller::{Caller, Credential};
use crate::draw::Draw;
use crate::founding::{self, NewAccount};
use crate::identity_policies::IdentityPolicies;
use crate::marker::MarkerKey;
use crate::operation::{Access, Environment, Facts, LastUse, Operation, Scene};
use crate::perform::{Visitor, perform, prepare, with_operation};
use crate::preparation::{CodeOutcome, PasswordOutcome, PasswordWork, Preparation, Prepared};
use crate::quota::Quotas;
use crate::record::RecordKey;
use crate::refusal::Refusal;
use crate::ring::{RingKeyTime, SessionKeys};
use crate::state::{
    Account, AccountChanges, AccountFilling, Change, Entity, ServerCertificate, State,
};
use crate::totp::Step;
use crate::unique_id::{AccessKeyId, UniqueId};

/// When tests happen: 2026-01-31T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_769_860_800);
/// The account that most of a test happens in.
pub(crate) const ACCOUNT: &str = "111122223333";
/// Another account.
pub(crate) const OTHER_ACCOUNT: &str = "444455556666";
/// A document that allows everything.
pub(crate) const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
/// A trust policy for EC2.
pub(crate) const TRUST_EC2: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;

/// State and surroundings of requests; also the rows that a store would hold.
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) rows: Rows,
    pub(crate) quotas: Quotas,
    pub(crate) environment: Environment,
    pub(crate) facts: KnownFacts,
    pub(crate) now: Timestamp,
    session_keys: SessionKeys,
    marker_key: MarkerKey,
    identity_policies: IdentityPolicies,
    draws: u64,
    claims: Claims,
}

/// One-time codes that were used: account, device and step.
type Claims = BTreeSet<(AccountId, [u8; 16], Step)>;

/// What a store would hold.
pub(crate) type Rows = BTreeMap<(AccountId, u16, String), Vec<u8>>;

/// Facts that a test sets.
#[derive(Debug, Default)]
pub(crate) struct KnownFacts {
    pub(crate) keys: BTreeMap<AccessKeyId, LastUse>,
    pub(crate) roles: BTreeMap<UniqueId, LastUse>,
    pub(crate) accesses: BTreeMap<(AccountId, String), Vec<Access>>,
    /// Users of server certificates, by the names of these.
    pub(crate) certificate_users: BTreeMap<String, String>,
}

impl Facts for KnownFacts {
    fn access_key_last_use(&self, key: &AccessKeyId) -> Option<LastUse> {
        self.keys.get(key).cloned()
    }

    fn role_last_use(&self, role: UniqueId) -> Option<LastUse> {
        self.roles.get(&role).cloned()
    }

    fn accesses(&self, account: AccountId, principal: &str) -> Vec<Access> {
        self.accesses.get(&(account, principal.to_owned())).cloned().unwrap_or_default()
    }

    fn user_of_certificate(
        &self,
        _: &Account,
        certificate: &ServerCertificate,
    ) -> Option<Box<str>> {
        self.certificate_users.get(&*certificate.name).map(|user| user.as_str().into())
    }
}

impl World {
    /// Two accounts with nothing in them.
    pub(crate) fn new() -> World {
        let mut world = World::empty();
        for account in [ACCOUNT, OTHER_ACCOUNT] {
            let new = NewAccount {
                id: Some(account.parse().unwrap()),
                root_email: format!("root@{account}.example"),
                root_password_hash: "hash".into(),
                first_key: None,
            };
            let mut draw = world.draw();
            let founded = founding::found(&world.state, &new, &mut draw).unwrap();
            world.commit(&founded.changes);
        }
        world
    }

    /// A world that is equal to this one and goes its own way.
    pub(crate) fn fork(&self) -> World {
        World {
            state: self.state.clone(),
            rows: self.rows.clone(),
            quotas: self.quotas.clone(),
            draws: self.draws,
            now: self.now,
            claims: self.claims.clone(),
            ..World::empty()
        }
    }

    /// A world in which root of [`ACCOUNT`] has sent these requests, all of them successfully.
    pub(crate) fn with(requests: &[&str]) -> World {
        let mut world = World::new();
        let root = world.root();
        for request in requests {
            world.ok(&root, request);
        }
        world
    }

    /// The root user of [`ACCOUNT`].
    pub(crate) fn root(&self) -> Caller {
        self.root_of(ACCOUNT)
    }

    /// The root user of an account.
    pub(crate) fn root_of(&self, account: &str) -> Caller {
        Caller {
            account: account.parse().unwrap(),
            identity: crate::caller::Identity::Root,
            principal: Principal::Root { account: account.to_owned() },
            credential: Credential::LongTerm("ROOTROOTROOTROOT".parse().unwrap()),
        }
    }

    /// A user of [`ACCOUNT`] with a key, which is made if he has none.
    pub(crate) fn user(&mut self, name: &str) -> Caller {
        self.user_of(ACCOUNT, name)
    }

    /// The same for a user of any account.
    pub(crate) fn user_of(&mut self, account: &str, name: &str) -> Caller {
        let root = self.root_of(account);
        let keys = self.ok(&root, &format!("ListAccessKeys&UserName={name}"));
        let id = match keys["AccessKeyMetadata"][0]["AccessKeyId"].as_str() {
            Some(id) => id.to_owned(),
            None => {
                let key = self.ok(&root, &format!("CreateAccessKey&UserName={name}"));
                key["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned()
            }
        };
        let (account, key) = self.state.access_key(&id.parse().unwrap()).unwrap();
        Caller::of_access_key(account, key).unwrap()
    }

    /// Whoever holds the temporary credentials in this answer.
    pub(crate) fn holder(&self, answer: &Value) -> Caller {
        let text = |member: &str| answer["Credentials"][member].as_str().unwrap();
        let id = text("AccessKeyId").parse().unwrap();
        let opened = self.session_keys.open(text("SessionToken"), &id).unwrap();
        assert_eq!(opened.secret_access_key.expose(), text("SecretAccessKey"));
        Caller::of_session(&self.state, &id, &Arc::new(opened.session)).unwrap()
    }

    /// What surrounds a request of this caller.
    pub(crate) fn scene<'a>(&'a self, caller: &'a Caller) -> Scene<'a> {
        Scene {
            state: &self.state,
            account: self.state.account(caller.account).unwrap(),
            caller,
            environment: &self.environment,
            facts: &self.facts,
            session_keys: &self.session_keys,
            identity_policies: &self.identity_policies,
            marker_key: &self.marker_key,
            quotas: &self.quotas,
            external_url: "https://iam.example",
            prepared: None,
            witness: &(),
            now: self.now,
        }
    }

    /// Carries out a request, written as `CreateUser&UserName=bob`, in the form encoding of
    /// clients. Gives the answer as an SDK parses it, or `Code: message`.
    pub(crate) fn send(&mut self, caller: &Caller, request: &str) -> Result<Value, String> {
        let (service, operation, parameters) = parsed(request);
        constraint::validate(&parameters, service.operation(operation).unwrap())
            .map_err(|message| format!("ValidationError: {message}"))?;
        let mut draw = self.draw();
        let mut claims = std::mem::take(&mut self.claims);
        let perform = Perform {
            parameters: &parameters,
            scene: self.scene(caller),
            claims: &mut claims,
            draw: &mut draw,
        };
        let performed = with_operation(service, operation, perform).unwrap();
        self.claims = claims;
        let (changes, answer) = performed.map_err(|refusal| refusal.to_string())?;
        self.commit(&changes);
        Ok(answer)
    }

    /// The encoded authorization message of a denial.
    pub(crate) fn encoded_denial(&mut self, caller: &Caller, request: &str) -> String {
        let (service, operation, parameters) = parsed(request);
        let mut draw = self.draw();
        let perform = Perform {
            parameters: &parameters,
            scene: self.scene(caller),
            claims: &mut Claims::new(),
            draw: &mut draw,
        };
        let refusal = with_operation(service, operation, perform).unwrap().unwrap_err();
        let message = *refusal.authorization.unwrap();
        self.session_keys.seal_message(message, &mut draw).unwrap()
    }

    /// The answer to a request that succeeds.
    pub(crate) fn ok(&mut self, caller: &Caller, request: &str) -> Value {
        match self.send(caller, request) {
            Ok(answer) => answer,
            Err(refusal) => panic!("{request}\n  {refusal}"),
        }
    }

    /// `Code: message` of a request that is refused.
    pub(crate) fn refusal(&mut self, caller: &Caller, request: &str) -> String {
        match self.send(caller, request) {
            Ok(answer) => panic!("{request}\n  was answered: {answer}"),
            Err(refusal) => refusal,
        }
    }

    /// Sends requests one after the other and compares what comes back: an answer in JSON, with
    /// what is drawn replaced by marks as in [`marked`], or a refusal as `Code: message`, or a
    /// refusal of which the code alone counts.
    pub(crate) fn expect(&mut self, caller: &Caller, exchanges: &[(&str, &str)]) {
        for (request, expected) in exchanges {
            let got = self.send(caller, request).map(|answer| marked(&answer));
            match got {
                Ok(answer) => {
                    let json = serde_json::from_str::<Value>(expected);
                    assert_eq!(Ok(answer), json.map_err(|_| *expected), "{request}");
                }
                Err(refusal) if expected.contains(": ") => {
                    assert_eq!(refusal, **expected, "{request}");
                }
                Err(refusal) => {
                    let code = refusal.split(':').next().unwrap();
                    assert_eq!(code, *expected, "{request}\n  {refusal}");
                }
            }
        }
    }

    /// Applies changes, and writes them to the rows as a store does.
    pub(crate) fn commit(&mut self, changes: &[AccountChanges]) {
        for batch in changes {
            self.state.apply(batch);
            for change in &batch.changes {
                let key = match change {
                    Change::Put(entity) => entity.key().to_record(),
                    Change::Remove(key) => key.to_record(),
                };
                let place = (batch.account, key.kind, key.id.clone());
                match change {
                    Change::Put(entity) => self.rows.insert(place, entity.to_bytes()),
                    Change::Remove(_) => self.rows.remove(&place),
                };
            }
        }
    }

    /// Loses what was said of codes that count once, as a store that was put back does.
    pub(crate) fn forget_claims(&mut self) {
        self.claims.clear();
    }

    fn empty() -> World {
        World {
            state: State::default(),
            rows: Rows::new(),
            quotas: Quotas::default(),
            environment: Environment { region: "us-east-1".into(), ..Environment::default() },
            facts: KnownFacts::default(),
            now: NOW,
            session_keys: SessionKeys::new([(1, RingKeyTime::ALWAYS, &[5; 32])]),
            marker_key: MarkerKey::new(&[6; 32]),
            identity_policies: IdentityPolicies::default(),
            draws: 0,
            claims: Claims::new(),
        }
    }

    fn draw(&mut self) -> Draw {
        self.draws += 1;
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.draws.to_be_bytes());
        Draw::new(self.now, seed)
    }
}

/// The state that a node reads from these rows.
pub(crate) fn rebuilt(rows: &Rows) -> State {
    let mut state = State::default();
    let accounts: std::collections::BTreeSet<AccountId> =
        rows.keys().map(|(account, ..)| *account).collect();
    for account in accounts {
        let own = rows.iter().filter(|((of, ..), _)| *of == account);
        let mut filling = AccountFilling::new(account);
        for ((_, kind, id), bytes) in own {
            let key = RecordKey { kind: *kind, id: id.clone() };
            filling.add(Entity::from_bytes(&key, bytes).unwrap());
        }
        state.fill(filling);
    }
    state
}

/// A request in the form of clients, taken apart.
pub(crate) fn parsed(request: &str) -> (Service, &str, Parameters<'_>) {
    let (operation, rest) = request.split_once('&').unwrap_or((request, ""));
    let service = Service::ALL.iter().find(|service| service.operation(operation).is_some());
    let service = service.unwrap_or_else(|| panic!("{operation} is no operation"));
    (*service, operation, Parameters::parse(rest.as_bytes()).unwrap())
}

struct Perform<'a> {
    parameters: &'a Parameters<'a>,
    scene: Scene<'a>,
    claims: &'a mut Claims,
    draw: &'a mut Draw,
}

impl Visitor for Perform<'_> {
    type Outcome = Result<(Vec<AccountChanges>, Value), Refusal>;

    fn visit<O: Operation>(self) -> Self::Outcome {
        let operation: O = self.parameters.decode().unwrap();
        let claims = self.claims;
        let prepared =
            prepare(&operation, &self.scene)?.map(|preparation| carried_out(preparation, claims));
        let scene = Scene { prepared: prepared.as_ref(), ..self.scene };
        let planned = perform(&operation, &scene, self.draw)?;
        if O::EFFECT == crate::operation::Effect::Read {
            assert_eq!(planned.changes, [], "a read changes nothing");
        }
        Ok((planned.changes, serde_json::to_value(planned.output).unwrap()))
    }
}

/// What a door does; the hash of a password is a mark before it here.
fn carried_out(preparation: Preparation, claims: &mut Claims) -> Prepared {
    match preparation {
        Preparation::Passwords(work) => {
            let outcome = outcome_of(&work);
            Prepared::Passwords(work, outcome)
        }
        Preparation::Code(code) => {
            let mut claim = |step: &Step| claims.insert((code.account, code.device.0, *step));
            code.passed.iter().for_each(|step| {
                claim(step);
            });
            let is_first = code.steps.iter().filter(|step| claim(step)).count() == code.steps.len();
            let is_fine = is_first && code.is_right();
            let outcome = if is_fine { CodeOutcome::Claim } else { CodeOutcome::Refuse };
            Prepared::Code(code, outcome)
        }
    }
}

fn outcome_of(work: &PasswordWork) -> PasswordOutcome {
    let hash = |password: &Secret| Secret::from(format!("hash of {}", password.expose()));
    if work.present.as_ref().is_some_and(|(given, present)| hash(given) != *present) {
        return PasswordOutcome::Mismatch;
    }
    let hash = hash(&work.new);
    if work.unlike.contains(&hash) { PasswordOutcome::Reuse } else { PasswordOutcome::Hash(hash) }
}

/// An answer with what is drawn replaced: ids by their prefixes (`<AIDA>`), the present time by
/// `<now>`, secrets and tokens by `<secret>`; documents are decoded.
pub(crate) fn marked(answer: &Value) -> Value {
    match answer {
        Value::Object(members) => {
            let mark = |(name, value): (&String, &Value)| {
                let value = match (name.as_str(), value) {
                    ("SecretAccessKey" | "SessionToken", Value::String(_)) => "<secret>".into(),
                    ("SessionTokenSize" | "SessionTokenUtilization", _) => "<size>".into(),
                    (_, value) => marked(value),
                };
                (name.clone(), value)
            };
            Value::Object(members.iter().map(mark).collect())
        }
        Value::Array(items) => items.iter().map(marked).collect(),
        Value::String(text) => marked_text(text).into(),
        // What serde writes for a time; the codecs of the wire have forms of their own.
        Value::Number(seconds) if seconds.as_i64() == Some(NOW.seconds()) => "<now>".into(),
        other => other.clone(),
    }
}

fn marked_text(text: &str) -> String {
    let is_id = (text.len() == 21 || text.len() == 20)
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte));
    if is_id {
        return format!("<{}>", &text[..4]);
    }
    if text.starts_with("%7B") { unescaped(text) } else { text.to_owned() }
}

/// The text behind percent encoding.
pub(crate) fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
