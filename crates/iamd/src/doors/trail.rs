//! `cloudtrail:LookupEvents`, answered from the audit trail.

use std::borrow::Cow;

use hyper::Response;
use iamd_core::audit::{self, Actor, Outcome};
use iamd_core::authorize::authorize;
use iamd_core::operation::Target;
use iamd_core::refusal::Refusal;
use iamd_wire::cloudtrail::{
    ATTRIBUTE_VALUE_LENGTH_MAX, Event, LOOKUP_EVENTS, LOOKUP_EVENTS_SHORT, LookupAttribute,
    LookupEventsRequest, LookupEventsResponse, MAX_RESULTS, Resource, SIGNING_NAME,
};
use iamd_wire::shown::Shown;
use iamd_wire::sigv4::Rules;
use iamd_wire::{ErrorCode, Timestamp};

use super::answer::{Body, Frame};
use super::api::{Admitted, Desk, Received, Refused, admitted, encoded, noted, refuse};
use super::call::throttled;
use crate::audit::{Attribute, Facts, Place, Query};
use crate::node::{Failure, Snapshot};

const ACTION: &str = "cloudtrail:LookupEvents";

/// Answers an operation that the header `X-Amz-Target` names.
pub(super) async fn answer(
    desk: Desk<'_>,
    frame: &Frame<'_>,
    received: Received<'_>,
    target: &[u8],
) -> Response<Body> {
    if target != LOOKUP_EVENTS.as_bytes() && target != LOOKUP_EVENTS_SHORT.as_bytes() {
        let message = "The operation is not implemented by iamd yet";
        return refuse(frame, "", &Refused::new(ErrorCode::InvalidAction, message));
    }
    let snapshot = desk.node.snapshot();
    let rules = Rules::of_json(SIGNING_NAME);
    let admitted = match admitted(desk, &snapshot, &received, &rules) {
        Ok(admitted) => admitted,
        Err(refused) => return refuse(frame, "LookupEvents", &refused),
    };
    let result = looked_up(desk, &snapshot, &admitted, received.body).await;
    let account = admitted.requester.caller.account;
    let event = event(admitted, received.body, &frame.request_id);
    let outcome = match &result {
        Ok(_) => Outcome::Done(None),
        Err(Problem::Failure(failure)) => failure.outcome(),
        Err(Problem::Exception(name, message)) => {
            Outcome::Refused { code: Cow::Borrowed(name), message: Some((*message).to_owned()) }
        }
    };
    if let Err(fault) = noted(desk.node, account, &event, &outcome).await {
        return frame.fault(&fault);
    }
    match result {
        Ok(text) => frame.success(text, None),
        Err(Problem::Exception(name, message)) => {
            frame.exception(ErrorCode::ValidationError, name, message)
        }
        Err(Problem::Failure(Failure::Refused(refusal))) => {
            frame.refusal(&refusal, encoded(desk.node, &snapshot, &refusal))
        }
        Err(Problem::Failure(failure)) => frame.failure(&failure),
    }
}

/// Why there is no answer.
enum Problem {
    Failure(Failure),
    /// An error of this operation alone: name and message.
    Exception(&'static str, &'static str),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem::Failure(refusal.into())
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        Problem::Failure(failure)
    }
}

async fn looked_up(
    desk: Desk<'_>,
    snapshot: &Snapshot,
    admitted: &Admitted,
    body: &[u8],
) -> Result<String, Problem> {
    let caller = &admitted.requester.caller;
    if !desk.limits.admit_request(caller) {
        desk.node.metrics().throttled();
        return Err(throttled().into());
    }
    let account = snapshot.state.account(caller.account).ok_or_else(|| {
        let rejection = iamd_wire::sigv4::Rejection::unknown_key();
        Refusal::new(rejection.code, rejection.message)
    })?;
    let scene = desk.node.scene(snapshot, account, caller, &admitted.environment);
    authorize(&scene, &[Target::wildcard(ACTION, None)])?;
    let request: LookupEventsRequest = serde_json::from_slice(body).map_err(|_| {
        Problem::Exception("SerializationException", "The body is not a request of LookupEvents.")
    })?;
    let wanted = Wanted::of(&request)?;
    if request.event_category.is_some() {
        // There are no Insights events.
        return Ok(text(&LookupEventsResponse::default())?);
    }
    let list = wanted.list(&caller.account.to_string());
    let markers = &snapshot.keys.markers;
    let before = request.next_token.as_deref().map(|token| {
        let place = markers.open(&list, token).ok();
        place.and_then(|place| parse_place(&place)).ok_or(Problem::Exception(
            "InvalidNextTokenException",
            "The token is not one that was returned for the same parameters.",
        ))
    });
    let query = Query {
        account: caller.account.to_string(),
        since: wanted.since,
        until: wanted.until,
        wanted: wanted.attribute,
        most: wanted.most,
        before: before.transpose()?,
    };
    let page = desk.node.audit().lookup(query).await.map_err(Failure::from)?;
    let next_token =
        page.next.map(|Place { file, offset }| markers.seal(&list, &format!("{file}.{offset}")));
    let events = page.records.into_iter().filter_map(found).collect();
    Ok(text(&LookupEventsResponse { events, next_token })?)
}

fn text(answer: &LookupEventsResponse) -> Result<String, Failure> {
    serde_json::to_string(answer)
        .map_err(|error| crate::fault::Fault::Bug(error.to_string()).into())
}

