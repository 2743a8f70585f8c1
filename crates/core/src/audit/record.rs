//! A record: an event with its outcome, as one line of JSON.

use std::net::IpAddr;

use iamd_wire::Timestamp;
use serde::Serialize;

use super::event::{Actor, Event, GuardedResource};
use super::identity::{Text, UserIdentity};
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
        let mut text = *b"00000000-0000-0000-0000-000000000000";
        let places = text.iter_mut().filter(|place| **place != b'-');
        for (place, shift) in places.zip((0..u128::BITS).step_by(4).rev()) {
            let half = (self.0 >> shift) as u8 & 0xF;
            *place = if half < 10 { b'0' + half } else { b'a' + half - 10 };
        }
        formatter.write_str(std::str::from_utf8(&text).unwrap_or_default())
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
    let mut text = Vec::with_capacity(1_536);
    // Only texts are written, into memory: this cannot fail.
    if write_record(&mut text, event, outcome, account, id, time).is_err() {
        return String::new();
    }
    String::from_utf8(text).unwrap_or_default()
}

/// Between the members that are made here stand those that are JSON already, and are put in as they
/// are.
fn write_record(
    text: &mut Vec<u8>,
    event: &Event,
    outcome: &Outcome,
    account: AccountId,
    id: EventId,
    time: Timestamp,
) -> serde_json::Result<()> {
    let elements = match outcome {
        Outcome::Done(elements) => elements.as_ref(),
        Outcome::Refused { .. } => None,
    };
    serde_json::to_writer(&mut *text, &Start::of(event, outcome, time))?;
    // Its end is the end of the whole.
    text.pop();
    for (name, shown) in
        [("requestParameters", event.parameters.as_ref()), ("responseElements", elements)]
    {
        push_member(text, name, shown.map_or("null", |shown| &shown.text));
    }
    if let Some(guarded) = &event.guarded {
        push_member(text, "additionalEventData", &guarded.additional);
    }
    let end = text.len();
    serde_json::to_writer(&mut *text, &End::of(event, account, id))?;
    if let Some(open) = text.get_mut(end) {
        *open = b',';
    }
    Ok(())
}

fn push_member(text: &mut Vec<u8>, name: &str, value: &str) {
    for part in [",\"", name, "\":", value] {
        text.extend_from_slice(part.as_bytes());
    }
}

/// The members in CloudTrail's order, up to the request's parameters.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    event_version: &'static str,
    user_identity: UserIdentity<'a>,
    event_time: Text<Timestamp>,
    event_source: &'a str,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: Source<'a>,
    user_agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
}

/// The members behind the elements of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct End<'a> {
    #[serde(rename = "requestID")]
    request_id: &'a str,
    #[serde(rename = "eventID")]
    event_id: Text<EventId>,
    read_only: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    resources: Vec<Resource<'a>>,
    event_type: &'static str,
    management_event: bool,
    recipient_account_id: Text<AccountId>,
    event_category: &'static str,
}

/// An item of the element `resources`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<Text<AccountId>>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "ARN")]
    arn: &'a str,
}

impl<'a> Resource<'a> {
    fn of(resource: &'a GuardedResource) -> Resource<'a> {
        let account_id = resource.account.map(Text);
        Resource { account_id, kind: resource.kind, arn: &resource.arn }
    }
}

/// Where a request came from.
#[derive(Serialize)]
#[serde(untagged)]
enum Source<'a> {
    Address(Text<IpAddr>),
    Service(&'a str),
}

impl<'a> Start<'a> {
    fn of(event: &'a Event, outcome: &'a Outcome, time: Timestamp) -> Start<'a> {
        let (error_code, error_message) = match outcome {
            Outcome::Done(_) => (None, None),
            Outcome::Refused { code, message } => (Some(&**code), message.as_deref()),
        };
        let service = match event.actor {
            Actor::Caller(_) | Actor::Stranger => "",
            Actor::Operator | Actor::Server => event.source,
        };
        Start {
            event_version: EVENT_VERSION,
            user_identity: UserIdentity::of(&event.actor),
            event_time: Text(time),
            event_source: event.source,
            event_name: &event.name,
            aws_region: &event.region,
            source_ip_address: match event.source_ip {
                Some(address) => Source::Address(Text(address)),
                None => Source::Service(service),
            },
            user_agent: shortened(event.user_agent.as_deref().unwrap_or(service)),
            error_code,
            error_message: error_message.map(shortened),
        }
    }
}

impl<'a> End<'a> {
    fn of(event: &'a Event, account: AccountId, id: EventId) -> End<'a> {
        let guarded = event.guarded.as_deref();
        let is_data = guarded.is_some_and(|guarded| guarded.is_data);
        let resources = guarded.map(|guarded| &guarded.resources[..]).unwrap_or_default();
        End {
            request_id: &event.request_id,
            event_id: Text(id),
            read_only: event.is_read,
            resources: resources.iter().map(Resource::of).collect(),
            event_type: match event.actor {
                Actor::Caller(_) | Actor::Stranger => "AwsApiCall",
                Actor::Operator | Actor::Server => "AwsServiceEvent",
            },
            management_event: !is_data,
            recipient_account_id: Text(account),
            event_category: if is_data { "Data" } else { "Management" },
        }
    }
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
