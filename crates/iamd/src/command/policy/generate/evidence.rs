//! What the records of a trail say about one principal.

use std::collections::BTreeMap;

use iamd_core::s3;
use iamd_policy::Arn;
use iamd_policy::generate::{
    Event, Generated, Generator, NeededBy, Parameter, PresentPolicies, StatementUse, Tally, Use,
};

use super::record::Record;
use crate::doors::gateway::DECISIONS_MAX;

/// Most names of denied or unknown calls that are told apart.
const NAMES_MAX: usize = 10_000;
/// Longest of them, in characters.
const NAME_LENGTH_MAX: usize = 256;

/// Error codes of denials.
const DENIALS: [&str; 5] = [
    "AccessDenied",
    "AccessDeniedException",
    "Client.UnauthorizedOperation",
    "UnauthorizedAccess",
    "UnauthorizedOperation",
];

/// Gathers what a principal has used.
pub(super) struct Evidence<'p> {
    principal: &'p str,
    partition: &'p str,
    account: &'p str,
    /// The beginning of the ARNs of a role's sessions, for records that do not name the role.
    sessions: Option<String>,
    since: Option<String>,
    until: Option<String>,
    generator: Generator,
    present: PresentPolicies,
    facts: Facts,
}

/// What was counted.
#[derive(Default)]
pub(super) struct Facts {
    /// Records of all callers.
    pub(super) records: u64,
    /// Records of the principal, in the time that was asked for.
    pub(super) own: u64,
    /// Of those, how many needed no permission.
    pub(super) free: u64,
    /// And how many failed for another reason than a denial.
    pub(super) failed: u64,
    /// And how many needed more than their records have room for.
    pub(super) cut: u64,
    /// Denied actions.
    pub(super) denied: Names,
    /// Calls of which it is not known what they need.
    pub(super) unknown: Names,
}

/// Names with how often each came; those above the bound are only counted.
#[derive(Default)]
pub(super) struct Names {
    pub(super) tallies: BTreeMap<String, Tally>,
    pub(super) others: u64,
}

impl Names {
    fn add(&mut self, name: &str, time: &str) {
        let name: String = name.chars().take(NAME_LENGTH_MAX).collect();
        if self.tallies.len() < NAMES_MAX || self.tallies.contains_key(&name) {
            self.tallies.entry(name).or_default().add(time);
        } else {
            self.others = self.others.saturating_add(1);
        }
    }
}

