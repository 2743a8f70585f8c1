//! The one operation of CloudTrail that iamd answers: LookupEvents, in the protocol JSON 1.1.
//!
//! Source: CloudTrail API Reference, "LookupEvents", and the service model of botocore.

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, Timestamp};

/// The value of the header `X-Amz-Target`.
pub const LOOKUP_EVENTS: &str =
    "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

/// The same as older clients send it.
pub const LOOKUP_EVENTS_SHORT: &str = "CloudTrail_20131101.LookupEvents";

/// The name in credential scopes.
pub const SIGNING_NAME: &str = "cloudtrail";

/// The content type of requests and answers.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Most events on a page.
pub const MAX_RESULTS: i32 = 50;

/// Longest value that is looked for, in characters.
pub const ATTRIBUTE_VALUE_LENGTH_MAX: usize = 2_000;

/// A request of LookupEvents.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LookupEventsRequest {
    /// `LookupAttributes`
    pub lookup_attributes: Option<Vec<LookupAttribute>>,
    /// `StartTime`, seconds since 1970.
    pub start_time: Option<f64>,
    /// `EndTime`, seconds since 1970.
    pub end_time: Option<f64>,
    /// `EventCategory`
    pub event_category: Option<String>,
    /// `MaxResults`
    pub max_results: Option<i32>,
    /// `NextToken`
    pub next_token: Option<String>,
}

/// What events are looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LookupAttribute {
    /// `AttributeKey`
    pub attribute_key: String,
    /// `AttributeValue`
    pub attribute_value: String,
}

/// An answer of LookupEvents.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LookupEventsResponse {
    /// `Events`
    pub events: Vec<Event>,
    /// `NextToken`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// An event.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    /// `EventId`
    pub event_id: String,
    /// `EventName`
    pub event_name: String,
    /// `ReadOnly`
    pub read_only: String,
    /// `AccessKeyId`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// `EventTime`
    pub event_time: Timestamp,
    /// `EventSource`
    pub event_source: String,
    /// `Username`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `Resources`
    pub resources: Vec<Resource>,
    /// `CloudTrailEvent`: the record.
    pub cloud_trail_event: String,
}

/// What an event was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Resource {
    /// `ResourceType`
    pub resource_type: String,
    /// `ResourceName`
    pub resource_name: String,
}

/// An error in the form of JSON 1.1.
pub fn error(name: &str, message: &str) -> String {
    serde_json::json!({"__type": name, "message": message}).to_string()
}

/// What services with this protocol call an error.
///
/// Source: CloudTrail API Reference, "Common Errors".
pub fn exception(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::AccessDenied => "AccessDeniedException",
        ErrorCode::ExpiredToken => "ExpiredTokenException",
        ErrorCode::IncompleteSignature => "IncompleteSignatureException",
        ErrorCode::InvalidAction => "UnknownOperationException",
        ErrorCode::InvalidClientTokenId => "UnrecognizedClientException",
        ErrorCode::MissingAuthenticationToken => "MissingAuthenticationTokenException",
        ErrorCode::ServiceUnavailable => "ServiceUnavailableException",
        ErrorCode::SignatureDoesNotMatch => "InvalidSignatureException",
        ErrorCode::Throttling => "ThrottlingException",
        ErrorCode::ValidationError => "ValidationException",
        other => other.code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_and_an_answer_written_as_the_clients_do() {
        let text = r#"{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"CreateUser"}],"StartTime":1769860800.5,"MaxResults":3}"#;
        let request: LookupEventsRequest = serde_json::from_str(text).unwrap();
        assert_eq!((request.start_time, request.max_results), (Some(1_769_860_800.5), Some(3)));
        assert_eq!(request.lookup_attributes.unwrap()[0].attribute_value, "CreateUser");
        assert_eq!(
            serde_json::from_str::<LookupEventsRequest>("{}").unwrap(),
            LookupEventsRequest::default()
        );
        let event = Event { event_time: Timestamp::from_seconds(5), ..Event::default() };
        let answer = LookupEventsResponse { events: vec![event], next_token: None };
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"Events":[{"EventId":"","EventName":"","ReadOnly":"","EventTime":5,"EventSource":"","Resources":[],"CloudTrailEvent":""}]}"#
        );
    }
}
