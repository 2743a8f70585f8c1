//! Sums up a block of the trail, so that a search reads only blocks that may hold what it looks for.
//!
//! Each block has a filter of the values in it: what is not in the filter is not in the block.

use std::borrow::Cow;
use std::hash::Hasher;

use iamd_core::audit::{Actor, Event, Outcome};
use iamd_wire::Timestamp;
use iamd_wire::shown::resources_in;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use siphasher::sip128::{Hasher128, SipHasher13};

/// Most records in a block.
pub(super) const BLOCK_RECORDS_MAX: u32 = 256;
/// Most bytes in a block, but for its last record.
pub(super) const BLOCK_BYTES_MAX: u64 = 256 * 1024;
/// Bytes of a filter; 16,384 bits for at most about 2,000 values find 98 % of what is not there.
const FILTER_LENGTH: usize = 2_048;
/// Bytes of a summary.
pub(super) const SUMMARY_LENGTH: usize = 4 * 8 + FILTER_LENGTH;

/// What events are looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// `EventId`
    EventId,
    /// `EventName`
    EventName,
    /// `ReadOnly`
    ReadOnly,
    /// `Username`
    Username,
    /// `ResourceType`
    ResourceType,
    /// `ResourceName`
    ResourceName,
    /// `EventSource`
    EventSource,
    /// `AccessKeyId`
    AccessKeyId,
}

/// What a search knows of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Whose it is.
    pub account: Cow<'a, str>,
    /// When it was.
    pub time: Timestamp,
    /// Its id.
    pub event_id: Cow<'a, str>,
    /// The operation.
    pub event_name: Cow<'a, str>,
    /// The service.
    pub event_source: Cow<'a, str>,
    /// Whether it only read.
    pub read_only: bool,
    /// Who asked.
    pub user_name: Cow<'a, str>,
    /// The key that he signed with.
    pub access_key_id: Cow<'a, str>,
    /// Why it was refused; empty if it was not.
    pub error_code: Cow<'a, str>,
    /// What it was about: types and names.
    pub resources: Vec<(&'static str, Cow<'a, str>)>,
}