fn parse_place(text: &str) -> Option<Place> {
    let (file, offset) = text.split_once('.')?;
    Some(Place { file: file.parse().ok()?, offset: offset.parse().ok()? })
}

/// What a request looks for.
struct Wanted {
    attribute: Option<(Attribute, String)>,
    since: i64,
    until: i64,
    most: usize,
}

// CHOICE: AWS documents no texts for these errors; they say what its documentation says.
impl Wanted {
    fn of(request: &LookupEventsRequest) -> Result<Wanted, Problem> {
        let most = request.max_results.unwrap_or(MAX_RESULTS);
        if !(1..=MAX_RESULTS).contains(&most) {
            return Err(Problem::Exception(
                "InvalidMaxResultsException",
                "The maximum number of results must be from 1 to 50.",
            ));
        }
        if request.event_category.as_deref().is_some_and(|category| category != "insight") {
            return Err(Problem::Exception(
                "InvalidEventCategoryException",
                "The event category must be insight, or left out for management events.",
            ));
        }
        let since = request.start_time.map_or(i64::MIN, |time| time.floor() as i64);
        let until = request.end_time.map_or(i64::MAX, |time| time.floor() as i64);
        if since > until {
            return Err(Problem::Exception(
                "InvalidTimeRangeException",
                "The start time is after the end time.",
            ));
        }
        let attribute = attribute(request.lookup_attributes.as_deref().unwrap_or_default())?;
        Ok(Wanted { attribute, since, until, most: usize::try_from(most).unwrap_or(1) })
    }

    /// Which list a token belongs to.
    fn list(&self, account: &str) -> String {
        let attribute = self.attribute.as_ref();
        let attribute = attribute.map(|(attribute, value)| format!("{attribute:?}={value}"));
        let attribute = attribute.unwrap_or_default();
        format!("LookupEvents/{account}/{}/{}/{attribute}", self.since, self.until)
    }
}

fn attribute(attributes: &[LookupAttribute]) -> Result<Option<(Attribute, String)>, Problem> {
    let invalid = |message| Problem::Exception("InvalidLookupAttributesException", message);
    let LookupAttribute { attribute_key, attribute_value } = match attributes {
        [] => return Ok(None),
        [attribute] => attribute,
        _ => return Err(invalid("Only one lookup attribute can be specified.")),
    };
    let length = attribute_value.chars().count();
    if !(1..=ATTRIBUTE_VALUE_LENGTH_MAX).contains(&length) {
        return Err(invalid("The attribute value must have 1 to 2000 characters."));
    }
    let attribute = match attribute_key.as_str() {
        "EventId" => Attribute::EventId,
        "EventName" => Attribute::EventName,
        "ReadOnly" => Attribute::ReadOnly,
        "Username" => Attribute::Username,
        "ResourceType" => Attribute::ResourceType,
        "ResourceName" => Attribute::ResourceName,
        "EventSource" => Attribute::EventSource,
        "AccessKeyId" => Attribute::AccessKeyId,
        _ => return Err(invalid("The attribute key is not valid.")),
    };
    Ok(Some((attribute, attribute_value.clone())))
}

/// A record as the answer has it.
fn found(record: String) -> Option<Event> {
    let facts = Facts::of(record.as_bytes())?;
    let present = |text: &Cow<'_, str>| (!text.is_empty()).then(|| text.to_string());
    let resource = |(kind, name): &(&'static str, Cow<'_, str>)| Resource {
        resource_type: (*kind).to_owned(),
        resource_name: name.to_string(),
    };
    let event = Event {
        event_id: facts.event_id.to_string(),
        event_name: facts.event_name.to_string(),
        read_only: facts.read_only.to_string(),
        access_key_id: present(&facts.access_key_id),
        event_time: facts.time,
        event_source: facts.event_source.to_string(),
        username: present(&facts.user_name),
        resources: facts.resources.iter().map(resource).collect(),
        cloud_trail_event: String::new(),
    };
    drop(facts);
    Some(Event { cloud_trail_event: record, ..event })
}

/// What the audit trail knows of the call.
fn event(
    Admitted { requester, environment }: Admitted,
    body: &[u8],
    request_id: &str,
) -> audit::Event {
    audit::Event {
        actor: Actor::Caller(requester),
        source: "cloudtrail.amazonaws.com",
        name: Cow::Borrowed("LookupEvents"),
        region: Cow::Owned(environment.region.into()),
        source_ip: environment.source_ip,
        user_agent: environment.user_agent,
        parameters: serde_json::from_slice(body).ok().and_then(|request| parameters(&request)),
        request_id: request_id.into(),
        is_read: true,
        guarded: None,
    }
}

fn parameters(request: &LookupEventsRequest) -> Option<Shown> {
    let mut shown = serde_json::Map::new();
    if let Some(attributes) = &request.lookup_attributes {
        let attributes = attributes.iter().map(|attribute| {
            serde_json::json!({
                "attributeKey": attribute.attribute_key,
                "attributeValue": attribute.attribute_value,
            })
        });
        shown.insert("lookupAttributes".to_owned(), attributes.collect());
    }
    let time = |time: f64| Timestamp::from_seconds(time.floor() as i64).to_string().into();
    shown.extend(request.start_time.map(|start| ("startTime".to_owned(), time(start))));
    shown.extend(request.end_time.map(|end| ("endTime".to_owned(), time(end))));
    shown.extend(request.max_results.map(|most| ("maxResults".to_owned(), most.into())));
    Shown::of_json(serde_json::Value::Object(shown).to_string())
}
