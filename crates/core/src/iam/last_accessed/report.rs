//! The content of a report: what a subject may use, beside what was used.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use iamd_policy::{Document, ServiceAccess, service_data};
use iamd_wire::Timestamp;
use iamd_wire::iam::{
    AccessAdvisorUsageGranularityType, EntityDetails, ServiceLastAccessed,
    TrackedActionLastAccessed,
};

use super::subject::{Entity, Subject};
use crate::operation::{Access, Scene};
use crate::state::Account;

/// How far reports look back. IAM API Reference, GenerateServiceLastAccessedDetails.
const TRACKED_SECONDS: i64 = 400 * 24 * 60 * 60;

/// Most action patterns that are compared with every action of AWS: some 22,000.
// CHOICE: a second of work.
const WIDE_PATTERNS_MAX: usize = 1_000;

/// A report, made when it is read.
#[derive(Debug)]
pub(super) struct Report<'a> {
    account: &'a Account,
    documents: Vec<Document>,
    entities: Vec<Entity>,
    uses: BTreeMap<String, ServiceUse>,
}

/// What is known of the use of one service.
#[derive(Debug)]
struct ServiceUse {
    last: Use,
    /// The last use by each entity that has used it, by place.
    by_entity: BTreeMap<usize, Timestamp>,
    /// By names without the service.
    by_action: BTreeMap<String, Use>,
}

/// A use, and the place of the entity whose it was.
#[derive(Debug, Clone)]
struct Use {
    time: Timestamp,
    region: Box<str>,
    entity: usize,
}

impl<'a> Report<'a> {
    /// The report on a subject as of now.
    pub(super) fn of(scene: &Scene<'a>, subject: &Subject<'a>) -> Report<'a> {
        let mut report = Report {
            account: scene.account,
            documents: subject.documents(),
            entities: subject.entities(),
            uses: BTreeMap::new(),
        };
        let oldest = scene.now.seconds().saturating_sub(TRACKED_SECONDS);
        for place in 0..report.entities.len() {
            let Some(id) = report.entities.get(place).map(Entity::id) else { continue };
            let accesses = scene.facts.accesses(scene.account.id(), id.as_str());
            for access in accesses.into_iter().filter(|it| it.time.seconds() >= oldest) {
                report.add(place, access);
            }
        }
        report
    }

    /// Whether finding out what the subject may use would take too long.
    pub(super) fn is_too_large(&self) -> bool {
        self.access().patterns_for_every_service() > WIDE_PATTERNS_MAX
    }

    /// The services behind a place that the subject may use, by namespace.
    pub(super) fn services_after(
        &self,
        behind: Option<String>,
        granularity: AccessAdvisorUsageGranularityType,
    ) -> impl Iterator<Item = (&'static str, ServiceLastAccessed)> {
        let access = self.access();
        let services = service_data::prefixes();
        services
            .filter(move |prefix| behind.as_deref().is_none_or(|behind| *prefix > behind))
            .filter(move |prefix| access.reaches(prefix))
            .map(move |prefix| (prefix, self.service(prefix, granularity)))
    }

    /// The entities that could have used a service, who used it last first.
    pub(super) fn entities(&self, prefix: &str) -> Vec<EntityDetails> {
        let prefix = prefix.to_ascii_lowercase();
        if !self.access().reaches(&prefix) {
            return Vec::new();
        }
        let used = self.uses.get(&prefix);
        let last = |place: usize| used.and_then(|used| used.by_entity.get(&place).copied());
        let entities = self.entities.iter().enumerate();
        let mut details: Vec<EntityDetails> = entities
            .map(|(place, entity)| EntityDetails {
                entity_info: entity.info(self.account),
                last_authenticated: last(place),
            })
            .collect();
        details.sort_by(|one, other| {
            let key = |it: &EntityDetails| Reverse(it.last_authenticated);
            key(one).cmp(&key(other)).then_with(|| one.entity_info.arn.cmp(&other.entity_info.arn))
        });
        details
    }

    fn access(&self) -> ServiceAccess<'_> {
        ServiceAccess::of(&self.documents, &self.documents)
    }

    fn add(&mut self, entity: usize, access: Access) {
        let (service, action) = match access.action.split_once(':') {
            Some((service, action)) => (service, Some(action)),
            None => (&*access.action, None),
        };
        let used = Use { time: access.time, region: access.region.clone(), entity };
        let known = self.uses.entry(service.to_owned()).or_insert_with(|| ServiceUse {
            last: used.clone(),
            by_entity: BTreeMap::new(),
            by_action: BTreeMap::new(),
        });
        known.last.replace_if_later(&used);
        let of_entity = known.by_entity.entry(entity).or_insert(used.time);
        *of_entity = used.time.max(*of_entity);
        if let Some(action) = action {
            let of_action = known.by_action.entry(action.to_owned());
            of_action.or_insert_with(|| used.clone()).replace_if_later(&used);
        }
    }

    fn service(
        &self,
        prefix: &str,
        granularity: AccessAdvisorUsageGranularityType,
    ) -> ServiceLastAccessed {
        let used = self.uses.get(prefix);
        let last = used.map(|used| &used.last);
        let by_action = used.filter(|used| {
            let wanted = granularity == AccessAdvisorUsageGranularityType::ActionLevel;
            wanted && !used.by_action.is_empty()
        });
        let name = service_data::service(prefix).map_or(prefix, |service| service.name());
        ServiceLastAccessed {
            service_name: name.to_owned(),
            last_authenticated: last.map(|last| last.time),
            service_namespace: prefix.to_owned(),
            last_authenticated_entity: last.and_then(|last| self.arn(last.entity)),
            last_authenticated_region: last.map(|last| last.region.to_string()),
            total_authenticated_entities: Some(
                used.and_then(|used| i32::try_from(used.by_entity.len()).ok()).unwrap_or_default(),
            ),
            tracked_actions_last_accessed: by_action.map(|used| {
                used.by_action.iter().map(|(name, last)| self.action(name, last)).collect()
            }),
        }
    }

    fn action(&self, name: &str, last: &Use) -> TrackedActionLastAccessed {
        TrackedActionLastAccessed {
            action_name: Some(name.to_owned()),
            last_accessed_entity: self.arn(last.entity),
            last_accessed_time: Some(last.time),
            last_accessed_region: Some(last.region.to_string()),
        }
    }

    fn arn(&self, entity: usize) -> Option<String> {
        self.entities.get(entity).map(|entity| entity.arn(self.account))
    }
}

impl Use {
    fn replace_if_later(&mut self, other: &Use) {
        if other.time > self.time {
            *self = other.clone();
        }
    }
}