impl<'a> Facts<'a> {
    /// What a line says; none if it is no record.
    pub fn of(line: &'a [u8]) -> Option<Facts<'a>> {
        Facts::said_by(serde_json::from_slice(line).ok()?)
    }

    /// What a record says that is no line of a trail yet; none if it is one, or no record.
    pub(super) fn of_record(text: &'a [u8]) -> Option<Facts<'a>> {
        let record: Record<'a> = serde_json::from_slice(text).ok()?;
        if record.trail == Present(true) { None } else { Facts::said_by(record) }
    }

    fn said_by(record: Record<'a>) -> Option<Facts<'a>> {
        let identity = record.user_identity;
        let user_name = match identity.kind.as_ref() {
            "Root" => Cow::Borrowed("root"),
            "AssumedRole" => match identity.principal_id.split_once(':') {
                Some((_, session_name)) => Cow::Owned(session_name.to_owned()),
                None => Cow::default(),
            },
            _ => identity.user_name.or(identity.invoked_by).unwrap_or_default(),
        };
        let mut resources = Vec::new();
        let in_part = |part: Option<&'a RawValue>| part.map(|part| resources_in(part.get()));
        let parameters = in_part(record.request_parameters).unwrap_or_default();
        let elements = in_part(record.response_elements).unwrap_or_default();
        for resource in parameters.into_iter().chain(elements) {
            if !resources.contains(&resource) {
                resources.push(resource);
            }
        }
        Some(Facts {
            account: record.recipient_account_id,
            time: record.event_time.parse().ok()?,
            event_id: record.event_id,
            event_name: record.event_name,
            event_source: record.event_source,
            read_only: record.read_only,
            user_name,
            access_key_id: identity.access_key_id.unwrap_or_default(),
            error_code: record.error_code.unwrap_or_default(),
            resources,
        })
    }

    /// Whether the record has this value.
    pub fn has(&self, attribute: Attribute, value: &str) -> bool {
        match attribute {
            Attribute::EventId => self.event_id == value,
            Attribute::EventName => self.event_name == value,
            Attribute::ReadOnly => value == if self.read_only { "true" } else { "false" },
            Attribute::Username => self.user_name == value,
            Attribute::EventSource => self.event_source == value,
            Attribute::AccessKeyId => self.access_key_id == value,
            Attribute::ResourceType => self.resources.iter().any(|(kind, _)| *kind == value),
            Attribute::ResourceName => self.resources.iter().any(|(_, name)| name == value),
        }
    }

    /// What an event says, before it becomes a line.
    pub(super) fn of_event(
        event: &'a Event,
        outcome: &'a Outcome,
        account: &'a str,
        event_id: &'a str,
        time: Timestamp,
    ) -> Facts<'a> {
        let (error_code, elements) = match outcome {
            Outcome::Done(elements) => ("", elements.as_ref()),
            Outcome::Refused { code, .. } => (&**code, None),
        };
        let access_key_id = match &event.actor {
            Actor::Caller(requester) => &*requester.access_key_id,
            Actor::Stranger | Actor::Operator | Actor::Server => "",
        };
        let named = event.parameters.iter().chain(elements).flat_map(|shown| &shown.resources);
        Facts {
            account: account.into(),
            time,
            event_id: event_id.into(),
            event_name: Cow::Borrowed(&event.name),
            event_source: event.source.into(),
            read_only: event.is_read,
            user_name: event.actor.name().into(),
            access_key_id: access_key_id.into(),
            error_code: error_code.into(),
            resources: named.map(|(kind, name)| (*kind, Cow::Borrowed(&**name))).collect(),
        }
    }

    /// What a block notes of it.
    pub(super) fn marks(&self) -> Marks {
        // Of the values below, each resource has two.
        let mut hashes = Vec::with_capacity(7 + 2 * self.resources.len());
        let account = of_account(&self.account);
        self.each_value(|attribute, value| hashes.push(hash(account, attribute, value)));
        Marks { time: self.time.seconds(), hashes }
    }

    fn each_value(&self, mut visit: impl FnMut(Option<Attribute>, &str)) {
        visit(None, "");
        visit(Some(Attribute::EventId), &self.event_id);
        visit(Some(Attribute::EventName), &self.event_name);
        visit(Some(Attribute::ReadOnly), if self.read_only { "true" } else { "false" });
        visit(Some(Attribute::Username), &self.user_name);
        visit(Some(Attribute::EventSource), &self.event_source);
        visit(Some(Attribute::AccessKeyId), &self.access_key_id);
        for (kind, name) in &self.resources {
            visit(Some(Attribute::ResourceType), kind);
            visit(Some(Attribute::ResourceName), name);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow)]
    user_identity: Identity<'a>,
    #[serde(borrow)]
    event_time: Cow<'a, str>,
    #[serde(borrow)]
    event_source: Cow<'a, str>,
    #[serde(borrow)]
    event_name: Cow<'a, str>,
    #[serde(borrow)]
    error_code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    request_parameters: Option<&'a RawValue>,
    #[serde(borrow)]
    response_elements: Option<&'a RawValue>,
    #[serde(rename = "eventID", borrow)]
    event_id: Cow<'a, str>,
    read_only: bool,
    #[serde(borrow)]
    recipient_account_id: Cow<'a, str>,
    /// What a line says of itself.
    #[serde(default)]
    trail: Present,
}

/// Whether a member is there, whatever it is.
#[derive(Default, PartialEq, Eq)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Present, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|IgnoredAny| Present(true))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    principal_id: Cow<'a, str>,
    #[serde(borrow)]
    user_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    access_key_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    invoked_by: Option<Cow<'a, str>>,
}

/// What a block notes of a record: its time, and the hashes of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    time: i64,
    hashes: Vec<[u64; 2]>,
}