impl<'p> Evidence<'p> {
    pub(super) fn new(
        principal: &'p str,
        generator: Generator,
        present: PresentPolicies,
    ) -> Evidence<'p> {
        let arn = Arn::parse(principal);
        let sessions = arn.and_then(|arn| {
            let role = arn.resource.strip_prefix("role/")?.rsplit('/').next()?;
            Some(format!("arn:{}:sts::{}:assumed-role/{role}/", arn.partition, arn.account))
        });
        Evidence {
            principal,
            partition: arn.map_or("aws", |arn| arn.partition),
            account: arn.map_or("", |arn| arn.account),
            sessions,
            since: None,
            until: None,
            generator,
            present,
            facts: Facts::default(),
        }
    }

    /// Only records of this time count.
    pub(super) fn between(self, since: Option<String>, until: Option<String>) -> Evidence<'p> {
        Evidence { since, until, ..self }
    }

    /// Takes in a record.
    pub(super) fn take(&mut self, record: &Record) {
        self.facts.records = self.facts.records.saturating_add(1);
        for arn in [record.caller(), record.issuer()].into_iter().flatten() {
            self.generator.know(arn);
        }
        if !self.is_own(record) {
            self.witness(record);
            return;
        }
        // Times of one form sort as texts.
        let is_early = self.since.as_ref().is_some_and(|since| record.event_time < *since);
        let is_late = self.until.as_ref().is_some_and(|until| record.event_time > *until);
        if is_early || is_late {
            self.witness(record);
            return;
        }
        self.facts.own = self.facts.own.saturating_add(1);
        self.take_own(record);
    }

    /// What came of it, and the policies that the principal has.
    pub(super) fn finish(self) -> (Facts, Generated, Vec<StatementUse>) {
        (self.facts, self.generator.finish(), self.present.statements())
    }

    fn is_own(&self, record: &Record) -> bool {
        let is_session = || {
            let caller = record.caller().unwrap_or_default();
            self.sessions.as_ref().is_some_and(|sessions| caller.starts_with(sessions))
        };
        match record.issuer() {
            Some(issuer) => issuer == self.principal || record.caller() == Some(self.principal),
            None => record.caller() == Some(self.principal) || is_session(),
        }
    }

    fn take_own(&mut self, record: &Record) {
        let time = &record.event_time;
        let decisions = record.decisions();
        if !decisions.is_empty() {
            let is_done = record.error_code.is_none();
            for decision in &decisions {
                match Use::of(decision.action, decision.resource) {
                    _ if !decision.is_allowed => self.facts.denied.add(decision.action, time),
                    Some(used) if is_done => self.add(&used, time),
                    None if is_done => self.facts.unknown.add(decision.action, time),
                    Some(_) | None => {}
                }
            }
        }
        if let Some(code) = &record.error_code {
            let is_denied = DENIALS.contains(&code.as_str());
            if is_denied && decisions.is_empty() {
                self.facts.denied.add(&name(record), time);
            } else if !is_denied {
                self.facts.failed = self.facts.failed.saturating_add(1);
            }
            return;
        }
        if !decisions.is_empty() {
            let is_cut = decisions.len() >= DECISIONS_MAX;
            self.facts.cut = self.facts.cut.saturating_add(u64::from(is_cut));
            return;
        }
        match self.needed(record) {
            NeededBy::Uses(uses) => uses.iter().for_each(|used| self.add(used, time)),
            NeededBy::Nothing => self.facts.free = self.facts.free.saturating_add(1),
            NeededBy::Unknown => self.facts.unknown.add(&name(record), time),
        }
    }

    fn add(&mut self, used: &Use, time: &str) {
        self.generator.add(used, time);
        self.present.note(used);
    }

    /// Learns from what somebody else did where entities of IAM are.
    fn witness(&mut self, record: &Record) {
        let changes = ["Create", "Update", "Upload"];
        let is_change = changes.iter().any(|change| record.event_name.starts_with(change));
        if record.event_source != "iam.amazonaws.com" || !is_change || record.error_code.is_some() {
            return;
        }
        if let NeededBy::Uses(uses) = self.needed(record) {
            uses.iter().for_each(|used| self.generator.witness(used));
        }
    }

    fn needed(&self, record: &Record) -> NeededBy {
        let is_call = matches!(record.event_type.as_str(), "" | "AwsApiCall" | "AwsConsoleAction");
        if !is_call {
            return NeededBy::Unknown;
        }
        let (parameters, resources) = (record.parameters(), record.resources());
        let is_s3 = record.event_source == "s3.amazonaws.com";
        let has_version = record.parameter("versionId").is_some();
        let actions = is_s3.then(|| s3::actions_of(&record.event_name, has_version)).flatten();
        let needed =
            self.event(record, &parameters, &resources, actions.unwrap_or_default()).uses();
        let copied = record.parameter("x-amz-copy-source").filter(|_| is_s3).and_then(s3::copied);
        match (needed, copied) {
            (NeededBy::Uses(mut uses), Some((action, arn))) => {
                uses.extend(Use::of(action, &arn));
                NeededBy::Uses(uses)
            }
            (needed, _) => needed,
        }
    }

    fn event<'e>(
        &'e self,
        record: &'e Record,
        parameters: &'e [Parameter],
        resources: &'e [String],
        actions: &'e [&'e str],
    ) -> Event<'e> {
        Event {
            source: &record.event_source,
            name: &record.event_name,
            region: &record.region,
            partition: self.partition,
            account: self.account,
            user: self.sessions.is_none().then_some(self.principal),
            parameters,
            resources,
            actions,
        }
    }
}

/// The name of a call by that of its action, as well as it is known.
fn name(record: &Record) -> String {
    let service = record.event_source.trim_end_matches(".amazonaws.com");
    format!("{service}:{}", record.event_name)
}
