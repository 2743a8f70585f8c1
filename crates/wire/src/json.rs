//! Answers in JSON, for clients that ask for `application/json`: the form of the XML answer, with
//! times as seconds since 1970 and members without value left out.

use serde::Serialize;
use serde::ser::{Error, SerializeMap, Serializer};

use crate::ErrorCode;
use crate::service::OperationInfo;

/// The content type of JSON answers.
pub const CONTENT_TYPE: &str = "application/json";

/// The answer of an operation, rendered straight into one buffer.
///
/// # Errors
/// For a value that JSON cannot carry; a bug.
pub fn response<T: Serialize>(
    operation: &OperationInfo,
    output: &T,
    request_id: &str,
) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    let mut outer = serializer.serialize_map(Some(1))?;
    let content = Content { operation, output, request_id };
    outer.serialize_entry(&format!("{}Response", operation.name), &content)?;
    SerializeMap::end(outer)?;
    String::from_utf8(bytes).map_err(serde_json::Error::custom)
}

/// An error.
pub fn error(code: ErrorCode, message: Option<&str>, request_id: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = String::with_capacity(256);
    text.extend(["{\"Error\":{\"Code\":\"", code.code(), "\","]);
    if let Some(message) = message {
        text.extend(["\"Message\":", &quoted(message), ","]);
    }
    text.extend(["\"Type\":\"", code.fault().as_str(), "\"},\"RequestId\":"]);
    text.extend([&*quoted(request_id), "}"]);
    text
}

struct Content<'a, T> {
    operation: &'a OperationInfo,
    output: &'a T,
    request_id: &'a str,
}

impl<T: Serialize> Serialize for Content<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.operation.has_output {
            map.serialize_entry(&format!("{}Result", self.operation.name), self.output)?;
        }
        map.serialize_entry("ResponseMetadata", &Metadata { request_id: self.request_id })?;
        map.end()
    }
}

#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(rename = "RequestId")]
    request_id: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoOutput, Secret, Service, Timestamp, sts};

    #[test]
    fn an_answer_has_the_form_of_aws() {
        let operation = Service::Sts.operation("GetSessionToken").unwrap();
        let credentials = sts::Credentials {
            access_key_id: "ASIA".to_owned(),
            secret_access_key: Secret::from("s\"".to_owned()),
            session_token: "t".to_owned(),
            expiration: Timestamp::from_seconds(1_769_860_800),
        };
        let output = sts::GetSessionTokenResponse {
            credentials: Some(credentials),
            ..sts::GetSessionTokenResponse::default()
        };
        assert_eq!(
            response(operation, &output, "r").unwrap(),
            r#"{"GetSessionTokenResponse":{"GetSessionTokenResult":{"Credentials":{"AccessKeyId":"ASIA","SecretAccessKey":"s\"","SessionToken":"t","Expiration":1769860800}},"ResponseMetadata":{"RequestId":"r"}}}"#
        );
    }

    #[test]
    fn an_answer_without_output_has_metadata_only() {
        let operation = Service::Iam.operation("DeleteUser").unwrap();
        assert_eq!(
            response(operation, &NoOutput, "r").unwrap(),
            r#"{"DeleteUserResponse":{"ResponseMetadata":{"RequestId":"r"}}}"#
        );
    }

    #[test]
    fn errors_are_escaped() {
        assert_eq!(
            error(ErrorCode::AccessDenied, Some("a\"\n"), "r"),
            r#"{"Error":{"Code":"AccessDenied","Message":"a\"\n","Type":"Sender"},"RequestId":"r"}"#
        );
        assert_eq!(
            error(ErrorCode::InternalFailure, None, "r"),
            r#"{"Error":{"Code":"InternalFailure","Type":"Receiver"},"RequestId":"r"}"#
        );
    }
}
