//! The Query protocol: a body, read as the door reads it, for every operation.

use iamd_wire::query::Parameters;
use iamd_wire::{OperationInfo, Service, constraint};
use serde::de::DeserializeOwned;

pub(crate) fn run(input: &[u8]) {
    let Ok(parameters) = Parameters::parse(input) else { return };
    let action = parameters.action().unwrap_or_default();
    let operation = Service::ALL.iter().find_map(|service| service.operation(action));
    let Some(operation) = operation else { return };
    let valid = constraint::validate(&parameters, operation);
    let decoded = match operation.service {
        Service::Iam => iam::decode(operation, &parameters),
        Service::Sts => sts::decode(operation, &parameters),
    };
    // INVARIANT: what passes the constraints can be decoded.
    assert!(valid.is_err() || decoded.is_ok(), "{action} is valid, but {decoded:?}");
}

fn decode_as<T: DeserializeOwned>(parameters: &Parameters<'_>) -> Result<(), String> {
    parameters.decode::<T>().map(drop).map_err(|error| error.to_string())
}

/// Defines, in a module, the decoder of all operations of a service.
macro_rules! decoders {
    ($service:ident: $($operation:ident => $request:ident, $response:ident;)*) => {
        mod $service {
            use iamd_wire::$service::*;

            use super::*;

            pub(super) fn decode(
                operation: &OperationInfo,
                parameters: &Parameters<'_>,
            ) -> Result<(), String> {
                match operation.name {
                    $(stringify!($operation) => decode_as::<$request>(parameters),)*
                    _ => Err("an operation without decoder".to_owned()),
                }
            }
        }
    };
}

macro_rules! iam_decoders {
    ($($operations:tt)*) => { decoders!(iam: $($operations)*); };
}

macro_rules! sts_decoders {
    ($($operations:tt)*) => { decoders!(sts: $($operations)*); };
}

iamd_wire::iam_operations!(iam_decoders);
iamd_wire::sts_operations!(sts_decoders);
