//! A record: an event with its outcome, as one line of JSON.
//!
//! It is written straight into its text: names and what stands between them are constants, and of the
//! values only those are escaped that need it.

use std::fmt::Write;
use std::net::IpAddr;

use iamd_wire::Timestamp;
use iamd_wire::shown::{Shown, push_text};

use super::event::{Actor, Event, Guarded, GuardedResource};
use super::identity::push_identity;
use super::outcome::Outcome;
use crate::account_id::AccountId;
use crate::uuid::Uuid;

/// Longest texts of a record, in bytes. CloudTrail User Guide, "CloudTrail record contents".
const TEXT_LENGTH_MAX: usize = 1024;
/// What usually suffices for a record, in bytes.
const LENGTH_USUAL: usize = 1_024;

/// The record of an event of this account, without a line's end.
pub fn record(
    event: &Event,
    outcome: &Outcome,
    account: AccountId,
    id: Uuid,
    time: Timestamp,
) -> String {
    let elements = match outcome {
        Outcome::Done(elements) => elements.as_ref(),
        Outcome::Refused { .. } => None,
    };
    let shown = event.parameters.as_ref().map_or(0, |shown| shown.text.len())
        + elements.map_or(0, |shown| shown.text.len());
    let mut text = String::with_capacity(LENGTH_USUAL + shown);
    push_start(&mut text, event, time);
    push_source(&mut text, event);
    push_error(&mut text, outcome);
    push_shown(&mut text, r#","requestParameters":"#, event.parameters.as_ref());
    push_shown(&mut text, r#","responseElements":"#, elements);
    if let Some(guarded) = &event.guarded {
        text.extend([r#","additionalEventData":"#, &guarded.additional]);
    }
    push_end(&mut text, event, account, id);
    text
}

/// Appends a member: its name with all that stands before the value, and the value as a text.
pub(super) fn push_member(text: &mut String, name: &'static str, value: &str) {
    text.push_str(name);
    push_text(text, value);
}

/// The members in CloudTrail's order, up to the region.
fn push_start(text: &mut String, event: &Event, time: Timestamp) {
    text.push_str(r#"{"eventVersion":"1.11","userIdentity":"#);
    push_identity(text, &event.actor);
    text.push_str(r#","eventTime":""#);
    time.push_to(text);
    push_member(text, r#"","eventSource":"#, event.source);
    push_member(text, r#","eventName":"#, &event.name);
    push_member(text, r#","awsRegion":"#, &event.region);
}

/// Where a request came from: address and program, or the service that acts by itself.
fn push_source(text: &mut String, event: &Event) {
    let service = match event.actor {
        Actor::Caller(_) | Actor::Stranger => "",
        Actor::Operator | Actor::Server => event.source,
    };
    text.push_str(r#","sourceIPAddress":""#);
    match event.source_ip {
        Some(address) => push_address(text, address),
        None => text.push_str(service),
    }
    let agent = event.user_agent.as_deref().unwrap_or(service);
    push_member(text, r#"","userAgent":"#, shortened(agent));
}

fn push_address(text: &mut String, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            for (place, octet) in address.octets().into_iter().enumerate() {
                if place > 0 {
                    text.push('.');
                }
                push_octet(text, octet);
            }
        }
        // Into memory: this cannot fail.
        IpAddr::V6(address) => drop(write!(text, "{address}")),
    }
}

fn push_octet(text: &mut String, octet: u8) {
    if octet >= 100 {
        text.push(char::from(b'0' + octet / 100));
    }
    if octet >= 10 {
        text.push(char::from(b'0' + octet / 10 % 10));
    }
    text.push(char::from(b'0' + octet % 10));
}

fn push_error(text: &mut String, outcome: &Outcome) {
    let Outcome::Refused { code, message } = outcome else { return };
    push_member(text, r#","errorCode":"#, code);
    if let Some(message) = message {
        push_member(text, r#","errorMessage":"#, shortened(message));
    }
}

/// What is shown is JSON already, and put in as it is.
fn push_shown(text: &mut String, name: &'static str, shown: Option<&Shown>) {
    text.extend([name, shown.map_or("null", |shown| &shown.text)]);
}

/// The members behind the elements of the answer.
fn push_end(text: &mut String, event: &Event, account: AccountId, id: Uuid) {
    push_member(text, r#","requestID":"#, &event.request_id);
    text.push_str(r#","eventID":""#);
    id.push_to(text);
    text.extend([r#"","readOnly":"#, truth(event.is_read)]);
    let guarded = event.guarded.as_deref();
    guarded.into_iter().for_each(|guarded| push_resources(text, guarded));
    let kind = match event.actor {
        Actor::Caller(_) | Actor::Stranger => "AwsApiCall",
        Actor::Operator | Actor::Server => "AwsServiceEvent",
    };
    let is_data = guarded.is_some_and(|guarded| guarded.is_data);
    text.extend([r#","eventType":""#, kind, r#"","managementEvent":"#, truth(!is_data)]);
    text.push_str(r#","recipientAccountId":""#);
    account.push_to(text);
    let category = if is_data { "Data" } else { "Management" };
    text.extend([r#"","eventCategory":""#, category, r#""}"#]);
}

/// The element `resources`, if there are any.
fn push_resources(text: &mut String, guarded: &Guarded) {
    let mut open = r#","resources":[{"#;
    for resource in &guarded.resources {
        text.push_str(open);
        push_resource(text, resource);
        open = ",{";
    }
    if !guarded.resources.is_empty() {
        text.push(']');
    }
}

/// An item of the element `resources`, behind its open brace.
fn push_resource(text: &mut String, resource: &GuardedResource) {
    if let Some(account) = resource.account {
        text.push_str(r#""accountId":""#);
        account.push_to(text);
        text.push_str(r#"","#);
    }
    push_member(text, r#""type":"#, resource.kind);
    push_member(text, r#","ARN":"#, &resource.arn);
    text.push('}');
}

pub(super) fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
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
