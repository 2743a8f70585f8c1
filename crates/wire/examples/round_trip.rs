//! The far side of the round trip test, `tests/round_trip/`: reads and writes what AWS's own client
//! library writes and reads.
//!
//! One task in JSON per line of the standard input, one answer in JSON per line of the standard
//! output. Ends with the input.

use std::io::{BufRead, Write};

use iamd_wire::query::Parameters;
use iamd_wire::sigv4::{Claim, Rejection, RequestParts, Rules, SigningKey};
use iamd_wire::{
    Blob, ErrorCode, OperationInfo, Secret, Service, Timestamp, constraint, json, xml,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

fn main() -> Result<(), Wrong> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let task: Task = serde_json::from_str(&line?)?;
        let answer = task.answer()?;
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

/// A task that is itself wrong; refusals are answers.
type Wrong = Box<dyn std::error::Error>;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Task {
    /// Lists all operations.
    Operations,
    /// Reads a form-encoded body.
    Decode { service: String, body: String },
    /// Renders the output of an operation.
    Encode { service: String, operation: String, output: Value, request_id: String },
    /// Renders an error.
    Error { service: String, code: String, message: Option<String>, request_id: String },
    /// Proves who signed a request.
    Verify(Verify),
}

#[derive(Deserialize)]
struct Verify {
    service: String,
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: Blob,
    secret: Secret,
    now: i64,
}

impl Task {
    fn answer(self) -> Result<Value, Wrong> {
        match self {
            Task::Operations => Ok(operations()),
            Task::Decode { service, body } => decode(find_service(&service)?, &body),
            Task::Encode { service, operation, output, request_id } => {
                let operation = find_operation(find_service(&service)?, &operation)?;
                encode(operation, output, &request_id)
            }
            Task::Error { service, code, message, request_id } => {
                let service = find_service(&service)?;
                let code = ErrorCode::ALL.iter().find(|known| known.code() == code);
                let code = *code.ok_or("no such error code")?;
                let message = message.as_deref();
                Ok(json!({
                    "status": code.status(),
                    "xml": xml::error(service, code, message, &request_id),
                    "json": json::error(code, message, &request_id),
                }))
            }
            Task::Verify(verify) => verify.answer(),
        }
    }
}

fn find_service(name: &str) -> Result<Service, Wrong> {
    let mut services = Service::ALL.iter();
    let service = services.find(|service| service.signing_name() == name);
    Ok(*service.ok_or("no such service")?)
}

fn find_operation(service: Service, name: &str) -> Result<&'static OperationInfo, Wrong> {
    Ok(service.operation(name).ok_or("no such operation")?)
}

fn operations() -> Value {
    let operations = Service::ALL.iter().flat_map(|service| service.operations());
    operations
        .map(|operation| {
            json!({
                "service": operation.service.signing_name(),
                "name": operation.name,
                "has_output": operation.has_output,
                "unsigned": operation.unsigned,
            })
        })
        .collect()
}

/// Reads a request as a door does: parameters, operation, constraints, types.
fn decode(service: Service, body: &str) -> Result<Value, Wrong> {
    let parameters = match Parameters::parse(body.as_bytes()) {
        Ok(parameters) => parameters,
        Err(error) => return Ok(refused(error.code, &error.message)),
    };
    if parameters.version() != Some(service.version()) {
        return Ok(refused(ErrorCode::InvalidAction, "another version"));
    }
    let action = parameters.action().unwrap_or_default();
    let operation = find_operation(service, action)?;
    if let Err(message) = constraint::validate(&parameters, operation) {
        return Ok(refused(ErrorCode::ValidationError, &message));
    }
    let request = match service {
        Service::Iam => iam::decode(operation, &parameters),
        Service::Sts => sts::decode(operation, &parameters),
    }?;
    Ok(json!({ "operation": operation.name, "request": request }))
}

fn refused(code: ErrorCode, message: &str) -> Value {
    json!({ "code": code.code(), "message": message, "status": code.status() })
}

fn decode_as<T: DeserializeOwned + Serialize>(parameters: &Parameters<'_>) -> Result<Value, Wrong> {
    let request: T = parameters.decode()?;
    Ok(serde_json::to_value(request)?)
}

fn encode(operation: &OperationInfo, output: Value, request_id: &str) -> Result<Value, Wrong> {
    let (xml, json) = match operation.service {
        Service::Iam => iam::encode(operation, output, request_id),
        Service::Sts => sts::encode(operation, output, request_id),
    }?;
    Ok(json!({ "xml": xml, "json": json }))
}

fn encode_as<T: DeserializeOwned + Serialize>(
    operation: &OperationInfo,
    output: Value,
    request_id: &str,
) -> Result<(String, String), Wrong> {
    let output: T = serde_json::from_value(output)?;
    let xml = xml::response(operation, &output, request_id)?;
    let json = json::response(operation, &output, request_id)?;
    Ok((xml, json))
}

/// Defines, in a module, the codecs of all operations of a service.
macro_rules! codecs {
    ($service:ident: $($operation:ident => $request:ident, $response:ident;)*) => {
        mod $service {
            use iamd_wire::$service::*;

            use super::*;

            pub(super) fn decode(
                operation: &OperationInfo,
                parameters: &Parameters<'_>,
            ) -> Result<Value, Wrong> {
                match operation.name {
                    $(stringify!($operation) => decode_as::<$request>(parameters),)*
                    _ => Err("an operation without codec".into()),
                }
            }

            pub(super) fn encode(
                operation: &OperationInfo,
                output: Value,
                request_id: &str,
            ) -> Result<(String, String), Wrong> {
                match operation.name {
                    $(stringify!($operation) => {
                        encode_as::<$response>(operation, output, request_id)
                    })*
                    _ => Err("an operation without codec".into()),
                }
            }
        }
    };
}

macro_rules! iam_codecs {
    ($($operations:tt)*) => { codecs!(iam: $($operations)*); };
}

macro_rules! sts_codecs {
    ($($operations:tt)*) => { codecs!(sts: $($operations)*); };
}

iamd_wire::iam_operations!(iam_codecs);
iamd_wire::sts_operations!(sts_codecs);

impl Verify {
    fn answer(&self) -> Result<Value, Wrong> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let headers: Vec<(&str, &[u8])> = headers.collect();
        let request = RequestParts {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &headers,
            body: &self.body.0,
        };
        let rules = Rules::of(find_service(&self.service)?);
        Ok(match self.prove(&request, &rules) {
            Ok(claim) => json!({
                "access_key_id": claim.access_key_id(),
                "region": claim.region(),
                "session_token": claim.session_token(),
                "is_presigned": claim.is_presigned(),
            }),
            Err(rejection) => refused(rejection.code, &rejection.message),
        })
    }

    fn prove<'a>(&self, request: &RequestParts<'a>, rules: &Rules) -> Result<Claim<'a>, Rejection> {
        let claim = Claim::read(request)?;
        let (date, region, service) = (claim.scope_date(), claim.region(), claim.service());
        let key = SigningKey::derive(&self.secret, date, region, service);
        claim.verify(request, &key, rules, Timestamp::from_seconds(self.now))?;
        Ok(claim)
    }
}