impl Marks {
    /// Bytes of memory that they take.
    pub(super) fn size(&self) -> usize {
        self.hashes.len() * size_of::<[u64; 2]>()
    }
}

/// The summary of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Summary {
    /// Where the block begins in its file.
    pub(super) offset: u64,
    /// Its bytes.
    pub(super) length: u64,
    /// The earliest time in it.
    pub(super) first: i64,
    /// The latest time in it.
    pub(super) last: i64,
    filter: Box<[u8; FILTER_LENGTH]>,
    records: u32,
}

impl Summary {
    /// The summary of an empty block that begins there.
    pub(super) fn new(offset: u64) -> Summary {
        let filter = Box::new([0; FILTER_LENGTH]);
        Summary { offset, length: 0, first: i64::MAX, last: i64::MIN, filter, records: 0 }
    }

    /// Whether nothing is in the block.
    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether the block takes no more records.
    pub(super) fn is_full(&self) -> bool {
        self.records >= BLOCK_RECORDS_MAX || self.length >= BLOCK_BYTES_MAX
    }

    /// Adds a line of that many bytes, its end included.
    pub(super) fn add(&mut self, marks: Option<&Marks>, length: u64) {
        self.length = self.length.saturating_add(length);
        self.records = self.records.saturating_add(1);
        let Some(marks) = marks else { return };
        self.first = self.first.min(marks.time);
        self.last = self.last.max(marks.time);
        for (byte, bit) in marks.hashes.iter().flat_map(|hash| places(*hash)) {
            if let Some(byte) = self.filter.get_mut(byte) {
                *byte |= bit;
            }
        }
    }

    /// Whether a record of this account with this value may be in the block.
    pub(super) fn may_hold(&self, account: &str, wanted: Option<(Attribute, &str)>) -> bool {
        let (attribute, value) = wanted.unzip();
        places(hash(of_account(account), attribute, value.unwrap_or_default()))
            .into_iter()
            .all(|(byte, bit)| self.filter.get(byte).is_some_and(|byte| byte & bit != 0))
    }

    pub(super) fn push_to(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.offset.to_be_bytes());
        bytes.extend_from_slice(&self.length.to_be_bytes());
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&self.last.to_be_bytes());
        bytes.extend_from_slice(&*self.filter);
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Summary> {
        let (offset, bytes) = bytes.split_first_chunk()?;
        let (length, bytes) = bytes.split_first_chunk()?;
        let (first, bytes) = bytes.split_first_chunk()?;
        let (last, bytes) = bytes.split_first_chunk()?;
        Some(Summary {
            offset: u64::from_be_bytes(*offset),
            length: u64::from_be_bytes(*length),
            first: i64::from_be_bytes(*first),
            last: i64::from_be_bytes(*last),
            filter: Box::new(bytes.try_into().ok()?),
            records: BLOCK_RECORDS_MAX,
        })
    }
}

/// The state that all hashes of an account's values begin with.
fn of_account(account: &str) -> SipHasher13 {
    let mut hasher = SipHasher13::new();
    hasher.write(account.as_bytes());
    hasher
}

fn hash(mut hasher: SipHasher13, attribute: Option<Attribute>, value: &str) -> [u64; 2] {
    hasher.write_u8(attribute.map_or(0, |attribute| attribute as u8 + 1));
    hasher.write(value.as_bytes());
    let hash = hasher.finish128();
    [hash.h1, hash.h2]
}

/// The four places of a value in a filter: bytes, and bits in them.
fn places([one, other]: [u64; 2]) -> [(usize, u8); 4] {
    [one, one >> 32, other, other >> 32].map(|hash| {
        let byte = (hash >> 3) as usize % FILTER_LENGTH;
        (byte, 1 << (hash & 7))
    })
}

#[cfg(test)]
mod tests {
    use iamd_core::account_id::AccountId;
    use iamd_core::audit::record;
    use iamd_core::uuid::Uuid;
    use iamd_wire::shown::Shown;

