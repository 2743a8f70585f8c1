//! A record: an event with its outcome, as one line of JSON.

use iamd_wire::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::event::{Actor, Event, GuardedResource};
use super::identity::UserIdentity;
use super::outcome::Outcome;
use crate::account_id::AccountId;

/// The version of the form.
const EVENT_VERSION: &str = "1.11";
/// Longest texts of a record, in bytes. CloudTrail User Guide, "CloudTrail record contents".
const TEXT_LENGTH_MAX: usize = 1024;

/// The id of a record: a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(u128);

impl EventId {
    /// The id of these 128 random bits.
    pub fn from_random(bits: u128) -> EventId {
        EventId((bits & !(0xF << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62))
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let part = |shift: u32, bits: u32| (self.0 >> shift) & ((1 << bits) - 1);
        write!(
            formatter,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            part(96, 32),
            part(80, 16),
            part(64, 16),
            part(48, 16),
            part(0, 48)
        )
    }
}

/// The record of an event of this account, without a line's end.
pub fn record(
    event: &Event,
    outcome: &Outcome,
    account: AccountId,
    id: EventId,
    time: Timestamp,
) -> String {
    let record = Record::of(event, outcome, account, id, time);
    let mut text = Vec::with_capacity(1_536);
    // Only texts are written, into memory: neither can fail.
    if serde_json::to_writer(&mut text, &record).is_err() {
        return String::new();
    }
    String::from_utf8(text).unwrap_or_default()
}

/// The members in CloudTrail's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'static str,
    user_identity: UserIdentity<'a>,
    event_time: String,
    event_source: &'a str,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: String,
    user_agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    request_parameters: Option<&'a RawValue>,
    response_elements: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_event_data: Option<&'a RawValue>,
    #[serde(rename = "requestID")]
    request_id: &'a str,
    #[serde(rename = "eventID")]
    event_id: String,
    read_only: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    resources: Vec<Resource<'a>>,
    event_type: &'static str,
    management_event: bool,
    recipient_account_id: String,
    event_category: &'static str,
}

/// An item of the element `resources`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "ARN")]
    arn: &'a str,
}

impl<'a> Resource<'a> {
    fn of(resource: &'a GuardedResource) -> Resource<'a> {
        Resource {
            account_id: resource.account.map(|account| account.to_string()),
            kind: resource.kind,
            arn: &resource.arn,
        }
    }
}

impl<'a> Record<'a> {
    fn of(
        event: &'a Event,
        outcome: &'a Outcome,
        account: AccountId,
        id: EventId,
        time: Timestamp,
    ) -> Record<'a> {
        let (error_code, error_message, elements) = match outcome {
            Outcome::Done(elements) => (None, None, elements.as_deref()),
            Outcome::Refused { code, message } => (Some(&**code), message.as_deref(), None),
        };
        let (event_type, elsewhere) = match event.actor {
            Actor::Caller(_) | Actor::Stranger => ("AwsApiCall", ""),
            Actor::Operator | Actor::Server => ("AwsServiceEvent", event.source),
        };
        let guarded = event.guarded.as_deref();
        let is_data = guarded.is_some_and(|guarded| guarded.is_data);
        Record {
            event_version: EVENT_VERSION,
            user_identity: UserIdentity::of(&event.actor),
            event_time: time.to_string(),
            event_source: event.source,
            event_name: &event.name,
            aws_region: &event.region,
            source_ip_address: event
                .source_ip
                .map_or_else(|| elsewhere.to_owned(), |address| address.to_string()),
            user_agent: shortened(event.user_agent.as_deref().unwrap_or(elsewhere)),
            error_code,
            error_message: error_message.map(shortened),
            request_parameters: event.parameters.as_deref().and_then(raw),
            response_elements: elements.and_then(raw),
            additional_event_data: guarded.and_then(|guarded| raw(&guarded.additional)),
            request_id: &event.request_id,
            event_id: id.to_string(),
            read_only: event.is_read,
            resources: guarded
                .map(|guarded| guarded.resources.iter().map(Resource::of).collect())
                .unwrap_or_default(),
            event_type,
            management_event: !is_data,
            recipient_account_id: account.to_string(),
            event_category: if is_data { "Data" } else { "Management" },
        }
    }
}

/// JSON as it is.
fn raw(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text).ok()
}

/// The start of a text that is too long.
fn shortened(text: &str) -> &str {
    if text.len() <= TEXT_LENGTH_MAX {
        return text;
    }
    let is_start = |end: &usize| text.is_char_boundary(*end);
    let end = (0..=TEXT_LENGTH_MAX).rev().find(is_start).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}