    use super::*;

    const LINE: &str = r#"{"userIdentity":{"type":"IAMUser","principalId":"AIDA","userName":"ana","accessKeyId":"AKIA1"},"eventTime":"2026-01-31T12:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","requestParameters":{"userName":"bob"},"responseElements":{"user":{"arn":"arn:aws:iam::1:user/bob","userName":"bob"}},"eventID":"id-1","readOnly":false,"recipientAccountId":"111122223333","trail":{"sequence":1,"mac":""}}"#;

    #[test]
    fn a_filter_knows_what_is_in_its_block_and_little_else() {
        let facts = Facts::of(LINE.as_bytes()).unwrap();
        let mut summary = Summary::new(7);
        summary.add(Some(&facts.marks()), LINE.len() as u64 + 1);
        let mut bytes = Vec::new();
        summary.push_to(&mut bytes);
        assert_eq!(bytes.len(), SUMMARY_LENGTH);
        let summary = Summary::from_bytes(&bytes).unwrap();
        let account = "111122223333";
        for (attribute, value) in [
            (Attribute::EventId, "id-1"),
            (Attribute::EventName, "CreateUser"),
            (Attribute::ReadOnly, "false"),
            (Attribute::Username, "ana"),
            (Attribute::ResourceType, "AWS::IAM::User"),
            (Attribute::ResourceName, "bob"),
            (Attribute::ResourceName, "arn:aws:iam::1:user/bob"),
            (Attribute::EventSource, "iam.amazonaws.com"),
            (Attribute::AccessKeyId, "AKIA1"),
        ] {
            assert!(facts.has(attribute, value), "{value}");
            assert!(summary.may_hold(account, Some((attribute, value))), "{value}");
            assert!(!facts.has(attribute, "other"));
            assert!(!summary.may_hold(account, Some((attribute, "other"))), "{attribute:?}");
            assert!(!summary.may_hold("444455556666", Some((attribute, value))));
        }
        assert!(summary.may_hold(account, None) && !summary.may_hold("444455556666", None));
        assert_eq!((summary.first, summary.last), (1_769_860_800, 1_769_860_800));
    }

    #[test]
    fn what_is_handed_over_is_what_the_line_says() {
        let shown = |text: &str| Shown::of_json(text.to_owned());
        let done = Outcome::Done(shown(r#"{"user":{"arn":"arn:aws:iam::1:user/bob"}}"#));
        let refused = Outcome::Refused { code: "AccessDenied".into(), message: None };
        let account = AccountId::from_number(111_122_223_333).unwrap();
        let named = account.to_string();
        for outcome in [done, refused] {
            let parameters = serde_json::json!({"userName": "bo\"b", "policyArn": "arn:p"});
            let event = Event::operator("CreateUser", &parameters, "request-id");
            let (id, time) = (Uuid::from_random(7), Timestamp::from_seconds(1_769_860_800));
            let line = record(&event, &outcome, account, id, time);
            let id = id.to_string();
            let facts = Facts::of_event(&event, &outcome, &named, &id, time);
            assert_eq!(facts, Facts::of(line.as_bytes()).unwrap());
        }
    }

    #[test]
    fn sessions_and_root_have_the_names_of_cloudtrail() {
        let session = LINE.replace(
            r#""type":"IAMUser","principalId":"AIDA","userName":"ana""#,
            r#""type":"AssumedRole","principalId":"AROA:one""#,
        );
        assert_eq!(Facts::of(session.as_bytes()).unwrap().user_name, "one");
        let root = LINE.replace("IAMUser", "Root");
        assert_eq!(Facts::of(root.as_bytes()).unwrap().user_name, "root");
        let omitted = LINE.replace(r#"{"userName":"bob"}"#, r#"{"userName":{"odd":1}}"#);
        assert_eq!(Facts::of(omitted.as_bytes()).unwrap().resources.len(), 1);
    }
}
